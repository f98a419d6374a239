"""The bench as a graph: which way leads where, what it loses, and what it needs switched.

Electrical cables are hops like fibres, without a loss that anybody corrects for.

Ports of instruments that light passes pair by their names, as the interfaces say: an attenuator
leads "c.in" to "c.out"; a switch joins "m.com" to one of "m.1", "m.2", … and either way.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from instruments.errors import PhotonbenchError
from station.config.fields import Loss, Port
from station.config.station_file import Station

_NO_LOSS = Loss(((0.0, 0.0),), flat=True)


class NoRoute(PhotonbenchError):
    """The wiring leads from a port to nowhere that is asked for."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One stretch of a way: a fibre, a passive element, or an instrument that light passes."""

    name: str
    entrance: Port
    exit: Port
    loss: Loss
    uncertainty_db: float
    calibrated: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """A way for light from one port to another.

    `switches` gives the position that each module on the way must take, `attenuators` the channels
    that lie on it (their set attenuation is not part of the loss).
    """

    hops: tuple[Hop, ...]
    switches: Mapping[tuple[str, str], int]
    attenuators: tuple[tuple[str, str], ...]

    @property
    def source(self) -> Port:
        """Get the port where the way begins."""
        return self.hops[0].entrance

    @property
    def destination(self) -> Port:
        """Get the port where the way ends."""
        return self.hops[-1].exit

    def loss_db(self, wavelength_nm: float) -> float:
        """Add up the losses on the way."""
        return sum(hop.loss.at(wavelength_nm) for hop in self.hops)

    @property
    def uncertainty_db(self) -> float:
        """Get the uncertainty (k=2) of the loss; the stretches were measured independently."""
        return math.sqrt(sum(hop.uncertainty_db**2 for hop in self.hops))

    def agrees_with(self, other: Route) -> bool:
        """Tell whether both ways can be open at once."""
        if self.destination == other.destination:
            return False
        return all(other.switches.get(key, position) == position for key, position in self.switches.items())


class Wiring:
    """The ways of one station."""

    def __init__(self, station: Station) -> None:
        self._hops: dict[Port, list[Hop]] = {}
        self._cables: dict[Port, Port] = {}
        for hop in _all_hops(station):
            self._hops.setdefault(hop.entrance, []).append(hop)
        for cable in (*station.wiring.electrical, *station.wiring.clocks):
            self._cables[cable.destination] = cable.source

    def routes(self, source: Port, instrument: str) -> list[Route]:
        """Find all ways from a port to the ports of an element, the least lossy first."""
        found = [
            _route(hops) for hops in self._walk(source, ()) if hops and hops[-1].exit.element == instrument
        ]
        return sorted(found, key=lambda route: (route.loss_db(1310.0), str(route.destination)))

    def route(self, source: Port, instrument: str, port: str | None = None) -> Route:
        """Find the least lossy way to an element, or to one of its ports; raise NoRoute."""
        for route in self.routes(source, instrument):
            if port is None or route.destination.port == port:
                return route
        target = instrument if port is None else f"{instrument}.{port}"
        raise NoRoute(
            f"no way leads from {source} to {target}",
            remedy="add the missing fibre or cable to the wiring of the station file",
        )

    def cable_to(self, destination: Port) -> Port:
        """Get the port that a cable to a port comes from; raise NoRoute."""
        if destination in self._cables:
            return self._cables[destination]
        raise NoRoute(
            f"no cable leads to {destination}", remedy="add it to wiring.electrical of the station file"
        )

    def _walk(self, place: Port, way: tuple[Hop, ...]) -> Iterator[tuple[Hop, ...]]:
        yield way
        for hop in self._hops.get(place, ()):
            if all(hop.exit not in (past.entrance, past.exit) for past in way):
                yield from self._walk(hop.exit, (*way, hop))


def grouped(routes: Mapping[int, Route]) -> tuple[tuple[int, ...], ...]:
    """Group lanes whose ways can be open at once, keeping their order."""
    groups: list[list[int]] = []
    for lane, route in routes.items():
        for group in groups:
            if all(route.agrees_with(routes[other]) for other in group):
                group.append(lane)
                break
        else:
            groups.append([lane])
    return tuple(tuple(group) for group in groups)


def _route(hops: Sequence[Hop]) -> Route:
    switches: dict[tuple[str, str], int] = {}
    attenuators: list[tuple[str, str]] = []
    for hop in hops:
        first, last = _stem(hop.entrance.port), _stem(hop.exit.port)
        if hop.entrance.element != hop.exit.element or first[0] != last[0]:
            continue
        position = last[1] if first[1] == "com" else first[1]
        if "com" in (first[1], last[1]):
            switches[hop.entrance.element, first[0]] = int(position)
        elif (first[1], last[1]) == ("in", "out"):
            attenuators.append((hop.entrance.element, first[0]))
    return Route(tuple(hops), switches, tuple(attenuators))


def _stem(port: str) -> tuple[str, str]:
    stem, _, end = port.rpartition(".")
    return stem, end


def _all_hops(station: Station) -> Iterator[Hop]:
    for link in station.wiring.optical:
        date = link.calibrated.isoformat() if link.calibrated else None
        name = link.cable or f"{link.source} to {link.destination}"
        yield Hop(name, link.source, link.destination, link.loss_db, link.uncertainty_db, date)
    for name, element in station.elements.items():
        date = element.calibrated.isoformat() if element.calibrated else None
        for way in element.ways:
            ends = Port(name, way.entrance), Port(name, way.exit)
            yield Hop(name, *ends, way.loss_db, way.uncertainty_db, date)
    for cable in station.wiring.electrical:
        name = cable.cable or f"{cable.source} to {cable.destination}"
        yield Hop(name, cable.source, cable.destination, _NO_LOSS, 0.0)
    for name in station.instruments:
        yield from _through_hops(station, name)


def _through_hops(station: Station, name: str) -> Iterator[Hop]:
    """Give the ways through one instrument, between those of its ports that are wired."""
    through = station.instruments[name].through
    links = station.wiring.optical if through else station.wiring.electrical
    entrances = {link.destination for link in links if link.destination.element == name}
    exits = {link.source for link in links if link.source.element == name}
    loss, uncertainty_db, date = _NO_LOSS, 0.0, None
    if through is not None:
        loss, uncertainty_db = through.loss_db, through.uncertainty_db
        date = through.calibrated.isoformat() if through.calibrated else None
    for entrance in sorted(entrances):
        for leaving in sorted(exits):
            if _pairs(_stem(entrance.port), _stem(leaving.port)):
                yield Hop(name, entrance, leaving, loss, uncertainty_db, date)


def _pairs(entrance: tuple[str, str], leaving: tuple[str, str]) -> bool:
    same = entrance[0] == leaving[0]
    attenuating = (entrance[1], leaving[1]) == ("in", "out")
    switching = (
        "com" in (entrance[1], leaving[1]) and (entrance[1] + leaving[1]).replace("com", "", 1).isdecimal()
    )
    return same and (attenuating or switching)
