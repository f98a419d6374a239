"""The few values of a waveform that decide its error ratio: drawn once, equalised again and again.

A symbol counts in the error ratio by the tail of the noise beyond a threshold. Pairs of symbol and
threshold are drawn in proportion to that tail at the start, so some thousands of them stand for
all with an error that vanishes there and stays small around it. What is found with them is judged
on every symbol afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from measurements.equalizer import equalise
from measurements.slicer import histogram, symbol_error_ratio
from measurements.tdecq.task import Setting, Stretches, Task
from measurements.units import FloatArray

_NODES = 5
SLIDE_UI = 0.07
"""How far the decision time may move from where the pairs were drawn."""

_EVERYWHERE = 0.1
"""Share of pairs that is drawn without regard to their tail, for those that only come to matter."""


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """One histogram's pairs: samples around the symbol at the nodes, the threshold, and the weight.

    `samples` is (nodes, taps * pairs): at each node the sample that each tap multiplies, for all
    pairs. `thresholds_moved` is (3, pairs): -1 where the threshold is that of the pair.
    """

    samples: NDArray[np.float32]
    threshold: NDArray[np.intp]
    thresholds_moved: NDArray[np.float32]
    weight: FloatArray
    offset_ui: float


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """An error ratio with its first and second derivatives by the taps, the three thresholds and time."""

    ratio: float
    gradient: FloatArray
    hessian: FloatArray


class Tails:
    """The pairs of both histograms around one setting."""

    def __init__(
        self, task: Task, setting: Setting, noise_mw: float, *, stretches: Stretches, drawn: int
    ) -> None:
        self.start_ui = setting.time_ui
        self._task = task
        self._reach_ui = task.half_spacing_ui + SLIDE_UI
        nodes = np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)
        self._polynomials = _polynomials(nodes)
        times = setting.time_ui + self._reach_ui * nodes
        rows = task.rows(times, stretches)
        places = _places(stretches, 2 * (setting.taps.size - 1))
        self._sides = [
            self._drawn(rows, places, setting, offset, noise_mw, drawn)
            for offset in (-task.half_spacing_ui, task.half_spacing_ui)
        ]

    def _drawn(
        self,
        rows: NDArray[np.float32],
        places: NDArray[np.intp],
        setting: Setting,
        offset_ui: float,
        noise_mw: float,
        count: int,
    ) -> _Side:
        """Draw pairs at even distances along the sum of their tails."""
        at_side = self._between(offset_ui)[0]
        size = setting.taps.size
        # The rows of all stretches are one; what is equalised across a seam stands at no place.
        values = equalise(at_side.astype(np.float32) @ rows, setting.taps, setting.main_tap)
        values = values if len(places) == values.size else values[places]
        tails = self._tails(values, setting.thresholds_mw, noise_mw)
        climb = np.cumsum(tails, dtype=np.float64)
        drawn = np.searchsorted(climb, (np.arange(count) + 0.5) / count * climb[-1])
        weight = climb[-1] / (count * tails[drawn].astype(np.float64) * values.size)
        threshold, symbol = np.divmod(drawn, values.size)
        around = size - 1 + setting.main_tap - np.arange(size)[:, None] + places[symbol]
        moved = -(np.arange(3)[:, None] == threshold).astype(np.float32)
        return _Side(np.take(rows, around.reshape(-1), axis=1), threshold, moved, weight, offset_ui)

    def _tails(
        self, values: NDArray[np.float32], thresholds_mw: FloatArray, noise_mw: float
    ) -> NDArray[np.float32]:
        """Judge how much each pair of threshold and symbol counts, thresholds first; sums to about 1."""
        distance = np.abs(values - thresholds_mw.astype(np.float32)[:, None]).reshape(-1)
        distance *= np.float32(1.0 / noise_mw)
        squared = np.square(distance)
        # Q(x) = exp(-x^2 / 2) / (x + sqrt(x^2 + 2)) / sqrt(pi / 2), to a few per cent.
        distance += np.sqrt(squared + np.float32(2.0))
        squared *= np.float32(-0.5)
        tails: NDArray[np.float32] = np.exp(squared, out=squared)
        tails /= distance
        tails *= np.float32((1.0 - _EVERYWHERE) / max(float(tails.sum(dtype=np.float64)), 1e-30))
        tails += np.float32(_EVERYWHERE / tails.size)
        return tails

    def calibrated(self, setting: Setting, noise_mw: float) -> Tails:
        """Weigh the pairs of each side anew, so that all of the pattern gives the same error ratio here.

        Drawing leaves each side's ratio some per mille off, which would put the two out of balance.
        """
        from scipy.special import ndtr

        task = self._task
        times = setting.time_ui + np.array([side.offset_ui for side in self._sides])
        values = equalise(task.rows(times, task.whole), setting.taps, setting.main_tap)
        sides = []
        for side, row in zip(self._sides, values, strict=True):
            exact = symbol_error_ratio(histogram(row), setting.thresholds_mw, noise_mw)
            drawn = float(side.weight @ ndtr(-np.abs(self._beyond(side, setting)) / noise_mw))
            sides.append(replace(side, weight=side.weight * (exact / drawn)))
        other = copy(self)
        other._sides = sides
        return other

    def curves(
        self, taps: FloatArray, thresholds: FloatArray, time_ui: float, covariance: FloatArray
    ) -> list[Curve]:
        """Compute the error ratio of each histogram, and how it changes, for noise of a covariance."""
        return [self._curve(side, taps, thresholds, time_ui, covariance) for side in self._sides]

    def ratio_at(self, setting: Setting) -> Callable[[float], float]:
        """Get the larger error ratio of a setting as a function of the Gaussian noise at the slicer, rms."""
        from scipy.special import ndtr

        distances = [np.abs(self._beyond(side, setting)) for side in self._sides]

        def ratio(noise_mw: float) -> float:
            tails = (ndtr(distance * (-1.0 / noise_mw)) for distance in distances)
            return max(float(side.weight @ tail) for side, tail in zip(self._sides, tails, strict=True))

        return ratio

    def _beyond(self, side: _Side, setting: Setting) -> FloatArray:
        """Get how far each equalised value stands above the threshold of its pair."""
        place = self._between(setting.time_ui - self.start_ui + side.offset_ui)[0].astype(np.float32)
        values = setting.taps @ (place @ side.samples).reshape(setting.taps.size, -1)
        return np.asarray(values - setting.thresholds_mw[side.threshold], dtype=np.float64)

    def _between(self, offset_ui: float) -> FloatArray:
        """Compute what the nodes weigh at a time, in the slope there and in the bend: (3, nodes)."""
        place, power = offset_ui / self._reach_ui, np.arange(_NODES)
        rising = place**power
        slope = np.concatenate([[0.0], power[1:] * rising[:-1]]) / self._reach_ui
        bend = np.concatenate([[0.0], power[1:] * slope[:-1]]) / self._reach_ui
        return np.array([rising, slope, bend]) @ self._polynomials

    def _curve(
        self,
        side: _Side,
        taps: FloatArray,
        thresholds: FloatArray,
        time_ui: float,
        covariance: FloatArray,
    ) -> Curve:
        """Differentiate the sum of w Q(|u| / N), u = value - threshold, N the noise at the slicer."""
        from scipy.special import ndtr

        size = taps.size
        weights = self._between(time_ui - self.start_ui + side.offset_ui).astype(np.float32)
        samples, slope, bend = (weights @ side.samples).reshape(3, size, -1)
        by_time = taps.astype(np.float32) @ slope
        values = taps.astype(np.float32) @ samples
        noise = float(np.sqrt(taps @ covariance @ taps))
        beyond = (values - thresholds.astype(np.float32)[side.threshold]) / np.float32(noise)
        distance = np.abs(beyond)
        density = (side.weight * np.exp(-0.5 * np.square(distance)) / np.sqrt(2.0 * np.pi)).astype(np.float32)
        signed = np.copysign(density, beyond) / np.float32(noise)
        columns = np.concatenate([samples, side.thresholds_moved, by_time[None]])
        first = columns @ signed
        cross = (columns * (density * distance / np.float32(noise**2))) @ columns.T
        # What a change of the taps does to the noise, in parts of it: beta; it acts on every distance alike.
        beta = np.concatenate([covariance @ taps / noise**2, np.zeros(4)])
        pulled = columns @ (signed * np.square(distance)) - first
        moments = [float(density @ distance**k) for k in (1, 3)]
        hessian = cross - np.outer(pulled, beta) - np.outer(beta, pulled)
        hessian += (moments[1] - 3.0 * moments[0]) * np.outer(beta, beta)
        hessian[:size, :size] += moments[0] * covariance / noise**2
        hessian[:size, -1] -= slope @ signed
        hessian[-1, :size] -= slope @ signed
        hessian[-1, -1] -= taps @ (bend @ signed)
        ratio = float(side.weight @ ndtr(-distance))
        return Curve(ratio, moments[0] * beta - first, hessian)


def _places(stretches: Stretches, prolonged: int) -> NDArray[np.intp]:
    """Get where the symbols of stretches stand in equalised rows that join them, each prolonged."""
    counts = [count for _, count in stretches]
    begins = np.cumsum([0, *(count + prolonged for count in counts[:-1])])
    return np.concatenate([begin + np.arange(count) for begin, count in zip(begins, counts, strict=True)])


def _polynomials(nodes: FloatArray) -> FloatArray:
    """Compute the coefficients, by rising power, of polynomials that are 1 at one node and 0 at the rest."""
    return np.asarray(np.linalg.inv(np.vander(nodes, increasing=True)), dtype=np.float64)
