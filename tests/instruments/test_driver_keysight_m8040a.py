import pytest

from instruments.drivers.keysight_m8040a import KeysightM8040A, parse_counts
from instruments.errors import GarbledAnswer, InstrumentRefused, InstrumentTimeout, PhotonbenchError
from instruments.interfaces.safe_state import SafetyRank
from tests.instruments.fake_wire import CHECKED, SILENCE, Again, opened, settings

IDN = "Keysight Technologies,M8070B,DE5,9.0.250.2"
PRBS31Q = "PRBS,'2^31-1'"
SSPRQ = "MEMory,'factory:IEEE/SSPRQ_bit_SelectGrayCoded'"
DONE = ("*OPC?", "1")


def bert(*pairs, **more):
    return opened(KeysightM8040A, *pairs, idn=IDN, opening=(CHECKED,), **more)


def loaded(location: str, sequence: str = PRBS31Q):
    return (
        settings(
            f":DATA:LIN '{location}',PAM4",
            f":DATA:LIN:PAM4:MAPP '{location}',GRAY",
            f":DATA:SEQ:SET '{location}',{sequence}",
        ),
        DONE,
    )


def status(location: str, clock: str = "0", sync: str = "0"):
    lost_sync = [(f":STAT:INST:SLOS? '{location}'", sync)] if clock == "0" else []
    return ((f":STAT:INST:CLOS? '{location}'", clock), *lost_sync)


def aligned(*locations: str):
    return (
        *(step for one in locations for step in loaded(one)),
        *(
            settings(
                f":CLOC:SOUR '{one}',CDR",
                f":DATA:SYNC:THR '{one}',1E-02",
                f":INP:ALIG:EYE:THR '{one}',1E-02",
            )
            for one in locations
        ),
        (";".join(f":INP:ALIG:EYE:AUTO '{one}'" for one in locations), None),
        DONE,
    )


def gate(*locations: str, seconds: str = "1", catalogue: str = '""', answer: str):
    new = [settings(":PLUG:ERAT:NEW 'photonbench'")] if "photonbench" not in catalogue else []
    name = "'photonbench'"
    return (
        (":STAT:QUES:INST:EVEN?", "4"),
        (":PLUG:ERAT:CAT?", catalogue),
        *new,
        settings(
            f":PLUG:ERAT:RES {name}",
            f":PLUG:ERAT:ACQ:ALOC {name},'{','.join(locations)}'",
            f":PLUG:ERAT:ACQ:AEND {name},FDUR",
            f":PLUG:ERAT:ACQ:DUR {name},FTIM",
            f":PLUG:ERAT:ACQ:TIME {name},{seconds}",
            f":PLUG:ERAT:ACQ:INT {name},{seconds}",
            f":PLUG:ERAT:ACQ:HIST {name},1",
        ),
        (f":PLUG:ERAT:STAR {name}", None),
        DONE,
        (f":PLUG:ERAT:FETC:DATA? {name}", answer),
    )


ONE = '("M3.DataIn",1.366014336e9,5.3e10,5.32e10,1.1e6,1.2e6,5.3e10,2.3e6,1,2,3,4,5,6,7,8)'
SYMBOLS = "1,2,3,4,5,6,7,8,9,10"
TWO = f'("M3.DataIn",1.3e9,5e10,5e10,10,20,{SYMBOLS},"M4.DataIn",1.3e9,5e10,5e10,0,0,{SYMBOLS})'


def test_named_outputs_send_their_pattern_and_the_others_are_silent() -> None:
    tester, wire = bert(
        settings(":OUTP:STAT 'M1.DataOut2',0", ":OUTP:STAT 'M2.DataOut2',0"),
        settings(":SOUR:FREQ 'M1.ClkGen',5.312500E+10"),
        DONE,
        *loaded("M1.DataOut1"),
        settings(":SOUR:VOLT:AMPL 'M1.DataOut1',0.600"),
        *loaded("M2.DataOut1", SSPRQ),
        settings(":SOUR:VOLT:AMPL 'M2.DataOut1',0.600"),
        settings(
            ":OUTP:STAT 'M1.DataOut1',1",
            ":OUTP:STAT 'M2.DataOut1',1",
            ":OUTP:STAT 'M1.ClkOut',1",
            ":OUTP:GLOB:STAT 'M1.System',1",
        ),
        DONE,
        CHECKED,
    )
    tester.generate({"M1.DataOut1": "PRBS31Q", "M2.DataOut1": "SSPRQ"}, symbol_rate_gbd=53.125)
    wire.finish()


def test_no_pattern_at_all_leaves_the_clock_running() -> None:
    outputs = tester_outputs = ("M1.DataOut1", "M1.DataOut2", "M2.DataOut1", "M2.DataOut2")
    tester, wire = bert(
        settings(*(f":OUTP:STAT '{one}',0" for one in outputs)),
        settings(":SOUR:FREQ 'M1.ClkGen',5.312500E+10"),
        DONE,
        settings(":OUTP:STAT 'M1.ClkOut',1", ":OUTP:GLOB:STAT 'M1.System',1"),
        DONE,
        CHECKED,
    )
    assert tester.generators == tester_outputs
    tester.generate({}, symbol_rate_gbd=53.125)
    wire.finish()


@pytest.mark.parametrize("patterns", [{"M1.DataOut1": "PRBS9"}, {"M9.DataOut1": "PRBS31Q"}])
def test_unknown_outputs_and_patterns_are_refused_before_anything_is_sent(patterns) -> None:
    tester, wire = bert()
    with pytest.raises(PhotonbenchError):
        tester.generate(patterns, symbol_rate_gbd=53.125)
    wire.finish()


def test_safe_means_all_outputs_off_the_clock_too() -> None:
    outputs = ("M1.DataOut1", "M1.DataOut2", "M2.DataOut1", "M2.DataOut2", "M1.ClkOut")
    tester, wire = bert(
        settings(":OUTP:GLOB:STAT 'M1.System',0"),
        settings(*(f":OUTP:STAT '{one}',0" for one in outputs)),
        DONE,
        CHECKED,
    )
    tester.make_safe()
    assert tester.safety_rank is SafetyRank.SOURCE
    wire.finish()


def test_errors_are_counted_over_one_gate() -> None:
    both = ("M3.DataIn", "M4.DataIn")
    locked = (*status("M3.DataIn"), *status("M4.DataIn"))
    tester, wire = bert(
        *aligned(*both),
        *locked,
        *locked,
        *gate(*both, seconds="10", answer=TWO),
        (":STAT:QUES:INST:EVEN?", "0"),
        *locked,
        CHECKED,
    )
    first, second = tester.count_errors(both, pattern="PRBS31Q", seconds=10.0)
    assert (first.bits, first.errors, first.seconds, first.locked) == (10**11, 30, 10.0, True)
    assert (second.bits, second.errors, second.locked) == (10**11, 0, True)
    assert 1000 * (10.0 + 10.0 + 2.0) in wire.timeouts
    wire.finish()


def test_a_measurement_of_ours_is_used_again() -> None:
    one = status("M3.DataIn")
    tester, wire = bert(
        *aligned("M3.DataIn"),
        *one,
        *one,
        *gate("M3.DataIn", catalogue='"other","photonbench"', answer=ONE),
        (":STAT:QUES:INST:EVEN?", "0"),
        *one,
        CHECKED,
    )
    (count,) = tester.count_errors(["M3.DataIn"], pattern="PRBS31Q", seconds=1.0)
    assert (count.bits, count.errors) == (106_200_000_000, 2_300_000)
    wire.finish()


def test_a_detector_without_clock_is_not_locked_and_costs_no_gate() -> None:
    tester, wire = bert(
        *aligned("M3.DataIn"),
        (":STAT:INST:CLOS? 'M3.DataIn'", Again("1")),
        CHECKED,
    )
    (count,) = tester.count_errors(["M3.DataIn"], pattern="PRBS31Q", seconds=10.0)
    assert (count.bits, count.locked) == (0, False)
    assert wire.clock.now() == pytest.approx(5.0, abs=0.2)


def test_a_detector_that_ends_without_sync_is_not_locked_the_other_is() -> None:
    both = ("M3.DataIn", "M4.DataIn")
    locked = (*status("M3.DataIn"), *status("M4.DataIn"))
    tester, _ = bert(
        *aligned(*both),
        *locked,
        *locked,
        *gate(*both, answer=TWO),
        (":STAT:QUES:INST:EVEN?", "4"),
        *status("M3.DataIn", sync="1"),
        *status("M4.DataIn"),
        CHECKED,
    )
    counts = tester.count_errors(both, pattern="PRBS31Q", seconds=1.0)
    assert [count.locked for count in counts] == [False, True]


@pytest.mark.parametrize("event", ["4", "8", "12"])
def test_a_slip_that_came_and_went_spoils_the_whole_gate(event: str) -> None:
    one = status("M3.DataIn")
    tester, _ = bert(
        *aligned("M3.DataIn"),
        *one,
        *one,
        *gate("M3.DataIn", answer=ONE),
        (":STAT:QUES:INST:EVEN?", event),
        *one,
        CHECKED,
    )
    (count,) = tester.count_errors(["M3.DataIn"], pattern="PRBS31Q", seconds=1.0)
    assert not count.locked


@pytest.mark.parametrize(
    "answer", ['("M4.DataIn",1,2,3,4,5)', "()", '("M3.DataIn",1,2,3)', '("M3.DataIn",1,2,x,4,5)']
)
def test_counts_that_are_not_whole_are_garbled(answer: str) -> None:
    one = status("M3.DataIn")
    tester, _ = bert(*aligned("M3.DataIn"), *one, *one, *gate("M3.DataIn", answer=answer))
    with pytest.raises(GarbledAnswer, match=r"counts of M3\.DataIn"):
        tester.count_errors(["M3.DataIn"], pattern="PRBS31Q", seconds=1.0)


def test_a_gate_that_never_ends_is_a_timeout() -> None:
    one = status("M3.DataIn")
    pairs = list(gate("M3.DataIn", answer=ONE))
    pairs[-2:] = [("*OPC?", SILENCE), ("*IDN?", SILENCE)]
    tester, _ = bert(*aligned("M3.DataIn"), *one, *one, *pairs)
    with pytest.raises(InstrumentTimeout, match="within 13 s"):
        tester.count_errors(["M3.DataIn"], pattern="PRBS31Q", seconds=1.0)


def test_a_pattern_that_the_tester_does_not_have_is_a_refusal() -> None:
    message, _ = loaded("M3.DataIn", SSPRQ)[0]
    tester, _ = bert((message, '-224,"Illegal parameter value"'), CHECKED)
    with pytest.raises(InstrumentRefused, match="SSPRQ"):
        tester.count_errors(["M3.DataIn"], pattern="SSPRQ", seconds=1.0)


def test_counts_are_read_from_the_manuals_example() -> None:
    example = "(M1.DataIn1,1.366014336e9,1.2222e10,1.112345e10,5.1e1,7.2e2)"
    assert parse_counts(example) == {"M1.DataIn1": (23_345_450_000, 771)}


def test_locations_follow_the_modules_of_the_frame() -> None:
    tester, _ = bert(options={"modules": {"M1": "M8045A", "M2": "M8046A", "M3": "M8046A"}})
    assert tester.generators == ("M1.DataOut1", "M1.DataOut2")
    assert tester.detectors == ("M2.DataIn", "M3.DataIn")
