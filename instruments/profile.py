"""How a model speaks: terminators, joining of commands, its way of reporting errors, its patience."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

# IEEE 488.2, clause 11.5.1: bits of the standard event status register that mean an error.
EVENT_STATUS_ERRORS: Mapping[int, str] = MappingProxyType(
    {2: "query error", 3: "device-dependent error", 4: "execution error", 5: "command error"}
)


@dataclass(frozen=True, slots=True)
class ErrorQueue:
    """A queue that gives its oldest error to each query and code 0 once it is empty."""

    query: str = ":SYST:ERR?"


@dataclass(frozen=True, slots=True)
class ErrorRegister:
    """A register whose named bits mean errors; bits without a word are ignored.

    `clear` is sent after errors were read, for registers that reading does not clear.
    """

    query: str
    words: Mapping[int, str] = field(default_factory=dict)
    clear: str | None = None

    def errors(self, value: int) -> tuple[str, ...]:
        """Name the bits that are set."""
        return tuple(f"{word} (bit {bit})" for bit, word in self.words.items() if value >> bit & 1)


@dataclass(frozen=True, slots=True)
class Profile:
    """What a session must know of a model before it can talk with it.

    `termination` ends messages where the transport marks their end as well (GPIB, USB, HiSLIP,
    VXI-11); `stream_termination` where it does not (raw socket, serial), if it differs there.
    `joins` says whether commands may be joined by semicolons. `margin_s` is the time that any
    answer may take on top of what was asked for.
    """

    termination: str = "\n"
    stream_termination: str | None = None
    joins: bool = True
    errors: tuple[ErrorQueue | ErrorRegister, ...] = (ErrorQueue(),)
    margin_s: float = 2.0

    def termination_on(self, *, stream: bool) -> str:
        """Get the terminator for a transport."""
        return self.stream_termination or self.termination if stream else self.termination

    @property
    def joined_error_query(self) -> str | None:
        """Get the query that may be appended to a message of commands, if there is one."""
        if self.joins and len(self.errors) == 1 and isinstance(self.errors[0], ErrorQueue):
            return self.errors[0].query
        return None
