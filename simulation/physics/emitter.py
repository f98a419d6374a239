"""What the light of an emitter is like, beyond its average power: colour, noise, modulation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Waveform = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SpectralLine:
    """A line of an optical spectrum: its share of the beam's power, Gaussian with this full half-width."""

    wavelength_nm: float
    share: float
    width_nm: float


@runtime_checkable
class LightEmitter(Protocol):
    """What a laser or transmitter lets an instrument know about its light; fits light.Emitter."""

    @property
    def name(self) -> str:
        """Get the port that emits."""
        ...

    @property
    def rin_db_hz(self) -> float:
        """Get the relative intensity noise."""
        ...

    def spectral_lines(self) -> tuple[SpectralLine, ...]:
        """Get the lines of the spectrum; their shares add up to one."""
        ...


@runtime_checkable
class ModulatedEmitter(LightEmitter, Protocol):
    """A transmitter with a pattern on its light."""

    @property
    def power_mw(self) -> float:
        """Get the average power where the light leaves."""
        ...

    @property
    def pattern(self) -> str:
        """Get the name of the pattern."""
        ...

    @property
    def symbol_rate_gbd(self) -> float:
        """Get the symbol rate."""
        ...

    @property
    def timebase(self) -> str:
        """Get the reference that the symbols follow."""
        ...

    @property
    def jitter_ps(self) -> float:
        """Get the random jitter, rms."""
        ...

    @property
    def source(self) -> str:
        """Get the port where the pattern was made."""
        ...

    @property
    def error_ratio(self) -> float:
        """Get the bit error ratio that the pattern had before it became light."""
        ...

    @property
    def shape_key(self) -> tuple[object, ...]:
        """Get what the shape of the waveform depends on; equal keys mean equal shapes."""
        ...

    def symbols(self, count: int | None = None) -> NDArray[np.uint8]:
        """Get the levels sent, 0 to 3: one pattern period, or its first `count` symbols."""
        ...

    def waveform(
        self, samples_per_symbol: int, symbols: int | None = None, dispersion_ps_nm: float = 0.0
    ) -> Waveform:
        """Get the noise-free power in mW where the light leaves, dispersed as after a fibre.

        One pattern period, or its first `symbols` symbols repeated; its mean is `power_mw`.
        """
        ...


@dataclass(frozen=True, slots=True)
class SteadyLight:
    """An emitter of unmodulated light: a laser source, or a lane whose host is silent."""

    name: str
    wavelength_nm: float
    rin_db_hz: float = -150.0
    linewidth_mhz: float = 1.0
    side_mode_suppression_db: float = 50.0
    side_mode_spacing_nm: float = 1.1

    def spectral_lines(self) -> tuple[SpectralLine, ...]:
        """Get the carrier and its two side modes."""
        return laser_lines(
            self.wavelength_nm,
            linewidth_mhz=self.linewidth_mhz,
            suppression_db=self.side_mode_suppression_db,
            spacing_nm=self.side_mode_spacing_nm,
        )


def laser_lines(
    wavelength_nm: float,
    *,
    linewidth_mhz: float,
    suppression_db: float,
    spacing_nm: float,
    sideband_share: float = 0.0,
    symbol_rate_gbd: float = 0.0,
) -> tuple[SpectralLine, ...]:
    """Get the lines of a single-mode laser: carrier, pedestal of the modulation, two unequal side modes.

    The weaker side mode, on the short side, is 3 dB down on the other; the pedestal is as wide as
    the main lobe of the symbols' spectrum at half its height, twice 0.44 of the symbol rate.
    """
    strong = 10 ** (-suppression_db / 10)
    sides = {spacing_nm: strong, -spacing_nm: strong / 2}
    # the stated suppression counts the whole mode, carrier and pedestal together
    main = 1.0 / (1.0 + sum(sides.values()))
    width_nm = _width_nm(wavelength_nm, linewidth_mhz * 1e-3)
    lines = [SpectralLine(wavelength_nm, main * (1.0 - sideband_share), width_nm)]
    if sideband_share > 0:
        pedestal_nm = _width_nm(wavelength_nm, 0.88 * symbol_rate_gbd)
        lines.append(SpectralLine(wavelength_nm, main * sideband_share, pedestal_nm))
    lines += [SpectralLine(wavelength_nm + offset, main * side, width_nm) for offset, side in sides.items()]
    return tuple(lines)


def _width_nm(wavelength_nm: float, width_ghz: float) -> float:
    return wavelength_nm**2 * width_ghz / 299_792_458.0
