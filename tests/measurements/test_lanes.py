"""Lanes that are swapped, inverted or bit-swapped on purpose."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measurements.lanes import Expected, Fault, lane_order
from measurements.patterns import PatternError, pattern

Q = pattern("PRBS13Q")
GAP = 100
SAME = [Expected(Q, GAP * lane) for lane in range(4)]
OTHER = [Expected(pattern(name)) for name in ("PRBS7Q", "PRBS9Q", "PRBS11Q", "PRBS13Q")]
SWAP = np.array([0, 3, 2, 1], dtype=np.uint8)


def captured(expected, order, start=777, count=600, noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    rows = []
    for lane in order:
        sent = expected[lane].pattern
        places = (start + expected[lane].ahead + np.arange(count)) % sent.size
        rows.append(sent[places] + rng.normal(0, noise, count))
    return rows


@pytest.mark.parametrize("expected", [SAME, OTHER], ids=["one pattern", "four patterns"])
def test_lanes_in_order_are_right(expected):
    found = lane_order(captured(expected, range(4), noise=0.5), expected)
    assert found.right
    assert found.sentence == "every lane carries what it should"
    assert found.correlations.shape == (4, 4)


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(4)), start=st.integers(0, 8190), seed=st.integers(0, 99))
def test_any_order_is_told(order, start, seed):
    for expected in (SAME, OTHER):
        found = lane_order(captured(expected, order, start, noise=0.4, seed=seed), expected)
        lanes = [one.lane - 1 for one in found.lanes]
        if expected is OTHER:
            assert lanes == list(order)
        else:
            # The same pattern everywhere: the order is known up to which instant is meant by 0.
            assert len(set(lanes)) == 4
            assert lanes == list(order)


def test_inverted_and_bit_swapped_lanes_are_named():
    rows = captured(SAME, range(4))
    rows[0] = 3 - rows[0]
    rows[1] = SWAP[rows[1].astype(int)].astype(float)
    rows[2] = 3 - SWAP[rows[2].astype(int)].astype(float)
    found = lane_order(rows, SAME)
    faults = [one.fault for one in found.lanes]
    assert faults == [Fault.INVERTED, Fault.BITS_SWAPPED, Fault.BOTH, Fault.NONE]
    assert [one.lane for one in found.lanes] == [1, 2, 3, 4]
    assert "capture 1 is inverted" in found.sentence
    assert "capture 2 has the two bits of each symbol swapped" in found.sentence


def test_two_swapped_lanes_read_as_a_sentence():
    found = lane_order(captured(OTHER, [1, 0, 2, 3]), OTHER)
    assert found.sentence == "capture 1 carries lane 2; capture 2 carries lane 1"


def test_a_lane_seen_twice_is_said():
    found = lane_order(captured(OTHER, [0, 0, 2, 3]), OTHER)
    assert "lane 1 is seen more than once" in found.sentence


def test_a_dark_lane_and_an_unknown_pattern_carry_none():
    rows = captured(OTHER, range(4))
    rows[0] = np.random.default_rng(1).normal(size=600)
    rows[1] = np.zeros(600)
    found = lane_order(rows, OTHER)
    assert [one.lane for one in found.lanes] == [None, None, 3, 4]
    assert "capture 1 carries none" in found.sentence


def test_a_lane_of_one_pattern_at_no_lanes_place_is_none_of_them():
    rows = captured(SAME, range(4))
    rows[3] = np.roll(Q, -5000)[:600].astype(float)
    assert lane_order(rows, SAME).lanes[3].lane is None


def test_two_level_lanes_have_no_bits_to_swap():
    expected = [Expected(pattern(name)) for name in ("PRBS7", "PRBS9")]
    found = lane_order([1.0 - captured(expected, [1])[0], captured(expected, [0])[0]], expected)
    assert [(one.lane, one.fault) for one in found.lanes] == [(2, Fault.INVERTED), (1, Fault.NONE)]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [np.zeros(10)],
        [np.zeros(100), np.zeros(101)],
        [np.full(100, np.nan)],
        [np.zeros((10, 10))],
    ],
)
def test_what_is_no_capture_is_refused(rows):
    with pytest.raises(PatternError):
        lane_order(rows, OTHER)
