from __future__ import annotations

import math
from dataclasses import replace

import pytest

from simulation.devices.keysight_m8040a import KeysightM8040A
from simulation.faults import Fault, FaultKind
from simulation.physics.electrical import CLOCK, ElectricalSignal
from tests.simulation.device_wire import Signals, Wire, make, wired

IN = "'M3.DataIn'"
RATE_HZ = 53.125e9
LOOPED = ElectricalSignal("PRBS31Q", 53.125, 0.6, "unit.M1.DataOut1", "unit.M1.ClkGen", error_ratio=1e-6)


def bert(**rest):
    return wired(KeysightM8040A, **rest)


def sending(wire: Wire, port: str = "M1.DataOut1", pattern: str = "2^31-1") -> None:
    for command in (
        f":SOURce:FREQuency 'M1.ClkGen',{RATE_HZ}",
        f":DATA:LINecoding '{port}',PAM4",
        f":DATA:SEQuence:SET '{port}',PRBS,'{pattern}'",
        f":SOURce:VOLTage:AMPLitude '{port}',0.4",
        f":OUTPut:STATe '{port}',1",
        ":OUTPut:STATe 'M1.ClkOut',1",
        ":OUTPut:GLOBal:STATe 'M1.System',1",
    ):
        wire.write(command)
    wire.ask("*OPC?")


def receiving(wire: Wire, signal: ElectricalSignal | None = LOOPED, *, align: bool = True) -> Signals:
    """Set up the first detector for PRBS31Q."""
    signals = Signals({"M3.DataIn": signal} if signal is not None else {})
    wire.device.connect_electrical(signals)
    for command in (
        f":SOURce:FREQuency 'M1.ClkGen',{RATE_HZ}",
        f":CLOCk:SOURce {IN},CDR",
        f":DATA:LINecoding {IN},PAM4",
        f":DATA:SEQuence:SET {IN},PRBS,'2^31-1'",
        f":DATA:SYNC:THReshold {IN},1e-1",
        f":INPut:ALIGnment:EYE:THReshold {IN},1e-1",
    ):
        wire.write(command)
    if align:
        wire.write(f":INPut:ALIGnment:EYE:AUTO {IN}")
        wire.ask("*OPC?")
    return signals


def gated(wire: Wire, seconds: float) -> list[str]:
    """Count over one gate and give the fields of the answer."""
    for command in (
        ":PLUGin:ERATio:NEW 'ber'",
        f":PLUGin:ERATio:ACQuisition:ALOCation 'ber',{IN}",
        ":PLUGin:ERATio:ACQuisition:DURation 'ber',FTIM",
        ":PLUGin:ERATio:ACQuisition:AEND 'ber',FDUR",
        f":PLUGin:ERATio:ACQuisition:TIME 'ber',{seconds}",
        ":PLUGin:ERATio:STARt 'ber'",
    ):
        wire.write(command)
    wire.ask("*OPC?")
    answer = wire.ask(":PLUGin:ERATio:FETCh:DATA? 'ber'").strip("()").split(",")
    wire.write(":PLUGin:ERATio:DELete 'ber'")
    return answer


def lost(wire: Wire) -> dict[str, str]:
    return {
        name: wire.ask(f":STATus:INSTrument:{name}? {IN}") for name in ("DLOSs", "CLOSs", "SALoss", "SLOSs")
    }


def test_outputs_send_the_pattern_that_was_asked_for():
    with bert() as wire:
        sending(wire)
        signal = wire.device.electrical_emission("M1.DataOut1")
        assert signal == ElectricalSignal("PRBS31Q", 53.125, 0.8, "unit.M1.DataOut1", "unit.M1.ClkGen")
        assert wire.errors() == []
        assert wire.ask(":DATA:SEQ:SET? 'M1.DataOut1'") == 'PRBS,"2^31-1"'
        assert wire.ask(":DATA:LIN:VAL? 'M1.DataOut1'") == "PAM4"


def test_the_clock_follows_the_divider_and_the_same_timebase():
    with bert() as wire:
        sending(wire)
        wire.write(":OUTPut:DIVider 'M1.ClkOut',DIV4")
        clock = wire.device.electrical_emission("M1.ClkOut")
        assert (clock.pattern, clock.symbol_rate_gbd) == (CLOCK, 53.125 / 4)
        assert clock.timebase == wire.device.electrical_emission("M1.DataOut1").timebase


def test_ssprq_comes_as_a_factory_file():
    with bert() as wire:
        sending(wire)
        wire.write(":DATA:SEQuence:SET 'M1.DataOut1',MEMory,'factory:IEEE/SSPRQ_bit_SelectGrayCoded'")
        wire.ask("*OPC?")
        assert wire.device.electrical_emission("M1.DataOut1").pattern == "SSPRQ"


def test_nothing_is_sent_without_state_and_global_state():
    with bert() as wire:
        sending(wire)
        assert wire.device.safe_state() == {"sending": ["M1.DataOut1", "M1.ClkOut"], "emitting": True}
        wire.write(":OUTPut:GLOBal 'M1.System',OFF")
        assert wire.device.safe_state() == {"sending": [], "emitting": False}
        wire.write(":OUTPut:GLOBal 'M1.System',ON;:OUTPut 'M1.DataOut1',0")
        assert wire.device.safe_state()["sending"] == ["M1.ClkOut"]


def test_outputs_pause_while_a_new_rate_settles():
    with bert() as wire:
        sending(wire)
        wire.write(":SOUR:FREQ 'M1.ClkGen',26.5625e9")
        assert wire.device.electrical_emission("M1.DataOut1") is None
        assert wire.ask(":STATus:INSTrument:RUN? 'M1.DataOut1'") == "0"
        with wire.timed() as taken:
            assert wire.ask(":STATus:INSTrument:RUN:WAIT? 'M1.DataOut1'") == "1"
        assert taken["seconds"] == pytest.approx(0.5, abs=0.01)
        assert wire.device.electrical_emission("M1.DataOut1").symbol_rate_gbd == 26.5625


def test_line_coding_holds_for_both_outputs_of_a_module_and_no_other():
    with bert() as wire:
        wire.write(":DATA:LINecoding:VALue 'M1.DataOut1',PAM4")
        codings = [wire.ask(f":DATA:LIN? 'M{module}.DataOut2'") for module in (1, 2)]
        assert codings == ["PAM4", "NRZ"]


def test_errors_are_counted_at_the_true_ratio():
    with bert() as wire:
        receiving(wire)
        with wire.timed() as taken:
            fields = gated(wire, 2.0)
        ones, zeros, wrong_ones, wrong_zeros = (int(field) for field in fields[2:6])
        bits = 2 * RATE_HZ * 2.0
        assert ones + zeros == bits
        # 212,500 errors expected; six sigma.
        assert wrong_ones + wrong_zeros == pytest.approx(bits * 1e-6, abs=6 * math.sqrt(bits * 1e-6))
        assert taken["seconds"] == pytest.approx(2.0, abs=0.01)


def test_symbols_are_counted_beside_bits():
    with bert() as wire:
        receiving(wire)
        fields = [int(field) for field in gated(wire, 1.0)[2:]]
        bits, wrong_bits = sum(fields[0:2]), sum(fields[2:4])
        symbols, wrong_symbols = fields[4:6]
        assert (symbols, wrong_symbols) == (bits // 2, wrong_bits)
        assert (sum(fields[6::2]), sum(fields[7::2])) == (symbols, wrong_symbols)


def test_a_clean_signal_gives_no_errors():
    with bert() as wire:
        receiving(wire, replace(LOOPED, error_ratio=0.0))
        assert sum(int(field) for field in gated(wire, 1.0)[4:6]) == 0


def test_equal_seeds_count_equally_and_repetitions_do_not():
    def counted(seed: int) -> list[list[str]]:
        with bert(seed=seed) as wire:
            receiving(wire)
            return [gated(wire, 1.0)[2:6] for _ in range(2)]

    assert counted(1) == counted(1)
    assert counted(1) != counted(2)
    first, second = counted(1)
    assert first != second


def test_several_detectors_share_one_gate():
    with bert() as wire:
        signals = receiving(wire)
        signals.signals["M4.DataIn"] = replace(LOOPED, error_ratio=1e-3)
        for command in (
            ":CLOCk:SOURce 'M4.DataIn',CDR",
            ":DATA:LINecoding 'M4.DataIn',PAM4",
            ":DATA:SEQuence:SET 'M4.DataIn',PRBS,'2^31-1'",
            ":DATA:SYNC:THReshold 'M4.DataIn',1e-1",
            ":INPut:ALIGnment:EYE:THReshold 'M4.DataIn',1e-1",
            ":INPut:ALIGnment:EYE:AUTO 'M4.DataIn'",
        ):
            wire.write(command)
        wire.ask("*OPC?")
        for location in ("M3.DataIn", "M4.DataIn"):
            wire.write(f":PLUGin:ERATio:NEW '{location}'")
            wire.write(f":PLUGin:ERATio:ACQuisition:ALOCation '{location}','{location}'")
            wire.write(f":PLUGin:ERATio:ACQuisition:DURation '{location}',FTIM")
            wire.write(f":PLUGin:ERATio:ACQuisition:TIME '{location}',3")
        with wire.timed() as taken:
            wire.write(":PLUGin:ERATio:STARt 'M3.DataIn';STARt 'M4.DataIn'")
            wire.ask("*OPC?")
        assert taken["seconds"] == pytest.approx(3.0, abs=0.01)
        ratios = []
        for location in ("M3.DataIn", "M4.DataIn"):
            fields = wire.ask(f":PLUGin:ERATio:FETCh? '{location}'").strip("()").split(",")
            ratios.append(sum(map(int, fields[4:6])) / sum(map(int, fields[2:4])))
        assert ratios == pytest.approx([1e-6, 1e-3], rel=0.03)


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        (LOOPED, "0000"),
        (None, "1111"),
        (replace(LOOPED, amplitude_v=0.01), "1111"),
        (replace(LOOPED, pattern="PRBS13Q"), "0001"),
        (replace(LOOPED, symbol_rate_gbd=53.2), "0111"),
        (replace(LOOPED, error_ratio=0.2), "0011"),
    ],
    ids=["looped", "nothing", "too weak", "wrong pattern", "wrong rate", "closed eye"],
)
def test_what_is_lost_is_told(signal: ElectricalSignal | None, expected: str):
    with bert() as wire:
        receiving(wire, signal)
        assert "".join(lost(wire).values()) == expected


def test_a_detector_that_was_never_aligned_is_out_of_step():
    with bert() as wire:
        receiving(wire, align=False)
        assert lost(wire) == {"DLOSs": "0", "CLOSs": "0", "SALoss": "1", "SLOSs": "1"}


def test_alignment_takes_its_time_and_tells_how_it_went():
    with bert() as wire:
        signals = receiving(wire, align=False)
        with wire.timed() as taken:
            wire.write(f":INPut:ALIGnment:EYE:AUTO {IN}")
            assert wire.ask(f":INPut:ALIGnment:STATus:VALue? {IN}") == "INPROGRESS"
            wire.ask("*OPC?")
        assert taken["seconds"] == pytest.approx(4.0, abs=0.01)
        assert wire.ask(f":INPut:ALIGnment:STATus? {IN}") == "SUCCESS"
        signals.signals.clear()
        wire.write(f":INPut:ALIGnment:EYE:AUTO {IN}")
        wire.ask("*OPC?")
        assert wire.ask(f":INPut:ALIGnment:STATus? {IN}") == "FAILED"


def test_a_ratio_above_the_sync_threshold_is_sync_loss():
    with bert() as wire:
        signals = receiving(wire)
        signals.signals["M3.DataIn"] = replace(LOOPED, error_ratio=5e-3)
        wire.write(f":DATA:SYNC:THReshold {IN},1e-3")
        assert lost(wire)["SLOSs"] == "1"
        wire.write(f":DATA:SYNC:THReshold {IN},1e-2")
        assert lost(wire)["SLOSs"] == "0"


def test_the_system_clock_fits_only_data_of_the_same_timebase():
    with bert() as wire:
        signals = receiving(wire)
        wire.write(f":CLOCk:SOURce {IN},SYS")
        assert lost(wire)["CLOSs"] == "0"
        signals.signals["M3.DataIn"] = replace(LOOPED, timebase="another crystal")
        assert lost(wire)["CLOSs"] == "1"


def test_out_of_step_nothing_is_compared():
    with bert() as wire:
        receiving(wire, replace(LOOPED, pattern="PRBS13Q"))
        assert [int(field) for field in gated(wire, 1.0)[2:]] == [0, 0, 0, 0]


def test_a_signal_that_comes_during_the_gate_does_not_count():
    with bert() as wire:
        signals = receiving(wire)
        signals.signals.clear()
        for command in (
            ":PLUGin:ERATio:NEW 'ber'",
            f":PLUGin:ERATio:ACQuisition:ALOCation 'ber',{IN}",
            ":PLUGin:ERATio:ACQuisition:DURation 'ber',FTIM",
            ":PLUGin:ERATio:STARt 'ber'",
        ):
            wire.write(command)
        signals.signals["M3.DataIn"] = LOOPED
        wire.ask("*OPC?")
        assert wire.ask(":PLUGin:ERATio:FETCh? 'ber'").split(",")[2:4] == ["0", "0"]


def test_the_running_counter_goes_on_between_questions():
    with bert() as wire:
        receiving(wire)
        wire.ask(f":FETCh:BCOunter? {IN}")
        before = wire.ask(f":FETCh:BCOunter? {IN}").strip("()").split(",")
        wire.clock.sleep(1.0)
        after = wire.ask(f":FETCh:BCOunter? {IN}").strip("()").split(",")
        assert after[1] == '"M3.DataIn"'
        gained = sum(map(int, after[2:4])) - sum(map(int, before[2:4]))
        assert gained == pytest.approx(2 * RATE_HZ, rel=1e-6)


def test_the_instantaneous_ratio_is_that_of_the_signal():
    with bert() as wire:
        receiving(wire, replace(LOOPED, error_ratio=1e-4))
        assert float(wire.ask(f":FETCh:IBERate? {IN}").strip("()").split(",")[2]) == pytest.approx(
            1e-4, rel=0.02
        )


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (":OUTPut 'M9.DataOut1',1", -224),
        (":SOUR:FREQ 'M2.ClkGen',53.125e9", -224),
        (":SOUR:FREQ 'M1.ClkGen',80e9", -222),
        (":DATA:SEQ:SET 'M1.DataOut1',PRBS,'2^14-1'", -224),
        (":DATA:SEQ:SET 'M1.DataOut1',MEM,'factory:CEI/unheard'", -224),
        (":SOUR:VOLT 'M1.DataOut1',2.0", -222),
        (":PLUGin:ERATio:STARt 'none'", -224),
        (":OUTPut 1,1", -104),
        (":OUTPut:GLOBal 'M2.System',1", -224),
        (":DATA:LIN 'M1.ClkOut',PAM4", -224),
    ],
)
def test_what_does_not_exist_or_fit_is_an_error(command: str, code: int):
    with bert() as wire:
        wire.write(command)
        assert [int(error.split(",")[0]) for error in wire.errors()] == [code]


def test_a_measurement_without_location_cannot_start():
    with bert() as wire:
        wire.write(":PLUGin:ERATio:NEW 'ber';STARt 'ber'")
        assert wire.errors()[0].startswith("-221")


def test_measurements_are_listed_and_deleted():
    with bert() as wire:
        assert wire.ask(":PLUGin:ERATio:CATalog?") == '""'
        wire.write(":PLUGin:ERATio:NEW 'a';NEW 'b'")
        assert wire.ask(":PLUGin:ERATio:CATalog?") == '"a","b"'
        wire.write(":PLUGin:ERATio:DELete 'a'")
        assert wire.ask(":PLUGin:ERATio:CATalog?") == '"b"'


def test_a_gate_without_end_is_closed_by_stop():
    with bert() as wire:
        receiving(wire)
        wire.write(":PLUGin:ERATio:NEW 'ber'")
        wire.write(f":PLUGin:ERATio:ACQuisition:ALOCation 'ber',{IN}")
        wire.write(":PLUGin:ERATio:STARt 'ber'")
        assert wire.ask(":PLUGin:ERATio:RUN? 'ber'") == "1"
        wire.clock.sleep(1.5)
        wire.write(":PLUGin:ERATio:STOP 'ber'")
        assert wire.ask(":PLUGin:ERATio:RUN? 'ber'") == "0"
        fields = wire.ask(":PLUGin:ERATio:FETCh? 'ber'").strip("()").split(",")
        assert float(fields[1]) == pytest.approx(1.5, abs=0.01)


@pytest.mark.parametrize(
    ("kind", "name"), [(FaultKind.UNDER_RANGE, "DLOSs"), (FaultKind.OVER_RANGE, "SLOSs")]
)
def test_range_faults_show_as_loss(kind: FaultKind, name: str):
    with bert(faults=(Fault("unit", kind),)) as wire:
        receiving(wire)
        assert lost(wire)[name] == "1"


def test_the_modules_are_listed_as_options():
    with bert() as wire:
        assert wire.ask("*OPT?").startswith("(M1-M8045A,")
        assert wire.ask("*OPT?").count("M8046A") == 4


def test_modules_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match="M8046A modules, not M8062A"):
        make(KeysightM8040A, options={"modules": {"M1": "M8045A", "M2": "M8062A"}})


def test_a_file_of_bits_needs_pam4_line_coding():
    with bert() as wire:
        wire.write(":DATA:SEQ:SET 'M1.DataOut1',MEM,'factory:IEEE/SSPRQ_bit_SelectGrayCoded'")
        assert wire.errors()[0].startswith("-221")
        wire.write(":DATA:LIN 'M1.DataOut1',PAM4;:DATA:LIN:PAM4:MAPP 'M1.DataOut1',GRAY")
        wire.write(":DATA:SEQ:SET 'M1.DataOut1',MEM,'factory:IEEE/PRBS13Q_Lane0_bit'")
        assert wire.errors() == []
        wire.write(":DATA:LIN 'M1.DataOut1',NRZ")
        assert wire.errors()[0].startswith("-221")


def test_a_loss_is_latched_until_it_is_read():
    with bert() as wire:
        signals = receiving(wire)
        wire.ask(":STAT:QUES:INST:EVEN?")
        assert wire.ask(":STAT:QUES:INST:EVEN?") == "0"
        for command in (
            ":PLUGin:ERATio:NEW 'ber'",
            f":PLUGin:ERATio:ACQuisition:ALOCation 'ber',{IN}",
            ":PLUGin:ERATio:ACQuisition:DURation 'ber',FTIM",
            ":PLUGin:ERATio:STARt 'ber'",
        ):
            wire.write(command)
        signals.signals.clear()
        wire.ask("*OPC?")
        signals.signals["M3.DataIn"] = LOOPED
        assert wire.ask(":STAT:QUES:INST:EVEN?") == str(1 << 2 | 1 << 3)
        assert wire.ask(":STAT:QUES:INST:EVEN?") == "0"
