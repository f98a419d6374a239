"""How far an eye is open: Q factor, eye height and width, vertical eye closure penalty."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from measurements.ber import Coding, q_to_ber
from measurements.capture import CaptureError
from measurements.nrz.crossings import Crossings, find_crossings
from measurements.nrz.folding import NrzEye, alike, central_windows, error_of_sum
from measurements.nrz.levels import DB_PER_RELATIVE, eye_levels, settled_levels
from measurements.quantity import Cause, NotMeasurable
from measurements.units import FloatArray, ratio_to_db

INNER_SHARE = 5e-4
"""Share of each level's histogram that A0 leaves inside (IEEE 802.3, clauses 52 and 88 [M?])."""

SIGMAS = 3.0
"""Spreads that eye height and width keep off each side (instrument makers' custom)."""

_LEAST_FOR_ERROR = 4


@dataclass(frozen=True, slots=True)
class QFactor:
    """Q = (mu1 - mu0) / (s1 + s0) in the central 20 % of the eye, with its standard error."""

    q: float
    standard_error: float
    one_mw: float
    zero_mw: float
    one_spread_mw: float
    zero_spread_mw: float
    samples: int

    @property
    def ber(self) -> float:
        """Get the bit error ratio that Gaussian noise of this Q makes: 0.5 erfc(Q / sqrt 2)."""
        return q_to_ber(self.q, Coding.NRZ)

    @property
    def signal_to_noise_db(self) -> float:
        """Get 20 log10 Q, the ratio in electrical power behind the photodiode."""
        return 20.0 * math.log10(self.q)

    @property
    def height_mw(self) -> float:
        """Get the eye height, levels less three spreads each; negative for a closed eye."""
        return self.one_mw - self.zero_mw - SIGMAS * (self.one_spread_mw + self.zero_spread_mw)


@dataclass(frozen=True, slots=True)
class EyeOpening:
    """Height at the eye's centre and width at the average power, three spreads off each side.

    `height_percent` is in percent of the amplitude from eye levels.
    """

    height_mw: float
    height_error_mw: float
    height_percent: float
    width_ui: float
    width_error_ui: float


@dataclass(frozen=True, slots=True)
class Vecp:
    """Vertical eye closure penalty, with the amplitude and the inner height A0 behind it.

    `standard_error_db` counts what the percentiles scatter by, None where fewer than 4 samples lie
    beyond one. In a repeated pattern they scatter less than that.
    """

    vecp_db: float
    standard_error_db: float | None
    oma_mw: float
    inner_height_mw: float
    lowest_one_mw: float
    highest_zero_mw: float
    samples: int


def q_factor(eye: NrzEye) -> QFactor:
    """Compute Q by levels and spreads of the histograms in the central 20 % of the eye.

    Spreads hold noise and interference together, so Q tells the BER only where noise prevails.
    The error counts noise alone: symbols at one place of the pattern, or among like neighbours in
    a single period. Averaged records flatter. Raise CaptureError for a record without any spread.
    """
    levels = eye_levels(eye)
    one, zero = levels.one_spread_mw, levels.zero_spread_mw
    if one + zero <= 1e-9 * levels.oma_mw:
        raise CaptureError(
            "the levels have no width at all",
            where="level spread",
            remedy="capture without averaging and at full resolution: real light has noise",
        )
    q = levels.oma_mw / (one + zero)
    pulls = _pulls(eye, (levels.zero_mw, levels.one_mw), (zero, one), q)
    error = error_of_sum(pulls / (one + zero), alike(eye))
    return QFactor(q, error, levels.one_mw, levels.zero_mw, one, zero, levels.samples)


def eye_opening(eye: NrzEye, *, crossings: Crossings | None = None) -> EyeOpening | NotMeasurable:
    """Measure eye height and width, each between points three spreads inside the means.

    Width between crossings of the average power, unless others are given (those of a sampling
    scope, say). An eye without opening is NotMeasurable.
    """
    levels, found = eye_levels(eye), find_crossings(eye) if crossings is None else crossings
    if isinstance(found, NotMeasurable):
        return found
    spreads = (levels.zero_spread_mw, levels.one_spread_mw)
    height = levels.oma_mw - SIGMAS * sum(spreads)
    width = 1.0 - 2.0 * SIGMAS * found.rms_ui
    if height <= 0 or width <= 0:
        evidence = {"height_mw": height, "width_ui": width, "oma_mw": levels.oma_mw}
        return NotMeasurable("the eye is closed at three spreads", Cause.EYE_CLOSED, evidence)
    pulls = _pulls(eye, (levels.zero_mw, levels.one_mw), spreads, SIGMAS)
    return EyeOpening(
        height_mw=height,
        height_error_mw=error_of_sum(pulls, alike(eye)),
        height_percent=100.0 * height / levels.oma_mw,
        width_ui=width,
        width_error_ui=2.0 * SIGMAS * found.rms_error_ui,
    )


def vecp(eye: NrzEye, *, oma_mw: float | None = None) -> Vecp | NotMeasurable:
    """Compute 10 log10(OMA / A0), A0 between the 0.05 and 99.95 percentiles at the eye's centre.

    IEEE 802.3, clauses 52 and 88 [M?]. OMA is that of settled runs unless given. For each bit the
    sample nearest the centre counts, un-interpolated, for interpolation averages noise. A0 of
    nothing is NotMeasurable. Raise CaptureError for fewer than 2,000 bits of a value.
    """
    values, sent = _centre_samples(eye), eye.sent
    zeros, ones = (np.sort(values[sent == symbol]) for symbol in (0, 1))
    fewest = min(zeros.size, ones.size)
    if fewest * INNER_SHARE < 1:
        raise CaptureError(
            f"{fewest:,} bits of one value do not show their 0.05 percentile",
            where="record length",
            remedy=f"capture {1 / INNER_SHARE:,.0f} or more of each, un-averaged",
        )
    lowest, highest = float(np.quantile(ones, INNER_SHARE)), float(np.quantile(zeros, 1 - INNER_SHARE))
    oma = _checked_oma(oma_mw) if oma_mw is not None else settled_levels(eye).oma_mw
    inner = lowest - highest
    if inner <= 0:
        evidence = {"lowest_one_mw": lowest, "highest_zero_mw": highest, "oma_mw": oma}
        return NotMeasurable("the eye is closed between its inner percentiles", Cause.EYE_CLOSED, evidence)
    error = _inner_error(ones, -zeros[::-1])
    relative = None if error is None else DB_PER_RELATIVE * error / inner
    return Vecp(ratio_to_db(oma / inner), relative, oma, inner, lowest, highest, values.size)


def _pulls(
    eye: NrzEye, levels: tuple[float, float], spreads: tuple[float, float], factor: float
) -> FloatArray:
    """Get what each symbol moves mu1 - mu0 - factor (s1 + s0) by (its influence, to first order)."""
    central, sent = central_windows(eye), eye.sent
    level, spread = np.take(levels, sent), np.maximum(np.take(spreads, sent), 1e-300)
    share = 1.0 / np.take(np.bincount(sent, minlength=2), sent)
    moved = np.where(sent == 1, 1.0, -1.0) * (central.means - level)
    widened = (central.squares(level) - spread**2) / (2.0 * spread)
    return np.asarray(share * (moved - factor * widened), dtype=np.float64)


def _centre_samples(eye: NrzEye) -> FloatArray:
    """Get the sample nearest the centre of each symbol."""
    instants = eye.centre_ui + np.arange(eye.symbols.size * eye.periods)
    places = np.rint(instants * eye.samples_per_symbol).astype(np.intp)
    power_mw = eye.waveform.power_mw
    return np.asarray(power_mw[places % power_mw.size], dtype=np.float64)


def _inner_error(*ordered: FloatArray) -> float | None:
    """Get the standard error of the sum of low percentiles, from the samples around each."""
    errors = []
    for values in ordered:
        rank = INNER_SHARE * values.size
        if rank < _LEAST_FOR_ERROR:
            return None
        around = (rank + np.array([-1.0, 1.0]) * math.sqrt(rank)) / values.size
        low, high = np.quantile(values, np.clip(around, 0.0, 1.0))
        errors.append(0.5 * float(high - low))
    return math.hypot(*errors)


def _checked_oma(oma_mw: float) -> float:
    if not (math.isfinite(oma_mw) and oma_mw > 0):
        raise CaptureError(f"{oma_mw} mW", where="OMA", remedy="give a positive modulation amplitude")
    return oma_mw
