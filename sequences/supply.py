"""What the transceiver draws from its supply at work."""

import pytest

pytestmark = pytest.mark.pattern("PRBS31Q")


def test_supply_current_and_power(supply, measure):
    """Current and power at the corner's voltage and temperature, all lanes sending."""
    measure("supply_current", supply.read_current())
    measure("supply_power", supply.read_power())
