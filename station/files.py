"""The files of one run, as the request names them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from instruments.catalog import Catalog, installed_drivers
from instruments.errors import PhotonbenchError
from instruments.interfaces.sampling_scope import SamplingScope
from station.config.check_product import check_product
from station.config.check_simulation import check_simulation
from station.config.check_station import Catalogue, ModelFacts, check_station
from station.config.files import RunFiles, check_files, load_files
from station.config.loader import Loaded, load_product, load_simulation, load_station
from station.config.plan_file import Plan
from station.config.problems import FilesError, Problem
from station.config.product_file import Product
from station.config.sequence_source import CHECKOUT
from station.config.simulation_file import Simulation
from station.config.station_file import Station
from station.request import RunRequest
from station.step_options import check_options

GOOD = CHECKOUT / "configs" / "simulations" / "dr4-good.yaml"
_CLOCK_PORT = "clock"


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
    """Hold the files of a run against each other, and the station's models against the installed drivers."""
    station, product, simulation = files.station, files.product, files.simulation
    known = driver_facts(station.value)
    if files.plan is not None:
        together = RunFiles(station, product, files.plan, simulation)
        return [*check_files(together, today=today, catalogue=known), *check_options(files.plan)]
    return [
        *(simulation.warnings if simulation else ()),
        *station.warnings,
        *product.warnings,
        *check_station(station, today=today, catalogue=known),
        *check_product(product, today=today),
        *(check_simulation(simulation, product, station) if simulation else ()),
    ]


def driver_facts(station: Station) -> Catalogue:
    """Say which models have a driver, and of those in a station, which trigger must be fed."""
    catalog = installed_drivers()
    used = {entry.model for entry in station.instruments.values()}
    return {model: _facts(catalog, model) if model in used else ModelFacts() for model in catalog.models}


def _facts(catalog: Catalog, model: str) -> ModelFacts:
    try:
        driver = catalog.driver(model)
    except (ImportError, AttributeError) as error:
        raise PhotonbenchError(
            f"the driver for {model!r} cannot be loaded: {error}",
            remedy="install again the package that it comes from",
        ) from error
    return ModelFacts(clock_port=_CLOCK_PORT if issubclass(driver, SamplingScope) else None)


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
