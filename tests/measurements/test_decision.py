import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measurements.decision import (
    FIVE_PER_CENT,
    ISO_14253_1,
    SIMPLE_ACCEPTANCE,
    Rule,
    State,
    acceptance,
    by_expanded_uncertainty,
    decide,
    retests_needed,
)
from measurements.limits import Limits
from measurements.quantity import Bound, Quantity
from measurements.uncertainty import Budget, Contributor, UncertaintyError

TDECQ = Limits("dB", upper=3.4)


def at(value, u=0.10, **options):
    return Quantity(value, "dB", u, **options)


def test_published_acceptance_limits_of_tdecq():
    assert decide(at(3.0), TDECQ, FIVE_PER_CENT).upper == pytest.approx(3.2355, abs=1e-3)
    assert decide(at(3.0), TDECQ, ISO_14253_1).upper == pytest.approx(3.20)
    assert decide(at(3.0), TDECQ).upper == 3.4


@pytest.mark.parametrize(
    ("value", "state"),
    [(3.19, State.PASS), (3.21, State.MARGINAL), (3.4, State.MARGINAL), (3.41, State.FAIL)],
)
def test_three_states_of_a_guard_band(value, state):
    found = decide(at(value), TDECQ, ISO_14253_1)
    assert found.state is state
    assert found.marginal is (state is State.MARGINAL)
    assert found.margin_in_u == pytest.approx((3.4 - value) / 0.1)


def test_simple_acceptance_needs_no_uncertainty():
    found = decide(at(3.4, None), TDECQ, SIMPLE_ACCEPTANCE)
    assert found.state is State.PASS
    assert found.margin_in_u is None


def test_a_budget_stands_for_the_standard_error():
    budget = Budget("dB", (Contributor("scope", 0.3, coverage_factor=2.0),))
    assert decide(at(3.2, None), TDECQ, ISO_14253_1, budget=budget).state is State.MARGINAL


def test_both_sides_are_drawn_in():
    both = Limits("dBm", lower=-2.9, upper=4.0)
    found = decide(Quantity(-2.8, "dBm", 0.1), both, ISO_14253_1)
    assert (found.lower, found.upper) == (pytest.approx(-2.7), pytest.approx(3.8))
    assert found.state is State.MARGINAL
    assert decide(Quantity(0.0, "dBm", 0.1), Limits("dBm"), ISO_14253_1).state is State.PASS


def test_few_readings_widen_the_band():
    budget = Budget("dB", (Contributor("repeatability", 0.1, degrees_of_freedom=5),))
    rule = by_expanded_uncertainty(budget)
    assert rule.guard_in_u == pytest.approx(2.65, abs=0.005)  # JCGM 100, table G.2
    assert decide(at(3.19), TDECQ, ISO_14253_1, budget=budget).state is State.PASS
    assert decide(at(3.19), TDECQ, rule, budget=budget).state is State.MARGINAL


def test_acceptance_leaves_an_open_side_open():
    assert acceptance(Limits("dB"), 0.2) == (None, None)
    assert acceptance(Limits("dB", lower=1.0), 0.2) == (1.2, None)


@given(value=st.floats(0, 7), u=st.floats(0.001, 1), guard=st.floats(0, 3))
def test_marginal_is_what_simple_acceptance_passes_and_the_rule_does_not(value, u, guard):
    found = decide(at(value, u), TDECQ, Rule("any", guard))
    assert found.marginal == (found.upper < value <= 3.4)
    assert (found.state is State.FAIL) == (value > 3.4)


@given(value=st.floats(0, 7), u=st.floats(0, 1), guard=st.floats(0, 3))
def test_a_guard_band_never_turns_a_fail_into_a_pass(value, u, guard):
    simple = decide(at(value, u), TDECQ).state
    guarded = decide(at(value, u), TDECQ, Rule("any", guard)).state
    if simple is State.FAIL:
        assert guarded is State.FAIL
    else:
        assert guarded in (State.PASS, State.MARGINAL)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: decide(at(3.0, None), TDECQ, ISO_14253_1), "give a budget"),
        (lambda: decide(at(math.nan), TDECQ), "no value"),
        (lambda: decide(at(3.0, bound=Bound.UPPER), TDECQ), "no value"),
        (lambda: decide(Quantity(3.0, "dBm", 0.1), TDECQ), "different units"),
        (lambda: decide(at(3.0, math.inf), TDECQ), "is none"),
        (lambda: decide(at(0.0), Limits("dB", -0.1, 0.1), ISO_14253_1), "leaves nothing"),
        (lambda: decide(at(3.0, -0.1), TDECQ), "is none"),
        (lambda: decide(at(3.0), Limits("dB", upper=math.nan)), "not numbers"),
        (lambda: decide(at(3.0), Limits("dB", upper=math.inf)), "not numbers"),
        (lambda: decide(at(3.0), Limits("dB", 3.5, 2.5)), "leaves nothing"),
        (lambda: decide(at(3.0), TDECQ, budget=Budget("dBm", (Contributor("a", 1.0),))), "different units"),
        (lambda: Rule("negative", -1.0), "is none"),
        (lambda: Rule("none", math.nan), "is none"),
        (lambda: retests_needed(0.1, math.nan, wanted=0.1), "not positive"),
        (lambda: retests_needed(-0.1, 0.1, wanted=0.1), "not positive"),
    ],
)
def test_what_cannot_be_decided_is_refused(call, said):
    with pytest.raises(UncertaintyError, match=said):
        call()


def test_retests_lower_what_scatters_and_nothing_else():
    assert retests_needed(0.10, 0.0, wanted=0.05) == 4
    assert retests_needed(0.10, 0.04, wanted=0.05) == 12
    assert retests_needed(0.10, 0.06, wanted=0.05) is None
    assert retests_needed(0.0, 0.05, wanted=0.05) == 1
    assert retests_needed(0.0, 0.06, wanted=0.05) is None
