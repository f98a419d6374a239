"""The dual-Dirac model of jitter: two equal peaks, each widened by one Gaussian, fitted to the tails."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from measurements.capture import CaptureError
from measurements.units import FloatArray

TAIL_SHARES = (0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
"""Shares of the edges that count as one tail, tried from the widest on."""

LEAST_IN_TAIL = 100
"""Edges in a tail below which its slope is guesswork."""

ACCEPTED_P_VALUE = 0.05

_BIN_RATIO = 0.6
_LEAST_BEYOND = 12
_TOLD_APART = 1.0


class ThinTails(CaptureError):
    """Too few edges, or none that differ: no tail to fit."""


@dataclass(frozen=True, slots=True)
class DualDirac:
    """Peaks at `left_ui` and `right_ui`, each with Gaussian jitter of rms `random_rms_ui`.

    `deterministic_error_ui` is None for peaks closer than one rms: they cannot be told from a
    Gaussian then, only their sum with it can. `chi_square` (deviance of the counts) over `degrees`
    of freedom, `p_value`: how well the tails follow. `tail_share` of all edges was fitted on each
    side, `tail_edges` in both.
    """

    left_ui: float
    right_ui: float
    random_rms_ui: float
    random_error_ui: float
    deterministic_error_ui: float | None
    chi_square: float
    degrees: int
    p_value: float
    tail_share: float
    tail_edges: int
    edges: int
    covariance: tuple[tuple[float, float], tuple[float, float]]
    """Of deterministic and random jitter, in squared unit intervals."""

    @property
    def deterministic_ui(self) -> float:
        """Get the distance of the peaks: DJ of the model, less than the peak to peak of real DJ."""
        return self.right_ui - self.left_ui

    @property
    def passed(self) -> bool:
        """Get whether the tails follow the model at 5 % significance."""
        return self.p_value >= ACCEPTED_P_VALUE

    def total_ui(self, ber: float = 1e-12) -> float:
        """Get DJ + 2 Q(BER) RJ, the total jitter at a BER by this model's custom (14.07 RJ at 1e-12)."""
        return self.deterministic_ui + 2.0 * _q(ber) * self.random_rms_ui

    def total_error_ui(self, ber: float = 1e-12) -> float:
        """Get the standard error of the total jitter, with DJ and RJ as they move together."""
        pull = np.array([1.0, 2.0 * _q(ber)])
        return math.sqrt(max(0.0, float(pull @ np.array(self.covariance) @ pull)))

    def width_ui(self, excluded: float) -> float:
        """Get the width that leaves `excluded` of the model's edges out, half on each side."""
        from scipy.optimize import brentq

        half, rms = 0.5 * self.deterministic_ui, self.random_rms_ui
        furthest = half + rms * (_q(0.5 * excluded) + 1.0)

        def missing(at: float) -> float:
            return float(_below(at, half, rms)) - 0.5 * excluded

        return -2.0 * float(brentq(missing, -furthest, 0.0, xtol=1e-9 * rms))


def fit_tails(late_ui: FloatArray) -> DualDirac:
    """Fit two equal Gaussians to the tails of a histogram of edges, likeliest counts by bin.

    The dual-Dirac model (INCITS MJSQ [M]) on the Q scale, where its tails are straight; fitted by
    likelihood, which weighs each bin by what it can tell. Both peaks count in both tails, so pure
    Gaussian jitter reads as such. Real deterministic jitter follows the model only far out: the
    widest tails are taken that do, from a fifth of the edges on each side down; when none do, the
    farthest, and `p_value` says so. Raise ThinTails below 100 edges in a tail.
    """
    ordered = np.sort(late_ui)
    shares = [share for share in TAIL_SHARES if share * ordered.size >= LEAST_IN_TAIL]
    if not shares:
        raise ThinTails(
            f"{ordered.size:,} edges leave {TAIL_SHARES[0] * ordered.size:.0f} in a tail",
            where="jitter tails",
            remedy=f"capture {LEAST_IN_TAIL / TAIL_SHARES[0]:,.0f} edges or more; 100,000 make a good fit",
        )
    fit = _fit(ordered, shares[0])
    for share in shares[1:]:
        if fit.passed:
            break
        fit = _fit(ordered, share)
    return fit


def _fit(ordered: FloatArray, share: float) -> DualDirac:
    from scipy.special import chdtrc

    bounds, counts = _bins(ordered, share)
    parameters, covariance, chi_square = _likeliest(counts, bounds, _start(ordered, share))
    centre, distance, rms = parameters
    degrees = counts.size - 4
    (own, shared), (_, random) = covariance
    return DualDirac(
        left_ui=centre - 0.5 * distance,
        right_ui=centre + 0.5 * distance,
        random_rms_ui=rms,
        random_error_ui=math.sqrt(random),
        deterministic_error_ui=math.sqrt(own) if distance >= _TOLD_APART * rms else None,
        chi_square=chi_square,
        degrees=degrees,
        p_value=float(chdtrc(degrees, chi_square)),
        tail_share=share,
        tail_edges=ordered.size - int(counts.max()),
        edges=ordered.size,
        covariance=((own, shared), (shared, random)),
    )


def _likeliest(
    counts: FloatArray, bounds: FloatArray, start: tuple[float, float, float]
) -> tuple[list[float], list[list[float]], float]:
    """Find centre, distance of the peaks and rms, the covariance of the last two, and the deviance."""
    from scipy.optimize import least_squares

    def residuals(parameters: FloatArray) -> FloatArray:
        return _deviance_roots(counts, bounds, parameters)

    found = least_squares(residuals, start, method="lm", x_scale=(start[2],) * 3, xtol=1e-12)
    # By the distance of the peaks instead of half of it; either sign of the others means the same.
    to_distance = np.array([1.0, 2.0, 1.0])
    slope = np.asarray(found.jac) / to_distance * np.sign([1.0, *found.x[1:]])
    covariance = np.linalg.pinv(slope.T @ slope, rcond=1e-9)[1:, 1:]
    centre, distance, rms = (np.asarray(found.x) * to_distance).tolist()
    return [centre, abs(distance), abs(rms)], covariance.tolist(), 2.0 * float(found.cost)


def _bins(ordered: FloatArray, share: float) -> tuple[FloatArray, FloatArray]:
    """Cut both tails into bins, each with 0.6 of what lies beyond its inner end; the middle is one."""
    beyond = [round(share * ordered.size)]
    while beyond[-1] * _BIN_RATIO >= _LEAST_BEYOND:
        beyond.append(round(beyond[-1] * _BIN_RATIO))
    ranks = np.array([*beyond[::-1], *(ordered.size - count for count in beyond)])
    bounds = 0.5 * (ordered[ranks - 1] + ordered[ranks])
    counts = np.diff(ranks, prepend=0, append=ordered.size).astype(np.float64)
    return bounds, counts


def _start(ordered: FloatArray, share: float) -> tuple[float, float, float]:
    """Read peaks and rms off two points of each tail on the Q scale. Raise ThinTails for a flat one."""
    outer, inner = _q(0.2 * share), _q(share)
    low, high = np.quantile(ordered, [[0.1 * share, 0.5 * share], [1.0 - 0.1 * share, 1.0 - 0.5 * share]])
    rms = 0.5 * float((low[1] - low[0]) + (high[0] - high[1])) / (outer - inner)
    if not rms > 1e-9:
        raise ThinTails(
            "the edges of a tail all stand at one instant",
            where="jitter tails",
            remedy="capture un-averaged, with finer time and power",
        )
    half = 0.5 * float(high[1] - low[1]) - inner * rms
    return 0.5 * float(low[1] + high[1]), max(half, 0.5 * rms), rms


def _deviance_roots(counts: FloatArray, bounds: FloatArray, parameters: FloatArray) -> FloatArray:
    """Get signed roots of each bin's deviance: their squares sum to -2 ln of the likelihood ratio."""
    from scipy.special import xlogy

    centre, half, rms = parameters
    # Each bin by the smaller tail: far out, differences of numbers near 1 are rounding alone.
    left, right = _below(bounds - centre, half, abs(rms)), _below(centre - bounds, half, abs(rms))
    shares = np.where(left[1:] < 0.5, np.diff(left), -np.diff(right))
    shares = np.concatenate([left[:1], shares, right[-1:]])
    expected = np.maximum(counts.sum() * shares, 1e-300)
    deviance = 2.0 * (xlogy(counts, counts / expected) - counts + expected)
    roots = np.sqrt(np.maximum(deviance, 0.0))
    return np.asarray(np.sign(counts - expected) * roots, dtype=np.float64)


def _below(at: FloatArray | float, half: float, rms: float) -> FloatArray:
    """Compute the share of edges earlier than some instants, for peaks at both sides of 0."""
    from scipy.special import ndtr

    return np.asarray(0.5 * (ndtr((at + half) / rms) + ndtr((at - half) / rms)), dtype=np.float64)


def _q(ber: float) -> float:
    from scipy.special import ndtri

    if not 0 < ber < 0.5:
        raise ValueError(f"a share of {ber} has no place on the Q scale: give one between 0 and 0.5")
    return -float(ndtri(ber))
