"""Open a run: read and check its files, start its record, join bench, slot and sequences."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyvisa

from instruments.catalog import installed_drivers
from instruments.clock import Clock, WallClock
from instruments.cmis import ModuleManagement
from instruments.errors import PhotonbenchError
from instruments.interfaces.host_board import HostBoard
from instruments.interfaces.power_supply import PowerSupply
from instruments.interfaces.thermal_head import ThermalHead
from station import journal as journals
from station import record
from station.abort import AbortRequest
from station.analysis import Analyst
from station.bench import Bench
from station.cell import Cell
from station.config.limits import ResolvedLimit, limits_sha256, resolved_limits
from station.config.problems import Severity, raise_errors
from station.config.station_file import Slot as SlotEntry
from station.expected import Key, expand
from station.files import ChosenFiles, check, choose
from station.itinerary import Itinerary
from station.journal import Journal
from station.request import RunRequest, new_run_id
from station.run import Run
from station.slot import Slot, SlotParts, SupplyRail
from station.twin_port import TwinPort
from station.wiring import Wiring


class OpeningError(PhotonbenchError):
    """A request that cannot be run: the command line is wrong, or the record cannot be written."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What hardware and twin differ in."""

    clock: Clock
    twin: TwinPort | None

    def manager(self, visa: str) -> Any:
        """Open the VISA library."""
        return self.twin.resource_manager() if self.twin else pyvisa.ResourceManager(visa)

    def board(self, entry: SlotEntry) -> HostBoard:
        """Open the board under a transceiver."""
        if self.twin is not None:
            return self.twin.host_board(entry.number)
        driver = installed_drivers().driver(entry.host_board.model)
        board: HostBoard = driver(entry.host_board.address, options=entry.host_board.options)
        return board


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request whose files were read and found good."""

    request: RunRequest
    files: ChosenFiles
    ground: Ground
    itinerary: Itinerary
    limits: Mapping[str, ResolvedLimit]
    expected: tuple[Key, ...] | None
    warnings: tuple[str, ...]


def prepare(request: RunRequest) -> Prepared:
    """Read and check what a request names; raise FilesError or OpeningError. Nothing moves."""
    files = choose(request)
    today = _today(files)
    problems = check(files, today=today)
    raise_errors(problems)
    _check_request(request, files)
    ground = _ground(request, files)
    limits = resolved_limits(files.product.value, today)
    plan = files.plan
    itinerary = Itinerary.of(plan.value, plan.path) if plan else Itinerary.without_plan(files.product.value)
    expected = expand(plan.value, files.product.value, limits) if plan else None
    warnings = tuple(str(problem) for problem in problems if problem.severity is Severity.WARNING)
    return Prepared(request, files, ground, itinerary, limits, expected, warnings)


def open_cell(request: RunRequest, abort: AbortRequest) -> Cell:
    """Open a run; raise FilesError or OpeningError before anything has moved.

    Instruments are opened with the first step, so that their errors are in the record.
    """
    prepared = prepare(request)
    run_id = request.run_id or new_run_id(request.serial)
    journal = _journal(request.out / run_id, prepared.ground.clock)
    write_head(journal, prepared, run_id)
    for warning in prepared.warnings:
        journal.append("warning", message=warning)
    return _joined(prepared, journal, abort)


def _joined(prepared: Prepared, journal: Journal, abort: AbortRequest) -> Cell:
    request, files, ground = prepared.request, prepared.files, prepared.ground
    clock = AbortableClock(ground.clock, abort)
    run = Run(journal, clock, prepared.limits, prepared.expected, abort)
    station = files.station.value
    bench = Bench(station, ground.manager(station.visa), installed_drivers(), clock, abort.check)
    entry = station.slot(request.slot)

    def slot() -> Slot:
        board = ground.board(entry)
        supply = bench.get(entry.supply.element, PowerSupply)
        head = bench.get(entry.thermal_head, ThermalHead) if entry.thermal_head else None
        name = f"transceiver {request.serial} in slot {entry.number}"
        rail = SupplyRail(supply, entry.supply.port, entry.supply.element)
        management = ModuleManagement(board, clock, name=name)
        parts = SlotParts(entry.number, rail, board, management, head)
        return Slot(parts, files.product.value, prepared.itinerary.temperature, clock, journal)

    return Cell(
        serial=request.serial,
        product=files.product.value,
        itinerary=prepared.itinerary,
        run=run,
        bench=bench,
        make_slot=slot,
        slot_number=entry.number,
        wiring=Wiring(station),
        analyst=Analyst(),
        folder=journal.folder,
        twin=ground.twin,
    )


class AbortableClock:
    """A clock on which no wait outlasts a request to stop by more than a moment."""

    _SLICE_S = 0.25

    def __init__(self, clock: Clock, abort: AbortRequest) -> None:
        self._clock = clock
        self._abort = abort
        self.now = clock.now
        self.utc = clock.utc

    def sleep(self, seconds: float) -> None:
        """Wait, looking up now and then."""
        left = seconds
        while left > 0:
            self._abort.check()
            self._clock.sleep(min(left, self._SLICE_S))
            left -= self._SLICE_S
        self._abort.check()


def _today(files: ChosenFiles) -> date:
    """Give the day by the bench's own clock."""
    return (files.simulation.value.epoch if files.simulation else WallClock().utc()).date()


def _ground(request: RunRequest, files: ChosenFiles) -> Ground:
    if not request.simulate:
        return Ground(WallClock(), None)
    from station.twin import open_twin

    twin = open_twin(files, serial=request.serial, seed=request.seed)
    return Ground(twin.clock, twin)


def _check_request(request: RunRequest, files: ChosenFiles) -> None:
    product = files.product.value
    if not product.accepts_serial(request.serial):
        raise OpeningError(
            f"{request.serial!r} is no serial number of {product.name}: the rule is {product.serial_pattern}",
            remedy="scan the label again, or correct serial_pattern in the product file",
        )
    slots = [slot.number for slot in files.station.value.slots]
    if request.slot not in slots:
        raise OpeningError(f"the station has no slot {request.slot}", remedy=f"choose one of {slots}")


def _journal(folder: Path, clock: Clock) -> Journal:
    try:
        return Journal(folder, clock.utc)
    except OSError as error:
        raise OpeningError(
            f"the record cannot be written to {folder}: {error.strerror or error}",
            remedy="name a folder that can be written with --out",
        ) from error


def write_head(journal: Journal, prepared: Prepared, run_id: str) -> None:
    """Write down who is tested by what, against which limits; it is on the disk on return."""
    request, files, expected = prepared.request, prepared.files, prepared.expected
    journal.append(
        "head",
        run_id=run_id,
        serial=request.serial,
        slot=request.slot,
        attempt=record.attempts(request.out, request.serial) + 1,
        partial=expected is None,
        simulated=request.simulate,
        seed=request.seed if request.simulate else None,
        station=files.station.value.name,
        product=files.product.value.name,
        plan=files.plan.value.name if files.plan else None,
        lanes=list(files.product.value.lane_numbers),
        corners=[corner.model_dump() for corner in prepared.itinerary.corners],
        files=[{"kind": kind, "path": str(f.path), "sha256": f.sha256} for kind, f in files.named()],
        limits={name: _limit_row(row) for name, row in prepared.limits.items()},
        limits_sha256=limits_sha256(prepared.limits),
        expected=[[key.name, key.lane, key.corner] for key in expected or ()],
        code=code_sha256(),
        started=journals.wall_utc().isoformat(),
        host={"name": platform.node(), "python": platform.python_version(), "pid": os.getpid()},
    )
    journal.sync()


def _limit_row(row: ResolvedLimit) -> dict[str, object]:
    return {
        "unit": row.unit,
        "per": row.per,
        "lower": row.lower.expression.text if row.lower else None,
        "upper": row.upper.expression.text if row.upper else None,
        "layer": row.layer,
        "source": row.source,
        "confidence": row.confidence,
        "confirmed": row.confirmed,
        "note": row.note,
    }


def code_sha256() -> str:
    """Give a digest of our own source files, which says what code measured even between releases."""
    digest = hashlib.sha256()
    root = Path(__file__).resolve().parents[1]
    for room in ("measurements", "instruments", "station", "fixtures", "sequences"):
        for path in sorted((root / room).rglob("*.py")):
            digest.update(json.dumps([str(path.relative_to(root)), path.read_text()]).encode())
    return digest.hexdigest()
