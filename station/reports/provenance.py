"""What was measured with what: instruments, ways of the light, conditions, steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from station.journal import Event
from station.record import RunRecord
from station.reports.numbers import as_number, number, seconds_text, title, unit_text


@dataclass(frozen=True, slots=True)
class Instrument:
    """An instrument, what it gave, and whether its calibration held on the day."""

    event: Event
    gave: str
    overdue: bool


@dataclass(frozen=True, slots=True)
class Way:
    """A way of the light, with the loss that was corrected for."""

    source: str
    destination: str
    loss: str
    uncertainty: str
    calibrated: str
    hops: str


@dataclass(frozen=True, slots=True)
class Visit:
    """A corner as it was reached."""

    corner: str
    asked: str
    case: str
    air: str
    slope: str
    supply: str
    seconds: str


@dataclass(frozen=True, slots=True)
class StepLine:
    """A step with its duration."""

    number: str
    title: str
    corner: str
    seconds: str


def instruments(record: RunRecord) -> list[Instrument]:
    """List the instruments with the measurements that each had a part in."""
    today = str(record.head.get("utc") or "")[:10]
    gave: dict[str, dict[str, None]] = {}
    for event in record.measurements:
        for name in event.get("instruments") or ():
            gave.setdefault(str(name), {})[title(str(event.get("name")))] = None
    found = {str(event.get("name")): event for event in record.of("instrument")}
    return [
        Instrument(event, ", ".join(gave.get(name, ())), _overdue(event, today))
        for name, event in found.items()
    ]


def _overdue(event: Event, today: str) -> bool:
    due = str(event.get("calibration_due") or "")[:10]
    return bool(due and today) and due < today  # ISO dates sort as they follow each other


def ways(record: RunRecord) -> list[Way]:
    """List every way of light that was opened, once; cables have no loss that is corrected for."""
    lossy = (event for event in record.of("path") if event.get("loss_db") or event.get("uncertainty_db"))
    return list(dict.fromkeys(_way(event) for event in lossy))


def _way(event: Event) -> Way:
    hops = [hop for hop in event.get("hops") or [] if isinstance(hop, dict)]
    dates = [str(hop["calibrated"]) for hop in hops if hop.get("calibrated")]
    return Way(
        source=str(event.get("source")),
        destination=str(event.get("destination")),
        loss=_figure(event.get("loss_db"), 2, "dB"),
        uncertainty=_figure(event.get("uncertainty_db"), 2, "dB"),
        calibrated=min(dates, default="not stated"),
        hops=", ".join(f"{hop.get('name')} {_figure(hop.get('loss_db'), 2, 'dB')}" for hop in hops),
    )


def visits(record: RunRecord) -> list[Visit]:
    """List the corners in the order in which they were reached, and those that never were."""
    reached = {str(event.get("corner")): event for event in record.of("corner_reached")}
    return [_visit(event, reached.get(str(event.get("corner")), {})) for event in record.of("corner_started")]


def _visit(started: Event, reached: Event) -> Visit:
    asked = (_figure(started.get("case_temperature_c"), 1, "°C"), _figure(started.get("supply_v"), 3, "V"))
    return Visit(
        corner=str(started.get("corner")),
        asked=", ".join(asked),
        case=_figure(reached.get("case_temperature_c"), 2, "°C"),
        air=_figure(reached.get("air_temperature_c"), 2, "°C"),
        slope=_figure(reached.get("slope_c_per_min"), 2, "°C/min"),
        supply=_figure(reached.get("supply_v"), 3, "V"),
        seconds=seconds_text(reached["seconds"]) if "seconds" in reached else "not reached",
    )


def steps(record: RunRecord) -> Iterator[StepLine]:
    """List the steps with their durations on the bench."""
    finished = {event.get("step"): event for event in record.of("step_finished")}
    for event in record.of("step_started"):
        end = finished.get(event.get("step"))
        yield StepLine(
            number=str(event.get("step")),
            title=str(event.get("title") or ""),
            corner=str(event.get("corner") or ""),
            seconds=seconds_text(end.get("seconds")) if end else "not finished",
        )


def agreements(record: RunRecord) -> list[Event]:
    """List where two instruments were held against each other, with their difference."""
    corners = {event.get("step"): event.get("corner") for event in record.of("step_started")}
    return [
        event
        | {
            "corner": corners.get(event.get("step"), ""),
            "difference": _difference(event),
            "within": _within(event),
        }
        for event in record.of("agreement")
    ]


def _within(event: Event) -> str:
    return _figure(event.get("uncertainty"), 3, _unit(event))


def _unit(event: Event) -> str:
    """Get the unit of a difference: that of two powers in dBm is a ratio, in dB."""
    unit = str(event.get("unit") or "")
    return "dB" if unit == "dBm" else unit_text(unit)


def _difference(event: Event) -> str:
    values = [as_number(value) for value in event.get("values") or ()]
    if len(values) != 2 or values[0] is None or values[1] is None:
        return "unknown"
    return _figure(values[1] - values[0], 3, _unit(event))


def _figure(value: object, places: int, unit: str) -> str:
    figure = as_number(value)
    return "not read" if figure is None else f"{number(figure, places)} {unit}"
