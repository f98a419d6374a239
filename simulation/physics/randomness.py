"""Seeded chance: every draw has a name, so equal seeds give equal benches whatever is asked first."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, *key: str | int) -> np.random.Generator:
    """Give the random generator that belongs to a seed and a name."""
    text = "\x1f".join([str(seed), *map(str, key)])
    digest = hashlib.sha256(text.encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))


def truncated_normal(rng: np.random.Generator, sigma: float, bound: float) -> float:
    """Draw from a normal distribution around zero, again if it falls outside ±bound."""
    if sigma <= 0 or bound <= 0:
        return 0.0
    while abs(value := rng.normal(0.0, sigma)) > bound:
        pass
    return float(value)
