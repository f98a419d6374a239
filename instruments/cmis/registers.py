"""The management memory as the standard lays it out: where each value stands and how it is written.

Written from OIF CMIS 5.x (the tables of lower memory and of pages 00h, 01h, 10h, 11h), host side only.
Bytes 0-127 are lower memory and always there; bytes 128-255 show the page that the page register names.
Multi-byte numbers are big-endian; lane 1 is the lowest bit, the lowest nibble and the first element.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

LOWER: Final = None
"""The page of a register in lower memory."""

UPPER_START: Final = 128
PAGE_SIZE: Final = 128
LANES_PER_BANK: Final = 8
FIRST_BANKED_PAGE: Final = 0x10


class Format(Enum):
    """How the bytes of a register are read."""

    UNSIGNED = "unsigned"
    SIGNED = "two's complement"
    TEXT = "ASCII, padded with spaces on the right"
    NIBBLES = "two elements a byte, the lower nibble first"


class Access(Enum):
    """What the host may do with a register."""

    READ_ONLY = "RO"
    READ_WRITE = "RW"
    WRITE_ONLY = "WO"
    """Self-clearing: writing it does something, and reading it back says nothing."""


@dataclass(frozen=True, slots=True)
class Register:
    """A value, or an array of equal values, in management memory.

    `width` is the size of one element in bytes, `bits` (high, low) the part of a one-byte element
    that is meant. `live` values change under the reader: each element must be read by an access of
    its own size, because the standard promises no other access to be untorn.
    """

    name: str
    page: int | None
    byte: int
    width: int = 1
    count: int = 1
    format: Format = Format.UNSIGNED
    access: Access = Access.READ_ONLY
    clear_on_read: bool = False
    live: bool = False
    bits: tuple[int, int] | None = None

    @property
    def size(self) -> int:
        """Get the number of bytes that the register takes."""
        if self.format is Format.NIBBLES:
            return (self.count + 1) // 2
        return self.width * self.count

    @property
    def banked(self) -> bool:
        """Get whether each bank of eight lanes has a register of its own."""
        return self.page is not None and self.page >= FIRST_BANKED_PAGE

    @property
    def where(self) -> str:
        """Get the address as the standard writes it."""
        last = self.byte + self.size - 1
        span = f"{self.byte}" if last == self.byte else f"{self.byte}-{last}"
        if self.page is None:
            return f"lower memory byte {span}"
        return f"{self.page:02X}h:{span}"

    def cut(self, image: bytes, first_byte: int) -> bytes:
        """Cut the register's bytes from an image of its page that begins at `first_byte`."""
        offset = self.byte - first_byte
        return image[offset : offset + self.size]

    def integers(self, data: bytes) -> tuple[int, ...]:
        """Decode all elements."""
        if self.format is Format.NIBBLES:
            return tuple(nibble for byte in data for nibble in (byte & 0x0F, byte >> 4))[: self.count]
        signed = self.format is Format.SIGNED
        steps = range(0, len(data), self.width)
        return tuple(int.from_bytes(data[i : i + self.width], "big", signed=signed) for i in steps)

    def integer(self, data: bytes) -> int:
        """Decode the only element, or the bits of it that are meant."""
        (value,) = self.integers(data)
        if self.bits is None:
            return value
        high, low = self.bits
        return (value >> low) & ((1 << (high - low + 1)) - 1)

    def encode(self, values: Sequence[int]) -> bytes:
        """Encode all elements."""
        if self.format is Format.NIBBLES:
            padded = [*values, 0]
            return bytes(padded[i] | padded[i + 1] << 4 for i in range(0, len(values), 2))
        signed = self.format is Format.SIGNED
        return b"".join(value.to_bytes(self.width, "big", signed=signed) for value in values)


_RW = Access.READ_WRITE
_TEXT = Format.TEXT

# Lower memory: characteristics, state, flags.
IDENTIFIER = Register("identifier", LOWER, 0)
REVISION = Register("CMIS revision", LOWER, 1)
MEMORY_MODEL = Register("memory model", LOWER, 2, bits=(7, 7))
MODULE_STATE = Register("module state", LOWER, 3, bits=(3, 1))
INTERRUPT_DEASSERTED = Register("interrupt deasserted", LOWER, 3, bits=(0, 0))
MODULE_FLAGS = Register("module flags", LOWER, 8, count=4, clear_on_read=True)
CASE_TEMPERATURE = Register("case temperature", LOWER, 14, width=2, format=Format.SIGNED, live=True)
SUPPLY_VOLTAGE = Register("supply voltage", LOWER, 16, width=2, live=True)
MODULE_CONTROL = Register("module control", LOWER, 26, access=_RW)
FIRMWARE_REVISION = Register("active firmware revision", LOWER, 39, count=2)
FAULT_CAUSE = Register("module fault cause", LOWER, 41)
MEDIA_TYPE = Register("media type", LOWER, 85)
APPLICATIONS = Register("application descriptors 1-8", LOWER, 86, count=32)
PAGE_SELECT = Register("bank and page select", LOWER, 126, count=2, access=_RW)

# Bits of MODULE_CONTROL.
SOFTWARE_RESET = 1 << 3
LOW_POWER_REQUEST = 1 << 4
LOW_POWER_FOLLOWS_PIN = 1 << 6

# Page 00h: what the vendor wrote.
PAGE_00 = 0x00
ADMINISTRATIVE_IDENTIFIER = Register("identifier", PAGE_00, 128)
VENDOR_NAME = Register("vendor name", PAGE_00, 129, width=16, format=_TEXT)
VENDOR_OUI = Register("vendor OUI", PAGE_00, 145, count=3)
PART_NUMBER = Register("part number", PAGE_00, 148, width=16, format=_TEXT)
VENDOR_REVISION = Register("vendor revision", PAGE_00, 164, width=2, format=_TEXT)
SERIAL_NUMBER = Register("serial number", PAGE_00, 166, width=16, format=_TEXT)
DATE_CODE = Register("date code", PAGE_00, 182, width=8, format=_TEXT)
POWER_CLASS = Register("power class", PAGE_00, 200, bits=(7, 5))
MAX_POWER = Register("maximum power", PAGE_00, 201)
CONNECTOR = Register("connector type", PAGE_00, 203)
MEDIA_LANES_UNSUPPORTED = Register("unsupported media lanes", PAGE_00, 210)
MEDIA_TECHNOLOGY = Register("media technology", PAGE_00, 212)
ADMINISTRATIVE_CHECKSUM = Register("page 00h checksum", PAGE_00, 222)
ADMINISTRATIVE_SUMMED = Register("page 00h summed bytes", PAGE_00, 128, count=94)

# Page 01h: what the module can do, and how long it may take.
PAGE_01 = 0x01
SUPPORTED_BANKS = Register("supported banks", PAGE_01, 142, bits=(1, 0))
DATA_PATH_INIT_TIME = Register("longest data path initialisation", PAGE_01, 144, bits=(3, 0))
DATA_PATH_DEINIT_TIME = Register("longest data path deinitialisation", PAGE_01, 144, bits=(7, 4))
TX_DISABLE_MODULE_WIDE = Register("Tx disable acts on the whole module", PAGE_01, 151, bits=(0, 0))
RX_POWER_IS_AVERAGE = Register("Rx power is average power", PAGE_01, 151, bits=(4, 4))
TX_DISABLE_SUPPORTED = Register("Tx disable supported", PAGE_01, 155, bits=(1, 1))
TEMPERATURE_SUPPORTED = Register("case temperature supported", PAGE_01, 159, bits=(0, 0))
SUPPLY_SUPPORTED = Register("supply voltage supported", PAGE_01, 159, bits=(1, 1))
TX_BIAS_SUPPORTED = Register("Tx bias supported", PAGE_01, 160, bits=(0, 0))
TX_POWER_SUPPORTED = Register("Tx power supported", PAGE_01, 160, bits=(1, 1))
RX_POWER_SUPPORTED = Register("Rx power supported", PAGE_01, 160, bits=(2, 2))
TX_BIAS_MULTIPLIER = Register("Tx bias multiplier", PAGE_01, 160, bits=(4, 3))
POWER_UP_TIME = Register("longest power-up", PAGE_01, 167, bits=(3, 0))
POWER_DOWN_TIME = Register("longest power-down", PAGE_01, 167, bits=(7, 4))
TX_TURN_ON_TIME = Register("longest Tx turn-on", PAGE_01, 168, bits=(3, 0))
TX_TURN_OFF_TIME = Register("longest Tx turn-off", PAGE_01, 168, bits=(7, 4))
PAGE_CHANGE_EXPONENT = Register("page change exponent", PAGE_01, 169, bits=(3, 0))
MEDIA_LANE_OPTIONS = Register("media lane options 1-15", PAGE_01, 176, count=15)
MORE_APPLICATIONS = Register("application descriptors 9-15", PAGE_01, 223, count=28)
ADVERTISEMENT_CHECKSUM = Register("page 01h checksum", PAGE_01, 255)
ADVERTISEMENT_SUMMED = Register("page 01h summed bytes", PAGE_01, 130, count=125)

# Page 10h: lane control.
PAGE_10 = 0x10
TX_DISABLE = Register("Tx disable", PAGE_10, 130, access=_RW)

# Page 11h: lane state, flags and monitors.
PAGE_11 = 0x11
DATA_PATH_STATES = Register("data path states", PAGE_11, 128, count=8, format=Format.NIBBLES)
LANE_FLAGS = Register("lane flags", PAGE_11, 134, count=20, clear_on_read=True)
TX_POWER = Register("Tx power", PAGE_11, 154, width=2, count=8, live=True)
TX_BIAS = Register("Tx bias", PAGE_11, 170, width=2, count=8, live=True)
RX_POWER = Register("Rx power", PAGE_11, 186, width=2, count=8, live=True)
ACTIVE_DATA_PATHS = Register("active data path configuration", PAGE_11, 206, count=8)
