"""The attenuator's twin: its words on the wire, its way through, its monitor."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import pyvisa

from simulation.clock import VirtualClock
from simulation.devices.keysight_n7764a import KeysightN7764A
from simulation.physics.emitter import SteadyLight
from simulation.physics.light import Beam, Light
from simulation.transport.visa_library import BenchVisaLibrary

ADDRESS = "TCPIP0::192.0.2.2::inst0::INSTR"


class Fibre:
    power_mw = 1.0

    def arriving(self, port: str) -> Light:
        return (Beam(SteadyLight("test.out", 1310.0), 1310.0, self.power_mw),) if port == "1.in" else ()


class Bench:
    def __init__(self, seed: int = 1, **options: object) -> None:
        self.clock, self.fibre = VirtualClock(), Fibre()
        self.attenuator = KeysightN7764A(
            "attenuator", serial="SIM8", options=options, clock=self.clock, seed=seed
        )
        self.attenuator.connect_light(self.fibre)
        library = BenchVisaLibrary.for_bench({ADDRESS: self.attenuator}, self.clock)
        self.manager = pyvisa.ResourceManager(library)
        self.session = self.manager.open_resource(ADDRESS, read_termination="\n", timeout=60000)

    def ask(self, message: str) -> str:
        return str(self.session.query(message))

    def loss_db(self, channel: int = 1, wavelength_nm: float = 1310.0) -> float:
        (passage,) = self.attenuator.passages(f"{channel}.out")
        assert passage.entrance == f"{channel}.in"
        return passage.loss_db(wavelength_nm)


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.manager.close()


TRANSCRIPT = [
    ("*IDN?", "Agilent Technologies,N7764A,SIM8,V1.19"),
    (":INP1:WAV 1310NM;WAV?", "+1.310000000E-06"),
    (":INP1:ATT 7.5DB;:INP1:ATT?", "+7.500000000E+00"),
    ("input:attenuation 7.500000e+00;:input:attenuation?", "+7.500000000E+00"),
    (":INP1:CHAN1:ATT? MAX", "+4.500000000E+01"),
    (":INP1:OFFS 2;:INP1:ATT?;ATT? MAX;ATT? MIN", "+9.500000000E+00;+4.700000000E+01;+2.000000000E+00"),
    (":INP1:OFFS 0DB;OFFS?", "+0.000000000E+00"),
    (":INP2:ATT 45.1;:SYST:ERR?", '-222,"Data out of range"'),
    (":INP1:ATT 5NM;:SYST:ERR?", '-131,"Invalid suffix"'),
    (":OUTP1:STAT?", "0"),
    ("output:state 1;:outp1?", "1"),
    (":OUTP1:ATIM 20MS;ATIM?", "+2.000000000E-02"),
    (":OUTP1:POW:UNIT 1;UNIT?", "+1"),
    (":OUTP1:CORR:COLL:ZERO;*OPC?", "1"),
    ("*RST;:OUTP1?;:INP1:ATT?", "0;+0.000000000E+00"),
    ("SYST:ERR?", '+0,"No error"'),
]


def test_transcript(bench: Bench) -> None:
    for message, answer in TRANSCRIPT:
        assert bench.ask(message) == answer, message


def test_closed_shutter_blocks(bench: Bench) -> None:
    assert bench.loss_db() > 100.0
    assert bench.ask(":OUTP1:STAT 1;*OPC?") == "1"
    assert bench.loss_db() < 3.0
    assert bench.loss_db(2) > 100.0
    bench.session.write(":OUTP1:STAT 0")
    assert bench.loss_db() > 100.0


@pytest.mark.parametrize("attenuation_db", [0.0, 3.0, 10.0, 25.0, 45.0])
def test_attenuation_is_within_its_accuracy_above_the_insertion_loss(attenuation_db: float) -> None:
    for seed in range(8):
        bench = Bench(seed)
        bench.ask(":INP1:WAV 1310NM;:OUTP1 1;:INP1:ATT 0;*OPC?")
        insertion_db = bench.loss_db()
        bench.ask(f":INP1:ATT {attenuation_db};*OPC?")
        assert bench.loss_db() - insertion_db == pytest.approx(attenuation_db, abs=0.2)
        bench.manager.close()


def test_insertion_loss_is_drawn_around_its_option() -> None:
    losses = []
    for seed in range(6):
        bench = Bench(seed, insertion_loss_db=2.5, insertion_loss_uncertainty_db=0.2)
        bench.ask(":INP1:WAV 1310NM;:OUTP1 1;:INP1:ATT 0;*OPC?")
        losses.append(bench.loss_db())
        bench.manager.close()
    assert sum(losses) / 6 == pytest.approx(2.5, abs=0.15)
    assert max(losses) - min(losses) > 0.05


def test_setting_again_repeats_but_not_exactly(bench: Bench) -> None:
    bench.ask(":INP1:WAV 1310NM;:OUTP1 1;*OPC?")
    losses = []
    for _ in range(20):
        bench.ask(":INP1:ATT 20;*OPC?")
        losses.append(bench.loss_db())
    spread_db = max(losses) - min(losses)
    assert 0.005 < spread_db < 0.08


def test_wrong_wavelength_shifts_the_attenuation(bench: Bench) -> None:
    bench.ask(":INP1:WAV 1550NM;ATT 40;:OUTP1 1;*OPC?")
    assert bench.loss_db(1, 1550.0) - bench.loss_db(1, 1310.0) == pytest.approx(40 * 2e-4 * 240)


def test_filter_travels_at_its_speed_and_then_settles(bench: Bench) -> None:
    bench.ask(":INP1:WAV 1310NM;ATT 0;:OUTP1 1;*OPC?")
    start, insertion_db = bench.clock.now(), bench.loss_db()
    bench.session.write(":INP1:ATT:SPE 10;:INP1:ATT 40")
    bench.clock.sleep(2.0)
    assert bench.loss_db() - insertion_db == pytest.approx(20.0, abs=0.3)
    assert bench.ask("*OPC?") == "1"
    assert bench.clock.now() - start == pytest.approx(4.1)
    assert bench.loss_db() - insertion_db == pytest.approx(40.0, abs=0.3)


def test_commands_that_wait_take_effect_at_their_own_time(bench: Bench) -> None:
    bench.session.write(":INP1:ATT:SPE 10;:INP1:ATT 20;*WAI;:OUTP1 1")
    bench.clock.sleep(1.0)
    assert bench.attenuator.safe_state()["open"] == ()
    bench.clock.sleep(1.2)
    assert bench.attenuator.safe_state()["open"] == ("1",)


def test_monitor_agrees_with_the_light_that_leaves(bench: Bench) -> None:
    bench.ask(":INP1:WAV 1310NM;ATT 10;:OUTP1 1;*OPC?")
    truth_dbm = 10 * math.log10(bench.fibre.power_mw) - bench.loss_db()
    assert float(bench.ask(":READ1:POW?")) == pytest.approx(truth_dbm, abs=10 * math.log10(1.05))
    start = bench.clock.now()
    bench.ask(":OUTP1:ATIM 0.5;:READ1:POW?")
    assert bench.clock.now() - start == pytest.approx(0.5)


def test_monitor_of_a_dark_channel_reads_its_noise(bench: Bench) -> None:
    bench.session.write(":OUTP2:POW:UNIT W")
    assert abs(float(bench.ask(":READ2:POW?"))) < 2e-8


def test_safe_state_tells_openness_and_attenuation(bench: Bench) -> None:
    bench.ask(":INP1:ATT 45;:INP4:ATT 45;:INP5:ATT 45;:INP7:ATT 44;:OUTP3 1;*OPC?")
    state = bench.attenuator.safe_state()
    assert state["open"] == ("2",)  # slots 3 and 4 are the second attenuator
    assert state["at_maximum"] is False
    bench.ask(":INP8:ATT MAX;:OUTP4 0;*OPC?")
    assert bench.attenuator.safe_state() == {
        "open": (),
        "attenuation_db": {"1": 45.0, "2": 45.0, "3": 45.0, "4": 45.0},
        "at_maximum": True,
    }


def test_ports_that_do_not_exist_have_no_way_through(bench: Bench) -> None:
    for port in ("1.in", "5.out", "x.out", "out", ""):
        assert bench.attenuator.passages(port) == ()
    assert bench.attenuator.emission("1.out") == ()
