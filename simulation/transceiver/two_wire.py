"""The two-wire bus as a module lives on it: addresses, lengths, hold-offs, no acknowledge."""

from __future__ import annotations

from typing import Protocol

from simulation.clock import VirtualClock
from simulation.transceiver import registers as reg
from simulation.transceiver.durations import Durations, nanoseconds
from simulation.transceiver.memory import HALF, SPACE, Memory

MODULE_ADDRESS = 0x50  # A0h with the direction bit, SFF-8636 and CMIS alike
_LONGEST_ACCESS = 8  # CMIS 5.2: longer reads and writes only where advertised
_BYTE_S = 9 / 400e3  # eight bits and the acknowledge at 400 kHz, the speed that L:2 advertises


class Nack(Exception):
    """The module did not acknowledge; its message says why, which a host on a real bus never learns."""


class Management(Protocol):
    """What the bus needs of the firmware behind it."""

    def answers(self) -> bool:
        """Bring the state up to date; return whether management answers."""
        ...

    def refresh(self) -> None:
        """Bring the registers up to date before a host reads them."""
        ...

    def written(self, places: frozenset[tuple[int, int]]) -> None:
        """Act on a host's write."""
        ...


class TwoWireFace:
    """A module's end of the two-wire bus.

    `strict` holds the host to the standard: at most 8 bytes an access (reads up to a page where
    advertised), no access while a write or a page change is still being digested. Without it, long
    and hasty accesses work, as many real modules let them. Each transfer takes its time on the bus, a
    refused one as well.
    """

    def __init__(
        self,
        memory: Memory,
        management: Management,
        clock: VirtualClock,
        durations: Durations,
        *,
        strict: bool = True,
        full_page_reads: bool = False,
    ) -> None:
        self._memory = memory
        self._management = management
        self._clock = clock
        self._durations = durations
        self._strict = strict
        self._longest_read = HALF if full_page_reads else _LONGEST_ACCESS
        self._pointer = 0
        self._held_off_until_ns = 0

    def restart(self) -> None:
        """Forget address pointer and hold-off, as after a reset."""
        self._pointer = 0
        self._held_off_until_ns = 0

    def transfer(self, address: int, write: bytes, read_count: int) -> bytes:
        """Write, then read after a repeated start; raise Nack where the module does not acknowledge.

        The first byte written sets the register address; a read without a write goes on where the
        last access ended. A refused write changes nothing.
        """
        if not 0 <= address < HALF or read_count < 0:
            raise ValueError(f"no such transfer: address {address:#x}, {read_count} bytes to read")
        self._pass_time(1 + len(write) if write or not read_count else 0)
        self._address(address)
        if write:
            self._take(write)
        if not read_count:
            return b""
        self._pass_time(1 + read_count)
        self._address(address)
        return self._give(read_count)

    def _pass_time(self, byte_count: int) -> None:
        self._clock.sleep(byte_count * _BYTE_S)

    def _address(self, address: int) -> None:
        if not self._management.answers():
            raise Nack("management does not answer")
        if address != MODULE_ADDRESS:
            raise Nack(f"nobody lives at address {address:#04x}")
        if self._strict and self._clock.now_ns < self._held_off_until_ns:
            raise Nack("hold-off after a write")

    def _take(self, write: bytes) -> None:
        start, data = write[0], write[1:]
        if data:
            self._check_write(start, len(data))
        self._pointer = start + len(data)
        if data:
            places = self._memory.write(start, data)
            self._hold_off(places)
            self._management.written(places)  # last: it may reset everything

    def _check_write(self, start: int, count: int) -> None:
        if self._strict and count > _LONGEST_ACCESS:
            raise Nack(f"a write of {count} bytes, longer than {_LONGEST_ACCESS}")
        self._check_end(start, count)
        if start < HALF < start + count:
            # The page may change half-way, so the standard gives such a write no meaning.
            raise Nack("a write from lower into upper memory")

    def _check_end(self, start: int, count: int) -> None:
        if start + count > SPACE:
            raise Nack(f"{count} bytes from {start} reach past byte 255")

    def _hold_off(self, places: frozenset[tuple[int, int]]) -> None:
        page_change = (reg.LOWER, reg.PAGE_SELECT) in places
        seconds = self._durations.page_change_s if page_change else self._durations.write_hold_off_s
        self._held_off_until_ns = self._clock.now_ns + nanoseconds(seconds)

    def _give(self, count: int) -> bytes:
        if self._strict and count > self._longest_read:
            raise Nack(f"a read of {count} bytes, longer than {self._longest_read}")
        self._check_end(self._pointer, count)
        self._management.refresh()
        data = self._memory.read(self._pointer, count)
        self._pointer += count
        return data
