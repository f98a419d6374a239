"""Time as drivers and sequences know it; nothing here or above calls time.sleep directly."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Bench time. The simulated bench brings a clock of its own that fits by shape."""

    def now(self) -> float:
        """Get the seconds since an arbitrary start; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let bench time pass."""
        ...

    def utc(self) -> datetime:
        """Get the date and time of the bench, with time zone UTC."""
        ...


class WallClock:
    """The time of this world."""

    def now(self) -> float:
        """Get the seconds since an arbitrary start; never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(max(0.0, seconds))

    def utc(self) -> datetime:
        """Get the date and time, with time zone UTC."""
        return datetime.now(UTC)
