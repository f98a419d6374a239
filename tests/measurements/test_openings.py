"""Eyes whose height, width and place can be written down."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from measurements.capture import CaptureError, Waveform, lock
from measurements.openings import Equaliser, EyeOpenings, eye_openings
from measurements.patterns import pattern
from measurements.quantity import Cause, NotMeasurable
from measurements.tdecq import tdecq

RATE = 53.125


def locked_of(power_mw, symbols, per_symbol=16):
    return lock(Waveform(power_mw, symbols, per_symbol, RATE).signal(), symbols)


def test_ideal_levels_are_a_third_high(prbs13q, transmit):
    found = eye_openings(locked_of(1.0 + transmit(prbs13q, 16), prbs13q))
    assert isinstance(found, EyeOpenings)
    for k, eye in enumerate(found.eyes):
        assert eye.amplitude_mw == pytest.approx(
            1 / 3, rel=0.06
        )  # the filter has not settled after one symbol
        assert eye.centre_mw == pytest.approx(1.0 + (k + 0.5) / 3, abs=0.02)
        assert 0.25 < eye.height_mw <= 1 / 3
        assert eye.left_ui < eye.time_ui < eye.right_ui
        assert abs(eye.skew_ui) < 0.01
        assert eye.standard_error_mw is None
    assert found.linearity == pytest.approx((1.0, 1.0, 1.0), abs=0.01)
    assert found.cei_eye_linearity == pytest.approx(1.0, abs=0.01)


def test_noise_closes_each_eye_from_both_sides(prbs13q, transmit):
    locked = locked_of(1.0 + transmit(prbs13q, 16), prbs13q)
    noise, probability = 0.01, 1e-6
    clean, noisy = eye_openings(locked), eye_openings(locked, probability=probability, noise_mw=noise)
    for bare, closed in zip(clean.eyes, noisy.eyes, strict=True):
        # Values gather at the levels: most of the Gaussian reach of both sides is lost.
        lost = bare.height_mw - closed.height_mw
        assert 1.2 * noise * norm.isf(probability) < lost <= 2 * noise * norm.isf(probability) * 1.001
        assert closed.width_ui < bare.width_ui
        assert 0 < closed.standard_error_mw < 0.2 * noise


def test_a_single_value_a_level_closes_by_the_gaussian_alone():
    # Held levels on a grid without a filter: at the centre each level is one value.
    symbols = pattern("PRBS9Q")
    locked = locked_of(np.repeat(1.0 + symbols / 3, 16), symbols)
    found = eye_openings(locked, probability=1e-9, noise_mw=0.01)
    expected = 1 / 3 - 2 * 0.01 * norm.isf(1e-9)
    assert [eye.height_mw for eye in found.eyes] == pytest.approx([expected] * 3, abs=2e-3)


def test_the_width_is_the_time_until_a_slope_reaches_the_centre():
    # A trapezoid: linear edges of half a symbol around each transition leave half of the symbol flat.
    symbols = np.tile(np.array([0, 1, 0, 2, 0, 3, 1, 3, 2, 3, 1, 2, 1, 0, 3, 0], dtype=np.uint8), 1)
    levels, per_symbol = 1.0 + symbols / 3, 64
    time = np.arange(symbols.size * per_symbol) / per_symbol
    index = np.floor(time).astype(int)
    into = np.clip((time - index - 0.75) / 0.5, 0.0, 1.0)
    before = np.clip((time - index + 0.25) / 0.5, 0.0, 1.0)
    power = np.where(
        time - index < 0.25,
        levels[index - 1] + (levels[index] - levels[index - 1]) * before,
        levels[index] + (levels[(index + 1) % 16] - levels[index]) * into,
    )
    found = eye_openings(locked_of(power, symbols, per_symbol))
    # The steepest pair of transitions through an eye, from 0 to 3 and back, reaches the lower eye's centre
    # after 1/6 of its edge, so it is clear for 0.5 + 2 * 0.5 / 6 of the symbol.
    assert found.eyes[0].width_ui == pytest.approx(0.5 + 2 * 0.5 / 6, abs=0.02)
    assert found.eyes[2].width_ui == pytest.approx(0.5 + 2 * 0.5 / 6, abs=0.02)


def test_a_compressed_upper_eye_is_named_by_its_linearity(prbs13q, transmit):
    power = 1.0 + transmit(prbs13q, 16)
    found = eye_openings(locked_of(power - 0.1 * (power - 1.0) ** 2, prbs13q))
    low, middle, high = found.linearity
    assert low > middle > high
    assert found.eyes[2].height_mw < found.eyes[0].height_mw
    assert found.cei_eye_linearity == pytest.approx(high / low)


def test_the_reference_equaliser_opens_what_was_closed(prbs13q, transmit):
    power = 1.0 + transmit(prbs13q, 16, pole=0.3)
    locked = locked_of(power, prbs13q)
    shut = eye_openings(locked)
    assert isinstance(shut, NotMeasurable)
    assert shut.cause is Cause.EYE_CLOSED
    assert "eye is closed" in shut.reason
    result = tdecq(power, prbs13q, samples_per_symbol=16, symbol_rate_gbd=RATE)
    opened = eye_openings(locked, equaliser=Equaliser(result.taps, result.main_tap))
    assert min(eye.height_mw for eye in opened.eyes) > 0.1


@settings(max_examples=8, deadline=None)
@given(scale=st.floats(0.01, 50.0), offset=st.floats(0.1, 3.0), shift=st.floats(0.0, 1.0))
def test_openings_scale_with_the_light_and_do_not_move_with_time(transmit, scale, offset, shift):
    symbols = pattern("PRBS9Q")
    still = eye_openings(locked_of(1.0 + transmit(symbols, 16), symbols))
    moved = eye_openings(locked_of(scale * (offset + transmit(symbols, 16, delay_ui=shift)), symbols))
    for one, other in zip(still.eyes, moved.eyes, strict=True):
        assert other.height_mw == pytest.approx(scale * one.height_mw, rel=0.02)
        assert other.width_ui == pytest.approx(one.width_ui, abs=0.02)


def test_the_stated_error_is_the_scatter_of_the_height():
    symbols = pattern("PRBS9Q")
    heights, stated = [], []
    for seed in range(24):
        noise = np.random.default_rng(seed).normal(0.0, 0.01, symbols.size * 16)
        found = eye_openings(
            locked_of(np.repeat(1.0 + symbols / 3, 16) + noise, symbols), probability=1e-4, noise_mw=0.02
        )
        heights.append(found.eyes[1].height_at_common_mw)
        stated.append(found.eyes[1].standard_error_mw)
    assert np.std(heights, ddof=1) == pytest.approx(np.mean(stated), rel=0.5)


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"probability": 0.6}, "eye opening"),
        ({"probability": 1e-6}, "eye opening"),
        ({"noise_mw": float("nan")}, "eye opening"),
    ],
)
def test_openings_that_cannot_be_had_are_refused(prbs13q, transmit, options, where):
    with pytest.raises(CaptureError) as caught:
        eye_openings(locked_of(1.0 + transmit(prbs13q, 16), prbs13q), **options)
    assert caught.value.where == where


def test_two_levels_have_no_three_eyes():
    symbols = pattern("PRBS9")
    with pytest.raises(CaptureError, match="four levels"):
        eye_openings(locked_of(np.repeat(1.0 + symbols, 16).astype(float), symbols))
