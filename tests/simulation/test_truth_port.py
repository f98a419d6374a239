"""The way past the instruments: what is true on the bench, and what shall go wrong on it."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from measurements.patterns import pattern
from simulation.scpi import FOREVER_NS
from simulation.transport.reactor import Hangup
from simulation.transport.truth_port import TruthPort
from station.twin import open_twin
from tests.station.twin_kit import loaded


class Line:
    def __init__(self) -> None:
        self.bench = open_twin(loaded(), serial="TWIN-0001", seed=3).bench
        self.port = TruthPort(self.bench)
        self.manager: Any = None

    def raw(self, data: bytes) -> bytes:
        self.port.receive(data)
        return bytes(self.port.pump(0))

    def ask(self, message: object) -> Any:
        return json.loads(self.raw(json.dumps(message).encode() + b"\n"))

    def tell(self, instrument: str, message: str) -> str:
        from simulation.scpi import Exchange

        device = self.bench.devices[instrument]
        exchange = Exchange(device, strict=False)
        exchange.receive(message.encode() + b"\n")
        while self.bench.clock.now_ns < exchange.next_due_ns < FOREVER_NS:
            self.bench.clock.sleep_until(exchange.next_due_ns)
            exchange.pump(self.bench.clock.now_ns)
        answer = exchange.take(1 << 20)[0].decode() if exchange.outputs else ""
        exchange.close()
        return answer.strip()

    def light_the_source(self) -> None:
        self.tell("cw_source", ":POW:STAT 1;:POW 3;:WAV 1311")
        self.bench.clock.sleep(10.0)


@pytest.fixture
def line() -> Line:
    return Line()


def start_transceiver(line: Line) -> None:
    slot = line.bench.slots["slot1"]
    line.tell("bert", ":SOUR:FREQ 'M1.ClkGen',53.125e9")
    slot.physics.set_supply_voltage(3.3)
    slot.physics.set_high_power(True)


def test_the_light_of_a_laser_is_known_where_it_leaves_and_where_it_arrives(line: Line) -> None:
    assert line.ask({"truth": "cw_source.out"})["power_dbm"] is None
    line.light_the_source()
    out = line.ask({"truth": "cw_source.out"})
    assert out["power_dbm"] == pytest.approx(3.0, abs=0.2)
    assert out["wavelength_nm"] == pytest.approx(1311.0, abs=0.01)
    assert out["waveform"] is None
    assert out["beams"][0]["emitter"] == "cw_source.out"
    line.tell("switch", "M5 2,1")
    line.bench.clock.sleep(1.0)
    behind = [fibre for fibre in line.ask({"truth": None})["ports"] if fibre == "coupler_2.in2"]
    assert behind
    arrived = line.ask({"truth": "coupler_2.in2"})
    assert out["power_dbm"] - arrived["power_dbm"] == pytest.approx(arrived["beams"][0]["loss_db"], abs=1e-9)


def test_the_waveform_of_a_lane_has_the_levels_that_its_definition_gives(line: Line) -> None:
    from simulation.physics.emitter import ModulatedEmitter
    from simulation.physics.light import Beam
    from simulation.transport.truth_port import waveform_statistics

    class Square:
        name, rin_db_hz, power_mw = "lane", -140.0, 1.0
        symbol_rate_gbd, timebase, jitter_ps, source = 50.0, "t", 0.1, "s"
        error_ratio, shape_key = 0.0, ()
        pattern = "PRBS13Q"

        def spectral_lines(self):
            return ()

        def symbols(self, count=None):
            return pattern("PRBS13Q")[:count]

        def waveform(self, samples_per_symbol, symbols=None, dispersion_ps_nm=0.0):
            levels = 1.0 + (self.symbols(symbols) - 1.5) * 0.4
            levels = levels / levels.mean()
            return np.repeat(levels.astype(np.float32), samples_per_symbol)

    emitter = Square()
    assert isinstance(emitter, ModulatedEmitter)
    found: Any = waveform_statistics(Beam(emitter, 1311.0, 0.5, loss_db=3.0103))
    assert found["levels_mw"] == pytest.approx([0.2, 0.4, 0.6, 0.8], rel=2e-3)
    assert found["oma_outer_mw"] == pytest.approx(0.6, rel=2e-3)
    assert found["extinction_ratio_db"] == pytest.approx(10 * math.log10(4), rel=2e-3)
    assert found["rin_noise_mw"] == pytest.approx(0.5 * math.sqrt(1e-14 * 25e9))
    assert found["average_power_mw"] == 0.5


def test_a_supply_and_a_slot_tell_their_state(line: Line) -> None:
    line.tell("supply", "VOLT 3.3,(@1);:OUTP 1,(@1);*OPC?")
    line.bench.clock.sleep(1.0)
    assert line.ask({"truth": "supply.1"})["voltage_v"] == pytest.approx(3.3, abs=0.01)
    assert line.ask({"truth": "supply"})["on"] == ["1"]
    assert line.ask({"truth": "slot1"})["dark"] is True


def test_a_fault_begins_at_once_and_ends_when_it_is_cleared(line: Line) -> None:
    assert (
        line.ask({"fault": {"instrument": "supply", "kind": "silent"}})["faults"]["supply"][0]["kind"]
        == "silent"
    )
    assert line.tell("supply", "*IDN?") == ""
    assert line.ask({"truth": "supply"})["faults"] == [{"kind": "silent", "begun": True}]
    line.ask({"fault": {"instrument": "supply", "kind": "silent", "clear": True}})
    assert line.tell("supply", "*IDN?").startswith("Keysight")


def test_faults_of_one_instrument_add_up_and_end_together(line: Line) -> None:
    line.ask({"fault": {"instrument": "supply", "kind": "slow", "delay_s": 2}})
    both = line.ask({"fault": {"instrument": "supply", "kind": "wrong_identity", "identity": "A,B,C,D"}})
    assert [one["kind"] for one in both["faults"]["supply"]] == ["slow", "wrong_identity"]
    before = line.bench.clock.now()
    assert line.tell("supply", "*IDN?") == "A,B,C,D"
    assert line.bench.clock.now() - before == pytest.approx(2.0, abs=0.1)
    line.ask({"fault": {"instrument": "supply", "clear": True}})
    assert line.ask({"truth": None})["faults"] == {}


def test_all_faults_end_at_once(line: Line) -> None:
    for name in ("supply", "bert"):
        line.ask({"fault": {"instrument": name, "kind": "silent"}})
    assert sorted(line.ask({"truth": None})["faults"]) == ["bert", "supply"]
    line.ask({"fault": None})
    assert line.ask({"truth": None})["faults"] == {}


def test_a_fault_set_twice_is_one(line: Line) -> None:
    for delay_s in (1, 2):
        told = line.ask({"fault": {"instrument": "supply", "kind": "slow", "delay_s": delay_s}})
    assert told["faults"]["supply"] == [{"kind": "slow", "begun": False, "delay_s": 2}]


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"truth": "slot1.tx9"}, "did you mean slot1.tx"),
        ({"truth": 5}, "a port is a string"),
        ({"what": 1}, "ask for"),
        ([1], "ask for"),
        ({"truth": "supply", "fault": None}, "ask for"),
        ({"fault": {"instrument": "suply", "kind": "slow"}}, "names its instrument"),
        ({"fault": {"instrument": "supply", "kind": "tired"}}, "there is no fault 'tired'"),
        ({"fault": {"instrument": "supply", "kind": "tired", "clear": True}}, "there is no fault 'tired'"),
        ({"fault": {"instrument": "supply", "kind": "slow", "amount_db": 1}}, "slow has no 'amount_db'"),
        ({"fault": {"instrument": "supply", "kind": "slow", "delay_s": "long"}}, "delay_s cannot be 'long'"),
        (
            {"fault": {"instrument": "supply", "kind": "wrong_identity", "identity": 7}},
            "identity cannot be 7",
        ),
        ({"fault": {"instrument": "supply"}}, "there is no fault None"),
    ],
)
def test_what_cannot_be_done_is_told(line: Line, wish: object, told: str) -> None:
    assert told in line.ask(wish)["error"]
    assert line.ask({"truth": None})["faults"] == {}


def test_no_json_is_told_and_the_next_line_is_heard(line: Line) -> None:
    first, second = line.raw(b'{"truth": \n{"truth": null}\n').splitlines()
    assert "no JSON" in json.loads(first)["error"]
    assert "slot1.tx1" in json.loads(second)["ports"]


def test_a_deep_nest_is_told(line: Line) -> None:
    assert "error" in json.loads(line.raw(b"[" * 60000 + b"\n"))


def test_a_line_comes_in_pieces(line: Line) -> None:
    assert line.raw(b'{"truth": ') == b""
    assert b"slot1" in line.raw(b"null}\n")


def test_a_line_without_end_is_hung_up_on(line: Line) -> None:
    with pytest.raises(Hangup):
        line.port.receive(b"x" * 70000)
    assert b"65536" in line.port.pump(0)
