"""The standard error of a TDECQ from the noise that is left in its record."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from measurements.equalizer import noise_correlation_at, toeplitz
from measurements.slicer import pam4_margin
from measurements.tdecq.result import NoiseSource
from measurements.tdecq.task import Setting, Task, through
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
    variance *= _of_whole_tail(task, setting, at_slicer_mw)
    # The noise at the input shrinks to sigma by what is absent: its relative error grows accordingly.
    enhancement = task.enhancement(setting.taps)
    relative_sigma = float(np.sqrt(variance)) * at_slicer_mw / (enhancement * sigma_mw) ** 2
    parts = (relative_sigma, _relative_oma_error(task), _relative_floor_error(task, setting, sigma_mw))
    return float(10.0 / np.log(10.0) * np.linalg.norm(parts))


def _of_whole_tail(task: Task, setting: Setting, at_slicer_mw: float) -> float:
    """Get how much less a tail scatters than its slope says, where noise in the record is no small step.

    The mean square of a function's slope bounds its variance from above (Poincare's inequality for
    Gaussian noise); by how much is worked out for the distance of an ideal level.
    """
    from scipy.special import ndtr

    white = task.noise.white * task.locked.signal.kept_covariance(
        np.arange(setting.taps.size, dtype=np.float64)
    )
    in_record = toeplitz(white) + task.noise.coloured * task.covariance
    held = through(setting.taps, in_record) / at_slicer_mw
    if held < 1e-3:
        return 1.0
    places = np.linspace(-6.0, 6.0, 61)  # the trapezoid rule is exact to rounding on a Gaussian
    weights = np.exp(-0.5 * places**2)
    weights /= weights.sum()
    distances = pam4_margin(task.receiver.target_ser) * np.hypot(1.0, held) + held * places
    tails, slopes = ndtr(-distances), np.exp(-0.5 * distances**2) / np.sqrt(2.0 * np.pi)
    variance = float(weights @ tails**2 - (weights @ tails) ** 2)
    return variance / (held**2 * float(weights @ slopes**2))


def _relative_floor_error(task: Task, setting: Setting, sigma_mw: float) -> float:
    """Propagate the error of the white floor, where what is absent from the samples was judged by it."""
    if task.noise.source is not NoiseSource.RECORD:
        return 0.0
    absent = float(setting.taps @ task.total_covariance(0.0) @ setting.taps)
    share = absent / (task.enhancement(setting.taps) * sigma_mw) ** 2
    return 0.5 * abs(share) * task.locked.signal.white_error


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
