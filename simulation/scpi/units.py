"""Suffixes of numbers, each table with the factors to its base unit.

Which suffixes a command takes is the instrument's business: its table names one of these, or one of
its own. M is milli and MA is mega, except in MHZ and MOHM (IEEE 488.2, 7.7.3), which is why there is no rule
here but tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """A base unit and the suffixes (in capitals) that a number may carry, with their factors to it."""

    name: str
    factors: Mapping[str, float]


NONE = Unit("", {})
METRE = Unit("m", {"PM": 1e-12, "NM": 1e-9, "UM": 1e-6, "MM": 1e-3, "M": 1.0})
SECOND = Unit("s", {"NS": 1e-9, "US": 1e-6, "MS": 1e-3, "S": 1.0})
HERTZ = Unit("Hz", {"HZ": 1.0, "KHZ": 1e3, "MHZ": 1e6, "MAHZ": 1e6, "GHZ": 1e9, "GZ": 1e9, "THZ": 1e12})
DECIBEL = Unit("dB", {"DB": 1.0, "MDB": 1e-3})
DBM = Unit("dBm", {"DBM": 1.0, "MDBM": 1e-3})
WATT = Unit("W", {"PW": 1e-12, "NW": 1e-9, "UW": 1e-6, "MW": 1e-3, "W": 1.0, "WATT": 1.0})
VOLT = Unit("V", {"UV": 1e-6, "MV": 1e-3, "V": 1.0, "KV": 1e3})
AMPERE = Unit("A", {"UA": 1e-6, "MA": 1e-3, "A": 1.0})
OHM = Unit("Ohm", {"OHM": 1.0, "KOHM": 1e3, "MOHM": 1e6})
CELSIUS = Unit("degC", {"C": 1.0, "CEL": 1.0})
PERCENT = Unit("%", {"PCT": 1.0, "%": 1.0})
METRE_PER_SECOND = Unit("m/s", {"NM/S": 1e-9, "UM/S": 1e-6, "MM/S": 1e-3, "M/S": 1.0, "PM/S": 1e-12})
UNIT_INTERVAL = Unit("UI", {"UI": 1.0, "MUI": 1e-3})
