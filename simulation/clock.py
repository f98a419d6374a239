"""Simulated time: it passes only when somebody waits for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class VirtualClock:
    """A clock in integer nanoseconds that jumps forward when someone sleeps.

    `epoch` is the date at which the simulated bench starts its day.
    """

    def __init__(self, epoch: datetime | None = None) -> None:
        self._now_ns = 0
        self._epoch = epoch or datetime(2026, 1, 15, 8, 0, 0, tzinfo=UTC)

    @property
    def now_ns(self) -> int:
        """Get the nanoseconds since the start."""
        return self._now_ns

    def now(self) -> float:
        """Get the seconds since the start."""
        return self._now_ns / 1e9

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self._now_ns += max(0, round(seconds * 1e9))

    def sleep_until(self, now_ns: int) -> None:
        """Let time pass until a given moment, if that is still ahead."""
        self._now_ns = max(self._now_ns, now_ns)

    def utc(self) -> datetime:
        """Get the simulated date and time."""
        return self._epoch + timedelta(microseconds=self._now_ns / 1e3)
