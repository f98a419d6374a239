import xml.etree.ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from station.record import RunRecord
from station.reports.junit import write_junit


def suite_of(tmp_path, *measurements, errors=(), expected=(), verdict="PASS"):
    record = RunRecord(
        tmp_path,
        head={"serial": "PB26-0001", "expected": [list(key) for key in expected]},
        measurements=list(measurements),
        events={"error": [{"type": "InstrumentTimeout", "message": message} for message in errors]},
        closing={"verdict": verdict} if verdict else None,
    )
    write_junit(record, tmp_path / "new" / "junit.xml")
    return ET.parse(tmp_path / "new" / "junit.xml").getroot()


def measured(verdict, *, lane=1, reason=""):
    return {"name": "tx_power", "lane": lane, "corner": "room", "verdict": verdict, "reason": reason}


def counted(suite):
    return tuple(int(suite.get(name)) for name in ("tests", "failures", "errors"))


def test_each_measurement_is_a_case_and_each_verdict_is_what_ci_calls_it(tmp_path):
    suite = suite_of(
        tmp_path,
        measured("PASS"),
        measured("FAIL", lane=2, reason="9 dBm is above 4 dBm"),
        measured("ERROR", lane=3, reason="not a number"),
        measured("PENDING", lane=4),
        errors=["meter did not answer"],
        verdict="ERROR",
    )
    assert counted(suite) == (5, 1, 3)
    names = [(case.get("classname"), case.get("name"), [kind.tag for kind in case]) for case in suite]
    assert names == [
        ("tx_power", "room lane 1", []),
        ("tx_power", "room lane 2", ["failure"]),
        ("tx_power", "room lane 3", ["error"]),
        ("tx_power", "room lane 4", ["error"]),
        ("bench", "InstrumentTimeout", ["error"]),
    ]
    assert suite.find(".//failure").get("message") == "9 dBm is above 4 dBm"


def test_what_was_planned_and_never_measured_is_an_error(tmp_path):
    expected = [("tx_power", 1, "room"), ("tx_power", 2, "room"), ("supply_power", None, "room")]
    suite = suite_of(tmp_path, measured("PASS"), expected=expected, verdict="ERROR")
    assert counted(suite) == (3, 0, 2)
    assert [case.get("name") for case in suite][1:] == ["room lane 2", "room"]


def test_what_the_plan_left_out_after_its_first_fail_is_skipped(tmp_path):
    expected = [("tx_power", 1, "room"), ("tx_power", 2, "room")]
    suite = suite_of(tmp_path, measured("FAIL"), expected=expected, verdict="FAIL")
    assert (counted(suite), suite.get("skipped")) == ((2, 1, 0), "1")


@pytest.mark.parametrize("verdict", ["ABORTED", "ERROR", None])
def test_a_run_that_is_no_pass_never_looks_like_one(tmp_path, verdict):
    """An aborted or unfinished run, or one whose error is in its reasons alone."""
    assert counted(suite_of(tmp_path, measured("PASS"), verdict=verdict))[2] == 1


def test_a_pass_has_no_failure(tmp_path):
    assert counted(suite_of(tmp_path, measured("PASS"), expected=[("tx_power", 1, "room")])) == (1, 0, 0)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text())
def test_garbage_from_an_instrument_leaves_the_file_readable(tmp_path, text):
    suite = suite_of(tmp_path, measured("FAIL", reason=f"a{text}b"), errors=[text], verdict="ERROR")
    message = suite.find(".//failure").get("message")
    assert (message[0], message[-1], len(message)) == ("a", "b", len(text) + 2)
