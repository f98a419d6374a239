"""`photonbench simulate`: the simulated instruments of a station, reachable over the network."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from station.cli.output import FILE, CommandError, errors_told

if TYPE_CHECKING:
    from simulation.transport.serving import BenchServer
    from station.files import ChosenFiles
    from station.twin import Twin

_LOOK_EVERY_S = 0.5
_TRANSPORTS = ("socket", "hislip", "vxi11", "serial")
_USUAL = "socket,hislip,vxi11"
_HIGHEST_PORT = 65535


def _transports(_context: click.Context, _option: click.Parameter, text: str) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    for word in wanted:
        if word not in _TRANSPORTS:
            raise click.BadParameter(f"{word!r} is none of {', '.join(_TRANSPORTS)}")
    if not wanted:
        raise click.BadParameter(f"name at least one of {', '.join(_TRANSPORTS)}")
    return wanted


@click.command("simulate")
@click.option("--station", type=FILE, required=True, help="station file")
@click.option("--product", type=FILE, help="product file (default: the shipped 400GBASE-DR4)")
@click.option("--simulation", type=FILE, help="simulation file (default: a good transceiver)")
@click.option("--seed", type=int, default=1, show_default=True, help="seed of the simulation")
@click.option("--serial", default="TWIN-0001", show_default=True, help="serial number of the transceiver")
@click.option(
    "--transport",
    "transports",
    default=_USUAL,
    show_default=True,
    callback=_transports,
    metavar="LIST",
    help=f"ways to reach each instrument, out of {', '.join(_TRANSPORTS)}",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="address to serve on")
@click.option(
    "--port-base",
    type=click.IntRange(0, _HIGHEST_PORT),
    default=50250,
    show_default=True,
    help="first TCP port, the others follow; 0 takes free ones",
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True, max=1e6),
    default=1.0,
    show_default=True,
    help="seconds of the bench in one second: 10 warms up and sweeps ten times as fast",
)
@click.option(
    "--trace",
    is_flag=False,
    flag_value="-",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="write every message and answer to a file; without a name, to standard error",
)
@click.option("--json", "as_json", is_flag=True, help="print one JSON document, on one line")
def command(
    station: Path,
    product: Path | None,
    simulation: Path | None,
    seed: int,
    serial: str,
    transports: tuple[str, ...],
    host: str,
    port_base: int,
    speed: float,
    trace: Path | None,
    as_json: bool,
) -> None:
    """Serve the simulated instruments of a station until Ctrl-C or SIGTERM.

    Each listens on ports of this computer alone, in real time, and speaks as its model does. One
    transceiver sits in each slot, its board switched on: it starts when the simulated supply does.
    The truth port tells what is true behind the instruments and takes faults, a JSON object a line:
    {"truth": "slot1.tx1"}, {"fault": {"instrument": "supply", "kind": "silent"}}.
    """
    with errors_told(as_json), _trace_to(trace) as trace_file:
        files = _files(station, product, simulation, serial)
        twin, clock = _twin(files, seed, serial, speed)
        if trace_file is not None:
            _log(twin, trace_file)
        _serve(files, twin, clock, _Places(transports, host, port_base), as_json)


def _files(station: Path, product: Path | None, simulation: Path | None, serial: str) -> ChosenFiles:
    from station.config.loader import load_product, load_simulation, load_station
    from station.config.problems import raise_errors
    from station.config.sequence_source import CHECKOUT
    from station.files import GOOD, ChosenFiles, check

    usual = CHECKOUT / "configs" / "products" / "400gbase-dr4.yaml"
    unit = load_simulation(simulation or GOOD)
    files = ChosenFiles(load_station(station), load_product(product or usual), None, unit)
    raise_errors(check(files, today=unit.value.epoch.date()))
    if not files.product.value.accepts_serial(serial):
        raise CommandError(
            f"{serial!r} is no serial number of {files.product.value.name}",
            remedy=f"the rule is {files.product.value.serial_pattern}",
        )
    return files


def _twin(files: ChosenFiles, seed: int, serial: str, speed: float) -> tuple[Twin, Any]:
    from typing import cast

    from simulation.clock import VirtualClock
    from simulation.transport.wall_clock import WallBenchClock
    from station.twin import open_twin

    # It has all methods of a virtual clock: the bench cannot tell.
    clock = cast(VirtualClock, WallBenchClock(speed))
    twin = open_twin(files, serial=serial, seed=seed, clock=clock)
    for slot in twin.bench.slots.values():
        slot.switch_power(True)
        slot.firmware.set_reset(False)
        slot.firmware.set_low_power_pin(False)
    return twin, clock


@contextlib.contextmanager
def _trace_to(path: Path | None) -> Iterator[TextIO | None]:
    if path is None:
        yield None
    elif str(path) == "-":
        yield sys.stderr
    else:
        try:
            file = path.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise CommandError(
                f"{path} cannot be written: {error.strerror}", remedy="name another --trace"
            ) from error
        with file:
            yield file


def _log(twin: Twin, file: TextIO) -> None:
    """Write each message with its time on the bench; long data are cut, with their length said."""

    def listener(name: str) -> Any:
        def write(seconds: float, direction: str, data: bytes) -> None:
            shown = ascii(data[:200].decode("latin-1"))[1:-1]
            more = f" … {len(data)} bytes" if len(data) > 200 else ""
            file.write(f"{seconds:14.6f} {name} {direction} {shown}{more}\n")

        return write

    for name, device in twin.bench.devices.items():
        device.listener = listener(name)


class _Places:
    """Where the instruments shall be reached."""

    def __init__(self, transports: tuple[str, ...], host: str, port_base: int) -> None:
        self.transports, self.host, self.port_base = transports, host, port_base


def _serve(files: ChosenFiles, twin: Twin, clock: Any, places: _Places, as_json: bool) -> None:
    from station.abort import AbortRequest

    stop = AbortRequest(armed=False)
    give_back = stop.listen(raising=False)
    try:
        server, truth = _server(twin, clock, places)
        with server:
            _tell(_rows(files, twin, server), truth, as_json)
            while not stop.requested and server.running:
                clock.sleep(_LOOK_EVERY_S * clock.speed)
    finally:
        give_back()


def _server(twin: Twin, clock: Any, places: _Places) -> tuple[BenchServer, str]:
    from simulation.transport.serving import BenchServer
    from simulation.transport.truth_port import TruthPort

    devices = list(twin.bench.devices.values())
    last = places.port_base + len(devices) * len(places.transports)
    if places.port_base and last > _HIGHEST_PORT:
        raise CommandError(f"port {last} does not exist", remedy="choose a lower --port-base")
    try:
        server = BenchServer(
            devices, clock, transports=places.transports, host=places.host, port_base=places.port_base
        )
        host, port = server.listen(lambda _peer: TruthPort(twin.bench))
    except OSError as error:
        ports = f"{places.port_base} to {last}" if places.port_base else "on"
        raise CommandError(
            f"the ports {ports} of {places.host} cannot all be had: {error.strerror}",
            remedy="choose another --port-base, or 0 for free ones",
        ) from error
    return server, f"{host}:{port}"


def _rows(files: ChosenFiles, twin: Twin, server: BenchServer) -> list[dict[str, Any]]:
    entries = files.station.value.instruments
    return [
        {
            "name": name,
            "model": entries[name].model,
            "identity": device.identity,
            "resources": server.resources(device),
        }
        for name, device in twin.bench.devices.items()
    ]


def _tell(rows: list[dict[str, Any]], truth: str, as_json: bool) -> None:
    """Say where each instrument is, at once: whoever waits for it may sit behind a pipe."""
    if as_json:
        print(json.dumps({"instruments": rows, "truth": truth}), flush=True)
        return
    widths = [max(len(row[key]) for row in rows) + 2 for key in ("name", "model")]
    for row in rows:
        name, model = row["name"], row["model"]
        for resource in row["resources"].values():
            print(f"{name:<{widths[0]}}{model:<{widths[1]}}{resource}")
            name = model = ""
    print(f"{'truth':<{sum(widths)}}{truth}")
    sys.stdout.flush()
    click.echo("serving until Ctrl-C", err=True)
