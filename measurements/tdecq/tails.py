"""The few values of a waveform that decide its error ratio: drawn once, equalised again and again.

A symbol counts in the error ratio by the tail of the noise beyond a threshold. Pairs of symbol and
threshold are drawn in proportion to that tail at the start, so some thousands of them stand for
all with an error that vanishes there and stays small around it. What is found with them is judged
on every symbol afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.equalizer import equalise
from measurements.periodic import Samples
from measurements.tdecq.task import Setting, Stretches, Task
from measurements.tdecq.valley import Curve
from measurements.units import FloatArray

_NODES = 5
SLIDE_UI = 0.07
"""How far the decision time may move from where the pairs were drawn."""

_EVERYWHERE = 0.1
"""Share of pairs that is drawn without regard to their tail, for those that only come to matter."""


@dataclass(frozen=True, slots=True, eq=False)
class _Time:
    """Interpolation in time around one instant: polynomials that are 1 at one node and 0 at the rest."""

    start_ui: float
    reach_ui: float
    polynomials: FloatArray

    @classmethod
    def around(cls, time_ui: float, reach_ui: float) -> _Time:
        nodes = np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)
        return cls(time_ui, reach_ui, np.linalg.inv(np.vander(nodes, increasing=True)))

    @property
    def nodes_ui(self) -> FloatArray:
        return self.start_ui + self.reach_ui * np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)

    def at(self, times_ui: FloatArray) -> Samples:
        """Compute what the nodes weigh at some times, and in slope and bend there: (times, 3, nodes)."""
        place = ((times_ui - self.start_ui) / self.reach_ui)[:, None]
        power = np.arange(_NODES)
        value = place**power
        slope, bend = np.zeros_like(value), np.zeros_like(value)
        slope[:, 1:] = power[1:] * value[:, :-1] / self.reach_ui
        bend[:, 1:] = power[1:] * slope[:, :-1] / self.reach_ui
        weights = np.stack([value, slope, bend], axis=1) @ self.polynomials
        return np.asarray(weights, dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Tails:
    """The pairs of the left and of the right histogram around one setting; the first axis is the side.

    `samples` is (2, nodes, taps * pairs): at each node the sample that each tap multiplies, for all
    pairs. `threshold` and `weight` are (2, pairs), `moved` is (2, 3, pairs): -1 where the threshold
    is that of the pair.
    """

    task: Task
    time: _Time
    samples: Samples
    threshold: NDArray[np.intp]
    moved: Samples
    weight: FloatArray

    @classmethod
    def around(
        cls, task: Task, setting: Setting, noise_mw: float, *, stretches: Stretches, drawn: int
    ) -> Tails:
        """Draw so many pairs a side from the symbols of some stretches, for an rms noise at the slicer."""
        time = _Time.around(setting.time_ui, task.half_spacing_ui + SLIDE_UI)
        rows = task.rows(time.nodes_ui, stretches)
        places = _places(stretches, 2 * (setting.taps.size - 1))
        size = setting.taps.size
        # The rows of all stretches are one; what is equalised across a seam stands at no place.
        values = time.at(setting.time_ui + task.sides_ui)[:, 0] @ rows
        values = equalise(values, setting.taps, setting.main_tap)[:, places]
        picked = [_drawn(_tails(row, setting.thresholds_mw, noise_mw), row.size, drawn) for row in values]
        threshold, symbol, weight = (np.stack(column) for column in zip(*picked, strict=True))
        around = size - 1 + setting.main_tap - np.arange(size)[:, None] + places[symbol][:, None]
        samples = np.stack([np.take(rows, side.reshape(-1), axis=1) for side in around])
        moved = -(np.arange(3)[:, None] == threshold[:, None]).astype(np.float32)
        return cls(task, time, samples, threshold, moved, weight)

    def ratio_at(self, setting: Setting) -> Callable[[float], float]:
        """Get the mean error ratio of a setting as a function of the Gaussian noise at the slicer, rms."""
        from scipy.special import ndtr

        distances = self._distances(setting)

        def ratio(noise_mw: float) -> float:
            return 0.5 * float(np.vdot(self.weight, ndtr(distances * (-1.0 / noise_mw))))

        return ratio

    def _distances(self, setting: Setting) -> FloatArray:
        """Get how far each equalised value stands from the threshold of its pair."""
        place = self.time.at(setting.time_ui + self.task.sides_ui)[:, :1]
        samples = (place @ self.samples).reshape(2, setting.taps.size, -1)
        values = setting.taps.astype(np.float32) @ samples
        return np.abs(values - setting.thresholds_mw[self.threshold])

    def curves(
        self, taps: FloatArray, thresholds: FloatArray, time_ui: float, covariance: FloatArray
    ) -> list[Curve]:
        """Differentiate the sum of w Q(|u| / N) of each side, for noise of a covariance at the taps.

        u is the value less the threshold, N the noise at the slicer.
        """
        from scipy.special import ndtr

        size, short = taps.size, taps.astype(np.float32)
        weights = self.time.at(time_ui + self.task.sides_ui)
        samples, slope, bend = np.moveaxis((weights @ self.samples).reshape(2, 3, size, -1), 1, 0)
        noise = float(np.sqrt(taps @ covariance @ taps))
        beyond = (short @ samples - thresholds[self.threshold]) / noise
        distance = np.abs(beyond)
        density = self.weight * np.exp(-0.5 * np.square(distance)) / np.sqrt(2.0 * np.pi)
        signed = (np.copysign(density, beyond) / noise).astype(np.float32)
        columns = np.concatenate([samples, self.moved, (short @ slope)[:, None]], axis=1)
        bent = (density * distance / noise**2).astype(np.float32)
        squared = np.stack([signed, signed * np.square(distance).astype(np.float32)], axis=2)
        first, third = np.moveaxis(np.asarray(columns @ squared, dtype=np.float64), 2, 0)
        cross = np.asarray((columns * bent[:, None]) @ columns.transpose(0, 2, 1), dtype=np.float64)
        turned = np.stack([slope @ signed[:, :, None], bend @ signed[:, :, None]])[..., 0]
        ratios = np.einsum("ij,ij->i", self.weight, ndtr(-distance))
        # What a change of the taps does to the noise, in parts of it; it acts on every distance alike.
        beta = np.concatenate([covariance @ taps / noise**2, np.zeros(4)])
        linear = np.einsum("ij,ij->i", density, distance)
        cubic = np.einsum("ij,ij->i", density, distance**3)
        curves = []
        for side in range(2):
            pulled = third[side] - first[side]
            hessian = cross[side] - np.outer(pulled, beta) - np.outer(beta, pulled)
            hessian += (cubic[side] - 3.0 * linear[side]) * np.outer(beta, beta)
            hessian[:size, :size] += linear[side] * covariance / noise**2
            hessian[:size, -1] -= turned[0, side]
            hessian[-1, :size] -= turned[0, side]
            hessian[-1, -1] -= float(taps @ turned[1, side])
            curves.append(Curve(float(ratios[side]), linear[side] * beta - first[side], hessian))
        return curves


def _tails(values: Samples, thresholds_mw: FloatArray, noise_mw: float) -> Samples:
    """Judge how much each pair of threshold and symbol counts, thresholds first; sums to about 1."""
    distance = np.abs(values - thresholds_mw.astype(np.float32)[:, None]).reshape(-1)
    distance *= np.float32(1.0 / noise_mw)
    squared = np.square(distance)
    # Q(x) = exp(-x^2 / 2) / (x + sqrt(x^2 + 2)) / sqrt(pi / 2), to a few per cent.
    distance += np.sqrt(squared + np.float32(2.0))
    squared *= np.float32(-0.5)
    tails: Samples = np.exp(squared, out=squared)
    tails /= distance
    tails *= np.float32((1.0 - _EVERYWHERE) / max(float(tails.sum(dtype=np.float64)), 1e-30))
    tails += np.float32(_EVERYWHERE / tails.size)
    return tails


def _drawn(tails: Samples, symbols: int, count: int) -> tuple[NDArray[np.intp], NDArray[np.intp], FloatArray]:
    """Draw pairs at even distances along the sum of their tails; give threshold, symbol and weight."""
    climb = np.cumsum(tails, dtype=np.float64)
    drawn = np.searchsorted(climb, (np.arange(count) + 0.5) / count * climb[-1])
    weight = climb[-1] / (count * tails[drawn].astype(np.float64) * symbols)
    threshold, symbol = np.divmod(drawn, symbols)
    return threshold, symbol, weight


def _places(stretches: Stretches, prolonged: int) -> NDArray[np.intp]:
    """Get where the symbols of stretches stand in equalised rows that join them, each prolonged."""
    counts = [count for _, count in stretches]
    begins = np.cumsum([0, *(count + prolonged for count in counts[:-1])])
    return np.concatenate([begin + np.arange(count) for begin, count in zip(begins, counts, strict=True)])
