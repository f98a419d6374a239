"""When each edge of a two-level record crosses a power, read between its samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.capture import CaptureError
from measurements.nrz.folding import NrzEye
from measurements.quantity import Cause, NotMeasurable
from measurements.units import FloatArray

MISSED_SHARE = 1e-3
"""Edges that may fail to cross, as wrong bits do, before the eye counts as closed."""

_POINTS = np.arange(-2, 4)
"""Samples around an edge that a polynomial is laid through; it crosses between 0 and 1."""

_TO_COEFFICIENTS = np.linalg.inv(np.vander(_POINTS.astype(np.float64), increasing=True))
_NEWTON_STEPS = 6


@dataclass(frozen=True, slots=True, eq=False)
class Crossings:
    """Lateness of every edge of a record against an even clock, in unit intervals; their mean is 0.

    `edge` numbers the edges of the pattern (a column of repetitions), `rising` tells which way each
    goes. `missed` edges did not cross once between the centres of their bits. `offset_ui` is by how
    much the mean crossing stands after the eye's own.
    """

    late_ui: FloatArray
    edge: NDArray[np.intp]
    rising: NDArray[np.bool_]
    threshold_mw: float
    offset_ui: float
    missed: int
    periods: int

    @property
    def rms_ui(self) -> float:
        """Get the rms lateness: jitter of all kinds together."""
        return float(np.sqrt(np.mean(self.late_ui**2)))

    @property
    def rms_error_ui(self) -> float:
        """Get the standard error of the rms, by the fourth moment, as if all edges were independent."""
        fourth, second = float(np.mean(self.late_ui**4)), float(np.mean(self.late_ui**2))
        if second == 0.0:
            return 0.0
        return math.sqrt(max(0.0, fourth - second**2) / self.late_ui.size / second) / 2.0


def find_crossings(eye: NrzEye, *, threshold_mw: float | None = None) -> Crossings | NotMeasurable:
    """Time every edge of the record where it crosses a power, the average unless given.

    A receiver that is coupled by AC decides at the average (IEEE 802.3, 86.8.3.3 [M]). Between
    samples a polynomial through six is solved; it errs by less than 0.0003 UI from 8 samples a
    symbol on, behind the reference receiver. When noise makes an edge cross back and forth, the
    middle crossing counts: it favours neither side. The samples of a period must follow each other
    in time. Those of a sampling scope jitter one by one: interpolation would average them, and read
    random jitter up to a third low; `find_sampled_crossings` is for them. Averaged records hold no
    random jitter. An eye of which more than 1 in 1000 edges does not cross is NotMeasurable. Raise
    CaptureError for a threshold that is no number.
    """
    threshold = checked_threshold(eye, threshold_mw)
    _, places, rising = places_of_edges(eye)
    before, crosses = _samples_before(eye, places, rising, threshold)
    reason = not_crossing(crosses, threshold)
    if reason is not None:
        return reason
    late = np.full(places.size, np.nan)
    late[crosses] = _instants(eye, before[crosses], threshold) - eye.crossing_ui - places[crosses]
    return gathered(eye, late, crosses, rising, threshold)


def checked_threshold(eye: NrzEye, threshold_mw: float | None) -> float:
    """Get the threshold, the average power unless given. Raise CaptureError when it is no number."""
    threshold = eye.locked.signal.mean if threshold_mw is None else threshold_mw
    if not math.isfinite(threshold):
        raise CaptureError(f"{threshold} mW", where="threshold", remedy="give a power between the levels")
    return threshold


def places_of_edges(eye: NrzEye) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """Find the edges of a period, all edges of the record (by the symbol they begin), and which rise."""
    edges = np.flatnonzero(eye.symbols != np.roll(eye.symbols, 1))
    places = edges + eye.symbols.size * np.arange(eye.periods)[:, None]
    return edges, places.ravel(), np.tile(eye.symbols[edges] == 1, eye.periods)


def not_crossing(crosses: NDArray[np.bool_], threshold: float) -> NotMeasurable | None:
    """Tell an eye that is closed, by the edges that do not cross; None for one that is open."""
    missed = int(crosses.size - np.count_nonzero(crosses))
    if missed <= MISSED_SHARE * crosses.size:
        return None
    evidence = {"edges": crosses.size, "missed": missed, "threshold_mw": threshold}
    reason = f"the eye is closed: {missed:,} of {crosses.size:,} edges do not cross {threshold:.4g} mW"
    return NotMeasurable(reason, Cause.EYE_CLOSED, evidence)


def gathered(
    eye: NrzEye,
    late: FloatArray,
    crosses: NDArray[np.bool_],
    rising: NDArray[np.bool_],
    threshold: float,
) -> Crossings:
    """Hand on the lateness of those edges of the record that cross, their mean taken off."""
    offset = float(late[crosses].mean())
    late_ui = late[crosses] - offset
    late_ui.setflags(write=False)
    edges = late.size // eye.periods
    return Crossings(
        late_ui=late_ui,
        edge=np.tile(np.arange(edges), eye.periods)[crosses],
        rising=rising[crosses],
        threshold_mw=threshold,
        offset_ui=offset,
        missed=int(late.size - late_ui.size),
        periods=eye.periods,
    )


def _samples_before(
    eye: NrzEye, places: NDArray[np.intp], rising: NDArray[np.bool_], threshold: float
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Find the last sample before the middle crossing of each edge, and whether there is one."""
    power_mw, per_symbol = eye.waveform.power_mw, eye.samples_per_symbol
    first = np.ceil((eye.crossing_ui + places - 0.5) * per_symbol).astype(np.intp)
    columns = np.arange(math.ceil(per_symbol) + 1)
    turned = (power_mw[(first[:, None] + columns) % power_mw.size] > threshold) == rising[:, None]
    changes = np.cumsum(turned[:, 1:] != turned[:, :-1], axis=1)
    middle = np.argmax(changes == (changes[:, -1:] + 1) // 2, axis=1)
    return first + middle, ~turned[:, 0] & turned[:, -1]


def _instants(eye: NrzEye, before: NDArray[np.intp], threshold: float) -> FloatArray:
    """Solve the polynomial through six samples for where it meets the threshold, in unit intervals."""
    power_mw = eye.waveform.power_mw
    around = power_mw[(before[:, None] + _POINTS) % power_mw.size].astype(np.float64) - threshold
    coefficients = around @ _TO_COEFFICIENTS.T
    low, high = np.zeros(before.size), np.ones(before.size)
    ends = around[:, 2], around[:, 3]
    share = ends[0] / (ends[0] - ends[1])
    for _ in range(_NEWTON_STEPS):
        value, slope = _polynomial(coefficients, share)
        beyond = np.sign(value) == np.sign(ends[1])
        high, low = np.where(beyond, share, high), np.where(beyond, low, share)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = share - value / slope
        # Newton's step where it stays between the ends, halving where it does not.
        share = np.where((step >= low) & (step <= high), step, 0.5 * (low + high))
    return np.asarray((before + share) / eye.samples_per_symbol, dtype=np.float64)


def _polynomial(coefficients: FloatArray, at: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Get values and slopes of polynomials, one a row, lowest power first (Horner)."""
    value, slope = np.zeros_like(at), np.zeros_like(at)
    for column in coefficients.T[::-1]:
        slope = slope * at + value
        value = value * at + column
    return value, slope
