"""The base of all simulated instruments: settings, errors, status, operations, and a table of commands.

A device class states who it is, lists its commands and gives their handlers; everything that the
standards rule is done here and in exchange.py. The smallest one:

    class Lamp(ScpiDevice):
        model = "Acme Lamp"
        manufacturer = "Acme"
        identity_model = "Lamp"
        firmware = "1.0"

        def set_on(self, on: bool) -> None:
            self.on = on

        def reset(self) -> None:
            super().reset()
            self.on = False

        commands = (
            Command(
                pattern="OUTPut[:STATe]",
                action=set_on,
                query=lambda lamp: lamp.on,
                parameters=(Boolean(),),
                confirmed="manual page",
                source="Acme Lamp Guide, p. 3",
            ),
        )

Time. `now_ns` is the moment at which the running command acts. It is not always the clock's: a command
that had to wait for a busy instrument acts when that was over, even if the simulation only now gets
round to it. Compute settling from `now_ns`; call `catch_up()` before anyone else looks at the
instrument (emission, passages, safe_state).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from simulation.faults import Fault, FaultKind, FaultLine
from simulation.scpi.commands import Command, HeaderTree
from simulation.scpi.common import COMMON
from simulation.scpi.errors import ErrorQueue, ScpiError, event_bit
from simulation.scpi.profile import PLAIN, Profile
from simulation.scpi.status import OPERATION_COMPLETE, Status
from simulation.scpi.steps import Compiler, Program, Step

if TYPE_CHECKING:
    from simulation.scpi.exchange import Exchange

FOREVER_NS = 2**62
"""A time that never comes."""
_CACHED_MESSAGES = 2048
_CACHED_BYTES = 256


class Clock(Protocol):
    """What instruments need of time; VirtualClock fits, and so does a clock of wall time."""

    @property
    def now_ns(self) -> int:
        """Get the nanoseconds since the start."""
        ...


@dataclass(slots=True)
class _Operation:
    due_ns: int
    done: Callable[[], None] | None
    bit: int | None


class ScpiDevice:
    """A simulated instrument.

    `serial` is what it calls itself by; `options` are constructor values of the model; equal `seed` and
    `name` give equal noise.
    """

    model: ClassVar[str]
    manufacturer: ClassVar[str]
    identity_model: ClassVar[str]
    firmware: ClassVar[str]
    profile: ClassVar[Profile] = PLAIN
    commands: ClassVar[tuple[Command, ...]] = ()

    def __init__(
        self, name: str, *, serial: str, options: Mapping[str, object], clock: Clock, seed: int
    ) -> None:
        self.name, self.serial, self.options, self.clock, self.seed = name, serial, options, clock, seed
        self.errors = ErrorQueue(self.profile.error_capacity)
        self.status = Status(self.errors)
        self.faults = FaultLine()
        self.now_ns = clock.now_ns
        self.busy_until_ns = 0
        self.listener: Callable[[float, str, bytes], None] | None = None
        """Is told the time in seconds, ">>" or "<<", and each message or answer."""
        self.exchange: Exchange | None = None
        self.exchanges: list[Exchange] = []
        self.tree = HeaderTree((*type(self).commands, *COMMON))
        self._operations: dict[str, _Operation] = {}
        self._announce_completion = False
        self.admits = type(self).admit is not ScpiDevice.admit
        self._compiler = Compiler(self.tree)
        self._programs: dict[tuple[str, bytes], Program] = {}
        self._noise: dict[str, tuple[int, int]] = {}
        self._catching_up = False
        self.reset()

    # What a device may override.

    def reset(self) -> None:
        """Bring all settings to their power-on state (*RST); called once by the constructor."""
        for name in tuple(self._operations):
            self.abort(name)
        self._announce_completion = False

    def trigger(self) -> None:
        """Do what *TRG and a group trigger do."""
        raise ScpiError(-211)

    def self_test(self) -> int:
        """Give the result of *TST?; 0 is passed."""
        return 0

    def installed_options(self) -> str:
        """Give the answer to *OPT?."""
        return "0"

    def translate(self, message: bytes) -> bytes:
        """Turn a message of a dialect into one that the tables understand."""
        return message

    def admit(self, step: Step) -> None:
        """Raise ScpiError to refuse a command before its parameters are looked at (login, missing card)."""

    def safe_state(self) -> Mapping[str, object]:
        """Get the truth about the outputs, past all messages."""
        return {}

    def inflict(self, faults: Sequence[Fault]) -> None:
        """Take those of a bench's faults that name this instrument, in place of all earlier ones."""
        own = [fault for fault in faults if fault.instrument == self.name]
        self.faults = FaultLine(own, seed=self.seed, now_s=lambda: self.clock.now_ns / 1e9)

    def power_cycle(self, startup_s: float) -> None:
        """Lose the mains and start anew: settings, errors, buffers and connections are gone."""
        for exchange in tuple(self.exchanges):
            exchange.cut()
        self.errors.clear()
        self.status = Status(self.errors)
        self.reset()
        self.busy_until_ns = self.now_ns = self.clock.now_ns
        self.hold(startup_s)

    # What a device calls.

    @property
    def now_s(self) -> float:
        """Get the moment at which the running command acts, in seconds."""
        return self.now_ns / 1e9

    @property
    def identity(self) -> str:
        """Get the answer to *IDN?."""
        wrong = self.faults.find(FaultKind.WRONG_IDENTITY) if self.faults.present else None
        own = f"{self.manufacturer},{self.identity_model},{self.serial},{self.firmware}"
        return wrong.identity if wrong else own

    @property
    def reference_factor(self) -> float:
        """Get what a drifted reference multiplies every power reading by."""
        drift = self.faults.find(FaultKind.DRIFTED_REFERENCE) if self.faults.present else None
        return 1.0 if drift is None else float(10 ** (drift.amount_db / 10))

    def noise(self, quantity: str) -> np.random.Generator:
        """Give the generator for the next noisy value of a quantity.

        It depends on seed, name, quantity and on how often this quantity was asked for, on nothing else.
        """
        known = self._noise.get(quantity)
        if known is None:
            text = f"{self.seed}/{self.name}/{quantity}".encode()
            known = (int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "big"), 0)
        key, count = known
        self._noise[quantity] = (key, count + 1)
        # The count fills the upper words: each value has 2**192 steps of its own.
        return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, count]))

    def report(self, code: int, detail: str = "", *, text: str = "") -> None:
        """Put an error in the queue and set its event bit."""
        self.report_error(ScpiError(code, detail, text=text))

    def report_error(self, error: ScpiError) -> None:
        """Put an error in the queue and set its event bit."""
        self.errors.push(error.renewed())
        self.status.set_event(event_bit(error.code))

    def hold(self, seconds: float) -> None:
        """Stay busy: the next command of any session waits that long."""
        self.busy_until_ns = max(self.busy_until_ns, self.after_ns(seconds))

    def after_ns(self, seconds: float) -> int:
        """Get the moment some seconds after the running command; never, where the instrument is stuck."""
        if self.faults.active(FaultKind.STUCK_BUSY):
            return FOREVER_NS
        return min(FOREVER_NS, self.now_ns + round(seconds * 1e9))

    def begin(
        self, name: str, seconds: float, done: Callable[[], None] | None = None, *, bit: int | None = None
    ) -> None:
        """Start an overlapped operation, or start it anew.

        `done` is called at its end, `bit` is set in the operation condition register until then.
        """
        self._operations[name] = _Operation(self.after_ns(seconds), done, bit)
        if bit is not None:
            self.status.operation.set_bit(bit, True)

    def running(self, name: str) -> bool:
        """Tell whether an overlapped operation is under way."""
        return name in self._operations

    def due_ns(self, name: str) -> int:
        """Get the moment at which an overlapped operation ends, or the present one."""
        operation = self._operations.get(name)
        return operation.due_ns if operation else self.now_ns

    def abort(self, name: str) -> None:
        """End an overlapped operation without its result."""
        self._end(name)
        self._announce_if_idle()

    # What the exchange calls.

    @property
    def idle_at_ns(self) -> int:
        """Get the moment at which the last known operation ends."""
        if self.faults.active(FaultKind.STUCK_BUSY):
            return FOREVER_NS
        return max((operation.due_ns for operation in self._operations.values()), default=0)

    @property
    def next_event_ns(self) -> int:
        """Get the moment at which the next operation ends, or never."""
        return min((operation.due_ns for operation in self._operations.values()), default=FOREVER_NS)

    def announce_completion(self) -> None:
        """Arm *OPC: the event bit is set when no operation is running."""
        self._announce_completion = True
        self._announce_if_idle()

    def cancel_announcement(self) -> None:
        """Disarm *OPC."""
        self._announce_completion = False

    def advance(self, now_ns: int) -> None:
        """End the operations that are due, each at its own moment."""
        while self._operations and self.next_event_ns <= now_ns:
            name = min(self._operations, key=lambda name: self._operations[name].due_ns)
            self.now_ns = max(self.now_ns, self._operations[name].due_ns)
            done = self._end(name)
            if done is not None:
                done()
            self._announce_if_idle()
        self.now_ns = max(self.now_ns, now_ns)

    def _end(self, name: str) -> Callable[[], None] | None:
        operation = self._operations.pop(name, None)
        if operation is None:
            return None
        shared = any(other.bit == operation.bit for other in self._operations.values())
        if operation.bit is not None and not shared:
            self.status.operation.set_bit(operation.bit, False)
        return operation.done

    def _announce_if_idle(self) -> None:
        if self._announce_completion and self.idle_at_ns == 0:
            self._announce_completion = False
            self.status.set_event(OPERATION_COMPLETE)

    def catch_up(self) -> None:
        """Let all that is due until now happen."""
        if self._catching_up or self.exchange is not None:
            return  # it is just now executing
        self._catching_up = True
        try:
            now_ns = self.clock.now_ns
            for exchange in sorted(self.exchanges, key=lambda exchange: exchange.next_due_ns):
                exchange.pump(now_ns)
            self.advance(now_ns)
        finally:
            self._catching_up = False

    def program(self, message: bytes, path: str) -> Program:
        """Read a message and find its commands."""
        key = (path, message)
        program = self._programs.get(key)
        if program is None:
            program = self._compiler.program(self.translate(message), path)
            if len(message) <= _CACHED_BYTES:
                if len(self._programs) >= _CACHED_MESSAGES:
                    self._programs.clear()
                self._programs[key] = program
        return program
