"""Feed-forward equalisers spaced by one symbol: applying them, their noise, and their MMSE start.

Tap i of an equaliser with main tap m multiplies the waveform (m - i) symbols after the decision:
taps before the main one cancel precursors, taps after it postcursors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from measurements.periodic import bessel_thomson
from measurements.units import FloatArray

Real = TypeVar("Real", np.float32, np.float64)
Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Second-order statistics of one sample a symbol against the wanted values, averages taken off.

    `auto[l]` is the mean of x(i) x(i+l), `cross[l + taps - 1]` that of wanted(i) x(i+l).
    """

    auto: FloatArray
    cross: FloatArray

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.auto + other.auto, self.cross + other.cross)

    def halved(self) -> Moments:
        """Divide by two, as the mean of a sum of two."""
        return Moments(0.5 * self.auto, 0.5 * self.cross)


def noise_correlation(taps: int, *, bandwidth: float = 0.5) -> FloatArray:
    """Compute the correlation of white noise behind the Bessel-Thomson filter at 0, 1, ... symbols."""
    frequency = np.linspace(0.0, 16.0 * bandwidth, 8193)
    density = np.abs(bessel_thomson(frequency, bandwidth)) ** 2
    density[0] *= 0.5  # trapezoid
    lags = np.arange(taps, dtype=np.float64)
    correlation = np.cos(2.0 * np.pi * lags[:, None] * frequency) @ density / density.sum()
    return np.asarray(correlation, dtype=np.float64)


def toeplitz(first: FloatArray) -> FloatArray:
    """Build the symmetric matrix whose element (i, j) is first[|i - j|]."""
    index = np.arange(first.size)
    return np.asarray(np.take(first, np.abs(index[:, None] - index)), dtype=np.float64)


def noise_enhancement(taps: FloatArray, *, bandwidth: float = 0.5) -> float:
    """Compute Ceq, the rms gain of an equaliser for noise behind the reference filter.

    IEEE 802.3, 121.8.5.3. Stands on white noise in front of the filter; below 1 the equaliser
    takes noise away.
    """
    covariance = toeplitz(noise_correlation(taps.size, bandwidth=bandwidth))
    return float(np.sqrt(taps @ covariance @ taps))


def wrapped(values: NDArray[Real], taps: int) -> NDArray[Real]:
    """Prolong each row of one period at both ends by what the pattern's repetition puts there."""
    return np.concatenate([values[..., 1 - taps :], values, values[..., : taps - 1]], axis=-1)


def shifted(prolonged: NDArray[Real], taps: int, ahead: int) -> NDArray[Real]:
    """Look `ahead` symbols into a period prolonged by `wrapped`; a view."""
    period = prolonged.shape[-1] - 2 * (taps - 1)
    start = taps - 1 + ahead
    return prolonged[..., start : start + period]


def equalise(values: NDArray[Real], taps: FloatArray, main_tap: int) -> NDArray[Real]:
    """Apply an equaliser to rows of one sample a symbol of a repeating pattern, in their precision."""
    prolonged = wrapped(values, taps.size) if taps.size > 1 else values
    total = np.zeros_like(values)
    for i, tap in enumerate(taps.astype(values.dtype)):
        total += tap * shifted(prolonged, taps.size, main_tap - i)
    return total


def moments(values: FloatArray, wanted: FloatArray, taps: int) -> Moments:
    """Gather the statistics that MMSE equalisers of up to `taps` taps need."""
    centred = values - values.mean()
    prolonged = wrapped(centred, taps) if taps > 1 else centred
    lags = range(1 - taps, taps)
    auto = [centred @ shifted(prolonged, taps, lag) for lag in range(taps)]
    cross = [wanted @ shifted(prolonged, taps, lag) for lag in lags]
    return Moments(np.array(auto) / values.size, np.array(cross) / values.size)


def mmse_taps(gathered: Moments, main_tap: int, noise_covariance: FloatArray) -> tuple[FloatArray, float]:
    """Solve for the taps, summing to 1, of least mean square error and noise; give its cost too.

    `noise_covariance` is that of the noise in front of the equaliser at the taps. The cost leaves
    out the power of the wanted values, the same for all.
    """
    size = gathered.auto.size
    normal = toeplitz(gathered.auto) + noise_covariance
    wanted = gathered.cross[size - 1 + main_tap - np.arange(size)]
    both = np.linalg.solve(normal, np.stack([wanted, np.ones(size)], axis=1))
    free, pull = both[:, 0], both[:, 1]
    taps = free + pull * (1.0 - free.sum()) / pull.sum()
    return taps, float(taps @ normal @ taps - 2.0 * wanted @ taps)
