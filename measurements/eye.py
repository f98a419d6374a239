"""Eye diagrams as densities: counts over time and power, to be painted by others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.capture import CaptureError
from measurements.units import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class EyeDensity:
    """Counts by power (rows, lowest first) and time (columns).

    The edges bound the bins: one more than rows or columns. Samples beyond the power range are
    counted in `outside`, never in the outer rows.
    """

    counts: NDArray[np.int64]
    time_edges_ui: FloatArray
    power_edges_mw: FloatArray
    outside: int


def eye_density(
    power_mw: NDArray[np.floating],
    *,
    samples_per_symbol: float,
    columns: int = 256,
    rows: int = 192,
    span_ui: float = 2.0,
    start_ui: float = 0.0,
    power_range_mw: tuple[float, float] | None = None,
) -> EyeDensity:
    """Fold samples into an eye of `span_ui` unit intervals and count them.

    `start_ui` is the time in the record that the left edge shows, so the eye is put in the middle
    by starting `span_ui / 2` before a symbol's centre. The default power range leaves 10 % of the
    swing on both sides.
    """
    if power_mw.size == 0 or columns < 1 or rows < 1 or span_ui <= 0 or samples_per_symbol <= 0:
        raise CaptureError(
            f"{power_mw.size} samples into {columns} x {rows} bins over {span_ui} UI",
            where="eye",
            remedy="give samples, and at least one bin each way",
        )
    low, high = _power_range(power_mw) if power_range_mw is None else power_range_mw
    if not (np.isfinite([low, high]).all() and high > low):
        raise CaptureError(
            f"power from {low} to {high} mW", where="eye", remedy="give a finite range, lowest first"
        )
    column = _columns(power_mw.size, samples_per_symbol, columns, span_ui, start_ui)
    row = np.floor((power_mw - low) * (rows / (high - low)))
    inside = (row >= 0) & (row < rows)
    flat = row[inside].astype(np.int64) * columns + column[inside]
    counts = np.bincount(flat, minlength=rows * columns).reshape(rows, columns)
    counts.setflags(write=False)
    return EyeDensity(
        counts=counts,
        time_edges_ui=np.linspace(0.0, span_ui, columns + 1),
        power_edges_mw=np.linspace(low, high, rows + 1),
        outside=int(power_mw.size - np.count_nonzero(inside)),
    )


def _columns(
    samples: int, samples_per_symbol: float, columns: int, span_ui: float, start_ui: float
) -> NDArray[np.int64]:
    turns = (np.arange(samples) / samples_per_symbol - start_ui) / span_ui
    turns -= np.floor(turns)
    # A sample exactly on the seam may round to 1.0: it belongs to the first column's left edge.
    return (turns * columns).astype(np.int64) % columns


def _power_range(power_mw: NDArray[np.floating]) -> tuple[float, float]:
    low, high = float(power_mw.min()), float(power_mw.max())
    margin = 0.1 * (high - low) if high > low else max(abs(high), 1e-6)
    return low - margin, high + margin
