"""Analysis in worker processes, while the instruments go on."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

from measurements.quantity import Result


@dataclass(frozen=True, slots=True)
class Pending:
    """A result that is still being computed; `name` picks one of several results."""

    future: Future[Any]
    name: str | None = None

    def __getitem__(self, name: str) -> Pending:
        """Pick one result of an analysis that gives several, by its name."""
        return Pending(self.future, name)

    def result(self) -> Result:
        """Wait for the result; an error of the analysis is raised here."""
        outcome = self.future.result()
        if self.name is None:
            return outcome  # type: ignore[no-any-return]  # the worker's answer is typed by its function
        if isinstance(outcome, Mapping):
            return outcome[self.name]  # type: ignore[no-any-return]  # likewise
        return getattr(outcome, self.name)  # type: ignore[no-any-return]  # likewise


class Analyst:
    """A pool of worker processes that starts with the first analysis."""

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers or max(1, min(4, os.cpu_count() or 1))
        self._executor: Executor | None = None

    def warm_up(self) -> None:
        """Start the workers now, so that the first analysis need not wait for their imports."""
        for _ in range(self._workers):
            self._pool().submit(_import_analysis)

    def analyse(self, function: Callable[..., Any], *arguments: object) -> Pending:
        """Hand a function and its arguments to a worker; both must be importable there."""
        return Pending(self._pool().submit(function, *arguments))

    def stop(self, *, drop: bool = False) -> None:
        """End the workers; with `drop` what has not begun is not done any more."""
        if self._executor is not None:
            self._executor.shutdown(wait=not drop, cancel_futures=drop)
            self._executor = None

    def _pool(self) -> Executor:
        if self._executor is None:
            context = multiprocessing.get_context("spawn")
            self._executor = ProcessPoolExecutor(self._workers, mp_context=context, initializer=_settle)
        return self._executor


def _settle() -> None:
    """Leave Ctrl-C to the parent and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait for the parent's death; a killed parent closes no queue that a worker would notice."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _import_analysis() -> None:
    """Pay for the imports of an analysis ahead of time."""
    importlib.import_module("measurements.tdecq")
    importlib.import_module("scipy.optimize")
