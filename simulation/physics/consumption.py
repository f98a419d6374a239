"""What a transceiver draws from its 3.3 V rail."""

from __future__ import annotations

import math

from simulation.physics import laser
from simulation.physics.laser import REFERENCE_C
from simulation.physics.parameters import TransceiverParameters


def consumed_w(
    parameters: TransceiverParameters, case_c: float, *, high_power: bool, lanes_on: tuple[bool, ...]
) -> float:
    """Get the power taken from the rail; in low power only the controller runs.

    The DSP, the drivers and the receivers run for all lanes; a lane that is off saves its laser.
    """
    chips_w = parameters.controller_power_w
    if high_power:
        chips_w += dsp_w(parameters, case_c)
        chips_w += len(parameters.lanes) * (parameters.driver_power_w + parameters.receiver_power_w)
        chips_w += sum(
            laser.bias_ma(lane, case_c) * 1e-3 * lane.laser_forward_v
            for lane, on in zip(parameters.lanes, lanes_on, strict=True)
            if on
        )
    return chips_w / parameters.converter_efficiency


def dsp_w(parameters: TransceiverParameters, case_c: float) -> float:
    """Get the DSP's power: switching, and leakage that grows exponentially with temperature."""
    growth = math.exp((case_c - REFERENCE_C) / parameters.dsp_leakage_t0_k)
    return parameters.dsp_power_w + parameters.dsp_leakage_w * growth
