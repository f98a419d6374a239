"""The blind symbol error ratio of histograms, and the Gaussian noise that they can bear.

IEEE 802.3, 121.8.5.3: every value is held against each threshold whatever symbol was sent, so a
value that noise already carried across a threshold is not counted as an error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.units import FloatArray

BINS = 2048
_FINE = 16
_TAIL_REACH = 6.5
"""Beyond so many sigma a Gaussian leaves 4e-11, nothing against any error ratio of interest."""


_TAIL_SLOPE = 14.0
"""Rise of ln Q(d / s) with ln s, about (d / s)^2 + 2, at the target error ratios of the clauses."""


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Shares of values at evenly spaced places from `start`, `step` apart; they sum to 1."""

    start: float
    step: float
    shares: FloatArray

    @classmethod
    def of_rows(cls, rows: NDArray[np.floating]) -> list[Histogram]:
        """Build a fine histogram of each row, all with the same places.

        Each value is split between its two neighbouring places, to 1/16 of their distance. That
        keeps the mean, and the tail of a single level to second order in the step.
        """
        low, high = float(rows.min()), float(rows.max())
        margin = 0.01 * max(high - low, 1e-6 * abs(high), 1e-300)
        start, step = low - margin, (high - low + 2.0 * margin) / (BINS - 2)
        scale, offset = _FINE / step, 0.5 - start * _FINE / step
        return [cls(start, step, _deposited(row, scale, offset)) for row in rows]

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
    """Build a fine histogram of one or more rows of values, the rows weighted."""
    parts = Histogram.of_rows(np.atleast_2d(values))
    shares = np.full(len(parts), 1.0 / len(parts)) if weights is None else weights
    total = sum(share * part.shares for share, part in zip(shares, parts, strict=True))
    return Histogram(parts[0].start, parts[0].step, np.asarray(total))


def symbol_error_ratio(counted: Histogram, thresholds: FloatArray, noise: float) -> float:
    """Compute the blind symbol error ratio with Gaussian noise of the given rms at the slicer."""
    return Distances.of(counted, thresholds, _TAIL_REACH * noise).error_ratio(noise)


@dataclass(frozen=True, slots=True, eq=False)
class Distances:
    """Shares of values by their distance to a threshold; a value counts for each one within reach."""

    reach: float
    distances: FloatArray
    shares: FloatArray

    @classmethod
    def of(cls, counted: Histogram, thresholds: FloatArray, reach: float) -> Distances:
        """Gather what lies within the reach of any threshold."""
        near = [counted.within(threshold - reach, threshold + reach) for threshold in thresholds.tolist()]
        places = counted.places
        distances = [
            np.abs(places[part] - threshold)
            for part, threshold in zip(near, thresholds.tolist(), strict=True)
        ]
        return cls(reach, np.concatenate(distances), np.concatenate([counted.shares[part] for part in near]))

    def error_ratio(self, noise: float) -> float:
        """Sum Q(distance / noise); noise must not reach farther than what was gathered."""
        from scipy.special import ndtr

        return float(self.shares @ ndtr(self.distances * (-1.0 / noise)))


def bearable_noise(
    histograms: tuple[Histogram, ...],
    thresholds: FloatArray,
    target_ser: float,
    *,
    guess: float | None = None,
) -> float | None:
    """Find the largest Gaussian noise at the slicer that keeps the worst histogram within the target.

    None when not even noise of a few histogram steps is bearable: the eye is closed. A good guess
    saves time.
    """
    step = max(h.step for h in histograms)
    start = max(BINS * step / 64.0 if guess is None else guess, 3.0 * step)
    gathered = [Distances.of(h, thresholds, 1.2 * _TAIL_REACH * start) for h in histograms]

    def worst(noise: float) -> float:
        if noise <= 1.2 * start:
            return max(near.error_ratio(noise) for near in gathered)
        return max(symbol_error_ratio(h, thresholds, noise) for h in histograms)

    return largest_noise(worst, target_ser, least=3.0 * step, guess=start)


def largest_noise(
    error_ratio: Callable[[float], float], target_ser: float, *, least: float, guess: float
) -> float | None:
    """Find the noise at which an error ratio, that rises with it, meets the target.

    None when even the least noise is too much.
    """
    bottom = float(np.log(least))

    def excess(log_noise: float) -> float:
        return float(np.log(max(error_ratio(float(np.exp(log_noise))), 1e-300) / target_ser))

    root = _secant(excess, max(float(np.log(guess)), bottom), bottom)
    if root is None:
        root = _bracketed(excess, max(float(np.log(guess)), bottom), bottom)
    return None if root is None else float(np.exp(root))


def _secant(excess: Callable[[float], float], start: float, bottom: float) -> float | None:
    """Follow the slope of the logarithms, which a Gaussian tail makes nearly straight. None if that fails."""
    here, value = start, excess(start)
    slope = _TAIL_SLOPE
    for _ in range(8):
        there = here - float(np.clip(value / slope, -0.5, 0.5))
        if there < bottom:
            return None
        if abs(there - here) < 1e-6:
            return there
        before, here, value = value, there, excess(there)
        step = -before / slope if abs(before / slope) < 0.5 else -0.5 * float(np.sign(before))
        slope = (value - before) / step
        if not slope > 0.5:
            return None
        if abs(value) < 1e-5 * slope:
            return here
    return None


def _bracketed(excess: Callable[[float], float], start: float, bottom: float) -> float | None:
    """Bracket the root in growing steps and close in on it. None when it lies below the bottom."""
    from scipy.optimize import brentq

    low = high = start
    step = 0.05
    while excess(high) < 0.0:
        low, high, step = high, high + step, 2.0 * step
    while excess(low) > 0.0:
        if low <= bottom:
            return None
        high, low, step = low, max(low - step, bottom), 2.0 * step
    return float(brentq(excess, low, high, xtol=1e-6)) if low < high else low


def pam4_margin(target_ser: float) -> float:
    """Get Qt, the distance from level to threshold in rms noise at which ideal PAM4 makes the target SER.

    Four equiprobable levels have six inner sides: SER = 1.5 Q(Qt); 3.414 at 4.8e-4.
    """
    from scipy.special import ndtri

    return float(-ndtri(target_ser / 1.5))


def _deposited(values: NDArray[np.floating], scale: float, offset: float) -> FloatArray:
    """Count values in fine bins, and split those between places; the shares sum to 1."""
    places = values * values.dtype.type(scale)
    places += values.dtype.type(offset)
    fine = np.bincount(places.reshape(-1).astype(np.intp), minlength=BINS * _FINE)
    rows = fine.reshape(BINS, _FINE)
    upper = rows @ (np.arange(_FINE) / _FINE)
    shares = rows.sum(axis=1) - upper
    shares[1:] += upper[:-1]
    return np.asarray(shares / values.size, dtype=np.float64)
