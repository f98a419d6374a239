"""Runs sequences that a test has written, by pytest and against the twin, and reads what is recorded."""

import contextlib
import io
from pathlib import Path

import pytest

from station import record

CHECKOUT = Path(__file__).resolve().parents[2]
STATION = CHECKOUT / "configs/stations/dr4-bench.yaml"
PRODUCT = CHECKOUT / "configs/products/400gbase-dr4.yaml"
GOOD = CHECKOUT / "configs/simulations/dr4-good.yaml"

PLAN = f"""\
schema: photonbench/plan/1
name: short
product: {PRODUCT}
corners:
  - {{name: room, case_temperature_c: 25.0, supply_v: 3.3}}
temperature: {{tolerance_c: 2.0, soak: {{method: time, seconds: 4, timeout_s: 900}}}}
steps:
  - {{sequence: quiet.py, measures: []}}
  - {{sequence: step.py, measures: [tx_smsr]}}
"""

QUIET = "def test_quiet(cell):\n    assert cell.product.lane_numbers == (1, 2, 3, 4)\n"

STEP = """\
import math
import pytest
from measurements.quantity import Quantity

GOOD = Quantity(40.0, "dB")
BAD = Quantity(20.0, "dB")

def all_good(measure, lanes=(1, 2, 3, 4)):
    for lane in lanes:
        measure("tx_smsr", GOOD, lane=lane)
"""

QUICK = ["-p", "no:cacheprovider", "-p", "no:unraisableexception", "-p", "no:xdist", "-q"]


def write_sequences(folder, step, quiet=QUIET, plan=PLAN):
    (folder / "plan.yaml").write_text(plan)
    (folder / "quiet.py").write_text(quiet)
    (folder / "step.py").write_text(STEP + step)
    return folder / "plan.yaml"


def main(*words):
    """Run pytest in this process as the checkout configures it; give exit status and what it printed."""
    told = io.StringIO()
    ours = [*QUICK, "-c", CHECKOUT / "pyproject.toml", "--rootdir", CHECKOUT]
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        status = pytest.main([str(word) for word in (*ours, *words)])
    return int(status), told.getvalue()


def run_pytest(folder, *words, files=("quiet.py", "step.py"), plan="plan.yaml", serial="PB26-0001"):
    """Run pytest in this process; give its exit status, what it printed, and the record."""
    options = ["--station", STATION, "--simulate"]
    options += ["--serial", serial, "--out", folder / "runs", "--run-id", "it"]
    options += ["--plan", folder / plan] if plan else []
    status, told = main(*options, *words, *(folder / file for file in files))
    there = (folder / "runs/it" / record.journal.FILE_NAME).is_file()
    return status, told, record.load(folder / "runs/it") if there else None
