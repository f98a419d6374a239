"""The host's end of a transceiver's low-speed pins."""

from __future__ import annotations

from abc import ABC, abstractmethod


class HostBoard(ABC):
    """A board that holds one transceiver: power, reset, low-power mode and the two-wire bus."""

    drives_power = True
    drives_reset = True
    drives_low_power = True
    """Whether the board has these lines at all; without one, the way is the supply or a register."""

    @abstractmethod
    def present(self) -> bool:
        """Read whether a transceiver is plugged in (ModPrsL low)."""

    @abstractmethod
    def switch_power(self, on: bool) -> None:
        """Connect or disconnect the supply rail at the cage."""

    @abstractmethod
    def hold_reset(self, held: bool) -> None:
        """Pull ResetL low (held) or let it go."""

    @abstractmethod
    def request_low_power(self, low_power: bool) -> None:
        """Drive LPMode."""

    @abstractmethod
    def transfer(self, address: int, write: bytes, read_count: int) -> bytes:
        """Write, then read after a repeated start, in one transfer at a 7-bit address.

        Raise NoAcknowledge when the transceiver does not acknowledge.
        """
