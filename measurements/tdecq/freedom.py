"""What a search may move, as one vector between bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from measurements.tdecq.tails import SLIDE_UI
from measurements.tdecq.task import Setting, Task
from measurements.tdecq.valley import Curve
from measurements.units import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Freedom:
    """All taps but one, the thresholds in parts of OMAouter, and the time; the last tap makes the sum 1.

    The last tap is never the main one, whose least value is then a plain bound; its own limits,
    where a clause has them, are kept by the bounds of its neighbours and the sum, not here. `back`
    turns a step of the vector into one of taps, thresholds and time.
    """

    size: int
    dependent: int
    oma_mw: float
    thresholds_mw: FloatArray
    least: FloatArray
    most: FloatArray
    back: FloatArray

    @classmethod
    def of(cls, task: Task, main_tap: int, time_ui: float) -> Freedom:
        """Take the bounds from the reference receiver; time may slide around where the tails were drawn."""
        size = task.receiver.taps
        dependent = (main_tap + 1) % size
        limits = [task.receiver.tap_limits(i - main_tap) for i in range(size) if i != dependent]
        allowance = np.full(3, task.receiver.threshold_allowance)
        low = [-np.inf if low is None else low for low, _ in limits]
        high = [np.inf if high is None else high for _, high in limits]
        back = np.delete(np.eye(size + 4), dependent, axis=1)
        back[dependent, : size - 1] = -1.0
        back[size : size + 3] *= task.outer.oma_mw
        return cls(
            size,
            dependent,
            task.outer.oma_mw,
            task.thresholds_mw,
            np.concatenate([low, -allowance, [time_ui - SLIDE_UI]]),
            np.concatenate([high, allowance, [time_ui + SLIDE_UI]]),
            back,
        )

    def pack(self, setting: Setting) -> FloatArray:
        """Turn a setting into the vector."""
        offsets = (setting.thresholds_mw - self.thresholds_mw) / self.oma_mw
        return np.concatenate([np.delete(setting.taps, self.dependent), offsets, [setting.time_ui]])

    def unpack(self, free: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        """Turn the vector into taps, thresholds and time."""
        taps = self.back[: self.size] @ free
        taps[self.dependent] += 1.0
        return taps, self.thresholds_mw + self.oma_mw * free[-4:-1], float(free[-1])

    def reduced(self, curve: Curve) -> Curve:
        """Turn derivatives by taps, thresholds and time into those by the vector."""
        back = self.back
        return Curve(curve.value, curve.gradient @ back, back.T @ curve.hessian @ back)
