"""discover and simulate: what answers, and instruments that anyone can reach."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import pyvisa
from click.testing import CliRunner, Result

from instruments.catalog import installed_drivers, open_instrument
from instruments.clock import WallClock
from instruments.errors import InstrumentTimeout
from station.cli.group import photonbench
from station.cli.output import errors_told
from station.config.loader import load_station

ROOT = Path(__file__).parents[2]
STATION = ROOT / "configs/stations/dr4-bench.yaml"
FAULTY = """\
schema: photonbench/simulation/1
name: one silent instrument
epoch: 2026-06-15T08:00:00Z
profile: 400gbase-dr4
unit: {spread: 1.0, transceiver: {}, lanes: {}}
identity: {}
link_errors: true
faults: [{instrument: thermal_head, kind: silent}]
"""


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(photonbench, [str(word) for word in arguments], prog_name="photonbench")


def test_discover_finds_every_instrument_of_the_simulated_bench_and_its_driver() -> None:
    found = json.loads(invoke("discover", "--visa", f"{STATION}@photonbench", "--json").stdout)["resources"]
    listed = load_station(STATION).value.instruments
    assert {one["address"]: one["model"] for one in found} == {
        entry.address: entry.model for entry in listed.values()
    }
    assert all(one["serial"].startswith("SIM") for one in found)


def test_what_discover_prints_as_yaml_loads_as_the_instruments_of_a_station(tmp_path: Path) -> None:
    text = STATION.read_text()
    block = invoke("discover", "--visa", f"{STATION}@photonbench", "--yaml").stdout
    head, rest = text.split("instruments:\n", 1)
    after = rest[rest.index("# Passive pieces.") :]
    station = tmp_path / "station.yaml"
    station.write_text(f"{head}{block}\n{after}")
    loaded = load_station(station).value.instruments
    listed = load_station(STATION).value.instruments
    assert {name: entry.model for name, entry in loaded.items()} == {
        name: entry.model for name, entry in listed.items()
    }
    assert loaded["power_meter"].serial is not None
    assert loaded["switch"].calibration_due is None
    checked = invoke("check", station, "--date", "2026-06-15")
    assert "calibration of power_meter was due on 2000-01-01" in checked.stdout


def test_a_visa_library_that_does_not_open_says_what_would() -> None:
    failed = invoke("discover", "--visa", "nothing.so@ivi")
    assert failed.exit_code == 2
    assert "nothing.so@ivi" in failed.stderr
    assert "@py" in failed.stderr
    missing = invoke("discover", "--visa", "none.yaml@photonbench")
    assert missing.exit_code == 2
    assert "none.yaml: there is no such file" in missing.stderr


def test_yaml_and_json_together_are_refused() -> None:
    assert invoke("discover", "--yaml", "--json").exit_code == 2


@pytest.fixture
def served(tmp_path: Path) -> subprocess.Popen[str]:
    simulation = tmp_path / "silent.yaml"
    simulation.write_text(FAULTY)
    words = ["simulate", "--station", STATION, "--simulation", simulation, "--port-base", 0, "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "station.cli", *map(str, words)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        process.kill()


def opened(manager: Any, row: dict[str, str]) -> Any:
    driver = installed_drivers().visa_driver(row["model"])
    return open_instrument(driver, manager, row["resources"]["socket"], name=row["name"], clock=WallClock())


def draws_current(supply: Any, meter: Any) -> bool:
    WallClock().sleep(0.1)
    meter.read_power("1", wavelength_nm=1311.0)  # who looks for light lets the transceiver go on
    return bool(supply.read_current_a("1") > 0.05)


def test_simulated_instruments_answer_over_tcp_until_sigterm(served: subprocess.Popen[str]) -> None:
    assert served.stdout is not None
    rows = {row["name"]: row for row in json.loads(served.stdout.readline())["instruments"]}
    assert list(rows) == list(load_station(STATION).value.instruments)
    manager = pyvisa.ResourceManager("@py")
    with manager.open_resource(rows["scope"]["resources"]["socket"]) as scope:
        scope.read_termination = scope.write_termination = "\n"
        assert scope.query("*IDN?") == rows["scope"]["identity"]
    with manager.open_resource(rows["thermal_head"]["resources"]["socket"]) as head:
        head.read_termination = head.write_termination = "\n"
        head.timeout = 200
        with pytest.raises(pyvisa.errors.VisaIOError):
            head.query("*IDN?")
    supply, switch, meter = (opened(manager, rows[name]) for name in ("supply", "switch", "power_meter"))
    supply.supply("1", voltage_v=3.3, current_limit_a=3.5)
    switch.select("M1", 2)  # lane 1 to the power meter
    assert any(draws_current(supply, meter) for _ in range(50)), "the transceiver starts with its supply"
    for driver in (supply, switch, meter):
        driver.close()
    manager.close()
    served.send_signal(signal.SIGTERM)
    assert served.wait(10) == 0
    assert served.stdout.read() == ""


def test_a_port_that_is_taken_is_told_with_a_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        failed = invoke("simulate", "--station", STATION, "--port-base", taken.getsockname()[1])
    assert failed.exit_code == 2
    assert "choose another --port-base" in failed.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--port-base", 65530, "--transport", "socket"), "port 65539 does not exist"),
        (("--transport", "socket,carrier-pigeon"), "'carrier-pigeon' is none of socket"),
        (("--serial", "x"), "is no serial number of 400GBASE-DR4"),
        (("--simulation", "none.yaml"), "none.yaml: there is no such file"),
    ],
)
def test_simulate_refuses_what_it_cannot_serve(words: tuple[object, ...], said: str) -> None:
    failed = invoke("simulate", "--station", STATION, *words)
    assert failed.exit_code == 2
    assert said in failed.stderr
    assert failed.stdout == ""


def test_a_model_without_a_twin_is_refused_by_name(tmp_path: Path) -> None:
    station = tmp_path / "station.yaml"
    station.write_text(STATION.read_text().replace("model: Keysight N7744A", "model: Keysight N7745A"))
    failed = invoke("simulate", "--station", station)
    assert failed.exit_code == 2
    assert "'Keysight N7745A' has no twin" in failed.stderr


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (KeyboardInterrupt(), 130, "aborted"),
        (InstrumentTimeout("scope did not answer", remedy="check its cable"), 3, "check its cable"),
        (PermissionError(13, "Permission denied", "runs"), 2, "runs: Permission denied"),
    ],
)
def test_what_goes_wrong_has_its_exit_status_and_words(
    error: BaseException, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended, errors_told(True):
        raise error
    printed = capsys.readouterr()
    assert ended.value.code == status
    assert said in printed.err
    assert json.loads(printed.out)["error"]
