"""JSON Schemas of the files, for editors that complete and check while somebody types."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from station.config.loader import KINDS, Kind

Schema = Mapping[str, object]


def schemas() -> Mapping[str, Schema]:
    """Build all schemas by kind of file: station, product, plan, simulation."""
    return MappingProxyType({kind.name: schema_of(kind) for kind in KINDS})


def schema_of(kind: Kind[Any]) -> Schema:
    """Build the schema of one kind of file."""
    schema = kind.model.model_json_schema(by_alias=True)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Photonbench {kind.name} file",
    }
    return {**schema, **head}
