"""A run as its journal tells it: what `show`, the report and `--json` are made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from measurements.limits import Verdict
from station import journal
from station.journal import Event

# What differs between two runs of the same unit on the same bench and is not about the unit.
_NOT_CANONICAL = frozenset(
    {"seq", "utc", "run_id", "seconds", "host", "folder", "path", "attempt", "started"}
)


@dataclass(slots=True)
class RunRecord:
    """Everything a journal says, sorted by kind; events stay in the order they came."""

    folder: Path
    head: Event = field(default_factory=dict)
    measurements: list[Event] = field(default_factory=list)
    events: dict[str, list[Event]] = field(default_factory=dict)
    closing: Event | None = None

    @property
    def run_id(self) -> str:
        """Get the id of the run, which is the name of its folder."""
        return str(self.head.get("run_id", self.folder.name))

    @property
    def serial(self) -> str:
        """Get the serial number that was scanned."""
        return str(self.head.get("serial", ""))

    @property
    def verdict(self) -> Verdict | None:
        """Get the verdict, or None for a run that has none yet (or died)."""
        return Verdict(self.closing["verdict"]) if self.closing else None

    def of(self, kind: str) -> list[Event]:
        """Get all events of a kind."""
        return self.events.get(kind, [])

    def summary(self) -> dict[str, Any]:
        """Get the document that `run --json` and `show --json` print."""
        return {
            "run_id": self.run_id,
            "serial": self.serial,
            "verdict": str(self.verdict or "UNFINISHED"),
            "reasons": self.closing.get("reasons", []) if self.closing else [],
            "partial": bool(self.head.get("partial")),
            "simulated": bool(self.head.get("simulated")),
            "seed": self.head.get("seed"),
            "attempt": self.head.get("attempt", 1),
            "product": self.head.get("product"),
            "plan": self.head.get("plan"),
            "station": self.head.get("station"),
            "measurements": [_public(measurement) for measurement in self.measurements],
            "errors": [{k: v for k, v in e.items() if k not in ("seq", "event")} for e in self.of("error")],
            "report": str(self.folder / "report.html"),
            "folder": str(self.folder),
            "seconds": self.closing.get("seconds") if self.closing else None,
        }

    def canonical(self) -> dict[str, Any]:
        """Get what must be equal for equal seeds: no run id, times, durations, host or paths."""
        kinds = sorted(kind for kind in self.events if kind not in _PER_HOST)
        return {
            "head": _stripped(self.head),
            "measurements": [_stripped(measurement) for measurement in self.measurements],
            "events": {kind: [_stripped(event) for event in self.events[kind]] for kind in kinds},
            "verdict": str(self.verdict or "UNFINISHED"),
            "reasons": self.closing.get("reasons", []) if self.closing else [],
        }


# Warnings name files as they were typed, and files are in the head by their digests.
_PER_HOST = frozenset({"torn", "warning"})


def load(folder: Path) -> RunRecord:
    """Read the record of a run from its folder; raise FileNotFoundError when there is no journal."""
    record = RunRecord(folder)
    places: dict[tuple[object, ...], int] = {}
    for event in journal.read(folder):
        kind = event.get("event")
        if kind == "head":
            record.head = event
        elif kind == "verdict":
            record.closing = event
        elif kind == "measurement":
            places[key_of(event)] = len(record.measurements)
            record.measurements.append(event)
        elif kind == "judged" and key_of(event) in places:
            record.measurements[places[key_of(event)]] |= {
                k: v for k, v in event.items() if k not in ("seq", "event", "utc")
            }
        else:
            record.events.setdefault(str(kind), []).append(event)
    return record


def key_of(event: Event) -> tuple[object, ...]:
    """Get what names one measurement of a run."""
    return (event.get("name"), event.get("lane"), event.get("corner"))


def run_folders(out: Path) -> list[Path]:
    """List the folders of all runs below a folder, oldest first."""
    return sorted(path.parent for path in out.glob(f"*/{journal.FILE_NAME}"))


def head_of(folder: Path) -> RunRecord:
    """Read what stands at the two ends of a journal: who and what, and the verdict if there is one."""
    first = next(journal.read(folder), {})
    last = journal.last(folder)
    return RunRecord(
        folder,
        head=first if first.get("event") == "head" else {},
        closing=last if last.get("event") == "verdict" else None,
    )


def attempts(out: Path, serial: str) -> int:
    """Count the runs of a serial number below a folder."""
    return sum(next(journal.read(folder), {}).get("serial") == serial for folder in run_folders(out))


def find(out: Path, name: str) -> RunRecord | None:
    """Find a run by folder, by the start or end of its id, or by serial number; of several, the newest."""
    direct = Path(name)
    if (direct / journal.FILE_NAME).is_file():
        return load(direct)
    newest_first = run_folders(out)[::-1] if name else []
    exact = (folder for folder in newest_first if name in (folder.name, head_of(folder).serial))
    close = (f for f in newest_first if f.name.startswith(name) or f.name.endswith(f"-{name}"))
    found = next(exact, None) or next(close, None)
    return load(found) if found else None


def _public(measurement: Event) -> Event:
    return {k: v for k, v in measurement.items() if k not in ("seq", "event", "utc")}


def _stripped(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _stripped(v) for k, v in value.items() if k not in _NOT_CANONICAL and k != "event"}
    if isinstance(value, list):
        return [_stripped(item) for item in value]
    return value
