import json
import math
import os
import resource
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from station.journal import FILE_NAME, Journal, last, read, wall_utc

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "run", lambda: NOON)
    yield journal
    journal.close()


def written(journal):
    return (journal.folder / FILE_NAME).read_bytes()


def named(handle):
    return Path(f"/proc/self/fd/{handle}").readlink()


def strict(line):
    """Read a line as a JSON parser does that knows no NaN."""

    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    return json.loads(line, parse_constant=refuse)


def test_each_event_is_a_line_with_its_number_and_time(journal):
    journal.append("head", serial="PB-1")
    journal.append("measurement", name="tx_power", value=1.5)
    assert [json.loads(line) for line in written(journal).splitlines()] == [
        {"seq": 0, "event": "head", "utc": "2026-06-15T12:00:00+00:00", "serial": "PB-1"},
        {
            "seq": 1,
            "event": "measurement",
            "utc": "2026-06-15T12:00:00+00:00",
            "name": "tx_power",
            "value": 1.5,
        },
    ]


def test_a_line_is_one_write(journal, monkeypatch):
    """What `append` returned from survives the death of the process: nothing is kept in a buffer."""
    writes = []
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: writes.append(data) or real(handle, data))
    journal.append("note", text="x" * 100_000)
    assert [data[-1:] for data in writes] == [b"\n"]


def test_lines_survive_the_kill_of_their_process(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from station.journal import Journal, wall_utc\n"
        "journal = Journal(Path(sys.argv[1]), wall_utc)\n"
        "for n in range(3): journal.append('n', n=n)\n"
        "os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-S", "-c", code, tmp_path / "run"], cwd=CHECKOUT, check=False)
    assert killed.returncode == -9
    assert [event["n"] for event in read(tmp_path / "run")] == [0, 1, 2]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 400), text=st.text(max_size=5))
def test_whole_lines_survive_a_torn_tail_and_what_follows_is_whole(tmp_path, cut, text):
    folder = tmp_path / "torn"
    (folder / FILE_NAME).unlink(missing_ok=True)
    first = Journal(folder, lambda: NOON)
    for n in range(4):
        first.append("n", n=n, text=text)
    first.close()
    kept = (folder / FILE_NAME).read_bytes()[:cut]
    (folder / FILE_NAME).write_bytes(kept)
    # A line that lacks nothing but its end is whole: every byte of its event is there.
    tail = kept.rpartition(b"\n")[2]
    whole = kept.count(b"\n") + is_event(tail)

    again = Journal(folder, lambda: NOON)
    again.append("after")
    again.append("verdict")
    again.close()
    events = list(read(folder))
    assert [event["n"] for event in events if event["event"] == "n"] == list(range(whole))
    assert [event["event"] for event in events][-2:] == ["after", "verdict"]
    assert len(events) - whole - 2 == (1 if tail and whole == kept.count(b"\n") else 0)
    assert last(folder)["event"] == "verdict"


def test_a_torn_line_is_told_with_its_number(journal):
    journal.append("head")
    with (journal.folder / FILE_NAME).open("ab") as file:
        file.write(b'{"seq":1,"event":"meas\n[1]\n\xff\xfe\n')
    journal.append("verdict")
    assert [(event["event"], event.get("line")) for event in read(journal.folder)] == [
        ("head", None),
        ("torn", 2),
        ("torn", 3),
        ("torn", 4),
        ("verdict", None),
    ]


def test_a_full_disk_is_an_error_and_tears_one_line_only(journal):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    journal.append("head")
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(written(journal)) + 50, hard))
    try:
        with pytest.raises(OSError, match="is the disk full"):
            journal.append("note", text="x" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    journal.append("verdict")
    assert [event["event"] for event in read(journal.folder)] == ["head", "torn", "verdict"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=8,
)


def is_event(line):
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON)
def test_whatever_is_written_is_strict_json(journal, value):
    journal.append("n", value=value, scalar=np.float32(0.5), broken=np.float32("nan"))
    line = strict(written(journal).splitlines()[-1])
    assert (line["scalar"], line["broken"]) == (0.5, "nan")
    if isinstance(value, float):
        assert line["value"] == (value if math.isfinite(value) else str(value))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (np.array([1.5, 2.5]), [1.5, 2.5]),
        (np.array([1.5, math.nan]), [1.5, "nan"]),
        (np.int64(7), 7),
        ({(1, "A"): math.inf}, {"(1, 'A')": "inf"}),
        (NOON, "2026-06-15T12:00:00+00:00"),
        (Path("somewhere"), "somewhere"),
    ],
    ids=str,
)
def test_evidence_of_any_kind_is_written_as_json(journal, value, told):
    journal.append("n", value=value)
    assert strict(written(journal))["value"] == told


def test_a_journal_goes_on_where_it_ended(journal):
    journal.append("head")
    journal.close()
    again = Journal(journal.folder, wall_utc)
    again.append("verdict")
    again.close()
    again.close()
    assert [event["seq"] for event in read(journal.folder)] == [0, 1]


def test_synced_and_sealed_lines_are_handed_to_the_disk(journal, monkeypatch):
    synced = []
    for name in ("fdatasync", "fsync"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda handle, real=real: synced.append(named(handle)) or real(handle))
    journal.append("head")
    journal.sync()
    journal.seal()
    file = journal.folder / FILE_NAME
    assert synced == [file, file, journal.folder, journal.folder.parent]


def test_a_file_in_the_place_of_the_folder_is_an_oserror(tmp_path):
    (tmp_path / "out").write_text("not a folder")
    with pytest.raises(OSError, match="out"):
        Journal(tmp_path / "out" / "run", wall_utc)
