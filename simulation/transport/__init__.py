"""Ways to reach simulated instruments: in process as a VISA library, and over raw TCP."""
