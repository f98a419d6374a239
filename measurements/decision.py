"""Decide by limits with measurement uncertainty: simple acceptance, or guard bands (ISO 14253-1)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from measurements.limits import Limits
from measurements.quantity import Bound, Quantity
from measurements.uncertainty import Budget, UncertaintyError


class State(StrEnum):
    """What is said of a value that has an uncertainty."""

    PASS = "pass"
    MARGINAL = "inside the guard band"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Rule:
    """How wide the guard band is, in standard uncertainties; 0 is simple acceptance."""

    name: str
    guard_in_u: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.guard_in_u) and self.guard_in_u >= 0):
            raise UncertaintyError(f"rule {self.name!r}: a guard band of {self.guard_in_u} u is none")


SIMPLE_ACCEPTANCE = Rule("simple acceptance", 0.0)
"""JCGM 106, 8.2: the risk is shared between maker and user; right at a limit it is 50 %."""
ISO_14253_1 = Rule("ISO 14253-1, U at k = 2", 2.0)
"""The maker proves conformance: specific risk of a false accept at most 2.3 %. Also ILAC-G8's w = U."""
FIVE_PER_CENT = Rule("specific risk of 5 %", 1.6448536269514722)


def by_expanded_uncertainty(budget: Budget, confidence: float = 0.9545) -> Rule:
    """Get the rule w = U of ISO 14253-1 with the coverage factor of a budget in place of k = 2.

    It matters where a budget stands on few readings: 5 degrees of freedom make k 2.65. Raise
    UncertaintyError for a confidence not between 0 and 1.
    """
    return Rule(f"ISO 14253-1, U at {confidence:.4g}", budget.coverage_factor(confidence))


@dataclass(frozen=True, slots=True)
class Decided:
    """A state with the limits that decided it, in the value's unit.

    `lower` and `upper` are the acceptance limits, drawn in by the guard band. `margin_in_u` is the
    distance to the nearest limit (not acceptance limit) in standard uncertainties, negative
    outside; None without an uncertainty or without limits. A MARGINAL is no verdict: who asks must
    say what becomes of it (a retest, another rule), never the judge alone.
    """

    state: State
    lower: float | None
    upper: float | None
    uncertainty: float | None
    margin_in_u: float | None
    rule: str

    @property
    def marginal(self) -> bool:
        """Get whether the value met the limit, but not by the guard band."""
        return self.state is State.MARGINAL


def decide(
    quantity: Quantity, limits: Limits, rule: Rule = SIMPLE_ACCEPTANCE, *, budget: Budget | None = None
) -> Decided:
    """Decide one quantity by its limits; ends of the acceptance interval are accepted.

    The uncertainty is that of the budget, else the quantity's standard error. Raise UncertaintyError
    where a guard band has no uncertainty to stand on, leaves no room between two limits, a limit is
    not finite, or the value is not finite, in another unit, or only a bound: `limits.hold` says what
    becomes of those.
    """
    u = quantity.standard_error if budget is None else budget.standard
    _check(quantity, limits, rule, u, budget)
    lower, upper = acceptance(limits, rule.guard_in_u * (u or 0.0))
    value = quantity.value
    distances = [value - limits.lower] if limits.lower is not None else []
    distances += [limits.upper - value] if limits.upper is not None else []
    outside = any(distance < 0 for distance in distances)
    accepted = (lower is None or value >= lower) and (upper is None or value <= upper)
    state = State.FAIL if outside else State.PASS if accepted else State.MARGINAL
    margin = min(distances) / u if distances and u else None
    return Decided(state, lower, upper, u, margin, rule.name)


def acceptance(limits: Limits, band: float) -> tuple[float | None, float | None]:
    """Draw limits in by a guard band, in their unit; None stays open (JCGM 106, 8.3).

    Raise UncertaintyError for limits that are not finite and for a band that leaves nothing between.
    """
    if not all(math.isfinite(limit) for limit in (limits.lower, limits.upper) if limit is not None):
        raise UncertaintyError(f"the limits {limits.lower} and {limits.upper} are not numbers")
    lower = None if limits.lower is None else limits.lower + band
    upper = None if limits.upper is None else limits.upper - band
    if lower is not None and upper is not None and lower > upper:
        raise UncertaintyError(
            f"a guard band of {band:.3g} {limits.unit} leaves nothing between {limits.lower} and"
            f" {limits.upper}: measure better, or choose another rule"
        )
    return lower, upper


def retests_needed(u_repeatable: float, u_common: float, *, wanted: float) -> int | None:
    """Get how many measurements bring the uncertainty of their mean to what is wanted.

    Only what scatters from one to the next falls with their number; None where what they have in
    common is too much already.
    """
    finite = all(math.isfinite(value) for value in (u_repeatable, u_common, wanted))
    if not finite or min(u_repeatable, u_common) < 0 or wanted <= 0:
        raise UncertaintyError(
            f"uncertainties of {u_repeatable} and {u_common}, wanted {wanted}: not positive"
        )
    left = wanted**2 - u_common**2
    if u_repeatable == 0:
        return 1 if left >= 0 else None
    return max(1, math.ceil(u_repeatable**2 / left - 1e-9)) if left > 0 else None


def _check(quantity: Quantity, limits: Limits, rule: Rule, u: float | None, budget: Budget | None) -> None:
    if not quantity.finite or quantity.bound is not Bound.EXACT:
        raise UncertaintyError(f"{quantity.value!r} ({quantity.bound}) is no value to decide by a guard band")
    units = {quantity.unit, limits.unit} | ({budget.unit} if budget is not None else set())
    if len(units) > 1:
        raise UncertaintyError(
            f"value, limits and uncertainty are in different units: {', '.join(sorted(units))}"
        )
    if rule.guard_in_u > 0 and u is None:
        raise UncertaintyError(
            f"rule {rule.name!r} needs an uncertainty, and the value has none: give a budget"
        )
    if u is not None and not (math.isfinite(u) and u >= 0):
        raise UncertaintyError(f"an uncertainty of {u} is none")
