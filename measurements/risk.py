"""The risk of a wrong verdict: of one value, and of a whole process (JCGM 106)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.decision import Rule
from measurements.limits import Limits
from measurements.uncertainty import UncertaintyError
from measurements.units import FloatArray

_ORDER = 64
_PIECE = 1.0
"""Width of a quadrature piece in standard deviations of the narrower distribution."""
_REACH = 9.0


@dataclass(frozen=True, slots=True)
class Process:
    """What comes to the test: the truth of units, normal with a mean and a standard deviation."""

    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class GlobalRisk:
    """Shares of all units: bad ones that are accepted, and good ones that are rejected."""

    false_accept: float
    false_reject: float


def conformance(value: float, u: float, limits: Limits) -> float:
    """Compute the probability that the truth behind a measured value meets the limits.

    The truth is taken as normal around the value with standard uncertainty u and no prior (JCGM
    106, 7.4); one minus it is the specific risk of accepting the unit.
    """
    from scipy.special import ndtr

    _check_u(u)
    if u == 0:
        return float(_within(np.array([value]), limits.lower, limits.upper)[0])
    below = -math.inf if limits.lower is None else (limits.lower - value) / u
    above = math.inf if limits.upper is None else (limits.upper - value) / u
    if below > 0:  # from the nearer side, so that a small share keeps its figures
        return float(ndtr(-below) - ndtr(-above))
    return float(ndtr(above) - ndtr(below))


def global_risk(process: Process, u: float, limits: Limits, rule: Rule) -> GlobalRisk:
    """Compute how often a process and a test of standard uncertainty u end in a wrong verdict.

    A unit is good when its truth meets the limits, accepted when its measured value meets the
    acceptance limits. Right to 1e-9 (Gauss-Legendre in pieces). Raise UncertaintyError for a guard
    band that leaves nothing to accept.
    """
    _check_u(u)
    if not process.deviation > 0:
        raise UncertaintyError(f"a process with a deviation of {process.deviation} is none")
    if limits.lower is None and limits.upper is None:
        return GlobalRisk(0.0, 0.0)
    band = rule.guard_in_u * u
    low = None if limits.lower is None else limits.lower + band
    high = None if limits.upper is None else limits.upper - band
    if low is not None and high is not None and low > high:
        raise UncertaintyError(
            f"a guard band of {band:.3g} leaves nothing between {limits.lower} and {limits.upper}"
        )
    truth, weights = _nodes(
        process, u, [edge for edge in (limits.lower, limits.upper, low, high) if edge is not None]
    )
    good = _within(truth, limits.lower, limits.upper)
    accepted = _accepted(truth, u, low, high)
    return GlobalRisk(
        float(weights @ (np.where(good, 0.0, accepted))), float(weights @ np.where(good, 1.0 - accepted, 0.0))
    )


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
