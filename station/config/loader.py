"""Reads station, product, plan and simulation files; tells everything that is wrong with them at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from station.config import marked_yaml, plan_file, product_file, simulation_file, station_file
from station.config.fields import FileModel
from station.config.marked_yaml import Mark, Marked
from station.config.plan_file import Plan
from station.config.problems import (
    FilesError,
    Finding,
    Problem,
    Steps,
    nearest,
    raise_errors,
    spell,
)
from station.config.product_file import Product
from station.config.simulation_file import Simulation
from station.config.station_file import Station
from station.config.wording import findings_of

T = TypeVar("T")
Model = TypeVar("Model", bound=FileModel)


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T]):
    """A file's value, its text as it was read, and the place of everything in it."""

    path: Path
    value: T
    text: str = field(repr=False)
    marked: Marked = field(repr=False, compare=False)
    warnings: tuple[Problem, ...] = ()

    @property
    def sha256(self) -> str:
        """Get the digest of the file's bytes as UTF-8."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def where(self, steps: Steps = ()) -> str:
        """Get "file:line:column" of a value, or of the nearest thing around it that the file has."""
        mark = _nearest_mark(self.marked.values, steps)
        return f"{self.path}:{mark.line}:{mark.column}" if mark else str(self.path)

    def problem(self, finding: Finding) -> Problem:
        """Say a finding with its place in this file."""
        return _problem(self.path, self.marked, finding)


@dataclass(frozen=True, slots=True)
class Kind(Generic[Model]):
    """One kind of file: its word in the `schema` line, its model, its inner checks.

    `complete` fills in what the file says once for many of its parts.
    """

    name: str
    model: type[Model]
    review: Callable[[Model], Iterator[Finding]]
    complete: Callable[[Model], Model] | None = None

    @property
    def format(self) -> str:
        """Get what the file's `schema` line must say."""
        return f"photonbench/{self.name}/1"


STATION = Kind("station", Station, station_file.review, station_file.completed)
PRODUCT = Kind("product", Product, product_file.review)
PLAN = Kind("plan", Plan, plan_file.review)
SIMULATION = Kind("simulation", Simulation, simulation_file.review)
KINDS: tuple[Kind[Any], ...] = (STATION, PRODUCT, PLAN, SIMULATION)


def load_station(path: Path | str) -> Loaded[Station]:
    """Read a station file; raise FilesError with every problem."""
    return _load(Path(path), STATION)


def load_product(path: Path | str) -> Loaded[Product]:
    """Read a product file; raise FilesError with every problem."""
    return _load(Path(path), PRODUCT)


def load_plan(path: Path | str) -> Loaded[Plan]:
    """Read a plan file; raise FilesError with every problem."""
    return _load(Path(path), PLAN)


def load_simulation(path: Path | str) -> Loaded[Simulation]:
    """Read a simulation file; raise FilesError with every problem."""
    return _load(Path(path), SIMULATION)


def load_any(path: Path | str) -> Loaded[FileModel]:
    """Read a file of the kind that its `schema` line names; raise FilesError with every problem."""
    text = _text(Path(path))
    marked = _structure(Path(path), text)
    given = _mapping(marked).get("schema")
    for kind in KINDS:
        if kind.format == given:
            return _validated(Path(path), text, marked, kind)
    formats = [kind.format for kind in KINDS]
    what = f"{given!r} is no kind of file; one of {', '.join(formats)}" if given else "'schema' is missing"
    raise FilesError([_problem(Path(path), marked, Finding(("schema",), what, nearest(given, formats)))])


def read_key(path: Path, key: str) -> object:
    """Read one value from the top of a file that may have flaws elsewhere; None when that is impossible."""
    try:
        return _mapping(_structure(path, _text(path))).get(key)
    except FilesError:
        return None


def _load(path: Path, kind: Kind[Model]) -> Loaded[Model]:
    text = _text(path)
    return _validated(path, text, _structure(path, text), kind)


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise _whole_file(path, "there is no such file") from error
    except (OSError, ValueError) as error:
        raise _whole_file(path, f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        what = f"is not UTF-8: byte 0x{data[error.start]:02x}; save the file as UTF-8"
        raise FilesError([Problem(str(path), line, column, "", what)]) from error


def _whole_file(path: Path, what: str) -> FilesError:
    return FilesError([Problem(str(path), 0, 0, "", what)])


def _structure(path: Path, text: str) -> Marked:
    """Read the text; go on with flaws in single values, stop where there is no structure at all."""
    marked = marked_yaml.read(text)
    if not isinstance(marked.value, Mapping):
        if not marked.flaws:
            what = "should be a mapping with a line 'schema: photonbench/…' on top"
            raise FilesError([_problem(path, marked, Finding((), what))])
        raise FilesError(_flaws(path, marked))
    return marked


def _flaws(path: Path, marked: Marked) -> list[Problem]:
    problems = []
    for flaw in marked.flaws:
        line, column = (flaw.mark.line, flaw.mark.column) if flaw.mark else (0, 0)
        problems.append(Problem(str(path), line, column, spell(flaw.steps), flaw.what))
    return problems


def _mapping(marked: Marked) -> Mapping[str, object]:
    return marked.value if isinstance(marked.value, Mapping) else {}


def _validated(path: Path, text: str, marked: Marked, kind: Kind[Model]) -> Loaded[Model]:
    _refuse_other_kind(path, marked, kind)
    problems = _flaws(path, marked)
    try:
        value = kind.model.model_validate(marked.value)
    except ValidationError as error:
        found = findings_of(error, kind.model, marked.value)
        flawed = {flaw.steps for flaw in marked.flaws}
        problems += [_problem(path, marked, finding) for finding in found if finding.steps not in flawed]
        raise FilesError(_in_order(problems)) from error
    problems += [_problem(path, marked, finding) for finding in kind.review(value)]
    problems = _in_order(problems)
    raise_errors(problems)
    if kind.complete is not None:
        value = kind.complete(value)
    return Loaded(path, value, text, marked, tuple(problems))


def _refuse_other_kind(path: Path, marked: Marked, kind: Kind[Any]) -> None:
    """Say at once that the wrong file was given, rather than list everything it lacks."""
    given = _mapping(marked).get("schema")
    if given == kind.format:
        return
    others = [other for other in KINDS if other.format == given]
    if others:
        what = f"is a {others[0].name} file; a {kind.name} file is wanted here"
    elif given is None:
        what = f"'schema' is missing; a {kind.name} file begins with 'schema: {kind.format}'"
    else:
        what = f"{given!r} is not read by this version; it reads {kind.format!r}"
    raise FilesError([_problem(path, marked, Finding(("schema",), what))])


def _in_order(problems: list[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: (problem.line, problem.column))


def _problem(path: Path, marked: Marked, finding: Finding) -> Problem:
    marks = marked.keys if finding.at_key and finding.steps in marked.keys else marked.values
    mark = _nearest_mark(marks, finding.steps)
    line, column = (mark.line, mark.column) if mark else (0, 0)
    return Problem(
        str(path), line, column, spell(finding.steps), finding.what, finding.suggestion, finding.severity
    )


def _nearest_mark(marks: Mapping[Steps, Mark], steps: Steps) -> Mark | None:
    for length in range(len(steps), -1, -1):
        if steps[:length] in marks:
            return marks[steps[:length]]
    return None
