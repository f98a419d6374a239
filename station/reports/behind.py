"""The figures behind the values, tabulated for who wants to compute them again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from station.journal import Event
from station.reports import evidence
from station.reports.numbers import as_number, lane_text, plain

_PLACE = ("Corner", "Lane", "Instruments")
_LONGEST_LIST = 9
_LONGEST_TEXT = 120


@dataclass(frozen=True, slots=True)
class Behind:
    """Columns and rows of one measurement's evidence; `columns` is empty when there is nothing to show."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @classmethod
    def values_of(cls, events: Sequence[Event]) -> Behind:
        """Tabulate plain figures, words and short lists; waveforms and traces have their pictures."""
        told = [{k: text for k, v in _flat(evidence.of(event)) if (text := _short(v))} for event in events]
        names = list(dict.fromkeys(str(key) for figures in told for key in figures))
        if not names:
            return cls((), ())
        rows = [
            (*_place(event), *(figures.get(name, "") for name in names))
            for event, figures in zip(events, told, strict=True)
        ]
        return cls((*_PLACE, *names), tuple(rows))


def counted_text(event: Event) -> str:
    """Write what a bit error ratio was counted from, or nothing."""
    found = evidence.of(event)
    bits, errors = as_number(found.get("bits")), as_number(found.get("errors"))
    return "" if bits is None or errors is None else f"{plain(errors)} errors in {plain(bits)} bits"


def _flat(found: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Give the entries of evidence, and of what it groups under a name."""
    for name, value in found.items():
        if isinstance(value, Mapping):
            yield from ((f"{name} {part}", item) for part, item in value.items())
        else:
            yield name, value


def _place(event: Event) -> tuple[str, str, str]:
    instruments = ", ".join(str(name) for name in event.get("instruments") or ())
    return str(event.get("corner") or ""), lane_text(event), instruments


def _short(value: object) -> str:
    """Write what fits a cell, or give an empty string."""
    if isinstance(value, (bool, str)):
        text = str(value)
        return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
    figure = as_number(value)
    if figure is not None:
        return plain(figure)
    if isinstance(value, list) and 0 < len(value) <= _LONGEST_LIST:
        parts = ["" if isinstance(item, list) else _short(item) for item in value]
        return ", ".join(parts) if all(parts) else ""
    return ""
