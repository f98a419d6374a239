"""What the tests of stopped and dying runs share: a short plan, runs in processes, and what is safe."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATION = ROOT / "configs" / "stations" / "dr4-bench.yaml"
PRODUCT = ROOT / "configs" / "products" / "400gbase-dr4.yaml"
DEMO = ROOT / "configs" / "plans" / "dr4-final.yaml"
GOOD = ROOT / "configs" / "simulations" / "dr4-good.yaml"

HEAD = f"""\
schema: photonbench/plan/1
name: short
product: {PRODUCT}
corners:
  - {{name: room, case_temperature_c: 25.0, supply_v: 3.3}}
temperature:
  tolerance_c: 2.0
  soak: {{method: time, seconds: 4, timeout_s: 900}}
steps:
"""
PATHS = f"  - {{sequence: {ROOT}/sequences/bench_paths.py, corners: once, measures: []}}\n"
DISABLE = f"  - {{sequence: {ROOT}/sequences/management.py, measures: [tx_disable_power]}}\n"
POWER = f"  - {{sequence: {ROOT}/sequences/tx_power.py, measures: [tx_average_power]}}\n"
SPECTRUM = f"  - {{sequence: {ROOT}/sequences/tx_spectrum.py, measures: [tx_wavelength, tx_smsr]}}\n"
RECEIVER = f"  - {{sequence: {ROOT}/sequences/receiver.py, measures: [rx_ber, rx_sensitivity]}}\n"


def a_plan(folder, *steps):
    path = folder / "short.yaml"
    path.write_text(HEAD + "".join(steps))
    return path


def start(plan, out, *more, serial="STOP-0001", station=STATION, simulate=True):
    """Start `photonbench run` as a shell does: in a process group of its own."""
    words = [sys.executable, "-m", "station.cli", "run", "--station", station, "--plan", plan]
    words += ["--serial", serial, "--out", out, *(["--simulate"] if simulate else []), *more]
    return subprocess.Popen(
        [str(word) for word in words],
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def events_of(out):
    """Read the journal of the only run in a folder."""
    (journal,) = out.glob("*/journal.jsonl")
    return [json.loads(line) for line in journal.read_text().splitlines()]


def of(events, kind):
    return [event for event in events if event["event"] == kind]


def wait_for(out, kind, *, within_s=20.0, **fields):
    """Wait until a running run has written an event; give it."""
    give_up_at = time.monotonic() + within_s
    while time.monotonic() < give_up_at:
        for journal in out.glob("*/journal.jsonl"):
            for line in journal.read_text().splitlines(keepends=True):
                event = json.loads(line) if line.endswith("\n") else {}
                if event.get("event") == kind and all(event.get(k) == v for k, v in fields.items()):
                    return event
        time.sleep(0.02)
    raise TimeoutError(f"no {kind} within {within_s} s")


def interrupt(process, number=signal.SIGINT):
    """Send a signal to the whole foreground group, as a terminal does."""
    os.killpg(process.pid, number)


def slot_pid(out):
    return wait_for(out, "head")["host"]["pid"]


ORDER = (
    "cw_source: light off",
    "bert: outputs off",
    "attenuator: shutters closed, maximum attenuation",
    "transceiver: transmitters disabled",
    "host board: power off",
    "supply: outputs off",
    "thermal_head: air to ambient, flow off",
)


def assert_safe(state):
    """Hold what the simulated instruments say of themselves against what is safe."""
    assert state["cw_source"] == {"emitting": False, "power_mw": 0}
    assert (state["attenuator"]["open"], state["attenuator"]["at_maximum"]) == ([], True)
    assert state["bert"]["sending"] == []
    assert state["supply"]["on"] == []
    assert (state["thermal_head"]["flow"], state["thermal_head"]["set_point_c"]) == (False, 25.0)
    assert (state["slot1"]["dark"], state["slot1"]["supply_v"]) == (True, 0.0)


def assert_aborted(events, serial="STOP-0001"):
    """Hold the record of a stopped run against what it must say."""
    assert events[0]["event"] == "head"
    assert events[0]["serial"] == serial
    (safe,), (twin,) = of(events, "safe_state"), of(events, "twin_state")
    assert (events[-1]["event"], events[-1]["verdict"]) == ("verdict", "ABORTED")
    assert events[-1]["reasons"][0].startswith("ABORTED: ")
    steps = [step["what"] for step in safe["steps"] if step["done"]]
    assert steps == [what for what in ORDER if what in steps]
    assert set(ORDER) - set(steps) <= {"transceiver: transmitters disabled", "host board: power off"}
    assert "bench is safe" in safe["touch"]
    assert_safe(twin["instruments"])
