"""The plan file: which corners are visited, which sequences run at each, and what each must measure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from station.config.fields import (
    Celsius,
    FileModel,
    MeasurementName,
    Name,
    Options,
    Positive,
    Text,
    no_options,
)
from station.config.problems import Finding, nearest

Pattern = Literal[
    "PRBS7",
    "PRBS9",
    "PRBS11",
    "PRBS13",
    "PRBS15",
    "PRBS23",
    "PRBS31",
    "PRBS13Q",
    "PRBS31Q",
    "SSPRQ",
    "SQUARE",
]
"""Test patterns; Q and SSPRQ are PAM4, SQUARE is eight threes and eight zeros."""


class Corner(FileModel):
    """One set of conditions; `test_channel` None means back-to-back."""

    name: Name
    case_temperature_c: Celsius
    supply_v: Positive
    test_channel: Name | None = None


class SoakByTime(FileModel):
    """The case is soaked once its temperature has stayed within tolerance for a while."""

    method: Literal["time"]
    seconds: Annotated[float, Field(ge=0.0, le=86_400.0)]
    timeout_s: Positive


class SoakBySlope(FileModel):
    """The case is soaked once its temperature, within tolerance, hardly moves over a window."""

    method: Literal["slope"]
    slope_c_per_min: Positive
    window_s: Positive
    timeout_s: Positive


class Temperature(FileModel):
    """How a case temperature is reached; both wait for the module's own sensor."""

    tolerance_c: Positive
    soak: Annotated[SoakByTime | SoakBySlope, Field(discriminator="method")]


def _step_corners(value: object) -> str | tuple[str, ...]:
    if value in ("all", "once"):
        return str(value)
    if isinstance(value, tuple) and value and all(isinstance(name, str) for name in value):
        return value
    raise PydanticCustomError("corners", "should be all, once, or a list of corner names")


StepCorners = Annotated[
    str | tuple[str, ...],
    PlainValidator(_step_corners),
    WithJsonSchema(
        {"oneOf": [{"enum": ["all", "once"]}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
    ),
]


class PlanStep(FileModel):
    """One sequence, where it runs, and every measurement that it must deliver there (perhaps none).

    `corners` is "all", "once" (at the first corner alone) or a list of names. `pattern` is what the
    BERT sends to the host lanes during the step: a measurement on another pattern is another step.
    """

    sequence: Text
    corners: StepCorners = "all"
    measures: tuple[MeasurementName, ...]
    pattern: Pattern | None = None
    options: Options = Field(default_factory=no_options)


class PlanPolicy(FileModel):
    """When a run ends early."""

    stop: Literal["never", "first_fail"] = "never"


class Plan(FileModel):
    """What is done with one transceiver, in the order in which it is done."""

    format: Literal["photonbench/plan/1"] = Field(alias="schema")
    name: Text
    product: Text | None = None
    corners: tuple[Corner, ...] = Field(min_length=1)
    temperature: Temperature
    policy: PlanPolicy = PlanPolicy()
    steps: tuple[PlanStep, ...] = Field(min_length=1)

    def corners_of(self, step: PlanStep) -> tuple[Corner, ...]:
        """Get the corners at which a step runs, in the order of the visit."""
        if step.corners == "all":
            return self.corners
        if step.corners == "once":
            return self.corners[:1]
        return tuple(corner for corner in self.corners if corner.name in step.corners)


def review(plan: Plan) -> Iterator[Finding]:
    """Find what contradicts itself inside one plan file."""
    yield from _review_corners(plan)
    for index, step in enumerate(plan.steps):
        yield from _review_step(("steps", index), step, [corner.name for corner in plan.corners])
    yield from _review_measured_once(plan)
    yield from _review_visited_once(plan)


def _review_visited_once(plan: Plan) -> Iterator[Finding]:
    """See that no sequence is listed twice for a corner: it is visited once, with the options of one step."""
    first: dict[tuple[str, str], int] = {}
    for index, step in enumerate(plan.steps):
        for corner in plan.corners_of(step):
            earlier = first.setdefault((corner.name, step.sequence), index)
            if earlier != index:
                what = f"{step.sequence} runs at {corner.name!r} already, by steps[{earlier}]"
                yield Finding(("steps", index, "sequence"), what)
                break


def _review_measured_once(plan: Plan) -> Iterator[Finding]:
    """See that no measurement is made twice at a corner: the record holds one."""
    first: dict[tuple[str, str], int] = {}
    for index, step in enumerate(plan.steps):
        for position, name in enumerate(step.measures):
            for corner in plan.corners_of(step):
                if (corner.name, name) in first:
                    what = (
                        f"{name} is measured at {corner.name!r} already, by steps[{first[corner.name, name]}]"
                    )
                    yield Finding(("steps", index, "measures", position), what)
                    break
                first[corner.name, name] = index


def _review_corners(plan: Plan) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, corner in enumerate(plan.corners):
        if corner.name in seen:
            yield Finding(("corners", index, "name"), f"corner {corner.name!r} is listed twice")
        seen.add(corner.name)


def _review_step(place: tuple[str | int, ...], step: PlanStep, corners: list[str]) -> Iterator[Finding]:
    for index, name in enumerate(step.corners if isinstance(step.corners, tuple) else ()):
        if name not in corners:
            yield Finding((*place, "corners", index), f"no corner {name!r}", nearest(name, corners))
