"""Optical spectra of the transmitters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from instruments.interfaces.spectrum_analyser import Spectrum, SpectrumAnalyser
from measurements.quantity import NotMeasurable, Quantity, Result
from measurements.spectrum import LaserLine, SpectrumError, laser_line
from station.config.product_file import Product
from station.paths.optics import Optics

_BESIDE_NM = 6.0  # how far side modes of a single-mode laser are looked for
_FAR_BESIDE_NM = 30.0  # how far a laser that is not where it should be is looked for
_RESOLUTION_NM = 0.05
_POINTS_SHOWN = 400


@dataclass(frozen=True, slots=True)
class LaneSpectrum:
    """What one sweep says of one lane's laser."""

    wavelength: Result
    side_mode_suppression: Result


class SpectrumPaths:
    """The ways from the transmitters to the spectrum analyser."""

    def __init__(self, optics: Optics, analyser: SpectrumAnalyser, name: str, product: Product) -> None:
        self._optics = optics
        self._analyser = analyser
        self._product = product
        self._name = name

    def spectra(
        self, lanes: Sequence[int], *, resolution_nm: float = _RESOLUTION_NM
    ) -> Iterator[tuple[int, LaneSpectrum]]:
        """Sweep each lane's window and some way beside it, much farther when the line is not there."""
        for group in self._optics.groups(lanes, self._name):
            for lane in group.lanes:
                trace = self._sweep(lane, _BESIDE_NM, resolution_nm)
                if not self._holds_line(trace):
                    trace = self._sweep(lane, _FAR_BESIDE_NM, resolution_nm)
                yield lane, self._evaluated(trace)

    def _sweep(self, lane: int, beside_nm: float, resolution_nm: float) -> Spectrum:
        window = self._product.lane(lane)
        return self._analyser.sweep(
            start_nm=window.wavelength_min_nm - beside_nm,
            stop_nm=window.wavelength_max_nm + beside_nm,
            resolution_nm=resolution_nm,
        )

    def _holds_line(self, trace: Spectrum) -> bool:
        """Tell whether a trace shows a line and what is beside it."""
        try:
            return isinstance(self._line(trace), LaserLine)
        except SpectrumError:
            return False

    def _line(self, trace: Spectrum) -> LaserLine | NotMeasurable:
        return laser_line(
            trace.wavelength_nm,
            trace.power_dbm,
            resolution_nm=trace.resolution_nm,
            symbol_rate_gbd=self._product.symbol_rate_gbd,
        )

    def _evaluated(self, trace: Spectrum) -> LaneSpectrum:
        line = self._line(trace)
        names = (self._name,)
        if isinstance(line, NotMeasurable):
            dark = NotMeasurable(line.reason, line.cause, line.evidence, names)
            return LaneSpectrum(dark, dark)
        error_nm = math.hypot(trace.wavelength_accuracy_nm / 2, line.centre_error_nm)
        shown = {"trace": _thinned(trace), "side_mode_nm": line.side_mode_nm}
        return LaneSpectrum(
            Quantity(line.centre_nm, "nm", error_nm, evidence={"peak_nm": line.peak_nm}, instruments=names),
            Quantity(line.smsr_db, "dB", None, line.smsr_bound, shown, names),
        )


def _thinned(trace: Spectrum) -> dict[str, list[float]]:
    """Keep the highest point of each stretch, so that a picture of the trace loses no mode."""
    stride = max(1, trace.power_dbm.size // _POINTS_SHOWN)
    starts = np.arange(0, trace.power_dbm.size, stride)
    kept = [start + int(np.argmax(trace.power_dbm[start : start + stride])) for start in starts]
    return {
        "wavelength_nm": [round(float(nm), 3) for nm in trace.wavelength_nm[kept]],
        "power_dbm": [round(float(dbm), 2) for dbm in trace.power_dbm[kept]],
    }
