"""The thread behind all servers: many clients, greedy clients, dead clients."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from simulation.scpi import FOREVER_NS, BlockAnswer, Command, ScpiDevice
from simulation.transport.reactor import Hangup, Reactor
from simulation.transport.serving import BenchServer
from simulation.transport.wall_clock import WallBenchClock


class Big(ScpiDevice):
    model = manufacturer = identity_model = "Big"
    firmware = "1"

    def rest(self) -> None:
        self.hold(0.3)

    commands = (
        Command(pattern="DATA", query=lambda _device: BlockAnswer(bytes(1 << 20))),
        Command(pattern="REST", action=rest),
    )


@pytest.fixture
def bench() -> Iterator[BenchServer]:
    clock = WallBenchClock()
    server = BenchServer(
        [Big(name, serial="1", options={}, clock=clock, seed=1) for name in ("one", "two")], clock
    )
    with server:
        yield server


def connect(server: BenchServer, number: int = 0) -> socket.socket:
    device = list(dict.fromkeys(one for one, _ in server._addresses))[number]
    return socket.create_connection(server.address(device), timeout=10)


def ask(client: socket.socket, message: bytes) -> bytes:
    client.sendall(message + b"\n")
    data = b""
    while not data.endswith(b"\n"):
        data += client.recv(65536)
    return data


def test_two_hundred_idle_clients_and_fifty_busy_ones(bench: BenchServer) -> None:
    idle = [connect(bench) for _ in range(200)]
    wrong: list[bytes] = []

    def talk() -> None:
        with connect(bench) as client:
            for number in range(20):
                answer = ask(client, b"*ESE %d;*ESE?" % number)
                if not answer.strip().isdigit():
                    wrong.append(answer)

    threads = [threading.Thread(target=talk) for _ in range(50)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert time.monotonic() - started < 10
    assert ask(idle[77], b"*OPC?") == b"1\n"
    for client in idle:
        client.close()


def test_a_client_that_never_reads_is_held_back_and_hurts_nobody(bench: BenchServer) -> None:
    greedy = connect(bench)
    greedy.settimeout(1.0)
    with pytest.raises(TimeoutError):
        greedy.sendall(b"DATA?\n" * (1 << 22))  # each line is answered with a megabyte
    clients = [client for group in bench.reactor._groups.values() for client in group]
    assert sum(len(client.unsent) for client in clients) < 1 << 24
    with connect(bench, 1) as other:
        assert ask(other, b"*OPC?") == b"1\n"
    greedy.close()


def test_what_waits_behind_a_busy_instrument_is_bounded(bench: BenchServer) -> None:
    with connect(bench) as client:
        client.sendall(b"REST\n")
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.sendall((b"*ESE 1;" * 1000 + b"\n") * 4000)


def test_a_client_that_vanishes_is_forgotten(bench: BenchServer) -> None:
    client = connect(bench)
    assert ask(client, b"*OPC?") == b"1\n"
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()  # with a reset, not a farewell
    deadline = time.monotonic() + 5
    while bench.reactor._groups and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not bench.reactor._groups


def test_a_busy_instrument_delays_no_other(bench: BenchServer) -> None:
    with connect(bench) as busy, connect(bench, 1) as free:
        busy.sendall(b"REST;*OPC?\n")
        started = time.monotonic()
        for _ in range(20):
            assert ask(free, b"*OPC?") == b"1\n"
        assert time.monotonic() - started < 0.25
        assert busy.recv(10) == b"1\n"
        assert time.monotonic() - started > 0.25


def test_a_line_without_end_takes_no_memory_and_is_told(bench: BenchServer) -> None:
    with connect(bench) as client:
        for _ in range(40):
            client.sendall(b"x" * 65536)
        assert ask(client, b"\nSYST:ERR?") == b'-363,"Input buffer overrun"\n'


def test_a_block_that_claims_gigabytes_is_refused_at_once(bench: BenchServer) -> None:
    with connect(bench) as client:
        client.sendall(b"DATA #9999999999" + b"x" * 1000 + b"\n")
        assert ask(client, b"SYST:ERR?") == b'-363,"Input buffer overrun"\n'


class Echo:
    saturated = False
    next_due_ns = FOREVER_NS

    def __init__(self, peer: str = "") -> None:
        self.data = b""
        self.closed = False

    def receive(self, data: bytes) -> None:
        self.data += data
        if b"bye" in data:
            raise Hangup

    def pump(self, now_ns: int) -> bytes:
        data, self.data = self.data, b""
        return data

    def close(self) -> None:
        self.closed = True


def test_what_was_said_before_hanging_up_is_still_sent() -> None:
    reactor = Reactor(WallBenchClock())
    address = reactor.listen(("127.0.0.1", 0), Echo)
    with reactor, socket.create_connection(address, timeout=5) as client:
        client.sendall(b"good bye")
        assert client.recv(100) == b"good bye"
        assert client.recv(100) == b""


def test_the_reactor_calls_back_where_somebody_listens() -> None:
    reactor, called = Reactor(WallBenchClock()), Echo()
    with socket.create_server(("127.0.0.1", 0)) as there:

        class Caller(Echo):
            def receive(self, data: bytes) -> None:
                reactor.connect("127.0.0.1", there.getsockname()[1], called)

        address = reactor.listen(("127.0.0.1", 0), Caller)
        with reactor, socket.create_connection(address, timeout=5) as client:
            client.sendall(b"call me")
            back, _ = there.accept()
            with back:
                back.sendall(b"hello")
                assert back.recv(10) == b"hello"
    assert called.closed


def test_a_clock_with_a_speed_brings_answers_sooner() -> None:
    clock = WallBenchClock(10.0)
    device = Big("one", serial="1", options={}, clock=clock, seed=1)
    with BenchServer([device], clock) as server, socket.create_connection(server.address(device)) as client:
        started = time.monotonic()
        assert ask(client, b"REST;*OPC?") == b"1\n"
        assert 0.02 < time.monotonic() - started < 0.2


@pytest.mark.parametrize("speed", [0.0, -1.0, float("inf"), float("nan")])
def test_a_clock_that_lets_no_time_pass_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        WallBenchClock(speed)
