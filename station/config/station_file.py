"""The station file: instruments, passive elements, slots and what is joined to what.

Every `uncertainty_db` is expanded (k=2, about 95 %), as calibration certificates state it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from types import MappingProxyType
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from station.config.fields import (
    Celsius,
    Decibel,
    FileModel,
    FrozenMap,
    Lane,
    LossField,
    Name,
    Options,
    PortField,
    Text,
    VisaAddress,
    no_options,
)
from station.config.problems import Finding, Steps

SLOT_NAME = re.compile(r"slot([1-9][0-9]*)")


class Policies(FileModel):
    """What the station does when something is not as it should be."""

    calibration_overdue: Literal["block", "warn"] = "block"


class PathCalibration(FileModel):
    """When the losses of fibres, elements and ways through instruments were measured together.

    It fills in the dates of each of them that gives none of its own.
    """

    calibrated: date
    calibration_due: date


class InsertionLoss(FileModel):
    """Loss of any open way through an instrument that light passes."""

    loss_db: LossField
    uncertainty_db: Decibel
    calibrated: date | None = None
    calibration_due: date | None = None


class Instrument(FileModel):
    """One instrument, by the model that its driver and its twin are looked up by.

    `calibration_due` is None for an instrument that measures nothing (a switch, a thermal head);
    the file must say so. `through` is given where light passes the instrument.
    """

    model: Text
    address: VisaAddress
    serial: Text | None = None
    calibration_due: date | None
    calibrated: date | None = None
    through: InsertionLoss | None = None
    options: Options = Field(default_factory=no_options)


class Way(FileModel):
    """One way through a passive element, between two of its ports."""

    entrance: Text = Field(alias="from")
    exit: Text = Field(alias="to")
    loss_db: LossField
    uncertainty_db: Decibel


class Element(FileModel):
    """A passive piece of the light path: no address, nothing to switch."""

    kind: Literal["coupler", "splitter", "patch", "fixed_attenuator", "fibre"]
    part: Text | None = None
    serial: Text | None = None
    ways: tuple[Way, ...] = Field(min_length=1)
    calibrated: date | None = None
    calibration_due: date | None = None


class OpticalTestChannel(FileModel):
    """What a fibre adds on purpose for TDECQ: dispersion and a reflection."""

    name: Name
    dispersion_ps_nm: float
    return_loss_db: Decibel


class OpticalLink(FileModel):
    """A fibre that leads light from one port to another."""

    source: PortField = Field(alias="from")
    destination: PortField = Field(alias="to")
    loss_db: LossField
    uncertainty_db: Decibel
    calibrated: date | None = None
    calibration_due: date | None = None
    cable: Text | None = None
    test_channel: OpticalTestChannel | None = None


class Cable(FileModel):
    """An electrical cable, for data or for a clock."""

    source: PortField = Field(alias="from")
    destination: PortField = Field(alias="to")
    cable: Text | None = None


class Wiring(FileModel):
    """All that is joined; links lead in the direction of the light or signal."""

    optical: tuple[OpticalLink, ...] = ()
    electrical: tuple[Cable, ...] = ()
    clocks: tuple[Cable, ...] = ()


class HostBoardEntry(FileModel):
    """The board that holds the transceiver's low-speed pins; its address is the board's own."""

    model: Text
    address: Text
    options: Options = Field(default_factory=no_options)


class Slot(FileModel):
    """A place that holds one transceiver.

    Its ports are slot<number>.tx1 and .rx1 for light, .host_tx1 and .host_rx1 for the host, per lane.
    """

    number: Annotated[int, Field(ge=1, le=999)]
    host_board: HostBoardEntry
    supply: PortField
    thermal_head: Name | None = None
    lanes: Lane

    @property
    def name(self) -> str:
        """Get the name that wiring uses."""
        return f"slot{self.number}"


def _no_elements() -> Mapping[str, Element]:
    return MappingProxyType({})


class Station(FileModel):
    """A bench: instruments, passive elements, slots, wiring."""

    format: Literal["photonbench/station/1"] = Field(alias="schema")
    name: Text
    visa: Text = "@py"
    ambient_c: Celsius = 23.0
    policies: Policies = Policies()
    path_calibration: PathCalibration | None = None
    instruments: FrozenMap[Name, Instrument] = Field(min_length=1)
    elements: FrozenMap[Name, Element] = Field(default_factory=_no_elements)
    slots: tuple[Slot, ...] = Field(min_length=1)
    wiring: Wiring

    def slot(self, number: int) -> Slot:
        """Get a slot by its number; raise KeyError when there is none."""
        for slot in self.slots:
            if slot.number == number:
                return slot
        raise KeyError(number)


def completed(station: Station) -> Station:
    """Give each path loss without a date those of the path calibration."""
    shared = station.path_calibration
    if shared is None:
        return station
    optical = tuple(_dated(link, shared) for link in station.wiring.optical)
    instruments = {
        name: entry.model_copy(update={"through": entry.through and _dated(entry.through, shared)})
        for name, entry in station.instruments.items()
    }
    return station.model_copy(
        update={
            "instruments": MappingProxyType(instruments),
            "elements": MappingProxyType({name: _dated(e, shared) for name, e in station.elements.items()}),
            "wiring": station.wiring.model_copy(update={"optical": optical}),
        }
    )


Dated = TypeVar("Dated", InsertionLoss, Element, OpticalLink)


def _dated(part: Dated, shared: PathCalibration) -> Dated:
    if part.calibrated is not None or part.calibration_due is not None:
        return part
    dates = {"calibrated": shared.calibrated, "calibration_due": shared.calibration_due}
    return part.model_copy(update=dates)


def review(station: Station) -> Iterator[Finding]:
    """Find what contradicts itself inside one station file."""
    seen: set[int] = set()
    for index, slot in enumerate(station.slots):
        if slot.number in seen:
            yield Finding(("slots", index, "number"), f"slot {slot.number} is listed twice")
        seen.add(slot.number)
    for kind in ("instruments", "elements"):
        for name in getattr(station, kind):
            if SLOT_NAME.fullmatch(name):
                yield Finding((kind, name), f"{name!r} is reserved for slots; take another name")
    for name in station.instruments.keys() & station.elements.keys():
        yield Finding(("elements", name), f"{name!r} is an instrument already; take another name")
    for name, element in station.elements.items():
        yield from _review_ways(("elements", name, "ways"), element.ways)
    if not (station.visa.startswith("@") or "/" in station.visa or "\\" in station.visa):
        yield Finding(("visa",), f"{station.visa!r} is no VISA library; write '@py', '@ivi' or a path")


def _review_ways(place: Steps, ways: tuple[Way, ...]) -> Iterator[Finding]:
    seen: set[tuple[str, str]] = set()
    for index, way in enumerate(ways):
        if (way.entrance, way.exit) in seen:
            yield Finding((*place, index), f"the way from {way.entrance} to {way.exit} is listed twice")
        seen.add((way.entrance, way.exit))
    for entrance in dict.fromkeys(way.entrance for way in ways):
        curves = [way.loss_db for way in ways if way.entrance == entrance]
        for wavelength_nm in sorted({nm for curve in curves for nm, _ in curve.points}):
            passed = sum(10 ** (-curve.at(wavelength_nm) / 10) for curve in curves)
            if passed > 1.0 + 1e-9:
                what = f"{passed:.3f} of the light that enters at {entrance} leaves; half of it is 3.01 dB"
                yield Finding(place, what)
                break
