"""Where a pattern sits in a waveform: a stretch of it finds the symbol, all of it the instant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.patterns import Symbols
from measurements.periodic import PeriodicSignal
from measurements.units import FloatArray

_STRETCH = 8192
_UPRIGHT = 0.99
"""Share of an inverted place's correlation at which an upright one is preferred."""

_AROUND = 1
"""Symbols around a candidate in which the peak is looked for."""


@dataclass(frozen=True, slots=True)
class Place:
    """Symbol i of the pattern is centred at i + `delay_ui`.

    `correlation` is negative for an inverted pattern. It may pass 1 a little: light is farther from
    its average in the middle of its symbols than at other times.
    """

    delay_ui: float
    correlation: float


def find_pattern(signal: PeriodicSignal, pattern: Symbols, *, sure: float) -> Place:
    """Find where the symbols as impulses correlate best with a waveform, of either polarity.

    A stretch of the record gives candidates, which all of it then decides between. When none
    correlates by `sure`, the whole record is searched. A constant waveform correlates with nothing.
    """
    # Single precision leaves 1e-7 of the average as a ripple: that is no modulation.
    if signal.rms <= 1e-6 * abs(signal.mean) or signal.rms == 0.0:
        return Place(0.0, 0.0)
    sent = (pattern - pattern.mean(dtype=np.float64)).astype(np.float32)
    best = Place(0.0, 0.0)
    for late, length in ((0, min(_STRETCH, sent.size)), (0, sent.size), (1, sent.size)):
        # The mean over a symbol length keeps half of a symbol under it, wherever it begins; of a
        # clock it may keep nothing, half a symbol later all.
        rows = signal.block_from(0, late * signal.samples_per_symbol // 2, sent.size)
        means = rows @ np.full(signal.samples_per_symbol, 1.0, dtype=np.float32)
        likeliest = max(_candidates(means, sent, length), key=lambda place: place[1])[0]
        best = max(best, _placed(signal, sent, likeliest), key=lambda place: abs(place.correlation))
        if abs(best.correlation) >= sure:
            break
    return best


def _candidates(
    means: NDArray[np.float32], sent: NDArray[np.float32], length: int
) -> list[tuple[int, float]]:
    """Get the delays, in whole symbols, at which a stretch correlates most and least, and how all does there.

    A pattern that is its own inverse, as a square wave is, stands upright.
    """
    from scipy import fft

    size = fft.next_fast_len(sent.size + length, real=True)
    prolonged = sent[np.arange(sent.size + length - 1) % sent.size]
    product = np.conj(fft.rfft(means[:length], size)) * fft.rfft(prolonged, size)
    correlation = fft.irfft(product, size)[: sent.size]
    upright, inverted = (-int(extreme(correlation)) % sent.size for extreme in (np.argmax, np.argmin))
    return [
        (upright, _likeness(means, sent, upright)),
        (inverted, _UPRIGHT * _likeness(means, sent, inverted)),
    ]


def _likeness(means: NDArray[np.float32], sent: NDArray[np.float32], delay: int) -> float:
    """Correlate the whole record at a delay, in no unit."""
    split = delay % sent.size
    return abs(float(means[split:] @ sent[: sent.size - split] + means[:split] @ sent[sent.size - split :]))


def _placed(signal: PeriodicSignal, sent: NDArray[np.float32], delay: int) -> Place:
    """Correlate the whole record around a delay, and place the peak between its samples."""
    lags = np.arange(-_AROUND, _AROUND + 1)
    shifted = np.stack([np.roll(sent, delay + lag) for lag in lags])
    products = (shifted @ signal.block(0, sent.size)).reshape(-1).astype(np.float64)
    correlation = products / (sent.size * signal.rms * float(np.std(sent)))
    inside = correlation[1:-1]
    upright = inside.max() >= _UPRIGHT * np.abs(inside).max()
    best = 1 + int(np.argmax(inside if upright else np.abs(inside)))
    steps = best + _vertex(correlation[best - 1 : best + 2])
    return Place(delay - _AROUND + steps / signal.samples_per_symbol, float(correlation[best]))


def _vertex(three: FloatArray) -> float:
    """Find the top of the parabola through a peak and its neighbours, in steps from the peak."""
    left, top, right = three.tolist()
    bend = left - 2.0 * top + right
    return 0.5 * (left - right) / bend if bend else 0.0
