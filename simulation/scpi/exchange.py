"""Message exchange of one controller with an instrument (IEEE 488.2, chapter 6), without any I/O.

Bytes go in with the present time, answers come out with the time at which they are due; a shell (VISA
library, socket server) waits, sends and receives. Whatever waits is run later as if it had run in time:
see ScpiDevice.now_ns.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from simulation.faults import FaultKind, LinkDropped
from simulation.scpi.answers import Later, WhenIdle, resolve, write
from simulation.scpi.device import FOREVER_NS, ScpiDevice
from simulation.scpi.errors import ScpiError
from simulation.scpi.framing import Framer
from simulation.scpi.lexer import Token
from simulation.scpi.steps import Step

_BACKLOG_BYTES = 1 << 20
"""What may wait behind a busy instrument before its client is held back."""
_UNREAD_BYTES = 1 << 24
"""What a stream may leave unread before the next message has to wait."""
_ANSWER_LIMIT_BYTES = 1 << 27
"""The most that one message may be answered with: twelve captures of a scope, and no more."""


@dataclass(slots=True)
class Output:
    """An answer on its way; `complete` is False where the instrument died in the middle of it."""

    due_ns: int
    data: bytes
    complete: bool = True
    taken: int = 0


@dataclass(slots=True)
class _Running:
    """The message that is being executed."""

    steps: Sequence[tuple[Step, Sequence[Token]]]
    arrival_ns: int
    length: int
    at: int = 0
    answers: list[bytes] = field(default_factory=list)
    size: int = 0
    indefinite: bool = False
    deadlocked: bool = False


class Exchange:
    """One controller's side of an instrument: what it has sent, and what it has not yet read.

    `strict` enforces what needs a bus that knows when the controller reads: an unread answer is dropped
    (-410), a read with nothing asked is an error (-420). Over a raw socket no instrument can know that.
    """

    def __init__(self, device: ScpiDevice, *, strict: bool) -> None:
        self.device = device
        self.strict = strict
        self.outputs: deque[Output] = deque()
        self.memory: dict[str, object] = {}
        self.interruptions = 0
        """How many answers were dropped because a new message came before they were read."""
        self._framer = Framer(device.profile.message_ends)
        self._messages: deque[tuple[int, bytes]] = deque()
        self._backlog = 0
        self._unread = 0
        self._cut = False
        self._running: _Running | None = None
        self._waiting: Later | WhenIdle | None = None
        self._due_ns = 0
        self._path = ""
        device.exchanges.append(self)

    def close(self) -> None:
        """Leave the instrument; what was sent complete is still executed first."""
        self.device.catch_up()
        if self in self.device.exchanges:
            self.device.exchanges.remove(self)

    def check_link(self) -> None:
        """Raise LinkDropped where the connection is gone, by a fault or by a power cut."""
        if self.device.faults.present:
            self.device.faults.check_link()
            fault = self.device.faults.take_power_cut()
            if fault is not None:
                self.device.power_cycle(fault.delay_s)
        if self._cut:
            raise LinkDropped

    def cut(self) -> None:
        """Lose the connection for good: whoever is there must connect anew."""
        self.clear()
        self._cut = True

    @property
    def is_cut(self) -> bool:
        """Get whether the connection is lost for good."""
        return self._cut

    @property
    def message_available(self) -> bool:
        """Get whether an answer is ready to be read (MAV)."""
        running = self._running
        return bool(running is not None and running.answers) or self._ready

    @property
    def _ready(self) -> bool:
        return bool(self.outputs) and self.outputs[0].due_ns <= self.device.clock.now_ns

    @property
    def next_due_ns(self) -> int:
        """Get the moment at which something will happen that the controller waits for, or FOREVER_NS."""
        due = self.outputs[0].due_ns if self.outputs else FOREVER_NS
        if self._waiting is not None:
            return min(due, self._waiting_due_ns)
        if self._running is not None:
            return min(due, max(self._running.arrival_ns, self.device.busy_until_ns))
        if self._messages:
            return min(due, max(self._messages[0][0], self.device.busy_until_ns))
        return due

    @property
    def saturated(self) -> bool:
        """Get whether so much waits that a client who still sends should be held back."""
        return self._backlog > _BACKLOG_BYTES

    @property
    def idle(self) -> bool:
        """Get whether nothing is under way: no message, no answer."""
        return not (self.outputs or self._messages or self._running)

    @property
    def _waiting_due_ns(self) -> int:
        return self.device.idle_at_ns if isinstance(self._waiting, WhenIdle) else self._due_ns

    def receive(self, data: bytes, *, end: bool = False) -> None:
        """Take bytes from the controller; `end` is the bus's END.

        Raise LinkDropped where the link is gone.
        """
        device = self.device
        if self._cut:
            raise LinkDropped
        faults, now_ns = device.faults, device.clock.now_ns
        for message in self._framer.feed(data, end=end):
            if faults.present:
                faults.count_message()
                self.check_link()
                if faults.active(FaultKind.SILENT):
                    continue
            if device.listener is not None:
                device.listener(now_ns / 1e9, ">>", message)
            self._messages.append((now_ns, message))
            self._backlog += len(message)
        while self._framer.overruns:
            self._framer.overruns -= 1
            device.report(-363)
        self.pump(now_ns)

    def pump(self, now_ns: int) -> None:
        """Execute what can be executed until a moment."""
        while self._waiting is not None or self._running is not None or self._messages:
            if self._waiting is not None:
                if not self._finish_waiting(now_ns):
                    return
            elif self._running is None:
                if not self._start_message(now_ns):
                    return
            elif not self._next_steps(self._running, now_ns):
                return

    def _start_message(self, now_ns: int) -> bool:
        arrival_ns, message = self._messages[0]
        if max(arrival_ns, self.device.busy_until_ns) > now_ns:
            return False
        if not self.outputs:
            self._unread = 0
        elif not self.strict and self._unread > _UNREAD_BYTES:
            return False
        self._messages.popleft()
        self._backlog -= len(message)
        self.device.advance(max(arrival_ns, self.device.busy_until_ns))
        if self.strict and self.outputs:
            self.outputs.clear()
            self.interruptions += 1
            self.device.report(-410)
        if self.device.faults.present:
            code = self.device.faults.pending_error(message)
            if code is not None:
                self.device.report(code)
        program = self.device.program(message, self._path)
        self._path = program.path if self.device.profile.sticky_path else ""
        self._running = _Running(program.steps, arrival_ns, len(message))
        return True

    def _next_steps(self, running: _Running, now_ns: int) -> bool:
        """Go on with a message until it ends or waits; tell whether anything more can happen now."""
        device, steps = self.device, running.steps
        device.exchange = self
        try:
            while running.at < len(steps):
                if device.busy_until_ns > now_ns:
                    return False
                device.advance(max(running.arrival_ns, device.busy_until_ns, device.now_ns))
                self._next_step(running, *steps[running.at])
                if self._waiting is not None:
                    return True
        finally:
            device.exchange = None
        self._end_message(running)
        return True

    def _next_step(self, running: _Running, step: Step, tokens: Sequence[Token]) -> None:
        running.at += 1
        try:
            if running.indefinite and step.query and step.error is None:
                raise ScpiError(-440)
            if step.indefinite:
                running.indefinite = True
            answer = step.run(self.device, tokens)
            if answer is not None:
                self._take(answer, running)
        except ScpiError as error:
            self.device.report_error(error)

    def _take(self, answer: object, running: _Running) -> None:
        """Keep what a handler gave: nothing, an answer, or a wait."""
        if running.deadlocked:
            return
        if isinstance(answer, Later):
            self._waiting, self._due_ns = answer, self.device.after_ns(answer.seconds)
            self.device.busy_until_ns = max(self.device.busy_until_ns, self._due_ns)
        elif isinstance(answer, WhenIdle):
            self._waiting = answer
        else:
            written = write(answer, self.device.profile)
            running.answers.append(written)
            running.size += len(written)
            if running.size > self.device.profile.output_buffer_bytes:
                self._check_deadlock(running)

    def _check_deadlock(self, running: _Running) -> None:
        """Give up when neither side can go on: input still arriving, output full."""
        if running.length > self.device.profile.input_buffer_bytes or running.size > _ANSWER_LIMIT_BYTES:
            running.answers.clear()
            running.deadlocked = True
            raise ScpiError(-430)

    def _finish_waiting(self, now_ns: int) -> bool:
        if self._waiting_due_ns > now_ns:
            return False
        waiting, running = self._waiting, self._running
        self.device.advance(max(self.device.now_ns, self._waiting_due_ns))
        if isinstance(waiting, WhenIdle) and self.device.idle_at_ns > 0:
            return True  # an operation that ended has started another
        self._waiting = None
        if waiting is not None and running is not None:
            self._deliver(waiting, running)
        return True

    def _deliver(self, waiting: Later | WhenIdle, running: _Running) -> None:
        self.device.exchange = self
        try:
            answer = resolve(waiting.answer)
            if answer is not None:
                self._take(answer, running)
        except ScpiError as error:
            self.device.report_error(error)
        finally:
            self.device.exchange = None

    def _end_message(self, running: _Running) -> None:
        self._running = None
        if not running.answers:
            return
        device = self.device
        answer, end = b";".join(running.answers), device.profile.answer_end
        self._unread += len(answer)
        if device.listener is not None:
            device.listener(device.now_ns / 1e9, "<<", answer)
        if not device.faults.present:
            self.outputs.append(Output(device.now_ns, answer + end))
            return
        data, delay_s, complete = device.faults.spoil(answer, end)
        self.outputs.append(Output(device.now_ns + round(delay_s * 1e9), data, complete))

    def take(self, limit: int) -> tuple[bytes, bool]:
        """Take up to `limit` bytes of the answer that is ready, and whether that was its end."""
        output = self.outputs[0]
        data = (
            output.data[output.taken : output.taken + limit]
            if output.taken or limit < len(output.data)
            else output.data
        )
        output.taken += len(data)
        finished = output.taken >= len(output.data)
        if finished:
            self.outputs.popleft()
        return data, finished and output.complete

    def read_unasked(self) -> None:
        """Note that the controller reads although nothing was asked."""
        if self.strict and not self.device.faults.active(FaultKind.SILENT):
            self.device.report(-420)

    def clear(self) -> None:
        """Do what a device clear does: empty both buffers; settings and errors stay."""
        self._framer.clear()
        self._messages.clear()
        self._backlog = 0
        self.outputs.clear()
        if isinstance(self._waiting, Later):
            self.device.busy_until_ns = min(self.device.busy_until_ns, self.device.clock.now_ns)
        self._running = self._waiting = None
        self._path = ""
        self.device.cancel_announcement()
