import math
from concurrent.futures import Future

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from instruments.errors import BenchDisagrees, InstrumentTimeout
from measurements.quantity import Bound, Cause, NotMeasurable, Quantity
from station.abort import RunAborted
from station.analysis import Pending
from station.expected import Key
from station.slot import Conditions
from tests.station.core_kit import GOOD, a_run, concluded, good, of, quantity

WANTED = tuple(Key(name, lane, "room") for name in GOOD for lane in (1, 2))


def done(result=None, *, error=None, name=None):
    future = Future()
    future.set_exception(error) if error else future.set_result(result)
    return Pending(future, name)


def measure_all(run, leave_out=()):
    run.begin_step("everything", "room")
    for key in WANTED:
        if key not in leave_out:
            run.measure(key.name, good(key.name), lane=key.lane)
    run.end_step()


def test_all_that_was_expected_and_good_is_a_pass(tmp_path):
    run = a_run(tmp_path, WANTED)
    measure_all(run)
    verdict, reasons, events = concluded(run)
    assert (verdict, reasons) == ("PASS", [])
    assert of(events, "verdict")[0]["counts"] == {"PASS": 6, "FAIL": 0, "ERROR": 0}
    assert [event["event"] for event in events][-1] == "verdict"


def test_a_run_without_a_plan_is_partial_and_never_a_pass(tmp_path):
    run = a_run(tmp_path, None)
    run.begin_step("some", "room")
    run.measure("tx_power", good("tx_power"), lane=1)
    assert concluded(run)[0] == "PARTIAL"


@pytest.mark.parametrize("expected", [None, ()])
def test_nothing_measured_is_an_error(tmp_path, expected):
    assert concluded(a_run(tmp_path, expected))[0] == "ERROR"


BAD = [
    None, "1.0", 1.0, pytest.param(object(), id="an object"),
    *(quantity(value) for value in (math.nan, math.inf, -math.inf, None, "1.0", True)),
    quantity(1.0, "mW"), quantity(1.0, ""), NotMeasurable("dark", Cause.DARK, instruments=("scope",)),
]  # fmt: skip


@pytest.mark.parametrize("result", BAD, ids=repr)
def test_one_result_that_is_none_makes_the_run_an_error(tmp_path, result):
    """And `measure` raises for none of them."""
    run = a_run(tmp_path, WANTED)
    measure_all(run, leave_out=WANTED[:1])
    run.begin_step("the last", "room")
    run.measure("tx_power", result, lane=1)
    verdict, reasons, events = concluded(run)
    assert verdict == "ERROR"
    assert any("tx_power lane 1 at room" in reason for reason in reasons)
    # As the record finds it: a later judgement of the same key overrules.
    last = [e for e in events if e["event"] in ("measurement", "judged") and e["name"] == "tx_power"][-1]
    assert last["verdict"] == "ERROR"


DEEDS = st.lists(
    st.sampled_from(
        ["undeclared", "other lane", "other corner", "twice", "outside", "missing", "error", "stop"]
    ),
    max_size=3,
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=DEEDS, fails=st.booleans())
def test_aborted_outranks_error_outranks_fail_outranks_pass(tmp_path, deeds, fails):
    run = a_run(tmp_path, WANTED)
    measure_all(run, leave_out=WANTED[:2] if "missing" in deeds else WANTED[:1])
    run.begin_step("more", "room")
    run.measure("tx_power", quantity(9.0 if fails else 1.0), lane=1)
    for deed in deeds:
        match deed:
            case "undeclared":
                run.measure("tx_colour", quantity(1.0), lane=1)
            case "other lane":
                run.measure("tx_power", quantity(1.0), lane=3)
            case "twice":
                run.measure("tx_power", quantity(1.0), lane=1)
            case "other corner":
                run.begin_step("hot", "hot")
                run.measure("tx_power", quantity(1.0), lane=1)
            case "outside":
                run.end_step()
                run.measure("tx_power", quantity(1.0), lane=2)
            case "error":
                run.error(ZeroDivisionError("in a fixture"))
    if "stop" in deeds:
        run.abort.request("SIGTERM")
    run.end_step()
    verdict, reasons, _ = concluded(run)
    wrong = set(deeds) - {"stop"}
    assert verdict == ("ABORTED" if "stop" in deeds else "ERROR" if wrong else "FAIL" if fails else "PASS")
    assert (reasons == []) == (verdict == "PASS")


def test_a_missed_limit_is_told_and_never_raised(tmp_path):
    run = a_run(tmp_path, (Key("tx_power", 1, "room"),))
    run.begin_step("power", "room")
    run.measure("tx_power", quantity(9.0), lane=1)
    run.end_step()
    assert run.failed
    assert run.failures_of_step(1) == ["tx_power lane 1 at room: FAIL: 9 dBm is above 4 dBm"]
    verdict, reasons, _ = concluded(run)
    assert (verdict, reasons) == ("FAIL", ["FAIL: tx_power lane 1 at room: 9 dBm is above 4 dBm"])


def test_what_is_missing_is_counted_and_named(tmp_path):
    run = a_run(tmp_path, WANTED)
    measure_all(run, leave_out=(WANTED[1], WANTED[4]))
    _, reasons, events = concluded(run)
    named = "tx_power lane 2 at room, rx_sensitivity lane 1 at room"
    assert reasons == [f"ERROR: 2 of the planned measurements never came: {named}"]
    assert of(events, "verdict")[0]["missing"] == 2


def test_a_planned_step_that_never_ran_is_an_error_although_it_measures_nothing(tmp_path):
    run = a_run(tmp_path, WANTED)
    measure_all(run)
    verdict, reasons = run.conclude(["bench_paths at room"])
    assert (verdict, reasons) == ("ERROR", ["ERROR: 1 of the planned steps never ran: bench_paths at room"])


def test_a_run_that_the_plan_stops_at_its_first_fail_is_a_fail(tmp_path):
    run = a_run(tmp_path, WANTED)
    run.begin_step("power", "room")
    run.measure("tx_power", quantity(9.0), lane=1)
    run.end_step()
    run.stop_early("stopped at the first fail")
    verdict, reasons = run.conclude(["tx_eye at room"])
    assert (verdict, reasons[-1]) == (
        "FAIL",
        "stopped at the first fail: 5 planned measurements were left out",
    )


# --- analyses ----------------------------------------------------------------------------------------


def test_analyses_are_recorded_when_the_step_ends_with_the_conditions_they_were_asked_under(tmp_path):
    run = a_run(tmp_path, WANTED[:2])
    run.begin_step("power", "room")
    run.set_conditions(Conditions("room", 25.2, 24.0, 3.3))
    run.measure("tx_power", done({"power": good("tx_power")}, name="power"), lane=1)
    run.set_conditions(Conditions("room", 26.0, 24.0, 3.3))
    run.measure("tx_power", done(good("tx_power")), lane=2)
    run.end_step()
    verdict, _, events = concluded(run)
    assert verdict == "PASS"
    assert [m["conditions"]["case_temperature_c"] for m in of(events, "measurement")] == [25.2, 26.0]


@pytest.mark.parametrize(
    "pending",
    [
        done(error=ValueError("singular")),
        done({"tdecq": good("tx_tdecq")}, name="power"),
        done({"power": 1.0}, name="power"),
        done(None),
    ],
    ids=["raises", "other name", "bare number", "nothing"],
)
def test_an_analysis_that_gives_no_result_is_an_error(tmp_path, pending):
    run = a_run(tmp_path)
    run.begin_step("power", "room")
    run.measure("tx_power", pending, lane=1)
    run.end_step()
    verdict, _, events = concluded(run)
    assert verdict == "ERROR"
    assert [m["verdict"] for m in of(events, "measurement")] == ["ERROR"]


def test_what_was_measured_is_given_back_at_its_corner_alone(tmp_path):
    run = a_run(tmp_path, None)
    run.begin_step("power", "room")
    run.measure("tx_power", done(good("tx_power")), lane=1)
    run.measure("tx_tdecq", NotMeasurable("closed", Cause.EYE_CLOSED), lane=1)
    assert run.value("tx_power", 1) == good("tx_power")
    assert (run.value("tx_tdecq", 1), run.was_measured("tx_tdecq", 1)) == (None, True)
    run.begin_step("power", "hot")
    assert (run.value("tx_power", 1), run.was_measured("tx_power", 1)) == (None, False)


def test_what_settles_later_is_written_as_judged(tmp_path):
    run = a_run(tmp_path, None)
    run.begin_step("eye", "room")
    run.measure("tx_tdecq", NotMeasurable("closed", Cause.EYE_CLOSED, instruments=("scope",)), lane=1)
    run.end_step()
    run.begin_step("power", "room")
    run.measure("tx_power", quantity(-40.0, instruments=("meter",)), lane=1)
    _, _, events = concluded(run)
    (judged,) = of(events, "judged")
    assert of(events, "measurement")[0]["verdict"] == "PENDING"
    assert (judged["name"], judged["lane"], judged["corner"], judged["verdict"]) == (
        "tx_tdecq",
        1,
        "room",
        "FAIL",
    )


# --- two instruments that look at the same thing -----------------------------------------------------


def meter(value, error=0.1, unit="dBm", bound=Bound.EXACT):
    return Quantity(value, unit, error, bound, instruments=("meter",))


@pytest.mark.parametrize(
    ("first", "second", "agree"),
    [
        (meter(1.0), meter(1.42), True),  # 1.5 x 2 x hypot(0.1, 0.1) = 0.424
        (meter(1.0), meter(1.43), False),
        (meter(1.43), meter(1.0), False),
        (meter(1.0, error=None), meter(1.0, error=None), True),
        (meter(1.0), meter(1.0, unit="dB"), False),
        (meter(1.0), meter(math.nan), False),
        (meter(1.0), meter(1.0, error=math.inf), False),
        (meter(-20.0, bound=Bound.UPPER), meter(-25.0), True),
        (meter(-60.0, bound=Bound.UPPER), meter(1.0), False),  # dark here, lit there
        (meter(1.0), meter(-15.0, bound=Bound.UPPER), False),
        (meter(-60.0, bound=Bound.UPPER), meter(-15.0, bound=Bound.UPPER), True),
        (meter(10.0, bound=Bound.LOWER), meter(12.0), True),
        (meter(10.0, bound=Bound.LOWER), meter(8.0), False),
        (None, meter(1.0), True),
    ],
)
def test_a_bench_that_disagrees_with_itself_is_an_error(tmp_path, first, second, agree):
    run = a_run(tmp_path)
    if agree:
        run.agree("average power", first, second, lane=1)
    else:
        with pytest.raises(BenchDisagrees, match="disagrees with itself: average power of lane 1") as caught:
            run.agree("average power", first, second, lane=1)
        assert "clean the connectors" in caught.value.remedy
    told = of(concluded(run)[2], "agreement")
    assert [event["agrees"] for event in told] == ([] if first is None else [agree])


def test_who_compares_gets_the_answer_and_the_record_has_it(tmp_path):
    run = a_run(tmp_path)
    run.begin_step("power", "room")
    found = run.compare("power behind the attenuator", meter(-8.0), meter(-7.0), lane=2)
    assert (found.agrees, found.difference) == (False, -1.0)
    (told,) = of(concluded(run)[2], "agreement")
    assert {k: told[k] for k in ("what", "lane", "corner", "values", "unit", "agrees")} == {
        "what": "power behind the attenuator",
        "lane": 2,
        "corner": "room",
        "values": [-8.0, -7.0],
        "unit": "dBm",
        "agrees": False,
    }
    assert told["instruments"] == ["meter", "meter"]
    assert told["uncertainty"] == pytest.approx(2 * math.hypot(0.1, 0.1))


# --- errors and the request to stop ------------------------------------------------------------------


def test_an_error_is_written_with_all_that_it_knows(tmp_path):
    run = a_run(tmp_path)
    error = InstrumentTimeout(
        "meter did not answer",
        instrument="meter",
        command="READ?",
        transcript=("> READ?",),
        remedy="check it",
    )
    run.error(error, doing="leaving the bench safe")
    verdict, reasons, events = concluded(run)
    assert verdict == "ERROR"
    assert reasons[0] == "ERROR: leaving the bench safe: meter did not answer"
    (told,) = of(events, "error")
    assert told["type"] == "InstrumentTimeout"
    assert [told[k] for k in ("instrument", "command", "transcript", "remedy")] == [
        "meter", "READ?", ["> READ?"], "check it",
    ]  # fmt: skip


def test_after_a_request_to_stop_nothing_more_is_measured(tmp_path):
    run = a_run(tmp_path)
    run.begin_step("power", "room")
    run.abort.request("SIGTERM")
    with pytest.raises(RunAborted):
        run.measure("tx_power", good("tx_power"), lane=1)
    with pytest.raises(RunAborted):
        run.begin_step("more", "room")
    verdict, reasons, _ = concluded(run)
    assert (verdict, reasons[0]) == ("ABORTED", "ABORTED: SIGTERM")


def test_a_step_is_on_the_disk_when_it_ends_and_the_run_when_it_closes(tmp_path, monkeypatch):
    run = a_run(tmp_path)
    deeds = []
    for name in ("sync", "seal"):
        monkeypatch.setattr(run.journal, name, lambda name=name: deeds.append(name))
    run.begin_step("power", "room")
    run.measure("tx_power", good("tx_power"), lane=1)
    assert deeds == []
    run.end_step()
    run.end_step()
    assert deeds == ["sync"]
    concluded(run)
    assert deeds == ["sync", "seal"]
