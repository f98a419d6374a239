"""The line through 10 log10(Q) against power that explains counted errors best.

On this scale a receiver whose noise does not depend on the light is a straight line of slope 1
(IEC 61280-2-8 fits Q likewise). The line is found by maximum likelihood from the counts
themselves, so few or no errors at a power are worth what they are worth: no point is dropped for
the number it happened to show, which would bend the line towards those that showed more.

Everything here works on arrays whose last axis is the point, so that a population of fits is one
call. `measurements.receiver` and `measurements.few_points` are the faces of this module.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.ber import Coding, ber_to_q, q_to_ber
from measurements.units import FloatArray

BoolArray = NDArray[np.bool_]

CLOSED_EYE = 0.45
"""Above this many times `coding.value`, the BER of a receiver that guesses, a count tells no Q."""

LEAST_EXPECTED_ERRORS = 0.3
"""A point that would show fewer on the line tells nothing, even by showing none.

Points are chosen by what the line expects of them, never by what they showed: choosing by luck
biases. Below about a third of an error Pearson's sum is no chi-square any more.
"""

TYPICAL_SLOPE = 1.0
"""Slope in dB of Q for a dB of light when the noise does not depend on the light."""

_DB = 10.0 / math.log(10.0)
_STEPS = 40
_LARGEST_STEP_DB = 1.5
_LOWEST_Q_DB = -20.0
_HIGHEST_Q_DB = 14.5


@dataclass(frozen=True, slots=True)
class QLine:
    """The line 10 log10(Q) = q_db at `power_dbm` + `slope` dB per dB; for the waterfall picture."""

    power_dbm: float
    q_db: float
    slope: float
    coding: Coding

    def ber_at(self, power_dbm: float) -> float:
        """Get the BER on the line."""
        q_db = self.q_db + self.slope * (power_dbm - self.power_dbm)
        return q_to_ber(10.0 ** (q_db / 10.0), self.coding)


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Counts at powers that rise along the last axis; `errors` may have more axes, one fit each."""

    power_dbm: FloatArray
    bits: FloatArray
    errors: FloatArray
    coding: Coding

    @property
    def ratios(self) -> FloatArray:
        """Get errors over bits."""
        return self.errors / self.bits

    @property
    def open_eyes(self) -> BoolArray:
        """Get which points are the counts of a receiver that does not guess."""
        return np.asarray(self.ratios < CLOSED_EYE * self.coding.value)

    def q_db(self) -> FloatArray:
        """Get each point's own 10 log10(Q); half an error more, so that none has a place too."""
        from scipy.special import ndtri

        ratio = (self.errors + 0.5) / (self.bits + 1.0)
        q = -ndtri(np.minimum(ratio / self.coding.value, 0.49))
        return np.asarray(10.0 * np.log10(q))


@dataclass(frozen=True, slots=True, eq=False)
class LineFit:
    """Lines with what is left of the points; all figures are in dB on the Q scale unless named otherwise.

    `used` are the points that the line was drawn through; `weights` are inverse variances and
    `residual_db` the point less the line, both zero for the others; `power_dbm` is where the line
    meets the target and `slope` its rise for a dB of light.
    """

    counts: Counts
    used: BoolArray
    target_q_db: float
    centre_dbm: FloatArray
    level_db: FloatArray
    slope: FloatArray
    weights: FloatArray
    residual_db: FloatArray

    @property
    def power_dbm(self) -> FloatArray:
        """Get where the line meets the target."""
        return self.centre_dbm + self._away_db

    @property
    def standard_error_db(self) -> FloatArray:
        """Get the standard error of `power_dbm` when nothing but the stated variances scatters."""
        total = np.sum(self.weights, axis=-1)
        variance = 1.0 / total + self._away_db**2 / self._spread
        return np.asarray(np.sqrt(variance) / np.abs(self.slope))

    @property
    def chi_square(self) -> FloatArray:
        """Get Pearson's sum of squared residuals over their variances."""
        return np.asarray(np.sum(self.weights * self.residual_db**2, axis=-1))

    @property
    def degrees_of_freedom(self) -> NDArray[np.intp]:
        """Get the number of used points less the two parameters of the line."""
        return np.asarray(np.count_nonzero(self.used, axis=-1) - 2)

    @property
    def r_squared(self) -> FloatArray:
        """Get the share of the weighted variance that the line explains."""
        explained = self.slope**2 * self._spread
        return explained / (explained + self.chi_square)

    @property
    def left_out_residuals(self) -> FloatArray:
        """Get how many standard errors each used point lies from the line through the others."""
        away = self.counts.power_dbm - self.centre_dbm[..., None]
        total = np.sum(self.weights, axis=-1, keepdims=True)
        leverage = self.weights * (1.0 / total + away**2 / self._spread[..., None])
        kept = np.maximum(1.0 - leverage, 1e-12)
        return np.asarray(self.residual_db * np.sqrt(self.weights / kept))

    def bend(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Get what a squared term would add: dB per dB², its significance, the target's shift in dB."""
        x = self.counts.power_dbm - self.centre_dbm[..., None]
        total = np.sum(self.weights, axis=-1)
        mean = np.sum(self.weights * x**2, axis=-1) / total
        tilt = np.sum(self.weights * x**3, axis=-1) / self._spread
        # The square less the line that explains it best: what only a bend can do.
        bent = x**2 - mean[..., None] - tilt[..., None] * x
        information = np.sum(self.weights * bent**2, axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):  # fewer than three powers cannot bend
            term = np.sum(self.weights * bent * self.residual_db, axis=-1) / information
        at_target = self._away_db**2 - mean - tilt * self._away_db
        return term, term * np.sqrt(information), -term * at_target / self.slope

    @property
    def _away_db(self) -> FloatArray:
        return (self.target_q_db - self.level_db) / self.slope

    @property
    def _spread(self) -> FloatArray:
        away = self.counts.power_dbm - self.centre_dbm[..., None]
        return np.asarray(np.sum(self.weights * away**2, axis=-1))


def fit_lines(
    counts: Counts,
    *,
    target_ber: float,
    window_db: float,
    power_repeatability_db: float = 0.0,
    without: BoolArray | None = None,
) -> LineFit:
    """Draw a line through the points within a window of power around where it meets the target.

    Used are open eyes in the window that are expected to show errors (`LEAST_EXPECTED_ERRORS`). A
    fit with fewer than three used points is there but worthless: look at `used`. Points marked in
    `without` are left out. `power_repeatability_db` is the standard error of each power against
    its neighbours (attenuator, settling), which joins the counting errors; an error that all
    powers share moves the result and is not seen here.
    """
    target_q_db = 10.0 * math.log10(ber_to_q(target_ber, counts.coding))
    crossing = _first_crossing(counts, target_ber, target_q_db)
    slope = np.full_like(crossing, TYPICAL_SLOPE)
    used = _chosen(counts, crossing, slope, target_q_db, window_db)
    used = used if without is None else used & ~without
    while True:
        line = _most_likely(counts, used, target_q_db, crossing, slope, power_repeatability_db)
        sane = np.clip(line.slope, 0.3, 3.0)
        drawn = np.isfinite(line.power_dbm)[..., None]  # a single power draws no line to choose by
        again = used & (_chosen(counts, line.power_dbm, sane, target_q_db, window_db) | ~drawn)
        if np.array_equal(again, used):
            return line
        used = again  # only ever fewer points, so this ends


def _chosen(
    counts: Counts, crossing: FloatArray, slope: FloatArray, target_q_db: float, window_db: float
) -> BoolArray:
    away = counts.power_dbm - crossing[..., None]
    ratio, _ = _error_ratio(target_q_db + slope[..., None] * away, counts.coding)
    telling = counts.bits * ratio >= LEAST_EXPECTED_ERRORS
    return counts.open_eyes & telling & (np.abs(away) <= window_db)


def _first_crossing(counts: Counts, target_ber: float, target_q_db: float) -> FloatArray:
    """Guess the crossing where the fewest points are on the wrong side: one bad point moves it little."""
    power = counts.power_dbm
    meets = counts.ratios < target_ber
    none = np.zeros((*meets.shape[:-1], 1), dtype=np.intp)
    met_below = np.concatenate([none, np.cumsum(meets, axis=-1)], axis=-1)
    missed_below = np.concatenate([none, np.cumsum(~meets, axis=-1)], axis=-1)
    wrong = met_below + missed_below[..., -1:] - missed_below
    split = np.argmin(wrong, axis=-1)
    low, high = np.maximum(split - 1, 0), np.minimum(split, power.size - 1)
    alone = power - (np.clip(counts.q_db(), -6.0, None) - target_q_db) / TYPICAL_SLOPE
    guesses = [np.take_along_axis(alone, index[..., None], axis=-1)[..., 0] for index in (low, high)]
    middle = 0.5 * (guesses[0] + guesses[1])
    between = np.clip(middle, power[low], power[high])
    return np.where(low < high, between, middle)


def _most_likely(
    counts: Counts,
    used: BoolArray,
    target_q_db: float,
    crossing: FloatArray,
    slope: FloatArray,
    power_repeatability_db: float,
) -> LineFit:
    """Climb to the largest likelihood by Fisher's scoring, at most 1.5 dB of Q a step."""
    power = counts.power_dbm
    line_db = target_q_db + slope[..., None] * (power - crossing[..., None])
    for _ in range(_STEPS):
        weights, residual = _working(counts, used, line_db, slope, power_repeatability_db)
        centre, level, slope = _weighted_line(power, line_db + residual, weights)
        step = level[..., None] + slope[..., None] * (power - centre[..., None]) - line_db
        largest = np.max(np.abs(np.where(used, step, 0.0)), axis=-1, keepdims=True)
        line_db = line_db + step * np.minimum(1.0, _LARGEST_STEP_DB / np.maximum(largest, 1e-300))
        if not np.any(largest > 1e-9):
            break
    weights, residual = _working(counts, used, line_db, slope, power_repeatability_db)
    return LineFit(counts, used, target_q_db, centre, level, slope, weights, residual)


def _working(
    counts: Counts, used: BoolArray, line_db: FloatArray, slope: FloatArray, power_repeatability_db: float
) -> tuple[FloatArray, FloatArray]:
    """Get inverse variances and residuals of the points on the Q scale, linear around the line."""
    ratio, per_db = _error_ratio(line_db, counts.coding)
    # Through the relative change, for squares of rare ratios vanish among the floats.
    counting = (1.0 - ratio) / (counts.bits * ratio * (per_db / ratio) ** 2)
    weights = used / (counting + (slope[..., None] * power_repeatability_db) ** 2)
    return weights, np.where(used, (counts.ratios - ratio) / per_db, 0.0)


def _weighted_line(
    x: FloatArray, y: FloatArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Get centre, level there and slope; not a number where the points have no extent."""
    with np.errstate(invalid="ignore", divide="ignore"):
        total = np.sum(weights, axis=-1)
        centre = np.sum(weights * x, axis=-1) / total
        level = np.sum(weights * y, axis=-1) / total
        away = x - centre[..., None]
        slope = np.sum(weights * away * y, axis=-1) / np.sum(weights * away**2, axis=-1)
    return centre, level, slope


def _error_ratio(q_db: FloatArray, coding: Coding) -> tuple[FloatArray, FloatArray]:
    """Get the BER at places on the Q scale, and its change for a dB there."""
    from scipy.special import ndtr

    q = np.power(10.0, np.clip(q_db, _LOWEST_Q_DB, _HIGHEST_Q_DB) / 10.0)
    density = np.exp(-0.5 * q * q) / math.sqrt(2.0 * math.pi)
    return coding.value * ndtr(-q), -coding.value * density * q / _DB
