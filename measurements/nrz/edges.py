"""How long the edges of two-level light take from 20 % to 80 %."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.capture import CaptureError
from measurements.nrz.folding import NrzEye, edges_of
from measurements.nrz.levels import eye_levels, has_settled_runs, settled_levels
from measurements.patterns import Symbols
from measurements.quantity import Cause, NotMeasurable
from measurements.units import FloatArray, symbol_period_s

LOW, HIGH = 0.2, 0.8
"""Shares of the amplitude between which an edge is timed (IEEE 802.3, 52.9 [M])."""

_MOST_SETTLED, _LEAST_SETTLED = 5, 2
_SPAN_UI = 1.5
_COARSE_POINTS = 25
_SLOPE_UI = 0.01


@dataclass(frozen=True, slots=True)
class EdgeTimes:
    """Rise and fall time from 20 % to 80 %, of the mean edge between settled runs.

    `settled_bits` stand equal on both sides of each edge used. Standard errors are by scatter
    between edges, None for a single one.
    """

    rise_ps: float
    fall_ps: float
    rise_error_ps: float | None
    fall_error_ps: float | None
    rising_edges: int
    falling_edges: int
    settled_bits: int


def edge_times(eye: NrzEye) -> EdgeTimes | NotMeasurable:
    """Time the mean rising and falling edge between runs of equal bits, 20 % to 80 %.

    The levels are those of settled runs, or of the eye where the pattern has none; the edges those
    with the longest runs on both sides, 5 bits down to 2. The receiver's own share is not taken
    out. Edges that do not get from 20 % to 80 % within 1.5 bits are NotMeasurable. Raise
    CaptureError for a pattern without such edges.
    """
    rising, falling, settled = _settled_edges(eye)
    zero, one = _levels(eye)
    rise, fall = _duration(eye, rising, zero, one), _duration(eye, falling, one, zero)
    if rise is None or fall is None:
        reason = f"an edge does not get from {LOW:.0%} to {HIGH:.0%} within {_SPAN_UI} bits of its crossing"
        return NotMeasurable(reason, Cause.EYE_CLOSED, {"zero_mw": zero, "one_mw": one})
    period_ps = symbol_period_s(eye.waveform.symbol_rate_gbd) * 1e12
    return EdgeTimes(
        rise_ps=rise[0] * period_ps,
        fall_ps=fall[0] * period_ps,
        rise_error_ps=None if rise[1] is None else rise[1] * period_ps,
        fall_error_ps=None if fall[1] is None else fall[1] * period_ps,
        rising_edges=rising.size,
        falling_edges=falling.size,
        settled_bits=settled,
    )


def _levels(eye: NrzEye) -> tuple[float, float]:
    levels = settled_levels(eye) if has_settled_runs(eye) else eye_levels(eye)
    return levels.zero_mw, levels.one_mw


def _settled_edges(eye: NrzEye) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
    """Find edges of both directions with the longest equal runs on both sides."""
    for settled in range(_MOST_SETTLED, _LEAST_SETTLED - 1, -1):
        rising, falling = (_edges_between(eye.symbols, settled, *turn) for turn in ((0, 1), (1, 0)))
        if rising.size and falling.size:
            return rising, falling, settled
    raise CaptureError(
        "no edge has two equal bits on both sides",
        where="pattern",
        remedy="time edges on a square wave, PRBS9 or longer",
    )


def _edges_between(symbols: Symbols, settled: int, before: int, after: int) -> NDArray[np.intp]:
    edges = edges_of(symbols, before, after)
    around = symbols[(edges[:, None] + np.arange(-settled, settled)) % symbols.size]
    wanted = np.repeat([before, after], settled)
    return np.asarray(edges[(around == wanted).all(axis=1)], dtype=np.intp)


def _duration(
    eye: NrzEye, edges: NDArray[np.intp], before_mw: float, after_mw: float
) -> tuple[float, float | None] | None:
    """Time the mean of some edges in unit intervals; the error is by how single edges stand apart."""

    def climbs(instant: float) -> FloatArray:
        values = eye.locked.signal.at(eye.crossing_ui + instant)[edges]
        return np.asarray((values - before_mw) / (after_mw - before_mw), dtype=np.float64)

    low, high = _reached(climbs)
    if low is None or high is None:
        return None
    if edges.size < 2:
        return high - low, None
    apart = _lateness(climbs, high) - _lateness(climbs, low)
    return high - low, float(np.std(apart, ddof=1)) / math.sqrt(edges.size)


def _reached(climbs: Callable[[float], FloatArray]) -> tuple[float | None, float | None]:
    """Find when the mean edge last leaves 20 % and first reaches 80 %, seen from its middle."""
    from scipy.optimize import brentq

    instants = np.linspace(-_SPAN_UI, _SPAN_UI, _COARSE_POINTS)
    mean = np.array([climbs(instant).mean() for instant in instants])
    middles = np.flatnonzero((mean[:-1] < 0.5) & (mean[1:] >= 0.5))
    if not middles.size:
        return None, None
    middle = int(middles[np.argmin(np.abs(instants[middles]))])
    below = np.flatnonzero(mean[: middle + 1] <= LOW)
    above = np.flatnonzero(mean[middle + 1 :] >= HIGH)
    if not (below.size and above.size):
        return None, None

    def time_at(level: float, first: int) -> float:
        ends = instants[first], instants[first + 1]
        return float(brentq(lambda t: float(climbs(t).mean()) - level, *ends, xtol=1e-6))

    return time_at(LOW, int(below[-1])), time_at(HIGH, middle + int(above[0]))


def _lateness(climbs: Callable[[float], FloatArray], instant: float) -> FloatArray:
    """Get by how much each edge is late at an instant of the mean edge, to first order."""
    slope = float((climbs(instant + _SLOPE_UI) - climbs(instant - _SLOPE_UI)).mean()) / (2.0 * _SLOPE_UI)
    values = climbs(instant)
    return np.asarray((values.mean() - values) / slope, dtype=np.float64)
