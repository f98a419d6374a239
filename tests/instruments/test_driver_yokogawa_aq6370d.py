import numpy as np
import pytest

from instruments.drivers.yokogawa_aq6370d import YokogawaAq6370D
from instruments.errors import (
    GarbledAnswer,
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    WrongIdentity,
)
from instruments.session import Session
from tests.instruments.fake_wire import CHECKED, SILENCE, Again, FakeWire, block, opened, settings

IDN = "YOKOGAWA,AQ6370D,91R123456,02.08"
PREPARED = settings(
    ":UNIT:X WAV",
    ":DISP:TRAC:Y1:SPAC LOG",
    ":DISP:TRAC:Y1:UNIT DBM",
    ":SENS:WAV:STAR 1300.000NM",
    ":SENS:WAV:STOP 1320.000NM",
    ":SENS:BAND:RES 0.050NM",
    ":SENS:SENS MID",
    ":SENS:AVER:COUN 1",
    ":SENS:SWE:POIN:AUTO 1",
    ":TRAC:ACT TRA",
    ":TRAC:ATTR:TRA WRIT",
    ":INIT:SMOD SING",
    ":FORM:DATA REAL,64",
)
RESOLUTION = (":SENS:BAND:RES?", "+5.00000000E-011")
STARTED = ("*CLS;:INIT", None)
X = np.linspace(1300e-9, 1320e-9, 1001)
Y = np.full(1001, -60.0)


def analyser(*pairs, **more):
    return opened(YokogawaAq6370D, *pairs, idn=IDN, opening=(CHECKED,), **more)


def sweep(osa):
    return osa.sweep(start_nm=1300.0, stop_nm=1320.0, resolution_nm=0.05)


def test_one_sweep_gives_the_whole_trace() -> None:
    osa, wire = analyser(
        PREPARED,
        RESOLUTION,
        STARTED,
        (":STAT:OPER:EVEN?", "0"),
        (":STAT:OPER:EVEN?", "1"),
        (":TRAC:X? TRA", block(X, "<f8")),
        (":TRAC:Y? TRA", block(Y, "<f8")),
        CHECKED,
        options={"wavelength_accuracy_nm": 0.02},
    )
    spectrum = sweep(osa)
    assert spectrum.wavelength_nm == pytest.approx(np.linspace(1300, 1320, 1001))
    assert spectrum.power_dbm.tolist() == Y.tolist()
    assert spectrum.resolution_nm == pytest.approx(0.05)
    assert spectrum.wavelength_accuracy_nm == 0.02
    assert not spectrum.wavelength_nm.flags.writeable
    assert not spectrum.power_dbm.flags.writeable
    wire.finish()


def test_a_resolution_it_has_not_is_refused_not_rounded() -> None:
    osa, wire = analyser()
    with pytest.raises(InstrumentError, match=r"no resolution 0.03 nm; ask for 0.02, 0.05"):
        osa.sweep(start_nm=1300.0, stop_nm=1320.0, resolution_nm=0.03)
    wire.finish()


def test_a_resolution_it_did_not_take_is_an_error() -> None:
    osa, _ = analyser(PREPARED, (":SENS:BAND:RES?", "+1.0E-10"))
    with pytest.raises(InstrumentError, match=r"took 0.1 nm instead of 0.05 nm"):
        sweep(osa)


def test_a_refused_setting_starts_no_sweep() -> None:
    osa, wire = analyser((PREPARED[0], '-222,"Data out of range"'), CHECKED)
    with pytest.raises(InstrumentRefused):
        sweep(osa)
    wire.finish()


def test_a_sweep_that_never_ends_is_a_timeout() -> None:
    osa, wire = analyser(PREPARED, RESOLUTION, STARTED, (":STAT:OPER:EVEN?", Again("0")), CHECKED)
    with pytest.raises(InstrumentTimeout, match="still busy after 35 s"):
        sweep(osa)
    assert wire.clock.now() == pytest.approx(35.0, abs=0.2)


def test_a_trace_whose_axes_differ_in_length_is_garbled() -> None:
    osa, _ = analyser(
        PREPARED,
        RESOLUTION,
        STARTED,
        (":STAT:OPER:EVEN?", "1"),
        (":TRAC:X? TRA", block(X, "<f8")),
        (":TRAC:Y? TRA", block(Y[:-1], "<f8")),
    )
    with pytest.raises(GarbledAnswer, match="1001 wavelengths and 1000 powers"):
        sweep(osa)


def test_a_garbled_status_is_an_error() -> None:
    osa, _ = analyser(PREPARED, RESOLUTION, STARTED, (":STAT:OPER:EVEN?", "READY"))
    with pytest.raises(GarbledAnswer):
        sweep(osa)


def on_socket(*pairs, **options):
    wire = FakeWire(*pairs, termination="\r\n")
    session = Session(
        wire,
        name="osa",
        model="Yokogawa AQ6370D",
        clock=wire.clock,
        profile=YokogawaAq6370D.profile,
        stream=True,
    )
    return YokogawaAq6370D(session, options=options), wire


def test_a_socket_wants_a_login_first() -> None:
    osa, wire = on_socket(
        ('OPEN "anonymous"', "AUTHENTICATE CRAM-MD5."), ("anonymous", "ready"), ("*IDN?", IDN), CHECKED
    )
    assert osa.open().identity.model == "AQ6370D"
    wire.finish()


def test_a_refused_login_names_the_user_and_never_the_password() -> None:
    osa, _ = on_socket(
        ('OPEN "lab"', "AUTHENTICATE CRAM-MD5."), ("s3cret", "ERROR"), user="lab", password="s3cret"
    )
    with pytest.raises(InstrumentError, match="does not let user 'lab' in") as caught:
        osa.open()
    assert "s3cret" not in "".join(caught.value.transcript)


def test_its_sister_is_another_instrument() -> None:
    with pytest.raises(WrongIdentity):
        opened(YokogawaAq6370D, idn="YOKOGAWA,AQ6370C,91R1,03.00")


def test_its_offset_adjustment_of_half_a_minute_is_no_timeout() -> None:
    osa, _ = analyser(PREPARED, (":SENS:BAND:RES?", SILENCE), ("*IDN?", SILENCE))
    with pytest.raises(InstrumentTimeout, match="within 35 s"):
        sweep(osa)
