"""What all commands print: JSON on stdout, everything else on stderr, errors with their remedy."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from instruments.errors import BenchError, PhotonbenchError
from station.config.problems import FilesError

USAGE, ERROR = 2, 3


@contextmanager
def errors_told(as_json: bool) -> Iterator[None]:
    """Turn what goes wrong into a message with place and remedy, and the right exit status."""
    try:
        yield
    except FilesError as error:
        problems = [str(problem) for problem in error.problems]
        _fail(USAGE, as_json, problems, {"problems": problems})
    except PhotonbenchError as error:
        status = ERROR if isinstance(error, BenchError) else USAGE
        _fail(status, as_json, [str(error)], {"error": error.message, "remedy": error.remedy})
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(USAGE, as_json, [f"{where}{error.strerror or error}"], {"error": f"{where}{error.strerror}"})


def print_json(document: Any) -> None:
    """Print one JSON document on stdout."""
    json.dump(document, sys.stdout, indent=2, default=str)
    sys.stdout.write("\n")


def _fail(status: int, as_json: bool, lines: list[str], document: dict[str, Any]) -> None:
    if as_json:
        print_json(document)
    for line in lines:
        click.echo(line, err=True)
    sys.exit(status)
