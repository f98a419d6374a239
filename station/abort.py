"""A request to stop, honoured between transactions and never in the middle of one."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any

# SIGHUP is what a terminal sends when it is closed; Windows knows neither it nor masks.
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_WORDS = {"SIGINT": "Ctrl-C", "SIGHUP": "the terminal was closed"}
_Handler = Callable[[int, FrameType | None], Any] | int | signal.Handlers | None

EXIT_ABORTED = 130
"""The exit status of a run that was stopped, as shells have it for Ctrl-C."""


class RunAborted(KeyboardInterrupt):
    """Raised at the first safe point after the operator or the system asked to stop.

    A KeyboardInterrupt, so that nothing between here and the runner swallows it.
    """


class AbortRequest:
    """Whether somebody asked to stop, and where that is noticed.

    The first request waits for a safe point: between two messages to an instrument, while waiting,
    before a measurement is recorded. The second is raised where it strikes, for a run that does not
    come to such a point. There is no third: what the second raised must not be interrupted again.
    """

    def __init__(self, *, armed: bool = True) -> None:
        self._reason: str | None = None
        self._armed = armed
        self._requests = 0
        self.signal: signal.Signals | None = None
        self._parent: int | None = None

    @property
    def requested(self) -> bool:
        """Get whether somebody asked to stop."""
        return self._reason is not None

    @property
    def requests(self) -> int:
        """Get how often somebody asked to stop."""
        return self._requests

    @property
    def reason(self) -> str:
        """Get who asked first, or an empty string."""
        return self._reason or ""

    def request(self, reason: str) -> None:
        """Ask to stop at the next safe point."""
        self._requests += 1
        self._reason = self._reason or reason

    def check(self) -> None:
        """Raise RunAborted if somebody asked to stop, or if the process that watches over us is gone."""
        if self._parent is not None and self._reason is None and os.getppid() != self._parent:
            self.request("the process that supervised the run is gone")
        if self._reason is not None and self._armed:
            raise RunAborted(self._reason)

    def arm(self) -> None:
        """Let requests interrupt from now on; there is something to interrupt."""
        self._armed = True

    def disarm(self) -> None:
        """Let nothing be interrupted any more: the bench is being made safe."""
        self._armed = False

    def watch_parent(self) -> None:
        """Take the death of the parent process as a request."""
        self._parent = os.getppid()

    def listen(self, *, raising: bool = True) -> Callable[[], None]:
        """Take signals that end a process as requests; return a function that gives them back.

        Signals that were held back (see `signals_held`) are heard now. Without `raising`, no number of
        signals interrupts anything: someone else is asked to stop.
        """

        def heard(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # the signature of a handler
            self.signal = signal.Signals(number)
            self.request(_WORDS.get(self.signal.name, self.signal.name))
            if raising and self._armed and self._requests == 2:
                raise RunAborted(self.reason)

        before = {number: signal.signal(number, heard) for number in _SIGNALS if not _left_running(number)}
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        return partial(_handle, before)

    @contextmanager
    def deaf(self) -> Iterator[None]:
        """Let Ctrl-C interrupt as it does everywhere, while there is only a question on the screen."""
        before = {signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler)}
        try:
            if self.requested:
                raise KeyboardInterrupt
            yield
        finally:
            _handle(before)


def _left_running(number: signal.Signals) -> bool:
    """Tell whether somebody wants the run to outlive its terminal, as `nohup` says it."""
    return number.name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN


def _handle(handlers: Mapping[signal.Signals, _Handler]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


@contextmanager
def signals_held() -> Iterator[None]:
    """Hold signals back while a process is started, which inherits that they are held back.

    So none is lost before the new process can listen, and one that never listens cannot be hit.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
