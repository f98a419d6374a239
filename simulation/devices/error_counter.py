"""What an error detector counts in a signal of known bit error ratio."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SYMBOL_SHARES = (0.25, 0.25, 0.25, 0.25)
# An inner level has two neighbours to be mistaken for, an outer one has one.
ERROR_SHARES = (1 / 6, 1 / 3, 1 / 3, 1 / 6)


@dataclass(frozen=True, slots=True)
class Counts:
    """Bits compared and found wrong, by value; for PAM4 the symbols too, by level."""

    seconds: float = 0.0
    ones: int = 0
    zeros: int = 0
    wrong_ones: int = 0
    wrong_zeros: int = 0
    symbols: tuple[int, ...] = ()
    wrong_symbols: tuple[int, ...] = ()

    @property
    def bits(self) -> int:
        """Get all bits compared."""
        return self.ones + self.zeros

    @property
    def errors(self) -> int:
        """Get all bits found wrong."""
        return self.wrong_ones + self.wrong_zeros

    @property
    def ratio(self) -> float:
        """Get the bit error ratio; not a number if nothing was compared."""
        return self.errors / self.bits if self.bits else float("nan")

    def plus(self, other: Counts) -> Counts:
        """Add what was counted later."""
        return Counts(
            self.seconds + other.seconds,
            self.ones + other.ones,
            self.zeros + other.zeros,
            self.wrong_ones + other.wrong_ones,
            self.wrong_zeros + other.wrong_zeros,
            _added(self.symbols, other.symbols),
            _added(self.wrong_symbols, other.wrong_symbols),
        )


def count(
    *, symbol_rate_gbd: float, pam4: bool, error_ratio: float, seconds: float, rng: np.random.Generator
) -> Counts:
    """Count for some time: errors are rare and independent, so their number is Poisson distributed.

    Gray coding makes a wrong symbol cost one bit, so as many symbols as bits are wrong.
    """
    symbols = round(symbol_rate_gbd * 1e9 * seconds)
    bits = symbols * (2 if pam4 else 1)
    errors = min(bits, int(rng.poisson(bits * error_ratio)))
    wrong_ones = int(rng.binomial(errors, 0.5))
    ones = bits // 2
    return Counts(
        seconds=seconds,
        ones=ones,
        zeros=bits - ones,
        wrong_ones=wrong_ones,
        wrong_zeros=errors - wrong_ones,
        symbols=_shared(symbols, SYMBOL_SHARES) if pam4 else (),
        wrong_symbols=tuple(int(n) for n in rng.multinomial(errors, ERROR_SHARES)) if pam4 else (),
    )


def _shared(total: int, shares: tuple[float, ...]) -> tuple[int, ...]:
    parts = [int(total * share) for share in shares]
    return (*parts[:-1], total - sum(parts[:-1]))


def _added(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    if not first or not second:
        return first or second
    return tuple(a + b for a, b in zip(first, second, strict=True))
