"""The measurements of a run as a report shows them: one group a measurement, one row a lane and corner."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from station.journal import Event
from station.record import RunRecord
from station.reports.bars import Bars
from station.reports.behind import Behind, counted_text
from station.reports.numbers import as_number, decimals, exact, lane_text, number, plain, title, unit_text
from station.reports.svg import Drawing

_SIGNS = {"upper": "≤ ", "lower": "≥ "}
_RANK = {"PASS": 0, "PENDING": 1, "FAIL": 2, "ERROR": 3}
_ROOMS = {"tx": "Transmitter", "rx": "Receiver"}
_OTHER_ROOM = "Whole transceiver"


@dataclass(slots=True)
class Footnotes:
    """Sources of limits, each with the number that stands beside the limits."""

    texts: list[str] = field(default_factory=list)

    def number(self, text: str) -> int:
        """Get the number of a source."""
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text) + 1


@dataclass(frozen=True, slots=True)
class Corner:
    """A corner as the plan names it, and what it asks for."""

    name: str
    asked: str


@dataclass(frozen=True, slots=True)
class Row:
    """One value of one lane at one corner, as text."""

    corner: str
    case: str
    lane: str
    value: str
    error: str
    limits: str
    margin: str
    tight: bool
    bar: Drawing | None
    word: str
    reason: str
    counted: str


@dataclass(frozen=True, slots=True)
class Cell:
    """All lanes of one measurement at one corner: from the least to the greatest value."""

    text: str
    word: str


@dataclass(frozen=True, slots=True)
class Group:
    """One measurement on all lanes and at all corners."""

    anchor: str
    name: str
    title: str
    unit: str
    limit: str
    footnote: int | None
    confirmed: bool
    layer: str
    note: str
    axis: Drawing | None
    rows: tuple[Row, ...]
    cells: tuple[Cell, ...]
    margin: str
    word: str
    behind: Behind


@dataclass(frozen=True, slots=True)
class Room:
    """Groups that belong together."""

    title: str
    groups: tuple[Group, ...]


def corners(record: RunRecord) -> list[Corner]:
    """List the corners in the order of the visit, and those that only measurements name."""
    listed: dict[str, str] = {}
    for corner in record.head.get("corners") or []:
        case_c, volts = as_number(corner.get("case_temperature_c")), as_number(corner.get("supply_v"))
        asked = [f"{plain(case_c)} °C" if case_c is not None else "", f"{plain(volts)} V" if volts else ""]
        listed[str(corner.get("name"))] = ", ".join(word for word in asked if word)
    visited = dict.fromkeys(str(event.get("corner") or "") for event in record.measurements)
    if record.head.get("partial"):  # nothing was planned: only what was visited is worth a column
        listed = {name: asked for name, asked in listed.items() if name in visited}
    return [Corner(name, listed.get(name, "")) for name in {**listed, **visited}]


def rooms(record: RunRecord, footnotes: Footnotes) -> list[Room]:
    """Arrange all measurements: transmitter, receiver, and what is of the whole transceiver."""
    visited = corners(record)
    by_name: dict[str, list[Event]] = {}
    for event in record.measurements:
        by_name.setdefault(str(event.get("name")), []).append(event)
    found: dict[str, list[Group]] = {room: [] for room in (*_ROOMS.values(), _OTHER_ROOM)}
    for index, (name, events) in enumerate(by_name.items()):
        room = _ROOMS.get(name.partition("_")[0], _OTHER_ROOM)
        found[room].append(_group(f"m{index}", name, events, record, visited, footnotes))
    return [Room(name, tuple(groups)) for name, groups in found.items() if groups]


def missing(record: RunRecord) -> list[tuple[str, str, str]]:
    """List what was planned and never measured: measurement, corner, lanes."""
    came = {(e.get("name"), e.get("lane"), e.get("corner")) for e in record.measurements}
    lanes: dict[tuple[str, str], list[str]] = {}
    for name, lane, corner in record.head.get("expected") or []:
        if (name, lane, corner) not in came:
            lanes.setdefault((str(name), str(corner)), []).append("" if lane is None else str(lane))
    return [(title(name), corner, ", ".join(filter(None, of))) for (name, corner), of in lanes.items()]


def _group(
    anchor: str,
    name: str,
    events: list[Event],
    record: RunRecord,
    visited: Sequence[Corner],
    footnotes: Footnotes,
) -> Group:
    order = {corner.name: place for place, corner in enumerate(visited)}
    events = sorted(events, key=lambda e: (order[str(e.get("corner") or "")], e.get("lane") or 0))
    row = (record.head.get("limits") or {}).get(name) or {}
    unit = next((str(e["unit"]) for e in events if e.get("unit")), str(row.get("unit") or ""))
    limits = list(_numbers(events, "lower", "upper"))
    places = decimals(unit, _numbers(events, "value"), limits)
    bars = Bars.over(events)
    source = next((str(e["limit_source"]) for e in events if e.get("limit_source")), "")
    shown, limit = unit_text(unit), _limit_text(row)
    return Group(
        anchor=anchor,
        name=name,
        title=title(name),
        unit=shown,
        limit=limit if limit == "none" else f"{limit} {shown}".rstrip(),
        footnote=footnotes.number(source) if source else None,
        confirmed=all(e.get("limit_confirmed") is not False for e in events),
        layer=next((str(e["limit_layer"]) for e in events if e.get("limit_layer")), ""),
        note=str(row.get("note") or ""),
        axis=bars.axis() if bars else None,
        rows=tuple(_row(event, places, bars, limit) for event in events),
        cells=tuple(_cell(events, corner.name, places) for corner in visited),
        margin=_least_margin(events, places),
        word=_worst(events),
        behind=Behind.values_of(events),
    )


def _row(event: Event, places: int | None, bars: Bars | None, limit: str) -> Row:
    value, margin = as_number(event.get("value")), as_number(event.get("margin"))
    error = as_number(event.get("standard_error"))
    case_c = as_number((event.get("conditions") or {}).get("case_temperature_c"))
    return Row(
        corner=str(event.get("corner") or "no corner"),
        case="" if case_c is None else f"{number(case_c, 1)} °C",
        lane=lane_text(event) or "all",
        value=_value_text(event, places),
        error="" if value is None else "unknown" if error is None else plain(float(f"{error:.2g}")),
        limits=_resolved_text(event, places) or limit,
        margin="" if margin is None or _pinned(event) else _signed(margin, places),
        tight=margin is not None and error is not None and 0 <= margin < 2 * error,
        bar=bars.draw(event) if bars else None,
        word=_word(event),
        reason=str(event.get("reason") or ""),
        counted=counted_text(event),
    )


def _value_text(event: Event, places: int | None) -> str:
    value = as_number(event.get("value"))
    if value is not None:
        return _SIGNS.get(str(event.get("bound")), "") + number(value, places)
    if event.get("cause"):
        return f"not measurable: {event['cause']}"
    return "no value" if event.get("value") is None else str(event["value"])


def _resolved_text(event: Event, places: int | None) -> str:
    """Write the limits that this value was held against, or nothing when none was reached."""
    lower, upper = as_number(event.get("lower")), as_number(event.get("upper"))
    if lower is None and upper is None:
        return ""
    if lower is not None and lower == upper:
        return f"= {number(lower, places)}"
    if lower is not None and upper is not None:
        return f"{_limit(lower, places)} … {_limit(upper, places)}"
    return f"≥ {_limit(lower, places)}" if lower is not None else f"≤ {_limit(upper or 0.0, places)}"


def _limit(value: float, places: int | None) -> str:
    """Write a limit as it was given, or rounded like the values when a formula gave it."""
    given = exact(value)
    return given if len(given) <= 9 else number(value, places)


def _limit_text(row: Event) -> str:
    """Write a limit as the product file gives it, which may be a formula."""
    lower, upper = row.get("lower"), row.get("upper")
    if lower is None and upper is None:
        return "none"
    if lower == upper:
        return f"= {_expression(lower)}"
    if lower is not None and upper is not None:
        return f"{_expression(lower)} … {_expression(upper)}"
    return f"≥ {_expression(lower)}" if lower is not None else f"≤ {_expression(upper)}"


def _expression(text: object) -> str:
    """Write a plain number as all others are written, and a formula as it is."""
    try:
        return exact(float(str(text)))
    except (ValueError, OverflowError):
        return str(text)


def _word(event: Event) -> str:
    word = str(event.get("verdict") or "ERROR")
    judged = event.get("lower") is not None or event.get("upper") is not None
    return "recorded" if word == "PASS" and not judged and not event.get("reason") else word


def _worst(events: Iterable[Event]) -> str:
    return max((_word(event) for event in events), key=lambda word: _RANK.get(word, -1))


def _cell(events: Sequence[Event], corner: str, places: int | None) -> Cell:
    here = [event for event in events if str(event.get("corner") or "") == corner]
    if not here:
        return Cell("", "")
    word = _worst(here)
    valued = [event for event in here if as_number(event.get("value")) is not None]
    if not valued:
        return Cell("no value", word)
    ends = (min(valued, key=_value), max(valued, key=_value))
    low, high = (_value_text(event, places) for event in ends)
    return Cell(low if low == high else f"{low} … {high}", word)


def _value(event: Event) -> float:
    return as_number(event.get("value")) or 0.0


def _least_margin(events: Sequence[Event], places: int | None) -> str:
    margins = list(_numbers([event for event in events if not _pinned(event)], "margin"))
    return _signed(min(margins), places) if margins else ""


def _pinned(event: Event) -> bool:
    """Tell whether only one value is allowed: a margin means nothing then."""
    return event.get("lower") is not None and event.get("lower") == event.get("upper")


def _signed(value: float, places: int | None) -> str:
    return number(value, places) if value < 0 else f"+{number(value, places)}"


def _numbers(events: Iterable[Event], *fields: str) -> Iterator[float]:
    return (n for event in events for field in fields if (n := as_number(event.get(field))) is not None)
