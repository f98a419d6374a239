import numpy as np
import pytest

from measurements import units


def test_levels_turn_to_powers_and_back():
    assert units.dbm_to_mw(0.0) == 1.0
    assert units.dbm_to_mw(3.0) == pytest.approx(1.995262)
    assert units.mw_to_dbm(2.0) == pytest.approx(3.0103, abs=1e-4)
    levels = np.array([-30.0, -1.25, 4.2])
    assert units.mw_to_dbm(units.dbm_to_mw(levels)) == pytest.approx(levels)


def test_a_float_gives_a_float_and_an_array_an_array():
    assert type(units.dbm_to_mw(np.float64(1.0))) is float
    assert isinstance(units.dbm_to_mw(np.array([1.0])), np.ndarray)


@pytest.mark.parametrize("dark", [0.0, -1e-6, float("nan")])
def test_no_light_has_no_level(dark):
    with pytest.raises(ValueError, match="positive"):
        units.mw_to_dbm(dark)
    with pytest.raises(ValueError, match="positive"):
        units.mw_to_dbm(np.array([1.0, dark]))


def test_wavelength_and_frequency():
    assert units.nm_to_thz(1310.0) == pytest.approx(228.849, abs=1e-3)
    assert units.thz_to_nm(units.nm_to_thz(1304.5)) == pytest.approx(1304.5)
    assert units.width_nm_to_ghz(0.1, wavelength_nm=1550.0) == pytest.approx(12.478, abs=1e-3)
    assert units.width_ghz_to_nm(12.478, wavelength_nm=1550.0) == pytest.approx(0.1, abs=1e-5)


def test_symbol_period():
    assert units.symbol_period_s(53.125) == pytest.approx(18.8235e-12, rel=1e-5)
