"""The lowest point of a smooth function of a few variables between bounds, by Newton's method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from measurements.units import FloatArray

_STEPS = 12
_ENOUGH = 2e-3
"""Gain below which the search ends; in the logarithm of an error ratio it is worth 0.0007 dB."""
_FLAT = 1e-4
"""Least bend that is believed, in parts of the greatest."""
_STRIDE = 0.15
"""Longest step: in taps, in parts of OMAouter and in UI."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A function's value at a point with its first and second derivatives."""

    value: float
    gradient: FloatArray
    hessian: FloatArray

    def logarithm(self) -> Curve:
        """Take the logarithm of a positive function; nothing is taken for next to nothing."""
        value = max(self.value, 1e-300)
        gradient = self.gradient / value
        return Curve(float(np.log(value)), gradient, self.hessian / value - np.outer(gradient, gradient))


@dataclass(frozen=True, slots=True, eq=False)
class TwoSided(Curve):
    """The logarithm of the mean of two positive functions, which are kept."""

    left: Curve
    right: Curve

    @classmethod
    def of(cls, left: Curve, right: Curve) -> TwoSided:
        """Take the mean and its logarithm."""
        mean = Curve(
            0.5 * (left.value + right.value),
            0.5 * (left.gradient + right.gradient),
            0.5 * (left.hessian + right.hessian),
        ).logarithm()
        return cls(mean.value, mean.gradient, mean.hessian, left, right)


C = TypeVar("C", bound=Curve)


def lowest(
    function: Callable[[FloatArray], C], start: FloatArray, least: FloatArray, most: FloatArray
) -> tuple[FloatArray, C]:
    """Find a local minimum between bounds, and the function there (projected Newton: Bertsekas, 1982)."""
    place = np.clip(start, least, most)
    here = function(place)
    for _ in range(_STEPS):
        step = _downhill(here, _blocked(place, here.gradient, least, most))
        if -0.5 * float(here.gradient @ step) < _ENOUGH:
            break
        for share in (1.0, 0.4, 0.1, 0.02):
            there = np.clip(place + share * step, least, most)
            found = function(there)
            if found.value < here.value:
                break
        else:
            return place, here
        place, here = there, found
    return place, here


def _blocked(
    place: FloatArray, gradient: FloatArray, least: FloatArray, most: FloatArray
) -> NDArray[np.bool_]:
    """Mark the variables that stand at a bound and would cross it."""
    return np.asarray(((place <= least) & (gradient > 0)) | ((place >= most) & (gradient < 0)))


def _downhill(here: Curve, blocked: NDArray[np.bool_]) -> FloatArray:
    """Step to the bottom of the parabola; where it bends the wrong way, as if it bent the right one."""
    step = np.zeros_like(here.gradient)
    free = np.flatnonzero(~blocked)
    if not free.size:
        return step
    bends, axes = np.linalg.eigh(here.hessian[np.ix_(free, free)])
    bends = np.maximum(np.abs(bends), _FLAT * np.abs(bends).max(initial=0.0) + 1e-300)
    step[free] = -axes @ ((axes.T @ here.gradient[free]) / bends)
    longest = float(np.abs(step).max())
    return step if longest <= _STRIDE else step * (_STRIDE / longest)
