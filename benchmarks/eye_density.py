"""The density of an eye of ten million samples, against numpy's two-dimensional histogram of the same."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from benchmarks.figures import Figure, paired
from measurements.eye import eye_density

_SAMPLES, _PER_SYMBOL, _COLUMNS, _ROWS = 10_000_000, 16, 256, 192
_RANGE = (0.2, 1.8)


def figures() -> Iterator[Figure]:
    """Count one record both ways in turn; the counts are compared in the tests."""
    power_mw = np.random.default_rng(0).normal(1.0, 0.2, _SAMPLES)
    times_ui = np.arange(_SAMPLES) / _PER_SYMBOL % 2.0

    def ours_s() -> float:
        started = time.perf_counter()
        eye_density(power_mw, samples_per_symbol=_PER_SYMBOL, power_range_mw=_RANGE)
        return time.perf_counter() - started

    def numpy_s() -> float:
        started = time.perf_counter()
        np.histogram2d(power_mw, times_ui, bins=[_ROWS, _COLUMNS], range=[_RANGE, (0.0, 2.0)])
        return time.perf_counter() - started

    ours, theirs = paired(ours_s, numpy_s)
    name = "eye density of 10^7 samples, times histogram2d without its folding"
    yield Figure(name, ours / theirs, 0.2, "x", "histogram2d, s", theirs)
