"""Wall time for a bench that is reached over sockets; fits wherever a VirtualClock does."""

from __future__ import annotations

import math
import threading
import time
from datetime import UTC, datetime, timedelta


class WallBenchClock:
    """The time of this world, counted from the making of the clock.

    With a `speed` of 10, ten seconds of the bench pass in one: warm-up and sweeps need not be waited for.
    Raise ValueError for a speed that is not positive.
    """

    def __init__(self, speed: float = 1.0) -> None:
        if not 0 < speed < math.inf:
            raise ValueError(f"a speed of {speed} lets no time pass: give a positive factor")
        self.speed = speed
        self._start_ns = time.monotonic_ns()
        self._start_utc = datetime.now(UTC)
        self._never = threading.Event()

    @property
    def now_ns(self) -> int:
        """Get the nanoseconds of bench time since the start."""
        passed_ns = time.monotonic_ns() - self._start_ns
        return passed_ns if self.speed == 1.0 else int(passed_ns * self.speed)

    def now(self) -> float:
        """Get the seconds since the start."""
        return self.now_ns / 1e9

    def sleep(self, seconds: float) -> None:
        """Wait for a time of the bench."""
        self._never.wait(max(0.0, seconds / self.speed))

    def sleep_until(self, now_ns: int) -> None:
        """Wait until a given moment."""
        self.sleep((now_ns - self.now_ns) / 1e9)

    def utc(self) -> datetime:
        """Get the date and time, with time zone UTC."""
        return self._start_utc + timedelta(seconds=self.now())
