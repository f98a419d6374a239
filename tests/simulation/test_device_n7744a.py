"""The power meter's twin: its words on the wire, and how it sees light."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import pyvisa

from simulation.clock import VirtualClock
from simulation.devices.keysight_n7744a import KeysightN7744A
from simulation.devices.optical_power import Photodiode
from simulation.physics.emitter import SteadyLight
from simulation.physics.light import Beam, Light
from simulation.transport.visa_library import BenchVisaLibrary

ADDRESS = "TCPIP0::192.0.2.1::inst0::INSTR"


class Fibres:
    """Light that a test lets fall on the ports."""

    def __init__(self) -> None:
        self.light: dict[str, Light] = {}

    def shine(self, port: str, power_dbm: float, wavelength_nm: float = 1310.0) -> None:
        beam = Beam(SteadyLight("test.out", wavelength_nm), wavelength_nm, 10 ** (power_dbm / 10))
        self.light[port] = (*self.light.get(port, ()), beam)

    def arriving(self, port: str) -> Light:
        return self.light.get(port, ())


class Bench:
    def __init__(self, seed: int = 1) -> None:
        self.clock, self.fibres = VirtualClock(), Fibres()
        self.meter = KeysightN7744A("meter", serial="SIM7", options={}, clock=self.clock, seed=seed)
        self.meter.connect_light(self.fibres)
        self.manager = pyvisa.ResourceManager(BenchVisaLibrary.for_bench({ADDRESS: self.meter}, self.clock))
        self.session = self.manager.open_resource(ADDRESS, read_termination="\n", timeout=20000)

    def ask(self, message: str) -> str:
        return str(self.session.query(message))

    def read_dbm(self, port: int) -> float:
        return float(self.ask(f":READ{port}:POW?"))


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.manager.close()


TRANSCRIPT = [
    ("*IDN?", "Agilent Technologies,N7744A,SIM7,V1.19"),
    (":SENS1:POW:WAV 1310.000000 nm;:SENS1:POW:WAV?", "+1.310000000E-06"),
    (":SENS1:CHAN1:POW:WAV 1310NM;:SENS:POW:WAV?", "+1.310000000E-06"),
    (":SENS2:POW:WAV?", "+1.550000000E-06"),
    (":SENS1:POW:WAV? MIN", "+1.250000000E-06"),
    (":sens1:pow:wav? max", "+1.650000000E-06"),
    (":SENS1:POW:ATIME 0.010000 s;:SENS1:POW:ATIM?", "+1.000000000E-02"),
    (":sens1:pow:atim 10MS;atim?", "+1.000000000E-02"),
    (":SENS1:POW:UNIT 1;UNIT?", "+1"),
    (":SENS1:POW:UNIT DBM;UNIT?", "+0"),
    (":SENS1:POW:RANG:AUTO?", "1"),
    (":SENS1:POW:RANG -20DBM;RANG?;RANG:AUTO?", "-2.000000000E+01;0"),
    (":SENS1:POW:RANG -14;RANG?", "-1.000000000E+01"),
    (":SENS1:POW:RANG:AUTO 1;AUTO?", "1"),
    (":sens1:corr 0.5DB;corr?", "+5.000000000E-01"),
    (":INIT1:CONT?", "1"),
    (":SENS1:CORR:COLL:ZERO;*OPC?;:SENS1:CORR:COLL:ZERO?", "1;+0"),
    ("SYST:ERR?", '+0,"No error"'),
    (":SENS5:POW:WAV?;:SYST:ERR?", '-114,"Header suffix out of range"'),
    (":SENS1:POW:WAV 1310;:SYST:ERR?", '-222,"Data out of range"'),
    (":SENS1:POW:ATIM 10DB;:SYST:ERR?", '-131,"Invalid suffix"'),
    (":INIT1;:SYST:ERR?", '-213,"Init ignored"'),
    (":INIT1:CONT 0;:FETC1:POW?;:SYST:ERR?", '-230,"Data corrupt or stale"'),
    ("*RST;:SENS1:POW:UNIT?;WAV?", "+0;+1.550000000E-06"),
]


def test_transcript(bench: Bench) -> None:
    for message, answer in TRANSCRIPT:
        assert bench.ask(message) == answer, message


def test_reading_is_right_within_its_accuracy_at_the_set_wavelength(bench: Bench) -> None:
    for port in (1, 2, 3, 4):
        bench.fibres.shine(str(port), 1.5)
        bench.session.write(f":SENS{port}:POW:WAV 1310NM")
        assert bench.read_dbm(port) == pytest.approx(1.5, abs=10 * math.log10(1.05))


def test_reading_at_the_wrong_wavelength_is_off_by_the_responsivity(bench: Bench) -> None:
    bench.fibres.shine("1", 0.0, 1310.0)
    right = float(bench.ask(":SENS1:POW:WAV 1310NM;:READ1:POW?"))
    wrong = float(bench.ask(":SENS1:POW:WAV 1550NM;:READ1:POW?"))
    diode = Photodiode()
    expected = 10 * math.log10(diode.responsivity_a_w(1310.0) / diode.responsivity_a_w(1550.0))
    assert wrong - right == pytest.approx(expected, abs=1e-3)
    assert abs(expected) > 0.3


def test_powers_of_several_beams_add(bench: Bench) -> None:
    bench.fibres.shine("1", -3.0103)
    bench.session.write(":SENS1:POW:WAV 1310NM")
    single = bench.read_dbm(1)
    bench.fibres.shine("1", -3.0103)
    assert bench.read_dbm(1) - single == pytest.approx(3.0103, abs=2e-3)


def test_reading_takes_its_averaging_time(bench: Bench) -> None:
    bench.session.write(":SENS1:POW:ATIM 2S")
    bench.read_dbm(1)
    assert bench.clock.now() == pytest.approx(2.0)


def test_ports_average_at_the_same_time(bench: Bench) -> None:
    for port in (1, 2, 3, 4):
        bench.fibres.shine(str(port), -5.0 - port)
        bench.session.write(f":SENS{port}:POW:WAV 1310NM;ATIM 500MS;:INIT{port}:CONT 0;:INIT{port}")
    answers = bench.ask("*WAI;:FETC1:POW?;:FETC2:POW?;:FETC3:POW?;:FETC4:POW?")
    assert bench.clock.now() == pytest.approx(0.5)
    for port, answer in enumerate(answers.split(";"), 1):
        assert float(answer) == pytest.approx(-5.0 - port, abs=0.25)


def test_fetch_waits_for_the_average_that_is_under_way(bench: Bench) -> None:
    bench.fibres.shine("1", -5.0)
    assert float(bench.ask(":SENS1:POW:WAV 1310NM;ATIM 1S;:INIT1:CONT 0;:INIT1;:FETC1:POW?")) < 0
    assert bench.clock.now() == pytest.approx(1.0)


def test_noise_falls_with_the_root_of_the_averaging_time(bench: Bench) -> None:
    def spread(averaging: str) -> float:
        bench.session.write(f":SENS1:POW:UNIT 1;ATIM {averaging};RANG -30")
        values = [float(bench.ask(":READ1:POW?")) for _ in range(400)]
        mean = sum(values) / len(values)
        return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))

    assert spread("100US") / spread("1MS") == pytest.approx(math.sqrt(10), rel=0.2)


def test_zeroing_in_the_dark_takes_the_offset_away() -> None:
    before, after = 0.0, 0.0
    for seed in range(6):
        bench = Bench(seed)
        for port in (1, 2, 3, 4):
            bench.session.write(f":SENS{port}:POW:UNIT 1;ATIM 10S")
            before += float(bench.ask(f":READ{port}:POW?")) ** 2
        start = bench.clock.now()
        assert bench.ask(":SENS:CORR:COLL:ZERO:ALL;*OPC?") == "1"
        assert bench.clock.now() - start == pytest.approx(4.0)
        after += sum(float(bench.ask(f":READ{port}:POW?")) ** 2 for port in (1, 2, 3, 4))
        bench.manager.close()
    assert math.sqrt(after / 24) < 3e-12
    assert after < before / 2


def test_zeroing_under_light_spoils_what_is_read_afterwards(bench: Bench) -> None:
    bench.fibres.shine("1", -10.0)
    bench.ask(":SENS1:POW:WAV 1310NM;UNIT 1;:SENS1:CORR:COLL:ZERO;*OPC?")
    assert abs(float(bench.ask(":READ1:POW?"))) < 1e-7


def test_fixed_range_says_when_it_is_exceeded(bench: Bench) -> None:
    bench.fibres.shine("1", -5.0)
    bench.session.write(":SENS1:POW:WAV 1310NM;RANG -10")
    assert bench.read_dbm(1) == 9.91e37
    bench.session.write(":SENS1:POW:RANG 0")
    assert bench.read_dbm(1) == pytest.approx(-5.0, abs=0.2)


def test_more_than_the_highest_range_is_over_range_even_with_ranging(bench: Bench) -> None:
    bench.fibres.shine("1", 14.0)
    bench.session.write(":SENS1:POW:WAV 1310NM")
    assert bench.read_dbm(1) == 9.91e37


def test_coarse_range_resolves_less(bench: Bench) -> None:
    bench.fibres.shine("1", -60.0)
    bench.session.write(":SENS1:POW:WAV 1310NM;UNIT 1;RANG 10")
    step_w = 2 * 10e-3 / 2**20
    reading = float(bench.ask(":READ1:POW?"))
    assert reading / step_w == pytest.approx(round(reading / step_w), abs=1e-6)


def test_equal_seeds_read_alike_and_others_do_not() -> None:
    readings = []
    for seed in (1, 1, 2):
        bench = Bench(seed)
        bench.fibres.shine("1", -5.0)
        readings.append([bench.read_dbm(1) for _ in range(3)])
        bench.manager.close()
    assert readings[0] == readings[1] != readings[2]


def test_safe_state_of_a_meter_is_dark(bench: Bench) -> None:
    assert bench.meter.safe_state() == {"emitting": False}
