"""Simulated instruments: command tables over physics."""
