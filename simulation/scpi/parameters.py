"""What the parameters of a command may be; each kind turns a token into a Python value or an error.

A bound (`minimum`, `maximum`, `default`) is a number, or a callable of (device, *suffixes, *parameters
that follow in the message) where it depends on the instrument's state or on a channel list at the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from simulation.scpi.errors import ScpiError
from simulation.scpi.lexer import Kind, Token
from simulation.scpi.units import DBM, NONE, WATT, Unit

Bound = float | Callable[..., float] | None
Context = tuple[Any, ...]
"""Device, header suffixes, and the parameters that follow."""

EXTREMES = {"MIN": "minimum", "MINIMUM": "minimum", "MAX": "maximum", "MAXIMUM": "maximum"}
EXTREMES |= {"DEF": "default", "DEFAULT": "default"}
_SLACK = 1e-12
"""1310 nm times 1e-9 may miss its bound by a rounding of the last bit."""
_SPECIAL = {"INF": math.inf, "INFINITY": math.inf, "NINF": -math.inf, "NINFINITY": -math.inf, "NAN": math.nan}


class Parameter(Protocol):
    """One place in a command's parameter list."""

    @property
    def optional(self) -> bool:
        """Get whether it may be left out; the handler then gets `missing`."""
        ...

    @property
    def missing(self) -> object:
        """Get what the handler is given instead."""
        ...

    def convert(self, token: Token, context: Context) -> object:
        """Turn a token into the value for the handler, or raise ScpiError."""
        ...


def wrong_type(token: Token) -> ScpiError:
    """Name the error of a token whose kind the command does not take here."""
    codes = {Kind.TEXT: -158, Kind.BLOCK: -168, Kind.EXPRESSION: -178}
    return ScpiError(codes.get(token.kind, -104), token.text)


def _value(bound: Bound, context: Context) -> float | None:
    return bound(*context) if callable(bound) else bound


@dataclass(frozen=True, slots=True)
class Number:
    """A number with its unit; the handler gets it in the base unit (m, s, V, …) as float, or as int.

    `bare` is the factor of a number sent without suffix. `choices` are the only values allowed.
    """

    unit: Unit = NONE
    minimum: Bound = None
    maximum: Bound = None
    default: Bound = None
    bare: float | Callable[..., float] = 1.0
    integer: bool = False
    choices: Sequence[float] = ()
    special: bool = False
    optional: bool = False
    missing: object = None

    def convert(self, token: Token, context: Context) -> float | int:
        """Scale by the suffix, resolve MIN, MAX and DEF, and check the range."""
        if token.kind is not Kind.NUMBER:
            if token.kind is Kind.WORD:
                return self._named(token, context)
            raise wrong_type(token)
        if token.suffix:
            factor = self.unit.factors.get(token.suffix)
            if factor is None:
                raise ScpiError(-131 if self.unit.factors else -138, token.text)
        else:
            factor = self.bare(*context) if callable(self.bare) else self.bare
        return self._checked(token.number * factor, context)

    def _named(self, token: Token, context: Context) -> float | int:
        if token.text in EXTREMES:
            return self.extreme(token.text, context)
        if self.special and token.text in _SPECIAL:
            return _SPECIAL[token.text]
        raise ScpiError(-141, token.text)

    def extreme(self, word: str, context: Context) -> float | int:
        """Get what MIN, MAX or DEF stands for now."""
        value = _value(getattr(self, EXTREMES[word]), context)
        if value is None:
            raise ScpiError(-141, word)
        return round(value) if self.integer else float(value)

    def _checked(self, value: float, context: Context) -> float | int:
        if not math.isfinite(value):
            raise ScpiError(-222)
        if self.integer:
            value = math.floor(value + 0.5)
        minimum = self.minimum(*context) if callable(self.minimum) else self.minimum
        if minimum is not None and value < minimum - _SLACK * abs(value):
            raise ScpiError(-222)
        maximum = self.maximum(*context) if callable(self.maximum) else self.maximum
        if maximum is not None and value > maximum + _SLACK * abs(value):
            raise ScpiError(-222)
        if self.choices and value not in self.choices:
            raise ScpiError(-224)
        return value


@dataclass(frozen=True, slots=True)
class PowerLevel:
    """An optical power in watts or dBm; the handler gets dBm.

    `unit` says what a number without suffix means now: "dBm", "W" or "mW".
    """

    unit: Callable[..., str]
    minimum: Bound = None
    maximum: Bound = None
    default: Bound = None
    optional: bool = False
    missing: object = None

    def convert(self, token: Token, context: Context) -> float:
        """Scale by the suffix or by the instrument's present unit, and check the range."""
        if token.kind is Kind.WORD and token.text in EXTREMES:
            return self.extreme(token.text, context)
        if token.kind is not Kind.NUMBER:
            raise wrong_type(token) if token.kind is not Kind.WORD else ScpiError(-141, token.text)
        value = self._dbm(token, context)
        return float(Number(minimum=self.minimum, maximum=self.maximum)._checked(value, context))

    def extreme(self, word: str, context: Context) -> float:
        """Get what MIN, MAX or DEF stands for now."""
        bounds = Number(minimum=self.minimum, maximum=self.maximum, default=self.default)
        return float(bounds.extreme(word, context))

    def _dbm(self, token: Token, context: Context) -> float:
        suffix = token.suffix or self.unit(*context).upper()
        if suffix in DBM.factors:
            return token.number * DBM.factors[suffix]
        if suffix not in WATT.factors:
            raise ScpiError(-131, token.text)
        watts = token.number * WATT.factors[suffix]
        if watts <= 0:
            raise ScpiError(-222)
        return 10 * math.log10(watts * 1e3)


@dataclass(frozen=True, slots=True)
class Boolean:
    """ON, OFF, or a number: what rounds to zero is off."""

    optional: bool = False
    missing: object = None

    def convert(self, token: Token, _context: Context) -> bool:
        """Turn the token into True or False."""
        if token.kind is Kind.WORD:
            if token.text not in ("ON", "OFF"):
                raise ScpiError(-141, token.text)
            return token.text == "ON"
        if token.kind is not Kind.NUMBER:
            raise wrong_type(token)
        if token.suffix:
            raise ScpiError(-138, token.text)
        return math.floor(token.number + 0.5) != 0


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several words, each written with its short form in capitals: "MINimum", "STOP".

    The handler gets the short form. `numbers` says what a number stands for ({"0": "DBM"}); `quoted`
    allows the word as a string too.
    """

    words: tuple[str, ...]
    numbers: tuple[tuple[float, str], ...] = ()
    quoted: bool = False
    optional: bool = False
    missing: object = None

    def convert(self, token: Token, _context: Context) -> str:
        """Find the word."""
        if token.kind is Kind.NUMBER and self.numbers:
            for number, word in self.numbers:
                if token.number == number and not token.suffix:
                    return word
            raise ScpiError(-224, token.text)
        if token.kind is Kind.WORD or (self.quoted and token.kind is Kind.TEXT):
            return self._find(token.text.upper())
        raise wrong_type(token)

    def _find(self, sent: str) -> str:
        for word in self.words:
            short = short_form(word)
            if sent in (short, word.upper()):
                return short
        raise ScpiError(-141, sent)


def short_form(word: str) -> str:
    """Get the capitals, digits and signs of a word."""
    return "".join(char for char in word if not char.islower())


@dataclass(frozen=True, slots=True)
class Text:
    """A string in either kind of quotes; `words_too` takes character data as well."""

    words_too: bool = False
    optional: bool = False
    missing: object = None

    def convert(self, token: Token, _context: Context) -> str:
        """Give the text without its quotes."""
        if token.kind is Kind.TEXT or (self.words_too and token.kind is Kind.WORD):
            return token.text
        raise wrong_type(token)


@dataclass(frozen=True, slots=True)
class Block:
    """Arbitrary bytes."""

    optional: bool = False
    missing: object = None

    def convert(self, token: Token, _context: Context) -> bytes:
        """Give the bytes."""
        if token.kind is not Kind.BLOCK:
            raise wrong_type(token)
        return token.data


@dataclass(frozen=True, slots=True)
class ChannelList:
    """A list such as (@1,3:5); the handler gets the numbers as a tuple."""

    minimum: int
    maximum: int
    optional: bool = False
    missing: object = None

    def convert(self, token: Token, _context: Context) -> tuple[int, ...]:
        """Unfold the ranges and check each channel."""
        if token.kind is not Kind.EXPRESSION:
            raise wrong_type(token)
        body = token.text[1:-1].strip()
        if not body.startswith("@"):
            raise ScpiError(-171, token.text)
        channels = tuple(number for part in body[1:].split(",") for number in self._range(part, token))
        if not all(self.minimum <= channel <= self.maximum for channel in channels):
            raise ScpiError(-222)
        return channels

    @staticmethod
    def _range(part: str, token: Token) -> range:
        if part.isdecimal() and len(part) <= 5:
            number = int(part)
            return range(number, number + 1)
        first, colon, last = (piece.strip() for piece in part.partition(":"))
        # Channel numbers have few digits; a long one must not unfold into millions.
        if not first.isdecimal() or (colon and not last.isdecimal()) or max(len(first), len(last)) > 5:
            raise ScpiError(-171, token.text)
        low, high = int(first), int(last or first)
        return range(low, high + 1) if low <= high else range(low, high - 1, -1)
