"""RIN of noise that is known, from rms values and from histograms."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from measurements.capture import CaptureError
from measurements.periodic import bessel_thomson
from measurements.quantity import Bound
from measurements.rin import LevelNoise, level_noise, noise_bandwidth_hz, rin_from_histograms, rin_oma

RATE = 53.125


def noise_for(rin_db_per_hz, oma_mw):
    return 0.5 * oma_mw * math.sqrt(10 ** (rin_db_per_hz / 10) * noise_bandwidth_hz(0.5e9 * RATE))


def levels(seed, rin, samples=20_000, scope=0.0):
    rng, rms = np.random.default_rng(seed), math.hypot(noise_for(rin, 1.0), scope)
    return [level_noise(mean + rng.normal(0, rms, samples)) for mean in (1.2, 0.2)]


def test_published_relation_of_rin_and_noise():
    # -136 dB/Hz at 53.125 GBd is a noise of 0.01321 of OMA.
    assert noise_for(-136.0, 1.0) == pytest.approx(0.01321, abs=2e-5)


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
    passed = quad(lambda f: abs(bessel_thomson(np.array([f]), 1.0)[0]) ** 2, 0.0, 20.0)[0]
    assert noise_bandwidth_hz(1.0) == pytest.approx(passed, rel=1e-8)


@pytest.mark.parametrize(
    "arguments",
    [
        ([], 1.0, 53.0),
        ([0.01], 0.0, 53.0),
        ([0.01], math.nan, 53.0),
        ([0.01], 1.0, 0.0),
        ([0.01], 1.0, math.inf),
        ([-0.01], 1.0, 53.0),
        ([0.01, math.nan], 1.0, 53.0),
    ],
)
def test_what_gives_no_rin_is_refused(arguments):
    noise, oma, rate = arguments
    with pytest.raises(CaptureError, match="noise") as told:
        rin_oma(noise, oma_mw=oma, symbol_rate_gbd=rate)
    assert told.value.remedy


@pytest.mark.parametrize("scope", [{"scope_noise_mw": math.nan}, {"scope_noise_error_mw": -1.0}])
def test_a_scope_of_unknown_noise_is_refused(scope):
    with pytest.raises(CaptureError, match="not finite"):
        rin_oma([0.01], oma_mw=1.0, symbol_rate_gbd=53.125, **scope)


@given(factor=st.floats(0.01, 100))
def test_rin_does_not_hang_on_the_light_s_power(factor):
    upper, lower = levels(1, -136.0, 500)
    found = rin_from_histograms(upper, lower, symbol_rate_gbd=RATE)
    scaled = [
        LevelNoise(
            one.mean_mw * factor, one.variance_mw2 * factor**2, one.variance_error_mw2 * factor**2, 500
        )
        for one in (upper, lower)
    ]
    again = rin_from_histograms(*scaled, symbol_rate_gbd=RATE)
    assert again.rin_db_per_hz == pytest.approx(found.rin_db_per_hz, abs=1e-9)
    assert again.standard_error_db == pytest.approx(found.standard_error_db)


@pytest.mark.parametrize("rin", [-142.0, -136.0, -130.0])
def test_rin_of_known_noise_within_its_error(rin):
    found = rin_from_histograms(*levels(1, rin), symbol_rate_gbd=RATE)
    assert found.rin_db_per_hz == pytest.approx(rin, abs=4 * found.standard_error_db)
    assert found.standard_error_db == pytest.approx(10 / math.log(10) / math.sqrt(20_000), rel=0.05)


def test_it_is_that_of_both_levels_noise():
    upper, lower = levels(1, -136.0)
    found = rin_from_histograms(upper, lower, symbol_rate_gbd=RATE)
    known = rin_oma(
        [upper.noise_mw, lower.noise_mw], oma_mw=upper.mean_mw - lower.mean_mw, symbol_rate_gbd=RATE
    )
    assert found.rin_db_per_hz == pytest.approx(known.rin_db_per_hz, abs=1e-9)


@pytest.mark.parametrize("scope", [0.0, 0.01])
def test_the_stated_error_is_the_scatter(scope):
    """The scope's noise is measured anew each time, with 2 % of error."""
    error = 0.02 * scope
    rng = np.random.default_rng(11)
    found = [
        rin_from_histograms(
            *levels(seed, -136.0, 2000, scope),
            symbol_rate_gbd=RATE,
            scope_noise_mw=scope + rng.normal(0, error) if scope else 0.0,
            scope_noise_error_mw=error,
        )
        for seed in range(200)
    ]
    scatter = np.std([one.rin_db_per_hz for one in found], ddof=1)
    assert scatter == pytest.approx(np.mean([one.standard_error_db for one in found]), rel=0.15)


def test_bins_do_not_add_noise():
    rms, width = noise_for(-136.0, 1.0), 0.02
    values = np.random.default_rng(2).normal(1.0, rms, 400_000)
    places = np.arange(0.8, 1.2, width)
    counts, _ = np.histogram(values, np.append(places - width / 2, places[-1] + width / 2))
    assert level_noise(places, counts, bin_mw=width).noise_mw == pytest.approx(rms, rel=0.01)
    assert level_noise(places, counts).noise_mw > 1.05 * rms


@pytest.mark.parametrize("bins", [0.25, 0.4, 0.6, 1.0, 2.0])
def test_what_wide_bins_leave_open_is_in_the_error(bins):
    """At all places of a level in its bin; `bins` is the noise in bins, and no count is by chance."""
    width = 1.0 / bins
    away = []
    for place in np.linspace(0, 1, 16, endpoint=False) * width:
        middles = width * np.arange(-30, 31)
        inside = np.diff(norm.cdf(np.append(middles - width / 2, middles[-1] + width / 2), place, 1.0))
        found = level_noise(middles, np.round(inside * 1e12).astype(np.int64), bin_mw=width)
        away.append((found.variance_mw2 - 1.0, found.variance_error_mw2))
    actual = np.sqrt(np.mean([left**2 for left, _ in away]))
    stated = np.mean([error for _, error in away])
    assert actual <= 1.15 * stated + 1e-9
    if 0.6 <= bins < 1:  # below, there may be no noise at all; above, chance is left
        assert stated <= 1.3 * actual


def test_samples_that_the_converter_rounds_are_bins():
    rms, step = noise_for(-136.0, 1.0), 0.02
    samples = np.round(np.random.default_rng(4).normal(1.003, rms, 100_000) / step) * step
    assert level_noise(samples, bin_mw=step).noise_mw == pytest.approx(rms, rel=0.02)


@pytest.mark.parametrize("rin", [-175.0, -160.0, -150.0])
def test_noise_that_bins_hide_is_bound_from_above(rin):
    step = 0.05
    rng = np.random.default_rng(9)
    for offset in (0.0, 0.01, 0.024):
        both = [
            level_noise(
                np.round(rng.normal(mean + offset, noise_for(rin, 1.0), 5000) / step) * step, bin_mw=step
            )
            for mean in (1.2, 0.2)
        ]
        found = rin_from_histograms(*both, symbol_rate_gbd=RATE)
        assert (found.bound, found.standard_error_db) == (Bound.UPPER, None)
        assert found.rin_db_per_hz > rin


def test_scope_noise_is_taken_off():
    scope = 0.01
    found = rin_from_histograms(
        *levels(3, -136.0, scope=scope), symbol_rate_gbd=RATE, scope_noise_mw=scope, scope_noise_error_mw=1e-4
    )
    assert found.rin_db_per_hz == pytest.approx(-136.0, abs=4 * found.standard_error_db)
    assert found.bound is Bound.EXACT


@pytest.mark.parametrize("rin", [-180.0, -160.0, -150.0])
def test_noise_that_the_scope_hides_is_bound_from_above(rin):
    """The bound holds 97.7 times of 100, whichever way chance and the scope's error go."""
    scope, error = 0.01, 2e-4
    rng = np.random.default_rng(2)
    found = [
        rin_from_histograms(
            *levels(seed, rin, 2000, scope),
            symbol_rate_gbd=RATE,
            scope_noise_mw=scope + rng.normal(0, error),
            scope_noise_error_mw=error,
        )
        for seed in range(300)
    ]
    hidden = [one for one in found if one.bound is Bound.UPPER]
    assert len(hidden) > 150
    assert np.mean([one.rin_db_per_hz >= rin for one in hidden]) > 0.96


def test_noise_is_known_no_better_than_what_may_hide_in_it():
    found = LevelNoise(1.0, 1e-12, 1e-6, 100)
    assert found.standard_error_mw == pytest.approx(1e-3)
    assert LevelNoise(1.0, -1e-6, 1e-6, 100).noise_mw == 0.0
    assert LevelNoise(1.0, -1e-6, 1e-6, 100).standard_error_mw == pytest.approx(1e-3)
    found = level_noise(np.random.default_rng(1).normal(1.0, 0.01, 5000))
    assert found.standard_error_mw == pytest.approx(0.01 / math.sqrt(2 * 5000), rel=0.05)


@pytest.mark.parametrize(
    ("power", "counts", "bin_mw"),
    [
        (np.array([1.0]), None, 0.0),
        (np.array([1.0, np.nan]), None, 0.0),
        (np.array([1.0, 2.0]), np.array([1, 2, 3]), 0.0),
        (np.array([1.0, 2.0]), np.array([-1, 5]), 0.0),
        (np.array([1.0, 2.0]), None, -0.1),
        (np.array([1.0, 2.0]), np.array([1.0, np.nan]), 0.0),
        (np.array([[1.0, 2.0]]), None, 0.0),
        (np.array([]), None, 0.0),
        (np.full(50, 1.0), None, 0.0),
        (np.array([1.0, 2.0]), None, math.nan),
    ],
)
def test_what_is_no_histogram_is_refused(power, counts, bin_mw):
    with pytest.raises(CaptureError, match="histogram"):
        level_noise(power, counts, bin_mw=bin_mw)


def test_levels_the_wrong_way_round_are_refused():
    upper, lower = levels(1, -136.0)
    with pytest.raises(CaptureError, match="gives no RIN"):
        rin_from_histograms(lower, upper, symbol_rate_gbd=RATE)
