"""Crossings of records whose samples were taken one by one, each with a jitter of its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from measurements.capture import CaptureError
from measurements.nrz.crossings import Crossings, checked_threshold, gathered, not_crossing, places_of_edges
from measurements.nrz.folding import NrzEye
from measurements.quantity import NotMeasurable
from measurements.units import FloatArray

LEAST_PERIODS = 16
"""Periods whose mean stands for an edge without jitter; each sample is itself 1/16 of that mean."""

_REACH_UI = 0.4
_POINTS = 65


def find_sampled_crossings(eye: NrzEye, *, threshold_mw: float | None = None) -> Crossings | NotMeasurable:
    """Judge the lateness of every edge by the one sample that stands nearest its mean crossing.

    For sampling scopes, whose pattern waveforms hold noise and jitter that are independent from
    sample to sample: what lies between two of them never happened, so nothing may be interpolated.
    The power of that sample is read against the edge's own mean over all periods: it tells how late
    the edge was, noise over slope included, as on an eye's histogram. It tells no more than the
    edge is wide (0.4 bit to either side at most): samples beyond are `missed`, and more than 1 in
    1000 are NotMeasurable. Jitter that widens the mean edge reads high by half the squared ratio of
    jitter to edge (Gaussian rms of both). Threshold as in `find_crossings`. Raise CaptureError for
    fewer than 16 periods.
    """
    threshold = checked_threshold(eye, threshold_mw)
    if eye.periods < LEAST_PERIODS:
        raise CaptureError(
            f"{eye.periods} periods do not tell an edge from its jitter",
            where="record length",
            remedy=f"capture {LEAST_PERIODS} pattern periods or more, un-averaged",
        )
    edges, places, rising = places_of_edges(eye)
    instants = np.linspace(-_REACH_UI, _REACH_UI, _POINTS)
    mean_edges = np.stack([eye.locked.signal.at(eye.crossing_ui + late)[edges] for late in instants], axis=1)
    signs = np.where(rising[: edges.size], 1.0, -1.0)[:, None]
    mean_late = _times(signs * mean_edges, (signs * threshold), instants)[:, 0]
    nearest, values = _nearest_samples(eye, places.reshape(eye.periods, -1), mean_late)
    apart = _times(signs * mean_edges, signs * values.T, instants).T
    # A sample taken late of its edge shows more of it than the edge alone would.
    late = (mean_late + nearest - apart).ravel()
    crosses = np.isfinite(late)
    reason = not_crossing(crosses, threshold)
    return reason if reason is not None else gathered(eye, late, crosses, rising, threshold)


def _nearest_samples(
    eye: NrzEye, places: NDArray[np.intp], mean_late: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Get time against the mean crossing, counted from the eye's own, and power of one sample an edge."""
    per_symbol, power_mw = eye.samples_per_symbol, eye.waveform.power_mw
    expected = eye.crossing_ui + places + np.nan_to_num(mean_late)
    nearest = np.rint(expected * per_symbol).astype(np.intp)
    values = np.asarray(power_mw[nearest % power_mw.size], dtype=np.float64)
    return nearest / per_symbol - eye.crossing_ui - places, values


def _times(mean_edges: FloatArray, values: FloatArray, instants: FloatArray) -> FloatArray:
    """Find when each rising mean edge, a row, has its values; not a number beyond its ends."""
    climbing = np.maximum.accumulate(mean_edges, axis=1)
    found = [
        np.interp(v, edge, instants, left=np.nan, right=np.nan)
        for edge, v in zip(climbing, values, strict=True)
    ]
    return np.array(found, dtype=np.float64)
