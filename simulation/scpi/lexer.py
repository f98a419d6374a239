"""From one program message to its units and tokens (IEEE 488.2, chapter 7), knowing no command."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from simulation.scpi.errors import ScpiError
from simulation.scpi.framing import block_length


class Kind(Enum):
    """What a parameter looks like on the wire."""

    NUMBER = "number"
    WORD = "character data"
    TEXT = "string"
    BLOCK = "block"
    EXPRESSION = "expression"


@dataclass(slots=True)
class Token:
    """One parameter as sent; words and suffixes in capitals. Not to be changed (freezing costs time)."""

    kind: Kind
    text: str
    number: float = 0.0
    suffix: str = ""
    data: bytes = b""


_MARKS = {mark: re.compile(f"[{mark}\"'#()]") for mark in ";,"}
_OUTSIDE = {mark: re.compile(mark + r"(?![^()]*\))") for mark in ";,"}
_WHITE = "".join(map(chr, range(0x21)))  # IEEE 488.2, 7.4.1.2
_SPACE = re.compile(r"[\x00-\x20]+")
_HEADER = re.compile(r"(?:\*[A-Z]+|:?[A-Z][A-Z0-9_]*(?::[A-Z][A-Z0-9_]*)*)\??")
_DECIMAL = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:\s*[Ee]\s*[+-]?\d+)?)\s*(/?[A-Za-z%][A-Za-z0-9/.*^%-]*)?")
_SIMPLE = re.compile(
    r"([+-]?[0-9]{1,30}(?:\.[0-9]{0,30})?(?:[Ee][+-]?[0-9]{1,4})?)\s?([A-DF-Za-df-z%][A-Za-z0-9/%]*)?"
)
"""Most numbers; what does not fit may still be one."""
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_RADIX = {
    "H": (16, re.compile(r"[0-9A-F]+")),
    "Q": (8, re.compile(r"[0-7]+")),
    "B": (2, re.compile(r"[01]+")),
}
_MNEMONIC_LENGTH = 12  # IEEE 488.2, 7.6.1.4
_DIGITS = 255  # IEEE 488.2, 7.7.2.4
_EXPONENT = 32000


def split(message: str, separator: str) -> list[str]:
    """Cut at a separator that stands outside strings, expressions and blocks."""
    if separator not in message:
        return [message]
    if '"' not in message and "'" not in message and "#" not in message:
        opened = message.count("(")
        if not opened:
            return message.split(separator)
        if opened == message.count(")"):
            return _OUTSIDE[separator].split(message)
    marks = _MARKS[separator]
    parts, start, at, quote, depth = [], 0, 0, "", 0
    while (found := marks.search(message, at)) is not None:
        at, char = found.start(), found[0]
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == "#":
            at += _skip_block(message, at)
        elif char in "()":
            depth = max(0, depth + (1 if char == "(" else -1))
        elif not depth:
            parts.append(message[start:at])
            start = at + 1
        at += 1
    return [*parts, message[start:]]


def _skip_block(message: str, at: int) -> int:
    if message[at + 1 : at + 2] == "0":
        return len(message) - at
    return block_length(message[at:].encode("latin-1"), 0) or 0


def units(text: str) -> list[str]:
    """Cut a message into its commands and queries; empty ones between semicolons are skipped."""
    return [part for each in split(text, ";") if (part := each.strip(_WHITE) and each.lstrip(_WHITE))]


def header_and_rest(unit: str) -> tuple[str, str]:
    """Cut a unit at the white space behind its header."""
    match = _SPACE.search(unit)
    return (unit[: match.start()], unit[match.end() :]) if match else (unit, "")


def parameters_of(rest: str) -> tuple[Token, ...]:
    """Read what stands behind a header; raise ScpiError."""
    if not rest.strip(_WHITE):
        return ()
    if "," not in rest:
        return (token(rest),)
    return tuple([token(part) for part in split(rest, ",")])


def check_header(header: str) -> None:
    """Raise ScpiError for a header (in capitals) that no instrument could have."""
    if _HEADER.fullmatch(header) is None:
        if re.fullmatch(r"[*:A-Z0-9_?]+", header) is None:
            separator = re.match(_HEADER.pattern + "[,'\"(]", header)
            raise ScpiError(-103 if separator else -101, header)
        raise ScpiError(-111 if "?" in header[:-1] else -102, header)
    if any(len(mnemonic) > _MNEMONIC_LENGTH for mnemonic in header.rstrip("?").split(":")):
        raise ScpiError(-112, header)


def token(text: str) -> Token:
    """Read one parameter."""
    whole, text = text.lstrip(_WHITE), text.strip(_WHITE)
    if not text:
        raise ScpiError(-102)
    first = text[0]
    if first in "\"'":
        return _string(text)
    if first == "#":
        return _hash(text, whole)
    if first == "(":
        if not text.endswith(")"):
            raise ScpiError(-171, text)
        return Token(Kind.EXPRESSION, text)
    if not text.isascii():
        raise ScpiError(-101)
    return _number(text) if first in "+-.0123456789" else _word(text)


def _string(text: str) -> Token:
    quote = text[0]
    if len(text) < 2 or text[-1] != quote or text[1:-1].replace(quote * 2, "").count(quote):
        raise ScpiError(-151, text)
    return Token(Kind.TEXT, text[1:-1].replace(quote * 2, quote))


def _hash(text: str, whole: str) -> Token:
    mark = text[1:2].upper()
    if mark in _RADIX and mark:
        base, digits = _RADIX[mark]
        if digits.fullmatch(text[2:].upper()) is None:
            raise ScpiError(-121, text)
        return Token(Kind.NUMBER, text, float(int(text[2:], base)))
    # The end of a block may look like white space.
    raw = whole.encode("latin-1")
    if mark == "0":
        return Token(Kind.BLOCK, "", data=raw[2:])
    length = block_length(raw, 0)
    if not length or raw[1 + length :].strip():
        raise ScpiError(-161)
    return Token(Kind.BLOCK, "", data=raw[2 + int(mark) : 1 + length])


def _number(text: str) -> Token:
    simple = _SIMPLE.fullmatch(text)
    if simple is not None:
        return Token(Kind.NUMBER, text, float(simple[1]), (simple[2] or "").upper())
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise ScpiError(-121 if text[0].isdigit() else -120, text)
    digits = "".join(match[1].split())
    mantissa, _, exponent = digits.upper().partition("E")
    if len(mantissa) > _DIGITS:
        raise ScpiError(-124)
    if len(exponent) > 6 or abs(int(exponent or 0)) > _EXPONENT:
        raise ScpiError(-123, text)
    return Token(Kind.NUMBER, text, float(digits), (match[2] or "").upper())


def _word(text: str) -> Token:
    if _WORD.fullmatch(text) is None:
        raise ScpiError(-103 if " " in text or ":" in text else -101, text)
    if len(text) > _MNEMONIC_LENGTH:
        raise ScpiError(-112, text)
    return Token(Kind.WORD, text.upper())
