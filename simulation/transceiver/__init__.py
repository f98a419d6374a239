"""Firmware of the simulated transceiver."""
