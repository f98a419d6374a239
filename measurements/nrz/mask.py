"""Eye masks: hits by region, and the margin by which a mask may grow until its hit ratio is used up."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.capture import CaptureError
from measurements.nrz.folding import NrzEye
from measurements.nrz.levels import level_means
from measurements.quantity import Cause, NotMeasurable
from measurements.units import FloatArray

_CHUNK = 1 << 15
"""Samples taken at once: what stays in a processor's cache."""

_LEAST_FOR_ERROR = 4


class MaskError(ValueError):
    """A mask that is none: coordinates out of order, or a hit ratio that is no ratio."""


@dataclass(frozen=True, slots=True)
class EyeMask:
    """A mask in relative coordinates: 0 and 1 are two crossings in time, the two levels in power.

    The polygon in the eye runs through (x1, 1/2), (x2, 1 - y2), (x3, 1 - y1) and their mirror
    images; the outer regions lie above 1 + y3 and below -y3 (IEEE 802.3, Figure 86-4 [M]).
    `hit_ratio` is the share of samples that may hit. `source` and `confidence` as the limits say it.
    """

    name: str
    x1: float
    x2: float
    x3: float
    y1: float
    y2: float
    y3: float
    hit_ratio: float
    source: str = ""
    confidence: str = ""

    def __post_init__(self) -> None:
        if not (0 < self.x1 <= self.x2 <= self.x3 <= 0.5 and 0 < self.y1 <= self.y2 <= 0.5 and self.y3 > 0):
            raise MaskError(
                f"mask {self.name!r}: needs 0 < x1 <= x2 <= x3 <= 1/2, 0 < y1 <= y2 <= 1/2, y3 > 0"
            )
        # Else the polygon has a notch, and is not the common part of its half planes.
        if (0.5 - self.y2) * (self.x3 - self.x2) < (self.y2 - self.y1) * (self.x2 - self.x1):
            raise MaskError(f"mask {self.name!r}: the polygon is not convex at (x2, 1 - y2)")
        _check_hit_ratio(self.hit_ratio, self.name)


def _check_hit_ratio(hit_ratio: float, name: str) -> None:
    if not 0 <= hit_ratio < 1:
        raise MaskError(f"mask {name!r}: a hit ratio of {hit_ratio} must lie between 0 and 1")


LR4_MASK = EyeMask(
    "100GBASE-LR4", 0.25, 0.40, 0.45, 0.25, 0.28, 0.40, 5e-5,
    source="IEEE 802.3, Table 88-7", confidence="[M]; hit ratio [M?]",
)  # fmt: skip
CWDM4_MASK = EyeMask(
    "100G CWDM4", 0.31, 0.40, 0.45, 0.34, 0.38, 0.40, 5e-5,
    source="CWDM4 MSA 1.1", confidence="[S5]; hit ratio [M]",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MaskHits:
    """Samples in each region of a mask at a margin, out of all samples of the record."""

    mask: EyeMask
    margin: float
    above: int
    inside: int
    below: int
    samples: int

    @property
    def hits(self) -> int:
        """Get the hits of all regions."""
        return self.above + self.inside + self.below

    @property
    def hit_ratio(self) -> float:
        """Get hits over samples."""
        return self.hits / self.samples

    @property
    def passed(self) -> bool:
        """Get whether no more samples hit than the mask allows."""
        return self.hits <= math.floor(self.mask.hit_ratio * self.samples)


@dataclass(frozen=True, slots=True)
class MaskMargin:
    """The largest margin at which the mask holds; negative when it fails as it stands.

    `margin` is a share, 0.27 for 27 %. `standard_error` is by counting: hits of one symbol come
    together and count so; None where fewer than 4 hits decide. `allowed_hits` of `samples` may hit.
    `hits_per_cluster` is what the counting error was widened by, squared.
    """

    mask: EyeMask
    hit_ratio: float
    margin: float
    standard_error: float | None
    allowed_hits: int
    samples: int
    hits_per_cluster: float

    @property
    def margin_percent(self) -> float:
        """Get the margin in percent."""
        return 100.0 * self.margin


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """Samples on a mask's coordinates, to be read chunk by chunk.

    Sample j stands at (j / samples_per_symbol - start_ui) modulo 1.
    """

    power_mw: NDArray[np.floating]
    samples_per_symbol: float
    start_ui: float
    zero_mw: float
    one_mw: float

    def chunks(self) -> Iterator[tuple[int, FloatArray, FloatArray]]:
        """Get first index, distance from the nearest crossing, and distance inside the nearest level."""
        scale = 1.0 / (self.one_mw - self.zero_mw)
        for first in range(0, self.power_mw.size, _CHUNK):
            power = self.power_mw[first : first + _CHUNK]
            time = np.arange(first, first + power.size) / self.samples_per_symbol - self.start_ui
            time -= np.rint(time)
            relative = (power - self.zero_mw) * scale
            yield first, np.abs(time), 0.5 - np.abs(relative - 0.5)


def mask_test(eye: NrzEye, mask: EyeMask, *, margin: float = 0.0) -> MaskHits | NotMeasurable:
    """Count the samples in each region of a mask.

    Every sample of the un-averaged record counts, over one unit interval between the mean crossings;
    few samples a symbol, always at the same places, tell the mask's width no finer than they stand;
    powers are relative to the levels in the central 20 % of the eye (IEEE 802.3, 86.8.4.6 [M]).
    Raise MaskError for a margin that is not below 1.
    """
    if not (math.isfinite(margin) and margin < 1):
        raise MaskError(f"a margin of {margin} leaves no mask: give a share below 1")
    placed = _placed(eye)
    if isinstance(placed, NotMeasurable):
        return placed
    above = inside = below = 0
    for first, along, within in placed.chunks():
        out = np.flatnonzero(within < -mask.y3 * (1.0 - margin))
        high = placed.power_mw[first + out] > placed.one_mw
        above, below = above + int(np.count_nonzero(high)), below + int(np.count_nonzero(~high))
        near = np.flatnonzero(_reach(mask, along, within) >= 1.0 - margin)
        inside += int(np.count_nonzero(_inner_scales(mask, along[near], within[near]) >= 1.0 - margin))
    return MaskHits(mask, margin, above, inside, below, placed.power_mw.size)


def mask_margin(eye: NrzEye, mask: EyeMask, *, hit_ratio: float | None = None) -> MaskMargin | NotMeasurable:
    """Find the largest margin at which no more samples hit than allowed, exactly.

    A margin M multiplies all coordinates by 1 - M, so that at 100 % the polygon reaches crossings
    and levels, and the outer regions the levels. Each sample gets the margin at which it becomes a
    hit; of these the one after the allowed hits is the answer. `hit_ratio` is that of the mask
    unless given; 0 allows none. Beyond -30 % the shrunk polygon is rounded off by its half planes.
    Raise CaptureError for a record too short to show the hit ratio, MaskError for no ratio.
    """
    placed = _placed(eye)
    if isinstance(placed, NotMeasurable):
        return placed
    return _margin(placed, mask, mask.hit_ratio if hit_ratio is None else hit_ratio)


def _margin(placed: _Placed, mask: EyeMask, hit_ratio: float) -> MaskMargin:
    _check_hit_ratio(hit_ratio, mask.name)
    samples = placed.power_mw.size
    allowed = math.floor(hit_ratio * samples)
    if hit_ratio > 0 and allowed < 1:
        raise CaptureError(
            f"{samples:,} samples do not show a hit ratio of {hit_ratio:g}",
            where="record length",
            remedy=f"capture {1.0 / hit_ratio:,.0f} samples or more; a hit ratio of 0 asks for no hit at all",
        )
    kept = min(samples, 2 * allowed + 16)
    scales, places = _largest_scales(placed, mask, kept)
    cluster = _cluster(places[:allowed], placed)
    return MaskMargin(
        mask=mask,
        hit_ratio=hit_ratio,
        margin=1.0 - float(scales[allowed]),
        standard_error=_counting_error(scales, allowed, cluster),
        allowed_hits=allowed,
        samples=samples,
        hits_per_cluster=cluster,
    )


def _placed(eye: NrzEye) -> _Placed | NotMeasurable:
    zero, one = level_means(eye)
    if one <= zero:
        evidence = {"one_mw": one, "zero_mw": zero}
        return NotMeasurable("the eye is closed: its levels do not differ", Cause.EYE_CLOSED, evidence)
    return _Placed(eye.waveform.power_mw, eye.samples_per_symbol, eye.crossing_ui, zero, one)


def _largest_scales(placed: _Placed, mask: EyeMask, count: int) -> tuple[FloatArray, NDArray[np.intp]]:
    """Get the samples that hit first when the mask grows: their scales 1 - M, largest first, and places."""
    scales, places = np.empty(0), np.empty(0, dtype=np.intp)
    floor = -math.inf
    for first, along, within in placed.chunks():
        near = np.flatnonzero(np.maximum(_reach(mask, along, within), within / -mask.y3) > floor)
        found = _scales(mask, along[near], within[near])
        scales, places = np.concatenate([scales, found]), np.concatenate([places, first + near])
        if scales.size > count:
            best = np.argpartition(scales, scales.size - count)[scales.size - count :]
            scales, places = scales[best], places[best]
            floor = float(scales.min())
    order = np.argsort(-scales, kind="stable")
    return scales[order], places[order]


def _reach(mask: EyeMask, along: FloatArray, within: FloatArray) -> FloatArray:
    """Bound the scale at which a sample lies in the polygon from above, by the box around it."""
    return np.minimum(within / mask.y1, along / mask.x1)


def _scales(mask: EyeMask, along: FloatArray, within: FloatArray) -> FloatArray:
    """Get the largest scale of the mask at which each sample is a hit, in any region."""
    return np.maximum(_inner_scales(mask, along, within), within / -mask.y3)


def _inner_scales(mask: EyeMask, along: FloatArray, within: FloatArray) -> FloatArray:
    """Get the largest scale at which each sample lies in the polygon: the least of its three sides.

    In distances from crossing and level the flat side and the one from (x3, y1) to (x2, y2) scale
    about the origin. That from (x2, y2) to (x1, 1/2) keeps its foot at half the amplitude: where a
    sample lies on it, the scale s solves x1 y2 s^2 - b s + along / 2 = 0.
    """
    flat = within / mask.y1
    dx, dy = mask.x3 - mask.x2, mask.y2 - mask.y1
    shoulder = flat
    if dx > 0 or dy > 0:
        shoulder = (within * dx + along * dy) / (mask.y1 * dx + mask.x3 * dy)
    b = along * mask.y2 + 0.5 * mask.x1 + (mask.x2 - mask.x1) * (0.5 - within)
    root = np.sqrt(np.maximum(b * b - 2.0 * mask.x1 * mask.y2 * along, 0.0))
    return np.asarray(np.minimum(np.minimum(flat, shoulder), along / (b + root)), dtype=np.float64)


def _cluster(places: NDArray[np.intp], placed: _Placed) -> float:
    """Get how many hits come together: the mean, by hits, of hits in one symbol."""
    if not places.size:
        return 1.0
    symbol = np.rint(places / placed.samples_per_symbol - placed.start_ui - 0.5).astype(np.intp)
    _, hits = np.unique(symbol, return_counts=True)
    return float(np.sum(hits**2) / np.sum(hits))


def _counting_error(scales: FloatArray, allowed: int, cluster: float) -> float | None:
    """Get how far the margin moves when one standard deviation more or fewer samples hit."""
    if allowed < _LEAST_FOR_ERROR:
        return None
    apart = math.sqrt(allowed * cluster)
    ranks = np.clip([allowed - apart, allowed + apart], 0.0, scales.size - 1.0)
    fewer, more = np.interp(ranks, np.arange(scales.size), scales)
    return 0.5 * float(fewer - more)
