"""The 256 bytes a host sees, and the pages behind their upper half."""

from __future__ import annotations

from collections.abc import Mapping

from simulation.transceiver import registers as reg

SPACE = 256
HALF = 128


class Memory:
    """Pages of 128 bytes with CMIS page selection, write masks and clear-on-read.

    `peek` and `poke` are the firmware's side (page and byte); `read` and `write` are the host's, in
    the window that bank and page select. Bounds of a host access are the bus's business.
    """

    def __init__(self, image: Mapping[int, bytes]) -> None:
        self._pages: dict[int, bytearray] = {}
        self.reload(image)

    def reload(self, image: Mapping[int, bytes]) -> None:
        """Start from the programmed image, as after a reset."""
        self._pages = {page: bytearray(image[page]) for page in (reg.LOWER, *reg.PAGES)}

    def peek(self, page: int, byte: int, count: int = 1) -> bytes:
        """Get bytes of one page without any effect."""
        start = byte % HALF
        return bytes(self._pages[page][start : start + count])

    def poke(self, page: int, byte: int, data: bytes) -> None:
        """Put bytes into one page, whatever a host may write there."""
        start = byte % HALF
        self._pages[page][start : start + len(data)] = data

    def latch(self, page: int, byte: int, bits: int) -> None:
        """Raise flags that stay until a host reads them."""
        self._pages[page][byte % HALF] |= bits

    def read(self, start: int, count: int) -> bytes:
        """Answer a host's read and clear the flags in it."""
        return bytes(self._take(byte) for byte in range(start, start + count))

    def write(self, start: int, data: bytes) -> frozenset[tuple[int, int]]:
        """Take a host's write; return the (page, byte) pairs that it addressed."""
        places = frozenset((self._page_at(start + i), start + i) for i in range(len(data)))
        for byte, value in enumerate(data, start):
            self._put(byte, value)
        if (reg.LOWER, reg.PAGE_SELECT) in places:
            self._select_page()
        return places

    def _page_at(self, byte: int) -> int:
        return reg.LOWER if byte < HALF else self._pages[reg.LOWER][reg.PAGE_SELECT]

    def _take(self, byte: int) -> int:
        page = self._page_at(byte)
        cells = self._pages[page]
        value = cells[byte % HALF]
        if byte in reg.FLAGS.get(page, ()):
            cells[byte % HALF] = 0
        return value

    def _put(self, byte: int, value: int) -> None:
        page = self._page_at(byte)
        mask = reg.WRITABLE.get(page, {}).get(byte, 0)
        cells = self._pages[page]
        cells[byte % HALF] = cells[byte % HALF] & ~mask | value & mask

    def _select_page(self) -> None:
        # Unsupported pages and banks fall back to page 00h; of the pages here only bank 0 exists.
        # The bank takes effect with the page, so a change of both needs one 2-byte write.
        lower = self._pages[reg.LOWER]
        if lower[reg.PAGE_SELECT] not in reg.PAGES or lower[reg.BANK_SELECT] != 0:
            lower[reg.BANK_SELECT] = lower[reg.PAGE_SELECT] = 0
