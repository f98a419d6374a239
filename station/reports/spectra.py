"""The spectrum of a lane, as the analyser traced it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from station.journal import Event
from station.reports import evidence
from station.reports.axes import BOTTOM, LEFT, RIGHT, TOP, Frame, Scale, labelled, ticks, widened
from station.reports.evidence import Missing
from station.reports.svg import Drawing, polyline

_MOST_COLUMNS = 300
_BELOW_COMMON_DB = 5.0


def draw(event: Event, name: str) -> Drawing:
    """Draw the trace behind a measurement; raise Missing when the record has none."""
    trace = evidence.of(event).get("trace")
    if not isinstance(trace, Mapping):
        raise Missing("the record has no trace")
    wavelength_nm = evidence.figures(trace.get("wavelength_nm"), "wavelengths")
    power_dbm = evidence.figures(trace.get("power_dbm"), "powers")
    if len(wavelength_nm) != len(power_dbm) or len(power_dbm) < 2 or min(wavelength_nm) == max(wavelength_nm):
        raise Missing("the record's trace is no curve")
    x = Scale(min(wavelength_nm), max(wavelength_nm), LEFT, RIGHT)
    frame = Frame(x, Scale(*widened((_ground(power_dbm), max(power_dbm))), BOTTOM, TOP))
    points = [(frame.x.at(w), frame.y.at(p)) for w, p in _thinned(wavelength_nm, power_dbm)]
    return frame.draw(
        [polyline(points, "trace")],
        x_ticks=labelled(ticks(x.low, x.high, 4)),
        y_ticks=labelled(ticks(frame.y.low, frame.y.high, 5)),
        x_label="wavelength (nm)",
        y_label="power (dBm)",
        name=name,
    )


def _ground(power_dbm: Sequence[float]) -> float:
    """Get the lowest power worth a place: an analyser writes anything down to -210 dBm for nothing."""
    common = sorted(power_dbm)[len(power_dbm) // 20]
    return max(min(power_dbm), common - _BELOW_COMMON_DB)


def _thinned(x: Sequence[float], y: Sequence[float]) -> Iterator[tuple[float, float]]:
    """Give no more points than can be seen, and lose neither a peak nor a dip."""
    every = max(1, len(x) // _MOST_COLUMNS)
    if every == 1:
        yield from zip(x, y, strict=True)
        return
    for start in range(0, len(x), every):
        piece = range(start, min(start + every, len(x)))
        for index in sorted({min(piece, key=y.__getitem__), max(piece, key=y.__getitem__)}):
            yield x[index], y[index]
