import pytest

from instruments.drivers.temptronic_ats545 import TemptronicAts545
from instruments.errors import (
    GarbledAnswer,
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    RangeError,
)
from instruments.interfaces.safe_state import SafetyRank
from tests.instruments.fake_wire import SILENCE, Again, opened

IDN = "TEMPTRONIC CORP,ATS-545,545-1234,1.20"
QUIET = (("EROR?", "0"), ("*ESR?", "0"))
OPENING = (("LLIM?", "-80.0"), ("ULIM?", "225.0"), *QUIET)
OPERATOR = ("WHAT?", "10")


def head(*pairs, idn=IDN):
    return opened(TemptronicAts545, *pairs, idn=idn, opening=OPENING)


def words(*commands: str):
    return (*((command, None) for command in commands), *QUIET)


def forcing(slot: int, temperature: str):
    return words("DUTM 0", f"SETN {slot}", "WNDW 1.0", "SOAK 0", "RAMP 9999", f"SETP {temperature}")


@pytest.mark.parametrize(
    ("temperature_c", "slot", "word"), [(70.0, 0, "70.0"), (25.0, 1, "25.0"), (0.0, 2, "0.0")]
)
def test_each_temperature_goes_to_its_slot(temperature_c: float, slot: int, word: str) -> None:
    thermal_head, wire = head(OPERATOR, *forcing(slot, word), *words("HEAD 1", "FLOW 1"))
    thermal_head.force(temperature_c)
    wire.finish()


def test_the_operator_screen_is_entered_first() -> None:
    thermal_head, wire = head(
        ("WHAT?", "63"),
        *words("RSTO"),
        ("WHAT?", "63"),
        OPERATOR,
        *forcing(0, "70.0"),
        *words("HEAD 1", "FLOW 1"),
    )
    thermal_head.force(70.0)
    wire.finish()


def test_a_screen_that_does_not_come_is_a_timeout() -> None:
    thermal_head, _ = head(("WHAT?", "0"), *words("RSTO"), ("WHAT?", Again("0")), *QUIET)
    with pytest.raises(InstrumentTimeout, match="still busy after 10 s"):
        thermal_head.force(70.0)


def test_the_limits_set_on_the_instrument_hold() -> None:
    thermal_head, wire = head()
    assert thermal_head.range_c == (-80.0, 225.0)
    with pytest.raises(InstrumentError, match="ask for -80 to 225 °C"):
        thermal_head.force(230.0)
    wire.finish()


def test_low_air_pressure_is_named() -> None:
    thermal_head, wire = head(
        OPERATOR,
        *forcing(0, "70.0"),
        ("HEAD 1", None),
        ("FLOW 1", None),
        ("EROR?", "24"),
        ("CLER", None),
        ("*ESR?", "0"),
    )
    with pytest.raises(InstrumentRefused, match=r"low flow \(bit 3\); low input air pressure \(bit 4\)"):
        thermal_head.force(70.0)
    wire.finish()


def test_a_refused_set_point_starts_no_flow() -> None:
    thermal_head, wire = head(OPERATOR, *forcing(0, "70.0")[:-1], ("*ESR?", "16"))
    with pytest.raises(InstrumentRefused, match="execution error"):
        thermal_head.force(70.0)
    wire.finish()


def test_the_air_is_read() -> None:
    thermal_head, wire = head(("TMPA?", "69.8"), *QUIET)
    assert thermal_head.read_air_c() == 69.8
    wire.finish()


@pytest.mark.parametrize(
    ("answer", "error"), [("999.9", RangeError), ("---", GarbledAnswer), (SILENCE, InstrumentTimeout)]
)
def test_no_temperature_is_an_error(answer, error) -> None:
    thermal_head, _ = head(("TMPA?", answer), ("*IDN?", SILENCE))
    with pytest.raises(error):
        thermal_head.read_air_c()


def test_safe_means_ambient_and_no_flow() -> None:
    thermal_head, wire = head(OPERATOR, *words("SETN 1", "SETP 25.0"), *words("FLOW 0"))
    thermal_head.make_safe()
    assert thermal_head.safety_rank is SafetyRank.THERMAL_HEAD
    wire.finish()


def test_the_flow_stops_even_when_ambient_is_refused() -> None:
    thermal_head, wire = head(
        OPERATOR, ("SETN 1", None), ("SETP 25.0", None), ("EROR?", "0"), ("*ESR?", "16"), *words("FLOW 0")
    )
    with pytest.raises(InstrumentRefused):
        thermal_head.release()
    wire.finish()
