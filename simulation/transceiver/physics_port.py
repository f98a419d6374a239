"""What the firmware asks of the transceiver's physics."""

from __future__ import annotations

from typing import Protocol


class PhysicsPort(Protocol):
    """Actuators and sensors inside the transceiver; media lanes are numbered from 1.

    Powers are averages at the transceiver's ports. The firmware alone knows registers.
    """

    def set_high_power(self, on: bool) -> None:
        """Power the high-speed circuits up or down."""
        ...

    def set_lane_enabled(self, lane: int, enabled: bool) -> None:
        """Let one transmitter send light, or darken it."""
        ...

    def case_temperature_c(self) -> float:
        """Get the true temperature of the case."""
        ...

    def supply_v(self) -> float:
        """Get the true voltage at the supply pins."""
        ...

    def tx_power_mw(self, lane: int) -> float:
        """Get the average power that one transmitter sends."""
        ...

    def bias_ma(self, lane: int) -> float:
        """Get the current of one laser."""
        ...

    def rx_power_mw(self, lane: int) -> float:
        """Get the average power that falls on one receiver."""
        ...
