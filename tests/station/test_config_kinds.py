from datetime import UTC, datetime
from pathlib import Path

import pytest

from station.config.fields import Port
from station.config.loader import load_product, load_simulation, load_station
from station.config.problems import FilesError

CONFIGS = Path(__file__).parents[2] / "configs"


def complaints(load, path):
    with pytest.raises(FilesError) as caught:
        load(path)
    return [str(problem) for problem in caught.value.problems]


def shipped_with(tmp_path, name, old, new):
    text = (CONFIGS / name).read_text()
    assert old in text
    path = tmp_path / "f.yaml"
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("visa: '@py'", "visa: py", "visa: 'py' is no VISA library"),
        ("GPIB0::5::INSTR", "10.0.0.5", "instruments.cw_source.address: '10.0.0.5' is not a VISA resource"),
        ("model: Santec TSL-570", "modle: Santec TSL-570", "modle: unknown key, did you mean 'model'?"),
        ("calibration_due: null", "options: {}", "instruments.switch: 'calibration_due' is missing"),
        (
            "calibration_due: 2027-03-02",
            "calibration_due: '2027-03-02'",
            "should be a date, written 2027-03-31",
        ),
        ("supply: supply.1", "supply: supply", "slots[0].supply: 'supply' is not a port"),
        ("number: 1", "number: 1.5", "slots[0].number: 1.5 should be a whole number"),
        ("  scope:", "  slot1:", "instruments.slot1: 'slot1' is reserved for slots"),
        ("  coupler_1:", "  scope:", "elements.scope: 'scope' is an instrument already"),
        ("loss_db: 1.2,", "loss_db: -1.2,", "a loss of -1.2 dB is outside 0 to 100 dB"),
        (
            "loss_db: 1.2,",
            "loss_db: {},",
            "should be a loss in dB, or a table of wavelength in nm to dB: {1304.5:",
        ),
        ("loss_db: 1.2,", "loss_db: {a: 1},", "should be a loss in dB, or a table"),
        ("loss_db: 1.2,", "loss_db: yes,", "should be a loss in dB, or a table"),
        ("to: out1, loss_db: 3.21", "to: out1, loss_db: 2.0", "of the light that enters at in1 leaves"),
        ("to: out2, loss_db: 3.28", "to: out1, loss_db: 3.28", "the way from in1 to out1 is listed twice"),
        (
            "loss_db: 0.18,",
            "loss_db: 0,18,",
            "wiring.optical[1][18]: unknown key; known here: cable, calibrated",
        ),
        ("calibration_overdue: block", "calibration_overdue: off", "'off' should be 'block' or 'warn'"),
    ],
)
def test_slips_in_a_station(tmp_path, old, new, words):
    told = complaints(load_station, shipped_with(tmp_path, "stations/dr4-bench.yaml", old, new))
    assert any(words in line for line in told), told


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("upper: 3.4,", "uper: 3.4,", "limits.standard.tx_tdecq.uper: unknown key, did you mean 'upper'?"),
        ("upper: 3.4,", "", "tx_tdecq: has neither lower nor upper; give one, or say record_only: true"),
        ("upper: 3.4,", "record_only: true, upper: 3.4,", "is record_only and has a limit"),
        ("upper: 3.4,", "upper: tx_oma_outer.x,", "limits.standard.tx_tdecq.upper: Attribute is not allowed"),
        ("upper: 3.4,", "upper: [3.4],", "should be a number, or an expression"),
        ("upper: 3.4,", "upper: true,", "should be a number, or an expression"),
        (
            "{unit: dB, per: lane, upper: 3.4",
            "{per: lane, upper: 3.4",
            "'unit' is missing; no lower layer gives it",
        ),
        ("{unit: dB, per: lane, upper: 3.4", "{unit: db, per: lane, upper: 3.4", "did you mean 'dB'?"),
        ("confidence: M,", "confidence: X,", "'X' should be 'S', 'D', 'M' or 'M?'"),
        (
            "  customer: {}",
            "  customer: {tx_tdecq: {record_only: true, source: a, confidence: S}}",
            "would switch a lower layer's limit off",
        ),
        (
            "  customer: {}",
            "  customer: {tx_tdecq: {unit: dBm, upper: 3, source: a, confidence: S}}",
            "limits.customer.tx_tdecq.unit: 'dBm' differs from the lower layer's 'dB'",
        ),
        (
            "  customer: {}",
            "  customer: {lane: {unit: '1', per: lane, upper: 3, source: a, confidence: S}}",
            "'lane' has its own meaning in expressions",
        ),
        (
            "  waivers: []",
            "  waivers: [{measurement: tx_smr, lower: 29, name: a, reason: b, expires: 2027-01-01}]",
            "no limit for 'tx_smr', did you mean 'tx_smsr'?",
        ),
        (
            "  waivers: []",
            "  waivers: [{measurement: tx_smsr, name: a, reason: b, expires: 2027-01-01}]",
            "waives nothing",
        ),
        (
            "  waivers: []",
            "  waivers: [{measurement: tx_smsr, lower: 29, name: a, reason: b}]",
            "'expires' is missing",
        ),
        ("'[A-Z0-9][A-Z0-9-]{3,31}'", "'[A-Z'", "serial_pattern: is not a regular expression"),
        (
            "'[A-Z0-9][A-Z0-9-]{3,31}'",
            "'[[A]'",
            "serial_pattern: is not a regular expression: Possible nested set",
        ),
        ("'[A-Z0-9][A-Z0-9-]{3,31}'", "'[A-Z]*'", "serial_pattern: accepts an empty scan"),
        ("lane: 4, host_lane: 4", "lane: 5, host_lane: 4", "lanes should be numbered 1 to 4, each once"),
        (
            "lane: 4, host_lane: 4",
            "lane: 4, host_lane: 3",
            "without a gearbox each host lane feeds one media lane",
        ),
        ("wavelength_nm: 1311.0", "wavelength_nm: 1331.0", "1331.0 nm lies outside 1304.5 to 1317.5 nm"),
        ("voltage_v: 3.3", "voltage_v: 33", "33.0 V lies outside 3.135 to 3.465 V"),
        ("minimum_c: 0.0", "minimum_c: 75.0", "75.0 degC is not below 70.0 degC"),
        ("name: PHOTONBENCH", "name: PHOTONBENCH-OPTICS-WORKS", "has more than 16 characters"),
    ],
)
def test_slips_in_a_product(tmp_path, old, new, words):
    told = complaints(load_product, shipped_with(tmp_path, "products/400gbase-dr4.yaml", old, new))
    assert any(words in line for line in told), told


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "2026-06-15T08:00:00Z",
            "2026-06-15T08:00:00",
            "epoch: 2026-06-15T08:00:00 needs its zone",
        ),
        ("2026-06-15T08:00:00Z", "today", "epoch: 'today' should be a date and time with its zone"),
        ("spread: 1.0 ", "spread: -1 ", "unit.spread: -1 should be at least 0.0"),
        (
            "transceiver: {}",
            "transceiver: {dsp_power_w: true}",
            "should be a finite number, a word, or a list",
        ),
        (
            "transceiver: {}",
            "transceiver: {dsp_power_w: [1, x]}",
            "should be a finite number, a word, or a list",
        ),
        ("lanes: {}", "lanes: {0: {rin_db_hz: -130}}", "unit.lanes[0]: 0 should be at least 1"),
        ("lanes: {}", "lanes: {two: {rin_db_hz: -130}}", "unit.lanes.two: 'two' should be a whole number"),
        ("faults: []", "faults: [{instrument: scope, kind: quiet}]", "'quiet' should be 'silent', 'slow'"),
        (
            "faults: []",
            "faults: [{instrument: scope, kind: silent, delay_s: 3}]",
            "belongs to slow or power_cycled, not to silent",
        ),
        ("faults: []", "faults: [{instrument: scope, kind: silent}]", "a broken instrument makes an ERROR"),
        ("verdict: PASS", "primary: [tx_rlm]", "expect.primary: is missing something: the list is too short"),
        ("verdict: PASS", "primary: [tx_rlm, 1, 2]", "expect.primary: has more than 2 items"),
        ("verdict: PASS", "verdict: FAIL", "a FAIL needs its primary failure"),
    ],
)
def test_slips_in_a_simulation(tmp_path, old, new, words):
    told = complaints(load_simulation, shipped_with(tmp_path, "simulations/dr4-good.yaml", old, new))
    assert any(words in line for line in told), told


def test_a_defect_is_read_into_values(tmp_path):
    path = shipped_with(tmp_path, "simulations/dr4-good.yaml", "lanes: {}", "lanes: {2: {rin_db_hz: -130}}")
    text = path.read_text().replace(
        "transceiver: {}", "transceiver: {tx_lane_map: [2, 1, 3, 4], squelch: dark}"
    )
    path.write_text(
        text.replace("verdict: PASS", "primary: [tx_rin_oma, 2]\n  may_also_fail: [[supply_power, null]]")
    )
    simulation = load_simulation(path).value
    assert simulation.unit.lanes[2] == {"rin_db_hz": -130.0}
    assert simulation.unit.transceiver == {"tx_lane_map": (2, 1, 3, 4), "squelch": "dark"}
    assert simulation.expect.primary == ("tx_rin_oma", 2)
    assert simulation.expect.may_also_fail == (("supply_power", None),)
    assert simulation.epoch == datetime(2026, 6, 15, 8, tzinfo=UTC)


def test_a_loss_table_is_interpolated_and_held_at_its_ends():
    station = load_station(CONFIGS / "stations/dr4-bench.yaml").value
    link = station.wiring.optical[0]
    assert (link.source, str(link.destination)) == (Port("slot1", "tx1"), "coupler_1.in1")
    (low, at_low), (middle, at_middle), (high, at_high) = link.loss_db.points
    assert link.loss_db.span_nm == (low, high) == (1304.5, 1317.5)
    assert link.loss_db.at(1200.0) == at_low
    assert link.loss_db.at((low + middle) / 2) == pytest.approx((at_low + at_middle) / 2)
    assert link.loss_db.at(middle) == at_middle
    assert link.loss_db.at(1400.0) == at_high
    flat = station.instruments["switch"].through.loss_db
    assert flat.span_nm is None
    assert flat.at(1310.0) == flat.at(850.0) == 0.7


def test_options_are_frozen_all_the_way_down():
    station = load_station(CONFIGS / "stations/dr4-bench.yaml").value
    modules = station.instruments["switch"].options["modules"]
    assert dict(modules) == {"M1": 3, "M2": 3, "M3": 3, "M4": 3, "M5": 4, "M6": 4}
    with pytest.raises(TypeError):
        modules["M1"] = 8
