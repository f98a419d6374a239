import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measurements.quantity import Bound, Cause, NotMeasurable, Quantity
from station.expected import Key
from station.judge import Judge
from tests.station.core_kit import CURRENT, LIMITS, good, quantity, row, rows

POWER = Key("tx_power", 1, "room")
TDECQ = Key("tx_tdecq", 1, "room")
SENSITIVITY = Key("rx_sensitivity", 1, "room")


def unmeasurable(cause, *instruments):
    return NotMeasurable("nothing to see", cause, instruments=instruments)


def judged(*taken, expected=None, limits=LIMITS):
    """Give the final verdict of each key, in the order in which the results came."""
    judge = Judge(limits, expected)
    for key, result in taken:
        judge.take(key, result)
    judge.settle(final=True)
    return {key: judge.opinions[key].verdict for key, _ in taken}


@pytest.mark.parametrize(
    ("key", "result", "words"),
    [
        (Key("tx_pwr", 1, "room"), good("tx_power"), "no limit is given for tx_pwr"),
        (Key("tx_power", None, "room"), good("tx_power"), "tx_power is measured per lane"),
        (Key("supply_current", 1, "room"), quantity(1.0, "A"), "supply_current is measured per transceiver"),
        (Key("tx_power", 5, "room"), good("tx_power"), "tx_power lane 5 at room is not in the plan"),
        (Key("tx_power", 1, "hot"), good("tx_power"), "tx_power lane 1 at hot is not in the plan"),
        (Key("tx_power", 1, ""), good("tx_power"), "outside any step"),
        (POWER, 1.0, "float is neither a Quantity nor NotMeasurable"),
        (POWER, None, "NoneType is neither"),
        (POWER, {"value": 1.0, "unit": "dBm"}, "dict is neither"),
        (POWER, quantity(math.nan), "nan, not a number"),
        (POWER, quantity(1.0, "mW"), "in 'mW', its limit in 'dBm'"),
    ],
)
def test_what_cannot_be_judged_is_an_error_that_says_why(key, result, words):
    opinion = Judge(LIMITS, (POWER,)).take(key, result)
    assert (opinion.verdict, words in opinion.reason) == ("ERROR", True), opinion.reason


def test_outside_a_step_nothing_counts_in_a_partial_run_either():
    assert judged((Key("tx_power", 1, ""), good("tx_power")), expected=None) == {
        Key("tx_power", 1, ""): "ERROR"
    }


@given(st.lists(st.sampled_from([1.0, 9.0, math.nan]), min_size=2, max_size=4))
def test_what_is_measured_twice_is_an_error_whatever_came(values):
    judge = Judge(LIMITS, (POWER,))
    for value in values:
        opinion = judge.take(POWER, quantity(value))
    judge.settle(final=True)
    assert judge.opinions[POWER] is opinion
    assert (opinion.verdict, "measured twice" in opinion.reason) == ("ERROR", True)
    assert str(judge.result(POWER).value) == str(values[0])


def test_missing_is_what_was_expected_and_never_came():
    judge = Judge(LIMITS, (POWER, TDECQ))
    assert judge.missing == (POWER, TDECQ)
    judge.take(TDECQ, good("tx_tdecq"))
    assert judge.missing == (POWER,)


# --- limits that depend on other measurements --------------------------------------------------------


@given(st.floats(0.0, 3.4), st.floats(-9.0, 1.0), st.permutations([0, 1]))
def test_a_limit_follows_the_measurement_that_it_names_in_either_order(tdecq, sensitivity, order):
    taken = [(TDECQ, quantity(tdecq, "dB")), (SENSITIVITY, quantity(sensitivity))]
    verdicts = judged(*(taken[n] for n in order))
    assert verdicts[SENSITIVITY] == ("PASS" if sensitivity <= max(-3.9, tdecq - 5.3) else "FAIL")


@pytest.mark.parametrize("beside", [Key("tx_tdecq", 2, "room"), Key("tx_tdecq", 1, "hot")])
def test_another_lane_or_corner_gives_no_value_to_a_limit(beside):
    assert judged((beside, good("tx_tdecq")), (SENSITIVITY, good("rx_sensitivity")))[SENSITIVITY] == "ERROR"


def test_a_limit_may_name_the_lane_and_a_value_of_the_whole_transceiver():
    limits = rows(row("order", "1", "lane", "lane"), CURRENT, row("power", "W", None, "3.3 * supply_current"))
    here = [Key("order", 2, "room"), Key("supply_current", None, "room"), Key("power", 2, "room")]
    results = [quantity(2.0, "1"), quantity(2.0, "A"), quantity(6.5, "W")]
    assert list(judged(*zip(here, results, strict=True), limits=limits).values()) == ["PASS"] * 3
    wrong = [quantity(1.0, "1"), quantity(2.0, "A"), quantity(6.7, "W")]
    assert list(judged(*zip(here, wrong, strict=True), limits=limits).values()) == ["FAIL", "PASS", "FAIL"]


def test_a_limit_that_names_an_unmeasurable_value_fails_with_it_and_errs_with_it():
    eye = (TDECQ, unmeasurable(Cause.EYE_CLOSED, "scope"))
    dark = (POWER, quantity(-40.0, bound=Bound.UPPER, instruments=("meter",)))
    swept = (SENSITIVITY, good("rx_sensitivity", instruments=("bert",)))
    for order in itertools.permutations([eye, dark, swept]):
        assert judged(*order) == {TDECQ: "FAIL", POWER: "FAIL", SENSITIVITY: "FAIL"}, order
    assert judged(eye, swept) == {TDECQ: "ERROR", SENSITIVITY: "ERROR"}


# --- who may blame the transceiver -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "witness", "verdict"),
    [
        # too little light at the meter confirms that the scope sees nothing
        (Cause.DARK, quantity(-40.0, bound=Bound.UPPER, instruments=("meter",)), "FAIL"),
        (Cause.DARK, quantity(-5.0, instruments=("meter",)), "FAIL"),
        (Cause.NO_MODULATION, quantity(-40.0, bound=Bound.UPPER, instruments=("meter",)), "FAIL"),
        # light that is too strong is no darkness
        (Cause.DARK, quantity(6.0, instruments=("meter",)), "ERROR"),
        # good light is no witness, nor is a reading that is itself an error
        (Cause.DARK, quantity(1.0, instruments=("meter",)), "ERROR"),
        (Cause.EYE_CLOSED, quantity(1.0, instruments=("meter",)), "ERROR"),
        (Cause.DARK, quantity(math.nan, instruments=("meter",)), "ERROR"),
        (Cause.DARK, quantity(-40.0, "mW", instruments=("meter",)), "ERROR"),
        # the same instrument, or nobody, confirms nothing
        (Cause.DARK, quantity(-40.0, instruments=("scope",)), "ERROR"),
        (Cause.DARK, quantity(-40.0, instruments=("meter", "scope")), "ERROR"),
        (Cause.DARK, quantity(-40.0), "ERROR"),
        # another instrument that finds nothing either
        (Cause.EYE_CLOSED, unmeasurable(Cause.NO_LOCK, "bert"), "FAIL"),
        (Cause.DARK, unmeasurable(Cause.DARK, "analyser"), "FAIL"),
        (Cause.DARK, unmeasurable(Cause.EYE_CLOSED, "other scope"), "ERROR"),
        (Cause.DARK, unmeasurable(Cause.DARK), "ERROR"),
        (Cause.DARK, unmeasurable(Cause.DARK, "scope"), "ERROR"),
    ],
)
def test_only_another_instrument_that_says_the_same_blames_the_transceiver(cause, witness, verdict):
    claim = (TDECQ, unmeasurable(cause, "scope"))
    for order in ([claim, (POWER, witness)], [(POWER, witness), claim]):
        assert judged(*order)[TDECQ] == verdict


@pytest.mark.parametrize("beside", [Key("tx_power", 2, "room"), Key("tx_power", 1, "hot")])
def test_a_witness_must_have_looked_at_the_same_lane_and_corner(beside):
    dark = quantity(-40.0, instruments=("meter",))
    assert judged((TDECQ, unmeasurable(Cause.DARK, "scope")), (beside, dark))[TDECQ] == "ERROR"


def test_without_a_name_nobody_confirms_a_claim():
    dark = (POWER, quantity(-40.0, instruments=("meter",)))
    assert judged((TDECQ, unmeasurable(Cause.DARK)), dark)[TDECQ] == "ERROR"


def test_a_witness_whose_own_limit_came_late_still_counts():
    """The failure of the witness is settled in the same breath as the claim that waits for it."""
    limits = rows(row("tx_tdecq", "dB", None, 3.4), row("ber", "1", None, "0.1 * scale"), row("scale", "1"))
    claim = (TDECQ, unmeasurable(Cause.NO_LOCK, "scope"))
    witness = (Key("ber", 1, "room"), quantity(0.5, "1", instruments=("bert",)))
    scale = (Key("scale", 1, "room"), quantity(1.0, "1"))
    for order in itertools.permutations([claim, witness, scale]):
        assert judged(*order, limits=limits)[TDECQ] == "FAIL", order


def test_what_waits_is_pending_until_it_is_settled():
    judge = Judge(LIMITS, None)
    assert judge.take(TDECQ, unmeasurable(Cause.DARK, "scope")).word == "PENDING"
    assert judge.settle(final=False) == {}
    judge.take(POWER, quantity(-40.0, instruments=("meter",)))
    assert {key: opinion.word for key, opinion in judge.settle(final=False).items()} == {TDECQ: "FAIL"}
    assert judge.settle(final=True) == {}


RESULTS = st.one_of(
    st.builds(
        Quantity,
        st.floats() | st.none() | st.text(max_size=2) | st.integers() | st.booleans(),
        st.sampled_from(["dBm", "dB", "mW", ""]),
        bound=st.sampled_from(list(Bound)),
        instruments=st.sampled_from([(), ("scope",), ("meter",)]),
    ),
    st.builds(
        NotMeasurable,
        st.just("nothing"),
        st.sampled_from(list(Cause)),
        instruments=st.sampled_from([(), ("scope",), ("meter",), ("bert",)]),
    ),
    st.none() | st.floats() | st.text(max_size=2),
)
KEYS = st.builds(
    Key,
    st.sampled_from(["tx_power", "tx_tdecq", "rx_sensitivity", "unknown"]),
    st.sampled_from([None, 1, 2]),
    st.sampled_from(["room", "hot", ""]),
)


@given(st.lists(st.tuples(KEYS, RESULTS), max_size=6))
def test_nothing_but_a_number_in_its_unit_within_its_limits_passes(taken):
    """No order or mixture of results raises, waits for ever, or lets anything else PASS."""
    expected = (POWER, TDECQ, SENSITIVITY)
    judge = Judge(LIMITS, expected)
    for key, result in taken:
        judge.take(key, result)
    judge.settle(final=True)
    for key, opinion in judge.opinions.items():
        assert opinion.verdict is not None
        if opinion.verdict == "PASS":
            (result,) = (result for taken_key, result in taken if taken_key == key)
            assert key in expected
            assert isinstance(result, Quantity)
            assert result.unit == LIMITS[key.name].unit
            assert opinion.lower is None or result.value >= opinion.lower
            assert opinion.upper is None or result.value <= opinion.upper
        if opinion.verdict == "FAIL":
            assert key in expected
            assert opinion.reason
    assert set(judge.missing) == set(expected) - {key for key, _ in taken}
