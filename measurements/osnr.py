"""What a trace says beside its line: optical signal to noise, width, total power."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.quantity import Bound
from measurements.spectrum import SpectrumError, check_trace
from measurements.units import FloatArray

REFERENCE_BANDWIDTH_NM = 0.1
"""Bandwidth that noise is stated in (IEC 61280-2-9)."""

_LEAST_POINTS = 4
_RISE_DB = 1.0


@dataclass(frozen=True, slots=True)
class Osnr:
    """Signal over noise in 0.1 nm, as seen beside the channel.

    `bound` is LOWER where the noise read is the analyser's own floor. Noise that a filter has cut
    away beside the channel, but not under it, is not seen: behind one, the truth is less.
    """

    osnr_db: float
    standard_error_db: float
    signal_mw: float
    noise_mw: float
    bound: Bound


@dataclass(frozen=True, slots=True)
class SpectralWidth:
    """Widths of a line in nm: rms about its centre of gravity, and between points so far below its peak.

    The analyser's resolution is in all of them.
    """

    rms_nm: float
    at_3_db_nm: float
    at_20_db_nm: float


def osnr(
    wavelength_nm: FloatArray,
    power_dbm: FloatArray,
    *,
    centre_nm: float,
    channel_nm: float,
    noise_nm: tuple[float, float],
    resolution_nm: float,
    floor_dbm: float | None = None,
) -> Osnr:
    """Compute OSNR by interpolating the noise from both sides under the channel (IEC 61280-2-9).

    The signal is all power within `channel_nm` of width around the centre, less the noise under it;
    noise is the mean of the trace between the two distances `noise_nm` from the centre, on each side,
    and straight between. `resolution_nm` is the analyser's noise bandwidth; `floor_dbm` what it reads
    without light. Raise SpectrumError for windows without points and for a channel not above noise.
    """
    check_trace(wavelength_nm, power_dbm, resolution_nm)
    near, far = noise_nm
    if not 0 < 0.5 * channel_nm <= near < far:
        raise SpectrumError(
            f"noise from {near} to {far} nm beside a channel {channel_nm} nm wide:"
            " give distances from its centre that lie beyond the channel"
        )
    density = 10.0 ** (power_dbm / 10.0) / resolution_nm  # mW per nm
    offset = wavelength_nm - centre_nm
    inside = np.abs(offset) <= 0.5 * channel_nm
    sides = [(offset >= -far) & (offset <= -near), (offset >= near) & (offset <= far)]
    if min(int(np.count_nonzero(part)) for part in (inside, *sides)) < _LEAST_POINTS:
        raise SpectrumError(
            "the channel or the noise beside it has too few points: sweep wider, or with more points"
        )
    means = [float(density[side].mean()) for side in sides]
    places = [float(offset[side].mean()) for side in sides]
    under = np.interp(offset, places, means)
    signal = _integral(wavelength_nm, density - under, inside)
    noise = float(np.interp(0.0, places, means)) * REFERENCE_BANDWIDTH_NM
    if signal <= 0 or noise <= 0:
        raise SpectrumError("no channel stands above the noise beside it: check its centre and width")
    errors = [float(density[side].std(ddof=1)) / math.sqrt(np.count_nonzero(side)) for side in sides]
    relative = 0.5 * math.hypot(*errors) * REFERENCE_BANDWIDTH_NM / noise
    hidden = floor_dbm is not None and max(means) * resolution_nm < 10.0 ** ((floor_dbm + _RISE_DB) / 10.0)
    return Osnr(
        10.0 * math.log10(signal / noise),
        10.0 / math.log(10.0) * relative,
        signal,
        noise,
        Bound.LOWER if hidden else Bound.EXACT,
    )


def spectral_width(
    wavelength_nm: FloatArray, power_dbm: FloatArray, *, resolution_nm: float, depth_db: float = 20.0
) -> SpectralWidth:
    """Measure the width of the strongest line; points within `depth_db` of its peak count for the rms.

    Widths between points are interpolated in dB, from the outermost points that still stand so high.
    Raise SpectrumError for a line that reaches the edge of the sweep.
    """
    check_trace(wavelength_nm, power_dbm, resolution_nm)
    peak = float(power_dbm.max())
    widths = [_between(wavelength_nm, power_dbm, peak - depth) for depth in (3.0103, 20.0)]
    part = power_dbm >= peak - depth_db
    weights = 10.0 ** (power_dbm[part] / 10.0) * np.gradient(wavelength_nm)[part]
    centre = float(np.average(wavelength_nm[part], weights=weights))
    rms = math.sqrt(float(np.average((wavelength_nm[part] - centre) ** 2, weights=weights)))
    return SpectralWidth(rms, *widths)


def total_power_dbm(wavelength_nm: FloatArray, power_dbm: FloatArray, *, resolution_nm: float) -> float:
    """Integrate a trace to the power of all light in it; `resolution_nm` is the noise bandwidth."""
    check_trace(wavelength_nm, power_dbm, resolution_nm)
    density = 10.0 ** (power_dbm / 10.0) / resolution_nm
    return 10.0 * math.log10(_integral(wavelength_nm, density, np.ones(density.shape, dtype=bool)))


def _integral(wavelength_nm: FloatArray, density: FloatArray, part: NDArray[np.bool_]) -> float:
    """Integrate over the part, each point for the half way to its neighbours."""
    return float(np.sum(density[part] * np.gradient(wavelength_nm)[part]))


def _between(wavelength_nm: FloatArray, power_dbm: FloatArray, level_dbm: float) -> float:
    """Get the distance between the outermost crossings of a level."""
    above = np.flatnonzero(power_dbm >= level_dbm)
    first, last = int(above[0]), int(above[-1])
    if first == 0 or last == power_dbm.size - 1:
        raise SpectrumError("the line reaches the edge of the sweep; widen its span")
    begin = _crossing(wavelength_nm, power_dbm, first - 1, level_dbm)
    return _crossing(wavelength_nm, power_dbm, last, level_dbm) - begin


def _crossing(wavelength_nm: FloatArray, power_dbm: FloatArray, i: int, level_dbm: float) -> float:
    share = (level_dbm - power_dbm[i]) / (power_dbm[i + 1] - power_dbm[i])
    return float(wavelength_nm[i] + share * (wavelength_nm[i + 1] - wavelength_nm[i]))
