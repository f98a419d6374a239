"""Options of a plan's steps, held against what the sequences of the steps can take.

What an option is called, and of what kind it is, stands in the code that takes it: each parameter
with a default is an option.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from station.config.loader import Loaded
from station.config.plan_file import Plan, PlanStep
from station.config.problems import Finding, Problem, nearest
from station.config.sequence_source import SequenceSource, UnreadableSequence, read_sequence, sequence_path
from station.paths.eye import EyeSettings
from station.paths.power import PowerGroup
from station.paths.sensitivity import SweepSettings
from station.paths.spectrum import SpectrumPaths

_KINDS: Mapping[type, str] = {float: "a number", int: "a whole number", str: "text"}


@dataclass(frozen=True, slots=True)
class _Taker:
    """A fixture that a sequence asks for, and what takes the options behind it.

    With `handed_on` the sequence itself must ask for `options` and hand them on.
    """

    fixture: str
    taker: Callable[..., Any]
    handed_on: bool = False


_TAKERS = (
    _Taker("power_paths", PowerGroup.read, handed_on=True),
    _Taker("spectrum_paths", SpectrumPaths.spectra, handed_on=True),
    _Taker("eye_paths", EyeSettings),
    _Taker("receivers", SweepSettings),
)


def check_options(plan: Loaded[Plan]) -> list[Problem]:
    """Find the options of steps that no sequence takes, or of the wrong kind."""
    return [
        plan.problem(finding)
        for index, step in enumerate(plan.value.steps)
        if step.options
        for finding in _findings(index, step, plan)
    ]


def _findings(index: int, step: PlanStep, plan: Loaded[Plan]) -> Iterator[Finding]:
    try:
        source = read_sequence(sequence_path(plan.path, step.sequence))
    except UnreadableSequence:
        return  # the check of the plan has said so
    known = _known(source)
    for name, value in step.options.items():
        place = ("steps", index, "options", name)
        if name in known:
            kind = known[name]
            if not _fits(value, kind):
                yield Finding(place, f"{value!r} should be {_KINDS[kind]}")
        elif "options" not in source.arguments or name not in source.texts:
            hint = f"; it takes {', '.join(known)}" if known else "; it takes none"
            suggestion = nearest(name, known)
            what = f"{step.sequence} takes no such option{'' if suggestion else hint}"
            yield Finding(place, what, suggestion, at_key=True)


def _known(source: SequenceSource) -> dict[str, type]:
    """Give the options that the fixtures of a sequence take, with their kinds."""
    return {
        parameter.name: type(parameter.default)
        for one in _TAKERS
        if one.fixture in source.arguments and not (one.handed_on and "options" not in source.arguments)
        for parameter in inspect.signature(one.taker).parameters.values()
        if type(parameter.default) in _KINDS
    }


def _fits(value: object, kind: type) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, (int, float) if kind is float else kind)
