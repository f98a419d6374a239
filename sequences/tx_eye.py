"""The eye of each lane at TP2 (IEEE 802.3, clause 124; TDECQ as in 121.8.5)."""

import pytest

pytestmark = pytest.mark.pattern("SSPRQ")


def test_transmitter_eye(eye_paths, lanes, pattern, recorded, agree, subtests, measure):
    """Outer OMA and extinction ratio, level mismatch, TDECQ, transition time and intensity noise on SSPRQ."""
    for group in eye_paths.groups(lanes):
        for lane, eye in group.eyes(pattern).items():
            with subtests.test(lane=lane):
                measure("tx_oma_outer", eye["oma_outer"], lane=lane)
                measure("tx_extinction_ratio", eye["extinction_ratio"], lane=lane)
                measure("tx_rlm", eye["rlm"], lane=lane)
                measure("tx_tdecq", eye["tdecq"], lane=lane)
                measure("tx_oma_minus_tdecq", eye["oma_minus_tdecq"], lane=lane)
                measure("tx_transition_time", eye["transition_time"], lane=lane)
                measure("tx_rin_oma", eye["rin_oma"], lane=lane)
                agree("average power", recorded("tx_average_power", lane), eye.average_power, lane=lane)
