import pytest

from station.config.loader import load_plan, load_product
from station.expected import Key, expand
from station.itinerary import Itinerary
from tests.station.core_kit import CURRENT, POWER, TDECQ, rows
from tests.station.sequence_kit import CHECKOUT, PRODUCT

PLAN = """\
schema: photonbench/plan/1
name: walk
corners:
  - {name: cold, case_temperature_c: 0.0, supply_v: 3.2}
  - {name: room, case_temperature_c: 25.0, supply_v: 3.3}
  - {name: hot, case_temperature_c: 70.0, supply_v: 3.4}
temperature: {tolerance_c: 1.0, soak: {method: time, seconds: 1, timeout_s: 9}}
steps:
  - {sequence: own.py, corners: once, measures: []}
  - {sequence: sequences/tx_power.py, corners: [hot, room], measures: [tx_power], options: {averaging_s: 0.2}}
  - {sequence: sequences/supply.py, measures: [supply_current]}
  - {sequence: sequences/tx_power.py, corners: [cold], measures: [tx_power]}
"""
POWER_FILE = CHECKOUT / "sequences/tx_power.py"
SUPPLY_FILE = CHECKOUT / "sequences/supply.py"


@pytest.fixture
def walk(tmp_path):
    (tmp_path / "plan.yaml").write_text(PLAN)
    (tmp_path / "own.py").write_text("")
    plan = load_plan(tmp_path / "plan.yaml").value
    return Itinerary.of(plan, tmp_path / "plan.yaml")


def corner(itinerary, name):
    return next(corner for corner in itinerary.corners if corner.name == name)


def test_sequences_beside_the_plan_come_before_those_of_the_checkout(walk, tmp_path):
    assert walk.files == (tmp_path / "own.py", POWER_FILE, SUPPLY_FILE)
    assert walk.is_sequence(tmp_path / "own.py")
    assert not walk.is_sequence(CHECKOUT / "sequences/tx_eye.py")


def test_each_corner_is_visited_once_with_its_steps_in_the_order_of_the_plan(walk):
    visits = sorted(walk.visits, key=lambda visit: walk.place_of(*visit))
    assert [(corner.name, path.stem) for path, corner in visits] == [
        ("cold", "own"), ("cold", "tx_power"), ("cold", "supply"),
        ("room", "tx_power"), ("room", "supply"),
        ("hot", "tx_power"), ("hot", "supply"),
    ]  # fmt: skip


def test_a_step_is_that_of_its_corner(walk):
    assert walk.step_of(POWER_FILE, corner(walk, "hot")).options == {"averaging_s": 0.2}
    assert walk.step_of(POWER_FILE, corner(walk, "cold")).options == {}
    assert walk.step_of(CHECKOUT / "sequences/tx_eye.py", corner(walk, "cold")) is None
    assert walk.step_of(POWER_FILE, None) is None


def test_what_is_on_no_plan_comes_first_and_last(walk, tmp_path):
    stranger = tmp_path / "stranger.py"
    assert walk.corners_of(stranger) == ()
    assert walk.place_of(stranger, None) < walk.place_of(tmp_path / "own.py", corner(walk, "cold"))
    assert walk.place_of(stranger, corner(walk, "cold")) > walk.place_of(SUPPLY_FILE, corner(walk, "cold"))


def test_without_a_plan_any_sequence_runs_once_at_room(tmp_path):
    free = Itinerary.without_plan(load_product(PRODUCT).value)
    assert [(c.name, c.case_temperature_c, c.supply_v) for c in free.corners_of(POWER_FILE)] == [
        ("room", 25.0, 3.3)
    ]
    assert free.is_sequence(POWER_FILE)
    assert not free.is_sequence(tmp_path / "own.py")
    assert (free.visits, free.step_of(POWER_FILE, free.corners[0])) == ((), None)


def test_the_expected_set_is_every_measurement_at_every_corner_and_lane(walk):
    limits = rows(POWER, TDECQ, CURRENT)
    expected = expand(walk.plan, load_product(PRODUCT).value, limits)
    assert len(expected) == len(set(expected)) == 3 * 4 + 3
    assert {key for key in expected if key.name == "supply_current"} == {
        Key("supply_current", None, name) for name in ("cold", "room", "hot")
    }
    assert [str(key) for key in expected if key.corner == "hot"] == [
        *(f"tx_power lane {lane} at hot" for lane in (1, 2, 3, 4)),
        "supply_current at hot",
    ]
