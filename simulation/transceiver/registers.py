"""Where the firmware keeps what: the CMIS 5.2 memory map as far as this module implements it.

Lower memory is "page" LOWER. Bytes are the standard's own numbers: 0-127 lower, 128-255 upper.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

LOWER = -1
ADMINISTRATION, ADVERTISING, THRESHOLDS, LANE_CONTROL, LANE_STATUS = 0x00, 0x01, 0x02, 0x10, 0x11
PAGES = (ADMINISTRATION, ADVERTISING, THRESHOLDS, LANE_CONTROL, LANE_STATUS)

# Lower memory.
IDENTIFIER, REVISION, MEMORY_MODEL, GLOBAL_STATUS, FLAG_SUMMARY = 0, 1, 2, 3, 4
MODULE_FLAGS, TEMPERATURE_SUPPLY_FLAGS = 8, 9
TEMPERATURE, SUPPLY = 14, 16
MODULE_CONTROL = 26
MODULE_FLAG_MASKS = 31
FIRMWARE_VERSION = 39
MEDIA_TYPE, APPLICATIONS = 85, 86
BANK_SELECT, PAGE_SELECT = 126, 127

# Bits of the global control byte, L:26.
SOFTWARE_RESET, LOW_POWER_REQUEST_SW, LOW_POWER_ALLOW_REQUEST_HW = 1 << 3, 1 << 4, 1 << 6
MODULE_STATE_CHANGED = 1 << 0

# Page 10h, bank 0.
DATA_PATH_DEINIT, TX_DISABLE, APPLY_DATA_PATH_INIT, STAGED_CONFIG = 128, 130, 143, 145
LANE_FLAG_MASKS = 213

# Page 11h, bank 0.
DATA_PATH_STATES, RX_OUTPUT_STATUS, TX_OUTPUT_STATUS, DATA_PATH_STATE_CHANGED = 128, 132, 133, 134
TX_POWER_FLAGS, BIAS_FLAGS, RX_LOS_FLAG, RX_POWER_FLAGS, RX_OUTPUT_CHANGED = 139, 143, 147, 149, 153
TX_POWER, BIAS, RX_POWER = 154, 170, 186
CONFIG_STATUS, ACTIVE_CONFIG, INIT_PENDING = 202, 206, 235

FLAGS: Mapping[int, range] = MappingProxyType({LOWER: range(8, 14), LANE_STATUS: range(134, 154)})
"""Latched bytes, cleared by reading them."""

MASKS: Mapping[int, tuple[int, int]] = MappingProxyType(
    {LOWER: (LOWER, MODULE_FLAG_MASKS), LANE_STATUS: (LANE_CONTROL, LANE_FLAG_MASKS)}
)
"""Where the masks of a page's flags begin: page and byte."""

_ONE_BIT_A_LANE = 0x0F  # four media lanes; the bits of absent lanes cannot be set

WRITABLE: Mapping[int, Mapping[int, int]] = MappingProxyType(
    {
        LOWER: {
            MODULE_CONTROL: SOFTWARE_RESET | LOW_POWER_REQUEST_SW | LOW_POWER_ALLOW_REQUEST_HW,
            **dict.fromkeys(range(MODULE_FLAG_MASKS, MODULE_FLAG_MASKS + 6), 0xFF),
            BANK_SELECT: 0xFF,
            PAGE_SELECT: 0xFF,
        },
        LANE_CONTROL: {
            DATA_PATH_DEINIT: _ONE_BIT_A_LANE,
            TX_DISABLE: _ONE_BIT_A_LANE,
            APPLY_DATA_PATH_INIT: _ONE_BIT_A_LANE,
            **dict.fromkeys(range(STAGED_CONFIG, STAGED_CONFIG + 4), 0xFF),
            **dict.fromkeys(range(LANE_FLAG_MASKS, LANE_FLAG_MASKS + 20), 0xFF),
        },
    }
)
"""Bits that a host may change; a write to any other bit is acknowledged and ignored."""
