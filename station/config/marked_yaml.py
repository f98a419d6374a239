"""YAML as plain values, with the line and column of every key and value.

Only what station files need: YAML 1.2 words (true and false, not yes and off), numbers, dates, text,
lists, mappings, and aliases within bounds. No tags, no merge keys, no second document.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import yaml

from station.config.problems import Steps

LONGEST_FILE = 1_000_000
"""Characters of a file; the largest station file that we can imagine has a tenth of it."""

DEEPEST = 32
"""Levels of nesting; the parser recurses, and a file of brackets alone would exhaust its stack."""

MOST_VALUES = 50_000
"""Values after aliases are written out: nine aliases of nine aliases are a bomb."""

LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The fast loader; the other where PyYAML was built without libyaml."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong with the text of a file; `steps` is empty where the structure is unknown."""

    mark: Mark | None
    what: str
    steps: Steps = ()


@dataclass(slots=True)
class Marked:
    """The content of a file, the places of its values and keys, and what was wrong."""

    value: object = None
    values: dict[Steps, Mark] = field(default_factory=dict)
    keys: dict[Steps, Mark] = field(default_factory=dict)
    flaws: list[Flaw] = field(default_factory=list)


def read(text: str, *, loader: type = LOADER) -> Marked:
    """Read one document; flaws are listed, never raised."""
    marked = Marked()
    node = _composed(text, marked.flaws, loader)
    if node is not None:
        marked.value = _Builder(marked).build(node, ())
    elif not marked.flaws:
        marked.flaws.append(Flaw(None, "is empty"))
    return marked


def _composed(text: str, flaws: list[Flaw], loader: type) -> yaml.Node | None:
    if len(text) > LONGEST_FILE:
        flaws.append(Flaw(None, f"has {len(text)} characters; at most {LONGEST_FILE} are read"))
        return None
    try:
        flaws.extend(_structural_flaws(text, loader))
        if flaws:
            return None
        node: yaml.Node | None = yaml.compose(text, Loader=loader)
        return node
    except yaml.YAMLError as error:
        flaws.append(_of_yaml(error, text))
    except RecursionError:
        flaws.append(Flaw(None, "an alias contains itself"))
    return None


def _structural_flaws(text: str, loader: type) -> Iterator[Flaw]:
    """Walk the events, which needs no stack, before anything recurses."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=loader):
        mark = _mark(event.start_mark)
        tag = getattr(event, "tag", None)
        if tag is not None:
            yield Flaw(mark, f"the tag {tag!r} is not allowed; write plain values")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        if depth > DEEPEST:
            yield Flaw(mark, f"is nested deeper than {DEEPEST} levels")
            return
        if documents > 1:
            yield Flaw(mark, "a second document begins; one file holds one")
            return


def _mark(mark: Any) -> Mark | None:
    return None if mark is None else Mark(mark.line + 1, mark.column + 1)


def _of_yaml(error: yaml.YAMLError, text: str) -> Flaw:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = _mark(error.problem_mark or error.context_mark)
        words = " ".join(part for part in (error.context, error.problem) if part)
        if mark is not None and _character_at(text, mark) == "\t":
            words = "a tab cannot indent it; use spaces"
        return Flaw(mark, f"is not YAML: {words}")
    position = getattr(error, "position", None)
    there = _mark_at(text, position) if isinstance(position, int) else None
    return Flaw(there, f"is not YAML: {getattr(error, 'reason', error)}")


def _character_at(text: str, mark: Mark) -> str:
    lines = text.splitlines()
    line = lines[mark.line - 1] if mark.line <= len(lines) else ""
    return line[mark.column - 1 : mark.column]


def _mark_at(text: str, position: int) -> Mark:
    before = text[:position]
    return Mark(before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1)


_NULL = re.compile(r"~|null|Null|NULL|")
_BOOLEAN = re.compile(r"true|True|TRUE|false|False|FALSE")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[-+]\d{2}:\d{2})?")


def _float(text: str) -> float | str:
    # "00123" is a serial number somebody forgot to quote, not 123.
    digits = text.lstrip("+-")
    if digits.isdigit() and digits.startswith("0"):
        return text
    return float(text)


_PLAIN: tuple[tuple[re.Pattern[str], Callable[[str], object]], ...] = (
    (_NULL, lambda _: None),
    (_BOOLEAN, lambda text: text.casefold() == "true"),
    (_INTEGER, int),
    (_FLOAT, _float),
    (_DATE, date.fromisoformat),
    (_DATETIME, lambda text: datetime.fromisoformat(text.upper())),
)
"""How unquoted words are understood; what fits none is text."""


def _plain(node: yaml.ScalarNode) -> bool:
    return node.style in (None, "")


class _Builder:
    """Turns nodes into values, noting places and flaws on the way."""

    def __init__(self, marked: Marked) -> None:
        self._marked = marked
        self._open: list[yaml.Node] = []
        self._count = 0

    def build(self, node: yaml.Node, steps: Steps) -> object:
        mark = _mark(node.start_mark)
        if mark is not None:
            self._marked.values[steps] = mark
        self._count += 1
        if self._count > MOST_VALUES:
            if self._count == MOST_VALUES + 1:
                self._flaw(node, steps, f"aliases make more than {MOST_VALUES} values of this file")
            return None
        if any(node is parent for parent in self._open):
            self._flaw(node, steps, "an alias contains itself")
            return None
        if len(self._open) > DEEPEST:
            self._flaw(node, steps, f"aliases nest deeper than {DEEPEST} levels")
            return None
        self._open.append(node)
        try:
            return self._value(node, steps)
        finally:
            self._open.pop()

    def _value(self, node: yaml.Node, steps: Steps) -> object:
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, steps)
        if isinstance(node, yaml.SequenceNode):
            return tuple(self.build(item, (*steps, index)) for index, item in enumerate(node.value))
        return self._mapping(node, steps)

    def _scalar(self, node: yaml.ScalarNode, steps: Steps) -> object:
        text: str = node.value
        if not _plain(node):
            return text
        for pattern, meaning in _PLAIN:
            if pattern.fullmatch(text):
                try:
                    return meaning(text)
                except ValueError:
                    self._flaw(node, steps, f"there is no such date as {text}")
                    return None
        return text

    def _mapping(self, node: yaml.Node, steps: Steps) -> object:
        result: dict[Hashable, object] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, steps)
            if key is None:
                continue
            place = (*steps, key)
            mark = _mark(key_node.start_mark)
            if key in result:
                first = self._marked.keys[place]
                self._flaw(key_node, place, f"the key is given twice; first on line {first.line}")
                continue
            if mark is not None:
                self._marked.keys[place] = mark
            result[key] = self.build(value_node, place)
        return result

    def _key(self, node: yaml.Node, steps: Steps) -> str | int | float | None:
        if not isinstance(node, yaml.ScalarNode):
            self._flaw(node, steps, "a key should be a word or a number")
            return None
        key = self._scalar(node, steps)
        if key == "<<" and _plain(node):
            self._flaw(node, steps, "merge keys are not read; write the values out")
            return None
        if isinstance(key, bool) or key is None or not isinstance(key, (str, int, float)):
            self._flaw(node, steps, f"{node.value!r} cannot be a key; put it in quotes")
            return None
        if isinstance(key, float) and not math.isfinite(key):
            self._flaw(node, steps, f"{node.value!r} cannot be a key")
            return None
        return key

    def _flaw(self, node: yaml.Node, steps: Steps, what: str) -> None:
        self._marked.flaws.append(Flaw(_mark(node.start_mark), what, steps))
