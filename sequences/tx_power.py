"""Average launch power of each lane at TP2 (IEEE 802.3, clause 124)."""

import pytest

pytestmark = pytest.mark.pattern("PRBS31Q")


def test_average_power(power_paths, lanes, options, subtests, measure):
    """Average power of each lane, read by the power meter and corrected for the path."""
    for group in power_paths.groups(lanes):
        powers = group.read(**options)
        for lane, power in powers.items():
            with subtests.test(lane=lane):
                measure("tx_average_power", power, lane=lane)
