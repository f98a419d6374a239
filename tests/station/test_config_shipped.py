"""The files that we ship, held against the rooms that will use them."""

from datetime import date

import pytest

from measurements.patterns import is_pam4, period
from measurements.reference_receivers import reference_receiver
from simulation.faults import Fault, FaultKind
from station.config.files import check_files, load_files
from station.config.limits import resolved_limits
from station.config.plan_file import Pattern
from station.config.sequence_source import CHECKOUT
from station.config.simulation_file import Fault as FaultRow
from station.config.simulation_file import FaultKind as FaultWord

CONFIGS = CHECKOUT / "configs"
TODAY = date(2026, 6, 15)


@pytest.fixture(scope="module")
def files():
    return load_files(
        station=CONFIGS / "stations/dr4-bench.yaml",
        plan=CONFIGS / "plans/dr4-final.yaml",
        simulation=CONFIGS / "simulations/dr4-good.yaml",
    )


def test_the_demo_files_have_no_problem(files):
    today = files.simulation.value.epoch.date()
    problems = check_files(files, today=today)
    # A sequence that is not written yet is told as missing; whatever it says once it is there must fit.
    missing = [problem for problem in problems if "there is no such file" in problem.what]
    assert [str(problem) for problem in problems if problem not in missing] == []
    for problem in missing:
        assert not (CHECKOUT / problem.what.partition(":")[0]).exists()


def test_limits_of_the_clause_are_those_of_the_facts(files):
    limits = resolved_limits(files.product.value, TODAY)
    bounds = {name: [bound.expression.text for bound in limit.bounds] for name, limit in limits.items()}
    assert bounds == {
        "tx_average_power": ["-2.9", "4.0"],
        "tx_oma_outer": ["-0.8", "4.2"],
        "tx_oma_minus_tdecq": ["-2.2"],
        "tx_tdecq": ["3.4"],
        "tx_extinction_ratio": ["3.5"],
        "tx_transition_time": ["17.0"],
        "tx_rin_oma": ["-136.0"],
        "tx_wavelength": ["1304.5", "1317.5"],
        "tx_smsr": ["30.0"],
        "tx_disable_power": ["-15.0"],
        "tx_lane_order": ["lane", "lane"],
        "rx_ber": ["0.00024"],
        "rx_sensitivity": ["max(-3.9, tx_tdecq - 5.3)"],
        "tx_rlm": ["0.9"],
        "supply_power": ["10.0"],
        "supply_current": ["3.19"],
    }


def test_the_plan_measures_every_limit_of_the_standard_and_the_product(files):
    measured = {name for step in files.plan.value.steps for name in step.measures}
    assert set(resolved_limits(files.product.value, TODAY)) == measured


def test_current_and_power_limits_agree_at_the_lowest_supply(files):
    limits = resolved_limits(files.product.value, TODAY)
    power_w = limits["supply_power"].upper.expression.constant
    current_a = limits["supply_current"].upper.expression.constant
    assert current_a == pytest.approx(power_w / files.product.value.supply.voltage_min_v, abs=0.005)
    assert current_a < files.product.value.supply.current_limit_a


def test_the_product_is_judged_by_its_clauses_receiver(files):
    assert "400GBASE-DR4" in files.product.value.name
    assert reference_receiver(files.product.value.reference_receiver).target_ser == 4.8e-4


@pytest.mark.parametrize(
    ("serial", "accepted"),
    [
        ("PB26-00017", True),
        ("A123", True),
        ("A12", False),
        ("pb26-00017", False),
        ("-A123", False),
        ("A123\n", False),
        ("", False),
        ("A" * 32, True),
        ("A" * 33, False),
    ],
)
def test_the_serial_rule_takes_the_whole_scan(files, serial, accepted):
    assert files.product.value.accepts_serial(serial) is accepted


def test_the_station_wires_each_lane_to_every_instrument(files):
    links = {(str(link.source), str(link.destination)) for link in files.station.value.wiring.optical}
    for lane in range(1, 5):
        assert {
            (f"slot1.tx{lane}", f"coupler_{lane}.in1"),
            (f"coupler_{lane}.out1", f"attenuator.{lane}.in"),
            (f"attenuator.{lane}.out", f"slot1.rx{lane}"),
            (f"coupler_{lane}.out2", f"switch.M{lane}.com"),
            (f"switch.M{lane}.1", f"scope.{lane}A"),
            (f"switch.M{lane}.2", f"power_meter.{lane}"),
            (f"switch.M{lane}.3", f"switch.M6.{lane}"),
            (f"switch.M5.{lane}", f"coupler_{lane}.in2"),
        } <= links
    assert len(links) == 8 * 4 + 2


def test_no_transceiver_of_the_product_can_damage_its_own_receiver(files):
    product, station = files.product.value, files.station.value
    strongest_dbm = resolved_limits(product, TODAY)["tx_average_power"].upper.expression.constant
    for lane in product.lane_numbers:
        to_coupler, to_attenuator, to_receiver = (
            next(link.loss_db for link in station.wiring.optical if str(link.source) == source)
            for source in (f"slot1.tx{lane}", f"coupler_{lane}.out1", f"attenuator.{lane}.out")
        )
        assert strongest_dbm - to_coupler.at(1311) - to_attenuator.at(1311) - to_receiver.at(1311) < 5.0
    assert product.receiver_damage_dbm == 5.0


def test_plans_know_the_patterns_of_the_measurement_library():
    for name in Pattern.__args__:
        assert period(name) > 0
        assert is_pam4(name) is (name.endswith("Q") or name == "SQUARE")


def test_simulation_files_know_the_faults_of_the_twin():
    assert set(FaultWord.__args__) == {kind.value for kind in FaultKind}
    row = FaultRow(instrument="scope", kind="slow", after_messages=3, after_s=1.5, delay_s=9.0)
    assert Fault(**row.model_dump(exclude_none=True)).delay_s == 9.0
