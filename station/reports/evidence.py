"""What a report needs of the evidence of a measurement, checked: data can be broken."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from measurements.units import FloatArray
from station.journal import Event
from station.reports.numbers import as_number

_MOST_BINS = 16_000_000
_WIDEST = 400


class Missing(Exception):
    """A picture that cannot be drawn; the text says what is missing."""


def of(event: Event) -> Mapping[str, Any]:
    """Get the evidence of a measurement, which may be nothing."""
    evidence = event.get("evidence")
    return evidence if isinstance(evidence, Mapping) else {}


def figures(value: object, what: str) -> list[float]:
    """Get a list of finite numbers; raise Missing for anything else."""
    if not isinstance(value, (list, tuple)):
        raise Missing(f"the record has no {what}")
    found = [n for item in value if (n := as_number(item)) is not None]
    if len(found) != len(value):
        raise Missing(f"the record's {what} are not all numbers")
    return found


def span(value: object, what: str) -> tuple[float, float]:
    """Get two figures, the smaller first; raise Missing for anything else."""
    ends = figures(value, what)
    if len(ends) != 2 or not ends[0] < ends[1]:
        raise Missing(f"the record's {what} is no range")
    return ends[0], ends[1]


def density(folder: Path, name: object) -> FloatArray:
    """Read the counts of an eye, lowest power first; raise Missing when the file does not give them."""
    if not isinstance(name, str) or not name:
        raise Missing("the record names no file for the picture")
    path = folder / name
    try:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise Missing(f"{name} lies outside the folder of the run")
        stored = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise Missing(f"{name} is not in the folder of the run") from error
    except (OSError, ValueError, EOFError) as error:
        raise Missing(f"{name} cannot be read as a picture") from error
    return _checked(stored, name)


def _checked(stored: Any, name: str) -> FloatArray:
    """Give an array as counts, with not more bins than a page can show."""
    if not isinstance(stored, np.ndarray) or stored.ndim != 2 or stored.dtype.kind not in "uif":
        raise Missing(f"{name} does not hold a picture of counts")
    if not 0 < stored.size <= _MOST_BINS:
        raise Missing(f"{name} holds {stored.size} bins")
    counts = np.asarray(stored, np.float64)
    if not np.isfinite(counts).all() or counts.min() < 0:
        raise Missing(f"{name} holds counts that are not counts")
    return _coarser(_coarser(counts).T).T


def _coarser(counts: FloatArray) -> FloatArray:
    """Join rows until there are not more than a page can show."""
    starts = np.arange(0, len(counts), -(-len(counts) // _WIDEST))
    joined: FloatArray = np.add.reduceat(counts, starts, axis=0)
    return joined
