"""Whole runs on the twin, each in a process of its own, as the supervisor starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from station import record
from station.config.sequence_source import CHECKOUT
from station.record import RunRecord

CONFIGS = CHECKOUT / "configs"
GOOD = CONFIGS / "simulations/dr4-good.yaml"
STATION = CONFIGS / "stations/dr4-bench.yaml"
FULL_PLAN = CONFIGS / "plans/dr4-final.yaml"
ROOM = {"name": "room", "case_temperature_c": 25.0, "supply_v": 3.3}
SAMPLES_PER_SYMBOL = 8  # half of the plan's: what is tested here shows with fewer


def room_plan(folder: Path, *, without: Collection[str] = ()) -> Path:
    """Write the shipped plan for the room corner alone, without the sequences of these names."""
    plan = yaml.safe_load(FULL_PLAN.read_text())
    steps = [step for step in plan["steps"] if Path(step["sequence"]).stem not in without]
    for step in steps:
        step["sequence"] = str(CHECKOUT / step["sequence"])
        if "samples_per_symbol" in step.get("options", {}):
            step["options"]["samples_per_symbol"] = SAMPLES_PER_SYMBOL
    product = str((FULL_PLAN.parent / plan["product"]).resolve())
    plan |= {"name": "one corner", "corners": [ROOM], "product": product, "steps": steps}
    return written(folder / "plan.yaml", plan)


def written(path: Path, content: Mapping[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(dict(content), sort_keys=False))
    return path


def run(
    out: Path, *, plan: Path, simulation: Path = GOOD, seed: int = 1, serial: str = "DEF-0001"
) -> RunRecord:
    """Run all sequences of a plan and read the record that is left."""
    steps = yaml.safe_load(plan.read_text())["steps"]
    sequences = [str((CHECKOUT / step["sequence"]).resolve()) for step in steps]
    words: list[object] = [
        "-p",
        "no:cacheprovider",
        "-q",
        "-c",
        CHECKOUT / "pyproject.toml",
    ]
    words += ["--rootdir", CHECKOUT, "--station", STATION, "--plan", plan, "--serial", serial, "--simulate"]
    words += ["--simulation", simulation, "--seed", seed, "--out", out, "--run-id", "run"]
    told = subprocess.run(
        [sys.executable, "-m", "pytest", *map(str, words), *sequences],
        cwd=CHECKOUT,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        check=False,
    )
    found = record.load(out / "run")
    assert found.verdict is not None, told.stdout[-4000:] + told.stderr[-2000:]
    return found
