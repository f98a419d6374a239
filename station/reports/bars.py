"""A value between its limits, drawn small; all values of one measurement share one scale."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from station.journal import Event
from station.reports.axes import Scale, decades, ticks, widened
from station.reports.numbers import as_number, decade, plain
from station.reports.svg import Drawing, line, polygon, rectangle, tag, words

WIDTH, HEIGHT = 240.0, 22.0
_START, _END = 6.0, 234.0
_LOGARITHMIC_SPAN = 30.0


@dataclass(frozen=True, slots=True)
class Bars:
    """The common scale of one measurement's bars."""

    scale: Scale

    @classmethod
    def over(cls, events: Sequence[Event]) -> Bars | None:
        """Choose a scale that holds all values and limits; None when there is no value at all."""
        values = list(_figures(events, "value"))
        if not values:
            return None
        values += [*_figures(events, "lower"), *_figures(events, "upper")]
        if min(values) > 0 and max(values) / min(values) > _LOGARITHMIC_SPAN:
            low, high = min(values) / 2, max(values) * 3
            return cls(Scale(low, high, _START, _END, math.log10))
        values += [end for event in events for end in _whisker(event)]
        return cls(Scale(*widened(values, 0.10), _START, _END))

    @property
    def logarithmic(self) -> bool:
        """Get whether the scale goes by powers of ten."""
        return self.scale.bent is not float

    def axis(self) -> Drawing:
        """Draw the scale itself, for the head of the column."""
        low, high = self.scale.low, self.scale.high
        values = decades(low, high, 4) if self.logarithmic else ticks(low, high, 4)
        places = [(self.scale.at(v), decade(v) if self.logarithmic else plain(v)) for v in values]
        marks = [line(x, 13, x, 18, "axis") for x, _ in places]
        texts = [words(text, min(max(x, 16.0), 224.0), 10, "tick", "middle") for x, text in places]
        return _picture(18.0, line(_START, 18, _END, 18, "axis"), *marks, *texts)

    def draw(self, event: Event) -> Drawing | None:
        """Draw one value with its 95 % interval and what its limits forbid."""
        value = as_number(event.get("value"))
        if value is None:
            return None
        x = self.scale.within(value)
        return _picture(HEIGHT, *self._forbidden(event), *self._interval(event), *_mark(x, event))

    def _forbidden(self, event: Event) -> Iterable[Drawing]:
        lower, upper = as_number(event.get("lower")), as_number(event.get("upper"))
        yield rectangle(_START, 9, _END - _START, 4, "allowed")
        if lower is not None:
            x = self.scale.within(lower)
            yield rectangle(_START, 4, x - _START, 14, "forbidden")
            yield line(x, 2, x, 20, "limit")
        if upper is not None:
            x = self.scale.within(upper)
            yield rectangle(x, 4, _END - x, 14, "forbidden")
            yield line(x, 2, x, 20, "limit")

    def _interval(self, event: Event) -> Iterable[Drawing]:
        ends = _whisker(event)
        if ends and not (self.logarithmic and ends[0] <= 0):
            yield line(self.scale.within(ends[0]), 11, self.scale.within(ends[1]), 11, "whisker")


def _mark(x: float, event: Event) -> Iterable[Drawing]:
    """Mark the value: a disc passes, a ring waits, else a cross; a bound has an arrow."""
    kind = {"PASS": "good", "PENDING": "open"}.get(str(event.get("verdict")), "bad")
    side = {"upper": -1.0, "lower": 1.0}.get(str(event.get("bound")))
    if side is not None:
        yield line(x, 11, x + side * 14, 11, f"stem {kind}")
        yield polygon([(x + side * 19, 11), (x + side * 12, 7.5), (x + side * 12, 14.5)], f"mark {kind}")
    if kind != "bad":
        yield tag("circle", cx=x, cy=11, r=4.5, class_=f"mark {kind}")
    else:
        yield line(x - 5, 6, x + 5, 16, "cross")
        yield line(x - 5, 16, x + 5, 6, "cross")


def _figures(events: Sequence[Event], field: str) -> Iterable[float]:
    return (n for event in events if (n := as_number(event.get(field))) is not None)


def _whisker(event: Event) -> tuple[float, ...]:
    """Get the ends of value ± 2 standard errors, or nothing where the error is not known."""
    value, error = as_number(event.get("value")), as_number(event.get("standard_error"))
    return () if value is None or error is None else (value - 2 * error, value + 2 * error)


def _picture(height: float, *children: Drawing) -> Drawing:
    box = f"0 0 {WIDTH:g} {height:g}"
    return tag("svg", *children, viewBox=box, class_="bar", aria_hidden="true")
