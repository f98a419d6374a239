"""Elements without power: couplers and splitters."""

from __future__ import annotations

import math
from collections.abc import Mapping

from simulation.physics.light import Light, Passage
from simulation.physics.loss import Curve, fixed

_CHECKED_NM = (1260.0, 1310.0, 1360.0)


class PassiveElement:
    """An element that only leads light on, with a loss for each (entrance, exit).

    Raises ValueError if more light would leave than enters.
    """

    def __init__(self, losses_db: Mapping[tuple[str, str], Curve]) -> None:
        for entrance in {entrance for entrance, _ in losses_db}:
            curves = [curve for (start, _), curve in losses_db.items() if start == entrance]
            _refuse_gain(entrance, curves)
        self._passages: dict[str, tuple[Passage, ...]] = {}
        for (entrance, exit_port), curve in losses_db.items():
            ways = (*self._passages.get(exit_port, ()), Passage(entrance, curve))
            self._passages[exit_port] = ways

    def emission(self, port: str) -> Light:  # noqa: ARG002  the protocol asks by port
        """Get the light that this element itself sends out: none."""
        return ()

    def passages(self, port: str) -> tuple[Passage, ...]:
        """Get the ways that lead out of a port."""
        return self._passages.get(port, ())


def coupler(*, split: float = 0.5, excess_loss_db: float = 0.2) -> PassiveElement:
    """Build a 2x2 coupler: ports in1, in2, out1, out2.

    `split` is the part of in1's light that goes to out1 (and of in2's to out2); the rest crosses over.
    """
    if not 0 < split < 1 or excess_loss_db < 0:
        raise ValueError(f"no coupler has split {split} and excess loss {excess_loss_db} dB")
    straight = fixed(excess_loss_db - 10 * math.log10(split))
    crossed = fixed(excess_loss_db - 10 * math.log10(1 - split))
    return PassiveElement(
        {
            ("in1", "out1"): straight,
            ("in1", "out2"): crossed,
            ("in2", "out1"): crossed,
            ("in2", "out2"): straight,
        }
    )


def _refuse_gain(entrance: str, curves: list[Curve]) -> None:
    for wavelength_nm in _CHECKED_NM:
        passed = sum(10 ** (-curve(wavelength_nm) / 10) for curve in curves)
        if passed > 1 + 1e-9:
            raise ValueError(
                f"a passive element cannot pass {passed:.3f} of the light that enters {entrance}:"
                f" correct its losses at {wavelength_nm:g} nm"
            )
