"""Whether two instruments that saw the same light agree: a bench that contradicts itself measures nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

from measurements.quantity import Bound, Quantity
from measurements.units import db_to_ratio

_ALLOWED_IN_U = 1.5
"""Two figures contradict each other beyond 1.5 times the root sum of squares of their U (k=2).

That is k=3: chance alone does this 3 times in 1,000.
"""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two figures of the same thing, held against each other, in their unit (dB for two in dBm).

    `difference` is the first less the second. `apart` is the least distance between what both say of
    the truth: the size of the difference, or less where one is only a bound, negative where they
    overlap. Both are None where there is nothing to subtract. `uncertainty` is that of the difference
    (k=2), `allowed` what it excuses (k=3).
    """

    agrees: bool
    difference: float | None
    apart: float | None
    uncertainty: float

    @property
    def allowed(self) -> float:
        """Get how far apart the two may lie."""
        return _ALLOWED_IN_U * self.uncertainty


def compare(first: Quantity, second: Quantity) -> Agreement:
    """Hold two independent figures of the same thing against each other.

    One that is only a bound contradicts what lies beyond it: light at the scope where the meter sees
    darkness. Standard errors combine as a root sum of squares, so what both share (a path, a
    calibration) must not be in them; one that is not known counts as none. Figures of different
    units, values and errors that are not finite never agree: what cannot be compared confirms nothing.
    """
    uncertainty = 2 * math.hypot(first.standard_error or 0.0, second.standard_error or 0.0)
    if first.unit != second.unit or not (first.finite and second.finite):
        return Agreement(False, None, None, uncertainty)
    apart = _apart(first, second)
    agrees = math.isfinite(uncertainty) and apart <= _ALLOWED_IN_U * uncertainty
    return Agreement(agrees, first.value - second.value, apart, uncertainty)


def oma_from_average(average_mw: float, extinction_ratio_db: float) -> float:
    """Compute the OMA in mW that an average power and an extinction ratio imply, for balanced levels.

    OMA = 2 P (r - 1) / (r + 1). Raise ValueError unless both are finite and positive.
    """
    if not (0 < average_mw < math.inf and 0 < extinction_ratio_db < math.inf):
        raise ValueError(
            f"{average_mw} mW at {extinction_ratio_db} dB extinction has no modulation amplitude:"
            " measure both in light that is modulated"
        )
    ratio = db_to_ratio(extinction_ratio_db)
    return 2.0 * average_mw * (ratio - 1.0) / (ratio + 1.0)


def _apart(first: Quantity, second: Quantity) -> float:
    """Give the least distance between what two figures say of the truth; negative where they overlap."""
    (low, high), (other_low, other_high) = _span(first), _span(second)
    return max(low - other_high, other_low - high)


def _span(quantity: Quantity) -> tuple[float, float]:
    low = -math.inf if quantity.bound == Bound.UPPER else quantity.value
    high = math.inf if quantity.bound == Bound.LOWER else quantity.value
    return low, high
