import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import norm

from measurements.capture import CaptureError
from measurements.nrz import CWDM4_MASK, LR4_MASK, EyeMask, MaskError, eye_levels, mask_margin, mask_test
from measurements.quantity import Cause, NotMeasurable
from tests.measurements.nrz_kit import edged, eye_of, ideal, pattern
from tests.proofs import keep

PRBS9 = pattern("PRBS9")
KNOWN = [(LR4_MASK, 0.05, 27.0), (LR4_MASK, 0.03, 54.8), (CWDM4_MASK, 0.05, 44.7), (CWDM4_MASK, 0.03, 66.3)]
BOTH = pytest.mark.parametrize("mask", [LR4_MASK, CWDM4_MASK], ids=lambda mask: mask.name)


PER_SYMBOL = 16 + 1 / 7
"""A count that is not whole visits 113 instants of the symbol."""


def noisy_eye(sigma, *, periods, seed=1):
    """Ideal edges and Gaussian noise."""
    light = ideal(PRBS9, PER_SYMBOL, periods=periods)
    light += np.random.default_rng(seed).normal(0.0, sigma, light.size)
    return eye_of(light, PRBS9, PER_SYMBOL)


def evenly_noisy_eye(sigma, *, periods=250):
    """The same with noise that scatters less than chance does.

    Samples in the order of their instants get the quantiles of van der Corput's sequence, so each
    region of time and power holds its share to a few samples instead of its root.
    """
    light = ideal(PRBS9, PER_SYMBOL, periods=periods)
    order = np.lexsort((np.arange(light.size) / PER_SYMBOL % 1.0, light))
    turns = np.arange(light.size)
    share = np.zeros(light.size)
    for bit in range(24):
        share += (turns >> bit & 1) * 0.5 ** (bit + 1)
    light[order] += norm.ppf(share + 0.5**25) * sigma
    return eye_of(light, PRBS9, PER_SYMBOL)


def soft_eye(seed=3, sigma=0.04, periods=30, per_symbol=16, **options):
    light = edged(PRBS9, per_symbol, periods=periods, edge=0.15, **options)
    return eye_of(light + np.random.default_rng(seed).normal(0.0, sigma, light.size), PRBS9, per_symbol)


def share_of_hits(mask, sigma, margin):
    """What of Gaussian noise around 0 and 1 hits a grown mask, by integration over time."""
    s = 1.0 - margin
    along = [mask.x1 * s, mask.x2 * s, mask.x3 * s, 0.5]
    apart = [0.5, mask.y2 * s, mask.y1 * s, mask.y1 * s]
    inside, _ = quad(
        lambda t: norm.sf(np.interp(t, along, apart) / sigma), along[0], 0.5, points=along[1:3], epsabs=1e-12
    )
    return 2.0 * inside + norm.sf(mask.y3 * s / sigma)


def exact_percent(mask, sigma):
    return 100.0 * brentq(lambda m: share_of_hits(mask, sigma, m) - mask.hit_ratio, 0.0, 0.95)


@pytest.mark.parametrize(("mask", "sigma", "percent"), KNOWN)
def test_known_margins_of_eyes_that_are_only_noisy(mask, sigma, percent):
    exact = exact_percent(mask, sigma)
    assert exact == pytest.approx(percent, abs=0.06)
    assert mask_margin(evenly_noisy_eye(sigma), mask).margin_percent == pytest.approx(percent, abs=0.3)
    found = mask_margin(noisy_eye(sigma, periods=60), mask)
    assert found.margin_percent == pytest.approx(exact, abs=300.0 * found.standard_error)
    assert found.standard_error < 0.02
    assert found.hits_per_cluster == pytest.approx(1.0, abs=0.1)


def test_the_margin_error_is_what_margins_scatter_by():
    found = [mask_margin(noisy_eye(0.05, periods=40, seed=seed), LR4_MASK) for seed in range(40)]
    scatter = np.std([each.margin for each in found], ddof=1)
    assert np.mean([each.standard_error for each in found]) == pytest.approx(scatter, rel=0.3)


@pytest.mark.prove
def test_known_margins_by_ten_million_random_samples():
    kept = {}
    for mask, sigma, percent in KNOWN:
        found = [mask_margin(noisy_eye(sigma, periods=1250, seed=seed), mask) for seed in range(8)]
        margins = np.array([each.margin_percent for each in found])
        error = 100.0 * np.mean([each.standard_error for each in found])
        kept[f"{mask.name} {sigma}"] = {
            "known_percent": percent,
            "exact_percent": round(exact_percent(mask, sigma), 3),
            "mean_percent": round(float(margins.mean()), 3),
            "scatter_percent": round(float(margins.std(ddof=1)), 3),
            "stated_error_percent": round(float(error), 3),
        }
        assert np.abs(margins - percent).max() < max(0.5, 4.0 * error)
        assert margins.mean() == pytest.approx(exact_percent(mask, sigma), abs=4.0 * error / np.sqrt(8))
    keep("nrz_mask_margin", __file__, kept)


def corners(mask, margin):
    """The polygon of a mask, corner by corner."""
    s = 1.0 - margin
    left = [(mask.x1 * s, 0.5), (mask.x2 * s, 1 - mask.y2 * s), (mask.x3 * s, 1 - mask.y1 * s)]
    top = left + [(1 - x, y) for x, y in left[::-1]]
    return np.array(top + [(x, 1 - y) for x, y in top[::-1]])


def in_polygon(time, power, polygon):
    """Even-odd rule, edge by edge."""
    inside = np.zeros(time.size, dtype=bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y0 != y1:
            straddles = (y0 > power) != (y1 > power)
            inside ^= straddles & (time < x0 + (power - y0) * (x1 - x0) / (y1 - y0))
    return inside


@BOTH
@pytest.mark.parametrize("margin", [-0.09, 0.0, 0.2, 0.7])
def test_hits_are_those_of_a_point_in_polygon_test(mask, margin):
    eye = soft_eye(sigma=0.2)
    levels = eye_levels(eye)
    power = (eye.waveform.power_mw - levels.zero_mw) / levels.oma_mw
    time = (np.arange(power.size) / 16 - eye.crossing_ui) % 1.0
    found = mask_test(eye, mask, margin=margin)
    assert found.inside == np.count_nonzero(in_polygon(time, power, corners(mask, margin))) > 1000
    assert found.above == np.count_nonzero(power > 1 + mask.y3 * (1 - margin))
    assert found.below == np.count_nonzero(power < -mask.y3 * (1 - margin))
    assert found.hits == found.above + found.inside + found.below
    assert found.hit_ratio == found.hits / power.size
    assert not found.passed


@BOTH
@pytest.mark.parametrize("sigma", [0.02, 0.1])
def test_the_margin_is_the_last_at_which_the_mask_holds(mask, sigma):
    eye = soft_eye(sigma=sigma)
    found = mask_margin(eye, mask)
    assert mask_test(eye, mask, margin=found.margin - 1e-9).passed
    assert mask_test(eye, mask, margin=found.margin - 1e-9).hits == found.allowed_hits
    assert not mask_test(eye, mask, margin=found.margin + 1e-9).passed
    assert (found.margin > 0) == mask_test(eye, mask).passed == (sigma < 0.05)


def test_hits_of_one_noise_event_are_one_event_for_the_error():
    light = edged(PRBS9, 16, periods=30, edge=0.15)
    noise = np.repeat(np.random.default_rng(2).normal(0.0, 0.05, light.size // 4), 4)
    found = mask_margin(eye_of(light + noise, PRBS9), LR4_MASK)
    assert found.hits_per_cluster > 2.0
    single = dataclasses.replace(found, hits_per_cluster=1.0)
    assert single.margin == found.margin


def test_no_hit_allowed_gives_the_margin_of_the_first_hit_without_an_error():
    eye = soft_eye()
    found = mask_margin(eye, LR4_MASK, hit_ratio=0.0)
    assert found.allowed_hits == 0
    assert found.standard_error is None
    assert mask_test(eye, LR4_MASK, margin=found.margin - 1e-9).hits == 0
    assert mask_test(eye, LR4_MASK, margin=found.margin + 1e-9).hits == 1
    assert found.margin < mask_margin(eye, LR4_MASK).margin


def test_a_record_too_short_for_the_hit_ratio_is_refused():
    with pytest.raises(CaptureError, match="capture 20,000 samples or more") as refused:
        mask_margin(soft_eye(periods=2), LR4_MASK)
    assert refused.value.where == "record length"


@pytest.mark.parametrize(
    "wrong",
    [
        {"x1": 0.0},
        {"x2": 0.2},
        {"x3": 0.51},
        {"y1": 0.3},
        {"y2": 0.6},
        {"y3": 0.0},
        {"x1": float("nan")},
        {"hit_ratio": 1.0},
        {"hit_ratio": float("nan")},
        {"x2": 0.26, "y2": 0.45, "x1": 0.25, "x3": 0.26, "y1": 0.25} | {"x1": 0.05, "x2": 0.25},
    ],
)
def test_a_mask_that_is_none_is_refused(wrong):
    with pytest.raises(MaskError, match="mask '100GBASE-LR4'"):
        dataclasses.replace(LR4_MASK, **wrong)


def test_a_mask_may_be_a_plain_hexagon():
    hexagon = EyeMask("hexagon", 0.25, 0.4, 0.4, 0.25, 0.25, 0.25, 0.0)
    eye = soft_eye(sigma=0.2)
    levels = eye_levels(eye)
    power = (eye.waveform.power_mw - levels.zero_mw) / levels.oma_mw
    time = (np.arange(power.size) / 16 - eye.crossing_ui) % 1.0
    expected = np.count_nonzero(in_polygon(time, power, corners(hexagon, 0.1)))
    assert mask_test(eye, hexagon, margin=0.1).inside == expected


def test_levels_the_wrong_way_round_have_no_mask():
    eye = soft_eye()
    wrong = dataclasses.replace(eye.locked, symbols=1 - eye.symbols)
    for measure in (mask_test, mask_margin):
        found = measure(dataclasses.replace(eye, locked=wrong), LR4_MASK)
        assert isinstance(found, NotMeasurable)
        assert found.cause is Cause.EYE_CLOSED


@pytest.mark.parametrize("margin", [1.0, float("nan"), float("inf")])
def test_a_margin_without_a_mask_is_refused(margin):
    with pytest.raises(MaskError, match="below 1"):
        mask_test(soft_eye(), LR4_MASK, margin=margin)


@pytest.mark.parametrize("ratio", [-0.1, 1.0, float("nan")])
def test_a_hit_ratio_that_is_none_is_refused(ratio):
    with pytest.raises(MaskError, match="hit ratio"):
        mask_margin(soft_eye(), LR4_MASK, hit_ratio=ratio)


@settings(max_examples=15, deadline=None)
@given(
    scale=st.floats(1e-3, 1e3),
    offset=st.floats(-0.1, 5.0),
    turn=st.integers(0, 8175),
    single=st.booleans(),
)
def test_a_margin_knows_neither_unit_nor_zero_nor_beginning(scale, offset, turn, single):
    eye = soft_eye(periods=5, sigma=0.05)
    power = np.roll(scale * (eye.waveform.power_mw + offset), turn)
    moved = eye_of(power.astype(np.float32) if single else power, PRBS9)
    before, after = mask_margin(eye, LR4_MASK, hit_ratio=1e-3), mask_margin(moved, LR4_MASK, hit_ratio=1e-3)
    assert after.margin == pytest.approx(before.margin, abs=2e-3 if single else 2e-5)


@settings(max_examples=15, deadline=None)
@given(sigma=st.floats(0.005, 0.05), more=st.floats(1.05, 2.0), seed=st.integers(0, 99))
def test_more_noise_leaves_less_margin(sigma, more, seed):
    one, other = (mask_margin(soft_eye(seed, noise, periods=8), LR4_MASK) for noise in (sigma, more * sigma))
    assert other.margin < one.margin
