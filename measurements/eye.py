"""Eye diagrams as densities: counts over time and power, to be painted by others."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from measurements.capture import CaptureError
from measurements.units import FloatArray

_BLOCK = 1 << 17
"""Samples worked on at a time: their few arrays stay in the processor's cache."""

_LONGEST_TURN = 1 << 14
"""Samples after which a whole number of turns may be over, for their columns to be laid down once."""

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class EyeDensity:
    """Counts by power (rows, lowest first) and time (columns).

    The edges bound the bins: one more than rows or columns. Samples beyond the power range are
    counted in `outside`, never in the outer rows.
    """

    counts: Counts
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

    `power_mw` is one-dimensional, in milliwatt, evenly sampled from time 0 on. `start_ui` is the
    time in the record that the left edge shows, so the eye is put in the middle by starting
    `span_ui / 2` before a symbol's centre. The default power range leaves 10 % of the swing on
    both sides. The counts are those of `numpy.histogram2d` over the same edges: a bin holds its
    lower edge, the last one its upper edge too. Raise CaptureError for what is no record, not
    finite, or no range.
    """
    _check(power_mw, samples_per_symbol, columns, rows, span_ui, start_ui)
    low, high = _power_range(power_mw) if power_range_mw is None else power_range_mw
    if not (np.isfinite([low, high]).all() and high > low):
        raise CaptureError(
            f"power from {low} to {high} mW", where="eye", remedy="give a finite range, lowest first"
        )
    time = _Axis.of(0.0, span_ui, columns)
    power = _Axis.of(low, high, rows)
    counts = np.zeros(rows * columns, dtype=np.int64)
    block = max(_BLOCK, 2 * counts.size)
    turn = _Turn(samples_per_symbol, span_ui, start_ui, time, block)
    for begin in range(0, power_mw.size, turn.block):
        taken = power_mw[begin : begin + turn.block].astype(np.float64)
        row, beyond = power.bins(taken)
        row *= columns
        row += turn.columns(begin, taken.size)
        counts += np.bincount(row if beyond is None else row[~beyond], minlength=counts.size)
    counts.setflags(write=False)
    return EyeDensity(
        counts=counts.reshape(rows, columns),
        time_edges_ui=time.edges,
        power_edges_mw=power.edges,
        outside=int(power_mw.size - counts.sum()),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Axis:
    """Even bins; `doubt` is how near to an edge, in bins, rounding may have decided wrongly."""

    edges: FloatArray
    scale: float
    doubt: float

    @classmethod
    def of(cls, low: float, high: float, bins: int) -> _Axis:
        step = (high - low) / bins
        doubt = 1e-9 + 64.0 * np.finfo(np.float64).eps * max(abs(low), abs(high)) / step
        return cls(np.linspace(low, high, bins + 1), 1.0 / step, float(doubt))

    def bins(self, values: FloatArray) -> tuple[NDArray[np.intp], NDArray[np.bool_] | None]:
        """Find the bin of each value, and which values lie beyond all bins; None when none does.

        A multiplication finds the bin; only values within rounding of an edge are looked up.
        """
        last = self.edges.size - 2
        places = values - self.edges[0]
        places *= self.scale
        found = places.astype(np.intp)
        places -= found
        inside = found.min() >= 0 and found.max() <= last
        if inside and places.min() > self.doubt and places.max() < 1.0 - self.doubt:
            return found, None
        doubtful = np.flatnonzero(
            (places <= self.doubt) | (places >= 1.0 - self.doubt) | (found > last) | (found < 0)
        )
        looked_up = np.searchsorted(self.edges, values[doubtful], side="right") - 1
        looked_up[values[doubtful] == self.edges[-1]] = last
        found[doubtful] = looked_up
        beyond = (found < 0) | (found > last)
        return found, beyond if beyond.any() else None


class _Turn:
    """The columns of samples: laid down once where some samples are a whole number of turns."""

    def __init__(
        self, samples_per_symbol: float, span_ui: float, start_ui: float, axis: _Axis, block: int
    ) -> None:
        self._samples_per_symbol, self._span_ui, self._start_ui = samples_per_symbol, span_ui, start_ui
        self._axis = axis
        whole = Fraction(samples_per_symbol * span_ui).limit_denominator(_LONGEST_TURN)
        repeats = float(whole) == samples_per_symbol * span_ui and 0 < whole.numerator <= _LONGEST_TURN
        repeats = repeats and (self._exact() or not self._near_an_edge(whole.numerator))
        self.block = -(-block // whole.numerator) * whole.numerator if repeats else block
        self._laid: NDArray[np.intp] | None = None
        if repeats:
            self._laid = np.tile(self._found(0, whole.numerator), self.block // whole.numerator)

    def _exact(self) -> bool:
        """Tell whether times are exact in binary, so that each turn is rounded like the first."""
        figures = (1.0 / self._samples_per_symbol, self._span_ui, self._start_ui)
        return all((figure * 2**20).is_integer() for figure in figures)

    def _near_an_edge(self, count: int) -> bool:
        """Tell whether rounding may put a sample of one turn into another column than that of the next."""
        places = self._times(np.arange(count)) * self._axis.scale
        return bool((np.abs(places - np.round(places)) < 1e-6).any())

    def columns(self, begin: int, count: int) -> NDArray[np.intp]:
        """Get the columns of some samples; `begin` is a multiple of the block."""
        return self._found(begin, count) if self._laid is None else self._laid[:count]

    def _found(self, begin: int, count: int) -> NDArray[np.intp]:
        """Find the columns of samples by multiplication; only those next to an edge are folded exactly."""
        size = self._axis.edges.size - 1
        places = np.arange(begin, begin + count, dtype=np.float64)
        places *= 1.0 / (self._samples_per_symbol * self._span_ui)
        places -= self._start_ui / self._span_ui
        places -= np.floor(places)
        places *= size
        found = places.astype(np.intp)
        places -= found
        turns = (begin + count) / (self._samples_per_symbol * self._span_ui) + abs(
            self._start_ui / self._span_ui
        )
        doubt = 1e-9 + 64.0 * np.finfo(np.float64).eps * turns * size
        doubtful = np.flatnonzero((places < doubt) | (places > 1.0 - doubt))
        if doubtful.size:
            found[doubtful] = self._axis.bins(self._times(begin + doubtful))[0]
        return found

    def _times(self, samples: NDArray[np.intp]) -> FloatArray:
        """Fold the times of samples into one turn."""
        times = samples / self._samples_per_symbol
        times -= self._start_ui
        return np.remainder(times, self._span_ui, out=times)


def _check(
    power_mw: NDArray[np.floating],
    samples_per_symbol: float,
    columns: int,
    rows: int,
    span_ui: float,
    start_ui: float,
) -> None:
    figures = (samples_per_symbol, span_ui, start_ui)
    if power_mw.ndim != 1 or power_mw.size == 0 or not np.issubdtype(power_mw.dtype, np.floating):
        raise CaptureError(
            f"an array of shape {power_mw.shape} of {power_mw.dtype}",
            where="eye",
            remedy="give one dimension of float32 or float64 in milliwatt",
        )
    if columns < 1 or rows < 1 or not np.isfinite(figures).all() or span_ui <= 0 or samples_per_symbol <= 0:
        raise CaptureError(
            f"{samples_per_symbol} samples per symbol from {start_ui} UI into {columns} x {rows} bins over"
            f" {span_ui} UI",
            where="eye",
            remedy="give finite numbers, and at least one bin each way",
        )
    bad = power_mw.size - int(np.count_nonzero(np.isfinite(power_mw)))
    if bad:
        raise CaptureError(
            f"{bad} samples are not finite", where="eye", remedy="the scope marks holes so: capture again"
        )


def _power_range(power_mw: NDArray[np.floating]) -> tuple[float, float]:
    low, high = float(power_mw.min()), float(power_mw.max())
    margin = 0.1 * (high - low) if high > low else max(abs(high), 1e-6)
    return low - margin, high + margin
