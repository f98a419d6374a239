"""What a technician sees while a run goes on, and at its end; readable in 80 columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from measurements.limits import Verdict
from station.journal import FILE_NAME, Event
from station.reports.numbers import as_number, decimals, number, unit_text, visible

if TYPE_CHECKING:
    from rich.console import Console, Group

    from station.record import RunRecord

_COLOURS = {
    "PASS": "green",
    "PARTIAL": "cyan",
    "FAIL": "red",
    "ERROR": "yellow",
    "ABORTED": "magenta",
    "PENDING": "dim",
}
_WORDS = {
    Verdict.PASS: "all limits met",
    Verdict.PARTIAL: "what was measured met its limits; the unit has no verdict",
    Verdict.FAIL: "a limit was missed",
    Verdict.ERROR: "the bench broke: test the unit again",
    Verdict.ABORTED: "stopped before the end",
}
_LINES_SHOWN = 8
_REASONS_SHOWN = 12
# Before this share of the values has come, nothing sensible can be said of the rest.
_ENOUGH_TO_JUDGE = 0.1


class Follower:
    """Reads the events of a journal that another process is still writing."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._offset = 0

    def new_events(self) -> Iterator[Event]:
        """Give the whole lines that came since the last call."""
        import json

        if not self._path.is_file():
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._offset += len(line)
                try:
                    yield json.loads(line)
                except ValueError:
                    continue


class Progress:
    """The state of a run as far as its journal has told it."""

    def __init__(self, started: float) -> None:
        self.stopping = False
        self._started = started
        self._corners: list[float] = []
        self._head: Event = {}
        self._done: set[tuple[object, ...]] = set()
        self._recent: list[Event] = []
        self._step = "opening the bench"
        self._corner = ""
        self._temperature: float | None = None

    def take(self, event: Event, now: float) -> None:
        """Take in one event that was read now."""
        kind = event.get("event")
        if kind == "corner_started":
            self._corners.append(now)
        handler = getattr(self, f"_on_{kind}", None)
        if handler is not None:
            handler(event)

    def _on_head(self, event: Event) -> None:
        self._head = event

    def _on_corner_started(self, event: Event) -> None:
        self._corner = str(event["corner"])
        self._step = f"going to {event['case_temperature_c']:g} °C"

    def _on_corner_reached(self, event: Event) -> None:
        self._temperature = event["case_temperature_c"]

    def _on_step_started(self, event: Event) -> None:
        self._step = str(event["title"])
        self._corner = str(event.get("corner") or self._corner)

    def _on_measurement(self, event: Event) -> None:
        self._done.add((event.get("step"), event.get("name"), event.get("lane"), event.get("corner")))
        self._recent = [*self._recent, event][-_LINES_SHOWN:]
        self._temperature = event.get("conditions", {}).get("case_temperature_c", self._temperature)

    def _on_error(self, event: Event) -> None:
        self._recent = [*self._recent, event][-_LINES_SHOWN:]

    def _on_safe_state(self, event: Event) -> None:  # noqa: ARG002  # handlers share one signature
        self._step = "the bench is safe"

    def _left(self, now: float) -> str:
        """Say how long it will still take: by corners once one is done, before that by values."""
        expected, done = len(self._head.get("expected", [])), len(self._done)
        corners = len(self._head.get("corners", []))
        if done >= expected:
            return ""
        if len(self._corners) > 1:
            since_first = now - self._corners[0]
            finished = len(self._corners) - 1
            a_corner = (self._corners[-1] - self._corners[0]) / finished
            seconds = a_corner * corners - since_first
        elif done >= expected * _ENOUGH_TO_JUDGE:
            seconds = (now - self._started) / done * (expected - done)
        else:
            return ""
        if seconds < 1:  # it takes longer than the corners before: nobody knows how much
            return ""
        return f"about {seconds:.0f} s left" if seconds < 90 else f"about {seconds / 60:.0f} min left"

    def render(self, now: float) -> Group:
        """Draw the state: what, where, how far, the last values."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        expected = len(self._head.get("expected", [])) or 1
        count = f"{len(self._done)} of {expected} values" if self._head else ""
        far = Text(f"{count}  {self._left(now)}".rstrip())
        bar = ProgressBar(total=expected, completed=len(self._done), width=30)
        grid = Table.grid(padding=(0, 2))
        grid.add_row(bar, far)
        what = "stopping: the bench is being made safe" if self.stopping else self._step
        lines = [_value_line(event) for event in self._recent]
        return Group(Text(_title(self._head), style="bold"), Text(self._where()), Text(what), grid, *lines)

    def _where(self) -> str:
        corners = self._head.get("corners", [])
        which = f"corner {len(self._corners)} of {len(corners)}" if self._corners and corners else ""
        case = "" if self._temperature is None else f"case {self._temperature:.1f} °C"
        return "  ".join(word for word in (self._corner, which, case) if word)


def _title(head: Event) -> str:
    if not head:
        return "Photonbench"
    kind = "  (simulated)" if head.get("simulated") else ""
    return visible(f"{head.get('serial')}  {head.get('product')}  on {head.get('station')}{kind}")


def _value_line(event: Event) -> Any:
    from rich.text import Text

    verdict = str(event.get("verdict", "ERROR"))
    if event.get("event") == "error":
        text = f"  {event.get('message')}"
    else:
        lane = f"lane {event['lane']}" if event.get("lane") else ""
        text = f"  {event['name']:<26}{lane:<8}{value_text(event):>16}  "
    line = Text(text, no_wrap=True, overflow="ellipsis")
    line.append(verdict, style=_COLOURS.get(verdict, ""))
    return line


def value_text(measurement: Event) -> str:
    """Write a value with its unit as people read it."""
    value = as_number(measurement.get("value"))
    if value is None:
        return "not measurable" if measurement.get("value") is None else str(measurement["value"])
    unit = str(measurement.get("unit", ""))
    limits = [n for side in ("lower", "upper") if (n := as_number(measurement.get(side))) is not None]
    sign = {"upper": "≤ ", "lower": "≥ "}.get(str(measurement.get("bound")), "")
    return f"{sign}{number(value, decimals(unit, [value], limits))} {unit_text(unit)}".rstrip()


def print_end(console: Console, record: RunRecord, *, report: Path | None) -> None:
    """Print the verdict so that it is seen from across the room, then why, and what to do next."""
    from rich.panel import Panel
    from rich.text import Text

    verdict = record.verdict or Verdict.ABORTED
    colour = _COLOURS[verdict]
    word = Text(f"\n{' '.join(verdict)}\n", style=f"bold {colour}", justify="center")
    word.append(f"{visible(record.serial)}: {_WORDS[verdict]}\n", style="bold")
    console.print(Panel(word, border_style=colour, width=min(80, console.width)))
    for line in _ending(record, min(80, console.width)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    places = {"Report": report, "Record": record.folder, "Next": f"{_command()} show {_named(record)}"}
    console.print()
    for title, place in places.items():
        if place is not None:
            console.print(f"{title + ':':<9}{place}", markup=False, highlight=False, soft_wrap=True)


def _command() -> str:
    """Write our command as it can be typed here: by its path where the environment is not active."""
    import os
    import shutil
    import sys

    called = sys.argv[0]
    if shutil.which("photonbench") or Path(called).name != "photonbench":
        return "photonbench"
    return os.path.relpath(called)


def _ending(record: RunRecord, width: int) -> Iterator[str]:
    """Write reasons, remedies, warnings, and whether the transceiver may be touched."""
    reasons = [str(reason) for reason in (record.closing or {}).get("reasons", [])]
    remedies = dict.fromkeys(str(event["remedy"]) for event in record.of("error") if event.get("remedy"))
    more = len(reasons) - _REASONS_SHOWN
    lines = [
        *reasons[:_REASONS_SHOWN],
        *([f"and {more} more: see the report"] if more > 0 else []),
        *(f"What to do: {remedy}" for remedy in remedies),
        *(f"Warning: {event.get('message')}" for event in record.of("warning")),
        *(str(event["touch"]) for event in record.of("safe_state") if event.get("touch")),
    ]
    for line in lines:
        yield from wrap(visible(line), width - 1, initial_indent="  ", subsequent_indent="    ")


def _named(record: RunRecord) -> str:
    """Name a run so that `show` finds it from here: by its id where that is in the usual folder."""
    usual = record.folder.parent == Path("runs").absolute()
    return record.run_id if usual else str(record.folder)
