import pytest

from instruments.errors import WrongTransceiver
from station.config.plan_file import Corner, SoakByTime, Temperature
from station.temperature import TemperatureNotReached
from tests.station.sequence_kit import GOOD
from tests.station.twin_kit import SERIAL, SlotOnTwin, changed

ROOM = Corner(name="room", case_temperature_c=25.0, supply_v=3.3)
WARM = Corner(name="warm", case_temperature_c=35.0, supply_v=3.4, test_channel="fibre_500m")
LONG = "PB26-0123456789-ABCDEF-012345678"


def rules(timeout_s=900.0):
    soak = SoakByTime(method="time", seconds=4.0, timeout_s=timeout_s)
    return Temperature(tolerance_c=2.0, soak=soak)


@pytest.fixture
def simulation(tmp_path):
    """Write a simulation whose transceiver says something else of itself."""
    return lambda identity: changed(tmp_path, GOOD, ("identity: {}", f"identity: {identity}"))


def test_the_right_transceiver_is_powered_identified_and_lit_and_what_it_draws_is_known():
    bench = SlotOnTwin(rules())
    identity = bench.slot.power_up(SERIAL)
    assert (identity.serial_number, identity.part_number) == (SERIAL, "PB-DR4-Q112")
    assert bench.events.of("transceiver")[0]["serial"] == SERIAL
    assert bench.watch.lit_at is not None, "a watch that never sees light would prove nothing"
    assert bench.slot.powered
    rail = bench.slot.parts.rail
    current, power = rail.read_current(), rail.read_power()
    assert (current.unit, power.unit, current.instruments) == ("A", "W", ("supply",))
    assert power.value == pytest.approx(3.3 * current.value, rel=0.02)
    assert power.evidence["current_a"] * power.evidence["voltage_v"] == power.value
    assert 0 < current.standard_error < 0.02 * current.value
    assert power.standard_error > 3.0 * current.standard_error
    bench.slot.power_off()
    assert (bench.slot.powered, bench.supply_v) == (False, 0.0)


@pytest.mark.parametrize("lines", [True, False], ids=["board with lines", "strapped board"])
@pytest.mark.parametrize(
    ("identity", "words"),
    [("{serial_number: PB26-0002}", "PB26-0002"), ("{part_number: OTHER-1}", "OTHER-1")],
)
def test_a_wrong_transceiver_is_refused_before_any_light(simulation, identity, words, lines):
    bench = SlotOnTwin(rules(), simulation=simulation(identity), lines=lines)
    for _ in range(2):  # the second step does not go on where the first was refused
        with pytest.raises(WrongTransceiver, match=words):
            bench.slot.go_to(ROOM, SERIAL)
    assert bench.supply_v > 3.0
    assert bench.watch.lit_at is None
    assert bench.slot.conditions is None
    assert bench.events.of("corner_started") == []


def test_a_slot_without_lines_and_head_holds_the_transceiver_dark_by_register_until_it_is_identified():
    bench = SlotOnTwin(rules(), lines=False, head=False)
    named_at = []
    remember = bench.events.append
    bench.events.append = lambda event, **fields: (
        named_at.append(bench.twin.clock.now()),
        remember(event, **fields),
    )
    reached = bench.slot.go_to(ROOM, SERIAL)
    assert bench.watch.lit_at > named_at[0]
    assert reached.air_temperature_c is None
    assert reached.case_temperature_c > 20.0, "as warm as it is"
    assert bench.events.of("corner_reached") == []


def test_of_a_long_serial_number_the_memory_holds_the_beginning():
    bench = SlotOnTwin(rules(), serial=LONG)
    assert len(LONG) == 32
    assert bench.slot.power_up(LONG).serial_number == LONG[:16]


def test_a_long_serial_number_that_begins_otherwise_is_another_transceiver():
    bench = SlotOnTwin(rules(), serial="X" + LONG[1:])
    with pytest.raises(WrongTransceiver):
        bench.slot.power_up(LONG)
    assert bench.watch.lit_at is None


def test_a_corner_is_case_temperature_and_supply_and_is_visited_once():
    bench = SlotOnTwin(rules())
    reached = bench.slot.go_to(ROOM, SERIAL)
    assert reached.case_temperature_c == pytest.approx(25.0, abs=2.0)
    assert reached.supply_v == pytest.approx(3.3, abs=0.02)
    assert (reached.corner, reached.test_channel) == ("room", "back-to-back")
    assert reached.air_temperature_c < reached.case_temperature_c
    at = bench.twin.clock.now()
    assert bench.slot.go_to(ROOM, SERIAL) is reached
    assert bench.twin.clock.now() == at
    warm = bench.slot.go_to(WARM, SERIAL)
    assert (warm.supply_v, warm.test_channel) == (pytest.approx(3.4, abs=0.02), "fibre_500m")
    assert [event["corner"] for event in bench.events.of("corner_reached")] == ["room", "warm"]
    assert len(bench.events.of("transceiver")) == 1
    assert bench.slot.now().case_temperature_c == bench.slot.last_case_c

    bench.slot._rules = rules(timeout_s=1.0)
    with pytest.raises(TemperatureNotReached, match="did not soak at 25 °C within 1 s"):
        bench.slot.go_to(ROOM, SERIAL)
    assert bench.slot.conditions is None, "a corner that was not reached is no corner"
    with pytest.raises(RuntimeError, match="no corner"):
        bench.slot.now()
