"""Optical spectrum analysers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Spectrum:
    """One sweep: power in each resolution bandwidth against wavelength, at the analyser.

    `wavelength_nm` and `power_dbm` are one-dimensional, of equal length and read-only.
    `wavelength_accuracy_nm` is the stated accuracy (k=2).
    """

    wavelength_nm: NDArray[np.float64]
    power_dbm: NDArray[np.float64]
    resolution_nm: float
    wavelength_accuracy_nm: float


class SpectrumAnalyser(ABC):
    """An analyser with one input port, "in"."""

    port = "in"

    @abstractmethod
    def sweep(self, *, start_nm: float, stop_nm: float, resolution_nm: float) -> Spectrum:
        """Sweep once and return the whole trace."""
