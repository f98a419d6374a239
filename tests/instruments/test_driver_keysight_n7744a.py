import pytest

from instruments.drivers.keysight_n7744a import KeysightN7744A, KeysightN7745A
from instruments.errors import (
    GarbledAnswer,
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    PhotonbenchError,
    RangeError,
    WrongIdentity,
)
from tests.instruments.fake_wire import CHECKED, DROPPED, SILENCE, opened, settings

IDN = "Keysight Technologies,N7744A,MY12345678,1.2.3"


def meter(*pairs, idn=IDN, **more):
    return opened(KeysightN7744A, *pairs, idn=idn, opening=(CHECKED,), **more)


def prepared(port: int, wavelength: str = "1310.000000", averaging: str = "0.100000"):
    return settings(
        f":TRIG{port}:INP IGN",
        f":INIT{port}:CONT 0",
        f":SENS{port}:POW:UNIT 1",
        f":SENS{port}:POW:REF:STAT 0",
        f":SENS{port}:CORR 0DB",
        f":SENS{port}:POW:RANG:AUTO 1",
        f":SENS{port}:POW:WAV {wavelength}NM",
        f":SENS{port}:POW:ATIM {averaging}S",
    )


def test_ports_are_read_over_the_same_time_each_at_its_wavelength() -> None:
    power_meter, wire = meter(
        prepared(1),
        prepared(3, "1304.500000"),
        (":INIT1:IMM;:INIT3:IMM", None),
        ("*OPC?", "1"),
        (":FETC1:POW?", "+1.41250000E-003"),
        (":FETC3:POW?", "-2.0E-012"),
        CHECKED,
    )
    first, third = power_meter.read_powers(["1", "3"], wavelengths_nm=[1310.0, 1304.5])
    assert first.power_mw == pytest.approx(1.4125)
    assert not first.dark
    assert (third.port, third.wavelength_nm, third.averaging_s) == ("3", 1304.5, 0.1)
    assert third.power_mw == pytest.approx(-2e-9)
    assert third.dark
    wire.finish()


def test_the_timeout_follows_the_averaging_time() -> None:
    power_meter, wire = meter(
        prepared(1, averaging="10.000000"),
        (":INIT1:IMM", None),
        ("*OPC?", "1"),
        (":FETC1:POW?", "1E-3"),
        CHECKED,
    )
    power_meter.read_power("1", wavelength_nm=1310.0, averaging_s=10.0)
    assert 12_000 in wire.timeouts


@pytest.mark.parametrize(("answer", "side"), [("+9.90000000E+037", "over"), ("-9.9E37", "under")])
def test_over_and_under_range_are_errors(answer: str, side: str) -> None:
    power_meter, _ = meter(prepared(1), (":INIT1:IMM", None), ("*OPC?", "1"), (":FETC1:POW?", answer))
    with pytest.raises(RangeError, match=f"{side}-range at port 1") as caught:
        power_meter.read_power("1", wavelength_nm=1310.0)
    assert caught.value.command == ":FETC1:POW?"


def test_a_stuck_meter_costs_its_timeout_in_bench_time_only() -> None:
    power_meter, wire = meter(prepared(1), (":INIT1:IMM", None), ("*OPC?", SILENCE), ("*IDN?", SILENCE))
    with pytest.raises(InstrumentTimeout, match=r"'\*OPC\?' within 2.1 s"):
        power_meter.read_power("1", wavelength_nm=1310.0)
    assert wire.clock.now() == pytest.approx(4.1)


@pytest.mark.parametrize(
    ("answer", "error"),
    [("1.2.3", GarbledAnswer), (b"+1.2E-0", GarbledAnswer), (DROPPED, InstrumentError)],
)
def test_a_disturbed_reading_is_an_error(answer, error) -> None:
    power_meter, _ = meter(prepared(1), (":INIT1:IMM", None), ("*OPC?", "1"), (":FETC1:POW?", answer))
    with pytest.raises(error):
        power_meter.read_power("1", wavelength_nm=1310.0)


def test_an_unknown_wavelength_is_refused_by_the_meter_not_clamped() -> None:
    message, _ = prepared(1, "2000.000000")
    power_meter, _ = meter((message, '-222,"Data out of range"'), CHECKED)
    with pytest.raises(InstrumentRefused, match="-222"):
        power_meter.read_power("1", wavelength_nm=2000.0)


def test_an_unknown_port_is_refused_before_anything_is_sent() -> None:
    power_meter, wire = meter()
    with pytest.raises(PhotonbenchError, match="no port '5'"):
        power_meter.read_power("5", wavelength_nm=1310.0)
    wire.finish()


def test_zeroing_checks_every_port() -> None:
    power_meter, _ = meter(
        (":SENS1:CORR:COLL:ZERO:ALL", None),
        ("*OPC?", "1"),
        (":SENS1:CORR:COLL:ZERO?", "+0"),
        (":SENS2:CORR:COLL:ZERO?", "+1"),
    )
    with pytest.raises(InstrumentError, match="could not zero port 2; darken the port"):
        power_meter.zero()


@pytest.mark.parametrize("idn", ["Keysight Technologies,N7745A,MY1,1", "YOKOGAWA,AQ6370D,9,1"])
def test_another_instrument_is_refused_on_opening(idn: str) -> None:
    with pytest.raises(WrongIdentity, match="is expected at this address"):
        meter(idn=idn)


def test_another_serial_is_refused_on_opening() -> None:
    with pytest.raises(WrongIdentity, match="has serial 'MY12345678', the station file says 'MY99'"):
        meter(serial="MY99")


def test_an_answer_that_is_no_identity_is_garbled() -> None:
    with pytest.raises(GarbledAnswer):
        meter(idn="hello")


def test_the_serial_stands_in_later_errors() -> None:
    power_meter, _ = meter((prepared(1)[0], SILENCE), ("*IDN?", SILENCE), serial="MY12345678")
    with pytest.raises(InstrumentTimeout, match=r"bench \(Keysight N7744A, serial MY12345678\)"):
        power_meter.read_power("1", wavelength_nm=1310.0)
    assert power_meter.identity.firmware == "1.2.3"


def test_the_bigger_sister_has_eight_ports() -> None:
    assert KeysightN7745A.port_count == 8
    assert KeysightN7745A.idn_pattern != KeysightN7744A.idn_pattern
