import pytest

from measurements.quantity import Cause, NotMeasurable
from station import record
from station.journal import Journal
from tests.station.core_kit import Ticks, a_run, concluded, good, quantity


def write(out, run_id, *events, serial="PB26-0001"):
    journal = Journal(out / run_id, Ticks().utc)
    journal.append("head", run_id=run_id, serial=serial, simulated=True, seed=3, started=run_id)
    for kind, fields in events:
        journal.append(kind, **fields)
    journal.close()
    return out / run_id


def measurement(name="tx_power", lane=1, corner="room", verdict="PASS", **more):
    return "measurement", {
        "name": name,
        "lane": lane,
        "corner": corner,
        "verdict": verdict,
        "step": 1,
        **more,
    }


def test_what_settled_later_overrules_what_was_pending(tmp_path):
    run = a_run(tmp_path, None)
    run.begin_step("eye", "room")
    run.measure("tx_tdecq", NotMeasurable("closed", Cause.EYE_CLOSED, instruments=("scope",)), lane=1)
    run.measure("tx_tdecq", NotMeasurable("closed", Cause.EYE_CLOSED, instruments=("scope",)), lane=2)
    run.end_step()
    run.begin_step("power", "room")
    run.measure("tx_power", quantity(-40.0, instruments=("meter",)), lane=1)
    run.measure("tx_power", good("tx_power", instruments=("meter",)), lane=2)
    assert concluded(run)[0] == "ERROR"
    loaded = record.load(run.journal.folder)
    told = [(m["name"], m["lane"], m["verdict"]) for m in loaded.measurements]
    assert told == [
        ("tx_tdecq", 1, "FAIL"), ("tx_tdecq", 2, "ERROR"), ("tx_power", 1, "FAIL"), ("tx_power", 2, "PASS"),
    ]  # fmt: skip
    assert "confirmed by tx_power" in loaded.measurements[0]["reason"]
    assert "judged" not in loaded.events
    assert loaded.measurements[0]["cause"] == "eye closed"


def test_a_run_that_died_has_no_verdict_and_keeps_what_it_measured(tmp_path):
    folder = write(tmp_path, "r1", measurement())
    with (folder / "journal.jsonl").open("ab") as file:
        file.write(b'{"seq":2,"event":"verd')
    loaded = record.load(folder)
    assert (loaded.verdict, loaded.serial, len(loaded.measurements)) == (None, "PB26-0001", 1)
    assert [event["line"] for event in loaded.of("torn")] == [3]
    assert loaded.summary()["verdict"] == "UNFINISHED"
    assert loaded.summary()["seconds"] is None


def test_the_summary_has_what_a_reader_of_json_is_promised(tmp_path):
    more = {"value": 1.0, "unit": "dBm", "standard_error": 0.1, "lower": 0.0, "upper": 2.0, "reason": ""}
    event = measurement(**more, limit_source="a clause", conditions={"case_temperature_c": 25.0})
    folder = write(
        tmp_path,
        "r1",
        event,
        ("error", {"message": "silent"}),
        ("verdict", {"verdict": "ERROR", "seconds": 4.5}),
    )
    summary = record.load(folder).summary()
    assert set(summary) >= {
        "run_id",
        "serial",
        "verdict",
        "simulated",
        "attempt",
        "measurements",
        "report",
        "seconds",
    }
    assert set(summary["measurements"][0]) >= {
        "name", "value", "unit", "lane", "conditions", "lower", "upper", "limit_source", "standard_error",
        "verdict", "reason",
    }  # fmt: skip
    assert (summary["verdict"], summary["seconds"], summary["errors"][0]["message"]) == (
        "ERROR",
        4.5,
        "silent",
    )
    assert summary["report"].endswith("r1/report.html")


def test_two_runs_of_one_seed_differ_in_nothing_canonical(tmp_path):
    verdict = ("verdict", {"verdict": "PASS", "reasons": [], "seconds": 1.0})
    one = write(tmp_path, "r1", measurement(value=1.0), ("safe_state", {"steps": []}), verdict)
    two = write(tmp_path, "r2", measurement(value=1.0), ("safe_state", {"steps": []}), verdict)
    other = write(tmp_path, "r3", measurement(value=1.1), ("safe_state", {"steps": []}), verdict)
    first, second, third = (record.load(folder).canonical() for folder in (one, two, other))
    assert first == second != third
    assert "r1" not in str(first)
    assert "utc" not in str(first)


def test_runs_are_listed_oldest_first_and_counted_by_serial_number(tmp_path):
    for run_id, serial in (("b", "PB26-0001"), ("a", "PB26-0002"), ("c", "PB26-0001")):
        write(tmp_path, run_id, serial=serial)
    (tmp_path / "no-run").mkdir()
    assert [record.load(folder).run_id for folder in record.run_folders(tmp_path)] == ["a", "b", "c"]
    assert [record.attempts(tmp_path, serial) for serial in ("PB26-0001", "PB26-0002", "PB26")] == [2, 1, 0]
    assert record.run_folders(tmp_path / "none") == []


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("20260615T080000Z-PB26-0001-aaaaaa", "20260615T080000Z-PB26-0001-aaaaaa"),
        ("20260615T0800", "20260615T080000Z-PB26-0001-aaaaaa"),
        ("aaaaaa", "20260615T080000Z-PB26-0001-aaaaaa"),
        ("PB26-0001", "20260615T090000Z-PB26-0001-bbbbbb"),
        ("PB26", None),
        ("", None),
    ],
)
def test_a_run_is_found_by_its_id_or_its_newest_serial_number(tmp_path, name, found):
    for run_id in ("20260615T080000Z-PB26-0001-aaaaaa", "20260615T090000Z-PB26-0001-bbbbbb"):
        write(tmp_path, run_id)
    loaded = record.find(tmp_path, name)
    assert (None if loaded is None else loaded.run_id) == found
    assert record.find(tmp_path / "none", str(tmp_path / "20260615T080000Z-PB26-0001-aaaaaa")) is not None
