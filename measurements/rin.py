"""Relative intensity noise against the modulation amplitude, RINxOMA."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from measurements.periodic import bessel_thomson
from measurements.quantity import Bound


@dataclass(frozen=True, slots=True)
class RinOma:
    """RINxOMA in dB/Hz. An UPPER bound when the scope's own noise hides that of the light."""

    rin_db_per_hz: float
    bound: Bound
    noise_mw: float
    bandwidth_hz: float


def noise_bandwidth_hz(bandwidth_hz: float) -> float:
    """Compute the noise bandwidth of the 4th-order Bessel-Thomson filter: 1.0464 times that at -3 dB."""
    from scipy.integrate import quad

    density, _ = quad(lambda f: float(np.abs(bessel_thomson(np.array([f]), 1.0)[0]) ** 2), 0.0, 20.0)
    return float(density) * bandwidth_hz


def rin_oma(
    level_noise_mw: Sequence[float],
    *,
    oma_mw: float,
    symbol_rate_gbd: float,
    scope_noise_mw: float = 0.0,
    scope_noise_error_mw: float = 0.0,
) -> RinOma:
    """Compute 10 log10(PN / (BW PM)) from the rms noise on settled levels (IEEE 802.3, 121.8.8).

    `level_noise_mw` are rms values on the settled upper and lower levels behind the half-rate
    filter; PN is their mean square less that of the scope, PM = (OMA/2)^2 that of a square wave.
    When no more is left than the scope's noise is uncertain by, that uncertainty gives a bound.
    The scope's noise must be taken behind the same filter. Reflections (the x of RINxOMA) are a
    matter of the test set-up.
    """
    if not level_noise_mw or oma_mw <= 0 or symbol_rate_gbd <= 0:
        raise ValueError(f"noise of {len(level_noise_mw)} levels at OMA {oma_mw} mW gives no RIN")
    if min(*level_noise_mw, scope_noise_mw, scope_noise_error_mw) < 0:
        raise ValueError("an rms noise is not negative")
    squared = sum(noise**2 for noise in level_noise_mw) / len(level_noise_mw)
    left = squared - scope_noise_mw**2
    # d(s^2) = 2 s ds, and no scope is known better than to 1e-3 of its own noise power.
    least = max(2.0 * scope_noise_mw * scope_noise_error_mw, 1e-3 * scope_noise_mw**2, 1e-24)
    bandwidth_hz = noise_bandwidth_hz(0.5e9 * symbol_rate_gbd)
    power = max(left, least)
    rin = 10.0 * math.log10(power / (bandwidth_hz * (0.5 * oma_mw) ** 2))
    return RinOma(rin, Bound.EXACT if left > least else Bound.UPPER, math.sqrt(power), bandwidth_hz)
