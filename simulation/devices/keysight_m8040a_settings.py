"""What the M8040A keeps for each output, detector and measurement."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from measurements.patterns import PRBS_TAPS
from simulation.devices.error_counter import Counts
from simulation.scpi import ScpiError

FACTORY_PATTERNS: Mapping[str, str] = MappingProxyType(
    {
        "factory:IEEE/SSPRQ_bit_SelectGrayCoded": "SSPRQ",
        "factory:IEEE/PRBS13Q_Lane0_bit": "PRBS13Q",
    }
)
"""Patterns that come as files of bits, to be sent as Gray-coded PAM4 (M8000 user guide, list of patterns)."""


@dataclass(slots=True)
class PatternSetting:
    """A pattern as it was asked for, and the line coding it goes through."""

    kind: str = "PRBS"
    text: str = "2^31-1"
    coding: str = "NRZ"

    @property
    def name(self) -> str:
        """Get the pattern's name in measurements.patterns."""
        if self.kind == "MEM":
            return FACTORY_PATTERNS[self.text]
        order = self.text.removeprefix("2^").removesuffix("-1")
        return f"PRBS{order}Q" if self.coding == "PAM4" else f"PRBS{order}"

    @property
    def pam4(self) -> bool:
        """Get whether a symbol carries two bits."""
        return self.coding == "PAM4"


@dataclass(slots=True)
class Output:
    """A data or clock output."""

    on: bool = False
    amplitude_v: float = 0.3
    coupling: str = "AC"
    polarity: str = "NORM"
    divider: str = "DIV2"
    pattern: PatternSetting = field(default_factory=PatternSetting)


@dataclass(slots=True)
class Detector:
    """A data input, what it expects, and the amplitude for which its decision levels were set."""

    clock_source: str = "SYS"
    polarity: str = "NORM"
    sync_threshold: float = 1e-3
    align_threshold: float = 1e-3
    aligned_v: float | None = None
    alignment: str = "UNKNOWN"
    pattern: PatternSetting = field(default_factory=PatternSetting)
    was_in_step: bool = False
    was_clocked: bool = False
    running_since_s: float = 0.0
    running_counts: Counts = field(default_factory=Counts)


@dataclass(slots=True)
class ErrorRatioMeasurement:
    """One measurement of the error-ratio plug-in."""

    locations: tuple[str, ...] = ()
    duration: str = "IND"
    end: str = "FDUR"
    seconds: float = 1.0
    interval_s: float = 1.0
    history: int = 1
    started_s: float | None = None
    in_step: tuple[bool, ...] = ()
    results: dict[str, Counts] = field(default_factory=dict)


def listed(counts: Counts) -> str:
    """List counts as the plug-in does: bits by value, then the symbols of PAM4."""
    bits: list[int] = [counts.ones, counts.zeros, counts.wrong_ones, counts.wrong_zeros]
    if counts.symbols:
        bits += [sum(counts.symbols), sum(counts.wrong_symbols)]
        bits += [n for pair in zip(counts.symbols, counts.wrong_symbols, strict=True) for n in pair]
    return ",".join(map(str, bits))


def check_pattern(kind: str, text: str) -> None:
    """Refuse a pattern that this tester does not have."""
    if kind == "PRBS":
        match = re.fullmatch(r"2\^(\d+)-1", text)
        known = match is not None and int(match[1]) in PRBS_TAPS
    else:
        known = text in FACTORY_PATTERNS
    if not known:
        raise ScpiError(-224, f"'{text}'")
