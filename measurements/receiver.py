"""Receiver sensitivity: a sweep of bit error ratios, fitted on the Q scale."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from measurements.ber import Coding, ErrorRatio, ber_to_q, q_to_ber
from measurements.quantity import Bound, Quantity
from measurements.units import FloatArray

MIN_POINTS = 3
MIN_R_SQUARED = 0.95
MIN_ERRORS = 10
"""Points with fewer errors are shown but not fitted: on the Q scale their scatter is lopsided."""


class FitError(ValueError):
    """A sweep that does not tell the sensitivity: too few points, no line, or nothing decided.

    The sweep is at fault, not the receiver; measure more points, or longer.
    """


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """The count at one power at the receiver (OMAouter or average, as the caller means it)."""

    power_dbm: float
    count: ErrorRatio


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


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The power at which the BER meets the target.

    `bound` is LOWER when even the highest power of the sweep misses the target for certain (the
    truth is at least that power), UPPER when even the lowest meets it; there is no line then.
    """

    power_dbm: float
    standard_error_db: float | None
    target_ber: float
    bound: Bound
    line: QLine | None
    r_squared: float | None
    points: tuple[SweepPoint, ...]

    def quantity(self) -> Quantity:
        """Get the sensitivity for the record."""
        evidence: dict[str, object] = {
            "target_ber": self.target_ber,
            "r_squared": self.r_squared,
            "slope": None if self.line is None else self.line.slope,
            "points": [[p.power_dbm, p.count.bits, p.count.errors] for p in self.points],
        }
        return Quantity(self.power_dbm, "dBm", self.standard_error_db, self.bound, evidence)


def sensitivity(
    points: Iterable[SweepPoint], *, target_ber: float, coding: Coding = Coding.PAM4, confidence: float = 0.95
) -> Sensitivity:
    """Fit a weighted line through 10 log10(Q) against power and read the target off it.

    At least 3 points with 10 or more errors must bracket the target: nothing is extrapolated. A
    sweep that lies on one side of the target for certain gives a bound. Raise FitError otherwise,
    when the line explains less than 95 % of the variance, or when it does not rise.
    Method after IEC 61280-2-8.
    """
    sweep = tuple(sorted(points, key=lambda point: point.power_dbm))
    if not sweep:
        raise FitError("the sweep has no point")
    one_sided = _one_sided(sweep, target_ber, confidence)
    if one_sided is not None:
        return one_sided
    usable = [p for p in sweep if p.count.errors >= MIN_ERRORS and p.count.ber < 0.45 * coding.value]
    if len({p.power_dbm for p in usable}) < MIN_POINTS:
        raise FitError(
            f"{len(usable)} of {len(sweep)} points have at least {MIN_ERRORS} errors and an open eye;"
            f" {MIN_POINTS} powers are needed: count longer or move the sweep up in BER"
        )
    ratios = [p.count.ber for p in usable]
    if not min(ratios) <= target_ber <= max(ratios):
        raise FitError(
            f"BERs from {min(ratios):.2e} to {max(ratios):.2e} do not bracket the target {target_ber:.2e};"
            " add points on its other side"
        )
    return _fitted(sweep, usable, target_ber, coding)


def _fitted(
    sweep: tuple[SweepPoint, ...], usable: list[SweepPoint], target_ber: float, coding: Coding
) -> Sensitivity:
    power = np.array([p.power_dbm for p in usable])
    q_db = np.array([10.0 * math.log10(ber_to_q(p.count.ber, coding)) for p in usable])
    errors = np.array([_q_error_db(p.count, coding) for p in usable])
    weights = errors**-2
    centre = float(np.average(power, weights=weights))
    level = float(np.average(q_db, weights=weights))
    spread = float(weights @ (power - centre) ** 2)
    slope = float(weights @ ((power - centre) * (q_db - level))) / spread
    line = QLine(centre, level, slope, coding)
    r_squared = _r_squared(q_db, level + slope * (power - centre))
    if slope <= 0 or r_squared < MIN_R_SQUARED:
        raise FitError(
            f"a line explains {100 * r_squared:.1f} % of the sweep at a slope of {slope:.2f} dB per dB;"
            f" {100 * MIN_R_SQUARED:.0f} % and a rise are needed: look for a floor, an outlier or a lost lock"
        )
    residual = q_db - level - slope * (power - centre)
    # Scatter beyond counting (settling, attenuator) widens the error; luck never narrows it.
    excess = max(1.0, float(weights @ residual**2) / (len(usable) - 2))
    away = (10.0 * math.log10(ber_to_q(target_ber, coding)) - level) / slope
    variance = excess * (1.0 / float(weights.sum()) + away**2 / spread) / slope**2
    return Sensitivity(centre + away, math.sqrt(variance), target_ber, Bound.EXACT, line, r_squared, sweep)


def _q_error_db(count: ErrorRatio, coding: Coding) -> float:
    """Propagate the counting error to 10 log10(Q)."""
    q = ber_to_q(count.ber, coding)
    density = math.exp(-0.5 * q * q) / math.sqrt(2.0 * math.pi)
    error = math.sqrt(count.errors * (1.0 - count.ber)) / count.bits
    return 10.0 / math.log(10.0) * error / (coding.value * density * q)


def _r_squared(values: FloatArray, fitted: FloatArray) -> float:
    total = float(np.sum((values - values.mean()) ** 2))
    return 1.0 - float(np.sum((values - fitted) ** 2)) / total if total > 0 else 0.0


def _one_sided(sweep: tuple[SweepPoint, ...], target_ber: float, confidence: float) -> Sensitivity | None:
    lowest, highest = sweep[0], sweep[-1]
    if all(p.count.upper_bound(confidence) < target_ber for p in sweep):
        return Sensitivity(lowest.power_dbm, None, target_ber, Bound.UPPER, None, None, sweep)
    if all(p.count.lower_bound(confidence) > target_ber for p in sweep):
        return Sensitivity(highest.power_dbm, None, target_ber, Bound.LOWER, None, None, sweep)
    return None
