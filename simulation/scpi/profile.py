"""What differs from one make of instrument to the next in the way it talks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """Manners of one model.

    Every byte of `message_ends` ends a message; `answer_end` follows each answer. `real_format` and
    `integer_format` are format specifications; `error_format` takes code and text. `error_details` adds
    what was wrong after the standard's text. `sticky_path` keeps the header path from one line to the
    next (DiCon). An input longer than its buffer whose answers overflow the output buffer deadlocks
    (-430).
    """

    message_ends: bytes = b"\r\n"
    answer_end: bytes = b"\n"
    real_format: str = ".9E"
    integer_format: str = "d"
    error_format: str = '{code},"{text}"'
    error_details: bool = False
    error_capacity: int = 30
    sticky_path: bool = False
    scpi_version: str = "1999.0"
    input_buffer_bytes: int = 65536
    output_buffer_bytes: int = 65536


PLAIN = Profile()
KEYSIGHT_OPTICAL = Profile(real_format="+.9E", integer_format="+d", error_format='{code:+d},"{text}"')
"""The manners of the 8163/N77xx family: signs on all numbers, `+0,"No error"`."""
