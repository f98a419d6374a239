"""When two instruments contradict each other."""

from __future__ import annotations

import math

from measurements.quantity import Bound, Quantity

# Two figures with uncertainties U (k=2) contradict each other beyond 1.5 times their root sum of
# squares, that is k=3: chance alone does this 3 times in 1,000.
DISAGREEMENT = 1.5


def apart(first: Quantity, second: Quantity) -> float:
    """Give the least distance between what two figures say of the truth; negative where they overlap."""
    (low, high), (other_low, other_high) = _span(first), _span(second)
    return max(low - other_high, other_low - high)


def _span(quantity: Quantity) -> tuple[float, float]:
    low = -math.inf if quantity.bound == Bound.UPPER else quantity.value
    high = math.inf if quantity.bound == Bound.LOWER else quantity.value
    return low, high
