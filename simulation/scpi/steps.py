"""A message made ready to run: each unit with its row of the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulation.scpi.commands import Command, Found
from simulation.scpi.errors import ScpiError
from simulation.scpi.lexer import Kind, Token, check_header, header_and_rest, parameters_of, units
from simulation.scpi.parameters import EXTREMES, Number, Parameter, PowerLevel

if TYPE_CHECKING:
    from simulation.scpi.commands import HeaderTree
    from simulation.scpi.device import ScpiDevice

_HEADERS_KEPT = 4096
_LONGEST_KEPT = 128
_MOST_UNITS = 20_000


class Step:
    """What to do for a header; kept for each spelling, not to be changed once it is made."""

    __slots__ = (
        "bounds",
        "error",
        "handler",
        "header",
        "indefinite",
        "parameters",
        "query",
        "row",
        "suffixes",
    )

    def __init__(self, header: str, *, query: bool = False, error: ScpiError | None = None) -> None:
        self.header, self.query, self.error = header, query, error
        self.row: Command | None = None
        self.handler: Any = None
        self.suffixes: tuple[str | int, ...] = ()
        self.parameters: tuple[Parameter, ...] = ()
        self.bounds: Number | PowerLevel | None = None
        self.indefinite = False

    @staticmethod
    def of(header: str, query: bool, found: Found) -> Step:
        """Make the step for a header that was looked up."""
        row = found.row
        if row is None:
            return Step(header, query=query, error=ScpiError(found.error, header))
        step = Step(header, query=query)
        step.row, step.suffixes = row, found.suffixes
        step.handler = row.query if query else row.action
        step.parameters = row.query_parameters if query else row.parameters
        first = row.parameters[0] if row.parameters else None
        step.bounds = first if query and isinstance(first, (Number, PowerLevel)) else None
        # Nothing may be asked after an indefinite answer in the same message.
        step.indefinite = query and row.indefinite
        return step

    def run(self, device: ScpiDevice, tokens: Sequence[Token]) -> object:
        """Call the handler with its parameters and give what it gives."""
        if self.error is not None:
            raise self.error.renewed()
        if device.admits:
            device.admit(self)
        suffixes = self.suffixes
        if not tokens:
            if self.parameters:
                return self.handler(device, *suffixes, *convert(self.parameters, (), (device, *suffixes)))
            return self.handler(device, *suffixes)
        bounds, first = self.bounds, tokens[0]
        if bounds is not None and first.kind is Kind.WORD and first.text in EXTREMES:
            values = convert(self.parameters, tokens[1:], (device, *suffixes))
            return bounds.extreme(first.text, (device, *suffixes, *values))
        return self.handler(device, *suffixes, *convert(self.parameters, tokens, (device, *suffixes)))


def convert(
    parameters: tuple[Parameter, ...], tokens: Sequence[Token], context: tuple[Any, ...]
) -> tuple[Any, ...]:
    """Turn tokens into values, the last first: a bound may depend on what follows it."""
    if len(tokens) > len(parameters):
        raise ScpiError(-108)
    if len(parameters) == 1 and tokens:
        return (parameters[0].convert(tokens[0], context),)
    values: tuple[Any, ...] = ()
    for at in range(len(parameters) - 1, -1, -1):
        parameter = parameters[at]
        if at < len(tokens):
            values = (parameter.convert(tokens[at], (*context, *values)), *values)
        elif parameter.optional:
            values = (parameter.missing, *values)
        else:
            raise ScpiError(-109)
    return values


@dataclass(slots=True)
class Program:
    """All steps of a message with their parameters, and the header path that it leaves behind."""

    steps: list[tuple[Step, Sequence[Token]]]
    path: str


class Compiler:
    """Reads messages with the table of one instrument.

    What a header means is remembered, for each header path and spelling; parameters are read anew each time.
    """

    def __init__(self, tree: HeaderTree) -> None:
        self._tree = tree
        self._known: dict[tuple[str, str], tuple[Step, str]] = {}

    def program(self, message: bytes, path: str) -> Program:
        """Read a message that comes with a header path."""
        steps: list[tuple[Step, Sequence[Token]]] = []
        parts = units(message.decode("latin-1"))
        if len(parts) > _MOST_UNITS:
            return Program([(Step("", error=ScpiError(-223)), ())], path)
        for unit in parts:
            head, _, rest = unit.partition(" ")
            known = self._known.get((path, head))
            if known is None:
                head, rest = header_and_rest(unit)
                known = self._look_up(head, path)
            step, after = known
            if rest:
                try:
                    tokens = parameters_of(rest)
                except ScpiError as error:
                    # What cannot be read is told before what is not known, and leads nowhere.
                    unreadable = step.error is not None and step.error.code > -113
                    steps.append((step if unreadable else Step(step.header, error=error), ()))
                    continue
                steps.append((step, tokens))
            else:
                steps.append((step, ()))
            path = after
        return Program(steps, path)

    def _look_up(self, head: str, path: str) -> tuple[Step, str]:
        header = head.upper()
        try:
            check_header(header)
        except ScpiError as error:
            return Step(header, error=error), path
        query = header.endswith("?")
        step, after = self._step(header.removesuffix("?"), query, path)
        if len(head) <= _LONGEST_KEPT:
            if len(self._known) >= _HEADERS_KEPT:
                self._known.clear()
            self._known[path, head] = step, after
        return step, after

    def _step(self, header: str, query: bool, path: str) -> tuple[Step, str]:
        if header.startswith("*"):
            return Step.of(header, query, self._tree.find(header, query=query)), path
        absolute = header[1:] if header.startswith(":") else f"{path}:{header}" if path else header
        found = self._tree.find(absolute, query=query)
        return Step.of(header, query, found), absolute.rpartition(":")[0] if found.row else path
