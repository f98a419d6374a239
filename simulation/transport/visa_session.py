"""One VISA session with a simulated instrument: attributes, terminators, timeouts in bench time."""

from __future__ import annotations

import threading
from typing import Any, NoReturn, Protocol

from pyvisa import attributes, constants, rname
from pyvisa.constants import InterfaceType, ResourceAttribute, StatusCode

from simulation.faults import FaultKind, LinkDropped
from simulation.scpi import FOREVER_NS, Exchange, ScpiDevice

_TIMEOUT = int(ResourceAttribute.timeout_value)
_TERMCHAR = int(ResourceAttribute.termchar)
_TERMCHAR_ENABLED = int(ResourceAttribute.termchar_enabled)
_SEND_END = int(ResourceAttribute.send_end_enabled)
_SUPPRESS_END = int(ResourceAttribute.suppress_end_enabled)
_DEFAULT_TIMEOUT_MS = 2000


class SteppedClock(Protocol):
    """A clock that can be let run to a moment; VirtualClock fits."""

    @property
    def now_ns(self) -> int:
        """Get the nanoseconds since the start."""
        ...

    def sleep_until(self, now_ns: int) -> None:
        """Let time pass until a given moment, if that is still ahead."""
        ...


class VisaError(Exception):
    """A status that VISA reports as an error."""

    def __init__(self, status: StatusCode) -> None:
        super().__init__(status)
        self.status = status


class VisaSession:
    """What VISA keeps for one open resource.

    A resource of class INSTR marks the end of messages on the bus and knows when the controller reads;
    a SOCKET is a stream of bytes.
    """

    def __init__(self, device: ScpiDevice, clock: SteppedClock, name: rname.ResourceName) -> None:
        self.device = device
        self.clock = clock
        self.stream = name.resource_class == "SOCKET"
        self.exchange = Exchange(device, strict=not self.stream)
        self.turn = _Turn()
        self.awaits_requests = False
        self._known = _attributes_of(name)
        self._values = _first_values(name)
        self.timeout_ns = 0
        self._terminator: bytes | None = None
        self._remember()

    # Attributes.

    def get(self, attribute: int) -> object:
        """Get the value of an attribute."""
        if attribute in self._values:
            return self._values[attribute]
        known = self._known.get(attribute)
        if known is None:
            raise VisaError(StatusCode.error_nonsupported_attribute)
        return known.default

    def set(self, attribute: int, value: object) -> None:
        """Set an attribute."""
        known = self._known.get(attribute)
        if known is None:
            raise VisaError(StatusCode.error_nonsupported_attribute)
        if not known.write:
            raise VisaError(StatusCode.error_attribute_read_only)
        self._values[attribute] = value
        self._remember()

    def _remember(self) -> None:
        """Keep what every message needs of the attributes."""
        milliseconds = self._integer(_TIMEOUT)
        endless = milliseconds >= constants.VI_TMO_INFINITE
        self.timeout_ns = FOREVER_NS if endless else milliseconds * 1_000_000
        enabled = bool(self._values[_TERMCHAR_ENABLED])
        self._terminator = self._integer(_TERMCHAR).to_bytes(1, "big") if enabled else None

    # Messages.

    def write(self, data: bytes) -> None:
        """Send bytes to the instrument."""
        end = not self.stream and bool(self._values[_SEND_END])
        try:
            self.exchange.receive(data, end=end)
        except LinkDropped:
            raise VisaError(StatusCode.error_connection_lost) from None

    def read(self, count: int) -> tuple[bytes, StatusCode]:
        """Read up to `count` bytes; wait for them in bench time."""
        exchange = self.exchange
        try:
            exchange.check_link()
        except LinkDropped:
            raise VisaError(StatusCode.error_connection_lost) from None
        outputs, terminator = exchange.outputs, self._terminator
        if not outputs or outputs[0].due_ns > self.clock.now_ns:
            self._await_answer()
        if terminator is None:
            return self._read_to_end(count)
        output = outputs[0]
        if output.complete and not output.taken and len(output.data) <= count:
            at = output.data.find(terminator)
            if at == len(output.data) - 1:
                outputs.popleft()
                return output.data, StatusCode.success_termination_character_read
        return self._read_to(terminator, count)

    def _integer(self, attribute: int) -> int:
        value = self._values[attribute]
        return value if isinstance(value, int) else int(str(value))

    def _read_to_end(self, count: int) -> tuple[bytes, StatusCode]:
        if self.stream and self.get(_SUPPRESS_END) and len(self.exchange.outputs[0].data) < count:
            self._time_out()
        data, ended = self.exchange.take(count)
        if ended:
            return data, StatusCode.success
        if len(data) < count:
            # The instrument stopped in the middle of its answer: the rest never comes.
            self._time_out()
        return data, StatusCode.success_max_count_read

    def _read_to(self, terminator: bytes, count: int) -> tuple[bytes, StatusCode]:
        output = self.exchange.outputs[0]
        at = output.data.find(terminator, output.taken)
        if at < 0 and (self.stream or not output.complete) and len(output.data) - output.taken < count:
            self.exchange.take(count)
            self._time_out()
        wanted = count if at < 0 else min(count, at + 1 - output.taken)
        data, ended = self.exchange.take(wanted)
        if at >= 0 and data.endswith(terminator):
            return data, StatusCode.success_termination_character_read
        return data, StatusCode.success if ended and not self.stream else StatusCode.success_max_count_read

    def _await_answer(self) -> None:
        """Let bench time pass until an answer is ready, or until the timeout."""
        exchange, clock = self.exchange, self.clock
        outputs = exchange.outputs
        if outputs and outputs[0].due_ns <= clock.now_ns:
            return
        deadline_ns = clock.now_ns + self.timeout_ns
        exchange.pump(clock.now_ns)
        while not outputs or outputs[0].due_ns > clock.now_ns:
            if exchange.idle:
                exchange.read_unasked()
            due_ns = exchange.next_due_ns
            if due_ns > deadline_ns or due_ns >= FOREVER_NS:
                self._time_out(deadline_ns)
            clock.sleep_until(due_ns)
            exchange.pump(clock.now_ns)

    def _time_out(self, deadline_ns: int | None = None) -> NoReturn:
        due_ns = self.clock.now_ns + self.timeout_ns if deadline_ns is None else deadline_ns
        # An endless timeout would end the simulated day; whoever asked for it has a bug worth seeing.
        self.clock.sleep_until(min(due_ns, self.clock.now_ns + 86_400_000_000_000))
        self.device.catch_up()
        raise VisaError(StatusCode.error_timeout)

    def poll(self) -> int:
        """Do a serial poll."""
        if self.stream:
            raise VisaError(StatusCode.error_nonsupported_operation)
        self._check_reachable()
        self.device.catch_up()
        return self.device.status.serial_poll(message_available=self.exchange.message_available)

    def await_request(self, timeout_ns: int) -> None:
        """Let bench time pass until the instrument requests service."""
        deadline_ns = self.clock.now_ns + timeout_ns
        while True:
            self.device.catch_up()
            if self.device.status.refresh(message_available=self.exchange.message_available):
                return
            due_ns = min(self.exchange.next_due_ns, self.device.next_event_ns)
            if due_ns > deadline_ns or due_ns >= FOREVER_NS:
                self._time_out(deadline_ns)
            self.clock.sleep_until(due_ns)

    def clear(self) -> None:
        """Send a device clear."""
        self._check_reachable()
        self.exchange.clear()

    def trigger(self) -> None:
        """Send a group trigger."""
        self._check_reachable()
        self.exchange.receive(b"*TRG", end=True)

    def _check_reachable(self) -> None:
        try:
            self.exchange.check_link()
        except LinkDropped:
            raise VisaError(StatusCode.error_connection_lost) from None
        if self.device.faults.active(FaultKind.SILENT):
            self._time_out()


class _Turn:
    """Whose turn it is: a query and its answer belong to one thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner: int | None = None

    def take(self, timeout_ns: int) -> None:
        """Wait until no other thread is between a query and its answer.

        A thread that never reads its answer holds up the others for their timeout of wall time, once.
        """
        me = threading.get_ident()
        if self._owner != me:
            if not self._lock.acquire(blocking=False):
                self._lock.acquire(timeout=min(timeout_ns / 1e9, threading.TIMEOUT_MAX))
            self._owner = me

    def give(self) -> None:
        """Let the next thread go ahead."""
        self._owner = None
        if self._lock.locked():
            self._lock.release()


def _attributes_of(name: rname.ResourceName) -> dict[int, type[attributes.Attribute[Any]]]:
    key = (name.interface_type_const, name.resource_class)
    common = attributes.AttributesPerResource[attributes.AllSessionTypes]
    own = attributes.AttributesPerResource[key]
    return {int(each.attribute_id): each for each in (*common, *own)}


def _first_values(name: rname.ResourceName) -> dict[int, object]:
    values: dict[int, object] = {
        _TIMEOUT: _DEFAULT_TIMEOUT_MS,
        _TERMCHAR: 0x0A,
        _TERMCHAR_ENABLED: False,
        _SEND_END: True,
        _SUPPRESS_END: False,
        int(ResourceAttribute.interface_type): InterfaceType(name.interface_type_const),
        int(ResourceAttribute.resource_name): str(name),
        int(ResourceAttribute.resource_class): name.resource_class,
        int(ResourceAttribute.resource_manufacturer_name): "Photonbench",
        int(ResourceAttribute.interface_number): int(getattr(name, "board", 0)),
    }
    if name.interface_type == "TCPIP":
        values[int(ResourceAttribute.tcpip_address)] = getattr(name, "host_address", "")
        values[int(ResourceAttribute.tcpip_port)] = int(getattr(name, "port", 0) or 0)
    return values
