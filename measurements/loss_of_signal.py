"""Loss of signal: the powers at which a receiver raises and drops its flag, and the gap between."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from measurements.quantity import Bound, Quantity

_LEAST_STEPS = 3


class RampError(ValueError):
    """A ramp of powers that does not tell where a flag changes: the bench's order is at fault."""


@dataclass(frozen=True, slots=True)
class FlagStep:
    """The flag as it was read once the power had settled, longer than its own delay."""

    power_dbm: float
    raised: bool


@dataclass(frozen=True, slots=True)
class FlagLevel:
    """The power at which a flag changes, between the two steps that saw it.

    The value is the middle of them and the standard error that of an even chance anywhere between.
    `bound` is LOWER when the flag had changed at the highest power already, or had not even there:
    the truth is at least the value; UPPER likewise at the lowest. `changes` counts how often the
    flag changed on this side of the ramp: more than once is chatter, and then the two steps are
    the outermost.
    """

    power_dbm: float
    standard_error_db: float | None
    bound: Bound
    changes: int

    @property
    def chatters(self) -> bool:
        """Get whether the flag changed to and fro."""
        return self.changes > 1

    def quantity(self) -> Quantity:
        """Get the level for the record."""
        evidence = {"changes": self.changes}
        return Quantity(self.power_dbm, "dBm", self.standard_error_db, self.bound, evidence)


@dataclass(frozen=True, slots=True)
class LossOfSignal:
    """Levels of the flag over a ramp down and up again.

    `deasserted` is None when the flag was never raised: there is nothing to drop then.
    """

    asserted: FlagLevel
    deasserted: FlagLevel | None
    steps: tuple[FlagStep, ...]

    @property
    def chatters(self) -> bool:
        """Get whether the flag changed to and fro on either side."""
        return self.asserted.chatters or (self.deasserted is not None and self.deasserted.chatters)

    @property
    def hysteresis_db(self) -> float | None:
        """Get the de-assert less the assert level; None when the flag was never raised."""
        return None if self.deasserted is None else self.deasserted.power_dbm - self.asserted.power_dbm

    def hysteresis(self) -> Quantity | None:
        """Get the hysteresis for the record, with the resolution of both levels as its standard error.

        A bound when one level is: its direction follows from which. None when the flag was never
        raised, and when both levels are bounds that say nothing together. Attenuator and meter
        shift both levels alike, so their absolute error is not in it.
        """
        if self.deasserted is None or self.hysteresis_db is None:
            return None
        bound = _difference_bound(self.deasserted.bound, self.asserted.bound)
        if bound is None:
            return None
        errors = (self.asserted.standard_error_db, self.deasserted.standard_error_db)
        known = [error for error in errors if error is not None]
        error = math.hypot(*known) if bound is Bound.EXACT else None
        evidence = {
            "assert_dbm": self.asserted.power_dbm,
            "deassert_dbm": self.deasserted.power_dbm,
            "chatters": self.chatters,
            "steps": [[step.power_dbm, step.raised] for step in self.steps],
        }
        return Quantity(self.hysteresis_db, "dB", error, bound, evidence)


def loss_of_signal(steps: Iterable[FlagStep]) -> LossOfSignal:
    """Read assert and de-assert level off a ramp of power down to its lowest and up again.

    Steps in the order in which they were made, each read after the flag had settled; powers may
    be OMAouter or average, as the caller means them. The step at the lowest power belongs to both
    sides. The flag's delays are not measured here. Raise RampError unless powers fall strictly,
    then rise strictly, with at least 3 steps and finite powers, and for a flag that is raised by
    light, or only on the way up: it was inverted, or read too early.
    """
    ramp = tuple(steps)
    _check_finite(ramp)
    bottom = min(range(len(ramp)), key=lambda index: ramp[index].power_dbm)
    _check_order(ramp, bottom)
    down, up = ramp[: bottom + 1], ramp[bottom:]
    _check_sense(down, up)
    asserted = _level(down)
    if not any(step.raised for step in ramp):
        return LossOfSignal(asserted, None, ramp)
    return LossOfSignal(asserted, _level(up[::-1]), ramp)


def _check_sense(down: Sequence[FlagStep], up: Sequence[FlagStep]) -> None:
    late = [step.power_dbm for step in up if step.raised]
    if late and not any(step.raised for step in down):
        raise RampError(
            f"the flag is raised only on the way up, at {late[0]:.2f} dBm: it was read before it had"
            " settled; wait longer after each step"
        )
    for name, falling in (("down", down), ("up", up[::-1])):
        if falling[0].raised and not falling[-1].raised:
            raise RampError(
                f"on the way {name} the flag is raised at {falling[0].power_dbm:.2f} dBm and clear at"
                f" {falling[-1].power_dbm:.2f} dBm: it reads inverted, or belongs to another lane"
            )


def _level(falling: Sequence[FlagStep]) -> FlagLevel:
    """Find where the flag changes among powers that fall: clear at the high end, raised at the low."""
    changes = sum(a.raised != b.raised for a, b in pairwise(falling))
    clear = [step.power_dbm for step in falling if not step.raised]
    raised = [step.power_dbm for step in falling if step.raised]
    if not raised:
        return FlagLevel(falling[-1].power_dbm, None, Bound.UPPER, changes)
    if not clear:
        return FlagLevel(falling[0].power_dbm, None, Bound.LOWER, changes)
    # Without chatter these are neighbours; with it they span all places where the flag wavered.
    ends = _ends(falling)
    width_db = abs(ends[0] - ends[1])
    return FlagLevel(0.5 * (ends[0] + ends[1]), width_db / math.sqrt(12.0), Bound.EXACT, changes)


def _ends(falling: Sequence[FlagStep]) -> tuple[float, float]:
    """Get the powers around the first and the last change."""
    changed = [(a.power_dbm, b.power_dbm) for a, b in pairwise(falling) if a.raised != b.raised]
    return changed[0][0], changed[-1][1]


def _difference_bound(minuend: Bound, subtrahend: Bound) -> Bound | None:
    """Get how a difference stands to the truth; None when its bounds pull both ways."""
    opposite = {Bound.EXACT: Bound.EXACT, Bound.UPPER: Bound.LOWER, Bound.LOWER: Bound.UPPER}
    kinds = {minuend, opposite[subtrahend]} - {Bound.EXACT}
    if len(kinds) > 1:
        return None
    return kinds.pop() if kinds else Bound.EXACT


def _check_finite(ramp: Sequence[FlagStep]) -> None:
    if len(ramp) < _LEAST_STEPS:
        raise RampError(
            f"a ramp of {len(ramp)} steps has no two sides: step the power down past the flag and up again"
        )
    for number, step in enumerate(ramp, start=1):
        if not math.isfinite(step.power_dbm):
            raise RampError(
                f"step {number} of the ramp stands at {step.power_dbm} dBm: give what the attenuator"
                " lets through, a closed shutter is no step"
            )


def _check_order(ramp: Sequence[FlagStep], bottom: int) -> None:
    if bottom in (0, len(ramp) - 1):
        missing = "down" if bottom == 0 else "up"
        raise RampError(f"the ramp does not go {missing}: hysteresis needs both directions, down first")
    for number, (a, b) in enumerate(pairwise(ramp), start=1):
        falls = number <= bottom
        if not (b.power_dbm < a.power_dbm if falls else b.power_dbm > a.power_dbm):
            raise RampError(
                f"step {number + 1} of the ramp goes from {a.power_dbm:.2f} to {b.power_dbm:.2f} dBm while"
                f" the power should {'fall' if falls else 'rise'}: a flag with hysteresis remembers, so"
                " repeat the ramp without turning back"
            )
