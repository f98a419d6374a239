"""All that configures, schedules, remembers and shows."""
