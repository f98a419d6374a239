"""runs, show and report, over journals written here."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from station.cli.group import photonbench
from station.journal import FILE_NAME, Journal

TDECQ = {
    "unit": "dB",
    "per": "lane",
    "lower": None,
    "upper": "3.4",
    "layer": "standard",
    "source": "clause 124",
}
WRITTEN = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(photonbench, [str(word) for word in arguments], prog_name="photonbench")


def write_run(
    out: Path,
    run_id: str,
    serial: str,
    verdict: str | None = "PASS",
    *,
    values: tuple[float, ...] = (1.34, 1.41),
    later: timedelta = timedelta(0),
    **head: object,
) -> Path:
    """Write the journal of a run with the TDECQ of some lanes; `later` moves all its times."""
    journal = Journal(out / run_id, lambda: WRITTEN + later)
    about = {"serial": serial, "product": "400GBASE-DR4", "plan": "final test", "station": "DR4 bench 1"}
    about |= {"attempt": 1, "simulated": True, "seed": 7, "partial": False, "limits": {"tx_tdecq": TDECQ}}
    about |= {"corners": [{"name": "room", "case_temperature_c": 25.0, "supply_v": 3.3}]}
    about |= {"expected": [["tx_tdecq", lane, "room"] for lane in (1, 2)], "run_id": run_id}
    about |= {"started": (WRITTEN + later).isoformat(), "host": {"name": f"host{later}"}}
    journal.append("head", **(about | head))
    reasons = []
    for lane, value in enumerate(values, start=1):
        judged = "PASS" if value <= 3.4 else "FAIL"
        reason = "" if judged == "PASS" else f"{value:g} dB is above 3.4 dB"
        reasons += [f"FAIL: tx_tdecq lane {lane} at room: {reason}"] if reason else []
        said = {"value": value, "unit": "dB", "verdict": judged, "reason": reason, "margin": 3.4 - value}
        said |= {"standard_error": 0.01, "lower": None, "upper": 3.4, "bound": "exact", "evidence": {}}
        journal.append("measurement", name="tx_tdecq", lane=lane, corner="room", **said)
    if verdict == "ERROR":
        error = "scope (Keysight N1092D) did not answer '*OPC?' within 20.0 s"
        transcript = ["12.302 > *OPC?", "32.302 ! no answer within 20.0 s"]
        remedy = "check its power and network"
        journal.append("error", message=error, remedy=remedy, type="InstrumentTimeout", transcript=transcript)
        reasons.append(f"ERROR: {error}")
    if verdict is not None:
        journal.append("verdict", verdict=verdict, reasons=reasons, seconds=12.5 + later.total_seconds())
    journal.close()
    return out / run_id


@pytest.fixture
def out(tmp_path: Path) -> Path:
    write_run(tmp_path, "20260615T080000Z-DEMO-0001-aaaaaa", "DEMO-0001")
    write_run(
        tmp_path, "20260615T090000Z-DEMO-0001-bbbbbb", "DEMO-0001", "FAIL", values=(1.3, 3.61), attempt=2
    )
    write_run(tmp_path, "20260615T100000Z-DEMO-0002-cccccc", "DEMO-0002", None, simulated=False)
    write_run(tmp_path, "20260615T110000Z-DEMO-0003-dddddd", "DEMO-0003", "ERROR", values=(1.3,))
    write_run(tmp_path, "20260615T120000Z-DEMO-0004-eeeeee", "DEMO-0004", partial=True, plan=None)
    return tmp_path


def test_runs_are_listed_oldest_first_with_what_a_technician_looks_for(out: Path) -> None:
    listed = invoke("runs", "--out", out)
    rows = [line.split() for line in listed.stdout.splitlines() if "DEMO" in line]
    assert [row[0] for row in rows] == ["aaaaaa", "bbbbbb", "cccccc", "dddddd", "eeeeee"]
    assert rows[1] == ["bbbbbb", "2026-06-15", "08:00", "DEMO-0001", "FAIL", "2", "simulated", "400GBASE-DR4"]
    assert [row[4] for row in rows] == ["PASS", "FAIL", "UNFINISHED", "ERROR", "PARTIAL"]
    assert rows[2][6] == "real"
    assert max(map(len, listed.stdout.splitlines())) <= 80


def test_runs_as_json_is_one_document(out: Path) -> None:
    listed = json.loads(invoke("runs", "--out", out, "--json").stdout)["runs"]
    assert [row["verdict"] for row in listed] == ["PASS", "FAIL", "UNFINISHED", "ERROR", "PASS"]
    assert listed[4]["partial"] is True
    assert listed[0]["run_id"] == "20260615T080000Z-DEMO-0001-aaaaaa"


def test_no_runs_is_said_on_stderr_and_is_no_error(tmp_path: Path) -> None:
    listed = invoke("runs", "--out", tmp_path / "nowhere")
    assert (listed.exit_code, listed.stdout) == (0, "")
    assert "no runs in" in listed.stderr
    assert json.loads(invoke("runs", "--out", tmp_path, "--json").stdout)["runs"] == []


def test_a_journal_torn_in_its_last_line_is_listed_as_unfinished(out: Path) -> None:
    path = out / "20260615T080000Z-DEMO-0001-aaaaaa" / FILE_NAME
    path.write_bytes(path.read_bytes()[:-20])
    rows = json.loads(invoke("runs", "--out", out, "--json").stdout)["runs"]
    assert rows[0]["verdict"] == "UNFINISHED"
    assert "NO VERDICT" in invoke("show", "aaaaaa", "--out", out).stdout


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("DEMO-0001", "bbbbbb"),
        ("aaaaaa", "aaaaaa"),
        ("20260615T08", "aaaaaa"),
        ("20260615T080000Z-DEMO-0001-aaaaaa", "aaaaaa"),
        ("20260615T", "eeeeee"),
    ],
)
def test_a_run_is_found_by_serial_id_or_its_ends_and_the_newest_wins(
    out: Path, name: str, found: str
) -> None:
    shown = json.loads(invoke("show", name, "--out", out, "--json").stdout)
    assert shown["run_id"].endswith(found)


def test_a_run_is_found_by_its_folder(out: Path) -> None:
    folder = out / "20260615T090000Z-DEMO-0001-bbbbbb"
    assert json.loads(invoke("show", folder, "--json").stdout)["verdict"] == "FAIL"


def test_show_gives_verdict_reasons_limits_and_margins_in_80_columns(out: Path) -> None:
    shown = invoke("show", "bbbbbb", "--out", out)
    lines = shown.stdout.splitlines()
    assert lines[0] == "FAIL  DEMO-0001"
    assert "- FAIL: tx_tdecq lane 2 at room: 3.61 dB is above 3.4 dB" in lines
    assert "room: 25 °C, 3.3 V" in lines
    rows = [line.split() for line in lines if "dB" in line and "≤" in line]
    assert rows == [
        ["tx_tdecq", "1", "1.30", "dB", "≤", "3.4", "+2.10", "PASS"],
        ["2", "3.61", "dB", "≤", "3.4", "−0.21", "FAIL"],
    ]
    body = [line for line in lines if str(out) not in line]
    assert max(map(len, body)) <= 80
    assert shown.exit_code == 0


def test_show_tells_errors_with_remedy_transcript_and_what_never_came(out: Path) -> None:
    text = invoke("show", "DEMO-0003", "--out", out).stdout
    assert text.startswith("ERROR  DEMO-0003\n")
    assert "What to do: check its power and network" in text
    assert "32.302 ! no answer within 20.0 s" in text
    assert "TX TDECQ at room, lane 2" in text


def test_show_of_a_partial_run_never_says_pass(out: Path) -> None:
    assert invoke("show", "DEMO-0004", "--out", out).stdout.startswith("PARTIAL  DEMO-0004\n")


def test_show_writes_control_characters_by_their_code(tmp_path: Path) -> None:
    write_run(tmp_path, "r-1", "DEMO\x1b[31m")
    text = invoke("show", "r-1", "--out", tmp_path).stdout
    assert "\x1b" not in text
    assert "DEMO\\u001b[31m" in text


def test_canonical_is_equal_for_equal_runs_whatever_their_id_time_and_host(tmp_path: Path) -> None:
    write_run(tmp_path, "a-1", "DEMO-0001")
    write_run(tmp_path, "b-2", "DEMO-0001", later=timedelta(days=3))
    write_run(tmp_path, "c-3", "DEMO-0001", values=(1.34, 1.42))
    first, second, other = (
        invoke("show", run, "--out", tmp_path, "--canonical").stdout_bytes for run in ("a-1", "b-2", "c-3")
    )
    assert first == second != other
    document = json.loads(first)
    assert document["measurements"][0]["value"] == 1.34
    assert list(document) == sorted(document)


@pytest.mark.parametrize("command", ["show", "report"])
def test_an_unknown_run_names_the_nearest_and_what_lists_them(out: Path, command: str) -> None:
    failed = invoke(command, "DEMO-001", "--out", out)
    assert (failed.exit_code, failed.stdout) == (2, "")
    assert "did you mean 'DEMO-000" in failed.stderr
    assert "photonbench runs --out" in failed.stderr
    as_json = invoke(command, "X", "--out", out / "empty", "--json")
    assert as_json.exit_code == 2
    assert "there are no runs in" in json.loads(as_json.stdout)["error"]


def test_report_writes_the_page_anew_and_prints_its_path(out: Path) -> None:
    done = invoke("report", "DEMO-0001", "--out", out)
    path = Path(done.stdout.strip())
    assert path == out / "20260615T090000Z-DEMO-0001-bbbbbb" / "report.html"
    assert "DEMO-0001" in path.read_text()
    path.write_text("old")
    assert json.loads(invoke("report", "bbbbbb", "--out", out, "--json").stdout)["report"] == str(path)
    assert path.read_text() != "old"


def test_a_report_that_cannot_be_written_says_where(out: Path) -> None:
    folder = out / "20260615T080000Z-DEMO-0001-aaaaaa"
    (folder / "report.html").mkdir()
    failed = invoke("report", "aaaaaa", "--out", out)
    assert failed.exit_code == 2
    assert "report.html" in failed.stderr
