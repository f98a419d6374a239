"""What is wrong with files, said so that it can be mended."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

Steps = tuple[str | int | float, ...]
"""The way from the top of a file to one of its values: ("slots", 0, "supply")."""


class Severity(StrEnum):
    """How much a problem matters."""

    ERROR = "error"
    """Nothing may run with these files."""
    WARNING = "warning"
    """A person has to know; the run may go on and its record says so."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong inside one file, by its place in the file's structure.

    `at_key` points to the key rather than to its value.
    """

    steps: Steps
    what: str
    suggestion: str | None = None
    at_key: bool = False
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at one place of one file; lines and columns count from 1, 0 means the whole file."""

    path: str
    line: int
    column: int
    where: str
    what: str
    suggestion: str | None = None
    severity: Severity = Severity.ERROR

    @property
    def place(self) -> str:
        """Get "file:line:column", or the file alone when the whole file is meant."""
        return f"{self.path}:{self.line}:{self.column}" if self.line else self.path

    def __str__(self) -> str:
        words = [self.place]
        if self.severity is Severity.WARNING:
            words.append("warning")
        if self.where:
            words.append(self.where)
        words.append(self.what)
        hint = f", did you mean {self.suggestion!r}?" if self.suggestion else ""
        return ": ".join(words) + hint


class FilesError(Exception):
    """Files that nothing may run with; `problems` holds all that was found, `str()` one a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Keep the problems that forbid a run."""
    return tuple(problem for problem in problems if problem.severity is Severity.ERROR)


def raise_errors(problems: Sequence[Problem]) -> None:
    """Raise FilesError with every problem when at least one of them forbids a run."""
    if errors(problems):
        raise FilesError(problems)


def nearest(word: object, known: Iterable[object]) -> str | None:
    """Find the known word that was probably meant, or None."""
    by_folded = {str(candidate).casefold(): str(candidate) for candidate in known}
    close = difflib.get_close_matches(str(word).casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None


def spell(steps: Steps) -> str:
    """Write the way to a value as people say it: slots[1].supply."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else str(step)
    return text
