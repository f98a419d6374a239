"""Where a run goes: which sequence runs at which corner, in which order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from station.config.plan_file import Corner, Plan, PlanStep, SoakBySlope, Temperature
from station.config.product_file import Product
from station.config.sequence_source import CHECKOUT, sequence_path

ROOM = Corner(name="room", case_temperature_c=25.0, supply_v=3.3)


@dataclass(frozen=True, slots=True)
class Itinerary:
    """The steps of a plan with the files that hold them; without a plan, any sequence once, at room."""

    corners: tuple[Corner, ...]
    temperature: Temperature
    steps: tuple[tuple[Path, PlanStep], ...]
    plan: Plan | None

    @classmethod
    def of(cls, plan: Plan, plan_file: Path) -> Itinerary:
        """Take the steps of a plan."""
        steps = tuple((sequence_path(plan_file, step.sequence).resolve(), step) for step in plan.steps)
        return cls(plan.corners, plan.temperature, steps, plan)

    @classmethod
    def without_plan(cls, product: Product) -> Itinerary:
        """Visit one corner at room temperature and nominal supply."""
        room = ROOM.model_copy(update={"supply_v": product.supply.voltage_v})
        soak = SoakBySlope(method="slope", slope_c_per_min=0.5, window_s=30.0, timeout_s=900.0)
        return cls((room,), Temperature(tolerance_c=1.0, soak=soak), (), None)

    @property
    def files(self) -> tuple[Path, ...]:
        """Get the sequence files, each once, in the order of the plan."""
        return tuple(dict.fromkeys(path for path, _ in self.steps))

    @property
    def visits(self) -> tuple[tuple[Path, Corner], ...]:
        """Get every sequence file at every corner of the plan; none without a plan."""
        return tuple((file, corner) for file in self.files for corner in self.corners_of(file))

    def is_sequence(self, path: Path) -> bool:
        """Tell whether a file is one of the sequences that run here."""
        if self.plan is None:
            return CHECKOUT / "sequences" in path.resolve().parents
        return path.resolve() in self.files

    def corners_of(self, path: Path) -> tuple[Corner, ...]:
        """Get the corners at which a sequence file runs, in the order of the visit."""
        if self.plan is None:
            return self.corners
        visited = {
            corner.name
            for file, step in self.steps
            if file == path.resolve()
            for corner in self.plan.corners_of(step)
        }
        return tuple(corner for corner in self.corners if corner.name in visited)

    def step_of(self, path: Path, corner: Corner | None) -> PlanStep | None:
        """Get the plan's step that runs a file at a corner, or None without a plan."""
        if self.plan is None or corner is None:
            return None
        for file, step in self.steps:
            if file == path.resolve() and corner in self.plan.corners_of(step):
                return step
        return None

    def place_of(self, path: Path, corner: Corner | None) -> tuple[int, int]:
        """Get where a file at a corner stands in the order of the visit."""
        visit = self.corners.index(corner) if corner in self.corners else -1
        order = [file for file, _ in self.steps]
        return visit, order.index(path.resolve()) if path.resolve() in order else len(order)
