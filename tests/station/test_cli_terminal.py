"""What a technician sees while a run goes on and at its end, in 80 columns."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from station.record import RunRecord
from station.terminal import Progress, print_end, value_text

HEAD = {
    "event": "head",
    "run_id": "20260615T080000Z-DEMO-0001-aaaaaa",
    "serial": "DEMO-0001",
    "product": "400GBASE-DR4",
    "station": "DR4 bench 1",
    "simulated": True,
    "expected": [["tx_tdecq", lane, corner] for corner in ("cold", "hot") for lane in range(1, 11)],
    "corners": [{"name": "cold"}, {"name": "hot"}],
}


def value(number: float | None, unit: str, **others: Any) -> dict[str, Any]:
    return {"event": "measurement", "name": "tx_tdecq", "value": number, "unit": unit, "lane": 1, **others}


def drawn(progress: Progress, now: float) -> list[str]:
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    console.print(progress.render(now))
    text: str = console.file.getvalue()
    return [line.rstrip() for line in text.splitlines()]


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        (value(8.5e-08, "1", upper=2.4e-4), "8.50×10⁻⁸"),
        (value(-75.39, "dBm", bound="upper"), "≤ −75.39 dBm"),
        (value(1310.7389, "nm"), "1310.739 nm"),
        (value(3.0, "1"), "3"),
        (value(3.4004, "dB", upper=3.4), "3.4004 dB"),
        (value(70.25, "degC"), "70.25 °C"),
        (value(None, "dB"), "not measurable"),
        (value("nan", "dB"), "nan"),  # type: ignore[arg-type]
    ],
)
def test_values_are_written_as_people_read_them(event: dict[str, Any], shown: str) -> None:
    assert value_text(event) == shown


def test_the_live_display_says_where_the_run_is_and_fits_the_screen() -> None:
    progress = Progress(0.0)
    progress.take(HEAD, 0.0)
    progress.take({"event": "corner_started", "corner": "cold", "case_temperature_c": 0.0}, 1.0)
    assert "going to 0 °C" in drawn(progress, 1.0)
    title = "Outer OMA and extinction ratio, level mismatch, TDECQ, transition time and more noise"
    progress.take({"event": "corner_reached", "case_temperature_c": 0.21}, 2.0)
    progress.take({"event": "step_started", "title": title, "corner": "cold"}, 2.0)
    conditions = {"case_temperature_c": 0.34}
    said = {"corner": "cold", "verdict": "FAIL", "conditions": conditions}
    progress.take(value(3.61, "dB", step=1, **said), 3.0)
    lines = drawn(progress, 3.0)
    assert lines[0] == "DEMO-0001  400GBASE-DR4  on DR4 bench 1  (simulated)"
    assert lines[1] == "cold  corner 1 of 2  case 0.3 °C"
    assert " ".join(lines[2:4]) == title
    assert lines[4].endswith("1 of 20 values")
    assert lines[5].split() == ["tx_tdecq", "lane", "1", "3.61", "dB", "FAIL"]
    assert max(map(len, lines)) <= 80


def test_time_left_comes_from_the_values_then_from_the_corners() -> None:
    progress = Progress(0.0)
    progress.take(HEAD, 0.0)
    progress.take({"event": "corner_started", "corner": "cold", "case_temperature_c": 0.0}, 10.0)
    for lane in range(1, 11):
        progress.take(value(1.0, "dB", lane=lane, corner="cold"), 20.0)
    assert "10 of 20 values  about 20 s left" in "\n".join(drawn(progress, 20.0))
    progress.take({"event": "corner_started", "corner": "hot", "case_temperature_c": 70.0}, 110.0)
    assert "about 2 min left" in "\n".join(drawn(progress, 115.0))
    assert "left" not in "\n".join(drawn(progress, 300.0))


def test_a_request_to_stop_is_seen_at_once() -> None:
    progress = Progress(0.0)
    progress.take(HEAD, 0.0)
    progress.stopping = True
    assert "stopping: the bench is being made safe" in drawn(progress, 1.0)


def ended(verdict: str, tmp_path: Path, **events: list[dict[str, Any]]) -> list[str]:
    reasons = [f"{verdict}: tx_tdecq lane {lane} at hot: 3.61 dB is above 3.4 dB" for lane in range(1, 15)]
    closing = {"verdict": verdict, "reasons": reasons if verdict != "PASS" else []}
    record = RunRecord(tmp_path / str(HEAD["run_id"]), HEAD, [], events, closing)
    console = Console(file=io.StringIO(), width=80, force_terminal=False, highlight=False)
    print_end(console, record, report=record.folder / "report.html")
    text: str = console.file.getvalue()
    return [line.rstrip() for line in text.splitlines()]


def test_the_end_shows_the_verdict_why_and_what_next(tmp_path: Path) -> None:
    touch = "The bench is safe: no light, no power. Do not touch the transceiver yet: it is at 70 °C."
    lines = ended("FAIL", tmp_path, safe_state=[{"touch": touch}])
    text = "\n".join(lines)
    assert "F A I L" in text
    assert "DEMO-0001: a limit was missed" in text
    assert "  FAIL: tx_tdecq lane 12 at hot: 3.61 dB is above 3.4 dB" in lines
    assert "lane 13" not in text
    assert "  and 2 more: see the report" in lines
    assert "    is at 70 °C." in lines
    folder = tmp_path / str(HEAD["run_id"])
    assert f"Next:    photonbench show {folder}" in lines
    assert max(len(line) for line in lines if str(tmp_path) not in line) <= 80


def test_an_error_of_the_bench_is_shown_with_what_to_do_once(tmp_path: Path) -> None:
    error = {"message": "scope did not answer", "remedy": "check its power and network"}
    text = "\n".join(ended("ERROR", tmp_path, error=[error, error]))
    assert "DEMO-0001: the bench broke: test the unit again" in text
    assert text.count("What to do: check its power and network") == 1


def test_a_run_in_the_usual_folder_is_named_by_its_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = ended("PASS", tmp_path / "runs")
    assert f"Next:    photonbench show {HEAD['run_id']}" in lines
