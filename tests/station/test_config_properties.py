"""Whatever people or disks do to a file: a value or a FilesError, nothing else."""

from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from station.config.files import RunFiles, check_files, load_files
from station.config.loader import load_any
from station.config.problems import FilesError

CONFIGS = Path(__file__).parents[2] / "configs"
NAMES = {
    "station": "stations/dr4-bench.yaml",
    "product": "products/400gbase-dr4.yaml",
    "plan": "plans/dr4-final.yaml",
    "simulation": "simulations/dr4-good.yaml",
}
SHRAPNEL = st.sampled_from(
    [
        "",
        ":",
        "- ",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a",
        "!",
        "\t",
        "\n",
        "'",
        '"',
        "#",
        "? ",
        "|",
        "null",
        "1e-6",
        "-1",
        "true",
        ".inf",
        "2027-02-30",
        "0o7",
        "🦊",
        "\x00",
        "<<: ",
        "---\n",
        "%",
        "@",
        "max(",
        "lane",
    ]
)
WOUNDS = st.lists(st.tuples(st.floats(0.0, 1.0), st.integers(0, 12), SHRAPNEL), min_size=1, max_size=4)


def wounded(text, wounds):
    for where, length, piece in wounds:
        start = int(where * len(text))
        text = text[:start] + piece + text[start + length :]
    return text


def read_or_refused(path):
    try:
        return load_any(path), ()
    except FilesError as error:
        return None, error.problems


@pytest.fixture(scope="module")
def sound():
    return load_files(**{kind: CONFIGS / name for kind, name in NAMES.items() if kind != "product"})


@pytest.mark.parametrize("kind", NAMES)
@given(wounds=WOUNDS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_is_read_or_refused_with_its_places(tmp_path, sound, kind, wounds):
    path = tmp_path / "damaged.yaml"
    text = wounded((CONFIGS / NAMES[kind]).read_text(), wounds)
    path.write_text(text)
    loaded, problems = read_or_refused(path)
    for problem in problems:
        assert str(problem).startswith(f"{path}")
        assert 0 <= problem.line <= text.count("\n") + text.count("\r") + 2
        assert problem.what
    if loaded is None:
        assert problems
        return
    # The name of the kind is in the text, so damage may turn one kind into another only by chance.
    whole = {name: getattr(sound, name) for name in NAMES}
    whole[loaded.value.format.split("/")[1]] = loaded
    check_files(RunFiles(**whole), today=date(2026, 6, 15))


@given(data=st.binary(max_size=200))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_refused_or_read(tmp_path, data):
    path = tmp_path / "bytes.yaml"
    path.write_bytes(b"schema: photonbench/simulation/1\n" + data)
    with pytest.raises(FilesError):
        load_any(path)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.text(max_size=5)
    | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("kind", NAMES)
@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_value_of_any_other_type_is_read_or_refused(tmp_path, kind, data):
    content = yaml.load((CONFIGS / NAMES[kind]).read_text(), yaml.CSafeLoader)
    here = content
    while True:
        key = data.draw(
            st.sampled_from(sorted(here, key=str) if isinstance(here, dict) else range(len(here)))
        )
        if not isinstance(here[key], (dict, list)) or not here[key] or data.draw(st.booleans()):
            break
        here = here[key]
    here[key] = data.draw(VALUES)
    path = tmp_path / "value.yaml"
    path.write_text(yaml.dump(content, Dumper=yaml.CSafeDumper))
    _, problems = read_or_refused(path)
    assert all(problem.what for problem in problems)
