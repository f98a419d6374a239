"""The waterfall of a receiver: bit error ratio over power, with what was counted, fitted and allowed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from station.journal import Event
from station.reports import evidence
from station.reports.axes import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Frame,
    Scale,
    decades,
    labelled,
    q_decibels,
    ticks,
    widened,
)
from station.reports.evidence import Missing
from station.reports.numbers import as_number, decade, exact
from station.reports.svg import Drawing, line, polygon, polyline, rectangle, tag, words

_Z_95 = 1.959964  # two-sided 95 % of a normal distribution
_WORST, _BEST = 0.45, 1e-18


@dataclass(frozen=True, slots=True)
class Count:
    """Errors counted at one power."""

    power_dbm: float
    bits: float
    errors: float

    @property
    def ber(self) -> float:
        """Get the counted ratio; without errors the one-sided 95 % upper bound."""
        return self.errors / self.bits if self.errors else -math.expm1(math.log(0.05) / self.bits)

    @property
    def interval(self) -> tuple[float, float]:
        """Get the two-sided 95 % score interval (Wilson), which holds for few errors too."""
        ratio, share = self.errors / self.bits, _Z_95**2 / self.bits
        middle = ratio + share / 2
        half = _Z_95 * math.sqrt(ratio * (1 - ratio) / self.bits + share / (4 * self.bits))
        return (middle - half) / (1 + share), (middle + half) / (1 + share)


def draw(event: Event, name: str) -> Drawing:
    """Draw the waterfall behind a sensitivity; raise Missing when the record has no points."""
    found = evidence.of(event)
    counts = _counts(found.get("points"))
    fit = _fit(found.get("fit"))
    target = as_number(found.get("target_ber"))
    frame = _frame(event, counts, target)
    return frame.draw(
        [
            *_limit(frame, event),
            *_target(frame, target),
            *_curve(frame, fit),
            *_points(frame, counts),
            *_sensitivity(frame, event, target),
        ],
        x_ticks=labelled(ticks(frame.x.low, frame.x.high, 5)),
        y_ticks=list(_apart(frame)),
        x_label="power at the receiver (dBm)",
        y_label="bit error ratio",
        name=name,
    )


def _frame(event: Event, counts: Sequence[Count], target: float | None) -> Frame:
    powers = [count.power_dbm for count in counts]
    powers += [n for field in ("value", "upper") if (n := as_number(event.get(field))) is not None]
    ratios = [count.ber for count in counts] + ([target] if target and 0 < target < 1 else [])
    # An arrow from a bound downwards needs room, and decades shrink towards the bottom.
    room = 1e4 if any(count.errors == 0 for count in counts) else 10.0
    low, high = max(min(ratios) / room, _BEST), min(max(ratios) * 3, _WORST)
    x = Scale(*widened(powers), LEFT, RIGHT)
    return Frame(x, Scale(min(low, high / 10), high, BOTTOM, TOP, q_decibels))


def _points(frame: Frame, counts: Sequence[Count]) -> Iterator[Drawing]:
    for count in counts:
        x, y = frame.x.at(count.power_dbm), frame.y.within(count.ber)
        if count.errors:
            low, high = (frame.y.within(end) for end in count.interval)
            yield line(x, low, x, high, "whisker")
            yield tag("circle", cx=x, cy=y, r=3.2, class_="mark good")
        else:  # nothing counted: the truth lies below the bound
            yield line(x - 4, y, x + 4, y, "whisker")
            yield line(x, y, x, y + 12, "whisker")
            yield polygon([(x, y + 17), (x - 3.5, y + 10), (x + 3.5, y + 10)], "mark good")


def _curve(frame: Frame, fit: Sequence[tuple[float, float]]) -> Iterator[Drawing]:
    """Draw the fit as far as the diagram reaches."""
    shown = [(frame.x.at(x), frame.y.within(ber)) for x, ber in fit if frame.y.holds(ber)]
    if len(shown) > 1:
        yield polyline(shown, "fit")


def _limit(frame: Frame, event: Event) -> Iterator[Drawing]:
    upper = as_number(event.get("upper"))
    if upper is not None:
        x = frame.x.at(upper)
        yield rectangle(x, TOP, RIGHT - x, BOTTOM - TOP, "forbidden")
        yield line(x, TOP, x, BOTTOM, "limit")
        yield words("limit", x - 4, TOP + 12, "note", "end")


def _target(frame: Frame, target: float | None) -> Iterator[Drawing]:
    if target is not None and frame.y.holds(target):
        y = frame.y.at(target)
        yield line(LEFT, y, RIGHT, y, "threshold")
        yield words(f"target {exact(target)}", RIGHT - 4, y - 4, "note", "end")


def _apart(frame: Frame) -> Iterator[tuple[float, str]]:
    """Choose decades, from the top, whose labels do not touch."""
    free = TOP
    for value in reversed(decades(frame.y.low, frame.y.high, 20)):
        if frame.y.at(value) >= free:
            yield value, decade(value)
            free = frame.y.at(value) + 13


def _sensitivity(frame: Frame, event: Event, target: float | None) -> Iterator[Drawing]:
    """Mark where the line meets the target, down to the power axis."""
    value = as_number(event.get("value"))
    if value is None or target is None or not frame.y.holds(target):
        return
    x, y = frame.x.at(value), frame.y.at(target)
    yield line(x, y, x, BOTTOM, "drop")
    yield polygon([(x, y - 6), (x + 6, y), (x, y + 6), (x - 6, y)], "diamond")


def _counts(value: object) -> list[Count]:
    """Read the points, {"power_dbm", "bits", "errors"} or [power, bits, errors] each."""
    if not isinstance(value, list) or not value:
        raise Missing("the record has no points of a sweep")
    return [_count(item) for item in value]


def _count(item: object) -> Count:
    fields = [item.get(key) for key in ("power_dbm", "bits", "errors")] if isinstance(item, Mapping) else item
    found = evidence.figures(fields, "points")
    if len(found) != 3 or not 0 <= found[2] < found[1]:
        raise Missing("the record's points are no counts of bits and errors")
    return Count(*found)


def _fit(value: object) -> list[tuple[float, float]]:
    """Read the fitted curve; without one the points stand alone."""
    if not isinstance(value, list):
        return []
    try:
        pairs = [evidence.figures(item, "fit") for item in value]
    except Missing:
        return []
    return [(pair[0], pair[1]) for pair in pairs if len(pair) == 2 and pair[1] > 0]
