"""DiCon GP700: a mainframe of 1xN fibre switches, each between a common port and one of its channels.

Command facts: python-ivi's driver of this instrument; the letters in the answer to SYSTEM:CONFIG? are not
shown there and are marked. The header path is not kept from line to line: that is the MXS-9100's manner,
and `system:config?` followed by a bare `M1 2` is what the GP700 is known to understand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar

from simulation.faults import FaultKind
from simulation.physics.light import Light, Passage
from simulation.physics.loss import fixed, true_loss
from simulation.physics.randomness import truncated_normal
from simulation.scpi import Clock, Command, Number, Profile, Quoted, ScpiDevice, ScpiError

DEFAULT_MODULES: Mapping[str, int] = MappingProxyType({"M1": 3, "M2": 3, "M3": 3, "M4": 3, "M5": 4, "M6": 4})
"""Channels of each module on the demo bench."""
INSERTION_LOSS_DB = 0.7
LOSS_UNCERTAINTY_DB = 0.1
REPEATABILITY_DB = 0.02
FASTEST_S, SLOWEST_S = 0.010, 0.020
PARKED = 0
"""The channel number at which a module passes no light."""
MEMORIES = 9
_DRIVER = "python-ivi, ivi/dicon/diconGP700.py"
_GUESS = "IEEE 488.2 as other DiCon instruments keep it; check on hardware"


@dataclass(slots=True)
class Module:
    """One switch: where it stands, until when it moves, and the true loss of its ways."""

    losses_db: tuple[float, ...]
    channel: int = PARKED
    settled_ns: int = 0
    repeat_error_db: float = 0.0

    @property
    def channels(self) -> int:
        """Get the number of channels."""
        return len(self.losses_db)

    def loss_db(self) -> float:
        """Get the loss of the way that is open now."""
        return max(0.0, self.losses_db[self.channel - 1] + self.repeat_error_db)


@dataclass(frozen=True, slots=True)
class LossOptions:
    """What the simulation file states about losses: one value, or one for each "M1" or "M1.2"."""

    stated_db: Mapping[str, float] = field(default_factory=dict)
    common_db: float = INSERTION_LOSS_DB
    uncertainty_db: float = LOSS_UNCERTAINTY_DB

    @classmethod
    def read(cls, options: Mapping[str, object]) -> LossOptions:
        """Read the constructor's options."""
        uncertainty_db = float(str(options.get("insertion_loss_uncertainty_db", LOSS_UNCERTAINTY_DB)))
        given = options.get("insertion_loss_db", INSERTION_LOSS_DB)
        if isinstance(given, Mapping):
            stated = {str(key): float(value) for key, value in given.items()}
            return cls(stated, INSERTION_LOSS_DB, uncertainty_db)
        return cls({}, float(str(given)), uncertainty_db)

    def draw(self, module: str, channel: int, seed: int, name: str) -> float:
        """Draw the true loss of one way."""
        way = f"{module}.{channel}"
        stated_db = self.stated_db.get(way, self.stated_db.get(module, self.common_db))
        return true_loss(stated_db, self.uncertainty_db, seed, f"{name}.{way}")


class DiconGp700(ScpiDevice):
    """The mainframe. Ports are "M1.com", "M1.1" …; light may run either way.

    Options: `modules`, channels by module name; `insertion_loss_db`, a number or a mapping by module or way;
    `insertion_loss_uncertainty_db`, k = 2, within which the true loss is drawn.
    """

    model: ClassVar[str] = "DiCon GP700"
    manufacturer: ClassVar[str] = "DiCon Fiberoptics Inc"
    identity_model: ClassVar[str] = "GP700"
    firmware: ClassVar[str] = "2.04"
    profile: ClassVar[Profile] = Profile(answer_end=b"\r")

    def __init__(
        self, name: str, *, serial: str, options: Mapping[str, object], clock: Clock, seed: int
    ) -> None:
        losses = LossOptions.read(options)
        self._modules = {
            module: Module(tuple(losses.draw(module, n, seed, name) for n in range(1, channels + 1)))
            for module, channels in _modules(options).items()
        }
        self._memories: dict[int, dict[str, int]] = {}
        super().__init__(name, serial=serial, options=options, clock=clock, seed=seed)

    def reset(self) -> None:
        """Park all modules."""
        super().reset()
        for module in self._modules.values():
            module.channel, module.settled_ns = PARKED, 0

    def safe_state(self) -> Mapping[str, object]:
        """Get where the switches stand."""
        self.catch_up()
        return {"channels": {name: module.channel for name, module in self._modules.items()}}

    # Light.

    def emission(self, port: str) -> Light:  # noqa: ARG002  the protocol asks by port
        """Get the light that a switch itself sends out: none."""
        return ()

    def passages(self, port: str) -> tuple[Passage, ...]:
        """Get the way that leads out of a port; none while the switch moves or stands elsewhere."""
        self.catch_up()
        name, _, local = port.partition(".")
        module = self._modules.get(name)
        if module is None or module.channel == PARKED or self.clock.now_ns < module.settled_ns:
            return ()
        if local == "com":
            return (Passage(f"{name}.{module.channel}", fixed(module.loss_db())),)
        return (Passage(f"{name}.com", fixed(module.loss_db())),) if local == str(module.channel) else ()

    # Commands.

    def _module(self, number: int) -> Module:
        module = self._modules.get(f"M{number}")
        if module is None:
            raise ScpiError(-241, f"M{number}")
        return module

    def _switch(self, number: int, channel: int, common: int) -> None:
        module = self._module(number)
        if channel > module.channels or common != 1:
            raise ScpiError(-222)
        if channel != module.channel:
            self._move(f"M{number}", module, channel)

    def _move(self, name: str, module: Module, channel: int) -> None:
        noise = self.noise(f"move {name}")
        seconds = float(noise.uniform(FASTEST_S, SLOWEST_S))
        module.repeat_error_db = truncated_normal(noise, REPEATABILITY_DB / 2, REPEATABILITY_DB)
        worn = self.faults.find(FaultKind.WORN_SWITCH) if self.faults.present else None
        if worn is not None:
            # A worn mirror stops where it likes: losses pile up on one side only.
            module.repeat_error_db = abs(module.repeat_error_db) + float(noise.exponential(worn.amount_db))
        module.channel = channel
        module.settled_ns = max(module.settled_ns, self.after_ns(seconds))
        # It takes no command while a mirror moves.
        self.hold(seconds)

    def _position(self, number: int) -> str:
        return f"{self._module(number).channel}, 1"

    def _configuration(self) -> str:
        return ", ".join(f"{name} O{module.channels} I1" for name, module in self._modules.items())

    def _oldest_error(self) -> object:
        error = self.errors.pop()
        return Quoted(error.text) if error.code else "0"

    def _save(self, memory: int) -> None:
        self._memories[memory] = {name: module.channel for name, module in self._modules.items()}

    def _recall(self, memory: int) -> None:
        for name, channel in self._memories.get(memory, {}).items():
            if channel != self._modules[name].channel:
                self._move(name, self._modules[name], channel)

    commands = (
        Command(
            pattern="M{1:99}",
            action=_switch,
            query=_position,
            parameters=(
                Number(minimum=PARKED, integer=True),
                Number(minimum=1, integer=True, optional=True, missing=1),
            ),
            confirmed="public driver",
            source=_DRIVER,
        ),
        Command(
            pattern="SYSTem:CONFig",
            query=_configuration,
            source=f"{_DRIVER} (its place and use; the letters O and I are not known)",
        ),
        Command(pattern="ERR", query=_oldest_error, confirmed="public driver", source=_DRIVER),
        Command(
            pattern="*SAV",
            action=_save,
            parameters=(Number(minimum=1, maximum=MEMORIES, integer=True),),
            confirmed="public driver",
            source=_DRIVER,
        ),
        Command(
            pattern="*RCL",
            action=_recall,
            parameters=(Number(minimum=1, maximum=MEMORIES, integer=True),),
            confirmed="public driver",
            source=_DRIVER,
        ),
    )


def _modules(options: Mapping[str, object]) -> Mapping[str, int]:
    given = options.get("modules", DEFAULT_MODULES)
    if not isinstance(given, Mapping):
        raise ValueError(f"modules of a GP700 are a mapping such as {{M1: 3}}, not {given!r}")
    for name, channels in given.items():
        if re.fullmatch(r"M[1-9]\d?", str(name)) is None or not isinstance(channels, int) or channels < 1:
            raise ValueError(
                f"a GP700 has modules M1 to M99 with at least one channel, not {name}: {channels}"
            )
    return {str(name): int(channels) for name, channels in given.items()}
