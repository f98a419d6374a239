"""The laser of a lane: what current its power control needs, and the colour that it gives."""

from __future__ import annotations

import math

from simulation.physics.parameters import LaneParameters

REFERENCE_C = 35.0


def bias_ma(lane: LaneParameters, case_c: float) -> float:
    """Get the current at which the power control settles: what the set power needs, within the limit."""
    needed = threshold_ma(lane, case_c) + lane.laser_power_mw / slope_mw_per_ma(lane, case_c)
    return min(needed, lane.laser_bias_limit_ma)


def power_mw(lane: LaneParameters, case_c: float) -> float:
    """Get the power at the laser's facet; zero if even the largest current is below threshold."""
    above_ma = bias_ma(lane, case_c) - threshold_ma(lane, case_c)
    return max(0.0, above_ma) * slope_mw_per_ma(lane, case_c)


def threshold_ma(lane: LaneParameters, case_c: float) -> float:
    """Get the threshold current, which grows exponentially with temperature."""
    return lane.laser_threshold_ma * math.exp((case_c - REFERENCE_C) / lane.laser_threshold_t0_k)


def slope_mw_per_ma(lane: LaneParameters, case_c: float) -> float:
    """Get the slope efficiency, which falls exponentially with temperature."""
    return lane.laser_slope_mw_per_ma * math.exp((REFERENCE_C - case_c) / lane.laser_slope_t0_k)


def wavelength_nm(lane: LaneParameters, case_c: float) -> float:
    """Get the wavelength; the laser has no cooler, so it drifts with the case."""
    return lane.wavelength_nm + lane.wavelength_drift_nm_per_k * (case_c - REFERENCE_C)
