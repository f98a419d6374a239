"""A message made ready to run: each unit with its row of the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulation.scpi.commands import Command, Found, Handler
from simulation.scpi.errors import ScpiError
from simulation.scpi.lexer import Kind, MessageUnit, Token
from simulation.scpi.parameters import EXTREMES, Number, Parameter, PowerLevel

if TYPE_CHECKING:
    from simulation.scpi.device import ScpiDevice


@dataclass(frozen=True, slots=True)
class Step:
    """One unit of a message and what to do for it."""

    header: str
    query: bool
    row: Command | None = None
    handler: Handler | None = None
    suffixes: tuple[str | int, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    tokens: tuple[Token, ...] = ()
    bounds: Number | PowerLevel | None = None
    extreme: str = ""
    error: ScpiError | None = None

    @staticmethod
    def build(unit: MessageUnit, found: Found) -> Step:
        """Join a unit with the row that was found for it."""
        row = found.row
        if row is None:
            return Step(unit.header, unit.query, error=unit.error or ScpiError(found.error, unit.header))
        handler = row.query if unit.query else row.action
        parameters = row.query_parameters if unit.query else row.parameters
        bounds = _bounds(row, unit)
        tokens = unit.tokens[1:] if bounds else unit.tokens
        extreme = unit.tokens[0].text if bounds else ""
        return Step(
            unit.header, unit.query, row, handler, found.suffixes, parameters, tokens, bounds, extreme
        )

    @property
    def indefinite(self) -> bool:
        """Get whether nothing may be asked after this in the same message."""
        return self.query and self.row is not None and self.row.indefinite

    def run(self, device: ScpiDevice) -> object:
        """Call the handler and give what it gives."""
        if self.error is not None:
            raise self.error.renewed()
        device.admit(self)
        if not self.parameters and not self.tokens:
            values: tuple[Any, ...] = ()
        else:
            values = convert(self.parameters, self.tokens, (device, *self.suffixes))
        if self.bounds is not None:
            return self.bounds.extreme(self.extreme, (device, *self.suffixes, *values))
        return self.handler(device, *self.suffixes, *values) if self.handler else None


def _bounds(row: Command, unit: MessageUnit) -> Number | PowerLevel | None:
    first = row.parameters[0] if row.parameters else None
    if not (unit.query and unit.tokens and isinstance(first, (Number, PowerLevel))):
        return None
    token = unit.tokens[0]
    return first if token.kind is Kind.WORD and token.text in EXTREMES else None


def convert(
    parameters: tuple[Parameter, ...], tokens: tuple[Token, ...], context: tuple[Any, ...]
) -> tuple[Any, ...]:
    """Turn tokens into values, the last first: a bound may depend on what follows it."""
    if len(tokens) > len(parameters):
        raise ScpiError(-108)
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


@dataclass(frozen=True, slots=True)
class Program:
    """All steps of a message, and the header path that it leaves behind."""

    steps: tuple[Step, ...]
    path: str
