from __future__ import annotations

import math
import shutil
import subprocess
import time
from collections.abc import Callable
from datetime import date
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from instruments.errors import BenchDisagrees, InstrumentTimeout
from measurements.eye import eye_density
from measurements.quantity import Bound, Cause, NotMeasurable, Quantity, Result
from simulation.clock import VirtualClock
from station import record
from station.abort import AbortRequest
from station.config.limits import resolved_limits
from station.config.loader import load_plan, load_product
from station.expected import Key, expand
from station.journal import Journal
from station.reports.html import write_report
from station.reports.numbers import title, unit_text
from station.run import Run
from station.slot import Conditions

ROOT = Path(__file__).parents[2]
PRODUCT = load_product(ROOT / "configs/products/400gbase-dr4.yaml").value
PLAN = load_plan(ROOT / "configs/plans/dr4-final.yaml").value
LIMITS = resolved_limits(PRODUCT, date(2026, 11, 23))
EXPECTED = expand(PLAN, PRODUCT, LIMITS)
NAMES = {key.name for key in EXPECTED}
LEVELS_MW = (0.70, 1.28, 1.86, 2.42)
TARGET_BER = 2.4e-4
HOSTILE = '"><script src="http://evil.example/x.js"></script><img src=x onerror=alert(1)>'

# What a good transceiver shows, with its standard error.
GOOD = {
    "supply_current": (2.214, 0.004),
    "supply_power": (7.31, 0.02),
    "case_temperature_accuracy": (0.42, 0.15),
    "tx_disable_power": (-44.8, 0.2),
    "tx_average_power": (1.52, 0.06),
    "tx_lane_order": (None, None),
    "tx_oma_outer": (2.36, 0.06),
    "tx_extinction_ratio": (5.38, 0.04),
    "tx_rlm": (0.972, 0.004),
    "tx_tdecq": (1.43, 0.07),
    "tx_oma_minus_tdecq": (0.93, 0.09),
    "tx_transition_time": (9.8, 0.3),
    "tx_rin_oma": (-142.3, 0.4),
    "tx_wavelength": (1311.02, 0.02),
    "tx_smsr": (48.6, 0.5),
    "rx_ber": (3.1e-9, 8.0e-10),
    "rx_sensitivity": (-6.42, 0.09),
}


def within(name: str) -> tuple[float, float]:
    """Give a value that meets the limits of a measurement, for those that the plan has gained since."""
    bounds = [b.expression.constant for b in (LIMITS[name].lower, LIMITS[name].upper) if b is not None]
    known = [bound for bound in bounds if bound is not None] or [0.0]
    step = {1: -0.1 if LIMITS[name].lower is None else 0.1}.get(len(known), 0.0)
    return sum(known) / len(known) + step, 0.01


def eye_file(folder: Path, seed: int) -> str:
    """Store the density of a noisy PAM4 eye, as an analysis leaves it."""
    rng = np.random.default_rng(seed)
    per_symbol, symbols = 128, 1200
    steps = np.repeat(np.array(LEVELS_MW)[rng.integers(0, 4, symbols)], per_symbol)
    kernel = np.exp(-0.5 * (np.arange(-128, 129) / 37) ** 2)
    wave = np.convolve(steps, kernel / kernel.sum(), "same") + rng.normal(0, 0.028, steps.size)
    density = eye_density(
        wave, samples_per_symbol=per_symbol, columns=256, rows=160, span_ui=2.0, power_range_mw=(0.4, 2.75)
    )
    name = f"eye-{seed}.npy"
    np.save(folder / name, density.counts.astype(np.uint16))
    return name


def eye_evidence(folder: Path, seed: int) -> dict[str, object]:
    return {
        "eye": {"file": eye_file(folder, seed), "time_ui": [0.0, 2.0], "power_mw": [0.4, 2.75]},
        "levels_mw": list(LEVELS_MW),
        "thresholds_mw": [0.99, 1.56, 2.13],
        "phase_ui": 0.5,
        "averages": 16,
        "taps": [-0.012, -0.11, 1.29, -0.15, -0.018],
    }


def sweep_evidence(sensitivity_dbm: float, seed: int) -> dict[str, object]:
    rng = np.random.default_rng(seed)
    normal = NormalDist()
    q_at_target = -normal.inv_cdf(TARGET_BER)

    def ber(power_dbm: float) -> float:
        return normal.cdf(-q_at_target * 10 ** ((power_dbm - sensitivity_dbm) / 10))

    bits = 10_625_000_000
    powers = sensitivity_dbm + np.array([-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.6])
    points = [
        {"power_dbm": float(p), "bits": bits, "errors": int(rng.poisson(bits * ber(float(p))))}
        for p in powers
    ]
    grid = np.linspace(powers[0], powers[-1], 25)
    fit = [[float(p), ber(float(p))] for p in grid]
    return {"points": points, "fit": fit, "target_ber": TARGET_BER, "r_squared": 0.9994, "slope": 1.02}


def trace_evidence(wavelength_nm: float) -> dict[str, object]:
    grid = np.linspace(1304.0, 1318.0, 701)
    main = 1.5 - 12 * ((grid - wavelength_nm) / 0.06) ** 2
    side = -47.0 - 12 * ((grid - wavelength_nm - 1.3) / 0.06) ** 2
    power = np.maximum(np.maximum(main, side), -62 + 0.4 * np.sin(40 * grid))
    return {"trace": {"wavelength_nm": grid.round(3).tolist(), "power_dbm": power.round(2).tolist()}}


class Scene:
    """A run in the making, whose values tests may change."""

    def __init__(
        self, folder: Path, *, partial: bool = False, serial: str = "PB4-00017", simulated: bool = True
    ):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.clock = VirtualClock()
        self.journal = Journal(folder, self.clock.utc)
        self.abort = AbortRequest()
        self.run = Run(self.journal, self.clock, LIMITS, None if partial else EXPECTED, self.abort)
        self._head(serial, partial, simulated)
        self._opened()

    def _head(self, serial: str, partial: bool, simulated: bool) -> None:
        rows = {
            name: {
                "unit": row.unit,
                "per": row.per,
                "lower": row.lower.expression.text if row.lower else None,
                "upper": row.upper.expression.text if row.upper else None,
                "layer": row.layer,
                "source": row.source,
                "confirmed": row.confirmed,
                "note": row.note,
            }
            for name, row in LIMITS.items()
        }
        self.journal.append(
            "head",
            run_id=f"20260115T080000Z-{serial}-a1b2c3",
            serial=serial,
            slot=1,
            attempt=1,
            partial=partial,
            simulated=simulated,
            seed=7 if simulated else None,
            station="DR4 bench 1",
            product=PRODUCT.name,
            plan=None if partial else PLAN.name,
            lanes=[1, 2, 3, 4],
            corners=[corner.model_dump() for corner in PLAN.corners],
            files=[{"kind": "station", "path": "configs/stations/dr4-bench.yaml", "sha256": "5a" * 32}],
            limits=rows,
            limits_sha256="1f" * 32,
            expected=[] if partial else [[k.name, k.lane, k.corner] for k in EXPECTED],
            code="c0" * 32,
            started="2026-11-23T18:42:55.123456+00:00",
            host={"name": "bench-1"},
        )

    def _opened(self) -> None:
        models = {
            "power_meter": ("Keysight N7744A", "2027-03-02"),
            "scope": ("Keysight N1092D", "2027-02-16"),
            "bert": ("Keysight M8040A", "2025-12-31"),
            "thermal_head": ("Temptronic ATS-545", None),
        }
        for name, (model, due) in models.items():
            self.journal.append(
                "instrument",
                name=name,
                model=model,
                manufacturer=model.split()[0],
                serial="MY58100432",
                firmware="1.20.3",
                calibrated="2026-03-02",
                calibration_due=due,
            )
        self.journal.append(
            "transceiver", vendor="PHOTONBENCH", part_number="PB-DR4-Q112", serial="PB4-00017", revision="A2"
        )
        for lane in (1, 2, 3, 4, 1):
            hops = [
                {"name": f"coupler_{lane}", "loss_db": 3.28, "calibrated": "2026-05-04"},
                {"name": "switch", "loss_db": 0.7, "calibrated": "2026-04-30"},
            ]
            self.journal.append(
                "path",
                source=f"slot1.tx{lane}",
                destination=f"power_meter.{lane}",
                loss_db=4.38,
                uncertainty_db=0.11,
                hops=hops,
            )

    def corner(self, name: str) -> None:
        corner = next(corner for corner in PLAN.corners if corner.name == name)
        self.journal.append(
            "corner_started",
            corner=name,
            case_temperature_c=corner.case_temperature_c,
            supply_v=corner.supply_v,
        )
        self.clock.sleep(210)
        self.journal.append(
            "corner_reached",
            corner=name,
            case_temperature_c=corner.case_temperature_c + 0.3,
            air_temperature_c=corner.case_temperature_c - 6.2,
            slope_c_per_min=0.21,
            supply_v=corner.supply_v + 0.001,
            seconds=210.0,
        )

    def play(
        self,
        change: Callable[[Key, Result], Result | None] = lambda key, result: result,
        corners: tuple[str, ...] = ("room", "cold", "hot"),
    ) -> None:
        """Measure the whole plan; `change` replaces results, or leaves them out with None."""
        for corner in (c for c in PLAN.corners if c.name in corners):
            self.corner(corner.name)
            for step in PLAN.steps:
                if corner in PLAN.corners_of(step):
                    self._step(step.sequence, set(step.measures), corner.name, change)

    def _step(
        self, title: str, names: set[str], corner: str, change: Callable[[Key, Result], Result | None]
    ) -> None:
        self.run.begin_step(title, corner)
        case_c = {"room": 25.3, "cold": 0.2, "hot": 70.4}[corner]
        self.run.set_conditions(Conditions(corner, case_c, case_c - 6.2, 3.301))
        for key in (key for key in EXPECTED if key.name in names and key.corner == corner):
            self.clock.sleep(0.4)
            result = change(key, self.good(key))
            if result is not None:
                self.run.measure(key.name, result, lane=key.lane)
        self.run.end_step()

    def good(self, key: Key) -> Quantity:
        value, error = GOOD.get(key.name) or within(key.name)
        lane = key.lane or 0
        seed = 10 * ("room", "cold", "hot").index(key.corner) + lane
        if value is None:
            return Quantity(float(lane), "1", instruments=("power_meter",))
        if key.name != "tx_wavelength" and value > 0.1:
            value *= 1 + 0.02 * math.sin(7.0 * seed)
        evidence: dict[str, object] = {"path_loss_db": 4.38}
        if key.name == "tx_tdecq":
            evidence |= eye_evidence(self.folder, seed)
        if key.name == "rx_sensitivity":
            value += 0.1 * math.sin(5.0 * seed)
            evidence |= sweep_evidence(value, seed)
        if key.name == "tx_smsr":
            evidence |= trace_evidence(1311.02)
        if key.name == "rx_ber":
            evidence |= {"bits": 1_062_500_000, "errors": 3}
        instrument = {"t": "scope", "r": "bert"}.get(key.name[0], "supply")
        return Quantity(value, LIMITS[key.name].unit, error, evidence=evidence, instruments=(instrument,))

    def end(self) -> record.RunRecord:
        self.journal.append(
            "safe_state",
            steps=[{"what": "cw_source: light off", "done": True, "detail": ""}],
            touch="The bench is safe: no light, no power. The transceiver may be touched (31 °C).",
        )
        verdict, reasons = self.run.conclude()
        self.run.close(verdict, reasons)
        return record.load(self.folder)


class Page(HTMLParser):
    """The words, elements and references of a report."""

    _VOID = frozenset({"meta", "link", "img", "br", "input", "hr", "base"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self._VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.words.append(data)
        if self.rows and ("td" in self.open or "th" in self.open) and "svg" not in self.open:
            self.rows[-1][-1] = " ".join(f"{self.rows[-1][-1]} {data}".split())

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def count(self, tag: str, class_: str) -> int:
        return sum(t == tag and class_ in (a.get("class") or "").split() for t, a in self.elements)

    def row(self, *cells: str) -> list[str]:
        """Find the one row that holds all these cells."""
        found = [row for row in self.rows if all(cell in row for cell in cells)]
        assert len(found) == 1, f"{cells}: {found}"
        return found[0]


def page_of(run: record.RunRecord) -> Page:
    path = write_report(run)
    assert path == run.folder / "report.html"
    page = Page(path.read_text(encoding="utf-8"))
    assert page.open == []
    return page


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> record.RunRecord:
    scene = Scene(tmp_path_factory.mktemp("full"))
    scene.play()
    return scene.end()


@pytest.fixture(scope="module")
def full_page(full: record.RunRecord) -> Page:
    return page_of(full)


# --- a good run ------------------------------------------------------------------------------------


def test_verdict_and_identity_stand_at_the_top(full_page: Page) -> None:
    top = full_page.text[: full_page.text.index("Results at a glance")]
    for words in ("PASS", "PB4-00017", "PB-DR4-Q112", "A2", "400GBASE-DR4 final test", "DR4 bench 1"):
        assert words in top
    assert "2026-11-23 18:42:55 UTC" in top
    assert f"Measurements: {len(EXPECTED)} PASS, 0 FAIL, 0 ERROR" in top.replace(" ,", ",")


def test_a_simulated_run_is_marked_in_words_and_in_the_title(full_page: Page) -> None:
    assert "SIMULATED says nothing about a real unit" in full_page.text
    title = full_page.text.split("Test report")[0]
    assert title.startswith("SIMULATED PASS · PB4-00017 · 400GBASE-DR4")


def test_every_measurement_has_its_value_limit_margin_and_error(
    full: record.RunRecord, full_page: Page
) -> None:
    row = full_page.row("room", "lane 3", "≤ 3.4", "0.07")
    value = next(
        m["value"]
        for m in full.measurements
        if (m["name"], m["lane"], m["corner"]) == ("tx_tdecq", 3, "room")
    )
    assert row[3] == f"{value:.2f} dB"
    assert row[7] == f"+{3.4 - value:.2f}"
    assert row[8] == "✓ PASS"
    assert full_page.count("svg", "bar") == len(full.measurements) + len(NAMES)  # and their scales


def test_limits_keep_their_figures_and_say_where_they_come_from(full_page: Page) -> None:
    assert "Limit: 1304.5 … 1317.5 nm" in full_page.text
    assert "Limit: ≤ 2.4×10⁻⁴" in full_page.text
    assert "Limit: ≤ max(-3.9, tx_tdecq - 5.3) dBm" in full_page.text
    assert "IEEE 802.3 clause 124, as quoted by Edgecore ET7502-DR4 datasheet p. 2" in full_page.text
    targets = {attrs["href"] for tag, attrs in full_page.elements if tag == "a"}
    anchors = {f"#{attrs['id']}" for _, attrs in full_page.elements if attrs.get("id")}
    assert targets <= anchors


def _head_of(name: str) -> str:
    return f"{title(name)} {unit_text(LIMITS[name].unit)}".rstrip()


def test_only_unconfirmed_limits_say_so(full_page: Page) -> None:
    unconfirmed = {row[0] for row in full_page.rows if "unconfirmed" in " ".join(row[1:2])}
    assert unconfirmed == {_head_of(name) for name in NAMES if not LIMITS[name].confirmed}
    assert "TX transition time ps" in unconfirmed
    assert "TX TDECQ dB" not in unconfirmed


def test_a_bit_error_ratio_shows_what_was_counted(full_page: Page) -> None:
    assert "3.10×10⁻⁹" in full_page.text
    assert "3 errors in 1.06×10⁹ bits" in full_page.text


def test_each_lane_and_corner_has_its_eye_waterfall_and_spectrum(full_page: Page) -> None:
    assert full_page.count("svg", "diagram") == 36
    images = [attrs["href"] for tag, attrs in full_page.elements if tag == "image"]
    assert len(images) == 12
    assert all(href is not None and href.startswith("data:image/png;base64,") for href in images)
    names = [a["aria-label"] or "" for t, a in full_page.elements if t == "svg" and a.get("role") == "img"]
    assert len(names) == 36
    assert any(name.startswith("Eye of Lane 2, hot: TDECQ 1.") and "dB" in name for name in names)


def test_what_was_measured_with_what_is_told(full_page: Page) -> None:
    assert full_page.row("scope", "Keysight N1092D", "MY58100432", "1.20.3", "2026-03-02", "2027-02-16")
    assert full_page.row("bert", "Keysight M8040A", "2025-12-31 overdue")
    assert full_page.row("thermal_head", "not asked for")
    assert full_page.row("slot1.tx1", "power_meter.1", "4.38 dB", "0.11 dB", "2026-04-30")
    assert full_page.row("hot", "70.0 °C, 3.465 V", "70.30 °C", "63.80 °C", "3.466 V", "3 min 30 s")
    assert full_page.row("limits", "1f" * 32)
    assert full_page.row("code", "c0" * 32)
    assert "The transceiver may be touched (31 °C)." in full_page.text


def test_the_page_asks_for_nothing_from_elsewhere(full: record.RunRecord, full_page: Page) -> None:
    text = (full.folder / "report.html").read_text(encoding="utf-8")
    assert "url(" not in text
    assert "@import" not in text
    assert not [tag for tag, _ in full_page.elements if tag in ("script", "link", "iframe", "object", "base")]
    for _, attrs in full_page.elements:
        for name in ("src", "href", "xlink:href", "srcset", "action", "style"):
            value = attrs.get(name) or ""
            assert value.startswith(("#", "data:image/png;base64,", "background:#")) or not value


def test_a_full_report_is_small_and_quick(full: record.RunRecord) -> None:
    path = write_report(full)  # the first one may pay for imports
    times = []
    for _ in range(3):
        started = time.perf_counter()
        write_report(full)
        times.append(time.perf_counter() - started)
    assert min(times) < 0.7
    assert path.stat().st_size < 3e6
    assert [p.name for p in full.folder.glob("*report*")] == ["report.html"]


# --- what goes wrong -------------------------------------------------------------------------------


def test_a_missed_limit_never_looks_met(tmp_path: Path) -> None:
    def change(key: Key, result: Result) -> Result:
        hit = (key.name, key.lane, key.corner) == ("tx_tdecq", 3, "room")
        return Quantity(3.4004, "dB", 0.07, instruments=("scope",)) if hit else result

    scene = Scene(tmp_path)
    scene.play(change, corners=("room",))
    page = page_of(scene.end())
    row = page.row("room", "lane 3", "3.4004 dB")
    assert row[5] == "≤ 3.4"
    assert row[7] == "−0.0004"
    assert row[8] == "✗ FAIL"
    assert "FAIL: tx_tdecq lane 3 at room: 3.4004 dB is above 3.4 dB" in page.text


def test_a_margin_within_the_uncertainty_is_marked(tmp_path: Path) -> None:
    def change(key: Key, result: Result) -> Result:
        hit = (key.name, key.lane) == ("tx_tdecq", 1)
        return Quantity(3.3, "dB", 0.07, instruments=("scope",)) if hit else result

    scene = Scene(tmp_path)
    scene.play(change, corners=("room",))
    page = page_of(scene.end())
    assert page.row("room", "lane 1", "3.30 dB")[7] == "+0.10 near"
    assert page.row("room", "lane 2", "≤ 3.4")[7].endswith("near") is False


def test_not_measurable_shows_cause_and_reason(tmp_path: Path) -> None:
    def change(key: Key, result: Result) -> Result:
        if (key.name, key.lane) == ("tx_average_power", 2):
            return Quantity(-31.2, "dBm", None, Bound.UPPER, instruments=("power_meter",))
        if (key.name, key.lane) == ("tx_tdecq", 2):
            return NotMeasurable("no light at the scope", Cause.DARK, {}, ("scope",))
        return result

    scene = Scene(tmp_path)
    scene.play(change, corners=("room",))
    page = page_of(scene.end())
    assert page.row("room", "lane 2", "≤ −31.20 dBm", "unknown")
    assert page.row("room", "lane 2", "not measurable: dark")[5] == "≤ 3.4"
    assert "dark: no light at the scope; confirmed by tx_average_power" in page.text
    assert page.count("p", "absent") == 1


def test_what_was_planned_and_never_came_is_listed(tmp_path: Path) -> None:
    def change(key: Key, result: Result) -> Result | None:
        return None if key.name == "tx_wavelength" and key.lane in (1, 3) else result

    scene = Scene(tmp_path)
    scene.play(change, corners=("room",))
    page = page_of(scene.end())
    assert page.row("TX wavelength", "room", "1, 3")
    assert page.row("TX wavelength", "hot", "1, 2, 3, 4")
    assert page.row("Supply current", "cold", "whole transceiver")


def test_an_error_shows_remedy_and_transcript(tmp_path: Path) -> None:
    scene = Scene(tmp_path, simulated=False)
    scene.play(corners=("room",))
    scene.run.error(
        InstrumentTimeout(
            "scope did not answer '*OPC?' within 20.0 s",
            instrument="scope",
            command="*OPC?",
            transcript=("12.301 > :ACQuire:RUN", "12.302 > *OPC? <b>"),
            remedy="check its power",
        )
    )
    with pytest.raises(BenchDisagrees):
        scene.run.agree(
            "average power",
            Quantity(1.5, "dBm", 0.05, instruments=("power_meter",)),
            Quantity(2.1, "dBm", 0.05, instruments=("scope",)),
            lane=1,
        )
    page = page_of(scene.end())
    assert "! ERROR" in page.text
    assert "What to do: check its power" in page.text
    assert "12.302 > *OPC? <b>" in page.text
    assert page.row("average power", "1", "0.600 dB", "0.141 dB", "DISAGREES")
    assert "SIMULATED" not in page.text


def test_an_aborted_run_says_who_stopped_it(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.play(corners=("room",))
    scene.abort.request("SIGINT")
    page = page_of(scene.end())
    assert "■ ABORTED" in page.text
    assert "ABORTED: SIGINT" in page.text
    assert page.row("TX TDECQ", "hot", "1, 2, 3, 4")


def test_a_partial_run_is_no_pass(tmp_path: Path) -> None:
    scene = Scene(tmp_path, partial=True)
    scene.corner("room")
    scene.run.begin_step("Average power", "room")
    for lane in (1, 2, 3, 4):
        scene.run.measure("tx_average_power", scene.good(Key("tx_average_power", lane, "room")), lane=lane)
    scene.run.end_step()
    page = page_of(scene.end())
    assert "PARTIAL RUN" in page.text
    assert "◐ PARTIAL" in page.text
    assert "✓ PASS PB4-00017" not in page.text
    assert page.count("section", "pass") == 0


def test_a_run_that_died_has_no_verdict(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.play(corners=("room",))
    scene.journal.append("step_started", step=99, title="Receiver sensitivity", corner="cold")
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(b'{"seq":999,"event":"meas')
    page = page_of(record.load(tmp_path))
    assert "NO VERDICT" in page.text
    assert page.row("99", "Receiver sensitivity", "not finished")
    assert "is torn and could not be read" in page.text


def test_a_journal_without_anything_still_gives_a_report(tmp_path: Path) -> None:
    Journal(tmp_path, VirtualClock().utc).append("note", text="nothing happened")
    assert "NO VERDICT" in page_of(record.load(tmp_path)).text


def test_text_of_the_record_is_never_markup(tmp_path: Path) -> None:
    scene = Scene(tmp_path, serial=HOSTILE)
    scene.corner("room")
    scene.journal.append("warning", message=HOSTILE)
    scene.journal.append("instrument", name=HOSTILE, model=HOSTILE, serial="A\u202e\x07\ud800", firmware=None)
    scene.run.begin_step(HOSTILE, HOSTILE)
    scene.run.measure(HOSTILE, Quantity(1.0, HOSTILE, evidence={HOSTILE: HOSTILE}, instruments=(HOSTILE,)))
    evidence = {"eye": {"file": HOSTILE, "time_ui": [0, 2], "power_mw": [0, 1]}}
    scene.run.measure("tx_tdecq", Quantity(1.0, "dB", evidence=evidence), lane=1)
    scene.run.error(RuntimeError(HOSTILE), doing=HOSTILE)
    scene.run.end_step()
    page = page_of(scene.end())
    assert not [tag for tag, _ in page.elements if tag in ("script", "img")]
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]
    assert page.text.count(HOSTILE) > 8
    assert "A\\u202e\\u0007\\ud800" in page.text


def test_an_older_report_survives_when_the_new_one_cannot_be_written(full: record.RunRecord) -> None:
    path = write_report(full)
    before = path.read_bytes()
    broken = record.RunRecord(full.folder, head=full.head, measurements=[{"name": "x", "evidence": 3}])
    broken.closing = {"verdict": "no such verdict"}
    with pytest.raises(ValueError, match="no such verdict"):
        write_report(broken)
    assert path.read_bytes() == before


def test_waveforms_behind_a_value_are_named(tmp_path: Path) -> None:
    digest = "ab" * 32
    evidence = {"waveform": {"file": f"waveforms/{digest}.npy", "scale_mw": 0.25}, "taps": [0.5, 1.25]}
    scene = Scene(tmp_path, partial=True)
    scene.run.begin_step("The eye", "room")
    scene.run.measure("tx_oma_outer", Quantity(2.0, "dBm", evidence=evidence, instruments=("scope",)), lane=1)
    scene.run.end_step()
    page = page_of(scene.end())
    assert page.row("room", "lane 1", "scope", f"waveforms/{digest}.npy", "0.25", "0.5, 1.25")


@pytest.mark.prove
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Chromium")
def test_nothing_reaches_beyond_the_side_of_the_screen(full: record.RunRecord, tmp_path: Path) -> None:
    widths = (400, 800, 1280)
    page = escape(write_report(full).read_text(encoding="utf-8"))
    frames = [f'<iframe style="border:0;width:{w}px;height:2000px" srcdoc="{page}"></iframe>' for w in widths]
    reach = "[...document.querySelectorAll('iframe')].map(f => f.contentDocument.documentElement.scrollWidth)"
    shell = tmp_path / "shell.html"
    script = f"<script>onload = () => document.title = 'reach ' + {reach}</script>"
    shell.write_text("".join((*frames, script)), encoding="utf-8")
    quiet = ("--no-first-run", "--disable-background-networking", "--disable-component-update")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", *quiet, "--disable-sync"]
    command += ["--hide-scrollbars", "--dump-dom", f"--user-data-dir={tmp_path / 'profile'}", shell.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=50, check=True)
    assert "<title>reach 400,800,1280</title>" in shown.stdout
