"""Do bounds of bit error ratios cover the truth as often as they say? A hundred thousand counts each."""

import math

import numpy as np
import pytest

from measurements.ber import ErrorRatio, expected_errors_bound, poisson_interval
from tests.proofs import keep

CASES = [(10**4, 1e-3), (10**6, 2.4e-4), (10**7, 1e-7), (10**9, 3e-9), (50, 0.3), (10**12, 1e-12)]


def coverage(bits, ber, confidence, trials, rng):
    """Count how often each bound holds; a bound is computed once for each count that occurs."""
    counts, times = np.unique(rng.binomial(bits, ber, trials), return_counts=True)
    held = dict.fromkeys(("upper", "lower", "interval", "poisson upper", "poisson interval"), 0)
    for errors, occurred in zip(counts.tolist(), times.tolist(), strict=True):
        count = ErrorRatio(bits, errors)
        low, high = count.interval(confidence)
        poisson = poisson_interval(errors, confidence)
        held["upper"] += occurred * (ber <= count.upper_bound(confidence))
        held["lower"] += occurred * (ber >= count.lower_bound(confidence))
        held["interval"] += occurred * (low <= ber <= high)
        held["poisson upper"] += occurred * (bits * ber <= expected_errors_bound(errors, confidence))
        held["poisson interval"] += occurred * (poisson[0] <= bits * ber <= poisson[1])
    return {name: value / trials for name, value in held.items()}


@pytest.mark.parametrize(("bits", "ber"), CASES[:4])
def test_bounds_cover(bits, ber):
    held = coverage(bits, ber, 0.95, 4000, np.random.default_rng(1))
    assert min(held.values()) >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 4000)


@pytest.mark.prove
def test_bounds_cover_in_a_hundred_thousand_counts():
    rows, rng, trials = [], np.random.default_rng(20261127), 100_000
    for confidence in (0.90, 0.95, 0.99):
        least = confidence - 3 * math.sqrt(confidence * (1 - confidence) / trials)
        for bits, ber in CASES:
            held = coverage(bits, ber, confidence, trials, rng)
            rows.append({"bits": bits, "ber": ber, "confidence": confidence, **held})
            # Poisson bounds stand for rare errors, and are wider otherwise.
            assert min(held.values()) >= least, rows[-1]
    keep("ber-coverage", __file__, {"trials": trials, "rows": rows})
