"""The photonbench command."""
