"""Each host lane must appear on the fibre that is wired to it, and on no other."""

import pytest

pytestmark = pytest.mark.pattern("PRBS31Q")


def test_lane_order(host, eye_paths, lanes, subtests, measure):
    """One host lane at a time sends PRBS13Q while the others send PRBS31Q."""
    for lane in lanes:
        host.send({other: "PRBS13Q" if other == lane else "PRBS31Q" for other in lanes})
        with subtests.test(lane=lane):
            measure("tx_lane_order", eye_paths.find("PRBS13Q", lanes), lane=lane)
