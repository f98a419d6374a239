"""The simulation file: which transceiver sits in the twin, and what is wrong with it or with the bench."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from station.config.fields import (
    FileModel,
    FrozenMap,
    Lane,
    MeasurementName,
    Name,
    Text,
)
from station.config.problems import Finding

FaultKind = Literal[
    "silent",
    "slow",
    "garbage",
    "half_answer",
    "wrong_identity",
    "error_in_queue",
    "error_flood",
    "stuck_busy",
    "over_range",
    "under_range",
    "dropped_link",
    "power_cycled",
    "drifted_reference",
    "stuck_attenuator",
    "worn_switch",
]

_BELONGS = MappingProxyType(
    {
        "delay_s": ("slow", "power_cycled"),
        "identity": ("wrong_identity",),
        "error_code": ("error_in_queue", "error_flood"),
        "amount_db": ("drifted_reference", "worn_switch"),
    }
)

Failure = tuple[MeasurementName, Lane | None]
"""A measurement that misses its limit, and its lane (None: one of the whole transceiver)."""

ParameterValue = float | str | tuple[int | float, ...]
"""A number in the unit of the parameter's name, a word of a closed set, or numbers lane by lane."""


def _parameter(value: object) -> ParameterValue:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, tuple) and value and all(map(_finite, value)):
        return value
    if isinstance(value, (int, float)) and _finite(value):
        return float(value)
    raise PydanticCustomError("parameter", "should be a finite number, a word, or a list of numbers")


def _finite(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


Parameters = FrozenMap[
    MeasurementName,
    Annotated[
        ParameterValue,
        PlainValidator(_parameter),
        WithJsonSchema({"type": ["number", "string", "array"], "items": {"type": "number"}}),
    ],
]
"""Physical parameters by name; the twin knows the names."""


def _none() -> Mapping[str, ParameterValue]:
    return MappingProxyType({})


def _no_lanes() -> Mapping[int, Mapping[str, ParameterValue]]:
    return MappingProxyType({})


class SimulatedUnit(FileModel):
    """The physics of the transceiver: what differs from the profile, in physical parameters alone.

    `spread` scales the drawn differences between units and lanes: 0 none, 1 as in production.
    """

    spread: Annotated[float, Field(ge=0.0, le=10.0)] = 1.0
    transceiver: Parameters = Field(default_factory=_none)
    lanes: FrozenMap[Lane, Parameters] = Field(default_factory=_no_lanes)


class SimulatedIdentity(FileModel):
    """What the unit's memory says where it differs from the product and the scanned serial number."""

    vendor_name: Text | None = None
    part_number: Text | None = None
    serial_number: Text | None = None


class Fault(FileModel):
    """A fault of one instrument of the station, by the names of `simulation/faults.py`.

    It begins once the instrument has taken so many messages and so many seconds of bench time have passed.
    What is None is left to the fault's own default: `delay_s` of slow and power_cycled, `identity` of
    wrong_identity, `error_code` of error_in_queue and error_flood, `amount_db` of drifted_reference and
    worn_switch.
    """

    instrument: Name
    kind: FaultKind
    after_messages: Annotated[int, Field(ge=0)] = 0
    after_s: Annotated[float, Field(ge=0.0)] = 0.0
    delay_s: Annotated[float, Field(gt=0.0)] | None = None
    identity: Text | None = None
    error_code: int | None = None
    amount_db: Annotated[float, Field(ge=-100.0, le=100.0)] | None = None


class Expectation(FileModel):
    """What a run with this file must come to, and why: tests hold every run against it."""

    verdict: Literal["PASS", "FAIL", "ERROR"] = "FAIL"
    primary: Failure | None = None
    may_also_fail: tuple[Failure, ...] = ()
    reason: Text


class Simulation(FileModel):
    """A simulated transceiver on the twin of a station.

    `epoch` is the bench's time at the start of a run. `link_errors` draws each true loss around the
    station file's value within its stated uncertainty; without it the file is taken as the truth.
    """

    format: Literal["photonbench/simulation/1"] = Field(alias="schema")
    name: Text
    epoch: AwareDatetime
    profile: Text
    unit: SimulatedUnit = Field(default_factory=SimulatedUnit)
    identity: SimulatedIdentity = SimulatedIdentity()
    link_errors: bool = True
    faults: tuple[Fault, ...] = ()
    expect: Expectation | None = None


def review(simulation: Simulation) -> Iterator[Finding]:
    """Find what contradicts itself inside one simulation file."""
    for index, fault in enumerate(simulation.faults):
        for key, kinds in _BELONGS.items():
            if getattr(fault, key) is not None and fault.kind not in kinds:
                what = f"belongs to {' or '.join(kinds)}, not to {fault.kind}"
                yield Finding(("faults", index, key), what, at_key=True)
    expect = simulation.expect
    if expect is None:
        return
    if (expect.verdict == "FAIL") != (expect.primary is not None):
        yield Finding(("expect",), "a FAIL needs its primary failure, and only a FAIL has one")
    if simulation.faults and expect.verdict != "ERROR":
        yield Finding(("expect",), "a broken instrument makes an ERROR, never a PASS or FAIL")
