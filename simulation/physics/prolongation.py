"""Periods made a little longer, so that they transform fast.

Patterns have lengths such as 8191 or 65535, whose large prime factors cost a Fourier transform five times
what its neighbours cost. Filters forget within some tens of symbols, so a period led in and out by its own
repetition comes out of them, ends cut off, as the endless pattern would.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Kind = TypeVar("Kind", bound=np.generic)

_LEAD = 160
"""Symbols that lead in: crosstalk looks back 67 of them, no filter of the bench more than 20."""


@dataclass(frozen=True, slots=True)
class Prolongation:
    """A period of `symbols` with `lead` symbols in front, `length` in all; itself if it is fast as it is."""

    symbols: int
    lead: int
    length: int

    @classmethod
    def of(cls, symbols: int) -> Prolongation:
        """Find the shortest fast length for a period."""
        if _is_fast(symbols):
            return cls(symbols, 0, symbols)
        length = symbols + 2 * _LEAD
        while not _is_fast(length):
            length += 1
        return cls(symbols, _LEAD, length)

    def prolong(self, period: NDArray[Kind], samples_per_symbol: int = 1) -> NDArray[Kind]:
        """Put a period's own repetition in front of it and behind it."""
        behind = self.length - self.symbols - self.lead
        return np.pad(period, (self.lead * samples_per_symbol, behind * samples_per_symbol), mode="wrap")

    def cut(self, prolonged: NDArray[Kind], samples_per_symbol: int) -> NDArray[Kind]:
        """Get the period back."""
        start = self.lead * samples_per_symbol
        return prolonged[start : start + self.symbols * samples_per_symbol]


def _is_fast(length: int) -> bool:
    for factor in (2, 3, 5, 7):
        while length % factor == 0:
            length //= factor
    return length == 1
