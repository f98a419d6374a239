"""The standard error of a TDECQ from the noise that is left in its record."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from measurements.equalizer import noise_correlation_at
from measurements.tdecq.task import Setting, Task
from measurements.tdecq.windows import Windows
from measurements.units import FloatArray

_ENOUGH = 8192
_LAGS = 2
"""Symbols over which noise behind the receiver or the interpolation still hangs together."""


def standard_error_db(
    task: Task, setting: Setting, windows: Windows, at_slicer_mw: float, *, sigma_mw: float
) -> float:
    """Propagate the record's noise to first order.

    Every sample acts through all taps on both histograms, and noise hangs together over the
    interpolation or the receiver; OMAouter hangs on two unit intervals of each settled run. Taps
    and time are held: at the best setting they matter only to second order.
    """
    noise = task.noise
    if noise.white + noise.coloured <= 0:
        return 0.0
    influence, by_noise = _influence(setting, windows, at_slicer_mw)
    variance = _propagated(task, influence) / by_noise**2  # of the noise borne at the slicer
    # The noise at the input shrinks to sigma by what is absent: its relative error grows accordingly.
    enhancement = task.enhancement(setting.taps)
    relative_sigma = float(np.sqrt(variance)) * at_slicer_mw / (enhancement * sigma_mw) ** 2
    return float(10.0 / np.log(10.0) * np.hypot(relative_sigma, _relative_oma_error(task)))


def _relative_oma_error(task: Task) -> float:
    """Count the independent noise values in two unit intervals of each run."""
    outer, noise = task.outer, task.noise
    # White noise has one in each sample; that behind the receiver hangs together for about a symbol.
    per_run = noise.white / (2.0 * task.locked.signal.recorded_per_symbol) + noise.coloured / 2.0
    variance = per_run * (1.0 / outer.runs_of_threes + 1.0 / outer.runs_of_zeros)
    return float(np.sqrt(variance)) / outer.oma_mw


def _influence(setting: Setting, windows: Windows, at_slicer_mw: float) -> tuple[NDArray[np.float32], float]:
    """Compute how values at both instants act on the mean error ratio, and how noise at the slicer does.

    The beginning of the pattern stands for all of it.
    """
    size = windows.values.shape[2]
    centres = windows.values[:, 0, :_ENOUGH]
    by_value = np.zeros_like(centres)
    by_noise = 0.0
    for threshold in setting.thresholds_mw:
        distance = (centres - np.float32(threshold)) * np.float32(1.0 / at_slicer_mw)
        density = np.exp(np.float32(-0.5) * distance * distance)
        by_noise += float(np.sum(np.abs(distance) * density, dtype=np.float64))
        by_value -= np.copysign(density, distance)
    # Both by the constant 1 / (sqrt(2 pi) noise), which cancels; half of each side's mean.
    through = np.zeros_like(by_value)
    for i, tap in enumerate(setting.taps.astype(np.float32)):
        through += tap * np.roll(by_value, setting.main_tap - i, axis=1)
    stands_for = size / centres.shape[1]
    # Squares of the influence are summed: sums of a part count as many times as it stands for.
    return through * np.float32(np.sqrt(stands_for) / (2 * size)), by_noise * stands_for / (2 * size)


def _propagated(task: Task, influence: NDArray[np.float32]) -> float:
    """Sum the influence of all values with the covariance of their noise."""
    spacing = 2.0 * task.half_spacing_ui
    lags = np.arange(-_LAGS, _LAGS + 1)
    apart = np.abs(lags[:, None, None] + spacing * np.array([[0.0, 1.0], [-1.0, 0.0]]))
    products = np.array([influence @ np.roll(influence, -lag, axis=1).T for lag in lags], dtype=np.float64)
    return max(0.0, float(np.sum(products * _covariance(task, apart))))


def _covariance(task: Task, lags_ui: FloatArray) -> FloatArray:
    white = task.noise.white * task.locked.signal.kept_covariance(lags_ui)
    receivers = noise_correlation_at(lags_ui, bandwidth=task.receiver.bandwidth)
    return np.asarray(white + task.noise.coloured * receivers, dtype=np.float64)
