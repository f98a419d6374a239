"""RIN from histograms whose noise is known."""

import math

import numpy as np
import pytest

from measurements.quantity import Bound
from measurements.rin import level_noise, noise_bandwidth_hz, rin_from_histograms

RATE = 53.125


def noise_for(rin_db_per_hz, oma_mw):
    return 0.5 * oma_mw * math.sqrt(10 ** (rin_db_per_hz / 10) * noise_bandwidth_hz(0.5e9 * RATE))


def levels(seed, rin, samples=20_000, scope=0.0):
    rng, rms = np.random.default_rng(seed), math.hypot(noise_for(rin, 1.0), scope)
    return [level_noise(mean + rng.normal(0, rms, samples)) for mean in (1.2, 0.2)]


def test_published_relation_of_rin_and_noise():
    # -136 dB/Hz at 53.125 GBd is a noise of 0.01321 of OMA.
    assert noise_for(-136.0, 1.0) == pytest.approx(0.01321, abs=2e-5)


@pytest.mark.parametrize("rin", [-142.0, -136.0, -130.0])
def test_rin_of_known_noise_within_its_error(rin):
    found, error = rin_from_histograms(*levels(1, rin), symbol_rate_gbd=RATE)
    assert found.rin_db_per_hz == pytest.approx(rin, abs=4 * error)
    assert error == pytest.approx(10 / math.log(10) / math.sqrt(20_000), rel=0.05)


def test_the_stated_error_is_the_scatter():
    found = [rin_from_histograms(*levels(seed, -136.0, 2000), symbol_rate_gbd=RATE) for seed in range(200)]
    scatter = np.std([one.rin_db_per_hz for one, _ in found], ddof=1)
    assert scatter == pytest.approx(np.mean([error for _, error in found]), rel=0.15)


def test_bins_do_not_add_noise():
    rms, width = noise_for(-136.0, 1.0), 0.02
    values = np.random.default_rng(2).normal(1.0, rms, 400_000)
    places = np.arange(0.8, 1.2, width)
    counts, _ = np.histogram(values, np.append(places - width / 2, places[-1] + width / 2))
    assert level_noise(places, counts, bin_mw=width).noise_mw == pytest.approx(rms, rel=0.01)
    assert level_noise(places, counts).noise_mw > 1.05 * rms


def test_scope_noise_is_taken_off_and_hides_what_is_less():
    scope = 0.01
    found, error = rin_from_histograms(
        *levels(3, -136.0, scope=scope), symbol_rate_gbd=RATE, scope_noise_mw=scope, scope_noise_error_mw=1e-4
    )
    assert found.rin_db_per_hz == pytest.approx(-136.0, abs=4 * error)
    assert found.bound is Bound.EXACT
    hidden, _ = rin_from_histograms(
        *levels(3, -160.0, scope=scope), symbol_rate_gbd=RATE, scope_noise_mw=scope, scope_noise_error_mw=5e-4
    )
    assert hidden.bound is Bound.UPPER


@pytest.mark.parametrize(
    ("power", "counts", "bin_mw"),
    [
        (np.array([1.0]), None, 0.0),
        (np.array([1.0, np.nan]), None, 0.0),
        (np.array([1.0, 2.0]), np.array([1, 2, 3]), 0.0),
        (np.array([1.0, 2.0]), np.array([-1, 5]), 0.0),
        (np.array([1.0, 2.0]), None, -0.1),
    ],
)
def test_what_is_no_histogram_is_refused(power, counts, bin_mw):
    with pytest.raises(ValueError, match="histogram"):
        level_noise(power, counts, bin_mw=bin_mw)


def test_levels_the_wrong_way_round_are_refused():
    upper, lower = levels(1, -136.0)
    with pytest.raises(ValueError, match="gives no RIN"):
        rin_from_histograms(lower, upper, symbol_rate_gbd=RATE)
