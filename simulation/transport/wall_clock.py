"""Wall time for a bench that is reached over sockets; fits wherever a VirtualClock does."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime


class WallBenchClock:
    """The time of this world, counted from the making of the clock."""

    def __init__(self) -> None:
        self._start_ns = time.monotonic_ns()
        self._never = threading.Event()

    @property
    def now_ns(self) -> int:
        """Get the nanoseconds since the start."""
        return time.monotonic_ns() - self._start_ns

    def now(self) -> float:
        """Get the seconds since the start."""
        return self.now_ns / 1e9

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self._never.wait(max(0.0, seconds))

    def sleep_until(self, now_ns: int) -> None:
        """Wait until a given moment."""
        self.sleep((now_ns - self.now_ns) / 1e9)

    def utc(self) -> datetime:
        """Get the date and time, with time zone UTC."""
        return datetime.now(UTC)
