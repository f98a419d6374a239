"""The product file: what the transceiver is, and every limit that its measurements are held against."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from datetime import date
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from station.config import expressions
from station.config.expressions import FUNCTIONS, Expression, ExpressionError
from station.config.fields import (
    Celsius,
    FileModel,
    FrozenMap,
    Lane,
    MeasurementName,
    Positive,
    Text,
)
from station.config.problems import Finding, Steps, nearest

Per = Literal["lane", "transceiver"]
Confidence = Literal["S", "D", "M", "M?"]
"""S read in the named source, D derived and computed, M from memory of it, M? to be checked against it."""

Unit = Literal["dBm", "dB", "dB/Hz", "nm", "ps", "A", "W", "V", "degC", "s", "Hz", "%", "1"]
"""The units of results; "1" for numbers without one. The check against a `Quantity` is by equal text."""

LAYERS = ("standard", "product", "customer")


def _expression(value: object) -> Expression:
    if isinstance(value, Expression):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise PydanticCustomError("limit", "should be a number, or an expression such as 'tx_tdecq - 2.2'")
    try:
        return expressions.parse(value)
    except ExpressionError as error:
        raise PydanticCustomError("limit", "{why}", {"why": str(error)}) from error


LimitValue = Annotated[
    Expression,
    PlainValidator(_expression),
    WithJsonSchema({"oneOf": [{"type": "number"}, {"type": "string"}]}),
]


class LimitRow(FileModel):
    """One measurement's limits in one layer; a bound not given here is the lower layer's.

    `unit` and `per` are given where the measurement first appears. `record_only` says on purpose
    that there is no limit: the value is recorded and never judged.
    """

    unit: Unit | None = None
    per: Per | None = None
    lower: LimitValue | None = None
    upper: LimitValue | None = None
    record_only: bool = False
    source: Text
    confidence: Confidence
    note: Text | None = None


class Waiver(FileModel):
    """A person's decision to accept another limit until a day, that day included."""

    measurement: MeasurementName
    lower: LimitValue | None = None
    upper: LimitValue | None = None
    name: Text
    reason: Text
    expires: date


def _no_rows() -> Mapping[str, LimitRow]:
    return MappingProxyType({})


Rows = FrozenMap[MeasurementName, LimitRow]


class Limits(FileModel):
    """The layers: each overrules the one before it, bound by bound."""

    standard: Rows = Field(default_factory=_no_rows)
    product: Rows = Field(default_factory=_no_rows)
    customer: Rows = Field(default_factory=_no_rows)
    waivers: tuple[Waiver, ...] = ()

    def layers(self) -> Iterator[tuple[str, Mapping[str, LimitRow]]]:
        """Give the layers with their names, lowest first."""
        yield "standard", self.standard
        yield "product", self.product
        yield "customer", self.customer


class Vendor(FileModel):
    """Who makes it, as the transceiver's memory says it (at most 16 characters each)."""

    name: Annotated[str, Field(min_length=1, max_length=16)]
    part_numbers: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=16)], ...], Field(min_length=1)
    ]


class HostInterface(FileModel):
    """The electrical side; with a gearbox, host and media lanes carry different symbols."""

    name: Text
    gearbox: bool


class MediaLane(FileModel):
    """One optical lane, the host lane that feeds it, and its wavelength's window."""

    lane: Lane
    host_lane: Lane
    wavelength_nm: Positive
    wavelength_min_nm: Positive
    wavelength_max_nm: Positive


class ProductSupply(FileModel):
    """What the transceiver is fed with; the current limit protects it on the bench."""

    voltage_v: Positive
    voltage_min_v: Positive
    voltage_max_v: Positive
    current_limit_a: Positive


class CaseTemperature(FileModel):
    """The range in which the product is specified."""

    minimum_c: Celsius
    maximum_c: Celsius


class Product(FileModel):
    """A transceiver type."""

    format: Literal["photonbench/product/1"] = Field(alias="schema")
    name: Text
    vendor: Vendor
    serial_pattern: Text = "[A-Z0-9][A-Z0-9-]{3,31}"
    form_factor: Literal["QSFP28", "QSFP56", "QSFP112", "QSFP-DD", "OSFP", "SFP28", "SFP56", "SFP112"]
    host_interface: HostInterface
    modulation: Literal["pam4", "nrz"]
    symbol_rate_gbd: Positive
    lanes: tuple[MediaLane, ...] = Field(min_length=1)
    supply: ProductSupply
    case_temperature: CaseTemperature
    receiver_damage_dbm: float
    reference_receiver: Text
    limits: Limits

    @property
    def lane_numbers(self) -> tuple[int, ...]:
        """Get the numbers of the media lanes, in the order of the file."""
        return tuple(lane.lane for lane in self.lanes)

    def lane(self, number: int) -> MediaLane:
        """Get a media lane by its number; raise KeyError when there is none."""
        for lane in self.lanes:
            if lane.lane == number:
                return lane
        raise KeyError(number)

    def accepts_serial(self, serial: str) -> bool:
        """Tell whether a serial number follows the rule, from its first character to its last."""
        return re.fullmatch(self.serial_pattern, serial) is not None


def review(product: Product) -> Iterator[Finding]:
    """Find what contradicts itself inside one product file."""
    yield from _review_serial_pattern(product.serial_pattern)
    yield from _review_lanes(product)
    yield from _review_ranges(product)
    yield from _review_rows(product.limits)
    yield from _review_waivers(product.limits)


def _review_serial_pattern(pattern: str) -> Iterator[Finding]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what Python calls ambiguous, nobody should scan with
            compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        yield Finding(("serial_pattern",), f"is not a regular expression: {error}")
    else:
        if compiled.fullmatch(""):
            yield Finding(("serial_pattern",), "accepts an empty scan")


def _review_lanes(product: Product) -> Iterator[Finding]:
    if sorted(product.lane_numbers) != list(range(1, len(product.lanes) + 1)):
        yield Finding(("lanes",), f"lanes should be numbered 1 to {len(product.lanes)}, each once")
    host_lanes = [lane.host_lane for lane in product.lanes]
    if not product.host_interface.gearbox and sorted(host_lanes) != sorted(product.lane_numbers):
        yield Finding(
            ("lanes",), "without a gearbox each host lane feeds one media lane, numbered as they are"
        )
    for index, lane in enumerate(product.lanes):
        if not lane.wavelength_min_nm <= lane.wavelength_nm <= lane.wavelength_max_nm:
            window = f"{lane.wavelength_min_nm} to {lane.wavelength_max_nm} nm"
            yield Finding(("lanes", index, "wavelength_nm"), f"{lane.wavelength_nm} nm lies outside {window}")


def _review_ranges(product: Product) -> Iterator[Finding]:
    supply, case = product.supply, product.case_temperature
    if not supply.voltage_min_v <= supply.voltage_v <= supply.voltage_max_v:
        window = f"{supply.voltage_min_v} to {supply.voltage_max_v} V"
        yield Finding(("supply", "voltage_v"), f"{supply.voltage_v} V lies outside {window}")
    if case.minimum_c >= case.maximum_c:
        yield Finding(("case_temperature",), f"{case.minimum_c} degC is not below {case.maximum_c} degC")


def _review_rows(limits: Limits) -> Iterator[Finding]:
    below: dict[str, list[LimitRow]] = {}
    for layer, rows in limits.layers():
        for name, row in rows.items():
            place: Steps = ("limits", layer, name)
            if name == "lane" or name in FUNCTIONS:
                yield Finding(
                    place, f"{name!r} has its own meaning in expressions; take another name", at_key=True
                )
            yield from _review_row(place, row, below.setdefault(name, []))
            below[name].append(row)


def _review_row(place: Steps, row: LimitRow, below: list[LimitRow]) -> Iterator[Finding]:
    bounded = row.lower is not None or row.upper is not None
    if not bounded and not row.record_only:
        yield Finding(place, "has neither lower nor upper; give one, or say record_only: true")
    if bounded and row.record_only:
        yield Finding(place, "is record_only and has a limit; take one of them away")
    if row.record_only and any(lower.lower or lower.upper for lower in below):
        yield Finding(
            place, "is record_only, which would switch a lower layer's limit off; that takes a waiver"
        )
    for key in ("unit", "per"):
        given = getattr(row, key)
        if given is None and not below:
            yield Finding(place, f"{key!r} is missing; no lower layer gives it")
        if given is not None and below and given != getattr(below[0], key):
            yield Finding(
                (*place, key), f"{given!r} differs from the lower layer's {getattr(below[0], key)!r}"
            )


def _review_waivers(limits: Limits) -> Iterator[Finding]:
    known = {name for _, rows in limits.layers() for name in rows}
    for index, waiver in enumerate(limits.waivers):
        place: Steps = ("limits", "waivers", index)
        if waiver.measurement not in known:
            suggestion = nearest(waiver.measurement, known)
            yield Finding((*place, "measurement"), f"no limit for {waiver.measurement!r}", suggestion)
        if waiver.lower is None and waiver.upper is None:
            yield Finding(place, "waives nothing: it has neither lower nor upper")
