"""Measured claims: each figure beside a yardstick of the same run."""
