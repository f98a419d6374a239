"""Light paths as sequences use them: groups of lanes, switched, read and corrected to the transceiver."""
