import pytest
from hypothesis import given
from hypothesis import strategies as st

from measurements.error_counters import (
    AtTheTop,
    Counted,
    Counter,
    CounterError,
    CounterReset,
    difference,
    error_ratio,
    seconds_to_fill,
)
from measurements.quantity import Bound

FULL = Counter("lane 3 errors", 32, AtTheTop.SATURATES)
ROUND = Counter("lane 3 bits", 16, AtTheTop.WRAPS)
CLEARED = Counter("flags", 8, AtTheTop.SATURATES, clears_on_read=True)


@given(before=st.integers(0, 2**32 - 2), more=st.integers(0, 2**32))
def test_a_saturating_counter_tells_what_it_counted_or_a_bound(before, more):
    after = min(before + more, FULL.full)
    found = difference(FULL, before, after)
    if before + more < FULL.full:
        assert found == Counted(more, Bound.EXACT)
    else:
        assert found.bound is Bound.LOWER
        assert found.events <= more


@given(before=st.integers(0, 2**16 - 1), more=st.integers(0, 2**16 - 1))
def test_a_wrapping_counter_is_followed_around(before, more):
    assert difference(ROUND, before, (before + more) % 2**16) == Counted(more, Bound.EXACT)


def test_a_counter_that_clears_on_read_is_its_reading():
    assert difference(CLEARED, 77, 5) == Counted(5, Bound.EXACT)
    assert difference(CLEARED, 0, 255) == Counted(255, Bound.LOWER)


def test_a_counter_that_went_back_was_reset():
    with pytest.raises(CounterReset, match=r"lane 3 errors.*from 900 to 3.*count again"):
        difference(FULL, 900, 3)


@pytest.mark.parametrize(("before", "after"), [(-1, 5), (0, 2**32), (2**40, 1)])
def test_readings_beyond_the_width_are_refused(before, after):
    with pytest.raises(CounterError, match="order of its bytes"):
        difference(FULL, before, after)


def test_a_counter_must_count():
    with pytest.raises(CounterError, match="counts nothing"):
        Counter("none", 0, AtTheTop.WRAPS)


def test_the_time_to_fill_says_when_to_read():
    # 2^16 bits at 106.25 Gb/s are gone in 0.6 microseconds.
    assert seconds_to_fill(ROUND, 106.25e9) == pytest.approx(6.168e-7, rel=1e-3)
    with pytest.raises(CounterError, match="never fills"):
        seconds_to_fill(ROUND, 0.0)


def test_full_counters_bound_the_ratio_from_their_side():
    exact, full = Counted(1000, Bound.EXACT), Counted(1000, Bound.LOWER)
    few = Counted(3, Bound.EXACT)
    assert error_ratio(exact, few)[1] is Bound.EXACT
    assert error_ratio(exact, Counted(7, Bound.LOWER))[1] is Bound.LOWER
    assert error_ratio(full, few)[1] is Bound.UPPER
    assert error_ratio(exact, few)[0].ber == 3e-3
    with pytest.raises(CounterError, match="both full"):
        error_ratio(full, Counted(3, Bound.LOWER))
