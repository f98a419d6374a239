"""`photonbench runs`: what stands in a folder of records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from station.cli.output import errors_told, json_option, out_option, print_json

if TYPE_CHECKING:
    from station.record import RunRecord

_COLOURS = {"PASS": "green", "FAIL": "red", "ERROR": "yellow", "ABORTED": "magenta"}


@click.command("runs")
@out_option
@json_option
def command(out: Path, as_json: bool) -> None:
    """List the runs of a folder, oldest first.

    The first column is the end of a run's id: `photonbench show` takes it. UNFINISHED is a run
    that still goes on, or whose process died. PARTIAL met its limits without a plan: no PASS for
    the unit.
    """
    from station import record

    with errors_told(as_json):
        listed = [_row(record.head_of(folder)) for folder in record.run_folders(out)]
        if as_json:
            print_json({"out": str(out), "runs": listed})
        elif listed:
            _print(listed)
        else:
            click.echo(f"no runs in {out}", err=True)


def _row(run: RunRecord) -> dict[str, object]:
    partial = bool(run.head.get("partial"))
    return {
        "run_id": run.run_id,
        "started": run.head.get("started"),
        "serial": run.serial,
        "verdict": str(run.verdict or "UNFINISHED"),
        "partial": partial,
        "attempt": run.head.get("attempt"),
        "simulated": run.head.get("simulated"),
        "product": run.head.get("product"),
        "folder": str(run.folder),
    }


def _print(listed: list[dict[str, object]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from station.reports.numbers import time_text, visible

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("run", "time (UTC)", "serial", "verdict", "try", "bench", "product"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("run", "time (UTC)", "try", "bench"))
    for row in listed:
        verdict = str(row["verdict"])
        word = "PARTIAL" if row["partial"] and verdict == "PASS" else verdict
        table.add_row(
            str(row["run_id"]).rpartition("-")[2],
            time_text(row["started"])[:16],
            Text(visible(str(row["serial"]))),
            Text(word, style=_COLOURS.get(word, "dim")),
            str(row["attempt"] or ""),
            "" if row["simulated"] is None else "simulated" if row["simulated"] else "real",
            Text(visible(str(row["product"] or ""))),
        )
    Console(highlight=False).print(table)
