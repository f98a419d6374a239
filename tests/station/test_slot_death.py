"""A slot process that dies or hangs: its bench is made safe and its record is closed all the same."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml

from simulation.transport.serving import BenchServer
from simulation.transport.wall_clock import WallBenchClock
from station.abort import AbortRequest
from station.config.loader import load_product, load_simulation, load_station
from station.files import GOOD, ChosenFiles
from station.request import RunRequest
from station.supervisor import Supervisor
from station.twin import open_twin
from tests.station.abort_kit import (
    DISABLE,
    PATHS,
    PRODUCT,
    ROOT,
    STATION,
    a_plan,
    assert_aborted,
    events_of,
    of,
    slot_pid,
    start,
    wait_for,
)


class Hardware:
    """A bench that a run reaches over the network and in wall time, as it does hardware."""

    def __init__(self, folder):
        files = ChosenFiles(load_station(STATION), load_product(PRODUCT), None, load_simulation(GOOD))
        clock = WallBenchClock()
        self.bench = open_twin(files, serial="STOP-0001", seed=1, clock=clock).bench
        self.server = BenchServer(self.bench.devices.values(), clock)
        self.station = folder / "network-bench.yaml"
        described = yaml.safe_load(STATION.read_text())
        described["policies"]["calibration_overdue"] = "warn"  # here it is judged by today's date
        for name, device in self.bench.devices.items():
            host, port = self.server.address(device)
            described["instruments"][name]["address"] = f"TCPIP::{host}::{port}::SOCKET"
        self.station.write_text(yaml.safe_dump(described, sort_keys=False))

    def ask(self, name, *messages, end="\n"):
        """Talk with an instrument over a connection of our own; give its answer to the last message."""
        with socket.create_connection(self.server.address(self.bench.devices[name]), timeout=5) as client:
            client.sendall("".join(message + end for message in messages).encode())
            return receive_line(client, end)

    def make_dangerous(self):
        """Switch on what a run switches on, whoever holds it."""
        self.ask("supply", "VOLT 3.3,(@1)", "OUTP 1,(@1)", "*OPC?")
        self.ask("attenuator", ":INP1:ATT 0", ":OUTP1:STAT 1", "*OPC?")
        self.ask("thermal_head", "HEAD 1", "SETN 0", "SETP 70.0", "FLOW 1", "*ESR?")
        assert self.ask("supply", "OUTP? (@1)") == "1"
        assert self.ask("attenuator", ":OUTP1:STAT?") == "1"

    def is_lit(self):
        return int(self.ask("cw_source", ":POW:STAT?", end="\r")) == 1

    def answers(self):
        """Ask each instrument over its own socket whether it is safe."""
        return {
            "light": self.is_lit(),
            "shutters": [self.ask("attenuator", f":OUTP{slot}:STAT?") for slot in (1, 3, 5, 7)],
            "attenuation_db": {float(self.ask("attenuator", f":INP{slot}:ATT?")) for slot in (1, 3, 5, 7)},
            "supply": self.ask("supply", "OUTP? (@1:3)"),
            "air": self.ask("thermal_head", "SETP?"),
        }


def receive_line(client, end):
    data = b""
    while not data.endswith(end.encode()):
        data += client.recv(4096)
    return data.decode().strip()


SAFE = {
    "light": False,
    "shutters": ["0"] * 4,
    "attenuation_db": {45.0},
    "supply": "0,0,0",
    "air": "25.0",
}


@pytest.fixture
def hardware(tmp_path):
    hardware = Hardware(tmp_path)
    with hardware.server:
        hardware.ask(
            "cw_source", ":POW:SHUT 1", ":POW:STAT 1", ":POW:SHUT?", end="\r"
        )  # it warms up for seconds
        yield hardware


def until(condition, within_s=20.0):
    give_up_at = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def test_bench_of_a_killed_slot_is_made_safe_over_new_connections(hardware, tmp_path):
    out = tmp_path / "runs"
    process = start(a_plan(tmp_path, PATHS), out, station=hardware.station, simulate=False)
    slot = slot_pid(out)
    until(hardware.is_lit)
    hardware.make_dangerous()
    os.kill(slot, signal.SIGKILL)
    text, _ = process.communicate(timeout=40)
    assert process.returncode == 130, text
    assert hardware.answers() == SAFE
    events = events_of(out)
    assert [event["event"] for event in events[-3:]] == ["error", "safe_state", "verdict"]
    assert len(of(events, "safe_state")) == 1
    assert "killed by SIGKILL" in events[-1]["reasons"][0]
    # There is no two-wire bus on this computer, but without power no transmitter emits.
    undone = [step["what"] for step in events[-2]["steps"] if not step["done"]]
    assert undone == ["transceiver: transmitters disabled"]
    assert "The bench is safe" in events[-2]["touch"]
    assert "The bench is safe" in text


def test_hung_slot_is_killed_after_the_bound_and_its_bench_made_safe(hardware, tmp_path):
    plan, out, abort = a_plan(tmp_path, PATHS), tmp_path / "runs", AbortRequest()

    def hang_and_ask_to_stop():
        slot = slot_pid(out)
        until(hardware.is_lit)
        os.kill(slot, signal.SIGSTOP)  # it hears nothing any more, as one that is stuck inside a driver
        abort.request("Ctrl-C")

    operator = threading.Thread(target=hang_and_ask_to_stop)
    operator.start()
    request = RunRequest(hardware.station, "STOP-0001", plan, out=out)
    record = Supervisor(request, abort, quiet=True, stop_within_s=1.0).run()
    operator.join()
    assert record.closing["verdict"] == "ABORTED"
    assert record.closing["reasons"][0] == "ABORTED: Ctrl-C"
    assert "did not stop within 1 s" in record.closing["reasons"][1]
    assert hardware.answers() == SAFE


@pytest.mark.prove
def test_what_cannot_be_made_safe_is_said(tmp_path):
    hardware = Hardware(tmp_path)
    out = tmp_path / "runs"
    with hardware.server:
        process = start(a_plan(tmp_path, PATHS), out, station=hardware.station, simulate=False)
        slot = slot_pid(out)
        until(hardware.is_lit)
        os.kill(slot, signal.SIGSTOP)
    os.kill(slot, signal.SIGKILL)  # and nobody listens at any address any more
    text, _ = process.communicate(timeout=40)
    assert process.returncode == 130, text
    events = events_of(out)
    assert events[-2]["touch"].startswith("NOT SAFE: cw_source, bert, attenuator")
    assert sum(reason.startswith("NOT SAFE: ") for reason in events[-1]["reasons"]) == 6
    assert "NOT SAFE" in text


def test_slot_stops_by_itself_when_its_supervisor_is_killed(tmp_path):
    out = tmp_path / "runs"
    process = start(a_plan(tmp_path, PATHS, DISABLE), out)
    wait_for(out, "step_started")
    process.kill()
    process.communicate()
    wait_for(out, "verdict")
    events = events_of(out)
    assert_aborted(events)
    assert events[-1]["reasons"] == ["ABORTED: the process that supervised the run is gone"]


_WORKING = """
import multiprocessing
from station.analysis import Analyst
def spin():
    while True:
        pass
if __name__ == "__main__":
    analyst = Analyst(workers=2)
    began = [analyst.analyse(abs, -1) for _ in range(2)]
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    [pending.result() for pending in began]
    busy = [analyst.analyse(spin) for _ in range(2)]
    print("busy", flush=True)
    busy[0].result()
"""


def test_workers_do_not_outlive_a_killed_slot(tmp_path):
    script = tmp_path / "working.py"
    script.write_text(_WORKING)
    words = [sys.executable, str(script)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as slot:
        workers = [int(word) for word in slot.stdout.readline().split()]
        until(lambda: slot.stdout.readline() == "busy\n")
        assert len(workers) == 2
        assert all(map(alive, workers))
        slot.kill()
        until(lambda: not any(map(alive, workers)), within_s=5.0)


def alive(pid):
    """Tell whether a process runs; what only waits to be buried does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"
