"""TDECQ of whole SSPRQ captures: its time against a transform of the same array, its memory, its scaling."""

from __future__ import annotations

import os
import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import Figure
from measurements.capture import Waveform, filtered
from measurements.patterns import pattern
from measurements.tdecq import TdecqResult, tdecq

_PER_SYMBOL, _RATE_GBD, _RUNS, _LANES = 16, 53.125, 9, 8
_OPTIONS = {"samples_per_symbol": _PER_SYMBOL, "symbol_rate_gbd": _RATE_GBD}


def figures() -> Iterator[Figure]:
    """Time everything in fresh processes of one thread each."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when the worker loads numpy
    with _pool(1) as one:
        for noise in (0.0, 0.01):
            name = "a noiseless SSPRQ capture" if noise == 0 else "one with noise of 1 % of OMA"
            closure, same, power_of_two = one.submit(_against_transforms, noise).result()
            yield Figure(
                f"TDECQ of {name}, times a transform of it",
                closure / same,
                1.0,
                "x",
                "rfft of 1,048,560, s",
                same,
            )
            yield Figure(
                f"TDECQ of {name}, times a transform of 2^20",
                closure / power_of_two,
                2.5,
                "x",
                "rfft of 2^20, s",
                power_of_two,
            )
        extra, size = one.submit(_memory).result()
        yield Figure(
            "memory beside the capture, times its size", extra / size, 6.0, "x", "capture, bytes", size
        )
    cores = len(os.sched_getaffinity(0))
    alone = _lanes_s(1)
    yield Figure(
        f"{_LANES} lanes on {cores} cores, times their fair share of one core",
        _lanes_s(cores) / (alone / cores),
        1.3,
        "x",
        f"{_LANES} lanes on one core, s",
        alone,
    )


def capture(noise: float, seed: int = 1) -> NDArray[np.float64]:
    """Make a slow transmitter's SSPRQ behind the reference receiver, OMAouter 1 mW, with white noise."""
    symbols = pattern("SSPRQ")
    held = 0.5 + np.repeat(symbols / 3.0, _PER_SYMBOL)
    slow = filtered(Waveform(held, symbols, **_OPTIONS), 0.6 * _RATE_GBD)
    clean = filtered(slow, 0.5 * _RATE_GBD).power_mw
    return clean + np.random.default_rng(seed).normal(0.0, noise, clean.size) if noise else clean.copy()


def _against_transforms(noise: float) -> tuple[float, float, float]:
    """Give the medians of TDECQ, of a transform of its capture, and of one of 2^20, taken in turn."""
    power_mw, symbols = capture(noise), pattern("SSPRQ")
    rounded = np.random.default_rng(0).normal(size=2**20)
    actions: list[Callable[[], object]] = [
        lambda: tdecq(power_mw, symbols, **_OPTIONS),
        lambda: np.fft.rfft(power_mw),
        lambda: np.fft.rfft(rounded),
    ]
    for action in actions:
        action()
    rounds = [[_seconds(action) for action in actions] for _ in range(_RUNS)]
    closure, same, power_of_two = (statistics.median(column) for column in zip(*rounds, strict=True))
    return closure, same, power_of_two


def _memory() -> tuple[int, int]:
    power_mw, symbols = capture(0.01), pattern("SSPRQ")
    tdecq(power_mw, symbols, **_OPTIONS)  # load what is loaded once
    tracemalloc.start()
    tdecq(power_mw, symbols, **_OPTIONS)
    extra = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return extra, power_mw.nbytes


def _lanes_s(workers: int) -> float:
    """Time all lanes on so many processes, which hold their captures already."""
    with _pool(workers) as pool:
        list(pool.map(_lane, range(_LANES)))  # warm
        return _seconds(lambda: list(pool.map(_lane, range(_LANES))))


def _lane(seed: int) -> float:
    """Analyse one lane a few times, so that handing it over does not count."""
    power_mw, symbols = capture(0.01, seed), pattern("SSPRQ")
    results = [tdecq(power_mw, symbols, **_OPTIONS) for _ in range(4)]
    return sum(result.tdecq_db for result in results if isinstance(result, TdecqResult))


def _seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
