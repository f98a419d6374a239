"""Ways to reach simulated instruments."""
