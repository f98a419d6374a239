"""VXI-11: an instrument behind remote procedure calls (VXI-11 revision 1.0).

The core channel carries the instrument's messages, the abort channel ends a call that waits, and an
interrupt channel, which the instrument opens to the client, carries service requests. One call is answered
before the next of the same connection is looked at. Left out: docmd, which only interface bridges have.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from simulation.scpi import FOREVER_NS
from simulation.transport import sun_rpc
from simulation.transport.reactor import Hangup
from simulation.transport.sun_rpc import Call, Garbage, Reader, Records, opaque, unsigned
from simulation.transport.vxi11_channels import InterruptChannel
from simulation.transport.vxi11_links import Failure, Link, Vxi11

CORE = 0x0607AF
_VERSION = 1
_LARGEST_WRITE = 1 << 20
_LARGEST_READ = 1 << 24
_WAIT_LOCK, _END, _TERMINATED = 0x01, 0x08, 0x80
_DEVICES = (b"inst0", b"")
_TCP = 0


@dataclass(slots=True)
class _Waiting:
    """A call that has no reply yet: `attempt` gives its results, `expired` those at the deadline."""

    number: int
    deadline_ns: int
    attempt: Callable[[int], bytes | None]
    expired: Callable[[], bytes]
    link: Link | None = None


class Vxi11Conversation:
    """One connection on the core channel."""

    def __init__(self, hub: Vxi11, peer: str) -> None:
        self._hub, self._peer = hub, peer
        self._records = Records(_LARGEST_WRITE + 4096)
        self._calls: list[bytes] = []
        self._replies: list[bytes] = []
        self._waiting: _Waiting | None = None
        self._own: set[int] = set()
        self._interrupts: InterruptChannel | None = None

    # What the reactor calls.

    def receive(self, data: bytes) -> None:
        """Take bytes; Hangup where they are no records."""
        try:
            self._calls += self._records.feed(data)
        except Garbage:
            raise Hangup from None

    def pump(self, now_ns: int) -> bytes:
        """Give the replies that can be given."""
        for link in self._links():
            if link.exchange.is_cut:
                raise Hangup
            link.exchange.pump(now_ns)
        self._go_on(now_ns)
        while self._calls and self._waiting is None:
            self._answer(self._calls.pop(0))
            self._go_on(now_ns)
        self._request()
        if not self._replies:
            return b""
        replies = b"".join(self._replies)
        self._replies.clear()
        return replies

    @property
    def next_due_ns(self) -> int:
        """Get when a call that waits can go on."""
        running = (link.exchange.next_due_ns for link in self._links() if not link.exchange.outputs)
        due_ns = min(running, default=FOREVER_NS)
        if self._waiting is None:
            return due_ns
        link = self._waiting.link
        if link is not None and link.exchange.outputs and link.exchange.outputs[0].complete:
            due_ns = min(due_ns, link.exchange.next_due_ns)
        return min(due_ns, self._waiting.deadline_ns)

    @property
    def saturated(self) -> bool:
        """Get whether calls pile up."""
        return len(self._calls) > 16

    def close(self) -> None:
        """Take the client's links away."""
        for number in self._own:
            self._hub.close(number)
        self._own.clear()

    # Calls.

    def _answer(self, record: bytes) -> None:
        try:
            call = Call.read(record)
        except Garbage:
            raise Hangup from None
        if not call.speaks_rpc:
            self._replies.append(sun_rpc.denial(call.number))
        elif call.program != CORE:
            self._replies.append(sun_rpc.reply(call.number, sun_rpc.PROGRAM_UNAVAILABLE))
        elif call.program_version != _VERSION:
            versions = unsigned(_VERSION, _VERSION)
            self._replies.append(sun_rpc.reply(call.number, sun_rpc.PROGRAM_MISMATCH, versions))
        elif call.procedure == 0:
            self._replies.append(sun_rpc.reply(call.number))
        elif call.procedure not in self._PROCEDURES:
            self._replies.append(sun_rpc.reply(call.number, sun_rpc.PROCEDURE_UNAVAILABLE))
        else:
            self._perform(call)

    def _perform(self, call: Call) -> None:
        try:
            results = self._PROCEDURES[call.procedure](self, call.number, call.arguments)
        except Garbage:
            self._replies.append(sun_rpc.reply(call.number, sun_rpc.GARBAGE_ARGUMENTS))
            return
        if results is not None:
            self._replies.append(sun_rpc.reply(call.number, sun_rpc.SUCCESS, results))

    def _go_on(self, now_ns: int) -> None:
        waiting = self._waiting
        if waiting is None:
            return
        if waiting.link is not None and waiting.link.aborted:
            waiting.link.aborted = False
            results: bytes | None = self._failed(waiting, Failure.ABORT)
        else:
            results = waiting.attempt(now_ns)
            if results is None and now_ns >= waiting.deadline_ns:
                results = waiting.expired()
        if results is not None:
            self._waiting = None
            self._replies.append(sun_rpc.reply(waiting.number, sun_rpc.SUCCESS, results))

    @staticmethod
    def _failed(waiting: _Waiting, failure: Failure) -> bytes:
        """Give results of the shape that the call wants, with another error in front."""
        return unsigned(failure) + waiting.expired()[4:]

    def _links(self) -> list[Link]:
        return [self._hub.links[number] for number in self._own if number in self._hub.links]

    def _link(self, number: int) -> Link | None:
        return self._hub.links.get(number) if number in self._own else None

    def _unlocked(
        self,
        number: int,
        link: Link,
        flags: int,
        lock_timeout: int,
        done: Callable[[], bytes | None],
        failed: Callable[[Failure], bytes],
    ) -> bytes | None:
        """Do something as soon as no other link has the lock; None where the reply comes later."""
        if link.admitted:
            return done()
        if not flags & _WAIT_LOCK:
            return failed(Failure.LOCKED)
        deadline_ns = self._hub.deadline_ns(lock_timeout)

        def attempt(_now_ns: int) -> bytes | None:
            if not link.admitted:
                return None
            self._waiting = None
            return done()

        self._waiting = _Waiting(number, deadline_ns, attempt, lambda: failed(Failure.LOCKED), link)
        return None

    def _create_link(self, number: int, arguments: Reader) -> bytes | None:
        arguments.signed()
        wants_lock, lock_timeout = bool(arguments.unsigned()), arguments.unsigned()
        device = arguments.opaque(256).lower()

        def made(failure: Failure, link: Link | None = None) -> bytes:
            return unsigned(failure, link.number if link else 0, self._hub.abort_port, _LARGEST_WRITE)

        if device not in _DEVICES:
            return made(Failure.DEVICE_NOT_ACCESSIBLE)
        link = self._hub.open()
        if link is None:
            return made(Failure.OUT_OF_RESOURCES)
        self._own.add(link.number)
        if not wants_lock:
            return made(Failure.NONE, link)

        def attempt(_now_ns: int) -> bytes | None:
            return made(Failure.NONE, link) if self._hub.locks.grant(link.number, True, None) else None

        def expired() -> bytes:
            self._own.discard(link.number)
            self._hub.close(link.number)
            return made(Failure.LOCKED)

        self._waiting = _Waiting(number, self._hub.deadline_ns(lock_timeout), attempt, expired, link)
        return None

    def _write(self, number: int, arguments: Reader) -> bytes | None:
        link = self._link(arguments.signed())
        arguments.unsigned()  # a write is never held up: the instrument's input takes it
        lock_timeout, flags = arguments.unsigned(), arguments.unsigned()
        data = arguments.opaque(_LARGEST_WRITE)
        if link is None:
            return unsigned(Failure.INVALID_LINK, 0)

        def done() -> bytes:
            failure = link.write(data, end=bool(flags & _END))
            return unsigned(failure, 0 if failure else len(data))

        return self._unlocked(number, link, flags, lock_timeout, done, lambda failure: unsigned(failure, 0))

    def _read(self, number: int, arguments: Reader) -> bytes | None:
        link = self._link(arguments.signed())
        size, io_timeout = min(arguments.unsigned(), _LARGEST_READ), arguments.unsigned()
        lock_timeout, flags, character = arguments.unsigned(), arguments.unsigned(), arguments.unsigned()
        if link is None:
            return _read_results(Failure.INVALID_LINK)
        terminator = character & 0xFF if flags & _TERMINATED else None

        def attempt(now_ns: int) -> bytes | None:
            if not link.ready(now_ns):
                return None
            reason, data = link.take(size, terminator)
            return _read_results(Failure.NONE, reason, data)

        def expired() -> bytes:
            data = link.exchange.take(size)[0] if link.exchange.outputs and not link.ready(0) else b""
            return _read_results(Failure.TIMEOUT, 0, data)

        def done() -> None:
            if link.exchange.idle:
                link.exchange.read_unasked()
            self._waiting = _Waiting(number, self._hub.deadline_ns(io_timeout), attempt, expired, link)

        return self._unlocked(number, link, flags, lock_timeout, done, _read_results)

    def _read_status(self, number: int, arguments: Reader) -> bytes | None:
        link, flags = self._link(arguments.signed()), arguments.unsigned()
        lock_timeout, io_timeout = arguments.unsigned(), arguments.unsigned()
        if link is None:
            return unsigned(Failure.INVALID_LINK, 0)

        def done() -> bytes | None:
            return self._unless_silent(
                number,
                link,
                io_timeout,
                lambda: unsigned(Failure.NONE, link.poll()),
                unsigned(Failure.TIMEOUT, 0),
            )

        return self._unlocked(number, link, flags, lock_timeout, done, lambda failure: unsigned(failure, 0))

    def _unless_silent(
        self, number: int, link: Link, io_timeout: int, done: Callable[[], bytes], timed_out: bytes
    ) -> bytes | None:
        if not link.silent:
            return done()
        deadline_ns = self._hub.deadline_ns(io_timeout)
        self._waiting = _Waiting(number, deadline_ns, lambda _now: None, lambda: timed_out, link)
        return None

    def _generic(self, action: Callable[[Link], None], number: int, arguments: Reader) -> bytes | None:
        link, flags = self._link(arguments.signed()), arguments.unsigned()
        lock_timeout, io_timeout = arguments.unsigned(), arguments.unsigned()
        if link is None:
            return unsigned(Failure.INVALID_LINK)

        def act() -> bytes:
            action(link)
            return unsigned(Failure.NONE)

        def done() -> bytes | None:
            return self._unless_silent(number, link, io_timeout, act, unsigned(Failure.TIMEOUT))

        return self._unlocked(number, link, flags, lock_timeout, done, lambda failure: unsigned(failure))

    def _trigger(self, number: int, arguments: Reader) -> bytes | None:
        return self._generic(lambda link: link.exchange.receive(b"*TRG", end=True), number, arguments)

    def _clear(self, number: int, arguments: Reader) -> bytes | None:
        return self._generic(lambda link: link.exchange.clear(), number, arguments)

    def _remote_local(self, number: int, arguments: Reader) -> bytes | None:
        return self._generic(lambda _link: None, number, arguments)

    def _lock(self, number: int, arguments: Reader) -> bytes | None:
        link, flags, lock_timeout = self._link(arguments.signed()), arguments.unsigned(), arguments.unsigned()
        if link is None:
            return unsigned(Failure.INVALID_LINK)
        if self._hub.locks.holds(link.number, True):
            return unsigned(Failure.LOCKED)

        def done() -> bytes:
            self._hub.locks.grant(link.number, True, None)
            return unsigned(Failure.NONE)

        return self._unlocked(number, link, flags, lock_timeout, done, lambda failure: unsigned(failure))

    def _unlock(self, _number: int, arguments: Reader) -> bytes:
        link = self._link(arguments.signed())
        if link is None:
            return unsigned(Failure.INVALID_LINK)
        return unsigned(Failure.NONE if self._hub.locks.release(link.number) else Failure.NO_LOCK)

    def _enable_requests(self, _number: int, arguments: Reader) -> bytes:
        link, on = self._link(arguments.signed()), bool(arguments.unsigned())
        handle = arguments.opaque(40)
        if link is None:
            return unsigned(Failure.INVALID_LINK)
        link.handle = handle if on else None
        return unsigned(Failure.NONE)

    def _command(self, _number: int, _arguments: Reader) -> bytes:
        return unsigned(Failure.NOT_SUPPORTED) + opaque(b"")

    def _destroy_link(self, _number: int, arguments: Reader) -> bytes:
        link = self._link(arguments.signed())
        if link is None:
            return unsigned(Failure.INVALID_LINK)
        self._own.discard(link.number)
        self._hub.close(link.number)
        return unsigned(Failure.NONE)

    def _create_interrupts(self, _number: int, arguments: Reader) -> bytes:
        host, port = arguments.unsigned(), arguments.unsigned()
        program, version, family = arguments.unsigned(), arguments.unsigned(), arguments.unsigned()
        if self._hub.call_back is None or family != _TCP:
            return unsigned(Failure.NOT_SUPPORTED)
        if self._interrupts is not None and not self._interrupts.closed:
            return unsigned(Failure.CHANNEL_ESTABLISHED)
        address = str(ipaddress.IPv4Address(host))
        if address != self._peer or not 0 < port < 1 << 16:
            # Nobody may send us to knock at another's door.
            return unsigned(Failure.INVALID_ADDRESS)
        self._interrupts = InterruptChannel(program, version)
        self._hub.call_back(address, port, self._interrupts)
        return unsigned(Failure.CHANNEL_NOT_ESTABLISHED if self._interrupts.closed else Failure.NONE)

    def _destroy_interrupts(self, _number: int, _arguments: Reader) -> bytes:
        if self._interrupts is None:
            return unsigned(Failure.CHANNEL_NOT_ESTABLISHED)
        self._interrupts.ending = True
        self._interrupts = None
        return unsigned(Failure.NONE)

    def _request(self) -> None:
        if self._interrupts is None:
            return
        for link in self._links():
            if link.new_request() and link.handle is not None:
                self._interrupts.request(link.handle)

    _PROCEDURES: ClassVar[dict[int, Callable[[Vxi11Conversation, int, Reader], bytes | None]]] = {
        10: _create_link,
        11: _write,
        12: _read,
        13: _read_status,
        14: _trigger,
        15: _clear,
        16: _remote_local,
        17: _remote_local,
        18: _lock,
        19: _unlock,
        20: _enable_requests,
        22: _command,
        23: _destroy_link,
        25: _create_interrupts,
        26: _destroy_interrupts,
    }


def _read_results(failure: Failure, reason: int = 0, data: bytes = b"") -> bytes:
    return unsigned(failure, reason) + opaque(data)
