"""Write the reference pages from the code: `python docs/generate.py`.

The pages say nothing that the code does not say itself. A test compares them with what this script writes.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from importlib import import_module, reload
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
REFERENCE = CHECKOUT / "docs" / "reference"
_HEAD = "<!-- Written by docs/generate.py. Change the code, then run it again. -->"
_WIDTH = 100

Page = Iterator[str]


def pages() -> dict[str, str]:
    """Build all pages by file name."""
    writers: dict[str, Callable[[], Page]] = {
        "commands.md": _commands,
        "files.md": _files,
        "fixtures.md": _fixtures,
        "instruments.md": _instruments,
        "measurements.md": _measurements,
        "simulation.md": _simulation,
    }
    return {name: "\n".join([_HEAD, "", *writer()]).rstrip() + "\n" for name, writer in writers.items()}


def write() -> None:
    """Write all pages."""
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")


# --- commands ------------------------------------------------------------------------------------


def _commands() -> Page:
    import click

    from station.cli import COMMANDS

    yield from ("# Commands", "")
    yield from ("What `--help` says. Every command takes `--json`: one JSON document on standard output.", "")
    for name in COMMANDS:
        # A fresh command: click keeps the help option of the first context that a command was used in.
        command: click.Command = reload(import_module(f"station.cli.{name}")).command
        context = click.Context(command, info_name=f"photonbench {name}", terminal_width=_WIDTH)
        context.help_option_names = ["-h", "--help"]
        context.max_content_width = _WIDTH
        yield from (f"## photonbench {name}", "", "```text", *_trimmed(command.get_help(context)), "```", "")


def _trimmed(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


# --- instruments ---------------------------------------------------------------------------------


def _instruments() -> Page:
    drivers, twins = _models("photonbench.drivers"), _models("photonbench.twins")
    yield from ("# Instruments", "")
    yield "The models that a station file can name. A package of your own can add more, see"
    yield from ("[add a driver](../how-to/add-a-driver.md).", "")
    yield from _table(
        ("model", "what it is", "driver", "twin"),
        (
            (model, _kind(drivers.get(model)), _mark(model in drivers), _mark(model in twins))
            for model in sorted({*drivers, *twins})
        ),
    )
    yield from ("", "## Drivers", "")
    for model, driver in sorted(drivers.items()):
        yield from _driver(model, driver)
    yield from ("## Twins", "")
    yield "Every command that a simulated instrument knows, and how we know it: from a *manual page*, from"
    yield "a *public driver* of another project, or **not confirmed**. Common commands of IEEE 488.2 and"
    yield from ("SCPI (`*IDN?`, `SYSTem:ERRor?`, …) are the same for all and left out.", "")
    for model, twin in sorted(twins.items()):
        yield from _twin(model, twin)


def _models(group: str) -> dict[str, type[Any]]:
    """Load what our own packages offer in an entry-point group."""
    rooms = ("instruments.", "simulation.")
    return {e.name: e.load() for e in entry_points(group=group) if e.value.startswith(rooms)}


def _kind(driver: type[Any] | None) -> str:
    """Name the interface that a driver offers, in words."""
    for base in driver.__mro__ if driver else ():
        if base.__module__.startswith("instruments.interfaces.") and base.__name__ != "SafeState":
            return _spaced(base.__name__).replace("bert", "BERT")
    return ""


def _mark(there: bool) -> str:
    return "yes" if there else ""


def _driver(model: str, driver: type[Any]) -> Page:
    options = sorted(getattr(driver, "option_names", ()))
    yield from (f"### {model}", "", *_paragraphs(driver), "")
    said = _module_paragraphs(driver)
    if said:
        yield from (*said, "")
    if options:
        yield from (f"Options: {', '.join(f'`{name}`' for name in options)}.", "")


def _module_paragraphs(thing: type[Any]) -> list[str]:
    """Give what a driver's module says of its sources, without its title."""
    text = inspect.cleandoc(sys.modules[thing.__module__].__doc__ or "")
    return _prose(text.partition("\n\n")[2])


def _twin(model: str, twin: type[Any]) -> Page:
    yield from (f"### {model} (twin)", "", *_paragraphs(twin), "")
    rows = list(_merged(twin.commands))
    yield from _table(("command", "set", "ask", "known from", "source"), rows)
    yield ""


def _merged(commands: Sequence[Any]) -> Iterator[tuple[str, ...]]:
    for row in commands:
        known = "**not confirmed**" if row.confirmed == "no" else row.confirmed
        takes = ", ".join(map(_parameter, row.parameters))
        asks = ", ".join(map(_parameter, row.query_parameters))
        yield (
            f"`{row.pattern}`",
            (takes or "yes") if row.action else "",
            (asks or "yes") if row.query else "",
            known,
            row.source,
        )


def _parameter(parameter: Any) -> str:
    words = getattr(parameter, "words", None)
    if words:
        return " or ".join(words)
    bounds = [getattr(parameter, side, None) for side in ("minimum", "maximum")]
    unit = getattr(getattr(parameter, "unit", None), "name", "") or ""
    name = type(parameter).__name__.lower()
    if any(isinstance(bound, (int, float)) for bound in bounds):
        low, high = (f"{bound:g}" if isinstance(bound, (int, float)) else "…" for bound in bounds)
        name = f"{low} to {high} {unit}".rstrip()
    elif unit:
        name = f"{name} {unit}"
    return f"[{name}]" if getattr(parameter, "optional", False) else name


# --- files ---------------------------------------------------------------------------------------


def _files() -> Page:
    from station.config.schema import schemas

    yield from ("# Files", "")
    yield "Every key of the four kinds of file. A key in bold must be there. `photonbench schema` writes the"
    yield from ("same as JSON Schemas, for editors that complete and check while you type.", "")
    for kind, schema in schemas().items():
        yield from (f"## The {kind} file", "")
        yield from _object(schema, schema)
        for name, part in sorted(_definitions(schema).items()):
            if part.get("type") == "object":
                yield from (f"### {kind}: {_spaced(name)}", "")
                yield from _object(part, schema)


def _object(part: Mapping[str, Any], schema: Mapping[str, Any]) -> Page:
    yield from (*_prose(part.get("description", "")), "")
    needed = part.get("required", ())
    yield from _table(
        ("key", "value", "if left out"),
        (
            (f"**`{key}`**" if key in needed else f"`{key}`", _type(value, schema), _default(value))
            for key, value in part.get("properties", {}).items()
        ),
    )
    yield ""


def _definitions(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = schema.get("$defs", {})
    return found


def _type(value: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Say in words what a value may be."""
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        part = _definitions(schema)[name]
        return _spaced(name) if part.get("type") == "object" else _type(part, schema)
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return " or ".join(f"`{one}`" for one in value["enum"])
    choices = value.get("anyOf") or value.get("oneOf")
    if choices:
        said = dict.fromkeys(_type(one, schema) for one in choices if one.get("type") != "null")
        return (", or " if any(" " in one for one in said) else " or ").join(said)
    return _plain_type(value, schema)


def _plain_type(value: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    kind = value.get("type")
    if kind == "array":
        items = value.get("items") or {}
        inner = _type(items, schema) if items else ""
        return f"list of {inner}" if inner else "list"
    if kind == "object":
        named: Mapping[str, Any] = value.get("patternProperties", {})
        each = next(iter(named.values()), value.get("additionalProperties"))
        return f"{_type(each, schema) if isinstance(each, dict) else 'value'} for each name"
    if isinstance(kind, list):
        return " or ".join(_plain_type({**value, "type": one}, schema) for one in kind)
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true` or `false`"}
    return words.get(str(kind), "value") + _bounds(value)


def _bounds(value: Mapping[str, Any]) -> str:
    if value.get("format") in ("date", "date-time"):
        return f" ({value['format'].replace('-', ' and ')})"
    words = (
        ("minimum", "from"),
        ("exclusiveMinimum", "above"),
        ("maximum", "to"),
        ("exclusiveMaximum", "below"),
    )
    said = [f"{word} {value[key]:g}" for key, word in words if key in value]
    return f", {' '.join(said)}" if said else ""


def _default(value: Mapping[str, Any]) -> str:
    if "default" not in value or value["default"] is None or isinstance(value["default"], (dict, list)):
        return ""
    shown = value["default"]
    return f"`{str(shown).lower() if isinstance(shown, bool) else shown}`"


def _spaced(name: str) -> str:
    """Write a class name as words: OpticalLink becomes "optical link"."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()


# --- fixtures, measurements, simulation ----------------------------------------------------------


def _fixtures() -> Page:
    yield from ("# Fixtures", "")
    yield "What a sequence can ask for, by the name of an argument. `subtests` is pytest's own."
    yield ""
    tree = ast.parse((CHECKOUT / "fixtures" / "hands.py").read_text(encoding="utf-8"))
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.decorator_list]
    yield from _table(("fixture", "what it gives"), ((f"`{n.name}`", _given(n)) for n in found))
    yield from ("", "Options of a plan's step reach the sequence as `options`, or the path that takes them.")


def _given(node: ast.FunctionDef) -> str:
    line = (ast.get_docstring(node) or "").partition("\n\n")[0].replace("\n", " ")
    said = line.removeprefix("Give ").removesuffix(".")
    return said[:1].lower() + said[1:]


def _measurements() -> Page:
    yield from ("# Measurements", "")
    yield "The public functions and classes of `measurements/`. They take arrays and numbers, know no"
    yield from ("instrument, and can be used alone.", "")
    for path in sorted((CHECKOUT / "measurements").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        rows = list(_public(tree))
        if rows:
            name = ".".join(path.relative_to(CHECKOUT).with_suffix("").parts)
            yield from (f"## {name}", "", *_prose(ast.get_docstring(tree) or ""), "")
            yield from _table(("name", "what it does"), rows)
            yield ""


def _public(tree: ast.Module) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for node in tree.body:
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef)) or node.name.startswith("_"):
            continue
        said = ast.get_docstring(node)
        if said is not None and node.name not in seen:  # overloads repeat the name without a docstring
            seen.add(node.name)
            yield f"`{_signature(node)}`", " ".join(_prose(said.partition("\n\n")[0]))


def _signature(node: ast.FunctionDef | ast.ClassDef) -> str:
    if isinstance(node, ast.ClassDef):
        return node.name
    arguments = node.args
    names = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
    if arguments.kwonlyargs:
        names += ["*", *(one.arg for one in arguments.kwonlyargs)]
    return f"{node.name}({', '.join(names)})"


def _simulation() -> Page:
    from simulation.physics.parameters import LANE_SPREAD, UNIT_SPREAD, LaneParameters, TransceiverParameters

    yield from ("# Simulation", "")
    yield from ("What a [simulation file](../how-to/simulate-a-defect.md) can change.", "")
    yield from ("## Parameters of a lane (`unit.lanes`)", "")
    yield "With the value of a good 400GBASE-DR4 transceiver, and how much lanes differ (one standard"
    yield from ("deviation, in percent of the value or added to it).", "")
    yield from _parameters(LaneParameters(), LANE_SPREAD)
    yield from ("", "## Parameters of the transceiver (`unit.transceiver`)", "")
    yield from _parameters(TransceiverParameters(), UNIT_SPREAD)
    yield from ("", "## Faults of instruments (`faults`)", "")
    yield from _table(("kind", "what happens"), _faults())


def _parameters(values: Any, spread: Any) -> Page:
    rows = []
    for field in fields(values):
        value = getattr(values, field.name)
        if isinstance(value, tuple) and value and is_dataclass(value[0]):
            continue
        rows.append((f"`{field.name}`", _shown(value), _spread(field.name, spread)))
    yield from _table(("parameter", "good", "spread"), rows)


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    return f"{value:g}" if isinstance(value, (int, float)) else str(getattr(value, "value", value))


def _spread(name: str, spread: Any) -> str:
    if name in spread.relative:
        return f"{100 * spread.relative[name]:g} %"
    return f"± {spread.absolute[name]:g}" if name in spread.absolute else ""


def _faults() -> Iterator[tuple[str, str]]:
    """Read the words of each fault kind and the sentence below it."""
    import simulation.faults

    tree = ast.parse(inspect.getsource(simulation.faults))
    kinds = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "FaultKind")
    for member, said in zip(kinds.body, kinds.body[1:], strict=False):
        if isinstance(member, ast.Assign) and isinstance(said, ast.Expr):
            yield f"`{ast.literal_eval(member.value)}`", str(ast.literal_eval(said.value))


# --- text ----------------------------------------------------------------------------------------


def _paragraphs(thing: type[Any]) -> list[str]:
    return _prose(inspect.cleandoc(thing.__doc__ or ""))


def _prose(text: str) -> list[str]:
    """Keep Markdown from taking `<n>` for a tag and `*OPC?` for emphasis; what is code stays as it is."""
    parts = re.split(r"(`[^`]*`)", text)
    escaped = [re.sub(r"([*<])", r"\\\1", part) if n % 2 == 0 else part for n, part in enumerate(parts)]
    return _trimmed("".join(escaped))


def _table(head: Sequence[str], rows: Any) -> Page:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        # A bar ends a cell even inside code.
        yield f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in row)} |"


if __name__ == "__main__":
    sys.path.insert(0, str(CHECKOUT))
    write()
