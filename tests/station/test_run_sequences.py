"""Whatever a sequence, its fixtures or the command line of pytest do: only a whole, good run is a PASS."""

import subprocess
import sys

import pytest

from station import journal
from tests.station.sequence_kit import (
    CHECKOUT,
    GOOD,
    PLAN,
    PRODUCT,
    QUIET,
    STATION,
    main,
    run_pytest,
    write_sequences,
)

WHOLE = "def test_it(measure):\n    all_good(measure)\n"


def after(line, *, marker=""):
    """Write a step that measures all that is asked for, and then does something."""
    return f"{marker}\ndef test_it(measure, subtests, request):\n    all_good(measure)\n    {line}\n"


def with_fixture(body):
    fixture = f"@pytest.fixture\ndef odd(measure):\n    {body}\n"
    return f"{fixture}\ndef test_it(odd, measure):\n    all_good(measure)\n"


ODD = {
    "exception in the body": (after("1 / 0"), "ZeroDivisionError"),
    "failed assertion": (after("assert 1 == 2"), "AssertionError"),
    "exit of the interpreter": (after("raise SystemExit(0)"), "SystemExit"),
    "exit of pytest": (after("pytest.exit('enough', 0)"), "a step ended the run: enough"),
    "an exception in a lane": (
        after("\n    with subtests.test(lane=1):\n        1 / 0"),
        "ZeroDivisionError",
    ),
    "a skipped lane": (
        after("\n    with subtests.test(lane=1):\n        pytest.skip('x')"),
        "was skipped: Skipped: x",
    ),
    "a skip in the body": (after("pytest.skip('no time')"), "was skipped: Skipped: no time"),
    "a skip mark": (after("", marker="@pytest.mark.skip(reason='later')"), "was skipped: Skipped: later"),
    "a skipped file": ("pytest.skip('x', allow_module_level=True)\n" + WHOLE, "was skipped as a whole"),
    "an expected failure": (after("1 / 0", marker="@pytest.mark.xfail"), "was skipped"),
    "an expected failure in the body": (after("pytest.xfail('known')"), "was skipped"),
    "a file that cannot be imported": ("import no_such_package\n" + WHOLE, "could not be collected"),
    "a fixture that is not there": ("def test_it(measure, laser_42):\n    all_good(measure)\n", "laser_42"),
    "set-up of a fixture": (with_fixture("1 / 0"), "ZeroDivisionError"),
    "teardown of a fixture": (with_fixture("yield\n    1 / 0"), "ZeroDivisionError"),
    "a finaliser": (after("request.addfinalizer(lambda: 1 / 0)"), "ZeroDivisionError"),
    "measured in a teardown": (
        with_fixture("yield\n    measure('tx_smsr', GOOD, lane=1)"),
        "outside any step",
    ),
    "measured twice": (
        after("measure('tx_smsr', GOOD, lane=2)"),
        "tx_smsr lane 2 at room was measured twice",
    ),
    "measured without a limit": (
        after("measure('tx_' + 'hue', GOOD, lane=1)"),
        "no limit is given for tx_hue",
    ),
    "measured and not planned": (
        after("measure('tx_' + 'rlm', GOOD, lane=1)"),
        "tx_rlm lane 1 at room is not in",
    ),
    "a lane too many": (after("measure('tx_smsr', GOOD, lane=5)"), "lane 5 at room is not in the plan"),
    "a lane too few": (
        "def test_it(measure):\n    all_good(measure, (1, 2, 4))\n",
        "never came: tx_smsr lane 3",
    ),
    "no number": (
        "def test_it(measure):\n    all_good(measure, (1, 2, 3))\n"
        "    measure('tx_smsr', Quantity(math.nan, 'dB'), lane=4)\n",
        "the value is nan",
    ),
    "nothing to collect": (WHOLE.replace("test_it", "check_it"), "never came"),
    "another order of arguments": ("def test_it(measure):\n    measure(1, 'tx_smsr')\n", "never came"),
}


@pytest.mark.parametrize(("step", "words"), ODD.values(), ids=ODD.keys())
def test_what_goes_wrong_in_a_step_is_an_error_with_its_reason(tmp_path, step, words):
    write_sequences(tmp_path, step)
    status, told, loaded = run_pytest(tmp_path)
    reasons = loaded.closing["reasons"]
    assert (loaded.verdict, any(words in reason for reason in reasons)) == ("ERROR", True), reasons
    assert status != 0
    assert "photonbench: ERROR" in told


LEFT_OUT = {
    "by a word": (["-k", "not quiet"], ("quiet.py", "step.py"), "quiet.py::test_quiet[room] was deselected"),
    "by naming the other file": ([], ("step.py",), "1 of the planned steps never ran: quiet at room"),
}


@pytest.mark.parametrize(("words", "files", "reason"), LEFT_OUT.values(), ids=LEFT_OUT.keys())
def test_a_planned_step_that_is_left_out_is_an_error_although_it_measures_nothing(
    tmp_path, words, files, reason
):
    write_sequences(tmp_path, WHOLE)
    status, _, loaded = run_pytest(tmp_path, *words, files=files)
    assert loaded.verdict == "ERROR", loaded.closing["reasons"]
    assert any(reason in one for one in loaded.closing["reasons"]), loaded.closing["reasons"]
    assert status != 0


def test_a_whole_and_good_run_is_a_pass_and_its_steps_follow_the_plan(tmp_path):
    write_sequences(tmp_path, WHOLE)
    status, told, loaded = run_pytest(tmp_path, files=("step.py", "quiet.py"))
    assert (status, loaded.verdict, loaded.closing["reasons"]) == (0, "PASS", [])
    assert "photonbench: PASS" in told
    assert [step["title"] for step in loaded.of("step_started")] == ["test_quiet[room]", "test_it[room]"]
    assert len(loaded.of("instrument")) == 9


def test_a_missed_limit_is_a_fail_that_the_terminal_shows_and_an_error_beside_it_outranks_it(tmp_path):
    step = "def test_it(measure):\n    all_good(measure, (1, 2, 3))\n    measure('tx_smsr', BAD, lane=4)\n"
    write_sequences(tmp_path, step)
    status, told, loaded = run_pytest(tmp_path)
    assert (status, loaded.verdict) == (1, "FAIL")
    assert "tx_smsr lane 4 at room: FAIL: 20 dB is below 30 dB" in told

    (tmp_path / "other").mkdir()
    write_sequences(tmp_path / "other", step, quiet="def test_quiet(cell):\n    1 / 0\n")
    status, _, loaded = run_pytest(tmp_path / "other")
    assert (status, loaded.verdict) == (1, "ERROR")
    assert [m["verdict"] for m in loaded.measurements].count("FAIL") == 1


def test_a_plan_may_stop_at_its_first_fail_which_is_neither_an_error_nor_an_abort(tmp_path):
    plan = PLAN.replace("steps:", "policy: {stop: first_fail}\nsteps:").replace(
        "measures: []", "measures: [tx_rlm]"
    )
    quiet = "from measurements.quantity import Quantity\n\ndef test_quiet(measure, lanes):\n"
    quiet += "    for lane in lanes:\n        measure('tx_rlm', Quantity(0.5, '1'), lane=lane)\n"
    write_sequences(tmp_path, WHOLE, quiet, plan)
    status, _, loaded = run_pytest(tmp_path)
    assert (loaded.verdict, len(loaded.measurements)) == ("FAIL", 4), loaded.closing["reasons"]
    assert loaded.closing["reasons"][-1].startswith("stopped at the first fail: 4 planned measurements")
    assert status != 0


def test_a_step_that_interrupts_is_an_aborted_run(tmp_path):
    write_sequences(tmp_path, after("raise KeyboardInterrupt"))
    status, _, loaded = run_pytest(tmp_path)
    assert (status, loaded.verdict) == (130, "ABORTED")
    assert loaded.closing["reasons"][0] == "ABORTED: KeyboardInterrupt"


def test_the_plan_gives_a_step_its_pattern_and_options(tmp_path):
    plan = PLAN.replace(
        "{sequence: quiet.py, measures: []}",
        "{sequence: quiet.py, measures: [], pattern: SSPRQ, options: {depth: 3}}",
    )
    quiet = (
        "import pytest\n\n@pytest.mark.pattern('PRBS13Q')\ndef test_quiet(pattern, options):\n"
        "    assert (pattern, options) == ('SSPRQ', {'depth': 3})\n"
    )
    step = (
        "@pytest.mark.pattern('PRBS13Q')\ndef test_it(pattern, measure):\n    assert pattern == 'PRBS13Q'\n"
    )
    write_sequences(tmp_path, step + "    all_good(measure)\n", quiet, plan)
    assert run_pytest(tmp_path)[2].verdict == "PASS"


def test_a_check_of_the_paths_that_breaks_leaves_no_light_for_the_next_step(tmp_path):
    quiet = "def test_quiet(path_check, cell):\n    for light in path_check.through((1,)):\n"
    quiet += "        assert cell.twin.safe_state()['cw_source']['emitting'] is True\n        1 / 0\n"
    step = (
        "def test_it(cell, measure):\n    assert cell.twin.safe_state()['cw_source']['emitting'] is False\n"
    )
    write_sequences(tmp_path, step + "    all_good(measure)\n", quiet)
    loaded = run_pytest(tmp_path)[2]
    assert loaded.closing["reasons"] == ["ERROR: ZeroDivisionError: division by zero"]


def test_sequences_without_a_station_are_refused():
    status, told = main(CHECKOUT / "sequences/tx_power.py")
    assert (status, "name a station with --station" in told) == (4, True), told


def test_plain_pytest_runs_a_shipped_sequence_and_its_run_is_partial(tmp_path):
    words = ["sequences/tx_power.py", "--station", STATION, "--product", PRODUCT, "--serial", "PB26-0001"]
    words += ["--simulate", "--simulation", GOOD, "--out", tmp_path]
    plain = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, words)],
        cwd=CHECKOUT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert plain.returncode == 0, plain.stdout
    assert "photonbench: PARTIAL" in plain.stdout
    events = list(journal.read(next(tmp_path.iterdir())))
    assert (events[0]["partial"], events[0]["plan"], events[-1]["verdict"]) == (True, None, "PARTIAL")
    powers = [event for event in events if event["event"] == "measurement"]
    assert [(p["name"], p["lane"], p["unit"], p["verdict"]) for p in powers] == [
        ("tx_average_power", lane, "dBm", "PASS") for lane in (1, 2, 3, 4)
    ]
    (state,) = (event["instruments"] for event in events if event["event"] == "twin_state")
    assert state["slot1"] == {"dark": True, "supply_v": 0.0}


def test_nothing_is_recorded_when_the_command_line_is_wrong(tmp_path):
    write_sequences(tmp_path, WHOLE, QUIET)
    for words, told_of in (
        (["--serial", "bad serial"], "'bad serial' is no serial number of 400GBASE-DR4"),
        (["--slot", "3"], "the station has no slot 3"),
        (["--simulation", str(tmp_path / "none.yaml")], "none.yaml"),
    ):
        status, told, loaded = run_pytest(tmp_path, *words)
        assert (status, told_of in told, loaded) == (4, True, None), told
