"""A sequential bit error test: published lengths, exact operation, and simulated risks."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measurements.sequential import Decision, SequentialError, SequentialTest, fixed_test
from tests.proofs import keep

# p0, p1, both risks, and the mean length at p0/100, p0/2, p0, p1, 2 p1 in parts of the fixed test.
# Without an end; ending at twice the fixed length costs up to 0.02 of it.
PUBLISHED = [
    (1.2e-4, 2.4e-4, 0.01, (0.15, 0.22, 0.47, 0.38, 0.09)),
    (1.2e-4, 2.4e-4, 0.001, (0.12, 0.19, 0.40, 0.32, 0.07)),
    (1e-13, 1e-12, 0.05, (0.52, 0.59, 0.66, 0.37, 0.17)),
    (5e-13, 1e-12, 0.05, (0.19, 0.28, 0.56, 0.47, 0.12)),
]


def design(good, bad, risk, **options):
    return SequentialTest.design(good, bad, alpha=risk, beta=risk, **options)


def simulated(test, ber, trials, gates, rng):
    """Run many tests at once: counts in gates, decided after each, by the rule alone."""
    gate = test.most_bits / gates
    errors, length = np.zeros(trials), np.zeros(trials)
    verdict = np.zeros(trials, dtype=int)
    for i in range(1, gates + 1):
        open_ = verdict == 0
        if not open_.any():
            break
        errors[open_] += rng.poisson(gate * ber, open_.sum())
        length[open_] = i * gate
        ratio = errors * math.log(test.bad_ber / test.good_ber) - i * gate * (test.bad_ber - test.good_ber)
        verdict[open_ & (ratio <= test.accept_at)] = 1
        verdict[open_ & (ratio >= test.reject_at)] = -1
    left = verdict == 0
    verdict[left] = np.where(errors[left] <= test.most_errors, 1, -1)
    return np.mean(verdict == 1), length.mean()


@pytest.mark.parametrize(("good", "bad", "risk", "lengths"), PUBLISHED)
def test_published_lengths(good, bad, risk, lengths):
    test = design(good, bad, risk)
    for ber, length in zip((good / 100, good / 2, good, bad, 2 * bad), lengths, strict=True):
        assert test.saving(ber) == pytest.approx(length, abs=0.035)


@pytest.mark.parametrize(
    ("good", "bad", "risk", "bits", "errors"),
    [
        (1.2e-4, 2.4e-4, 0.01, 2.64e5, 45),
        (1.2e-4, 2.4e-4, 0.001, 4.65e5, 80),
        (1e-13, 1e-12, 0.05, 6.30e12, 2),
        (5e-13, 1e-12, 0.05, 3.14e13, 22),
    ],
)
def test_published_fixed_tests(good, bad, risk, bits, errors):
    found = fixed_test(good, bad, alpha=risk, beta=risk)
    assert found.most_errors == errors
    assert found.bits == pytest.approx(bits, rel=0.005)


@pytest.mark.parametrize("risk", [0.01, 0.05])
@pytest.mark.parametrize("longest", [1.0, 1.5, 3.0])
@pytest.mark.parametrize("gates", [1, 7, 400, 3000])
def test_stated_risks_hold_wherever_the_count_is_looked_at(risk, longest, gates):
    test = design(1e-6, 3e-6, risk, longest=longest)
    assert test.operation(1e-6, gates=gates).rejected <= risk * 1.02
    assert test.operation(3e-6, gates=gates).accepted <= risk * 1.02


def test_simulation_and_computation_agree():
    test, rng = design(1.2e-4, 2.4e-4, 0.01), np.random.default_rng(1)
    for ber in (0.6e-4, 1.2e-4, 1.8e-4, 2.4e-4):
        computed = test.operation(ber, gates=200)
        accepted, length = simulated(test, ber, 4000, 200, rng)
        assert accepted == pytest.approx(computed.accepted, abs=0.03)
        assert length == pytest.approx(computed.mean_bits, rel=0.04)


@settings(max_examples=60, deadline=None)
@given(share=st.floats(0.001, 1.2), errors=st.integers(0, 150))
def test_more_errors_never_make_it_better(share, errors):
    test = design(1.2e-4, 2.4e-4, 0.01)
    rank = [Decision.ACCEPT, Decision.CONTINUE, Decision.REJECT]
    bits = share * test.most_bits
    before, after = test.decide(bits, errors), test.decide(bits, errors + 1)
    assert rank.index(after) >= rank.index(before)
    if share >= 1:
        assert after is not Decision.CONTINUE


def test_the_bits_that_end_it_are_where_it_ends():
    test = design(1e-6, 3e-6, 0.01)
    for errors in range(3):
        bits = test.bits_to_accept(errors)
        assert test.decide(1.0001 * bits, errors) is Decision.ACCEPT
        assert test.decide(0.9999 * bits, errors) is Decision.CONTINUE
    assert test.bits_to_accept(test.most_errors + 1) == math.inf
    # Without an error, acceptance needs ln((1 - a) / b) / (p1 - p0) bits.
    assert test.bits_to_accept(0) >= math.log(0.99 / 0.01) / 2e-6 * 0.9999


def test_errors_at_once_are_rejected_at_once():
    assert design(1e-6, 3e-6, 0.01).decide(1000, 20) is Decision.REJECT


@pytest.mark.parametrize(
    "call",
    [
        lambda: design(2e-6, 1e-6, 0.01),
        lambda: design(0.0, 1e-6, 0.01),
        lambda: design(1e-6, 2e-6, 0.6),
        lambda: design(1e-6, 2e-6, 0.01, longest=0.5),
        lambda: design(1e-6, 2e-6, 0.01).decide(10, 11),
        lambda: design(1e-6, 2e-6, 0.01).decide(float("nan"), 0),
        lambda: design(1e-6, 2e-6, 0.01).decide(10, -1),
    ],
)
def test_what_makes_no_test_is_refused(call):
    with pytest.raises(SequentialError):
        call()


@pytest.mark.prove
def test_risks_and_savings_in_a_hundred_thousand_trials():
    rows, rng = [], np.random.default_rng(20261127)
    for good, bad, risk, lengths in PUBLISHED:
        test = design(good, bad, risk)
        worst = (bad - good) / math.log(bad / good)
        found = {}
        for name, ber in (
            *(("p0/100", good / 100), ("p0/2", good / 2), ("p0", good)),
            *(("worst", worst), ("p1", bad), ("2 p1", 2 * bad)),
        ):
            accepted, length = simulated(test, ber, 100_000, 400, rng)
            found[name] = {"accepted": float(accepted), "length": round(length / test.fixed.bits, 4)}
        rows.append({"p0": good, "p1": bad, "risk": risk, "published": lengths, "found": found})
        three_sigma = 3 * math.sqrt(risk * (1 - risk) / 1e5)
        assert 1 - found["p0"]["accepted"] <= risk + three_sigma
        assert found["p1"]["accepted"] <= risk + three_sigma
        for name, length in zip(("p0/100", "p0/2", "p0", "p1", "2 p1"), lengths, strict=True):
            assert found[name]["length"] == pytest.approx(length, abs=0.035)
    keep("sequential-test", __file__, {"trials": 100_000, "rows": rows})
