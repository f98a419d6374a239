"""Traces whose OSNR, width and power are known by construction."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measurements.osnr import osnr, spectral_width, total_power_dbm
from measurements.quantity import Bound
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


@settings(max_examples=30)
@given(osnr_db=st.floats(10, 40), slope=st.floats(-0.3, 0.3))
def test_osnr_of_a_known_line(osnr_db, slope):
    signal = 0.5
    noise = signal / 10 ** (osnr_db / 10) / 0.1
    found = osnr(*trace(signal, noise, slope=slope), **WINDOWS)
    assert found.osnr_db == pytest.approx(osnr_db, abs=0.02)
    assert found.bound is Bound.EXACT


def test_the_stated_error_is_the_scatter():
    found = [osnr(*trace(0.5, 0.05, ripple=0.2, seed=seed), **WINDOWS) for seed in range(60)]
    scatter = np.std([one.osnr_db for one in found], ddof=1)
    assert scatter == pytest.approx(np.mean([one.standard_error_db for one in found]), rel=0.35)


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
        ({"centre_nm": 1549.0, "channel_nm": 0.1, "noise_nm": (0.8, 0.95)}, "no channel stands"),
        ({"resolution_nm": 0.0}, "is none"),
    ],
)
def test_windows_that_see_nothing_are_refused(change, said):
    with pytest.raises(SpectrumError, match=said):
        osnr(*trace(0.5, 0.05), **{**WINDOWS, **change})


def test_a_line_at_the_edge_is_refused():
    wavelength, power = trace(0.5, 1e-4)
    with pytest.raises(SpectrumError, match="edge of the sweep"):
        spectral_width(wavelength[990:], power[990:], resolution_nm=RESOLUTION)
