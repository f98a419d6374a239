"""The one owner of a transceiver's two-wire bus: pages, access limits, hold-offs.

The page register is shared state inside the module: whoever reads an upper page must hold the
bus from selecting the page to the last byte. So every access goes through ManagedBus, which
selects the page, reads the selection back, and after a read confirms that it still stands.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from instruments.clock import Clock
from instruments.cmis.registers import IDENTIFIER, MEMORY_MODEL, PAGE_SELECT, Access, Register
from instruments.errors import ManagementError, NoAcknowledge
from instruments.interfaces.host_board import HostBoard

MODULE_ADDRESS: Final = 0x50  # 7-bit; A0h and A1h on the wire
ACCESS_LIMIT_BYTES: Final = 8  # one READ or WRITE, unless the module advertises more
HOLD_OFF_S: Final = 0.010  # longest time without acknowledge after a write or a page change
NONVOLATILE_HOLD_OFF_S: Final = 0.080  # the same after a write to the user's page 03h
NONVOLATILE_PAGE: Final = 0x03
RETRY_S: Final = 0.001
RELEASED_BUS: Final = 0xFF  # what a master reads when nobody drives the data line


class ManagedBus:
    """Registers of one transceiver, read and written by the rules of its bus.

    `name` is the transceiver in error messages ("transceiver in slot1"). `lock` may be given
    where others than this process's threads share the bus; it must be reentrant. A host that
    knows its module to advertise longer reads may raise `read_limit_bytes`.
    """

    def __init__(
        self,
        board: HostBoard,
        clock: Clock,
        *,
        name: str = "transceiver",
        lock: AbstractContextManager[object] | None = None,
        read_limit_bytes: int = ACCESS_LIMIT_BYTES,
    ) -> None:
        self.name = name
        self._board = board
        self._clock = clock
        self._lock = threading.RLock() if lock is None else lock
        self._read_limit_bytes = read_limit_bytes

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep everybody else off the bus for several accesses."""
        with self._lock:
            yield

    def read(self, register: Register, *, bank: int = 0) -> bytes:
        """Read the bytes of a register."""
        with self._lock:
            self._open_page(register, bank)
            data = b"".join(self._read(byte, count) for byte, count in self._pieces(register))
            self._confirm_page(register, bank)
            return data

    def read_integer(self, register: Register, *, bank: int = 0) -> int:
        """Read a register of one number."""
        return register.integer(self.read(register, bank=bank))

    def write(self, register: Register, data: bytes, *, bank: int = 0) -> None:
        """Write the bytes of a register and, where it can be read back, verify them."""
        if len(data) != register.size:
            raise ValueError(f"{register.name} takes {register.size} bytes, not {len(data)}")
        with self._lock:
            self._put(register, data, bank)
            if register.access is Access.READ_WRITE:
                self._verify(register, data, bytes([0xFF] * len(data)), bank)

    def update(
        self, register: Register, *, set_bits: int = 0, clear_bits: int = 0, verify_bits: int, bank: int = 0
    ) -> None:
        """Change bits of a one-byte register, leave the others, and verify those of `verify_bits`."""
        with self._lock:
            old = self.read(register, bank=bank)[0]
            new = bytes([(old | set_bits) & ~clear_bits & 0xFF])
            self._put(register, new, bank)
            if verify_bits:
                self._verify(register, new, bytes([verify_bits]), bank)

    def _pieces(self, register: Register) -> Iterator[tuple[int, int]]:
        step = register.width if register.live else self._read_limit_bytes
        end = register.byte + register.size
        for byte in range(register.byte, end, step):
            yield byte, min(step, end - byte)

    def _put(self, register: Register, data: bytes, bank: int) -> None:
        self._open_page(register, bank)
        for start in range(0, len(data), ACCESS_LIMIT_BYTES):
            piece = data[start : start + ACCESS_LIMIT_BYTES]
            self._transfer(bytes([register.byte + start]) + piece, 0)
            if register.page == NONVOLATILE_PAGE:
                # Sit out the longer silence here: every other access allows for the shorter.
                self._transfer(bytes([IDENTIFIER.byte]), 1, hold_off_s=NONVOLATILE_HOLD_OFF_S)

    def _verify(self, register: Register, written: bytes, mask: bytes, bank: int) -> None:
        seen = self.read(register, bank=bank)
        if any((a ^ b) & m for a, b, m in zip(written, seen, mask, strict=True)):
            raise ManagementError(
                f"{self.name}: {register.name} ({register.where}) reads {_hex(seen)} "
                f"after {_hex(written)} was written",
                remedy="check that the module supports this control",
            )

    def _open_page(self, register: Register, bank: int) -> None:
        if register.page is None:
            return
        wanted = self._selection(register, bank)
        if self._read(PAGE_SELECT.byte, PAGE_SELECT.size) == wanted:
            return  # spares the hold-off of a page change
        # Bank and page in one write: a lone page write while the bank differs may be refused.
        self._transfer(bytes([PAGE_SELECT.byte]) + wanted, 0)
        if self._read(PAGE_SELECT.byte, PAGE_SELECT.size) != wanted:
            raise self._page_refused(register.page, wanted[0])

    def _confirm_page(self, register: Register, bank: int) -> None:
        if register.page is None:
            return
        seen = self._read(PAGE_SELECT.byte, PAGE_SELECT.size)
        if seen != self._selection(register, bank):
            raise ManagementError(
                f"{self.name}: the page register ({PAGE_SELECT.where}) reads {_hex(seen)} after a read of "
                f"{register.name} ({register.where}): the module was reset, or another host uses this bus",
                remedy="keep other hosts off the bus and measure again",
            )

    def _page_refused(self, page: int, bank: int) -> ManagementError:
        if MEMORY_MODEL.integer(self._read(MEMORY_MODEL.byte, 1)):
            why = "its memory is flat: it has page 00h only"
        else:
            why = f"it does not support page {page:02X}h" + (f" in bank {bank}" if bank else "")
        return ManagementError(f"{self.name} does not select page {page:02X}h: {why}")

    def _read(self, byte: int, count: int) -> bytes:
        data = self._transfer(bytes([byte]), count)
        if data[-1] == RELEASED_BUS:
            self._confirm_presence(byte, count)
        return data

    def _confirm_presence(self, byte: int, count: int) -> None:
        # A module that resets in the middle of a read lets go of the data line, and the master
        # reads FFh to the end. Then it cannot acknowledge the very next transfer; a module that
        # really holds FFh does, for a read is followed by no hold-off.
        try:
            again = self._board.transfer(MODULE_ADDRESS, bytes([IDENTIFIER.byte]), 1)
        except NoAcknowledge as error:
            raise NoAcknowledge(
                f"{self.name} stopped acknowledging in a read of {count} bytes from byte {byte}: "
                "it was reset, unplugged or lost its supply",
                remedy="check the supply and ResetL, then measure again",
            ) from error
        if again == bytes([RELEASED_BUS]):
            raise ManagementError(
                f"{self.name}: the bus reads FFh everywhere: nobody drives the data line",
                remedy="check the supply of the module and the pull-ups of the bus",
            )

    def _transfer(self, write: bytes, read_count: int, *, hold_off_s: float = HOLD_OFF_S) -> bytes:
        data = self._acknowledged(write, read_count, hold_off_s)
        if len(data) != read_count:
            raise ManagementError(
                f"{self.name} gave {len(data)} of {read_count} bytes from byte {write[0]}",
                remedy="check the two-wire adapter",
            )
        return data

    def _acknowledged(self, write: bytes, read_count: int, hold_off_s: float) -> bytes:
        # Counted, not timed: a clock that rounds a short sleep to nothing must not hang us.
        for _ in range(math.ceil(hold_off_s / RETRY_S)):
            try:
                return self._board.transfer(MODULE_ADDRESS, write, read_count)
            except NoAcknowledge:
                self._clock.sleep(RETRY_S)
        try:
            return self._board.transfer(MODULE_ADDRESS, write, read_count)
        except NoAcknowledge as error:
            raise NoAcknowledge(
                f"{self.name} did not acknowledge address {MODULE_ADDRESS:02X}h "
                f"within its hold-off of {hold_off_s * 1e3:.0f} ms",
                remedy="check that it is plugged in, powered and not held in reset",
            ) from error

    @staticmethod
    def _selection(register: Register, bank: int) -> bytes:
        return bytes([bank if register.banked else 0, register.page or 0])


def _hex(data: bytes) -> str:
    return " ".join(f"{byte:02X}h" for byte in data)
