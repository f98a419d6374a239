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
_IN_BALANCE = 0.015
"""Relative difference of the two error ratios, worth 0.0025 dB, that is left alone."""
_POPULATION = 16384
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
    """Choose between settings, and balance the best, by every symbol of a part of the pattern."""
    return max((_judged(task, setting) for setting in candidates), key=lambda setting: setting.added)


def _judged(task: Task, setting: Setting) -> Setting:
    """Put the noise into a setting that the part bears in the middles of the windows, both in balance."""
    rows = task.rows(setting.time_ui + task.sides_ui, task.parts(_POPULATION))
    # The rows of all stretches are one: a seam is a few values of thousands, the same for all settings.
    sides = Histogram.of_rows(equalise(rows, setting.taps, setting.main_tap))
    mean = replace(sides[0], shares=0.5 * (sides[0].shares + sides[1].shares))
    at_slicer = bearable_noise(
        (mean,), setting.thresholds_mw, task.receiver.target_ser, guess=task.at_slicer_mw(setting)
    )
    if at_slicer is None:
        return setting
    left, right = (symbol_error_ratio(side, setting.thresholds_mw, at_slicer) for side in sides)
    return replace(setting.slid(left, right), added=task.added(setting.taps, at_slicer))


def balanced(task: Task, setting: Setting) -> tuple[Setting, Windows]:
    """Judge a setting on all of the pattern, slid once more where its error ratios are out of balance.

    The two instants of each window tell how its error ratio changes with time.
    """
    windows, noise = Windows.of(task, setting), task.at_slicer_mw(setting)
    if noise < _LEAST * task.ideal_noise_mw:
        return setting, windows
    ratios = np.array([[_ratio(one, setting, noise) for one in side] for side in windows.instants])
    left, right = ratios.mean(axis=1)
    if abs(np.log(left / right)) < _IN_BALANCE:
        return setting, windows
    slopes = np.log(ratios[:, 1] / ratios[:, 0]) / (task.receiver.window_width_ui * np.ptp(_PLACES))
    slid = replace(setting, steeper=float(slopes[1] - slopes[0])).slid(float(left), float(right))
    return slid, Windows.of(task, slid)


def _ratio(counted: Histogram, setting: Setting, noise_mw: float) -> float:
    return max(symbol_error_ratio(counted, setting.thresholds_mw, noise_mw), 1e-300)
