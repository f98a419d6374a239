"""Heat: the case of a transceiver follows the air around it.

A query may come long after the last one: air answers for past moments, and the case catches up.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

AMBIENT_C = 23.0


class Air(Protocol):
    """The air around a transceiver."""

    def temperature_c(self, at_s: float) -> float:
        """Get the air temperature at a moment of bench time, past moments included."""
        ...


@dataclass(frozen=True, slots=True)
class StillAir:
    """A room at one temperature."""

    ambient_c: float = AMBIENT_C

    def temperature_c(self, at_s: float) -> float:  # noqa: ARG002  a room does not change
        """Get the air temperature."""
        return self.ambient_c


class Case:
    """The case of a transceiver: follows the air, warmed by its own power."""

    LONGEST_STEP_S = 1.0

    def __init__(self, time_constant_s: float, rise_k_per_w: float, start_c: float = AMBIENT_C) -> None:
        self._time_constant_s = time_constant_s
        self._rise_k_per_w = rise_k_per_w
        self._at_s = 0.0
        self.temperature_c = start_c

    def catch_up(self, now_s: float, air: Air, power_w: Callable[[float], float]) -> None:
        """Let the time since the last call pass; `power_w` gives the heat at a case temperature."""
        steps = math.ceil((now_s - self._at_s) / self.LONGEST_STEP_S)
        for _ in range(steps):
            self._step(min(self.LONGEST_STEP_S, now_s - self._at_s), air, power_w)

    def _step(self, step_s: float, air: Air, power_w: Callable[[float], float]) -> None:
        air_c = air.temperature_c(self._at_s + step_s / 2)
        target_c = air_c + self._rise_k_per_w * power_w(self.temperature_c)
        remaining = math.exp(-step_s / self._time_constant_s)
        self.temperature_c = target_c + (self.temperature_c - target_c) * remaining
        self._at_s += step_s
