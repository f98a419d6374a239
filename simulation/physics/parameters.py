"""What a 400GBASE-DR4 transceiver is made of, and the natural spread from unit to unit.

The transmitter is a DFB laser with automatic power control in front of a silicon Mach-Zehnder modulator
for each lane; the receiver a photodiode, a transimpedance amplifier and an equalising DSP.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum

from simulation.physics.randomness import generator, truncated_normal

LANES = 4


class Squelch(Enum):
    """What a lane does while its host sends no signal that can be retimed."""

    UNMODULATED = "unmodulated"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class LaneParameters:
    """One lane, at the reference case temperature of 35 °C unless a temperature law is given."""

    # laser
    wavelength_nm: float = 1311.0
    wavelength_drift_nm_per_k: float = 0.09
    laser_power_mw: float = 32.0
    laser_threshold_ma: float = 12.0
    laser_threshold_t0_k: float = 60.0
    laser_slope_mw_per_ma: float = 0.40
    laser_slope_t0_k: float = 150.0
    laser_bias_limit_ma: float = 200.0
    laser_forward_v: float = 1.7
    linewidth_mhz: float = 2.0
    side_mode_suppression_db: float = 45.0
    side_mode_spacing_nm: float = 1.1
    rin_db_hz: float = -149.0
    # optical path between laser facet and fibre
    coupling_loss_db: float = 4.2
    coupling_drift_db_per_k: float = 0.004
    modulator_loss_db: float = 6.0
    # driver: `inner_level` is what the DSP sends for the inner levels when the outer ones are ±1
    drive_swing_v: float = 2.1
    driver_bandwidth_ghz: float = 38.0
    driver_compression: float = 0.25
    inner_level: float = 0.317
    jitter_ps: float = 0.20
    crosstalk_db: float = -36.0
    skew_ui: float = 0.0
    # modulator: bandwidths fall and the half-wave voltage rises with temperature
    half_wave_v: float = 6.0
    half_wave_drift_per_k: float = 0.0004
    modulator_bandwidth_ghz: float = 38.0
    bandwidth_drift_per_k: float = -0.001
    modulator_extinction_db: float = 26.0
    bias_error_rad: float = 0.0
    chirp_alpha: float = 0.2
    # receiver
    responsivity_a_per_w: float = 0.60
    tia_noise_pa_per_rthz: float = 24.0
    tia_noise_drift_per_k: float = 0.001
    receiver_bandwidth_ghz: float = 34.0
    converter_noise: float = 0.018
    receiver_crosstalk_db: float = -32.0
    error_floor: float = 1e-9


@dataclass(frozen=True, slots=True)
class TransceiverParameters:
    """The whole unit. Lane maps: element n-1 is the media lane that host lane n is joined to."""

    lanes: tuple[LaneParameters, ...] = (LaneParameters(),) * LANES
    symbol_rate_gbd: float = 53.125
    rate_tolerance_ppm: float = 200.0
    host_sensitivity_v: float = 0.05
    host_output_v: float = 0.6
    tx_lane_map: tuple[int, ...] = (1, 2, 3, 4)
    rx_lane_map: tuple[int, ...] = (1, 2, 3, 4)
    squelch: Squelch = Squelch.UNMODULATED
    equaliser_taps: int = 9
    lock_error_ratio: float = 0.04
    # supply; converter efficiency from the 3.3 V rail to the chips
    controller_power_w: float = 0.35
    dsp_power_w: float = 3.6
    dsp_leakage_w: float = 0.30
    dsp_leakage_t0_k: float = 40.0
    driver_power_w: float = 0.28
    receiver_power_w: float = 0.15
    converter_efficiency: float = 0.90
    undervoltage_v: float = 2.95
    overvoltage_v: float = 3.80
    # heat
    case_time_constant_s: float = 20.0
    case_rise_k_per_w: float = 0.9

    def __post_init__(self) -> None:
        if len(self.lanes) != LANES:
            raise ValueError(f"a DR4 transceiver has {LANES} lanes, not {len(self.lanes)}")
        for name, lane_map in (("tx_lane_map", self.tx_lane_map), ("rx_lane_map", self.rx_lane_map)):
            if sorted(lane_map) != list(range(1, LANES + 1)):
                raise ValueError(f"{name} must name each lane from 1 to {LANES} once, not {lane_map}")

    def with_lane(self, lane: int, **changes: float) -> TransceiverParameters:
        """Give the same unit with one lane changed; lanes are numbered from 1."""
        changed = replace(self.lanes[lane - 1], **changes)
        return replace(self, lanes=(*self.lanes[: lane - 1], changed, *self.lanes[lane:]))


@dataclass(frozen=True, slots=True)
class Spread:
    """How units differ: one sigma, relative to the value or added to it; cut off at 2.5 sigma."""

    relative: dict[str, float] = field(default_factory=dict)
    absolute: dict[str, float] = field(default_factory=dict)


LANE_SPREAD = Spread(
    relative={
        "laser_power_mw": 0.02,
        "laser_threshold_ma": 0.06,
        "laser_slope_mw_per_ma": 0.03,
        "drive_swing_v": 0.015,
        "driver_bandwidth_ghz": 0.03,
        "modulator_bandwidth_ghz": 0.03,
        "driver_compression": 0.10,
        "half_wave_v": 0.015,
        "jitter_ps": 0.08,
        "linewidth_mhz": 0.15,
        "responsivity_a_per_w": 0.02,
        "tia_noise_pa_per_rthz": 0.04,
        "receiver_bandwidth_ghz": 0.03,
        "converter_noise": 0.06,
    },
    absolute={
        "wavelength_nm": 0.5,
        "coupling_loss_db": 0.2,
        "modulator_loss_db": 0.15,
        "rin_db_hz": 0.6,
        "side_mode_suppression_db": 1.5,
        "bias_error_rad": 0.008,
        "chirp_alpha": 0.05,
        "inner_level": 0.001,
        "crosstalk_db": 1.0,
        "receiver_crosstalk_db": 1.0,
    },
)
UNIT_SPREAD = Spread(
    relative={
        "controller_power_w": 0.03,
        "dsp_power_w": 0.02,
        "dsp_leakage_w": 0.10,
        "driver_power_w": 0.03,
        "converter_efficiency": 0.006,
        "case_time_constant_s": 0.05,
        "case_rise_k_per_w": 0.04,
    }
)
LONGEST_SKEW_UI = 64.0
_CUT = 2.5


def draw(
    parameters: TransceiverParameters, seed: int, serial: str, *, scale: float = 1.0
) -> TransceiverParameters:
    """Give the unit with this serial number: the same parameters with the spread of its own making.

    `scale` widens or narrows the spread; 0 gives the parameters as they are.
    """
    drawn = tuple(
        _draw_lane(lane, seed, serial, n, scale) for n, lane in enumerate(parameters.lanes, start=1)
    )
    changes = {
        name: getattr(parameters, name) * (1 + scale * _error(sigma, seed, serial, name))
        for name, sigma in UNIT_SPREAD.relative.items()
    }
    return replace(parameters, lanes=drawn, **changes)


def _draw_lane(lane: LaneParameters, seed: int, serial: str, number: int, scale: float) -> LaneParameters:
    changes = {
        name: getattr(lane, name) * (1 + scale * _error(sigma, seed, serial, name, number))
        for name, sigma in LANE_SPREAD.relative.items()
    }
    changes |= {
        name: getattr(lane, name) + scale * _error(sigma, seed, serial, name, number)
        for name, sigma in LANE_SPREAD.absolute.items()
    }
    skew_ui = generator(seed, "unit", serial, "skew_ui", number).uniform(0.0, LONGEST_SKEW_UI)
    return replace(lane, **changes, skew_ui=lane.skew_ui + skew_ui)


def _error(sigma: float, seed: int, serial: str, *key: str | int) -> float:
    return truncated_normal(generator(seed, "unit", serial, *key), sigma, _CUT * sigma)
