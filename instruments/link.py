"""The wire to one instrument: whole messages in time, every one written down, both sides in step."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, NoReturn

from pyvisa import errors as visa_errors
from pyvisa.constants import StatusCode

from instruments.clock import Clock
from instruments.errors import GarbledAnswer, InstrumentError, InstrumentTimeout
from instruments.profile import Profile
from instruments.transcript import Transcript
from instruments.wire import WireResource

_MOST_STALE_ANSWERS = 8
_MOST_STALE_READS = 10_000
_QUIET_MS = 200
_WIRE_ERRORS = (visa_errors.VisaIOError, visa_errors.InvalidSession, OSError)
_CHECK_IT = "check its power and cable, then see whether `photonbench discover` finds it"


class Link:
    """Messages to and from one VISA resource. It is not locked; a session is.

    `in_step` is False while an answer may be on its way that nobody waits for any more.
    """

    def __init__(
        self,
        resource: WireResource,
        *,
        name: str,
        model: str,
        clock: Clock,
        profile: Profile,
        stream: bool,
    ) -> None:
        self.name = name
        self.model = model
        self.serial = ""
        self.clock = clock
        self.profile = profile
        self.transcript = Transcript(name)
        self.in_step = True
        self.last_sent = ""
        self._identity_answer = ""
        self._resource = resource
        self.stream = stream
        self._terminator = profile.termination_on(stream=stream)
        resource.read_termination = self._terminator

    def send(self, message: str, *, shown: str | None = None) -> None:
        """Send one message; `shown` is written down in place of a secret."""
        self.last_sent = shown or message
        self.transcript.note(self.clock.now(), ">>", self.last_sent)
        self._set_timeout(0.0)
        self.in_step = False  # whatever interrupts us from here on leaves an answer on its way
        try:
            self._resource.write_raw((message + self._terminator).encode("ascii"))
        except _WIRE_ERRORS as error:
            self._raise_wire_error(error, shown or message, self.profile.margin_s)
        self.in_step = "?" not in message

    def read_text(self, command: str, operation_s: float) -> str:
        """Read one answer as text without its terminator."""
        raw = self._receive(command, operation_s, self._resource.read_raw)
        self.in_step = raw.endswith((b"\n", b"\r")) and raw.isascii()
        if not self.in_step:
            raise self.garbled(
                command, raw, "a whole line of ASCII text; the answer is cut short or disturbed"
            )
        return raw.decode("ascii").strip()

    def read_block(self, command: str, operation_s: float) -> tuple[bytes, int, int]:
        """Read one definite-length block; return the raw message, where data begins and its size.

        IEEE 488.2, clause 8.7.9. Termination characters are data inside a block.
        """
        raw = self._receive(command, operation_s, self._read_raw_block)
        digits = raw[2 : 2 + int(raw[1:2])] if raw[:1] == b"#" and raw[1:2].isdigit() else b""
        if not digits.isdigit():
            raise self.garbled(command, raw, "a definite-length block")
        start, count = 2 + len(digits), int(digits)
        if len(raw) < start + count:
            raise self.garbled(command, raw, f"a block of {count} bytes; the answer is cut short")
        return raw, start, count

    def clear(self) -> None:
        """Empty the buffers on both sides and read late answers away."""
        self.transcript.note(self.clock.now(), ">>", "(read away)" if self.stream else "(device clear)")
        with contextlib.suppress(*_WIRE_ERRORS):
            if self.stream:
                self._read_away()
            else:
                self._resource.clear()
        if self._identity_answer:
            self._confirm_identity()
        self.in_step = True

    def close(self) -> None:
        """Close the connection; nothing is sent."""
        with contextlib.suppress(*_WIRE_ERRORS):
            self._resource.close()

    def remember_identity(self, answer: str, serial: str) -> None:
        """Keep what *IDN? answers: it is how one knows that both sides are in step again."""
        self._identity_answer = answer
        self.serial = serial

    @property
    def title(self) -> str:
        """Get the instrument as an error message names it."""
        serial = f", serial {self.serial}" if self.serial else ""
        return f"{self.name} ({self.model}{serial})"

    def evidence(self, command: str, remedy: str) -> dict[str, Any]:
        """Collect what every error of an instrument carries."""
        lines = self.transcript.lines()
        return {"instrument": self.name, "command": command, "transcript": lines, "remedy": remedy}

    def garbled(self, command: str, answer: str | bytes, expected: str) -> GarbledAnswer:
        """Make the error for an answer that is not what the command gives."""
        shown = answer if isinstance(answer, str) else answer[:80].decode("ascii", "backslashreplace")
        return GarbledAnswer(
            f"{self.title} answered {command!r} with {shown[:80]!r}, not with {expected}",
            **self.evidence(command, "check terminators and cable, then run again"),
        )

    def _receive(self, command: str, operation_s: float, read: Callable[[], bytes]) -> bytes:
        self._set_timeout(operation_s)
        try:
            raw = read()
        except _WIRE_ERRORS as error:
            self._raise_wire_error(error, command, operation_s + self.profile.margin_s)
        self.transcript.note(self.clock.now(), "<<", raw)
        self.in_step = True
        return raw

    def _read_raw_block(self) -> bytes:
        self._resource.read_termination = None
        try:
            if not self.stream:
                return self._resource.read_raw(1 << 20)
            head = self._resource.read_bytes(2)
            digits = self._resource.read_bytes(int(head[1:])) if head[1:].isdigit() else b""
            payload = self._resource.read_bytes(int(digits), 1 << 20) if digits.strip(b"0").isdigit() else b""
        finally:
            self._resource.read_termination = self._terminator
        return head + digits + payload + self._resource.read_raw()

    def _read_away(self) -> None:
        """Read until nothing more comes: a stream has no device clear.

        pyvisa-py 0.8.1 has one for sockets, but it never returns once the peer is gone.
        """
        self._resource.timeout = _QUIET_MS
        for _ in range(_MOST_STALE_READS):
            self._resource.read_raw(1 << 16)

    def _confirm_identity(self) -> None:
        self.send("*IDN?")
        for _ in range(_MOST_STALE_ANSWERS):
            raw = self._receive("*IDN?", 0.0, self._resource.read_raw)
            if raw.decode("ascii", "replace").strip() == self._identity_answer:
                return
        self.in_step = False
        raise self.garbled("*IDN?", raw, "its name; it does not get back into step")

    def _set_timeout(self, operation_s: float) -> None:
        milliseconds = round(1000 * (operation_s + self.profile.margin_s))
        if self._resource.timeout != milliseconds:
            self._resource.timeout = milliseconds

    def _raise_wire_error(self, error: Exception, command: str, waited_s: float) -> NoReturn:
        late = getattr(error, "error_code", None) == StatusCode.error_timeout
        if late or isinstance(error, TimeoutError):
            self.transcript.note(self.clock.now(), "<<", f"(nothing within {waited_s:g} s)")
            raise InstrumentTimeout(
                f"{self.title} did not answer {command!r} within {waited_s:g} s",
                **self.evidence(command, _CHECK_IT),
            ) from error
        self.transcript.note(self.clock.now(), "<<", f"({error})")
        raise InstrumentError(
            f"{self.title} cannot be reached any more: {error}", **self.evidence(command, _CHECK_IT)
        ) from error
