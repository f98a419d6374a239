"""Filters, modulator, fibre and waveform against closed forms."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.physics import laser, modulator
from simulation.physics.emitter import SteadyLight, laser_lines
from simulation.physics.filters import (
    BESSEL_NOISE_BANDWIDTH,
    bessel_thomson,
    dispersion_phase_per_ghz2,
    gaussian_jitter,
    one_pole,
    one_zero,
)
from simulation.physics.parameters import LaneParameters
from simulation.physics.waveform import (
    SECTION_SYMBOLS,
    Shape,
    Shelf,
    disperse,
    held_spectrum,
    normalised_power,
    pattern_symbols,
)

RATE = 53.125
IDEAL = LaneParameters(
    driver_compression=0.0,
    inner_level=1 / 3,
    driver_bandwidth_ghz=1e4,
    modulator_bandwidth_ghz=1e4,
    bandwidth_drift_per_k=0.0,
    chirp_alpha=0.0,
)


def power(
    lane: LaneParameters, symbols: np.ndarray, samples: int = 8, *, dispersion: float = 0.0
) -> np.ndarray:
    shape = Shape(lane, 35.0, "PRBS13Q", RATE)
    return normalised_power(shape, symbols, samples, dispersion_ps_nm=dispersion, wavelength_nm=1311.0)


def test_the_reference_filter_falls_3_db_at_its_bandwidth() -> None:
    response = bessel_thomson(np.array([0.0, 26.5625]), 26.5625)
    assert abs(response[0]) == pytest.approx(1.0)
    assert 20 * math.log10(abs(response[1])) == pytest.approx(10 * math.log10(0.5), abs=1e-6)


def test_the_half_rate_filter_passes_the_noise_of_0_52318_of_the_rate() -> None:
    grid = np.linspace(0.0, 40.0, 400_001)
    noise_bandwidth = np.trapezoid(np.abs(bessel_thomson(grid, 0.5)) ** 2, grid)
    assert noise_bandwidth == pytest.approx(0.52318, abs=2e-5)
    assert pytest.approx(noise_bandwidth, rel=1e-5) == BESSEL_NOISE_BANDWIDTH * 0.5


def test_the_reference_filter_delays_all_of_its_band_alike() -> None:
    grid = np.linspace(0.01, 1.0, 100)
    delay = -np.diff(np.unwrap(np.angle(bessel_thomson(grid, 1.0)))) / np.diff(grid)
    assert np.ptp(delay) / delay[0] < 0.02


def test_a_pole_and_a_zero_share_the_band() -> None:
    grid = np.linspace(0.0, 10.0, 11)
    assert one_pole(grid, 3.0) + one_zero(grid, 3.0) == pytest.approx(np.ones(11))


def test_jitter_blurs_as_the_mean_over_scattered_samples_does() -> None:
    rng = np.random.default_rng(1)
    offsets_ps = rng.normal(0.0, 2.0, 200_000)
    mean = np.cos(2 * np.pi * 0.030 * offsets_ps).mean()
    assert gaussian_jitter(np.array([30.0]), 2.0)[0] == pytest.approx(mean, abs=2e-3)


@given(swing=st.floats(0.5, 5.5))
def test_extinction_follows_from_the_swing(swing: float) -> None:
    lane = replace(IDEAL, drive_swing_v=swing, modulator_extinction_db=200.0)
    levels = modulator.settled_levels(lane, 35.0)
    depth = math.sin(math.pi * swing / (2 * lane.half_wave_v))
    assert levels[3] / levels[0] == pytest.approx((1 + depth) / (1 - depth), rel=1e-9)
    assert levels.mean() == pytest.approx(0.5)


def test_an_imperfect_modulator_never_goes_darker_than_its_extinction() -> None:
    lane = replace(IDEAL, drive_swing_v=6.0, modulator_extinction_db=20.0)
    levels = modulator.settled_levels(lane, 35.0)
    assert 10 * math.log10(levels[3] / levels[0]) == pytest.approx(20.0, abs=1e-6)


def test_compression_moves_the_inner_levels_and_leaves_the_outer_ones() -> None:
    plain, compressed = IDEAL, replace(IDEAL, driver_compression=1.5)
    before, after = (modulator.settled_levels(lane, 35.0) for lane in (plain, compressed))
    assert after[[0, 3]] == pytest.approx(before[[0, 3]])
    inner = math.tanh(1.5 / 3) / math.tanh(1.5)
    depth = math.pi * plain.drive_swing_v / (2 * plain.half_wave_v)
    relative = (after[2] - 0.5) / (after[3] - 0.5)
    assert relative == pytest.approx(math.sin(inner * depth) / math.sin(depth))


def test_held_symbols_have_the_spectrum_of_ideal_steps() -> None:
    levels = np.random.default_rng(2).normal(size=64)
    samples = np.fft.irfft(held_spectrum(levels, 64, 0.0), 64 * 64)
    centres = samples.reshape(64, 64)[:, 16:48].mean(axis=1)
    assert centres == pytest.approx(levels, abs=0.08)
    assert samples.mean() == pytest.approx(levels.mean(), abs=1e-6)


def test_a_skew_of_whole_symbols_rotates_the_pattern() -> None:
    symbols = pattern_symbols("PRBS7Q")
    straight = power(LaneParameters(), symbols)
    skewed = power(LaneParameters(skew_ui=5.0), symbols)
    assert skewed == pytest.approx(np.roll(straight, 5 * 8), abs=1e-4)


def test_a_settled_lane_shows_the_levels_of_its_modulator() -> None:
    symbols = np.repeat(np.arange(4, dtype=np.uint8), 16)
    lane = LaneParameters()
    levels = modulator.settled_levels(lane, 35.0)
    waveform = power(lane, symbols).reshape(4, 16 * 8)
    settled = waveform[:, 12 * 8 : 15 * 8].mean(axis=1)
    assert settled / settled.mean() == pytest.approx(levels / levels.mean(), abs=2e-4)


def test_a_single_pole_rises_in_1_386_time_constants() -> None:
    lane = replace(IDEAL, modulator_bandwidth_ghz=15.0, drive_swing_v=0.01)
    symbols = np.repeat(np.array([0, 3], dtype=np.uint8), 16)
    waveform = power(lane, symbols, 64)
    edge = waveform[16 * 64 :]
    rise = (edge - edge.min()) / np.ptp(waveform)
    crossings = [np.flatnonzero(rise >= level)[0] for level in (0.2, 0.8)]
    expected_ps = math.log(4.0) * 1e3 / (2 * math.pi * 15.0)
    assert np.diff(crossings)[0] / 64 * 1e3 / RATE == pytest.approx(expected_ps, rel=0.02)


@pytest.mark.parametrize("alpha", [0.0, 0.8, -0.8])
@pytest.mark.parametrize("frequency_ghz", [10.0, 30.0, 50.0])
def test_dispersion_fades_a_small_modulation_as_its_closed_form_says(
    alpha: float, frequency_ghz: float
) -> None:
    # |H| = sqrt(1 + alpha^2) |cos(phase f^2 + arctan(alpha))|, small signal
    cycles, samples, depth = 8, 512, 1e-2
    wave = 1 + depth * np.cos(2 * np.pi * cycles * np.arange(samples) / samples)
    phase = dispersion_phase_per_ghz2(40.0, 1550.0)
    sample_rate_ghz = frequency_ghz * samples / cycles
    out = disperse(wave.astype(np.float32), sample_rate_ghz, alpha, phase)
    amplitude = 2 * abs(np.fft.rfft(out)[cycles]) / samples
    angle = phase * frequency_ghz**2
    expected = math.hypot(1, alpha) * abs(math.cos(angle + math.atan(alpha)))
    assert amplitude / depth == pytest.approx(expected, abs=0.01)


def test_a_fibre_keeps_the_energy() -> None:
    wave = power(LaneParameters(), pattern_symbols("PRBS7Q"))
    out = disperse(wave, RATE * 8, 0.5, dispersion_phase_per_ghz2(20.0, 1310.0))
    assert out.mean() == pytest.approx(wave.mean(), rel=1e-5)
    assert np.abs(out - wave).max() > 0.01


def test_a_neighbour_with_the_same_pattern_is_an_echo_of_its_coupling() -> None:
    symbols = pattern_symbols("PRBS13Q")
    quiet = Shape(LaneParameters(crosstalk_db=-30.0), 35.0, "PRBS13Q", RATE)
    waves = [
        normalised_power(shape, symbols, 4, dispersion_ps_nm=0.0, wavelength_nm=1311.0)
        for shape in (quiet, replace(quiet, neighbours=(1,)), replace(quiet, neighbours=(1, -1)))
    ]
    one, two = (float(np.std(wave - waves[0])) for wave in waves[1:])
    assert 0.1 * 10 ** (-30 / 20) < one / float(np.std(waves[0])) < 10 ** (-30 / 20)
    assert two / one == pytest.approx(math.sqrt(2), rel=0.05)


def test_a_pattern_too_long_to_hold_is_stood_for_by_a_section() -> None:
    assert pattern_symbols("PRBS31Q").size == SECTION_SYMBOLS
    assert pattern_symbols("SSPRQ").size == 65535
    assert pattern_symbols("PRBS13Q", 100).size == 100


def test_a_shelf_makes_an_item_once_and_forgets_the_oldest() -> None:
    shelf, made = Shelf(2), []

    def item(key: str) -> str:
        return shelf.get(key, lambda: made.append(key) or key)

    assert [item(key) for key in "abacab"] == list("abacab")
    assert made == ["a", "b", "c", "b"]


def test_a_laser_needs_more_current_when_warm_and_gives_the_same_power() -> None:
    lane = LaneParameters()
    assert laser.power_mw(lane, 0.0) == pytest.approx(32.0)
    assert laser.power_mw(lane, 70.0) == pytest.approx(32.0)
    # 12 mA + 32 mW / 0.4 at 35 °C; 12 e^(35/60) + 80 e^(35/150) at 70 °C
    assert laser.bias_ma(lane, 35.0) == pytest.approx(92.0)
    assert laser.bias_ma(lane, 70.0) == pytest.approx(12 * math.exp(35 / 60) + 80 * math.exp(35 / 150))
    assert laser.wavelength_nm(lane, 70.0) - laser.wavelength_nm(lane, 0.0) == pytest.approx(6.3)


def test_a_laser_at_its_current_limit_gives_what_is_left_above_threshold() -> None:
    lane = LaneParameters(laser_threshold_ma=150.0)
    assert laser.bias_ma(lane, 35.0) == 200.0
    assert laser.power_mw(lane, 35.0) == pytest.approx(50.0 * 0.4)
    assert laser.power_mw(replace(lane, laser_threshold_ma=250.0), 35.0) == 0.0


@given(suppression=st.floats(20.0, 60.0), share=st.floats(0.0, 0.2))
def test_a_spectrum_keeps_the_power_and_shows_the_stated_suppression(
    suppression: float, share: float
) -> None:
    lines = laser_lines(
        1311.0,
        linewidth_mhz=2.0,
        suppression_db=suppression,
        spacing_nm=1.1,
        sideband_share=share,
        symbol_rate_gbd=RATE,
    )
    assert sum(line.share for line in lines) == pytest.approx(1.0)
    main = sum(line.share for line in lines if line.wavelength_nm == 1311.0)
    side = max(line.share for line in lines if line.wavelength_nm != 1311.0)
    assert 10 * math.log10(main / side) == pytest.approx(suppression)


def test_steady_light_is_one_narrow_line() -> None:
    carrier, *sides = SteadyLight("laser.out", 1310.0, linewidth_mhz=100.0).spectral_lines()
    assert carrier.share > 0.9999
    # 100 MHz at 1310 nm
    assert carrier.width_nm == pytest.approx(1310.0**2 * 0.1 / 299_792_458.0)
    assert len(sides) == 2
