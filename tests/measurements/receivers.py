"""Receivers of known sensitivity: what their BER is by definition, and what a count of it shows."""

import math

import numpy as np
from scipy.special import ndtr, ndtri

from measurements.ber import Coding, ErrorRatio
from measurements.q_line import Counts
from measurements.receiver import SweepPoint

TRUE_DBM = -6.5
TARGET = 2.4e-4


class Receiver:
    """Q grows with the light to the power `slope`, up to where noise that grows alike ends it at `floor`.

    `added` is a BER that no light takes away; above `crushed_dbm` Q falls again, `crush` dB a dB
    faster than it rose; below `locks_dbm` half of the bits are wrong.
    """

    def __init__(
        self,
        *,
        coding=Coding.PAM4,
        target=TARGET,
        slope=1.0,
        floor=None,
        added=0.0,
        crushed_dbm=math.inf,
        crush=3.0,
        locks_dbm=-math.inf,
    ):
        self.coding, self.target, self.slope, self.added = coding, target, slope, added
        self.crushed_dbm, self.crush, self.locks_dbm = crushed_dbm, crush, locks_dbm
        self.q = -ndtri(target / coding.value)
        self.largest_q = math.inf if floor is None else -ndtri(floor / coding.value)

    def ber(self, power_dbm):
        power_dbm = np.asarray(power_dbm, dtype=float)
        db = self.slope * (power_dbm - TRUE_DBM) - self.crush * np.maximum(power_dbm - self.crushed_dbm, 0.0)
        unlimited = 10.0 ** (db / 10.0) / math.sqrt(self.q**-2 - self.largest_q**-2)
        q = 1.0 / np.sqrt(unlimited**-2 + self.largest_q**-2)
        return np.where(power_dbm < self.locks_dbm, 0.5, self.coding.value * ndtr(-q) + self.added)

    def points(self, powers, *, bits=10**7, rng=None):
        """Count at each power; without a generator, what is expected."""
        expected = self.ber(np.asarray(powers, dtype=float))
        errors = np.rint(bits * expected) if rng is None else rng.binomial(bits, expected)
        return [SweepPoint(float(p), ErrorRatio(bits, int(k))) for p, k in zip(powers, errors, strict=True)]

    def population(self, offsets, *, bits, trials, rng, power_error_db=0.0):
        """Count `trials` times at powers around the true sensitivity, each off by an error of its own."""
        powers = TRUE_DBM + np.asarray(offsets, dtype=float)
        true = powers + power_error_db * rng.standard_normal((trials, powers.size))
        errors = rng.binomial(int(bits), self.ber(true)).astype(float)
        return Counts(powers, np.full(powers.size, float(bits)), errors, self.coding)
