"""`photonbench report`: write the report of a run anew."""

from __future__ import annotations

from pathlib import Path

import click

from station.cli.output import chosen_run, errors_told, json_option, out_option, print_json


@click.command("report")
@click.argument("run")
@out_option
@json_option
def command(run: str, out: Path, as_json: bool) -> None:
    """Write the HTML report of a run anew from its record, and print its path.

    RUN is an id, its beginning or its last six digits, a serial number (its newest run), or the
    folder of a record.
    """
    from station.reports.html import write_report

    with errors_told(as_json):
        record = chosen_run(out, run)
        path = write_report(record).absolute()
        print_json({"run_id": record.run_id, "report": str(path)}) if as_json else click.echo(path)
