"""The two histogram windows of a setting, every symbol of the pattern in them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from measurements.equalizer import equalise
from measurements.slicer import Histogram, bearable_noise, symbol_error_ratio
from measurements.tdecq.task import Setting, Task

# 2-point Gauss quadrature over a window: exact for waveforms up to the third power of time.
_PLACES = np.sqrt(1.0 / 3.0) * np.array([-0.5, 0.5])
_IN_BALANCE = 0.01
"""Relative difference of the two error ratios, worth 0.002 dB, that is left alone."""
_FARTHEST_UI = 0.01
_LEAST = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Equalised values, against the average power, in the left and in the right window.

    `values` has the symbols at two instants of each window: (side, instant, symbol); `instants`
    are their histograms, `histograms` those of the windows.
    """

    histograms: tuple[Histogram, Histogram]
    instants: tuple[tuple[Histogram, Histogram], tuple[Histogram, Histogram]]
    values: NDArray[np.float32]

    @classmethod
    def of(cls, task: Task, setting: Setting) -> Windows:
        """Equalise the whole pattern in both windows."""
        times = setting.time_ui + task.sides_ui[:, None] + task.receiver.window_width_ui * _PLACES
        rows = task.rows(times.reshape(-1), task.whole)
        values = equalise(rows, setting.taps, setting.main_tap).reshape(2, _PLACES.size, -1)
        left, right = (Histogram.of_rows(side) for side in values)
        means = [replace(early, shares=0.5 * (early.shares + late.shares)) for early, late in (left, right)]
        return cls((means[0], means[1]), ((left[0], left[1]), (right[0], right[1])), values)

    def wrong_decisions(self, task: Task, setting: Setting) -> float:
        """Count how often the equalised waveform falls on the wrong side, against the symbols sent.

        The blind rule cannot see this: it calls a closed eye a quiet one.
        """
        edges = np.concatenate([[-np.inf], setting.thresholds_mw, [np.inf]]).astype(np.float32)
        low, high = edges[task.locked.symbols], edges[task.locked.symbols + 1]
        # The outer instant of each window, where the eye is more closed.
        outer = np.stack([self.values[0, 0], self.values[1, -1]])
        wrong = (outer < low) | (outer > high)
        return float(wrong.mean(axis=1).max())


def best_of(task: Task, candidates: list[Setting]) -> Setting:
    """Choose between settings by half of the pattern, in the middles of the windows."""
    if len(candidates) == 1:
        return candidates[0]
    return max((_judged(task, setting) for setting in candidates), key=lambda setting: setting.added)


def _judged(task: Task, setting: Setting) -> Setting:
    """Put the noise into a setting that half of the pattern bears, the mean of both ratios at the target."""
    stretches = task.parts(task.locked.symbols.size // 2)
    rows = task.rows(setting.time_ui + task.sides_ui, stretches)
    # The rows of all stretches are one: a seam is a few values of thousands, the same for all settings.
    sides = Histogram.of_rows(equalise(rows, setting.taps, setting.main_tap))
    mean = replace(sides[0], shares=0.5 * (sides[0].shares + sides[1].shares))
    at_slicer = bearable_noise(
        (mean,), setting.thresholds_mw, task.receiver.target_ser, guess=task.at_slicer_mw(setting)
    )
    return setting if at_slicer is None else replace(setting, added=task.added(setting.taps, at_slicer))


def balanced(task: Task, setting: Setting) -> tuple[Setting, Windows]:
    """Slide the pair of windows to where both have the same error ratio, as far as that still matters.

    The two instants of each window tell how its error ratio changes with time.
    """
    windows, noise = Windows.of(task, setting), task.at_slicer_mw(setting)
    if noise < _LEAST * task.ideal_noise_mw:
        return setting, windows
    ratios = np.array([[_ratio(one, setting, noise) for one in side] for side in windows.instants])
    slopes = np.log(ratios[:, 1] / ratios[:, 0]) / (task.receiver.window_width_ui * np.ptp(_PLACES))
    apart = float(np.log(ratios[0].sum() / ratios[1].sum()))
    steeper = float(slopes[1] - slopes[0])
    if abs(apart) < _IN_BALANCE or steeper <= abs(apart) / _FARTHEST_UI:
        return setting, windows
    slid = replace(setting, time_ui=setting.time_ui + apart / steeper)
    return slid, Windows.of(task, slid)


def _ratio(counted: Histogram, setting: Setting, noise_mw: float) -> float:
    return max(symbol_error_ratio(counted, setting.thresholds_mw, noise_mw), 1e-300)
