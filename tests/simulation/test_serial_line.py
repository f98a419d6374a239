"""Instruments behind a pseudo-terminal, as pyvisa-py opens a serial port."""

from __future__ import annotations

import os

import pytest
import pyvisa

from simulation.devices.dicon_gp700 import DiconGp700
from simulation.faults import Fault, FaultKind
from simulation.transport.serial_line import SerialLine
from simulation.transport.serving import BenchServer
from simulation.transport.wall_clock import WallBenchClock

pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")


@pytest.fixture
def switch():
    clock = WallBenchClock()
    device = DiconGp700("switch", serial="SIM1", options={}, clock=clock, seed=1)
    with BenchServer([device], clock, transports=("serial",)) as server:
        device.resource = server.resources(device)["serial"]
        yield device


def opened(switch: DiconGp700) -> pyvisa.resources.MessageBasedResource:
    manager = pyvisa.ResourceManager("@py")
    return manager.open_resource(switch.resource, read_termination="\r", write_termination="\r", timeout=2000)


def test_a_driver_opens_the_line_as_a_serial_port(switch: DiconGp700) -> None:
    with opened(switch) as session:
        assert session.query("*IDN?") == switch.identity
        session.write("M1 2,1")
        assert session.query("M1?").startswith("2")


def test_the_line_outlives_its_client(switch: DiconGp700) -> None:
    for _ in range(3):
        with opened(switch) as session:
            assert session.query("*IDN?") == switch.identity


def test_a_silent_instrument_says_nothing_on_the_line(switch: DiconGp700) -> None:
    switch.inflict([Fault("switch", FaultKind.SILENT)])
    with opened(switch) as session:
        session.timeout = 200
        with pytest.raises(pyvisa.VisaIOError):
            session.query("*IDN?")


def test_bytes_pass_the_line_as_they_are() -> None:
    line = SerialLine()
    client = os.open(line.path, os.O_RDWR | os.O_NOCTTY)
    every = bytes(range(256))
    assert line.send(every) == 256
    assert os.read(client, 1000) == every
    os.write(client, every)
    assert line.recv(1000) == every
    with pytest.raises(BlockingIOError):
        line.recv(10)
    os.close(client)
    line.close()


def test_a_system_without_pseudo_terminals_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "openpty")
    with pytest.raises(OSError, match="leave the transport serial out"):
        SerialLine()
