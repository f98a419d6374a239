"""`photonbench discover`: what answers on VISA, and the driver that fits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from station.cli.output import CommandError, errors_told, json_option, print_json

if TYPE_CHECKING:
    from instruments.catalog import Catalog

_INSTRUMENTS = ("::INSTR", "::SOCKET", "::RAW")
_UNKNOWN_DATE = "2000-01-01  # enter the date on its certificate"
_PLAIN = re.compile(r"[A-Za-z][\w .:/-]*")


@dataclass(frozen=True, slots=True)
class Found:
    """One VISA resource: who answered, or why nobody did."""

    address: str
    identity: str | None = None
    model: str | None = None
    serial: str | None = None
    problem: str | None = None


@click.command("discover")
@click.option("--visa", default="@py", show_default=True, help="VISA library: @py, @ivi, or a path")
@click.option("--yaml", "as_yaml", is_flag=True, help="print the instruments block of a station file")
@json_option
def command(visa: str, as_yaml: bool, as_json: bool) -> None:
    """List the VISA resources with their identity and the driver that fits.

    Each is asked *IDN? and given about two seconds, a serial line or raw socket four; those that
    do not answer are listed too. `--visa STATION.yaml@photonbench` asks the simulated bench.
    """
    if as_yaml and as_json:
        raise click.UsageError("--yaml and --json are two ways to print the same; choose one")
    with errors_told(as_json):
        from instruments.catalog import installed_drivers

        catalog = installed_drivers()
        manager = _manager(visa)
        try:
            found = [_asked(manager, address, catalog) for address in _resources(manager, visa)]
        finally:
            manager.close()
        if as_json:
            print_json({"visa": visa, "resources": [asdict(one) for one in found]})
        elif as_yaml:
            click.echo("\n".join(_block(found, catalog, visa)))
        else:
            _print(found, visa)


def _manager(visa: str) -> Any:
    import pyvisa

    try:
        return pyvisa.ResourceManager(visa)
    except (pyvisa.errors.Error, OSError, ValueError) as error:
        raise CommandError(
            f"the VISA library {visa!r} cannot be opened: {' '.join(str(error).split()).rstrip(':')}",
            remedy="@py needs nothing installed, @ivi the VISA library of a vendor",
        ) from error


def _resources(manager: Any, visa: str) -> list[str]:
    """List the instruments; what the library could not look for is told on stderr."""
    import warnings

    import pyvisa

    try:
        with warnings.catch_warnings(record=True) as notes:
            warnings.simplefilter("always")
            # "?*" and not the default, which leaves raw sockets out.
            listed = manager.list_resources("?*")
    except (pyvisa.errors.Error, OSError, ValueError) as error:
        raise CommandError(
            f"the VISA library {visa!r} cannot list its resources: {error}",
            remedy="try another library with --visa",
        ) from error
    for note in dict.fromkeys(str(note.message) for note in notes):
        click.echo(f"note: {note}", err=True)
    # Interfaces and backplanes are listed too, and are nobody who could be asked.
    return [address for address in listed if address.upper().endswith(_INSTRUMENTS)]


def _asked(manager: Any, address: str, catalog: Catalog) -> Found:
    from instruments.catalog import ask_identity
    from instruments.clock import WallClock
    from instruments.errors import InstrumentError, InstrumentTimeout
    from instruments.identity import parse_identity
    from station.reports.numbers import visible

    click.echo(f"asking {address} …", err=True)
    try:
        identity = ask_identity(manager, address, clock=WallClock())
    except InstrumentTimeout:
        return Found(address, problem="did not answer *IDN?")
    except InstrumentError as error:
        return Found(address, problem=error.message)
    try:
        serial = parse_identity(identity).serial or None
    except ValueError:
        return Found(address, visible(identity), problem="what it answers is no identity")
    return Found(address, visible(identity), catalog.fitting(identity), serial and visible(serial))


def _print(found: list[Found], visa: str) -> None:
    for one in found:
        click.echo(one.address)
        if one.identity is not None:
            driver = one.model or click.style("no driver fits", fg="yellow")
            click.echo(f"    {driver:<22} {one.identity}")
        if one.problem is not None:
            click.echo(f"    {click.style(one.problem, fg='yellow')}")
    if not found:
        click.echo(f"no VISA resources on {visa}", err=True)
    silent = sum(one.identity is None for one in found)
    click.echo(f"{len(found)} resources, {silent} without an answer", err=True)


def _block(found: list[Found], catalog: Catalog, visa: str) -> Iterator[str]:
    """Write the instruments block; what cannot be used stands in comments."""
    known = [one for one in found if one.model is not None]
    yield f"# What answered on {visa}. Until an instrument has the date of its certificate, its"
    yield "# calibration counts as overdue, and a run is refused."
    yield "instruments:" if known else "instruments: {}"
    names: dict[str, int] = {}
    for one in known:
        role, measures = _role(catalog.driver(str(one.model)))
        names[role] = names.get(role, 0) + 1
        yield f"  {role if names[role] == 1 else f'{role}_{names[role]}'}:"
        yield f"    model: {_scalar(str(one.model))}"
        yield f"    address: {_scalar(one.address)}"
        if one.serial is not None:
            yield f"    serial: {_quoted(one.serial)}"
        yield f"    calibration_due: {_UNKNOWN_DATE if measures else 'null'}"
    for one in found:
        if one.model is None:
            what = f"no driver fits {one.identity!r}" if one.identity else one.problem
            yield f"  # {one.address}: {what}"


def _role(driver: type[Any]) -> tuple[str, bool]:
    """Name an instrument by what it is for, and tell whether it measures anything."""
    from instruments.interfaces.attenuator import Attenuator
    from instruments.interfaces.bert import Bert
    from instruments.interfaces.optical_switch import OpticalSwitch
    from instruments.interfaces.power_meter import PowerMeter
    from instruments.interfaces.power_supply import PowerSupply
    from instruments.interfaces.sampling_scope import SamplingScope
    from instruments.interfaces.spectrum_analyser import SpectrumAnalyser
    from instruments.interfaces.thermal_head import ThermalHead
    from instruments.interfaces.tunable_laser import TunableLaser

    roles: tuple[tuple[type[Any], str, bool], ...] = (
        (PowerMeter, "power_meter", True),
        (TunableLaser, "cw_source", True),
        (Attenuator, "attenuator", True),
        (SamplingScope, "scope", True),
        (SpectrumAnalyser, "spectrum_analyser", True),
        (Bert, "bert", True),
        (PowerSupply, "supply", True),
        (OpticalSwitch, "switch", False),
        (ThermalHead, "thermal_head", False),
    )
    return next(((name, m) for kind, name, m in roles if issubclass(driver, kind)), ("instrument", True))


def _scalar(text: str) -> str:
    """Write a text so that YAML reads the same text."""
    return text if _PLAIN.fullmatch(text) and ": " not in text and text == text.strip() else _quoted(text)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
