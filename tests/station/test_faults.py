"""A broken instrument makes an ERROR, never a FAIL or PASS, and the rest of the bench is left safe."""

import time

import pytest
import yaml

from station import record
from station.supervisor import Supervisor
from tests.station.abort_kit import GOOD, PATHS, POWER, RECEIVER, ROOT, SPECTRUM, STATION, a_plan, assert_safe

# What can hurt is asked to become safe, and confirms it; nobody can say so of an instrument that is gone.
CAN_HURT = {"cw_source", "bert", "attenuator", "supply", "thermal_head"}
# Faults past which an instrument still does as it is told.
OBEDIENT = {"error_in_queue", "over_range", "under_range"}
# What all that an instrument makes a run wait may come to, in bench time: opening or measuring, getting
# back into step, and becoming safe on two connections, each within the longest timeout of its model.
BOUND_S = 300.0


def broken_run(tmp_path, instrument, kind, *steps, after_messages=0):
    """Run a plan on a twin with one fault, in this process; give the record."""
    simulation = yaml.safe_load(GOOD.read_text())
    simulation["faults"] = [{"instrument": instrument, "kind": kind, "after_messages": after_messages}]
    simulation["expect"] = {"verdict": "ERROR", "reason": "an instrument is broken"}
    file = tmp_path / "broken.yaml"
    file.write_text(yaml.safe_dump(simulation))
    plan = a_plan(tmp_path, *steps)
    sequences = [yaml.safe_load(step)[0]["sequence"] for step in steps]
    words = ["-p", "no:cacheprovider", "-q", "--tb=no", "--no-summary", "-c", ROOT / "pyproject.toml"]
    words += ["--rootdir", ROOT, "--station", STATION, "--plan", plan]
    words += [
        "--serial",
        "STOP-0001",
        "--simulate",
        "--simulation",
        file,
        "--out",
        tmp_path,
        "--run-id",
        "run",
    ]
    pytest.main([str(word) for word in (*words, *sequences)])
    return record.load(tmp_path / "run")


def assert_broken_by(instrument, kind, run):
    """Hold a record against what it must say of a broken instrument."""
    assert run.verdict == "ERROR", run.closing["reasons"]
    assert Supervisor.exit_status(run) == 3
    errors = [error for error in run.of("error") if error["instrument"] == instrument]
    assert errors
    assert instrument in errors[0]["message"]
    assert all(error["command"] and error["remedy"] and error["transcript"] for error in errors)
    assert run.closing["seconds"] < BOUND_S
    (safe,), (twin,) = run.of("safe_state"), run.of("twin_state")
    undone = {step["what"].split(":")[0] for step in safe["steps"] if not step["done"]} & CAN_HURT
    assert undone <= {instrument}  # all others are safe
    assert ("NOT SAFE" in safe["touch"]) == bool(undone)
    if not undone:
        assert_safe(twin["instruments"])
    elif kind not in OBEDIENT:
        assert f"NOT SAFE: {instrument} " in safe["touch"]
    others = {name: state for name, state in twin["instruments"].items() if name not in undone}
    assert not any(
        state.get("emitting") or state.get("on") or state.get("sending") for state in others.values()
    )


AT_OPENING = [
    ("power_meter", "half_answer"),
    ("cw_source", "wrong_identity"),
    ("supply", "silent"),
    ("attenuator", "dropped_link"),
    ("bert", "slow"),
]


@pytest.mark.parametrize(("instrument", "kind"), AT_OPENING)
def test_instrument_broken_from_the_start_is_an_error(tmp_path, instrument, kind):
    began = time.process_time()
    run = broken_run(tmp_path, instrument, kind, POWER)
    assert_broken_by(instrument, kind, run)
    assert not run.measurements
    assert time.process_time() - began < 10  # a silent instrument costs bench time, not ours


IN_MID_RUN = [
    ("power_meter", "over_range", 0),
    ("power_meter", "error_in_queue", 8),
    ("power_meter", "stuck_busy", 0),
    ("thermal_head", "dropped_link", 20),
    ("switch", "garbage", 12),
]


@pytest.mark.parametrize(("instrument", "kind", "after_messages"), IN_MID_RUN)
def test_instrument_that_breaks_in_mid_run_is_an_error(tmp_path, instrument, kind, after_messages):
    run = broken_run(tmp_path, instrument, kind, POWER, after_messages=after_messages)
    assert_broken_by(instrument, kind, run)
    assert run.of("step_started")


def test_supply_that_cannot_be_switched_off_is_said(tmp_path):
    run = broken_run(tmp_path, "supply", "silent", POWER, after_messages=12)
    assert_broken_by("supply", "silent", run)
    (safe,), (twin,) = run.of("safe_state"), run.of("twin_state")
    assert safe["touch"].startswith("NOT SAFE: supply ")
    assert twin["instruments"]["supply"]["on"] == ["1"]
    # The host board still took the power from the transceiver.
    assert twin["instruments"]["slot1"]["dark"]


FIRST_ANSWER = [
    "silent",
    "slow",
    "garbage",
    "half_answer",
    "wrong_identity",
    "error_in_queue",
    "dropped_link",
]
ALL = ["power_meter", "cw_source", "attenuator", "switch", "scope", "spectrum_analyser", "bert", "supply"]


@pytest.mark.prove
@pytest.mark.parametrize("kind", FIRST_ANSWER)
@pytest.mark.parametrize("instrument", [*ALL, "thermal_head"])
def test_any_instrument_broken_from_the_start_is_an_error(tmp_path, instrument, kind):
    assert_broken_by(instrument, kind, broken_run(tmp_path, instrument, kind, POWER))


AT_WORK = {
    "power_meter": (POWER, 12, ["stuck_busy", "over_range", "under_range"]),
    "cw_source": (PATHS, 20, ["stuck_busy", "over_range", "under_range"]),
    "switch": (POWER, 12, ["stuck_busy"]),
    "supply": (POWER, 12, ["stuck_busy", "over_range", "under_range"]),
    "thermal_head": (POWER, 20, ["over_range", "under_range"]),
    "spectrum_analyser": (SPECTRUM, 12, ["stuck_busy", "over_range"]),
    "bert": (POWER, 10, ["stuck_busy"]),
    "attenuator": (RECEIVER, 12, ["stuck_busy", "over_range", "under_range"]),
    "scope": (RECEIVER, 12, ["stuck_busy", "over_range", "under_range"]),
}


@pytest.mark.prove
@pytest.mark.parametrize(
    ("instrument", "kind"),
    [
        (instrument, kind)
        for instrument, (_, _, own) in AT_WORK.items()
        for kind in (*(k for k in FIRST_ANSWER if k != "wrong_identity"), *own)
    ],
)
def test_any_instrument_that_breaks_at_work_is_an_error(tmp_path, instrument, kind):
    step, after_messages, _ = AT_WORK[instrument]
    run = broken_run(tmp_path, instrument, kind, step, after_messages=after_messages)
    assert_broken_by(instrument, kind, run)
