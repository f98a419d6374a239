"""Light on its way: beams, and what every port of the bench has to say about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class Emitter(Protocol):
    """Where a beam comes from; a sampling instrument asks it for the waveform."""

    @property
    def name(self) -> str:
        """Get the port that emits, for example "slot1.tx2"."""
        ...


@dataclass(frozen=True, slots=True)
class Beam:
    """Light of one emitter at one place.

    `power_mw` is the average power here; `loss_db` and `dispersion_ps_nm` are what the way from the
    emitter to here has added up to.
    """

    emitter: Emitter
    wavelength_nm: float
    power_mw: float
    loss_db: float = 0.0
    dispersion_ps_nm: float = 0.0

    def after(self, loss_db: float, dispersion_ps_nm: float = 0.0) -> Beam:
        """Give the same light after a stretch of way."""
        return Beam(
            self.emitter,
            self.wavelength_nm,
            self.power_mw * 10 ** (-loss_db / 10),
            self.loss_db + loss_db,
            self.dispersion_ps_nm + dispersion_ps_nm,
        )


Light = tuple[Beam, ...]
"""All light at one place; empty where it is dark."""


def total_power_mw(light: Light) -> float:
    """Add up the average powers of all beams."""
    return sum(beam.power_mw for beam in light)


@dataclass(frozen=True, slots=True)
class Passage:
    """A way through an element from one of its ports to another, at this moment.

    `loss_db` takes the wavelength in nm.
    """

    entrance: str
    loss_db: Callable[[float], float]


class OpticalElement(Protocol):
    """Anything with optical ports: laser, transceiver, switch, attenuator, coupler.

    Port names are local ("tx1", "1.in", "A.com"); elements know no other element.
    """

    def emission(self, port: str) -> Light:
        """Get the light that this element itself sends out of a port now."""
        ...

    def passages(self, port: str) -> tuple[Passage, ...]:
        """Get the ways that lead through this element and out of a port now."""
        ...


class LightSource(Protocol):
    """What an instrument with an optical input is given: the light that falls on its ports."""

    def arriving(self, port: str) -> Light:
        """Get the light that falls on one of this element's ports now."""
        ...
