"""What goes wrong between a bench and its instruments, each by the name that a technician would use.

Most act where messages are exchanged, so that no instrument knows of them. over_range, under_range,
drifted_reference, stuck_attenuator and worn_switch are asked for by the instruments that have such a part.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType


class FaultKind(StrEnum):
    """The faults."""

    SILENT = "silent"
    """Takes messages and never acts on them nor answers."""
    SLOW = "slow"
    """Answers, but `delay_s` later than it should."""
    GARBAGE = "garbage"
    """Answers with noise of the right length."""
    HALF_ANSWER = "half_answer"
    """Stops in the middle of an answer."""
    WRONG_IDENTITY = "wrong_identity"
    """Calls itself `identity`: the wrong instrument at this address."""
    ERROR_IN_QUEUE = "error_in_queue"
    """Reports `error_code` once."""
    ERROR_FLOOD = "error_flood"
    """Reports `error_code` with every message: its queue is never empty again."""
    STUCK_BUSY = "stuck_busy"
    """Starts operations and never ends them."""
    OVER_RANGE = "over_range"
    """Says that every reading is above its range."""
    UNDER_RANGE = "under_range"
    """Says that every reading is below its range."""
    DROPPED_LINK = "dropped_link"
    """Loses its connection."""
    POWER_CYCLED = "power_cycled"
    """Loses its mains once: settings, buffers and connections are gone, then it starts for `delay_s`."""
    DRIFTED_REFERENCE = "drifted_reference"
    """Reads every power `amount_db` too high: its reference has drifted since its calibration."""
    STUCK_ATTENUATOR = "stuck_attenuator"
    """Takes every setting and reports it, but its filter stays where it was."""
    WORN_SWITCH = "worn_switch"
    """Loses more light with every switching, differently each time: by `amount_db` on average."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of one instrument, named as in the station file.

    It begins once the instrument has taken `after_messages` messages and `after_s` seconds of bench
    time have passed.
    """

    instrument: str
    kind: FaultKind
    after_messages: int = 0
    after_s: float = 0.0
    delay_s: float = 60.0
    amount_db: float = 0.5
    identity: str = "Unknown Works,Model 0,0,0.0"
    error_code: int = -310

    def __post_init__(self) -> None:
        # A plain word from a file is as good as the member.
        object.__setattr__(self, "kind", FaultKind(self.kind))


PARAMETERS: Mapping[FaultKind, tuple[str, ...]] = MappingProxyType(
    {
        FaultKind.SLOW: ("delay_s",),
        FaultKind.WRONG_IDENTITY: ("identity",),
        FaultKind.ERROR_IN_QUEUE: ("error_code",),
        FaultKind.ERROR_FLOOD: ("error_code",),
        FaultKind.POWER_CYCLED: ("delay_s",),
        FaultKind.DRIFTED_REFERENCE: ("amount_db",),
        FaultKind.WORN_SWITCH: ("amount_db",),
    }
)
"""What belongs to a kind beyond when it begins."""


class LinkDropped(Exception):
    """The connection to an instrument is gone."""


class FaultLine:
    """All faults of one instrument, and which of them have begun."""

    def __init__(
        self, faults: Sequence[Fault] = (), *, seed: int = 0, now_s: Callable[[], float] = float
    ) -> None:
        self._faults = tuple(faults)
        self._messages = 0
        self._reported: set[Fault] = set()
        self._random = random.Random(seed)
        self.present = bool(self._faults)
        self._now_s = now_s

    @property
    def all(self) -> tuple[Fault, ...]:
        """Get all faults, begun or not."""
        return self._faults

    def told(self) -> list[dict[str, object]]:
        """Describe all faults in plain values."""
        return [
            {
                "kind": str(fault.kind),
                "begun": self._begun(fault),
                **{name: getattr(fault, name) for name in PARAMETERS.get(fault.kind, ())},
            }
            for fault in self._faults
        ]

    def begin(self, fault: Fault) -> None:
        """Add a fault, counted from now, in place of one of its kind."""
        self.end(fault.kind)
        begun = replace(
            fault,
            after_messages=fault.after_messages + self._messages,
            after_s=fault.after_s + self._now_s() if fault.after_s else 0.0,
        )
        self._reported.discard(begun)
        self._faults = (*self._faults, begun)
        self.present = True

    def end(self, kind: FaultKind | None = None) -> None:
        """Take a fault away, or all of them."""
        self._faults = tuple(fault for fault in self._faults if kind is not None and fault.kind is not kind)
        self.present = bool(self._faults)

    def find(self, kind: FaultKind) -> Fault | None:
        """Get the fault of this kind, if it has begun."""
        for fault in self._faults:
            if fault.kind is kind and self._begun(fault):
                return fault
        return None

    def active(self, kind: FaultKind) -> bool:
        """Tell whether a fault of this kind has begun."""
        return self.present and self.find(kind) is not None

    def _begun(self, fault: Fault) -> bool:
        return self._messages > fault.after_messages and self._now_s() >= fault.after_s

    def count_message(self) -> None:
        """Take note of one more message; faults after N messages begin with message N + 1."""
        self._messages += 1

    def check_link(self) -> None:
        """Raise LinkDropped where the connection is gone."""
        if self.active(FaultKind.DROPPED_LINK):
            raise LinkDropped

    def take_power_cut(self) -> Fault | None:
        """Give the power cut that has begun, once."""
        fault = self.find(FaultKind.POWER_CYCLED)
        if fault is None or fault in self._reported:
            return None
        self._reported.add(fault)
        return fault

    def pending_error(self, message: bytes) -> int | None:
        """Give the number of the error that this message finds in the queue.

        That of error_in_queue comes once, and lets pass a message that clears or only reads the queue:
        it shall be met by real work.
        """
        flood = self.find(FaultKind.ERROR_FLOOD)
        if flood is not None:
            return flood.error_code
        fault = self.find(FaultKind.ERROR_IN_QUEUE)
        start = message.lstrip(b":").upper()
        if fault is None or fault in self._reported or b"*CLS" in start or start.startswith(b"SYST"):
            return None
        self._reported.add(fault)
        return fault.error_code

    def spoil(self, answer: bytes, end: bytes) -> tuple[bytes, float, bool]:
        """Give what becomes of an answer: bytes, extra delay in seconds, and whether its end is sent."""
        slow = self.find(FaultKind.SLOW)
        delay_s = slow.delay_s if slow else 0.0
        if self.active(FaultKind.GARBAGE):
            # Bytes above 0x7F, so that no noise can pass for an answer or contain a terminator.
            answer = bytes(self._random.randrange(0xA0, 0xFF) for _ in range(max(8, len(answer))))
        if self.active(FaultKind.HALF_ANSWER):
            return answer[: max(1, len(answer) // 2)], delay_s, False
        return answer + end, delay_s, True
