"""Feed-forward equalisers spaced by one symbol: applying them, and what they do to noise.

Tap i of an equaliser with main tap m multiplies the waveform (m - i) symbols after the decision:
taps before the main one cancel precursors, taps after it postcursors.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from measurements.periodic import bessel_thomson
from measurements.units import FloatArray

Real = TypeVar("Real", np.float32, np.float64)


def noise_correlation(taps: int, *, bandwidth: float = 0.5) -> FloatArray:
    """Compute the correlation of white noise behind the Bessel-Thomson filter at 0, 1, ... symbols."""
    return noise_correlation_at(np.arange(taps, dtype=np.float64), bandwidth=bandwidth)


def noise_correlation_at(lags_ui: FloatArray, *, bandwidth: float = 0.5) -> FloatArray:
    """Compute the correlation of white noise behind the Bessel-Thomson filter at any lags."""
    frequency = np.linspace(0.0, 16.0 * bandwidth, 1025)
    density = np.abs(bessel_thomson(frequency, bandwidth)) ** 2
    density[0] *= 0.5  # trapezoid
    correlation = np.cos(2.0 * np.pi * lags_ui[..., None] * frequency) @ density / density.sum()
    return np.asarray(correlation, dtype=np.float64)


def toeplitz(first: FloatArray) -> FloatArray:
    """Build the symmetric matrix whose element (i, j) is first[|i - j|]; of each row of a stack."""
    index = np.arange(first.shape[-1])
    return np.asarray(first[..., np.abs(index[:, None] - index)], dtype=np.float64)


def noise_enhancement(taps: FloatArray, *, bandwidth: float = 0.5) -> float:
    """Compute Ceq, the rms gain of an equaliser for noise behind the reference filter.

    IEEE 802.3, 121.8.5.3. Stands on white noise in front of the filter; below 1 the equaliser
    takes noise away.
    """
    covariance = toeplitz(noise_correlation(taps.size, bandwidth=bandwidth))
    return float(np.sqrt(taps @ covariance @ taps))


def equalise(prolonged: NDArray[Real], taps: FloatArray, main_tap: int) -> NDArray[Real]:
    """Apply an equaliser to rows of one sample a symbol, which reach taps - 1 symbols beyond at both ends."""
    lead, count = taps.size - 1, prolonged.shape[-1] - 2 * (taps.size - 1)
    begin = lead + main_tap
    total = prolonged[..., begin : begin + count] * taps.astype(prolonged.dtype)[0]
    for i, tap in enumerate(taps.astype(prolonged.dtype)[1:], start=1):
        total += tap * prolonged[..., begin - i : begin - i + count]
    return np.asarray(total)
