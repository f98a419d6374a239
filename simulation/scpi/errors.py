"""SCPI errors by number, and the queue that keeps them until they are read."""

from __future__ import annotations

from collections import deque

STANDARD_TEXTS = {
    # SCPI-99 volume 2, 21.8.
    0: "No error",
    -100: "Command error",
    -101: "Invalid character",
    -102: "Syntax error",
    -103: "Invalid separator",
    -104: "Data type error",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -110: "Command header error",
    -111: "Header separator error",
    -112: "Program mnemonic too long",
    -113: "Undefined header",
    -114: "Header suffix out of range",
    -120: "Numeric data error",
    -121: "Invalid character in number",
    -123: "Exponent too large",
    -124: "Too many digits",
    -128: "Numeric data not allowed",
    -130: "Suffix error",
    -131: "Invalid suffix",
    -138: "Suffix not allowed",
    -140: "Character data error",
    -141: "Invalid character data",
    -148: "Character data not allowed",
    -150: "String data error",
    -151: "Invalid string data",
    -158: "String data not allowed",
    -160: "Block data error",
    -161: "Invalid block data",
    -168: "Block data not allowed",
    -170: "Expression error",
    -171: "Invalid expression",
    -178: "Expression data not allowed",
    -200: "Execution error",
    -211: "Trigger ignored",
    -213: "Init ignored",
    -220: "Parameter error",
    -221: "Settings conflict",
    -222: "Data out of range",
    -223: "Too much data",
    -224: "Illegal parameter value",
    -230: "Data corrupt or stale",
    -231: "Data questionable",
    -240: "Hardware error",
    -241: "Hardware missing",
    -261: "Math error in expression",
    -300: "Device-specific error",
    -310: "System error",
    -330: "Self-test failed",
    -350: "Queue overflow",
    -363: "Input buffer overrun",
    -400: "Query error",
    -410: "Query INTERRUPTED",
    -420: "Query UNTERMINATED",
    -430: "Query DEADLOCKED",
    -440: "Query UNTERMINATED after indefinite response",
}


class ScpiError(Exception):
    """An error that goes into the instrument's queue, never through the wire as an exception.

    `detail` is what an instrument may add after a semicolon; `text` replaces the standard's text
    for numbers of a vendor's own.
    """

    def __init__(self, code: int, detail: str = "", *, text: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.text = text or STANDARD_TEXTS.get(code, "Device-specific error")

    def renewed(self) -> ScpiError:
        """Give an equal error without the traceback that this one has gathered."""
        return ScpiError(self.code, self.detail, text=self.text)


def event_bit(code: int) -> int:
    """Get the bit of the standard event register that an error of this number sets."""
    if -200 < code <= -100:
        return 0x20  # CME
    if -300 < code <= -200:
        return 0x10  # EXE
    if -500 < code <= -400:
        return 0x04  # QYE
    return 0x08  # DDE; a vendor's positive numbers too


class ErrorQueue:
    """Errors, first in first out; when it is full the last entry becomes -350."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._entries: deque[ScpiError] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    def push(self, error: ScpiError) -> None:
        """Add an error."""
        if len(self._entries) < self._capacity:
            self._entries.append(error)
        else:
            self._entries[-1] = ScpiError(-350)

    def pop(self) -> ScpiError:
        """Take the oldest error, or error 0."""
        return self._entries.popleft() if self._entries else ScpiError(0)

    def clear(self) -> None:
        """Forget all errors."""
        self._entries.clear()
