"""The receivers, lit by their own transmitters through attenuators (TP3)."""

import pytest

pytestmark = pytest.mark.pattern("PRBS31Q")


def test_error_ratio_and_sensitivity(receivers, lanes, subtests, measure):
    """Pre-FEC error ratio at a nominal power, then the sensitivity from a sweep of the power."""
    for group in receivers.groups(lanes):
        ratios = group.error_ratios()
        sensitivities = group.sensitivities()
        for lane in group.group.lanes:
            with subtests.test(lane=lane):
                measure("rx_ber", ratios[lane], lane=lane)
                measure("rx_sensitivity", sensitivities[lane], lane=lane)
