"""The files of one run, as the request names them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from station.config.check_product import check_product
from station.config.check_station import check_station
from station.config.files import RunFiles, check_files, load_files
from station.config.loader import Loaded, load_product, load_simulation, load_station
from station.config.plan_file import Plan
from station.config.problems import FilesError, Problem
from station.config.product_file import Product
from station.config.sequence_source import CHECKOUT
from station.config.simulation_file import Simulation
from station.config.station_file import Station
from station.request import RunRequest

GOOD = CHECKOUT / "configs" / "simulations" / "dr4-good.yaml"


@dataclass(frozen=True, slots=True)
class ChosenFiles:
    """The files of one run; without a plan the run is partial."""

    station: Loaded[Station]
    product: Loaded[Product]
    plan: Loaded[Plan] | None
    simulation: Loaded[Simulation] | None

    def named(self) -> Iterator[tuple[str, Loaded[Any]]]:
        """Give the files that there are with their kinds."""
        for kind in ("station", "product", "plan", "simulation"):
            loaded = getattr(self, kind)
            if loaded is not None:
                yield kind, loaded


def choose(request: RunRequest) -> ChosenFiles:
    """Read the files of a request; raise FilesError with the problems of all of them."""
    simulation = (request.simulation or GOOD) if request.simulate else None
    if request.plan is not None:
        files = load_files(
            station=request.station, plan=request.plan, product=request.product, simulation=simulation
        )
        return ChosenFiles(files.station, files.product, files.plan, files.simulation)
    if request.product is None:
        problem = Problem(str(request.station), 0, 0, "", "without a plan, name the product with --product")
        raise FilesError([problem])
    return _without_plan(request.station, request.product, simulation)


def check(files: ChosenFiles, *, today: date) -> list[Problem]:
    """Hold the files of a run against each other."""
    if files.plan is not None:
        return check_files(RunFiles(files.station, files.product, files.plan, files.simulation), today=today)
    return [
        *files.station.warnings,
        *files.product.warnings,
        *check_station(files.station, today=today),
        *check_product(files.product, today=today),
    ]


def _without_plan(station: Path, product: Path, simulation: Path | None) -> ChosenFiles:
    problems: list[Problem] = []
    loaded: list[Any] = []
    for load, path in ((load_station, station), (load_product, product), (load_simulation, simulation)):
        try:
            loaded.append(load(path) if path is not None else None)
        except FilesError as error:
            problems += error.problems
    if problems:
        raise FilesError(problems)
    return ChosenFiles(loaded[0], loaded[1], None, loaded[2])
