"""HiSLIP, message by message as IVI-6.1 has it, and as pyvisa-py speaks it."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import pyvisa
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.clock import VirtualClock
from simulation.devices.keysight_n7744a import KeysightN7744A
from simulation.faults import Fault, FaultKind
from simulation.scpi import BlockAnswer, Command
from simulation.transport.hislip import HislipConversation
from simulation.transport.hislip_messages import FIRST_MESSAGE_ID, Fatal, Kind, Slip, message
from simulation.transport.hislip_session import LARGEST_MESSAGE, Hislip
from simulation.transport.reactor import Hangup
from simulation.transport.serving import BenchServer
from simulation.transport.wall_clock import WallBenchClock


class Meter(KeysightN7744A):
    """A meter that also gives a big block."""

    commands = (
        *KeysightN7744A.commands,
        Command(pattern="BIG", query=lambda _d: BlockAnswer(np.arange(2_500_000, dtype="<f4").tobytes())),
    )


class Client:
    """Both connections of one client, without sockets."""

    def __init__(self, hub: Hislip, clock: VirtualClock, *, overlapped: bool = False) -> None:
        self.hub, self.clock = hub, clock
        self.sync, self.asyn = HislipConversation(hub), HislipConversation(hub)
        self.id = FIRST_MESSAGE_ID
        self.send(Kind.INITIALIZE, int(overlapped), 0x0100_0000 | 0x5858, b"hislip0")
        (self.welcome,) = self.heard()
        self.note(Kind.ASYNC_INITIALIZE, 0, self.welcome[2] & 0xFFFF)
        (self.joined,) = self.noted()

    def send(self, kind: int, control: int = 0, parameter: int = 0, payload: bytes = b"") -> None:
        self.sync.receive(message(kind, control, parameter, payload))

    def note(self, kind: int, control: int = 0, parameter: int = 0, payload: bytes = b"") -> None:
        self.asyn.receive(message(kind, control, parameter, payload))

    def say(self, data: bytes, *, delivered: bool = False) -> int:
        self.id += 2
        self.send(Kind.DATA_END, int(delivered), self.id, data)
        return self.id

    def heard(self) -> list[tuple[int, int, int, bytes]]:
        return parsed(bytes(self.sync.pump(self.clock.now_ns)))

    def noted(self) -> list[tuple[int, int, int, bytes]]:
        return parsed(bytes(self.asyn.pump(self.clock.now_ns)))

    def lock(self, timeout_ms: int = 0, key: bytes = b"") -> list[tuple[int, int, int, bytes]]:
        self.note(Kind.ASYNC_LOCK, 1, timeout_ms, key)
        return self.noted()

    def unlock(self) -> list[tuple[int, int, int, bytes]]:
        self.note(Kind.ASYNC_LOCK, 0, self.id)
        return self.noted()


def parsed(data: bytes) -> list[tuple[int, int, int, bytes]]:
    found = []
    while data:
        prologue, kind, control, parameter, length = struct.unpack_from(">2sBBIQ", data)
        assert prologue == b"HS"
        found.append((kind, control, parameter, data[16 : 16 + length]))
        data = data[16 + length :]
    return found


class Bench:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.device = Meter("meter", serial="1", options={}, clock=self.clock, seed=1)
        self.hub = Hislip(self.device, self.clock)

    def client(self, **how: Any) -> Client:
        return Client(self.hub, self.clock, **how)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def errors(client: Client) -> list[bytes]:
    found = []
    while True:
        client.say(b"SYST:ERR?", delivered=True)
        (kind, _, _, text) = client.heard()[-1]
        assert kind == Kind.DATA_END
        if text.startswith(b"+0"):
            return found
        found.append(text.split(b",")[0])


def test_a_session_has_a_number_and_a_mode(bench: Bench) -> None:
    first, second = bench.client(), bench.client(overlapped=True)
    assert first.welcome[:2] == (Kind.INITIALIZE_RESPONSE, 0)
    assert second.welcome[:2] == (Kind.INITIALIZE_RESPONSE, 1)
    assert first.welcome[2] >> 16 == 0x0100
    assert first.welcome[2] & 0xFFFF != second.welcome[2] & 0xFFFF
    assert first.joined[:2] == (Kind.ASYNC_INITIALIZE_RESPONSE, 0)


def test_an_answer_carries_the_number_of_its_question(bench: Bench) -> None:
    client = bench.client()
    number = client.say(b"*OPC?\n")
    assert client.heard() == [(Kind.DATA_END, 0, number, b"1\n")]


def test_a_message_comes_in_pieces(bench: Bench) -> None:
    client = bench.client()
    client.send(Kind.DATA, 0, 1, b"*ESE 1")
    client.send(Kind.DATA, 0, 3, b"7;*E")
    client.send(Kind.DATA_END, 0, 5, b"SE?")
    assert client.heard() == [(Kind.DATA_END, 0, 5, b"+17\n")]


def test_bytes_may_be_cut_anywhere(bench: Bench) -> None:
    client = bench.client()
    for byte in message(Kind.DATA_END, 0, 7, b"*OPC?"):
        client.sync.receive(bytes([byte]))
    assert client.heard() == [(Kind.DATA_END, 0, 7, b"1\n")]


def test_a_large_answer_is_cut_to_what_the_client_takes(bench: Bench) -> None:
    client = bench.client()
    client.note(Kind.ASYNC_MAXIMUM_MESSAGE_SIZE, payload=struct.pack(">Q", 1 << 20))
    ((kind, _, _, size),) = client.noted()
    assert kind == Kind.ASYNC_MAXIMUM_MESSAGE_SIZE_RESPONSE
    assert struct.unpack(">Q", size) == (LARGEST_MESSAGE,)
    client.say(b"BIG?")
    pieces = client.heard()
    assert all(len(payload) <= (1 << 20) - 16 for *_, payload in pieces)
    assert [kind for kind, *_ in pieces] == [Kind.DATA] * 9 + [Kind.DATA_END]
    assert b"".join(payload for *_, payload in pieces)[:10] == b"#810000000"


def test_a_new_message_interrupts_an_answer_that_was_not_delivered(bench: Bench) -> None:
    client = bench.client()
    client.say(b"*OPC?")
    assert client.heard()[0][0] == Kind.DATA_END
    number = client.say(b"*ESE 3")  # the client does not say that it has read the answer
    assert client.heard() == [(Kind.INTERRUPTED, 0, number, b"")]
    assert client.noted() == [(Kind.ASYNC_INTERRUPTED, 0, number, b"")]
    assert errors(client) == [b"-410"]


def test_a_delivered_answer_is_not_interrupted(bench: Bench) -> None:
    client = bench.client()
    client.say(b"*OPC?")
    client.heard()
    client.say(b"*ESE 3", delivered=True)
    assert client.heard() == []
    assert errors(client) == []


def test_a_status_query_tells_of_delivery_too(bench: Bench) -> None:
    client = bench.client()
    client.say(b"*OPC?")
    client.heard()
    client.note(Kind.ASYNC_STATUS_QUERY, 0, client.id)
    assert client.noted()[0][1] & 0x10
    client.note(Kind.ASYNC_STATUS_QUERY, 1, client.id)
    assert not client.noted()[0][1] & 0x10
    client.say(b"*ESE 3")
    assert errors(client) == []


def test_a_message_behind_a_busy_query_interrupts_it(bench: Bench) -> None:
    client = bench.client()
    client.say(b"SENS1:POW:ATIM 1S;:READ1:POW?")
    assert client.heard() == []
    number = client.say(b"*ESE 3")
    bench.clock.sleep_until(client.sync.next_due_ns)
    assert client.heard() == [(Kind.INTERRUPTED, 0, number, b"")]
    assert errors(client) == [b"-410"]


def test_in_overlapped_mode_answers_queue_up_with_numbers_of_their_own(bench: Bench) -> None:
    client = bench.client(overlapped=True)
    client.say(b"*ESE 1;*ESE?")
    client.say(b"*ESE 2;*ESE?")
    assert client.heard() == [
        (Kind.DATA_END, 0, FIRST_MESSAGE_ID, b"+1\n"),
        (Kind.DATA_END, 0, FIRST_MESSAGE_ID + 2, b"+2\n"),
    ]
    assert [error for error in errors(client) if error == b"-410"] == []


def test_a_device_clear_takes_four_messages_and_keeps_settings(bench: Bench) -> None:
    client = bench.client()
    client.say(b"*ESE 9;:SENS1:POW:ATIM 5S;:READ1:POW?")
    client.note(Kind.ASYNC_DEVICE_CLEAR)
    assert client.noted() == [(Kind.ASYNC_DEVICE_CLEAR_ACKNOWLEDGE, 0, 0, b"")]
    client.send(Kind.DATA_END, 0, 1, b"*ESE 44")  # still on the wire when it was cleared
    client.send(Kind.DEVICE_CLEAR_COMPLETE, 0)
    assert client.heard() == [(Kind.DEVICE_CLEAR_ACKNOWLEDGE, 0, 0, b"")]
    client.id = FIRST_MESSAGE_ID
    number = client.say(b"*ESE?")
    assert client.heard() == [(Kind.DATA_END, 0, number, b"+9\n")]


def test_a_device_clear_may_change_the_mode(bench: Bench) -> None:
    client = bench.client()
    client.note(Kind.ASYNC_DEVICE_CLEAR)
    client.noted()
    client.send(Kind.DEVICE_CLEAR_COMPLETE, 1)
    assert client.heard() == [(Kind.DEVICE_CLEAR_ACKNOWLEDGE, 1, 0, b"")]
    client.say(b"*OPC?")
    client.say(b"*OPC?")
    assert [kind for kind, *_ in client.heard()] == [Kind.DATA_END] * 2


def test_a_service_request_is_sent_once(bench: Bench) -> None:
    client = bench.client()
    client.say(b"*CLS;*ESE 1;*SRE 32;:SENS:CORR:COLL:ZERO:ALL;*OPC")
    assert client.noted() == []
    bench.clock.sleep(10.0)
    bench.device.catch_up()
    ((kind, status, _, _),) = client.noted()
    assert kind == Kind.ASYNC_SERVICE_REQUEST
    assert status & 0x60 == 0x60
    assert client.noted() == []
    client.note(Kind.ASYNC_STATUS_QUERY, 0, client.id)
    assert client.noted()[0][:2] == (Kind.ASYNC_STATUS_RESPONSE, status)
    client.note(Kind.ASYNC_STATUS_QUERY, 0, client.id)
    assert not client.noted()[0][1] & 0x40


def test_an_exclusive_lock_keeps_the_messages_of_others_waiting(bench: Bench) -> None:
    one, two = bench.client(), bench.client()
    assert one.lock() == [(Kind.ASYNC_LOCK_RESPONSE, 1, 0, b"")]
    two.say(b"*OPC?")
    assert two.heard() == []
    two.note(Kind.ASYNC_LOCK_INFO)
    assert two.noted() == [(Kind.ASYNC_LOCK_INFO_RESPONSE, 1, 1, b"")]
    assert one.unlock() == [(Kind.ASYNC_LOCK_RESPONSE, 1, 0, b"")]
    assert two.heard()[0][3] == b"1\n"


def test_who_waits_for_a_lock_gets_it_or_is_told_in_time(bench: Bench) -> None:
    one, two = bench.client(), bench.client()
    one.lock()
    assert two.lock(timeout_ms=500) == []
    assert two.asyn.next_due_ns == bench.clock.now_ns + 500_000_000
    bench.clock.sleep(0.5)
    assert two.noted() == [(Kind.ASYNC_LOCK_RESPONSE, 0, 0, b"")]
    assert two.lock(timeout_ms=500) == []
    one.unlock()
    assert two.noted() == [(Kind.ASYNC_LOCK_RESPONSE, 1, 0, b"")]


def test_a_shared_lock_is_for_those_with_its_key(bench: Bench) -> None:
    one, two, three = bench.client(), bench.client(), bench.client()
    assert one.lock(key=b"bench")[0][1] == 1
    assert two.lock(key=b"bench")[0][1] == 1
    assert three.lock(key=b"other")[0][1] == 0
    three.note(Kind.ASYNC_LOCK_INFO)
    assert three.noted()[0][1:3] == (0, 2)
    two.say(b"*OPC?")
    assert two.heard()[0][3] == b"1\n"
    assert one.unlock()[0][1] == 2


def test_locking_twice_or_unlocking_nothing_is_an_error(bench: Bench) -> None:
    client = bench.client()
    assert client.unlock()[0][1] == 3
    client.lock()
    assert client.lock()[0][1] == 3


def test_a_client_that_goes_gives_its_lock_back(bench: Bench) -> None:
    one, two = bench.client(), bench.client()
    one.lock()
    two.say(b"*OPC?")
    one.asyn.close()
    with pytest.raises(Hangup):
        one.sync.pump(0)
    one.sync.close()
    assert two.heard()[0][3] == b"1\n"
    assert len(bench.hub.sessions) == 1


def test_remote_and_local_are_accepted(bench: Bench) -> None:
    client = bench.client()
    client.note(Kind.ASYNC_REMOTE_LOCAL_CONTROL, 2)
    assert client.noted()[0][0] == Kind.ASYNC_REMOTE_LOCAL_RESPONSE
    client.note(Kind.ASYNC_REMOTE_LOCAL_CONTROL, 9)
    assert client.noted()[0][:2] == (Kind.ERROR, Slip.UNRECOGNIZED_CONTROL_CODE)


@pytest.mark.parametrize(
    ("kind", "code"), [(77, Slip.UNRECOGNIZED_TYPE), (200, Slip.UNRECOGNIZED_VENDOR_MESSAGE)]
)
def test_an_unknown_message_is_told_and_survived(bench: Bench, kind: int, code: Slip) -> None:
    client = bench.client()
    client.sync.receive(struct.pack(">2sBBIQ", b"HS", kind, 0, 0, 3) + b"abc")
    assert client.noted()[0][:2] == (Kind.ERROR, code)
    client.asyn.receive(struct.pack(">2sBBIQ", b"HS", kind, 0, 0, 0))
    assert client.noted()[0][:2] == (Kind.ERROR, code)
    client.say(b"*OPC?")
    assert client.heard()[0][3] == b"1\n"


def test_a_message_that_is_too_large_is_skipped(bench: Bench) -> None:
    client = bench.client()
    client.sync.receive(struct.pack(">2sBBIQ", b"HS", Kind.DATA_END, 0, 1, LARGEST_MESSAGE + 1))
    assert client.noted()[0][:2] == (Kind.ERROR, Slip.MESSAGE_TOO_LARGE)
    for _ in range(LARGEST_MESSAGE // (1 << 20)):
        client.sync.receive(bytes(1 << 20))
    client.sync.receive(b"\0")
    client.say(b"*OPC?")
    assert client.heard()[0][3] == b"1\n"


def farewell(conversation: HislipConversation, data: bytes) -> Fatal:
    with pytest.raises(Hangup):
        conversation.receive(data)
    ((kind, code, _, _),) = parsed(bytes(conversation.pump(0)))
    assert kind == Kind.FATAL_ERROR
    return Fatal(code)


def test_what_begins_wrongly_is_hung_up_on(bench: Bench) -> None:
    hub = bench.hub
    assert farewell(HislipConversation(hub), b"GET / HTTP/1.1\r\n\r\n") == Fatal.POORLY_FORMED_HEADER
    huge = struct.pack(">2sBBIQ", b"HS", 0, 0, 0, 1 << 60)
    assert farewell(HislipConversation(hub), huge) == Fatal.POORLY_FORMED_HEADER
    other = message(Kind.INITIALIZE, 0, 0x0100_5858, b"hislip7")
    assert farewell(HislipConversation(hub), other) == Fatal.INVALID_INITIALIZATION
    early = message(Kind.DATA_END, 0, 0, b"*IDN?")
    assert farewell(HislipConversation(hub), early) == Fatal.INVALID_INITIALIZATION
    stranger = message(Kind.ASYNC_INITIALIZE, 0, 4711)
    assert farewell(HislipConversation(hub), stranger) == Fatal.INVALID_INITIALIZATION
    alone = HislipConversation(hub)
    alone.receive(message(Kind.INITIALIZE, 0, 0x0100_5858, b"hislip0"))
    alone.pump(0)
    assert farewell(alone, early) == Fatal.CHANNELS_NOT_ESTABLISHED


def test_too_many_sessions_are_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulation.transport.hislip_session._MOST_SESSIONS", 2)
    bench.client(), bench.client()
    third = message(Kind.INITIALIZE, 0, 0x0100_5858, b"hislip0")
    assert farewell(HislipConversation(bench.hub), third) == Fatal.TOO_MANY_CLIENTS


@pytest.mark.parametrize("kind", [FaultKind.DROPPED_LINK, FaultKind.POWER_CYCLED])
def test_a_link_that_drops_ends_both_connections(bench: Bench, kind: FaultKind) -> None:
    client = bench.client()
    bench.device.inflict([Fault("meter", kind)])
    with pytest.raises(Hangup):
        client.say(b"*OPC?")
    with pytest.raises(Hangup):
        client.asyn.pump(0)


def test_half_an_answer_has_no_end(bench: Bench) -> None:
    client = bench.client()
    bench.device.inflict([Fault("meter", FaultKind.HALF_ANSWER)])
    client.say(b"*IDN?")
    ((kind, *_, data),) = client.heard()
    assert kind == Kind.DATA
    assert 0 < len(data) < len(bench.device.identity)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=6), st.booleans())
def test_no_bytes_break_a_connection(pieces: list[bytes], begun: bool) -> None:
    bench = Bench()
    client = bench.client()
    conversation = client.sync if begun else HislipConversation(bench.hub)
    try:
        for piece in pieces:
            conversation.receive(piece)
            conversation.pump(bench.clock.now_ns)
    except Hangup:
        pass
    other = bench.client()
    other.say(b"*CLS;*OPC?")
    assert other.heard()[-1][3] == b"1\n"


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 255),
            st.integers(0, 3),
            st.integers(0, 2**32 - 1),
            st.binary(max_size=20),
            st.booleans(),
        ),
        max_size=8,
    )
)
def test_no_messages_break_a_session(messages: list[tuple[int, int, int, bytes, bool]]) -> None:
    bench = Bench()
    client = bench.client()
    try:
        for kind, control, parameter, payload, synchronous in messages:
            conversation = client.sync if synchronous else client.asyn
            header = struct.pack(">2sBBIQ", b"HS", kind, control, parameter, len(payload))
            conversation.receive(header + payload)
            client.sync.pump(bench.clock.now_ns)
            client.asyn.pump(bench.clock.now_ns)
    except Hangup:
        pass
    client.sync.close()
    client.asyn.close()
    other = bench.client()
    other.say(b"*CLS;*OPC?")
    assert other.heard()[-1][3] == b"1\n"


# As pyvisa-py speaks it.


@pytest.fixture
def served() -> Iterator[tuple[Meter, str]]:
    clock = WallBenchClock()
    device = Meter("meter", serial="1", options={}, clock=clock, seed=1)
    with BenchServer([device], clock, transports=("hislip",)) as server:
        yield device, server.resources(device)["hislip"]


def opened(resource: str) -> Any:
    manager = pyvisa.ResourceManager("@py")
    return manager.open_resource(resource, read_termination="\n", write_termination="\n", timeout=3000)


def test_pyvisa_py_asks_polls_and_clears(served: tuple[Meter, str]) -> None:
    device, resource = served
    with opened(resource) as session:
        assert session.query("*IDN?") == device.identity
        session.write("*ESE 60")
        assert session.query("*ESE?") == "+60"
        session.write("WRONG")
        assert session.read_stb() & 0x24 == 0x24
        session.write("SENS1:POW:ATIM 5S;:READ1:POW?")
        session.clear()
        assert session.query("SYST:ERR?") == '-113,"Undefined header"'
        assert session.query("SENS1:POW:ATIM?") == "+5.000000000E+00"


def test_pyvisa_py_reads_ten_megabytes(served: tuple[Meter, str]) -> None:
    with opened(served[1]) as session:
        block = session.query_binary_values("BIG?", datatype="f", container=np.ndarray)
        assert block.size == 2_500_000
        assert block[-1] == 2_499_999
        assert session.query("*OPC?") == "1"


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


def test_pyvisa_py_writes_without_waiting_for_acknowledgements(served: tuple[Meter, str]) -> None:
    with opened(served[1]) as session:
        started = time.perf_counter()
        for _ in range(5):
            session.write("SENS1:POW:WAV 1310NM")
            session.write("SENS1:POW:ATIM 1MS")
            session.query("SENS1:POW:UNIT?")
        assert (time.perf_counter() - started) / 5 < 0.030


def test_a_port_scanner_disturbs_nobody(served: tuple[Meter, str]) -> None:
    host, port = served[1].split("::")[1], int(served[1].split(",")[1].split("::")[0])
    with socket.create_connection((host, port), timeout=5) as scanner:
        scanner.sendall(b"\x00" * 64)
        assert scanner.recv(100)[:3] == b"HS\x02"
        assert scanner.recv(100) == b""
    with opened(served[1]) as session:
        assert session.query("*OPC?") == "1"
