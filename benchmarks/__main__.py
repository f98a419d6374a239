"""Print the measured figures; `python -m benchmarks [NAME …]` takes some of them."""

from __future__ import annotations

import importlib
import sys

from rich.console import Console
from rich.table import Table

NAMES = ("startup", "measure", "demo", "tdecq", "eye_density")


def main(chosen: list[str]) -> None:
    """Measure and print."""
    table = Table(title="Medians of 5 or more runs; the yardstick is measured between the runs")
    for column in ("figure", "median", "bound", "", "yardstick"):
        table.add_column(column)
    for name in chosen or NAMES:
        for figure in importlib.import_module(f"benchmarks.{name}").figures():
            table.add_row(
                figure.name,
                f"{figure.median:.3g} {figure.unit}",
                f"{figure.bound:g} {figure.unit}",
                "met" if figure.met else "MISSED",
                f"{figure.yardstick_median:.3g} ({figure.yardstick})",
            )
    Console().print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
