import pytest

from instruments.drivers.keysight_n7764a import KeysightN7764A
from instruments.errors import InstrumentError, InstrumentRefused, InstrumentTimeout, RangeError
from instruments.interfaces.safe_state import SafetyRank
from tests.instruments.fake_wire import CHECKED, SILENCE, opened, settings

IDN = "Keysight Technologies,N7764A,MY2,1.0"
MAXIMA = tuple((f":INP{slot}:ATT? MAX", "+4.5E+1") for slot in (1, 3, 5, 7))


def attenuator(*pairs, **more):
    return opened(KeysightN7764A, *pairs, idn=IDN, opening=(*MAXIMA, CHECKED), **more)


def attenuating(slot: int, value: str):
    return settings(
        f":OUTP{slot}:POW:CONTR 0",
        f":INP{slot}:WAV 1310.000000NM",
        f":INP{slot}:OFFS 0DB",
        f":INP{slot}:ATT:SPE MAX",
        f":INP{slot}:ATT {value}DB",
    )


MONITORING = settings(
    ":INP3:WAV 1310.000000NM",
    ":CONF3:OFFS:WAV:STAT 0",
    ":OUTP3:POW:OFFS 0DB",
    ":OUTP3:POW:UN 1",
    ":OUTP3:ATIM 0.100000S",
)


def test_channels_are_set_waited_for_and_read_back() -> None:
    voa, wire = attenuator(
        attenuating(1, "7.500"),
        attenuating(3, "45.000"),
        ("*OPC?", "1"),
        (":INP1:ATT?", "7.5"),
        (":INP3:ATT?", "45.0"),
        CHECKED,
    )
    voa.attenuate({"1": 7.5, "2": 45.0}, wavelength_nm=1310.0)
    assert voa.maximum_attenuation_db == 45.0
    wire.finish()


@pytest.mark.parametrize("asked_db", [-0.1, 45.1])
def test_an_impossible_attenuation_is_refused_not_clamped(asked_db: float) -> None:
    voa, wire = attenuator()
    with pytest.raises(InstrumentError, match="ask for 0 to 45 dB"):
        voa.attenuate({"1": asked_db}, wavelength_nm=1310.0)
    wire.finish()


def test_an_attenuation_that_was_not_reached_is_an_error() -> None:
    voa, _ = attenuator(attenuating(1, "20.000"), ("*OPC?", "1"), (":INP1:ATT?", "0.0"))
    with pytest.raises(InstrumentError, match="set to 20 dB on channel 1 but stands at 0 dB"):
        voa.attenuate({"1": 20.0}, wavelength_nm=1310.0)


def test_a_shutter_that_does_not_close_is_an_error() -> None:
    voa, _ = attenuator(settings(":OUTP5:STAT 0"), ("*OPC?", "1"), (":OUTP5:STAT?", "1"))
    with pytest.raises(InstrumentError, match="did not close the shutter of channel 3"):
        voa.close_shutters(["3"])


def test_shutters_open_together() -> None:
    voa, wire = attenuator(
        settings(":OUTP1:STAT 1", ":OUTP3:STAT 1"),
        ("*OPC?", "1"),
        (":OUTP1:STAT?", "1"),
        (":OUTP3:STAT?", "+1"),
        CHECKED,
    )
    voa.open_shutters(["1", "2"])
    wire.finish()


def test_monitors_are_read_in_milliwatt() -> None:
    voa, wire = attenuator(
        MONITORING,
        (":READ3:POW?", "2.5E-4"),
        CHECKED,
    )
    (reading,) = voa.read_output_powers(["2"], wavelength_nm=1310.0)
    assert reading.power_mw == pytest.approx(0.25)
    assert wire.clock.now() == pytest.approx(0.2)
    wire.finish()


def test_a_monitor_out_of_range_is_an_error() -> None:
    voa, _ = attenuator(
        MONITORING,
        (":READ3:POW?", "9.91E37"),
    )
    with pytest.raises(RangeError, match="monitor 2"):
        voa.read_output_powers(["2"], wavelength_nm=1310.0)


def test_safe_is_dark_and_at_maximum_even_after_an_abort() -> None:
    voa, wire = attenuator(
        settings(*(f":OUTP{slot}:STAT 0" for slot in (1, 3, 5, 7))),
        settings(*(f":INP{slot}:ATT MAX" for slot in (1, 3, 5, 7))),
        ("*OPC?", "1"),
        CHECKED,
    )

    def stop() -> None:
        raise RuntimeError

    voa.session.abort = stop
    voa.make_safe()
    assert voa.safety_rank is SafetyRank.ATTENUATOR
    wire.finish()


def test_attenuators_go_to_maximum_even_when_shutters_are_refused() -> None:
    shutters = ";".join([*(f":OUTP{slot}:STAT 0" for slot in (1, 3, 5, 7)), ":SYST:ERR?"])
    voa, wire = attenuator(
        (shutters, '-240,"Hardware error"'),
        CHECKED,
        settings(*(f":INP{slot}:ATT MAX" for slot in (1, 3, 5, 7))),
        ("*OPC?", "1"),
    )
    with pytest.raises(InstrumentRefused, match="-240"):
        voa.make_safe()
    wire.finish()


def test_a_stuck_attenuator_is_a_timeout() -> None:
    voa, _ = attenuator(attenuating(1, "1.000"), ("*OPC?", SILENCE), ("*IDN?", SILENCE))
    with pytest.raises(InstrumentTimeout):
        voa.attenuate({"1": 1.0}, wavelength_nm=1310.0)
