"""What a HiSLIP client has of an instrument: exchange, locks, status (IVI-6.1, chapters 3 to 6)."""

from __future__ import annotations

import struct

from simulation.faults import FaultKind
from simulation.scpi import FOREVER_NS, Clock, Exchange, ScpiDevice
from simulation.transport.hislip_messages import (
    FIRST_MESSAGE_ID,
    HEADER_BYTES,
    Header,
    Kind,
    Slip,
    head,
    message,
)
from simulation.transport.visa_locks import Locks

LARGEST_MESSAGE = 1 << 24
OVERLAPPED = 0x01
_MOST_SESSIONS = 1024
_RMT_DELIVERED = 0x01


class Hislip:
    """All sessions of one instrument."""

    def __init__(self, device: ScpiDevice, clock: Clock) -> None:
        self.device, self.clock = device, clock
        self.locks = Locks()
        self.sessions: dict[int, Session] = {}
        self._last_session = 0

    def open(self, overlapped: bool) -> Session | None:
        """Begin a session; None where there are too many."""
        if len(self.sessions) >= _MOST_SESSIONS:
            return None
        while True:
            self._last_session = self._last_session % 0xFFFF + 1
            if self._last_session not in self.sessions:
                break
        session = Session(self, self._last_session, overlapped)
        self.sessions[session.number] = session
        return session


class Session:
    """One client: its exchange with the instrument, and what goes out on both of its connections."""

    def __init__(self, hub: Hislip, number: int, overlapped: bool) -> None:
        self.hub, self.number = hub, number
        self.exchange = Exchange(hub.device, strict=not overlapped)
        self.overlapped = overlapped
        self.answers: list[bytes | memoryview] = []
        self.notes = bytearray()
        self.joined = False
        self.ended = False
        self.clearing = False
        self.client_largest = LARGEST_MESSAGE
        self._message_id = FIRST_MESSAGE_ID
        self._answer_id = FIRST_MESSAGE_ID
        self._undelivered = False
        self._interruptions = self.exchange.interruptions
        self._requesting = False
        self._wanted: tuple[bool, str, int] | None = None

    # The synchronous connection.

    @property
    def admitted(self) -> bool:
        """Get whether nobody else has locked the instrument."""
        return self.hub.locks.admits(self.number)

    def data(self, header: Header, payload: bytes) -> None:
        """Take a piece of a program message, or its end."""
        self._meet(header)
        self.exchange.receive(payload, end=header.kind == Kind.DATA_END)

    def trigger(self, header: Header) -> None:
        """Take a group trigger."""
        self._meet(header)
        self.exchange.receive(b"*TRG", end=True)

    def _meet(self, header: Header) -> None:
        """Note a new message; one that comes before the last answer was read interrupts it."""
        if header.control & _RMT_DELIVERED:
            self._undelivered = False
        if self._undelivered and not self.overlapped:
            self.hub.device.report(-410)
            self._interrupt(header.parameter)
        self._undelivered = False
        self._message_id = header.parameter

    def _interrupt(self, message_id: int) -> None:
        self.answers.append(message(Kind.INTERRUPTED, 0, message_id))
        self.notes += message(Kind.ASYNC_INTERRUPTED, 0, message_id)

    def pump(self, now_ns: int) -> None:
        """Let the instrument go on, and write the answers that are due."""
        exchange = self.exchange
        if exchange.is_cut:
            self.ended = True
            return
        exchange.pump(now_ns)
        while self._interruptions < exchange.interruptions:
            self._interruptions += 1
            self._interrupt(self._message_id)
        while exchange.outputs and exchange.outputs[0].due_ns <= now_ns:
            whole = exchange.outputs[0].complete
            self._answer(exchange.take(len(exchange.outputs[0].data))[0], whole)
        self._grant(now_ns)
        self._request()

    def _answer(self, data: bytes, whole: bool) -> None:
        room, view, at = self.client_largest - HEADER_BYTES, memoryview(data), 0
        message_id = self._message_id
        if self.overlapped:
            message_id, self._answer_id = self._answer_id, (self._answer_id + 2) & 0xFFFF_FFFF
        while True:
            piece = view[at : at + room]
            at += len(piece)
            kind = Kind.DATA_END if at == len(data) and whole else Kind.DATA
            self.answers.append(head(kind, 0, message_id, len(piece)))
            self.answers.append(piece)
            if at == len(data):
                break
        self._undelivered = True

    # The asynchronous connection.

    def status(self, header: Header) -> None:
        """Poll the status byte; MAV stands for an answer that the client has not read to its end."""
        if header.control & _RMT_DELIVERED:
            self._undelivered = False
        if self.hub.device.faults.active(FaultKind.SILENT):
            return
        self.hub.device.catch_up()
        byte = self.hub.device.status.serial_poll(message_available=self._message_available)
        self.notes += message(Kind.ASYNC_STATUS_RESPONSE, byte)

    @property
    def _message_available(self) -> bool:
        return self._undelivered or self.exchange.message_available

    def _request(self) -> None:
        device = self.hub.device
        if not (self.joined and (device.status.request_enable or self._requesting)):
            return
        requesting = device.status.refresh(message_available=self._message_available)
        if requesting and not self._requesting:
            byte = device.status.byte(message_available=self._message_available) | 0x40
            self.notes += message(Kind.ASYNC_SERVICE_REQUEST, byte)
        self._requesting = requesting

    def clear(self, _header: Header) -> None:
        """Begin a device clear: nothing is executed until the synchronous side has said that it is clear."""
        self.clearing = True
        self.exchange.clear()
        self.answers.clear()
        self._undelivered = False
        self.notes += message(Kind.ASYNC_DEVICE_CLEAR_ACKNOWLEDGE, int(self.overlapped))

    def clear_complete(self, header: Header) -> None:
        """End a device clear; the client says which mode it wants from now on."""
        self.clearing = False
        self.exchange.clear()
        self.overlapped = bool(header.control & OVERLAPPED)
        self.exchange.strict = not self.overlapped
        self._message_id = self._answer_id = FIRST_MESSAGE_ID
        self.answers.append(message(Kind.DEVICE_CLEAR_ACKNOWLEDGE, int(self.overlapped)))

    def lock(self, header: Header, payload: bytes) -> None:
        """Take a lock, now or within the time that the client waits, or give one back."""
        if header.control == 1:
            exclusive, key = not payload, payload.decode("latin-1")
            if self._wanted is not None or self.hub.locks.holds(self.number, exclusive):
                self._lock_answer(3)
                return
            speed = float(getattr(self.hub.clock, "speed", 1.0))
            deadline_ns = self.hub.clock.now_ns + round(header.parameter * 1e6 * speed)
            self._wanted = (exclusive, key, deadline_ns)
            self._grant(self.hub.clock.now_ns)
        elif header.control == 0:
            exclusive = self.hub.locks.holds(self.number, True)
            released = self.hub.locks.release(self.number)
            self._lock_answer((1 if exclusive else 2) if released else 3)
        else:
            self.slip(Slip.UNRECOGNIZED_CONTROL_CODE)

    def _grant(self, now_ns: int) -> None:
        if self._wanted is None:
            return
        exclusive, key, deadline_ns = self._wanted
        granted = self.hub.locks.grant(self.number, exclusive, key)
        if granted or now_ns >= deadline_ns:
            self._wanted = None
            self._lock_answer(int(granted))

    def _lock_answer(self, code: int) -> None:
        self.notes += message(Kind.ASYNC_LOCK_RESPONSE, code)

    def lock_info(self, _header: Header) -> None:
        """Tell whether there is an exclusive lock, and how many clients hold any."""
        locks = self.hub.locks
        self.notes += message(Kind.ASYNC_LOCK_INFO_RESPONSE, int(locks.exclusive), locks.holders)

    def remote_local(self, header: Header) -> None:
        """Accept remote and local states; simulated instruments have no front panel."""
        if header.control > 6:
            self.slip(Slip.UNRECOGNIZED_CONTROL_CODE)
        else:
            self.notes += message(Kind.ASYNC_REMOTE_LOCAL_RESPONSE)

    def largest(self, payload: bytes) -> None:
        """Take note of how much the client takes in one message, and tell what we take."""
        if len(payload) != 8:
            self.slip(Slip.UNIDENTIFIED)
            return
        (size,) = struct.unpack(">Q", payload)
        self.client_largest = max(HEADER_BYTES + 1, min(size, LARGEST_MESSAGE))
        ours = struct.pack(">Q", LARGEST_MESSAGE)
        self.notes += message(Kind.ASYNC_MAXIMUM_MESSAGE_SIZE_RESPONSE, payload=ours)

    def slip(self, code: Slip) -> None:
        """Tell of an error that the session survives, on the asynchronous connection."""
        self.notes += message(Kind.ERROR, code, payload=code.name.encode())

    @property
    def next_due_ns(self) -> int:
        """Get when something happens without the client."""
        due = FOREVER_NS if self.clearing else self.exchange.next_due_ns
        return min(due, self._wanted[2]) if self._wanted is not None else due

    def end(self) -> None:
        """End the session from either side."""
        if not self.ended or self.number in self.hub.sessions:
            self.ended = True
            self.hub.sessions.pop(self.number, None)
            self.hub.locks.forget(self.number)
            self.exchange.close()
