"""The messages of HiSLIP: 16 bytes of header and a payload (IVI-6.1, 2.4 and table 4)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

_HEADER = struct.Struct(">2sBBIQ")
HEADER_BYTES = _HEADER.size
FIRST_MESSAGE_ID = 0xFFFF_FF00


class Kind(IntEnum):
    """The message types of protocol version 1.0."""

    INITIALIZE = 0
    INITIALIZE_RESPONSE = 1
    FATAL_ERROR = 2
    ERROR = 3
    ASYNC_LOCK = 4
    ASYNC_LOCK_RESPONSE = 5
    DATA = 6
    DATA_END = 7
    DEVICE_CLEAR_COMPLETE = 8
    DEVICE_CLEAR_ACKNOWLEDGE = 9
    ASYNC_REMOTE_LOCAL_CONTROL = 10
    ASYNC_REMOTE_LOCAL_RESPONSE = 11
    TRIGGER = 12
    INTERRUPTED = 13
    ASYNC_INTERRUPTED = 14
    ASYNC_MAXIMUM_MESSAGE_SIZE = 15
    ASYNC_MAXIMUM_MESSAGE_SIZE_RESPONSE = 16
    ASYNC_INITIALIZE = 17
    ASYNC_INITIALIZE_RESPONSE = 18
    ASYNC_DEVICE_CLEAR = 19
    ASYNC_SERVICE_REQUEST = 20
    ASYNC_STATUS_QUERY = 21
    ASYNC_STATUS_RESPONSE = 22
    ASYNC_DEVICE_CLEAR_ACKNOWLEDGE = 23
    ASYNC_LOCK_INFO = 24
    ASYNC_LOCK_INFO_RESPONSE = 25


class Fatal(IntEnum):
    """What ends a session (table 14)."""

    UNIDENTIFIED = 0
    POORLY_FORMED_HEADER = 1
    CHANNELS_NOT_ESTABLISHED = 2
    INVALID_INITIALIZATION = 3
    TOO_MANY_CLIENTS = 4


class Slip(IntEnum):
    """What a session survives (table 16)."""

    UNIDENTIFIED = 0
    UNRECOGNIZED_TYPE = 1
    UNRECOGNIZED_CONTROL_CODE = 2
    UNRECOGNIZED_VENDOR_MESSAGE = 3
    MESSAGE_TOO_LARGE = 4


class BrokenHeader(Exception):
    """Bytes that begin no message."""


@dataclass(frozen=True, slots=True)
class Header:
    """A header as received; `kind` is a number that need not be a Kind."""

    kind: int
    control: int
    parameter: int
    length: int

    @staticmethod
    def read(data: bytes | bytearray) -> Header:
        """Read the first 16 bytes; raise BrokenHeader where they do not begin with "HS"."""
        prologue, kind, control, parameter, length = _HEADER.unpack_from(data)
        if prologue != b"HS":
            raise BrokenHeader
        return Header(kind, control, parameter, length)


def head(kind: Kind, control: int = 0, parameter: int = 0, length: int = 0) -> bytes:
    """Write a header."""
    return _HEADER.pack(b"HS", kind, control, parameter & 0xFFFF_FFFF, length)


def message(kind: Kind, control: int = 0, parameter: int = 0, payload: bytes = b"") -> bytes:
    """Write a whole message."""
    return head(kind, control, parameter, len(payload)) + payload
