"""Wavelength and side modes of each lane (IEEE 802.3, clause 124)."""

from measurements.spectrum import side_mode_suppression, wavelength


def test_spectrum(spectrum_paths, lanes, subtests, measure):
    """Centre wavelength and side-mode suppression of each lane's laser."""
    for lane, spectrum in spectrum_paths.sweeps(lanes):
        with subtests.test(lane=lane):
            measure("tx_wavelength", wavelength(spectrum), lane=lane)
            measure("tx_smsr", side_mode_suppression(spectrum), lane=lane)
