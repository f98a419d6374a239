"""Relative intensity noise against the modulation amplitude, RINxOMA."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.capture import CaptureError
from measurements.quantity import Bound

_DB = 10.0 / math.log(10.0)
_SCOPE_KNOWN_TO = 1e-3
"""No scope's noise power is known better than to this part of itself."""
_COVERAGE = 2.0
"""What is less than its uncertainty (k=2) is no figure, but a bound."""


@dataclass(frozen=True, slots=True)
class RinOma:
    """RINxOMA in dB/Hz. An UPPER bound when the scope's own noise hides that of the light.

    `noise_mw` is the light's rms noise, mean square over the levels, in `bandwidth_hz` of noise
    bandwidth. `standard_error_db` is None for a bound, and where no histogram tells it.
    """

    rin_db_per_hz: float
    bound: Bound
    noise_mw: float
    bandwidth_hz: float
    standard_error_db: float | None = None


def noise_bandwidth_hz(bandwidth_hz: float) -> float:
    """Compute the noise bandwidth of the 4th-order Bessel-Thomson filter: 1.0464 times that at -3 dB."""
    # The integral of |105 / (p^4 + 10 p^3 + 45 p^2 + 105 p + 105)|^2 over all p = jx is 2 pi 69/98.
    return math.pi * 69.0 / 98.0 / 2.113917675 * bandwidth_hz


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
    matter of the test set-up. Raise CaptureError for no level, an OMA or a rate that is not positive,
    and noise that is negative or not finite.
    """
    _check(level_noise_mw, oma_mw, symbol_rate_gbd, scope_noise_mw, scope_noise_error_mw)
    squared = sum(noise**2 for noise in level_noise_mw) / len(level_noise_mw)
    left = squared - scope_noise_mw**2
    least = max(_scope_error(scope_noise_mw, scope_noise_error_mw), 1e-24)
    bound = Bound.EXACT if left > least else Bound.UPPER
    return _rin(max(left, least), bound, oma_mw, symbol_rate_gbd)


@dataclass(frozen=True, slots=True)
class LevelNoise:
    """One settled level, from its samples or their histogram.

    `variance_mw2` is what is left when the width of a bin is taken off: not above zero where the bins
    hide the noise. `variance_error_mw2` is its standard error.
    """

    mean_mw: float
    variance_mw2: float
    variance_error_mw2: float
    samples: int

    @property
    def noise_mw(self) -> float:
        """Get the rms noise."""
        return math.sqrt(max(0.0, self.variance_mw2))

    @property
    def standard_error_mw(self) -> float:
        """Get the standard error of the rms noise, to first order; at most what noise may hide in it."""
        most = math.sqrt(self.variance_error_mw2)
        return min(most, 0.5 * self.variance_error_mw2 / self.noise_mw) if self.variance_mw2 > 0 else most


def level_noise(
    power_mw: NDArray[np.floating], counts: NDArray[np.integer] | None = None, *, bin_mw: float = 0.0
) -> LevelNoise:
    """Measure the noise of a settled level from its samples, or from a histogram of them.

    `power_mw` are samples or, with `counts`, the middles of bins; both have one dimension. `bin_mw` is
    the width of a bin, or the step of samples that the scope's converter has rounded: the bin^2 / 12
    that it adds to the variance is taken off (Sheppard). The standard error is that of Gaussian noise
    in independent samples, with what Sheppard's correction can be wrong by where the noise is not wide
    against a bin (Widrow and Kollar, Quantization Noise, 2008, ch. 4). Raise CaptureError for fewer than
    two samples, unequal lengths, values that are not finite, and samples that are all one value of a bin
    width not told.
    """
    weights = np.ones(power_mw.shape) if counts is None else np.asarray(counts, dtype=np.float64)
    _check_histogram(power_mw, weights, bin_mw)
    samples = int(weights.sum())
    mean = float(weights @ power_mw) / samples
    away = np.asarray(power_mw, dtype=np.float64) - mean
    variance = float(weights @ away**2) / (samples - 1)
    if variance == 0 and bin_mw == 0:
        raise CaptureError(
            f"all {samples} samples are {mean:.6g} mW",
            where="histogram of a level",
            remedy="give the width of a bin, bin_mw",
        )
    left = variance - bin_mw**2 / 12.0
    # The variance of a Gaussian's variance is 2 s^4 / (n - 1), whatever a bin's width adds included.
    error = math.hypot(variance * math.sqrt(2.0 / (samples - 1)), _sheppard_error(max(0.0, left), bin_mw))
    return LevelNoise(mean, left, error, samples)


def rin_from_histograms(
    upper: LevelNoise,
    lower: LevelNoise,
    *,
    symbol_rate_gbd: float,
    scope_noise_mw: float = 0.0,
    scope_noise_error_mw: float = 0.0,
) -> RinOma:
    """Compute RINxOMA, with its standard error, from histograms of both levels of a square wave.

    IEEE 802.3, 121.8.8, as `rin_oma`; OMA is the distance of the two means. The error covers the
    counts and bins of both histograms and what the scope's noise is uncertain by (one standard
    error), not the scope's calibration. Noise that is less than twice its error is an UPPER bound, at
    what is left and twice the error. Raise CaptureError for levels the wrong way round and what
    `rin_oma` refuses.
    """
    oma_mw = upper.mean_mw - lower.mean_mw
    _check((upper.noise_mw, lower.noise_mw), oma_mw, symbol_rate_gbd, scope_noise_mw, scope_noise_error_mw)
    left = 0.5 * (upper.variance_mw2 + lower.variance_mw2) - scope_noise_mw**2
    error = math.hypot(
        0.5 * upper.variance_error_mw2,
        0.5 * lower.variance_error_mw2,
        _scope_error(scope_noise_mw, scope_noise_error_mw),
    )
    if left <= _COVERAGE * error:
        return _rin(max(left, 0.0) + _COVERAGE * error, Bound.UPPER, oma_mw, symbol_rate_gbd)
    means = math.hypot(upper.noise_mw / math.sqrt(upper.samples), lower.noise_mw / math.sqrt(lower.samples))
    error_db = _DB * math.hypot(error / left, 2.0 * means / oma_mw)
    return _rin(left, Bound.EXACT, oma_mw, symbol_rate_gbd, error_db)


def _rin(
    power_mw2: float, bound: Bound, oma_mw: float, symbol_rate_gbd: float, error_db: float | None = None
) -> RinOma:
    bandwidth_hz = noise_bandwidth_hz(0.5e9 * symbol_rate_gbd)
    rin = 10.0 * math.log10(power_mw2 / (bandwidth_hz * (0.5 * oma_mw) ** 2))
    return RinOma(rin, bound, math.sqrt(power_mw2), bandwidth_hz, error_db)


def _scope_error(noise_mw: float, error_mw: float) -> float:
    """Give what the scope's noise power is uncertain by: d(s^2) = 2 s ds."""
    return max(2.0 * noise_mw * error_mw, _SCOPE_KNOWN_TO * noise_mw**2)


def _sheppard_error(variance: float, bin_mw: float) -> float:
    """Give the rms, over all places of the level in its bin, of what Sheppard's correction leaves.

    Where so little noise may be none at all, give the most.
    """
    if bin_mw == 0:
        return 0.0
    if variance <= bin_mw**2 / 6.0:  # what a level without noise shows on the edge of two bins
        return bin_mw**2 / 6.0
    fades = math.exp(-2.0 * math.pi**2 * variance / bin_mw**2)
    return fades * (bin_mw**2 / math.pi**2 + 4.0 * variance) / math.sqrt(2.0)


def _check_histogram(power_mw: NDArray[np.floating], weights: NDArray[np.float64], bin_mw: float) -> None:
    place = "histogram of a level"
    if not (np.isfinite(power_mw).all() and math.isfinite(bin_mw) and bin_mw >= 0):
        raise CaptureError(
            f"powers, or a bin of {bin_mw} mW, are not finite", where=place, remedy="capture again"
        )
    told = power_mw.ndim == 1 and power_mw.shape == weights.shape and np.isfinite(weights).all()
    if not told or (weights < 0).any() or weights.sum() < 2:
        raise CaptureError(
            f"{power_mw.shape} powers with {weights.shape} counts hold no two samples of one level",
            where=place,
            remedy="give a count, not negative, for each bin",
        )


def _check(
    level_noise_mw: Sequence[float],
    oma_mw: float,
    symbol_rate_gbd: float,
    scope_noise_mw: float,
    scope_noise_error_mw: float,
) -> None:
    positive = all(0 < value < math.inf for value in (oma_mw, symbol_rate_gbd))
    if not len(level_noise_mw) or not positive:
        raise CaptureError(
            f"noise of {len(level_noise_mw)} levels, OMA {oma_mw} mW, {symbol_rate_gbd} GBd gives no RIN",
            where="levels",
            remedy="give the settled upper and lower level of modulated light, the upper first",
        )
    if not all(0 <= noise < math.inf for noise in (*level_noise_mw, scope_noise_mw, scope_noise_error_mw)):
        raise CaptureError(
            "an rms noise is negative or not finite",
            where="levels",
            remedy="repeat the capture, and the scope's noise calibration",
        )
