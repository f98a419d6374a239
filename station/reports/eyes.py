"""The eye of a lane: how often the light had which power at which time of the symbol."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from measurements.units import FloatArray
from station.journal import Event
from station.reports import evidence
from station.reports.axes import BOTTOM, LEFT, RIGHT, TOP, Frame, Scale, labelled, ticks
from station.reports.colours import density_palette, paint
from station.reports.evidence import Missing
from station.reports.numbers import as_number
from station.reports.png import data_uri, encode
from station.reports.svg import Drawing, line, rectangle, tag

# IEEE 802.3, 121.8.5.3: two histograms 0.04 UI wide, centred 0.05 UI before and after the middle of the eye
_HISTOGRAM_WIDTH_UI = 0.04
_HISTOGRAM_OFFSETS_UI = (-0.05, 0.05)
_MOST_SYMBOLS = 8
_FEWEST_INSTANTS = 16  # fewer are no eye whose gaps could be closed


def draw(event: Event, folder: Path, name: str) -> Drawing:
    """Draw the eye behind a measurement; raise Missing when the record or its files do not give one."""
    found = evidence.of(event)
    eye = found.get("eye")
    if not isinstance(eye, Mapping):
        raise Missing("the record has no eye")
    start_ui, end_ui = evidence.span(eye.get("time_ui"), "time axis")
    power_mw = evidence.span(eye.get("power_mw"), "power axis")
    # From the decision instant, where it is known: eyes of all lanes then stand one below the other.
    phase_ui = as_number(found.get("phase_ui"))
    origin_ui = phase_ui or 0.0
    time = Scale(start_ui - origin_ui, end_ui - origin_ui, LEFT, RIGHT)
    frame = Frame(time, Scale(*power_mw, BOTTOM, TOP))
    windows = [] if phase_ui is None else _windows(frame)
    inside = [_picture(folder, eye.get("file")), *windows, *_levels(frame, found)]
    return frame.draw(
        inside,
        x_ticks=labelled(ticks(time.low, time.high, 4)),
        y_ticks=labelled(ticks(*power_mw, 5)),
        x_label="time (UI)" if phase_ui is None else "time from the decision (UI)",
        y_label="power (mW)",
        name=name,
        grid=False,
    )


def _picture(folder: Path, file: object) -> Drawing:
    counts = _filled(evidence.density(folder, file))
    top_first = np.ascontiguousarray(paint(counts)[::-1])
    return tag(
        "image",
        href=data_uri(encode(top_first, density_palette())),
        x=LEFT,
        y=TOP,
        width=RIGHT - LEFT,
        height=BOTTOM - TOP,
        preserveAspectRatio="none",
    )


def _filled(counts: FloatArray) -> FloatArray:
    """Let columns that no sample can fall into be a mixture of their neighbours.

    A scope that samples each symbol at 16 instants leaves gaps between them in a finer picture.
    """
    sampled = np.flatnonzero(counts.any(axis=0))
    if not _FEWEST_INSTANTS <= len(sampled) < counts.shape[1]:
        return counts
    columns = np.clip(np.arange(counts.shape[1]), sampled[0], sampled[-1])
    after = np.clip(np.searchsorted(sampled, columns), 1, None)
    left, right = sampled[after - 1], sampled[after]
    share = (columns - left) / (right - left)
    mixed: FloatArray = counts[:, left] * (1 - share) + counts[:, right] * share
    return mixed


def _levels(frame: Frame, found: Mapping[str, Any]) -> Iterator[Drawing]:
    """Mark the levels at both edges and the thresholds across, where the record has them."""
    for level in _known(found.get("levels_mw")):
        y = frame.y.at(level)
        yield line(LEFT, y, LEFT + 9, y, "level")
        yield line(RIGHT - 9, y, RIGHT, y, "level")
    for threshold in _known(found.get("thresholds_mw")):
        y = frame.y.at(threshold)
        yield line(LEFT, y, RIGHT, y, "threshold")


def _windows(frame: Frame) -> Iterator[Drawing]:
    """Shade the histogram windows of every symbol in sight; a decision is at 0 and each whole UI."""
    first, last = math.floor(frame.x.low), math.ceil(frame.x.high)
    for turn in range(first, min(last, first + _MOST_SYMBOLS) + 1):
        for offset in _HISTOGRAM_OFFSETS_UI:
            start = turn + offset - _HISTOGRAM_WIDTH_UI / 2
            x, end = frame.x.at(start), frame.x.at(start + _HISTOGRAM_WIDTH_UI)
            yield rectangle(x, TOP, end - x, BOTTOM - TOP, "window")


def _known(value: object) -> list[float]:
    try:
        return evidence.figures(value, "levels")
    except Missing:
        return []
