"""What was done to make a bench safe, whether that is enough, and what a person may touch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from instruments.interfaces.attenuator import Attenuator
from instruments.interfaces.bert import Bert
from instruments.interfaces.power_supply import PowerSupply
from instruments.interfaces.safe_state import SafetyRank
from instruments.interfaces.thermal_head import ThermalHead
from instruments.interfaces.tunable_laser import TunableLaser

# Our own bounds, with a margin to what hurts: bare metal warmer or colder than this stays untouched.
_TOUCH_C = (5.0, 43.0)

_WORDS: tuple[tuple[type[Any], str], ...] = (
    (TunableLaser, "light off"),
    (Bert, "outputs off"),
    (Attenuator, "shutters closed, maximum attenuation"),
    (PowerSupply, "outputs off"),
    (ThermalHead, "air to ambient, flow off"),
)


@dataclass(frozen=True, slots=True)
class SafetyStep:
    """One thing that was tried to make the bench safe; `error` is None when it was confirmed."""

    rank: SafetyRank
    name: str
    what: str
    error: Exception | None = None

    @property
    def done(self) -> bool:
        """Get whether the instrument confirmed it."""
        return self.error is None

    def told(self) -> dict[str, object]:
        """Write the step as the record holds it."""
        detail = "" if self.error is None else str(self.error)
        return {"what": f"{self.name}: {self.what}", "done": self.done, "detail": detail}


def attempt(rank: SafetyRank, name: str, what: str, action: Callable[[], Any]) -> SafetyStep:
    """Do one thing; what goes wrong is in the step, because the next one must be tried all the same."""
    try:
        action()
    except Exception as error:
        return SafetyStep(rank, name, what, error)
    return SafetyStep(rank, name, what)


def words_for(driver: type[Any]) -> str:
    """Say what an instrument's safe state is."""
    return next((words for kind, words in _WORDS if issubclass(driver, kind)), "safe state")


def left_unsafe(steps: Sequence[SafetyStep]) -> list[SafetyStep]:
    """Get the steps that leave the bench unsafe.

    A transceiver that did not listen is dark all the same once its supply is off.
    """
    supplies = [step.done for step in steps if step.rank is SafetyRank.SUPPLY]
    unpowered = bool(supplies) and all(supplies)
    return [s for s in steps if not s.done and not (unpowered and s.rank is SafetyRank.TRANSCEIVER)]


def touch_words(steps: Sequence[SafetyStep], case_c: float | None) -> str:
    """Say whether fibres and transceiver may be touched, after these steps and at this case temperature."""
    unsafe = left_unsafe(steps)
    if unsafe:
        names = ", ".join(dict.fromkeys(step.name for step in unsafe))
        return f"NOT SAFE: {names} could not be made safe; do not touch fibres or transceiver"
    if not steps:
        return "No instrument was opened: the bench is as it was before."
    if case_c is None or _TOUCH_C[0] < case_c < _TOUCH_C[1]:
        at = "" if case_c is None else f" ({case_c:.0f} °C)"
        return f"The bench is safe: no light, no power. The transceiver may be touched{at}."
    return (
        f"The bench is safe: no light, no power. Do not touch the transceiver yet: it is at {case_c:.0f} °C."
    )
