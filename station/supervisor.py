"""The process beside a run: it checks, starts the slot, shows progress, and sees to the end.

The slot is a pytest process of its own: a hung instrument can be killed with it, and whatever
becomes of it, its journal gets a verdict.
"""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measurements.limits import Verdict
from station import record
from station.abort import EXIT_ABORTED, AbortRequest, signals_held
from station.config.sequence_source import CHECKOUT
from station.journal import FILE_NAME, Journal, wall_utc
from station.record import RunRecord
from station.request import RunRequest, new_run_id

if TYPE_CHECKING:
    from station.opening import Prepared

EXIT = {Verdict.PASS: 0, Verdict.PARTIAL: 0, Verdict.FAIL: 1, Verdict.ERROR: 3, Verdict.ABORTED: EXIT_ABORTED}
_POLL_S = 0.05
# Windows hands no descriptor on; there the files are read first and the slot is started after.
_CAN_HOLD = os.name == "posix"
# Exit statuses of pytest that tell of its own trouble: internal error, usage error, no tests collected.
_PYTEST_GAVE_UP = (3, 4, 5)
# A slot that was asked to stop finishes its exchange with the instrument (the longest wait is a
# sweep or a gate) and makes the bench safe. One that has not ended by then is stuck in VISA.
_STOP_WITHIN_S = 30.0
# The slot stops at the first safe point after one request, and at once after a second.
_REQUESTS_HEARD = 2


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
    """Runs one request in a slot process.

    `abort` must be listening without raising: the slot is what stops, and it is waited for.
    """

    request: RunRequest
    abort: AbortRequest
    quiet: bool = False
    stop_within_s: float = _STOP_WITHIN_S

    def run(self) -> RunRecord:
        """Run, and return the record with its verdict; raise FilesError or OpeningError before that."""
        run_id = new_run_id(self.request.serial)
        folder = self.request.out / run_id
        prepared = None if _CAN_HOLD else self._prepared()
        with self._slot(run_id, folder) as (slot, begin):
            prepared = prepared or self._prepared()
            # Also when somebody asked to stop by now: the slot makes the bench safe and says so.
            begin()
            ended = self._watched(slot, folder)
        loaded = self._ended(prepared, folder, ended)
        from station.reports.html import write_report

        report = write_report(loaded)
        if not self.quiet:
            from rich.console import Console

            from station.terminal import print_end

            with suppress(OSError):  # a terminal that was closed shows nothing; the record has it all
                print_end(Console(highlight=False), loaded, report=report)
        return loaded

    def _prepared(self) -> Prepared:
        from station.opening import prepare

        return prepare(self.request)

    @staticmethod
    def exit_status(loaded: RunRecord) -> int:
        """Get the exit status of a verdict."""
        return EXIT[loaded.verdict or Verdict.ABORTED]

    @contextmanager
    def _slot(
        self, run_id: str, folder: Path
    ) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[], None]]]:
        """Start the slot, which loads its code while we read the files, and waits until `begin` is called.

        When the run must not begin, nothing is left of it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        waiting, word = os.pipe()
        begun = False

        def begin() -> None:
            nonlocal begun
            begun = True
            with suppress(BrokenPipeError):  # the slot has died; its end is seen to like any other
                os.write(word, b"!")

        with (folder / "slot.log").open("wb") as log, signals_held():
            # A session of its own: Ctrl-C on the terminal reaches us alone, once.
            slot = subprocess.Popen(
                self._command(run_id, waiting),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=CHECKOUT,
                # Arrays here are small: threads of the linear algebra double the time and help nothing.
                env={"OPENBLAS_NUM_THREADS": "1", **os.environ},
                start_new_session=True,
                pass_fds=(waiting,) if _CAN_HOLD else (),
            )
        os.close(waiting)
        try:
            yield slot, begin
        finally:
            os.close(word)
            if not begun:
                slot.kill()  # it has touched nothing yet
                slot.wait()
                shutil.rmtree(folder, ignore_errors=True)

    def _command(self, run_id: str, waiting: int) -> list[str]:
        request = self.request
        words = [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--assert=plain"),
            # Plugins of our own tests; hypothesis alone costs half a second of imports.
            *("-p", "no:hypothesispytest", "-p", "no:xdist", "-p", "no:timeout"),
            # A warning of a library is for our tests to mind, not for a unit on the bench.
            *("-c", CHECKOUT / "pyproject.toml", "--rootdir", CHECKOUT, "-o", "filterwarnings="),
            *(("--wait-for", waiting) if _CAN_HOLD else ()),
            *("--supervised", "--station", request.station.absolute()),
            *("--serial", request.serial, "--slot", request.slot, "--out", request.out, "--run-id", run_id),
        ]
        for option, path in (("--plan", request.plan), ("--product", request.product)):
            words += [option, path.absolute()] if path else []
        if request.simulate:
            words += ["--simulate", "--seed", request.seed]
            words += ["--simulation", request.simulation.absolute()] if request.simulation else []
        # A place of ours, so that pytest finds our plugin; which files run is the plan's affair.
        return [*map(str, words), str(CHECKOUT / "sequences")]

    def _watched(self, slot: subprocess.Popen[bytes], folder: Path) -> str:
        """Show what the slot does, pass on requests to stop; say how it ended."""
        passed_on, kill_at = 0, math.inf
        with self._display(folder) as show:
            while slot.poll() is None:
                if passed_on < min(self.abort.requests, _REQUESTS_HEARD):
                    passed_on += 1
                    kill_at = min(kill_at, time.monotonic() + self.stop_within_s)
                    slot.send_signal(self.abort.signal or signal.SIGTERM)
                if time.monotonic() > kill_at:
                    slot.kill()
                    slot.wait()
                    return f"the slot process did not stop within {self.stop_within_s:g} s and was killed"
                show()
                _wait(slot, _POLL_S)
            show()
        if slot.returncode in _PYTEST_GAVE_UP and not self.quiet:
            print(last_words(folder), file=sys.stderr)
        return (
            f"the slot process {_how_it_ended(slot.returncode)}; its last words are in {folder / 'slot.log'}"
        )

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
        live = Live(console=console, auto_refresh=False, transient=True)

        def show() -> None:
            progress.stopping = self.abort.requested
            for event in follower.new_events():
                progress.take(event, time.monotonic())
            if console.is_terminal:
                with suppress(OSError):  # the terminal was closed: the run is still seen to its end
                    live.update(progress.render(time.monotonic()), refresh=True)

        live.start()
        try:
            yield show
        finally:
            with suppress(OSError):
                live.stop()

    def _ended(self, prepared: Prepared, folder: Path, ended: str) -> RunRecord:
        """See to it that the record has a verdict, however the slot ended."""
        loaded = record.load(folder) if (folder / FILE_NAME).is_file() else RunRecord(folder)
        if loaded.verdict is None:
            self._close(prepared, loaded, ended)
            loaded = record.load(folder)
        return loaded

    def _close(self, prepared: Prepared, loaded: RunRecord, ended: str) -> None:
        """Make the bench safe and close the record in place of a slot that did neither."""
        from station.opening import write_head

        journal = Journal(loaded.folder, wall_utc)
        if not loaded.head:
            write_head(journal, prepared, loaded.folder.name)
        reasons = [f"ABORTED: {self.abort.reason}"] if self.abort.requested else []
        reasons.append(f"ABORTED: {ended}")
        journal.append("error", message=ended, type="SlotDied", remedy="", step=None)
        reasons += self._rescue(prepared, journal)
        journal.append("verdict", verdict=str(Verdict.ABORTED), reasons=reasons)
        journal.seal()
        journal.close()

    def _rescue(self, prepared: Prepared, journal: Journal) -> list[str]:
        """Make the bench safe; say what could not be. A twin has died with its slot, and emits nothing."""
        if self.request.simulate:
            journal.append("safe_state", steps=[], touch="The simulated bench ended with its process.")
            return []
        from station.rescue import rescue
        from station.safety import left_unsafe

        unsafe = left_unsafe(rescue(prepared, journal))
        return [f"NOT SAFE: {step.name}: {step.error}" for step in unsafe]


def _how_it_ended(status: int) -> str:
    if status >= 0:
        return f"ended with status {status} and no verdict"
    return f"was killed by {signal.Signals(-status).name}"


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
