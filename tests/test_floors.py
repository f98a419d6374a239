"""The house: a room imports only what stands below it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = {
    "measurements": set(),
    "instruments": {"measurements"},
    "simulation": {"measurements.units", "measurements.patterns"},
    "station": {"measurements", "instruments", "simulation"},
    "fixtures": {"measurements", "instruments", "station"},
    "sequences": {"measurements", "instruments", "fixtures", "station"},
}
ROOMS = tuple(ALLOWED)
SIMULATION_DOORS = {"station/twin.py", "station/cli/simulate.py"}


def imported_modules(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] in ROOMS}


def files_of(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def within(name: str, allowed: set[str]) -> bool:
    return any(name == one or name.startswith(one + ".") for one in allowed)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_stands_below_it(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files_of(room)
        for name in sorted(imported_modules(path))
        if not within(name, ALLOWED[room] | {room})
    ]
    assert wrong == []


def test_only_the_twin_opens_the_door_to_the_simulation() -> None:
    doors = {
        str(path.relative_to(ROOT))
        for path in files_of("station")
        if any(name.startswith("simulation") for name in imported_modules(path))
    }
    assert doors <= SIMULATION_DOORS


def test_only_station_config_reads_yaml() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for room in ROOMS
        for path in files_of(room)
        if "import yaml" in path.read_text() or "from yaml" in path.read_text()
    }
    assert all(name.startswith("station/config/") for name in readers)


def test_no_room_sleeps_on_the_wall_clock() -> None:
    sleepers = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for room in ROOMS
        for path in files_of(room)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr == "sleep"
        and isinstance(node.value, ast.Name)
        and node.value.id == "time"
    ]
    assert [name for name in sleepers if not name.startswith("instruments/clock.py")] == []


BLOCK_SIMULATION = """
import importlib, pkgutil, sys

class NoSimulation:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "simulation":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, NoSimulation())
for room in ("instruments", "measurements", "sequences"):
    package = importlib.import_module(room)
    for module in pkgutil.walk_packages(package.__path__, room + "."):
        importlib.import_module(module.name)
"""


def test_hardware_rooms_import_with_the_simulation_taken_away() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCK_SIMULATION], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
