"""What a technician runs: pytest modules that read like the test plan."""
