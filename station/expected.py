"""What a run must deliver, known before it starts: plan x product x lanes x corners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from station.config.limits import ResolvedLimit
from station.config.plan_file import Plan
from station.config.product_file import Product


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What names one measurement of a run; `lane` is None for one of the whole transceiver."""

    name: str
    lane: int | None
    corner: str

    def __str__(self) -> str:
        lane = "" if self.lane is None else f" lane {self.lane}"
        return f"{self.name}{lane} at {self.corner}"


def expand(plan: Plan, product: Product, limits: Mapping[str, ResolvedLimit]) -> tuple[Key, ...]:
    """List every measurement that the run must deliver, in the order of the visit.

    Each name must have a row in `limits` (the check of the files sees to it).
    """
    return tuple(
        Key(name, lane, corner.name)
        for corner in plan.corners
        for step in plan.steps
        if corner in plan.corners_of(step)
        for name in step.measures
        for lane in (product.lane_numbers if limits[name].per == "lane" else (None,))
    )
