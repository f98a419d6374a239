"""Who a unit is: the fields that production writes into page 00h."""

from __future__ import annotations

from dataclasses import dataclass

# CMIS 5.2, 8.3 (page 00h): widths of the vendor fields in bytes.
_WIDTHS = {"vendor_name": 16, "part_number": 16, "revision": 2, "serial_number": 16}


@dataclass(frozen=True, slots=True)
class Identity:
    """Vendor data of one unit, printable ASCII; `date_code` is YYMMDD with an optional two-character lot."""

    vendor_name: str
    oui: bytes
    part_number: str
    revision: str
    serial_number: str
    date_code: str

    def __post_init__(self) -> None:
        for name, width in _WIDTHS.items():
            _check_text(name, getattr(self, name), width)
        _check_text("date_code", self.date_code, 8)
        if len(self.date_code) < 6 or not self.date_code[:6].isdigit():
            raise ValueError(f"date_code must be YYMMDD and up to two lot characters, not {self.date_code!r}")
        if len(self.oui) != 3:
            raise ValueError(f"oui must be 3 bytes, not {len(self.oui)}")


def _check_text(name: str, text: str, width: int) -> None:
    if not text or len(text) > width or any(not " " <= character <= "~" for character in text):
        raise ValueError(f"{name} must be 1 to {width} printable ASCII characters, not {text!r}")


def padded(text: str, width: int) -> bytes:
    """Encode text as CMIS stores it: ASCII, left-aligned, filled with spaces."""
    return text.encode("ascii").ljust(width)
