"""The arithmetic around stressed receiver sensitivity: OMA at TP3, what SECQ asks for, and the stress itself.

IEEE 802.3, 121.8.9, 124.8.9 and 140.7.11. The counting is that of `measurements.receiver`, with
the stressed source as the light and OMAouter at TP3 as the power; SECQ is measured like TECQ
(`measurements.tdecq`). All figures of a clause are arguments. For NRZ give VECP in the place of
SECQ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from measurements.agreement import oma_from_average
from measurements.quantity import Bound, Quantity
from measurements.units import db_to_ratio, ratio_to_db


class StressError(ValueError):
    """Figures that cannot be those of a stressed receiver test; the call or its calibration is at fault."""


@dataclass(frozen=True, slots=True)
class StressLine:
    """The largest sensitivity that a clause allows against the stress of the light.

    max(`floor_dbm`, SECQ - `minus_db`), flat up to the knee and a decibel for a decibel from
    there: the receiver must bear what the worst transmitter of that SECQ may launch. Without
    `minus_db` it is flat. `largest_secq_db` is where the clause's line ends.
    """

    floor_dbm: float
    minus_db: float | None = None
    largest_secq_db: float = math.inf

    def __post_init__(self) -> None:
        _check_finite("floor", self.floor_dbm, "dBm")
        if self.minus_db is not None:
            _check_finite("offset", self.minus_db, "dB")

    @property
    def knee_db(self) -> float | None:
        """Get the SECQ from which the line rises, None when it never does."""
        return None if self.minus_db is None else self.floor_dbm + self.minus_db

    def required_dbm(self, secq_db: float) -> float:
        """Get the largest OMAouter at TP3 at which the BER must be met with this SECQ.

        Raise StressError for a SECQ beyond the line's end: such light tests no receiver.
        """
        _check_finite("SECQ", secq_db, "dB")
        if secq_db > self.largest_secq_db:
            raise StressError(
                f"a SECQ of {secq_db:.2f} dB lies beyond the {self.largest_secq_db:.2f} dB that the"
                " requirement goes to: calibrate the stress down"
            )
        return self.floor_dbm if self.minus_db is None else max(self.floor_dbm, secq_db - self.minus_db)

    def standard_error_db(self, secq_db: float, secq_error_db: float) -> float:
        """Get what the standard error of SECQ makes of the requirement.

        All of it above the knee, none below, and near it that of a normal distribution cut off there.
        """
        if secq_error_db < 0:
            raise StressError(f"a standard error of {secq_error_db} dB is none: give 0 or more")
        knee_db = self.knee_db
        if knee_db is None or secq_error_db == 0:
            return 0.0
        return _cut_off_deviation(secq_db - knee_db, secq_error_db)


@dataclass(frozen=True, slots=True)
class StressedResult:
    """A measured stressed sensitivity held against what its own SECQ asks for.

    `margin_db` is what is required less what was measured: positive is good. Its standard error
    holds both, with their correlation. `bound` is that of the margin.
    """

    sensitivity_dbm: float
    secq_db: float
    required_dbm: float
    standard_error_db: float | None
    bound: Bound

    @property
    def margin_db(self) -> float:
        """Get required less measured."""
        return self.required_dbm - self.sensitivity_dbm

    def quantity(self) -> Quantity:
        """Get the margin for the record."""
        evidence = {
            "stressed_sensitivity_dbm": self.sensitivity_dbm,
            "secq_db": self.secq_db,
            "required_dbm": self.required_dbm,
        }
        return Quantity(self.margin_db, "dB", self.standard_error_db, self.bound, evidence)


def oma_at_tp3(
    scope_oma: Quantity, *, loss_to_scope_db: Quantity, loss_to_tp3_db: Quantity, correlation: float = 0.0
) -> Quantity:
    """Move an OMAouter from the scope to TP3, over the place where both ways part.

    The loss to the scope is added and that to TP3 taken off, both from the parting place on, as
    positive decibels. `correlation` is that of the two losses' errors: near 1 when one power meter
    measured both in one go. Path loss changes no ratio of levels, so dBm of OMA move like dBm of
    average power; polarisation and wavelength dependence belong to the losses' standard errors.
    The result has a standard error only when all three have one. Raise StressError for units that
    do not fit, negative loss, or a correlation outside -1 to 1.
    """
    _check_unit("OMA at the scope", scope_oma, "dBm")
    for name, loss in (("loss to the scope", loss_to_scope_db), ("loss to TP3", loss_to_tp3_db)):
        _check_unit(name, loss, "dB")
        if loss.value < 0:
            raise StressError(f"the {name} is {loss.value:.2f} dB: a gain; give losses as positive decibels")
    _check_correlation(correlation)
    value = scope_oma.value + loss_to_scope_db.value - loss_to_tp3_db.value
    losses = _difference_error(loss_to_scope_db.standard_error, loss_to_tp3_db.standard_error, correlation)
    own = scope_oma.standard_error
    error = None if own is None or losses is None else math.hypot(own, losses)
    evidence = {
        "oma_scope_dbm": scope_oma.value,
        "loss_to_scope_db": loss_to_scope_db.value,
        "loss_to_tp3_db": loss_to_tp3_db.value,
    }
    instruments = tuple(dict.fromkeys(scope_oma.instruments + loss_to_scope_db.instruments))
    return Quantity(value, "dBm", error, scope_oma.bound, evidence, instruments)


def oma_over_average_db(extinction_ratio_db: float) -> float:
    """Get OMA over average power for an outer extinction ratio, in dB: 2 (ER - 1) / (ER + 1).

    Balanced levels and equally many of each are taken for granted, for NRZ as for PAM4. Raise
    StressError unless the extinction ratio is above 0 dB: there is no modulation at 0.
    """
    _check_extinction(extinction_ratio_db)
    return ratio_to_db(oma_from_average(1.0, extinction_ratio_db))


def oma_from_average_dbm(average: Quantity, extinction_ratio: Quantity) -> Quantity:
    """Compute OMA from average power (dBm) and outer extinction ratio (dB), with standard error."""
    return _converted(average, extinction_ratio, sign=1.0, name="average_dbm")


def average_from_oma_dbm(oma: Quantity, extinction_ratio: Quantity) -> Quantity:
    """Compute average power from OMA (dBm) and outer extinction ratio (dB), with standard error."""
    return _converted(oma, extinction_ratio, sign=-1.0, name="oma_dbm")


def stressed_result(
    sensitivity: Quantity, secq: Quantity, line: StressLine, *, correlation: float = 0.0
) -> StressedResult:
    """Hold a stressed sensitivity (OMAouter at TP3, dBm) against the line at its own SECQ (dB).

    `correlation` is that of the two errors: a scope whose OMA reads high often reads SECQ low.
    A bound of the sensitivity becomes the opposite bound of the margin. Raise StressError for
    units, for a SECQ that is no exact value, and beyond the line's end.
    """
    _check_unit("stressed sensitivity", sensitivity, "dBm")
    _check_unit("SECQ", secq, "dB")
    _check_correlation(correlation)
    if secq.bound is not Bound.EXACT:
        raise StressError(
            f"SECQ is only a bound ({secq.value:.2f} dB): calibrate the stress until it is a value"
        )
    required = line.required_dbm(secq.value)
    asked = None if secq.standard_error is None else line.standard_error_db(secq.value, secq.standard_error)
    error = _difference_error(asked, sensitivity.standard_error, correlation)
    opposite = {Bound.EXACT: Bound.EXACT, Bound.LOWER: Bound.UPPER, Bound.UPPER: Bound.LOWER}
    return StressedResult(sensitivity.value, secq.value, required, error, opposite[sensitivity.bound])


def _converted(power: Quantity, extinction_ratio: Quantity, *, sign: float, name: str) -> Quantity:
    _check_unit("power", power, "dBm")
    _check_unit("extinction ratio", extinction_ratio, "dB")
    ratio_db = oma_over_average_db(extinction_ratio.value)
    # d(OMA/average in dB) / d(ER in dB) = 2 ER / (ER² - 1): much at low extinction, little at high.
    ratio = db_to_ratio(extinction_ratio.value)
    steepness = 2.0 * ratio / (ratio * ratio - 1.0)
    errors = (power.standard_error, extinction_ratio.standard_error)
    known = None not in errors
    error = math.hypot(errors[0] or 0.0, steepness * (errors[1] or 0.0)) if known else None
    evidence = {name: power.value, "extinction_ratio_db": extinction_ratio.value}
    instruments = tuple(dict.fromkeys(power.instruments + extinction_ratio.instruments))
    return Quantity(power.value + sign * ratio_db, "dBm", error, power.bound, evidence, instruments)


def _cut_off_deviation(above_db: float, error_db: float) -> float:
    """Get the standard deviation of max(0, x) for a normal x."""
    from scipy.special import ndtr

    z = above_db / error_db
    share = float(ndtr(z))
    density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    mean = z * share + density
    return error_db * math.sqrt(max((z * z + 1.0) * share + z * density - mean * mean, 0.0))


def _difference_error(first: float | None, second: float | None, correlation: float) -> float | None:
    if first is None or second is None:
        return None
    return math.sqrt(max(first**2 + second**2 - 2.0 * correlation * first * second, 0.0))


def _check_unit(name: str, quantity: Quantity, unit: str) -> None:
    if quantity.unit != unit:
        raise StressError(f"the {name} is given in {quantity.unit}: give it in {unit}")
    _check_finite(name, quantity.value, unit)


def _check_finite(name: str, value: float, unit: str) -> None:
    if not math.isfinite(value):
        raise StressError(f"the {name} is {value} {unit}: measure it again")


def _check_extinction(extinction_ratio_db: float) -> None:
    if not 0 < extinction_ratio_db < math.inf:
        raise StressError(
            f"an extinction ratio of {extinction_ratio_db} dB tells no OMA: measure it on modulated light,"
            " with the scope's dark calibration done"
        )


def _check_correlation(correlation: float) -> None:
    if not -1.0 <= correlation <= 1.0:
        raise StressError(f"a correlation of {correlation} is none: give one between -1 and 1")
