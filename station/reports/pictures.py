"""The pictures of a run, corner by corner and lane by lane, each with its caption or with what is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from station.journal import Event
from station.record import RunRecord
from station.reports import evidence, eyes, spectra, waterfalls
from station.reports.evidence import Missing
from station.reports.numbers import as_number, decimals, lane_text, number, plain, unit_text
from station.reports.results import Corner
from station.reports.svg import Drawing

Draw = Callable[[Event, str], Drawing]


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture; `missing` says why there is none."""

    title: str
    drawing: Drawing | None
    missing: str
    word: str
    caption: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Strip:
    """The pictures of all lanes at one corner."""

    corner: Corner
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class _Kind:
    """Which measurement carries a picture, and which values stand below it."""

    measurement: str
    words: str
    draw: Draw
    captions: tuple[tuple[str, str], ...]
    behind: tuple[tuple[str, str], ...] = ()


def eye_strips(record: RunRecord, corners: Sequence[Corner]) -> list[Strip]:
    """Draw the eyes of all transmitters."""
    captions = (
        ("TDECQ", "tx_tdecq"),
        ("OMA", "tx_oma_outer"),
        ("ER", "tx_extinction_ratio"),
        ("RLM", "tx_rlm"),
    )
    draw = partial(_eye, record)
    return _strips(record, corners, _Kind("tx_tdecq", "Eye", draw, captions, (("averages", "averages"),)))


def waterfall_strips(record: RunRecord, corners: Sequence[Corner]) -> list[Strip]:
    """Draw the waterfalls of all receivers."""
    captions = (("sensitivity", "rx_sensitivity"), ("BER", "rx_ber"))
    behind = (("R²", "r_squared"), ("slope", "slope"))
    return _strips(record, corners, _Kind("rx_sensitivity", "Waterfall", waterfalls.draw, captions, behind))


def spectrum_strips(record: RunRecord, corners: Sequence[Corner]) -> list[Strip]:
    """Draw the spectra of all transmitters whose trace was kept."""
    captions = (("wavelength", "tx_wavelength"), ("SMSR", "tx_smsr"))
    strips = _strips(record, corners, _Kind("tx_smsr", "Spectrum", spectra.draw, captions))
    drawn = any(picture.drawing for strip in strips for picture in strip.pictures)
    return strips if drawn else []


def _eye(record: RunRecord, event: Event, name: str) -> Drawing:
    return eyes.draw(event, record.folder, name)


def _strips(record: RunRecord, corners: Sequence[Corner], kind: _Kind) -> list[Strip]:
    values: dict[tuple[object, ...], Event] = {
        (e.get("name"), e.get("lane"), e.get("corner")): e for e in record.measurements
    }
    strips = []
    for corner in corners:
        events = [
            event
            for event in record.measurements
            if event.get("name") == kind.measurement and str(event.get("corner") or "") == corner.name
        ]
        events.sort(key=lambda event: event.get("lane") or 0)
        if events:
            strips.append(Strip(corner, tuple(_picture(event, values, kind) for event in events)))
    return strips


def _picture(event: Event, values: dict[tuple[object, ...], Event], kind: _Kind) -> Picture:
    place = (event.get("lane"), event.get("corner"))
    caption = [(label, _value(values.get((name, *place)))) for label, name in kind.captions]
    found = evidence.of(event)
    behind = [(label, as_number(found.get(key))) for label, key in kind.behind]
    caption += [(label, plain(figure)) for label, figure in behind if figure is not None]
    title = f"{lane_text(event).capitalize() or 'Transceiver'}, {event.get('corner') or 'no corner'}"
    told = ", ".join(f"{label} {text}" for label, text in caption if text)
    drawing, missing = None, ""
    try:
        drawing = kind.draw(event, f"{kind.words} of {title}: {told or 'no values'}")
    except Missing as reason:
        missing = f"No picture: {reason}. {event.get('reason') or ''}".rstrip()
    except (ValueError, OverflowError, ArithmeticError) as error:  # figures that no scale can hold
        missing = f"No picture: its figures cannot be drawn ({error})."
    shown = tuple((label, text) for label, text in caption if text)
    return Picture(title, drawing, missing, str(event.get("verdict") or ""), shown)


def _value(event: Event | None) -> str:
    """Write a value for a caption, with its unit."""
    value = None if event is None else as_number(event.get("value"))
    if event is None or value is None:
        return "" if event is None else str(event.get("cause") or "no value")
    limits = [n for field in ("lower", "upper") if (n := as_number(event.get(field))) is not None]
    unit = str(event.get("unit"))
    sign = {"upper": "≤ ", "lower": "≥ "}.get(str(event.get("bound")), "")
    return f"{sign}{number(value, decimals(unit, [value], limits))} {unit_text(unit)}".rstrip()
