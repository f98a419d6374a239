"""Eyes of the transmitters: captured by the scope on several lanes at once, analysed by workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from instruments.interfaces.sampling_scope import PatternCapture, SamplingScope
from measurements.quantity import Quantity
from measurements.units import db_to_ratio, mw_to_dbm
from station.analysis import Analyst, Pending
from station.eye_analysis import EyeRequest, analyse_eye
from station.paths.optics import LaneGroup, Optics


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


@dataclass(frozen=True, slots=True)
class EyeGroup:
    """Lanes that the scope sees at once."""

    group: LaneGroup
    scope: SamplingScope
    name: str
    settings: EyeSettings
    analyst: Analyst
    folder: Path

    def eyes(self, pattern: str) -> dict[int, LaneEye]:
        """Capture one pattern period of each lane in one acquisition and hand it to the analysis."""
        lanes = self.group.lanes
        captures = self.scope.capture(
            self.group.ports,
            pattern=pattern,
            symbol_rate_gbd=self.settings.symbol_rate_gbd,
            wavelength_nm=self.group.wavelengths_nm[lanes[0]],
            samples_per_symbol=self.settings.samples_per_symbol,
            averages=self.settings.averages,
        )
        return {
            lane: LaneEye(
                self.analyst.analyse(analyse_eye, self._request(lane, capture)),
                self._average_power(lane, capture),
            )
            for lane, capture in zip(lanes, captures, strict=True)
        }

    def _request(self, lane: int, capture: PatternCapture) -> EyeRequest:
        return EyeRequest(
            capture=capture,
            path_loss_db=self.group.loss_db(lane),
            path_uncertainty_db=self.group.loss_uncertainty_db(lane),
            power_accuracy_db=self.scope.power_accuracy_db,
            samples_per_symbol=self.settings.samples_per_symbol,
            reference_receiver=self.settings.reference_receiver,
            instrument=self.name,
            folder=self.folder,
        )

    def _average_power(self, lane: int, capture: PatternCapture) -> Quantity:
        """Give the scope's own average power, at the transceiver."""
        loss_db = self.group.loss_db(lane)
        scope_u = self.scope.power_accuracy_db / 2
        error = (scope_u**2 + (self.group.loss_uncertainty_db(lane) / 2) ** 2) ** 0.5
        floor_mw = 1e-6 * float(db_to_ratio(loss_db))
        power_dbm = float(mw_to_dbm(max(capture.average_power_mw, floor_mw))) + loss_db
        return Quantity(power_dbm, "dBm", error, instruments=(self.name,))


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

    def groups(self, lanes: Sequence[int]) -> Iterator[EyeGroup]:
        """Open the ways, one group of lanes after the other."""
        for group in self._optics.groups(lanes, self._name):
            yield EyeGroup(group, self._scope, self._name, self._settings, self._analyst, self._folder)
