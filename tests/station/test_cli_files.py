"""check and schema, and what `run` refuses before anything moves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from station.cli.group import photonbench
from station.config.loader import load_station
from station.files import driver_facts

CONFIGS = Path(__file__).parents[2] / "configs"
STATION = CONFIGS / "stations" / "dr4-bench.yaml"
PLAN = CONFIGS / "plans" / "dr4-final.yaml"
PRODUCT = CONFIGS / "products" / "400gbase-dr4.yaml"
GOOD = CONFIGS / "simulations" / "dr4-good.yaml"
RUN = ("--station", STATION, "--plan", PLAN)


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(photonbench, [str(word) for word in arguments], prog_name="photonbench")


def changed(source: Path, folder: Path, old: str, new: str) -> Path:
    text = source.read_text()
    assert old in text
    path = folder / source.name
    path.write_text(text.replace(old, new, 1))
    return path


def test_shipped_files_are_good_alone_whatever_the_day() -> None:
    checked = invoke("check", STATION, PLAN, PRODUCT, GOOD)
    assert checked.exit_code == 0, checked.stdout
    assert [line.rpartition(": ")[2] for line in checked.stdout.splitlines()] == ["good"] * 4


def test_shipped_files_are_good_together_by_the_simulated_clock() -> None:
    checked = invoke("check", *RUN, "--simulation", GOOD, "--json")
    document = json.loads(checked.stdout)
    assert (checked.exit_code, document["errors"], document["problems"]) == (0, 0, [])
    assert str(PLAN) in document["good"]


def test_every_problem_of_every_file_is_printed_with_its_place(tmp_path: Path) -> None:
    station = changed(STATION, tmp_path, "visa: '@py'", "vissa: '@py'")
    plan = changed(PLAN, tmp_path, "tolerance_c: 1.0", "tolerance_c: one")
    checked = invoke("check", station, GOOD, plan)
    lines = checked.stdout.splitlines()
    assert checked.exit_code == 2
    assert len(lines) == 2
    line = (
        station.read_text()
        .splitlines()
        .index(next(t for t in station.read_text().splitlines() if "vissa" in t))
    )
    assert lines[0].startswith(f"{station}:{line + 1}:1: ")
    assert "did you mean 'visa'?" in lines[0]
    assert lines[1].startswith(f"{plan}:")


def test_a_problem_as_json_has_place_and_suggestion(tmp_path: Path) -> None:
    station = changed(STATION, tmp_path, "model: Keysight N7744A", "model: Keysight N7744")
    checked = invoke("check", station, "--json")
    (problem,) = json.loads(checked.stdout)["problems"]
    assert checked.exit_code == 2
    assert problem["where"] == "instruments.power_meter.model"
    assert problem["suggestion"] == "Keysight N7744A"
    assert problem["line"] > 1


def test_a_scope_without_a_clock_is_refused_by_check_and_by_run(tmp_path: Path) -> None:
    station = changed(STATION, tmp_path, "- {from: bert.M1.ClkOut, to: scope.clock, cable: E-009}", "[]")
    assert "has no clock" in invoke("check", station).stdout
    refused = invoke("run", "--station", station, "--plan", PLAN, "--serial", "DEMO-0001", "--simulate")
    assert refused.exit_code == 2
    assert "has no clock" in refused.stderr


def test_what_the_drivers_know_names_every_model_and_the_scope_trigger() -> None:
    facts = driver_facts(load_station(STATION).value)
    assert facts["Keysight N1092D"].clock_port == "clock"
    assert facts["Keysight N7744A"].clock_port is None
    assert "Keysight N7745A" in facts


def test_overdue_calibration_blocks_a_run_and_only_warns_where_the_station_says_so(tmp_path: Path) -> None:
    late = ("--date", "2031-01-01")
    blocked = invoke("check", *RUN, *late)
    assert blocked.exit_code == 2
    assert "calibration of power_meter was due on" in blocked.stdout
    assert invoke("check", *RUN, "--date", "2026-06-15").exit_code == 0
    lenient = changed(STATION, tmp_path, "calibration_overdue: block", "calibration_overdue: warn")
    warned = invoke("check", "--station", lenient, "--plan", PLAN, *late)
    assert warned.exit_code == 0
    assert ": warning: " in warned.stdout


def test_a_parameter_that_the_physics_does_not_have_is_found_before_a_run(tmp_path: Path) -> None:
    odd = changed(GOOD, tmp_path, "transceiver: {}", "transceiver: {colour: 3.0}")
    checked = invoke("check", *RUN, "--simulation", odd, "--json")
    assert checked.exit_code == 2
    assert "colour" in json.loads(checked.stdout)["problems"][0]["what"]


@pytest.mark.parametrize("words", [(), (STATION, "--plan", PLAN), ("--station", STATION)])
def test_check_wants_files_or_a_station_with_a_plan(words: tuple[object, ...]) -> None:
    wrong = invoke("check", *words)
    assert wrong.exit_code == 2
    assert "--station and --plan" in wrong.stderr


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    checked = invoke("check", tmp_path / "none.yaml")
    assert (checked.exit_code, checked.stdout) == (2, f"{tmp_path}/none.yaml: there is no such file\n")


def test_schemas_are_printed_as_one_document_or_written_as_files(tmp_path: Path) -> None:
    printed = json.loads(invoke("schema").stdout)
    assert sorted(printed) == ["plan", "product", "simulation", "station"]
    written = json.loads(invoke("schema", "--out", tmp_path / "s", "--json").stdout)["files"]
    assert [Path(name).name for name in written] == [f"{kind}.schema.json" for kind in printed]
    assert json.loads((tmp_path / "s" / "plan.schema.json").read_text()) == printed["plan"]


def test_a_schema_folder_that_cannot_be_made_says_where(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("a file")
    failed = invoke("schema", "--out", tmp_path / "s")
    assert failed.exit_code == 2
    assert str(tmp_path / "s") in failed.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--serial", "x", "--simulate"), "is no serial number of 400GBASE-DR4"),
        (("--simulate",), "--serial is missing"),
        (("--serial", "DEMO-0001", "--simulation", GOOD), "--simulation needs --simulate"),
        (("--serial", "DEMO-0001", "--simulate", "--slot", "3"), "the station has no slot 3"),
        (("--serial", "DEMO-0001", "--simulate", "--product", "none.yaml"), "there is no such file"),
    ],
)
def test_run_refuses_what_it_cannot_run(words: tuple[object, ...], said: str) -> None:
    refused = invoke("run", *RUN, *words)
    assert refused.exit_code == 2
    assert said in refused.stderr
    assert refused.stdout == ""


def test_a_dry_run_says_what_would_run_and_moves_nothing(tmp_path: Path) -> None:
    done = invoke("run", *RUN, "--serial", "DEMO-0001", "--simulate", "--dry-run", "--out", tmp_path / "runs")
    assert done.exit_code == 0
    assert "values at 3 corners" in done.stdout
    assert not (tmp_path / "runs").exists()


def test_an_unknown_command_names_the_nearest() -> None:
    wrong = invoke("chek")
    assert wrong.exit_code == 2
    assert "did you mean 'check'?" in wrong.stderr
