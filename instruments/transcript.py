"""The last exchanges with one instrument, always on: what a failed step shows."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

_SHOWN_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Exchange:
    """One message on the wire: bench time in seconds, ">>" sent or "<<" received, its text."""

    time_s: float
    instrument: str
    direction: str
    text: str

    def __str__(self) -> str:
        return f"{self.time_s:12.6f} {self.instrument} {self.direction} {self.text}"


def abbreviated(data: bytes) -> str:
    """Write a message as text fit for one line; blocks and long answers are cut with their size."""
    if data[:1] == b"#" or len(data) > _SHOWN_CHARACTERS:
        return f"{_printable(data[:24])}… ({len(data)} bytes)"
    return _printable(data)


def _printable(data: bytes) -> str:
    """Write bytes as ASCII with everything else escaped."""
    return data.decode("latin-1").encode("unicode_escape").decode("ascii")


class Transcript:
    """A ring of exchanges."""

    def __init__(self, instrument: str, *, length: int = 256) -> None:
        self._instrument = instrument
        self._ring: deque[Exchange] = deque(maxlen=length)

    def note(self, time_s: float, direction: str, data: bytes | str) -> None:
        """Keep one exchange."""
        text = data if isinstance(data, str) else abbreviated(data)
        self._ring.append(Exchange(time_s, self._instrument, direction, text))

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Get what is kept, oldest first."""
        return tuple(self._ring)

    def lines(self, last: int = 20) -> tuple[str, ...]:
        """Write the last exchanges, ready to print."""
        return tuple(str(exchange) for exchange in self.exchanges[-last:])
