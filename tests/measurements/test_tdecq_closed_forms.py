"""Cases whose TDECQ can be written down: no pattern, no filter, one tap of 1."""

import numpy as np
import pytest
from scipy.stats import norm

from measurements.equalizer import noise_correlation, noise_enhancement
from measurements.slicer import bearable_noise, histogram, pam4_margin, symbol_error_ratio

TARGET = 4.8e-4
THRESHOLDS = np.array([1.0, 3.0, 5.0]) / 6.0
LEVELS = np.array([0.0, 1.0, 2.0, 3.0]) / 3.0


def tdecq_db(values, weights=None):
    noise = bearable_noise((histogram(values, weights),), THRESHOLDS, TARGET)
    return 10 * np.log10(1.0 / (6.0 * 3.414 * noise))


def gaussian(rms, count=100_000):
    return rms * norm.ppf((np.arange(count) + 0.5) / count)


def test_ideal_levels():
    assert tdecq_db(LEVELS) == pytest.approx(0.0001, abs=5e-4)
    shares = np.array([0.23217, 0.26784, 0.26783, 0.23217])
    assert tdecq_db(LEVELS[:, None], shares / shares.sum()) == pytest.approx(0.0082, abs=5e-4)


@pytest.mark.parametrize(("share", "expected_db"), [(0.5, 0.6248), (0.7, 1.4622), (0.9, 3.4762)])
def test_transmitter_noise_under_the_blind_rule(share, expected_db):
    noise = gaussian(share / (6.0 * 3.414))
    assert tdecq_db((LEVELS[:, None] + noise).ravel()) == pytest.approx(expected_db, abs=2e-3)


@pytest.mark.parametrize(("rlm", "expected_db"), [(0.95, 0.1615), (0.90, 0.5754), (0.85, 1.1353)])
def test_compressed_levels(rlm, expected_db):
    assert tdecq_db(np.array([0.0, rlm / 3, 1 - rlm / 3, 1.0])) == pytest.approx(expected_db, abs=1e-3)


@pytest.mark.parametrize(("share", "expected_db"), [(0.02, 0.1685), (0.05, 0.7562), (0.08, 1.8288)])
def test_one_intersymbol_term(share, expected_db):
    values = (1 - share) * LEVELS[:, None] + share * LEVELS
    assert tdecq_db(values.ravel()) == pytest.approx(expected_db, abs=1e-3)


@pytest.mark.parametrize(
    ("taps", "expected"),
    [
        ([-0.1, 1.2, -0.1], 1.20422),
        ([-0.2, 1.5, -0.3], 1.53275),
        ([0.05, -0.25, 1.4, -0.25, 0.05], 1.43553),
        ([1.0], 1.0),
    ],
)
def test_noise_enhancement(taps, expected):
    assert noise_enhancement(np.array(taps)) == pytest.approx(expected, abs=2e-5)


def test_noise_correlation_behind_the_reference_receiver():
    assert noise_correlation(5) == pytest.approx([1.0, 0.02056, 0.00135, -0.00008, 0.0], abs=2e-5)


def test_the_margin_of_ideal_pam4():
    assert pam4_margin(TARGET) == pytest.approx(3.414, abs=1e-4)
    assert 1.5 * norm.sf(pam4_margin(4.0e-4)) == pytest.approx(4.0e-4)


def test_a_value_on_a_threshold_is_an_error_every_second_time():
    counted = histogram(np.array([1.0 / 6.0]))
    assert symbol_error_ratio(counted, THRESHOLDS, 1e-3) == pytest.approx(0.5, abs=1e-3)


def test_values_all_over_the_thresholds_bear_no_noise():
    assert bearable_noise((histogram(THRESHOLDS),), THRESHOLDS, TARGET) is None


def test_a_guess_changes_the_way_not_the_answer():
    counted = (histogram(LEVELS),)
    plain = bearable_noise(counted, THRESHOLDS, TARGET)
    for guess in (0.2 * plain, 1.01 * plain, 7.0 * plain):
        assert bearable_noise(counted, THRESHOLDS, TARGET, guess=guess) == pytest.approx(plain, rel=1e-5)
