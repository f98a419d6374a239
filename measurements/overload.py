"""Receiver overload: how much light a receiver takes, and the whole of its two-sided error curve."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from measurements.ber import Coding
from measurements.q_line import QLine
from measurements.quantity import Bound, Cause, NotMeasurable, Quantity
from measurements.receiver import (
    Fit,
    FitError,
    Sensitivity,
    SweepPoint,
    checked_sweep,
    counts_of,
    powers_used,
    read_off,
    sensitivity,
)

FLANK_WINDOW_DB = 1.25
"""Overload is compression, no line; near enough to the target any smooth curve is one."""

_LEAST_ON_FLANK = 3


@dataclass(frozen=True, slots=True)
class Overload:
    """The highest power at which the BER still meets the target.

    `bound` is LOWER when no power of the sweep misses it: the truth is at least the value.
    `best_dbm` is the power with the fewest errors; `turns_up_dbm` the first above it whose BER is
    higher for certain, None when there is none: there the errors come back although they may still
    meet the target. `interpolated` tells that too few powers stood on the flank for a line, so
    that the value is the middle between the last power that meets the target for certain and the
    first that misses it, and the standard error that of their distance.
    """

    power_dbm: float
    standard_error_db: float | None
    target_ber: float
    bound: Bound
    best_dbm: float
    turns_up_dbm: float | None
    interpolated: bool
    line: QLine | None
    points: tuple[SweepPoint, ...]

    def quantity(self) -> Quantity:
        """Get the overload for the record."""
        evidence: dict[str, object] = {
            "target_ber": self.target_ber,
            "best_dbm": self.best_dbm,
            "turns_up_dbm": self.turns_up_dbm,
            "interpolated": self.interpolated,
            "points": [[p.power_dbm, p.count.bits, p.count.errors] for p in self.points],
        }
        return Quantity(self.power_dbm, "dBm", self.standard_error_db, self.bound, evidence)


@dataclass(frozen=True, slots=True)
class DynamicRange:
    """Both flanks of one error curve."""

    sensitivity: Sensitivity
    overload: Overload

    @property
    def range_db(self) -> float:
        """Get overload less sensitivity."""
        return self.overload.power_dbm - self.sensitivity.power_dbm

    def quantity(self) -> Quantity:
        """Get the range for the record: a lower bound when either side was not reached."""
        sides = (self.sensitivity, self.overload)
        bounded = any(side.bound is not Bound.EXACT for side in sides)
        errors = [side.standard_error_db for side in sides if side.standard_error_db is not None]
        error = math.hypot(*errors) if len(errors) == len(sides) else None
        bound = Bound.LOWER if bounded else Bound.EXACT
        evidence = {"sensitivity_dbm": sides[0].power_dbm, "overload_dbm": sides[1].power_dbm}
        return Quantity(self.range_db, "dB", error, bound, evidence)


def overload(
    points: Iterable[SweepPoint], *, target_ber: float, coding: Coding = Coding.PAM4, confidence: float = 0.95
) -> Overload | NotMeasurable:
    """Find the highest power at which a receiver still meets the target.

    The sweep is read upwards from its best power. Where the BER misses the target again for
    certain (one-sided Clopper-Pearson bounds), the crossing is read off a line on the Q scale
    through the flank, with at least 3 powers within FLANK_WINDOW_DB; with fewer, it is the middle
    of the two powers around it. Powers mean what the caller means, and are checked against no
    damage threshold here. NotMeasurable when no power meets the target for certain. Raise FitError
    when the target is missed and met again farther up.
    """
    sweep = checked_sweep(points, target_ber, coding)
    meeting = [i for i, p in enumerate(sweep) if p.count.upper_bound(confidence) < target_ber]
    if not meeting:
        return _never_met(sweep, target_ber)
    best = _best(sweep, meeting)
    missing = [i for i, p in enumerate(sweep) if i > best and p.count.lower_bound(confidence) > target_ber]
    last = max(i for i in meeting if not missing or i < missing[0])
    found = Overload(
        power_dbm=sweep[last].power_dbm,
        standard_error_db=None,
        target_ber=target_ber,
        bound=Bound.LOWER,
        best_dbm=sweep[best].power_dbm,
        turns_up_dbm=_turn(sweep, best, confidence),
        interpolated=False,
        line=None,
        points=sweep,
    )
    if not missing:
        return found
    _check_flank(sweep, meeting, missing[0])
    return _crossed(found, sweep[best:], sweep[missing[0]], coding)


def two_sided(
    points: Iterable[SweepPoint],
    *,
    target_ber: float,
    coding: Coding = Coding.PAM4,
    confidence: float = 0.95,
    power_repeatability_db: float = 0.0,
) -> DynamicRange | NotMeasurable:
    """Find the sensitivity on the left flank of an error curve and the overload on its right.

    Points up to the best power are the left flank, those from there on the right. Errors as those
    of `sensitivity` and `overload`.
    """
    sweep = checked_sweep(points, target_ber, coding)
    right = overload(sweep, target_ber=target_ber, coding=coding, confidence=confidence)
    if isinstance(right, NotMeasurable):
        return right
    left = sensitivity(
        [p for p in sweep if p.power_dbm <= right.best_dbm],
        target_ber=target_ber,
        coding=coding,
        confidence=confidence,
        power_repeatability_db=power_repeatability_db,
    )
    return DynamicRange(left, right)


def _best(sweep: tuple[SweepPoint, ...], meeting: list[int]) -> int:
    """Find the power with the fewest errors; the middle one when several had none."""
    fewest = min(sweep[i].count.ber for i in meeting)
    alike = [i for i in meeting if sweep[i].count.ber == fewest]
    return alike[(len(alike) - 1) // 2]


def _turn(sweep: tuple[SweepPoint, ...], best: int, confidence: float) -> float | None:
    ceiling = sweep[best].count.upper_bound(confidence)
    higher = (p.power_dbm for p in sweep[best + 1 :] if p.count.lower_bound(confidence) > ceiling)
    return next(higher, None)


def _check_flank(sweep: tuple[SweepPoint, ...], meeting: list[int], missed: int) -> None:
    again = [sweep[i].power_dbm for i in meeting if i > missed]
    if again:
        raise FitError(
            f"the BER misses the target at {sweep[missed].power_dbm:.2f} dBm and meets it again at"
            f" {again[0]:.2f} dBm: an outlier or a lost lock; measure the point again"
        )


def _crossed(found: Overload, flank: tuple[SweepPoint, ...], missed: SweepPoint, coding: Coding) -> Overload:
    """Read the crossing off the mirrored flank, on which errors fall as they do towards sensitivity."""
    mirrored = tuple(replace(p, power_dbm=-p.power_dbm) for p in reversed(flank))
    fit = Fit(counts_of(mirrored, coding), found.target_ber, 0.0)
    line = fit.line(FLANK_WINDOW_DB)
    if powers_used(line) < _LEAST_ON_FLANK:
        return _between(found, missed)
    try:
        crossing = read_off(mirrored, line, fit, reach_db=0.0)
    except FitError:  # no line, but the two powers around the crossing still tell it
        return _between(found, missed)
    line_found = crossing.line
    return replace(
        found,
        power_dbm=-crossing.power_dbm,
        standard_error_db=crossing.standard_error_db,
        bound=Bound.EXACT,
        line=line_found and replace(line_found, power_dbm=-line_found.power_dbm, slope=-line_found.slope),
    )


def _between(found: Overload, missed: SweepPoint) -> Overload:
    gap_db = missed.power_dbm - found.power_dbm
    return replace(
        found,
        power_dbm=found.power_dbm + 0.5 * gap_db,
        standard_error_db=gap_db / math.sqrt(12.0),  # anywhere between the two is as likely
        bound=Bound.EXACT,
        interpolated=True,
    )


def _never_met(sweep: tuple[SweepPoint, ...], target_ber: float) -> NotMeasurable:
    best = min(sweep, key=lambda point: point.count.ber)
    return NotMeasurable(
        f"no power from {sweep[0].power_dbm:.2f} to {sweep[-1].power_dbm:.2f} dBm meets a BER of"
        f" {target_ber:.2e} for certain; the best is {best.count.ber:.2e} at {best.power_dbm:.2f} dBm",
        Cause.EYE_CLOSED,
        {"points": [[p.power_dbm, p.count.bits, p.count.errors] for p in sweep]},
    )
