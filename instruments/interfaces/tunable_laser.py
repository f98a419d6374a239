"""Tunable lasers."""

from __future__ import annotations

from abc import abstractmethod

from instruments.interfaces.safe_state import SafeState, SafetyRank


class TunableLaser(SafeState):
    """A continuous-wave source whose wavelength and power can be set."""

    port = "out"
    safety_rank = SafetyRank.SOURCE

    @property
    @abstractmethod
    def wavelength_range_nm(self) -> tuple[float, float]:
        """Get the shortest and longest wavelength."""

    @property
    @abstractmethod
    def power_accuracy_db(self) -> float:
        """Get the stated accuracy (k=2) of the output power."""

    @abstractmethod
    def emit(self, *, wavelength_nm: float, power_dbm: float) -> None:
        """Set wavelength and power, switch light on and wait until both are reached."""

    @abstractmethod
    def read_power_dbm(self) -> float:
        """Read the power that the laser's own monitor sees."""

    @abstractmethod
    def darken(self) -> None:
        """Switch light off."""

    def make_safe(self) -> None:
        """Switch light off."""
        self.darken()
