"""Whether two instruments that saw the same light agree: a bench that contradicts itself measures nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

from measurements.units import db_to_ratio, ratio_to_db


@dataclass(frozen=True, slots=True)
class Agreement:
    """The difference of two levels, and what their uncertainties (k=2, root sum square) allow."""

    difference_db: float
    allowed_db: float

    @property
    def agrees(self) -> bool:
        """Get whether the difference is within what is allowed."""
        return abs(self.difference_db) <= self.allowed_db


def compare_levels(
    first_dbm: float, second_dbm: float, *, first_uncertainty_db: float, second_uncertainty_db: float
) -> Agreement:
    """Hold two levels of one light against each other; uncertainties at k=2."""
    for value in (first_dbm, second_dbm, first_uncertainty_db, second_uncertainty_db):
        if not math.isfinite(value):
            raise ValueError(f"cannot compare {first_dbm} with {second_dbm} dBm: a value is not finite")
    return Agreement(first_dbm - second_dbm, math.hypot(first_uncertainty_db, second_uncertainty_db))


def oma_from_average(average_mw: float, extinction_ratio_db: float) -> float:
    """Compute the OMA that an average power and an extinction ratio imply, for balanced levels."""
    if average_mw <= 0 or extinction_ratio_db <= 0:
        raise ValueError(
            f"{average_mw} mW at {extinction_ratio_db} dB extinction has no modulation amplitude"
        )
    ratio = db_to_ratio(extinction_ratio_db)
    return 2.0 * average_mw * (ratio - 1.0) / (ratio + 1.0)


def oma_agreement(
    oma_mw: float, average_mw: float, extinction_ratio_db: float, *, uncertainty_db: float
) -> Agreement:
    """Hold a measured OMA against what a power meter's average and the extinction ratio imply."""
    implied = oma_from_average(average_mw, extinction_ratio_db)
    return Agreement(ratio_to_db(oma_mw / implied), uncertainty_db)
