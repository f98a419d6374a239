"""Optical power meters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PowerReading:
    """Average optical power at one port, at the meter, uncorrected for the path before it.

    `power_mw` is what the meter read (noise may make it negative); `floor_mw` is the smallest
    power that the meter is specified for in the range it used. `relative_accuracy` is its stated
    accuracy (k=2) as a fraction of the reading.
    """

    port: str
    power_mw: float
    floor_mw: float
    wavelength_nm: float
    averaging_s: float
    relative_accuracy: float

    @property
    def dark(self) -> bool:
        """Get whether the reading lies below what the meter is specified for."""
        return self.power_mw < self.floor_mw


class PowerMeter(ABC):
    """A meter with one or more ports, each named as on its front panel ("1", "2", …)."""

    @property
    @abstractmethod
    def ports(self) -> tuple[str, ...]:
        """Get the names of the ports."""

    @abstractmethod
    def read_powers(
        self, ports: Sequence[str], *, wavelengths_nm: Sequence[float], averaging_s: float = 0.1
    ) -> tuple[PowerReading, ...]:
        """Read several ports over the same time, each corrected for its wavelength.

        Raise RangeError when the meter reports over- or under-range.
        """

    @abstractmethod
    def zero(self) -> None:
        """Zero all ports; they must be dark."""

    def read_power(self, port: str, *, wavelength_nm: float, averaging_s: float = 0.1) -> PowerReading:
        """Read one port."""
        return self.read_powers([port], wavelengths_nm=[wavelength_nm], averaging_s=averaging_s)[0]
