"""The Mach-Zehnder modulator and its driver, without memory: voltages to optical power.

The bias control holds quadrature, so P/P0 = (1 + g sin(pi v / Vpi + error)) / 2, with g from the
modulator's own extinction; the driver compresses as tanh while its peak detector holds the swing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulation.physics.laser import REFERENCE_C
from simulation.physics.parameters import LaneParameters


def drive_levels(lane: LaneParameters) -> NDArray[np.float64]:
    """Get the four levels that the DSP sends, in units of the outer ones."""
    return np.array([-1.0, -lane.inner_level, lane.inner_level, 1.0])


def half_wave_v(lane: LaneParameters, case_c: float) -> float:
    """Get the half-wave voltage at a temperature."""
    return lane.half_wave_v * (1.0 + lane.half_wave_drift_per_k * (case_c - REFERENCE_C))


def bandwidth_ghz(lane: LaneParameters, bandwidth: float, case_c: float) -> float:
    """Get a bandwidth at a temperature."""
    return bandwidth * (1.0 + lane.bandwidth_drift_per_k * (case_c - REFERENCE_C))


def drive_v(lane: LaneParameters, level: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Get the driver's output voltage for levels in units of the outer ones."""
    half_swing_v = lane.drive_swing_v / 2
    if lane.driver_compression == 0:
        return level * half_swing_v
    compressed = np.tanh(level * lane.driver_compression)
    voltage: NDArray[np.floating[Any]] = compressed * (half_swing_v / math.tanh(lane.driver_compression))
    return voltage


def transmission(
    lane: LaneParameters, voltage: NDArray[np.floating[Any]], case_c: float
) -> NDArray[np.floating[Any]]:
    """Get the part of the light that passes at a voltage, insertion loss apart."""
    floor = 10 ** (-lane.modulator_extinction_db / 10)
    visibility = (1.0 - floor) / (1.0 + floor)
    angle = voltage * (math.pi / half_wave_v(lane, case_c)) + lane.bias_error_rad
    passed: NDArray[np.floating[Any]] = 0.5 + (0.5 * visibility) * np.sin(angle)
    return passed


def settled_levels(lane: LaneParameters, case_c: float) -> NDArray[np.float64]:
    """Get the transmission of the four levels when each has lasted long enough to settle."""
    levels = transmission(lane, drive_v(lane, drive_levels(lane)), case_c)
    return np.asarray(levels, dtype=np.float64)


def mean_transmission(lane: LaneParameters, case_c: float) -> float:
    """Get the average transmission of equally frequent levels."""
    return float(np.mean(settled_levels(lane, case_c)))


def sideband_share(lane: LaneParameters, case_c: float) -> float:
    """Get the part of the power that modulation has moved from the carrier into sidebands."""
    levels = settled_levels(lane, case_c)
    return float(1.0 - np.mean(np.sqrt(levels)) ** 2 / np.mean(levels))
