"""Checking what a host has staged for the lanes (ApplyDPInit of CMIS 5.2, section 6.2.3)."""

from __future__ import annotations

from enum import IntEnum

from simulation.transceiver.capabilities import LANES, Application


class ConfigStatus(IntEnum):
    """Outcomes with their codes of 11h:202."""

    SUCCESS = 1
    INVALID_APPLICATION = 3
    INVALID_DATA_PATH = 4


def judge(staged: bytes, selected: int, applications: tuple[Application, ...]) -> ConfigStatus:
    """Judge one staged DPConfig byte a lane: AppSel in bits 7-4, data path in bits 3-1.

    The module runs one data path over all its lanes, so a valid command names all of them, with one
    application and data path 0 (the first lane's index). Freeing lanes (AppSel 0) is refused.
    """
    named = [byte for i, byte in enumerate(staged) if selected >> i & 1]
    if any(not 1 <= byte >> 4 <= len(applications) for byte in named):
        return ConfigStatus.INVALID_APPLICATION
    whole = selected == (1 << LANES) - 1
    uniform = len({byte >> 1 for byte in named}) == 1
    if not (whole and uniform and staged[0] >> 1 & 0x7 == 0):
        return ConfigStatus.INVALID_DATA_PATH
    return ConfigStatus.SUCCESS
