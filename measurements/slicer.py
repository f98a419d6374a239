"""The blind symbol error ratio of histograms, and the Gaussian noise that they can bear.

IEEE 802.3, 121.8.5.3: every value is held against each threshold whatever symbol was sent, so a
value that noise already carried across a threshold is not counted as an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from measurements.units import FloatArray

BINS = 8192
_TAIL_REACH = 9.0
"""Beyond so many sigma a Gaussian leaves 1e-19, nothing against any error ratio of interest."""


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Shares of values at evenly spaced places from `start`, `step` apart; they sum to 1."""

    start: float
    step: float
    shares: FloatArray

    @property
    def places(self) -> FloatArray:
        """Get the values that the bins stand for."""
        return self.start + self.step * np.arange(self.shares.size, dtype=np.float64)

    def within(self, low: float, high: float) -> slice:
        """Get the bins between two values, and up to one more at each end."""
        first = min(max(0.0, (low - self.start) / self.step), self.shares.size)
        last = min(max(0.0, (high - self.start) / self.step + 1.0), self.shares.size)
        return slice(int(first), int(last))


def histogram(values: NDArray[np.floating], weights: FloatArray | None = None) -> Histogram:
    """Build a fine histogram of one or more rows of values, the rows weighted.

    Each value is split between its two neighbouring places, which keeps the mean exactly and
    the tail of a single level to second order in the step.
    """
    rows = np.atleast_2d(values)
    low, high = float(rows.min()), float(rows.max())
    margin = 0.01 * max(high - low, 1e-6 * abs(high), 1e-300)
    start, step = low - margin, (high - low + 2.0 * margin) / (BINS - 2)
    row_weights = np.full(len(rows), 1.0 / len(rows)) if weights is None else weights
    shares = np.zeros(BINS)
    for row, weight in zip(rows, row_weights, strict=True):
        shares += weight * _deposit((row - start) / step) / row.size
    return Histogram(start, step, shares)


def symbol_error_ratio(counted: Histogram, thresholds: FloatArray, noise: float) -> float:
    """Compute the blind symbol error ratio with Gaussian noise of the given rms at the slicer."""
    total = 0.0
    for threshold in thresholds.tolist():
        near = counted.within(threshold - _TAIL_REACH * noise, threshold + _TAIL_REACH * noise)
        tail = tail_probability(counted.places[near], np.array([threshold]), noise)
        total += float(counted.shares[near] @ tail)
    return total


def tail_probability(values: FloatArray, thresholds: FloatArray, noise: float) -> FloatArray:
    """Sum Q(|value - threshold| / noise) over the thresholds, for each value."""
    from scipy.special import erfc

    distance = np.abs(values[None, :] - thresholds[:, None])
    total: FloatArray = 0.5 * erfc(distance / (noise * np.sqrt(2.0))).sum(axis=0)
    return total


def bearable_noise(
    histograms: tuple[Histogram, ...],
    thresholds: FloatArray,
    target_ser: float,
    *,
    guess: float | None = None,
) -> float | None:
    """Find the largest Gaussian noise at the slicer that keeps the worst histogram within the target.

    None when not even noise of a few histogram steps is bearable: the eye is closed. A good guess
    halves the time.
    """
    from scipy.optimize import brentq

    @cache  # the root finder asks again at both ends of the bracket
    def excess(log_noise: float) -> float:
        noise = float(np.exp(log_noise))
        worst = max(symbol_error_ratio(h, thresholds, noise) for h in histograms)
        return float(np.log(max(worst, 1e-300) / target_ser))

    step = max(h.step for h in histograms)
    low, high = float(np.log(3.0 * step)), float(np.log(BINS * step))
    if guess is not None and 3.0 * step < 0.9 * guess:
        near, far = float(np.log(0.9 * guess)), float(np.log(1.1 * guess))
        if excess(near) < 0 < excess(far):
            low, high = near, far
    if excess(low) > 0:
        return None
    return float(np.exp(brentq(excess, low, high, xtol=1e-6)))


def pam4_margin(target_ser: float) -> float:
    """Get Qt, the distance from level to threshold in rms noise at which ideal PAM4 makes the target SER.

    Four equiprobable levels have six inner sides: SER = 1.5 Q(Qt); 3.414 at 4.8e-4.
    """
    from scipy.special import ndtri

    return float(-ndtri(target_ser / 1.5))


def _deposit(places: NDArray[np.floating]) -> FloatArray:
    below: NDArray[np.intp] = places.astype(np.intp)
    upper = places - below
    whole = np.bincount(below, minlength=BINS).astype(np.float64)
    moved = np.bincount(below, weights=upper, minlength=BINS)
    whole -= moved
    whole[1:] += moved[:-1]
    return whole
