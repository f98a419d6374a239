"""Instruments over raw TCP: several clients, late answers, faults, a clean stop."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import pyvisa

from simulation.devices.keysight_e36312a import KeysightE36312A
from simulation.devices.keysight_n7744a import KeysightN7744A
from simulation.devices.santec_tsl570 import SantecTsl570
from simulation.faults import Fault, FaultKind
from simulation.transport.serving import BenchServer
from simulation.transport.wall_clock import WallBenchClock


class Bench:
    def __init__(self) -> None:
        self.clock = WallBenchClock()
        common = {"serial": "SIM1", "options": {}, "clock": self.clock, "seed": 1}
        self.meter = KeysightN7744A("meter", **common)
        self.laser = SantecTsl570("laser", **common)
        self.supply = KeysightE36312A("supply", **common)
        self.server = BenchServer((self.meter, self.laser, self.supply), self.clock)

    def connect(self, device: object, timeout_s: float = 5.0) -> socket.socket:
        return socket.create_connection(self.server.address(device), timeout=timeout_s)

    def ask(self, device: object, message: bytes, end: bytes = b"\n") -> bytes:
        with self.connect(device) as client:
            client.sendall(message)
            return receive(client, end)


def receive(client: socket.socket, end: bytes = b"\n") -> bytes:
    data = b""
    while not data.endswith(end):
        piece = client.recv(65536)
        if not piece:
            break
        data += piece
    return data


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    with bench.server:
        yield bench


def test_pyvisa_py_talks_to_all_instruments(bench: Bench) -> None:
    manager = pyvisa.ResourceManager("@py")
    for device, end in ((bench.meter, "\n"), (bench.supply, "\n"), (bench.laser, "\r")):
        host, port = bench.server.address(device)
        with manager.open_resource(f"TCPIP0::{host}::{port}::SOCKET") as session:
            session.read_termination = session.write_termination = end
            assert session.query("*IDN?") == device.identity
            assert session.query("*CLS;*OPC?") == "1"
    manager.close()


def test_write_write_query_does_not_wait_for_a_delayed_acknowledgement(bench: Bench) -> None:
    manager = pyvisa.ResourceManager("@py")
    host, port = bench.server.address(bench.meter)
    with manager.open_resource(f"TCPIP0::{host}::{port}::SOCKET") as session:
        session.read_termination = session.write_termination = "\n"
        durations = []
        for _ in range(7):
            start = time.perf_counter()
            session.write("SENS1:POW:WAV 1310NM")
            session.write("SENS1:POW:ATIM 1MS")
            assert session.query("SENS1:POW:UNIT?") == "+0"
            durations.append(time.perf_counter() - start)
    manager.close()
    assert sorted(durations)[3] < 0.030  # a delayed acknowledgement costs 40 ms


def test_late_answer_comes_when_it_is_due(bench: Bench) -> None:
    start = time.perf_counter()
    answer = bench.ask(bench.meter, b"SENS1:POW:UNIT 1;ATIM 300MS;:READ1:POW?\n")
    assert time.perf_counter() - start >= 0.29
    assert abs(float(answer)) < 1e-9


def test_many_clients_share_one_instrument_and_keep_their_answers(bench: Bench) -> None:
    wrong = []

    def talk(number: int) -> None:
        with bench.connect(bench.meter) as client:
            for _ in range(20):
                client.sendall(b"SENS%d:POW:WAV 13%02dNM;WAV?\n" % (number % 4 + 1, number % 4))
                if abs(float(receive(client)) - (1300 + number % 4) * 1e-9) > 1e-13:
                    wrong.append(number)

    threads = [threading.Thread(target=talk, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert bench.ask(bench.meter, b"SYST:ERR?\n") == b'+0,"No error"\n'


def test_stream_has_no_interrupted_error(bench: Bench) -> None:
    with bench.connect(bench.meter) as client:
        client.sendall(b"*OPC?\nSENS1:POW:UNIT?\n\r\n")
        client.sendall(b"SYST:ERR?\n")
        assert receive(client, b'error"\n') == b'1\n+0\n+0,"No error"\n'


def test_message_may_arrive_byte_by_byte(bench: Bench) -> None:
    with bench.connect(bench.supply) as client:
        for byte in b"VOLT 3.3,(@1);:VOLT? (@1)\n":
            client.sendall(bytes([byte]))
        assert float(receive(client)) == pytest.approx(3.3)


def test_client_that_leaves_in_the_middle_disturbs_nobody(bench: Bench) -> None:
    client = bench.connect(bench.meter)
    client.sendall(b"SENS1:POW:ATIM 5S;:READ1:POW?\nSENS1:")
    client.close()
    assert bench.ask(bench.supply, b"*OPC?\n") == b"1\n"


def test_long_answers_are_sent_in_full(bench: Bench) -> None:
    with bench.connect(bench.meter) as client:
        message = b";".join([b":SENS1:POW:WAV?"] * 3000) + b"\n"
        client.sendall(message)
        assert receive(client).count(b";") == 2999


def test_dropped_link_closes_the_connection(bench: Bench) -> None:
    bench.meter.inflict([Fault("meter", FaultKind.DROPPED_LINK, after_messages=1)])
    with bench.connect(bench.meter) as client:
        client.sendall(b"*OPC?\n")
        assert receive(client) == b"1\n"
        client.sendall(b"*OPC?\n")
        assert client.recv(10) == b""
    assert bench.ask(bench.supply, b"*OPC?\n") == b"1\n"


def test_half_an_answer_stays_half(bench: Bench) -> None:
    bench.supply.inflict([Fault("supply", FaultKind.HALF_ANSWER)])
    with bench.connect(bench.supply, 0.2) as client:
        client.sendall(b"*IDN?\n")
        received = client.recv(100)
        with pytest.raises(TimeoutError):
            client.recv(100)
    assert bench.supply.identity.encode().startswith(received)
    assert len(received) == len(bench.supply.identity) // 2


def test_stop_ends_threads_and_frees_the_port() -> None:
    bench = Bench()
    bench.server.start()
    address = bench.server.address(bench.meter)
    client = bench.connect(bench.meter)
    before = threading.active_count()
    bench.server.stop()
    assert threading.active_count() == before - 1
    assert client.recv(10) == b""
    client.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=1)


def test_port_in_use_is_told_at_once(bench: Bench) -> None:
    taken = bench.server.address(bench.meter)
    with pytest.raises(OSError, match="in use"):
        BenchServer([bench.meter], bench.clock, port_base=taken[1])


def test_broken_instrument_is_raised_by_stop() -> None:
    class Broken(KeysightN7744A):
        def self_test(self) -> int:
            raise RuntimeError("the model is wrong")

    clock = WallBenchClock()
    device = Broken("meter", serial="SIM1", options={}, clock=clock, seed=1)
    server = BenchServer([device], clock)
    server.start()
    with socket.create_connection(server.address(device), timeout=2) as client:
        client.sendall(b"*TST?\n")
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline and server.running:
            clock.sleep(0.005)
    with pytest.raises(RuntimeError, match="the model is wrong"):
        server.stop()


def test_wall_clock_waits_and_tells_the_date() -> None:
    clock = WallBenchClock()
    start = clock.now_ns
    clock.sleep(0.01)
    clock.sleep_until(start + 30_000_000)
    assert 0.03 <= clock.now() < 1.0
    assert clock.utc().tzinfo is not None
