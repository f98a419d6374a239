"""Records whose samples stand off an even grid, as scopes give pattern waveforms: moved, not averaged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from measurements.capture import (
    MIN_SAMPLES_PER_SYMBOL,
    CaptureError,
    Waveform,
    check_pattern,
    check_rates,
    check_samples,
)
from measurements.patterns import Symbols
from measurements.units import FloatArray, symbol_period_s

_LEAD = 512
"""Samples that lead a prolonged period in and out."""


def waveform_from_xy(
    time_s: FloatArray, power_mw: NDArray[np.floating], *, pattern: Symbols, symbol_rate_gbd: float
) -> Waveform:
    """Build a waveform from one pattern period of time and power, whose time steps may be uneven.

    Each sample is moved to the nearest place of an even grid along the smooth part of the waveform
    (harmonics up to twice the symbol rate), so it keeps its own noise; interpolating between
    neighbours would average noise away and flatter the transmitter. Steps uneven by more than half
    a step, missing points, a wrong length or rate raise CaptureError.
    """
    check_pattern(pattern)
    check_rates(MIN_SAMPLES_PER_SYMBOL, symbol_rate_gbd)
    check_samples(power_mw)
    _check_times(time_s, power_mw)
    samples_per_symbol = power_mw.size / pattern.size
    step_s = symbol_period_s(symbol_rate_gbd) / samples_per_symbol
    _check_span(time_s, pattern.size, symbol_rate_gbd)
    late = (time_s - time_s[0]) / step_s - np.arange(time_s.size)
    late -= 0.5 * (late.max() + late.min())
    if np.abs(late).max() > 0.5:
        worst = int(np.argmax(np.abs(late)))
        raise CaptureError(
            f"sample {worst} stands {late[worst]:+.2f} steps off an even grid",
            where="time axis",
            remedy="points are missing or doubled: capture again",
        )
    even = _moved_to_grid(power_mw, late, pattern.size) if np.abs(late).max() > 1e-3 else power_mw
    return Waveform(even, pattern, samples_per_symbol, symbol_rate_gbd)


def _moved_to_grid(power_mw: NDArray[np.floating], late: FloatArray, symbols: int) -> FloatArray:
    """Subtract from each sample what the smooth waveform does between its place and the grid's."""
    given = np.asarray(power_mw, dtype=np.float64)
    settled = 1e-5 * float(np.ptp(given))
    steps, reach = late.astype(np.float32), _reach(late, symbols)
    # Moving the uneven record back as if it were even is wrong only by how `late` changes on the way.
    even = given + _rise(given, -steps, reach, symbols)
    for _ in range(6):  # each pass shrinks the error to `reach` of what it was
        previous, even = even, given - _rise(even, steps, reach, symbols)
        if reach * float(np.abs(even - previous).max()) <= settled:
            break
    even.setflags(write=False)
    return even


def _reach(late: FloatArray, symbols: int) -> float:
    """Get the turn, in radians, of a component at 1.5 symbol rates within the greatest lateness."""
    return 3.0 * np.pi * symbols / late.size * float(np.abs(late).max())


def _rise(even: FloatArray, late: NDArray[np.float32], reach: float, symbols: int) -> NDArray[np.float32]:
    """Predict by a Taylor series how far the smooth waveform moves within `late` steps.

    Single precision: what it predicts is a small part of the waveform.
    """
    from scipy import fft

    size = fft.next_fast_len(even.size + 2 * _LEAD, real=True)
    spectrum = fft.rfft(_faded(even, size))
    spectrum[int(2.0 * symbols * size / even.size) + 1 :] = 0.0
    slope = (2j * np.pi / size * np.arange(spectrum.size)).astype(np.complex64)
    factor, rise = late.copy(), np.zeros_like(late)
    # The term that a component at 1.5 symbol rates would still contribute decides when to stop.
    term = 1.0
    for order in range(1, 8):
        spectrum *= slope
        moved = fft.irfft(spectrum, size)[_LEAD : _LEAD + even.size]
        rise += factor * moved.astype(np.float32, copy=False)
        term *= reach / order
        if term < 1e-4:
            break
        factor *= late
        factor *= np.float32(1.0 / (order + 1))
    return rise


def _faded(even: FloatArray, size: int) -> NDArray[np.float32]:
    """Prolong a period by its repetition, which fades at both ends, to a length that transforms fast.

    Pattern lengths have large prime factors, which make a transform five times slower.
    """
    centred = (even - even.mean()).astype(np.float32)
    prolonged = np.pad(centred, (_LEAD, size - even.size - _LEAD), mode="wrap")
    fade = np.sin(np.linspace(0.0, 0.5 * np.pi, _LEAD, dtype=np.float32)) ** 2
    prolonged[:_LEAD] *= fade
    prolonged[-_LEAD:] *= fade[::-1]
    return prolonged


def _check_times(time_s: FloatArray, power_mw: NDArray[np.floating]) -> None:
    if time_s.shape != power_mw.shape:
        raise CaptureError(
            f"{time_s.size:,} times for {power_mw.size:,} powers",
            where="time axis",
            remedy="ask the scope for X and Y of the same record",
        )
    if not np.isfinite(time_s).all():
        raise CaptureError("a time is not finite", where="time axis", remedy="capture again")
    back = np.flatnonzero(np.diff(time_s) <= 0)
    if back.size:
        raise CaptureError(
            f"time stands still or runs back after sample {back[0]}",
            where="time axis",
            remedy="check that the record is a pattern waveform, not an eye diagram",
        )


def _check_span(time_s: FloatArray, symbols: int, symbol_rate_gbd: float) -> None:
    """Hold the time that the record spans against one period, to half a sample."""
    count = time_s.size
    spanned = float(time_s[-1] - time_s[0]) * count / (count - 1) / symbol_period_s(symbol_rate_gbd)
    if abs(spanned - symbols) > max(1.0 * symbols / count, 1e-5 * symbols):
        raise CaptureError(
            f"the record spans {spanned:,.2f} symbols at {symbol_rate_gbd:g} GBd, not {symbols:,}",
            where="record length",
            remedy="check symbol rate and pattern length set on the scope",
        )
    if count < MIN_SAMPLES_PER_SYMBOL * symbols:
        check_rates(count / symbols, symbol_rate_gbd)
