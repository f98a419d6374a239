"""Shipped defects, each held against what its file expects, and good transceivers: runs of real sequences."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from measurements.limits import Verdict
from station.config.loader import load_simulation
from station.config.simulation_file import Failure
from station.record import RunRecord
from tests.station.whole_runs import CONFIGS, FULL_PLAN, room_plan, run, written

DEFECTS = CONFIGS / "simulations/defects"
FILES = sorted(path.stem for path in DEFECTS.glob("*.yaml"))

# Three units carry all shipped defects, most in a lane of their own, so that three runs at the room corner
# test them all: what fails in a lane must be its own defect's doing. Each run leaves out the sequences that
# cost most and see least of its defects; `make prove` runs each defect alone through the whole plan.
UNITS = {
    ("low-extinction-ratio", "compressed-levels", "slow-modulator", "high-rin", "skewed-levels"): (
        "lane_order",
        "receiver",
    ),
    ("unmodulated-lane", "noisy-receiver", "low-power", "dark-lane"): (),
    (
        "wrong-wavelength",
        "weak-side-mode-suppression",
        "swapped-lanes",
        "high-power",
        "high-supply-current",
    ): ("tx_eye", "receiver"),
}


def test_each_shipped_defect_sits_in_one_unit():
    assert sorted(name for names in UNITS for name in names) == FILES
    assert len(FILES) >= 10


@pytest.mark.parametrize("name", FILES)
def test_a_defect_changes_physical_parameters_and_nothing_else(name):
    told = yaml.safe_load((DEFECTS / f"{name}.yaml").read_text())
    good = yaml.safe_load((CONFIGS / "simulations/dr4-good.yaml").read_text())
    assert told.keys() == {"schema", "name", "epoch", "profile", "unit", "expect"}
    assert [told[key] for key in ("schema", "profile", "epoch")] == [
        good[key] for key in ("schema", "profile", "epoch")
    ]
    changed = [*told["unit"].get("lanes", {}).values(), told["unit"].get("transceiver", {})]
    assert sum(map(len, changed)) == 1


@pytest.mark.timeout(300)
@pytest.mark.parametrize("names", UNITS, ids=["eyes", "receivers", "colours and order"])
def test_defects_fail_where_their_files_say_and_nowhere_else(names, tmp_path):
    plan = room_plan(tmp_path, without=UNITS[names])
    found = run(tmp_path, plan=plan, simulation=together(tmp_path, names))
    for name in names:
        assert expectation(name)[0] in failures(found), name
    assert failures(found) <= set().union(*(set(expectation(name)) for name in names))
    assert_decided(found, Verdict.FAIL)


@pytest.mark.timeout(300)
def test_a_good_transceiver_passes(tmp_path):
    found = run(tmp_path, plan=room_plan(tmp_path), seed=7, serial="GOOD-0007")
    assert failures(found) == set()
    assert_decided(found, Verdict.PASS)


@pytest.mark.timeout(300)
def test_equal_seeds_give_equal_records_and_another_seed_another(tmp_path):
    plan = room_plan(tmp_path, without=("bench_paths", "management", "lane_order", "tx_eye", "receiver"))
    first, again, other = (
        canonical(run(tmp_path / name, plan=plan, seed=seed)) for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert first == again
    assert first != other


@pytest.mark.prove
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", FILES)
def test_a_defect_alone_fails_at_its_corners_as_its_file_says(name, tmp_path):
    found = run(tmp_path, plan=FULL_PLAN, simulation=DEFECTS / f"{name}.yaml")
    primary, *_ = expected = expectation(name)
    assert primary in failures(found)
    assert failures(found) <= set(expected)
    assert_decided(found, Verdict.FAIL)


@pytest.mark.prove
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(2, 12))
def test_good_transceivers_of_other_seeds_pass(seed, tmp_path):
    found = run(tmp_path, plan=FULL_PLAN, seed=seed)
    assert failures(found) == set()
    assert_decided(found, Verdict.PASS)


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_whole_records_of_equal_seeds_are_equal(tmp_path):
    first, again = (canonical(run(tmp_path / name, plan=FULL_PLAN)) for name in ("a", "b"))
    assert first == again


def expectation(name: str) -> tuple[Failure, ...]:
    """The failures that a file allows, the primary first."""
    expect = load_simulation(DEFECTS / f"{name}.yaml").value.expect
    assert expect is not None
    assert expect.verdict == "FAIL"
    assert expect.primary is not None
    return (expect.primary, *expect.may_also_fail)


def together(folder: Path, names: tuple[str, ...]) -> Path:
    """Write one unit with the defects of several files; no two may change the same parameter."""
    told = [yaml.safe_load((DEFECTS / f"{name}.yaml").read_text()) for name in names]
    unit: dict[str, dict] = {"transceiver": {}, "lanes": {}}
    for one in told:
        unit["transceiver"] |= one["unit"].get("transceiver", {})
        for lane, changes in one["unit"].get("lanes", {}).items():
            unit["lanes"].setdefault(lane, {}).update(changes)
    assert sum(map(len, (unit["transceiver"], *unit["lanes"].values()))) == len(names)
    kept = {key: told[0][key] for key in ("schema", "epoch", "profile")}
    return written(folder / "unit.yaml", {**kept, "name": "several defects", "unit": unit})


def failures(found: RunRecord) -> set[tuple[str, int | None]]:
    return {(one["name"], one["lane"]) for one in found.measurements if one["verdict"] == "FAIL"}


def assert_decided(found: RunRecord, verdict: Verdict) -> None:
    """No instrument may have been in doubt: a defect of the unit is never an error of the bench."""
    undecided = [one for one in found.measurements if one["verdict"] not in ("PASS", "FAIL")]
    assert (found.of("error"), undecided, found.verdict) == ([], [], verdict)


def canonical(found: RunRecord) -> bytes:
    return json.dumps(found.canonical(), sort_keys=True).encode()
