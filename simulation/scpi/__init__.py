"""IEEE 488.2 and SCPI message handling for simulated instruments."""
