"""The standard error of a TDECQ from the noise that is left in its record."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from measurements.equalizer import equalise, shifted, wrapped
from measurements.periodic import KEPT_RATES
from measurements.tdecq_search import Neighbourhood, Setting, Task
from measurements.units import FloatArray


def standard_error_db(
    task: Task, setting: Setting, near: Neighbourhood, at_slicer_mw: float, *, left_mw: float, sigma_mw: float
) -> float:
    """Propagate the record's noise, independent from symbol to symbol, to first order.

    Both histograms hang on the same samples, so their influences are added before they are
    squared. OMAouter hangs on two unit intervals of each settled run. Taps and time are held.
    """
    if left_mw <= 0:
        return 0.0
    influence = np.zeros(task.locked.symbols.size)
    slope_noise = 0.0
    for side in (-task.half_spacing_ui, task.half_spacing_ui):
        values = equalise(near.at(setting.time_ui + side), setting.taps, setting.main_tap)
        by_value, by_noise = _slopes(values, setting.thresholds_mw, at_slicer_mw)
        influence += 0.5 * by_value / values.size
        slope_noise += 0.5 * by_noise
    per_sample = _through_taps(influence, setting.taps, setting.main_tap)
    error_of_noise = left_mw * float(np.sqrt(np.sum(per_sample**2))) / slope_noise
    # The noise borne shrinks to sigma by what is subtracted: its relative error grows accordingly.
    borne = at_slicer_mw / task.enhancement(setting.taps)
    relative_sigma = error_of_noise / at_slicer_mw * (borne / sigma_mw) ** 2
    settled = 1.0 / task.outer.runs_of_threes + 1.0 / task.outer.runs_of_zeros
    relative_oma = left_mw * float(np.sqrt(settled / _independent(task, left_mw))) / task.outer.oma_mw
    return float(10.0 / np.log(10.0) * np.hypot(relative_sigma, relative_oma))


def _independent(task: Task, left_mw: float) -> float:
    """Count the independent noise values in two unit intervals of the record.

    A sampler's white noise has 2 for each symbol rate kept and unit interval, noise that came
    through the reference receiver about 1.
    """
    signal = task.locked.signal
    white_left = signal.white_noise**2 * (1.0 - signal.white_removed)
    return 2.0 * 2.0 * KEPT_RATES if white_left > 0.5 * left_mw**2 else 2.0


def _slopes(values: NDArray[np.floating], thresholds: FloatArray, noise: float) -> tuple[FloatArray, float]:
    distance = (values[None, :] - thresholds[:, None]) / noise
    density = np.exp(-0.5 * distance**2) / (np.sqrt(2.0 * np.pi) * noise)
    by_value: FloatArray = -(np.sign(distance) * density).sum(axis=0)
    by_noise = float((np.abs(distance) * density).sum() / values.size)
    return by_value, by_noise


def _through_taps(influence: FloatArray, taps: FloatArray, main_tap: int) -> FloatArray:
    """Gather how each input sample acts through all taps that it passes."""
    spread = wrapped(influence, taps.size) if taps.size > 1 else influence
    total = np.zeros_like(influence)
    for i, tap in enumerate(taps):
        total += tap * shifted(spread, taps.size, i - main_tap)
    return total
