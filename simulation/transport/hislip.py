"""HiSLIP 1.0: messages with their ends, device clear, status, locks and service requests over TCP (IVI-6.1).

A client has two connections, a synchronous one for data and an asynchronous one for all that must pass it.
In synchronised mode a new message that meets an unread answer interrupts it (-410), as on a bus; in
overlapped mode answers queue up. Left out: encryption and authentication of version 2.0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NoReturn

from simulation.faults import LinkDropped
from simulation.scpi import FOREVER_NS
from simulation.transport.hislip_messages import (
    HEADER_BYTES,
    BrokenHeader,
    Fatal,
    Header,
    Kind,
    Slip,
    message,
)
from simulation.transport.hislip_session import LARGEST_MESSAGE, OVERLAPPED, Hislip, Session
from simulation.transport.reactor import Hangup

SUB_ADDRESS = b"hislip0"
_VERSION = 0x0100
_VENDOR = int.from_bytes(b"PB", "big")


class HislipConversation:
    """One TCP connection: the synchronous or the asynchronous one of a session."""

    _ASYNC: ClassVar[dict[int, Callable[[Session, Header], None]]] = {
        Kind.ASYNC_STATUS_QUERY: Session.status,
        Kind.ASYNC_DEVICE_CLEAR: Session.clear,
        Kind.ASYNC_LOCK_INFO: Session.lock_info,
        Kind.ASYNC_REMOTE_LOCAL_CONTROL: Session.remote_local,
    }

    def __init__(self, hub: Hislip) -> None:
        self._hub = hub
        self._buffer = bytearray()
        self._session: Session | None = None
        self._synchronous = False
        self._skip = 0
        self._farewell = b""

    # What the reactor calls.

    def receive(self, data: bytes) -> None:
        """Take bytes; Hangup after a fatal error."""
        self._buffer += data
        self._read()

    def pump(self, now_ns: int) -> bytes | bytearray:
        """Give what is due on this connection; Hangup where the session has ended."""
        session = self._session
        if session is None or self._farewell:
            return self._farewell
        if session.ended:
            raise Hangup
        if self._buffer:
            self._read()  # a lock may be gone
        if not session.clearing:
            session.pump(now_ns)
        if self._synchronous:
            if not session.answers:
                return b""
            data = b"".join(session.answers)
            session.answers.clear()
            return data
        notes, session.notes = session.notes, bytearray()
        return notes

    @property
    def next_due_ns(self) -> int:
        """Get when something happens without the client."""
        return FOREVER_NS if self._session is None or self._session.ended else self._session.next_due_ns

    @property
    def saturated(self) -> bool:
        """Get whether the instrument is behind with what has come."""
        session = self._session
        behind = session is not None and self._synchronous and session.exchange.saturated
        return behind or len(self._buffer) > 2 * LARGEST_MESSAGE

    def close(self) -> None:
        """End the session with either of its connections."""
        if self._session is not None:
            self._session.end()

    # Messages.

    def _read(self) -> None:
        buffer = self._buffer
        while not self._farewell:
            if self._skip:
                cut = min(self._skip, len(buffer))
                del buffer[:cut]
                self._skip -= cut
            if len(buffer) < HEADER_BYTES:
                return
            try:
                header = Header.read(buffer)
            except BrokenHeader:
                self._fail(Fatal.POORLY_FORMED_HEADER)
            if header.length > LARGEST_MESSAGE:
                self._refuse_large(header)
                continue
            if len(buffer) < HEADER_BYTES + header.length or self._held_up(header):
                return
            payload = bytes(memoryview(buffer)[HEADER_BYTES : HEADER_BYTES + header.length])
            del buffer[: HEADER_BYTES + header.length]
            self._take(header, payload)

    def _held_up(self, header: Header) -> bool:
        """Tell whether a message must wait: for the lock of another client."""
        waits = header.kind in (Kind.DATA, Kind.DATA_END, Kind.TRIGGER)
        return waits and self._session is not None and not self._session.admitted

    def _refuse_large(self, header: Header) -> None:
        if self._session is None:
            self._fail(Fatal.POORLY_FORMED_HEADER)
        self._session.slip(Slip.MESSAGE_TOO_LARGE)
        del self._buffer[:HEADER_BYTES]
        self._skip = header.length

    def _take(self, header: Header, payload: bytes) -> None:
        session = self._session
        if session is None:
            self._begin(header, payload)
        elif not session.joined:
            self._fail(Fatal.CHANNELS_NOT_ESTABLISHED)
        elif header.kind in (Kind.FATAL_ERROR, Kind.ERROR):
            if header.kind == Kind.FATAL_ERROR:
                raise Hangup
        elif self._synchronous:
            self._take_synchronous(session, header, payload)
        else:
            self._take_asynchronous(session, header, payload)

    def _begin(self, header: Header, payload: bytes) -> None:
        if header.kind == Kind.INITIALIZE:
            if payload not in (SUB_ADDRESS, b""):
                self._fail(Fatal.INVALID_INITIALIZATION)
            session = self._hub.open(bool(header.control & OVERLAPPED))
            if session is None:
                self._fail(Fatal.TOO_MANY_CLIENTS)
            self._session, self._synchronous = session, True
            answer = message(
                Kind.INITIALIZE_RESPONSE, int(session.overlapped), _VERSION << 16 | session.number
            )
            session.answers.append(answer)
        elif header.kind == Kind.ASYNC_INITIALIZE:
            found = self._hub.sessions.get(header.parameter)
            if found is None or found.joined:
                self._fail(Fatal.INVALID_INITIALIZATION)
            found.joined = True
            self._session = found
            found.notes += message(Kind.ASYNC_INITIALIZE_RESPONSE, 0, _VENDOR)
        else:
            self._fail(Fatal.INVALID_INITIALIZATION)

    def _take_synchronous(self, session: Session, header: Header, payload: bytes) -> None:
        if header.kind == Kind.DEVICE_CLEAR_COMPLETE:
            session.clear_complete(header)
            return
        if header.kind not in (Kind.DATA, Kind.DATA_END, Kind.TRIGGER):
            self._unknown(session, header)
            return
        if session.clearing:
            return
        try:
            if header.kind == Kind.TRIGGER:
                session.trigger(header)
            else:
                session.data(header, payload)
        except LinkDropped:
            session.end()
            raise Hangup from None

    def _take_asynchronous(self, session: Session, header: Header, payload: bytes) -> None:
        if header.kind == Kind.ASYNC_LOCK:
            session.lock(header, payload)
        elif header.kind == Kind.ASYNC_MAXIMUM_MESSAGE_SIZE:
            session.largest(payload)
        elif header.kind in self._ASYNC:
            self._ASYNC[header.kind](session, header)
        else:
            self._unknown(session, header)

    @staticmethod
    def _unknown(session: Session, header: Header) -> None:
        vendor = header.kind >= 128
        session.slip(Slip.UNRECOGNIZED_VENDOR_MESSAGE if vendor else Slip.UNRECOGNIZED_TYPE)

    def _fail(self, code: Fatal) -> NoReturn:
        """Tell of a fatal error, and hang up."""
        self._farewell = message(Kind.FATAL_ERROR, code, payload=code.name.encode())
        raise Hangup
