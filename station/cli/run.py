"""`photonbench run`: one transceiver through one station."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from station.cli.output import errors_told, print_json

_FILE = click.Path(path_type=Path)


@click.command("run")
@click.option("--station", type=_FILE, required=True, help="station file")
@click.option("--plan", type=_FILE, required=True, help="plan file")
@click.option("--product", type=_FILE, help="product file (default: the plan's)")
@click.option("--serial", help="serial number; asked for on a terminal when not given")
@click.option("--slot", type=int, default=1, show_default=True, help="number of the slot")
@click.option("--simulate", is_flag=True, help="use the simulated twin of the station")
@click.option("--simulation", type=_FILE, help="simulation file (default: a good transceiver)")
@click.option("--seed", type=int, default=1, show_default=True, help="seed of the simulation")
@click.option("--out", type=_FILE, default=Path("runs"), show_default=True, help="folder of the records")
@click.option("--junit", type=_FILE, help="also write a JUnit file, made from the record")
@click.option("--dry-run", is_flag=True, help="check everything and show what would run")
@click.option("--json", "as_json", is_flag=True, help="print one JSON document on stdout")
def command(
    station: Path,
    plan: Path,
    product: Path | None,
    serial: str | None,
    slot: int,
    simulate: bool,
    simulation: Path | None,
    seed: int,
    out: Path,
    junit: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Test one transceiver: every step of the plan, a verdict, a record and a report.

    Exit status: 0 PASS, 1 FAIL (a limit was missed), 2 the files or the command line are wrong,
    3 ERROR (the bench broke), 130 ABORTED.
    """
    from station.request import RunRequest
    from station.supervisor import Supervisor, dry

    if simulation is not None and not simulate:
        raise click.UsageError("--simulation needs --simulate")
    if serial is None:
        if not sys.stdin.isatty():
            raise click.UsageError("--serial is missing")
        serial = click.prompt("Scan the serial number", err=True).strip()
    request = RunRequest(station, serial, plan, product, slot, simulate, simulation, seed, out.absolute())
    with errors_told(as_json):
        if dry_run:
            document = dry(request)
            print_json(document) if as_json else _print_dry(document)
            return
        supervisor = Supervisor(request, quiet=as_json)
        record = supervisor.run()
        if junit is not None:
            from station.reports.junit import write_junit

            write_junit(record, junit)
        if as_json:
            print_json(record.summary())
        sys.exit(supervisor.exit_status(record))


def _print_dry(document: dict[str, object]) -> None:
    for line in document["lines"]:  # type: ignore[attr-defined]  # a list of texts
        click.echo(line)
