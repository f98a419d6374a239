import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measurements.patterns import (
    PRBS_TAPS,
    PatternError,
    find_phase,
    gray_symbols,
    is_pam4,
    pattern,
    period,
    prbs_bits,
    runs_of,
    stretch,
)


def test_ssprq_is_the_standards(ssprq):
    digest = hashlib.sha256(ssprq.astype(np.uint8).tobytes()).hexdigest()
    assert digest == "f17f5effb8e68863e5355258186456e1c3b3c48b5519c1a0c46dac855fae3582"
    assert np.bincount(ssprq) / ssprq.size == pytest.approx([0.23217, 0.26784, 0.26783, 0.23217], abs=1e-5)
    assert np.mean(ssprq != np.roll(ssprq, 1)) == pytest.approx(0.6990, abs=1e-4)
    assert ssprq[:16].tolist() == [2] * 13 + [1, 3, 2]
    assert (runs_of(ssprq, 3, 7).size, runs_of(ssprq, 0, 6).size) == (16, 20)


@pytest.mark.parametrize("order", [7, 9, 11, 13, 15])
def test_prbs_visits_every_state_once(order):
    bits = pattern(f"PRBS{order}")
    assert bits.size == 2**order - 1
    assert int(bits.sum()) == 2 ** (order - 1)
    states = sum(np.roll(bits, -i).astype(np.int64) << i for i in range(order))
    assert np.unique(states).size == bits.size


@pytest.mark.parametrize("order", sorted(PRBS_TAPS))
def test_prbs_obeys_its_recurrence(order):
    bits = prbs_bits(order, 5000, seed=5)
    again = np.zeros(5000 - order, dtype=np.uint8)
    for delay in PRBS_TAPS[order]:
        again ^= bits[order - delay : 5000 - delay]
    assert np.array_equal(again, bits[order:])


def test_prbs13q_is_two_periods_in_gray_pairs(prbs13q):
    assert prbs13q.size == 8191 == period("PRBS13Q")
    bits = np.tile(pattern("PRBS13"), 2)
    assert np.array_equal(prbs13q, gray_symbols(bits))


def test_gray_code_changes_one_bit_between_neighbours():
    assert gray_symbols(np.array([0, 0, 0, 1, 1, 1, 1, 0], dtype=np.uint8)).tolist() == [0, 1, 2, 3]
    with pytest.raises(PatternError, match="whole"):
        gray_symbols(np.zeros(3, dtype=np.uint8))


def test_prbs31q_comes_in_stretches_that_fit_together():
    whole = stretch("PRBS31Q", 3000)
    assert np.array_equal(stretch("PRBS31Q", 1000, offset=2000), whole[2000:])
    assert np.bincount(stretch("PRBS31Q", 200_000)) / 2e5 == pytest.approx([0.25] * 4, abs=0.02)
    with pytest.raises(PatternError, match="stretch"):
        pattern("PRBS31Q")


def test_a_stretch_repeats_a_short_pattern():
    assert stretch("SQUARE", 20, offset=4).tolist() == [3] * 4 + [0] * 8 + [3] * 8


@pytest.mark.parametrize("name", ["PRBS8", "prbs13q", "SSPRQQ", "", "PRBSQ"])
def test_an_unknown_pattern_is_refused_with_the_known_ones(name):
    with pytest.raises(PatternError, match="SSPRQ"):
        pattern(name)


def test_bad_seeds_orders_and_lengths_are_refused():
    with pytest.raises(PatternError, match="not all zero"):
        prbs_bits(7, 10, seed=0)
    with pytest.raises(PatternError, match="order 8"):
        prbs_bits(8, 10)
    with pytest.raises(PatternError, match="negative"):
        stretch("PRBS7", -1)
    with pytest.raises(PatternError, match="whole periods"):
        find_phase(np.zeros(10), pattern("PRBS7"))


def test_which_patterns_have_four_levels():
    assert [is_pam4(name) for name in ("SSPRQ", "SQUARE", "PRBS9Q", "PRBS9")] == [True, True, True, False]


@given(rotation=st.integers(0, 510), inverted=st.booleans(), offset=st.floats(-3, 3), swing=st.floats(0.1, 9))
def test_phase_and_polarity_are_found_at_any_offset_and_swing(rotation, inverted, offset, swing):
    symbols = pattern("PRBS9Q")
    sent = 3 - symbols if inverted else symbols
    found = find_phase(offset + swing * np.tile(np.roll(sent, -rotation), 2), symbols)
    assert (found.rotation, found.inverted) == (rotation, inverted)
    assert found.correlation == pytest.approx(1.0)


def test_a_constant_stream_correlates_with_nothing():
    assert find_phase(np.full(511, 0.7), pattern("PRBS9Q")).correlation == 0.0


def test_runs_are_exact_and_found_around_the_end():
    symbols = np.array([3, 3, 0, 3, 3, 3, 0, 0, 3], dtype=np.uint8)
    assert runs_of(symbols, 3, 3).tolist() == [3, 8]
    assert runs_of(symbols, 0, 2).tolist() == [6]
