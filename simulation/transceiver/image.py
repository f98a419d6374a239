"""The memory as it leaves programming: static pages with their checksums."""

from __future__ import annotations

import math

from simulation.transceiver import registers as reg
from simulation.transceiver.capabilities import Application, Capabilities, Window
from simulation.transceiver.durations import Durations, duration_code
from simulation.transceiver.identity import Identity, padded

TEMPERATURE_LSB_C = 1 / 256
SUPPLY_LSB_V = 100e-6
POWER_LSB_MW = 1e-4
BIAS_MULTIPLIER = 2  # reaches 262 mA; the 131 mA of multiplier 1 would clip an EML when hot
BIAS_LSB_MA = 2e-3 * BIAS_MULTIPLIER
_REACH_UNITS_KM = (0.1, 1.0, 10.0)


def counts(value: float, least_significant: float, signed: bool = False) -> bytes:
    """Encode a quantity as a saturating 16-bit register."""
    low, high = (-0x8000, 0x7FFF) if signed else (0, 0xFFFF)
    return min(high, max(low, round(value / least_significant))).to_bytes(2, "big", signed=signed)


def milliwatts(dbm: float) -> float:
    """Convert a threshold from dBm."""
    return float(10 ** (dbm / 10))


def memory_image(identity: Identity, capabilities: Capabilities, durations: Durations) -> dict[int, bytes]:
    """Build lower memory and all pages of one unit."""
    return {
        reg.LOWER: _lower(capabilities),
        reg.ADMINISTRATION: _administration(identity, capabilities),
        reg.ADVERTISING: _advertising(capabilities, durations),
        reg.THRESHOLDS: _thresholds(capabilities),
        reg.LANE_CONTROL: _lane_control(),
        reg.LANE_STATUS: bytes(128),
    }


class _Page:
    """A page under construction, addressed by the standard's byte numbers."""

    def __init__(self) -> None:
        self.cells = bytearray(128)

    def put(self, byte: int, data: bytes) -> None:
        start = byte % 128
        self.cells[start : start + len(data)] = data

    def sealed(self, first: int, checksum_at: int) -> bytes:
        """Add the low byte of the sum from `first` up to the checksum itself."""
        self.cells[checksum_at % 128] = sum(self.cells[first % 128 : checksum_at % 128]) & 0xFF
        return bytes(self.cells)


def _lower(capabilities: Capabilities) -> bytes:
    page = _Page()
    # Byte 2 = 0: paged memory, 400 kHz.
    page.put(reg.IDENTIFIER, bytes((capabilities.identifier, capabilities.cmis_revision, 0)))
    page.put(reg.MODULE_CONTROL, bytes((reg.LOW_POWER_ALLOW_REQUEST_HW,)))
    page.put(reg.FIRMWARE_VERSION, bytes(capabilities.firmware_version))
    page.put(reg.MEDIA_TYPE, bytes((capabilities.media_type,)))
    rows = b"".join(_application_row(row) for row in capabilities.applications)
    page.put(reg.APPLICATIONS, rows + b"\xff" if len(rows) < 32 else rows)
    return bytes(page.cells)


def _application_row(row: Application) -> bytes:
    return bytes(
        (row.host_interface, row.media_interface, row.host_lanes << 4 | row.media_lanes, row.host_assignment)
    )


def _administration(identity: Identity, capabilities: Capabilities) -> bytes:
    page = _Page()
    page.put(128, bytes((capabilities.identifier,)) + padded(identity.vendor_name, 16) + identity.oui)
    page.put(148, padded(identity.part_number, 16) + padded(identity.revision, 2))
    page.put(166, padded(identity.serial_number, 16) + padded(identity.date_code, 8))
    page.put(190, padded("", 10))  # no CLEI code
    page.put(200, bytes(((capabilities.power_class - 1) << 5, math.ceil(capabilities.max_power_w / 0.25))))
    page.put(203, bytes((capabilities.connector,)))
    page.put(210, b"\xf0")  # media lanes 5 to 8 do not exist
    page.put(212, bytes((capabilities.technology,)))
    return page.sealed(128, 222)


def _advertising(capabilities: Capabilities, durations: Durations) -> bytes:
    page = _Page()
    page.put(130, bytes(capabilities.hardware_version))
    page.put(132, bytes((_reach_code(capabilities.reach_km),)))
    page.put(138, counts(capabilities.wavelength_nm, 0.05))
    page.put(140, counts(capabilities.wavelength_tolerance_nm, 0.005))
    page.put(144, _pair(durations.data_path_init_s, durations.data_path_deinit_s))
    page.put(146, capabilities.case_temperature_max_c.to_bytes(1, "big", signed=True))
    page.put(147, capabilities.case_temperature_min_c.to_bytes(1, "big", signed=True))
    page.put(150, bytes((math.ceil(capabilities.supply_min_v / 0.02),)))
    page.put(151, b"\x18")  # Rx power and Rx LOS are of average power; Tx disable lane by lane
    page.put(155, b"\x02")  # Tx disable
    page.put(158, b"\x02\x03")  # flags: Rx LOS; monitors: temperature and supply
    page.put(160, bytes((0x07 | (BIAS_MULTIPLIER // 2) << 3,)))  # monitors: bias, Tx power, Rx power
    page.put(167, _pair(durations.power_up_s, durations.power_down_s))
    page.put(168, _pair(durations.tx_turn_on_s, durations.tx_turn_off_s))
    page.put(169, bytes((durations.page_change_exponent,)))
    page.put(176, bytes(row.media_assignment for row in capabilities.applications))
    page.put(251, bytes((int(capabilities.full_page_reads),)))
    return page.sealed(130, 255)  # 128 and 129 are left out: they change with the firmware


def _pair(low_s: float, high_s: float) -> bytes:
    return bytes((duration_code(high_s) << 4 | duration_code(low_s),))


def _reach_code(reach_km: float) -> int:
    # Bits 7-6 choose the unit, bits 5-0 count it.
    for code, unit_km in enumerate(_REACH_UNITS_KM):
        if round(reach_km / unit_km) < 64:
            return code << 6 | round(reach_km / unit_km)
    raise ValueError(f"a reach of {reach_km} km cannot be advertised")


def _thresholds(capabilities: Capabilities) -> bytes:
    page = _Page()
    limits = capabilities.thresholds
    page.put(128, b"".join(counts(x, TEMPERATURE_LSB_C, signed=True) for x in _ordered(limits.temperature_c)))
    page.put(136, b"".join(counts(x, SUPPLY_LSB_V) for x in _ordered(limits.supply_v)))
    page.put(176, b"".join(counts(milliwatts(x), POWER_LSB_MW) for x in _ordered(limits.tx_power_dbm)))
    page.put(184, b"".join(counts(x, BIAS_LSB_MA) for x in _ordered(limits.bias_ma)))
    page.put(192, b"".join(counts(milliwatts(x), POWER_LSB_MW) for x in _ordered(limits.rx_power_dbm)))
    return page.sealed(128, 255)


def _ordered(window: Window) -> tuple[float, float, float, float]:
    return window.high_alarm, window.low_alarm, window.high_warning, window.low_warning


def _lane_control() -> bytes:
    page = _Page()
    page.put(reg.STAGED_CONFIG, bytes((0x10,) * 4))  # AppSel 1, data path 0, on all four lanes
    return bytes(page.cells)
