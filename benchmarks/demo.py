"""The demo as a whole: how long it takes, and how soon its first value is in the record."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure, interpreter_s, paired

ROOT = Path(__file__).resolve().parents[1]


def demo_command(out: Path) -> list[str]:
    """Give the command line of `make demo`."""
    files = ROOT / "configs"
    return [
        *(sys.executable, "-m", "station.cli", "run"),
        *("--station", str(files / "stations" / "dr4-bench.yaml")),
        *("--plan", str(files / "plans" / "dr4-final.yaml")),
        *("--serial", "DEMO-0001", "--simulate", "--seed", "1", "--out", str(out)),
    ]


def figures() -> Iterator[Figure]:
    """Time the demo, and the way to its first measurement."""
    seconds, yardstick = paired(whole_s, interpreter_s)
    yield Figure("make demo after set-up", seconds, 20.0, "s", "bare interpreter, s", yardstick)
    seconds, yardstick = paired(first_measurement_s, interpreter_s)
    yield Figure("first measurement after the command", seconds, 1.5, "s", "bare interpreter, s", yardstick)


def whole_s() -> float:
    """Run the demo once."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        subprocess.run(demo_command(Path(folder)), check=True, capture_output=True, cwd=ROOT)
        return time.perf_counter() - started


def first_measurement_s() -> float:
    """Start the demo, watch its journal for the first value, and stop it."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        run = subprocess.Popen(
            demo_command(Path(folder)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT
        )
        try:
            while not _has_measurement(Path(folder)):
                if run.poll() is not None:
                    raise RuntimeError("the demo ended without a measurement")
                time.sleep(0.005)
            return time.perf_counter() - started
        finally:
            run.terminate()
            run.wait()


def _has_measurement(folder: Path) -> bool:
    for journal in folder.glob("*/journal.jsonl"):
        for line in journal.read_bytes().splitlines():
            if b'"measurement"' in line and json.loads(line).get("event") == "measurement":
                return True
    return False
