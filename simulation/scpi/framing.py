"""From a stream of bytes to program messages."""

from __future__ import annotations

_QUOTES = (0x22, 0x27)
_HASH = 0x23


class Framer:
    """Cuts a stream into messages at terminators, but never inside a block of known length.

    Bare terminators are no message. A terminator inside quotes ends the message all the same: a
    quote that someone forgot must not swallow the rest of the session.
    """

    def __init__(self, ends: bytes) -> None:
        self._ends = frozenset(ends)
        self._buffer = bytearray()

    @property
    def waiting(self) -> int:
        """Get the number of bytes of the message that is still incomplete."""
        return len(self._buffer)

    def clear(self) -> None:
        """Forget the incomplete message."""
        self._buffer.clear()

    def feed(self, data: bytes, *, end: bool = False) -> list[bytes]:
        """Take bytes and give the messages that they complete; `end` is the bus's END."""
        self._buffer += data
        messages = []
        while self._buffer:
            cut = self._find_end(end=end)
            if cut is None:
                break
            # Only at the front: what looks like white space at the end may be the end of a block.
            message = bytes(self._buffer[:cut]).lstrip()
            del self._buffer[: cut + 1]
            if message:
                messages.append(message)
        return messages

    def _find_end(self, *, end: bool) -> int | None:
        buffer = self._buffer
        if _HASH not in buffer:
            found = [at for at in map(buffer.find, self._ends) if at >= 0]
            return min(found) if found else (len(buffer) if end else None)
        return self._scan(end=end)

    def _scan(self, *, end: bool) -> int | None:
        buffer, at, quote = self._buffer, 0, 0
        while at < len(buffer):
            byte = buffer[at]
            if byte in self._ends:
                return at
            if quote:
                quote = 0 if byte == quote else quote
            elif byte in _QUOTES:
                quote = byte
            elif byte == _HASH:
                skip = block_length(buffer, at)
                if skip is None and not end:
                    return None
                if skip == 0 and end:
                    return len(buffer)
                at += skip or 0
            at += 1
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
