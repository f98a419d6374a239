"""Confirm the paths with light of known power before a transceiver's light is trusted to them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from instruments.interfaces.power_meter import PowerMeter
from instruments.interfaces.tunable_laser import TunableLaser
from measurements.quantity import Quantity
from station.config.fields import Port
from station.paths.optics import Optics, dbm_or_floor, relative_to_db
from station.wiring import Route, Wiring

_LAUNCH_DBM = 3.0


@dataclass(frozen=True, slots=True)
class PathLight:
    """What arrived through one lane's path, and what should have."""

    lane: int
    expected: Quantity
    read: Quantity


class PathCheck:
    """The CW source, and the ways of its light through each lane's path to the power meter.

    The light enters at the coupler behind the transceiver's port, so everything from there to the
    meter is confirmed; the last connector at the transceiver is not.
    """

    def __init__(
        self,
        wiring: Wiring,
        optics: Optics,
        source: tuple[str, TunableLaser],
        meter: tuple[str, PowerMeter],
    ) -> None:
        self._wiring = wiring
        self._optics = optics
        self._source_name, self._source = source
        self._meter_name, self._meter = meter

    def through(self, lanes: Sequence[int]) -> Iterator[PathLight]:
        """Send light through each lane's path; `darken` ends it."""
        for lane in lanes:
            yield self._through(lane)

    def darken(self) -> None:
        """Switch the source off."""
        self._source.darken()

    def _through(self, lane: int) -> PathLight:
        wavelength_nm = self._optics.wavelength_nm(lane)
        port = self._optics.port_of(lane, self._meter_name)
        route = self._wiring.route(Port(self._source_name, self._source.port), self._meter_name, port)
        self._optics.open([route])
        self._source.emit(wavelength_nm=wavelength_nm, power_dbm=_LAUNCH_DBM)
        return PathLight(lane, self._expected(route, wavelength_nm), self._read(port, wavelength_nm))

    def _expected(self, route: Route, wavelength_nm: float) -> Quantity:
        launched_dbm = self._source.read_power_dbm()
        error = math.hypot(route.uncertainty_db / 2, self._source.power_accuracy_db / 2)
        evidence = {"launched_dbm": launched_dbm, "path_loss_db": route.loss_db(wavelength_nm)}
        value = launched_dbm - route.loss_db(wavelength_nm)
        return Quantity(value, "dBm", error, evidence=evidence, instruments=(self._source_name,))

    def _read(self, port: str, wavelength_nm: float) -> Quantity:
        reading = self._meter.read_power(port, wavelength_nm=wavelength_nm)
        value, _ = dbm_or_floor(reading.power_mw, reading.floor_mw)
        error = relative_to_db(reading.relative_accuracy) / 2
        return Quantity(value, "dBm", error, instruments=(self._meter_name,))
