"""From a stream of bytes to program messages."""

from __future__ import annotations

import re

_QUOTES = (0x22, 0x27)
_HASH = 0x23
_LINE_LIMIT = 1 << 20
_BLOCK_LIMIT = 1 << 24


class Framer:
    """Cuts a stream into messages at terminators, but never inside a block of known length.

    Bare terminators are no message. A terminator inside quotes ends the message all the same: a
    quote that someone forgot must not swallow the rest of the session. No byte is looked at twice,
    however the stream is cut. A message that outgrows its limit (1 MiB of text, 16 MiB with its
    blocks) is thrown away up to its end and counted in `overruns`.
    """

    def __init__(self, ends: bytes) -> None:
        self._ending = ends
        self._ends = frozenset(ends)
        self._mark = re.compile(b"[" + re.escape(ends + b"\"'#") + b"]")
        self._end = re.compile(b"[" + re.escape(ends) + b"]")
        self._buffer = bytearray()
        self._at = 0
        self._quote = 0
        self._blocks = 0
        self._skipping = False
        self.overruns = 0

    @property
    def waiting(self) -> int:
        """Get the number of bytes of the message that is still incomplete."""
        return len(self._buffer)

    def clear(self) -> None:
        """Forget the incomplete message."""
        self._buffer.clear()
        self._restart()
        self._skipping = False

    def _restart(self) -> None:
        self._at = self._quote = self._blocks = 0

    def feed(self, data: bytes, *, end: bool = False) -> list[bytes]:
        """Take bytes and give the messages that they complete; `end` is the bus's END."""
        if not (self._buffer or self._skipping):
            # One whole line without strings and blocks: most of what ever comes.
            line = data.rstrip(self._ending)
            if (end or len(line) < len(data)) and self._mark.search(line) is None:
                line = line.lstrip()
                return [line] if line else []
        self._buffer += data
        messages = []
        while self._buffer:
            if self._skipping and not self._skip(end=end):
                break
            cut = self._find_end(end=end)
            if cut is None:
                self._limit()
                if self._skipping:
                    continue
                break
            # Only at the front: what looks like white space at the end may be the end of a block.
            message = bytes(self._buffer[:cut]).lstrip()
            del self._buffer[: cut + 1]
            self._restart()
            if message:
                messages.append(message)
        return messages

    def _limit(self) -> None:
        size = len(self._buffer)
        if size > _BLOCK_LIMIT or size - self._blocks > _LINE_LIMIT or self._announced() > _BLOCK_LIMIT:
            self.overruns += 1
            self._restart()
            self._skipping = True

    def _announced(self) -> int:
        """Give the length that the block at the present place says it has."""
        digits = self._buffer[self._at + 1 : self._at + 2]
        if self._buffer[self._at : self._at + 1] != b"#" or not digits.isdigit():
            return 0
        length = self._buffer[self._at + 2 : self._at + 2 + int(digits)]
        return int(length) if length.isdigit() else 0

    def _skip(self, *, end: bool) -> bool:
        """Throw away the rest of a message that was too long."""
        found = self._end.search(self._buffer)
        if found is None:
            self._buffer.clear()
            self._skipping = not end
            return False
        del self._buffer[: found.end()]
        self._skipping = False
        return bool(self._buffer)

    def _find_end(self, *, end: bool) -> int | None:
        buffer = self._buffer
        while (found := self._mark.search(buffer, self._at)) is not None:
            at, byte = found.start(), found[0][0]
            if byte in self._ends:
                return at
            self._at = at
            if byte != _HASH:
                self._quote = 0 if byte == self._quote else self._quote or byte
            elif not self._quote:
                skip = block_length(buffer, at)
                if skip is None and not end:
                    return None
                if skip == 0 and end and buffer[at + 1 : at + 2] == b"0":
                    return len(buffer)
                self._blocks += skip or 0
                self._at += skip or 0
            self._at += 1
        self._at = len(buffer)
        return len(buffer) if end else None


def block_length(buffer: bytes | bytearray, at: int) -> int | None:
    """Get the bytes that follow a `#` and belong to its block.

    0 stands for an indefinite block or for no block at all (`#H1F`); None for a definite block that has not
    arrived in full.
    """
    head = bytes(buffer[at + 1 : at + 2])
    if not head:
        return None
    if head not in b"123456789":
        return 0
    digits = int(head)
    length = bytes(buffer[at + 2 : at + 2 + digits])
    if length and not length.isdigit():
        return 0
    if len(length) < digits:
        return None
    total = 1 + digits + int(length)
    return total if at + 1 + total <= len(buffer) else None
