"""SVG elements as text: every attribute and every piece of text is escaped here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from station.reports.numbers import visible


@dataclass(frozen=True, slots=True)
class Drawing:
    """Markup that is ready for the page; templates take it as it is."""

    text: str

    def __html__(self) -> str:
        """Get the markup, as template engines ask for it."""
        return self.text


def tag(name: str, *children: Drawing | str, **attributes: object) -> Drawing:
    """Make an element; `class_` becomes class, `stroke_width` stroke-width, None is left out."""
    written = "".join(f' {_name(key)}="{_value(v)}"' for key, v in attributes.items() if v is not None)
    inside = "".join(
        child.text if isinstance(child, Drawing) else escape(visible(child)) for child in children
    )
    return Drawing(f"<{name}{written}>{inside}</{name}>")


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Drawing:
    """Draw a straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def polyline(points: Iterable[tuple[float, float]], class_: str) -> Drawing:
    """Draw a line through points."""
    return tag("polyline", points=" ".join(f"{_short(x)},{_short(y)}" for x, y in points), class_=class_)


def polygon(points: Iterable[tuple[float, float]], class_: str) -> Drawing:
    """Draw a closed, filled shape."""
    return tag("polygon", points=" ".join(f"{_short(x)},{_short(y)}" for x, y in points), class_=class_)


def rectangle(x: float, y: float, width: float, height: float, class_: str) -> Drawing:
    """Draw a rectangle; a negative size is drawn as none."""
    return tag("rect", x=x, y=y, width=max(width, 0.0), height=max(height, 0.0), class_=class_)


def words(text: str, x: float, y: float, class_: str, anchor: str | None = None) -> Drawing:
    """Write text; `anchor` is start, middle or end."""
    return tag("text", text, x=x, y=y, class_=class_, text_anchor=anchor)


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _value(value: object) -> str:
    return _short(value) if isinstance(value, float) else escape(visible(str(value)))


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
