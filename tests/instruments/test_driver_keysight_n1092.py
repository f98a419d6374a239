import numpy as np
import pytest

from instruments.drivers.keysight_n1092 import KeysightN1092A, KeysightN1092D
from instruments.drivers.pattern_capture import RawPattern, settled_noise_mw
from instruments.errors import (
    GarbledAnswer,
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    PhotonbenchError,
    WrongIdentity,
)
from tests.instruments.fake_wire import CHECKED, SILENCE, Again, block, opened, settings

IDN = "Keysight Technologies,N1092D,MY4,A.07.10"
RATE_HZ = 53.125e9
POINTS = 8191 * 16
TIME_S = np.arange(POINTS) / (16 * RATE_HZ)
MEASURED = ":MEAS:OSC:APOW"


def scope(*pairs, idn=IDN, opening=(CHECKED,), **more):
    return opened(KeysightN1092D, *pairs, idn=idn, opening=opening, **more)


def prepared(*channels: str, symbols: int = 8191, lock="1"):
    shown = [
        settings(f":CHAN{one}:DISP {'ON' if one in channels else 'OFF'}") for one in ("1A", "2A", "3A", "4A")
    ]
    return (
        settings(":ACQ:STOP", ":SYST:MODE OSC", ":SYST:BORD LEND"),
        *shown,
        *(settings(f":CHAN{one}:WAV WAVelength2", f":CHAN{one}:SIGN:TYPE PAM4") for one in channels),
        settings(
            ":TRIG:PLOC OFF",
            ":TRIG:SOUR FPAN",
            ":TRIG:BRAT:AUT OFF",
            ":TRIG:BRAT 5.312500E+10",
            ":TRIG:PLEN:AUT OFF",
            f":TRIG:PLEN {symbols}",
            ":TRIG:DCDR:AUT ON",
        ),
        (":TRIG:PLOC ON", None),
        ("*OPC?", "1"),
        (":TRIG:PLOC?", lock),
        *(settings(f":CHAN{one}:SIRC ON", f":CHAN{one}:SIRC:FBAN 2.656250E+10") for one in channels),
        settings(
            ":TIM:UNIT UINT", f":TIM:UIR {symbols}", ":ACQ:EPAT ON", ":ACQ:SPUI:MODE MAN", ":ACQ:SPUI 16"
        ),
        ("*OPC?", "1"),
    )


def run(averages: int):
    averaging = (":ACQ:SMO AVER", f":ACQ:ECO {averages}") if averages > 1 else (":ACQ:SMO NONE",)
    return (
        settings(
            *averaging,
            ":LTES:ACQ:CTYP PATT",
            f":LTES:ACQ:CTYP:PATT {max(averages, 12)}",
            ":LTES:ACQ:STAT ON",
            ":ACQ:CDIS",
        ),
        (":ACQ:RUN", None),
        ("*OPC?", "1"),
        settings(":ACQ:STOP", ":LTES:ACQ:STAT OFF"),
    )


def fetched(channel: str, power_w: np.ndarray, time_s: np.ndarray = TIME_S):
    return (
        settings(f":WAV:SOUR CHAN{channel}"),
        (":WAV:STAT?", "CORR"),
        (":WAV:XYF:FLO:XDAT?", block(time_s, "<f4")),
        (":WAV:XYF:FLO:YDAT?", block(power_w, "<f4")),
    )


def finished(channel: str, power: str = "1.0E-3", bandwidth: str = "2.65625E+10"):
    return (
        (f":CHAN{channel}:SIRC:FBAN?", bandwidth),
        settings(f"{MEASURED}:SOUR CHAN{channel}", f"{MEASURED}:UNIT WATT", MEASURED),
        (f"{MEASURED}:STAT?", "CORR"),
        (f"{MEASURED}?", power),
    )


def noise_w(seed: int, rms_w: float) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, rms_w, POINTS)


def darkened(channel: str = "1A", rms_w: float = 8e-6):
    return (*prepared(channel), *run(1), *fetched(channel, noise_w(1, rms_w)), CHECKED)


def eye_w() -> np.ndarray:
    """Four levels held for whole symbols with straight edges: flat places and steep ones."""
    symbols = np.random.default_rng(5).integers(0, 4, 8191)
    held = np.repeat(symbols, 16).astype(float)
    smooth = np.convolve(np.concatenate([held[-4:], held, held[:4]]), np.ones(9) / 9, "valid")
    return 0.3e-3 + 0.4e-3 * smooth


def capture(dca, averages: int, channels=("1A",)):
    return dca.capture(
        channels,
        pattern="PRBS13Q",
        symbol_rate_gbd=53.125,
        wavelength_nm=1310.0,
        samples_per_symbol=16,
        averages=averages,
    )


def test_dark_noise_is_measured_kept_and_carried_by_captures() -> None:
    dca, wire = scope(
        *darkened(), *prepared("1A"), *run(1), *fetched("1A", eye_w()), *finished("1A"), CHECKED
    )
    (dark_mw,) = dca.read_dark_noises_mw(["1A"], symbol_rate_gbd=53.125, wavelength_nm=1310.0)
    assert dark_mw == pytest.approx(8e-3, rel=0.02)
    (taken,) = capture(dca, averages=1)
    assert taken.scope_noise_mw == dark_mw
    assert taken.signal_noise_mw is None
    assert taken.power_mw == pytest.approx(1e3 * eye_w(), rel=1e-6)
    assert taken.time_s.dtype == np.float64
    assert (taken.bandwidth_hz, taken.average_power_mw) == (26.5625e9, pytest.approx(1.0))
    assert taken.instrument_tdecq_db is None
    assert not taken.power_mw.flags.writeable
    wire.finish()


def test_an_averaged_capture_carries_the_noise_of_a_single_one() -> None:
    clean = eye_w()
    averaged = clean + noise_w(2, 20e-6 / 4.0)
    single = clean + noise_w(3, 20e-6)
    dca, wire = scope(
        *darkened(),
        *prepared("1A"),
        *run(16),
        *fetched("1A", averaged),
        *run(1),
        *fetched("1A", single),
        *finished("1A"),
        CHECKED,
    )
    dca.read_dark_noises_mw(["1A"], symbol_rate_gbd=53.125, wavelength_nm=1310.0)
    (taken,) = capture(dca, averages=16)
    assert taken.signal_noise_mw == pytest.approx(20e-3, rel=0.03)
    assert taken.averages == 16
    wire.finish()


def test_unequal_time_steps_are_passed_on() -> None:
    uneven = TIME_S + np.random.default_rng(9).uniform(0.0, 0.5e-12, POINTS)
    dca, _ = scope(
        *darkened(), *prepared("1A"), *run(1), *fetched("1A", eye_w(), uneven), *finished("1A"), CHECKED
    )
    dca.read_dark_noises_mw(["1A"], symbol_rate_gbd=53.125, wavelength_nm=1310.0)
    (taken,) = capture(dca, averages=1)
    steps = np.diff(taken.time_s)
    assert steps.std() > 0.05 * steps.mean()


def test_several_channels_are_taken_in_one_acquisition() -> None:
    both = ("1A", "3A")
    dark = (
        *prepared(*both),
        *run(1),
        *fetched("1A", noise_w(1, 8e-6)),
        *fetched("3A", noise_w(2, 9e-6)),
        CHECKED,
    )
    dca, wire = scope(
        *dark,
        *prepared(*both),
        *run(1),
        *fetched("1A", eye_w()),
        *fetched("3A", noise_w(4, 9e-6)),
        *finished("1A"),
        *finished("3A", power="-1E-7"),
        CHECKED,
    )
    dca.read_dark_noises_mw(both, symbol_rate_gbd=53.125, wavelength_nm=1310.0)
    first, dark_lane = capture(dca, averages=1, channels=both)
    assert (first.channel, dark_lane.channel) == both
    assert dark_lane.average_power_mw == pytest.approx(-1e-4)
    assert wire.sent.count(":ACQ:RUN") == 2
    wire.finish()


def test_a_capture_without_known_dark_noise_is_refused_before_anything_is_sent() -> None:
    dca, wire = scope()
    with pytest.raises(InstrumentError, match=r"noise of channel 1A at 53\.125 GBd; darken"):
        capture(dca, averages=1)
    wire.finish()


def test_light_on_a_dark_channel_is_noticed() -> None:
    dca, _ = scope(*prepared("1A"), *run(1), *fetched("1A", noise_w(1, 8e-6) + 0.2e-3))
    with pytest.raises(InstrumentError, match="which should be dark"):
        dca.read_dark_noises_mw(["1A"], symbol_rate_gbd=53.125, wavelength_nm=1310.0)


def test_no_lock_is_an_error_that_names_the_clock() -> None:
    lock = prepared("1A", lock="0")
    dca, _ = scope(*lock[:-3])
    with pytest.raises(InstrumentError, match=r"no lock to PRBS13Q at 53\.125 GBd; check the clock"):
        dca.read_dark_noises_mw(["1A"], symbol_rate_gbd=53.125, wavelength_nm=1310.0)


def test_a_reference_receiver_it_has_not_is_refused() -> None:
    pairs = list(prepared("1A"))
    pairs[-3] = (pairs[-3][0], '-222,"Data out of range"')
    dca, _ = scope(*pairs[:-2], CHECKED)
    with pytest.raises(InstrumentRefused, match="SIRC:FBAN"):
        dca.read_dark_noises_mw(["1A"], symbol_rate_gbd=53.125, wavelength_nm=1310.0)


@pytest.mark.parametrize(
    ("time_s", "power_w", "why"),
    [
        (TIME_S[:-1], eye_w(), "131055 times"),
        (TIME_S, eye_w()[: POINTS // 2], "65528 powers"),
        (TIME_S, np.where(np.arange(POINTS) == 7, 9.91e37, eye_w()), "holes on channel 1A"),
        (TIME_S[::-1], eye_w(), "times that run back"),
    ],
)
def test_a_capture_of_the_wrong_shape_is_garbled(time_s, power_w, why: str) -> None:
    dca, _ = scope(*prepared("1A"), *run(1), *fetched("1A", power_w, time_s))
    with pytest.raises(GarbledAnswer, match=why):
        dca.read_dark_noises_mw(["1A"], symbol_rate_gbd=53.125, wavelength_nm=1310.0)


def test_half_a_block_is_garbled() -> None:
    whole = block(TIME_S, "<f4")
    dca, _ = scope(
        *prepared("1A"),
        *run(1),
        settings(":WAV:SOUR CHAN1A"),
        (":WAV:STAT?", "CORR"),
        (":WAV:XYF:FLO:XDAT?", whole[: len(whole) // 2]),
    )
    with pytest.raises(GarbledAnswer, match="cut short"):
        dca.read_dark_noises_mw(["1A"], symbol_rate_gbd=53.125, wavelength_nm=1310.0)


def test_an_acquisition_that_never_ends_is_a_timeout_of_its_length() -> None:
    dca, wire = scope(*prepared("1A"), *run(1)[:2], ("*OPC?", SILENCE), ("*IDN?", SILENCE))
    with pytest.raises(InstrumentTimeout):
        dca.read_dark_noises_mw(["1A"], symbol_rate_gbd=53.125, wavelength_nm=1310.0)
    assert max(wire.timeouts[:-1]) == 32_000  # the lock
    assert wire.timeouts[-2] == pytest.approx(1000 * (10.0 + 2.0 * 12 * POINTS / 250e3 + 2.0), abs=1)


def test_a_pattern_too_long_to_lock_is_refused() -> None:
    dca, wire = scope()
    with pytest.raises(PhotonbenchError, match="no lock to pattern 'PRBS31Q'"):
        dca.capture(
            ["1A"],
            pattern="PRBS31Q",
            symbol_rate_gbd=53.125,
            wavelength_nm=1310.0,
            samples_per_symbol=16,
            averages=1,
        )
    wire.finish()


def test_average_powers_are_read_in_milliwatt() -> None:
    dca, wire = scope(
        settings(":SYST:MODE OSC"),
        settings(":CHAN2A:DISP ON", ":CHAN2A:WAV WAVelength2"),
        settings(":ACQ:RUN"),
        *finished("2A", power="1.4E-3")[1:],
        CHECKED,
    )
    assert dca.read_average_powers_mw(["2A"], wavelength_nm=1311.0) == (pytest.approx(1.4),)
    wire.finish()


def test_a_wavelength_without_calibration_is_refused() -> None:
    dca, _ = scope(settings(":SYST:MODE OSC"))
    with pytest.raises(InstrumentError, match="not calibrated at 1064 nm"):
        dca.read_average_powers_mw(["2A"], wavelength_nm=1064.0)


def test_a_measurement_that_stays_questionable_is_a_timeout() -> None:
    dca, _ = scope(
        settings(":SYST:MODE OSC"),
        settings(":CHAN2A:DISP ON", ":CHAN2A:WAV WAVelength2"),
        settings(":ACQ:RUN"),
        finished("2A")[1],
        (f"{MEASURED}:STAT?", Again("QUES")),
        CHECKED,
    )
    with pytest.raises(InstrumentTimeout, match="QUES"):
        dca.read_average_powers_mw(["2A"], wavelength_nm=1311.0)


def test_the_scopes_own_tdecq_is_read_where_it_is_asked_for() -> None:
    tdecq = ":MEAS:EYE:TDEQ"
    dca, wire = scope(
        *darkened(),
        *prepared("1A"),
        *run(1),
        *fetched("1A", eye_w()),
        *finished("1A"),
        settings(
            ":SYST:MODE EYE",
            ":FUNC1:FOP TEQ",
            ":FUNC1:OPER1 CHAN1A",
            ":FUNC1:DISP ON",
            f"{tdecq}:SOUR1 FUNC1",
            tdecq,
            ":ACQ:RUN",
        ),
        (f"{tdecq}:STAT?", "CORR"),
        (f"{tdecq}?", "1.62"),
        settings(":ACQ:STOP", ":FUNC1:DISP OFF", ":SYST:MODE OSC"),
        options={"instrument_tdecq": True},
    )
    dca.read_dark_noises_mw(["1A"], symbol_rate_gbd=53.125, wavelength_nm=1310.0)
    (taken,) = capture(dca, averages=1)
    assert taken.instrument_tdecq_db == 1.62
    wire.finish()


def test_under_flexdca_the_module_in_slot_1_counts() -> None:
    flexdca = "Keysight Technologies,N1010A,HOST1,A.07.10"
    dca, _ = scope(idn=flexdca, opening=((":SYST:MOD? SLOT1", '"N1092D"'), CHECKED))
    assert dca.channels == ("1A", "2A", "3A", "4A")
    with pytest.raises(WrongIdentity, match="N1046A"):
        scope(idn=flexdca, opening=((":SYST:MOD? SLOT1", '"N1046A"'),))


def test_a_sister_has_fewer_channels() -> None:
    dca, _ = opened(KeysightN1092A, idn=IDN.replace("N1092D", "N1092A"), opening=(CHECKED,))
    assert dca.channels == ("1A",)


@pytest.mark.parametrize("averages", [1, 4, 64])
def test_noise_is_found_whatever_was_averaged(averages: int) -> None:
    clean = 1e3 * eye_w()
    averaged = RawPattern(TIME_S, (clean + 1e3 * noise_w(6, 10e-6 / averages**0.5)).astype(np.float32))
    single = RawPattern(TIME_S, (clean + 1e3 * noise_w(7, 10e-6)).astype(np.float32))
    assert settled_noise_mw(averaged, single, averages, 16) == pytest.approx(10e-3, rel=0.03)


def test_jitter_on_the_edges_is_not_taken_for_noise() -> None:
    clean = 1e3 * eye_w()
    shifted = np.roll(clean, 1)
    averaged = RawPattern(TIME_S, clean.astype(np.float32))
    single = RawPattern(TIME_S, (shifted + 1e3 * noise_w(8, 5e-6)).astype(np.float32))
    assert settled_noise_mw(averaged, single, 10_000, 16) == pytest.approx(5e-3, rel=0.1)
    assert np.std(shifted - clean) > 50e-3
