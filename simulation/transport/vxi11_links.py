"""What VXI-11 clients have of an instrument: links, each with its exchange, lock and service request."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from simulation.faults import FaultKind, LinkDropped
from simulation.scpi import FOREVER_NS, Clock, Exchange, ScpiDevice
from simulation.transport.visa_locks import Locks

_MOST_LINKS = 1024


class Failure(IntEnum):
    """The error codes of VXI-11 (table B.2)."""

    NONE = 0
    DEVICE_NOT_ACCESSIBLE = 3
    INVALID_LINK = 4
    PARAMETER = 5
    CHANNEL_NOT_ESTABLISHED = 6
    NOT_SUPPORTED = 8
    OUT_OF_RESOURCES = 9
    LOCKED = 11
    NO_LOCK = 12
    TIMEOUT = 15
    IO_ERROR = 17
    INVALID_ADDRESS = 21
    ABORT = 23
    CHANNEL_ESTABLISHED = 29


REQUESTED, CHARACTER, END = 1, 2, 4
"""Why a read ended."""


class Link:
    """One client's link to the instrument."""

    def __init__(self, hub: Vxi11, number: int) -> None:
        self.number = number
        self.exchange = Exchange(hub.device, strict=True)
        self.handle: bytes | None = None
        self.aborted = False
        self.requesting = False
        self._hub = hub

    @property
    def admitted(self) -> bool:
        """Get whether no other link has locked the instrument."""
        return self._hub.locks.admits(self.number)

    def write(self, data: bytes, *, end: bool) -> Failure:
        """Take a piece of a program message."""
        try:
            self.exchange.receive(data, end=end)
        except LinkDropped:
            return Failure.IO_ERROR
        return Failure.NONE

    def ready(self, now_ns: int) -> bool:
        """Let the instrument go on, and tell whether an answer can be read whole."""
        self.exchange.pump(now_ns)
        outputs = self.exchange.outputs
        return bool(outputs) and outputs[0].due_ns <= now_ns and outputs[0].complete

    def take(self, size: int, terminator: int | None) -> tuple[int, bytes]:
        """Read from the answer that is there, at most to a terminator; give why it ended and the bytes."""
        output = self.exchange.outputs[0]
        at = -1 if terminator is None else output.data.find(terminator.to_bytes(1, "big"), output.taken)
        wanted = size if at < 0 else min(size, at + 1 - output.taken)
        data, ended = self.exchange.take(wanted)
        reason = REQUESTED if len(data) == size else 0
        reason |= (
            CHARACTER if at >= 0 and len(data) == wanted and data[-1:] == bytes([terminator or 0]) else 0
        )
        return reason | (END if ended else 0), data

    def poll(self) -> int:
        """Read the status byte, as a serial poll does."""
        self._hub.device.catch_up()
        available = self.exchange.message_available
        return self._hub.device.status.serial_poll(message_available=available)

    @property
    def silent(self) -> bool:
        """Get whether the instrument behind the link says nothing at all."""
        return self._hub.device.faults.active(FaultKind.SILENT)

    def new_request(self) -> bool:
        """Tell whether the instrument has begun to request service."""
        device = self._hub.device
        if self.handle is None or not (device.status.request_enable or self.requesting):
            return False
        before, available = self.requesting, self.exchange.message_available
        self.requesting = device.status.refresh(message_available=available)
        return self.requesting and not before


class Vxi11:
    """All links to one instrument.

    `call_back` opens a connection to a client, for service requests; without one there are none.
    """

    def __init__(
        self, device: ScpiDevice, clock: Clock, call_back: Callable[[str, int, object], None] | None = None
    ) -> None:
        self.device, self.clock, self.call_back = device, clock, call_back
        self.locks = Locks()
        self.links: dict[int, Link] = {}
        self.abort_port = 0
        self._last_link = 0

    def open(self) -> Link | None:
        """Make a link; None where there are too many."""
        if len(self.links) >= _MOST_LINKS:
            return None
        self._last_link = self._last_link % 0x7FFF_FFFF + 1
        link = self.links[self._last_link] = Link(self, self._last_link)
        return link

    def close(self, number: int) -> bool:
        """Take a link away with its lock; False where there is none."""
        link = self.links.pop(number, None)
        if link is None:
            return False
        self.locks.forget(number)
        link.exchange.close()
        return True

    def deadline_ns(self, milliseconds: int) -> int:
        """Get the moment on the bench when a time of the client's has passed."""
        speed = float(getattr(self.clock, "speed", 1.0))
        return min(FOREVER_NS, self.clock.now_ns + round(milliseconds * 1e6 * speed))
