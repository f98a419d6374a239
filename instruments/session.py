"""One conversation with one instrument: locked, timed, written down, with typed errors.

A transaction (a message and its answer) holds the lock, because VISA libraries do not. A driver
puts each public method into `with session.operation("read power"):`, which holds the lock for the
whole method and reads the error queue once at its end. After an answer that did not come, or was
left half read, the session brings both sides back into step before it sends anything else.
"""

from __future__ import annotations

import contextlib
import math
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from instruments.clock import Clock
from instruments.errors import GarbledAnswer, InstrumentError, InstrumentRefused, InstrumentTimeout
from instruments.link import Link
from instruments.profile import ErrorQueue, ErrorRegister, Profile
from instruments.transcript import Transcript
from instruments.wire import WireResource

_MOST_ERRORS_READ = 32


class Session:
    """A session with the instrument behind one VISA resource.

    `name` is that of the station file. `stream` tells that the transport has no end-of-message
    mark (raw socket, serial line). `abort` is called before each exchange and raises when the
    run must stop.
    """

    def __init__(
        self,
        resource: WireResource,
        *,
        name: str,
        model: str,
        clock: Clock,
        profile: Profile | None = None,
        stream: bool = False,
        abort: Callable[[], None] | None = None,
    ) -> None:
        self.profile = profile or Profile()
        self.clock = clock
        self.abort = abort
        self._link = Link(resource, name=name, model=model, clock=clock, profile=self.profile, stream=stream)
        self._lock = threading.RLock()
        self._depth = 0
        self._shields = 0
        self._unchecked = False

    @property
    def name(self) -> str:
        """Get the instrument's name in the station file."""
        return self._link.name

    @property
    def title(self) -> str:
        """Get the instrument as an error message names it."""
        return self._link.title

    @property
    def stream(self) -> bool:
        """Get whether the transport has no end-of-message mark."""
        return self._link.stream

    @property
    def transcript(self) -> Transcript:
        """Get the last exchanges."""
        return self._link.transcript

    @contextlib.contextmanager
    def operation(self, context: str) -> Iterator[None]:
        """Hold the session for one task of a technician and check for errors at its end.

        Errors that an earlier, broken-off operation left behind are not blamed on this one.
        """
        with self._lock:
            if self._depth == 0 and self._unchecked:
                self._read_errors(None)
                self._unchecked = False
            self._depth += 1
            try:
                yield
                if self._depth == 1 and self._unchecked:
                    self.check_errors(context)
            except InstrumentTimeout as error:
                if self._depth == 1:
                    self._raise_refusal_behind(error, context)
                raise
            finally:
                self._depth -= 1

    @contextlib.contextmanager
    def shielded(self) -> Iterator[None]:
        """Keep the abort hook out of the way while the instrument is made safe."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1

    def write(self, *commands: str) -> None:
        """Send commands that have no answer; errors are read when the operation ends."""
        with self._lock:
            self._prepare()
            for message in [";".join(commands)] if self.profile.joins else commands:
                self._link.send(message)

    def set(self, *commands: str) -> None:
        """Send settings and see at once that none was refused, before anything relies on them."""
        context = f"accept {'; '.join(commands)}"
        joined = self.profile.joined_error_query
        with self._lock:
            if joined is None:
                self.write(*commands)
                self.check_errors(context)
            else:
                self.check_errors(context, first=self.query(";".join([*commands, joined])))

    def query(self, command: str, *, operation_s: float = 0.0, shown: str | None = None) -> str:
        """Ask and return the answer without its terminator.

        `operation_s` is how long the instrument rightly works before it answers (averaging,
        sweep, gate); the timeout is that plus the model's margin. `shown` stands for a secret in
        transcript and errors.
        """
        with self._lock:
            self._prepare()
            self._link.send(command, shown=shown)
            return self._link.read_text(shown or command, operation_s)

    def query_float(self, command: str, *, operation_s: float = 0.0) -> float:
        """Ask for one number."""
        return self.query_floats(command, count=1, operation_s=operation_s)[0]

    def query_floats(
        self, command: str, *, count: int | None = None, operation_s: float = 0.0
    ) -> tuple[float, ...]:
        """Ask for numbers separated by commas."""
        answer = self.query(command, operation_s=operation_s)
        try:
            values = tuple(float(word) for word in answer.split(","))
        except ValueError as error:
            raise self.garbled(command, answer, "numbers") from error
        if (count is not None and len(values) != count) or any(math.isnan(value) for value in values):
            raise self.garbled(command, answer, f"{count or 'some'} number(s)")
        return values

    def query_int(self, command: str, *, operation_s: float = 0.0) -> int:
        """Ask for one whole number."""
        value = self.query_float(command, operation_s=operation_s)
        if not value.is_integer():
            raise self.garbled(command, f"{value:g}", "a whole number")
        return int(value)

    def query_block(self, command: str, dtype: str, *, operation_s: float = 0.0) -> NDArray[Any]:
        """Ask for a definite-length block; return it as a read-only array of `dtype` ("<f4")."""
        with self._lock:
            self._prepare()
            self._link.send(command)
            raw, start, count = self._link.read_block(command, operation_s)
        item = np.dtype(dtype)
        if count % item.itemsize:
            raise self.garbled(command, raw[:start].decode("ascii"), f"a whole number of {item.name}")
        return np.frombuffer(raw, item, count // item.itemsize, start)

    def wait_complete(self, operation_s: float) -> None:
        """Wait until all pending operations are done.

        *OPC? is answered with 1 once they are (IEEE 488.2 clause 10.19), except by the N77xx:
        they say 0 at once while they are not (N77xx Series Programming Guide, p. 40).
        """

        def is_complete(answer: str) -> bool:
            if answer.lstrip("+") not in {"0", "1"}:
                raise self.garbled("*OPC?", answer, "0 or 1")
            return answer.endswith("1")

        self.poll("*OPC?", is_complete, within_s=operation_s, operation_s=operation_s)

    def poll(
        self,
        command: str,
        done: Callable[[str], bool],
        *,
        within_s: float,
        interval_s: float = 0.1,
        operation_s: float = 0.0,
    ) -> str:
        """Ask again and again until `done` likes the answer; return that answer.

        `operation_s` is how long the instrument may hold back one answer.
        """
        started_s = self.clock.now()
        while True:
            answer = self.query(command, operation_s=operation_s)
            if done(answer):
                return answer
            if self.clock.now() - started_s >= within_s:
                raise InstrumentTimeout(
                    f"{self.title} is still busy after {within_s:g} s: {command!r} says {answer!r}",
                    **self._link.evidence(command, "wait for it or switch it off and on, then run again"),
                )
            self.clock.sleep(interval_s)

    def check_errors(self, context: str, *, first: str | None = None) -> None:
        """Read the model's error reports until they are empty and raise what was found.

        `first` is an answer of the error queue that was already read with a joined message.
        """
        with self._lock:
            command = self._link.last_sent  # the newest suspect; the transcript has the others
            found = self._read_errors(first)
            self._unchecked = False
        if found:
            flood = " and more" if len(found) >= _MOST_ERRORS_READ else ""
            raise InstrumentRefused(
                f"{self.title} refused to {context}: {'; '.join(found[:4])}{flood}",
                **self._link.evidence(command, "see what its manual says of this error, then run again"),
            )

    def clear(self) -> None:
        """Empty the buffers on both sides and bring them back into step."""
        with self._lock:
            self._link.clear()

    def close(self) -> None:
        """Close the connection; nothing is sent."""
        with self._lock:
            self._link.close()

    def remember_identity(self, answer: str, serial: str) -> None:
        """Keep what *IDN? answers: it is how the session knows that it is in step again."""
        self._link.remember_identity(answer, serial)

    def garbled(self, command: str, answer: str, expected: str) -> GarbledAnswer:
        """Make the error for an answer that is not what the command gives."""
        return self._link.garbled(command, answer, expected)

    def error(
        self,
        message: str,
        *,
        kind: type[InstrumentError] = InstrumentError,
        command: str = "",
        remedy: str = "",
    ) -> InstrumentError:
        """Make an error of this instrument; `message` goes on after its name."""
        return kind(f"{self.title} {message}", **self._link.evidence(command, remedy))

    def _prepare(self) -> None:
        """Let the run stop here, and get back into step after an answer that never came."""
        if self.abort is not None and self._shields == 0:
            self.abort()
        self._unchecked = True
        if not self._link.in_step:
            self._link.clear()

    def _read_errors(self, first: str | None) -> list[str]:
        found: list[str] = []
        for source in self.profile.errors:
            if isinstance(source, ErrorQueue):
                found += self._drain(source, first)
            else:
                found += self._read_register(source)
        return found

    def _drain(self, queue: ErrorQueue, first: str | None) -> list[str]:
        found: list[str] = []
        answer = first
        while len(found) < _MOST_ERRORS_READ:
            answer = self.query(queue.query) if answer is None else answer
            if self._error_code(queue.query, answer) == 0:
                break
            found.append(answer)
            answer = None
        return found

    def _read_register(self, register: ErrorRegister) -> list[str]:
        found = register.errors(self._error_code(register.query, self.query(register.query)))
        if found and register.clear is not None:
            self.write(register.clear)
        return list(found)

    def _error_code(self, query: str, answer: str) -> int:
        match = re.match(r'["\']?\s*([+-]?\d+)', answer)
        if match is None:
            raise self.garbled(query, answer, "an error number")
        return int(match[1])

    def _raise_refusal_behind(self, error: InstrumentTimeout, context: str) -> None:
        """Look whether no answer came because the instrument had refused the question."""
        try:
            with self.shielded():
                self.check_errors(context)
        except InstrumentRefused as refusal:
            raise refusal from error
        except InstrumentError:
            return
