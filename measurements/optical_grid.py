"""The grids that optical channels stand on: DWDM (ITU-T G.694.1) and CWDM (G.694.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from measurements.quantity import Quantity
from measurements.spectrum import LaserLine
from measurements.units import nm_to_thz, thz_to_nm, width_nm_to_ghz

ANCHOR_THZ = 193.1
"""ITU-T G.694.1, 6: the frequency that all spacings are counted from."""

FIXED_SPACINGS_GHZ = (12.5, 25.0, 50.0, 100.0)
"""ITU-T G.694.1, 6. Spacings of more are whole multiples of 100 GHz."""

FLEXIBLE_STEP_GHZ, FLEXIBLE_WIDTH_GHZ = 6.25, 12.5
"""ITU-T G.694.1, 7: granularity of central frequencies, and of slot widths."""

CWDM_FIRST_NM, CWDM_SPACING_NM, CWDM_CHANNELS = 1271.0, 20.0, 18
"""ITU-T G.694.2, 5: nominal central wavelengths 1271 to 1611 nm."""

CWDM_WINDOW_NM = 6.5
"""Half the window around a nominal wavelength that CWDM4 lanes keep (CWDM4 MSA 1.1: 1264.5 to 1277.5 nm)."""


class GridError(ValueError):
    """A spacing, a slot or a frequency that no grid has."""


@dataclass(frozen=True, slots=True)
class GridPlace:
    """A frequency held against its channel; `error_ghz` is measured less nominal."""

    channel: int
    nominal_thz: float
    error_ghz: float

    @property
    def nominal_nm(self) -> float:
        """Get the channel's vacuum wavelength."""
        return thz_to_nm(self.nominal_thz)


@dataclass(frozen=True, slots=True)
class CwdmPlace:
    """A wavelength held against its channel, 1 for 1271 nm; `error_nm` is measured less nominal."""

    channel: int
    nominal_nm: float
    error_nm: float


def dwdm_frequency_thz(channel: int, spacing_ghz: float) -> float:
    """Get the nominal frequency of channel n: 193.1 THz + n times the spacing (ITU-T G.694.1, 6)."""
    _check_spacing(spacing_ghz)
    return ANCHOR_THZ + channel * spacing_ghz * 1e-3


def on_dwdm_grid(frequency_thz: float, spacing_ghz: float) -> GridPlace:
    """Find the nearest channel of a fixed grid, and how far the frequency stands from it."""
    _check_spacing(spacing_ghz)
    _check_frequency(frequency_thz)
    channel = round((frequency_thz - ANCHOR_THZ) * 1e3 / spacing_ghz)
    nominal = dwdm_frequency_thz(channel, spacing_ghz)
    return GridPlace(channel, nominal, (frequency_thz - nominal) * 1e3)


def frequency_error_ghz(wavelength_nm: float, nominal_thz: float) -> float:
    """Compute how far a vacuum wavelength stands from a nominal frequency."""
    _check_frequency(nominal_thz)
    if not (math.isfinite(wavelength_nm) and wavelength_nm > 0):
        raise GridError(f"a wavelength of {wavelength_nm} nm is none")
    return (nm_to_thz(wavelength_nm) - nominal_thz) * 1e3


def frequency_error(line: LaserLine, nominal_thz: float) -> Quantity:
    """Hold a line's centre against a nominal frequency, in GHz, with the standard error of its centre.

    That is what the trace's points leave open; the analyser's wavelength accuracy (20 to 50 pm, that
    is 2.5 to 6 GHz at 1550 nm) comes on top. Raise GridError as `frequency_error_ghz`.
    """
    error = width_nm_to_ghz(line.centre_error_nm, wavelength_nm=line.centre_nm)
    evidence = {"centre_nm": line.centre_nm, "nominal_thz": nominal_thz}
    return Quantity(frequency_error_ghz(line.centre_nm, nominal_thz), "GHz", error, evidence=evidence)


def on_flexible_grid(frequency_thz: float) -> GridPlace:
    """Find the nearest central frequency of the flexible grid: 193.1 THz + n x 6.25 GHz (G.694.1, 7)."""
    _check_frequency(frequency_thz)
    channel = round((frequency_thz - ANCHOR_THZ) * 1e3 / FLEXIBLE_STEP_GHZ)
    nominal = ANCHOR_THZ + channel * FLEXIBLE_STEP_GHZ * 1e-3
    return GridPlace(channel, nominal, (frequency_thz - nominal) * 1e3)


def flexible_slot(central: int, width: int) -> tuple[float, float]:
    """Get the lowest and highest frequency of a slot in THz (ITU-T G.694.1, 7).

    Its middle is 193.1 THz + central x 6.25 GHz, its width is `width` x 12.5 GHz.
    """
    if width < 1:
        raise GridError(f"a slot of {width} x {FLEXIBLE_WIDTH_GHZ} GHz has no width")
    middle = ANCHOR_THZ + central * FLEXIBLE_STEP_GHZ * 1e-3
    half = 0.5 * width * FLEXIBLE_WIDTH_GHZ * 1e-3
    return middle - half, middle + half


def on_cwdm_grid(wavelength_nm: float) -> CwdmPlace:
    """Find the nearest CWDM channel. Raise GridError for wavelengths beyond its 18 channels."""
    if not math.isfinite(wavelength_nm):
        raise GridError(f"a wavelength of {wavelength_nm} nm is none")
    index = round((wavelength_nm - CWDM_FIRST_NM) / CWDM_SPACING_NM)
    if not 0 <= index < CWDM_CHANNELS:
        last = CWDM_FIRST_NM + (CWDM_CHANNELS - 1) * CWDM_SPACING_NM
        raise GridError(f"{wavelength_nm} nm lies beyond the CWDM grid, {CWDM_FIRST_NM:g} to {last:g} nm")
    nominal = CWDM_FIRST_NM + index * CWDM_SPACING_NM
    return CwdmPlace(index + 1, nominal, wavelength_nm - nominal)


def _check_spacing(spacing_ghz: float) -> None:
    multiple = spacing_ghz > 0 and math.isfinite(spacing_ghz) and spacing_ghz % 100.0 == 0
    if spacing_ghz not in FIXED_SPACINGS_GHZ and not multiple:
        known = ", ".join(f"{one:g}" for one in FIXED_SPACINGS_GHZ)
        raise GridError(f"a spacing of {spacing_ghz} GHz is none of {known} GHz and multiples of 100 GHz")


def _check_frequency(frequency_thz: float) -> None:
    if not (math.isfinite(frequency_thz) and 150.0 < frequency_thz < 300.0):
        raise GridError(
            f"{frequency_thz} THz is no optical carrier of these grids; check THz against GHz and nm"
        )
