"""Variable optical attenuators."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from instruments.interfaces.power_meter import PowerReading
from instruments.interfaces.safe_state import SafeState, SafetyRank


class Attenuator(SafeState):
    """One or more attenuating channels, each with a shutter and a power monitor at its output.

    Channels are named as on the front panel ("1", "2", …); channel c leads light from port
    "c.in" to port "c.out". Attenuation is in dB above the insertion loss.
    """

    safety_rank = SafetyRank.ATTENUATOR

    @property
    @abstractmethod
    def channels(self) -> tuple[str, ...]:
        """Get the names of the channels."""

    @property
    @abstractmethod
    def maximum_attenuation_db(self) -> float:
        """Get the largest attenuation that can be set."""

    @property
    @abstractmethod
    def accuracy_db(self) -> float:
        """Get the stated accuracy (k=2) of a set attenuation."""

    @abstractmethod
    def attenuate(self, attenuations_db: dict[str, float], *, wavelength_nm: float) -> None:
        """Set several channels and wait until they have settled; the shutters stay as they are."""

    @abstractmethod
    def read_attenuation_db(self, channel: str) -> float:
        """Read back the attenuation of one channel."""

    @abstractmethod
    def open_shutters(self, channels: Sequence[str]) -> None:
        """Let light pass."""

    @abstractmethod
    def close_shutters(self, channels: Sequence[str]) -> None:
        """Block light."""

    @abstractmethod
    def read_output_powers(
        self, channels: Sequence[str], *, wavelength_nm: float
    ) -> tuple[PowerReading, ...]:
        """Read the power monitors at the outputs."""

    @abstractmethod
    def make_safe(self) -> None:
        """Close all shutters and set all channels to their maximum."""
