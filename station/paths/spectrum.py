"""Optical spectra of the transmitters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from instruments.interfaces.spectrum_analyser import Spectrum, SpectrumAnalyser
from station.config.product_file import Product
from station.paths.optics import Optics

_BESIDE_NM = 6.0  # how far side modes of a single-mode laser are looked for
_RESOLUTION_NM = 0.05


class SpectrumPaths:
    """The ways from the transmitters to the spectrum analyser."""

    def __init__(self, optics: Optics, analyser: SpectrumAnalyser, name: str, product: Product) -> None:
        self._optics = optics
        self._analyser = analyser
        self._product = product
        self.name = name

    def sweeps(self, lanes: Sequence[int]) -> Iterator[tuple[int, Spectrum]]:
        """Sweep each lane's window and some way beside it."""
        for group in self._optics.groups(lanes, self.name):
            for lane in group.lanes:
                window = self._product.lane(lane)
                yield (
                    lane,
                    self._analyser.sweep(
                        start_nm=window.wavelength_min_nm - _BESIDE_NM,
                        stop_nm=window.wavelength_max_nm + _BESIDE_NM,
                        resolution_nm=_RESOLUTION_NM,
                    ),
                )
