"""Conversions between units, done once at the edge; all take a float or an array and give the same."""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

SPEED_OF_LIGHT_M_PER_S = 299_792_458.0
"""In vacuum; exact by definition of the metre. Vacuum wavelengths only."""


@overload
def mw_to_dbm(power_mw: float) -> float: ...
@overload
def mw_to_dbm(power_mw: FloatArray) -> FloatArray: ...
def mw_to_dbm(power_mw: float | FloatArray) -> float | FloatArray:
    """Convert optical power to dBm. Raise ValueError for no light, which has no level in dBm."""
    return ratio_to_db(power_mw)


@overload
def dbm_to_mw(power_dbm: float) -> float: ...
@overload
def dbm_to_mw(power_dbm: FloatArray) -> FloatArray: ...
def dbm_to_mw(power_dbm: float | FloatArray) -> float | FloatArray:
    """Convert dBm to milliwatt."""
    return db_to_ratio(power_dbm)


@overload
def ratio_to_db(ratio: float) -> float: ...
@overload
def ratio_to_db(ratio: FloatArray) -> FloatArray: ...
def ratio_to_db(ratio: float | FloatArray) -> float | FloatArray:
    """Convert a ratio of powers to dB. Raise ValueError unless positive: minus infinity is no result."""
    if not np.all(np.asarray(ratio) > 0):
        raise ValueError(f"only a positive power or ratio has a level in dB, got {np.min(ratio):g}")
    return _like(ratio, 10.0 * np.log10(ratio))


@overload
def db_to_ratio(level_db: float) -> float: ...
@overload
def db_to_ratio(level_db: FloatArray) -> FloatArray: ...
def db_to_ratio(level_db: float | FloatArray) -> float | FloatArray:
    """Convert dB to a ratio of powers."""
    return _like(level_db, np.power(10.0, np.asarray(level_db, dtype=np.float64) / 10.0))


@overload
def nm_to_thz(wavelength_nm: float) -> float: ...
@overload
def nm_to_thz(wavelength_nm: FloatArray) -> FloatArray: ...
def nm_to_thz(wavelength_nm: float | FloatArray) -> float | FloatArray:
    """Convert a vacuum wavelength to an optical frequency."""
    return SPEED_OF_LIGHT_M_PER_S / wavelength_nm * 1e-3


@overload
def thz_to_nm(frequency_thz: float) -> float: ...
@overload
def thz_to_nm(frequency_thz: FloatArray) -> FloatArray: ...
def thz_to_nm(frequency_thz: float | FloatArray) -> float | FloatArray:
    """Convert an optical frequency to a vacuum wavelength."""
    return SPEED_OF_LIGHT_M_PER_S / frequency_thz * 1e-3


def width_nm_to_ghz(width_nm: float, *, wavelength_nm: float) -> float:
    """Convert a spectral width that is small against the wavelength, to first order."""
    return SPEED_OF_LIGHT_M_PER_S * width_nm / wavelength_nm**2


def width_ghz_to_nm(width_ghz: float, *, wavelength_nm: float) -> float:
    """Convert a bandwidth that is small against the carrier, to first order."""
    return width_ghz * wavelength_nm**2 / SPEED_OF_LIGHT_M_PER_S


def symbol_period_s(symbol_rate_gbd: float) -> float:
    """Get the duration of one unit interval."""
    return 1e-9 / symbol_rate_gbd


def _like(given: float | FloatArray, value: float | FloatArray) -> float | FloatArray:
    """Hand a float back for a float, so that a numpy scalar never reaches a record."""
    return value if isinstance(given, np.ndarray) else float(value)
