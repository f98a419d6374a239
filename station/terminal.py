"""What a technician sees while a run goes on, and at its end; readable in 80 columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measurements.limits import Verdict
from station.journal import FILE_NAME, Event

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
        self._started = started
        self._head: Event = {}
        self._done: set[tuple[object, ...]] = set()
        self._recent: list[Event] = []
        self._step = "opening the bench"
        self._corner = ""
        self._temperature: float | None = None

    def take(self, event: Event) -> None:
        """Take in one event."""
        kind = event.get("event")
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
        expected = len(self._head.get("expected", []))
        done = len(self._done)
        if not done or done >= expected:
            return ""
        seconds = (now - self._started) / done * (expected - done)
        return f"about {seconds:.0f} s left" if seconds < 90 else f"about {seconds / 60:.0f} min left"

    def render(self, now: float) -> Group:
        """Draw the state: what, where, how far, the last values."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        expected = len(self._head.get("expected", [])) or 1
        temperature = "" if self._temperature is None else f"case {self._temperature:.1f} °C"
        words = [self._corner, temperature, self._step]
        where = Text("  ".join(word for word in words if word), overflow="ellipsis", no_wrap=True)
        far = Text(f"{len(self._done)} of {expected} values  {self._left(now)}")
        lines = [_value_line(event) for event in self._recent]
        bar = ProgressBar(total=expected, completed=len(self._done), width=30)
        grid = Table.grid(padding=(0, 2))
        grid.add_row(bar, far)
        return Group(Text(_title(self._head), style="bold"), where, grid, *lines)


def _title(head: Event) -> str:
    if not head:
        return "Photonbench"
    kind = "  (simulated)" if head.get("simulated") else ""
    return f"{head.get('serial')}  {head.get('product')}  on {head.get('station')}{kind}"


def _value_line(event: Event) -> Any:
    from rich.text import Text

    verdict = str(event.get("verdict", "ERROR"))
    if event.get("event") == "error":
        text = f"  {event.get('message')}"
    else:
        lane = f"lane {event['lane']}" if event.get("lane") else ""
        text = f"  {event['name']:<24}{lane:<8}{value_text(event):>16}  "
    line = Text(text, no_wrap=True, overflow="ellipsis")
    line.append(verdict, style=_COLOURS.get(verdict, ""))
    return line


def value_text(measurement: Event) -> str:
    """Write a value with its unit as people read it."""
    value = measurement.get("value")
    if not isinstance(value, (int, float)):
        return "not measurable" if value is None else str(value)
    sign = {"upper": "≤ ", "lower": "≥ "}.get(str(measurement.get("bound")), "")
    unit = str(measurement.get("unit", ""))
    number = f"{value:.2e}" if value and abs(value) < 1e-3 else f"{value:.4g}"
    return f"{sign}{number} {'' if unit == '1' else unit}".rstrip()


def print_end(console: Console, record: RunRecord, *, report: Path | None) -> None:
    """Print the verdict so that it is seen from across the room, then why, and what to do next."""
    from rich.panel import Panel
    from rich.text import Text

    verdict = record.verdict or Verdict.ABORTED
    colour = _COLOURS[verdict]
    word = Text(f"\n{' '.join(verdict)}\n", style=f"bold {colour}", justify="center")
    word.append(f"{record.serial}: {_WORDS[verdict]}\n", style="bold")
    console.print(Panel(word, border_style=colour, width=min(80, console.width)))
    for reason in (record.closing or {}).get("reasons", [])[:12]:
        console.print(f"  {reason}", markup=False, highlight=False)
    for event in record.of("warning"):
        console.print(f"  warning: {event.get('message')}", markup=False, highlight=False)
    for event in record.of("safe_state"):
        console.print(f"  {event.get('touch', '')}", markup=False, highlight=False)
    if report is not None:
        console.print(f"\nReport:  {report}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"Record:  {record.folder}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"Next:    photonbench show {record.run_id}", markup=False, highlight=False, soft_wrap=True)
