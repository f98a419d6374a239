"""What the search for the best setting of a reference receiver works on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from measurements.capture import LockedSignal
from measurements.equalizer import noise_correlation, toeplitz
from measurements.levels import OuterLevels
from measurements.periodic import Samples
from measurements.reference_receivers import ReferenceReceiver
from measurements.slicer import pam4_margin
from measurements.tdecq.noise import RecordNoise
from measurements.units import FloatArray

Stretches = tuple[tuple[int, int], ...]
"""First symbol and length of stretches of a pattern."""

_FARTHEST_UI = 0.01
_STRETCH = 2048
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """One choice of the reference receiver's freedom.

    `time_ui` is the middle of the histogram pair against the centre of the symbols in the record,
    `thresholds_mw` are against the average power. `added` is the variance of the noise that the
    setting bears at the receiver's input in mW^2, the scope's not yet credited; it may be negative.
    `steeper` is how much faster the logarithm of the right histogram's error ratio rises with time
    than that of the left one, per UI; 0 where that is not known.
    """

    taps: FloatArray
    main_tap: int
    time_ui: float
    thresholds_mw: FloatArray
    added: float
    steeper: float = 0.0

    def slid(self, left: float, right: float) -> Setting:
        """Slide the pair to where both error ratios are equal, to first order and not far."""
        if self.steeper <= 0 or min(left, right) <= 0:
            return self
        way = float(np.clip(np.log(left / right) / self.steeper, -_FARTHEST_UI, _FARTHEST_UI))
        return replace(self, time_ui=self.time_ui + way)


def through(taps: FloatArray, covariance: FloatArray) -> float:
    """Get the rms noise behind an equaliser, of a covariance at its taps; 0 where that is negative."""
    return float(np.sqrt(max(0.0, float(taps @ covariance @ taps))))


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A locked waveform, its outer levels and noise, and the receiver that is to bear more of it.

    `covariance` is the normalised one of the receiver's noise at the taps.
    """

    locked: LockedSignal
    outer: OuterLevels
    receiver: ReferenceReceiver
    noise: RecordNoise
    covariance: FloatArray

    @classmethod
    def of(
        cls, locked: LockedSignal, outer: OuterLevels, receiver: ReferenceReceiver, noise: RecordNoise
    ) -> Task:
        """Prepare a search."""
        correlation = noise_correlation(receiver.taps, bandwidth=receiver.bandwidth)
        return cls(locked, outer, receiver, noise, toeplitz(correlation))

    @property
    def thresholds_mw(self) -> FloatArray:
        """Get the thresholds before any adjustment, against the average: a third of OMAouter beside it."""
        return self.outer.oma_mw * np.array([-1.0, 0.0, 1.0]) / 3.0

    @property
    def half_spacing_ui(self) -> float:
        """Get half the time between the two histograms."""
        return 0.5 * (self.receiver.window_right_ui - self.receiver.window_left_ui)

    @property
    def sides_ui(self) -> FloatArray:
        """Get the middles of the left and of the right histogram against that of the pair."""
        return self.half_spacing_ui * np.array([-1.0, 1.0])

    @property
    def ideal_noise_mw(self) -> float:
        """Get the noise that an ideal transmitter of this OMAouter bears."""
        return self.outer.oma_mw / (6.0 * pam4_margin(self.receiver.target_ser))

    @property
    def whole(self) -> Stretches:
        """Get the pattern as one stretch."""
        return ((0, self.locked.symbols.size),)

    def parts(self, population: int) -> Stretches:
        """Get stretches of the pattern, so many symbols in all, that tell where the best setting is."""
        symbols = self.locked.symbols.size
        if symbols <= population:
            return self.whole
        # Not at even distances: halves of SSPRQ are each other's complement.
        begins = [int((_GOLDEN * i) % 1.0 * (symbols - _STRETCH)) for i in range(population // _STRETCH)]
        return tuple((begin, _STRETCH) for begin in begins)

    def enhancement(self, taps: FloatArray) -> float:
        """Get Ceq of the taps."""
        return float(np.sqrt(taps @ self.covariance @ taps))

    def total_covariance(self, added: float) -> FloatArray:
        """Get the covariance at the taps of noise that is not in the samples: absent and added."""
        absent = self.noise.absent_white * self.covariance - self.noise.left
        return np.asarray(absent + added * self.covariance, dtype=np.float64)

    def at_slicer_mw(self, setting: Setting) -> float:
        """Get the noise at the slicer that a setting bears; 0 where the samples hold more than that."""
        return through(setting.taps, self.total_covariance(setting.added))

    def added(self, taps: FloatArray, at_slicer_mw: float) -> float:
        """Get the variance at the input that makes up the noise at the slicer, beside what is absent."""
        absent = float(taps @ self.total_covariance(0.0) @ taps)
        return (at_slicer_mw**2 - absent) / self.enhancement(taps) ** 2

    def rows(self, times_ui: FloatArray, stretches: Stretches) -> Samples:
        """Get values at some times, a row each: all stretches in turn, prolonged by the equaliser's reach."""
        lead = self.receiver.taps - 1
        between = self.locked.signal.between(self.locked.centre_ui + times_ui)
        parts = [between.rows(start - lead, count + 2 * lead) for start, count in stretches]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
