"""Limits that depend on other measurements: plain arithmetic, nothing that could do harm.

Numbers, names of measurements, `lane`, + - * /, signs, parentheses, and max(), min(), abs().
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

LONGEST = 200
"""Characters of an expression: enough for any limit, too few to exhaust the parser."""

_BINARY: Mapping[type[ast.operator], Callable[[float, float], float]] = MappingProxyType(
    {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
)
_UNARY: Mapping[type[ast.unaryop], Callable[[float], float]] = MappingProxyType(
    {ast.UAdd: operator.pos, ast.USub: operator.neg}
)
_FUNCTIONS: Mapping[str, Callable[..., float]] = MappingProxyType({"max": max, "min": min, "abs": abs})
FUNCTIONS = frozenset(_FUNCTIONS)


class ExpressionError(ValueError):
    """An expression that is not allowed, or that has no finite value.

    `column` counts characters from 1; 0 means the whole expression.
    """

    def __init__(self, message: str, column: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.column = column

    def __str__(self) -> str:
        return f"{self.message} (at character {self.column})" if self.column else self.message


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression; equal when written equally."""

    text: str
    names: frozenset[str]
    _tree: ast.expr = field(compare=False, repr=False)

    @property
    def constant(self) -> float | None:
        """Get the value when it depends on nothing, or None."""
        return None if self.names else self.evaluate({})

    def evaluate(self, values: Mapping[str, float]) -> float:
        """Compute the value; raise ExpressionError when a name is missing or the result is not finite."""
        try:
            result = float(_compute(self._tree, values))
        except (ZeroDivisionError, OverflowError) as error:
            raise ExpressionError(f"{self.text!r} has no value: {error}") from error
        if not math.isfinite(result):
            raise ExpressionError(f"{self.text!r} has no finite value")
        return result

    def __str__(self) -> str:
        return self.text


def parse(source: str | float) -> Expression:
    """Check an expression, or take a number; raise ExpressionError with the place of what is wrong."""
    text = source.strip() if isinstance(source, str) else f"{source!r}"
    if not text:
        raise ExpressionError("an empty expression")
    if len(text) > LONGEST:
        raise ExpressionError(f"an expression of {len(text)} characters; at most {LONGEST} are allowed")
    _refuse_unknown_characters(text)
    tree = _parsed(text)
    names = frozenset(_names(tree))
    expression = Expression(text, names, tree)
    if not names:
        expression.evaluate({})
    return expression


def _refuse_unknown_characters(text: str) -> None:
    """Keep Python's parser to what an expression is made of; it warns about some of the rest."""
    for stray in re.finditer(r"[^A-Za-z0-9_.,()+\-*/ ]", text):
        raise ExpressionError(f"{stray[0]!r} has no place in an expression", stray.start() + 1)
    for stray in re.finditer(r"(?<![\w.])(?>(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?)(?=[A-Za-z_])", text):
        raise ExpressionError(f"a number runs into a word after {stray[0]!r}", stray.end() + 1)


def _parsed(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise ExpressionError(f"{text!r} is not an expression: {error.msg}", error.offset or 0) from error
    except (ValueError, MemoryError, RecursionError) as error:
        raise ExpressionError(f"{text!r} is not an expression: {error}") from error


def _names(node: ast.expr) -> set[str]:
    """Collect the names, and refuse every construct that is not listed here."""
    match node:
        case ast.Constant(value=bool() | complex() | str() | bytes()):
            raise ExpressionError(f"{node.value!r} is not a number", node.col_offset + 1)
        case ast.Constant(value=int() | float()) if math.isfinite(_as_float(node)):
            return set()
        case ast.Name(id=name):
            if name in FUNCTIONS:
                raise ExpressionError(f"{name} needs arguments: {name}(…)", node.col_offset + 1)
            return {name}
        case ast.BinOp() if type(node.op) in _BINARY:
            return _names(node.left) | _names(node.right)
        case ast.UnaryOp() if type(node.op) in _UNARY:
            return _names(node.operand)
        case ast.Call():
            return _names_of_call(node)
    word = type(getattr(node, "op", node)).__name__
    raise ExpressionError(
        f"{word} is not allowed; use numbers, names, + - * /, max(), min(), abs()",
        node.col_offset + 1,
    )


def _as_float(node: ast.Constant) -> float:
    try:
        return float(str(node.value))
    except (OverflowError, ValueError):
        return math.inf


def _names_of_call(node: ast.Call) -> set[str]:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name not in FUNCTIONS:
        raise ExpressionError("only max(), min() and abs() can be called", node.col_offset + 1)
    fits = len(node.args) == 1 if name == "abs" else len(node.args) >= 2
    if node.keywords or not fits:
        wanted = "one argument" if name == "abs" else "two arguments or more"
        raise ExpressionError(f"{name}() takes {wanted}", node.col_offset + 1)
    return set().union(*(_names(argument) for argument in node.args))


def _compute(node: ast.expr, values: Mapping[str, float]) -> float:
    match node:
        case ast.Constant():
            return float(str(node.value))
        case ast.Name(id=name):
            if name not in values:
                raise ExpressionError(f"{name} has no value here", node.col_offset + 1)
            return float(values[name])
        case ast.BinOp():
            return _BINARY[type(node.op)](_compute(node.left, values), _compute(node.right, values))
        case ast.UnaryOp():
            return _UNARY[type(node.op)](_compute(node.operand, values))
        case ast.Call(func=ast.Name(id=name)):
            return _FUNCTIONS[name](*(_compute(argument, values) for argument in node.args))
    raise ExpressionError(f"{type(node).__name__} is not allowed")  # unreachable: _names refused it
