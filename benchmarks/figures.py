"""What a figure is, and how a command is timed from outside."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

RUNS = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """One claim: its median, its bound, and the yardstick that was measured between its runs."""

    name: str
    median: float
    bound: float
    unit: str
    yardstick: str
    yardstick_median: float

    @property
    def met(self) -> bool:
        """Get whether the median keeps the bound."""
        return self.median <= self.bound


def paired(action: Callable[[], float], yardstick: Callable[[], float]) -> tuple[float, float]:
    """Take both in turn, so that a machine that slows down slows both; give the medians."""
    yardstick()  # warm the file cache
    pairs = [(action(), yardstick()) for _ in range(RUNS)]
    return statistics.median(one for one, _ in pairs), statistics.median(other for _, other in pairs)


def wall_s(command: Sequence[str]) -> float:
    """Time a whole command; raise CalledProcessError when it fails."""
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def interpreter_s() -> float:
    """Time a bare interpreter from start to end."""
    return wall_s([sys.executable, "-c", "pass"])
