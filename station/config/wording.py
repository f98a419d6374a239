"""Pydantic's findings in the words of the person who edits the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from station.config.problems import Finding, Steps, nearest

_WORDS: Mapping[str, str] = {
    "string_type": "should be text; put it in quotes",
    "float_type": "should be a number",
    "int_type": "should be a whole number",
    "int_from_float": "should be a whole number",
    "bool_type": "should be true or false",
    "date_type": "should be a date, written 2027-03-31 without quotes",
    "datetime_type": "should be a date and time with its zone, written 2027-03-31T08:00:00Z without quotes",
    "timezone_aware": "needs its zone: end it with Z or +01:00",
    "tuple_type": "should be a list",
    "mapping_type": "should be a mapping",
    "dict_type": "should be a mapping",
    "model_type": "should be a mapping",
    "model_attributes_type": "should be a mapping",
    "finite_number": "should be a finite number",
    "string_too_short": "should not be empty",
    "union_tag_not_found": "the method is missing",
}


def findings_of(error: ValidationError, model: type[BaseModel], value: object) -> Iterator[Finding]:
    """Turn all of a ValidationError into findings, unknown keys with the nearest known one."""
    said: set[tuple[Steps, str]] = set()
    for detail in error.errors(include_url=False):
        if _counts_wrong(detail):
            continue
        steps = _real_steps(detail["loc"], value)
        finding = _finding(detail, steps, model, value)
        if (finding.steps, finding.what) not in said:
            said.add((finding.steps, finding.what))
            yield finding


def _counts_wrong(detail: Any) -> bool:
    """Tell whether pydantic calls a list too short only because it left bad items out."""
    if detail["type"] != "too_short":
        return False
    given = detail["input"]
    return isinstance(given, (tuple, Mapping)) and len(given) >= int(detail["ctx"]["min_length"])


def _real_steps(location: Sequence[str | int], value: object) -> Steps:
    """Drop what pydantic adds to the way: branches of unions, "[key]"."""
    steps: list[str | int | float] = []
    last = len(location) - 1
    for index, step in enumerate(location):
        if isinstance(value, Mapping):
            key = next((key for key in value if key == step or str(key) == str(step)), None)
            if key is not None:
                steps.append(key)
                value = value[key]
            elif index == last and step != "[key]":
                steps.append(step)
        elif isinstance(value, tuple) and isinstance(step, int) and step < len(value):
            steps.append(step)
            value = value[step]
    return tuple(steps)


def _finding(detail: Any, steps: Steps, model: type[BaseModel], value: object) -> Finding:
    kind: str = detail["type"]
    if kind == "missing":
        if steps and isinstance(detail["loc"][-1], str) and steps[-1] == detail["loc"][-1]:
            return Finding(steps[:-1], f"{steps[-1]!r} is missing")
        return Finding(steps, "is missing something: the list is too short")
    if kind in ("extra_forbidden", "invalid_key"):
        known = sorted(_known_keys(model, steps[:-1], value))
        suggestion = nearest(steps[-1], known)
        hint = "" if suggestion else f"; known here: {', '.join(known)}"
        return Finding(steps, f"unknown key{hint}", suggestion, at_key=True)
    if kind == "literal_error":
        return _literal(detail, steps)
    if kind == "union_tag_invalid":
        words = detail["ctx"]["expected_tags"]
        return Finding((*steps, "method"), f"{detail['ctx']['tag']!r} should be {words}")
    return Finding(steps, _words(kind, detail), at_key=detail["loc"][-1:] == ("[key]",))


def _literal(detail: Any, steps: Steps) -> Finding:
    given, expected = detail["input"], str(detail["ctx"]["expected"])
    words = [word.strip().strip("'\"") for word in expected.replace(" or ", ", ").split(",")]
    suggestion = nearest(given, words) if isinstance(given, str) else None
    return Finding(steps, f"{given!r} should be {expected}", suggestion)


def _words(kind: str, detail: Any) -> str:
    context = detail.get("ctx", {})
    given = detail["input"]
    match kind:
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal":
            relation = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
            key = next(key for key in relation if key in context)
            return f"{given!r} should be {relation[key]} {context[key]}"
        case "too_short":
            return "should not be empty" if not given else f"needs at least {context['min_length']} items"
        case "too_long":
            return f"has more than {context['max_length']} items"
        case "string_too_long":
            return f"{given!r} has more than {context['max_length']} characters"
    if kind in _WORDS:
        shown = "" if given == "" or isinstance(given, (Mapping, tuple, NoneType)) else f"{_short(given)} "
        return f"{shown}{_WORDS[kind]}" if given is not None else f"is empty; it {_WORDS[kind]}"
    message: str = detail["msg"]
    return (
        message[:1].lower() + message[1:]
        if kind not in ("text", "limit", "port", "loss", "parameter", "corners")
        else message
    )


def _short(value: object) -> str:
    text = value.isoformat() if isinstance(value, date) else repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _value_at(value: object, steps: Steps) -> object:
    for step in steps:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, tuple) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _known_keys(model: type[BaseModel], steps: Steps, value: object) -> set[str]:
    """Collect the keys that a mapping at a place of the file may have."""
    kinds: list[Any] = [model]
    for step in steps:
        kinds = [inner for kind in kinds for inner in _stepped(kind, step)]
    tag = _value_at(value, (*steps, "method"))
    models = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
    chosen = [kind for kind in models if _accepts_method(kind, tag)] or models
    return {field.alias or name for kind in chosen for name, field in kind.model_fields.items()}


def _accepts_method(model: type[BaseModel], tag: object) -> bool:
    field = model.model_fields.get("method")
    return field is not None and tag in get_args(field.annotation)


def _stepped(kind: Any, step: object) -> Iterator[Any]:
    """Give the types that one step into a type can lead to, unions and annotations unwrapped."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            if (field.alias or name) == step:
                yield from _unwrapped(field.annotation)
        return
    arguments = get_args(kind)
    origin = get_origin(kind)
    if origin is tuple or (isinstance(origin, type) and issubclass(origin, Mapping)):
        item = arguments[0] if origin is tuple else arguments[1]
        yield from _unwrapped(item)


def _unwrapped(kind: Any) -> Iterator[Any]:
    if get_origin(kind) is Annotated:
        yield from _unwrapped(get_args(kind)[0])
    elif get_origin(kind) in (Union, UnionType):
        for member in get_args(kind):
            yield from _unwrapped(member)
    else:
        yield kind
