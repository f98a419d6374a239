"""Eyes of the transmitters: captured by the scope on several lanes at once, analysed by workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from instruments.interfaces.sampling_scope import PatternCapture, SamplingScope
from measurements.capture import CaptureError, lock
from measurements.patterns import pattern
from measurements.quantity import Bound, Cause, NotMeasurable, Quantity
from measurements.uneven import waveform_from_xy
from station.analysis import Analyst, Pending
from station.eye_analysis import EyeRequest, analyse_eye
from station.paths.optics import LaneGroup, Optics, dbm_or_floor

# Below this a scope's own average power tells light from darkness and nothing more.
_MONITOR_FLOOR_MW = 0.01


@dataclass(frozen=True, slots=True)
class EyeSettings:
    """How eyes are taken; the plan may change it."""

    symbol_rate_gbd: float
    reference_receiver: str
    samples_per_symbol: int = 16
    averages: int = 4


@dataclass(frozen=True, slots=True)
class LaneEye:
    """One lane's capture, and its analysis on the way."""

    analysis: Pending
    average_power: Quantity

    def __getitem__(self, name: str) -> Pending:
        """Get one figure of the eye by its name."""
        return self.analysis[name]


@dataclass(frozen=True, slots=True)
class EyeGroup:
    """Lanes that the scope sees at once."""

    group: LaneGroup
    scope: SamplingScope
    name: str
    settings: EyeSettings
    analyst: Analyst
    folder: Path

    def capture(self, pattern: str) -> tuple[PatternCapture, ...]:
        """Capture one pattern period of each lane in one acquisition."""
        return self.scope.capture(
            self.group.ports,
            pattern=pattern,
            symbol_rate_gbd=self.settings.symbol_rate_gbd,
            wavelength_nm=self.group.wavelengths_nm[self.group.lanes[0]],
            samples_per_symbol=self.settings.samples_per_symbol,
            averages=self.settings.averages,
        )

    def eyes(self, pattern: str) -> dict[int, LaneEye]:
        """Capture one pattern period of each lane in one acquisition and hand it to the analysis."""
        self.analyst.warm_up()  # its workers import while the scope acquires
        return {
            lane: LaneEye(
                self.analyst.analyse(analyse_eye, self._request(lane, capture)),
                self._average_power(lane, capture),
            )
            for lane, capture in zip(self.group.lanes, self.capture(pattern), strict=True)
        }

    def _request(self, lane: int, capture: PatternCapture) -> EyeRequest:
        return EyeRequest(
            capture=capture,
            path_loss_db=self.group.loss_db(lane),
            path_uncertainty_db=self.group.loss_uncertainty_db(lane),
            power_accuracy_db=self.scope.power_accuracy_db,
            reference_receiver=self.settings.reference_receiver,
            instrument=self.name,
            folder=self.folder,
        )

    def _average_power(self, lane: int, capture: PatternCapture) -> Quantity:
        """Give the scope's own average power, at the transceiver."""
        loss_db = self.group.loss_db(lane)
        scope_u = self.scope.power_accuracy_db / 2
        error = (scope_u**2 + (self.group.loss_uncertainty_db(lane) / 2) ** 2) ** 0.5
        power_dbm, dark = dbm_or_floor(capture.average_power_mw, _MONITOR_FLOOR_MW)
        bound = Bound.UPPER if dark else Bound.EXACT
        return Quantity(power_dbm + loss_db, "dBm", error, bound, instruments=(self.name,))


class EyePaths:
    """The ways from the transmitters to the scope."""

    def __init__(
        self,
        optics: Optics,
        scope: SamplingScope,
        name: str,
        settings: EyeSettings,
        analyst: Analyst,
        folder: Path,
    ) -> None:
        self._optics = optics
        self._scope = scope
        self._name = name
        self._settings = settings
        self._analyst = analyst
        self._folder = folder

    def find(self, wanted: str, lanes: Sequence[int]) -> Quantity | NotMeasurable:
        """Find the one lane on which a pattern appears, whatever the others carry.

        When it appears on several, the value is one of the wrong ones and the evidence names all.
        """
        found = [
            lane
            for group in self.groups(lanes)
            for lane, capture in zip(group.group.lanes, group.capture(wanted), strict=True)
            if _carries(capture, wanted)
        ]
        if not found:
            reason = f"{wanted} appears at none of the lanes {', '.join(map(str, lanes))}"
            return NotMeasurable(reason, Cause.NO_MODULATION, instruments=(self._name,))
        return Quantity(float(found[-1]), "1", 0.0, evidence={"found": found}, instruments=(self._name,))

    def groups(self, lanes: Sequence[int]) -> Iterator[EyeGroup]:
        """Open the ways, one group of lanes after the other; the scope's own noise is measured before."""
        self._measure_dark_noises(lanes)
        for group in self._optics.groups(lanes, self._name):
            yield EyeGroup(group, self._scope, self._name, self._settings, self._analyst, self._folder)

    def _measure_dark_noises(self, lanes: Sequence[int]) -> None:
        """Measure the noise of the channels in the dark, once for each."""
        rate = self._settings.symbol_rate_gbd
        unknown = {
            lane: route
            for lane, route in self._optics.routes(lanes, self._name).items()
            if not self._scope.knows_dark_noise(route.destination.port, symbol_rate_gbd=rate)
        }
        if unknown:
            for route in unknown.values():
                self._optics.close(route)
            self._scope.read_dark_noises_mw(
                [route.destination.port for route in unknown.values()],
                symbol_rate_gbd=rate,
                wavelength_nm=self._optics.wavelength_nm(next(iter(unknown))),
            )


def _carries(capture: PatternCapture, wanted: str) -> bool:
    """Tell whether a capture holds a pattern; one that holds another, or no light, does not."""
    symbols = pattern(wanted)
    try:
        waveform = waveform_from_xy(
            np.asarray(capture.time_s, dtype=np.float64),
            capture.power_mw,
            pattern=symbols,
            symbol_rate_gbd=capture.symbol_rate_gbd,
        )
        noise_mw = (capture.signal_noise_mw or capture.scope_noise_mw) / capture.averages**0.5
        locked = lock(waveform.signal(), symbols, noise_mw=noise_mw)
    except CaptureError:
        return False
    return not isinstance(locked, NotMeasurable)
