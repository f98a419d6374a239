"""Search of the equaliser, decision time and thresholds that bear the most noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from measurements.capture import LockedSignal
from measurements.equalizer import (
    Moments,
    Samples,
    equalise,
    mmse_taps,
    moments,
    noise_correlation,
    shifted,
    toeplitz,
    wrapped,
)
from measurements.levels import OuterLevels
from measurements.reference_receivers import ReferenceReceiver
from measurements.slicer import Histogram, bearable_noise, histogram, pam4_margin
from measurements.units import FloatArray

_SCAN_STEP_UI = 0.1
_SLIDE_UI = 0.07
"""How far the polish may move the decision time from where the coarse scan found it."""
_NODES = 7
_TABLE = 4096
_SHARPNESS = 8.0
"""Exponent of the mean that stands for the larger of two error ratios, so that it has a slope."""
_ROUNDS = 2
_STEPS = 12
_STARTS = 2
_SHARED_UI = 0.03
"""Starts so near in time share one neighbourhood."""
_START_TDECQ_DB = 1.5
_UNIT = 0.05
"""One optimiser step in taps, in UI and in thresholds per 0.1 OMA is about one noise rms."""


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """One choice of the reference receiver's freedom, and the noise that it bears at its input.

    `time_ui` is the middle of the histogram pair against the centre of the symbols in the record.
    """

    taps: FloatArray
    main_tap: int
    time_ui: float
    thresholds_mw: FloatArray
    noise_mw: float


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What the search works on. `covariance` is the normalised one of noise at the taps."""

    locked: LockedSignal
    outer: OuterLevels
    receiver: ReferenceReceiver
    covariance: FloatArray

    @classmethod
    def of(cls, locked: LockedSignal, outer: OuterLevels, receiver: ReferenceReceiver) -> Task:
        """Prepare a search."""
        correlation = noise_correlation(receiver.taps, bandwidth=receiver.bandwidth)
        return cls(locked, outer, receiver, toeplitz(correlation))

    @property
    def thresholds_mw(self) -> FloatArray:
        """Get the thresholds before any adjustment: the average, and a third of OMAouter beside it."""
        return self.outer.average_mw + self.outer.oma_mw * np.array([-1.0, 0.0, 1.0]) / 3.0

    @property
    def half_spacing_ui(self) -> float:
        """Get half the time between the two histograms."""
        return 0.5 * (self.receiver.window_right_ui - self.receiver.window_left_ui)

    def enhancement(self, taps: FloatArray) -> float:
        """Get Ceq of the taps."""
        return float(np.sqrt(taps @ self.covariance @ taps))


class Neighbourhood:
    """The waveform around one decision time, interpolated between a few exact phases."""

    def __init__(self, task: Task, time_ui: float) -> None:
        reach = task.half_spacing_ui + 0.5 * task.receiver.window_width_ui + _SLIDE_UI
        self.start_ui = time_ui
        self._nodes_ui = time_ui + reach * np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)
        signal, centre_ui = task.locked.signal, task.locked.centre_ui
        # Single precision is a thousandth of what the histograms' bins resolve, at twice the speed.
        self._rows = np.stack([signal.at_in_single(centre_ui + t) for t in self._nodes_ui.tolist()])

    def at(self, time_ui: float) -> Samples:
        """Get one sample a symbol at a time near the centre."""
        return self._weights(time_ui)[0].astype(np.float32) @ self._rows

    def at_with_slope(self, time_ui: float) -> tuple[Samples, Samples]:
        """Get one sample a symbol at a time near the centre, and its slope in time."""
        value, slope = self._weights(time_ui)
        return value.astype(np.float32) @ self._rows, slope.astype(np.float32) @ self._rows

    def windows(
        self, task: Task, taps: FloatArray, main_tap: int, time_ui: float
    ) -> tuple[Histogram, Histogram]:
        """Build the left and right histograms: each window integrated by 3-point Gauss quadrature."""
        offsets = 0.5 * task.receiver.window_width_ui * np.sqrt(0.6) * np.array([-1.0, 0.0, 1.0])
        weights = np.array([5.0, 8.0, 5.0]) / 18.0
        sides = []
        for side in (-task.half_spacing_ui, task.half_spacing_ui):
            rows = np.stack([self.at(time_ui + side + offset) for offset in offsets])
            sides.append(histogram(equalise(rows, taps, main_tap), weights))
        return sides[0], sides[1]

    def _weights(self, time_ui: float) -> tuple[FloatArray, FloatArray]:
        """Compute the Lagrange polynomials of the nodes and their slopes at a time."""
        value, slope = np.ones(_NODES), np.zeros(_NODES)
        for j in range(_NODES):
            for k in range(_NODES):
                if k != j:
                    span = self._nodes_ui[j] - self._nodes_ui[k]
                    slope[j] = (slope[j] * (time_ui - self._nodes_ui[k]) + value[j]) / span
                    value[j] *= (time_ui - self._nodes_ui[k]) / span
        return value, slope


def search(task: Task) -> tuple[Setting, Neighbourhood] | None:
    """Find the setting that bears the most noise over main taps, time, taps and thresholds.

    None when no eye opens anywhere.
    """
    starts: list[tuple[Setting, Neighbourhood]] = []
    for taps, main_tap, time_ui in _scan(task):
        known = [near for _, near in starts if abs(near.start_ui - time_ui) < _SHARED_UI]
        near = known[0] if known else Neighbourhood(task, time_ui)
        setting = _judged(task, near, taps, main_tap, time_ui, task.thresholds_mw)
        if setting is not None:
            starts.append((setting, near))
    if not starts:
        return None
    polished = [(_polish(task, *start), start[1]) for start in starts]
    return max(polished, key=lambda found: found[0].noise_mw)


def _scan(task: Task) -> list[tuple[FloatArray, int, float]]:
    """Scan the decision time over one symbol by MMSE; give the best main taps with taps and time."""
    gathered, times_ui = _scan_moments(task)
    noise = task.outer.oma_mw / (6.0 * pam4_margin(task.receiver.target_ser)) / 10 ** (_START_TDECQ_DB / 10)
    starts = []
    for main_tap in task.receiver.main_taps:
        solved = [mmse_taps(pair, main_tap, noise**2 * task.covariance) for pair in gathered]
        costs = np.array([cost for _, cost in solved])
        best = int(np.argmin(costs))
        taps = solved[best][0]
        if int(np.argmax(np.abs(taps))) == main_tap:
            time_ui = times_ui[best] + (times_ui[1] - times_ui[0]) * _lowest(costs, best)
            taps = _with_main_at_least(taps, main_tap, task.receiver)
            starts.append((float(costs[best]), taps, main_tap, time_ui))
    starts.sort(key=lambda start: start[0])
    return [start[1:] for start in starts[:_STARTS]]


def _scan_moments(task: Task) -> tuple[list[Moments], list[float]]:
    """Gather the moments of each histogram pair over one symbol; neighbouring pairs share a phase."""
    spacing = 2.0 * task.half_spacing_ui
    pairs = max(1, round(1.0 / (spacing if spacing > 0 else _SCAN_STEP_UI)))
    step = 1.0 / pairs
    wanted = task.outer.oma_mw * (task.locked.symbols.astype(np.float64) - 1.5) / 3.0
    wanted -= wanted.mean()
    times_ui = [-0.5 + step * k for k in range(pairs + 1)]
    single = [
        moments(task.locked.signal.at(task.locked.centre_ui + t), wanted, task.receiver.taps)
        for t in times_ui
    ]
    both = [(left + right).halved() for left, right in pairwise(single)]
    return both, [t + 0.5 * step for t in times_ui[:-1]]


def _lowest(costs: FloatArray, best: int) -> float:
    """Find the bottom of the parabola through the least cost and its neighbours, in steps from it."""
    if not 0 < best < costs.size - 1:
        return 0.0
    left, least, right = costs[best - 1 : best + 2]
    bend = left - 2.0 * least + right
    return float(0.5 * (left - right) / bend) if bend > 0 else 0.0


def _with_main_at_least(taps: FloatArray, main_tap: int, receiver: ReferenceReceiver) -> FloatArray:
    if receiver.main_tap_min is None or taps[main_tap] >= receiver.main_tap_min:
        return taps
    others = np.delete(taps, main_tap)
    raised: FloatArray = taps * ((1.0 - receiver.main_tap_min) / float(others.sum()))
    raised[main_tap] = receiver.main_tap_min
    return raised


def _judged(
    task: Task,
    near: Neighbourhood,
    taps: FloatArray,
    main_tap: int,
    time_ui: float,
    thresholds_mw: FloatArray,
    *,
    guess_mw: float | None = None,
) -> Setting | None:
    """Find the noise that a setting bears, with histograms of no width. None when the eye is closed."""
    sides = (-task.half_spacing_ui, task.half_spacing_ui)
    bare = tuple(histogram(equalise(near.at(time_ui + side), taps, main_tap)) for side in sides)
    enhancement = task.enhancement(taps)
    guess = None if guess_mw is None else guess_mw * enhancement
    noise = bearable_noise(bare, thresholds_mw, task.receiver.target_ser, guess=guess)
    return None if noise is None else Setting(taps, main_tap, time_ui, thresholds_mw, noise / enhancement)


def _polish(task: Task, start: Setting, near: Neighbourhood) -> Setting:
    """Lower the error ratio at fixed noise, raise the noise to the target again, a few rounds."""
    from scipy.optimize import minimize

    setting = start
    variables = _Variables(task, start.main_tap, near.start_ui)
    for _ in range(_ROUNDS):
        found = minimize(
            _objective(task, near, variables, setting.noise_mw),
            variables.pack(setting),
            jac=True,
            method="SLSQP",
            bounds=variables.bounds,
            options={"maxiter": _STEPS, "ftol": 1e-4},
        )
        taps, thresholds, time_ui = variables.unpack(found.x)
        if int(np.argmax(np.abs(taps))) != setting.main_tap:
            break  # it has wandered to another main tap, which has a start of its own
        better = _judged(task, near, taps, start.main_tap, time_ui, thresholds, guess_mw=setting.noise_mw)
        if better is None or better.noise_mw <= setting.noise_mw:
            break
        gain, setting = better.noise_mw / setting.noise_mw, better
        if gain < 1.0005:  # 0.002 dB
            break
    return setting


class _Variables:
    """The free figures of a search as one vector of like scale.

    All taps but one are free; the last one makes the sum 1, and is never the main tap, whose
    least value is then a plain bound.
    """

    def __init__(self, task: Task, main_tap: int, time_ui: float) -> None:
        size = task.receiver.taps
        self._task, self._start_ui, self._size = task, time_ui, size
        self.main_tap = main_tap
        self.dependent = (main_tap + 1) % size
        self.free = [i for i in range(size) if i != self.dependent]
        least = task.receiver.main_tap_min
        allowance = task.receiver.threshold_allowance
        self.bounds: list[tuple[float | None, float | None]] = [
            (least / _UNIT if i == main_tap and least is not None else None, None) for i in self.free
        ]
        self.bounds += [(-10.0 * allowance / _UNIT, 10.0 * allowance / _UNIT)] * 3
        self.bounds += [(-_SLIDE_UI / _UNIT, _SLIDE_UI / _UNIT)]

    def pack(self, setting: Setting) -> FloatArray:
        offsets = 10.0 * (setting.thresholds_mw - self._task.thresholds_mw) / self._task.outer.oma_mw
        time = [setting.time_ui - self._start_ui]
        return np.concatenate([setting.taps[self.free], offsets, time]) / _UNIT

    def unpack(self, vector: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        scaled = vector * _UNIT
        taps = np.zeros(self._size)
        taps[self.free] = scaled[:-4]
        taps[self.dependent] = 1.0 - taps.sum()
        thresholds = self._task.thresholds_mw + 0.1 * self._task.outer.oma_mw * scaled[-4:-1]
        return taps, thresholds, self._start_ui + float(scaled[-1])

    def gradient(self, taps: FloatArray, thresholds: FloatArray, time: float) -> FloatArray:
        """Turn derivatives by taps, thresholds and time into those by the vector."""
        free = taps[self.free] - taps[self.dependent]
        return _UNIT * np.concatenate([free, 0.1 * self._task.outer.oma_mw * thresholds, [time]])


def _objective(
    task: Task, near: Neighbourhood, variables: _Variables, noise_mw: float
) -> Callable[[FloatArray], tuple[float, FloatArray]]:
    """Build the logarithm of the larger error ratio at fixed input noise, with its gradient."""
    main_tap = variables.main_tap

    def objective(vector: FloatArray) -> tuple[float, FloatArray]:
        taps, thresholds, time_ui = variables.unpack(vector)
        sides = [
            _error_ratio(task, near, taps, main_tap, time_ui + side, thresholds, noise_mw)
            for side in (-task.half_spacing_ui, task.half_spacing_ui)
        ]
        ratios = np.array([max(ratio, 1e-300) for ratio, _ in sides])
        peak = ratios.max()
        powers = (ratios / peak) ** _SHARPNESS
        shares = powers / powers.sum() / ratios
        gradient = sum(share * slope for share, (_, slope) in zip(shares, sides, strict=True))
        value = float(np.log(peak) + np.log(powers.mean()) / _SHARPNESS)
        return value, variables.gradient(gradient[: taps.size], gradient[-4:-1], float(gradient[-1]))

    return objective


def _error_ratio(
    task: Task,
    near: Neighbourhood,
    taps: FloatArray,
    main_tap: int,
    time_ui: float,
    thresholds: FloatArray,
    noise_mw: float,
) -> tuple[float, FloatArray]:
    """Compute the blind error ratio at one instant, and its slopes by taps, thresholds and time."""
    from scipy.special import erfc

    size = taps.size
    values, steepness = near.at_with_slope(time_ui)
    equalised = equalise(values, taps, main_tap)
    low, high = float(equalised.min()), float(equalised.max())
    step = (high - low) / (_TABLE - 2)
    places = (equalised - np.float32(low)) * np.float32(1.0 / step)
    bins = places.astype(np.int32)
    places -= bins

    enhancement = task.enhancement(taps)
    noise = noise_mw * enhancement
    distance = (low + step * np.arange(_TABLE) - thresholds[:, None]) / noise
    tails = 0.5 * erfc(np.abs(distance) / np.sqrt(2.0)).sum(axis=0)
    density = np.exp(-0.5 * distance**2) / (np.sqrt(2.0 * np.pi) * noise)
    # Between places the table is taken as straight, and the slope as that of the straight line:
    # the line search needs a slope that belongs to the value.
    slopes = np.diff(tails, append=tails[-1])
    rises = slopes.astype(np.float32)[bins]
    shares = np.bincount(bins, minlength=_TABLE) / bins.size
    ratio = float(tails @ shares) + float(places @ rises) / bins.size
    by_noise = float((np.abs(distance) * density).sum(axis=0) @ shares)
    by_thresholds = (np.sign(distance) * density) @ shares

    # Shifting the factors instead of the waveform spares equalising its slope.
    spread = wrapped(rises, size) if size > 1 else rises
    factors = [shifted(spread, size, i - main_tap) for i in range(size)]
    by_taps = np.array([factor @ values for factor in factors]) / (step * bins.size)
    by_taps += by_noise * noise_mw * (task.covariance @ taps) / enhancement
    by_time = float(taps @ np.array([factor @ steepness for factor in factors])) / (step * bins.size)
    return ratio, np.concatenate([by_taps, by_thresholds, [by_time]])
