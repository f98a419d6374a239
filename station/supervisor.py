"""The process beside a run: it checks, starts the slot, shows progress, and sees to the end.

The slot is a pytest process of its own: a hung instrument can be killed with it, and whatever
becomes of it, its journal gets a verdict.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measurements.limits import Verdict
from station import record
from station.abort import AbortRequest
from station.config.sequence_source import CHECKOUT
from station.journal import FILE_NAME, Journal, wall_utc
from station.record import RunRecord
from station.request import RunRequest

EXIT = {Verdict.PASS: 0, Verdict.PARTIAL: 0, Verdict.FAIL: 1, Verdict.ERROR: 3, Verdict.ABORTED: 130}
_POLL_S = 0.05
# A slot that was asked to stop finishes its exchange with the instrument (the longest wait is a
# sweep or a gate) and makes the bench safe. One that has not ended by then is stuck in VISA.
_STOP_WITHIN_S = 30.0


def dry(request: RunRequest) -> dict[str, Any]:
    """Check everything and say what would run; raise FilesError or OpeningError."""
    from station.opening import prepare

    prepared = prepare(request)
    lines = [
        f"{prepared.files.product.value.name}, serial {request.serial}, slot {request.slot}, "
        f"on {prepared.files.station.value.name}",
        f"{len(prepared.expected or ())} values at {len(prepared.itinerary.corners)} corners:",
    ]
    lines += [
        f"  {corner.name}: {corner.case_temperature_c:g} °C, {corner.supply_v:g} V: "
        + ", ".join(
            path.stem
            for path, step in prepared.itinerary.steps
            if prepared.itinerary.plan and corner in prepared.itinerary.plan.corners_of(step)
        )
        for corner in prepared.itinerary.corners
    ]
    return {"lines": lines, "expected": [[k.name, k.lane, k.corner] for k in prepared.expected or ()]}


@dataclass
class Supervisor:
    """Runs one request in a slot process."""

    request: RunRequest
    quiet: bool = False

    def run(self) -> RunRecord:
        """Run, and return the record with its verdict; raise FilesError or OpeningError before that."""
        from station.opening import new_run_id, prepare

        abort = AbortRequest()
        give_back = abort.listen(raising=False)
        try:
            prepared = prepare(self.request)
            run_id = new_run_id(self.request.serial)
            folder = self.request.out / run_id
            folder.mkdir(parents=True, exist_ok=True)
            self._supervise(self._command(run_id, prepared.itinerary.files), folder, abort)
            loaded = self._ended(folder, abort)
        finally:
            give_back()
        from station.reports.html import write_report

        report = write_report(loaded)
        if not self.quiet:
            from rich.console import Console

            from station.terminal import print_end

            print_end(Console(highlight=False), loaded, report=report)
        return loaded

    @staticmethod
    def exit_status(loaded: RunRecord) -> int:
        """Get the exit status of a verdict."""
        return EXIT[loaded.verdict or Verdict.ABORTED]

    def _command(self, run_id: str, files: tuple[Path, ...]) -> list[str]:
        request = self.request
        words = [
            *(
                sys.executable,
                "-m",
                "pytest",
                "-p",
                "no:cacheprovider",
                "-q",
                "-c",
                CHECKOUT / "pyproject.toml",
            ),
            *("--rootdir", CHECKOUT, "-o", "timeout=0", "--station", request.station.absolute()),
            *("--serial", request.serial, "--slot", request.slot, "--out", request.out, "--run-id", run_id),
        ]
        for option, path in (("--plan", request.plan), ("--product", request.product)):
            words += [option, path.absolute()] if path else []
        if request.simulate:
            words += ["--simulate", "--seed", request.seed]
            words += ["--simulation", request.simulation.absolute()] if request.simulation else []
        return [*map(str, words), *map(str, files)]

    def _supervise(self, command: list[str], folder: Path, abort: AbortRequest) -> None:
        """Start the slot, show what it does, and pass on what the operator asks; return when it has ended."""
        with (folder / "slot.log").open("wb") as log:
            slot = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=CHECKOUT,
                start_new_session=True,
            )
        told_at: float | None = None
        with self._display(folder) as show:
            while slot.poll() is None:
                if abort.requested and told_at is None:
                    told_at = time.monotonic()
                    slot.send_signal(signal.SIGTERM)
                if told_at is not None and time.monotonic() - told_at > _STOP_WITHIN_S:
                    slot.kill()
                show()
                _wait(slot, _POLL_S)
            show()

    @contextmanager
    def _display(self, folder: Path) -> Iterator[Any]:
        """Give a function that shows how far the run is."""
        if self.quiet:
            yield lambda: None
            return
        from rich.console import Console
        from rich.live import Live

        from station.terminal import Follower, Progress

        console = Console(highlight=False)
        follower, progress = Follower(folder), Progress(time.monotonic())
        with Live(console=console, auto_refresh=False, transient=True) as live:

            def show() -> None:
                for event in follower.new_events():
                    progress.take(event)
                if console.is_terminal:
                    live.update(progress.render(time.monotonic()), refresh=True)

            yield show

    def _ended(self, folder: Path, abort: AbortRequest) -> RunRecord:
        """See to it that the record has a verdict, however the slot ended."""
        loaded = record.load(folder) if (folder / FILE_NAME).is_file() else RunRecord(folder)
        if loaded.verdict is None:
            self._close(folder, loaded, abort)
            loaded = record.load(folder)
        return loaded

    def _close(self, folder: Path, loaded: RunRecord, abort: AbortRequest) -> None:
        request = self.request
        journal = Journal(folder, wall_utc)
        if not loaded.head:
            journal.append("head", run_id=folder.name, serial=request.serial, simulated=request.simulate)
        asked = abort.requested
        reason = (
            abort.reason if asked else f"the slot process died; its last words are in {folder / 'slot.log'}"
        )
        journal.append("error", message=reason, type="SlotDied", remedy="", step=None)
        journal.append("verdict", verdict=str(Verdict.ABORTED), reasons=[f"ABORTED: {reason}"])
        journal.seal()
        journal.close()


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


def last_words(folder: Path) -> str:
    """Get the end of what the slot process printed."""
    try:
        return (folder / "slot.log").read_text(errors="replace")[-2000:]
    except OSError:
        return ""
