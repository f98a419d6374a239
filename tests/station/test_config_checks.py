from datetime import date
from pathlib import Path

import pytest

from station.config.check_station import ModelFacts
from station.config.files import check_files, load_files
from station.config.problems import FilesError, Severity, raise_errors

CONFIGS = Path(__file__).parents[2] / "configs"
TODAY = date(2026, 6, 15)
NAMES = {
    "station": "stations/dr4-bench.yaml",
    "product": "products/400gbase-dr4.yaml",
    "plan": "plans/dr4-final.yaml",
    "simulation": "simulations/dr4-good.yaml",
}
SEQUENCES = {
    "supply": ["supply_current", "supply_power"],
    "bench_paths": [],
    "management": ["tx_disable_power"],
    "tx_power": ["tx_average_power"],
    "lane_order": ["tx_lane_order"],
    "tx_eye": [
        "tx_oma_outer",
        "tx_extinction_ratio",
        "tx_rlm",
        "tx_tdecq",
        "tx_oma_minus_tdecq",
        "tx_transition_time",
        "tx_rin_oma",
    ],
    "tx_spectrum": ["tx_wavelength", "tx_smsr"],
    "receiver": ["rx_ber", "rx_sensitivity"],
}


@pytest.fixture
def bench(tmp_path):
    """Copy the shipped files and sequences that fit them, with changes by kind of file: (old, new)."""

    def build(**changes):
        for kind, name in NAMES.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(changed((CONFIGS / name).read_text(), changes.get(kind, ())))
        folder = tmp_path / "plans/sequences"
        folder.mkdir(exist_ok=True)
        for name, measured in SEQUENCES.items():
            calls = "".join(f"    measure({word!r}, None)\n" for word in measured)
            text = f"def test_it(measure):\n{calls}    return None\n"
            (folder / f"{name}.py").write_text(changed(text, changes.get(name, ())))
        return load_files(
            station=tmp_path / NAMES["station"],
            plan=tmp_path / NAMES["plan"],
            simulation=tmp_path / NAMES["simulation"],
        )

    return build


def changed(text, pairs):
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def told(files, today=TODAY, catalogue=None):
    """Give all problems as (file:line:column) and words."""
    return [
        f"{Path(problem.path).name}:{problem.line}: {problem.where}: {problem.what}"
        + (f", did you mean {problem.suggestion!r}?" if problem.suggestion else "")
        for problem in check_files(files, today=today, catalogue=catalogue)
    ]


def assert_told(files, words, **arguments):
    problems = told(files, **arguments)
    assert any(words in problem for problem in problems), problems


def test_the_shipped_files_fit_each_other(bench):
    assert told(bench()) == []


def test_problems_of_all_files_are_told_at_once(bench, tmp_path):
    with pytest.raises(FilesError) as caught:
        bench(
            station=[("name: DR4", "nme: DR4")],
            plan=[("stop: never", "stop: nevr")],
            product=[("per: lane", "")],
        )
    assert {Path(problem.path).name for problem in caught.value.problems} == {
        "dr4-bench.yaml",
        "dr4-final.yaml",
        "400gbase-dr4.yaml",
    }


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "192.168.10.12",
            "192.168.10.11",
            "instruments.attenuator.address: attenuator has the address of power_meter",
        ),
        ("GPIB0::14::INSTR", "gpib::5", "instruments.switch.address: switch has the address of cw_source"),
        (
            "TCPIP0::192.168.10.12::inst0::INSTR",
            "TCPIP::192.168.10.11::INSTR",
            "attenuator has the address of power",
        ),
        (
            "supply: supply.1",
            "supply: suply.1",
            "slots[0].supply: no instrument 'suply', did you mean 'supply'?",
        ),
        ("thermal_head: thermal_head", "thermal_head: head", "slots[0].thermal_head: no instrument 'head'"),
        (
            "from: slot1.tx1,",
            "from: slot2.tx1,",
            "wiring.optical[0].from: no slot 'slot2', did you mean 'slot1'?",
        ),
        ("from: slot1.tx1,", "from: slot1.tx5,", "wiring.optical[0].from: slot1 has 4 lanes, no lane 5"),
        ("from: slot1.tx1,", "from: slot1.rx1,", "slot1.rx1 belongs to the 'to' side"),
        ("from: slot1.tx1,", "from: slot1.host_tx1,", "slot1 has no optical port 'host_tx1'"),
        ("to: slot1.host_tx1,", "to: slot1.tx1,", "wiring.electrical[0].to: slot1 has no host port 'tx1'"),
        (
            "to: coupler_1.in1,",
            "to: coupler_1.inn1,",
            "coupler_1 has no entrance 'inn1', did you mean 'in1'?",
        ),
        ("from: coupler_1.out1,", "from: coupler_1.in1,", "coupler_1 has no exit 'in1'"),
        ("to: scope.1A,", "to: scop.1A,", "no instrument, element or slot 'scop', did you mean 'scope'?"),
        ("to: slot1.host_tx1,", "to: coupler_1.in1,", "coupler_1 leads light, not signals"),
        ("to: power_meter.1,", "to: scope.1A,", "scope.1A is joined already at wiring.optical[4]"),
        ("from: switch.M1.2,", "from: switch.M1.1,", "switch.M1.1 is joined already at wiring.optical[4]"),
        (
            "    through: {loss_db: 0.7, uncertainty_db: 0.06}\n",
            "",
            "instruments.switch: light passes this instrument",
        ),
        ("lanes: 4", "lanes: 5", "slots[0].lanes: slot1.tx5 is wired to nothing"),
        ("lanes: 4", "lanes: 5", "slots[0].lanes: 400GBASE-DR4 has 4 lanes, not 5"),
        ("to: slot1.host_tx3,", "to: slot1.host_tx2,", "nothing is wired to host lane 3"),
        (
            "1317.5: 0.20}",
            "1315: 0.20}",
            "was measured from 1304.5 to 1315.0 nm; 400GBASE-DR4 needs 1304.5 to 1317.5",
        ),
        (
            "calibrated: 2026-03-02",
            "calibrated: 2026-07-02",
            "power_meter was calibrated after today (2026-06-15)",
        ),
        (
            "calibration_due: 2027-03-02",
            "calibration_due: 2026-03-01",
            "power_meter is due before it was made",
        ),
        ("thermal_head: thermal_head\n", "\n", "slot1 has no thermal head for 3 case temperatures"),
    ],
)
def test_what_is_wrong_with_a_station(bench, old, new, words):
    files = bench(station=[(old, new)])
    assert_told(files, words)


def test_light_that_ends_in_a_coupler_reaches_no_instrument(bench):
    text = (CONFIGS / NAMES["station"]).read_text()
    gone = [line for line in text.splitlines() if "coupler_2.out" in line and "from: coupler_2" in line]
    files = bench(station=[(line + "\n", "") for line in gone])
    assert_told(files, "the light from slot1.tx2 reaches no instrument")
    assert_told(files, "the light from switch.M5.2 reaches no instrument")
    assert not any("slot1.tx1" in problem for problem in told(files))


def test_fibres_in_a_circle_end_the_search(bench):
    loop = "{kind: patch, ways: [{from: a, to: b, loss_db: 0.2, uncertainty_db: 0.05}]}"
    links = "    - {from: ring.b, to: ring.a, loss_db: 0.2, uncertainty_db: 0.05}\n"
    files = bench(station=[("  coupler_1:", f"  ring: {loop}\n  coupler_1:"), ("    # lane 1\n", links)])
    assert_told(files, "the light from ring.b reaches no instrument")


def test_overdue_calibration_blocks_or_warns_as_the_station_says(bench):
    overdue = date(2027, 5, 5)
    due = (
        "calibration of power_meter was due on 2027-03-02",
        "calibration of the paths was due on 2027-05-04",
    )
    blocking = check_files(bench(), today=overdue)
    warning = check_files(bench(station=[("overdue: block", "overdue: warn")]), today=overdue)
    for problems, severity in ((blocking, Severity.ERROR), (warning, Severity.WARNING)):
        for words in due:
            assert [problem.severity for problem in problems if words in problem.what] == [severity]
    due_at = bench().station.where(("instruments", "power_meter", "calibration_due"))
    assert str(blocking[0]).startswith(f"{due_at}: instruments.power_meter.calibration_due: calibration of")
    assert "warning: instruments.power_meter.calibration_due: calibration of" in str(warning[0])
    assert check_files(bench(), today=date(2026, 11, 4)) == []
    with pytest.raises(FilesError):
        raise_errors(blocking)
    raise_errors(warning)


def test_a_path_measured_on_another_day_has_dates_of_its_own(bench):
    own = "through: {loss_db: 0.7, uncertainty_db: 0.06, calibrated: 2025-05-04, calibration_due: 2026-05-04}"
    files = bench(station=[("through: {loss_db: 0.7, uncertainty_db: 0.06}", own)])
    assert_told(
        files, "instruments.switch.through.calibration_due: calibration of the way through switch was due"
    )
    assert len(told(files)) == 1
    assert files.station.value.instruments["switch"].through.calibrated == date(2025, 5, 4)
    assert files.station.value.instruments["attenuator"].through.calibrated == date(2026, 5, 4)
    assert files.station.value.wiring.optical[0].calibration_due == date(2027, 5, 4)


def test_a_path_loss_without_any_date_is_refused(bench):
    shared = "path_calibration: {calibrated: 2026-05-04, calibration_due: 2027-05-04}\n"
    problems = told(bench(station=[(shared, "")]))
    assert len(problems) == 34 + 4 + 2
    assert any(
        "the fibre slot1.tx1 to coupler_1.in1 has no calibration date" in problem for problem in problems
    )


def test_a_catalogue_tells_models_ports_and_clocks(bench):
    files = bench(
        station=[
            ("to: scope.1A,", "to: scope.1a,"),
            (
                "    - {from: bert.M1.ClkOut, to: scope.clock,",
                "    - {from: bert.M1.ClkOut, to: scope.trigger,",
            ),
        ]
    )
    catalogue = {instrument.model: ModelFacts() for instrument in files.station.value.instruments.values()}
    catalogue["Keysight N1092D"] = ModelFacts(
        frozenset({"1A", "2A", "3A", "4A", "clock"}), clock_port="clock"
    )
    del catalogue["DiCon GP700"]
    catalogue["DiCon GP750"] = ModelFacts()
    assert_told(files, "scope has no port '1a', did you mean '1A'?", catalogue=catalogue)
    assert_told(files, "scope has no port 'trigger'", catalogue=catalogue)
    assert_told(files, "instruments.scope: has no clock: add a line to wiring.clocks", catalogue=catalogue)
    assert_told(files, "no driver for 'DiCon GP700', did you mean 'DiCon GP750'?", catalogue=catalogue)
    assert told(files) == []


def test_one_clock_may_feed_two_instruments(bench):
    line = "    - {from: bert.M1.ClkOut, to: scope.clock"
    assert (
        told(bench(station=[(line, f"    - {{from: bert.M1.ClkOut, to: power_meter.trigger}}\n{line}")]))
        == []
    )


def test_two_slots_cannot_share_a_supply_output(bench):
    board = "{model: Linux i2c-dev, address: /dev/i2c-1}"
    second = f"  - {{number: 2, lanes: 4, supply: supply.1, host_board: {board}}}\n"
    files = bench(station=[("\n# Each line leads", f"{second}\n# Each line leads")])
    assert_told(files, "slots[1].supply: supply.1 feeds slot1 already")
    assert_told(
        files, "slots[1].host_board.address: slot2's host board has the address of slot1's host board"
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            '"max(-3.9, tx_tdecq - 5.3)"',
            '"tx_tdeq - 5.3"',
            "limits.standard.rx_sensitivity.upper: no measurement 'tx_tdeq' has a limit here, did you mean "
            "'tx_tdecq'?",
        ),
        ("upper: 10.0,", "upper: lane,", "supply_power is one value per transceiver: it has no lane"),
        ("upper: 10.0,", "upper: tx_tdecq,", "supply_power is per transceiver and cannot depend on tx_tdecq"),
        (
            "lower: -0.8, upper: 4.2",
            "lower: 4.3, upper: 4.2",
            "lower 4.3 is above upper 4.2: nothing can pass",
        ),
        ("reference_receiver: IEEE 802.3cd ", "reference_receiver: IEEE 802.3ce ", "no reference receiver"),
        (
            "  customer: {}",
            "  customer: {tx_smsr: {lower: 29, source: PO 1, confidence: S}}",
            "limits.customer.tx_smsr.lower: 29.0 is looser than the standard's 30.0; that takes a waiver",
        ),
        (
            "  customer: {}",
            "  customer: {tx_tdecq: {upper: 3.5, source: PO 1, confidence: S}}",
            "limits.customer.tx_tdecq.upper: 3.5 is looser than the standard's 3.4",
        ),
        (
            "  customer: {}",
            "  customer: {rx_sensitivity: {upper: -4, source: PO 1, confidence: S}}",
            "'-4' cannot be compared with the standard's 'max(-3.9, tx_tdecq - 5.3)'",
        ),
        (
            "  waivers: []",
            "  waivers: [{measurement: tx_smsr, lower: 29, name: a, reason: b, expires: 2026-06-14}]",
            "the waiver for tx_smsr expired on 2026-06-14: it is not applied",
        ),
    ],
)
def test_what_is_wrong_with_limits(bench, old, new, words):
    assert_told(bench(product=[(old, new)]), words)


def test_limits_in_a_circle_are_told_once(bench):
    files = bench(product=[("upper: 3.4,", "upper: tx_oma_outer,"), ("lower: -0.8,", "lower: tx_tdecq,")])
    circles = [problem for problem in told(files) if "in a circle" in problem]
    assert len(circles) == 1
    assert "tx_oma_outer -> tx_tdecq -> tx_oma_outer" in circles[0]


def test_a_limit_cannot_depend_on_itself(bench):
    assert_told(bench(product=[("upper: 3.4,", "upper: tx_tdecq,")]), "in a circle: tx_tdecq -> tx_tdecq")


def test_a_stricter_customer_needs_no_waiver_and_a_waived_one_has_it(bench):
    stricter = ("  customer: {}", "  customer: {tx_smsr: {lower: 35, source: PO 1, confidence: S}}")
    assert told(bench(product=[stricter])) == []
    looser = ("  customer: {}", "  customer: {tx_smsr: {lower: 29, source: PO 1, confidence: S}}")
    waiver = "{measurement: tx_smsr, lower: 29, name: a, reason: b, expires: 2026-06-15}"
    assert told(bench(product=[looser, ("  waivers: []", f"  waivers: [{waiver}]")])) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "supply_v: 3.135",
            "supply_v: 3.0",
            "corners[0].supply_v: 3.0 V is outside the product's 3.135 to 3.465 V",
        ),
        (
            "case_temperature_c: 70.0",
            "case_temperature_c: 75.0",
            "75.0 degC is outside the product's 0.0 to 70.0",
        ),
        (
            "supply_v: 3.3}",
            "supply_v: 3.3, test_channel: long}",
            "no fibre of the station has the test channel 'long'",
        ),
        (
            "[tx_average_power]",
            "[tx_average_powr]",
            "the product has no limit for 'tx_average_powr'; give one, or record_only: true, did you mean "
            "'tx_average_",
        ),
        (
            "pattern: SSPRQ",
            "pattern: PRBS31",
            "steps[5].pattern: PRBS31 is not PAM4, which the product sends",
        ),
        (
            "sequences/tx_eye.py",
            "sequences/tx_eyes.py",
            "steps[5].sequence: sequences/tx_eyes.py: there is no such file",
        ),
        (
            "[rx_ber, rx_sensitivity]",
            "[rx_ber]",
            "sequences/receiver.py measures 'rx_sensitivity', which this step",
        ),
    ],
)
def test_what_is_wrong_with_a_plan(bench, old, new, words):
    assert_told(bench(plan=[(old, new)]), words)


def test_a_declared_measurement_must_stand_in_its_sequence(bench):
    files = bench(tx_power=[("'tx_average_power'", "'tx_avg_power'")])
    assert_told(files, "steps[3].measures[0]: sequences/tx_power.py does not measure 'tx_average_power'")
    assert_told(files, "sequences/tx_power.py measures 'tx_avg_power', which this step does not list")


def test_a_sequence_that_is_not_python_is_told(bench):
    assert_told(
        bench(tx_power=[("def", "deff")]), "sequences/tx_power.py: is not Python: invalid syntax (line 1)"
    )


def test_ssprq_does_not_survive_a_gearbox(bench):
    files = bench(product=[("gearbox: false", "gearbox: true")])
    assert_told(
        files, "steps[5].pattern: 400GAUI-4 has a gearbox: SSPRQ from the BERT does not come out as SSPRQ"
    )


def test_a_limit_needs_what_it_depends_on_at_the_same_corner(bench):
    once = (
        "  - sequence: sequences/tx_eye.py\n",
        "  - sequence: sequences/tx_eye.py\n    corners: [room, hot]\n",
    )
    words = "the limit of rx_sensitivity depends on tx_tdecq, which no step up to this one measures at cold"
    assert_told(bench(plan=[once]), words)


def test_a_limit_needs_what_it_depends_on_before(bench):
    text = (CONFIGS / NAMES["plan"]).read_text()
    eye = text[
        text.index("  - sequence: sequences/tx_eye.py") : text.index("  - sequence: sequences/tx_spectrum")
    ]
    receiver = text[text.index("  # After tx_eye") :]
    files = bench(plan=[(eye, ""), (receiver, receiver + eye)])
    assert_told(files, "depends on tx_tdecq, which no step up to this one measures at cold, hot, room")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "faults: []",
            "faults: [{instrument: skope, kind: silent}]",
            "no instrument 'skope', did you mean 'scope'?",
        ),
        ("lanes: {}", "lanes: {5: {rin_db_hz: -130}}", "unit.lanes[5]: 400GBASE-DR4 has no lane 5"),
        (
            "verdict: PASS",
            "primary: [tx_rln, 1]",
            "expect.primary[0]: the product has no limit for 'tx_rln', did you",
        ),
        ("verdict: PASS", "primary: [tx_rlm, 5]", "expect.primary[1]: 400GBASE-DR4 has no lane 5"),
        ("verdict: PASS", "primary: [tx_rlm, null]", "expect.primary[1]: 400GBASE-DR4 has no lane None"),
        (
            "verdict: PASS",
            "primary: [tx_rlm, 1]\n  may_also_fail: [[supply_power, 1]]",
            "expect.may_also_fail[0][1]: supply_power is one value per transceiver; write null",
        ),
    ],
)
def test_what_is_wrong_with_a_simulation(bench, old, new, words):
    changes = [(old, new)]
    if "faults" in old:
        changes.append(("verdict: PASS", "verdict: ERROR"))
    assert_told(bench(simulation=changes), words)


def test_a_plan_without_a_product_needs_one_given(bench, tmp_path):
    with pytest.raises(FilesError, match="'product' is missing; name it in the plan or with --product"):
        bench(plan=[("product: ../products", "# ../products")])
    files = load_files(
        station=tmp_path / NAMES["station"],
        plan=tmp_path / NAMES["plan"],
        product=tmp_path / NAMES["product"],
    )
    assert files.product.value.name == "400GBASE-DR4"
    assert files.simulation is None


def test_a_plan_that_names_no_file_is_told_where_it_does(bench):
    with pytest.raises(FilesError, match=r"dr4-final.yaml:4:10: product: there is no file .*400gbase.yaml"):
        bench(plan=[("400gbase-dr4.yaml", "400gbase.yaml")])
