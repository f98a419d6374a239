"""How much noise a transmitter has, how much of it a record holds, and how much of it is the scope's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from measurements.capture import LockedSignal
from measurements.periodic import PeriodicSignal

_LINEAR_REACH = 8
_LEVEL_REACH = 2


@dataclass(frozen=True, slots=True)
class RecordNoise:
    """Rms noise in milliwatt, at the receiver's input.

    `total_mw` is that of one acquisition as far as it is known, `left_mw` what the Fourier series
    still holds of it, `absent_mw` what it does not, `credited_mw` the scope's own.
    """

    total_mw: float
    left_mw: float
    absent_mw: float
    credited_mw: float

    @classmethod
    def single(cls, signal: PeriodicSignal, total_mw: float, scope_mw: float) -> RecordNoise:
        """Account for one acquisition: absent is the white noise beyond the harmonics kept."""
        absent = signal.white_noise**2 * signal.white_removed
        left = max(0.0, max(total_mw, signal.white_noise) ** 2 - absent)
        return cls(total_mw, float(np.sqrt(left)), float(np.sqrt(absent)), min(scope_mw, total_mw))

    @classmethod
    def averaged(
        cls, signal: PeriodicSignal, single_mw: float, scope_mw: float, *, averages: int | None = None
    ) -> RecordNoise:
        """Account for a mean whose single acquisitions had the given noise.

        Without `averages` the record's own white floor tells how much of it is left.
        """
        white_left = signal.white_noise**2 * (1.0 - signal.white_removed)
        total = single_mw**2
        in_mean = signal.white_noise**2 if averages is None else total / averages
        left = max(white_left, in_mean - signal.white_noise**2 * signal.white_removed)
        left = min(left, total)
        return cls(single_mw, float(np.sqrt(left)), float(np.sqrt(total - left)), min(scope_mw, single_mw))


def explained_residual(locked: LockedSignal) -> float:
    """Bound the noise of a single record from above: what the symbols do not explain.

    A linear response over 17 symbols with free levels at the nearest 5 is fitted to the eye
    centre; what is left is noise and whatever distortion the fit cannot follow.
    """
    values = locked.signal.at(locked.centre_ui)
    symbols = locked.symbols
    columns = [
        np.roll(symbols, lag) == level for lag in range(-_LEVEL_REACH, _LEVEL_REACH + 1) for level in (1, 2)
    ]
    columns += [np.roll(symbols, lag) for lag in range(-_LINEAR_REACH, _LINEAR_REACH + 1)]
    design = np.array([np.ones(symbols.size), *columns], dtype=np.float64)
    normal = design @ design.T
    solution = np.linalg.lstsq(normal, design @ values, rcond=None)[0]
    left = float(np.mean((values - solution @ design) ** 2))
    removed = locked.signal.white_noise**2 * locked.signal.white_removed
    return float(np.sqrt(left + removed))
