"""The optics of a spectrum analyser: a slit that is walked over the spectrum.

Each line shows as the slit's own shape, widened by the line's width: a Gaussian core as wide as the
resolution bandwidth, skirts that fall to the data sheet's close-in dynamic range, and stray light everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.physics.emitter import LightEmitter
from simulation.physics.light import Beam, Light

READING_FLOOR_DBM = -210.0
"""What is shown where noise leaves nothing positive."""
# Close-in dynamic range of the AQ6370D: 45 dB at ±0.1 nm and 62 dB at ±0.2 nm with 0.05 nm resolution,
# 57 dB at ±0.2 nm with 0.1 nm; stray light 73 dB down.
SKIRT, SKIRT_AT_NM, SKIRT_RESOLUTION_NM = 10**-4.5, 0.1, 0.05
SKIRT_POWER = 5.65
SKIRT_GROWTH = 0.44
STRAY_LIGHT = 10**-7.3
AIR_INDEX = 1.00027
"""Refractive index of standard air in the near infrared."""

Axis = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Spectrum:
    """A finished sweep: displayed wavelengths in nm, powers in mW in one resolution bandwidth."""

    wavelength_nm: Axis
    power_mw: Axis

    @property
    def power_dbm(self) -> Axis:
        """Get the powers in dBm."""
        lowest_mw = 10 ** (READING_FLOOR_DBM / 10)
        return np.asarray(10 * np.log10(np.maximum(self.power_mw, lowest_mw)))


@dataclass(frozen=True, slots=True)
class Monochromator:
    """One unit with its own errors: of the wavelength in nm, of the level and of the slit as factors."""

    wavelength_error_nm: float
    gain: float
    slit_factor: float

    def sweep(
        self,
        light: Light,
        shown_nm: Axis,
        *,
        resolution_nm: float,
        noise_mw: float,
        air: bool,
        rng: np.random.Generator,
    ) -> Spectrum:
        """Measure light at displayed wavelengths; `air` shows wavelengths as in air."""
        true_nm = (shown_nm - self.wavelength_error_nm) * (AIR_INDEX if air else 1.0)
        slit_nm = resolution_nm * self.slit_factor
        power_mw = np.zeros_like(true_nm)
        for beam in light:
            for wavelength_nm, line_mw, width_nm in _lines(beam):
                power_mw += line_mw * _slit(true_nm - wavelength_nm, slit_nm, width_nm)
        noise = rng.standard_normal(true_nm.size) * noise_mw
        return Spectrum(shown_nm, power_mw * self.gain + noise)


def _lines(beam: Beam) -> Iterator[tuple[float, float, float]]:
    if not isinstance(beam.emitter, LightEmitter):
        yield beam.wavelength_nm, beam.power_mw, 0.0
        return
    for line in beam.emitter.spectral_lines():
        yield line.wavelength_nm, line.share * beam.power_mw, line.width_nm


def _slit(offset_nm: Axis, slit_nm: float, width_nm: float) -> Axis:
    """Get the part of a line's power that passes at each offset from it."""
    seen_nm = np.hypot(slit_nm, width_nm)
    core = slit_nm / seen_nm * np.exp(-4 * np.log(2) * (offset_nm / seen_nm) ** 2)
    edge_nm = SKIRT_AT_NM + SKIRT_GROWTH * (slit_nm - SKIRT_RESOLUTION_NM) + width_nm
    skirts = SKIRT * (edge_nm / np.maximum(np.abs(offset_nm), edge_nm)) ** SKIRT_POWER
    passed: Axis = core + skirts + STRAY_LIGHT
    return passed
