"""Test patterns as symbols, and finding them in a stream of samples.

PAM4 symbols are 0 to 3 as uint8, NRZ symbols 0 and 1. Bits are paired, first bit most significant,
and Gray coded. IEEE 802.3, 120.5.11.2: .1 PRBS13Q, .2 PRBS31Q, .3 SSPRQ.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Symbols = NDArray[np.uint8]

SSPRQ_SHA256 = "f17f5effb8e68863e5355258186456e1c3b3c48b5519c1a0c46dac855fae3582"
"""Digest of the 65,535 SSPRQ symbols as bytes; that of the machine-readable file beside the standard."""

PRBS_TAPS = MappingProxyType(
    {
        7: (6, 7),
        9: (5, 9),
        11: (9, 11),
        13: (1, 2, 12, 13),
        15: (14, 15),
        23: (18, 23),
        31: (28, 31),  # IEEE 802.3, 49.2.8, sent inverted
    }
)
"""Delays whose sum modulo 2 is the next bit, by order of the generator."""

LONGEST_WHOLE_ORDER = 23
"""Whole periods are built up to this order; beyond it only a stretch is (2^31 bits fill 2 GB)."""

_GRAY = np.array([0, 1, 3, 2], dtype=np.uint8)
_SSPRQ_SECTIONS = ((0x00000002, 10924), (0x34013FF7, 10922), (0x0CCCCCCC, 10922))


class PatternError(ValueError):
    """A pattern that does not exist or cannot be had in the asked form."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where a pattern sits in a stream of samples: sample i belongs to symbol (i + rotation) mod length.

    `correlation` is the magnitude of the normalised correlation there, 1 for a perfect copy.
    """

    rotation: int
    inverted: bool
    correlation: float


def prbs_bits(order: int, length: int, *, seed: int | None = None, skip: int = 0) -> NDArray[np.uint8]:
    """Generate a pseudo-random bit sequence that goes on from the `order` bits of `seed`.

    The most significant bit of the seed is the oldest. Without a seed the register is preset to
    ones. `skip` leaves out so many bits first, however many, without generating them.
    """
    taps = PRBS_TAPS.get(order)
    if taps is None:
        raise PatternError(f"no PRBS of order {order}; known orders: {', '.join(map(str, PRBS_TAPS))}")
    preset = (1 << order) - 1 if seed is None else seed
    if not 0 < preset < 1 << order:
        raise PatternError(f"seed {preset:#x} of PRBS{order} must be {order} bits that are not all zero")
    history = np.array([preset >> i & 1 for i in reversed(range(order))], dtype=np.uint8)
    if skip:
        history = _ahead(history, taps, skip)
    return _recur(history, taps, length)


def gray_symbols(bits: NDArray[np.uint8]) -> Symbols:
    """Pair bits to PAM4 symbols: 00, 01, 11, 10 become 0, 1, 2, 3."""
    if bits.size % 2:
        raise PatternError(f"{bits.size} bits do not make whole PAM4 symbols")
    return np.take(_GRAY, 2 * bits[0::2] + bits[1::2])


def ssprq() -> Symbols:
    """Build the short stress pattern random quaternary, 65,535 symbols, proven by its digest."""
    sections = [1 - prbs_bits(31, length, seed=seed) for seed, length in _SSPRQ_SECTIONS]
    a = np.concatenate(sections)
    symbols = gray_symbols(np.concatenate([a, a, a[1:], a[:-1]]))
    for inverted in (slice(16384, 32768), slice(49151, 65535)):
        symbols[inverted] = 3 - symbols[inverted]
    if hashlib.sha256(symbols.tobytes()).hexdigest() != SSPRQ_SHA256:
        raise PatternError("the generated SSPRQ differs from the standard's; do not measure with this build")
    return symbols


def square_wave() -> Symbols:
    """Build one period of the quaternary square wave: 8 threes, 8 zeros."""
    return np.repeat(np.array([3, 0], dtype=np.uint8), 8)


def pattern(name: str) -> Symbols:
    """Build one whole period of a pattern by name: SSPRQ, SQUARE, PRBS<n>Q (PAM4) or PRBS<n> (NRZ).

    PRBS31 and PRBS31Q have no period that fits a record: ask `stretch` for as much as is needed.
    """
    if name == "SSPRQ":
        return ssprq()
    if name == "SQUARE":
        return square_wave()
    order, quaternary = _parse_prbs(name)
    if order > LONGEST_WHOLE_ORDER:
        raise PatternError(
            f"one period of {name} is {2**order - 1:,} symbols; ask stretch() for a part of it"
        )
    length = 2**order - 1
    return _prbs_symbols(order, length, quaternary=quaternary)


def stretch(name: str, length: int, *, offset: int = 0) -> Symbols:
    """Build `length` symbols of a pattern that repeats for ever, from symbol `offset` of it on.

    PRBS31 and PRBS31Q are jumped into; the time taken does not grow with the offset.
    """
    if length < 0 or offset < 0:
        raise PatternError(f"length {length} and offset {offset} must not be negative")
    if name in {"PRBS31", "PRBS31Q"}:
        return _prbs_symbols(31, length, quaternary=name.endswith("Q"), offset=offset)
    whole = pattern(name)
    return whole[np.arange(offset, offset + length) % whole.size]


def period(name: str) -> int:
    """Get the number of symbols after which a pattern repeats."""
    fixed = {"SSPRQ": 65535, "SQUARE": 16}
    return fixed[name] if name in fixed else int(2 ** _parse_prbs(name)[0] - 1)


def is_pam4(name: str) -> bool:
    """Tell whether the pattern has four levels."""
    return name in {"SSPRQ", "SQUARE"} or _parse_prbs(name)[1]


def runs_of(symbols: Symbols, symbol: int, length: int) -> NDArray[np.intp]:
    """Find where runs of exactly `length` equal symbols begin, around the end of the period too."""
    hit = symbols == symbol
    inside = np.ones(symbols.size, dtype=bool)
    for i in range(length):
        inside &= np.roll(hit, -i)
    return np.flatnonzero(inside & ~np.roll(hit, 1) & ~np.roll(hit, -length))


def find_phase(samples: NDArray[np.floating], symbols: Symbols) -> Alignment:
    """Find a pattern in one sample a symbol, whole periods of it, of either polarity.

    Always gives the best place; the caller judges its `correlation`. A constant stream gives 0.
    """
    length = symbols.size
    if samples.size == 0 or samples.size % length:
        raise PatternError(f"{samples.size} samples are not whole periods of {length} symbols")
    folded = np.asarray(samples, dtype=np.float64).reshape(-1, length).mean(axis=0)
    stream, reference = folded - folded.mean(), symbols - symbols.mean()
    scale = float(np.linalg.norm(stream) * np.linalg.norm(reference))
    product = np.conj(np.fft.rfft(stream)) * np.fft.rfft(reference)
    correlation = np.fft.irfft(product, length)
    rotation = int(np.argmax(np.abs(correlation)))
    peak = float(correlation[rotation])
    # Rounding alone correlates at 1e-16 of the values' own size: no modulation is not a phase.
    modulated = scale > 1e-9 * float(np.abs(folded).max(initial=0.0)) * length
    return Alignment(rotation, inverted=peak < 0, correlation=abs(peak) / scale if modulated else 0.0)


def _prbs_symbols(order: int, length: int, *, quaternary: bool, offset: int = 0) -> Symbols:
    each = 2 if quaternary else 1
    bits = prbs_bits(order, each * length, skip=each * offset)
    if order == 31:
        bits = 1 - bits  # IEEE 802.3, 49.2.8: the generator's output is inverted
    return gray_symbols(bits) if quaternary else bits


def _recur(history: NDArray[np.uint8], taps: Sequence[int], length: int) -> NDArray[np.uint8]:
    """Continue a linear recurrence in growing blocks.

    Squaring a polynomial over GF(2) doubles its delays, so each doubling of the known bits
    doubles how many new ones follow in one step.
    """
    bits = np.empty(history.size + length, dtype=np.uint8)
    bits[: history.size] = history
    known, delays = history.size, np.asarray(taps)
    while known < bits.size:
        while 2 * delays.max() <= known:
            delays = 2 * delays
        new = min(int(delays.min()), bits.size - known)
        block = bits[known - delays[0] : known - delays[0] + new].copy()
        for delay in delays[1:]:
            block ^= bits[known - delay : known - delay + new]
        bits[known : known + new] = block
        known += new
    return bits[history.size :]


def _ahead(history: NDArray[np.uint8], taps: Sequence[int], steps: int) -> NDArray[np.uint8]:
    """Advance a register by any number of steps.

    The bit so many steps ahead is a sum of the first `order` bits: those whose powers remain of
    x^steps modulo the generator's polynomial.
    """
    order = history.size
    generator = sum(1 << (order - tap) for tap in taps) | 1 << order
    remains, power = 1, 2
    while steps:
        if steps & 1:
            remains = _times(remains, power, generator, order)
        power = _times(power, power, generator, order)
        steps >>= 1
    known = np.concatenate([history, _recur(history, taps, order)])
    places = [i for i in range(order) if remains >> i & 1]
    ahead: NDArray[np.uint8] = np.bitwise_xor.reduce([known[i : i + order] for i in places])
    return ahead


def _times(first: int, second: int, generator: int, order: int) -> int:
    """Multiply two polynomials over GF(2), their coefficients as bits, modulo a third."""
    product = 0
    while second:
        product ^= first if second & 1 else 0
        second >>= 1
        first <<= 1
        first ^= generator if first >> order else 0
    return product


def _parse_prbs(name: str) -> tuple[int, bool]:
    digits = name.removeprefix("PRBS").removesuffix("Q")
    if not name.startswith("PRBS") or not digits.isdecimal() or int(digits) not in PRBS_TAPS:
        known = ", ".join(f"PRBS{order}[Q]" for order in PRBS_TAPS)
        raise PatternError(f"unknown pattern {name!r}; known: SSPRQ, SQUARE, {known}")
    return int(digits), name.endswith("Q")
