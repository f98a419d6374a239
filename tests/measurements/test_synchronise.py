"""Places in patterns too long to hold, found from a few hundred symbols."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measurements.patterns import PRBS_TAPS, PatternError, prbs_bits, stretch
from measurements.synchronise import find_offset

WHOLE = 2**31 - 1


@settings(max_examples=40, deadline=None)
@given(order=st.sampled_from(sorted(PRBS_TAPS)), skip=st.integers(0, 5000))
def test_a_jump_ends_where_steps_do(order, skip):
    walked = prbs_bits(order, skip + 100)
    assert np.array_equal(prbs_bits(order, 100, skip=skip), walked[skip:])


@settings(max_examples=20, deadline=None)
@given(first=st.integers(0, 2**40), second=st.integers(0, 2**40))
def test_jumps_add_up(first, second):
    at_once = prbs_bits(31, 64, skip=first + second)
    register = int("".join(map(str, prbs_bits(31, 31, skip=first))), 2)
    # 31 bits read are 31 steps made.
    if second >= 31:
        assert np.array_equal(prbs_bits(31, 64, seed=register, skip=second - 31), at_once)


@pytest.mark.parametrize("name", ["PRBS31", "PRBS31Q"])
def test_a_pattern_repeats_after_its_period(name):
    assert np.array_equal(stretch(name, 200, offset=WHOLE + 55), stretch(name, 200, offset=55))


@settings(max_examples=12, deadline=None)
@given(
    name=st.sampled_from(["PRBS31", "PRBS31Q"]),
    offset=st.integers(0, WHOLE - 1),
    inverted=st.booleans(),
    seed=st.integers(0, 999),
)
def test_a_stretch_is_found_anywhere_with_errors_in_it(name, offset, inverted, seed):
    most = 3 if name.endswith("Q") else 1
    sent = stretch(name, 300, offset=offset)
    rng = np.random.default_rng(seed)
    wrong = rng.random(300) < 0.02
    decided = np.where(wrong, rng.integers(0, most + 1, 300), sent).astype(np.uint8)
    found = find_offset(most - decided if inverted else decided, name)
    assert found.symbols == offset
    assert found.inverted is inverted
    assert found.agreement > 0.93


@pytest.mark.parametrize("name", ["PRBS31", "PRBS31Q"])
def test_noise_stands_nowhere(name):
    most = 3 if name.endswith("Q") else 1
    for seed in range(20):
        decided = np.random.default_rng(seed).integers(0, most + 1, 200).astype(np.uint8)
        assert find_offset(decided, name) is None
    assert find_offset(np.zeros(200, dtype=np.uint8), name) is None


@pytest.mark.parametrize(
    ("decided", "name"),
    [
        (np.zeros(50, dtype=np.uint8), "PRBS31"),
        (np.full(200, 3, dtype=np.uint8), "PRBS31"),
        (np.full(200, 4, dtype=np.uint8), "PRBS31Q"),
        (np.zeros(200, dtype=np.uint8), "PRBS13Q"),
    ],
)
def test_what_is_no_stretch_is_refused(decided, name):
    with pytest.raises(PatternError):
        find_offset(decided, name)
