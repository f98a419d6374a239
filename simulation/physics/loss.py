"""Losses as they are stated in a file, and as they truly are in the simulated bench."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from simulation.physics.randomness import generator, truncated_normal

Curve = Callable[[float], float]
"""A loss in dB, or a dispersion in ps/nm, as a function of the wavelength in nm."""


def true_loss(stated_db: float, uncertainty_db: float, seed: int, key: str) -> float:
    """Draw the true loss of a stretch of way whose calibration states a value and its k = 2 uncertainty.

    The error is normal with half the uncertainty as sigma, and never beyond the uncertainty itself;
    nothing passive amplifies, so the loss is never negative.
    """
    error_db = truncated_normal(generator(seed, "loss", key), uncertainty_db / 2, uncertainty_db)
    return max(0.0, stated_db + error_db)


@dataclass(frozen=True, slots=True)
class LossTable:
    """A loss known at some wavelengths: linear between them, flat outside."""

    wavelengths_nm: tuple[float, ...]
    losses_db: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.wavelengths_nm or len(self.wavelengths_nm) != len(self.losses_db):
            raise ValueError("a loss table needs as many losses as wavelengths, and at least one")
        if any(a >= b for a, b in zip(self.wavelengths_nm, self.wavelengths_nm[1:], strict=False)):
            raise ValueError(f"wavelengths of a loss table must rise, not {self.wavelengths_nm}")

    @classmethod
    def of(cls, losses_db: Mapping[float, float]) -> LossTable:
        """Build the table from wavelength in nm and loss in dB."""
        wavelengths = tuple(sorted(losses_db))
        return cls(wavelengths, tuple(losses_db[wavelength] for wavelength in wavelengths))

    def __call__(self, wavelength_nm: float) -> float:
        """Get the loss in dB at a wavelength."""
        if len(self.wavelengths_nm) == 1:
            return self.losses_db[0]
        return float(np.interp(wavelength_nm, self.wavelengths_nm, self.losses_db))

    def drawn(self, uncertainty_db: float, seed: int, key: str) -> LossTable:
        """Draw the true table: one error for all wavelengths, since a dirty connector has no colour."""
        losses = (true_loss(loss, uncertainty_db, seed, key) for loss in self.losses_db)
        return LossTable(self.wavelengths_nm, tuple(losses))


def fixed(value: float) -> Curve:
    """Give the curve that is the same at every wavelength."""
    return lambda _wavelength_nm: value


def dispersion_free(_wavelength_nm: float) -> float:
    """Give the dispersion of a patch cord: too short to have one."""
    return 0.0


def fibre_dispersion(
    length_km: float, zero_dispersion_nm: float = 1313.0, slope_ps_nm2_km: float = 0.092
) -> Curve:
    """Give the dispersion in ps/nm of a standard single-mode fibre (ITU-T G.652) around 1310 nm."""

    def dispersion_ps_nm(wavelength_nm: float) -> float:
        ratio = zero_dispersion_nm / wavelength_nm
        return length_km * slope_ps_nm2_km / 4 * wavelength_nm * (1 - ratio**4)

    return dispersion_ps_nm
