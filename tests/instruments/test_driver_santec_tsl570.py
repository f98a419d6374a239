import pytest

from instruments.drivers.santec_tsl570 import SantecTsl570
from instruments.errors import InstrumentError, InstrumentRefused, InstrumentTimeout
from tests.instruments.fake_wire import CHECKED, OK, SILENCE, opened

IDN = "SANTEC,TSL-570,23010001,0026.0026.0011"
OPENING = (
    (":SYST:COMM:COD 1", None),
    CHECKED,
    (":WAV? MIN", "+1.2600000E-006"),
    (":WAV? MAX", "+1.3600000E-006"),
    CHECKED,
)


def laser(*pairs, **more):
    return opened(SantecTsl570, *pairs, idn=IDN, opening=OPENING, **more)


def one_by_one(*commands: str):
    return (*((command, None) for command in commands), CHECKED)


TUNED = one_by_one(
    ":SYST:COMM:COD 1",
    ":POW:SHUT 1",
    ":POW:UNIT 0",
    ":POW:ATT:AUT 1",
    ":COHC 0",
    ":WAV 1.3110000E-06",
    ":POW 3.00",
    ":POW:STAT 1",
)


def test_the_shutter_opens_after_wavelength_and_power_are_reached() -> None:
    source, wire = laser(
        *TUNED,
        ("*OPC?", "1"),
        (":WAV?", "+1.3110000E-006"),
        *one_by_one(":POW:SHUT 0"),
        ("*OPC?", "1"),
        (":POW:STAT?", "+1"),
        CHECKED,
    )
    source.emit(wavelength_nm=1311.0, power_dbm=3.0)
    assert source.wavelength_range_nm == (1260.0, 1360.0)
    wire.finish()


def test_a_wavelength_outside_its_range_is_refused_before_anything_is_sent() -> None:
    source, wire = laser()
    with pytest.raises(InstrumentError, match="ask for 1260 to 1360 nm"):
        source.emit(wavelength_nm=1550.0, power_dbm=0.0)
    wire.finish()


def test_a_power_that_the_laser_refuses_leaves_the_shutter_alone() -> None:
    source, wire = laser(*TUNED[:-1], (":SYST:ERR?", '-222,"Data out of range"'), CHECKED)
    with pytest.raises(InstrumentRefused, match="-222"):
        source.emit(wavelength_nm=1311.0, power_dbm=3.0)
    wire.finish()


def test_a_laser_that_stands_elsewhere_is_an_error() -> None:
    source, _ = laser(*TUNED, ("*OPC?", "1"), (":WAV?", "+1.3100000E-006"))
    with pytest.raises(InstrumentError, match="tuned to 1311 nm but stands at 1310"):
        source.emit(wavelength_nm=1311.0, power_dbm=3.0)


def test_a_laser_whose_interlock_is_open_is_an_error() -> None:
    source, _ = laser(
        *TUNED,
        ("*OPC?", "1"),
        (":WAV?", "1.311E-6"),
        *one_by_one(":POW:SHUT 0"),
        ("*OPC?", "1"),
        (":POW:STAT?", "0"),
    )
    with pytest.raises(InstrumentError, match="did not switch its light on; check its key"):
        source.emit(wavelength_nm=1311.0, power_dbm=3.0)


def test_darkening_closes_the_shutter_and_stops_the_diode() -> None:
    source, wire = laser(
        *one_by_one(":POW:SHUT 1"), *one_by_one(":POW:STAT 0"), ("*OPC?", "1"), (":POW:STAT?", "0"), CHECKED
    )
    source.make_safe()
    wire.finish()


def test_light_that_stays_on_is_an_error() -> None:
    source, _ = laser(
        *one_by_one(":POW:SHUT 1"), *one_by_one(":POW:STAT 0"), ("*OPC?", "1"), (":POW:STAT?", "1")
    )
    with pytest.raises(InstrumentError, match="did not switch its light off"):
        source.darken()


def test_its_monitor_is_read_in_dbm() -> None:
    source, wire = laser(*one_by_one(":POW:UNIT 0"), (":POW:ACT?", "+2.9900000E+000"), CHECKED)
    assert source.read_power_dbm() == pytest.approx(2.99)
    wire.finish()


def test_over_tcp_lines_end_with_cr() -> None:
    source, wire = laser(
        *one_by_one(":POW:UNIT 0"), (":POW:ACT?", "0.0"), CHECKED, stream=True, termination="\r"
    )
    assert source.read_power_dbm() == 0.0
    assert wire.read_termination == "\r"


def test_a_laser_that_never_tunes_is_a_timeout() -> None:
    source, wire = laser(*TUNED, ("*OPC?", SILENCE), ("*IDN?", IDN), (":SYST:ERR?", OK))
    with pytest.raises(InstrumentTimeout, match=r"\*OPC\?"):
        source.emit(wavelength_nm=1311.0, power_dbm=3.0)
    wire.finish()
