"""A wire in place of an instrument: it expects messages in order and gives the answers told."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError

from instruments.session import Session


class Silence:
    """An answer that never comes."""


SILENCE = Silence()


class Again(str):
    """An answer given as often as it is asked for, until another message comes."""


class DroppedLink:
    """A connection that breaks when the answer is read."""


DROPPED = DroppedLink()

OK = '+0,"No error"'
Answer = str | bytes | Silence | DroppedLink | None


class FakeClock:
    """Bench time that moves only when somebody sleeps or waits."""

    def __init__(self) -> None:
        self.time_s = 0.0

    def now(self) -> float:
        return self.time_s

    def sleep(self, seconds: float) -> None:
        self.time_s += seconds

    def utc(self) -> datetime:
        return datetime.fromtimestamp(self.time_s, UTC)


class FakeWire:
    """A VISA resource fed with (sent, answer) pairs; None means that no answer belongs to it.

    Answers get `termination` appended unless they are bytes, which go as they are.
    """

    def __init__(
        self, *pairs: tuple[str, Answer], termination: str = "\n", clock: FakeClock | None = None
    ) -> None:
        self.clock = clock or FakeClock()
        self.pairs = list(pairs)
        self.termination = termination
        self.read_termination: str | None = None
        self.timeout: float = 0.0
        self.timeouts: list[float] = []
        self.sent: list[str] = []
        self.clears = 0
        self.closed = False
        self._out: list[Answer] = []

    def write_raw(self, message: bytes) -> int:
        text = message.decode("ascii")
        assert text.endswith(self.termination), f"{text!r} does not end with {self.termination!r}"
        text = text.removesuffix(self.termination)
        if len(self.pairs) > 1 and isinstance(self.pairs[0][1], Again) and self.pairs[0][0] != text:
            self.pairs.pop(0)
        assert self.pairs, f"unexpected {text!r}"
        expected, answer = self.pairs[0]
        if not isinstance(answer, Again):
            self.pairs.pop(0)
        assert text == expected, f"sent {text!r}, expected {expected!r}"
        self.sent.append(text)
        if answer is not None:
            self._out.append(answer)
        return len(message)

    def read_raw(self, size: int | None = None) -> bytes:
        self.timeouts.append(self.timeout)
        answer = self._out.pop(0) if self._out else SILENCE
        if isinstance(answer, DroppedLink):
            raise VisaIOError(StatusCode.error_connection_lost)
        if isinstance(answer, Silence):
            self.clock.sleep(self.timeout / 1000)
            raise VisaIOError(StatusCode.error_timeout)
        if isinstance(answer, bytes):
            return answer
        assert isinstance(answer, str)
        return (answer + self.termination).encode("ascii")

    def read_bytes(self, count: int, chunk_size: int | None = None) -> bytes:
        assert self.read_termination is None, "a termination character may stand in a block"
        whole = self.read_raw()
        if len(whole) > count:
            self._out.insert(0, whole[count:])
        return whole[:count]

    def clear(self) -> None:
        self.clears += 1

    def close(self) -> None:
        self.closed = True

    def finish(self) -> None:
        """See that everything expected was sent and every answer read."""
        assert self.pairs == []
        assert self._out == []


def block(values: list[float] | np.ndarray, dtype: str, *, end: bytes = b"\n") -> bytes:
    """Write a definite-length block."""
    data = np.asarray(values, dtype).tobytes()
    digits = str(len(data))
    return f"#{len(digits)}{digits}".encode() + data + end


CHECKED: tuple[str, Answer] = (":SYST:ERR?", OK)


def settings(*commands: str) -> tuple[str, Answer]:
    """Expect settings joined with the error query and accepted."""
    return (";".join([*commands, ":SYST:ERR?"]), OK)


def opened(driver_class: type, *pairs: tuple[str, Answer], idn: str, opening: tuple = (), **more):
    """Open a driver on a fake wire; the pairs that follow the opening are left to the test."""
    wire = FakeWire(("*IDN?", idn), *opening, *pairs, termination=more.pop("termination", "\n"))
    stream = more.pop("stream", False)
    profile = driver_class.profile
    session = Session(
        wire, name="bench", model=driver_class.model, clock=wire.clock, profile=profile, stream=stream
    )
    return driver_class(session, options=more.pop("options", {})).open(**more), wire
