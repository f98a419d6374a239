"""What every instrument that can hurt something can do: become safe."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import IntEnum
from typing import ClassVar


class SafetyRank(IntEnum):
    """The order in which a bench is made safe, lowest first."""

    SOURCE = 1
    """Light and electrical drive go first, so that nothing moves under power."""
    ATTENUATOR = 2
    TRANSCEIVER = 3
    SUPPLY = 4
    THERMAL_HEAD = 5


class SafeState(ABC):
    """An instrument with a safe state.

    `make_safe` works in any state of the instrument and of the run, also after an abort, and may
    be called again.
    """

    safety_rank: ClassVar[SafetyRank]

    @abstractmethod
    def make_safe(self) -> None:
        """Bring the instrument into its safe state."""
