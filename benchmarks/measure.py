"""What one measure() costs, journal write included, early and late in a run."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import RUNS, Figure
from instruments.clock import WallClock
from measurements.quantity import Quantity
from station.abort import AbortRequest
from station.config.expressions import parse
from station.config.limits import Bound, ResolvedLimit
from station.expected import Key
from station.journal import Journal
from station.run import Run


def figures() -> Iterator[Figure]:
    """Time the last of 10 and of 1,000 measurements in one step."""
    for count in (10, 1000):
        medians = [_measure_ms(count) for _ in range(RUNS)]
        yardstick = statistics.median(_append_ms(count) for _ in range(RUNS))
        name = f"measure() with {count:,} in the run"
        yield Figure(name, statistics.median(medians), 0.25, "ms", "bare write(), ms", yardstick)


def _measure_ms(count: int) -> float:
    """Give the mean cost of a measure(), over the last tenth of a run."""
    row = _row()
    keys = tuple(Key("value", lane, "room") for lane in range(1, count + 1))
    with tempfile.TemporaryDirectory() as folder:
        clock = WallClock()
        run = Run(Journal(Path(folder) / "run", clock.utc), clock, {"value": row}, keys, AbortRequest())
        run.begin_step("benchmark", "room")
        result = Quantity(1.0, "dBm", 0.1, evidence={"bits": 10_625_000_000, "errors": 903})
        last = max(5, count // 10)
        for lane in range(1, count - last + 1):
            run.measure("value", result, lane=lane)
        started = time.perf_counter()
        for lane in range(count - last + 1, count + 1):
            run.measure("value", result, lane=lane)
        return (time.perf_counter() - started) / last * 1e3


def _row() -> ResolvedLimit:
    bound = Bound(parse(0.0), "product", "benchmark", "S", None, ())
    return ResolvedLimit("value", "dBm", "lane", bound, None, "product", "benchmark", "S", None)


def _append_ms(count: int) -> float:
    """Give the mean cost of a bare write of a line as long as a measurement's."""
    line = b"x" * 700 + b"\n"
    with tempfile.TemporaryDirectory() as folder:
        file = os.open(Path(folder) / "file", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        started = time.perf_counter()
        for _ in range(count):
            os.write(file, line)
        seconds = time.perf_counter() - started
        os.close(file)
    return seconds / count * 1e3
