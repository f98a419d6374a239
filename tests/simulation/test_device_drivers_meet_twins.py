"""Our drivers on these twins: written apart, from manuals alone, they must understand each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import pyvisa

from instruments.catalog import installed_drivers, open_instrument
from measurements.patterns import period
from simulation.clock import VirtualClock
from simulation.devices.dicon_gp700 import DiconGp700
from simulation.devices.keysight_m8040a import KeysightM8040A
from simulation.devices.keysight_n1092 import KeysightN1092D
from simulation.devices.temptronic_ats545 import TemptronicAts545
from simulation.devices.yokogawa_aq6370d import YokogawaAq6370D
from simulation.physics.electrical import ElectricalNetwork
from simulation.physics.light import Light
from simulation.physics.parameters import LANES, TransceiverParameters
from simulation.physics.transceiver import Transceiver
from simulation.transport.visa_library import BenchVisaLibrary

TWINS = {
    "bert": ("TCPIP0::10.0.0.1::hislip0::INSTR", KeysightM8040A),
    "scope": ("TCPIP0::10.0.0.2::hislip0::INSTR", KeysightN1092D),
    "head": ("GPIB0::9::INSTR", TemptronicAts545),
    "switch": ("GPIB0::14::INSTR", DiconGp700),
    "analyser": ("GPIB0::1::INSTR", YokogawaAq6370D),
    "analyser_lan": ("TCPIP0::10.0.0.3::10001::SOCKET", YokogawaAq6370D),
}
RATE = 53.125


@dataclass
class Lit:
    """Light of a transceiver's lane at each port, after a loss."""

    unit: Transceiver
    loss_db: float

    def arriving(self, port: str) -> Light:
        lane = next((char for char in port if char.isdigit()), "1")
        return tuple(beam.after(self.loss_db) for beam in self.unit.emission(f"tx{lane}"))


class Bench:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.twins = {
            name: twin(name, serial="SIM1", options={}, clock=self.clock, seed=3)
            for name, (_, twin) in TWINS.items()
        }
        self.unit = Transceiver("slot1", TransceiverParameters(), self.clock)
        self.unit.set_supply_voltage(3.3)
        self.unit.set_high_power(True)
        self._join()
        addresses = {address: self.twins[name] for name, (address, _) in TWINS.items()}
        self.manager = pyvisa.ResourceManager(BenchVisaLibrary.for_bench(addresses, self.clock))

    def _join(self) -> None:
        outputs = ("M1.DataOut1", "M1.DataOut2", "M2.DataOut1", "M2.DataOut2")
        cables = [(f"bert.{port}", f"slot1.host_tx{lane}") for lane, port in enumerate(outputs, start=1)]
        cables += [(f"slot1.host_rx{lane}", f"bert.M{lane + 2}.DataIn") for lane in range(1, LANES + 1)]
        wires: Any = {"bert": self.twins["bert"], "slot1": self.unit}
        network = ElectricalNetwork(wires, [*cables, ("bert.M1.ClkOut", "scope.clock")])
        for name in ("bert", "scope"):
            self.twins[name].connect_electrical(network.source_for(name))
        self.unit.connect_electrical(network.source_for("slot1"))
        self.unit.connect_air(self.twins["head"].air)
        for name in ("scope", "analyser", "analyser_lan"):
            self.twins[name].connect_light(Lit(self.unit, 4.0))
        self.receive(6.0)

    def receive(self, loss_db: float) -> None:
        self.unit.connect_light(Lit(self.unit, loss_db))

    def open(self, name: str) -> Any:
        address, twin = TWINS[name]
        driver = installed_drivers().driver(twin.model)
        return open_instrument(driver, self.manager, address, name=name, clock=self.clock)


@pytest.fixture
def bench() -> Iterator[Bench]:
    one = Bench()
    yield one
    one.manager.close()


def test_the_head_brings_the_air_to_its_temperature(bench: Bench):
    head = bench.open("head")
    head.force(70.0)
    bench.clock.sleep(60.0)
    assert head.read_air_c() == pytest.approx(70.0, abs=0.6)
    assert bench.twins["head"].air_temperature_c() == pytest.approx(70.0, abs=0.1)
    head.release()
    assert bench.twins["head"].air_temperature_c() is None


def test_the_switch_goes_where_it_is_sent(bench: Bench):
    switch = bench.open("switch")
    assert switch.modules == {"M1": 3, "M2": 3, "M3": 3, "M4": 3, "M5": 4, "M6": 4}
    switch.select("M2", 3)
    assert switch.selected("M2") == 3
    assert bench.twins["switch"].passages("M2.3")


def test_the_tester_counts_the_errors_of_the_receivers(bench: Bench):
    bert = bench.open("bert")
    bert.generate(dict.fromkeys(bert.generators, "PRBS31Q"), symbol_rate_gbd=RATE)
    bench.receive(8.0)
    counts = bert.count_errors(bert.detectors, pattern="PRBS31Q", seconds=1.0)
    true_ratios = [bench.unit.pre_fec_error_ratio(lane) for lane in range(1, LANES + 1)]
    assert [count.locked for count in counts] == [True] * LANES
    assert [count.errors / count.bits for count in counts] == pytest.approx(true_ratios, rel=0.05)
    bert.silence()
    assert bench.twins["bert"].safe_state()["emitting"] is False


def test_the_tester_tells_a_wrong_pattern_from_errors(bench: Bench):
    bert = bench.open("bert")
    bert.generate(dict.fromkeys(bert.generators, "PRBS13Q"), symbol_rate_gbd=RATE)
    (count,) = bert.count_errors(bert.detectors[:1], pattern="PRBS31Q", seconds=0.1)
    assert not count.locked


def test_the_scope_captures_a_whole_pattern_and_its_noise(bench: Bench):
    bert, scope = bench.open("bert"), bench.open("scope")
    bert.generate(dict.fromkeys(bert.generators, "PRBS13Q"), symbol_rate_gbd=RATE)
    for lane in range(1, LANES + 1):
        bench.unit.set_lane_enabled(lane, False)
    dark_mw = scope.read_dark_noises_mw(["1A"], symbol_rate_gbd=RATE, wavelength_nm=1311.0)
    bench.unit.set_lane_enabled(1, True)
    (capture,) = scope.capture(
        ["1A"],
        pattern="PRBS13Q",
        symbol_rate_gbd=RATE,
        wavelength_nm=1311.0,
        samples_per_symbol=16,
        averages=16,
    )
    at_scope_mw = bench.unit.tx_power_mw(1) * 10**-0.4
    assert dark_mw[0] == pytest.approx(0.008, rel=0.06)
    assert capture.time_s.size == 16 * period("PRBS13Q")
    assert capture.power_mw.mean() == pytest.approx(at_scope_mw, rel=0.06)
    assert capture.average_power_mw == pytest.approx(at_scope_mw, rel=0.06)
    assert capture.signal_noise_mw > capture.scope_noise_mw


@pytest.mark.parametrize("name", ["analyser", "analyser_lan"])
def test_the_analyser_finds_the_line(bench: Bench, name: str):
    analyser = bench.open(name)
    spectrum = analyser.sweep(start_nm=1300.0, stop_nm=1320.0, resolution_nm=0.05)
    (beam,) = bench.unit.emission("tx1")
    peak_nm = spectrum.wavelength_nm[np.argmax(spectrum.power_dbm)]
    assert peak_nm == pytest.approx(beam.wavelength_nm, abs=0.05)
