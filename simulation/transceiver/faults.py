"""Faults of a transceiver's management that a technician meets, by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class FirmwareFaults:
    """What is wrong with this unit's firmware or its programming.

    stuck_module_state: powering up never ends (ModulePwrUp for ever).
    wrong_serial: the serial number in memory is not the one on the label.
    bad_checksum: the checksum of page 00h does not fit its bytes.
    dead_bus: no transfer is ever acknowledged.
    """

    stuck_module_state: bool = False
    wrong_serial: bool = False
    bad_checksum: bool = False
    dead_bus: bool = False

    @classmethod
    def named(cls, names: Iterable[str]) -> FirmwareFaults:
        """Build from fault names; an unknown name raises ValueError."""
        chosen = frozenset(names)
        known = [field.name for field in fields(cls)]
        unknown = sorted(chosen.difference(known))
        if unknown:
            raise ValueError(f"no firmware fault is called {unknown[0]!r}; there are {', '.join(known)}")
        return cls(**dict.fromkeys(chosen, True))


def neighbour_serial(serial_number: str) -> str:
    """Give another serial number of the same form, as if the neighbour's label had been programmed."""
    last = serial_number[-1]
    return serial_number[:-1] + {"9": "0", "Z": "A"}.get(last, chr(ord(last) + 1))
