"""`photonbench simulate`: the simulated instruments of a station, reachable over TCP."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from station.cli.output import FILE, CommandError, errors_told

if TYPE_CHECKING:
    from simulation.transport.socket_server import SocketServer
    from station.files import ChosenFiles
    from station.twin import Twin

_HOST = "127.0.0.1"
_LOOK_EVERY_S = 0.5


@click.command("simulate")
@click.option("--station", type=FILE, required=True, help="station file")
@click.option("--product", type=FILE, help="product file (default: the shipped 400GBASE-DR4)")
@click.option("--simulation", type=FILE, help="simulation file (default: a good transceiver)")
@click.option("--seed", type=int, default=1, show_default=True, help="seed of the simulation")
@click.option("--serial", default="TWIN-0001", show_default=True, help="serial number of the transceiver")
@click.option(
    "--port-base",
    type=click.IntRange(0, 65535),
    default=50250,
    show_default=True,
    help="first TCP port, the others follow; 0 takes free ones",
)
@click.option("--json", "as_json", is_flag=True, help="print one JSON document, on one line")
def command(
    station: Path,
    product: Path | None,
    simulation: Path | None,
    seed: int,
    serial: str,
    port_base: int,
    as_json: bool,
) -> None:
    """Serve the simulated instruments of a station until Ctrl-C or SIGTERM.

    Each listens on a TCP port of this computer alone, in real time, and speaks as its model does
    over a raw socket. One transceiver sits in each slot, its board switched on: it starts when the
    simulated supply does.
    """
    with errors_told(as_json):
        files = _files(station, product, simulation, serial)
        _serve(files, seed, serial, port_base, as_json)


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


def _serve(files: ChosenFiles, seed: int, serial: str, port_base: int, as_json: bool) -> None:
    from typing import cast

    from simulation.clock import VirtualClock
    from simulation.transport.wall_clock import WallBenchClock
    from station.abort import AbortRequest
    from station.twin import open_twin

    # It has all methods of a virtual clock: the bench cannot tell.
    clock = cast(VirtualClock, WallBenchClock())
    twin = open_twin(files, serial=serial, seed=seed, clock=clock)
    for slot in twin.bench.slots.values():
        slot.switch_power(True)
        slot.firmware.set_reset(False)
        slot.firmware.set_low_power_pin(False)
    stop = AbortRequest(armed=False)
    give_back = stop.listen(raising=False)
    try:
        with _server(twin, clock, port_base) as server:
            _tell(_rows(files, twin, server), as_json)
            while not stop.requested and server.running:
                clock.sleep(_LOOK_EVERY_S)
    finally:
        give_back()


def _server(twin: Twin, clock: Any, port_base: int) -> SocketServer:
    from simulation.transport.socket_server import SocketServer

    devices = list(twin.bench.devices.values())
    ports = [port_base + place if port_base else 0 for place in range(len(devices))]
    if ports[-1] > 65535:
        raise CommandError(f"port {ports[-1]} does not exist", remedy="choose a lower --port-base")
    try:
        return SocketServer({d: (_HOST, port) for d, port in zip(devices, ports, strict=True)}, clock)
    except OSError as error:
        raise CommandError(
            f"the ports {ports[0]} to {ports[-1]} cannot all be had: {error.strerror}",
            remedy="choose another --port-base, or 0 for free ones",
        ) from error


def _rows(files: ChosenFiles, twin: Twin, server: SocketServer) -> list[dict[str, str]]:
    entries = files.station.value.instruments
    rows = []
    for name, device in twin.bench.devices.items():
        host, port = server.address(device)
        rows.append(
            {
                "name": name,
                "model": entries[name].model,
                "address": f"TCPIP0::{host}::{port}::SOCKET",
                "identity": device.identity,
            }
        )
    return rows


def _tell(rows: list[dict[str, str]], as_json: bool) -> None:
    """Say where each instrument is, at once: whoever waits for it may sit behind a pipe."""
    if as_json:
        print(json.dumps({"instruments": rows}), flush=True)
        return
    for row in rows:
        print(f"{row['name']:<20}{row['model']:<22}{row['address']}")
    sys.stdout.flush()
    click.echo("serving until Ctrl-C", err=True)
