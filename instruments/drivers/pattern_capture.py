"""What can be learnt from a pattern-locked waveform as a scope hands it over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_SETTLED_FRACTION = 0.1


@dataclass(frozen=True, slots=True)
class RawPattern:
    """One period: read-only times, unequal steps included, and powers."""

    time_s: NDArray[np.float64]
    power_mw: NDArray[np.float32]

    @classmethod
    def from_scope(cls, time_s: NDArray[Any], power_w: NDArray[Any]) -> Self:
        """Take over what a scope gave in second and watt."""
        time = time_s.astype(np.float64)
        power = (1e3 * power_w.astype(np.float64)).astype(np.float32)
        time.flags.writeable = False
        power.flags.writeable = False
        return cls(time, power)


def settled_noise_mw(
    averaged: RawPattern, single: RawPattern, averages: int, samples_per_symbol: int
) -> float:
    """Find the rms noise of one acquisition from a single and an averaged one.

    Their difference is free of the waveform. It is taken where the averaged waveform is flattest
    over one symbol (a tenth of all samples, on all levels), because timing jitter turns slope
    into noise elsewhere. The averaged waveform keeps 1/averages of the noise power.
    """
    power = averaged.power_mw.astype(np.float64)
    half = max(1, samples_per_symbol // 2)
    slope = np.abs(np.roll(power, -half) - np.roll(power, half))
    flattest = np.argpartition(slope, max(1, int(_SETTLED_FRACTION * slope.size)))
    settled = flattest[: max(2, int(_SETTLED_FRACTION * slope.size))]
    # Sample by sample: interpolation between neighbours, whose noise is independent, would lose noise.
    difference = single.power_mw[settled].astype(np.float64) - power[settled]
    return float(np.sqrt(np.mean(difference**2) / (1.0 + 1.0 / averages)))
