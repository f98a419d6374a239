"""Frequency responses, each a complex array over frequencies in GHz."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Frequencies = NDArray[np.float64]
Response = NDArray[np.complex128]

# The 4th-order Bessel-Thomson response H(p) = 105 / (p^4 + 10 p^3 + 45 p^2 + 105 p + 105) has fallen by
# 3 dB at p = 2.1139j, and passes as much white noise as a rectangle 1.0464 times as wide.
_BESSEL_CUTOFF = 2.113917674904
BESSEL_NOISE_BANDWIDTH = 1.046369


def bessel_thomson(frequency_ghz: Frequencies, bandwidth_ghz: float) -> Response:
    """Give the response of a 4th-order Bessel-Thomson low-pass with this 3 dB bandwidth."""
    x = frequency_ghz * (_BESSEL_CUTOFF / bandwidth_ghz)
    x2 = x * x
    denominator = np.empty(x.shape, dtype=np.complex128)
    denominator.real = (x2 - 45.0) * x2 + 105.0
    denominator.imag = x * (105.0 - 10.0 * x2)
    return np.asarray(105.0 / denominator, dtype=np.complex128)


def one_pole(frequency_ghz: Frequencies, bandwidth_ghz: float) -> Response:
    """Give the response of a single pole."""
    return np.asarray(1.0 / (1.0 + 1j * (frequency_ghz / bandwidth_ghz)), dtype=np.complex128)


def one_zero(frequency_ghz: Frequencies, corner_ghz: float) -> Response:
    """Give the response of a coupling that rises with frequency up to a corner."""
    ratio = 1j * (frequency_ghz / corner_ghz)
    return np.asarray(ratio / (1.0 + ratio), dtype=np.complex128)


def gaussian_jitter(frequency_ghz: Frequencies, jitter_ps: float) -> NDArray[np.float64]:
    """Give what remains of a frequency in the mean of samples whose times scatter by `jitter_ps` rms."""
    kept: NDArray[np.float64] = np.exp(-2.0 * (np.pi * frequency_ghz * 1e-3 * jitter_ps) ** 2)
    return kept


def dispersion_phase_per_ghz2(dispersion_ps_nm: float, wavelength_nm: float) -> float:
    """Get the phase pi D lambda^2 / c of the field, in radians for each squared GHz of offset."""
    metre_squared = (wavelength_nm * 1e-9) ** 2
    second_per_metre = dispersion_ps_nm * 1e-3
    return float(np.pi * second_per_metre * metre_squared / 299_792_458.0 * 1e18)
