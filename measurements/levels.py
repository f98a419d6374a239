"""Levels of a PAM4 eye before any equaliser: OMAouter, extinction ratio, linearity, edges, overshoot."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.capture import CaptureError, LockedSignal, Waveform, lock
from measurements.patterns import Symbols, runs_of
from measurements.quantity import NotMeasurable
from measurements.units import FloatArray, mw_to_dbm, ratio_to_db, symbol_period_s

RUN_OF_THREES = 7
RUN_OF_ZEROS = 6
"""Lengths of the runs that settle to P3 and P0 (IEEE 802.3, 121.8.4 and Figure 121-3)."""

SETTLED_UI = 2.0
"""Width of the window in a settled run (IEEE 802.3, 121.8.4)."""

EXCURSION_HIT_RATIO = 1e-2
"""Share of samples that overshoot and undershoot leave outside (IEEE 802.3cu, 140.7.5b)."""

_EDGE_POINTS = 20
_NEIGHBOURS = 6
_LONGEST_RUN_AT_EDGE = 5
_SHORTEST_RUN_AT_EDGE = 3


@dataclass(frozen=True, slots=True)
class OuterLevels:
    """Powers that the outer symbols settle to, and the average of the whole pattern, in milliwatt."""

    p3_mw: float
    p0_mw: float
    average_mw: float
    runs_of_threes: int
    runs_of_zeros: int

    @property
    def oma_mw(self) -> float:
        """Get OMAouter = P3 - P0 (IEEE 802.3, 121.8.4)."""
        return self.p3_mw - self.p0_mw

    @property
    def oma_dbm(self) -> float:
        """Get OMAouter in dBm."""
        return mw_to_dbm(self.oma_mw)

    @property
    def average_dbm(self) -> float:
        """Get the average power in dBm."""
        return mw_to_dbm(self.average_mw)

    @property
    def extinction_ratio_db(self) -> float:
        """Get the outer extinction ratio P3/P0. Raise CaptureError for a P0 that no light can have."""
        if self.p0_mw <= 0:
            raise CaptureError(
                f"the zero level is {self.p0_mw:.3g} mW",
                where="extinction ratio",
                remedy="repeat the scope's dark calibration",
            )
        return ratio_to_db(self.p3_mw / self.p0_mw)


@dataclass(frozen=True, slots=True)
class Pam4Levels:
    """All that is read from the un-equalised eye of one lane.

    `levels_mw` are the means of the four symbols at the eye centre. `rlm` is that of IEEE 802.3,
    120D.3.1.2; `rlm_by_steps` the older form of clause 94, three times the smallest step over the
    whole. Overshoot and undershoot are in percent of OMAouter. `transition_time_ps` is the slower
    edge, None when the pattern holds no edge between settled outer levels.
    """

    outer: OuterLevels
    levels_mw: tuple[float, float, float, float]
    rlm: float
    rlm_by_steps: float
    overshoot_percent: float
    undershoot_percent: float
    excursion_dbm: float
    rise_time_ps: float | None
    fall_time_ps: float | None

    @property
    def transition_time_ps(self) -> float | None:
        """Get the slower of the two edges, 20 % to 80 % of OMAouter."""
        if self.rise_time_ps is None or self.fall_time_ps is None:
            return None
        return max(self.rise_time_ps, self.fall_time_ps)


def measure_levels(waveform: Waveform, *, noise_mw: float = 0.0) -> Pam4Levels | NotMeasurable:
    """Measure levels, linearity, edges and excursions of a capture behind the half-rate filter.

    IEEE 802.3, 121.8.4, 121.8.6, 140.7.5b, 120D.3.1.2. `noise_mw` is the rms noise expected in the
    record, as far as it is known. The filter's own share of the edges is not taken out.
    """
    locked = lock(waveform.signal(), waveform.pattern, noise_mw=noise_mw)
    return locked if isinstance(locked, NotMeasurable) else levels_of(waveform, locked)


def levels_of(waveform: Waveform, locked: LockedSignal) -> Pam4Levels:
    """Measure what `measure_levels` does, of a waveform that was locked already."""
    outer = outer_levels(locked)
    levels = symbol_levels(locked)
    over, under, excursion = _excursions(waveform, outer)
    instants = locked.centre_ui - 0.5 + np.arange(_EDGE_POINTS) / _EDGE_POINTS
    phases = locked.signal.rows(instants) + np.float32(outer.average_mw)
    rise, fall = (_edge_time_ui(phases, locked.symbols, outer, *edge) for edge in ((0, 3), (3, 0)))
    period_ps = symbol_period_s(waveform.symbol_rate_gbd) * 1e12
    return Pam4Levels(
        outer=outer,
        levels_mw=levels,
        rlm=level_mismatch_ratio(levels),
        rlm_by_steps=3.0 * float(np.diff(levels).min()) / (levels[3] - levels[0]),
        overshoot_percent=over,
        undershoot_percent=under,
        excursion_dbm=mw_to_dbm(excursion),
        rise_time_ps=None if rise is None else rise * period_ps,
        fall_time_ps=None if fall is None else fall * period_ps,
    )


def outer_levels(locked: LockedSignal) -> OuterLevels:
    """Average the central two unit intervals of all runs of exactly 7 threes and of exactly 6 zeros.

    IEEE 802.3, 121.8.4. Quaternary square waves use the same windows in their runs of 8. Raise
    CaptureError for a pattern that has no such run.
    """
    threes = _settled(locked, 3, RUN_OF_THREES)
    zeros = _settled(locked, 0, RUN_OF_ZEROS)
    return OuterLevels(
        p3_mw=float(threes.mean()),
        p0_mw=float(zeros.mean()),
        average_mw=locked.signal.mean,
        runs_of_threes=threes.size,
        runs_of_zeros=zeros.size,
    )


def symbol_levels(locked: LockedSignal) -> tuple[float, float, float, float]:
    """Measure the four levels at the eye centre, each in average surroundings.

    The neighbours' share is fitted and taken out: symbols of a pattern are not independent, so the
    plain mean of each level would bend a linear transmitter (RLM 0.986 for one pole at a quarter
    of the rate, on SSPRQ).
    """
    counts = np.bincount(locked.symbols, minlength=4)
    if not counts.all():
        raise CaptureError(
            f"the pattern holds {counts.tolist()} symbols 0 to 3",
            where="pattern",
            remedy="measure levels on a pattern with four levels, such as SSPRQ",
        )
    values = locked.signal.at(locked.centre_ui)
    levels = np.arange(4.0)
    for _ in range(3):  # the neighbours have the same unequal steps: fit again with those found
        levels = _fit_levels(values, locked.symbols, levels)
    v0, v1, v2, v3 = levels.tolist()
    return v0, v1, v2, v3


def _fit_levels(values: FloatArray, symbols: Symbols, steps: FloatArray) -> FloatArray:
    """Fit values = level of the symbol + weighted deviations of its neighbours, by least squares."""
    sent = (steps[symbols] - steps[symbols].mean()).astype(np.float32)
    lags = [lag for lag in range(-_NEIGHBOURS, _NEIGHBOURS + 1) if lag]
    columns = [*(symbols == level for level in range(4)), *(np.roll(sent, lag) for lag in lags)]
    design = np.array(columns, dtype=np.float32)
    mean = float(values.mean())
    normal = (design @ design.T).astype(np.float64)
    solution = np.linalg.solve(normal, design @ (values - mean).astype(np.float32))
    return np.asarray(solution[:4] + mean, dtype=np.float64)


def level_mismatch_ratio(levels: tuple[float, float, float, float]) -> float:
    """Compute RLM, 1 for equal steps (IEEE 802.3, 120D.3.1.2)."""
    v0, v1, v2, v3 = levels
    middle = 0.5 * (v0 + v3)
    es1 = (v1 - middle) / (v0 - middle)
    es2 = (v2 - middle) / (v3 - middle)
    return min(3.0 * es1, 3.0 * es2, 2.0 - 3.0 * es1, 2.0 - 3.0 * es2)


def _settled(locked: LockedSignal, symbol: int, length: int) -> FloatArray:
    starts = runs_of(locked.symbols, symbol, length)
    if not starts.size and locked.symbols.size == 16:
        length = 8  # the square wave
        starts = runs_of(locked.symbols, symbol, length)
    if not starts.size:
        raise CaptureError(
            f"no run of exactly {length} symbols {symbol}",
            where="pattern",
            remedy="measure OMAouter on SSPRQ or PRBS13Q",
        )
    centre = 0.5 * (length - 1)  # in symbols from the centre of the run's first
    return locked.signal.means(starts, locked.centre_ui + centre, SETTLED_UI)


def _excursions(waveform: Waveform, outer: OuterLevels) -> tuple[float, float, float]:
    """Get overshoot and undershoot in percent, and the larger excursion from the average in mW."""
    samples = np.asarray(waveform.power_mw, dtype=np.float64)
    beyond = max(1, math.floor(EXCURSION_HIT_RATIO * samples.size))
    ordered = np.partition(samples, (beyond, samples.size - 1 - beyond))
    lowest, highest = float(ordered[beyond]), float(ordered[samples.size - 1 - beyond])
    over = 100.0 * (highest - outer.p3_mw) / outer.oma_mw
    under = 100.0 * (outer.p0_mw - lowest) / outer.oma_mw
    return over, under, max(highest - outer.average_mw, outer.average_mw - lowest)


def _edge_time_ui(
    phases: NDArray[np.float32], symbols: Symbols, outer: OuterLevels, before: int, after: int
) -> float | None:
    """Time the mean edge between settled outer levels, 20 % to 80 % of OMAouter."""
    edges, settled = _edges(symbols, before, after)
    if not edges.size:
        return None
    # The edge stands half a symbol before the centre of its first new symbol, where the phases begin.
    turns = np.arange(-settled, settled)
    mean = phases[:, (edges + turns[:, None]) % symbols.size].mean(axis=2, dtype=np.float64)
    climb = (mean.T.reshape(-1) - outer.p0_mw) / outer.oma_mw
    instants = np.arange(climb.size) / len(phases) - settled
    climb = climb if after > before else 1.0 - climb
    low, high = _crossing(instants, climb, 0.2), _crossing(instants, climb, 0.8)
    return None if low is None or high is None else high - low


def _edges(symbols: Symbols, before: int, after: int) -> tuple[NDArray[np.intp], int]:
    """Find edges with the longest settled runs on both sides, 5 symbols where the pattern has them."""
    for settled in range(_LONGEST_RUN_AT_EDGE, _SHORTEST_RUN_AT_EDGE - 1, -1):
        hit = np.ones(symbols.size, dtype=bool)
        for i in range(settled):
            hit &= (np.roll(symbols, -i) == after) & (np.roll(symbols, i + 1) == before)
        if hit.any():
            return np.flatnonzero(hit), settled
    return np.empty(0, dtype=np.intp), 0


def _crossing(instants: FloatArray, climb: FloatArray, level: float) -> float | None:
    """Find where a rising edge last stands below a level before it stays above the middle."""
    middle = np.flatnonzero((climb[:-1] < 0.5) & (climb[1:] >= 0.5))
    if not middle.size:
        return None
    i = int(middle[np.argmin(np.abs(instants[middle]))])
    step = -1 if level < 0.5 else 1
    while 0 <= i < climb.size - 1 and not climb[i] <= level <= climb[i + 1]:
        i += step
    if not 0 <= i < climb.size - 1:
        return None
    share = (level - climb[i]) / (climb[i + 1] - climb[i]) if climb[i + 1] > climb[i] else 0.0
    return float(instants[i] + share * (instants[i + 1] - instants[i]))
