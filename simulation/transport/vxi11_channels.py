"""The lesser channels of VXI-11: abort, and the connection back to a client for service requests."""

from __future__ import annotations

from simulation.scpi import FOREVER_NS
from simulation.transport import sun_rpc
from simulation.transport.reactor import Hangup
from simulation.transport.sun_rpc import Call, Garbage, Records, opaque, unsigned
from simulation.transport.vxi11_links import Failure, Vxi11

ABORT = 0x0607B0
_INTERRUPT_SRQ = 30


class AbortConversation:
    """One connection on the abort channel: ends what a link waits for."""

    def __init__(self, hub: Vxi11) -> None:
        self._hub = hub
        self._records = Records(4096)
        self._replies = bytearray()

    def receive(self, data: bytes) -> None:
        """Take bytes; Hangup where they are no calls."""
        try:
            for record in self._records.feed(data):
                self._answer(Call.read(record))
        except Garbage:
            raise Hangup from None

    def _answer(self, call: Call) -> None:
        if not call.speaks_rpc:
            self._replies += sun_rpc.denial(call.number)
        elif call.program != ABORT:
            self._replies += sun_rpc.reply(call.number, sun_rpc.PROGRAM_UNAVAILABLE)
        elif call.procedure == 0:
            self._replies += sun_rpc.reply(call.number)
        elif call.procedure != 1:
            self._replies += sun_rpc.reply(call.number, sun_rpc.PROCEDURE_UNAVAILABLE)
        else:
            link = self._hub.links.get(call.arguments.signed())
            failure = Failure.INVALID_LINK if link is None else Failure.NONE
            if link is not None:
                link.aborted = True
            self._replies += sun_rpc.reply(call.number, sun_rpc.SUCCESS, unsigned(failure))

    def pump(self, now_ns: int) -> bytes:  # noqa: ARG002  # as every conversation is called
        """Give the replies."""
        replies = bytes(self._replies)
        self._replies.clear()
        return replies

    next_due_ns = FOREVER_NS
    saturated = False

    def close(self) -> None:
        """Forget the client."""


class InterruptChannel:
    """The connection to a client that wants service requests; its answers are thrown away."""

    def __init__(self, program: int, version: int) -> None:
        self._program, self._version = program, version
        self._calls = bytearray()
        self._number = 0
        self.ending = self.closed = False

    def request(self, handle: bytes) -> None:
        """Call the client's procedure device_intr_srq."""
        self._number += 1
        self._calls += sun_rpc.call(
            self._number, self._program, self._version, _INTERRUPT_SRQ, opaque(handle)
        )

    def receive(self, data: bytes) -> None:
        """Take the client's replies, which say nothing."""

    def pump(self, now_ns: int) -> bytes:  # noqa: ARG002  # as every conversation is called
        """Give the calls; Hangup once the channel is given up."""
        if self.ending:
            raise Hangup
        calls = bytes(self._calls)
        self._calls.clear()
        return calls

    next_due_ns = FOREVER_NS
    saturated = False

    def close(self) -> None:
        """Note that the client is gone."""
        self.closed = True
