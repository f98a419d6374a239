"""Scales from figures to places on the page, their ticks, and the frame of a diagram."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from station.reports.numbers import plain
from station.reports.svg import Drawing, line, rectangle, tag, words

WIDTH, HEIGHT = 300.0, 208.0
LEFT, RIGHT, TOP, BOTTOM = 48.0, 292.0, 10.0, 172.0
_WORST_BER = 0.45  # at one half Q is zero, and has no decibels


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps low..high to start..end; `bent` makes the scale anything but linear."""

    low: float
    high: float
    start: float
    end: float
    bent: Callable[[float], float] = float

    def at(self, value: float) -> float:
        """Get the place of a value."""
        low, high = self.bent(self.low), self.bent(self.high)
        return self.start + (self.end - self.start) * (self.bent(value) - low) / (high - low)

    def within(self, value: float) -> float:
        """Get the place of a value, or of the end of the scale that it lies beyond."""
        return self.at(min(max(value, self.low), self.high))

    def holds(self, value: float) -> bool:
        """Tell whether a value lies on the scale."""
        return self.low <= value <= self.high


def widened(values: Sequence[float], share: float = 0.08) -> tuple[float, float]:
    """Get a range that holds all values with some room on both sides."""
    low, high = min(values), max(values)
    room = share * (high - low) or max(abs(high) * 0.05, 1e-9)
    return low - room, high + room


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Choose round values within a range: steps of 1, 2 or 5 times a power of ten."""
    raw = (high - low) / max(about, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= raw * 0.8)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def decades(low: float, high: float, most: int = 7) -> list[float]:
    """Choose powers of ten within a range."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    every = max(1, math.ceil((last - first + 1) / most))
    return [10.0**exponent for exponent in range(last, first - 1, -every)][::-1]


def q_decibels(ber: float) -> float:
    """Bend a bit error ratio so that Gaussian noise over power in dBm is a straight line.

    It is -10 log10(Q), which grows with the bit error ratio.
    """
    return -10.0 * math.log10(-NormalDist().inv_cdf(min(ber, _WORST_BER)))


@dataclass(frozen=True, slots=True)
class Frame:
    """A diagram with its two scales; what is put inside is cut off at its edges."""

    x: Scale
    y: Scale

    def draw(
        self,
        inside: Sequence[Drawing],
        *,
        x_ticks: Sequence[tuple[float, str]],
        y_ticks: Sequence[tuple[float, str]],
        x_label: str,
        y_label: str,
        name: str,
        grid: bool = True,
    ) -> Drawing:
        """Draw the whole diagram; `name` is what people hear who do not see it."""
        lines = self._grid(x_ticks, y_ticks) if grid else []
        window = tag(
            "svg",
            *lines,
            *inside,
            x=LEFT,
            y=TOP,
            width=RIGHT - LEFT,
            height=BOTTOM - TOP,
            viewBox=f"{LEFT} {TOP} {RIGHT - LEFT} {BOTTOM - TOP}",
        )
        return tag(
            "svg",
            window,
            rectangle(LEFT, TOP, RIGHT - LEFT, BOTTOM - TOP, "frame"),
            *self._labels(x_ticks, y_ticks),
            words(x_label, (LEFT + RIGHT) / 2, HEIGHT - 4, "label", "middle"),
            tag(
                "text",
                y_label,
                x=-(TOP + BOTTOM) / 2,
                y=11.0,
                transform="rotate(-90)",
                class_="label",
                text_anchor="middle",
            ),
            viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}",
            class_="diagram",
            role="img",
            aria_label=name,
        )

    def _grid(
        self, x_ticks: Sequence[tuple[float, str]], y_ticks: Sequence[tuple[float, str]]
    ) -> list[Drawing]:
        upright = [line(self.x.at(v), TOP, self.x.at(v), BOTTOM, "grid") for v, _ in x_ticks]
        return upright + [line(LEFT, self.y.at(v), RIGHT, self.y.at(v), "grid") for v, _ in y_ticks]

    def _labels(
        self, x_ticks: Sequence[tuple[float, str]], y_ticks: Sequence[tuple[float, str]]
    ) -> list[Drawing]:
        below = [words(text, self.x.at(v), BOTTOM + 14, "tick", "middle") for v, text in x_ticks]
        return below + [words(text, LEFT - 5, self.y.at(v) + 3.5, "tick", "end") for v, text in y_ticks]


def labelled(values: Sequence[float]) -> list[tuple[float, str]]:
    """Write ticks with the figures that tell them apart."""
    return [(value, plain(value)) for value in values]
