"""Electrical supplies."""

from __future__ import annotations

from abc import abstractmethod

from instruments.interfaces.safe_state import SafeState, SafetyRank


class PowerSupply(SafeState):
    """A supply with one or more outputs, named as on the front panel ("1", "2", …)."""

    safety_rank = SafetyRank.SUPPLY

    @property
    @abstractmethod
    def outputs(self) -> tuple[str, ...]:
        """Get the names of the outputs."""

    @abstractmethod
    def voltage_accuracy_v(self, voltage_v: float) -> float:
        """Get the stated accuracy (k=2) of a measured voltage."""

    @abstractmethod
    def current_accuracy_a(self, current_a: float) -> float:
        """Get the stated accuracy (k=2) of a measured current."""

    @abstractmethod
    def supply(self, output: str, *, voltage_v: float, current_limit_a: float) -> None:
        """Set voltage and current limit, switch the output on and wait until it has settled."""

    @abstractmethod
    def read_voltage_v(self, output: str) -> float:
        """Measure the voltage at the sense terminals."""

    @abstractmethod
    def read_current_a(self, output: str) -> float:
        """Measure the output current."""

    @abstractmethod
    def limiting(self, output: str) -> bool:
        """Read whether the output has left constant voltage for its current limit."""

    @abstractmethod
    def switch_off(self, output: str) -> None:
        """Switch one output off."""

    def make_safe(self) -> None:
        """Switch all outputs off."""
        for output in self.outputs:
            self.switch_off(output)
