from datetime import UTC, datetime

import pytest

from station.abort import AbortRequest, RunAborted
from station.config.loader import load_plan
from station.config.problems import FilesError
from station.journal import read
from station.opening import AbortableClock, OpeningError, open_cell, prepare
from station.step_options import check_options
from station.twin import NoTwin
from tests.station.core_kit import Ticks
from tests.station.sequence_kit import GOOD, PRODUCT, STATION, write_sequences
from tests.station.twin_kit import SERIAL, changed, request

GOOD_STEP = "def test_it(measure):\n    all_good(measure)\n"


def opened(wanted):
    return open_cell(wanted, AbortRequest())


def journalled(cell):
    return list(read(cell.folder))


@pytest.mark.parametrize("serial", ["", "pb26-0001", "P" * 33, "PB26-0001\n"])
def test_a_serial_number_against_the_rule_is_refused_with_the_rule(tmp_path, serial):
    with pytest.raises(
        OpeningError, match=r"is no serial number of 400GBASE-DR4: the rule is \[A-Z0-9\]"
    ) as told:
        opened(request(tmp_path, serial=serial))
    assert "scan the label again" in told.value.remedy
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("serial", ["ABCD", "PB26-0123456789-ABCDEF-012345678"])
def test_serial_numbers_of_4_to_32_characters_are_taken(tmp_path, serial):
    cell = opened(request(tmp_path, serial=serial))
    assert journalled(cell)[0]["serial"] == serial


def test_a_slot_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    with pytest.raises(OpeningError, match="no slot 2; choose one of"):
        opened(request(tmp_path, slot=2))


@pytest.mark.parametrize("place", ["a file", "below a file"])
def test_a_folder_that_cannot_be_written_is_refused_with_the_way_out(tmp_path, place):
    (tmp_path / "file").write_text("no folder")
    out = tmp_path / "file" if place == "a file" else tmp_path / "file" / "runs"
    with pytest.raises(OpeningError, match=r"the record cannot be written to .*file") as told:
        opened(request(tmp_path, out=out))
    assert "--out" in told.value.remedy


@pytest.mark.parametrize("name", ["station", "product", "simulation"])
def test_a_file_that_is_missing_is_told_with_its_path(tmp_path, name):
    with pytest.raises(FilesError, match=r"none\.yaml"):
        opened(request(tmp_path, **{name: tmp_path / "none.yaml"}))


def test_without_a_plan_the_product_must_be_named(tmp_path):
    with pytest.raises(FilesError, match="name the product with --product"):
        opened(request(tmp_path, product=None))


STATIONS = {
    "two instruments at one address": (
        ("GPIB0::14::INSTR", "GPIB0::5::INSTR"),
        "switch has the address of cw_source; each needs its own",
    ),
    "a supply that is not there": (
        ("supply: supply.1", "supply: suply.1"),
        "no instrument 'suply', did you mean",
    ),
    "a head that is not there": (
        ("thermal_head: thermal_head", "thermal_head: head"),
        "no instrument 'head'",
    ),
    "wiring from nowhere": (("from: slot1.tx1,", "from: slot9.tx1,"), "no slot 'slot9'"),
    "wiring to nowhere": (("to: scope.1A,", "to: scop.1A,"), "'scop', did you mean 'scope'?"),
    "a model without a driver": (("Keysight N7764A", "Keysight N7765A"), "no driver for 'Keysight N7765A'"),
    "overdue calibration": (
        ("calibration_due: 2027-02-16", "calibration_due: 2026-06-14"),
        "was due on 2026-06-14",
    ),
}


@pytest.mark.parametrize(("change", "words"), STATIONS.values(), ids=STATIONS.keys())
def test_a_station_that_cannot_work_is_refused_by_its_place_before_its_twin_is_built(tmp_path, change, words):
    with pytest.raises(FilesError, match=r"dr4-bench\.yaml:\d+:\d+: ") as told:
        opened(request(tmp_path, station=changed(tmp_path, STATION, change)))
    assert words in str(told.value)
    assert not (tmp_path / "runs").exists()


def test_overdue_calibration_may_be_a_warning_that_the_record_keeps(tmp_path):
    station = changed(
        tmp_path,
        STATION,
        ("calibration_due: 2027-02-16", "calibration_due: 2026-06-14"),
        ("calibration_overdue: block", "calibration_overdue: warn"),
    )
    warnings = [
        event
        for event in journalled(opened(request(tmp_path, station=station)))
        if event["event"] == "warning"
    ]
    assert [
        "calibration of scope was due on 2026-06-14; today is 2026-06-15" in w["message"] for w in warnings
    ] == [True]


def test_calibration_is_judged_by_the_clock_of_the_bench(tmp_path):
    late = changed(tmp_path, GOOD, ("epoch: 2026-06-15", "epoch: 2030-06-15"))
    with pytest.raises(FilesError, match="today is 2030-06-15"):
        opened(request(tmp_path, simulation=late))


def test_a_model_without_a_twin_is_refused_by_name_under_simulation(tmp_path):
    station = changed(tmp_path, STATION, ("model: Keysight N7744A", "model: Keysight N7745A"))
    with pytest.raises(NoTwin, match="'Keysight N7745A' has no twin and cannot be simulated") as told:
        opened(request(tmp_path, station=station))
    assert "Keysight N7744A" in told.value.remedy


SIMULATIONS = {
    "unknown parameter": (("transceiver: {}", "transceiver: {case_heat: 1}"), "the physics has no parameter"),
    "unknown parameter of a lane": (
        ("lanes: {}", "lanes: {2: {coupling_los_db: 9.0}}"),
        "'coupling_los_db', did you mean 'coupling_loss_db'?",
    ),
    "a word for a number": (("lanes: {}", "lanes: {2: {coupling_loss_db: much}}"), "the physics refuses it"),
    "another profile": (
        ("profile: 400gbase-dr4", "profile: 400gbase-fr4"),
        "no physics is called '400gbase-fr4'",
    ),
    "a serial number too long": (
        ("identity: {}", "identity: {serial_number: PB26-0123456789-X}"),
        "16 characters",
    ),
    "a lane too many": (("lanes: {}", "lanes: {5: {coupling_loss_db: 9.0}}"), "400GBASE-DR4 has no lane 5"),
}


@pytest.mark.parametrize(("change", "words"), SIMULATIONS.values(), ids=SIMULATIONS.keys())
def test_a_simulation_that_the_physics_does_not_know_is_refused_by_its_place(tmp_path, change, words):
    with pytest.raises(FilesError, match=r"dr4-good\.yaml:\d+:\d+: ") as told:
        opened(request(tmp_path, simulation=changed(tmp_path, GOOD, change)))
    assert words in str(told.value), told.value


def test_a_product_with_other_lanes_than_the_physics_is_refused(tmp_path):
    text = PRODUCT.read_text()
    fourth = next(line for line in text.splitlines() if "{lane: 4," in line)
    product = changed(tmp_path, PRODUCT, (fourth, ""))
    station = changed(tmp_path, STATION, ("lanes: 4", "lanes: 3"), ("from: slot1.tx4,", "from: slot1.tx3,"))
    with pytest.raises(FilesError):
        opened(request(tmp_path, product=product, station=station))


def test_the_head_says_what_is_tested_by_what_and_against_what(tmp_path):
    plan = write_sequences(tmp_path, GOOD_STEP)
    cell = opened(request(tmp_path, plan=plan, seed=7, run_id="first"))
    (head,) = journalled(cell)
    assert cell.folder == tmp_path / "runs/first"
    assert (head["serial"], head["seed"], head["simulated"], head["partial"], head["attempt"]) == (
        SERIAL, 7, True, False, 1,
    )  # fmt: skip
    assert head["expected"] == [["tx_smsr", lane, "room"] for lane in (1, 2, 3, 4)]
    assert head["limits"]["tx_smsr"]["lower"] == "30.0"
    assert {entry["kind"] for entry in head["files"]} == {"station", "product", "plan", "simulation"}
    again = opened(request(tmp_path, plan=plan, run_id="second"))
    other = opened(request(tmp_path, plan=plan, serial="PB26-0002", run_id="third"))
    assert [journalled(one)[0]["attempt"] for one in (again, other)] == [2, 1]
    assert journalled(again)[0]["code"] == head["code"]


# --- the plan's options ------------------------------------------------------------------------------

PLAN_HEAD = """\
schema: photonbench/plan/1
name: options
corners: [{name: room, case_temperature_c: 25.0, supply_v: 3.3}]
temperature: {tolerance_c: 2.0, soak: {method: time, seconds: 4, timeout_s: 900}}
steps:
"""
EYE = (
    "sequences/tx_eye.py, measures: [tx_oma_outer, tx_extinction_ratio, tx_rlm, tx_tdecq, "
    "tx_oma_minus_tdecq, tx_transition_time, tx_rin_oma], pattern: SSPRQ"
)
POWER = "sequences/tx_power.py, measures: [tx_average_power]"
SPECTRUM = "sequences/tx_spectrum.py, measures: [tx_wavelength, tx_smsr]"
SUPPLY = "sequences/supply.py, measures: [supply_current, supply_power]"
RECEIVER = "sequences/receiver.py, measures: [rx_ber]"
OPTIONS = [
    (EYE, "{averages: 8, samples_per_symbol: 32}", None),
    (EYE, "{avrages: 8}", "sequences/tx_eye.py takes no such option, did you mean 'averages'?"),
    (EYE, "{averages: 8.5}", "8.5 should be a whole number"),
    (EYE, "{averages: true}", "True should be a whole number"),
    (POWER, "{averaging_s: 1}", None),
    (POWER, "{averaging: 0.5}", "takes no such option, did you mean 'averaging_s'?"),
    (POWER, "{averaging_s: long}", "'long' should be a number"),
    (SPECTRUM, "{resolution_nm: 0.1}", None),
    (SPECTRUM, "{averages: 4}", "sequences/tx_spectrum.py takes no such option; it takes resolution_nm"),
    (SUPPLY, "{averages: 4}", "sequences/supply.py takes no such option; it takes none"),
    (RECEIVER, "{gate: 0.5}", "sequences/receiver.py takes no such option, did you mean 'gate_s'?"),
    (RECEIVER, "{step_db: half}", "'half' should be a number"),
    (RECEIVER, "{pattern: 31}", "31 should be text"),
]


@pytest.mark.parametrize(("step", "options", "words"), OPTIONS)
def test_an_option_that_a_sequence_does_not_take_is_told_by_step_and_nearest_name(
    tmp_path, step, options, words
):
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN_HEAD + f"  - {{sequence: {step}, options: {options}}}\n")
    told = "\n".join(map(str, check_options(load_plan(plan))))
    assert (words in told and "steps[0].options." in told) if words else told == "", told


def test_a_sequence_of_ones_own_takes_the_options_that_it_names(tmp_path):
    plan = write_sequences(
        tmp_path,
        GOOD_STEP,
        quiet="def test_quiet(options):\n    assert options['depth'] == 3\n",
    )
    plan.write_text(plan.read_text().replace("measures: []", "measures: [], options: {depth: 3}"))
    assert prepare(request(tmp_path, plan=plan)).warnings == ()
    plan.write_text(plan.read_text().replace("{depth: 3}", "{width: 3}"))
    with pytest.raises(FilesError, match=r"steps\[0\]\.options\.width: quiet\.py takes no such option"):
        prepare(request(tmp_path, plan=plan))


# --- a clock that can be interrupted -----------------------------------------------------------------


def test_a_wait_ends_within_a_moment_of_a_request_to_stop():
    ticks, abort = Ticks(), AbortRequest()

    class Asked(Ticks):
        def sleep(self, seconds):
            ticks.sleep(seconds)
            if ticks.now() >= 10.0:
                abort.request("SIGINT")

    clock = AbortableClock(Asked(), abort)
    with pytest.raises(RunAborted, match="SIGINT"):
        clock.sleep(3600.0)
    assert 10.0 <= ticks.now() <= 10.25
    with pytest.raises(RunAborted):
        clock.sleep(0.0)
    abort.disarm()
    clock.sleep(1.0)
    assert ticks.now() >= 11.0


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.25, 0.3, 7.77])
def test_a_wait_is_as_long_as_it_should_be(seconds):
    ticks = Ticks()
    clock = AbortableClock(ticks, AbortRequest())
    clock.sleep(seconds)
    assert ticks.now() == clock.now() == pytest.approx(seconds)
    assert clock.utc() >= datetime(2026, 6, 15, tzinfo=UTC)
