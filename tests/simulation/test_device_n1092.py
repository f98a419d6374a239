from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest

from measurements.patterns import find_phase, pattern, runs_of
from simulation.devices.keysight_n1092 import KeysightN1092D
from simulation.faults import Fault, FaultKind
from simulation.physics.electrical import CLOCK, ElectricalSignal
from simulation.physics.light import Beam, total_power_mw
from simulation.physics.parameters import TransceiverParameters
from simulation.physics.transceiver import Transceiver
from tests.simulation.device_wire import Lamps, Signals, Wire, steady, wired

RATE = 53.125
PATTERN, SYMBOLS, PER_SYMBOL = "PRBS13Q", 8191, 8
CLOCKED = ElectricalSignal(CLOCK, RATE / 2, 0.6, "bert.M1.ClkOut", "bert.M1.ClkGen")
SETUP = (
    ":SYSTem:MODE OSC",
    ":SYSTem:BORDer LENDian",
    ":CHANnel1A:DISPlay ON",
    ":CHANnel1A:WAVelength WAVelength2",
    ":CHANnel1A:SIRC ON",
    ":CHANnel1A:SIRC:FBANdwidth 2.65625E+10",
    ":TRIGger:SOURce FPANel",
    f":TRIGger:SRATe {RATE}E+9",
    f":TRIGger:PLENgth {SYMBOLS}",
)


@dataclass
class EyeBench:
    wire: Wire
    lamps: Lamps
    signals: Signals
    unit: Transceiver

    def lock(self) -> str:
        for command in SETUP:
            self.wire.write(command)
        self.wire.ask(":TRIGger:PLOCk ON;*OPC?")
        self.wire.write(":ACQuire:EPATtern ON")
        self.wire.write(f":ACQuire:SPBit {PER_SYMBOL}")
        return self.wire.ask(":TRIGger:PLOCk?")

    def acquire(self, averages: int = 1) -> None:
        self.wire.write(f":ACQuire:SMOothing {'AVER' if averages > 1 else 'NONE'}")
        self.wire.write(f":ACQuire:ECOunt {averages}")
        self.wire.write(f":LTESt:ACQuire:CTYPe:PATTerns {averages}")
        self.wire.write(":LTESt:ACQuire:STATe ON")
        self.wire.ask(":ACQuire:RUN;*OPC?")

    def read(self, channel: str = "1A") -> tuple[np.ndarray, np.ndarray]:
        self.wire.write(f":WAVeform:SOURce CHANnel{channel}")
        ask = self.wire.session.query_binary_values
        time_s, power_w = (
            ask(f":WAVeform:XYFORmat:FLOat:{axis}?", datatype="f", is_big_endian=False, container=np.ndarray)
            for axis in ("XDATa", "YDATa")
        )
        return time_s.astype(float), power_w.astype(float)

    @property
    def truth_mw(self) -> float:
        return self.unit.tx_power_mw(1)


@contextmanager
def eye_bench(**rest) -> Iterator[EyeBench]:
    with wired(KeysightN1092D, timeout_ms=60_000, **rest) as wire:
        host = Signals(
            {"host_tx1": ElectricalSignal(PATTERN, RATE, 0.8, "bert.M1.DataOut1", "bert.M1.ClkGen")}
        )
        unit = Transceiver("slot1", TransceiverParameters(), wire.clock, 35.0)
        unit.connect_electrical(host)
        unit.set_supply_voltage(3.3)
        unit.set_high_power(True)
        lamps, clock = Lamps({"1A": unit.emission("tx1")}), Signals({"clock": CLOCKED})
        wire.device.connect_light(lamps)
        wire.device.connect_electrical(clock)
        yield EyeBench(wire, lamps, clock, unit)


def levels_of(power_w: np.ndarray) -> tuple[float, float]:
    """Get the settled outer levels: the middle of long runs of threes and of zeros."""
    symbols = pattern(PATTERN)
    samples = power_w.reshape(SYMBOLS, PER_SYMBOL)[:, PER_SYMBOL // 2]
    rotation = find_phase(samples, symbols).rotation
    sent = np.roll(symbols, -rotation)
    threes, zeros = runs_of(sent, 3, 5), runs_of(sent, 0, 5)
    return float(samples[(threes + 3) % SYMBOLS].mean()), float(samples[(zeros + 3) % SYMBOLS].mean())


def test_it_names_itself_and_its_licences():
    with eye_bench() as bench:
        assert bench.wire.ask("*IDN?") == "Keysight Technologies,N1092D,SIM00001,A.07.60.50"
        assert bench.wire.ask("*OPT?") == "PLK,IRC"
        assert bench.wire.ask(":MODel? SLOT1") == "N1092D"


def test_average_power_is_that_of_the_light_within_the_stated_accuracy():
    with eye_bench() as bench:
        bench.wire.write(":MEASure:EYE:APOWer:SOURce1 CHANnel1A")
        bench.wire.write(":MEASure:EYE:APOWer:UNITs WATT")
        with bench.wire.timed() as taken:
            reading_mw = float(bench.wire.ask(":MEASure:EYE:APOWer?")) * 1e3
        assert taken["seconds"] == pytest.approx(0.05, abs=0.001)
        assert reading_mw == pytest.approx(bench.truth_mw, rel=0.06)
        assert bench.wire.ask(":MEASure:EYE:APOWer:STATus?") == "CORR"
        bench.wire.write(":MEASure:OSCilloscope:APOWer:UNITs DBM")
        reading_dbm = float(bench.wire.ask(":MEASure:OSCilloscope:APOWer?"))
        assert 10 ** (reading_dbm / 10) == pytest.approx(reading_mw, rel=0.01)


def test_the_wrong_wavelength_setting_shifts_the_power():
    with eye_bench() as bench:
        bench.wire.write(":MEASure:EYE:APOWer:UNITs WATT")
        at_1310 = float(bench.wire.ask(":MEASure:EYE:APOWer?"))
        bench.wire.write(":CHANnel1A:WAVelength WAVelength3")
        # The diode gives 0.90 A/W at 1310 nm and 1.02 A/W at 1550 nm.
        assert float(bench.wire.ask(":MEASure:EYE:APOWer?")) / at_1310 == pytest.approx(0.90 / 1.02, rel=0.01)


def test_pattern_lock_takes_a_clock_and_time():
    with eye_bench() as bench:
        with bench.wire.timed() as taken:
            assert bench.lock() == "1"
        assert taken["seconds"] == pytest.approx(1.5, abs=0.01)
        assert bench.wire.ask(":TRIGger:DCDRatio?") == "SUB2"
        assert bench.wire.errors() == []


@pytest.mark.parametrize(
    "clock",
    [
        None,
        ElectricalSignal(CLOCK, 20.0, 0.6, "x", "x"),
        ElectricalSignal(PATTERN, RATE, 0.6, "x", "x"),
    ],
    ids=["none", "unfitting rate", "data"],
)
def test_without_a_fitting_clock_there_is_no_lock_but_an_error(clock: ElectricalSignal | None):
    with eye_bench() as bench:
        bench.signals.signals = {"clock": clock} if clock else {}
        assert bench.lock() == "0"
        errors = bench.wire.errors()
        assert errors
        assert "Pattern lock failed" in errors[0]


def test_rate_and_length_are_found_from_the_light_where_asked():
    with eye_bench() as bench:
        bench.wire.write(":TRIGger:SRATe:AUTodetect ON;:TRIGger:PLENgth:AUTodetect ON")
        bench.wire.ask(":TRIGger:PLOCk ON;*OPC?")
        assert float(bench.wire.ask(":TRIGger:SRATe?")) == RATE * 1e9
        assert bench.wire.ask(":TRIGger:PLENgth?") == str(SYMBOLS)
        bench.lamps.light = {}
        bench.wire.write(":TRIGger:PLENgth:AUTodetect ON")
        bench.wire.ask(":TRIGger:PLOCk ON;*OPC?")
        assert bench.wire.ask(":TRIGger:PLOCk?") == "0"


def test_an_acquisition_takes_samples_divided_by_the_sampling_rate():
    with eye_bench() as bench:
        bench.lock()
        with bench.wire.timed() as taken:
            bench.acquire(averages=4)
        assert taken["seconds"] == pytest.approx(4 * SYMBOLS * PER_SYMBOL / 250e3, rel=1e-3)


def test_a_record_covers_one_pattern_on_an_uneven_grid():
    with eye_bench() as bench:
        bench.lock()
        bench.acquire()
        time_s, power_w = bench.read()
        assert time_s.size == power_w.size == SYMBOLS * PER_SYMBOL
        assert bench.wire.ask(":WAVeform:XYFORmat:FLOat:POINts?") == str(time_s.size)
        assert bench.wire.ask(":WAVeform:PATTern:COMPlete?") == "1"
        steps = np.diff(time_s)
        assert steps.mean() == pytest.approx(1 / (RATE * 1e9 * PER_SYMBOL), rel=1e-3)
        assert steps.std() > 1e-3 * steps.mean()


def test_a_record_shows_the_transmitters_true_levels():
    with eye_bench() as bench:
        bench.lock()
        bench.acquire(averages=16)
        _, power_w = bench.read()
        three_w, zero_w = levels_of(power_w)
        # The channel's calibration is good to 5 %.
        emitter = bench.lamps.light["1A"][0].emitter
        clean = emitter.waveform(PER_SYMBOL)
        swing_mw = float(np.percentile(clean, 99) - np.percentile(clean, 1))
        assert power_w.mean() * 1e3 == pytest.approx(bench.truth_mw, rel=0.06)
        assert (three_w - zero_w) * 1e3 == pytest.approx(swing_mw, rel=0.1)


def test_averaging_takes_the_noise_down_by_the_root_of_its_count():
    with eye_bench() as bench:
        bench.lamps.light["1A"] = ()
        bench.lock()
        bench.acquire()
        single = bench.read()[1].std()
        bench.acquire(averages=16)
        assert single == pytest.approx(8e-6, rel=0.06)
        assert bench.read()[1].std() == pytest.approx(single / 4, rel=0.05)


def test_the_noise_grows_with_the_root_of_the_bandwidth():
    with eye_bench() as bench:
        bench.lamps.light["1A"] = ()
        bench.lock()
        bench.acquire()
        wide = bench.read()[1].std()
        bench.wire.write(":CHANnel1A:SIRC:FBANdwidth 13.28125E+9")
        bench.acquire()
        assert bench.read()[1].std() == pytest.approx(wide / 2**0.5, rel=0.05)


def test_single_takes_one_record_without_averaging():
    with eye_bench() as bench:
        bench.lock()
        with bench.wire.timed() as taken:
            bench.wire.ask(":ACQuire:SINGle;*OPC?")
        assert taken["seconds"] == pytest.approx(SYMBOLS * PER_SYMBOL / 250e3, rel=1e-3)
        assert bench.read()[0].size == SYMBOLS * PER_SYMBOL


def test_equal_seeds_give_equal_records():
    def record(seed: int) -> np.ndarray:
        with eye_bench(seed=seed) as bench:
            bench.lock()
            bench.acquire()
            return bench.read()[1]

    assert np.array_equal(record(5), record(5))
    assert not np.array_equal(record(5), record(6))


def test_light_of_another_clock_comes_out_as_a_smear():
    with eye_bench() as bench:
        bench.signals.signals["clock"] = ElectricalSignal(CLOCK, RATE / 2, 0.6, "other", "another crystal")
        bench.lock()
        bench.acquire(averages=16)
        smeared = bench.read()[1]
        bench.signals.signals["clock"] = CLOCKED
        bench.lock()
        bench.acquire(averages=16)
        assert smeared.std() < 0.5 * bench.read()[1].std()


def test_only_displayed_channels_are_acquired():
    with eye_bench() as bench:
        bench.lamps.light["2A"] = steady(1310.0, 0.5)
        bench.wire.write(":CHANnel2A:DISPlay ON")
        bench.lock()
        bench.acquire()
        assert bench.read("2A")[1].mean() == pytest.approx(0.5e-3, rel=0.06)
        bench.wire.write(":WAVeform:SOURce CHANnel3A")
        assert bench.wire.ask(":WAVeform:STATus?") == "INV"
        bench.wire.write(":WAVeform:XYFORmat:FLOat:YDATa?")
        assert bench.wire.errors()[0].startswith("-230")


def test_byte_order_is_a_setting():
    with eye_bench() as bench:
        bench.lock()
        bench.acquire()
        little = bench.read()[1]
        bench.wire.write(":SYSTem:BORDer BENDian")
        big = bench.wire.session.query_binary_values(
            ":WAVeform:XYFORmat:FLOat:YDATa?", datatype="f", is_big_endian=True, container=np.ndarray
        )
        assert np.array_equal(little, big)


def test_without_trigger_an_acquisition_waits_for_ever():
    from pyvisa.errors import VisaIOError

    with eye_bench() as bench:
        bench.lock()
        bench.signals.signals = {}
        bench.wire.write(":ACQuire:SINGle;*OPC?")
        with pytest.raises(VisaIOError, match="TMO"):
            bench.wire.session.read()
        bench.wire.session.clear()
        bench.wire.write(":ACQuire:STOP")
        assert bench.wire.ask("*OPC?") == "1"


def test_stop_keeps_what_a_free_running_scope_has_taken():
    with eye_bench() as bench:
        bench.lock()
        bench.wire.write(":ACQuire:RUN")
        bench.wire.clock.sleep(1.0)
        bench.wire.write(":ACQuire:STOP")
        assert bench.read()[0].size == SYMBOLS * PER_SYMBOL


def test_the_entire_pattern_needs_pattern_lock():
    with eye_bench() as bench:
        bench.wire.write(":ACQuire:EPATtern ON;:ACQuire:SINGle")
        assert bench.wire.errors()[0].startswith("-221")


def test_xy_data_need_oscilloscope_mode():
    with eye_bench() as bench:
        bench.lock()
        bench.acquire()
        bench.wire.write(":SYSTem:MODE EYE;:WAVeform:XYFORmat:FLOat:YDATa?")
        assert bench.wire.errors()[0].startswith("-221")


@pytest.mark.parametrize("name", ["TDEQ", "OOMA", "OER", "PAM:LINearity"])
def test_measurements_without_licence_say_so(name: str):
    with eye_bench() as bench:
        bench.wire.write(f":MEASure:EYE:{name}:SOURce1 CHANnel1A")
        assert float(bench.wire.ask(f":MEASure:EYE:{name}?")) == 9.91e37
        assert bench.wire.ask(f":MEASure:EYE:{name}:STATus?") == "INV"
        assert "License" in bench.wire.ask(f":MEASure:EYE:{name}:STATus:REASon?")


@pytest.mark.parametrize("kind", [FaultKind.OVER_RANGE, FaultKind.UNDER_RANGE])
def test_a_power_out_of_range_is_no_number(kind: FaultKind):
    with eye_bench(faults=(Fault("unit", kind),)) as bench:
        assert float(bench.wire.ask(":MEASure:EYE:APOWer?")) == 9.91e37
        assert bench.wire.ask(":MEASure:EYE:APOWer:STATus?") == "INV"
        assert bench.wire.ask(":MEASure:EYE:APOWer:STATus:REASon?") == '"Signal out of range"'


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (":CHANnel5A:DISPlay ON", -114),
        (":CHANnel1A:SIRC:FBANdwidth 90E9", -222),
        (":TRIGger:PLENgth 0", -222),
        (":SYSTem:MODE TDR", -141),
        (":MTESt1:LOAD", -113),
    ],
)
def test_what_the_scope_cannot_do_is_an_error(command: str, code: int):
    with eye_bench() as bench:
        bench.wire.write(command)
        assert [int(error.split(",")[0]) for error in bench.wire.errors()] == [code]


def test_a_dark_channel_reads_its_lowest_power_and_a_flat_record():
    with eye_bench() as bench:
        bench.lamps.light["1A"] = ()
        assert total_power_mw(bench.lamps.light["1A"]) == 0.0
        assert float(bench.wire.ask(":MEASure:EYE:APOWer?")) < -25
        bench.lock()
        bench.acquire(averages=64)
        assert abs(bench.read()[1].mean()) < 1e-7


def test_a_beam_of_unknown_kind_is_steady_light():
    @dataclass
    class Plain:
        name: str = "plain"

    with eye_bench() as bench:
        bench.lamps.light["1A"] = (Beam(Plain(), 1310.0, 0.2),)
        bench.lock()
        bench.acquire(averages=16)
        assert bench.read()[1].mean() == pytest.approx(0.2e-3, rel=0.06)


def test_short_forms_in_joined_messages_are_understood():
    with eye_bench() as bench:
        for message in (
            ":ACQ:STOP;:SYST:MODE OSC;:SYST:BORD LEND",
            ":CHAN2A:DISP OFF;:CHAN1A:DISP ON;:CHAN1A:WAV WAVelength2;:CHAN1A:SIGN:TYPE PAM4",
            ":TRIG:PLOC OFF;:TRIG:SOUR FPAN;:TRIG:BRAT:AUT OFF;:TRIG:BRAT 5.312500E+10;:TRIG:PLEN:AUT OFF",
            f":TRIG:PLEN {SYMBOLS};:TRIG:DCDR:AUT ON;:TRIG:PLOC ON",
        ):
            bench.wire.write(message)
        bench.wire.ask("*OPC?")
        for message in (
            ":CHAN1A:SIRC ON;:CHAN1A:SIRC:FBAN 2.656250E+10",
            f":TIM:UNIT UINT;:TIM:UIR {SYMBOLS};:ACQ:EPAT ON;:ACQ:SPUI:MODE MAN;:ACQ:SPUI {PER_SYMBOL}",
            ":ACQ:AVER ON;:ACQ:ECO 4;:LTES:ACQ:CTYP:PATT 4;:LTES:ACQ:STAT ON;:ACQ:CDIS;:ACQ:RUN",
        ):
            bench.wire.write(message)
        bench.wire.ask("*OPC?")
        bench.wire.write(":ACQ:STOP;:LTES:ACQ:STAT OFF")
        assert bench.wire.errors() == []
        assert bench.wire.ask(":ACQ:SMO?") == "AVER"
        assert bench.wire.ask(":WAV:SOUR CHAN1A;:WAV:STAT?") == "CORR"
        assert float(bench.wire.ask(":CHAN1A:SIRC:FBAN?")) == 2.65625e10
        assert bench.read()[0].size == SYMBOLS * PER_SYMBOL
        for short in ("XYF", "XYFOR"):
            assert bench.wire.ask(f":WAV:{short}:FLO:POIN?") == str(SYMBOLS * PER_SYMBOL)


def test_noise_is_the_difference_of_a_single_and_an_averaged_record():
    with eye_bench() as bench:
        bench.lamps.light["1A"] = steady(1310.0, 1.0)
        bench.lock()
        bench.acquire(averages=64)
        averaged = bench.read()[1]
        bench.acquire()
        noise_w = float((bench.read()[1] - averaged).std()) / (1 + 1 / 64) ** 0.5
        # Scope noise 8 µW; RIN of -150 dB/Hz in 27.8 GHz on 1 mW is 5.3 µW; shot noise 3.5 µW.
        assert noise_w == pytest.approx((8**2 + 5.3**2 + 3.5**2) ** 0.5 * 1e-6, rel=0.06)


def test_a_pattern_too_long_to_lock_to_is_refused():
    with eye_bench() as bench:
        host = Signals({"host_tx1": ElectricalSignal("PRBS31Q", RATE, 0.8, "b", "bert.M1.ClkGen")})
        bench.unit.connect_electrical(host)
        bench.lamps.light["1A"] = bench.unit.emission("tx1")
        bench.wire.ask(":TRIGger:PLOCk ON;*OPC?")
        assert bench.wire.ask(":TRIGger:PLOCk?") == "0"
        assert "pattern too long" in bench.wire.errors()[0]
        bench.wire.write(":TRIGger:PLENgth 2147483647")
        assert bench.wire.errors()[0].startswith("-222")
        bench.lock()
        bench.wire.write(":TRIGger:PLENgth 8388608;:ACQuire:SINGle")
        assert "record too long" in bench.wire.errors()[0]
