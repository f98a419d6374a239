"""What a trace says beside its line: optical signal to noise, width, total power."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.quantity import Bound, Cause, NotMeasurable
from measurements.spectrum import SpectrumError, check_trace, no_line
from measurements.units import FloatArray, db_to_ratio

REFERENCE_BANDWIDTH_NM = 0.1
"""Bandwidth that noise is stated in (IEC 61280-2-9)."""

_LEAST_POINTS = 4
_RISE_DB = 1.0
_COVERAGE = 2.0
_LEAST_SHARE = 1e-3
"""No noise lies on its straight line so well that less of it could be told from a channel."""
_CLEAR_DB = 3.0


@dataclass(frozen=True, slots=True)
class Osnr:
    """Signal over noise in 0.1 nm, as seen beside the channel.

    `bound` is LOWER where the noise read is the analyser's own floor. Noise that a filter has cut
    away beside the channel, but not under it, is not seen: behind one, the truth is less. The
    standard error is that of the points' scatter; what the resolution is known to (0.1 dB for 2 %)
    comes on top.
    """

    osnr_db: float
    standard_error_db: float
    signal_mw: float
    noise_mw: float
    bound: Bound


@dataclass(frozen=True, slots=True)
class SpectralWidth:
    """Widths of a line in nm: rms about its centre of gravity, and between points so far below its peak.

    The analyser's resolution is in all of them; `bound` is UPPER where it makes up more than half of
    the width at -3 dB. `edge_error_nm` is the standard error of the other two: each edge lies between
    two points.
    """

    rms_nm: float
    at_3_db_nm: float
    at_20_db_nm: float
    edge_error_nm: float
    bound: Bound


def osnr(
    wavelength_nm: FloatArray,
    power_dbm: FloatArray,
    *,
    centre_nm: float,
    channel_nm: float,
    noise_nm: tuple[float, float],
    resolution_nm: float,
    floor_dbm: float | None = None,
) -> Osnr | NotMeasurable:
    """Compute OSNR by interpolating the noise from both sides under the channel (IEC 61280-2-9).

    The signal is all power within `channel_nm` of width around the centre, less the noise under it;
    noise is the mean of the trace between the two distances `noise_nm` from the centre, on each side,
    and straight between. `resolution_nm` is the analyser's noise bandwidth; `floor_dbm` what it reads
    without light: noise no more than 1 dB above it gives a LOWER bound, and without a floor the noise is
    taken at its word. NotMeasurable where no channel stands above the noise by twice its standard error.
    Raise SpectrumError for windows without points, or that are none.
    """
    check_trace(wavelength_nm, power_dbm, resolution_nm)
    if floor_dbm is not None and not math.isfinite(floor_dbm):
        raise SpectrumError(f"a floor of {floor_dbm} dBm is none: read it with the light off")
    offset = wavelength_nm - centre_nm
    inside, sides = _windows(offset, channel_nm, noise_nm)
    density = 10.0 ** (power_dbm / 10.0) / resolution_nm  # mW per nm
    noise = _Noise(*(_Side.of(offset[side], density[side]) for side in sides))
    signal = _integral(wavelength_nm, density - noise.at(offset), inside)
    points_error = noise.scatter * float(np.linalg.norm(np.gradient(wavelength_nm)[inside]))
    least = _COVERAGE * math.hypot(noise.error * channel_nm, points_error)
    if signal <= max(least, _LEAST_SHARE * noise.under * channel_nm):
        evidence = {"signal_mw": signal, "least_mw": least, "centre_nm": centre_nm}
        return NotMeasurable("no channel stands above the noise beside it", Cause.DARK, evidence)
    noise_mw = noise.under * REFERENCE_BANDWIDTH_NM
    # More noise is less signal too: the noise's error counts twice, that of the channel's points once.
    relative = math.hypot(noise.error * (1.0 / noise.under + channel_nm / signal), points_error / signal)
    hidden = floor_dbm is not None and noise.highest * resolution_nm < db_to_ratio(floor_dbm + _RISE_DB)
    return Osnr(
        10.0 * math.log10(signal / noise_mw),
        10.0 / math.log(10.0) * relative,
        signal,
        noise_mw,
        Bound.LOWER if hidden else Bound.EXACT,
    )


def spectral_width(
    wavelength_nm: FloatArray, power_dbm: FloatArray, *, resolution_nm: float, depth_db: float = 20.0
) -> SpectralWidth | NotMeasurable:
    """Measure the width of the strongest line; points within `depth_db` of its peak count for the rms.

    Widths between points are interpolated in dB, from the outermost points that still stand so high:
    all modes of a laser with several count. NotMeasurable when no line stands out of the trace. Raise
    SpectrumError where the ends of the trace, a twentieth of it on each side, do not all lie 3 dB and
    the depth (20 dB, or `depth_db` if that is more) below the line: its skirt, or the analyser's floor.
    """
    check_trace(wavelength_nm, power_dbm, resolution_nm)
    if not 0 < depth_db < math.inf:
        raise SpectrumError(f"a depth of {depth_db} dB is none")
    dark = no_line(power_dbm)
    if dark is not None:
        return dark
    peak = float(power_dbm.max())
    depth = max(20.0, depth_db)
    ends = max(_LEAST_POINTS, power_dbm.size // 20)
    if max(power_dbm[:ends].max(), power_dbm[-ends:].max()) > peak - depth - _CLEAR_DB:
        raise SpectrumError(
            f"the ends of the trace do not stand clear of {depth:g} dB below the line:"
            " widen the span, or raise the analyser's sensitivity"
        )
    widths = [_between(wavelength_nm, power_dbm, peak - depth) for depth in (3.0103, 20.0)]
    part = power_dbm >= peak - depth_db
    weights = 10.0 ** (power_dbm[part] / 10.0) * np.gradient(wavelength_nm)[part]
    centre = float(np.average(wavelength_nm[part], weights=weights))
    rms = math.sqrt(float(np.average((wavelength_nm[part] - centre) ** 2, weights=weights)))
    edge_error = float(np.diff(wavelength_nm).max()) / math.sqrt(6.0)  # two edges, each even over a step
    bound = Bound.UPPER if widths[0] < math.sqrt(2.0) * resolution_nm else Bound.EXACT
    return SpectralWidth(rms, widths[0], widths[1], edge_error, bound)


def total_power_dbm(wavelength_nm: FloatArray, power_dbm: FloatArray, *, resolution_nm: float) -> float:
    """Integrate a trace to the power of all light in it; `resolution_nm` is the noise bandwidth.

    The analyser's floor and the noise between channels are in it. Raise SpectrumError for what is no
    trace.
    """
    check_trace(wavelength_nm, power_dbm, resolution_nm)
    density = 10.0 ** (power_dbm / 10.0) / resolution_nm
    return 10.0 * math.log10(_integral(wavelength_nm, density, np.ones(density.shape, dtype=bool)))


@dataclass(frozen=True, slots=True)
class _Side:
    """Noise on one side of a channel: its density in mW per nm at a distance, and how it scatters."""

    place_nm: float
    density: float
    scatter: float
    points: int

    @classmethod
    def of(cls, offset_nm: FloatArray, density: FloatArray) -> _Side:
        """Take the mean, and the scatter about the straight line through the points."""
        rest = density - np.polyval(np.polyfit(offset_nm, density, 1), offset_nm)
        scatter = math.sqrt(float(rest @ rest) / (rest.size - 2))
        return cls(float(offset_nm.mean()), float(density.mean()), scatter, rest.size)

    @property
    def error(self) -> float:
        """Get the standard error of the mean."""
        return self.scatter / math.sqrt(self.points)


@dataclass(frozen=True, slots=True)
class _Noise:
    """Noise on both sides of a channel, and the straight line between."""

    left: _Side
    right: _Side

    def at(self, offset_nm: FloatArray) -> FloatArray:
        """Get the density on the line."""
        slope = (self.right.density - self.left.density) / (self.right.place_nm - self.left.place_nm)
        return self.left.density + slope * (offset_nm - self.left.place_nm)

    @property
    def under(self) -> float:
        """Get the density at the channel's centre."""
        return float(self.at(np.zeros(1))[0])

    @property
    def error(self) -> float:
        """Get the standard error of the density at the channel's centre."""
        share = -self.left.place_nm / (self.right.place_nm - self.left.place_nm)
        return math.hypot((1.0 - share) * self.left.error, share * self.right.error)

    @property
    def scatter(self) -> float:
        """Get how far single points scatter, on the worse side."""
        return max(self.left.scatter, self.right.scatter)

    @property
    def highest(self) -> float:
        """Get the density of the higher side."""
        return max(self.left.density, self.right.density)


def _windows(
    offset_nm: FloatArray, channel_nm: float, noise_nm: tuple[float, float]
) -> tuple[NDArray[np.bool_], list[NDArray[np.bool_]]]:
    """Mark the channel's points and those of the noise on both sides of it."""
    near, far = noise_nm
    if not 0 < 0.5 * channel_nm <= near < far < math.inf:
        raise SpectrumError(
            f"noise from {near} to {far} nm beside a channel {channel_nm} nm wide:"
            " give distances from its centre that lie beyond the channel"
        )
    inside = np.abs(offset_nm) <= 0.5 * channel_nm
    sides = [
        (offset_nm >= -far) & (offset_nm <= -near),
        (offset_nm >= near) & (offset_nm <= far),
    ]
    if min(int(np.count_nonzero(part)) for part in (inside, *sides)) < _LEAST_POINTS:
        raise SpectrumError(
            "the channel or the noise beside it has too few points: sweep wider, or with more points"
        )
    return inside, sides


def _integral(wavelength_nm: FloatArray, density: FloatArray, part: NDArray[np.bool_]) -> float:
    """Integrate over the part, each point for the half way to its neighbours."""
    return float(np.sum(density[part] * np.gradient(wavelength_nm)[part]))


def _between(wavelength_nm: FloatArray, power_dbm: FloatArray, level_dbm: float) -> float:
    """Get the distance between the outermost crossings of a level that the ends lie below."""
    above = np.flatnonzero(power_dbm >= level_dbm)
    first, last = int(above[0]), int(above[-1])
    begin = _crossing(wavelength_nm, power_dbm, first - 1, level_dbm)
    return _crossing(wavelength_nm, power_dbm, last, level_dbm) - begin


def _crossing(wavelength_nm: FloatArray, power_dbm: FloatArray, i: int, level_dbm: float) -> float:
    share = (level_dbm - power_dbm[i]) / (power_dbm[i + 1] - power_dbm[i])
    return float(wavelength_nm[i] + share * (wavelength_nm[i + 1] - wavelength_nm[i]))
