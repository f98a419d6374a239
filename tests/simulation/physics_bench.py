"""A loopback bench: pattern generator, transceiver, a splitter and an attenuator for each lane."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from simulation.clock import VirtualClock
from simulation.physics.electrical import ElectricalNetwork, ElectricalSignal
from simulation.physics.light import Beam, Light, Passage
from simulation.physics.loss import fixed
from simulation.physics.network import FibreLink, LightNetwork
from simulation.physics.parameters import TransceiverParameters
from simulation.physics.passive import coupler
from simulation.physics.transceiver import Transceiver

RATE = 53.125
LANES = (1, 2, 3, 4)
PLAIN = TransceiverParameters()


def dbm(power_mw: float) -> float:
    return 10 * math.log10(power_mw)


@dataclass
class PatternGenerator:
    patterns: dict[int, str | None] = field(default_factory=lambda: dict.fromkeys(LANES, "PRBS13Q"))
    rate_gbd: float = RATE
    amplitude_v: float = 0.8

    def electrical_emission(self, port: str) -> ElectricalSignal | None:
        pattern = self.patterns[int(port)]
        if pattern is None:
            return None
        return ElectricalSignal(pattern, self.rate_gbd, self.amplitude_v, f"bert.{port}", "bert")


@dataclass
class Attenuators:
    loss_db: dict[int, float] = field(default_factory=lambda: dict.fromkeys(LANES, 0.0))

    def emission(self, port: str) -> Light:
        return ()

    def passages(self, port: str) -> tuple[Passage, ...]:
        lane, side = port.split(".")
        return (Passage(f"{lane}.in", lambda _: self.loss_db[int(lane)]),) if side == "out" else ()


@dataclass
class Oven:
    air_c: float = 23.0

    def temperature_c(self, at_s: float) -> float:
        return self.air_c


class LoopbackBench:
    """The unit is powered, at its reference temperature to start with."""

    def __init__(self, parameters: TransceiverParameters = PLAIN, *, dispersion_ps_nm: float = 0.0) -> None:
        self.clock, self.bert, self.attenuators, self.oven = (
            VirtualClock(),
            PatternGenerator(),
            Attenuators(),
            Oven(),
        )
        self.unit = Transceiver("slot1", parameters, self.clock, ambient_c=35.0)
        couplers = {f"coupler_{lane}": coupler() for lane in LANES}
        elements = {"slot1": self.unit, "attenuator": self.attenuators, **couplers}
        links = [link for lane in LANES for link in self._links(lane, dispersion_ps_nm)]
        self.light = LightNetwork(elements, links)
        cables = [(f"bert.{lane}", f"slot1.host_tx{lane}") for lane in LANES]
        cables += [(f"slot1.host_rx{lane}", f"detector.{lane}") for lane in LANES]
        self.electrical = ElectricalNetwork({"bert": self.bert, "slot1": self.unit}, cables)
        self.unit.connect_light(self.light.source_for("slot1"))
        self.unit.connect_electrical(self.electrical.source_for("slot1"))
        self.unit.connect_air(self.oven)
        self.unit.set_supply_voltage(3.3)
        self.unit.set_high_power(True)

    def _links(self, lane: int, dispersion_ps_nm: float) -> tuple[FibreLink, ...]:
        none = fixed(0.0)
        return (
            FibreLink(f"slot1.tx{lane}", f"coupler_{lane}.in1", fixed(0.2), fixed(dispersion_ps_nm)),
            FibreLink(f"coupler_{lane}.out1", f"attenuator.{lane}.in", none),
            FibreLink(f"attenuator.{lane}.out", f"slot1.rx{lane}", none),
            FibreLink(f"coupler_{lane}.out2", f"scope.{lane}", none),
        )

    def beam(self, lane: int) -> Beam:
        (beam,) = self.unit.emission(f"tx{lane}")
        return beam

    def settle(self, case_c: float) -> None:
        """Bring the case to a temperature, as a head that watches it does."""
        for _ in range(6):
            heat_w = self.unit.supply_current_a() * self.unit.supply_v()
            self.oven.air_c = case_c - self.unit.parameters.case_rise_k_per_w * heat_w
            self.clock.sleep(100.0)
            self.unit.case_temperature_c()

    def error_ratio_at(self, lane: int, attenuation_db: float) -> float:
        self.attenuators.loss_db[lane] = attenuation_db
        ratio = self.unit.pre_fec_error_ratio(lane)
        return 0.5 if ratio is None else ratio

    def sensitivity_dbm(self, lane: int, target: float = 2.4e-4) -> float:
        """Find the average power at which the receiver makes this many errors."""
        low, high = 0.0, 20.0
        for _ in range(18):
            middle = (low + high) / 2
            low, high = (low, middle) if self.error_ratio_at(lane, middle) > target else (middle, high)
        return dbm(self.unit.rx_power_mw(lane))


def changed(lane: int = 2, **changes: float) -> TransceiverParameters:
    return PLAIN.with_lane(lane, **changes)
