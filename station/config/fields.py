"""What the files are made of: the base of all file models, and field types with their own words."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

NAME_PATTERN = r"[A-Za-z][A-Za-z0-9_-]*"
MEASUREMENT_PATTERN = r"[a-z][a-z0-9_]*"

K = TypeVar("K")
V = TypeVar("V")


class FileModel(BaseModel):
    """A frozen part of a file that refuses unknown keys, and values of another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def frozen(value: object) -> object:
    """Make mappings read-only and lists tuples, all the way down."""
    if isinstance(value, Mapping):
        return MappingProxyType({key: frozen(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(frozen(item) for item in value)
    return value


def _frozen_mapping(value: Mapping[K, V]) -> Mapping[K, V]:
    return MappingProxyType(dict(value))


def _frozen_options(value: Mapping[str, object]) -> Mapping[str, object]:
    return MappingProxyType({key: frozen(item) for key, item in value.items()})


FrozenMap = Annotated[Mapping[K, V], AfterValidator(_frozen_mapping)]
"""A mapping that nobody can change after the file was read."""

Options = Annotated[Mapping[str, object], AfterValidator(_frozen_options)]
"""Free settings that the driver, the twin or the sequence knows the meaning of."""


def no_options() -> Mapping[str, object]:
    """Give an empty set of options."""
    return MappingProxyType({})


def _text(pattern: str, words: str) -> object:
    """Make a string type whose error tells the rule in words."""
    compiled = re.compile(pattern)

    def fits(value: object) -> str:
        if not isinstance(value, str):
            raise PydanticCustomError("text", "should be text; put it in quotes")
        if not compiled.fullmatch(value):
            raise PydanticCustomError(
                "text", "{shown} is not {words}", {"shown": repr(value), "words": words}
            )
        return value

    return PlainValidator(fits)


Name = Annotated[
    str,
    _text(NAME_PATTERN, "a name (letters, digits, _ and -, a letter first)"),
    WithJsonSchema({"type": "string", "pattern": f"^{NAME_PATTERN}$"}),
]
MeasurementName = Annotated[
    str,
    _text(MEASUREMENT_PATTERN, "a measurement's name (small letters, digits and _, a letter first)"),
    WithJsonSchema({"type": "string", "pattern": f"^{MEASUREMENT_PATTERN}$"}),
]
VisaAddress = Annotated[
    str,
    _text(
        r"(?i:TCPIP|GPIB|USB|ASRL|VXI|PXI)[^\s:]*(::(\[[^\]\s]+\]|[^:\s]+))+",
        "a VISA resource such as TCPIP0::10.0.0.5::5025::SOCKET or GPIB0::22::INSTR",
    ),
    WithJsonSchema({"type": "string", "examples": ["TCPIP0::10.0.0.5::hislip0::INSTR", "GPIB0::22::INSTR"]}),
]
Text = Annotated[str, Field(min_length=1)]
Lane = Annotated[int, Field(ge=1, le=64)]
Decibel = Annotated[float, Field(ge=0.0, le=100.0)]
Positive = Annotated[float, Field(gt=0.0)]
Celsius = Annotated[float, Field(ge=-100.0, le=200.0)]


@dataclass(frozen=True, slots=True, order=True)
class Port:
    """A place where a fibre or cable ends: "switch.M1.com" is port "M1.com" of element "switch"."""

    element: str
    port: str

    def __str__(self) -> str:
        return f"{self.element}.{self.port}"


def _port(value: object) -> Port:
    if isinstance(value, str):
        element, dot, port = value.partition(".")
        if dot and re.fullmatch(NAME_PATTERN, element) and re.fullmatch(r"\S+", port):
            return Port(element, port)
    raise PydanticCustomError(
        "port",
        "{shown} is not a port; write <element>.<port>, for example switch.M1.com",
        {"shown": repr(value)},
    )


PortField = Annotated[
    Port, PlainValidator(_port), WithJsonSchema({"type": "string", "pattern": rf"^{NAME_PATTERN}\.\S+$"})
]


@dataclass(frozen=True, slots=True)
class Loss:
    """Loss in dB against wavelength in nm, from one measured point or several.

    Between points it is interpolated; outside them the nearest point holds. `span_nm` is None when
    the file gives one number for all wavelengths.
    """

    points: tuple[tuple[float, float], ...]
    flat: bool

    @property
    def span_nm(self) -> tuple[float, float] | None:
        """Get the shortest and longest wavelength that was measured."""
        return None if self.flat else (self.points[0][0], self.points[-1][0])

    def at(self, wavelength_nm: float) -> float:
        """Give the loss in dB at one wavelength."""
        after = bisect_right(self.points, (wavelength_nm, float("inf")))
        if after == 0 or after == len(self.points):
            return self.points[max(after - 1, 0)][1]
        (left_nm, left_db), (right_nm, right_db) = self.points[after - 1], self.points[after]
        return left_db + (right_db - left_db) * (wavelength_nm - left_nm) / (right_nm - left_nm)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _loss(value: object) -> Loss:
    if isinstance(value, Loss):
        return value
    points = {0.0: value} if _is_number(value) else value
    if not isinstance(points, Mapping) or not points or not all(map(_is_number, (*points, *points.values()))):
        raise PydanticCustomError(
            "loss",
            "should be a loss in dB, or a table of wavelength in nm to dB: {1304.5: 0.31, 1317.5: 0.28}",
        )
    bad = next((db for db in points.values() if not 0.0 <= db <= 100.0), None)
    if bad is not None:
        raise PydanticCustomError("loss", "a loss of {bad} dB is outside 0 to 100 dB", {"bad": bad})
    return Loss(tuple(sorted((float(nm), float(db)) for nm, db in points.items())), flat=_is_number(value))


LossField = Annotated[
    Loss,
    PlainValidator(_loss),
    WithJsonSchema(
        {
            "oneOf": [
                {"type": "number", "minimum": 0, "maximum": 100},
                {
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": {"type": "number", "minimum": 0},
                },
            ]
        }
    ),
]
