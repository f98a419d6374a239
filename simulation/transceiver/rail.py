"""When the supply lets the module run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rail:
    """The supervisor of the supply: it starts the module at `power_good_v` and resets it outside the rest.

    A module is specified from 3.135 to 3.465 V. `brown_out_v` and `overvoltage_v` must not be wider than
    what the physics runs at, or management would believe in circuits that have stopped.
    """

    power_good_v: float = 3.0
    brown_out_v: float = 2.95
    overvoltage_v: float = 3.8

    def __post_init__(self) -> None:
        if not 0 < self.brown_out_v < self.power_good_v < self.overvoltage_v:
            raise ValueError(f"a rail needs 0 < brown-out < power good < overvoltage: {self}")

    def good(self, voltage_v: float, *, was_good: bool) -> bool:
        """Judge a voltage, with hysteresis between power good and brown-out."""
        return (self.brown_out_v if was_good else self.power_good_v) <= voltage_v <= self.overvoltage_v
