"""The bench as a PyVISA backend: sessions, terminators, timeouts in bench time, faults on the wire."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import pyvisa
from pyvisa import constants

from simulation.clock import VirtualClock
from simulation.devices.keysight_e36312a import KeysightE36312A
from simulation.devices.keysight_n7744a import KeysightN7744A
from simulation.faults import Fault, FaultKind
from simulation.scpi import Block, BlockAnswer, Command, ScpiDevice
from simulation.transport.visa_library import BenchVisaLibrary

INSTR = "TCPIP0::192.0.2.1::hislip0::INSTR"
SOCKET = "TCPIP0::192.0.2.1::5025::SOCKET"
SUPPLY = "GPIB0::5::INSTR"


class BlockDevice(ScpiDevice):
    model = "Blocks"
    manufacturer = "Photonbench"
    identity_model = "Blocks"
    firmware = "1"

    def keep(self, data: bytes) -> None:
        self.data = data

    commands = (
        Command(pattern="DATA", action=keep, query=lambda d: BlockAnswer(d.data), parameters=(Block(),)),
        Command(pattern="STReam", query=lambda d: BlockAnswer(d.data, indefinite=True)),
    )


class Bench:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        common = {"serial": "SIM1", "options": {}, "clock": self.clock, "seed": 1}
        self.meter = KeysightN7744A("meter", **common)
        self.supply = KeysightE36312A("supply", **common)
        self.blocks = BlockDevice("blocks", **common)
        devices = {
            INSTR: self.meter,
            SOCKET: self.meter,
            SUPPLY: self.supply,
            "USB0::1::2::3::INSTR": self.blocks,
        }
        self.library = BenchVisaLibrary.for_bench(devices, self.clock)
        self.manager = pyvisa.ResourceManager(self.library)

    def open(self, name: str, **settings: object) -> pyvisa.resources.MessageBasedResource:
        return self.manager.open_resource(name, **settings)


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.manager.close()


def test_resources_are_those_of_the_station(bench: Bench) -> None:
    assert bench.manager.list_resources() == (INSTR, SUPPLY, "USB0::1::2::3::0::INSTR")
    assert SOCKET in bench.manager.list_resources("?*")


def test_two_benches_do_not_share_a_manager(bench: Bench) -> None:
    other = Bench()
    assert other.manager is not bench.manager
    assert other.library.library_path != "unset"
    other.manager.close()
    assert bench.open(INSTR).query("*OPC?") == "1\n"


def test_one_path_gives_one_library(bench: Bench) -> None:
    first = BenchVisaLibrary.for_bench({INSTR: bench.meter}, bench.clock, path="bench-a.yaml")
    assert BenchVisaLibrary.for_bench({}, bench.clock, path="bench-a.yaml") is first


def test_address_that_the_station_does_not_have_is_not_found(bench: Bench) -> None:
    with pytest.raises(pyvisa.VisaIOError) as caught:
        bench.open("TCPIP0::192.0.2.9::inst0::INSTR")
    assert caught.value.error_code == constants.StatusCode.error_resource_not_found


def test_short_form_of_an_address_is_the_same_instrument(bench: Bench) -> None:
    assert "N7744A" in bench.open("TCPIP::192.0.2.1::hislip0").query("*IDN?")


def test_query_ends_at_the_end_of_the_message_without_terminator(bench: Bench) -> None:
    assert bench.open(INSTR).query("*OPC?;:SENS:POW:UNIT?") == "1;+0\n"


def test_query_ends_at_the_terminator_where_one_is_set(bench: Bench) -> None:
    session = bench.open(SOCKET, read_termination="\n", write_termination="\n")
    session.write("*OPC?")
    session.write("SENS3:POW:UNIT?")
    assert [session.read(), session.read()] == ["1", "+0"]


def test_message_on_a_stream_without_terminator_is_not_executed(bench: Bench) -> None:
    session = bench.open(SOCKET, read_termination="\n", write_termination="", timeout=500)
    with pytest.raises(pyvisa.VisaIOError, match="VI_ERROR_TMO"):
        session.query("*OPC?")
    assert bench.clock.now() == pytest.approx(0.5)


def test_read_in_small_pieces_gives_the_whole(bench: Bench) -> None:
    session = bench.open(INSTR)
    session.chunk_size = 3
    assert session.query("*IDN?").startswith("Agilent Technologies,N7744A,SIM1,")


def test_timeout_passes_in_bench_time(bench: Bench) -> None:
    session = bench.open(INSTR, timeout=3000)
    with pytest.raises(pyvisa.VisaIOError, match="VI_ERROR_TMO"):
        session.read()
    assert bench.clock.now() == pytest.approx(3.0)
    assert session.query("SYST:ERR?") == '-420,"Query UNTERMINATED"\n'


def test_answer_that_is_due_after_the_timeout_can_be_read_later(bench: Bench) -> None:
    session = bench.open(INSTR, timeout=1000)
    session.write("SENS1:POW:ATIM 1.5S;:READ1:POW?")
    with pytest.raises(pyvisa.VisaIOError, match="VI_ERROR_TMO"):
        session.read()
    assert session.read()
    assert bench.clock.now() == pytest.approx(1.5)


def test_unread_answer_is_interrupted(bench: Bench) -> None:
    session = bench.open(INSTR)
    session.write("*IDN?")
    assert session.query("SYST:ERR?") == '-410,"Query INTERRUPTED"\n'


def test_clear_drops_the_answer_and_the_rest_goes_on(bench: Bench) -> None:
    session = bench.open(INSTR)
    session.write("*IDN?")
    session.clear()
    assert session.query("SYST:ERR?") == '+0,"No error"\n'


def test_serial_poll_and_service_request(bench: Bench) -> None:
    session = bench.open(INSTR)
    session.write("*CLS;*ESE 1;*SRE 32;:INIT1:CONT 0;:SENS1:POW:ATIM 2S;:INIT1;*OPC")
    assert session.read_stb() == 0
    session.enable_event(constants.EventType.service_request, constants.EventMechanism.queue)
    session.wait_on_event(constants.EventType.service_request, 5000)
    assert bench.clock.now() == pytest.approx(2.0)
    assert session.read_stb() == 0x60
    assert session.read_stb() == 0x20


def test_waiting_for_a_request_that_never_comes_times_out(bench: Bench) -> None:
    session = bench.open(INSTR)
    session.enable_event(constants.EventType.service_request, constants.EventMechanism.queue)
    with pytest.raises(pyvisa.VisaIOError, match="VI_ERROR_TMO"):
        session.wait_on_event(constants.EventType.service_request, 700)
    assert bench.clock.now() == pytest.approx(0.7)


def test_blocks_of_any_bytes_go_both_ways(bench: Bench) -> None:
    session = bench.open("USB0::1::2::3::INSTR")
    values = np.frombuffer(bytes(range(256)) * 512, dtype="<f4").copy()
    values[~np.isfinite(values)] = 10.0
    session.write_binary_values("DATA ", values, datatype="f")
    back = session.query_binary_values("DATA?", datatype="f", container=np.ndarray)
    np.testing.assert_array_equal(back, values)
    session.write("STR?")
    assert session.read_raw() == b"#0" + values.tobytes() + b"\n"


def test_unknown_attribute_is_refused(bench: Bench) -> None:
    session = bench.open(SUPPLY)
    with pytest.raises(pyvisa.VisaIOError) as caught:
        bench.library.get_attribute(session.session, constants.VI_ATTR_ASRL_BAUD)
    assert caught.value.error_code == constants.StatusCode.error_nonsupported_attribute


def test_keyword_that_is_no_attribute_is_refused(bench: Bench) -> None:
    with pytest.raises(ValueError, match="baud_rate"):
        bench.open(SUPPLY, baud_rate=9600)


def test_threads_on_one_session_get_their_own_answers(bench: Bench) -> None:
    session = bench.open(INSTR)
    for port in (1, 2, 3, 4):
        session.write(f"SENS{port}:POW:WAV {1300 + port}NM")
    answers: set[tuple[int, str]] = set()

    def ask(port: int) -> None:
        for _ in range(200):
            answers.add((port, session.query(f"SENS{port}:POW:WAV?").strip()))

    threads = [threading.Thread(target=ask, args=(port,)) for port in (1, 2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {(port, f"+1.30{port}000000E-06") for port in (1, 2, 3, 4)}
    assert session.query("SYST:ERR?") == '+0,"No error"\n'


def test_thread_that_never_reads_holds_others_up_for_one_timeout_only(bench: Bench) -> None:
    session = bench.open(INSTR, timeout=50)
    thread = threading.Thread(target=session.write, args=("*IDN?",))
    thread.start()
    thread.join()
    assert session.query("SYST:ERR?") == '-410,"Query INTERRUPTED"\n'
    assert session.query("*OPC?") == "1\n"


def test_closed_session_is_invalid(bench: Bench) -> None:
    session = bench.open(INSTR)
    session.close()
    with pytest.raises(pyvisa.errors.InvalidSession):
        session.query("*IDN?")
    assert bench.meter.exchanges == []


# Faults.


def fault(bench: Bench, kind: FaultKind | str, **more: object) -> pyvisa.resources.MessageBasedResource:
    bench.meter.inflict([Fault("meter", kind, **more), Fault("other", FaultKind.SILENT)])
    return bench.open(INSTR, timeout=2000, read_termination="\n")


def error_of(session: pyvisa.resources.MessageBasedResource, message: str) -> int:
    with pytest.raises(pyvisa.VisaIOError) as caught:
        session.query(message)
    return caught.value.error_code


def test_silent_instrument_costs_its_timeout_and_does_nothing(bench: Bench) -> None:
    session = fault(bench, "silent", after_messages=1)
    assert session.query("SENS1:POW:WAV?") == "+1.550000000E-06"
    session.write("SENS1:POW:WAV 1310NM")
    assert error_of(session, "*IDN?") == constants.StatusCode.error_timeout
    assert bench.clock.now() == pytest.approx(2.0)
    bench.meter.inflict([])
    session.clear()
    assert session.query("SENS1:POW:WAV?") == "+1.550000000E-06"


def test_slow_instrument_answers_after_its_delay(bench: Bench) -> None:
    session = fault(bench, "slow", delay_s=5.0)
    assert error_of(session, "*OPC?") == constants.StatusCode.error_timeout
    session.timeout = 10000
    assert session.read() == "1"
    assert bench.clock.now() == pytest.approx(5.0)


def test_garbage_is_no_answer_of_any_kind(bench: Bench) -> None:
    session = fault(bench, "garbage")
    session.write("READ1:POW?")
    answer = session.read_raw()
    assert answer.endswith(b"\n")
    assert all(byte > 0x7F for byte in answer[:-1])
    with pytest.raises(UnicodeDecodeError):
        session.query("*IDN?")


def test_half_an_answer_ends_in_a_timeout(bench: Bench) -> None:
    session = fault(bench, "half_answer")
    assert error_of(session, "*IDN?") == constants.StatusCode.error_timeout
    assert bench.clock.now() == pytest.approx(2.0)


def test_half_an_answer_without_terminator_ends_in_a_timeout_too(bench: Bench) -> None:
    fault(bench, "half_answer")
    assert error_of(bench.open(INSTR), "*IDN?") == constants.StatusCode.error_timeout


def test_wrong_identity_is_another_instrument_that_works(bench: Bench) -> None:
    session = fault(bench, "wrong_identity", identity="Agilent Technologies,N7745A,DE1,V1.19")
    assert session.query("*IDN?") == "Agilent Technologies,N7745A,DE1,V1.19"
    assert session.query("*OPC?") == "1"


def test_error_in_the_queue_is_met_by_real_work_and_only_once(bench: Bench) -> None:
    session = fault(bench, "error_in_queue", error_code=-240)
    session.write("*CLS")
    assert session.query("SYST:ERR?") == '+0,"No error"'
    assert session.query("SENS1:POW:WAV 1310NM;:SYST:ERR?") == '-240,"Hardware error"'
    assert session.query("SENS1:POW:WAV 1310NM;:SYST:ERR?") == '+0,"No error"'


def test_stuck_instrument_never_ends_what_it_began(bench: Bench) -> None:
    session = fault(bench, "stuck_busy")
    session.write("*CLS;:SENS:CORR:COLL:ZERO:ALL;*OPC")
    bench.clock.sleep(3600)
    assert session.query("*ESR?") == "+0"
    assert error_of(session, "*OPC?") == constants.StatusCode.error_timeout
    session.clear()
    assert error_of(session, "READ1:POW?") == constants.StatusCode.error_timeout
    session.clear()
    assert session.query("SYST:ERR?") == '+0,"No error"'


@pytest.mark.parametrize("kind", ["over_range", "under_range"])
def test_reading_out_of_range_is_no_number(bench: Bench, kind: str) -> None:
    assert float(fault(bench, kind).query("READ1:POW?")) == 9.91e37


def test_dropped_link_is_a_lost_connection(bench: Bench) -> None:
    session = fault(bench, "dropped_link", after_messages=1)
    session.write("*IDN?")
    assert session.read().startswith("Agilent")
    assert error_of(session, "*IDN?") == constants.StatusCode.error_connection_lost
    with pytest.raises(pyvisa.VisaIOError):
        session.read()
    with pytest.raises(pyvisa.VisaIOError):
        session.read_stb()


def test_fault_begins_at_its_time(bench: Bench) -> None:
    session = fault(bench, "silent", after_s=10.0)
    assert session.query("*OPC?") == "1"
    bench.clock.sleep(10.0)
    assert error_of(session, "*OPC?") == constants.StatusCode.error_timeout


def test_fault_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="tired"):
        Fault("meter", "tired")  # type: ignore[arg-type]


def test_equal_seeds_give_equal_garbage(bench: Bench) -> None:
    answers = []
    for _ in range(2):
        session = fault(bench, "garbage")
        session.write("*IDN?")
        answers.append(session.read_raw())
    assert answers[0] == answers[1]
