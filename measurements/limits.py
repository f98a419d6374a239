"""Hold a value against its limits; everything that cannot be decided is an error, never a pass."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from measurements.quantity import Bound, Quantity


class Verdict(StrEnum):
    """What is said of a measurement or a run; `worst` orders them."""

    PASS = "PASS"
    PARTIAL = "PARTIAL"
    """All that was measured met its limits, but not all of a plan was: no verdict for the unit."""
    FAIL = "FAIL"
    ERROR = "ERROR"
    ABORTED = "ABORTED"


_RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}


def worst(verdicts: list[Verdict]) -> Verdict:
    """Give the verdict that outranks all others: ABORTED > ERROR > FAIL > PARTIAL > PASS.

    Raise ValueError when there is none to choose from: nothing measured is no pass.
    """
    if not verdicts:
        raise ValueError("no verdict can come from no measurement")
    return max(verdicts, key=lambda verdict: _RANK[verdict])


@dataclass(frozen=True, slots=True)
class Limits:
    """The interval that a value must lie in, ends included; None leaves an end open."""

    unit: str
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with the sentence that explains it.

    `margin` is the distance to the nearest limit in the value's unit: negative outside, None
    where no limit decides.
    """

    verdict: Verdict
    reason: str
    margin: float | None = None
    undecided: bool = False
    """The value is only a bound, and leaves a limit open."""


def hold(quantity: Quantity, limits: Limits) -> Judgement:
    """Hold a quantity against limits.

    A wrong unit, NaN, infinity, in value or limit, or a one-sided bound that leaves the question
    open gives ERROR.
    """
    if not quantity.finite:
        return Judgement(Verdict.ERROR, f"the value is {quantity.value!r}, not a number")
    if quantity.unit != limits.unit:
        return Judgement(Verdict.ERROR, f"the value is in {quantity.unit!r}, its limit in {limits.unit!r}")
    if not all(math.isfinite(limit) for limit in (limits.lower, limits.upper) if limit is not None):
        return Judgement(Verdict.ERROR, f"the limits {limits.lower!r} and {limits.upper!r} are not numbers")
    below = None if limits.lower is None else quantity.value - limits.lower
    above = None if limits.upper is None else limits.upper - quantity.value
    margin = min((m for m in (below, above) if m is not None), default=None)
    missed = _missed(quantity, limits, below, above)
    if missed:
        return Judgement(Verdict.FAIL, missed, margin)
    undecided = _undecided(quantity, below, above)
    if undecided:
        return Judgement(Verdict.ERROR, undecided, margin, undecided=True)
    return Judgement(Verdict.PASS, "", margin)


def _missed(quantity: Quantity, limits: Limits, below: float | None, above: float | None) -> str:
    """Say which limit the truth certainly misses, or give an empty string."""
    unit = "" if quantity.unit == "1" else f" {quantity.unit}"
    if below is not None and below < 0 and quantity.bound != Bound.LOWER:
        return f"{quantity.value:.6g}{unit} is below {limits.lower:.6g}{unit}"
    if above is not None and above < 0 and quantity.bound != Bound.UPPER:
        return f"{quantity.value:.6g}{unit} is above {limits.upper:.6g}{unit}"
    return ""


def _undecided(quantity: Quantity, below: float | None, above: float | None) -> str:
    """Say which limit a one-sided value leaves open, or give an empty string."""
    open_below = below is not None and (below < 0 or quantity.bound == Bound.UPPER)
    open_above = above is not None and (above < 0 or quantity.bound == Bound.LOWER)
    if open_below or open_above:
        side = "lower" if open_below else "upper"
        return f"the value is only a bound ({quantity.bound}): the {side} limit stays undecided"
    return ""
