"""A byte image behind a two-wire bus, written from the CMIS tables, that enforces the bus rules."""

from collections.abc import Callable
from datetime import UTC, datetime

from instruments.errors import NoAcknowledge
from instruments.interfaces.host_board import HostBoard

Hook = Callable[["FakeModule", bytes, bytes], bytes]


class FakeClock:
    def __init__(self):
        self.time_s = 0.0
        self.events = []

    def now(self):
        return self.time_s

    def sleep(self, seconds):
        self.time_s += seconds
        for event in [e for e in self.events if e[0] <= self.time_s + 1e-9]:
            self.events.remove(event)
            event[1]()

    def utc(self):
        return datetime(2026, 1, 1, tzinfo=UTC)

    def at(self, time_s, action):
        self.events.append((time_s, action))


class FakeModule(HostBoard):
    """A QSFP112 400GBASE-DR4, ready, four lanes emitting.

    `hook(module, sent, answer)` sees each transfer that is acknowledged and may change the answer.
    """

    def __init__(self, clock):
        self.clock = clock
        self.lower = lower_memory()
        self.pages = {(0, 0): page_00(), (0, 1): page_01(), (0, 0x10): page_10(), (0, 0x11): page_11()}
        self.silent_until_s = 0.0
        self.write_hold_off_s = 0.0
        self.page_change_s = 0.0
        self.ignores_writes = False
        self.longest_read = 0
        self.reads = []
        self.hook: Hook | None = None

    def present(self):
        return True

    def switch_power(self, on): ...

    def hold_reset(self, held): ...

    def request_low_power(self, low_power): ...

    def poke(self, page, byte, *values, bank=0):
        image, offset = self._place(page, byte, bank)
        image[offset : offset + len(values)] = bytes(values)
        if page in (0, 1):
            seal(self.pages[0, page], page)

    def peek(self, page, byte, bank=0):
        image, offset = self._place(page, byte, bank)
        return image[offset]

    def _place(self, page, byte, bank):
        return (self.lower, byte) if page is None else (self.pages[bank, page], byte - 128)

    def transfer(self, address, write, read_count):
        assert address == 0x50
        if self.clock.now() < self.silent_until_s - 1e-9:
            raise NoAcknowledge("no acknowledge")
        assert write, "a read without an address may clear flags"
        assert len(write) - 1 <= 8, "WRITE of more than 8 bytes"
        assert read_count <= 8, "READ of more than 8 bytes"
        if len(write) > 1:
            self._write(write[0], write[1:])
        answer = bytes(self._read(write[0] + i) for i in range(read_count)) if read_count else b""
        if self.hook is not None:
            answer = self.hook(self, write, answer)
        return answer

    def _read(self, byte):
        assert byte <= 255, "a read never wraps"
        self.reads.append(("lower", byte) if byte < 128 else (self.lower[127], byte))
        if byte >= 128:
            return self._page()[byte - 128]
        value = self.lower[byte]
        if 8 <= byte <= 13:
            self.lower[byte] = 0
        return value

    def _page(self):
        return self.pages[self.lower[126], self.lower[127]]

    def _write(self, byte, data):
        if byte == 126:
            self._select(*data)
            return
        self.silent_until_s = self.clock.now() + self.write_hold_off_s
        if self.ignores_writes:
            return
        for offset, value in enumerate(data, start=byte):
            if offset < 128:
                self.lower[offset] = value & ~0x08 if offset == 26 else value
            else:
                self._page()[offset - 128] = value

    def _select(self, bank, page):
        known = (bank, page) in self.pages
        self.lower[126:128] = bytes([bank, page]) if known else b"\0\0"
        self.silent_until_s = self.clock.now() + self.page_change_s


def lower_memory():
    image = bytearray(128)
    image[0:3] = 0x1E, 0x52, 0x00
    image[3] = 3 << 1 | 1
    image[14:16] = 0x2A, 0x80  # 42.5 °C
    image[16:18] = 0x80, 0xE8  # 33000 × 100 µV
    image[39:41] = 2, 7
    image[85] = 2
    image[86:90] = 0x4F, 0x1C, 0x44, 0x01
    image[90:94] = 0x4B, 0x14, 0x11, 0x0F
    image[94] = 0xFF
    return image


def page_00():
    image = bytearray(128)
    image[0] = 0x1E
    image[1:17] = b"ACME OPTICS     "
    image[17:20] = bytes([0x00, 0x17, 0x6A])
    image[20:36] = b"AC-Q112-DR4     "
    image[36:38] = b"B2"
    image[38:54] = b"AC2447K00031    "
    image[54:62] = b"241118A1"
    image[72:74] = 5 << 5, 34  # class 6, 8.5 W
    image[75] = 0x0C
    image[82] = 0xF0  # media lanes 5-8 are not there
    image[84] = 0x06
    return seal(image, 0)


def page_01():
    image = bytearray(128)
    image[14] = 0x00  # one bank
    image[16] = 0x47  # deinit 100 ms, init 5 s
    image[23] = 0x10
    image[27] = 0x02
    image[31] = 0x03
    image[32] = 0x07 | 1 << 3  # bias, Tx and Rx power; bias step doubled
    image[39] = 0x68  # power-down 1 s, power-up 10 s
    image[40] = 0x56  # turn-off 500 ms, turn-on 1 s
    image[41] = 0x02
    image[48:50] = 0x01, 0x0F
    return seal(image, 1)


def page_10():
    image = bytearray(128)
    image[145 - 128 : 149 - 128] = bytes([0x10] * 4)
    return image


def page_11():
    image = bytearray(128)
    image[0:4] = 0x44, 0x44, 0x11, 0x11
    for lane, raw in enumerate((14_125, 14_940, 13_800, 15_205)):
        image[26 + 2 * lane : 28 + 2 * lane] = raw.to_bytes(2, "big")
        image[42 + 2 * lane : 44 + 2 * lane] = (15_000 + lane).to_bytes(2, "big")
        image[58 + 2 * lane : 60 + 2 * lane] = (5_012 + lane).to_bytes(2, "big")
    image[78:82] = bytes([0x10] * 4)
    return image


def seal(image, page):
    if page == 0:
        image[94] = sum(image[0:94]) & 0xFF
    else:
        image[127] = sum(image[2:127]) & 0xFF
    return image
