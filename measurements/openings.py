"""The three eyes of PAM4: how high, how wide, when, and how alike they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from measurements.capture import CaptureError, LockedSignal
from measurements.equalizer import equalise
from measurements.quantity import Cause, NotMeasurable
from measurements.units import FloatArray

_INSTANTS, _REACH_UI = 64, 0.75
"""Instants a symbol at which the eyes are looked at, edges in time interpolated between them, and how far.

Farther than half a symbol: the centre that a correlation finds need not be that of the eye.
"""

_BINS = 1024
_HALVINGS = 40


@dataclass(frozen=True, slots=True)
class Equaliser:
    """Taps one symbol apart; tap i multiplies the waveform (main_tap - i) symbols after the decision."""

    taps: FloatArray
    main_tap: int


@dataclass(frozen=True, slots=True)
class EyeOpening:
    """One of the three eyes.

    `height_mw` is the clear distance between the distributions of the two levels at `time_ui`, where
    it is largest, `height_at_common_mw` that at the common instant. `width_ui` is the clear time at
    `centre_mw`, the middle of the height; its own middle stands `skew_ui` after that of the middle
    eye. `amplitude_mw` is the distance of the two mean levels at the common instant.
    `standard_error_mw` is that of the height for the symbols counted, None where the extremes seen
    were taken, whose error nothing tells.
    """

    height_mw: float
    height_at_common_mw: float
    centre_mw: float
    time_ui: float
    left_ui: float
    right_ui: float
    skew_ui: float
    amplitude_mw: float
    standard_error_mw: float | None

    @property
    def width_ui(self) -> float:
        """Get the clear time at the eye's vertical centre."""
        return self.right_ui - self.left_ui


@dataclass(frozen=True, slots=True)
class EyeOpenings:
    """The lower, the middle and the upper eye, at the same probability.

    Times are from the centre of the symbols in the record. `probability` is the share of a level's
    symbols that lies inside the opening at each edge; 0 means none that was seen. `linearity` is
    each eye's amplitude over the mean of the three.
    """

    eyes: tuple[EyeOpening, EyeOpening, EyeOpening]
    common_ui: float
    probability: float
    noise_mw: float
    linearity: tuple[float, float, float]

    @property
    def cei_eye_linearity(self) -> float:
        """Get the smallest amplitude over the largest (OIF CEI-56G-VSR-PAM4, from memory).

        A third definition beside RLM of IEEE 802.3, 120D.3.1.2, and that of clause 94 (`levels`).
        """
        return min(self.linearity) / max(self.linearity)


def eye_openings(
    locked: LockedSignal,
    *,
    probability: float = 0.0,
    noise_mw: float = 0.0,
    equaliser: Equaliser | None = None,
) -> EyeOpenings | NotMeasurable:
    """Measure the three eyes of a PAM4 waveform, its values sorted by the symbol that was sent.

    At `probability` 0 the extremes seen bound an eye, else the quantiles of the values, widened by
    Gaussian noise of `noise_mw` rms that is not in the record. A probability below one in the
    symbols of a level needs that noise: it is its tail that is extrapolated. `equaliser` opens the
    eyes first; the noise then is that behind it. NotMeasurable (eye closed) with the eye that is.
    Raise CaptureError for a pattern without four levels and for a probability that cannot be had.
    """
    rarest = int(np.bincount(locked.symbols, minlength=4)[:4].min())
    _check(locked, rarest, probability, noise_mw)
    times = np.arange(-_REACH_UI, _REACH_UI + 0.5 / _INSTANTS, 1.0 / _INSTANTS)
    means, edges = _levels(locked, times, probability, noise_mw, equaliser)
    # heights[eye, time]: from the upper edge of the lower level to the lower edge of the upper one.
    heights = edges[1:, 0] - edges[:-1, 1]
    if not (heights.max(axis=1) > 0).all():
        closed = ("lower", "middle", "upper")[int(np.argmin(heights.max(axis=1)))]
        return NotMeasurable(f"the {closed} eye is closed", Cause.EYE_CLOSED, {"probability": probability})
    common = int(np.argmax(heights.min(axis=0)))
    amplitudes = np.diff(means[:, common])
    spans = [_span(times, edges[k : k + 2], heights[k]) for k in range(3)]
    middle_ui = 0.5 * sum(spans[1][1:])
    slopes = _errors(locked, times, heights, probability, noise_mw, equaliser)
    eyes = [
        EyeOpening(
            height_mw=float(heights[k].max()),
            height_at_common_mw=float(heights[k, common]),
            centre_mw=spans[k][0],
            time_ui=float(times[int(np.argmax(heights[k]))]),
            left_ui=spans[k][1],
            right_ui=spans[k][2],
            skew_ui=0.5 * sum(spans[k][1:]) - middle_ui,
            amplitude_mw=float(amplitudes[k]),
            standard_error_mw=slopes[k],
        )
        for k in range(3)
    ]
    lower, middle, upper = (float(one) for one in amplitudes / amplitudes.mean())
    return EyeOpenings(
        (eyes[0], eyes[1], eyes[2]), float(times[common]), probability, noise_mw, (lower, middle, upper)
    )


def _levels(
    locked: LockedSignal,
    times_ui: FloatArray,
    probability: float,
    noise_mw: float,
    equaliser: Equaliser | None,
) -> tuple[FloatArray, FloatArray]:
    """Get means (level, time) and edges (level, lower and upper, time) of the values of each symbol."""
    means, edges = np.empty((4, times_ui.size)), np.empty((4, 2, times_ui.size))
    groups = [np.flatnonzero(locked.symbols == level) for level in range(4)]
    for i, time_ui in enumerate(times_ui.tolist()):
        values = _values(locked, time_ui, equaliser)
        for level, group in enumerate(groups):
            own = values[group]
            means[level, i] = own.mean()
            edges[level, :, i] = _edges(own, probability, noise_mw)
    return means, edges


def _values(locked: LockedSignal, time_ui: float, equaliser: Equaliser | None) -> FloatArray:
    """Get one value a symbol, at a time from its centre, in milliwatt."""
    phase = locked.centre_ui + time_ui
    if equaliser is None:
        return locked.signal.at(phase)
    lead = equaliser.taps.size - 1
    rows = locked.signal.between(np.array([phase])).rows(-lead, locked.symbols.size + 2 * lead)
    values: FloatArray = equalise(rows, equaliser.taps, equaliser.main_tap)[0].astype(np.float64)
    return values + locked.signal.mean


def _edges(values: FloatArray, probability: float, noise_mw: float) -> tuple[float, float]:
    """Get the values beyond which the given share lies on either side, noise included."""
    if noise_mw > 0 and probability > 0:
        return -_upper_edge(-values, probability, noise_mw), _upper_edge(values, probability, noise_mw)
    if probability == 0:
        return float(values.min()), float(values.max())
    low, high = np.quantile(values, [probability, 1.0 - probability])
    return float(low), float(high)


def _upper_edge(values: FloatArray, probability: float, noise_mw: float) -> float:
    """Find where the tail of the values, widened by Gaussian noise, holds the given share."""
    from scipy.special import ndtr, ndtri

    shares, places = _histogram(values)
    reach = noise_mw * float(-ndtri(probability))
    low, high = float(places[0]) - reach, float(places[-1]) + reach
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        tail = float(shares @ ndtr((places - middle) / noise_mw))
        low, high = (middle, high) if tail > probability else (low, middle)
    return 0.5 * (low + high)


def _histogram(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Count values in bins as fine as matters, each at the mean of what it holds."""
    low, width = float(values.min()), max(float(np.ptp(values)), 1e-15)
    bins = np.minimum(((values - low) * (_BINS / width)).astype(np.intp), _BINS - 1)
    counts = np.bincount(bins, minlength=_BINS)
    filled = counts > 0
    sums = np.bincount(bins, weights=values, minlength=_BINS)
    return counts[filled] / values.size, sums[filled] / counts[filled]


def _span(times_ui: FloatArray, edges: FloatArray, heights: FloatArray) -> tuple[float, float, float]:
    """Get an eye's vertical centre, and when it begins and ends to be clear there."""
    best = int(np.argmax(heights))
    below, above = edges[0, 1], edges[1, 0]
    centre = 0.5 * float(below[best] + above[best])
    clear = np.minimum(centre - below, above - centre)
    return centre, _crossing(times_ui, clear, best, -1), _crossing(times_ui, clear, best, 1)


def _crossing(times_ui: FloatArray, clear: FloatArray, start: int, step: int) -> float:
    """Go from the best instant until nothing is clear, and interpolate; the end of the symbol bounds it."""
    i = start
    while 0 <= i + step < clear.size and clear[i + step] > 0:
        i += step
    if not 0 <= i + step < clear.size:
        return float(times_ui[i])
    share = clear[i] / (clear[i] - clear[i + step])
    return float(times_ui[i] + share * (times_ui[i + step] - times_ui[i]))


def _errors(
    locked: LockedSignal,
    times_ui: FloatArray,
    heights: FloatArray,
    probability: float,
    noise_mw: float,
    equaliser: Equaliser | None,
) -> list[float | None]:
    """Get the standard error of each eye's height: both edges', by the share that a count may be wrong by."""
    if probability == 0:
        return [None, None, None]
    found: list[float | None] = []
    for eye in range(3):
        values = _values(locked, float(times_ui[int(np.argmax(heights[eye]))]), equaliser)
        upper = _edge_error(values[locked.symbols == eye], probability, noise_mw)
        lower = _edge_error(-values[locked.symbols == eye + 1], probability, noise_mw)
        found.append(float(np.hypot(upper, lower)))
    return found


def _edge_error(values: FloatArray, probability: float, noise_mw: float) -> float:
    """Propagate the scatter of a tail over the symbols counted to the place of the edge."""
    from scipy.special import ndtr

    _, edge = _edges(values, probability, noise_mw)
    width = noise_mw if noise_mw > 0 else max(float(np.ptp(values)), 1e-15) / np.sqrt(values.size)
    distance = (values - edge) / width
    tails = ndtr(distance) if noise_mw > 0 else (distance > 0).astype(np.float64)
    density = float(np.mean(np.exp(-0.5 * distance**2))) / (np.sqrt(2.0 * np.pi) * width)
    return float(np.std(tails) / np.sqrt(values.size) / max(density, 1e-300))


def _check(locked: LockedSignal, rarest: int, probability: float, noise_mw: float) -> None:
    if rarest == 0 or int(locked.symbols.max()) != 3:
        raise CaptureError(
            "the pattern does not hold the four levels of PAM4",
            where="pattern",
            remedy="measure eyes on a pattern with four levels, such as SSPRQ",
        )
    if not 0 <= probability < 0.5 or not (np.isfinite(noise_mw) and noise_mw >= 0):
        raise CaptureError(
            f"a probability of {probability} with noise of {noise_mw} mW",
            where="eye opening",
            remedy="give a probability from 0 to 0.5, and an rms noise",
        )
    if 0 < probability < 1.0 / rarest and noise_mw == 0:
        raise CaptureError(
            f"{rarest} symbols of a level do not tell a probability of {probability:g}",
            where="eye opening",
            remedy="state the noise that is not in the record, or ask for a larger probability",
        )
