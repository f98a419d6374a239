"""Measurement uncertainty by budget: contributors, what they share, and what comes out (JCGM 100, GUM)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from measurements.units import FloatArray


class UncertaintyError(ValueError):
    """A budget that cannot be, or an uncertainty that is missing where a decision needs one."""


class Distribution(StrEnum):
    """What a contributor's figure means: a standard deviation, or the half width of a shape."""

    NORMAL = "normal"
    RECTANGULAR = "rectangular"
    TRIANGULAR = "triangular"
    U_SHAPED = "U-shaped"


_DIVISOR = {
    Distribution.RECTANGULAR: math.sqrt(3.0),
    Distribution.TRIANGULAR: math.sqrt(6.0),
    Distribution.U_SHAPED: math.sqrt(2.0),  # JCGM 100, 4.3; mismatch and polarisation have this shape
}


_ROUNDING = 1e-14
"""What is left of squares that cancel is that of floating point."""


@dataclass(frozen=True, slots=True)
class Contributor:
    """One line of a budget, in the unit of what it contributes to times `sensitivity`.

    `value` is the expanded figure of a data sheet at `coverage_factor` (normal), or the half width
    of the shape. `degrees_of_freedom` are infinite for what is not from a series of readings.
    """

    name: str
    value: float
    distribution: Distribution = Distribution.NORMAL
    coverage_factor: float = 1.0
    sensitivity: float = 1.0
    degrees_of_freedom: float = math.inf

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and self.value >= 0 and math.isfinite(self.sensitivity)):
            raise UncertaintyError(
                f"contributor {self.name!r}: {self.value} x {self.sensitivity} is no uncertainty"
            )
        if not (0 < self.coverage_factor < math.inf and self.degrees_of_freedom > 0):
            raise UncertaintyError(
                f"contributor {self.name!r}: coverage factor {self.coverage_factor} and"
                f" {self.degrees_of_freedom} degrees of freedom must be positive"
            )
        if self.distribution is not Distribution.NORMAL and self.coverage_factor != 1.0:
            raise UncertaintyError(
                f"contributor {self.name!r}: a {self.distribution} shape has a half width and no coverage"
                " factor: give one of both"
            )

    @property
    def standard(self) -> float:
        """Get the standard uncertainty, before its sensitivity."""
        return self.value / _DIVISOR.get(self.distribution, self.coverage_factor)


@dataclass(frozen=True, slots=True)
class Budget:
    """Contributors to one result, with the correlations of those that share something.

    `correlations` name two contributors and their coefficient, -1 to 1; all others are independent.
    Two results that share a contributor are compared or subtracted by `difference`. Raise
    UncertaintyError for no contributors, names that come twice, and correlations that cannot be.
    """

    unit: str
    contributors: tuple[Contributor, ...]
    correlations: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [one.name for one in self.contributors]
        twice = {name for name in names if names.count(name) > 1}
        if twice or not names:
            raise UncertaintyError(f"a budget needs contributors with names of their own, not {names}")
        for pair, coefficient in self.correlations.items():
            unknown = set(pair) - set(names)
            if unknown or len(set(pair)) != 2 or not -1 <= coefficient <= 1:
                raise UncertaintyError(
                    f"correlation of {pair} by {coefficient}: name two of {names}, -1 to 1"
                )
            if self.correlations.get(pair[::-1], coefficient) != coefficient:
                raise UncertaintyError(f"the correlation of {pair} is given twice, with two figures")
        if float(np.linalg.eigvalsh(self._correlation())[0]) < -1e-9:
            raise UncertaintyError(
                "the correlations contradict each other: no contributors can have them all"
            )

    @property
    def standard(self) -> float:
        """Get the combined standard uncertainty, with the covariances (JCGM 100, 5.2)."""
        parts = self._parts()
        variance = float(self._shares().sum())
        return math.sqrt(variance) if variance > _ROUNDING * float(parts @ parts) else 0.0

    @property
    def degrees_of_freedom(self) -> float:
        """Get the effective degrees of freedom (Welch and Satterthwaite; JCGM 100, G.4).

        The formula is that of independent contributors, whose result is known no worse than the worst
        of them; correlated ones that cancel would fall below, and are held there.
        """
        parts = list(zip(self._parts().tolist(), self.contributors, strict=True))
        shares = sum(part**4 / one.degrees_of_freedom for part, one in parts)
        if shares == 0:
            return math.inf
        least = min(one.degrees_of_freedom for part, one in parts if part != 0)
        return max(least, self.standard**4 / float(shares))

    def coverage_factor(self, confidence: float = 0.9545) -> float:
        """Get the factor k for an interval that covers the truth at a confidence (Student)."""
        from scipy.special import ndtri, stdtrit

        if not 0 < confidence < 1:
            raise UncertaintyError(f"a confidence of {confidence} must lie between 0 and 1")
        side = 0.5 * (1.0 + confidence)
        freedom = self.degrees_of_freedom
        return float(ndtri(side) if math.isinf(freedom) else stdtrit(freedom, side))

    def expanded(self, confidence: float = 0.9545) -> float:
        """Get the expanded uncertainty U."""
        return self.coverage_factor(confidence) * self.standard

    def rows(self) -> list[dict[str, object]]:
        """Get the budget as rows for the record, JSON-ready, the largest share of the variance first.

        A share holds half of each covariance, so that all shares add up to 1; it is negative where a
        contributor makes up for others. Infinite degrees of freedom are None.
        """
        total = self.standard**2
        rows: list[dict[str, object]] = [
            {
                "name": one.name,
                "value": one.value,
                "distribution": str(one.distribution),
                "coverage_factor": one.coverage_factor,
                "standard": one.standard,
                "sensitivity": one.sensitivity,
                "degrees_of_freedom": _finite(one.degrees_of_freedom),
                "share": share / total if total > 0 else 0.0,
            }
            for share, one in zip(self._shares().tolist(), self.contributors, strict=True)
        ]
        return sorted(rows, key=lambda row: -float(str(row["share"])))

    def record(self, confidence: float = 0.9545) -> dict[str, object]:
        """Get the whole budget for the record, JSON-ready: its rows, correlations, and what comes out."""
        return {
            "unit": self.unit,
            "contributors": self.rows(),
            "correlations": [[*pair, value] for pair, value in self.correlations.items()],
            "standard": self.standard,
            "degrees_of_freedom": _finite(self.degrees_of_freedom),
            "confidence": confidence,
            "coverage_factor": self.coverage_factor(confidence),
            "expanded": self.expanded(confidence),
        }

    def _shares(self) -> FloatArray:
        """Get each contributor's share of the variance, in the unit squared."""
        parts = self._parts()
        return np.asarray(parts * (self._correlation() @ parts))

    def _parts(self) -> FloatArray:
        return np.array([one.standard * one.sensitivity for one in self.contributors])

    def _correlation(self) -> FloatArray:
        names = [one.name for one in self.contributors]
        matrix = np.eye(len(names))
        for (first, second), coefficient in self.correlations.items():
            i, j = names.index(first), names.index(second)
            matrix[i, j] = matrix[j, i] = coefficient
        return matrix


def difference(first: Budget, second: Budget) -> Budget:
    """Get the budget of a difference; contributors of the same name are the same thing, and cancel.

    OMA and average power of one lane share the loss of their path: their difference does not hang on
    it, their root sum of squares would. OMA less TDECQ is another. Raise UncertaintyError for different
    units, and where a shared name, or a correlation in both, does not mean the same figure.
    """
    if first.unit != second.unit:
        raise UncertaintyError(f"a difference of {first.unit} and {second.unit} has no unit")
    own = {one.name: one for one in first.contributors}
    merged = dict(own)
    for other in second.contributors:
        shared = own.get(other.name)
        if shared is None:
            merged[other.name] = _times(other, -other.sensitivity)
        elif _times(shared, 1.0) != _times(other, 1.0):
            raise UncertaintyError(f"contributor {other.name!r} has two figures: {shared} and {other}")
        else:
            merged[other.name] = _times(shared, shared.sensitivity - other.sensitivity)
    correlations = dict(first.correlations)
    for pair, coefficient in second.correlations.items():
        if correlations.setdefault(pair, coefficient) != coefficient:
            raise UncertaintyError(f"the correlation of {pair} is given twice, with two figures")
    return Budget(first.unit, tuple(merged.values()), correlations)


def _finite(value: float) -> float | None:
    """Give what JSON can say."""
    return value if math.isfinite(value) else None


def _times(one: Contributor, sensitivity: float) -> Contributor:
    return replace(one, sensitivity=sensitivity)
