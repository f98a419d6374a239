import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measurements.capture import CaptureError
from measurements.nrz import NrzEye, eye_opening, find_sampled_crossings, fold, q_factor, vecp
from measurements.nrz.closure import QFactor
from measurements.quantity import Cause, NotMeasurable
from tests.measurements.nrz_kit import EDGE_UI, edged, eye_of, filtered, pattern

PRBS9 = pattern("PRBS9")
PRBS7 = pattern("PRBS7")


def noisy_eye(sigma=0.05, *, seed=1, periods=40, pattern=PRBS9, ones=1.0, **options):
    light = edged(pattern, 16, periods=periods, **options)
    noise = np.random.default_rng(seed).normal(0.0, sigma, light.size)
    return eye_of(light + noise * np.where(light > light.mean(), ones, 1.0), pattern)


def test_q_is_amplitude_over_both_spreads():
    found = q_factor(noisy_eye(0.04, ones=2.0))
    assert found.one_spread_mw == pytest.approx(0.08, rel=0.02)
    assert found.zero_spread_mw == pytest.approx(0.04, rel=0.02)
    assert found.q == pytest.approx(1.0 / 0.12, abs=4.0 * found.standard_error)
    assert found.signal_to_noise_db == pytest.approx(20 * np.log10(found.q))
    assert found.samples == 40 * 511


@pytest.mark.parametrize(("q", "ber"), [(7.0345, 1e-12), (3.8906, 5e-5)])
def test_published_error_ratios_of_q(q, ber):
    assert QFactor(q, 0.0, 1.0, 0.0, 0.1, 0.1, 9).ber == pytest.approx(ber, rel=1e-3)


@pytest.mark.parametrize("periods", [1, 8])
def test_the_error_of_q_is_what_q_scatters_by(periods):
    symbols = PRBS9 if periods == 1 else PRBS7
    light = np.tile(filtered(symbols, 16, pole=0.6), periods)
    rng = np.random.default_rng(5)
    found = [q_factor(eye_of(light + rng.normal(0.0, 0.05, light.size), symbols)) for _ in range(80)]
    scatter = np.std([each.q for each in found], ddof=1)
    assert np.mean([each.standard_error for each in found]) == pytest.approx(scatter, rel=0.25)


def test_interference_lowers_q_but_is_not_its_error():
    light = np.tile(filtered(PRBS9, 16, pole=0.3), 8)
    found = q_factor(eye_of(light + np.random.default_rng(1).normal(0.0, 1e-4, light.size), PRBS9))
    assert found.q < 15
    assert found.standard_error < 1e-3 * found.q


def test_levels_without_any_width_are_no_measurement():
    square = np.repeat(np.array([1, 0], dtype=np.uint8), 8)
    light = np.where(np.repeat(square, 16) == 1, 1.0, 0.2)
    with pytest.raises(CaptureError, match="no width"):
        q_factor(eye_of(light, square))


def test_height_and_width_keep_three_spreads_off():
    late = np.random.default_rng(2).normal(0.0, 0.02, (40, 256))
    found = eye_opening(noisy_eye(0.03, late=late))
    assert found.height_mw == pytest.approx(1.0 - 6 * 0.03, abs=4 * found.height_error_mw)
    assert found.height_percent == pytest.approx(100 * found.height_mw, rel=2e-3)
    # Noise crosses for jitter: the interpolating polynomial keeps 0.7 to 1 of its variance.
    both = np.hypot(0.02, 0.03 * EDGE_UI * np.sqrt(2 * np.pi))
    assert 1.0 - 6 * both - 4 * found.width_error_ui <= found.width_ui <= 1.0 - 6 * 0.02
    assert found.width_error_ui < 0.005
    eye = noisy_eye(0.03, late=late)
    wider = eye_opening(eye, crossings=find_sampled_crossings(eye))
    assert wider.width_ui == pytest.approx(1.0 - 6 * both, abs=0.02)
    assert wider.height_mw == found.height_mw


@pytest.mark.parametrize(("noise", "late"), [(0.18, 0.0), (0.01, 0.17)])
def test_an_eye_without_opening_is_told_so(noise, late):
    jitter = np.clip(np.random.default_rng(2).normal(0.0, 1.0, (40, 256)) * late, -0.45, 0.45)
    found = eye_opening(noisy_eye(noise, late=jitter))
    assert isinstance(found, NotMeasurable)
    assert found.cause is Cause.EYE_CLOSED


def test_opening_hands_on_that_edges_do_not_cross():
    assert isinstance(eye_opening(noisy_eye(0.3)), NotMeasurable)


@pytest.mark.parametrize("sigma", [0.02, 0.05])
def test_closure_by_noise_alone(sigma):
    """Percentiles of a Gaussian: 3.2905 sigma for 0.05 %."""
    found = vecp(noisy_eye(sigma, periods=200))
    inner = 1.0 - 2 * 3.2905 * sigma
    assert found.inner_height_mw == pytest.approx(inner, abs=0.3 * sigma)
    assert found.vecp_db == pytest.approx(-10 * np.log10(inner), abs=4 * found.standard_error_db)
    assert found.oma_mw == pytest.approx(1.0, abs=1e-3)


def test_closure_by_interference_is_that_of_the_innermost_bits():
    """One echo of a bit's neighbour: levels h and 1 - h inside, whatever the noise does not add."""
    symbols = pattern("PRBS13")
    plain = filtered(symbols, 16, zero=0.0, one=1.0)
    light = 0.2 + 0.9 * plain + 0.1 * np.roll(plain, 16)
    found = vecp(eye_of(light, symbols))
    # The receiver's own interference closes a little more.
    assert found.vecp_db == pytest.approx(-10 * np.log10(0.8), abs=0.15)
    assert vecp(eye_of(light, symbols), oma_mw=0.5 * found.oma_mw).vecp_db == pytest.approx(
        found.vecp_db - 3.0103, abs=1e-3
    )


def test_a_closed_inner_eye_has_no_penalty():
    found = vecp(noisy_eye(0.16))
    assert isinstance(found, NotMeasurable)
    assert found.cause is Cause.EYE_CLOSED
    assert found.evidence["lowest_one_mw"] < found.evidence["highest_zero_mw"]


def test_too_few_bits_for_a_percentile_are_refused():
    with pytest.raises(CaptureError, match="percentile"):
        vecp(noisy_eye(periods=4))


def test_few_bits_beyond_a_percentile_give_no_error():
    assert vecp(noisy_eye(periods=10)).standard_error_db is None


@pytest.mark.parametrize("oma", [0.0, -1.0, float("nan")])
def test_an_amplitude_that_is_none_is_refused(oma):
    with pytest.raises(CaptureError, match="OMA"):
        vecp(noisy_eye(), oma_mw=oma)


@settings(max_examples=15, deadline=None)
@given(scale=st.floats(1e-3, 1e3), offset=st.floats(0.0, 5.0), turn=st.integers(0, 8175))
def test_closure_knows_neither_unit_nor_zero_nor_beginning(scale, offset, turn):
    eye = noisy_eye(periods=10)
    moved = eye_of(np.roll(scale * (eye.waveform.power_mw + offset), turn), PRBS9)
    assert q_factor(moved).q == pytest.approx(q_factor(eye).q, rel=1e-4)
    assert vecp(moved).vecp_db == pytest.approx(vecp(eye).vecp_db, abs=1e-3)
    assert eye_opening(moved).width_ui == pytest.approx(eye_opening(eye).width_ui, abs=1e-4)


@settings(max_examples=15, deadline=None)
@given(sigma=st.floats(0.01, 0.05), more=st.floats(1.1, 2.0), seed=st.integers(0, 99))
def test_more_noise_closes_more(sigma, more, seed):
    one, other = (noisy_eye(noise, seed=seed, periods=10) for noise in (sigma, more * sigma))
    assert isinstance(one, NrzEye)
    assert q_factor(other).q < q_factor(one).q
    assert vecp(other).vecp_db > vecp(one).vecp_db
    assert eye_opening(other).height_mw < eye_opening(one).height_mw


def test_every_measure_takes_what_fold_gives():
    eye = noisy_eye()
    again = fold(eye.waveform)
    assert q_factor(again).q == q_factor(eye).q
