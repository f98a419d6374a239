import json
from pathlib import Path

import pytest

from station.config import marked_yaml
from station.config.schema import schemas

CONFIGS = Path(__file__).parents[2] / "configs"
SHIPPED = {
    "station": "stations/dr4-bench.yaml",
    "product": "products/400gbase-dr4.yaml",
    "plan": "plans/dr4-final.yaml",
    "simulation": "simulations/dr4-good.yaml",
}


def resolved(schema, root):
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def misfits(value, schema, root, place="$"):
    """List what a schema says against a value, for the keywords that our schemas use."""
    schema = resolved(schema, root)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            branches = [misfits(value, branch, root, place) for branch in schema[word]]
            return [] if any(not branch for branch in branches) else [f"{place}: no branch fits"]
    kinds = {
        "object": dict,
        "array": tuple,
        "string": str,
        "boolean": bool,
        "integer": int,
        "null": type(None),
    }
    given = schema.get("type", [])
    named = [given] if isinstance(given, str) else given
    python = tuple(kind for name in named for kind in ((int, float) if name == "number" else (kinds[name],)))
    if schema.get("format") in ("date", "date-time"):
        return []
    if python and not isinstance(value, python):
        return [f"{place}: {value!r} is not {named}"]
    if "const" in schema and value != schema["const"]:
        return [f"{place}: {value!r}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{place}: {value!r}"]
    found = []
    if isinstance(value, dict):
        properties, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
        found += [f"{place}: {key} is missing" for key in schema.get("required", ()) if key not in value]
        for key, item in value.items():
            inner = properties.get(key, rest)
            if inner is False:
                found.append(f"{place}: unknown {key}")
            elif isinstance(inner, dict):
                found += misfits(item, inner, root, f"{place}.{key}")
    if isinstance(value, tuple) and isinstance(schema.get("items"), dict):
        for index, item in enumerate(value):
            found += misfits(item, schema["items"], root, f"{place}[{index}]")
    return found


@pytest.mark.parametrize("kind", SHIPPED)
def test_the_shipped_file_fits_its_schema(kind):
    value = marked_yaml.read((CONFIGS / SHIPPED[kind]).read_text()).value
    schema = json.loads(json.dumps(schemas()[kind]))
    assert misfits(value, schema, schema) == []
    assert misfits({**value, "extra": 1}, schema, schema) == ["$: unknown extra"]
    assert "$: name is missing" in misfits({"schema": value["schema"]}, schema, schema)


@pytest.mark.parametrize("kind", SHIPPED)
def test_a_schema_refuses_unknown_keys_everywhere(kind):
    schema = schemas()[kind]
    assert schema["title"] == f"Photonbench {kind} file"
    for name, part in [("top", schema), *schema.get("$defs", {}).items()]:
        assert part.get("additionalProperties") is False, name


def test_there_is_a_schema_for_each_kind_of_file():
    assert set(schemas()) == set(SHIPPED)
    assert schemas()["plan"]["properties"]["schema"]["const"] == "photonbench/plan/1"


def test_links_are_written_from_and_to():
    link = schemas()["station"]["$defs"]["OpticalLink"]
    assert {"from", "to", "loss_db", "uncertainty_db"} == set(link["required"])
