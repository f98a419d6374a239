"""The tunable laser's twin: its words on the wire, its light, and a driver written by others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import pyvisa
from pymeasure.instruments.santec import TSL570
from pymeasure.instruments.santec.tsl570 import SweepMode, SweepStatus

from simulation.clock import VirtualClock
from simulation.devices.santec_tsl570 import SantecTsl570, TunableLight
from simulation.faults import Fault
from simulation.transport.visa_library import BenchVisaLibrary

ADDRESS = "TCPIP0::192.0.2.3::5000::SOCKET"
BUS = "GPIB0::1::INSTR"


class Bench:
    def __init__(self, seed: int = 1, **options: object) -> None:
        self.clock = VirtualClock()
        self.laser = SantecTsl570("laser", serial="SIM9", options=options, clock=self.clock, seed=seed)
        self.library = BenchVisaLibrary.for_bench({ADDRESS: self.laser, BUS: self.laser}, self.clock)
        self.manager = pyvisa.ResourceManager(self.library)
        self.session = self.manager.open_resource(
            ADDRESS, read_termination="\r", write_termination="\r", timeout=20000
        )

    def ask(self, message: str) -> str:
        return str(self.session.query(message))

    def light(self) -> tuple[float, float]:
        (beam,) = self.laser.emission("out")
        return beam.wavelength_nm, beam.power_mw


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.manager.close()


TRANSCRIPT = [
    ("*IDN?", "SANTEC,TSL-570,SIM9,0021.0021"),
    (":SYSTem:COMMunicate:CODe?", "0"),
    (":WAV 1310.5;:WAV?", "1310.5000"),
    (":WAV 1310.25nm;WAV?", "1310.2500"),
    (":SOURce:WAVelength?", "1310.2500"),
    (":FREQ?", "228.80554"),
    (":FREQ 229;:WAV?", "1309.1374"),
    (":SYST:COMM:COD 1;:WAV 1.3105e-06;:WAV?", "+1.31050000E-06"),
    (":FREQ?", "+2.28761891E+14"),
    (":SYST:COMM:COD 0;COD?", "0"),
    (":POW -3;POW?", "-3.00000000E+00"),
    (":POW:UNIT 1;:POW 2;:POW?", "+2.00000000E+00"),
    (":POW 1dBm;:POW:UNIT 0;:POW:LEV?", "+1.00000000E+00"),
    (":POW? MAX;:POW:SHUT?;STAT?", "+1.00000000E+01;0;0"),
    (":WAV 1370;:SYST:ERR?", '-222,"Data out of range"'),
    (":POW 11;:SYST:ERR?", '-222,"Data out of range"'),
    (":WAV:SWE:SPE 3;:SYST:ERR?", '-224,"Illegal parameter value"'),
    (":WAV:SWE 1;:SYST:ERR?", '-221,"Settings conflict"'),
    (":WAV:SWE:RANG:MIN?;MAX?", "1260.0000;1360.0000"),
    ("*RST;:WAV?;:POW:STAT?", "1310.0000;0"),
    ("SYST:ERR?", '0,"No error"'),
]


def test_transcript(bench: Bench) -> None:
    for message, answer in TRANSCRIPT:
        assert bench.ask(message) == answer, message


def test_laser_is_dark_until_its_diode_is_warm(bench: Bench) -> None:
    assert bench.laser.emission("out") == ()
    bench.session.write(":POW:STAT 1")
    assert bench.ask(":POW:STAT?") == "0"
    assert bench.laser.safe_state() == {"emitting": False, "power_mw": 0}
    assert bench.ask("*OPC?") == "1"
    assert bench.clock.now() == pytest.approx(5.0)
    assert bench.ask(":POW:STAT?") == "1"
    assert bench.laser.safe_state()["emitting"] is True


def test_light_has_the_set_wavelength_and_power_within_accuracy() -> None:
    for seed in range(6):
        bench = Bench(seed)
        bench.ask(":WAV 1304.5;:POW 3;:POW:STAT 1;*OPC?")
        wavelength_nm, power_mw = bench.light()
        assert wavelength_nm == pytest.approx(1304.5, abs=0.005)
        assert power_mw == pytest.approx(10**0.3, rel=0.06)
        assert float(bench.ask(":POW:ACT?")) == pytest.approx(3.0, abs=0.3)
        bench.manager.close()


def test_tuning_takes_its_time_and_the_light_moves_with_it(bench: Bench) -> None:
    bench.ask(":POW:STAT 1;*OPC?")
    start, first_nm = bench.clock.now(), bench.light()[0]
    bench.session.write(":WAV 1350")
    bench.clock.sleep(0.1)
    assert bench.light()[0] - first_nm == pytest.approx(20.0, abs=0.01)
    assert bench.ask("*OPC?") == "1"
    assert bench.clock.now() - start == pytest.approx(0.3)
    assert bench.light()[0] - first_nm == pytest.approx(40.0, abs=1e-9)


def test_power_glides_to_its_level(bench: Bench) -> None:
    bench.ask(":POW 0;:POW:STAT 1;*OPC?")
    before = bench.light()[1]
    bench.session.write(":POW 10")
    bench.clock.sleep(0.05)
    assert before < bench.light()[1] < 5 * before
    bench.ask("*OPC?")
    assert bench.light()[1] / before == pytest.approx(10.0)


def test_shutter_darkens_at_once_and_the_monitor_still_sees_light(bench: Bench) -> None:
    bench.ask(":POW:STAT 1;*OPC?")
    bench.session.write(":POW:SHUT 1")
    assert bench.laser.emission("out") == ()
    assert float(bench.ask(":POW:ACT?")) == pytest.approx(0.0, abs=0.3)


def test_diode_off_darkens_at_once(bench: Bench) -> None:
    bench.ask(":POW:STAT 1;*OPC?")
    bench.session.write(":POW:STAT 0")
    assert bench.laser.safe_state()["emitting"] is False
    assert float(bench.ask(":POW:ACT?")) < -50


def test_spectrum_carries_side_modes_and_spontaneous_emission() -> None:
    bench = Bench(side_mode_suppression_db=42.0, ase_dbc_per_nm=-50.0, rin_db_hz=-140.0)
    bench.ask(":POW:STAT 1;*OPC?")
    emitter = bench.laser.emission("out")[0].emitter
    assert isinstance(emitter, TunableLight)
    assert (emitter.side_mode_suppression_db, emitter.ase_dbc_per_nm, emitter.rin_db_hz) == (
        42.0,
        -50.0,
        -140.0,
    )
    assert sum(line.share for line in emitter.spectral_lines()) == pytest.approx(1.0)
    bench.manager.close()


def test_range_is_an_option() -> None:
    bench = Bench(minimum_nm=1500, maximum_nm=1600)
    assert bench.ask(":WAV? MIN;:WAV:SWE:RANG:MAX?") == "+1.50000000E-06;1600.0000"
    bench.manager.close()
    with pytest.raises(TypeError, match="minimum_nm"):
        Bench(minimum_nm="low")


def test_sweep_moves_the_light_and_ends(bench: Bench) -> None:
    bench.ask(":POW:STAT 1;*OPC?")
    bench.session.write(":WAV:SWE:STAR 1300;STOP 1320;SPE 10;MOD 1;CYCL 2;DEL 1;:WAV:SWE 1")
    assert bench.ask(":WAV:SWE?") == "1"
    bench.clock.sleep(1.0)
    assert bench.light()[0] == pytest.approx(1310.0, abs=0.01)
    assert bench.ask(":WAV 1310;:SYST:ERR?") == '-221,"Settings conflict"'
    assert bench.ask("*OPC?") == "1"
    assert bench.clock.now() - 5.0 == pytest.approx(5.0)
    assert bench.ask(":WAV:SWE?;SWE:COUN?") == "0;2"
    assert bench.light()[0] == pytest.approx(1320.0, abs=0.01)


def test_stepped_sweep_there_and_back_rests_on_its_steps(bench: Bench) -> None:
    bench.ask(":POW:STAT 1;*OPC?")
    bench.session.write(":WAV:SWE:STAR 1300;STOP 1304;STEP 1;DWEL 0.9;MOD 2;:WAV:SWE 1")
    seen = []
    for _ in range(10):
        bench.clock.sleep(0.5)
        seen.append(round(bench.light()[0]))
        bench.clock.sleep(0.5)
    assert seen == [1300, 1301, 1302, 1303, 1304, 1304, 1303, 1302, 1301, 1300]
    assert bench.ask(":WAV:SWE?") == "0"


def test_repeated_sweep_goes_on_until_stopped(bench: Bench) -> None:
    bench.ask(":POW:STAT 1;*OPC?")
    bench.session.write(":WAV:SWE:STAR 1300;STOP 1310;SPE 100;:WAV:SWE:REP")
    bench.clock.sleep(10.0)
    assert bench.ask(":WAV:SWE?") == "1"
    bench.session.write(":WAV:SWE 0")
    assert bench.ask(":WAV:SWE?;SWE:COUN?") == "0;100"


def test_stuck_laser_never_lights(bench: Bench) -> None:
    bench.laser.inflict([Fault("laser", "stuck_busy")])
    bench.session.write(":POW:STAT 1")
    bench.clock.sleep(3600)
    assert bench.laser.emission("out") == ()


def pymeasure_laser(bench: Bench) -> TSL570:
    return TSL570(BUS, visa_library=bench.library)


def test_pymeasure_driver_runs_unmodified(bench: Bench) -> None:
    laser = pymeasure_laser(bench)
    assert laser.id == "SANTEC,TSL-570,SIM9,0021.0021"
    laser.command_set = "Legacy"
    laser.wavelength_setpoint = 1311.5
    laser.power_unit = "dBm"
    laser.power_setpoint = 2.5
    laser.output_enabled = True
    bench.clock.sleep(6.0)
    assert laser.output_enabled is True
    assert laser.wavelength_setpoint == 1311.5
    assert laser.power_setpoint == 2.5
    assert laser.power == pytest.approx(2.5, abs=0.3)
    assert bench.light()[0] == pytest.approx(1311.5, abs=0.01)
    assert laser.check_errors() == []
    laser.adapter.close()


def test_pymeasure_sweeps(bench: Bench) -> None:
    laser = pymeasure_laser(bench)
    laser.output_enabled = True
    bench.clock.sleep(6.0)
    laser.wavelength_start, laser.wavelength_stop, laser.sweep_speed = 1290, 1330, 20
    laser.sweep_mode = SweepMode.CONTINUOUS_ONE_WAY
    laser.sweep_cycles, laser.sweep_dwell, laser.sweep_delay = 1, 0.5, 0.5
    assert (laser.wavelength_min, laser.wavelength_max) == (1260, 1360)
    assert laser.frequency_min < laser.frequency_max
    laser.start_sweep()
    assert laser.sweep_status == SweepStatus.RUNNING
    bench.clock.sleep(2.1)
    assert laser.sweep_status == SweepStatus.STOPPED
    assert laser.sweep_count == 1
    assert laser.sweep_mode == SweepMode.CONTINUOUS_ONE_WAY
    assert laser.check_errors() == []


def test_pymeasure_reads_the_error_of_a_wavelength_out_of_range(bench: Bench) -> None:
    laser = pymeasure_laser(bench)
    laser.wavelength_setpoint = 1560
    assert laser.wavelength_setpoint == 1310.0
    laser.command_set = "SCPI"
    laser.wavelength_setpoint = 1.3e-6
    assert laser.wavelength_setpoint == pytest.approx(1.3e-6)
    assert laser.command_set == "SCPI"
