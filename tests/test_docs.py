"""What the documentation says, held against the code."""

import os
import re
import subprocess
import sys
from datetime import date
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from station.cli import COMMANDS
from station.config.check_station import check_station
from station.config.loader import load_any, load_station
from station.config.problems import FilesError, errors
from station.config.sequence_source import CHECKOUT
from tests.instruments.fake_wire import CHECKED, opened, settings

DOCS = CHECKOUT / "docs"
PAGES = [CHECKOUT / "README.md", *sorted(DOCS.rglob("*.md"))]
HOW_TO = DOCS / "how-to"
TEMPLATE = CHECKOUT / "configs" / "stations" / "template.yaml"


def named(path: Path) -> str:
    return path.relative_to(CHECKOUT).as_posix()


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def links(path: Path) -> list[str]:
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"\]\(([^)\s]+)\)", text)


def test_the_reference_is_what_the_code_says() -> None:
    spec = spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = module_from_spec(spec)
    spec.loader.exec_module(generate)
    for name, text in generate.pages().items():
        written = (generate.REFERENCE / name).read_text(encoding="utf-8")
        assert written == text, f"docs/reference/{name} is old: run `python docs/generate.py`"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    dead = [
        link
        for link in links(page)
        if "://" not in link and not (page.parent / link.partition("#")[0]).exists()
    ]
    assert dead == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [CHECKOUT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            waiting += [(page.parent / link).resolve() for link in links(page) if link.endswith(".md")]
    assert set(PAGES) - reached == set()


def test_the_readme_names_the_commands_there_are() -> None:
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `photonbench (\S+)`", text, re.MULTILINE)) == set(COMMANDS)
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test"):
        assert f"    make {target}\n" in text
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_files_that_the_pages_name_are_there() -> None:
    pattern = re.compile(
        r"(?<![\w/-])(?:configs|sequences|station|simulation|instruments|tests|fixtures)/[\w./-]+\.(?:yaml|py)"
    )
    own = {"configs/stations/my-bench.yaml", "configs/plans/first-light.yaml", "sequences/dark_current.py"}
    told = {name for page in PAGES for name in pattern.findall(page.read_text(encoding="utf-8"))}
    assert [name for name in sorted(told - own) if not (CHECKOUT / name).is_file()] == []


def test_yaml_of_the_pages_can_be_read(tmp_path: Path) -> None:
    count = 0
    for page in PAGES:
        for number, text in enumerate(blocks(page, "yaml")):
            assert "schema: photonbench/" in text, f"{named(page)}: a yaml block without its schema line"
            file = tmp_path / f"{page.stem}-{number}.yaml"
            file.write_text(text, encoding="utf-8")
            try:
                load_any(file)
            except FilesError as error:
                pytest.fail(f"{named(page)}, yaml block {number + 1}: {error}")
            count += 1
    assert count >= 6


def test_the_station_of_the_examples_has_no_problem(tmp_path: Path) -> None:
    file = tmp_path / "station.yaml"
    file.write_text(blocks(HOW_TO / "describe-your-station.md", "yaml")[0], encoding="utf-8")
    assert [str(one) for one in check_station(load_station(file), today=date(2026, 6, 1))] == []


def test_the_template_has_no_problem_but_its_dates() -> None:
    found = check_station(load_station(TEMPLATE), today=date(2026, 6, 1))
    assert not errors(found)
    # Each date that nobody has entered yet is told: three instruments and the paths.
    assert len(found) == 4
    assert all("2000-01-01" in str(one) for one in found)


def test_the_driver_of_the_how_to_does_what_its_test_says() -> None:
    driver, _, test = blocks(HOW_TO / "add-a-driver.md", "(?:python|toml)")
    names: dict[str, object] = {
        "opened": opened,
        "settings": settings,
        "CHECKED": CHECKED,
        "__name__": "page",
    }
    exec(compile(driver, "add-a-driver.md", "exec"), names)
    exec(compile(test, "add-a-driver.md", "exec"), names)
    names["test_it_reads_both_ports_after_one_averaging"]()  # type: ignore[operator]


@pytest.mark.prove
@pytest.mark.parametrize(("serial", "status"), [("DEMO-0002", 1), ("DEMO-0003", 3)])
def test_the_tutorial_shows_what_is_printed(tmp_path: Path, serial: str, status: int) -> None:
    page = DOCS / "tutorial" / "first-run.md"
    simulation = CHECKOUT / "configs/simulations/defects/slow-modulator.yaml"
    if status == 3:
        simulation = tmp_path / "broken-scope.yaml"
        simulation.write_text(blocks(page, "yaml")[0], encoding="utf-8")
    command = [
        *(sys.executable, "-m", "station.cli", "run", "--serial", serial, "--simulate"),
        *("--station", CHECKOUT / "configs/stations/dr4-bench.yaml"),
        *("--plan", CHECKOUT / "configs/plans/dr4-final.yaml"),
        *("--simulation", simulation, "--out", tmp_path / "runs"),
    ]
    environment = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run(
        [*map(str, command)], cwd=CHECKOUT, capture_output=True, text=True, timeout=600, env=environment
    )
    assert done.returncode == status
    word = "FAIL:" if status == 1 else "ERROR:"
    shown = re.findall(rf"^ {{6}}({word}.*(?:\n {{8}}\S.*)*)", page.read_text(encoding="utf-8"), re.MULTILINE)
    printed = " ".join(done.stdout.split())
    assert shown
    for text in shown:
        assert " ".join(text.split()).removesuffix("…").strip() in printed


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with the sequence, the limit and the plan of the how-to."""
    page = HOW_TO / "write-a-sequence.md"
    row = next(text for text in blocks(page, "text") if "supply_current_dark" in text)
    product = (CHECKOUT / "configs/products/400gbase-dr4.yaml").read_text(encoding="utf-8")
    marker = "\n  product:\n"
    assert marker in product
    (tmp_path / "my-product.yaml").write_text(product.replace(marker, marker + row), encoding="utf-8")
    (tmp_path / "my-plan.yaml").write_text(blocks(page, "yaml")[0], encoding="utf-8")
    (tmp_path / "sequences").mkdir()
    (tmp_path / "sequences/dark_current.py").write_text(blocks(page, "python")[0], encoding="utf-8")
    return tmp_path


def test_the_sequence_of_the_how_to_runs_with_plain_pytest(site: Path) -> None:
    command = [
        *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"),
        *("-c", CHECKOUT / "pyproject.toml", "--rootdir", CHECKOUT, site / "sequences/dark_current.py"),
        *("--station", TEMPLATE, "--plan", site / "my-plan.yaml", "--serial", "DEMO-0005", "--simulate"),
        *("--out", site / "runs"),
    ]
    done = subprocess.run([*map(str, command)], cwd=CHECKOUT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    (journal,) = (site / "runs").glob("*/journal.jsonl")
    text = journal.read_text(encoding="utf-8")
    assert '"name":"supply_current_dark"' in text
    assert '"verdict":"PASS"' in text.splitlines()[-1]


def test_the_example_on_captures_of_ones_own_runs_as_written(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks(HOW_TO / "measure-your-own-captures.md", "python")
    exec(compile(code, "measure-your-own-captures.md", "exec"), {})
    said = capsys.readouterr().out
    assert re.match(r"TDECQ \d\.\d\d dB \+- 0\.\d\d, Ceq \d\.\d\d dB", said)
