"""Receiver sensitivity: a sweep of bit error ratios, fitted on the Q scale."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from measurements.ber import Coding, ErrorRatio
from measurements.fit_quality import FitTest, judge_fit
from measurements.q_line import LEAST_EXPECTED_ERRORS, Counts, LineFit, QLine, fit_lines
from measurements.quantity import Bound, Quantity

MIN_POINTS = 3
MIN_R_SQUARED = 0.95
SWEEP_WINDOW_DB = 2.0
"""Points farther from the target in power are shown, not fitted: noise that grows with the light
bends the line. Within 2 dB an error floor of 1e-8 of that kind costs 0.014 dB at 2.4e-4."""

BENT_WINDOW_DB = 1.25
"""The window when the wider one shows a bend; in it a squared term serves floors up to 1e-5 to 0.01 dB."""

_POINTS_OF_A_BEND = 4

_SCATTER_SHOWS = 0.05


class FitError(ValueError):
    """A sweep that does not tell the sensitivity: too few points, no line, or nothing decided.

    The sweep is at fault, not the receiver; measure more points, or longer.
    """


class NotBracketed(FitError):
    """The target lies outside the measured powers, farther than may be extrapolated.

    `crossing_dbm` is where the line would meet it: good enough to choose the next power, no result.
    """

    def __init__(self, message: str, *, crossing_dbm: float) -> None:
        super().__init__(message)
        self.crossing_dbm = crossing_dbm


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """The count at one power at the receiver (OMAouter or average, as the caller means it)."""

    power_dbm: float
    count: ErrorRatio


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The power at which the BER meets the target.

    `bound` is LOWER when even the highest power of the sweep misses the target for certain (the
    truth is at least that power), UPPER when even the lowest meets it; there is no line then.
    `standard_error_db` holds counting and power repeatability; what all powers share (calibration,
    path loss) belongs to the uncertainty budget. `used` are the points that the line was drawn
    through; `extrapolated_db` tells how far outside them the target lies, 0 when they bracket it.
    `bend_correction_db` is what a squared term has added to where the line meets the target.
    """

    power_dbm: float
    standard_error_db: float | None
    target_ber: float
    bound: Bound
    line: QLine | None
    r_squared: float | None
    points: tuple[SweepPoint, ...]
    used: tuple[SweepPoint, ...] = ()
    test: FitTest | None = None
    extrapolated_db: float = 0.0
    bend_correction_db: float = 0.0

    def quantity(self) -> Quantity:
        """Get the sensitivity for the record."""
        evidence: dict[str, object] = {
            "target_ber": self.target_ber,
            "r_squared": self.r_squared,
            "slope": None if self.line is None else self.line.slope,
            "points": [[p.power_dbm, p.count.bits, p.count.errors] for p in self.points],
            **({} if self.test is None else self.test.evidence()),
        }
        return Quantity(self.power_dbm, "dBm", self.standard_error_db, self.bound, evidence)


def sensitivity(
    points: Iterable[SweepPoint],
    *,
    target_ber: float,
    coding: Coding = Coding.PAM4,
    confidence: float = 0.95,
    window_db: float = SWEEP_WINDOW_DB,
    power_repeatability_db: float = 0.0,
) -> Sensitivity:
    """Fit the likeliest line through 10 log10(Q) against power and read the target off it.

    At least 3 powers must bracket the target: nothing is extrapolated. Few or no errors at a power
    count for what they are worth; points farther than `window_db` from the target, and receivers
    that guess, are shown but not fitted. A sweep too coarse to have 3 powers there is fitted whole.
    Where the line bends as towards an error floor, the window narrows to BENT_WINDOW_DB, if 4 powers
    are there, and a squared term corrects the result (`bend_correction_db`); `test` says so.
    A sweep that lies on one side of the target for certain gives a bound. Raise FitError otherwise,
    when the line explains less than 95 % of the variance, or when it does not rise.
    `power_repeatability_db` is the standard error of each power against the others (attenuator,
    settling), which adds to that of the counts.
    Method after IEC 61280-2-8; its decision threshold is not moved here, the light is.
    """
    sweep = checked_sweep(points, target_ber, coding)
    one_sided = _one_sided(sweep, target_ber, confidence)
    if one_sided is not None:
        return one_sided
    fit = Fit(counts_of(sweep, coding), target_ber, power_repeatability_db)
    line = fit.line(window_db)
    if powers_used(line) < MIN_POINTS:
        line = fit.line(math.inf)
    narrow = fit.line(min(BENT_WINDOW_DB, window_db))
    if powers_used(narrow) >= _POINTS_OF_A_BEND and fit.test(line).floor_suspected:
        return _bent(read_off(sweep, narrow, fit, reach_db=0.0))
    return read_off(sweep, line, fit, reach_db=0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """What a fit is made of: counts, the target, and the standard error of each power."""

    counts: Counts
    target_ber: float
    power_repeatability_db: float

    def __post_init__(self) -> None:
        if not 0 <= self.power_repeatability_db < math.inf:
            raise FitError(
                f"a power repeatability of {self.power_repeatability_db} dB is none: give 0 or more"
            )

    def line(self, window_db: float) -> LineFit:
        """Draw the line through the points within a window around the target."""
        return fit_lines(
            self.counts,
            target_ber=self.target_ber,
            window_db=window_db,
            power_repeatability_db=self.power_repeatability_db,
        )

    def test(self, line: LineFit) -> FitTest:
        """Test a line that was drawn here."""
        return judge_fit(line, target_ber=self.target_ber, power_repeatability_db=self.power_repeatability_db)


def checked_sweep(points: Iterable[SweepPoint], target_ber: float, coding: Coding) -> tuple[SweepPoint, ...]:
    """Sort the points by power. Raise FitError for none, for powers or a target that cannot be."""
    listed = list(points)
    if not listed:
        raise FitError("the sweep has no point: count errors at 3 or more powers around the target")
    for point in listed:
        if not math.isfinite(point.power_dbm):
            raise FitError(f"a point of the sweep stands at {point.power_dbm} dBm: give the power it had")
    if not 0 < target_ber < 0.5 * coding.value:
        raise FitError(
            f"a target BER of {target_ber} has no Q: give one between 0 and {0.5 * coding.value:g}"
        )
    return tuple(sorted(listed, key=lambda point: point.power_dbm))


def counts_of(sweep: tuple[SweepPoint, ...], coding: Coding) -> Counts:
    """Get the points of a sorted sweep as arrays."""
    power = np.array([p.power_dbm for p in sweep], dtype=np.float64)
    bits = np.array([p.count.bits for p in sweep], dtype=np.float64)
    return Counts(power, bits, np.array([p.count.errors for p in sweep], dtype=np.float64), coding)


def powers_used(line: LineFit) -> int:
    """Get how many different powers a line was drawn through."""
    return len(set(line.counts.power_dbm[line.used].tolist()))


def read_off(sweep: tuple[SweepPoint, ...], line: LineFit, fit: Fit, *, reach_db: float) -> Sensitivity:
    """Hand the crossing of a line on as a sensitivity, unless something speaks against it.

    `reach_db` is how far outside the used powers the target may lie. Raise FitError for too few
    powers and for no rising line, NotBracketed beyond the reach.
    """
    _check_powers(sweep, line)
    test = fit.test(line)
    _check_line(line, test)
    crossing = float(line.power_dbm)
    powers = line.counts.power_dbm[line.used]
    outside = max(0.0, float(powers[0]) - crossing, crossing - float(powers[-1]))
    if outside > reach_db:
        raise NotBracketed(_out_of_reach(line, fit, outside, reach_db), crossing_dbm=crossing)
    return Sensitivity(
        power_dbm=crossing,
        standard_error_db=float(line.standard_error_db) * math.sqrt(_widening(test)),
        target_ber=fit.target_ber,
        bound=Bound.EXACT,
        line=QLine(float(line.centre_dbm), float(line.level_db), float(line.slope), line.counts.coding),
        r_squared=float(line.r_squared),
        points=sweep,
        used=tuple(point for point, used in zip(sweep, line.used, strict=True) if used),
        test=test,
        extrapolated_db=outside,
    )


def _widening(test: FitTest) -> float:
    """Get the ratio of variances by which scatter that the counts do not explain widens the error.

    Luck neither narrows nor widens it.
    """
    return max(1.0, test.excess) if test.p_value < _SCATTER_SHOWS else 1.0


def _bent(found: Sensitivity) -> Sensitivity:
    """Correct the result of a curve that a wider window has shown to bend, by the bend near the target.

    The squared term is independent of the line, so its variance adds. It is taken as it comes:
    taking it only where it stands out would understate the error.
    """
    test, error_db = found.test, found.standard_error_db
    if test is None or error_db is None:
        return found
    shift_error_db = test.bend_shift_db / test.bend_significance
    plain_error_db = error_db / math.sqrt(_widening(test))
    return replace(
        found,
        power_dbm=found.power_dbm + test.bend_shift_db,
        standard_error_db=math.hypot(plain_error_db, shift_error_db) * math.sqrt(test.bent_excess),
        test=replace(test, floor_suspected=True),
        bend_correction_db=test.bend_shift_db,
    )


def _check_line(line: LineFit, test: FitTest) -> None:
    slope, r_squared = float(line.slope), float(line.r_squared)
    if not (slope > 0 and r_squared >= MIN_R_SQUARED):
        remedy = test.complaint or "look for a floor or a lost lock; if the errors are few, count longer"
        raise FitError(
            f"a line explains {100 * r_squared:.1f} % of the sweep at a slope of {slope:.2f} dB per dB;"
            f" {100 * MIN_R_SQUARED:.0f} % and a rise are needed: {remedy}"
        )


def _check_powers(sweep: tuple[SweepPoint, ...], line: LineFit) -> None:
    used = powers_used(line)
    if used < MIN_POINTS:
        raise FitError(
            f"{used} of {len(sweep)} points lie near the target with an open eye and enough bits to expect"
            f" {LEAST_EXPECTED_ERRORS:g} errors; {MIN_POINTS} powers are needed: count longer, add powers"
            " or move the sweep up in BER"
        )


def _out_of_reach(line: LineFit, fit: Fit, outside_db: float, reach_db: float) -> str:
    ratios = line.counts.ratios[line.used]
    side = "above" if line.power_dbm > line.counts.power_dbm[line.used][-1] else "below"
    allowed = f"{reach_db:g} dB may be extrapolated" if reach_db > 0 else "nothing is extrapolated"
    return (
        f"BERs from {ratios.min():.2e} to {ratios.max():.2e} do not bracket the target {fit.target_ber:.2e}:"
        f" it lies {outside_db:.2f} dB {side} the powers and {allowed};"
        f" add points on its other side, at about {float(line.power_dbm):.1f} dBm"
    )


def _one_sided(sweep: tuple[SweepPoint, ...], target_ber: float, confidence: float) -> Sensitivity | None:
    lowest, highest = sweep[0], sweep[-1]
    if all(p.count.upper_bound(confidence) < target_ber for p in sweep):
        return Sensitivity(lowest.power_dbm, None, target_ber, Bound.UPPER, None, None, sweep)
    if all(p.count.lower_bound(confidence) > target_ber for p in sweep):
        return Sensitivity(highest.power_dbm, None, target_ber, Bound.LOWER, None, None, sweep)
    return None
