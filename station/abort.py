"""A request to stop, honoured between transactions and never in the middle of one."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType


class RunAborted(KeyboardInterrupt):
    """Raised at the first safe point after the operator or the system asked to stop.

    A KeyboardInterrupt, so that nothing between here and the runner swallows it.
    """


class AbortRequest:
    """Whether somebody asked to stop, and where that is noticed.

    The first signal waits for a safe point (between two messages to an instrument, while waiting,
    before a measurement is recorded). A second one is raised where it strikes.
    """

    def __init__(self) -> None:
        self._reason: str | None = None
        self._armed = True

    @property
    def requested(self) -> bool:
        """Get whether somebody asked to stop."""
        return self._reason is not None

    @property
    def reason(self) -> str:
        """Get who asked, or an empty string."""
        return self._reason or ""

    def request(self, reason: str) -> None:
        """Ask to stop at the next safe point; a second request while armed raises at once."""
        again, self._reason = self._reason is not None, self._reason or reason
        if again and self._armed:
            raise RunAborted(self._reason)

    def check(self) -> None:
        """Raise RunAborted if somebody asked to stop."""
        if self._reason is not None and self._armed:
            raise RunAborted(self._reason)

    def disarm(self) -> None:
        """Let nothing be interrupted any more: the bench is being made safe."""
        self._armed = False

    def listen(self, *, raising: bool = True) -> Callable[[], None]:
        """Take SIGINT and SIGTERM as requests; return a function that gives them back.

        Without `raising`, no number of signals interrupts anything: someone else is asked to stop.
        """

        def heard(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # the signature of a handler
            if raising or not self.requested:
                self.request(signal.Signals(number).name)

        before = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM)}

        def give_back() -> None:
            for number, handler in before.items():
                signal.signal(number, handler)

        return give_back
