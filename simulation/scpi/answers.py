"""What a handler may give back, and how it is written on the wire."""

from __future__ import annotations

import math
from dataclasses import dataclass

from simulation.scpi.profile import Profile

NOT_A_NUMBER = "9.91E+37"  # SCPI-99 volume 1, 7.2.1.5
INFINITE = "9.9E+37"


@dataclass(frozen=True, slots=True)
class Quoted:
    """A string answer, sent in double quotes."""

    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """Bytes, sent as a block of definite length, or of indefinite length (`#0…`) as last answer."""

    data: bytes
    indefinite: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    """An answer that the instrument needs time for; until then it does nothing else.

    `answer` may be a callable without arguments, asked when the time has come. Its device then sees the
    end of the measurement; a value given at once stands for the start.
    """

    seconds: float
    answer: object


@dataclass(frozen=True, slots=True)
class WhenIdle:
    """An answer that waits until no overlapped operation is running; None is no answer (`*WAI`)."""

    answer: object


Answer = object
"""None, bool, int, float, str (sent as it stands), bytes, Quoted, Block, a list of these, or a wait."""


def write(value: object, profile: Profile) -> bytes:
    """Write a value as response data."""
    if isinstance(value, str):
        return value.encode("latin-1")
    if isinstance(value, bool):
        return b"1" if value else b"0"
    if isinstance(value, float):
        return _real(float(value), profile).encode("ascii")
    if isinstance(value, int):
        return format(value, profile.integer_format).encode("ascii")
    return _compound(value, profile)


def _real(value: float, profile: Profile) -> str:
    if math.isnan(value):
        return NOT_A_NUMBER
    if math.isinf(value):
        return INFINITE if value > 0 else "-" + INFINITE
    return format(value, profile.real_format)


def _compound(value: object, profile: Profile) -> bytes:
    if isinstance(value, Quoted):
        return ('"' + value.text.replace('"', '""') + '"').encode("latin-1")
    if isinstance(value, Block):
        return block(value)
    if isinstance(value, bytes):
        return value
    if isinstance(value, (list, tuple)):
        return b",".join(write(part, profile) for part in value)
    raise TypeError(f"a handler gave {value!r}, which cannot be sent")


def block(value: Block) -> bytes:
    """Write a block with its head."""
    if value.indefinite:
        return b"#0" + value.data
    length = str(len(value.data)).encode("ascii")
    return b"#%d" % len(length) + length + value.data


def resolve(answer: object) -> object:
    """Ask a postponed answer for its value."""
    return answer() if callable(answer) else answer
