"""`photonbench check`: files alone, or those of a run against each other."""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from station.cli.output import DONE, FILE, USAGE, errors_told, json_option, print_json, problem_rows

if TYPE_CHECKING:
    from station.config.loader import Loaded
    from station.config.problems import Problem
    from station.files import ChosenFiles


@click.command("check")
@click.argument("files", nargs=-1, type=FILE, metavar="[FILE]...")
@click.option("--station", type=FILE, help="station file")
@click.option("--plan", type=FILE, help="plan file")
@click.option("--product", type=FILE, help="product file (default: the plan's)")
@click.option("--simulation", type=FILE, help="simulation file; its clock decides what is overdue")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="judge calibration on this day")
@json_option
def command(
    files: tuple[Path, ...],
    station: Path | None,
    plan: Path | None,
    product: Path | None,
    simulation: Path | None,
    day: datetime | None,
    as_json: bool,
) -> None:
    """Check files before anything moves, and print each problem as file:line:column.

    FILE… are checked one by one: is each right in itself? --station and --plan are checked as a
    run would: do they fit each other, and is everything calibrated today? Exit status: 0 good
    (there may be warnings), 2 with a problem.
    """
    together = station is not None and plan is not None
    if bool(files) == together or (files and (station or plan or product or simulation)):
        raise click.UsageError("name FILEs to check each alone, or --station and --plan to check a run")
    today = day.date() if day else None
    with errors_told(as_json):
        if station is not None and plan is not None:
            good, problems = _run(station, plan, product, simulation, today)
        else:
            good, problems = _each(files, today)
        _tell(good, problems, as_json)


def _each(paths: tuple[Path, ...], today: date | None) -> tuple[list[str], list[Problem]]:
    """Check files one by one; go on after a bad one."""
    from station.config.loader import load_any
    from station.config.problems import FilesError, errors

    good: list[str] = []
    problems: list[Problem] = []
    for path in dict.fromkeys(paths):
        try:
            loaded = load_any(path)
            found = [*loaded.warnings, *_inner(loaded, today)]
        except FilesError as error:
            found = list(error.problems)
        problems += found
        if not errors(found):
            good.append(str(path))
    return good, problems


def _inner(loaded: Loaded[Any], today: date | None) -> list[Problem]:
    """Check what a file says that needs no other file.

    Without a day a station is as calibrated as it ever was: what is overdue is a question of the
    day of a run.
    """
    from station.config.check_product import check_product
    from station.config.check_station import check_station
    from station.config.product_file import Product
    from station.config.station_file import Station
    from station.files import driver_facts

    if isinstance(loaded.value, Station):
        known = driver_facts(loaded.value)
        return check_station(loaded, today=today or _freshest(loaded.value), catalogue=known)
    if isinstance(loaded.value, Product):
        return check_product(loaded, today=today or date.today())
    return []


def _freshest(station: Any) -> date:
    """Find the day of the newest calibration in a station file."""
    parts = [
        station.path_calibration,
        *station.instruments.values(),
        *(entry.through for entry in station.instruments.values()),
        *station.elements.values(),
        *station.wiring.optical,
    ]
    return max((p.calibrated for p in parts if p is not None and p.calibrated), default=date.today())


def _run(
    station: Path, plan: Path, product: Path | None, simulation: Path | None, today: date | None
) -> tuple[list[str], list[Problem]]:
    """Check the files of a run as the run itself would."""
    from station.config.files import load_files
    from station.config.problems import errors
    from station.files import ChosenFiles, check

    read = load_files(station=station, plan=plan, product=product, simulation=simulation)
    files = ChosenFiles(read.station, read.product, read.plan, read.simulation)
    epoch = read.simulation.value.epoch.date() if read.simulation else None
    problems = check(files, today=today or epoch or date.today())
    if files.simulation is not None and not errors(problems):
        _try_twin(files)
    return [str(loaded.path) for _, loaded in files.named()], problems


def _try_twin(files: ChosenFiles) -> None:
    """Build the twin, which knows what parameters a transceiver has and which models can be simulated."""
    from station.twin import open_twin

    open_twin(files, serial="CHECK", seed=1)


def _tell(good: list[str], problems: list[Problem], as_json: bool) -> None:
    from station.config.problems import errors

    wrong = len(errors(problems))
    if as_json:
        counts = {"errors": wrong, "warnings": len(problems) - wrong}
        print_json({"good": [] if wrong and not good else good, "problems": problem_rows(problems), **counts})
    else:
        for problem in problems:
            click.echo(str(problem))
        if not wrong:
            click.echo("\n".join(f"{path}: good" for path in good))
    sys.exit(USAGE if wrong else DONE)
