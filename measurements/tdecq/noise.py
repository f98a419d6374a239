"""How much noise a transmitter has, how much of it a record holds, and how much of it is the scope's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from measurements.capture import LockedSignal
from measurements.equalizer import noise_correlation, toeplitz
from measurements.periodic import PeriodicSignal
from measurements.reference_receivers import ReferenceReceiver
from measurements.tdecq.result import NoiseSource
from measurements.units import FloatArray

_LINEAR_REACH = 8
_LEVEL_REACH = 2
_FITTED = 16384
_WHITE_SHARE = 0.9
"""A floor that makes up so much of the noise is all of it: both are only estimates."""


@dataclass(frozen=True, slots=True, eq=False)
class RecordNoise:
    """The transmitter's noise, scope included, at the receiver's input.

    `total_mw` is the rms of one acquisition as far as it is known. The samples hold noise of the
    covariance `left` at the taps (mW^2); what a receiver would see beyond it is its own covariance
    times `absent_white` (mW^2) less `left`. `white` and `coloured` are the variances of what the
    samples hold, independent from sample to sample or shaped by the receiver. `credited_mw` is the
    part that is the scope's own.
    """

    source: NoiseSource
    total_mw: float
    credited_mw: float
    absent_white: float
    left: FloatArray
    white: float
    coloured: float

    @classmethod
    def of(
        cls,
        locked: LockedSignal,
        receiver: ReferenceReceiver,
        *,
        averages: int,
        signal_noise_mw: float | None,
        scope_noise_mw: float,
    ) -> RecordNoise:
        """Account for the noise of a record of one or of averaged acquisitions."""
        signal = locked.signal
        if averages == 1 and signal.spread is None:
            return cls._single(locked, receiver, signal_noise_mw, scope_noise_mw)
        stated = averages > 1 and signal_noise_mw is not None
        single = float((signal_noise_mw if stated else signal.spread) or 0.0)
        source = NoiseSource.STATED if stated else NoiseSource.PERIODS
        in_mean = single**2 / (averages if averages > 1 else signal.periods)
        white = min(signal.white_noise**2, single**2)
        coloured = in_mean - white if white < _WHITE_SHARE * in_mean else 0.0
        receivers = toeplitz(noise_correlation(receiver.taps, bandwidth=receiver.bandwidth))
        left = white * _white_covariance(signal, receiver.taps) + coloured * receivers
        return cls(source, single, min(scope_noise_mw, single), single**2, left, white, coloured)

    @classmethod
    def _single(
        cls,
        locked: LockedSignal,
        receiver: ReferenceReceiver,
        signal_noise_mw: float | None,
        scope_noise_mw: float,
    ) -> RecordNoise:
        """Account for one acquisition, taken at its word: absent is what the interpolation takes away."""
        signal = locked.signal
        white = signal.white_noise**2
        total = signal.white_noise
        if scope_noise_mw > 0:
            total = max(total, _residual(locked, total))
        if signal_noise_mw is not None:
            total = min(total, signal_noise_mw)
        left = white * _white_covariance(signal, receiver.taps)
        coloured = max(0.0, total**2 - white)
        return cls(NoiseSource.RECORD, total, min(scope_noise_mw, total), white, left, white, coloured)


def _white_covariance(signal: PeriodicSignal, taps: int) -> FloatArray:
    """Get the covariance at the taps of white noise of variance 1, as interpolated values hold it."""
    return toeplitz(signal.kept_covariance(np.arange(taps, dtype=np.float64)))


def _residual(locked: LockedSignal, floor: float) -> float:
    """Bound the noise of a single record from above: what the symbols do not explain.

    A linear response over 17 symbols with free levels at the nearest 5 is fitted to the eye
    centre; what is left is noise and whatever distortion the fit cannot follow. A white floor that
    makes up most of it is the better judge.
    """
    count = min(_FITTED, locked.symbols.size)
    signal, symbols = locked.signal, locked.symbols
    values = signal.between(np.array([locked.centre_ui])).rows(0, count)[0].astype(np.float64)
    places = np.arange(count)
    columns: list[NDArray[Any]] = [np.ones(count)]
    for lag in range(-_LINEAR_REACH, _LINEAR_REACH + 1):
        near = symbols[(places - lag) % symbols.size]
        columns.append(near)
        if abs(lag) <= _LEVEL_REACH:
            columns += [near == level for level in (1, 2)]
    design = np.array(columns, dtype=np.float64)
    solution = np.linalg.lstsq(design @ design.T, design @ values, rcond=None)[0]
    left = float(np.mean((values - solution @ design) ** 2))
    removed = floor**2 * (1.0 - signal.white_kept)
    residual = float(np.sqrt(left + removed))
    return floor if floor > 0.7 * residual else residual
