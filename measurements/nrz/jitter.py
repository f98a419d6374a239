"""Jitter of a two-level record: total, by pattern, by tails, and the widths J2, J4, J9."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.nrz.crossings import Crossings
from measurements.nrz.dual_dirac import DualDirac, fit_tails
from measurements.units import FloatArray

J2, J4, J9 = 1e-2, 1e-4, 1e-9
"""Shares of the edges that the widths of these names leave out (IEEE 802.3, 86.8.3.3 [M])."""

_LEAST_BEYOND = 10


@dataclass(frozen=True, slots=True)
class TotalJitter:
    """Peak to peak and rms over all edges of the record.

    The peak to peak grows with the record: `edges` belongs to it. `uncorrelated_rms_ui` is what is
    left when each edge of the pattern is held against its own mean over the periods, None for one
    period.
    """

    peak_peak_ui: float
    rms_ui: float
    rms_error_ui: float
    uncorrelated_rms_ui: float | None
    uncorrelated_error_ui: float | None
    edges: int
    missed: int


@dataclass(frozen=True, slots=True, eq=False)
class DataDependentJitter:
    """Lateness of each edge of the pattern, in its order, the mean of all periods.

    `edge_error_ui` is the standard error of each edge, None for one period; noise widens the peak to
    peak by several of it. `duty_cycle_ui` is how much longer ones last than zeros (mean falling less
    mean rising edge), with its standard error.
    """

    late_ui: FloatArray
    edge_error_ui: float | None
    duty_cycle_ui: float
    duty_cycle_error_ui: float | None

    @property
    def peak_peak_ui(self) -> float:
        """Get the data-dependent jitter, latest less earliest edge."""
        return float(np.ptp(self.late_ui))

    @property
    def rms_ui(self) -> float:
        """Get the rms lateness of the pattern's edges, what noise adds taken out."""
        noise = 0.0 if self.edge_error_ui is None else self.edge_error_ui
        return math.sqrt(max(0.0, float(np.mean(self.late_ui**2)) - noise**2))


@dataclass(frozen=True, slots=True)
class JitterWidth:
    """The width that leaves a share of the edges out, half of it on each side.

    `extrapolated` widths come from the fitted tails, the others from counted edges.
    """

    width_ui: float
    standard_error_ui: float
    excluded: float
    extrapolated: bool


def total_jitter(crossings: Crossings) -> TotalJitter:
    """Measure peak to peak and rms of all edges, and the rms that does not follow the pattern."""
    uncorrelated, error = _uncorrelated(crossings)
    return TotalJitter(
        peak_peak_ui=float(np.ptp(crossings.late_ui)),
        rms_ui=crossings.rms_ui,
        rms_error_ui=crossings.rms_error_ui,
        uncorrelated_rms_ui=uncorrelated,
        uncorrelated_error_ui=error,
        edges=crossings.late_ui.size,
        missed=crossings.missed,
    )


def data_dependent_jitter(crossings: Crossings) -> DataDependentJitter:
    """Average each edge of the pattern over all periods of the record.

    An averaged record of one period gives the same, without an error. Edges that never crossed are
    left out.
    """
    times = _by_edge(crossings, np.ones(crossings.late_ui.size))
    late = _by_edge(crossings, crossings.late_ui) / np.maximum(times, 1)
    rising = _by_edge(crossings, crossings.rising.astype(np.float64)) > 0
    seen = times > 0
    uncorrelated, _ = _uncorrelated(crossings)
    error = None if uncorrelated is None else uncorrelated / math.sqrt(crossings.periods)
    up, down = seen & rising, seen & ~rising
    share = math.sqrt(1.0 / np.count_nonzero(up) + 1.0 / np.count_nonzero(down))
    late_ui = late[seen]
    late_ui.setflags(write=False)
    return DataDependentJitter(
        late_ui=late_ui,
        edge_error_ui=error,
        duty_cycle_ui=float(late[down].mean() - late[up].mean()),
        duty_cycle_error_ui=None if error is None else error * share,
    )


def separate_jitter(crossings: Crossings) -> DualDirac:
    """Separate random from deterministic jitter by the tails of the crossings' histogram.

    See `dual_dirac.fit_tails`. Raise ThinTails for too few edges.
    """
    return fit_tails(crossings.late_ui)


def jitter_width(crossings: Crossings, excluded: float) -> JitterWidth:
    """Measure the width that leaves a share of the edges out: J2, J4 and J9 for these constants.

    Half of the share lies on each side. It is counted where 10 edges or more lie beyond each side,
    and extrapolated by the fitted tails otherwise; then ThinTails may be raised. Raise ValueError
    for a share that is none.
    """
    if not 0 < excluded < 0.5:
        raise ValueError(f"a share of {excluded} cannot be left out: give one between 0 and 0.5")
    beyond = 0.5 * excluded * crossings.late_ui.size
    if beyond >= _LEAST_BEYOND:
        return _counted(crossings.late_ui, excluded)
    tails = separate_jitter(crossings)
    return JitterWidth(tails.width_ui(excluded), tails.total_error_ui(excluded), excluded, extrapolated=True)


def _counted(late_ui: FloatArray, excluded: float) -> JitterWidth:
    """Read the width off the edges; its error by those around, as far as counts scatter."""
    side, count = 0.5 * excluded, late_ui.size
    apart = math.sqrt(side * (1.0 - side) / count)
    shares = np.array([side - apart, side, side + apart])
    low, high = np.quantile(late_ui, [shares, 1.0 - shares])
    error = 0.5 * math.hypot(float(low[2] - low[0]), float(high[0] - high[2]))
    return JitterWidth(float(high[1] - low[1]), error, excluded, extrapolated=False)


def _uncorrelated(crossings: Crossings) -> tuple[float | None, float | None]:
    """Get the rms of edges around their own means, and its standard error."""
    if crossings.periods < 2:
        return None, None
    times = _by_edge(crossings, np.ones(crossings.late_ui.size))
    means = _by_edge(crossings, crossings.late_ui) / np.maximum(times, 1)
    squared = (crossings.late_ui - means[crossings.edge]) ** 2
    free = squared.size - int(np.count_nonzero(times))
    rms = math.sqrt(float(squared.sum()) / free)
    if rms < 1e-12:  # rounding alone
        return 0.0, 0.0
    return rms, math.sqrt(float(np.var(squared)) / free) / (2.0 * rms)


def _by_edge(crossings: Crossings, values: NDArray[np.float64]) -> FloatArray:
    """Add values up by edge of the pattern."""
    return np.asarray(np.bincount(crossings.edge, weights=values), dtype=np.float64)
