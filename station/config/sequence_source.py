"""What a sequence file says of itself, read without running it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
"""Where the shipped `sequences/` folder lies."""


class UnreadableSequence(Exception):
    """A sequence file that is missing or is not Python."""


@dataclass(frozen=True, slots=True)
class SequenceSource:
    """The words of a sequence: names given to measure(), literal texts, arguments of its functions."""

    path: Path
    measured: frozenset[str]
    texts: frozenset[str]
    arguments: frozenset[str]


def sequence_path(plan_file: Path, sequence: str) -> Path:
    """Find a step's sequence: beside the plan file if it is there, else in the checkout."""
    beside = plan_file.parent / sequence
    return beside if beside.is_file() else CHECKOUT / sequence


def read_sequence(path: Path) -> SequenceSource:
    """Read the words of a sequence file; raise UnreadableSequence."""
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except FileNotFoundError as error:
        raise UnreadableSequence("there is no such file") from error
    except OSError as error:
        raise UnreadableSequence(f"cannot be read: {error.strerror or error}") from error
    except SyntaxError as error:
        raise UnreadableSequence(f"is not Python: {error.msg} (line {error.lineno})") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise UnreadableSequence(f"is not Python: {error}") from error
    nodes = list(ast.walk(tree))
    return SequenceSource(
        path,
        frozenset(name for node in nodes for name in _measured(node)),
        frozenset(
            node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ),
        frozenset(node.arg for node in nodes if isinstance(node, ast.arg)),
    )


def _measured(node: ast.AST) -> tuple[str, ...]:
    """Give the literal name in a call such as measure("tx_rlm", …) or self.measure("tx_rlm", …)."""
    if not isinstance(node, ast.Call) or not node.args:
        return ()
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    name = node.args[0]
    if called == "measure" and isinstance(name, ast.Constant) and isinstance(name.value, str):
        return (name.value,)
    return ()
