"""Wavelength and side modes of each lane (IEEE 802.3, clause 124)."""

import pytest

pytestmark = pytest.mark.pattern("PRBS31Q")


def test_spectrum(spectrum_paths, lanes, options, subtests, measure):
    """Centre wavelength and side-mode suppression of each lane's laser."""
    for lane, spectrum in spectrum_paths.spectra(lanes, **options):
        with subtests.test(lane=lane):
            measure("tx_wavelength", spectrum.wavelength, lane=lane)
            measure("tx_smsr", spectrum.side_mode_suppression, lane=lane)
