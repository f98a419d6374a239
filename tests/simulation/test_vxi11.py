"""VXI-11, call by call as its revision 1.0 has it, and as pyvisa-py speaks it."""

from __future__ import annotations

import ipaddress
import struct
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import pyvisa
from hypothesis import given, settings
from hypothesis import strategies as st
from pyvisa import constants

from simulation.clock import VirtualClock
from simulation.devices.keysight_n7744a import KeysightN7744A
from simulation.faults import Fault, FaultKind
from simulation.scpi import BlockAnswer, Command
from simulation.transport import sun_rpc
from simulation.transport.reactor import Hangup
from simulation.transport.serving import BenchServer
from simulation.transport.sun_rpc import Garbage, Reader, Records, opaque, unsigned
from simulation.transport.vxi11 import CORE, Vxi11Conversation
from simulation.transport.vxi11_channels import ABORT, AbortConversation, InterruptChannel
from simulation.transport.vxi11_links import CHARACTER, END, REQUESTED, Failure, Vxi11
from simulation.transport.wall_clock import WallBenchClock

WAIT, TERMINATED = 0x01, 0x80
PEER = "127.0.0.1"


class Meter(KeysightN7744A):
    commands = (
        *KeysightN7744A.commands,
        Command(pattern="BIG", query=lambda _d: BlockAnswer(np.arange(250_000, dtype="<f4").tobytes())),
    )


class Client:
    def __init__(self, bench: Bench) -> None:
        self.bench, self.number = bench, 0
        self.core = Vxi11Conversation(bench.hub, PEER)
        self.records = Records(1 << 26)
        self.link = 0

    def send(self, procedure: int, arguments: bytes = b"", *, program: int = CORE, version: int = 1) -> None:
        self.number += 1
        self.core.receive(sun_rpc.call(self.number, program, version, procedure, arguments))

    def replies(self) -> list[Reader]:
        found = []
        for record in self.records.feed(self.core.pump(self.bench.clock.now_ns)):
            reader = Reader(record)
            reader.unsigned()
            assert [reader.unsigned() for _ in range(4)] == [1, 0, 0, 0]
            found.append(reader)
        return found

    def call(self, procedure: int, arguments: bytes = b"") -> Reader:
        """Give the results of a call that is answered at once."""
        self.send(procedure, arguments)
        (reader,) = self.replies()
        assert reader.unsigned() == sun_rpc.SUCCESS
        return reader

    def open(self, *, lock: bool = False, timeout: int = 0, device: bytes = b"inst0") -> Failure:
        reader = self.call(10, unsigned(7, int(lock), timeout) + opaque(device))
        failure = Failure(reader.signed())
        self.link = reader.signed()
        return failure

    def write(self, data: bytes, *, flags: int = 8, timeout: int = 0) -> Failure:
        reader = self.call(11, unsigned(self.link, 1000, timeout, flags) + opaque(data))
        failure, size = Failure(reader.signed()), reader.unsigned()
        assert size == (0 if failure else len(data))
        return failure

    def ask_read(self, size: int = 1000, *, io: int = 1000, flags: int = 0, char: int = 0) -> None:
        self.send(12, unsigned(self.link, size, io, 0, flags, char))

    def read(self, *args: Any, **kwargs: Any) -> tuple[Failure, int, bytes]:
        self.ask_read(*args, **kwargs)
        (reader,) = self.replies()
        return result_of(reader)

    def generic(self, procedure: int, *, flags: int = 0, timeout: int = 0) -> Failure:
        return Failure(self.call(procedure, unsigned(self.link, flags, timeout, 1000)).signed())

    def status(self) -> int:
        reader = self.call(13, unsigned(self.link, 0, 0, 1000))
        assert reader.signed() == 0
        return reader.unsigned()

    def lock(self, *, flags: int = 0, timeout: int = 0) -> Failure:
        return Failure(self.call(18, unsigned(self.link, flags, timeout)).signed())

    def unlock(self) -> Failure:
        return Failure(self.call(19, unsigned(self.link)).signed())

    def query(self, message: bytes) -> bytes:
        assert self.write(message) == Failure.NONE
        return self.read()[2]


def result_of(reader: Reader) -> tuple[Failure, int, bytes]:
    assert reader.unsigned() == sun_rpc.SUCCESS
    return Failure(reader.signed()), reader.unsigned(), reader.opaque(1 << 26)


class Bench:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.device = Meter("meter", serial="1", options={}, clock=self.clock, seed=1)
        self.called: list[tuple[str, int, InterruptChannel]] = []
        self.hub = Vxi11(self.device, self.clock, lambda *call: self.called.append(call))  # type: ignore[arg-type]

    def client(self) -> Client:
        client = Client(self)
        assert client.open() == Failure.NONE
        return client


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_link_is_made_by_name_and_unmade(bench: Bench) -> None:
    client = Client(bench)
    reader = client.call(10, unsigned(1, 0, 0) + opaque(b"inst0"))
    assert reader.signed() == 0
    client.link = reader.signed()
    reader.unsigned()
    assert reader.unsigned() >= 1024  # maxRecvSize (B.6.3)
    assert client.query(b"*OPC?\n") == b"1\n"
    assert client.call(23, unsigned(client.link)).signed() == 0
    assert client.call(23, unsigned(client.link)).signed() == Failure.INVALID_LINK
    assert client.open(device=b"INST0") == Failure.NONE
    assert client.open(device=b"gpib0,5") == Failure.DEVICE_NOT_ACCESSIBLE


def test_a_link_of_another_connection_is_none_of_mine(bench: Bench) -> None:
    mine, other = bench.client(), bench.client()
    other.link = mine.link
    assert other.write(b"*OPC?") == Failure.INVALID_LINK
    assert other.read()[0] == Failure.INVALID_LINK
    for procedure in (14, 15, 16, 17):
        assert other.generic(procedure) == Failure.INVALID_LINK
    assert other.lock() == other.unlock() == Failure.INVALID_LINK
    assert other.call(13, unsigned(other.link, 0, 0, 0)).signed() == Failure.INVALID_LINK
    assert other.call(20, unsigned(other.link, 1) + opaque(b"x")).signed() == Failure.INVALID_LINK


def test_a_message_is_written_in_pieces(bench: Bench) -> None:
    client = bench.client()
    client.write(b"*ESE 1", flags=0)
    client.write(b"7;*ESE?", flags=8)
    assert client.read() == (Failure.NONE, END, b"+17\n")


def test_a_read_ends_for_a_reason(bench: Bench) -> None:
    client = bench.client()
    client.write(b"*IDN?")
    assert client.read(7) == (Failure.NONE, REQUESTED, b"Agilent")
    assert client.read(flags=TERMINATED, char=ord(","))[1:] == (CHARACTER, b" Technologies,")
    failure, reason, data = client.read(flags=TERMINATED, char=10)
    assert (failure, reason, data[-1:]) == (Failure.NONE, CHARACTER | END, b"\n")


def test_a_read_waits_for_the_answer_and_no_longer_than_it_says(bench: Bench) -> None:
    client = bench.client()
    client.write(b"SENS1:POW:ATIM 2S;:READ1:POW?")
    client.ask_read(io=1000)
    assert client.replies() == []
    assert client.core.next_due_ns == 1_000_000_000
    bench.clock.sleep(1.0)
    (reader,) = client.replies()
    assert result_of(reader)[:2] == (Failure.TIMEOUT, 0)
    client.ask_read(io=5000)
    assert client.replies() == []
    assert client.core.next_due_ns == 2_000_000_000
    bench.clock.sleep(1.0)
    (reader,) = client.replies()
    assert result_of(reader)[:2] == (Failure.NONE, END)


def test_a_read_with_nothing_asked_is_an_error_of_the_instrument(bench: Bench) -> None:
    client = bench.client()
    client.query(b"*CLS;*OPC?")
    client.ask_read(io=100)
    client.core.pump(bench.clock.now_ns)
    bench.clock.sleep(0.2)
    (reader,) = client.replies()
    assert result_of(reader)[0] == Failure.TIMEOUT
    assert client.query(b"SYST:ERR?").startswith(b"-420")


def test_a_new_message_drops_an_unread_answer(bench: Bench) -> None:
    client = bench.client()
    client.write(b"*IDN?")
    client.write(b"*ESE 1")
    assert client.query(b"SYST:ERR?").startswith(b"-410")


def test_clear_drops_what_waits_and_keeps_settings(bench: Bench) -> None:
    client = bench.client()
    client.write(b"*ESE 9;:SENS1:POW:ATIM 5S;:READ1:POW?")
    assert client.generic(15) == Failure.NONE
    assert client.query(b"*ESE?") == b"+9\n"


def test_trigger_remote_and_local(bench: Bench) -> None:
    client = bench.client()
    assert client.generic(14) == Failure.NONE
    assert client.query(b"SYST:ERR?").startswith(b"-211")
    assert client.generic(16) == client.generic(17) == Failure.NONE


def test_the_status_byte_tells_of_an_answer(bench: Bench) -> None:
    client = bench.client()
    assert not client.status() & 0x10
    client.write(b"*OPC?")
    assert client.status() & 0x10
    client.read()
    assert not client.status() & 0x10


def test_a_lock_keeps_others_out(bench: Bench) -> None:
    one, two = bench.client(), bench.client()
    assert one.lock() == Failure.NONE
    assert one.lock() == Failure.LOCKED  # B.6.12: by whatever link
    assert two.write(b"*CLS") == two.lock() == two.generic(15) == Failure.LOCKED
    assert two.unlock() == Failure.NO_LOCK
    assert one.unlock() == Failure.NONE
    assert two.write(b"*CLS") == Failure.NONE


def test_who_waits_for_a_lock_gets_it_or_is_told_in_time(bench: Bench) -> None:
    one, two = bench.client(), bench.client()
    one.lock()
    two.send(18, unsigned(two.link, WAIT, 500))
    assert two.replies() == []
    bench.clock.sleep(0.5)
    (reader,) = two.replies()
    assert [reader.unsigned(), reader.signed()] == [0, Failure.LOCKED]
    two.send(11, unsigned(two.link, 1000, 500, WAIT | 8) + opaque(b"*ESE 5"))
    assert two.replies() == []
    one.unlock()
    (reader,) = two.replies()
    assert [reader.unsigned(), reader.signed(), reader.unsigned()] == [0, 0, 6]
    assert two.query(b"*ESE?") == b"+5\n"


def test_a_link_may_be_made_with_a_lock(bench: Bench) -> None:
    one, two = Client(bench), Client(bench)
    assert one.open(lock=True) == Failure.NONE
    two.send(10, unsigned(1, 1, 300) + opaque(b"inst0"))
    assert two.replies() == []
    bench.clock.sleep(0.3)
    (reader,) = two.replies()
    assert [reader.unsigned(), reader.signed()] == [0, Failure.LOCKED]
    one.core.close()
    assert two.open(lock=True) == Failure.NONE
    assert len(bench.hub.links) == 1


def test_calls_of_one_connection_are_answered_in_turn(bench: Bench) -> None:
    client = bench.client()
    client.write(b"SENS1:POW:ATIM 1S;:READ1:POW?")
    client.ask_read(io=5000)
    client.send(13, unsigned(client.link, 0, 0, 1000))
    assert client.replies() == []
    bench.clock.sleep(1.0)
    assert len(client.replies()) == 2


def test_an_abort_ends_what_a_link_waits_for(bench: Bench) -> None:
    client, abort = bench.client(), AbortConversation(bench.hub)
    client.write(b"SENS1:POW:ATIM 9S;:READ1:POW?")
    client.ask_read(io=20_000)
    assert client.replies() == []
    abort.receive(sun_rpc.call(1, ABORT, 1, 1, unsigned(client.link)))
    assert Reader(Records(1000).feed(abort.pump(0))[0][24:]).signed() == Failure.NONE
    (reader,) = client.replies()
    assert result_of(reader) == (Failure.ABORT, 0, b"")
    abort.receive(sun_rpc.call(2, ABORT, 1, 1, unsigned(4711)))
    assert Reader(Records(1000).feed(abort.pump(0))[0][24:]).signed() == Failure.INVALID_LINK
    for number, (program, procedure, state) in enumerate(
        ((ABORT, 0, 0), (ABORT, 9, sun_rpc.PROCEDURE_UNAVAILABLE), (CORE, 1, sun_rpc.PROGRAM_UNAVAILABLE))
    ):
        abort.receive(sun_rpc.call(number, program, 1, procedure, b""))
        assert Reader(Records(1000).feed(abort.pump(0))[0][20:]).unsigned() == state


def wants_interrupts(client: Client, host: str, port: int = 4711, family: int = 0) -> Failure:
    address = int(ipaddress.IPv4Address(host))
    return Failure(client.call(25, unsigned(address, port, 0x0607B1, 1, family)).signed())


def test_a_service_request_is_a_call_to_the_client(bench: Bench) -> None:
    client = bench.client()
    assert wants_interrupts(client, PEER) == Failure.NONE
    ((host, port, channel),) = bench.called
    assert (host, port) == (PEER, 4711)
    assert wants_interrupts(client, PEER) == Failure.CHANNEL_ESTABLISHED
    assert client.call(20, unsigned(client.link, 1) + opaque(b"handle")).signed() == 0
    client.write(b"*CLS;*ESE 1;*SRE 32;*OPC")
    client.replies()
    (record,) = Records(1000).feed(channel.pump(0))
    call = sun_rpc.Call.read(record)
    assert (call.program, call.procedure, call.arguments.opaque(40)) == (0x0607B1, 30, b"handle")
    client.replies()
    assert channel.pump(0) == b""
    assert client.status() & 0x60 == 0x60
    assert client.call(26).signed() == Failure.NONE
    with pytest.raises(Hangup):
        channel.pump(0)
    assert client.call(26).signed() == Failure.CHANNEL_NOT_ESTABLISHED


def test_requests_go_to_the_client_alone(bench: Bench) -> None:
    client = bench.client()
    assert wants_interrupts(client, "192.0.2.7") == Failure.INVALID_ADDRESS
    assert wants_interrupts(client, PEER, port=0) == Failure.INVALID_ADDRESS
    assert wants_interrupts(client, PEER, family=1) == Failure.NOT_SUPPORTED
    bench.hub.call_back = None
    assert wants_interrupts(client, PEER) == Failure.NOT_SUPPORTED
    assert bench.called == []


def test_a_client_that_cannot_be_called_is_told(bench: Bench) -> None:
    bench.hub.call_back = lambda _host, _port, channel: channel.close()  # type: ignore[attr-defined]
    client = bench.client()
    assert wants_interrupts(client, PEER) == Failure.CHANNEL_NOT_ESTABLISHED


def test_docmd_is_not_supported(bench: Bench) -> None:
    assert bench.client().call(22).signed() == Failure.NOT_SUPPORTED


@pytest.mark.parametrize(
    ("program", "version", "procedure", "state"),
    [
        (100000, 2, 3, sun_rpc.PROGRAM_UNAVAILABLE),
        (CORE, 2, 10, sun_rpc.PROGRAM_MISMATCH),
        (CORE, 1, 21, sun_rpc.PROCEDURE_UNAVAILABLE),
        (CORE, 1, 10, sun_rpc.GARBAGE_ARGUMENTS),
        (CORE, 1, 0, sun_rpc.SUCCESS),
    ],
)
def test_calls_that_cannot_be_are_told_by_their_kind(
    bench: Bench, program: int, version: int, procedure: int, state: int
) -> None:
    client = Client(bench)
    client.send(procedure, b"", program=program, version=version)
    (reader,) = client.replies()
    assert reader.unsigned() == state


def test_another_rpc_version_is_denied(bench: Bench) -> None:
    client = Client(bench)
    client.core.receive(sun_rpc.record(unsigned(9, 0, 3, CORE, 1, 0, 0, 0, 0, 0)))
    (record,) = Records(1000).feed(client.core.pump(0))
    assert struct.unpack(">6I", record) == (9, 1, 1, 0, 2, 2)


def test_records_come_in_fragments_and_have_a_limit() -> None:
    records = Records(10)
    assert records.feed(struct.pack(">I", 3) + b"abc" + struct.pack(">I", 0x80000002) + b"d") == []
    assert records.feed(b"e") == [b"abcde"]
    with pytest.raises(Garbage):
        records.feed(struct.pack(">I", 0x8000000B))
    with pytest.raises(Garbage):
        Reader(opaque(b"abc")).opaque(2)


def test_an_endless_record_is_hung_up_on(bench: Bench) -> None:
    with pytest.raises(Hangup):
        Client(bench).core.receive(struct.pack(">I", 0x7FFFFFFF))
    with pytest.raises(Hangup):
        AbortConversation(bench.hub).receive(struct.pack(">I", 0x7FFFFFFF))


def test_too_many_links_are_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulation.transport.vxi11_links._MOST_LINKS", 2)
    client = bench.client()
    assert client.open() == Failure.NONE
    assert client.open() == Failure.OUT_OF_RESOURCES


def test_a_silent_instrument_lets_its_interface_time_out(bench: Bench) -> None:
    client = bench.client()
    bench.device.inflict([Fault("meter", FaultKind.SILENT)])
    client.write(b"*OPC?")
    client.send(13, unsigned(client.link, 0, 0, 1000))
    assert client.replies() == []
    bench.clock.sleep(1.0)
    (reader,) = client.replies()
    assert [reader.unsigned(), reader.signed()] == [0, Failure.TIMEOUT]
    client.send(15, unsigned(client.link, 0, 0, 1000))
    assert client.replies() == []
    bench.clock.sleep(1.0)
    (reader,) = client.replies()
    assert [reader.unsigned(), reader.signed()] == [0, Failure.TIMEOUT]


def test_half_an_answer_times_out_with_what_came(bench: Bench) -> None:
    client = bench.client()
    bench.device.inflict([Fault("meter", FaultKind.HALF_ANSWER)])
    client.write(b"*IDN?")
    client.ask_read(io=1000)
    assert client.replies() == []
    bench.clock.sleep(1.0)
    (reader,) = client.replies()
    failure, _, data = result_of(reader)
    assert failure == Failure.TIMEOUT
    assert bench.device.identity.encode().startswith(data)
    assert data


def test_a_dropped_link_is_an_io_error_and_a_power_cut_hangs_up(bench: Bench) -> None:
    client = bench.client()
    bench.device.inflict([Fault("meter", FaultKind.DROPPED_LINK)])
    assert client.write(b"*OPC?") == Failure.IO_ERROR
    bench.device.inflict([Fault("meter", FaultKind.POWER_CYCLED)])
    client.send(11, unsigned(client.link, 1000, 0, 8) + opaque(b"*OPC?"))
    client.core.pump(0)
    with pytest.raises(Hangup):
        client.core.pump(0)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=5))
def test_no_bytes_break_a_connection(pieces: list[bytes]) -> None:
    bench = Bench()
    client = bench.client()
    try:
        for piece in pieces:
            client.core.receive(piece)
            client.core.pump(bench.clock.now_ns)
    except Hangup:
        pass
    assert bench.client().query(b"*CLS;*OPC?") == b"1\n"


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(8, 30), st.lists(st.integers(0, 2**32 - 1), max_size=7), st.binary(max_size=20)
        ),
        max_size=6,
    )
)
def test_no_calls_break_the_instrument(calls: list[tuple[int, list[int], bytes]]) -> None:
    bench = Bench()
    client = bench.client()
    for procedure, numbers, data in calls:
        client.send(procedure, unsigned(client.link, *numbers) + opaque(data))
        client.core.pump(bench.clock.now_ns)
        bench.clock.sleep(1.0)
    client.core.pump(bench.clock.now_ns)
    client.core.close()
    assert bench.client().query(b"*CLS;*OPC?") == b"1\n"


# As pyvisa-py speaks it.


@pytest.fixture
def served() -> Iterator[tuple[Meter, str]]:
    clock = WallBenchClock()
    device = Meter("meter", serial="1", options={}, clock=clock, seed=1)
    with BenchServer([device], clock, transports=("vxi11",)) as server:
        yield device, server.resources(device)["vxi11"]


def opened(resource: str) -> Any:
    manager = pyvisa.ResourceManager("@py")
    return manager.open_resource(resource, read_termination="\n", write_termination="\n", timeout=3000)


def test_pyvisa_py_asks_polls_clears_and_triggers(served: tuple[Meter, str]) -> None:
    device, resource = served
    with opened(resource) as session:
        assert session.query("*IDN?") == device.identity
        session.write("*ESE 60;*SRE 32")
        session.write("WRONG")
        assert session.read_stb() & 0x64 == 0x64
        session.assert_trigger()
        session.write("SENS1:POW:ATIM 5S;:READ1:POW?")
        session.clear()
        assert session.query("SYST:ERR?;:SYST:ERR?") == '-113,"Undefined header";-211,"Trigger ignored"'


def test_pyvisa_py_reads_a_block(served: tuple[Meter, str]) -> None:
    with opened(served[1]) as session:
        block = session.query_binary_values("BIG?", datatype="f", container=np.ndarray)
        assert block.size == 250_000
        assert block[-1] == 249_999


def test_pyvisa_py_times_out_and_goes_on(served: tuple[Meter, str]) -> None:
    with opened(served[1]) as session:
        session.timeout = 100
        with pytest.raises(pyvisa.VisaIOError) as caught:
            session.query("SENS1:POW:ATIM 1S;:READ1:POW?")
        assert caught.value.error_code == constants.StatusCode.error_timeout
        session.timeout = 3000
        session.clear()
        assert session.query("*OPC?") == "1"


def test_pyvisa_py_locks(served: tuple[Meter, str]) -> None:
    with opened(served[1]) as one, opened(served[1]) as two:
        one.lock_excl(500)
        with pytest.raises(pyvisa.VisaIOError):
            two.write("*CLS")
        one.unlock()
        assert two.query("*OPC?") == "1"


def test_pyvisa_py_clients_keep_their_answers(served: tuple[Meter, str]) -> None:
    wrong = []

    def talk(number: int) -> None:
        with opened(served[1]) as session:
            for _ in range(20):
                answer = session.query(f"SENS{number}:POW:WAV 13{number:02d}NM;WAV?")
                if abs(float(answer) - (1300 + number) * 1e-9) > 1e-13:
                    wrong.append(answer)

    threads = [threading.Thread(target=talk, args=(number,)) for number in (1, 2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
