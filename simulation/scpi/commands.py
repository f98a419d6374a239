"""Commands as rows of a table, and the tree that finds a row by its header.

A pattern is written as manuals write it: `SENSe{1:4}:POWer[:DC]:WAVelength`. Capitals are the short
form, square brackets hold what may be left out. Braces hold a numeric suffix and its range (`{1:4}`;
default 1, or the lowest if 1 is not in it; `{1:4=2}` names another), or the suffixes that may stand
there (`CHANnel{1A|2A}`). Each suffix is given to the handler, before the parameters, as int or as str;
a suffix that allows one value only (`{1}`) is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from simulation.scpi.parameters import Parameter, short_form

Handler = Callable[..., object]
Confirmed = Literal["manual page", "public driver", "no"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One row: what the instrument does for a header, and for its question.

    `action` and `query` are called as handler(device, *suffixes, *parameters). What `query` gives back
    is written as the answer (see answers.py); so is what `action` gives back, for instruments that
    answer commands. Where the first parameter has bounds, `HEADER? MAX` needs no code. `confirmed` and
    `source` say how we know the row.
    """

    pattern: str
    action: Handler | None = None
    query: Handler | None = None
    parameters: tuple[Parameter, ...] = ()
    query_parameters: tuple[Parameter, ...] = ()
    indefinite: bool = False
    confirmed: Confirmed = "no"
    source: str = ""


@dataclass(frozen=True, slots=True)
class Suffix:
    """What may follow a mnemonic."""

    allowed: tuple[str, ...]
    default: str
    numeric: bool
    slot: int

    def value(self, sent: str) -> str | int:
        """Give the handler's argument."""
        return int(sent) if self.numeric else sent

    def resembles(self, tail: str) -> bool:
        """Tell whether the end of a mnemonic could be such a suffix at all."""
        return tail.isdigit() if self.numeric else tail[0].isdigit()

    def takes(self, sent: str) -> bool:
        """Tell whether a suffix as sent is allowed."""
        return (sent.lstrip("0") or "0" if self.numeric else sent) in self.allowed


def parse_suffix(text: str, slot: int) -> Suffix:
    """Read what stands between braces."""
    if "|" in text:
        words = tuple(word.upper() for word in text.split("|"))
        return Suffix(words, words[0], False, slot)
    bounds, _, default = text.partition("=")
    low, _, high = bounds.partition(":")
    allowed = tuple(str(number) for number in range(int(low), int(high or low) + 1))
    return Suffix(allowed, default or ("1" if "1" in allowed else low), True, slot)


@dataclass(slots=True)
class _Node:
    suffix: Suffix | None
    children: dict[str, list[_Node]] = field(default_factory=dict)
    actions: Command | None = None
    queries: Command | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The row that a header leads to, and its suffixes; without a row, the error's number."""

    row: Command | None
    suffixes: tuple[str | int, ...] = ()
    error: int = -113


_NODE = re.compile(r"(\*?[A-Za-z][A-Za-z0-9_]*)(?:\{(\d+)\})?")
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")


def variants(pattern: str) -> list[str]:
    """Write out a pattern with and without each optional part."""
    match = _OPTIONAL.search(pattern)
    if match is None:
        return [pattern]
    head, inner, tail = pattern[: match.start()], match[1], pattern[match.end() :]
    return [*variants(head + inner + tail), *variants(head + tail)]


class HeaderTree:
    """All commands of one instrument."""

    def __init__(self, rows: Iterable[Command]) -> None:
        self._root = _Node(None)
        self._defaults: dict[int, tuple[Suffix, ...]] = {}
        self._rows: list[Command] = []
        for row in rows:
            self._add(row)

    @property
    def rows(self) -> tuple[Command, ...]:
        """Get all rows, in the order of the tables."""
        return tuple(self._rows)

    def _add(self, row: Command) -> None:
        slots = [parse_suffix(text, at) for at, text in enumerate(re.findall(r"\{([^}]*)\}", row.pattern))]
        numbers = iter(range(len(slots)))
        numbered = re.sub(r"\{[^}]*\}", lambda _match: f"{{{next(numbers)}}}", row.pattern)
        self._defaults[id(row)] = tuple(slots)
        self._rows.append(row)
        for variant in variants(numbered):
            node = self._root
            for part in variant.strip(":").split(":"):
                node = self._child(node, part, slots)
            node.actions = node.actions or (row if row.action else None)
            node.queries = node.queries or (row if row.query else None)

    @staticmethod
    def _child(parent: _Node, part: str, slots: list[Suffix]) -> _Node:
        match = _NODE.fullmatch(part)
        if match is None:
            raise ValueError(f"cannot read the part {part!r} of a command pattern")
        suffix = slots[int(match[2])] if match[2] else None
        word = match[1]
        short, long = short_form(word), word.upper()
        for node in parent.children.get(long, ()):
            if node.suffix == suffix:
                return node
        node = _Node(suffix)
        for key in {short, long}:
            parent.children.setdefault(key, []).append(node)
        return node

    def find(self, header: str, *, query: bool) -> Found:
        """Find the row for an absolute header in capitals, without colon and question mark."""
        out_of_range = False
        stack: list[tuple[_Node, int, tuple[tuple[int, str], ...]]] = [(self._root, 0, ())]
        mnemonics = header.split(":")
        while stack:
            node, depth, given = stack.pop()
            if depth == len(mnemonics):
                row = node.queries if query else node.actions
                if row is not None:
                    return Found(row, self._suffixes(row, dict(given)), 0)
                continue
            for child, sent in _candidates(node, mnemonics[depth]):
                if sent and child.suffix is not None and not child.suffix.takes(sent):
                    out_of_range = True
                    continue
                slot = ((child.suffix.slot, sent),) if sent and child.suffix is not None else ()
                stack.append((child, depth + 1, given + slot))
        return Found(None, (), -114 if out_of_range else -113)

    def _suffixes(self, row: Command, given: dict[int, str]) -> tuple[str | int, ...]:
        slots = self._defaults[id(row)]
        return tuple(
            slot.value(given.get(slot.slot, slot.default)) for slot in slots if len(slot.allowed) > 1
        )


def _candidates(node: _Node, mnemonic: str) -> list[tuple[_Node, str]]:
    found = [(child, "") for child in node.children.get(mnemonic, ())]
    for cut in range(1, len(mnemonic)):
        tail = mnemonic[cut:]
        found += [
            (child, tail)
            for child in node.children.get(mnemonic[:cut], ())
            if child.suffix is not None and child.suffix.resembles(tail)
        ]
    return found
