"""Relative intensity noise against the modulation amplitude, RINxOMA."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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


@dataclass(frozen=True, slots=True)
class LevelNoise:
    """Noise on one settled level, from a histogram: rms in milliwatt, and its standard error."""

    mean_mw: float
    noise_mw: float
    standard_error_mw: float
    samples: int


def level_noise(
    power_mw: NDArray[np.floating], counts: NDArray[np.integer] | None = None, *, bin_mw: float = 0.0
) -> LevelNoise:
    """Measure the noise of a settled level from its samples, or from a histogram of them.

    `power_mw` are samples or, with `counts`, the middles of bins `bin_mw` wide; what the width of a
    bin adds to the variance is taken off (Sheppard). Raise ValueError for fewer than two samples,
    unequal lengths, and values that are not finite.
    """
    weights = np.ones(power_mw.shape) if counts is None else np.asarray(counts, dtype=np.float64)
    samples = int(weights.sum())
    if power_mw.ndim != 1 or power_mw.shape != weights.shape or samples < 2 or (weights < 0).any():
        raise ValueError(f"{power_mw.shape} powers with {samples} counts are no histogram of a level")
    if not (np.isfinite(power_mw).all() and math.isfinite(bin_mw) and bin_mw >= 0):
        raise ValueError("the histogram has powers that are not finite, or a bin of no width: capture again")
    mean = float(weights @ power_mw) / samples
    away = np.asarray(power_mw, dtype=np.float64) - mean
    variance = float(weights @ away**2) / (samples - 1)
    left = max(0.0, variance - bin_mw**2 / 12.0)
    noise = math.sqrt(left)
    # The variance of a Gaussian's variance is 2 s^4 / (n - 1), whatever a bin's width adds included.
    error = variance / math.sqrt(2.0 * (samples - 1)) / max(noise, 1e-300)
    return LevelNoise(mean, noise, error if noise > 0 else math.sqrt(variance), samples)


def rin_from_histograms(
    upper: LevelNoise,
    lower: LevelNoise,
    *,
    symbol_rate_gbd: float,
    scope_noise_mw: float = 0.0,
    scope_noise_error_mw: float = 0.0,
) -> tuple[RinOma, float]:
    """Compute RINxOMA from histograms of both levels of a square wave, and its standard error in dB.

    IEEE 802.3, 121.8.8; OMA is the distance of the two means. The error covers the counts of both
    histograms and what the scope's noise is uncertain by, not its calibration. Raise ValueError for
    levels the wrong way round.
    """
    found = rin_oma(
        [upper.noise_mw, lower.noise_mw],
        oma_mw=upper.mean_mw - lower.mean_mw,
        symbol_rate_gbd=symbol_rate_gbd,
        scope_noise_mw=scope_noise_mw,
        scope_noise_error_mw=scope_noise_error_mw,
    )
    squares = math.hypot(
        upper.noise_mw * upper.standard_error_mw,
        lower.noise_mw * lower.standard_error_mw,
        2.0 * scope_noise_mw * scope_noise_error_mw,
    )
    return found, 10.0 / math.log(10.0) * squares / found.noise_mw**2
