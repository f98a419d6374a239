"""What two readings of a hardware counter tell: counters saturate, wrap, and are reset by others."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from measurements.ber import ErrorRatio
from measurements.quantity import Bound


class CounterError(ValueError):
    """A reading that the counter cannot give."""


class CounterReset(CounterError):
    """A counter that went backwards although it only counts up: something reset it between the readings."""


class AtTheTop(StrEnum):
    """What a counter does when it is full."""

    SATURATES = "saturates"
    WRAPS = "wraps"


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter of so many bits; `clears_on_read` ones start at zero after each reading."""

    name: str
    width_bits: int
    at_the_top: AtTheTop
    clears_on_read: bool = False

    def __post_init__(self) -> None:
        if self.width_bits < 1:
            raise CounterError(f"counter {self.name!r} of {self.width_bits} bits counts nothing")

    @property
    def full(self) -> int:
        """Get the largest reading."""
        return (1 << self.width_bits) - 1


@dataclass(frozen=True, slots=True)
class Counted:
    """Events between two readings; a LOWER bound when the counter was full."""

    events: int
    bound: Bound


def difference(counter: Counter, before: int, after: int) -> Counted:
    """Get the events between two readings of one counter.

    A saturated reading bounds them from below. A wrapping counter is taken to have wrapped once at
    most: read it before it can fill. Raise CounterReset where a counter that does not wrap has gone
    backwards, CounterError for a reading beyond its width.
    """
    for reading in (before, after):
        if not 0 <= reading <= counter.full:
            raise CounterError(
                f"counter {counter.name!r} of {counter.width_bits} bits read {reading};"
                " check its width and the order of its bytes"
            )
    saturates = counter.at_the_top is AtTheTop.SATURATES
    if counter.clears_on_read:
        return Counted(after, Bound.LOWER if saturates and after == counter.full else Bound.EXACT)
    if after < before and saturates:
        raise CounterReset(
            f"counter {counter.name!r} went back from {before} to {after}: it was reset between the readings;"
            " find who reads or resets it, and count again"
        )
    if saturates and after == counter.full:
        return Counted(after - before, Bound.LOWER)
    return Counted((after - before) % (counter.full + 1), Bound.EXACT)


def seconds_to_fill(counter: Counter, events_per_second: float) -> float:
    """Get how long a counter takes from zero until it is full: read a wrapping one well before that."""
    if not events_per_second > 0:
        raise CounterError(f"counter {counter.name!r} at {events_per_second} events a second never fills")
    return counter.full / events_per_second


def error_ratio(bits: Counted, errors: Counted) -> tuple[ErrorRatio, Bound]:
    """Get the error ratio of two counters read together, and how it stands to the truth.

    Errors from a full counter make it a LOWER bound, bits from one an UPPER bound. Raise
    CounterError when both were full: nothing is known then.
    """
    if bits.bound is not Bound.EXACT and errors.bound is not Bound.EXACT:
        raise CounterError("bit counter and error counter were both full: count for a shorter time")
    ratio = ErrorRatio(bits.events, errors.events)
    if errors.bound is not Bound.EXACT:
        return ratio, Bound.LOWER
    return ratio, Bound.UPPER if bits.bound is not Bound.EXACT else Bound.EXACT
