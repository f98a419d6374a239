from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from simulation.devices.yokogawa_aq6370d import YokogawaAq6370D
from simulation.faults import Fault, FaultKind
from simulation.physics.electrical import ElectricalSignal
from simulation.physics.light import Light
from simulation.physics.parameters import TransceiverParameters
from simulation.physics.transceiver import Transceiver
from simulation.scpi import Exchange
from tests.simulation.device_wire import Lamps, Signals, Wire, make, steady, wired


@contextmanager
def osa(light: Light = (), **rest) -> Iterator[Wire]:
    with wired(YokogawaAq6370D, termination="\r\n", timeout_ms=120_000, **rest) as wire:
        wire.device.connect_light(Lamps({"in": light}))
        yield wire


def swept(
    wire: Wire, start_nm: float = 1305.0, stop_nm: float = 1317.0, resolution_nm: float = 0.1
) -> tuple[np.ndarray, np.ndarray]:
    for command in (
        f":SENS:WAV:STAR {start_nm:.3f}nm",
        f":SENS:WAV:STOP {stop_nm:.3f}nm",
        f":SENS:BAND:RES {resolution_nm}nm",
        ":SENS:SENS HIGH1",
        ":INIT:SMODE SING",
        "*CLS;:INIT",
    ):
        wire.write(command)
    wire.ask("*OPC?")
    return tuple(
        np.array([float(value) for value in wire.ask(f":TRAC:DATA:{axis}? TRA").split(",")])
        for axis in ("X", "Y")
    )


def test_identity_and_number_format_are_the_makers():
    with osa(steady(1311.0, 1.0)) as wire:
        assert wire.ask("*IDN?") == "YOKOGAWA,AQ6370D,SIM00001,02.08"
        wire.write(":SENS:WAV:STAR 1310nm")
        assert float(wire.ask(":SENS:WAV:STAR?")) == pytest.approx(1310e-9)
        assert wire.ask(":FORMAT:DATA?") == "ASCII"
        swept(wire)
        assert wire.ask(":TRAC:X? TRA,1,1") == "+1.30500000E-006"


@pytest.mark.parametrize("seed", range(5))
def test_a_line_is_found_where_it_is_and_as_strong_as_it_is(seed: int):
    with osa(steady(1311.0, 0.5), seed=seed) as wire:
        wavelength_m, level_dbm = swept(wire)
        peak = int(np.argmax(level_dbm))
        # 0.02 nm calibration, 0.005 nm repeatability, half a step of the grid.
        assert wavelength_m[peak] * 1e9 == pytest.approx(1311.0, abs=0.036)
        assert level_dbm[peak] == pytest.approx(10 * np.log10(0.5), abs=0.45)


def test_the_wavelength_error_belongs_to_the_unit():
    def peak_nm(seed: int) -> float:
        with osa(steady(1311.0, 0.5), seed=seed) as wire:
            wire.write(":SENS:SWE:POIN 5001")
            wavelength_m, level_dbm = swept(wire, 1310.0, 1312.0, 0.05)
            above = level_dbm > level_dbm.max() - 3
            return (
                float(
                    (wavelength_m * 10 ** (level_dbm / 10))[above].sum()
                    / (10 ** (level_dbm / 10))[above].sum()
                )
                * 1e9
            )

    errors = [peak_nm(seed) - 1311.0 for seed in range(8)]
    assert max(map(abs, errors)) <= 0.026
    assert max(errors) - min(errors) > 0.005


@pytest.mark.parametrize("resolution_nm", [0.05, 0.2, 1.0])
def test_a_narrow_line_shows_as_wide_as_the_resolution(resolution_nm: float):
    with osa(steady(1311.0, 1.0)) as wire:
        wire.write(":SENS:SWE:POIN 12001")
        wavelength_m, level_dbm = swept(wire, resolution_nm=resolution_nm)
        above = wavelength_m[level_dbm > level_dbm.max() - 10 * np.log10(2)]
        assert (above[-1] - above[0]) * 1e9 == pytest.approx(resolution_nm, rel=0.06)


def test_side_modes_show_at_their_suppression():
    with osa(steady(1311.0, 1.0, suppression_db=35.0)) as wire:
        wavelength_m, level_dbm = swept(wire, resolution_nm=0.05)
        peak = int(np.argmax(level_dbm))
        aside = np.abs(wavelength_m - wavelength_m[peak]) * 1e9 > 0.8
        assert level_dbm[peak] - level_dbm[aside].max() == pytest.approx(35.0, abs=0.3)


def test_close_in_dynamic_range_is_the_data_sheets():
    with osa(steady(1311.0, 10.0, suppression_db=90.0), seed=3) as wire:
        wire.write(":SENS:SWE:POIN 12001")
        wavelength_m, level_dbm = swept(wire, resolution_nm=0.05)
        offset_nm = np.abs(wavelength_m - wavelength_m[np.argmax(level_dbm)]) * 1e9
        at = [float(level_dbm[np.argmin(np.abs(offset_nm - nm))] - level_dbm.max()) for nm in (0.15, 0.2)]
        assert at == pytest.approx([-55.0, -62.0], abs=1.5)


def test_a_modulated_transmitter_shows_wider_than_its_carrier():
    with osa() as wire:
        unit = Transceiver("slot1", TransceiverParameters(), wire.clock, 35.0)
        unit.connect_electrical(Signals({"host_tx1": ElectricalSignal("PRBS31Q", 53.125, 0.8, "b", "b")}))
        unit.set_supply_voltage(3.3)
        unit.set_high_power(True)
        wire.device.connect_light(Lamps({"in": unit.emission("tx1")}))
        modulated_m, modulated_dbm = swept(wire, resolution_nm=0.05)
        wire.device.connect_light(Lamps({"in": steady(1311.0, unit.tx_power_mw(1))}))
        carrier_m, carrier_dbm = swept(wire, resolution_nm=0.05)

    def share_near(wavelength_m: np.ndarray, level_dbm: np.ndarray) -> float:
        power = 10 ** (level_dbm / 10)
        near = np.abs(wavelength_m - wavelength_m[np.argmax(power)]) < 0.06e-9
        return float(power[near].sum() / power.sum())

    assert share_near(modulated_m, modulated_dbm) < share_near(carrier_m, carrier_dbm) - 0.02


def test_the_noise_floor_follows_the_sensitivity():
    def floor_dbm(word: str) -> float:
        with osa() as wire:
            wire.write(f":SENS:SENS {word};:SENS:SWE:POIN 5001")
            wire.write(":SENS:WAV:CENT 1311nm;:SENS:WAV:SPAN 10nm;:INIT")
            wire.ask("*OPC?")
            power = [10 ** (float(value) / 10) for value in wire.ask(":TRAC:Y? TRA").split(",")]
            return float(10 * np.log10(np.mean(power)))

    # The stated floor is two sigma; the positive half of a Gaussian averages 0.4 sigma.
    expected_db = 10 * np.log10(0.4 / 2)
    assert floor_dbm("HIGH3") == pytest.approx(-90 + expected_db, abs=0.6)
    assert floor_dbm("NORM") == pytest.approx(-65 + expected_db, abs=0.6)


def test_a_sweep_takes_longer_the_more_sensitive_it_is():
    with osa() as wire:
        taken = []
        for word in ("NORM", "HIGH1", "HIGH3"):
            wire.write(f":SENS:WAV:STAR 1260nm;STOP 1360nm;:SENS:BAND:RES 1nm;:SENS:SENS {word}")
            with wire.timed() as time:
                wire.ask(":INIT;*OPC?")
            taken.append(time["seconds"])
        assert taken == pytest.approx([1.2, 5.2, 75.2], rel=0.01)


def test_the_end_of_the_sweep_sets_the_event_once():
    with osa(steady(1311.0, 1.0)) as wire:
        wire.write(":SENS:WAV:STAR 1305nm;STOP 1317nm")
        wire.write("*CLS;:INIT")
        assert wire.ask(":STAT:OPER:COND?") == "0"
        assert wire.ask(":STAT:OPER:EVEN?") == "0"
        wire.clock.sleep(5.0)
        assert wire.ask(":STAT:OPER:COND?") == "1"
        assert wire.ask(":STAT:OPER:EVEN?") == "1"
        assert wire.ask(":STAT:OPER:EVEN?") == "0"


def test_a_repeating_sweep_goes_on_until_it_is_aborted():
    with osa(steady(1311.0, 1.0)) as wire:
        wire.write(":SENS:WAV:STAR 1305nm;STOP 1317nm;:INIT:SMODE REP;:INIT")
        wire.clock.sleep(30.0)
        assert wire.ask(":STAT:OPER:COND?") == "0"
        wire.write(":ABOR")
        assert wire.ask(":STAT:OPER:COND?") == "1"
        assert wire.ask(":TRAC:SNUM? TRA") != "0"


@pytest.mark.parametrize(("bits", "datatype"), [(32, "f"), (64, "d")])
def test_binary_data_are_the_same_as_text(bits: int, datatype: str):
    with osa(steady(1311.0, 1.0)) as wire:
        _, text_dbm = swept(wire)
        wire.write(f":FORMAT:DATA REAL,{bits}")
        assert wire.ask(":FORMAT:DATA?") == f"REAL,{bits}"
        binary = wire.session.query_binary_values(
            ":TRACe:Y? TRA", datatype=datatype, is_big_endian=False, container=np.ndarray
        )
        assert binary == pytest.approx(text_dbm, rel=1e-5)


def test_wavelengths_in_air_are_shorter():
    with osa(steady(1311.0, 1.0)) as wire:
        in_vacuum_m, level_dbm = swept(wire)
        vacuum_m = in_vacuum_m[np.argmax(level_dbm)]
        wire.write(":SENS:CORR:RVEL:MED AIR")
        in_air_m, level_dbm = swept(wire)
        assert (vacuum_m - in_air_m[np.argmax(level_dbm)]) * 1e9 == pytest.approx(0.354, abs=0.04)


def test_a_fixed_trace_keeps_what_it_has():
    with osa(steady(1311.0, 1.0)) as wire:
        swept(wire)
        wire.write(":TRAC:ATTR:TRB WRITE;:TRAC:ATTR:TRA FIX")
        before = wire.ask(":TRAC:Y? TRA")
        wire.ask(":INIT;*OPC?")
        assert wire.ask(":TRAC:Y? TRA") == before
        assert wire.ask(":TRAC:Y? TRB") != before
        assert wire.ask(":TRAC:ATTR:TRA?") == "1"


def test_the_marker_finds_the_peak():
    with osa(steady(1311.0, 1.0)) as wire:
        wavelength_m, level_dbm = swept(wire)
        wire.write(":CALC:MARK:MAX")
        assert float(wire.ask(":CALC:MARK:X? 0")) == pytest.approx(wavelength_m[np.argmax(level_dbm)])
        assert float(wire.ask(":CALC:MARK:Y? 0")) == pytest.approx(level_dbm.max(), abs=1e-6)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (":TRAC:Y? TRC", -230),
        (":SENS:BAND:RES 5nm", -222),
        (":SENS:WAV:SPAN 0nm;:INIT", -221),
        (":SENS:SENS LOUD", -141),
        (":SENS:WAV:STAR 1310kg", -131),
        (":CALC:MARK:X? 0", -230),
    ],
)
def test_what_cannot_be_done_is_an_error(command: str, code: int):
    with osa() as wire:
        wire.write(command)
        assert [int(error.split(",")[0]) for error in wire.errors()] == [code]


@pytest.mark.parametrize(
    ("kind", "level_dbm"), [(FaultKind.OVER_RANGE, 20.0), (FaultKind.UNDER_RANGE, -80.0)]
)
def test_range_faults_fill_the_trace(kind: FaultKind, level_dbm: float):
    with osa(steady(1311.0, 1.0), faults=(Fault("unit", kind),)) as wire:
        _, levels = swept(wire)
        assert levels.max() == pytest.approx(level_dbm, abs=4)


def test_a_raw_socket_needs_a_login():
    device = make(YokogawaAq6370D)
    line = Exchange(device, strict=False)

    def answer(message: bytes) -> bytes:
        line.receive(message + b"\r\n")
        return b"".join(line.outputs.popleft().data for _ in range(len(line.outputs)))

    assert answer(b"*IDN?") == b""
    device.errors.clear()
    assert answer(b'open "anonymous"') == b"AUTHENTICATE CRAM-MD5.\r\nready\r\n"
    assert answer(b"anonymous") == b""
    assert answer(b"SYST:ERR?") == b'0,"No error"\r\n'
    assert answer(b" ") == b""
    assert answer(b"*IDN?").startswith(b"YOKOGAWA,AQ6370D")
    answer(b"CLOSE")
    assert answer(b"*IDN?") == b""


def test_an_unknown_user_is_not_let_in():
    device = make(YokogawaAq6370D)
    line = Exchange(device, strict=False)
    line.receive(b'open "mallory"\r\n*IDN?\r\n')
    assert not line.outputs


def test_the_login_can_be_left_out_by_option():
    device = make(YokogawaAq6370D, options={"login": "none"})
    line = Exchange(device, strict=False)
    line.receive(b"*IDN?\r\n")
    assert line.outputs[0].data.startswith(b"YOKOGAWA")
    with pytest.raises(ValueError, match="login"):
        make(YokogawaAq6370D, options={"login": "maybe"})


def test_pymeasure_drives_the_analyser_unmodified():
    from pymeasure.adapters import VISAAdapter
    from pymeasure.instruments.yokogawa.aq6370series import AQ6370D

    with osa(steady(1311.0, 1.0)) as wire:
        driver = AQ6370D(VISAAdapter("GPIB0::4::INSTR", visa_library=wire.session.visalib))
        driver.wavelength_start, driver.wavelength_stop = 1305e-9, 1317e-9
        driver.resolution_bandwidth = 0.1e-9
        driver.sensitivity = "HIGH1"
        driver.sweep_mode = "SINGLE"
        driver.sweep_speed = "2x"
        assert (driver.sweep_mode, driver.sweep_speed, driver.sensitivity) == ("SINGLE", "2x", "HIGH1")
        assert driver.resolution_bandwidth == pytest.approx(0.1e-9)
        driver.TRA.mode = "WRITE"
        driver.initiate_sweep()
        assert not driver.sweep_complete
        wire.clock.sleep(10.0)
        assert driver.wait_for_sweep_complete()
        wavelength_m, level_dbm = np.array(driver.get_xdata()), np.array(driver.get_ydata())
        assert wavelength_m[np.argmax(level_dbm)] * 1e9 == pytest.approx(1311.0, abs=0.04)
        assert driver.TRA.sample_number == wavelength_m.size
        assert driver.TRA.mode == "WRITE"
        assert driver.check_errors() == []


def test_one_message_sets_up_a_whole_sweep():
    with osa(steady(1311.0, 1.0)) as wire:
        setup = (
            ":UNIT:X WAV;:DISP:TRAC:Y1:SPAC LOG;:DISP:TRAC:Y1:UNIT DBM;:SENS:WAV:STAR 1300.000NM;"
            ":SENS:WAV:STOP 1320.000NM;:SENS:BAND:RES 0.050NM;:SENS:SENS MID;:SENS:AVER:COUN 1;"
            ":SENS:SWE:POIN:AUTO 1;:TRAC:ACT TRA;:TRAC:ATTR:TRA WRIT;:INIT:SMOD SING;"
            ":FORM:DATA REAL,64;:SYST:ERR?"
        )
        assert wire.ask(setup) == '0,"No error"'
        assert float(wire.ask(":SENS:BAND:RES?")) == pytest.approx(0.05e-9)
        assert wire.ask(":SENS:SWE:POIN?") == "2001"
