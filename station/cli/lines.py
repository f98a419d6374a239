"""One figure a line, its name in a column."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator


def line(name: str, value: str) -> str:
    """Write a figure behind its name."""
    return f"  {name:<16}{value}"


def wrapped(name: str, value: str) -> Iterator[str]:
    """Write a longer text behind its name, within 79 columns."""
    yield from textwrap.wrap(line(name, value), 79, subsequent_indent=" " * 18)
