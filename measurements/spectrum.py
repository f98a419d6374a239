"""Centre wavelength and side-mode suppression from the trace of an optical spectrum analyser."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measurements.quantity import Bound, Cause, NotMeasurable
from measurements.units import FloatArray, width_ghz_to_nm

MIN_RISE_DB = 10.0
"""A line must rise this far above the trace's upper quartile to count as light.

Noise about zero leaves half of a trace's points next to nothing; its highest of 10,000 stands 8 dB above
the upper quartile, and any distance above the median.
"""

SIDE_MODE_RISE_DB = 3.0
"""A side mode must rise this far above the floor around it; else the floor only bounds the ratio."""

_CENTRE_DEPTH_DB = 20.0
_SKIRT_RIPPLE_DB = 1.0


class SpectrumError(ValueError):
    """A trace that cannot be evaluated: a fault of the analyser's settings, not of the light."""


@dataclass(frozen=True, slots=True)
class LaserLine:
    """One laser line. `smsr_bound` is LOWER when no side mode stands out of the analyser's floor.

    `peak_dbm` is what the analyser reads in one resolution bandwidth at the highest point, not the
    laser's power: modulated light is wider than the resolution.
    """

    centre_nm: float
    centre_error_nm: float
    peak_nm: float
    peak_dbm: float
    smsr_db: float
    smsr_bound: Bound
    side_mode_nm: float


def laser_line(
    wavelength_nm: FloatArray, power_dbm: FloatArray, *, resolution_nm: float, symbol_rate_gbd: float = 0.0
) -> LaserLine | NotMeasurable:
    """Find the strongest line of a trace, its centre of gravity, and the strongest other mode.

    The centre is weighted by power over what stands within 20 dB of the peak. Side modes are
    looked for outside the main line: beyond two resolution bandwidths and, for modulated light,
    1.5 symbol rates, where only the modulation's own spectrum stands. Main and side mode are
    widened alike, so their ratio is that of their peaks in one resolution bandwidth. NotMeasurable
    when no line stands out. Raise SpectrumError for a trace that cannot hold the line.
    """
    check_trace(wavelength_nm, power_dbm, resolution_nm)
    top = int(np.argmax(power_dbm))
    peak_nm = float(wavelength_nm[top])
    peak_dbm = float(power_dbm[top])
    dark = no_line(power_dbm)
    if dark is not None:
        return dark
    half_nm = 2.0 * resolution_nm + width_ghz_to_nm(1.5 * symbol_rate_gbd, wavelength_nm=peak_nm)
    near = np.abs(wavelength_nm - peak_nm) <= half_nm
    if near[0] or near[-1]:
        raise SpectrumError(f"the line at {peak_nm:.3f} nm stands at the edge of the sweep; widen its span")
    centre_nm, centre_error_nm = _centre(
        wavelength_nm, power_dbm, near & (power_dbm > peak_dbm - _CENTRE_DEPTH_DB)
    )
    side_nm, side_dbm, bound = _side_mode(wavelength_nm, power_dbm, ~near, half_nm)
    return LaserLine(
        centre_nm=centre_nm,
        centre_error_nm=centre_error_nm,
        peak_nm=peak_nm,
        peak_dbm=peak_dbm,
        smsr_db=peak_dbm - side_dbm,
        smsr_bound=bound,
        side_mode_nm=side_nm,
    )


def no_line(power_dbm: FloatArray) -> NotMeasurable | None:
    """Tell whether no line stands out of a trace; None where one does."""
    highest = float(power_dbm.max())
    if highest - float(np.quantile(power_dbm, 0.75)) >= MIN_RISE_DB:
        return None
    return NotMeasurable("no line stands out of the trace", Cause.DARK, {"highest_dbm": highest})


def _centre(wavelength_nm: FloatArray, power_dbm: FloatArray, line: NDArray[np.bool_]) -> tuple[float, float]:
    """Weigh wavelengths by power; the error is that of placing the line's edges on the trace's grid."""
    weights = 10.0 ** (power_dbm[line] / 10.0)
    widths = np.gradient(wavelength_nm)[line]
    centre = float(np.average(wavelength_nm[line], weights=weights * widths))
    return centre, float(widths.max()) / math.sqrt(12.0 * weights.size)


def _side_mode(
    wavelength_nm: FloatArray, power_dbm: FloatArray, outside: NDArray[np.bool_], half_nm: float
) -> tuple[float, float, Bound]:
    """Find the highest point outside the line, and whether it is a mode or the floor."""
    beyond = outside & ~_skirt(power_dbm, outside)
    if not beyond.any():
        beyond = outside
    best = int(np.argmax(np.where(beyond, power_dbm, -np.inf)))
    around = outside & (np.abs(wavelength_nm - wavelength_nm[best]) <= 4.0 * half_nm)
    around &= np.abs(wavelength_nm - wavelength_nm[best]) > 0.5 * half_nm
    floor = float(np.median(power_dbm[around])) if around.any() else float(np.median(power_dbm[outside]))
    distinct = power_dbm[best] - floor >= SIDE_MODE_RISE_DB
    return float(wavelength_nm[best]), float(power_dbm[best]), Bound.EXACT if distinct else Bound.LOWER


def _skirt(power_dbm: FloatArray, outside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark where the main line still falls on both sides: the analyser's filter, not a mode."""
    skirt = np.zeros_like(outside)
    floor = float(np.median(power_dbm[outside])) + 0.1 * _SKIRT_RIPPLE_DB
    inside = np.flatnonzero(~outside)
    for places in (range(int(inside[0]) - 1, -1, -1), range(int(inside[-1]) + 1, outside.size)):
        lowest = math.inf
        for place in places:
            lowest = min(lowest, float(power_dbm[place]))
            if power_dbm[place] > lowest + _SKIRT_RIPPLE_DB or power_dbm[place] < floor:
                break
            skirt[place] = True
    return skirt


def check_trace(wavelength_nm: FloatArray, power_dbm: FloatArray, resolution_nm: float) -> None:
    """Refuse what is no trace of an analyser, or too coarse to hold a line. Raise SpectrumError."""
    if wavelength_nm.ndim != 1 or wavelength_nm.shape != power_dbm.shape or wavelength_nm.size < 16:
        raise SpectrumError(f"{wavelength_nm.shape} wavelengths for {power_dbm.shape} powers are no trace")
    if not (np.isfinite(wavelength_nm).all() and np.isfinite(power_dbm).all()):
        raise SpectrumError("the trace has values that are not finite; sweep again")
    steps = np.diff(wavelength_nm)
    if float(steps.min()) <= 0:
        raise SpectrumError("the wavelengths do not rise; check the trace's X data")
    if not 0 < resolution_nm < math.inf:
        raise SpectrumError(f"a resolution of {resolution_nm} nm is none")
    coarsest_nm = float(steps.max())
    if coarsest_nm > resolution_nm:
        raise SpectrumError(
            f"points {coarsest_nm:.4f} nm apart can miss a line at {resolution_nm:g} nm resolution;"
            " sweep with more points"
        )
