"""How long the firmware takes for what it does, and how that is advertised."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, fields

# CMIS 5.2, state duration encoding (01h:144, 167, 168): code n promises less than the n-th bound.
_BOUNDS_S = (1e-3, 5e-3, 10e-3, 50e-3, 100e-3, 500e-3, 1.0, 5.0, 10.0, 60.0, 300.0, 600.0, 3000.0)
_LONGEST_HOLD_OFF_S = 10e-3  # CMIS 5.2, tNACK after a volatile write, and page change at exponent 0
_LONGEST_MGMT_INIT_S = 2.0  # CMIS 5.2, MgmtInit


def duration_code(seconds: float) -> int:
    """Give the smallest advertised code whose promise this duration keeps."""
    return bisect_right(_BOUNDS_S, seconds)


@dataclass(frozen=True, slots=True)
class Durations:
    """What this unit really takes, in seconds; the advertised bounds follow from it.

    The defaults are of the size of a 400G module with a PAM4 DSP. `mgmt_init_s` must keep to 2 s
    and the two hold-offs to 10 ms, because the standard fixes them.
    """

    mgmt_init_s: float = 1.2
    power_up_s: float = 1.8
    power_down_s: float = 0.3
    data_path_init_s: float = 3.2
    data_path_deinit_s: float = 0.2
    tx_turn_on_s: float = 60e-3
    tx_turn_off_s: float = 3e-3
    write_hold_off_s: float = 4e-3
    page_change_s: float = 2e-3
    monitor_period_s: float = 50e-3

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{field.name} must be a positive number of seconds, not {value!r}")
        if self.mgmt_init_s > _LONGEST_MGMT_INIT_S:
            raise ValueError(f"mgmt_init_s must not exceed {_LONGEST_MGMT_INIT_S} s")
        if max(self.write_hold_off_s, self.page_change_s) > _LONGEST_HOLD_OFF_S:
            raise ValueError(f"hold-offs must not exceed {_LONGEST_HOLD_OFF_S} s")

    @property
    def page_change_exponent(self) -> int:
        """Get i such that a page change takes at most 10 ms · 2^-i (01h:169)."""
        return min(15, math.floor(math.log2(_LONGEST_HOLD_OFF_S / self.page_change_s)))


def nanoseconds(seconds: float) -> int:
    """Convert to the clock's integer nanoseconds."""
    return round(seconds * 1e9)
