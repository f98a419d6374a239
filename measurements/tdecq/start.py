"""Where a search begins: for each main tap the time and taps of least mean square error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.equalizer import toeplitz
from measurements.reference_receivers import ReferenceReceiver
from measurements.tdecq.task import Task
from measurements.units import FloatArray

_GUESS_DB = 1.5
"""The closure that the noise in the mean square error stands for."""

_POPULATION = 8192
_COARSE = 12
"""A grid of fewer samples a symbol cannot tell the two histograms apart."""


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """Taps and time to begin with; `cost` orders starts of one task."""

    taps: FloatArray
    main_tap: int
    time_ui: float
    cost: float


@dataclass(frozen=True, slots=True, eq=False)
class _Moments:
    """Second-order statistics at each of some times, averages taken off.

    `auto[l, t]` is the mean of x(i) x(i+l), `cross[l + taps - 1, t]` that of wanted(i) x(i+l).
    """

    times_ui: FloatArray
    auto: FloatArray
    cross: FloatArray


def starts(task: Task) -> list[Start]:
    """Find taps and time of least mean square error for each main tap, best first.

    Main taps for which no time makes that tap the largest are left out.
    """
    moments = _of_pairs(task, _gather(task))
    covariance = task.total_covariance((task.ideal_noise_mw / 10 ** (_GUESS_DB / 10)) ** 2)
    normal = toeplitz(moments.auto.T) + covariance
    found = [_best(task, moments, normal, main_tap) for main_tap in task.receiver.main_taps]
    return sorted((start for start in found if start is not None), key=lambda start: start.cost)


def _best(task: Task, moments: _Moments, normal: FloatArray, main_tap: int) -> Start | None:
    taps, costs = _solve(moments, normal, main_tap)
    allowed = np.argmax(np.abs(taps), axis=1) == main_tap
    if not allowed.any():
        return None
    best = int(np.argmin(np.where(allowed, costs, np.inf)))
    step = float(moments.times_ui[1] - moments.times_ui[0])
    time_ui = float(moments.times_ui[best]) + step * _lowest(costs, best)
    return Start(
        _with_main_at_least(taps[best], main_tap, task.receiver), main_tap, time_ui, float(costs[best])
    )


def _gather(task: Task) -> _Moments:
    """Gather the moments at every sample of a symbol, and half the histograms' distance beyond."""
    signal, taps = task.locked.signal, task.receiver.taps
    per_symbol = signal.samples_per_symbol
    apart = _apart(task)
    first = int(np.ceil((task.locked.centre_ui - 0.5) * per_symbol)) - apart
    width = per_symbol + 2 * apart
    wanted = task.outer.oma_mw / 3.0 * (task.locked.symbols - task.locked.symbols.mean())
    auto, cross, total = np.zeros((taps, width)), np.zeros((2 * taps - 1, width)), 0
    for start, count in task.parts(_POPULATION):
        values = _sampled(task, start, count + taps - 1, first, width)
        now = values[:count]
        auto += [np.einsum("ik,ik->k", now, values[lag : lag + count]) for lag in range(taps)]
        places = start + np.arange(count)
        shifted = [wanted[(places - lag) % wanted.size] for lag in range(1 - taps, taps)]
        cross += np.array(shifted, dtype=np.float32) @ now
        total += count
    times = (first + np.arange(width)) / per_symbol - task.locked.centre_ui
    return _Moments(times, auto / total, cross / total)


def _sampled(task: Task, start: int, count: int, first: int, width: int) -> NDArray[np.float32]:
    """Get rows of samples as they are, each from sample `first` of a symbol on, `width` long."""
    signal = task.locked.signal
    per_symbol = signal.samples_per_symbol
    flat = signal.block(start - 2, count + 4).reshape(-1)[2 * per_symbol + first :]
    return np.lib.stride_tricks.as_strided(
        flat, (count, width), (per_symbol * flat.itemsize, flat.itemsize), writeable=False
    )


def _apart(task: Task) -> int:
    per_symbol = task.locked.signal.samples_per_symbol
    return 0 if per_symbol < _COARSE else round(task.half_spacing_ui * per_symbol)


def _of_pairs(task: Task, single: _Moments) -> _Moments:
    """Average the moments of the two histograms of each pair."""
    apart = _apart(task)
    if not apart:
        return single
    left, right = slice(None, -2 * apart), slice(2 * apart, None)
    return _Moments(
        single.times_ui[apart:-apart],
        0.5 * (single.auto[:, left] + single.auto[:, right]),
        0.5 * (single.cross[:, left] + single.cross[:, right]),
    )


def _solve(moments: _Moments, normal: FloatArray, main_tap: int) -> tuple[FloatArray, FloatArray]:
    """Solve at each time for the taps, summing to 1, of least mean square error and noise, with its cost.

    The cost leaves out the power of the wanted values, the same for all.
    """
    size = moments.auto.shape[0]
    wanted = moments.cross[size - 1 + main_tap - np.arange(size)].T
    both = np.linalg.solve(normal, np.stack([wanted, np.ones_like(wanted)], axis=2))
    free, pull = both[:, :, 0], both[:, :, 1]
    taps = free + pull * ((1.0 - free.sum(axis=1)) / pull.sum(axis=1))[:, None]
    costs = np.einsum("ti,tij,tj->t", taps, normal, taps) - 2.0 * np.einsum("ti,ti->t", wanted, taps)
    return taps, costs


def _lowest(costs: FloatArray, best: int) -> float:
    """Find the bottom of the parabola through the least cost and its neighbours, in steps from it."""
    if not 0 < best < costs.size - 1:
        return 0.0
    left, least, right = costs[best - 1 : best + 2]
    bend = left - 2.0 * least + right
    return float(np.clip(0.5 * (left - right) / bend, -1.0, 1.0)) if bend > 0 else 0.0


def _with_main_at_least(taps: FloatArray, main_tap: int, receiver: ReferenceReceiver) -> FloatArray:
    if receiver.main_tap_min is None or taps[main_tap] >= receiver.main_tap_min:
        return taps
    others = np.delete(taps, main_tap)
    raised: FloatArray = taps * ((1.0 - receiver.main_tap_min) / float(others.sum()))
    raised[main_tap] = receiver.main_tap_min
    return raised
