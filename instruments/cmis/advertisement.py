"""What the transceiver says that it can do, and how long it may take: page 01h and the applications."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from instruments.cmis import registers as r
from instruments.cmis.identity import check_sum
from instruments.errors import ManagementError

_T = TypeVar("_T")

# The upper end of each coded duration; code Dh means 50 min or more and so has none.
_LONGEST_S: Final = (
    *(0.001, 0.005, 0.010, 0.050, 0.100, 0.500),
    *(1.0, 5.0, 10.0, 60.0, 300.0, 600.0, 3000.0, math.inf),
)
_BANKS: Final = {0: 1, 1: 2, 2: 4}
_BIAS_MULTIPLIERS: Final = {0: 1, 1: 2, 2: 4}
_DESCRIPTOR_BYTES: Final = 4
_LIST_END: Final = 0xFF
_SLOWEST_PAGE_CHANGE_S: Final = 0.010


@dataclass(frozen=True, slots=True)
class Advertisement:
    """Supported controls and monitors, and upper ends of the advertised durations in seconds."""

    banks: int
    power_up_max_s: float
    power_down_max_s: float
    data_path_init_max_s: float
    data_path_deinit_max_s: float
    tx_turn_on_max_s: float
    tx_turn_off_max_s: float
    page_change_max_s: float
    tx_disable: bool
    tx_disable_is_module_wide: bool
    case_temperature: bool
    supply_voltage: bool
    tx_bias: bool
    tx_power: bool
    rx_power: bool
    rx_power_is_average: bool
    bias_multiplier: int

    @classmethod
    def decode(cls, page: bytes, *, name: str = "transceiver") -> Advertisement:
        """Decode page 01h (bytes 128-255) once its checksum holds."""
        check_sum(page, r.ADVERTISEMENT_SUMMED, r.ADVERTISEMENT_CHECKSUM, name=name)
        fields = _Fields(page, name)
        return cls(
            banks=fields.choice(r.SUPPORTED_BANKS, _BANKS),
            power_up_max_s=fields.duration_s(r.POWER_UP_TIME),
            power_down_max_s=fields.duration_s(r.POWER_DOWN_TIME),
            data_path_init_max_s=fields.duration_s(r.DATA_PATH_INIT_TIME),
            data_path_deinit_max_s=fields.duration_s(r.DATA_PATH_DEINIT_TIME),
            tx_turn_on_max_s=fields.duration_s(r.TX_TURN_ON_TIME),
            tx_turn_off_max_s=fields.duration_s(r.TX_TURN_OFF_TIME),
            page_change_max_s=_SLOWEST_PAGE_CHANGE_S / 2 ** fields.number(r.PAGE_CHANGE_EXPONENT),
            tx_disable=fields.flag(r.TX_DISABLE_SUPPORTED),
            tx_disable_is_module_wide=fields.flag(r.TX_DISABLE_MODULE_WIDE),
            case_temperature=fields.flag(r.TEMPERATURE_SUPPORTED),
            supply_voltage=fields.flag(r.SUPPLY_SUPPORTED),
            tx_bias=fields.flag(r.TX_BIAS_SUPPORTED),
            tx_power=fields.flag(r.TX_POWER_SUPPORTED),
            rx_power=fields.flag(r.RX_POWER_SUPPORTED),
            rx_power_is_average=fields.flag(r.RX_POWER_IS_AVERAGE),
            bias_multiplier=fields.choice(r.TX_BIAS_MULTIPLIER, _BIAS_MULTIPLIERS),
        )


@dataclass(frozen=True, slots=True)
class Application:
    """One way to use the transceiver, as advertised; interface codes are those of SFF-8024."""

    number: int
    """AppSel, from 1."""
    host_interface: int
    media_interface: int
    host_lane_count: int
    media_lane_count: int
    host_start_lanes: tuple[int, ...]
    """Lanes, from 1, on which a data path of this application may begin."""
    media_start_lanes: tuple[int, ...]


def decode_applications(descriptors: bytes, media_lane_options: bytes) -> tuple[Application, ...]:
    """Decode descriptors up to the end mark, each with its byte of media lane options."""
    pieces = (descriptors[i : i + _DESCRIPTOR_BYTES] for i in range(0, len(descriptors), _DESCRIPTOR_BYTES))
    return tuple(_applications(pieces, media_lane_options))


def _applications(pieces: Iterator[bytes], media_lane_options: bytes) -> Iterator[Application]:
    for number, (piece, media_options) in enumerate(zip(pieces, media_lane_options, strict=False), start=1):
        host, media, counts, host_options = piece
        if host == _LIST_END:
            return
        yield Application(
            number,
            host,
            media,
            counts >> 4,
            counts & 0x0F,
            _start_lanes(host_options),
            _start_lanes(media_options),
        )


def _start_lanes(options: int) -> tuple[int, ...]:
    return tuple(lane for lane in range(1, r.LANES_PER_BANK + 1) if options >> (lane - 1) & 1)


@dataclass(frozen=True, slots=True)
class _Fields:
    """Page 01h, cut by register."""

    page: bytes
    name: str

    def number(self, register: r.Register) -> int:
        return register.integer(register.cut(self.page, r.UPPER_START))

    def flag(self, register: r.Register) -> bool:
        return self.number(register) == 1

    def duration_s(self, register: r.Register) -> float:
        return self.choice(register, dict(enumerate(_LONGEST_S)))

    def choice(self, register: r.Register, meanings: Mapping[int, _T]) -> _T:
        code = self.number(register)
        if code not in meanings:
            raise ManagementError(
                f"{self.name}: {register.name} ({register.where}) holds the reserved code {code:X}h"
            )
        return meanings[code]
