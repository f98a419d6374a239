"""Where a short stretch stands in PRBS31 or PRBS31Q, whose period no record holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.patterns import PatternError, Symbols, is_pam4, period, prbs_bits, stretch

LEAST_SYMBOLS = 100
"""By 3 in 4 so many random bits agree with one of 64 predictions in fewer than 1 of 100,000 stretches."""

AGREEMENT = 0.75
"""Share of bits that must agree; a lane so bad that fewer do carries nothing."""

_ORDER, _BABY = 31, 1 << 16
_TRIED = 64


@dataclass(frozen=True, slots=True)
class Offset:
    """A stretch's first symbol in the pattern, its polarity, and the share of symbols that agree."""

    symbols: int
    inverted: bool
    agreement: float


def find_offset(decided: Symbols, name: str) -> Offset | None:
    """Find where decided symbols stand in PRBS31 or PRBS31Q, of either polarity; None where nowhere.

    Any 31 bits without an error tell the place of all: several stretches are tried, and the one
    that predicts most of the others wins. Raise PatternError for other patterns, for too few symbols,
    and for what are no symbols of the pattern.
    """
    if name not in {"PRBS31", "PRBS31Q"}:
        raise PatternError(f"{name} has a period that a record holds: use find_phase")
    most = 3 if is_pam4(name) else 1
    few = decided.ndim != 1 or decided.size < LEAST_SYMBOLS
    if few or int(decided.max()) > most or int(decided.min()) < 0:
        raise PatternError(
            f"{decided.size} values up to {decided.max(initial=0)} are no stretch of {name}:"
            f" give at least {LEAST_SYMBOLS} symbols 0 to {most}"
        )
    found = [
        place
        for inverted in (False, True)
        if (place := _best(most - decided if inverted else decided, name, inverted)) is not None
    ]
    return max(found, key=lambda place: place.agreement, default=None)


def _best(decided: Symbols, name: str, inverted: bool) -> Offset | None:
    bits = 1 - _bits(decided, name)  # clause 49 sends the generator's output inverted
    best, state_at = AGREEMENT, None
    last = bits.size - 2 * _ORDER  # what is left must be long enough to agree with
    for begin in np.linspace(0, last, min(_TRIED, last + 1)).astype(int).tolist():
        state, rest = _number(bits[begin : begin + _ORDER]), bits[begin + _ORDER :]
        if state == 0:
            continue
        agreement = float(np.mean(prbs_bits(_ORDER, rest.size, seed=state) == rest))
        if agreement > best:
            best, state_at = agreement, (begin, state)
    if state_at is None:
        return None
    begin, state = state_at
    place = _place_of(state)
    # The first bit after the preset of ones is bit 0: the state that precedes bit n has place n.
    first_bit = (place - _ORDER - begin) % (2**_ORDER - 1)
    symbols = _symbol_offset(first_bit, name)
    sent = stretch(name, decided.size, offset=symbols)
    agreed = float(np.mean(sent == decided))
    return Offset(symbols, inverted, agreed) if agreed >= AGREEMENT else None


def _symbol_offset(first_bit: int, name: str) -> int:
    """Turn a bit's place into a symbol's: the number of bits is odd, so every second symbol wraps."""
    if not is_pam4(name):
        return first_bit
    length = period("PRBS31")
    return (first_bit if first_bit % 2 == 0 else first_bit + length) // 2


def _bits(decided: Symbols, name: str) -> NDArray[np.uint8]:
    """Turn symbols into bits; the Gray code of 0 to 3 is 00, 01, 11, 10."""
    if not is_pam4(name):
        return decided.astype(np.uint8)
    first, second = decided >= 2, (decided == 1) | (decided == 2)
    return np.stack([first, second], axis=1).reshape(-1).astype(np.uint8)


def _number(window: NDArray[np.uint8]) -> int:
    """Read a register, its oldest bit most significant."""
    return int(window.astype(np.int64) @ (1 << np.arange(_ORDER - 1, -1, -1, dtype=np.int64)))


def _place_of(state: int) -> int:
    """Find how many bits after the preset a register has this content (baby steps, giant steps)."""
    whole = 2**_ORDER - 1
    ahead = _states(state, _BABY)
    giants = np.empty(whole // _BABY + 2, dtype=np.int64)
    columns = _giant_columns()
    register = 2**_ORDER - 1
    for j in range(giants.size):
        giants[j] = register
        register = (
            columns[0][register & 0xFF]
            ^ columns[1][register >> 8 & 0xFF]
            ^ columns[2][register >> 16 & 0xFF]
            ^ columns[3][register >> 24]
        )
    order = np.argsort(giants)
    at = np.searchsorted(giants, ahead, sorter=order)
    hit = np.flatnonzero(giants[order[np.minimum(at, giants.size - 1)]] == ahead)
    baby = int(hit[0])
    return int((int(order[at[baby]]) * _BABY - baby) % whole)


def _states(state: int, count: int) -> NDArray[np.int64]:
    """Get a register's content now and after each of the next steps."""
    now = np.array([state >> i & 1 for i in range(_ORDER - 1, -1, -1)], dtype=np.int64)
    bits = np.concatenate([now, prbs_bits(_ORDER, count, seed=state).astype(np.int64)])
    powers = 1 << np.arange(_ORDER - 1, -1, -1, dtype=np.int64)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(bits, _ORDER)[:count] @ powers)


def _giant_columns() -> list[list[int]]:
    """Tabulate what a giant step makes of each byte of a register; a step is linear."""
    single = [_number(prbs_bits(_ORDER, _ORDER, seed=1 << i, skip=_BABY - _ORDER)) for i in range(_ORDER)]
    tables = []
    for byte in range(4):
        table = [0] * 256
        for value in range(256):
            for bit in range(8):
                if value >> bit & 1 and 8 * byte + bit < _ORDER:
                    table[value] ^= single[8 * byte + bit]
        tables.append(table)
    return tables
