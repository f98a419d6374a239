import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from measurements.ber import (
    Coding,
    ErrorRatio,
    ber_to_q,
    bits_needed,
    combined,
    dispersion,
    expected_errors_bound,
    poisson_interval,
    q_to_ber,
    seconds_needed,
)
from measurements.quantity import Bound


@pytest.mark.parametrize(
    ("errors", "confidence", "expected"),
    [(0, 0.90, 2.303), (0, 0.95, 2.996), (0, 0.99, 4.605), (1, 0.95, 4.744), (2, 0.99, 8.406),
     (3, 0.95, 7.754), (5, 0.95, 10.513), (10, 0.95, 16.962), (100, 0.95, 118.1)],
)  # fmt: skip
def test_poisson_bounds_of_the_tables(errors, confidence, expected):
    assert expected_errors_bound(errors, confidence) == pytest.approx(expected, abs=0.03)


def test_no_errors_are_an_upper_bound_not_zero():
    quantity = ErrorRatio(10**9, 0).quantity()
    assert quantity.bound is Bound.UPPER
    assert quantity.value == pytest.approx(2.996e-9, rel=1e-3)
    assert quantity.standard_error is None
    assert quantity.evidence["errors"] == 0


def test_counted_errors_carry_their_standard_error():
    quantity = ErrorRatio(10**7, 2400).quantity()
    assert (quantity.value, quantity.bound) == (2.4e-4, Bound.EXACT)
    assert quantity.standard_error == pytest.approx(4.9e-6, rel=0.01)


@pytest.mark.parametrize(("errors", "low", "high"), [(10, 0.48, 1.84), (30, 0.68, 1.43), (1000, 0.94, 1.06)])
def test_relative_intervals_of_the_tables(errors, low, high):
    interval = ErrorRatio(10**9, errors).interval()
    assert [bound / (errors / 1e9) for bound in interval] == pytest.approx([low, high], abs=0.01)


@given(bits=st.integers(10, 5000), share=st.floats(0.0, 1.0), confidence=st.floats(0.5, 0.999))
def test_bounds_are_where_the_binomial_says(bits, share, confidence):
    count = ErrorRatio(bits, int(share * bits))
    if count.errors < bits:
        assert binom.cdf(count.errors, bits, count.upper_bound(confidence)) == pytest.approx(
            1 - confidence, abs=1e-6
        )
    if count.errors > 0:
        assert binom.sf(count.errors - 1, bits, count.lower_bound(confidence)) == pytest.approx(
            1 - confidence, abs=1e-6
        )
    assert count.lower_bound(confidence) <= count.ber <= count.upper_bound(confidence)


def test_rare_and_common_errors_meet_without_a_step():
    # The two ways of computing change over at 1e-3; the bound is smooth in the number of bits.
    around = [
        ErrorRatio(bits, 1000).lower_bound() * bits for bits in (900_000, 960_000, 1_000_000, 1_100_000)
    ]
    assert np.ptp(around) < 0.1
    exact = [ErrorRatio(20_000, 15).upper_bound(), ErrorRatio(20_000, 15).lower_bound()]
    assert binom.cdf(15, 20_000, exact[0]) == pytest.approx(0.05, abs=1e-6)
    assert binom.sf(14, 20_000, exact[1]) == pytest.approx(0.05, abs=1e-6)


def test_gates_add_up():
    assert combined([ErrorRatio(100, 3), ErrorRatio(900, 1)]) == ErrorRatio(1000, 4)
    with pytest.raises(ValueError, match="no counts"):
        combined([])


def test_bits_that_prove_a_limit():
    assert bits_needed(1e-12) == pytest.approx(2.996e12, rel=1e-3)
    assert ErrorRatio(bits_needed(1e-6), 0).upper_bound() <= 1.0001e-6


def test_q_scale():
    assert q_to_ber(7.0345, Coding.NRZ) == pytest.approx(1e-12, rel=1e-3)
    assert ber_to_q(5e-5, Coding.NRZ) == pytest.approx(3.8906, abs=1e-4)
    assert ber_to_q(2.4e-4, Coding.PAM4) == pytest.approx(3.414, abs=1e-3)  # SER 4.8e-4


@given(q=st.floats(0.1, 8.0), coding=st.sampled_from(Coding))
def test_q_and_ber_are_inverse(q, coding):
    assert ber_to_q(q_to_ber(q, coding), coding) == pytest.approx(q, rel=1e-6)


@pytest.mark.parametrize(
    "call",
    [
        lambda: ErrorRatio(0, 0),
        lambda: ErrorRatio(10, 11),
        lambda: ErrorRatio(10, -1),
        lambda: ErrorRatio(10, 1).upper_bound(1.0),
        lambda: bits_needed(0.0),
        lambda: ber_to_q(0.0, Coding.PAM4),
        lambda: ber_to_q(0.4, Coding.PAM4),
    ],
)
def test_what_is_no_ratio_is_refused(call):
    with pytest.raises(ValueError):
        call()


@pytest.mark.parametrize(
    ("errors", "low", "high"), [(10, 0.48, 1.84), (30, 0.68, 1.43), (100, 0.81, 1.22), (1000, 0.94, 1.06)]
)
def test_published_poisson_intervals(errors, low, high):
    found = poisson_interval(errors)
    assert found[0] / errors == pytest.approx(low, abs=0.01)
    assert found[1] / errors == pytest.approx(high, abs=0.01)


def test_no_error_has_an_interval_from_nothing():
    assert poisson_interval(0)[0] == 0.0
    assert poisson_interval(0)[1] == pytest.approx(3.689, abs=1e-3)


@pytest.mark.parametrize(
    ("limit", "rate", "seconds"),
    [(1e-12, 25.78125, 116), (1e-12, 53.125, 56.4), (1e-12, 106.25, 28.2), (1e-9, 25.78125, 0.116)],
)
def test_published_times_to_confidence(limit, rate, seconds):
    assert seconds_needed(limit, rate) == pytest.approx(seconds, rel=0.01)


def test_no_rate_brings_no_bits():
    with pytest.raises(ValueError, match="brings no bits"):
        seconds_needed(1e-12, 0.0)


def test_bounds_at_the_ends_of_what_can_be_counted():
    assert ErrorRatio(10**15, 0).upper_bound() == pytest.approx(2.9957e-15, rel=1e-3)
    assert ErrorRatio(7, 7).upper_bound() == 1.0
    assert ErrorRatio(7, 7).lower_bound() == pytest.approx(0.05 ** (1 / 7), rel=1e-6)
    many = ErrorRatio(10**15, 10**9)
    assert many.lower_bound() < 1e-6 < many.upper_bound()
    assert many.upper_bound() / many.lower_bound() == pytest.approx(1 + 2 * 1.645 / 10**4.5, rel=1e-5)


def test_independent_errors_are_not_called_bursts():
    rng = np.random.default_rng(1)
    called = sum(dispersion(rng.poisson(20, 50).tolist()).bursts for _ in range(2000))
    assert called <= 10  # 1 in 1,000 expected


def test_errors_that_come_together_are_called_bursts():
    rng = np.random.default_rng(2)
    found = dispersion((rng.poisson(4, 50) * 5).tolist())
    assert found.bursts
    assert found.index == pytest.approx(5.0, rel=0.5)


@pytest.mark.parametrize("counts", [[1, 2, 3], [0] * 20, [3, -1, 4, 5, 6]])
def test_too_little_to_tell_bursts_is_refused(counts):
    with pytest.raises(ValueError, match="bursts from chance"):
        dispersion(counts)


@settings(max_examples=60)
@given(errors=st.integers(0, 500), confidence=st.floats(0.5, 0.999), more=st.integers(1, 100))
def test_bounds_rise_with_errors_and_confidence_and_bracket_the_ratio(errors, confidence, more):
    few, many = ErrorRatio(10**6, errors), ErrorRatio(10**6, errors + more)
    assert many.upper_bound(confidence) > few.upper_bound(confidence)
    assert many.lower_bound(confidence) > few.lower_bound(confidence)
    assert few.lower_bound(confidence) <= few.ber <= few.upper_bound(confidence)
    assert few.upper_bound(0.9995) >= few.upper_bound(confidence)
    poisson = poisson_interval(errors, confidence)
    binomial = few.interval(confidence)
    assert poisson[1] / 10**6 == pytest.approx(binomial[1], rel=2e-3)
