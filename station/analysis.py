"""Analysis in worker processes, while the instruments go on."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from measurements.quantity import Result
from station.abort import signals_held


@dataclass(frozen=True, slots=True)
class Pending:
    """A result that is still being computed; `name` picks one of several results."""

    future: Future[Any]
    name: str | None = None

    def __getitem__(self, name: str) -> Pending:
        """Pick one result of an analysis that gives several, by its name."""
        return Pending(self.future, name)

    def done(self, within_s: float) -> bool:
        """Wait a while and tell whether the result, or its error, is there."""
        return bool(wait([self.future], within_s).done)

    def result(self) -> Result:
        """Wait for the result; an error of the analysis is raised here."""
        outcome = self.future.result()
        if self.name is None:
            return outcome  # type: ignore[no-any-return]  # the worker's answer is typed by its function
        if isinstance(outcome, Mapping):
            return outcome[self.name]  # type: ignore[no-any-return]  # likewise
        return getattr(outcome, self.name)  # type: ignore[no-any-return]  # likewise


class Analyst:
    """A pool of worker processes that starts with the first analysis.

    The workers hold one end of a pipe. Its other end closes when their work is dropped or when this
    process dies, however it dies; either way they end at once, in the middle of whatever they do.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers or max(1, min(4, os.cpu_count() or 1))
        self._executor: Executor | None = None
        self._lifeline: Connection | None = None

    def warm_up(self) -> None:
        """Start the workers now, so that the first analysis need not wait for their imports."""
        if self._executor is None:
            for _ in range(self._workers):
                self.analyse(_import_analysis)

    def analyse(self, function: Callable[..., Any], *arguments: object) -> Pending:
        """Hand a function and its arguments to a worker; both must be importable there."""
        pool = self._pool()
        with signals_held():  # a worker may start here, and leaves Ctrl-C to us
            return Pending(pool.submit(function, *arguments))

    def stop(self, *, drop: bool = False) -> None:
        """End the workers; with `drop` what is not done is not done any more."""
        if self._executor is None or self._lifeline is None:
            return
        if drop:
            self._lifeline.close()
        self._executor.shutdown(wait=True, cancel_futures=drop)
        self._lifeline.close()
        self._executor = self._lifeline = None

    def _pool(self) -> Executor:
        if self._executor is None:
            # Started before signals are held: its own start lets them through again.
            resource_tracker.ensure_running()
            context = multiprocessing.get_context("spawn")
            watched, self._lifeline = context.Pipe(duplex=False)
            self._executor = ProcessPoolExecutor(
                self._workers, mp_context=context, initializer=_watch, initargs=(watched,)
            )
        return self._executor


def _watch(lifeline: Connection) -> None:
    """End this process as soon as the other end of its lifeline is closed.

    Ctrl-C and the like stay held back, but SIGTERM is how a pool ends what is left of it.
    """
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()


def _end_with(lifeline: Connection) -> None:
    lifeline.poll(None)
    os._exit(1)


def _import_analysis() -> None:
    """Pay for the imports of an analysis ahead of time."""
    for module in ("station.eye_analysis", "scipy.fft", "scipy.optimize", "scipy.special"):
        importlib.import_module(module)
