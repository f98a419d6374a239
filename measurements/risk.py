"""The risk of a wrong verdict: of one value, and of a whole process (JCGM 106)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.decision import Rule, acceptance
from measurements.limits import Limits
from measurements.uncertainty import UncertaintyError
from measurements.units import FloatArray

_ORDER = 64
_PIECE = 1.0
"""Width of a quadrature piece in standard deviations of the narrower distribution."""
_REACH = 9.0


@dataclass(frozen=True, slots=True)
class Process:
    """What comes to the test: the truth of units, normal with a mean and a standard deviation.

    Raise UncertaintyError for figures that are not finite, and for a deviation that is not positive.
    """

    mean: float
    deviation: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mean) and 0 < self.deviation < math.inf):
            raise UncertaintyError(f"a process of {self.mean} with a deviation of {self.deviation} is none")


@dataclass(frozen=True, slots=True)
class GlobalRisk:
    """Shares of all units: bad ones that are accepted, and good ones that are rejected."""

    false_accept: float
    false_reject: float


def conformance(value: float, u: float, limits: Limits, process: Process | None = None) -> float:
    """Compute the probability that the truth behind a measured value meets the limits.

    The truth is taken as normal around the value with standard uncertainty u (JCGM 106, 7.4). A
    process that is known draws it towards its mean (JCGM 106, 7.2); without one nothing is known of
    the unit but its value. Raise UncertaintyError for what is not finite, and for a negative u.
    """
    from scipy.special import ndtr

    below, above = _edges(value, u, limits, process)
    if below > 0:  # from the nearer side, so that a small share keeps its figures
        return float(ndtr(-below) - ndtr(-above))
    return float(ndtr(above) - ndtr(below))


def specific_risk(value: float, u: float, limits: Limits, process: Process | None = None) -> float:
    """Compute the risk of accepting a unit of this measured value: one minus its conformance.

    It keeps its figures where it is small. Arguments and errors are those of `conformance`.
    """
    from scipy.special import ndtr

    below, above = _edges(value, u, limits, process)
    return float(ndtr(below) + ndtr(-above))


def global_risk(process: Process, u: float, limits: Limits, rule: Rule) -> GlobalRisk:
    """Compute how often a process and a test of standard uncertainty u end in a wrong verdict.

    A unit is good when its truth meets the limits, accepted when its measured value meets the
    acceptance limits (JCGM 106, 9.5). A marginal unit counts as rejected. Right to 1e-9
    (Gauss-Legendre in pieces). Raise UncertaintyError for an uncertainty or a limit that is not
    finite, and for a guard band that leaves nothing to accept.
    """
    _check_u(u)
    low, high = acceptance(limits, rule.guard_in_u * u)
    if low is None and high is None:
        return GlobalRisk(0.0, 0.0)
    truth, weights = _nodes(
        process, u, [edge for edge in (limits.lower, limits.upper, low, high) if edge is not None]
    )
    good = _within(truth, limits.lower, limits.upper)
    accepted = _accepted(truth, u, low, high)
    return GlobalRisk(
        float(weights @ (np.where(good, 0.0, accepted))), float(weights @ np.where(good, 1.0 - accepted, 0.0))
    )


def _edges(value: float, u: float, limits: Limits, process: Process | None) -> tuple[float, float]:
    """Give how far the limits lie from where the truth is expected, in its standard deviations."""
    _check_u(u)
    if not math.isfinite(value):
        raise UncertaintyError(f"a value of {value} {limits.unit} is none")
    lower, upper = acceptance(limits, 0.0)
    if process is not None and u > 0:
        share = process.deviation**2 / (process.deviation**2 + u**2)
        value, u = process.mean + share * (value - process.mean), math.sqrt(share) * u
    return (
        -math.inf if lower is None else _in_deviations(lower - value, u),
        math.inf if upper is None else -_in_deviations(value - upper, u),
    )


def _in_deviations(distance: float, u: float) -> float:
    """Divide; a value right at a limit meets it, however sure it is."""
    if u > 0:
        return distance / u
    return math.inf if distance > 0 else -math.inf


def _accepted(truth: FloatArray, u: float, low: float | None, high: float | None) -> FloatArray:
    """Compute the probability that a unit's measured value is accepted."""
    from scipy.special import ndtr

    if u == 0:
        return _within(truth, low, high).astype(np.float64)
    above = np.ones_like(truth) if low is None else ndtr((truth - low) / u)
    beyond = np.zeros_like(truth) if high is None else ndtr((truth - high) / u)
    return np.asarray(np.maximum(above - beyond, 0.0), dtype=np.float64)


def _nodes(process: Process, u: float, edges: list[float]) -> tuple[FloatArray, FloatArray]:
    """Place quadrature nodes over the process, in pieces that end at every edge and are narrow near one."""
    begin = process.mean - _REACH * process.deviation
    end = process.mean + _REACH * process.deviation
    breaks = set(np.linspace(begin, end, int(2 * _REACH / _PIECE) + 1).tolist())
    for edge in edges:
        near = [edge + k * _PIECE * u for k in range(-int(_REACH), int(_REACH) + 1)] if u > 0 else [edge]
        breaks |= {place for place in near if begin < place < end}
    marks = np.array(sorted(breaks))
    nodes, weights = np.polynomial.legendre.leggauss(_ORDER)
    half = 0.5 * np.diff(marks)[:, None]
    truth = (half * nodes + 0.5 * (marks[:-1] + marks[1:])[:, None]).ravel()
    density = np.exp(-0.5 * ((truth - process.mean) / process.deviation) ** 2)
    density /= math.sqrt(2.0 * math.pi) * process.deviation
    return truth, (half * weights).ravel() * density


def _within(values: FloatArray, low: float | None, high: float | None) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = np.ones(values.shape, dtype=bool)
    if low is not None:
        inside &= values >= low
    if high is not None:
        inside &= values <= high
    return inside


def _check_u(u: float) -> None:
    if not (math.isfinite(u) and u >= 0):
        raise UncertaintyError(f"a standard uncertainty of {u} is none")
