"""ONC remote procedure calls over TCP: records, XDR values, calls and replies (RFC 5531, RFC 4506)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_WORD = struct.Struct(">I")
_LAST = 0x8000_0000
_CALL, _REPLY = 0, 1
_RPC_VERSION = 2
_LONGEST_AUTHENTICATION = 400  # RFC 5531, 8.2

SUCCESS, PROGRAM_UNAVAILABLE, PROGRAM_MISMATCH, PROCEDURE_UNAVAILABLE, GARBAGE_ARGUMENTS = range(5)


class Garbage(Exception):
    """Bytes that are no value of the kind that is asked for."""


class Records:
    """Puts records together from their fragments; raise Garbage beyond `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._record = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes, cut anywhere, and give the records that they complete."""
        self._buffer += data
        records = []
        while len(self._buffer) >= 4:
            (mark,) = _WORD.unpack_from(self._buffer)
            length = mark & ~_LAST
            if len(self._record) + length > self._limit:
                raise Garbage(f"a record of more than {self._limit} bytes")
            if len(self._buffer) < 4 + length:
                break
            self._record += memoryview(self._buffer)[4 : 4 + length]
            del self._buffer[: 4 + length]
            if mark & _LAST:
                records.append(bytes(self._record))
                self._record.clear()
        return records


def record(data: bytes) -> bytes:
    """Write a record of one fragment."""
    return _WORD.pack(_LAST | len(data)) + data


class Reader:
    """Reads XDR values in order; each raises Garbage where the bytes end too soon."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def unsigned(self) -> int:
        """Read an unsigned integer, an enumeration or a boolean."""
        if self._at + 4 > len(self._data):
            raise Garbage("too few bytes for an integer")
        (value,) = _WORD.unpack_from(self._data, self._at)
        self._at += 4
        return int(value)

    def signed(self) -> int:
        """Read a signed integer."""
        value = self.unsigned()
        return value - (1 << 32) if value & _LAST else value

    def opaque(self, limit: int) -> bytes:
        """Read bytes that carry their length."""
        length = self.unsigned()
        if length > limit or self._at + length > len(self._data):
            raise Garbage(f"{length} bytes are announced")
        value = self._data[self._at : self._at + length]
        self._at += length + -length % 4
        return value


def unsigned(*values: int) -> bytes:
    """Write integers."""
    return b"".join(_WORD.pack(value & 0xFFFF_FFFF) for value in values)


def opaque(data: bytes | memoryview) -> bytes:
    """Write bytes with their length."""
    return b"".join((_WORD.pack(len(data)), data, bytes(-len(data) % 4)))


@dataclass(frozen=True, slots=True)
class Call:
    """A call; `arguments` stand behind it."""

    number: int
    version: int
    program: int
    program_version: int
    procedure: int
    arguments: Reader

    @staticmethod
    def read(data: bytes) -> Call:
        """Read a record; raise Garbage where it is no call."""
        reader = Reader(data)
        number, kind, version = reader.unsigned(), reader.unsigned(), reader.unsigned()
        if kind != _CALL:
            raise Garbage("no call")
        program, program_version, procedure = reader.unsigned(), reader.unsigned(), reader.unsigned()
        for _ in range(2):  # credentials and verifier: everybody is let in
            reader.unsigned()
            reader.opaque(_LONGEST_AUTHENTICATION)
        return Call(number, version, program, program_version, procedure, reader)

    @property
    def speaks_rpc(self) -> bool:
        """Get whether the call is of the RPC version that there is."""
        return self.version == _RPC_VERSION


def reply(number: int, state: int = SUCCESS, results: bytes = b"") -> bytes:
    """Write the record of an accepted call's reply."""
    return record(unsigned(number, _REPLY, 0, 0, 0, state) + results)


def denial(number: int) -> bytes:
    """Write the reply to a call of another RPC version."""
    return record(unsigned(number, _REPLY, 1, 0, _RPC_VERSION, _RPC_VERSION))


def call(number: int, program: int, version: int, procedure: int, arguments: bytes) -> bytes:
    """Write the record of a call without credentials."""
    return record(unsigned(number, _CALL, _RPC_VERSION, program, version, procedure, 0, 0, 0, 0) + arguments)
