"""Electrical signals on their way: what a pattern generator sends and a lane or detector gets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from simulation.physics.network import split_port

CLOCK = "CLOCK"
"""The pattern of a clock output; its `symbol_rate_gbd` is the clock's frequency in GHz."""


@dataclass(frozen=True, slots=True)
class ElectricalSignal:
    """A signal at one place.

    `pattern` is a name of measurements.patterns, or CLOCK. `error_ratio` is the bit error ratio that the
    signal has already picked up. `source` is the port where the pattern was made; `timebase` the
    reference that it follows: two signals are locked to each other if their timebases are equal.
    """

    pattern: str
    symbol_rate_gbd: float
    amplitude_v: float
    source: str
    timebase: str
    on: bool = True
    error_ratio: float = 0.0


class ElectricalElement(Protocol):
    """Anything with electrical outputs: pattern generator, receive side of a transceiver."""

    def electrical_emission(self, port: str) -> ElectricalSignal | None:
        """Get the signal that leaves a port now, None if there is none."""
        ...


class ElectricalSource(Protocol):
    """What an element with electrical inputs is given: the signals at its ports."""

    def arriving(self, port: str) -> ElectricalSignal | None:
        """Get the signal at one of this element's ports now, None if there is none."""
        ...


class ElectricalNetwork:
    """All electrical elements of a bench, and cables as (start, end) between them."""

    def __init__(self, elements: Mapping[str, ElectricalElement], cables: Iterable[tuple[str, str]]) -> None:
        self._elements = dict(elements)
        self._into: dict[str, str] = {}
        for start, end in cables:
            self._join(start, end)

    def _join(self, start: str, end: str) -> None:
        split_port(end)
        if split_port(start)[0] not in self._elements:
            raise ValueError(f"the cable {start} -> {end} starts at an element without electrical output")
        if end in self._into:
            raise ValueError(f"the cables from {self._into[end]} and {start} end at one port, {end}")
        self._into[end] = start

    def arriving(self, port: str) -> ElectricalSignal | None:
        """Get the signal at a port now, None if nothing is joined to it or its source is off."""
        start = self._into.get(port)
        if start is None:
            return None
        name, local = split_port(start)
        signal = self._elements[name].electrical_emission(local)
        return signal if signal is not None and signal.on else None

    def ports(self) -> list[str]:
        """Get all ports that a cable begins or ends at, in order."""
        return sorted({*self._into, *self._into.values()})

    def at(self, port: str) -> ElectricalSignal | None:
        """Get the signal that arrives at a port or leaves it now."""
        if port in self._into:
            return self.arriving(port)
        name, local = split_port(port)
        return self._elements[name].electrical_emission(local) if name in self._elements else None

    def source_for(self, element: str) -> ElectricalSource:
        """Give one element its view of the network, with port names of its own."""
        return _View(self, element)


@dataclass(frozen=True, slots=True)
class _View:
    """The network as one element sees it."""

    network: ElectricalNetwork
    element: str

    def arriving(self, port: str) -> ElectricalSignal | None:
        """Get the signal at one of this element's ports now."""
        return self.network.arriving(f"{self.element}.{port}")
