from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import owens_t
from scipy.stats import norm

from measurements.decision import FIVE_PER_CENT, ISO_14253_1, SIMPLE_ACCEPTANCE, Rule, decide
from measurements.limits import Limits
from measurements.quantity import Quantity
from measurements.risk import Process, conformance, global_risk, specific_risk
from measurements.uncertainty import UncertaintyError

UPPER = Limits("dB", upper=3.4)
BOTH = Limits("dB", lower=1.0, upper=3.4)


def test_specific_risks_at_the_acceptance_limits():
    assert 1 - conformance(3.2, 0.1, UPPER) == pytest.approx(0.0228, abs=1e-4)
    assert 1 - conformance(3.4 - 0.16449, 0.1, UPPER) == pytest.approx(0.05, abs=1e-4)
    assert conformance(3.4, 0.1, UPPER) == 0.5
    assert conformance(3.4, 0.0, UPPER) == 1.0
    assert conformance(3.5, 0.0, UPPER) == 0.0


@pytest.mark.parametrize(("rule", "most"), [(ISO_14253_1, 0.0228), (FIVE_PER_CENT, 0.0500)])
def test_whoever_is_accepted_has_no_more_than_the_rules_risk(rule, most):
    highest = decide(Quantity(3.0, "dB", 0.1), UPPER, rule).upper
    assert specific_risk(highest, 0.1, UPPER) == pytest.approx(most, abs=5e-5)


@given(value=st.floats(-2, 8), u=st.floats(0.01, 2))
def test_conformance_is_the_normal_share_between_the_limits(value, u):
    expected = norm.cdf(3.4, value, u) - norm.cdf(1.0, value, u)
    assert conformance(value, u, BOTH) == pytest.approx(expected, abs=1e-12)


def test_conformance_far_outside_keeps_its_figures():
    assert conformance(-1.0, 0.2, BOTH) == pytest.approx(norm.sf(10) - norm.sf(22), rel=1e-9)


@given(value=st.floats(-2, 8), u=st.floats(0, 2), lower=st.booleans(), upper=st.booleans())
def test_specific_risk_is_what_conformance_leaves(value, u, lower, upper):
    limits = Limits("dB", 1.0 if lower else None, 3.4 if upper else None)
    assert specific_risk(value, u, limits) == pytest.approx(1 - conformance(value, u, limits), abs=1e-12)


def test_a_small_specific_risk_keeps_its_figures():
    assert specific_risk(2.2, 0.1, UPPER) == pytest.approx(norm.sf(12), rel=1e-9)
    assert specific_risk(2.0, 0.1, BOTH) == pytest.approx(norm.sf(10) + norm.sf(14), rel=1e-9)


def test_a_process_that_is_known_draws_the_truth_towards_it():
    process, u, value = Process(2.6, 0.3), 0.2, 3.35
    rng = np.random.default_rng(7)
    truth = rng.normal(process.mean, process.deviation, 4_000_000)
    seen = np.abs(truth + rng.normal(0, u, truth.size) - value) < 0.02
    assert conformance(value, u, UPPER, process) == pytest.approx(np.mean(truth[seen] <= 3.4), abs=0.005)
    assert conformance(value, u, UPPER, Process(2.6, 1e6)) == pytest.approx(conformance(value, u, UPPER))
    assert conformance(value, 0.0, UPPER, process) == 1.0


def both_below(h, k, correlation):
    """Owen's closed form of the bivariate normal: the share with both below h and k."""
    rest = np.sqrt(1 - correlation**2)
    found = 0.5 * (norm.cdf(h) + norm.cdf(k))
    found -= owens_t(h, (k - correlation * h) / (h * rest)) + owens_t(k, (h - correlation * k) / (k * rest))
    return found if h * k > 0 else found - 0.5


@settings(max_examples=200, deadline=None)
@given(
    mean=st.floats(0, 5).filter(lambda mean: abs(mean - 3.4) > 1e-6),
    deviation=st.floats(0.02, 2),
    u=st.floats(0.0005, 3),
    guard=st.floats(0, 3),
)
def test_one_limit_is_the_bivariate_normal(mean, deviation, u, guard):
    measured = np.hypot(deviation, u)
    limit, accept = (3.4 - mean) / deviation, (3.4 - guard * u - mean) / measured
    assume(abs(accept) > 1e-6)
    good = both_below(limit, accept, deviation / measured)
    rule = Rule("any", guard)
    found = global_risk(Process(mean, deviation), u, UPPER, rule)
    assert found.false_accept == pytest.approx(norm.cdf(accept) - good, abs=1e-9)
    assert found.false_reject == pytest.approx(norm.cdf(limit) - good, abs=1e-9)
    mirrored = global_risk(Process(-mean, deviation), u, Limits("dB", lower=-3.4), rule)
    assert mirrored.false_accept == pytest.approx(found.false_accept, abs=1e-12)
    assert mirrored.false_reject == pytest.approx(found.false_reject, abs=1e-12)


@pytest.mark.parametrize("u", [0.001, 0.05, 0.4])
@pytest.mark.parametrize("guard", [0.0, 1.6449, 2.0])
def test_two_limits_are_those_of_the_double_integral(u, guard):
    process = Process(2.9, 0.5)
    units = norm(process.mean, process.deviation)

    def accepted(truth):
        return norm.cdf((3.4 - guard * u - truth) / u) - norm.cdf((1.0 + guard * u - truth) / u)

    def share(begin, end, chance):
        near = [edge + k * u for edge in (1.0, 3.4) for k in range(-9, 10)]
        pieces = pairwise(np.unique(np.clip([begin, *near, end], begin, end)).tolist())
        return sum(quad(lambda x: units.pdf(x) * chance(x), a, b, epsabs=1e-13)[0] for a, b in pieces)

    found = global_risk(process, u, BOTH, Rule("any", guard))
    bad = share(-2.0, 1.0, accepted) + share(3.4, 8.0, accepted)
    assert found.false_accept == pytest.approx(bad, abs=1e-9)
    assert found.false_reject == pytest.approx(share(1.0, 3.4, lambda x: 1 - accepted(x)), abs=1e-9)


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
        lambda: conformance(float("nan"), 0.1, UPPER),
        lambda: specific_risk(1.0, 0.1, Limits("dB", upper=float("nan"))),
        lambda: Process(1.0, 0.0),
        lambda: Process(float("nan"), 1.0),
        lambda: Process(1.0, float("inf")),
        lambda: global_risk(Process(1.0, 1.0), 0.1, Limits("dB", upper=float("inf")), SIMPLE_ACCEPTANCE),
        lambda: global_risk(Process(1.0, 1.0), float("nan"), UPPER, SIMPLE_ACCEPTANCE),
        lambda: global_risk(Process(1.0, 1.0), 1.0, BOTH, ISO_14253_1),
    ],
)
def test_risks_that_cannot_be_are_refused(call):
    with pytest.raises(UncertaintyError):
        call()
