"""Make a bench safe whose own process is gone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NoReturn

from instruments.catalog import installed_drivers
from instruments.clock import WallClock
from instruments.cmis import ModuleManagement
from station.bench import Bench
from station.journal import Journal
from station.opening import Prepared
from station.safety import SafetyStep, touch_words


def rescue(prepared: Prepared, journal: Journal) -> list[SafetyStep]:
    """Open what can hurt, make it safe, and write down what came of it.

    Nothing is known of what the dead process left behind, so every step is tried.
    """
    station = prepared.files.station.value
    bench = Bench(station, prepared.ground.manager(station.visa), installed_drivers(), WallClock())
    try:
        steps = list(bench.make_safe(*_ways_to_the_transceiver(prepared)))
    finally:
        bench.close()
    journal.append("safe_state", steps=[step.told() for step in steps], touch=touch_words(steps, None))
    return steps


def _ways_to_the_transceiver(prepared: Prepared) -> tuple[Callable[[], None], Callable[[], None] | None]:
    """Give how its transmitters are disabled, and how its board takes its power away."""
    request = prepared.request
    try:
        board = prepared.ground.board(prepared.files.station.value.slot(request.slot))
    except Exception as error:  # a board that cannot be opened must not keep the instruments from safety
        return partial(_raise, error), None
    name = f"transceiver {request.serial} in slot {request.slot}"
    management = ModuleManagement(board, WallClock(), name=name)
    power_off = partial(board.switch_power, False) if board.drives_power else None
    return management.disable_transmitters, power_off


def _raise(error: Exception) -> NoReturn:
    raise error
