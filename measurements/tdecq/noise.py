"""How much noise a transmitter has, how much of it a record holds, and how much of it is the scope's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from measurements.capture import LockedSignal
from measurements.equalizer import noise_correlation, toeplitz
from measurements.periodic import PeriodicSignal
from measurements.reference_receivers import ReferenceReceiver
from measurements.tdecq.result import NoiseSource
from measurements.units import FloatArray

_REACH, _ALIKE = 8, 2
_FITTED = 8192
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
        between = white * signal.white_kept
        coloured = max(0.0, unexplained(locked) - between)
        if coloured < (1.0 - _WHITE_SHARE) * between:
            coloured = 0.0
        total = float(np.sqrt(white + coloured))
        if signal_noise_mw is not None:
            total = min(total, signal_noise_mw)
        left = white * _white_covariance(signal, receiver.taps)
        return cls(NoiseSource.RECORD, total, min(scope_noise_mw, total), white, left, white, coloured)


def _white_covariance(signal: PeriodicSignal, taps: int) -> FloatArray:
    """Get the covariance at the taps of white noise of variance 1, as interpolated values hold it."""
    return toeplitz(signal.kept_covariance(np.arange(taps, dtype=np.float64)))


def unexplained(locked: LockedSignal) -> float:
    """Judge the noise of a single record by what the symbols do not explain of it: a variance in mW^2.

    A linear response over 17 symbols is fitted to the eye centre, and what it leaves is averaged
    over all places where the same 5 symbols stand. The rest is noise, and what distortion reaches
    farther than 2 symbols.
    """
    count = min(_FITTED, locked.symbols.size)
    values = locked.signal.between(np.array([locked.centre_ui])).rows(0, count)[0]
    near = locked.symbols[np.arange(-_REACH, count + _REACH) % locked.symbols.size]
    lags = [near[_REACH + lag : _REACH + lag + count] for lag in range(-_REACH, _REACH + 1)]
    sent = np.array(lags, dtype=np.float32) - np.float32(near.mean())
    normal = (sent @ sent.T).astype(np.float64) + 1e-6 * count * np.eye(len(lags))
    left = values - np.linalg.solve(normal, sent @ values).astype(np.float32) @ sent
    contexts = sum(lags[_REACH + k].astype(np.intp) << (2 * (k + _ALIKE)) for k in range(-_ALIKE, _ALIKE + 1))
    found = np.bincount(contexts)
    means = np.bincount(contexts, weights=left) / np.maximum(found, 1)
    freedom = count - int(np.count_nonzero(found)) - len(lags)
    if freedom < count // 4:  # a short pattern repeats nothing: all is explained
        return 0.0
    return float(np.sum((left - means[contexts]) ** 2)) / freedom
