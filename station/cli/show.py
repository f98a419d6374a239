"""`photonbench show`: one run, readable in 80 columns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import click

from station.cli.output import chosen_run, errors_told, json_option, out_option, print_json

if TYPE_CHECKING:
    from station.journal import Event
    from station.record import RunRecord
    from station.reports.results import Corner, Room, Row

_WIDTH = 79
_COLOURS = {"PASS": "green", "FAIL": "red", "ERROR": "yellow", "ABORTED": "magenta"}
_NAMES, _LANES, _VALUES, _LIMITS, _MARGINS = 20, 6, 15, 18, 10
_MOST_REASONS = 12
_TRANSCRIPT_LINES = 4


@click.command("show")
@click.argument("run")
@out_option
@click.option("--canonical", is_flag=True, help="print canonical JSON: equal bytes for equal seeds")
@json_option
def command(run: str, out: Path, canonical: bool, as_json: bool) -> None:
    """Show one run: verdict, reasons, every measurement with limits and margin, errors with remedy.

    RUN is an id, its beginning or its last six digits, a serial number (its newest run), or the
    folder of a record. --canonical leaves out run id, times, durations, host and paths.
    """
    with errors_told(as_json or canonical):
        record = chosen_run(out, run)
        if canonical:
            text = json.dumps(record.canonical(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
            click.echo(text)
        elif as_json:
            print_json(record.summary())
        else:
            for line in _lines(record):
                click.echo(line)


def _lines(record: RunRecord) -> Iterator[str]:
    from station.reports import results

    yield from _head(record)
    yield from _reasons(record)
    rooms = results.rooms(record, results.Footnotes())
    for corner in results.corners(record):
        yield from _corner(corner, rooms)
    yield from _missing(results.missing(record))
    yield from _errors(record)
    yield from _end(record)


def _head(record: RunRecord) -> Iterator[str]:
    from station.reports.html import headline
    from station.reports.numbers import seconds_text, time_text, visible

    said, head = headline(record), record.head
    word = click.style(said.word, fg=_COLOURS.get(said.word), bold=True)
    yield f"{word}  {visible(record.serial)}"
    yield from _wrapped(said.sentence)
    yield ""
    plan = head.get("plan") or "no plan"
    kind = f"simulated, seed {head.get('seed')}" if head.get("simulated") else "real bench"
    yield from _wrapped(visible(f"{head.get('product')}, {plan}, on {head.get('station')} ({kind})"))
    seconds = (record.closing or {}).get("seconds")
    took = f", {seconds_text(seconds)} of bench time" if seconds is not None else ""
    yield f"run {visible(record.run_id)}"
    yield f"attempt {head.get('attempt', 'unknown')}, started {time_text(head.get('started'))}{took}"


def _reasons(record: RunRecord) -> Iterator[str]:
    reasons = [str(reason) for reason in (record.closing or {}).get("reasons", [])]
    warnings = [f"warning: {event.get('message')}" for event in record.of("warning")]
    if reasons or warnings:
        yield ""
    for reason in reasons[:_MOST_REASONS]:
        yield from _wrapped(reason, "- ", "  ")
    if len(reasons) > _MOST_REASONS:
        yield f"- and {len(reasons) - _MOST_REASONS} more, each beside its measurement below"
    for warning in warnings:
        yield from _wrapped(warning, "- ", "  ")


def _corner(corner: Corner, rooms: list[Room]) -> Iterator[str]:
    groups = [
        (group.name, group.unit, [row for row in group.rows if row.corner == corner.name])
        for room in rooms
        for group in room.groups
    ]
    if not any(rows for _, _, rows in groups):
        return
    yield ""
    asked = f": {corner.asked}" if corner.asked else ""
    yield click.style(f"{corner.name or 'no corner'}{asked}", bold=True)
    yield _columns("measurement", "lane", "value", "limits", "margin") + "  verdict"
    for name, unit, rows in groups:
        for index, row in enumerate(rows):
            yield from _row("" if index else name, unit, row)


def _row(name: str, unit: str, row: Row) -> Iterator[str]:
    lane = row.lane.removeprefix("lane ")
    value = f"{row.value} {unit}".rstrip() if row.value[-1:].isdigit() else row.value
    word = click.style(row.word, fg=_COLOURS.get(row.word, "white"))
    yield f"{_columns(name, lane, value, row.limits, row.margin)}  {word}"
    if row.reason:
        yield from _wrapped(row.reason, "      ", "      ")


def _columns(name: str, lane: str, value: str, limits: str, margin: str) -> str:
    """Lay out one line; a text that is too long for its column pushes the rest, and nothing is cut."""
    line, end = f"{name:<{_NAMES}} ", _NAMES
    for text, width, align in (
        (lane, _LANES, "<"),
        (value, _VALUES, ">"),
        (f"  {limits}", _LIMITS, "<"),
        (margin, _MARGINS, ">"),
    ):
        end += width
        line += f"{text:{align}{max(0, end - len(line))}}"
    return line


def _missing(rows: list[tuple[str, str, str]]) -> Iterator[str]:
    if not rows:
        return
    yield ""
    yield click.style("Planned and never measured", bold=True)
    for title, corner, lanes in rows:
        word = "lanes" if "," in lanes else "lane"
        yield from _wrapped(f"{title} at {corner}{f', {word} {lanes}' if lanes else ''}", "- ", "  ")


def _errors(record: RunRecord) -> Iterator[str]:
    errors = record.of("error")
    if not errors:
        return
    yield ""
    yield click.style("Errors of the bench", bold=True)
    for event in errors:
        yield from _error(event)


def _error(event: Event) -> Iterator[str]:
    from station.reports.numbers import visible

    yield from _wrapped(str(event.get("message", "")), "- ", "  ")
    if event.get("remedy"):
        yield from _wrapped(f"What to do: {event['remedy']}", "  ", "  ")
    for line in (event.get("transcript") or [])[-_TRANSCRIPT_LINES:]:
        yield f"    {visible(str(line))}"[:_WIDTH]


def _end(record: RunRecord) -> Iterator[str]:
    from station.reports.html import FILE_NAME

    yield ""
    path = record.folder / FILE_NAME
    yield f"Report:  {path}" if path.is_file() else f"Report:  photonbench report {record.folder}"
    yield f"Record:  {record.folder}"


def _wrapped(text: str, first: str = "", later: str = "") -> list[str]:
    from station.reports.numbers import visible

    return wrap(
        visible(text),
        _WIDTH,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first]
