"""A laser far from its window is looked for, so that a wrong colour is a verdict and not a broken sweep."""

import numpy as np
import pytest

from instruments.interfaces.spectrum_analyser import Spectrum
from measurements.quantity import NotMeasurable
from station.config.loader import load_product
from station.paths.spectrum import SpectrumPaths
from tests.station.whole_runs import CONFIGS


class Group:
    lanes = (1,)


class Ways:
    def groups(self, lanes, instrument):
        return [Group()]


class Analyser:
    """One laser line of 0 dBm on a floor of -70 dBm; `None` is no laser at all."""

    def __init__(self, laser_nm):
        self.laser_nm, self.spans = laser_nm, []

    def sweep(self, *, start_nm, stop_nm, resolution_nm):
        self.spans.append((start_nm, stop_nm))
        shown_nm = np.arange(start_nm, stop_nm, resolution_nm / 5)
        floor_mw = np.abs(np.random.default_rng(1).normal(1e-7, 2e-8, shown_nm.size))
        line_mw = 0.0 if self.laser_nm is None else np.exp(-(((shown_nm - self.laser_nm) / 0.1) ** 2))
        power_dbm = 10 * np.log10(floor_mw + line_mw)
        return Spectrum(
            wavelength_nm=shown_nm,
            power_dbm=power_dbm,
            resolution_nm=resolution_nm,
            wavelength_accuracy_nm=0.02,
        )


def found(laser_nm):
    analyser = Analyser(laser_nm)
    product = load_product(CONFIGS / "products/400gbase-dr4.yaml").value
    ((_, spectrum),) = SpectrumPaths(Ways(), analyser, "spectrum_analyser", product).spectra([1])
    return spectrum.wavelength, len(analyser.spans)


@pytest.mark.parametrize(("laser_nm", "sweeps"), [(1311.0, 1), (1323.2, 2), (1331.0, 2), (1290.0, 2)])
def test_a_laser_is_found_far_from_its_window(laser_nm, sweeps):
    wavelength, swept = found(laser_nm)
    assert wavelength.value == pytest.approx(laser_nm, abs=0.02)
    assert swept == sweeps


def test_no_laser_is_not_measurable_after_the_wider_sweep():
    wavelength, swept = found(None)
    assert isinstance(wavelength, NotMeasurable)
    assert (wavelength.instruments, swept) == (("spectrum_analyser",), 2)
