"""What the N1092D keeps for its channels, its trigger and its acquisitions."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulation.devices.keysight_n1092_commands import CHOSEN_SAMPLES_PER_SYMBOL

NOISE_MW, NOISE_BANDWIDTH_HZ = 0.008, 26.5625e9
"""Dark noise, rms, and the bandwidth it is stated for; it grows with the root of the bandwidth."""
FULL_BANDWIDTH_HZ = 33e9


@dataclass(slots=True)
class Channel:
    """Settings of one optical channel, and its own calibration error."""

    gain: float
    monitor_gain: float
    displayed: bool = False
    wavelength: str = "WAV2"
    signal_type: str = "AUTO"
    filtered: bool = False
    bandwidth_hz: float = NOISE_BANDWIDTH_HZ

    @property
    def receiver_hz(self) -> float:
        """Get the bandwidth that acts: the reference receiver's, or all of the channel's."""
        return self.bandwidth_hz if self.filtered else FULL_BANDWIDTH_HZ


@dataclass(slots=True)
class Trigger:
    """Settings of clock input and pattern lock; `locked` is what came of them."""

    source: str = "FPAN"
    mode: str = "CLOC"
    symbol_rate_hz: float = 10.3125e9
    find_rate: bool = True
    pattern_length: int = 127
    find_length: bool = True
    divide_ratio: int = 1
    find_ratio: bool = True
    locked: bool = False


@dataclass(slots=True)
class Acquisition:
    """Settings of what is taken, and for how long."""

    smoothing: str = "NONE"
    count: int = 16
    whole_pattern: bool = False
    samples_per_symbol: int = CHOSEN_SAMPLES_PER_SYMBOL
    chosen_samples: bool = True
    limited: bool = False
    limit_type: str = "WAV"
    limits: dict[str, int] = field(default_factory=lambda: {"WAV": 16, "PATT": 16, "SAMP": 1_000_000})
