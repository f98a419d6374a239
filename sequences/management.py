"""What the transceiver does when it is told, over its management interface."""

import pytest

pytestmark = pytest.mark.pattern("PRBS31Q")


def test_disabled_lanes_are_dark(disabled_lanes, power_paths, subtests, measure):
    """Power that is left of each lane when its transmitter is disabled."""
    for group in power_paths.groups(disabled_lanes):
        for lane, power in group.read().items():
            with subtests.test(lane=lane):
                measure("tx_disable_power", power, lane=lane)
