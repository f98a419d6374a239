"""Checks of a station: addresses, wiring, slots, calibration."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from station.config.fields import Port
from station.config.loader import Loaded
from station.config.problems import Finding, Problem, Severity, Steps, nearest
from station.config.station_file import SLOT_NAME, Cable, Element, InsertionLoss, OpticalLink, Slot, Station

_SLOT_PORT = re.compile(r"(tx|rx|host_tx|host_rx)([1-9][0-9]*)")
_LEAVES_SLOT: Mapping[str, bool] = MappingProxyType(
    {"tx": True, "rx": False, "host_tx": False, "host_rx": True}
)


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What the checks need to know of a model beyond the file; None where it is not known.

    `ports` are all ports that wiring may name, `clock_port` the trigger that must be fed.
    """

    ports: frozenset[str] | None = None
    clock_port: str | None = None


Catalogue = Mapping[str, ModelFacts]
"""Facts by model; with a catalogue, a model that is not in it is an error."""


def check_station(
    station: Loaded[Station], *, today: date, catalogue: Catalogue | None = None
) -> list[Problem]:
    """Find all that makes a station unusable, or unusable today."""
    bench = station.value
    findings = [
        *_models(bench, catalogue),
        *_addresses(bench),
        *_slots(bench),
        *_ends(bench, catalogue or {}),
        *_ports_used_twice(bench),
        *_missing_insertion_loss(bench),
        *_dead_ends(bench),
        *_clocks(bench, catalogue or {}),
        *_calibration(bench, today),
    ]
    return [station.problem(finding) for finding in findings]


def _models(bench: Station, catalogue: Catalogue | None) -> Iterator[Finding]:
    for name, instrument in bench.instruments.items():
        if catalogue is not None and instrument.model not in catalogue:
            place = ("instruments", name, "model")
            yield Finding(place, f"no driver for {instrument.model!r}", nearest(instrument.model, catalogue))


def _addresses(bench: Station) -> Iterator[Finding]:
    owners: dict[str, str] = {}
    entries: list[tuple[str, str, Steps]] = [
        (name, _canonical_address(entry.address), ("instruments", name, "address"))
        for name, entry in bench.instruments.items()
    ]
    entries += [
        (f"{slot.name}'s host board", slot.host_board.address, ("slots", index, "host_board", "address"))
        for index, slot in enumerate(bench.slots)
    ]
    for name, address, place in entries:
        if address in owners:
            yield Finding(place, f"{name} has the address of {owners[address]}; each needs its own")
        owners.setdefault(address, name)


def _canonical_address(address: str) -> str:
    """Write a VISA resource in one way: TCPIP::h and tcpip0::h::inst0::INSTR are the same instrument."""
    parts = address.upper().split("::")
    if parts[0] in ("TCPIP", "GPIB", "USB", "VXI", "PXI"):
        parts[0] += "0"
    if parts[-1] not in ("INSTR", "SOCKET", "RAW"):
        parts.append("INSTR")
    if parts[0].startswith("TCPIP") and parts[-1] == "INSTR" and len(parts) == 3:
        parts.insert(2, "INST0")
    return "::".join(parts)


def _slots(bench: Station) -> Iterator[Finding]:
    supplies: dict[Port, str] = {}
    for index, slot in enumerate(bench.slots):
        if slot.supply.element not in bench.instruments:
            what = f"no instrument {slot.supply.element!r}"
            yield Finding(("slots", index, "supply"), what, nearest(slot.supply.element, bench.instruments))
        if slot.supply in supplies:
            what = f"{slot.supply} feeds {supplies[slot.supply]} already; each slot needs its own"
            yield Finding(("slots", index, "supply"), what)
        supplies.setdefault(slot.supply, slot.name)
        if slot.thermal_head is not None and slot.thermal_head not in bench.instruments:
            what = f"no instrument {slot.thermal_head!r}"
            yield Finding(
                ("slots", index, "thermal_head"), what, nearest(slot.thermal_head, bench.instruments)
            )


def _links(bench: Station) -> Iterator[tuple[Steps, OpticalLink | Cable]]:
    wiring = bench.wiring
    kinds: dict[str, tuple[OpticalLink | Cable, ...]] = {
        "optical": wiring.optical,
        "electrical": wiring.electrical,
        "clocks": wiring.clocks,
    }
    for kind, links in kinds.items():
        for index, link in enumerate(links):
            yield ("wiring", kind, index), link


def _ends(bench: Station, catalogue: Catalogue) -> Iterator[Finding]:
    for place, link in _links(bench):
        optical = place[1] == "optical"
        for key, port, leaves in (("from", link.source, True), ("to", link.destination, False)):
            yield from _end((*place, key), port, leaves, optical, bench, catalogue)


def _end(
    place: Steps, port: Port, leaves: bool, optical: bool, bench: Station, catalogue: Catalogue
) -> Iterator[Finding]:
    if SLOT_NAME.fullmatch(port.element):
        slots = {slot.name: slot for slot in bench.slots}
        if port.element in slots:
            yield from _slot_end(place, port, leaves, optical, slots[port.element])
        else:
            yield Finding(place, f"no slot {port.element!r}", nearest(port.element, slots))
    elif port.element in bench.instruments:
        facts = catalogue.get(bench.instruments[port.element].model, ModelFacts())
        if facts.ports is not None and port.port not in facts.ports:
            yield Finding(place, f"{port.element} has no port {port.port!r}", nearest(port.port, facts.ports))
    elif port.element in bench.elements:
        ways = bench.elements[port.element].ways
        ports = {way.exit if leaves else way.entrance for way in ways}
        if not optical:
            yield Finding(place, f"{port.element} leads light, not signals")
        elif port.port not in ports:
            side = "exit" if leaves else "entrance"
            yield Finding(place, f"{port.element} has no {side} {port.port!r}", nearest(port.port, ports))
    else:
        known = [*bench.instruments, *bench.elements, *(slot.name for slot in bench.slots)]
        what = f"no instrument, element or slot {port.element!r}"
        yield Finding(place, what, nearest(port.element, known))


def _slot_end(place: Steps, port: Port, leaves: bool, optical: bool, slot: Slot) -> Iterator[Finding]:
    match = _SLOT_PORT.fullmatch(port.port)
    wanted = "tx<lane> and rx<lane>" if optical else "host_tx<lane> and host_rx<lane>"
    if match is None or match[1].startswith("host") is optical:
        yield Finding(
            place, f"{slot.name} has no {'optical' if optical else 'host'} port {port.port!r}: {wanted}"
        )
    elif int(match[2]) > slot.lanes:
        yield Finding(place, f"{slot.name} has {slot.lanes} lanes, no lane {match[2]}")
    elif _LEAVES_SLOT[match[1]] is not leaves:
        side = "'from'" if _LEAVES_SLOT[match[1]] else "'to'"
        yield Finding(
            place, f"{port} belongs to the {side} side: links lead the way the light or signal goes"
        )


def _ports_used_twice(bench: Station) -> Iterator[Finding]:
    users: dict[tuple[str, Port], str] = {}
    for place, link in _links(bench):
        ends = [("from", link.source), ("to", link.destination)]
        # A clock may be divided to several instruments; a fibre or a data cable has one end.
        for key, port in ends[1:] if place[1] == "clocks" else ends:
            at = f"wiring.{place[1]}[{place[2]}]"
            if (key, port) in users:
                yield Finding((*place, key), f"{port} is joined already at {users[key, port]}")
            users.setdefault((key, port), at)


def _missing_insertion_loss(bench: Station) -> Iterator[Finding]:
    entered = {link.destination.element for link in bench.wiring.optical}
    left = {link.source.element for link in bench.wiring.optical}
    for name, instrument in bench.instruments.items():
        if name in entered & left and instrument.through is None:
            what = (
                "light passes this instrument: give its insertion loss as through: {loss_db, uncertainty_db}"
            )
            yield Finding(("instruments", name), what)


def _dead_ends(bench: Station) -> Iterator[Finding]:
    leaving: defaultdict[str, list[OpticalLink]] = defaultdict(list)
    for link in bench.wiring.optical:
        leaving[link.source.element].append(link)
    for index, link in enumerate(bench.wiring.optical):
        if not _reaches_something(link.destination, bench, leaving, set()):
            yield Finding(
                ("wiring", "optical", index, "to"), f"the light from {link.source} reaches no instrument"
            )
    wired = {link.source for link in bench.wiring.optical}
    for index, slot in enumerate(bench.slots):
        for lane in range(1, slot.lanes + 1):
            if Port(slot.name, f"tx{lane}") not in wired:
                yield Finding(("slots", index, "lanes"), f"{slot.name}.tx{lane} is wired to nothing")


def _reaches_something(
    port: Port, bench: Station, leaving: Mapping[str, list[OpticalLink]], seen: set[Port]
) -> bool:
    """Follow the light to an instrument that does not merely pass it on, or to a receiver."""
    if port in seen:
        return False
    seen.add(port)
    element, instrument = bench.elements.get(port.element), bench.instruments.get(port.element)
    if element is None and (instrument is None or instrument.through is None):
        return True  # an unknown name is reported where the ends are checked
    links = leaving.get(port.element, [])
    if element is not None:
        exits = {way.exit for way in element.ways if way.entrance == port.port}
        links = [link for link in links if link.source.port in exits]
    return any(_reaches_something(link.destination, bench, leaving, seen) for link in links)


def _clocks(bench: Station, catalogue: Catalogue) -> Iterator[Finding]:
    fed = {link.destination for link in bench.wiring.clocks}
    for name, instrument in bench.instruments.items():
        port = catalogue.get(instrument.model, ModelFacts()).clock_port
        if port is not None and Port(name, port) not in fed:
            what = f"has no clock: add a line to wiring.clocks that leads to {name}.{port}"
            yield Finding(("instruments", name), what)


@dataclass(frozen=True, slots=True)
class _Certificate:
    """The dates of one calibrated thing."""

    place: Steps
    what: str
    calibrated: date | None
    due: date | None


def _calibration(bench: Station, today: date) -> Iterator[Finding]:
    block = bench.policies.calibration_overdue == "block"
    severity = Severity.ERROR if block else Severity.WARNING
    for one in (*_instrument_certificates(bench), *_path_certificates(bench)):
        yield from _dates(one, today, severity)
    for one in _path_certificates(bench):
        if one.due is None:
            what = f"{one.what} has no calibration date; give calibration_due, or path_calibration for all"
            yield Finding(one.place, what)


def _dates(one: _Certificate, today: date, severity: Severity) -> Iterator[Finding]:
    if one.due is not None and one.due < today:
        text = f"calibration of {one.what} was due on {one.due}; today is {today}"
        yield Finding((*one.place, "calibration_due"), text, severity=severity)
    if one.calibrated is not None and one.calibrated > today:
        text = f"{one.what} was calibrated after today ({today}); check the date and the bench's clock"
        yield Finding((*one.place, "calibrated"), text)
    if one.calibrated is not None and one.due is not None and one.due < one.calibrated:
        yield Finding((*one.place, "calibration_due"), f"calibration of {one.what} is due before it was made")


def _instrument_certificates(bench: Station) -> Iterator[_Certificate]:
    for name, entry in bench.instruments.items():
        yield _Certificate(("instruments", name), name, entry.calibrated, entry.calibration_due)


def _path_certificates(bench: Station) -> Iterator[_Certificate]:
    """Give the path calibration once, then the parts that have dates of their own."""
    shared = bench.path_calibration
    common = (shared.calibrated, shared.calibration_due) if shared else None
    if shared is not None:
        yield _Certificate(("path_calibration",), "the paths", shared.calibrated, shared.calibration_due)
    for place, what, part in _calibrated_parts(bench):
        if (part.calibrated, part.calibration_due) != common:
            yield _Certificate(place, what, part.calibrated, part.calibration_due)


def _calibrated_parts(bench: Station) -> Iterator[tuple[Steps, str, InsertionLoss | Element | OpticalLink]]:
    for name, entry in bench.instruments.items():
        if entry.through is not None:
            yield ("instruments", name, "through"), f"the way through {name}", entry.through
    for name, element in bench.elements.items():
        yield ("elements", name), name, element
    for index, link in enumerate(bench.wiring.optical):
        yield ("wiring", "optical", index), f"the fibre {link.source} to {link.destination}", link
