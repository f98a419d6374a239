"""`photonbench schema`: JSON Schemas of the files, for editors."""

from __future__ import annotations

import json
from pathlib import Path

import click

from station.cli.output import FILE, errors_told, json_option, print_json


@click.command("schema")
@click.option("--out", type=FILE, help="write one file a kind into this folder")
@json_option
def command(out: Path | None, as_json: bool) -> None:
    """Print or write the JSON Schemas of station, product, plan and simulation files.

    With them an editor completes and checks while somebody types. Without --out all are printed
    as one JSON document.
    """
    from station.config.schema import schemas

    with errors_told(as_json):
        if out is None:
            print_json(dict(schemas()))
            return
        written = [_written(out, kind, dict(schema)) for kind, schema in schemas().items()]
        if as_json:
            print_json({"files": [str(path) for path in written]})
            return
        for path in written:
            click.echo(path)
        click.echo(
            "An editor with a YAML language server takes the schema from a file's first line:\n"
            f"  # yaml-language-server: $schema={written[0].name}",
            err=True,
        )


def _written(folder: Path, kind: str, schema: dict[str, object]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind}.schema.json"
    path.write_text(json.dumps(schema, indent=2) + "\n", encoding="utf-8")
    return path
