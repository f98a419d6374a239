"""The two histogram windows of a setting, every symbol of the pattern in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.equalizer import equalise
from measurements.slicer import Histogram, histogram
from measurements.tdecq.task import Setting, Task

# 2-point Gauss quadrature over a window: exact for waveforms up to the third power of time.
_PLACES = np.sqrt(1.0 / 3.0) * np.array([-0.5, 0.5])


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Equalised values, against the average power, in the left and in the right window.

    `values` has the symbols at two instants of each window: (side, instant, symbol).
    """

    histograms: tuple[Histogram, Histogram]
    values: NDArray[np.float32]

    @classmethod
    def of(cls, task: Task, setting: Setting) -> Windows:
        """Equalise the whole pattern in both windows."""
        sides = np.array([-task.half_spacing_ui, task.half_spacing_ui])
        times = setting.time_ui + sides[:, None] + task.receiver.window_width_ui * _PLACES
        rows = task.rows(times.reshape(-1), task.whole)
        values = equalise(rows, setting.taps, setting.main_tap).reshape(2, _PLACES.size, -1)
        left, right = (histogram(side) for side in values)
        return cls((left, right), values)

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
