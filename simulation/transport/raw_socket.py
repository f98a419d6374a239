"""Raw TCP: lines in, lines out.

Over a raw socket nobody knows when a client reads, so -410 and -420 do not exist here, as on hardware.
"""

from __future__ import annotations

from simulation.faults import LinkDropped
from simulation.scpi import Exchange, ScpiDevice
from simulation.transport.reactor import Hangup


class RawSocket:
    """One connection with one instrument."""

    def __init__(self, device: ScpiDevice) -> None:
        self._exchange = Exchange(device, strict=False)

    def receive(self, data: bytes) -> None:
        """Take bytes; Hangup where the link is gone."""
        try:
            self._exchange.receive(data)
        except LinkDropped:
            raise Hangup from None

    def pump(self, now_ns: int) -> bytes:
        """Give the answers that are due; Hangup where the instrument lost its mains."""
        exchange = self._exchange
        if exchange.is_cut:
            raise Hangup
        exchange.pump(now_ns)
        outputs = exchange.outputs
        if not outputs or outputs[0].due_ns > now_ns:
            return b""
        answers = []
        while outputs and outputs[0].due_ns <= now_ns:
            answers.append(exchange.take(len(outputs[0].data))[0])
        return answers[0] if len(answers) == 1 else b"".join(answers)

    @property
    def next_due_ns(self) -> int:
        """Get the moment of the next answer or step."""
        return self._exchange.next_due_ns

    @property
    def saturated(self) -> bool:
        """Get whether much waits behind a busy instrument."""
        return self._exchange.saturated

    def close(self) -> None:
        """Leave the instrument."""
        self._exchange.close()
