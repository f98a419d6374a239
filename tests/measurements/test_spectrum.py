"""Lines and side modes of traces that are known by construction."""

import numpy as np
import pytest

from measurements.quantity import Bound, Cause, NotMeasurable
from measurements.spectrum import SpectrumError, laser_line, no_line


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


def test_a_resolution_without_end_is_refused():
    with pytest.raises(SpectrumError, match="resolution"):
        laser_line(*trace([(1311.0, 0.0)]), resolution_nm=float("inf"))


def test_a_line_stands_out_of_a_trace_or_the_trace_says_how_high_it_is():
    wavelength, power = trace([(1311.0, 0.0)])
    assert no_line(power) is None
    assert no_line(np.zeros(wavelength.size)).evidence == {"highest_dbm": 0.0}
