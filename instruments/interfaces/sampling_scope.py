"""Sampling oscilloscopes with optical inputs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PatternCapture:
    """One pattern period of one channel as the scope gave it, at the scope.

    `time_s` and `power_mw` are one-dimensional, of equal length and read-only; the spacing of
    `time_s` may be uneven. `signal_noise_mw` is the rms noise of one acquisition on a settled
    level, through the reference receiver, scope noise included; `scope_noise_mw` is the rms noise
    without light. `bandwidth_hz` is that of the reference receiver (4th-order Bessel-Thomson),
    `sampling` says how the record was taken. `average_power_mw` is the channel's own average
    power monitor. `instrument_tdecq_db` is the scope's own figure, or None where it has none.
    """

    channel: str
    time_s: NDArray[np.float64]
    power_mw: NDArray[np.float32]
    symbol_rate_gbd: float
    pattern: str
    averages: int
    signal_noise_mw: float | None
    scope_noise_mw: float
    bandwidth_hz: float
    wavelength_nm: float
    average_power_mw: float
    sampling: str
    instrument_tdecq_db: float | None


class SamplingScope(ABC):
    """A scope with one timebase and one or more optical channels, named as on its front panel."""

    @property
    @abstractmethod
    def channels(self) -> tuple[str, ...]:
        """Get the names of the optical channels."""

    @property
    @abstractmethod
    def power_accuracy_db(self) -> float:
        """Get the stated accuracy (k=2) of the average power of a channel."""

    @abstractmethod
    def capture(
        self,
        channels: Sequence[str],
        *,
        pattern: str,
        symbol_rate_gbd: float,
        wavelength_nm: float,
        samples_per_symbol: int,
        averages: int,
    ) -> tuple[PatternCapture, ...]:
        """Lock to the pattern and take one period on all channels in one acquisition.

        The reference receiver of half the symbol rate is applied. A channel without light is
        captured like any other. Raise InstrumentError when the scope finds no trigger or no lock.
        """

    @abstractmethod
    def read_average_powers_mw(self, channels: Sequence[str], *, wavelength_nm: float) -> tuple[float, ...]:
        """Read the average power monitors of the channels."""

    @abstractmethod
    def knows_dark_noise(self, channel: str, *, symbol_rate_gbd: float) -> bool:
        """Tell whether the noise of a channel without light was measured since the scope was opened."""

    @abstractmethod
    def read_dark_noises_mw(
        self, channels: Sequence[str], *, symbol_rate_gbd: float, wavelength_nm: float
    ) -> tuple[float, ...]:
        """Measure and keep the rms noise of dark channels through the reference receiver.

        Captures carry it as `scope_noise_mw`. The trigger clock must run; raise InstrumentError
        when a channel sees light.
        """
