import os
from datetime import date
from pathlib import Path

import pytest
import yaml

from station.config import marked_yaml
from station.config.loader import load_any, load_plan
from station.config.problems import FilesError, nearest

CONFIGS = Path(__file__).parents[2] / "configs"
PLAN = """\
schema: photonbench/plan/1
name: short
corners:
  - {name: room, case_temperature_c: 25.0, supply_v: 3.3}
temperature:
  tolerance_c: 1.0
  soak: {method: time, seconds: 60, timeout_s: 600}
steps:
  - sequence: sequences/tx_power.py
    measures: [tx_average_power]
    pattern: PRBS31Q
"""


@pytest.fixture
def plan_file(tmp_path):
    def write(old="", new="", text=PLAN):
        assert old in text
        path = tmp_path / "plan.yaml"
        path.write_text(text.replace(old, new) if old else text)
        return path

    return write


def complaints(load, path):
    """Give all problems as text, with the folder cut off."""
    with pytest.raises(FilesError) as caught:
        load(path)
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return [str(problem).removeprefix(f"{Path(path).parent}{os.sep}") for problem in caught.value.problems]


def test_a_plan_is_read_into_values(plan_file):
    plan = load_plan(plan_file()).value
    assert plan.corners[0].case_temperature_c == 25.0
    assert plan.temperature.soak.seconds == 60
    assert plan.steps[0].measures == ("tx_average_power",)
    assert plan.policy.stop == "never"


def test_values_are_frozen(plan_file):
    plan = load_plan(plan_file()).value
    with pytest.raises(ValueError, match="frozen"):
        plan.name = "other"
    with pytest.raises(TypeError):
        plan.steps[0].options["averages"] = 1


def test_every_value_has_its_place(plan_file):
    loaded = load_plan(plan_file())
    assert loaded.where(("steps", 0, "measures", 0)) == f"{loaded.path}:10:16"
    assert loaded.where(("corners", 0, "supply_v")) == f"{loaded.path}:4:54"
    assert loaded.where(("corners", 0, "test_channel")) == f"{loaded.path}:4:5"
    assert loaded.where() == f"{loaded.path}:1:1"


def test_the_digest_is_of_the_text(plan_file):
    first = load_plan(plan_file())
    again = load_plan(plan_file())
    other = load_plan(plan_file("25.0", "25.1"))
    assert first.sha256 == again.sha256 != other.sha256


def test_all_errors_are_told_at_once_in_the_order_of_the_file(plan_file):
    path = plan_file(
        text=PLAN.replace("name: room", "nme: room")
        .replace("tolerance_c: 1.0", "tolerance_c: warm")
        .replace("[tx_average_power]", "[Tx]")
        .replace("PRBS31Q", "SSPQR")
    )
    assert complaints(load_plan, path) == [
        "plan.yaml:4:5: corners[0]: 'name' is missing",
        "plan.yaml:4:6: corners[0].nme: unknown key, did you mean 'name'?",
        "plan.yaml:6:16: temperature.tolerance_c: 'warm' should be a number",
        "plan.yaml:10:16: steps[0].measures[0]: 'Tx' is not a measurement's name "
        "(small letters, digits and _, a letter first)",
        "plan.yaml:11:14: steps[0].pattern: 'SSPQR' should be 'PRBS7', 'PRBS9', 'PRBS11', 'PRBS13', "
        "'PRBS15', "
        "'PRBS23', 'PRBS31', 'PRBS13Q', 'PRBS31Q', 'SSPRQ' or 'SQUARE', did you mean 'SSPRQ'?",
    ]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (
            "name: short",
            "name: short\nname: long",
            "plan.yaml:3:1: name: the key is given twice; first on line 2",
        ),
        ("name: short", "nam: short", "plan.yaml:2:1: nam: unknown key, did you mean 'name'?"),
        ("name: short", "name: 5", "plan.yaml:2:7: name: 5 should be text; put it in quotes"),
        ("name: short", "name:", "plan.yaml:2:6: name: is empty; it should be text; put it in quotes"),
        ("name: short", "name: ''", "plan.yaml:2:7: name: should not be empty"),
        ("25.0", "'25'", "plan.yaml:4:38: corners[0].case_temperature_c: '25' should be a number"),
        ("25.0", ".nan", "plan.yaml:4:38: corners[0].case_temperature_c: '.nan' should be a number"),
        ("25.0", "1e999", "plan.yaml:4:38: corners[0].case_temperature_c: inf should be a finite number"),
        ("25.0", "true", "plan.yaml:4:38: corners[0].case_temperature_c: True should be a number"),
        ("25.0", "500", "plan.yaml:4:38: corners[0].case_temperature_c: 500 should be at most 200.0"),
        ("3.3}", "0}", "plan.yaml:4:54: corners[0].supply_v: 0 should be above 0.0"),
        (
            "name: room",
            "name: 2nd",
            "plan.yaml:4:12: corners[0].name: '2nd' is not a name (letters, digits, _ and -, a letter first)",
        ),
        (
            "method: time",
            "method: tim",
            "plan.yaml:7:18: temperature.soak.method: 'tim' should be 'time', 'slope'",
        ),
        ("method: time, ", "", "plan.yaml:7:9: temperature.soak: the method is missing"),
        (
            "seconds: 60",
            "second: 60",
            "plan.yaml:7:24: temperature.soak.second: unknown key, did you mean 'seconds'?",
        ),
        (
            "method: time",
            "method: slope",
            "plan.yaml:7:25: temperature.soak.seconds: unknown key; "
            "known here: method, slope_c_per_min, timeout_s, window_s",
        ),
        (
            "[tx_average_power]",
            "tx_average_power",
            "plan.yaml:10:15: steps[0].measures: 'tx_average_power' should be a list",
        ),
        (
            "[tx_average_power]",
            "[TxPower]",
            "plan.yaml:10:16: steps[0].measures[0]: 'TxPower' is not a "
            "measurement's name (small letters, digits and _, a letter first)",
        ),
        (
            "{method: time, seconds: 60, timeout_s: 600}",
            "[time]",
            "plan.yaml:7:9: temperature.soak: should be a mapping",
        ),
        ("    pattern: PRBS31Q", "  - nothing", "plan.yaml:11:5: steps[1]: 'nothing' should be a mapping"),
        (
            "25.0",
            "2026-02-30",
            "plan.yaml:4:38: corners[0].case_temperature_c: there is no such date as 2026-02-30",
        ),
        (
            "PRBS31Q",
            "!!str PRBS31Q",
            "plan.yaml:11:14: the tag 'tag:yaml.org,2002:str' is not allowed; write plain values",
        ),
        (
            "PRBS31Q",
            "!!python/object/apply:os.system [ls]",
            "plan.yaml:11:14: "
            "the tag 'tag:yaml.org,2002:python/object/apply:os.system' is not allowed; write plain values",
        ),
        ("name: short", "<<: {name: short}", "plan.yaml:2:1: merge keys are not read; write the values out"),
        ("name: short", "name: short\ntrue: 1", "plan.yaml:3:1: 'true' cannot be a key; put it in quotes"),
        ("name: short", "name: short\n[a]: 1", "plan.yaml:3:1: a key should be a word or a number"),
        ("name: short", "name: &a [*a]", "plan.yaml:2:7: name[0]: an alias contains itself"),
        ("name: short", "name: *gone", "plan.yaml:2:7: is not YAML: found undefined alias"),
        (
            "name: short",
            "name: short\n\ttab: 1",
            "plan.yaml:3:1: is not YAML: a tab cannot indent it; use spaces",
        ),
        (
            "name: short",
            "name: 'short",
            "plan.yaml:12:1: is not YAML: while scanning a quoted scalar found unexpected end of stream",
        ),
        ("name: short", "name: \x07", "plan.yaml:2:7: is not YAML: control characters are not allowed"),
        (
            "name: short",
            "name: short\n---\na: 1",
            "plan.yaml:3:1: a second document begins; one file holds one",
        ),
        (
            "PRBS31Q\n",
            "PRBS31Q\n    patterns: {tx_rlm: SSPRQ}\n",
            "plan.yaml:12:5: steps[0].patterns: unknown key, did you mean 'pattern'?",
        ),
        (
            "PRBS31Q\n",
            "PRBS31Q\n    corners: [rom]\n",
            "plan.yaml:12:15: steps[0].corners[0]: no corner 'rom', did you mean 'room'?",
        ),
        (
            "temperature:",
            "  - {name: room, case_temperature_c: 0.0, supply_v: 3.3}\ntemperature:",
            "plan.yaml:5:12: corners[1].name: corner 'room' is listed twice",
        ),
        (
            "[tx_average_power]",
            "[tx_rlm, tx_rlm]",
            "plan.yaml:10:24: steps[0].measures[1]: tx_rlm is measured at 'room' already, by steps[0]",
        ),
        (
            "PRBS31Q\n",
            "PRBS31Q\n    corners: al\n",
            "plan.yaml:12:14: steps[0].corners: should be all, once, or a list of corner names",
        ),
        (
            "PRBS31Q\n",
            "PRBS31Q\n    corners: []\n",
            "plan.yaml:12:14: steps[0].corners: should be all, once, or a list of corner names",
        ),
    ],
)
def test_a_slip_is_told_with_its_place_and_remedy(plan_file, old, new, complaint):
    assert complaint in complaints(load_plan, plan_file(old, new))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "x.yaml: is empty"),
        (b"# nothing but words\n", "x.yaml: is empty"),
        (b"- a\n- b\n", "x.yaml:1:1: should be a mapping with a line 'schema: photonbench/…' on top"),
        (b"just words", "x.yaml:1:1: should be a mapping with a line 'schema: photonbench/…' on top"),
        (b"name: \xff\n", "x.yaml:1:7: is not UTF-8: byte 0xff; save the file as UTF-8"),
        (b"a: 1\nb: \xe4h\n", "x.yaml:2:4: is not UTF-8: byte 0xe4; save the file as UTF-8"),
        (
            b"name: x\n",
            "x.yaml:1:1: schema: 'schema' is missing; a plan file begins with 'schema: photonbench/plan/1'",
        ),
        (
            b"schema: photonbench/plan/2\n",
            "x.yaml:1:9: schema: 'photonbench/plan/2' is not read by this version; "
            "it reads 'photonbench/plan/1'",
        ),
        (
            b"schema: photonbench/station/1\n",
            "x.yaml:1:9: schema: is a station file; a plan file is wanted here",
        ),
        (b"[" * 40, "x.yaml:1:33: is nested deeper than 32 levels"),
        (b"[" * 100_000, "x.yaml:1:33: is nested deeper than 32 levels"),
        (b"a" * 1_000_001, "x.yaml: has 1000001 characters; at most 1000000 are read"),
    ],
)
def test_a_file_that_is_no_plan_at_all(tmp_path, content, complaint):
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    assert complaints(load_plan, path) == [complaint]


def test_a_missing_file_and_a_folder(tmp_path):
    assert complaints(load_plan, tmp_path / "none.yaml") == ["none.yaml: there is no such file"]
    assert complaints(load_plan, tmp_path) == [f"{tmp_path.name}: cannot be read: Is a directory"]


def test_an_alias_bomb_is_bounded(tmp_path):
    path = tmp_path / "bomb.yaml"
    lines = ["schema: photonbench/plan/1", "a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{n}: &{n} [{', '.join(['*' + p] * 10)}]" for p, n in zip("abcdef", "bcdefg", strict=True)]
    path.write_text("\n".join(lines))
    assert any("aliases make more than 50000 values" in line for line in complaints(load_plan, path))


def test_a_chain_of_aliases_cannot_exhaust_the_stack(tmp_path):
    path = tmp_path / "chain.yaml"
    lines = [
        "schema: photonbench/plan/1",
        "k0: &k0 [x]",
        *(f"k{n}: &k{n} [*k{n - 1}]" for n in range(1, 400)),
    ]
    path.write_text("\n".join(lines))
    assert any("aliases nest deeper than 32 levels" in line for line in complaints(load_plan, path))


def test_an_alias_repeats_a_value(plan_file):
    path = plan_file(
        "steps:\n",
        "steps:\n  - {sequence: &s a.py, measures: [tx_rlm]}\n"
        "  - {sequence: b.py, measures: [tx_smsr], options: {like: *s}}\n",
    )
    assert load_plan(path).value.steps[1].options == {"like": "a.py"}


def test_small_numbers_are_numbers(plan_file):
    for text in ("1e-6", "1E-6", "1.e-6", "0.000001", ".000001"):
        plan = load_plan(plan_file("tolerance_c: 1.0", f"tolerance_c: {text}")).value
        assert plan.temperature.tolerance_c == 1e-6


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("off", "off"),
        ("no", "no"),
        ("00123", "00123"),
        ("12:30:00", "12:30:00"),
        ("0x10", "0x10"),
        ("null", None),
        ("true", True),
        ("-3", -3),
        ("1_000", "1_000"),
        ("[1, {a: 2}]", (1, {"a": 2})),
        ("2027-03-31", date(2027, 3, 31)),
    ],
)
def test_unquoted_words_mean_what_they_say(plan_file, text, value):
    plan = load_plan(plan_file("PRBS31Q\n", f"PRBS31Q\n    options: {{x: {text}}}\n")).value
    assert plan.steps[0].options["x"] == value


def test_a_byte_order_mark_and_carriage_returns_are_harmless(plan_file):
    path = plan_file()
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_plan(path).where(("name",)) == f"{path}:2:7"


def test_load_any_goes_by_the_schema_line(plan_file, tmp_path):
    assert load_any(plan_file()).value.name == "short"
    assert complaints(load_any, plan_file("plan/1", "plam/1"))[0].endswith(
        "did you mean 'photonbench/plan/1'?"
    )
    assert complaints(load_any, plan_file("schema: photonbench/plan/1\n", "")) == [
        "plan.yaml:1:1: schema: 'schema' is missing"
    ]


def test_the_nearest_word_is_one_that_a_person_would_mean():
    assert nearest("TX_RLM", ["tx_rlm", "tx_rin_oma"]) == "tx_rlm"
    assert nearest("voltage", ["tx_rlm", "lane"]) is None


@pytest.mark.parametrize("name", ["stations/dr4-bench", "products/400gbase-dr4", "plans/dr4-final"])
def test_both_yaml_loaders_read_the_same(name):
    text = (CONFIGS / f"{name}.yaml").read_text()
    slow, fast = marked_yaml.read(text, loader=yaml.SafeLoader), marked_yaml.read(text)
    assert slow.flaws == fast.flaws == []
    assert slow.value == fast.value
    assert slow.values == fast.values
    assert slow.keys == fast.keys


def test_a_step_runs_at_the_corners_that_it_names(plan_file):
    text = PLAN.replace(
        "temperature:", "  - {name: hot, case_temperature_c: 70.0, supply_v: 3.3}\ntemperature:"
    )
    visited = {}
    for corners in ("all", "once", "[hot]", "[hot, room]"):
        plan = load_plan(plan_file(text=f"{text}    corners: {corners}\n")).value
        visited[corners] = [corner.name for corner in plan.corners_of(plan.steps[0])]
    assert visited == {
        "all": ["room", "hot"],
        "once": ["room"],
        "[hot]": ["hot"],
        "[hot, room]": ["room", "hot"],
    }


def test_a_sequence_is_visited_once_at_a_corner(plan_file):
    again = "  - {sequence: sequences/tx_power.py, measures: []}\n"
    with pytest.raises(
        FilesError, match=r"steps\[1\].sequence: sequences/tx_power.py runs at 'room' already"
    ):
        load_plan(plan_file(text=plan_file().read_text() + again))
