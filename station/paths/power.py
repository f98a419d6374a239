"""Average optical power of the transmitters, read by a power meter."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from instruments.interfaces.power_meter import PowerMeter, PowerReading
from measurements.quantity import Bound, Quantity
from station.paths.optics import LaneGroup, Optics, dbm_or_floor, relative_to_db


@dataclass(frozen=True, slots=True)
class PowerGroup:
    """Lanes that the meter sees at once."""

    group: LaneGroup
    meter: PowerMeter
    name: str

    def read(self, averaging_s: float = 0.1) -> dict[int, Quantity]:
        """Read the average power of each lane at the transceiver (TP2), in dBm."""
        wavelengths = [self.group.wavelengths_nm[lane] for lane in self.group.lanes]
        readings = self.meter.read_powers(
            self.group.ports, wavelengths_nm=wavelengths, averaging_s=averaging_s
        )
        return {
            lane: self._at_tp2(lane, reading)
            for lane, reading in zip(self.group.lanes, readings, strict=True)
        }

    def _at_tp2(self, lane: int, reading: PowerReading) -> Quantity:
        meter_dbm, dark = dbm_or_floor(reading.power_mw, reading.floor_mw)
        loss_db = self.group.loss_db(lane)
        meter_u = relative_to_db(reading.relative_accuracy) / 2
        error = math.hypot(meter_u, self.group.loss_uncertainty_db(lane) / 2)
        evidence = {
            "meter_mw": reading.power_mw,
            "meter_port": reading.port,
            "wavelength_nm": reading.wavelength_nm,
            "averaging_s": reading.averaging_s,
            "path_loss_db": loss_db,
        }
        bound = Bound.UPPER if dark else Bound.EXACT
        return Quantity(meter_dbm + loss_db, "dBm", error, bound, evidence, (self.name,))


class PowerPaths:
    """The ways from the transmitters to the power meter."""

    def __init__(self, optics: Optics, meter: PowerMeter, name: str) -> None:
        self._optics = optics
        self._meter = meter
        self._name = name

    def groups(self, lanes: Sequence[int]) -> Iterator[PowerGroup]:
        """Open the ways, one group of lanes after the other."""
        for group in self._optics.groups(lanes, self._name):
            yield PowerGroup(group, self._meter, self._name)
