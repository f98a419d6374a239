"""Which lane a capture carries: swapped, inverted and bit-swapped lanes, told by what they send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from measurements.patterns import PatternError, Symbols
from measurements.units import FloatArray

FOUND = 0.5
"""A lane with another pattern correlates at about 4/sqrt(symbols), one that is only bad still above 0.5."""


class Fault(StrEnum):
    """What is wrong with a lane's symbols, beside their place."""

    NONE = "as sent"
    INVERTED = "inverted"
    BITS_SWAPPED = "the two bits of each symbol swapped"
    BOTH = "inverted, and the two bits of each symbol swapped"


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """What a lane should carry: one period of its pattern, and the symbol that it is ahead by at one instant.

    Lanes that carry one pattern are told apart by `ahead`: give them at least 31 symbols between them.
    """

    pattern: Symbols
    ahead: int = 0


@dataclass(frozen=True, slots=True)
class LaneFound:
    """One capture: the lane that it carries (1 for the first, None for none of them), and how."""

    capture: int
    lane: int | None
    fault: Fault
    correlation: float

    @property
    def right(self) -> bool:
        """Get whether the capture carries its own lane, as sent."""
        return self.lane == self.capture and self.fault is Fault.NONE


@dataclass(frozen=True, slots=True, eq=False)
class LaneOrder:
    """All captures, with the best correlation of each (row) with each lane's pattern (column)."""

    lanes: tuple[LaneFound, ...]
    correlations: FloatArray

    @property
    def right(self) -> bool:
        """Get whether every capture carries its own lane, as sent."""
        return all(lane.right for lane in self.lanes)

    @property
    def sentence(self) -> str:
        """Say what to do, for a technician."""
        if self.right:
            return "every lane carries what it should"
        said = []
        for one in self.lanes:
            if one.lane is None:
                said.append(f"capture {one.capture} carries none of the lanes' patterns")
            elif one.lane != one.capture:
                said.append(f"capture {one.capture} carries lane {one.lane}")
            if one.fault is not Fault.NONE:
                said.append(
                    f"capture {one.capture} is {one.fault}"
                    if one.fault is Fault.INVERTED
                    else f"capture {one.capture} has {one.fault}"
                )
        carried = [one.lane for one in self.lanes if one.lane is not None]
        twice = sorted({lane for lane in carried if carried.count(lane) > 1})
        said += [f"lane {lane} is seen more than once" for lane in twice]
        return "; ".join(said)


def lane_order(
    captures: Sequence[NDArray[np.floating] | Symbols], expected: Sequence[Expected], *, skew: int = 2
) -> LaneOrder:
    """Find which lane each capture carries, of either polarity and bit order.

    A capture is one value a symbol, decided or not, all taken at the same instants; a few hundred
    symbols do. Lanes of one pattern are told apart by how far each is ahead, to `skew` symbols.
    Captures and lanes are numbered from 1 in the order given. Raise PatternError for captures of
    unequal length, fewer than 64 symbols, values that are not finite, or no lanes.
    """
    _check(captures, expected)
    places = [[_best(values, lane.pattern) for lane in expected] for values in captures]
    start = _common_start(places, expected, skew)
    found, correlations = [], np.zeros((len(captures), len(expected)))
    for i, row in enumerate(places):
        correlations[i] = [one.correlation for one in row]
        lane = _lane_of(row, expected, start, skew)
        fault = row[lane].fault if lane is not None else Fault.NONE
        best = float(correlations[i].max()) if lane is None else row[lane].correlation
        found.append(LaneFound(i + 1, None if lane is None else lane + 1, fault, best))
    correlations.setflags(write=False)
    return LaneOrder(tuple(found), correlations)


@dataclass(frozen=True, slots=True)
class _Place:
    rotation: int
    correlation: float
    fault: Fault


def _best(values: NDArray[np.floating] | Symbols, pattern: Symbols) -> _Place:
    """Find a pattern in a stretch, as sent and in every way that it can be wrong."""
    variants = [(pattern, Fault.NONE, Fault.INVERTED)]
    if int(pattern.max()) > 1:
        # Gray code 00 01 11 10: swapping the bits exchanges symbols 1 and 3.
        swapped = np.array([0, 3, 2, 1], dtype=np.uint8)[pattern]
        variants.append((swapped, Fault.BITS_SWAPPED, Fault.BOTH))
    found = []
    for sent, upright, inverted in variants:
        correlation = _correlate(values, sent)
        top = int(np.argmax(np.abs(correlation)))
        value = float(correlation[top])
        found.append(_Place(top, abs(value), upright if value > 0 else inverted))
    return max(found, key=lambda place: place.correlation)


def _correlate(values: NDArray[np.floating] | Symbols, pattern: Symbols) -> FloatArray:
    """Correlate a stretch with a pattern at each of its symbols, normalised to +-1."""
    count, length = values.size, pattern.size
    stretch = np.asarray(values, dtype=np.float64) - np.mean(values)
    sent = (pattern - np.mean(pattern))[np.arange(length + count - 1) % length]
    size = length + count - 1
    product = np.conj(np.fft.rfft(stretch, size)) * np.fft.rfft(sent, size)
    scale = float(np.linalg.norm(stretch)) * np.sqrt(count) * float(np.std(pattern))
    return np.asarray(np.fft.irfft(product, size)[:length] / scale) if scale > 0 else np.zeros(length)


def _common_start(places: list[list[_Place]], expected: Sequence[Expected], skew: int) -> dict[int, int]:
    """Find, for each pattern that several lanes carry, the instant that explains most captures."""
    starts = {}
    for group in _groups(expected):
        length = expected[group[0]].pattern.size
        votes = [
            (row[lane].rotation - expected[lane].ahead) % length
            for row in places
            for lane in group
            if row[lane].correlation >= FOUND
        ]
        if votes:
            starts[group[0]] = max(
                votes, key=lambda vote: sum(_near(vote, one, length, skew) for one in votes)
            )
    return starts


def _lane_of(
    row: list[_Place], expected: Sequence[Expected], starts: dict[int, int], skew: int
) -> int | None:
    """Choose the lane that a capture carries: by its pattern, then by how far it is ahead."""
    best = int(np.argmax([place.correlation for place in row]))
    if row[best].correlation < FOUND:
        return None
    group = next(group for group in _groups(expected) if best in group)
    if len(group) == 1:
        return best
    length = expected[best].pattern.size
    for lane in group:
        due = (starts[group[0]] + expected[lane].ahead) % length
        if _near(row[lane].rotation, due, length, skew):
            return lane
    return None


def _groups(expected: Sequence[Expected]) -> list[list[int]]:
    """Group lanes by the pattern that they carry."""
    groups: list[list[int]] = []
    for i, lane in enumerate(expected):
        for group in groups:
            if np.array_equal(expected[group[0]].pattern, lane.pattern):
                group.append(i)
                break
        else:
            groups.append([i])
    return groups


def _near(first: int, second: int, length: int, skew: int) -> bool:
    apart = (first - second) % length
    return min(apart, length - apart) <= skew


def _check(captures: Sequence[NDArray[np.floating] | Symbols], expected: Sequence[Expected]) -> None:
    sizes = {values.size for values in captures}
    if not captures or not expected or len(sizes) > 1 or min(sizes) < 64:
        raise PatternError(
            f"{len(captures)} captures of {sorted(sizes)} symbols for {len(expected)} lanes:"
            " give one value a symbol, at least 64, as many of each lane"
        )
    if not all(values.ndim == 1 and np.isfinite(values).all() for values in captures):
        raise PatternError("a capture has values that are not finite, or more than one dimension")
