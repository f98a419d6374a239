"""Who the transceiver says it is: the vendor's page 00h."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from instruments.cmis.registers import (
    ADMINISTRATIVE_CHECKSUM,
    ADMINISTRATIVE_IDENTIFIER,
    ADMINISTRATIVE_SUMMED,
    CONNECTOR,
    DATE_CODE,
    LANES_PER_BANK,
    MAX_POWER,
    MEDIA_LANES_UNSUPPORTED,
    MEDIA_TECHNOLOGY,
    PART_NUMBER,
    POWER_CLASS,
    SERIAL_NUMBER,
    UPPER_START,
    VENDOR_NAME,
    VENDOR_OUI,
    VENDOR_REVISION,
    Register,
)
from instruments.errors import ManagementError

MAX_POWER_STEP_W: Final = 0.25


class FormFactor(IntEnum):
    """Identifiers (SFF-8024) whose management is CMIS."""

    QSFP_DD = 0x18
    OSFP = 0x19
    SFP_DD = 0x1A
    DSFP = 0x1B
    QSFP_CMIS = 0x1E
    """QSFP+, QSFP28, QSFP112 with CMIS."""
    OSFP_XD = 0x21


_OTHER_MANAGEMENT: Final = {0x03: "SFF-8472", 0x0B: "SFF-8472", 0x0D: "SFF-8636", 0x11: "SFF-8636"}


@dataclass(frozen=True, slots=True)
class Identity:
    """The vendor's data of one transceiver; texts without their padding."""

    form_factor: FormFactor
    vendor_name: str
    vendor_oui: str
    part_number: str
    revision: str
    serial_number: str
    date_code: str
    power_class: int
    max_power_w: float
    connector: int
    media_technology: int
    media_lanes: tuple[int, ...]
    """Media lanes of the first bank that the module has, from 1."""

    @classmethod
    def decode(cls, page: bytes, *, name: str = "transceiver") -> Identity:
        """Decode page 00h (bytes 128-255) once its checksum holds."""
        check_sum(page, ADMINISTRATIVE_SUMMED, ADMINISTRATIVE_CHECKSUM, name=name)
        return cls(
            form_factor=form_factor(_number(page, ADMINISTRATIVE_IDENTIFIER), name=name),
            vendor_name=_text(page, VENDOR_NAME, name),
            vendor_oui=VENDOR_OUI.cut(page, UPPER_START).hex("-").upper(),
            part_number=_text(page, PART_NUMBER, name),
            revision=_text(page, VENDOR_REVISION, name),
            serial_number=_text(page, SERIAL_NUMBER, name),
            date_code=_text(page, DATE_CODE, name),
            power_class=_number(page, POWER_CLASS) + 1,  # class 1 is coded 0
            max_power_w=_number(page, MAX_POWER) * MAX_POWER_STEP_W,
            connector=_number(page, CONNECTOR),
            media_technology=_number(page, MEDIA_TECHNOLOGY),
            media_lanes=_supported_lanes(_number(page, MEDIA_LANES_UNSUPPORTED)),
        )


def form_factor(identifier: int, *, name: str) -> FormFactor:
    """Recognise an identifier byte, or say which other management it belongs to."""
    try:
        return FormFactor(identifier)
    except ValueError:
        other = _OTHER_MANAGEMENT.get(identifier)
        what = f"belongs to {other}, not to CMIS" if other else "is no known transceiver with CMIS"
        raise ManagementError(
            f"{name}: identifier {identifier:02X}h (lower memory byte 0) {what}",
            remedy="check that the transceiver in the slot is the product of the plan",
        ) from None


def check_sum(page: bytes, summed: Register, checksum: Register, *, name: str) -> None:
    """Hold the low byte of the sum of `summed` against the byte in `checksum`."""
    expected = sum(summed.cut(page, UPPER_START)) & 0xFF
    seen = checksum.integer(checksum.cut(page, UPPER_START))
    if seen != expected:
        raise ManagementError(
            f"{name}: checksum at {checksum.where} is {seen:02X}h, "
            f"but bytes {summed.where} sum up to {expected:02X}h",
            remedy="read again; if it stays, the vendor's data were written wrongly",
        )


def _number(page: bytes, register: Register) -> int:
    return register.integer(register.cut(page, UPPER_START))


def _text(page: bytes, register: Register, name: str) -> str:
    raw = register.cut(page, UPPER_START)
    if not all(0x20 <= byte <= 0x7E for byte in raw):
        raise ManagementError(
            f"{name}: {register.name} ({register.where}) is not printable ASCII: {raw!r}",
            remedy="the vendor's data were written wrongly",
        )
    return raw.decode("ascii").rstrip(" ")


def _supported_lanes(unsupported: int) -> tuple[int, ...]:
    return tuple(lane for lane in range(1, LANES_PER_BANK + 1) if not unsupported >> (lane - 1) & 1)
