"""The append-only journal of a run: each event is one line, written by one call.

A line survives the death of any process once `append` returns, and a power cut once `sync` does.
Everything else that a run leaves (report, JSON) is derived from these lines.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FILE_NAME = "journal.jsonl"
Event = dict[str, Any]
_TAIL_BYTES = 1 << 18  # the longest last line, a verdict with its reasons, is far shorter


class Journal:
    """The journal of one run, open for appending.

    `utc` gives the bench's date and time. Raise OSError when the folder or file cannot be written.
    """

    def __init__(self, folder: Path, utc: Callable[[], datetime]) -> None:
        self.folder = folder
        self._utc = utc
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / FILE_NAME
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self._file = os.open(self._path, flags, 0o644)
        lines = list(_lines(self._path))
        self._sequence = len(lines)
        self._closed = False
        self._torn = bool(lines) and not lines[-1].endswith(b"\n")

    def append(self, event: str, /, **fields: object) -> None:
        """Write one event as one whole line."""
        line: Event = {"seq": self._sequence, "event": event, "utc": self._utc().isoformat(), **fields}
        data = _encoded(line)
        if self._torn:
            data = b"\n" + data  # it must not join what was left half written
        written = os.write(self._file, data)
        self._torn = written != len(data)
        if self._torn:
            raise OSError(f"{self._path}: {written} of {len(data)} bytes written; is the disk full?")
        self._sequence += 1

    def sync(self) -> None:
        """Return only when all that was appended is on the disk."""
        getattr(os, "fdatasync", os.fsync)(self._file)

    def seal(self) -> None:
        """Sync the file and the folders that name it, so that the run itself survives a power cut."""
        os.fsync(self._file)
        for folder in (self.folder, self.folder.parent):
            _sync_folder(folder)

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        if not self._closed:
            self._closed = True
            os.close(self._file)


def read(folder: Path) -> Iterator[Event]:
    """Read the events of a run; a line torn by a power cut appears as an event "torn"."""
    for number, line in enumerate(_lines(folder / FILE_NAME), start=1):
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        yield event if isinstance(event, dict) else {"event": "torn", "line": number}


def last(folder: Path) -> Event:
    """Read the last event of a run without what stands before it; {} when its line is not whole."""
    with (folder / FILE_NAME).open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        lines = file.read().splitlines()
    try:
        event = json.loads(lines[-1])
    except (IndexError, ValueError):
        return {}
    return event if isinstance(event, dict) else {}


def wall_utc() -> datetime:
    """Get the date and time of this computer."""
    return datetime.now(UTC)


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file


def _encoded(line: Event) -> bytes:
    """Write one line of strict JSON; what is not a finite number becomes its name as text."""
    try:
        text = json.dumps(line, separators=(",", ":"), allow_nan=False, default=_plain)
    except (TypeError, ValueError):
        text = json.dumps(_finite(line), separators=(",", ":"), allow_nan=False)
    return text.encode() + b"\n"


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if value is None or isinstance(value, (str, int)):
        return value
    return _finite(_plain(value))


def _plain(value: object) -> object:
    """Turn numpy scalars and arrays, mappings and dates into what JSON knows."""
    tolist = getattr(value, "tolist", None)
    if callable(tolist):
        return tolist()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def _sync_folder(folder: Path) -> None:
    """Sync a folder where the system can (Windows cannot)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
