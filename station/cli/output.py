"""What all commands print: JSON on stdout, everything else on stderr, errors with their remedy."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from instruments.errors import BenchError, PhotonbenchError
from station.config.problems import FilesError, Problem

if TYPE_CHECKING:
    from station.record import RunRecord

DONE, USAGE, ERROR, ABORTED = 0, 2, 3, 130

FILE = click.Path(path_type=Path)
json_option = click.option("--json", "as_json", is_flag=True, help="print one JSON document on stdout")
out_option = click.option(
    "--out", type=FILE, default=Path("runs"), show_default=True, help="folder of the records"
)


class CommandError(PhotonbenchError):
    """A command line, or a file that it names, with which nothing can be done."""


@contextmanager
def errors_told(as_json: bool) -> Iterator[None]:
    """Turn what goes wrong into a message with place and remedy, and the right exit status."""
    try:
        yield
    except FilesError as error:
        lines = [str(problem) for problem in error.problems]
        _fail(USAGE, as_json, lines, {"problems": problem_rows(error.problems)})
    except PhotonbenchError as error:
        status = ERROR if isinstance(error, BenchError) else USAGE
        _fail(status, as_json, [str(error)], {"error": error.message, "remedy": error.remedy})
    except BrokenPipeError:
        raise  # whoever read our output has left: nothing to tell, and nobody to tell it to
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        _fail(USAGE, as_json, [what], {"error": what, "remedy": ""})
    except (KeyboardInterrupt, click.Abort):
        _fail(ABORTED, as_json, ["", "aborted"], {"error": "aborted", "remedy": ""})


def print_json(document: Any) -> None:
    """Print one JSON document on stdout."""
    json.dump(document, sys.stdout, indent=2, default=str)
    sys.stdout.write("\n")


def problem_rows(problems: Iterable[Problem]) -> list[dict[str, object]]:
    """Write problems of files as JSON shows them."""
    return [
        {
            "path": problem.path,
            "line": problem.line,
            "column": problem.column,
            "where": problem.where,
            "what": problem.what,
            "suggestion": problem.suggestion,
            "severity": str(problem.severity),
            "text": str(problem),
        }
        for problem in problems
    ]


def chosen_run(out: Path, name: str) -> RunRecord:
    """Load the run that a person means; raise CommandError when there is none."""
    import difflib

    from station import record

    found = record.find(out, name)
    if found is not None:
        return found
    folders = record.run_folders(out)
    known = [word for folder in folders for word in (folder.name, record.head_of(folder).serial)]
    if not known:
        raise CommandError(f"there are no runs in {out}", remedy="name the folder of the records with --out")
    near = difflib.get_close_matches(name, dict.fromkeys(filter(None, known)), 1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise CommandError(
        f"no run of {out} is called {name!r}",
        remedy=f"{hint}`photonbench runs --out {out}` lists them".lstrip(),
    )


def _fail(status: int, as_json: bool, lines: list[str], document: dict[str, Any]) -> None:
    if as_json:
        print_json(document)
    for line in lines:
        click.echo(line, err=True)
    sys.exit(status)
