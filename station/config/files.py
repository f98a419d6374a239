"""The files of one run, read and checked together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar

from station.config.check_plan import check_plan
from station.config.check_product import check_product
from station.config.check_simulation import check_simulation
from station.config.check_station import Catalogue, check_station
from station.config.loader import (
    Loaded,
    load_plan,
    load_product,
    load_simulation,
    load_station,
    read_key,
)
from station.config.plan_file import Plan
from station.config.problems import FilesError, Finding, Problem
from station.config.product_file import Product
from station.config.simulation_file import Simulation
from station.config.station_file import Station

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RunFiles:
    """Everything that people wrote for one run."""

    station: Loaded[Station]
    product: Loaded[Product]
    plan: Loaded[Plan]
    simulation: Loaded[Simulation] | None


def load_files(
    *,
    station: Path | str,
    plan: Path | str,
    product: Path | str | None = None,
    simulation: Path | str | None = None,
) -> RunFiles:
    """Read the files of a run; raise FilesError with the problems of all of them.

    `product` overrides the one that the plan names.
    """
    problems: list[Problem] = []
    bench = _collected(load_station, station, problems)
    steps = _collected(load_plan, plan, problems)
    unit = _collected(load_simulation, simulation, problems) if simulation is not None else None
    chosen = product if product is not None else _product_of(Path(plan), steps, problems)
    what = _collected(load_product, chosen, problems) if chosen is not None else None
    if bench is None or steps is None or what is None or problems:
        raise FilesError(problems)
    return RunFiles(bench, what, steps, unit)


def check_files(files: RunFiles, *, today: date, catalogue: Catalogue | None = None) -> list[Problem]:
    """Hold the files of a run against each other; errors and warnings, in the order of the files."""
    problems = [
        *(files.simulation.warnings if files.simulation else ()),
        *files.station.warnings,
        *files.product.warnings,
        *files.plan.warnings,
        *check_station(files.station, today=today, catalogue=catalogue),
        *check_product(files.product, today=today),
        *check_plan(files.plan, files.product, files.station, today=today),
    ]
    if files.simulation is not None:
        problems += check_simulation(files.simulation, files.product, files.station)
    return problems


def product_path(plan: Loaded[Plan]) -> Path | None:
    """Get the product file that a plan names, relative to the plan file; None when it names none."""
    return None if plan.value.product is None else plan.path.parent / plan.value.product


def _collected(
    load: Callable[[Path | str], Loaded[T]], path: Path | str, problems: list[Problem]
) -> Loaded[T] | None:
    try:
        return load(path)
    except FilesError as error:
        problems.extend(error.problems)
        return None


def _product_of(path: Path, plan: Loaded[Plan] | None, problems: list[Problem]) -> Path | None:
    """Find the product that a plan names, also in a plan that has other flaws."""
    if plan is None:
        named = read_key(path, "product")
        product = path.parent / named if isinstance(named, str) and named else None
        return product if product is not None and product.is_file() else None
    product = product_path(plan)
    if product is None:
        what = "'product' is missing; name it in the plan or with --product"
        problems.append(plan.problem(Finding((), what)))
    elif not product.is_file():
        problems.append(plan.problem(Finding(("product",), f"there is no file {product}")))
        return None
    return product
