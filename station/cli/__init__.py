"""The photonbench command.

Only the entry stands here. The list of commands is printed without importing anything, so that
`photonbench --help` answers at once; each command's module is imported when it is called.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from station.abort import AbortRequest

COMMANDS = {
    "run": "Test one transceiver.",
    "check": "Check files, alone and against each other.",
    "schema": "Print or write the JSON Schemas of the files, for editors.",
    "discover": "List what answers on VISA, with the driver that fits.",
    "runs": "List the runs of a folder.",
    "show": "Show one run.",
    "report": "Write the report of a run anew.",
    "eye": "Analyse a stored capture of an eye.",
    "simulate": "Serve the simulated instruments of a station over TCP.",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; the exit status is 0, 1, 2, 3 or 130 as each command says."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _refuse_intruders()
    if given in ([], ["-h"], ["--help"]):
        print(_help())
        return
    abort = _listened() if given[0] == "run" else None
    from station.cli.group import photonbench

    photonbench.main(given, prog_name="photonbench", standalone_mode=True, obj=abort)


def _listened() -> AbortRequest:
    """Hear requests to stop from now on: importing what a run needs takes longer than changing one's mind."""
    from station.abort import AbortRequest

    abort = AbortRequest()
    abort.listen(raising=False)
    return abort


def _help() -> str:
    width = max(map(len, (*COMMANDS, "-h, --help")))
    return "\n".join(
        (
            "Usage: photonbench [OPTIONS] COMMAND [ARGS]...",
            "",
            "  Test optical transceivers with hardware in the loop.",
            "",
            "Options:",
            f"  {'--version':<{width + 2}}Show the version and exit.",
            f"  {'-h, --help':<{width + 2}}Show this message and exit.",
            "",
            "Commands:",
            *(f"  {name:<{width + 2}}{summary}" for name, summary in COMMANDS.items()),
        )
    )


def _refuse_intruders() -> None:
    """Stop when a package of another project answers to one of our folders' names."""
    from importlib.util import find_spec
    from pathlib import Path

    root = Path(__file__).resolve().parents[2]
    for room in ("measurements", "instruments", "simulation", "station", "fixtures", "sequences"):
        spec = find_spec(room)
        if spec is not None and spec.origin is not None and root not in Path(spec.origin).parents:
            print(
                f"photonbench: the package {room!r} at {spec.origin} is not ours; uninstall it, or make "
                "a virtual environment for Photonbench alone",
                file=sys.stderr,
            )
            sys.exit(2)
