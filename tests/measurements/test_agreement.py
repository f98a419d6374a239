"""Whether two instruments agree, and what an average power says of the modulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measurements.agreement import compare, oma_from_average
from measurements.quantity import Bound, Quantity

LEVELS = st.floats(-60, 20)
ERRORS = st.floats(0, 1)


def meter(value, error=0.1, *, bound=Bound.EXACT, unit="dBm"):
    return Quantity(value, unit, error, bound)


def test_what_two_errors_excuse_is_three_times_their_root_sum_of_squares():
    found = compare(meter(1.0, 0.15), meter(1.4, 0.1))
    assert found.uncertainty == pytest.approx(2 * math.hypot(0.15, 0.1))
    assert found.allowed == pytest.approx(3 * math.hypot(0.15, 0.1))
    assert (found.agrees, found.difference, found.apart) == (True, pytest.approx(-0.4), pytest.approx(0.4))
    assert not compare(meter(1.0, 0.15), meter(1.55, 0.1)).agrees


def test_chance_alone_makes_three_in_a_thousand_disagree():
    rng = np.random.default_rng(5)
    seen = rng.normal(0.0, [[0.15], [0.1]], (2, 30_000))
    agree = [compare(meter(a, 0.15), meter(b, 0.1)).agrees for a, b in seen.T.tolist()]
    assert 1 - np.mean(agree) == pytest.approx(0.0027, abs=0.001)


@pytest.mark.parametrize(
    ("first", "second", "agrees", "apart"),
    [
        (meter(-60.0, bound=Bound.UPPER), meter(1.0), False, 61.0),  # dark here, lit there
        (meter(-20.0, bound=Bound.UPPER), meter(-25.0), True, -5.0),
        (meter(1.0), meter(-15.0, bound=Bound.UPPER), False, 16.0),
        (meter(10.0, bound=Bound.LOWER), meter(8.0), False, 2.0),
        (meter(10.0, bound=Bound.LOWER), meter(12.0), True, -2.0),
        (meter(-60.0, bound=Bound.UPPER), meter(-15.0, bound=Bound.UPPER), True, -math.inf),
        (meter(5.0, bound=Bound.LOWER), meter(3.0, bound=Bound.UPPER), False, 2.0),
    ],
)
def test_a_bound_contradicts_what_lies_beyond_it(first, second, agrees, apart):
    found = compare(first, second)
    assert (found.agrees, found.apart) == (agrees, pytest.approx(apart))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (meter(1.0), meter(1.0, unit="dB")),
        (meter(1.0), meter(math.nan)),
        (meter(math.inf), meter(math.inf)),
        (meter("dark"), meter(1.0)),
    ],
)
def test_what_cannot_be_compared_confirms_nothing(first, second):
    found = compare(first, second)
    assert (found.agrees, found.difference, found.apart) == (False, None, None)


@pytest.mark.parametrize("error", [math.inf, math.nan])
def test_an_error_without_end_excuses_nothing(error):
    assert not compare(meter(1.0), meter(1.0, error)).agrees


def test_an_error_that_is_not_known_counts_as_none():
    assert compare(meter(1.0, None), meter(1.0, None)).agrees
    assert not compare(meter(1.0, None), meter(1.001, None)).agrees


@given(first=LEVELS, second=LEVELS, error=ERRORS, other=ERRORS, bound=st.sampled_from(Bound))
def test_who_comes_first_does_not_matter(first, second, error, other, bound):
    one, two = meter(first, error, bound=bound), meter(second, other)
    ahead, behind = compare(one, two), compare(two, one)
    assert (ahead.agrees, ahead.apart, ahead.allowed) == (behind.agrees, behind.apart, behind.allowed)
    assert ahead.difference == -behind.difference


@given(first=LEVELS, second=LEVELS, error=ERRORS, wider=st.floats(0, 1))
def test_a_wider_error_never_makes_a_contradiction(first, second, error, wider):
    if compare(meter(first, error), meter(second, error)).agrees:
        assert compare(meter(first, error + wider), meter(second, error)).agrees


@pytest.mark.parametrize(
    ("ratio_db", "expected_db"), [(3.5, -1.164), (4.0, -0.650), (4.5, -0.212), (5.0, 0.166), (6.0, 0.781)]
)
def test_oma_from_average_and_extinction(ratio_db, expected_db):
    assert 10 * np.log10(oma_from_average(1.0, ratio_db)) == pytest.approx(expected_db, abs=1e-3)


@pytest.mark.parametrize(
    ("average", "ratio"), [(0.0, 5.0), (1.0, 0.0), (math.nan, 5.0), (1.0, math.nan), (math.inf, 5.0)]
)
def test_light_without_modulation_has_no_amplitude(average, ratio):
    with pytest.raises(ValueError, match="extinction"):
        oma_from_average(average, ratio)
