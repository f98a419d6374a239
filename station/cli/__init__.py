"""The photonbench command.

Only the entry stands here; each command's module is imported when it is called, so that
`photonbench --help` needs nothing but click.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

_COMMANDS = {
    "run": "Test one transceiver.",
    "check": "Check files, alone and against each other.",
    "schema": "Print or write the JSON Schemas of the files, for editors.",
    "discover": "List what answers on VISA, with the driver that fits.",
    "runs": "List the runs of a folder.",
    "show": "Show one run.",
    "report": "Write the report of a run anew.",
    "eye": "Analyse a stored capture of a PAM4 eye.",
    "simulate": "Serve the simulated instruments of a station over TCP.",
}


class LazyGroup(click.Group):
    """A group that imports a command's module only when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Get the names of the commands."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"station.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command when there is none of that name."""
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], _COMMANDS, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"no command {args[0]!r}{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="photonbench", message="%(version)s")
def photonbench() -> None:
    """Test optical transceivers with hardware in the loop."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; the exit status is that of DESIGN: 0, 1, 2, 3 or 130."""
    _refuse_intruders()
    try:
        photonbench.main(arguments, prog_name="photonbench", standalone_mode=True)
    except KeyboardInterrupt:
        sys.exit(130)


def _refuse_intruders() -> None:
    """Stop when a package of another project answers to one of our folders' names."""
    from importlib.util import find_spec
    from pathlib import Path

    root = Path(__file__).resolve().parents[2]
    for room in ("measurements", "instruments", "simulation", "station", "fixtures", "sequences"):
        spec = find_spec(room)
        if spec is not None and spec.origin is not None and root not in Path(spec.origin).parents:
            click.echo(
                f"photonbench: the package {room!r} at {spec.origin} is not ours; uninstall it, or make "
                "a virtual environment for Photonbench alone",
                err=True,
            )
            sys.exit(2)
