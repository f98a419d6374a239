"""The twin of a station: a station file and a simulation file turned into a simulated bench.

The only module of this room that knows the simulation.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import pyvisa

from instruments.clock import Clock
from instruments.errors import NoAcknowledge, PhotonbenchError
from instruments.interfaces.host_board import HostBoard
from simulation.bench import Bench, BenchSpec, InstrumentSpec, SlotSpec, WaySpec
from simulation.clock import VirtualClock
from simulation.faults import Fault, FaultKind
from simulation.physics.parameters import LANES, LaneParameters, Squelch, TransceiverParameters, draw
from simulation.transceiver.identity import Identity
from simulation.transceiver.two_wire import Nack
from station.config.fields import Loss
from station.config.loader import load_product, load_simulation, load_station
from station.config.problems import FilesError, Finding, nearest
from station.config.product_file import Product
from station.config.simulation_file import Fault as FaultEntry
from station.config.simulation_file import Simulation
from station.config.station_file import Instrument, Slot, Station
from station.files import GOOD, ChosenFiles

GROUP = "photonbench.twins"
PROFILE = "400gbase-dr4"
_REMEMBERED = 16  # characters of each text in a transceiver's memory


class NoTwin(PhotonbenchError):
    """A model that cannot be simulated."""


class SimulatedBoard(HostBoard):
    """The host board under a simulated transceiver; its lines and bus end at the simulated firmware."""

    def __init__(self, bench: Bench, slot: str) -> None:
        self._slot = bench.slots[slot]

    def present(self) -> bool:
        """Read whether a transceiver is plugged in."""
        return self._slot.firmware.present()

    def switch_power(self, on: bool) -> None:
        """Connect or disconnect the supply rail."""
        self._slot.switch_power(on)

    def hold_reset(self, held: bool) -> None:
        """Pull ResetL low or let it go."""
        self._slot.refresh()
        self._slot.firmware.set_reset(held)

    def request_low_power(self, low_power: bool) -> None:
        """Drive LPMode."""
        self._slot.refresh()
        self._slot.firmware.set_low_power_pin(low_power)

    def transfer(self, address: int, write: bytes, read_count: int) -> bytes:
        """Write, then read after a repeated start."""
        self._slot.refresh()
        try:
            return self._slot.firmware.two_wire.transfer(address, write, read_count)
        except Nack as error:
            raise NoAcknowledge(f"no acknowledge from the simulated transceiver: {error}") from error


class Twin:
    """A simulated bench as a station sees it."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    @property
    def clock(self) -> Clock:
        """Get the time of the simulated bench."""
        return self.bench.clock

    def resource_manager(self) -> Any:
        """Open the VISA library of the simulated bench."""
        return pyvisa.ResourceManager(self.bench.visa_library())

    def host_board(self, slot: int) -> HostBoard:
        """Get the board under a simulated transceiver."""
        return SimulatedBoard(self.bench, f"slot{slot}")

    def safe_state(self) -> Mapping[str, Mapping[str, object]]:
        """Get the truth about every output, from the simulated instruments themselves."""
        return self.bench.safe_state()


def open_twin(files: ChosenFiles, *, serial: str, seed: int, clock: VirtualClock | None = None) -> Twin:
    """Build the twin of a station with one transceiver of the product in each slot.

    Its time is virtual unless another `clock` is given. Raise FilesError for profiles and parameters
    that the physics does not have, NoTwin for models without a twin.
    """
    if files.simulation is None:
        raise NoTwin("there is no simulation file", remedy="name one with --simulation")
    _refuse_profile(files)
    parameters = _parameters(files, seed, serial)
    simulation, station = files.simulation.value, files.station.value
    faults = [_fault(fault) for fault in simulation.faults]
    identity = _identity(files.product.value, simulation, serial)
    return Twin(Bench(_spec(station, seed, simulation, parameters, identity, faults), clock))


def _refuse_profile(files: ChosenFiles) -> None:
    """Raise FilesError when the physics that a file asks for, or the product has, is another than ours."""
    loaded = files.simulation
    if loaded is None:
        return
    findings = []
    if loaded.value.profile != PROFILE:
        what = f"no physics is called {loaded.value.profile!r}; there is {PROFILE}"
        findings.append(Finding(("profile",), what, nearest(loaded.value.profile, [PROFILE])))
    lanes = len(files.product.value.lanes)
    if lanes != LANES:
        what = f"{PROFILE} has {LANES} lanes, {files.product.value.name} {lanes}"
        findings.append(Finding(("profile",), what))
    for name in ("vendor_name", "part_number", "serial_number"):
        told = getattr(loaded.value.identity, name)
        if told is not None and len(told) > _REMEMBERED:
            what = f"{told!r} does not fit into the {_REMEMBERED} characters of the memory"
            findings.append(Finding(("identity", name), what))
    if findings:
        raise FilesError([loaded.problem(finding) for finding in findings])


def visa_library_for(path: str) -> Any:
    """Give the VISA library of a station's twin with the shipped good transceiver, idle and unpowered."""
    product = GOOD.parents[1] / "products" / "400gbase-dr4.yaml"
    files = ChosenFiles(load_station(Path(path)), load_product(product), None, load_simulation(GOOD))
    return open_twin(files, serial="TWIN-0001", seed=1).bench.visa_library()


def twin_of(model: str, installed: Collection[EntryPoint]) -> type[Any]:
    """Load the simulated instrument of a model; raise NoTwin."""
    entries = {entry.name: entry for entry in installed}
    if model not in entries:
        near = difflib.get_close_matches(model, entries, 3, 0.4)
        known = ", ".join(near or sorted(entries))
        raise NoTwin(f"{model!r} has no twin and cannot be simulated", remedy=f"models with one: {known}")
    device: type[Any] = entries[model].load()
    return device


def _spec(
    station: Station,
    seed: int,
    simulation: Simulation,
    parameters: TransceiverParameters,
    identity: Identity,
    faults: list[Fault],
) -> BenchSpec:
    drawn, installed = simulation.link_errors, entry_points(group=GROUP)
    wiring = station.wiring
    return BenchSpec(
        seed=seed,
        epoch=simulation.epoch,
        ambient_c=station.ambient_c,
        instruments=[
            InstrumentSpec(
                name,
                twin_of(entry.model, installed),
                entry.address,
                entry.serial or f"SIM{abs(hash_of(name)) % 10**7:07d}",
                _options(entry, station, drawn),
            )
            for name, entry in station.instruments.items()
        ],
        elements={
            name: [
                WaySpec(way.entrance, way.exit, _points(way.loss_db), way.uncertainty_db * drawn)
                for way in element.ways
            ]
            for name, element in station.elements.items()
        },
        fibres=[
            WaySpec(
                str(link.source),
                str(link.destination),
                _points(link.loss_db),
                link.uncertainty_db * drawn,
                link.test_channel.dispersion_ps_nm if link.test_channel else 0.0,
            )
            for link in wiring.optical
        ],
        cables=[(str(one.source), str(one.destination)) for one in (*wiring.electrical, *wiring.clocks)],
        slots=[_slot(slot, parameters, identity) for slot in station.slots],
        faults=faults,
    )


def _options(entry: Instrument, station: Station, drawn: bool) -> dict[str, object]:
    options: dict[str, object] = {"ambient_c": station.ambient_c, **entry.options}
    if entry.through is not None:
        options["insertion_loss_db"] = entry.through.loss_db.at(1311.0)
        options["insertion_loss_uncertainty_db"] = entry.through.uncertainty_db * drawn
    return options


def hash_of(name: str) -> int:
    """Give a number that depends on a name alone, the same in every process."""
    import zlib

    return zlib.crc32(name.encode())


def _points(loss: Loss) -> dict[float, float]:
    return {nm or 1311.0: db for nm, db in loss.points}


def _slot(slot: Slot, parameters: TransceiverParameters, identity: Identity) -> SlotSpec:
    supply, output = slot.supply.element, slot.supply.port
    return SlotSpec(slot.name, parameters, identity, supply, output, slot.thermal_head)


def _identity(product: Product, simulation: Simulation, serial: str) -> Identity:
    told = simulation.identity
    return Identity(
        vendor_name=told.vendor_name or product.vendor.name,
        oui=bytes.fromhex("000000"),
        revision="A0",
        date_code=f"{simulation.epoch:%y%m%d}",
        part_number=told.part_number or product.vendor.part_numbers[0],
        serial_number=told.serial_number or serial[:_REMEMBERED],
    )


def _parameters(files: ChosenFiles, seed: int, serial: str) -> TransceiverParameters:
    """Apply a simulation file to the profile and draw the unit; raise FilesError."""
    loaded = files.simulation
    if loaded is None:
        raise NoTwin("there is no simulation file", remedy="name one with --simulation")
    unit = loaded.value.unit
    findings = [
        *_unknown_names(("unit", "transceiver"), unit.transceiver, TransceiverParameters),
        *(
            finding
            for lane, changes in unit.lanes.items()
            for finding in _unknown_names(("unit", "lanes", lane), changes, LaneParameters)
        ),
    ]
    if findings:
        raise FilesError([loaded.problem(finding) for finding in findings])
    shared = {name: _value(name, value) for name, value in unit.transceiver.items()}
    try:
        drawn = draw(replace(TransceiverParameters(), **shared), seed, serial, scale=unit.spread)
        # A defect is what the file says, whatever the spread drew.
        parameters = replace(drawn, **shared)
        for lane, changes in unit.lanes.items():
            parameters = parameters.with_lane(lane, **{name: _number(v) for name, v in changes.items()})
    except (TypeError, ValueError, IndexError) as error:
        raise FilesError([loaded.problem(Finding(("unit",), f"the physics refuses it: {error}"))]) from error
    return parameters


def _unknown_names(
    steps: tuple[str | int, ...], changes: Mapping[str, object], kind: type[Any]
) -> Iterator[Finding]:
    known = {field.name for field in fields(kind)}
    for name in changes:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            what = f"the physics has no parameter {name!r}"
            yield Finding((*steps, name), what, near[0] if near else None, at_key=True)


def _value(name: str, value: object) -> Any:
    if name == "squelch":
        return Squelch(str(value))
    return tuple(int(n) for n in value) if isinstance(value, tuple) else value


def _number(value: object) -> float:
    if not isinstance(value, float):
        raise TypeError(f"{value!r} is not a number")
    return value


def _fault(fault: FaultEntry) -> Fault:
    given = {
        name: value
        for name in ("delay_s", "identity", "error_code", "amount_db")
        if (value := getattr(fault, name)) is not None
    }
    return Fault(
        fault.instrument,
        FaultKind(fault.kind),
        after_messages=fault.after_messages,
        after_s=fault.after_s,
        **given,
    )
