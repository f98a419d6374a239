"""`photonbench run`: one transceiver through one station."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from station.abort import AbortRequest
from station.cli.output import FILE, errors_told, json_option, out_option, print_json

if TYPE_CHECKING:
    from station.request import RunRequest


@click.command("run")
@click.option("--station", type=FILE, required=True, help="station file")
@click.option("--plan", type=FILE, required=True, help="plan file")
@click.option("--product", type=FILE, help="product file (default: the plan's)")
@click.option("--serial", help="serial number; asked for on a terminal when not given")
@click.option("--slot", type=int, default=1, show_default=True, help="number of the slot")
@click.option("--simulate", is_flag=True, help="use the simulated twin of the station")
@click.option("--simulation", type=FILE, help="simulation file (default: a good transceiver)")
@click.option("--seed", type=int, default=1, show_default=True, help="seed of the simulation")
@out_option
@click.option("--junit", type=FILE, help="also write a JUnit file, made from the record")
@click.option("--dry-run", is_flag=True, help="check everything and show what would run")
@json_option
@click.pass_obj
def command(
    abort: AbortRequest | None,
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
    from dataclasses import replace

    from station.request import RunRequest
    from station.supervisor import Supervisor, dry

    if simulation is not None and not simulate:
        raise click.UsageError("--simulation needs --simulate")
    if serial is None and not sys.stdin.isatty():
        raise click.UsageError("--serial is missing, and there is no terminal to ask for it")
    abort = abort or AbortRequest()
    asked = RunRequest(station, serial or "", plan, product, slot, simulate, simulation, seed, out.absolute())
    with errors_told(as_json):
        request = asked if serial is not None else replace(asked, serial=_scanned(asked, abort))
        if dry_run:
            document = dry(request)
            print_json(document) if as_json else _print_dry(document)
            return
        supervisor = Supervisor(request, abort, quiet=as_json)
        record = supervisor.run()
        if junit is not None:
            from station.reports.junit import write_junit

            write_junit(record, junit)
        if as_json:
            print_json(record.summary())
        sys.exit(supervisor.exit_status(record))


def _scanned(request: RunRequest, abort: AbortRequest) -> str:
    """Ask for the serial number until it follows the product's rule; the files are read before."""
    from station.files import choose

    product = choose(request).product.value

    def follows_the_rule(text: str) -> str:
        serial = text.strip()
        if not product.accepts_serial(serial):
            raise click.UsageError(f"{serial!r} is not {product.serial_pattern}; scan the label again")
        return serial

    with abort.deaf():
        scanned: str = click.prompt("Scan the serial number", value_proc=follows_the_rule, err=True)
    return scanned


def _print_dry(document: dict[str, object]) -> None:
    for line in document["lines"]:  # type: ignore[attr-defined]  # a list of texts
        click.echo(line)
