"""Stopping a run: at any instant the bench becomes safe, the record says ABORTED, the exit status is 130."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from station.abort import AbortRequest, RunAborted, signals_held
from tests.station.abort_kit import (
    DEMO,
    DISABLE,
    PATHS,
    POWER,
    PRODUCT,
    ROOT,
    STATION,
    a_plan,
    assert_aborted,
    events_of,
    interrupt,
    slot_pid,
    start,
    wait_for,
)


def test_first_request_waits_for_a_safe_point():
    abort = AbortRequest()
    give_back = abort.listen()
    try:
        signal.raise_signal(signal.SIGTERM)
        assert abort.requested
        with pytest.raises(RunAborted, match="SIGTERM"):
            abort.check()
    finally:
        give_back()


def test_second_request_is_raised_where_it_strikes_and_no_third():
    abort = AbortRequest()
    give_back = abort.listen()
    try:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(RunAborted, match="Ctrl-C"):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
    finally:
        give_back()


def test_nothing_interrupts_once_the_bench_is_being_made_safe():
    abort = AbortRequest()
    give_back = abort.listen()
    try:
        abort.disarm()
        for _ in range(3):
            signal.raise_signal(signal.SIGINT)
        abort.check()
    finally:
        give_back()


def test_signal_that_came_before_anybody_listened_is_heard():
    abort = AbortRequest()
    with signals_held():
        signal.raise_signal(signal.SIGTERM)  # to this thread: others of the test runner hold nothing back
        give_back = abort.listen()
        give_back()
    assert abort.requested


@pytest.mark.parametrize(("seed", "earliest_s", "latest_s"), [(1, 0.15, 1.0), (2, 1.0, 3.5)])
def test_run_stops_at_any_instant(tmp_path, seed, earliest_s, latest_s):
    plan = a_plan(tmp_path, PATHS, DISABLE, POWER)
    stopped_at_random(tmp_path, plan, seed=seed, earliest_s=earliest_s, latest_s=latest_s)


def stopped_at_random(tmp_path, plan, *, seed, earliest_s, latest_s):
    chosen = random.Random(seed)
    number = chosen.choice([signal.SIGINT, signal.SIGTERM])
    out = tmp_path / "runs"
    process = start(plan, out)
    time.sleep(chosen.uniform(earliest_s, latest_s))
    interrupt(process, number)
    text, _ = process.communicate(timeout=60)
    events = events_of(out)
    if process.returncode == 0:  # it came too late: the verdict was on the disk, and it stands
        assert events[-1]["verdict"] == "PASS"
        return
    assert process.returncode == 130, text
    assert_aborted(events)
    assert "A B O R T E D" in text
    assert "The bench is safe" in text


def test_ctrl_c_stops_a_session_of_plain_pytest(tmp_path):
    out = tmp_path / "runs"
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "sequences/tx_power.py", "--station"]
    words += [STATION, "--product", PRODUCT, "--serial", "STOP-0001", "--simulate", "--out", out]
    process = subprocess.Popen(
        [str(word) for word in words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    wait_for(out, "corner_started")
    interrupt(process)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 130, text
    assert_aborted(events_of(out))


@pytest.mark.prove
def test_second_signal_in_the_slot_ends_in_a_safe_bench_too(tmp_path):
    out = tmp_path / "runs"
    process = start(a_plan(tmp_path, DISABLE, POWER), out)
    slot = slot_pid(out)
    wait_for(out, "corner_started")
    for _ in range(2):
        os.kill(slot, signal.SIGTERM)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 130, text
    assert_aborted(events_of(out))


@pytest.mark.prove
@pytest.mark.parametrize("seed", range(20))
def test_demo_stops_at_any_instant(tmp_path, seed):
    stopped_at_random(tmp_path, DEMO, seed=seed, earliest_s=0.15, latest_s=15.0)
