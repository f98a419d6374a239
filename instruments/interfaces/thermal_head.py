"""Thermal heads, which blow tempered air over one transceiver."""

from __future__ import annotations

from abc import abstractmethod

from instruments.interfaces.safe_state import SafeState, SafetyRank


class ThermalHead(SafeState):
    """A head whose air temperature is set; the transceiver's own sensor tells what came of it."""

    safety_rank = SafetyRank.THERMAL_HEAD

    @property
    @abstractmethod
    def range_c(self) -> tuple[float, float]:
        """Get the coldest and hottest air temperature that may be asked for."""

    @abstractmethod
    def force(self, temperature_c: float) -> None:
        """Lower the head, start the flow and ask for an air temperature; return at once."""

    @abstractmethod
    def read_air_c(self) -> float:
        """Read the air temperature."""

    @abstractmethod
    def release(self) -> None:
        """Return the air to ambient and stop the flow."""

    def make_safe(self) -> None:
        """Return the air to ambient and stop the flow."""
        self.release()
