"""The light path of the bench: fibres between elements, and what light arrives where.

Light is pulled: who wants to know asks at a port, and the question runs backward through fibres and
elements to the emitters. Powers add; reflections and interference between beams are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from simulation.physics.light import Beam, Light, LightSource, OpticalElement
from simulation.physics.loss import Curve, dispersion_free


@dataclass(frozen=True, slots=True)
class FibreLink:
    """A fibre with its connectors, from a port that light leaves to one that it enters.

    Ports are "element.port", split at the first dot; curves take the wavelength in nm.
    """

    start: str
    end: str
    loss_db: Curve
    dispersion_ps_nm: Curve = dispersion_free

    def carry(self, beam: Beam) -> Beam:
        """Give a beam as it comes out at the far end."""
        return beam.after(self.loss_db(beam.wavelength_nm), self.dispersion_ps_nm(beam.wavelength_nm))


def split_port(port: str) -> tuple[str, str]:
    """Split "switch.M1.com" into the element and its own port name."""
    element, dot, local = port.partition(".")
    if not (element and dot and local):
        raise ValueError(f"'{port}' is no port: write it as <element>.<port>")
    return element, local


class LightNetwork:
    """All optical elements of a bench and the fibres between them."""

    def __init__(self, elements: Mapping[str, OpticalElement], links: Iterable[FibreLink]) -> None:
        self._elements = dict(elements)
        self._into: dict[str, tuple[FibreLink, str, str]] = {}
        used: set[str] = set()
        for link in links:
            self._join(link, used)

    def _join(self, link: FibreLink, used: set[str]) -> None:
        split_port(link.end)
        name, local = split_port(link.start)
        if name not in self._elements:
            raise ValueError(f"the fibre {link.start} -> {link.end} starts at an element that emits no light")
        if link.end in self._into or link.start in used:
            raise ValueError(f"the fibre {link.start} -> {link.end} needs a port that another one occupies")
        self._into[link.end] = (link, name, local)
        used.add(link.start)

    def arriving(self, port: str) -> Light:
        """Get the light that falls on a port now; nothing if no fibre ends there.

        Raises ValueError if the light runs in a ring, which this bench cannot resolve.
        """
        return tuple(self._arriving(port, ()))

    def ports(self) -> list[str]:
        """Get all ports that a fibre begins or ends at, in order."""
        starts = {f"{name}.{local}" for _, name, local in self._into.values()}
        return sorted(starts | self._into.keys())

    def at(self, port: str) -> Light | None:
        """Get the light that falls on a port or leaves it now; None if no element has light there."""
        if port in self._into:
            return self.arriving(port)
        name, _, local = port.partition(".")
        if name not in self._elements:
            return None
        leaving = tuple(self._leaving(name, local, ()))
        return leaving if leaving or port in self.ports() else None

    def source_for(self, element: str) -> LightSource:
        """Give one element its view of the network, with port names of its own."""
        return _View(self, element)

    def _arriving(self, port: str, trail: tuple[str, ...]) -> list[Beam]:
        if port in trail:
            raise ValueError(f"light runs in a ring: {' <- '.join([*trail, port])}")
        if port not in self._into:
            return []
        link, name, local = self._into[port]
        return [link.carry(beam) for beam in self._leaving(name, local, (*trail, port))]

    def _leaving(self, name: str, local: str, trail: tuple[str, ...]) -> list[Beam]:
        element = self._elements[name]
        beams = [beam for beam in element.emission(local) if beam.power_mw > 0]
        for passage in element.passages(local):
            for beam in self._arriving(f"{name}.{passage.entrance}", trail):
                passed = beam.after(passage.loss_db(beam.wavelength_nm))
                if passed.power_mw > 0:
                    beams.append(passed)
        return beams


@dataclass(frozen=True, slots=True)
class _View:
    """The network as one element sees it."""

    network: LightNetwork
    element: str

    def arriving(self, port: str) -> Light:
        """Get the light that falls on one of this element's ports now."""
        return self.network.arriving(f"{self.element}.{port}")
