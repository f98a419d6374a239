"""Spectrum, intensity noise, and the agreement of instruments."""

import numpy as np
import pytest

from measurements.agreement import compare_levels, oma_agreement, oma_from_average
from measurements.quantity import Bound, Cause, NotMeasurable
from measurements.rin import noise_bandwidth_hz, rin_oma
from measurements.spectrum import SpectrumError, laser_line


def trace(lines, *, floor_dbm=-70.0, width_nm=0.1, start=1300.0, stop=1322.0, points=4401):
    wavelength = np.linspace(start, stop, points)
    power = np.full(points, 10 ** (floor_dbm / 10))
    for centre, level_dbm in lines:
        power += 10 ** (level_dbm / 10) * np.exp(-4 * np.log(2) * ((wavelength - centre) / width_nm) ** 2)
    return wavelength, 10 * np.log10(power)


def test_a_laser_and_its_side_mode():
    wavelength, power = trace([(1311.234, 0.0), (1312.4, -43.0), (1309.9, -46.0)])
    line = laser_line(wavelength, power, resolution_nm=0.1)
    assert line.centre_nm == pytest.approx(1311.234, abs=0.001)
    assert line.smsr_db == pytest.approx(43.0, abs=0.05)
    assert line.smsr_bound is Bound.EXACT
    assert line.side_mode_nm == pytest.approx(1312.4, abs=0.005)


def test_modulation_is_no_side_mode():
    wavelength, power = trace([(1311.0, 0.0), (1310.7, -15.0), (1311.3, -15.0), (1312.6, -40.0)])
    bare = laser_line(wavelength, power, resolution_nm=0.1)
    assert bare.smsr_db == pytest.approx(15.0, abs=0.1)
    line = laser_line(wavelength, power, resolution_nm=0.1, symbol_rate_gbd=53.125)
    assert line.smsr_db == pytest.approx(40.0, abs=0.1)
    assert line.centre_nm == pytest.approx(1311.0, abs=0.002)


def test_without_a_side_mode_the_floor_bounds_the_ratio():
    wavelength, power = trace([(1311.0, -5.0)])
    line = laser_line(wavelength, power, resolution_nm=0.1)
    assert line.smsr_bound is Bound.LOWER
    assert line.smsr_db == pytest.approx(65.0, abs=0.1)


def test_no_line_is_not_measurable():
    wavelength, _ = trace([])
    noise = -70.0 + np.random.default_rng(0).normal(0, 1, wavelength.size)
    result = laser_line(wavelength, noise, resolution_nm=0.1)
    assert isinstance(result, NotMeasurable)
    assert result.cause is Cause.DARK


def test_noise_about_zero_is_no_line():
    # An analyser shows what noise leaves below zero as -210 dBm, so half of a dark trace says nothing.
    wavelength, _ = trace([])
    power_mw = np.random.default_rng(3).normal(0.0, 1e-7, wavelength.size)
    shown = 10 * np.log10(np.maximum(power_mw, 1e-21))
    assert shown.max() - np.median(shown) > 20.0
    assert isinstance(laser_line(wavelength, shown, resolution_nm=0.1), NotMeasurable)


def test_traces_that_cannot_be_read_are_refused():
    wavelength, power = trace([(1311.0, 0.0)])
    holed = np.where(np.arange(power.size) == 7, np.nan, power)
    for arguments, words in (
        ((wavelength[::-1], power, 0.1), "rise"),
        ((wavelength, holed, 0.1), "not finite"),
        ((wavelength[:-1], power, 0.1), "no trace"),
        ((wavelength[::40], power[::40], 0.1), "more points"),
        ((wavelength, power, 0.0), "resolution"),
        ((*trace([(1300.05, 0.0)]), 0.1), "edge of the sweep"),
    ):
        with pytest.raises(SpectrumError, match=words):
            laser_line(arguments[0], arguments[1], resolution_nm=arguments[2])


@pytest.mark.parametrize(("rate", "rin", "share"), [(53.125, -136.0, 0.01321), (106.25, -139.0, 0.01322)])
def test_rin_of_the_tables(rate, rin, share):
    found = rin_oma([share], oma_mw=1.0, symbol_rate_gbd=rate)
    assert found.rin_db_per_hz == pytest.approx(rin, abs=0.01)
    assert found.bound is Bound.EXACT
    assert rin_oma([5 * share], oma_mw=5.0, symbol_rate_gbd=rate).rin_db_per_hz == pytest.approx(
        rin, abs=0.01
    )


def test_the_scope_is_taken_out_in_squares():
    alone = rin_oma([0.012, 0.006], oma_mw=1.0, symbol_rate_gbd=53.125)
    with_scope = [np.hypot(0.012, 0.008), np.hypot(0.006, 0.008)]
    found = rin_oma(with_scope, oma_mw=1.0, symbol_rate_gbd=53.125, scope_noise_mw=0.008)
    assert found.rin_db_per_hz == pytest.approx(alone.rin_db_per_hz, abs=1e-6)


def test_noise_hidden_by_the_scope_is_an_upper_bound():
    found = rin_oma(
        [0.008], oma_mw=1.0, symbol_rate_gbd=53.125, scope_noise_mw=0.008, scope_noise_error_mw=1e-4
    )
    assert found.bound is Bound.UPPER
    assert found.noise_mw == pytest.approx(np.sqrt(2 * 0.008 * 1e-4))


def test_noise_bandwidth_of_the_reference_receiver():
    assert noise_bandwidth_hz(26.5625e9) == pytest.approx(0.52318 * 53.125e9, rel=1e-4)


@pytest.mark.parametrize(
    "arguments", [([], 1.0, 53.0), ([0.01], 0.0, 53.0), ([0.01], 1.0, 0.0), ([-0.01], 1.0, 53.0)]
)
def test_what_gives_no_rin_is_refused(arguments):
    noise, oma, rate = arguments
    with pytest.raises(ValueError, match="noise"):
        rin_oma(noise, oma_mw=oma, symbol_rate_gbd=rate)


@pytest.mark.parametrize(
    ("ratio_db", "expected_db"), [(3.5, -1.164), (4.0, -0.650), (4.5, -0.212), (5.0, 0.166), (6.0, 0.781)]
)
def test_oma_from_average_and_extinction(ratio_db, expected_db):
    assert 10 * np.log10(oma_from_average(1.0, ratio_db)) == pytest.approx(expected_db, abs=1e-3)


def test_meter_and_scope_agree_within_their_uncertainties():
    assert compare_levels(1.0, 1.3, first_uncertainty_db=0.3, second_uncertainty_db=0.2).agrees
    apart = compare_levels(1.0, 1.4, first_uncertainty_db=0.3, second_uncertainty_db=0.2)
    assert not apart.agrees
    assert apart.difference_db == pytest.approx(-0.4)
    implied = oma_from_average(1.4, 5.0)
    assert oma_agreement(implied * 1.02, 1.4, 5.0, uncertainty_db=0.1).agrees
    assert not oma_agreement(implied * 1.05, 1.4, 5.0, uncertainty_db=0.1).agrees


def test_nonsense_is_not_compared():
    with pytest.raises(ValueError, match="finite"):
        compare_levels(1.0, float("nan"), first_uncertainty_db=0.1, second_uncertainty_db=0.1)
    with pytest.raises(ValueError, match="extinction"):
        oma_from_average(0.0, 5.0)
