"""The status model of IEEE 488.2 chapter 11 and SCPI-99 volume 1 chapter 9."""

from __future__ import annotations

from simulation.scpi.errors import ErrorQueue

OPERATION_COMPLETE = 0x01
POWER_ON = 0x80
_EAV, _QUES, _MAV, _ESB, _MSS, _OPER = 0x04, 0x08, 0x10, 0x20, 0x40, 0x80
_MASK = 0x7FFF  # bit 15 is never used, SCPI-99 volume 1, 9.3


class Register:
    """A condition with transition filters, an event register and its enable.

    The summary of a register may be a bit in the condition of another.
    """

    def __init__(self, parent: Register | None = None, bit: int = 0) -> None:
        self._parent, self._parent_mask = parent, 1 << bit
        self.condition = 0
        self._event = 0
        self._enable = 0
        self.positive = _MASK
        self.negative = 0

    @property
    def event(self) -> int:
        """Get the latched events, leaving them."""
        return self._event

    @property
    def enable(self) -> int:
        """Get or set the events that reach the summary."""
        return self._enable

    @enable.setter
    def enable(self, mask: int) -> None:
        self._enable = mask & _MASK
        self._tell()

    @property
    def summary(self) -> bool:
        """Get whether an enabled event is latched."""
        return bool(self._event & self._enable)

    def set_bit(self, bit: int, on: bool) -> None:
        """Set or clear one condition."""
        condition = self.condition | 1 << bit if on else self.condition & ~(1 << bit)
        rise, fall = condition & ~self.condition, self.condition & ~condition
        self.condition = condition
        if rise or fall:
            self._event |= (rise & self.positive) | (fall & self.negative)
            self._tell()

    def latch(self, bit: int) -> None:
        """Record an event that has no condition."""
        self._event |= (1 << bit) & self.positive
        self._tell()

    def take_event(self) -> int:
        """Read the events and clear them."""
        event, self._event = self._event, 0
        self._tell()
        return event

    def preset(self) -> None:
        """Set enable and filters as STATus:PRESet does."""
        self._enable, self.positive, self.negative = 0, _MASK, 0
        self._tell()

    def _tell(self) -> None:
        if self._parent is not None:
            self._parent.set_bit(self._parent_mask.bit_length() - 1, self.summary)


class Status:
    """Standard event register, operation and questionable registers, and the status byte."""

    def __init__(self, errors: ErrorQueue) -> None:
        self._errors = errors
        self.operation = Register()
        self.questionable = Register()
        self.events = POWER_ON
        self.event_enable = 0
        self._request_enable = 0
        self._reasons = 0
        self._requesting = False

    @property
    def request_enable(self) -> int:
        """Get or set the service request enable register; bit 6 does not exist in it."""
        return self._request_enable

    @request_enable.setter
    def request_enable(self, mask: int) -> None:
        self._request_enable = mask & 0xFF & ~_MSS

    def set_event(self, bits: int) -> None:
        """Set bits of the standard event register."""
        self.events |= bits

    def take_events(self) -> int:
        """Read the standard event register and clear it."""
        events, self.events = self.events, 0
        return events

    def clear(self) -> None:
        """Clear events, as *CLS does; enables stay."""
        self.events = 0
        self.operation.take_event()
        self.questionable.take_event()

    def byte(self, *, message_available: bool) -> int:
        """Get the status byte with MSS in bit 6, as *STB? does."""
        byte = _EAV if len(self._errors) else 0
        byte |= _QUES if self.questionable.summary else 0
        byte |= _MAV if message_available else 0
        byte |= _ESB if self.events & self.event_enable else 0
        byte |= _OPER if self.operation.summary else 0
        return byte | (_MSS if byte & self._request_enable else 0)

    def refresh(self, *, message_available: bool) -> bool:
        """Raise a service request where a new reason has come; tell whether one is pending."""
        reasons = self.byte(message_available=message_available) & self._request_enable
        if reasons & ~self._reasons:
            self._requesting = True
        elif not reasons:
            self._requesting = False
        self._reasons = reasons
        return self._requesting

    def serial_poll(self, *, message_available: bool) -> int:
        """Get the status byte with RQS in bit 6, and clear RQS."""
        requesting = self.refresh(message_available=message_available)
        self._requesting = False
        byte = self.byte(message_available=message_available) & ~_MSS
        return byte | (_MSS if requesting else 0)
