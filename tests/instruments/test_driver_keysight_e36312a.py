import pytest

from instruments.drivers.keysight_e36312a import KeysightE36312A
from instruments.errors import GarbledAnswer, InstrumentError, InstrumentRefused
from instruments.interfaces.safe_state import SafetyRank
from tests.instruments.fake_wire import CHECKED, Again, opened, settings

IDN = "Keysight Technologies,E36312A,MY3,1.0.4-1.0.0-1.00"
SET = settings(":VOLT 3.3000,(@1)", ":CURR 3.0000,(@1)")
ON = settings(":OUTP 1,(@1)")


def supply(*pairs):
    return opened(KeysightE36312A, *pairs, idn=IDN, opening=(CHECKED,))


def test_voltage_and_limit_are_accepted_before_the_output_goes_on() -> None:
    source, wire = supply(
        SET, ON, ("*OPC?", "1"), (":MEAS:VOLT? (@1)", "+1.1E+00"), (":MEAS:VOLT? (@1)", "+3.299E+00"), CHECKED
    )
    source.supply("1", voltage_v=3.3, current_limit_a=3.0)
    assert wire.clock.now() == pytest.approx(0.05)
    wire.finish()


def test_a_refused_voltage_never_reaches_the_output() -> None:
    source, wire = supply(
        (":VOLT 9.0000,(@1);:CURR 3.0000,(@1);:SYST:ERR?", '-222,"Data out of range"'), CHECKED
    )
    with pytest.raises(InstrumentRefused):
        source.supply("1", voltage_v=9.0, current_limit_a=3.0)
    wire.finish()


def test_an_output_that_stays_in_its_limit_is_told_by_limiting() -> None:
    source, wire = supply(
        SET,
        ON,
        ("*OPC?", "1"),
        (":MEAS:VOLT? (@1)", Again("1.0")),
        (":STAT:QUES:INST:ISUM1:COND?", "1"),
        CHECKED,
        (":STAT:QUES:INST:ISUM1:COND?", "+1"),
        CHECKED,
        (":STAT:QUES:INST:ISUM1:COND?", "+2"),
        CHECKED,
    )
    source.supply("1", voltage_v=3.3, current_limit_a=3.0)
    assert source.limiting("1")
    assert not source.limiting("1")
    assert wire.pairs == []


def test_an_output_that_never_comes_up_is_an_error() -> None:
    source, _ = supply(
        SET, ON, ("*OPC?", "1"), (":MEAS:VOLT? (@1)", Again("0.0")), (":STAT:QUES:INST:ISUM1:COND?", "0")
    )
    with pytest.raises(InstrumentError, match=r"does not reach 3.3 V on output 1; check its sense wires"):
        source.supply("1", voltage_v=3.3, current_limit_a=3.0)


def test_a_hardware_failure_is_an_error() -> None:
    source, _ = supply((":STAT:QUES:INST:ISUM2:COND?", "3"))
    with pytest.raises(InstrumentError, match="reports a failure of output 2"):
        source.limiting("2")


def test_voltage_and_current_are_measured() -> None:
    source, _ = supply((":MEAS:VOLT? (@1)", "+3.301E+00"), CHECKED, (":MEAS:CURR? (@1)", "+2.2E+00"), CHECKED)
    assert source.read_voltage_v("1") == 3.301
    assert source.read_current_a("1") == 2.2


def test_half_an_answer_is_garbled() -> None:
    source, _ = supply((":MEAS:CURR? (@1)", b"+2."))
    with pytest.raises(GarbledAnswer):
        source.read_current_a("1")


def test_safe_means_all_outputs_off() -> None:
    source, wire = supply(
        *(pair for n in (1, 2, 3) for pair in (settings(f":OUTP 0,(@{n})"), (f":OUTP? (@{n})", "0"), CHECKED))
    )
    source.make_safe()
    assert source.safety_rank is SafetyRank.SUPPLY
    wire.finish()


def test_an_output_that_stays_on_is_an_error() -> None:
    source, _ = supply(settings(":OUTP 0,(@1)"), (":OUTP? (@1)", "1"))
    with pytest.raises(InstrumentError, match="did not switch output 1 off"):
        source.switch_off("1")
