"""Traces whose OSNR, width and power are known by construction."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measurements.osnr import osnr, spectral_width, total_power_dbm
from measurements.quantity import Bound, Cause, NotMeasurable
from measurements.spectrum import SpectrumError

CENTRE, RESOLUTION = 1550.0, 0.05
WINDOWS = {"centre_nm": CENTRE, "channel_nm": 1.0, "noise_nm": (0.7, 1.0), "resolution_nm": RESOLUTION}


def trace(signal_mw, noise_mw_per_nm, *, slope=0.0, sigma=0.12, ripple=0.0, seed=1):
    """Build what an analyser reads in its resolution: a Gaussian line over sloping noise."""
    wavelength = np.linspace(CENTRE - 2, CENTRE + 2, 2001)
    away = wavelength - CENTRE
    density = signal_mw * np.exp(-0.5 * (away / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    noise = noise_mw_per_nm * (1 + slope * away)
    noise = noise * (1 + ripple * np.random.default_rng(seed).normal(size=away.size))
    return wavelength, 10 * np.log10((density + noise) * RESOLUTION)


@pytest.mark.parametrize(("ripple", "noise"), [(0.2, 0.05), (0.1, 1.0), (0.15, 0.003)])
def test_the_stated_error_is_the_scatter(ripple, noise):
    found = [osnr(*trace(0.5, noise, slope=0.2, ripple=ripple, seed=seed), **WINDOWS) for seed in range(200)]
    scatter = np.std([one.osnr_db for one in found], ddof=1)
    assert scatter == pytest.approx(np.mean([one.standard_error_db for one in found]), rel=0.15)


def test_sides_of_unequal_distance_are_weighed_by_it():
    wavelength, power = trace(0.5, 0.05, slope=0.3)
    kept = (wavelength < CENTRE - 0.9) | (wavelength > CENTRE - 0.5)  # the near half of the left side is gone
    found = osnr(wavelength[kept], power[kept], **{**WINDOWS, "resolution_nm": 0.5})
    shown = 10 * np.log10(0.5 / (0.05 * 0.1))
    assert found.osnr_db == pytest.approx(shown, abs=0.02)


@settings(max_examples=20)
@given(loss_db=st.floats(0, 30), osnr_db=st.floats(10, 40))
def test_loss_changes_nothing(loss_db, osnr_db):
    wavelength, power = trace(0.5, 5.0 / 10 ** (osnr_db / 10))
    before, after = osnr(wavelength, power, **WINDOWS), osnr(wavelength, power - loss_db, **WINDOWS)
    assert after.osnr_db == pytest.approx(before.osnr_db, abs=1e-9)


def test_the_resolution_is_the_noise_s_and_not_the_signal_s():
    wavelength, power = trace(0.5, 0.01)
    wide = power + 10 * np.log10(2.0)  # twice the resolution reads twice the power of what is so wide
    assert osnr(wavelength, wide, **{**WINDOWS, "resolution_nm": 2 * RESOLUTION}).osnr_db == pytest.approx(
        osnr(wavelength, power, **WINDOWS).osnr_db, abs=1e-9
    )


@pytest.mark.parametrize("place", [{"centre_nm": 1549.0, "channel_nm": 0.1, "noise_nm": (0.3, 0.45)}, {}])
def test_a_channel_that_is_not_there_has_no_osnr(place):
    signal = 0.5 if place else 0.0
    for ripple in (0.0, 0.2):
        found = osnr(*trace(signal, 0.05, ripple=ripple), **{**WINDOWS, **place})
        assert isinstance(found, NotMeasurable)
        assert found.cause is Cause.DARK
        assert found.evidence["centre_nm"] == place.get("centre_nm", CENTRE)


@settings(max_examples=30)
@given(osnr_db=st.floats(10, 40), slope=st.floats(-0.3, 0.3))
def test_osnr_of_a_known_line(osnr_db, slope):
    signal = 0.5
    noise = signal / 10 ** (osnr_db / 10) / 0.1
    found = osnr(*trace(signal, noise, slope=slope), **WINDOWS)
    assert found.osnr_db == pytest.approx(osnr_db, abs=0.02)
    assert found.bound is Bound.EXACT


def test_the_analysers_own_floor_is_a_bound():
    wavelength, power = trace(0.5, 1e-6)
    floor = 10 * np.log10(1e-6 * RESOLUTION)
    assert osnr(wavelength, power, **WINDOWS, floor_dbm=floor).bound is Bound.LOWER
    assert osnr(wavelength, power, **WINDOWS, floor_dbm=floor - 10).bound is Bound.EXACT


def test_widths_of_a_gaussian_line():
    found = spectral_width(*trace(1.0, 1e-7), resolution_nm=RESOLUTION, depth_db=40.0)
    assert found.rms_nm == pytest.approx(0.12, rel=0.01)
    assert found.at_3_db_nm == pytest.approx(2 * 0.12 * np.sqrt(2 * np.log(2)), rel=0.01)
    assert found.at_20_db_nm == pytest.approx(2 * 0.12 * np.sqrt(2 * np.log(100)), rel=0.01)


def test_a_line_as_narrow_as_the_resolution_only_bounds_its_width():
    wide = spectral_width(*trace(1.0, 1e-7), resolution_nm=RESOLUTION)
    assert wide.bound is Bound.EXACT
    assert wide.edge_error_nm == pytest.approx(0.002 / np.sqrt(6))
    assert spectral_width(*trace(1.0, 1e-7, sigma=0.025), resolution_nm=RESOLUTION).bound is Bound.UPPER


@settings(max_examples=30)
@given(sigma=st.floats(0.03, 0.2), shift=st.floats(-0.3, 0.3))
def test_a_width_hangs_on_neither_place_nor_power(sigma, shift):
    wavelength, power = trace(1.0, 1e-7, sigma=sigma)
    found = spectral_width(wavelength, power, resolution_nm=RESOLUTION)
    moved = spectral_width(wavelength + shift, power - 7.0, resolution_nm=RESOLUTION)
    assert moved.rms_nm == pytest.approx(found.rms_nm, rel=1e-6)
    assert moved.at_3_db_nm == pytest.approx(2 * sigma * np.sqrt(2 * np.log(2)), abs=3 * found.edge_error_nm)
    assert moved.at_20_db_nm == pytest.approx(
        2 * sigma * np.sqrt(2 * np.log(100)), abs=3 * found.edge_error_nm
    )


def test_both_modes_of_a_laser_count():
    wavelength, power = trace(1.0, 1e-7, sigma=0.03)
    mode = 10 * np.log10(10 ** (power / 10) + np.roll(10 ** (power / 10), 250))  # 0.5 nm away, as strong
    found = spectral_width(wavelength, mode, resolution_nm=RESOLUTION)
    assert found.rms_nm == pytest.approx(np.hypot(0.25, 0.03), rel=0.01)
    assert found.at_3_db_nm == pytest.approx(0.5 + 2 * 0.03 * np.sqrt(2 * np.log(2)), abs=0.003)


def test_a_trace_without_a_line_has_no_width():
    found = spectral_width(*trace(0.0, 0.05, ripple=0.1), resolution_nm=RESOLUTION)
    assert isinstance(found, NotMeasurable)
    assert found.cause is Cause.DARK


@pytest.mark.parametrize(
    ("noise", "depth", "said"),
    [(0.02, 20.0, "sensitivity"), (1e-4, 60.0, "sensitivity"), (1e-4, 0.0, "depth")],
)
def test_a_line_that_does_not_rise_so_far_is_refused(noise, depth, said):
    with pytest.raises(SpectrumError, match=said):
        spectral_width(*trace(0.5, noise), resolution_nm=RESOLUTION, depth_db=depth)


def test_all_power_is_in_the_trace():
    wavelength, power = trace(0.5, 0.01)
    assert total_power_dbm(wavelength, power, resolution_nm=RESOLUTION) == pytest.approx(
        10 * np.log10(0.5 + 0.04), abs=0.01
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"noise_nm": (0.3, 0.6)}, "beyond the channel"),
        ({"noise_nm": (1.0, 0.7)}, "beyond the channel"),
        ({"centre_nm": 1560.0}, "too few points"),
        ({"centre_nm": float("nan")}, "too few points"),
        ({"noise_nm": (0.7, float("inf"))}, "beyond the channel"),
        ({"channel_nm": float("nan")}, "beyond the channel"),
        ({"resolution_nm": 0.0}, "is none"),
        ({"resolution_nm": float("nan")}, "is none"),
        ({"floor_dbm": float("nan")}, "light off"),
    ],
)
def test_windows_that_see_nothing_are_refused(change, said):
    with pytest.raises(SpectrumError, match=said):
        osnr(*trace(0.5, 0.05), **{**WINDOWS, **change})


def test_a_line_at_the_edge_is_refused():
    wavelength, power = trace(0.5, 1e-4)
    with pytest.raises(SpectrumError, match="ends of the trace"):
        spectral_width(wavelength[990:], power[990:], resolution_nm=RESOLUTION)
