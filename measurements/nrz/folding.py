"""A capture of two-level light and its pattern in step: where its eye crosses, and windows in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.capture import CaptureError, LockedSignal, Waveform, lock
from measurements.patterns import Symbols
from measurements.quantity import Cause, NotMeasurable
from measurements.units import FloatArray

RECEIVER_BANDWIDTH_RATES = 0.75
"""Bandwidth of the 4th-order Bessel-Thomson receiver, in symbol rates: 19.34 GHz at 25.78125 GBd
(IEEE 802.3, clauses 52 and 88 [M])."""

CENTRAL_UI = 0.2
"""Width of the histogram window in the middle of the eye (IEEE 802.3, 52.9.5 and 58.7.5 [M])."""

_SEARCH_POINTS = 17
_CONTEXT = (0, -1, 1, -2, 2, -3, -4)
"""Neighbours that explain most of what a symbol deviates by, the most telling first."""


@dataclass(frozen=True, slots=True, eq=False)
class NrzEye:
    """A locked two-level capture. Symbol i lasts from `crossing_ui` + i to `crossing_ui` + i + 1.

    Times are in unit intervals from the record's first sample. `crossing_mw` is the power at which
    the mean rising and the mean falling edge meet.
    """

    waveform: Waveform
    locked: LockedSignal
    crossing_ui: float
    crossing_mw: float

    @property
    def symbols(self) -> Symbols:
        """Get one period of symbols in the order of the record."""
        return self.locked.symbols

    @property
    def periods(self) -> int:
        """Get the number of pattern periods in the record."""
        return self.waveform.periods

    @property
    def samples_per_symbol(self) -> float:
        """Get the record's own samples a symbol, exact for whole periods."""
        return self.waveform.power_mw.size / (self.symbols.size * self.periods)

    @property
    def centre_ui(self) -> float:
        """Get the centre of symbol 0, midway between two crossings."""
        return self.crossing_ui + 0.5

    @property
    def sent(self) -> Symbols:
        """Get the symbols of the whole record."""
        return np.tile(self.symbols, self.periods)


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Samples in windows, one window a row, and the share by which each lies in its window."""

    samples_mw: FloatArray
    shares: FloatArray

    @property
    def means(self) -> FloatArray:
        """Get the mean of each window."""
        return np.asarray(np.einsum("ij,ij->i", self.shares, self.samples_mw))

    def squares(self, level_mw: FloatArray | float) -> FloatArray:
        """Get the mean square of each window against a level, one for all or one a row."""
        apart = self.samples_mw - np.reshape(level_mw, (-1, 1))
        return np.asarray(np.einsum("ij,ij,ij->i", self.shares, apart, apart))


def fold(waveform: Waveform, *, noise_mw: float = 0.0) -> NrzEye | NotMeasurable:
    """Put a two-level capture in step with its pattern, and find where its eye crosses.

    The record is taken as a scope gives it, behind the reference receiver (4th-order
    Bessel-Thomson at 0.75 of the rate, IEEE 802.3 clause 88 [M]); `capture.filtered` applies it.
    `noise_mw` is the rms noise expected, as far as it is known. No light, no modulation and edges
    that do not cross are NotMeasurable; a pattern with more than two levels or without edges, an
    inverted and a foreign pattern raise CaptureError.
    """
    check_nrz(waveform.pattern)
    locked = lock(waveform.signal(), waveform.pattern, noise_mw=noise_mw)
    if isinstance(locked, NotMeasurable):
        return locked
    crossing = mean_crossing(locked)
    return crossing if isinstance(crossing, NotMeasurable) else NrzEye(waveform, locked, *crossing)


def check_nrz(pattern: Symbols) -> None:
    """Refuse patterns that do not hold both of two levels and nothing else. Raise CaptureError."""
    levels = np.unique(pattern)
    if levels.tolist() != [0, 1]:
        raise CaptureError(
            f"the symbols are {levels.tolist()}, two-level light has 0 and 1",
            where="pattern",
            remedy="give an NRZ pattern such as PRBS9 or PRBS31; PAM4 has measurements of its own",
        )


def mean_crossing(locked: LockedSignal) -> tuple[float, float] | NotMeasurable:
    """Find instant and power at which the mean rising edge and the mean falling edge meet.

    Where the pattern correlates best they do meet, within half a symbol. Symbols out of step with
    the light are NotMeasurable.
    """
    from scipy.optimize import brentq

    rising, falling = edges_of(locked.symbols, 0, 1), edges_of(locked.symbols, 1, 0)
    start = locked.centre_ui - 0.5

    def difference(late_ui: float) -> float:
        values = locked.signal.at(start + late_ui)
        return float(values[rising].mean() - values[falling].mean())

    instants = np.linspace(-0.5, 0.5, _SEARCH_POINTS)
    apart = np.array([difference(late) for late in instants])
    turns = np.flatnonzero((apart[:-1] < 0) & (apart[1:] >= 0))
    if not turns.size:
        evidence = {"before_mw": float(apart[0]), "after_mw": float(apart[-1])}
        return NotMeasurable(
            "the eye is closed: rising and falling edges do not cross", Cause.EYE_CLOSED, evidence
        )
    turn = int(turns[np.argmin(np.abs(instants[turns] + instants[turns + 1]))])
    late = float(brentq(difference, instants[turn], instants[turn + 1], xtol=1e-6))
    values = locked.signal.at(start + late)
    return start + late, 0.5 * float(values[rising].mean() + values[falling].mean())


def edges_of(symbols: Symbols, before: int, after: int) -> NDArray[np.intp]:
    """Find the symbols `after` that follow a symbol `before`, around the end of the period too."""
    return np.flatnonzero((symbols == after) & (np.roll(symbols, 1) == before))


def windows(eye: NrzEye, centres_ui: FloatArray, width_ui: float) -> Windows:
    """Get the samples around some instants, over the record's end into its beginning.

    A sample stands for the interval of its length around it, and counts by the part of that in the
    window: so the window is where it is meant to be, between samples too.
    """
    per_symbol = eye.samples_per_symbol
    begin = (centres_ui - 0.5 * width_ui) * per_symbol
    first = np.floor(begin + 0.5)
    places = first[:, None] + np.arange(int(np.ceil(width_ui * per_symbol)) + 1)
    low = np.maximum(places - 0.5, begin[:, None])
    high = np.minimum(places + 0.5, begin[:, None] + width_ui * per_symbol)
    shares = np.maximum(high - low, 0.0) / (width_ui * per_symbol)
    power_mw = eye.waveform.power_mw
    return Windows(power_mw[places.astype(np.intp) % power_mw.size].astype(np.float64), shares)


def central_windows(eye: NrzEye, width_ui: float = CENTRAL_UI) -> Windows:
    """Get the samples in the middle of every symbol of the record."""
    count = eye.symbols.size * eye.periods
    return windows(eye, eye.centre_ui + np.arange(count, dtype=np.float64), width_ui)


def alike(eye: NrzEye) -> NDArray[np.intp]:
    """Give each symbol of the record a number, so that those with the same differ by noise alone.

    The same symbol of other periods; in a single period, symbols among the same neighbours. Then
    what neighbours farther off do counts as noise.
    """
    if eye.periods > 1:
        return np.tile(np.arange(eye.symbols.size), eye.periods)
    bits = min(len(_CONTEXT), int(np.log2(eye.symbols.size / 8)))
    context = np.zeros(eye.symbols.size, dtype=np.intp)
    for lag in _CONTEXT[:bits]:
        context = 2 * context + np.roll(eye.symbols, -lag)
    return context


def error_of_sum(parts: FloatArray, groups: NDArray[np.intp]) -> float:
    """Judge the standard error of a sum by how its parts scatter within groups of like ones.

    A part alone in its group tells nothing, and counts like the others.
    """
    members = np.bincount(groups)
    means = np.bincount(groups, weights=parts) / np.maximum(members, 1)
    squared = float(np.sum((parts - means[groups]) ** 2))
    free = parts.size - int(np.count_nonzero(members))
    return float(np.sqrt(squared / free * parts.size)) if free > 0 else float("nan")
