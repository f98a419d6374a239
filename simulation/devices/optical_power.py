"""What optical detectors of instruments have in common: responsivity, noise, and the units of answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from simulation.physics.light import Light

MILLIWATT = 1e-3
OVER_RANGE = 9.91e37
"""What this family answers for a reading outside its range: not a number, SCPI-99 volume 1, 7.2.1.5."""


@dataclass(frozen=True, slots=True)
class Photodiode:
    """An InGaAs photodiode of which the maker has measured the responsivity over wavelength.

    The figures are those of a common InGaAs PIN diode with its long-wave edge near 1650 nm.
    """

    wavelengths_nm: tuple[float, ...] = (
        1250.0,
        1270.0,
        1310.0,
        1350.0,
        1400.0,
        1490.0,
        1550.0,
        1610.0,
        1650.0,
    )
    responsivities_a_w: tuple[float, ...] = (0.84, 0.86, 0.90, 0.93, 0.96, 1.00, 1.02, 1.00, 0.78)

    def responsivity_a_w(self, wavelength_nm: float) -> float:
        """Get the photocurrent per power at a wavelength."""
        return float(np.interp(wavelength_nm, self.wavelengths_nm, self.responsivities_a_w))

    def current_a(self, light: Light) -> float:
        """Get the photocurrent of all beams, each with its own wavelength's responsivity."""
        return sum(self.responsivity_a_w(beam.wavelength_nm) * beam.power_mw * MILLIWATT for beam in light)

    def power_w(self, current_a: float, set_wavelength_nm: float) -> float:
        """Get the power that a photocurrent stands for, if the light has the wavelength that was set."""
        return current_a / self.responsivity_a_w(set_wavelength_nm)


def answer_dbm(power_w: float) -> float:
    """Write a power in dBm; noise around zero can make it negative, which has no logarithm."""
    return 10 * math.log10(power_w / MILLIWATT) if power_w > 0 else OVER_RANGE


def number_option(options: Mapping[str, object], name: str, default: float) -> float:
    """Get a number among a device's options."""
    value = options.get(name, default)
    if not isinstance(value, (int, float)):
        raise TypeError(f"option {name} must be a number, not {value!r}")
    return float(value)
