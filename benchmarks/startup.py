"""How long the command line takes to answer."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from benchmarks.figures import Figure, interpreter_s, paired, wall_s


def figures() -> Iterator[Figure]:
    """Hold `photonbench --help` against a bare interpreter."""

    def answer_s() -> float:
        return wall_s([sys.executable, "-m", "station.cli", "--help"])

    seconds, bare = paired(answer_s, interpreter_s)
    yield Figure("photonbench --help, times a bare interpreter", seconds / bare, 4.0, "x", "bare, s", bare)
