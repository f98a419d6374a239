"""The supply's twin: its words on the wire, its outputs under load, and a driver written by others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import pyvisa
from pymeasure.instruments.keysight import KeysightE36312A as PyMeasureE36312A

from simulation.clock import VirtualClock
from simulation.devices.keysight_e36312a import KeysightE36312A, operating_point
from simulation.transport.visa_library import BenchVisaLibrary

ADDRESS = "USB0::0x2A8D::0x1102::SIM10::INSTR"


class Bench:
    def __init__(self, seed: int = 1) -> None:
        self.clock = VirtualClock()
        self.supply = KeysightE36312A("supply", serial="SIM10", options={}, clock=self.clock, seed=seed)
        self.library = BenchVisaLibrary.for_bench({ADDRESS: self.supply}, self.clock)
        self.manager = pyvisa.ResourceManager(self.library)
        self.session = self.manager.open_resource(ADDRESS, read_termination="\n")

    def ask(self, message: str) -> str:
        return str(self.session.query(message))

    def resist(self, ohm: float) -> None:
        self.supply.connect_load(lambda output, voltage_v: voltage_v / ohm if output == "1" else 0.0)


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.manager.close()


TRANSCRIPT = [
    ("*IDN?", "Keysight Technologies,E36312A,SIM10,2.1.0-1.0.4-1.12"),
    ("VOLT 3.3, (@1);:VOLT? (@1)", "+3.30000000E+00"),
    ("SOURCE:VOLT 1.5, (@2:3);:VOLT? (@1:3)", "+3.30000000E+00,+1.50000000E+00,+1.50000000E+00"),
    ("CURR 1, (@1);:CURR? (@1)", "+1.00000000E+00"),
    ("VOLT? MAX", "+6.18000000E+00"),
    ("VOLT? MAX, (@2)", "+2.57500000E+01"),
    ("CURR? MAX, (@2)", "+1.03000000E+00"),
    ("source:voltage:level 3.300000;:volt?", "+3.30000000E+00"),
    ("OUTPut 1, (@1);:OUTP? (@1,2)", "1,0"),
    ("OUTP:STAT OFF;STAT?", "0"),
    ("INST:SEL CH2;:INST?;:INST:NSEL?;:VOLT?", "CH2;2;+1.50000000E+00"),
    ("INST:SEL 1;:INST:SEL?", "CH1"),
    ("INST P25V;:INST:NSEL?", "2"),
    ("INST:NSEL 3;:VOLT 2mV;:VOLT? (@3)", "+2.00000000E-03"),
    ("APPL CH1, 5.0, 1.0;:APPL? CH1", '"+5.000000E+00,+1.000000E+00"'),
    ("APPL P6V;:APPL?", '"+5.000000E+00,+1.000000E+00"'),
    ("VOLT 6.5, (@1);:SYST:ERR?", '-222,"Data out of range"'),
    ("VOLT 6.5, (@1,2);:SYST:ERR?", '-222,"Data out of range"'),
    ("APPL CH1, 7;:SYST:ERR?", '-222,"Data out of range"'),
    ("APPL CH1, 1, 6;:SYST:ERR?", '-222,"Data out of range"'),
    ("VOLT 1, @(1);:SYST:ERR?", '-101,"Invalid character"'),
    ("VOLT 1, (@4);:SYST:ERR?", '-222,"Data out of range"'),
    ("VOLT 1A;:SYST:ERR?", '-131,"Invalid suffix"'),
    ("VOLT:PROT 4.0, (@1);:VOLT:PROT? (@1);:VOLT:PROT:TRIP? (@1)", "+4.00000000E+00;0"),
    ("*RST;:VOLT? (@1);:OUTP? (@1);:CURR? (@1)", "+0.00000000E+00;0;+5.00000000E+00"),
    ("SYST:ERR?", '+0,"No error"'),
]


def test_transcript(bench: Bench) -> None:
    for message, answer in TRANSCRIPT:
        assert bench.ask(message) == answer, message


def test_output_follows_its_setting_after_its_slew(bench: Bench) -> None:
    bench.session.write("VOLT 3.3, (@1);:OUTP 1, (@1)")
    assert bench.supply.output_voltage_v("1") == pytest.approx(0.0, abs=0.01)
    bench.clock.sleep(0.008)
    assert bench.supply.output_voltage_v("1") == pytest.approx(3.3 * 0.632, abs=0.02)
    bench.clock.sleep(0.1)
    assert bench.supply.output_voltage_v("1") == pytest.approx(3.3, abs=0.01)
    bench.session.write("OUTP 0, (@1)")
    bench.clock.sleep(0.1)
    assert bench.supply.output_voltage_v("1") == pytest.approx(0.0, abs=0.001)


def test_measurements_agree_with_the_load_and_take_time(bench: Bench) -> None:
    bench.resist(1.5)
    bench.session.write("VOLT 3.3, (@1);:CURR 4, (@1);:OUTP 1, (@1)")
    bench.clock.sleep(0.2)
    assert float(bench.ask("MEAS:VOLT? (@1)")) == pytest.approx(3.3, abs=0.01)
    assert float(bench.ask("MEAS:CURR? (@1)")) == pytest.approx(2.2, abs=0.01)
    assert bench.clock.now() == pytest.approx(0.24)
    assert bench.ask("STAT:QUES:INST:ISUM1:COND?") == "2"


def test_current_limit_pulls_the_voltage_down(bench: Bench) -> None:
    bench.resist(1.0)
    bench.session.write("VOLT 3.3, (@1);:CURR 1.2, (@1);:OUTP 1, (@1)")
    bench.clock.sleep(0.2)
    assert bench.supply.output_voltage_v("1") == pytest.approx(1.2, abs=0.01)
    assert bench.ask("STAT:QUES:INST:ISUM1:COND?;:STAT:QUES:INST:ISUM2:COND?") == "1;0"


def test_limiting_reaches_the_status_byte_where_it_is_enabled(bench: Bench) -> None:
    bench.resist(1.0)
    bench.session.write("STAT:QUES:INST:ISUM1:ENAB 1;:STAT:QUES:INST:ENAB 2;:STAT:QUES:ENAB 8192;*SRE 8")
    bench.session.write("VOLT 3.3, (@1);:CURR 1.2, (@1);:OUTP 1, (@1)")
    bench.clock.sleep(0.2)
    assert bench.ask("STAT:QUES:INST:ISUM1:COND?") == "1"
    assert bench.session.read_stb() & 0x48 == 0x48


def test_protection_switches_off_and_stays_off_until_cleared(bench: Bench) -> None:
    bench.session.write("VOLT 3.3, (@1);:OUTP 1, (@1);:VOLT:PROT 3.5, (@1);:VOLT 3.6, (@1)")
    assert bench.ask("OUTP? (@1);:VOLT:PROT:TRIP? (@1)") == "0;1"
    bench.session.write("VOLT 3.3, (@1);:OUTP 1, (@1)")
    assert bench.ask("OUTP? (@1)") == "0"
    bench.session.write("OUTP:PROT:CLE (@1);:OUTP 1, (@1)")
    assert bench.ask("OUTP? (@1);:VOLT:PROT:TRIP? (@1)") == "1;0"


def test_safe_state_tells_what_is_on(bench: Bench) -> None:
    bench.session.write("VOLT 3.3, (@1);:OUTP 1, (@1)")
    bench.clock.sleep(0.2)
    state = bench.supply.safe_state()
    assert state["on"] == ("1",)
    assert state["voltage_v"]["1"] == pytest.approx(3.3, abs=0.01)  # type: ignore[index]
    bench.session.write("*RST")
    bench.clock.sleep(0.2)
    assert bench.supply.safe_state()["on"] == ()
    assert bench.supply.output_voltage_v("1") < 1e-3


def test_constant_power_load_finds_a_point_within_the_limit() -> None:
    def transceiver(voltage_v: float) -> float:
        return 7.3 / voltage_v if voltage_v > 2.9 else 0.0

    free = operating_point(transceiver, 3.3, 4.0)
    assert (free.voltage_v, free.limiting) == (3.3, False)
    limited = operating_point(transceiver, 3.3, 2.0)
    assert limited.limiting
    assert transceiver(limited.voltage_v) <= 2.0


def test_pymeasure_driver_runs_unmodified(bench: Bench) -> None:
    bench.resist(3.0)
    supply = PyMeasureE36312A(ADDRESS, visa_library=bench.library)
    assert supply.id.startswith("Keysight Technologies,E36312A,")
    supply.ch_1.voltage_setpoint = 3.3
    supply.ch_1.current_limit = 2.0
    supply.ch_1.output_enabled = True
    bench.clock.sleep(0.2)
    assert supply.ch_1.voltage_setpoint == 3.3
    assert supply.ch_1.current_limit == 2.0
    assert supply.ch_1.output_enabled is True
    assert supply.ch_1.voltage == pytest.approx(3.3, abs=0.01)
    assert supply.ch_1.current == pytest.approx(1.1, abs=0.01)
    assert supply.ch_2.output_enabled is False
    assert supply.check_errors() == []
