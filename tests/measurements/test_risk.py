import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from measurements.decision import FIVE_PER_CENT, ISO_14253_1, SIMPLE_ACCEPTANCE, Rule
from measurements.limits import Limits
from measurements.risk import Process, conformance, global_risk
from measurements.uncertainty import UncertaintyError

UPPER = Limits("dB", upper=3.4)
BOTH = Limits("dB", lower=1.0, upper=3.4)


def test_specific_risks_at_the_acceptance_limits():
    assert 1 - conformance(3.2, 0.1, UPPER) == pytest.approx(0.0228, abs=1e-4)
    assert 1 - conformance(3.4 - 0.16449, 0.1, UPPER) == pytest.approx(0.05, abs=1e-4)
    assert conformance(3.4, 0.1, UPPER) == 0.5
    assert conformance(3.4, 0.0, UPPER) == 1.0
    assert conformance(3.5, 0.0, UPPER) == 0.0


@given(value=st.floats(-2, 8), u=st.floats(0.01, 2))
def test_conformance_is_the_normal_share_between_the_limits(value, u):
    expected = norm.cdf(3.4, value, u) - norm.cdf(1.0, value, u)
    assert conformance(value, u, BOTH) == pytest.approx(expected, abs=1e-12)


def test_conformance_far_outside_keeps_its_figures():
    assert conformance(-1.0, 0.2, BOTH) == pytest.approx(norm.sf(10) - norm.sf(22), rel=1e-9)


@pytest.mark.parametrize("rule", [SIMPLE_ACCEPTANCE, FIVE_PER_CENT, ISO_14253_1])
@pytest.mark.parametrize("u", [0.01, 0.1, 0.5])
def test_one_limit_is_the_bivariate_normal(rule, u):
    process = Process(2.6, 0.4)
    found = global_risk(process, u, UPPER, rule)
    measured = np.hypot(process.deviation, u)
    correlation = process.deviation / measured
    limit, accept = (3.4 - 2.6) / process.deviation, (3.4 - rule.guard_in_u * u - 2.6) / measured
    both_good = multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], abseps=1e-12).cdf(
        [limit, accept]
    )
    assert found.false_accept == pytest.approx(norm.cdf(accept) - both_good, abs=2e-8)
    assert found.false_reject == pytest.approx(norm.cdf(limit) - both_good, abs=2e-8)


@pytest.mark.parametrize("limits", [UPPER, BOTH, Limits("dB", lower=2.0)])
def test_risks_are_those_of_drawn_units(limits):
    process, u, rule = Process(2.9, 0.5), 0.15, Rule("one u", 1.0)
    rng = np.random.default_rng(1)
    truth = rng.normal(process.mean, process.deviation, 2_000_000)
    seen = truth + rng.normal(0, u, truth.size)
    low = -np.inf if limits.lower is None else limits.lower
    high = np.inf if limits.upper is None else limits.upper
    good = (truth >= low) & (truth <= high)
    accepted = (seen >= low + u) & (seen <= high - u)
    found = global_risk(process, u, limits, rule)
    assert found.false_accept == pytest.approx(np.mean(~good & accepted), abs=3e-4)
    assert found.false_reject == pytest.approx(np.mean(good & ~accepted), abs=1e-3)


def test_a_perfect_test_is_never_wrong():
    found = global_risk(Process(3.0, 0.3), 0.0, UPPER, ISO_14253_1)
    assert (found.false_accept, found.false_reject) == (0.0, 0.0)
    none = global_risk(Process(3.0, 0.3), 0.1, Limits("dB"), ISO_14253_1)
    assert (none.false_accept, none.false_reject) == (0.0, 0.0)


@settings(max_examples=25, deadline=None)
@given(mean=st.floats(2, 4), deviation=st.floats(0.05, 1), u=st.floats(0.001, 0.3), guard=st.floats(0, 2))
def test_a_wider_guard_band_moves_risk_from_the_user_to_the_maker(mean, deviation, u, guard):
    process = Process(mean, deviation)
    narrow = global_risk(process, u, UPPER, Rule("narrow", guard))
    wide = global_risk(process, u, UPPER, Rule("wide", guard + 0.5))
    assert wide.false_accept <= narrow.false_accept + 1e-12
    assert wide.false_reject >= narrow.false_reject - 1e-12


@pytest.mark.parametrize(
    "call",
    [
        lambda: conformance(1.0, -0.1, UPPER),
        lambda: global_risk(Process(1.0, 0.0), 0.1, UPPER, SIMPLE_ACCEPTANCE),
        lambda: global_risk(Process(1.0, 1.0), float("nan"), UPPER, SIMPLE_ACCEPTANCE),
        lambda: global_risk(Process(1.0, 1.0), 1.0, BOTH, ISO_14253_1),
    ],
)
def test_risks_that_cannot_be_are_refused(call):
    with pytest.raises(UncertaintyError):
        call()
