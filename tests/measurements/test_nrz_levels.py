import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from measurements.capture import CaptureError, Waveform
from measurements.nrz import edge_times, eye_levels, fold, settled_levels
from measurements.nrz.folding import mean_crossing
from measurements.quantity import Cause, NotMeasurable
from tests.measurements.nrz_kit import RATE, edged, edges_of_pattern, eye_of, filtered, pattern

PRBS9 = pattern("PRBS9")
PRBS7 = pattern("PRBS7")
SQUARE = np.repeat(np.array([1, 0], dtype=np.uint8), 8)
EDGE_UI = 0.18
"""An edge that two symbol rates hold, as behind the reference receiver."""
PERIOD_PS = 1e3 / RATE


def noisy(light, sigma, seed=1):
    return light + np.random.default_rng(seed).normal(0.0, sigma, light.size)


def test_levels_of_a_clean_eye():
    found = eye_levels(eye_of(edged(PRBS9, 16), PRBS9))
    assert found.one_mw == pytest.approx(1.2, abs=1e-5)
    assert found.zero_mw == pytest.approx(0.2, abs=1e-5)
    assert found.oma_dbm == pytest.approx(0.0, abs=1e-4)
    assert found.extinction_ratio_db == pytest.approx(10 * np.log10(6.0), abs=1e-3)
    # One bit more is sent as 1 than as 0.
    assert found.average_mw == pytest.approx(0.7 + 0.5 / 511, abs=1e-5)
    assert found.average_dbm == pytest.approx(10 * np.log10(0.7 + 0.5 / 511), abs=1e-4)
    assert found.crossing_percent == pytest.approx(50.0, abs=0.01)


@pytest.mark.parametrize(("er_db", "oma_over_average_db"), [(3.5, -1.164), (4.0, -0.650), (6.0, 0.781)])
def test_amplitude_follows_from_average_and_extinction(er_db, oma_over_average_db):
    """facts: OMA = 2 Pavg (ER-1)/(ER+1), for as many ones as zeros."""
    zero = 0.3
    found = eye_levels(eye_of(edged(SQUARE, 16, zero=zero, one=zero * 10 ** (er_db / 10)), SQUARE))
    assert found.extinction_ratio_db == pytest.approx(er_db, abs=1e-4)
    assert found.oma_dbm - found.average_dbm == pytest.approx(oma_over_average_db, abs=1e-3)


def test_noise_is_the_width_of_the_levels_and_their_error():
    light = edged(PRBS9, 16, periods=20)
    runs = [eye_levels(eye_of(noisy(light, 0.05, seed), PRBS9)) for seed in range(60)]
    assert np.mean([run.one_spread_mw for run in runs]) == pytest.approx(0.05, rel=0.01)
    assert np.mean([run.zero_spread_mw for run in runs]) == pytest.approx(0.05, rel=0.01)
    for value, error in (
        ("one_mw", "one_error_mw"),
        ("zero_mw", "zero_error_mw"),
        ("average_mw", "average_error_mw"),
        ("extinction_ratio_db", "extinction_ratio_error_db"),
    ):
        scatter = np.std([getattr(run, value) for run in runs], ddof=1)
        assert np.mean([getattr(run, error) for run in runs]) == pytest.approx(scatter, rel=0.3), value
    assert np.mean([run.one_mw for run in runs]) == pytest.approx(1.2, abs=2e-4)


def test_a_single_period_tells_noise_from_interference():
    light = filtered(PRBS9, 16, pole=0.4)
    runs = [eye_levels(eye_of(noisy(light, 0.05, seed), PRBS9)) for seed in range(60)]
    scatter = np.std([run.one_mw for run in runs], ddof=1)
    assert np.mean([run.one_error_mw for run in runs]) == pytest.approx(scatter, rel=0.3)


def test_the_dark_level_comes_off_extinction_and_average():
    eye = eye_of(edged(PRBS9, 16, zero=0.25, one=1.25), PRBS9)
    found = eye_levels(eye, dark_mw=0.05)
    assert found.extinction_ratio_db == pytest.approx(10 * np.log10(6.0), abs=1e-3)
    assert found.average_mw == pytest.approx(eye_levels(eye).average_mw - 0.05)
    assert found.oma_mw == eye_levels(eye).oma_mw


def test_a_zero_level_no_light_can_have_gives_no_extinction_ratio():
    found = eye_levels(eye_of(edged(PRBS9, 16), PRBS9), dark_mw=0.21)
    with pytest.raises(CaptureError, match="dark calibration"):
        _ = found.extinction_ratio_db


@pytest.mark.parametrize("dark", [float("nan"), float("inf")])
def test_a_dark_level_that_is_no_number_is_refused(dark):
    with pytest.raises(CaptureError, match="dark level"):
        eye_levels(eye_of(edged(PRBS9, 16), PRBS9), dark_mw=dark)


@pytest.mark.parametrize("early", [0.05, -0.03])
def test_edges_early_up_and_late_down_cross_higher(early):
    """Each edge is the integral of a Gaussian: where both meet, it has climbed Phi(early / width)."""
    places = np.flatnonzero(np.roll(PRBS9, 1) != PRBS9)
    late = np.where(PRBS9[places] == 1, -early, early)
    eye = eye_of(edged(PRBS9, 16, late=late, edge=EDGE_UI), PRBS9)
    assert eye.crossing_ui == pytest.approx(0.0, abs=1e-3)
    assert eye_levels(eye).crossing_percent == pytest.approx(100 * ndtr(early / EDGE_UI), abs=0.3)


def test_settled_levels_come_from_the_middle_of_long_runs():
    found = settled_levels(eye_of(np.tile(filtered(PRBS9, 16), 2), PRBS9))
    assert found.oma_mw == pytest.approx(1.0, abs=1e-3)
    assert found.oma_dbm == pytest.approx(0.0, abs=5e-3)
    # A maximal-length pattern of order 9: runs of 5, 6, 7 of both, one of 9 ones, one of 8 zeros.
    assert (found.runs_of_ones, found.runs_of_zeros) == (8, 8)
    assert found.shortest_run == 5


def test_a_square_wave_settles_in_its_runs_of_eight():
    found = settled_levels(eye_of(np.tile(filtered(SQUARE, 16, pole=0.3), 3), SQUARE))
    assert found.shortest_run == 8
    assert (found.runs_of_ones, found.runs_of_zeros) == (1, 1)
    assert found.oma_mw == pytest.approx(1.0, abs=2e-3)


def test_interference_lowers_the_eye_levels_but_not_settled_ones():
    eye = eye_of(np.tile(filtered(PRBS9, 16, pole=0.4), 2), PRBS9)
    assert settled_levels(eye).oma_mw == pytest.approx(1.0, abs=0.01)
    assert eye_levels(eye).oma_mw < settled_levels(eye).oma_mw - 0.02


def test_the_error_of_settled_levels_is_their_scatter():
    light = np.tile(filtered(PRBS7, 16), 20)
    runs = [settled_levels(eye_of(noisy(light, 0.05, seed), PRBS7)) for seed in range(60)]
    scatter = np.std([run.oma_mw for run in runs], ddof=1)
    assert np.mean([run.oma_error_mw for run in runs]) == pytest.approx(scatter, rel=0.3)
    assert runs[0].standard_error_db == pytest.approx(4.343 * runs[0].oma_error_mw / runs[0].oma_mw, rel=1e-3)


def test_one_run_of_one_period_has_no_error():
    found = settled_levels(eye_of(filtered(SQUARE, 16), SQUARE))
    assert found.oma_error_mw is None
    assert found.standard_error_db is None


def test_a_pattern_without_long_runs_has_no_settled_levels():
    short = np.tile(np.array([1, 1, 0, 0, 1, 0], dtype=np.uint8), 5)
    with pytest.raises(CaptureError, match="no run of 5 or more"):
        settled_levels(eye_of(edged(short, 16), short))


@pytest.mark.parametrize("per_symbol", [8, 16, 16 + 1 / 7, 32])
def test_edges_take_as_long_as_they_were_made(per_symbol):
    found = edge_times(eye_of(edged(PRBS9, per_symbol, delay=0.3, edge=EDGE_UI), PRBS9, per_symbol))
    expected = 2 * 0.841621 * EDGE_UI * PERIOD_PS
    assert found.rise_ps == pytest.approx(expected, rel=0.005)
    assert found.fall_ps == pytest.approx(found.rise_ps, rel=0.002)
    assert found.settled_bits == 4


def test_edges_behind_the_receiver_are_those_of_its_step_response():
    found = edge_times(eye_of(filtered(PRBS9, 16, pole=0.5), PRBS9))
    n, span = 1 << 14, 64.0
    frequency = np.fft.rfftfreq(n, span / n)
    p = 2.113917675j * frequency / 0.75
    respond = 105 / (105 + 105 * p + 45 * p**2 + 10 * p**3 + p**4) / (1 + 2j * frequency)
    step = np.cumsum(np.fft.irfft(respond, n))
    low, high = np.interp([0.2, 0.8], step[: n // 2], np.arange(n // 2) * span / n)
    assert found.rise_ps == pytest.approx((high - low) * PERIOD_PS, rel=0.01)


def test_the_error_of_edge_times_is_their_scatter():
    places = edges_of_pattern(PRBS9)
    runs = []
    for seed in range(40):
        late = np.random.default_rng(seed).normal(0.0, 0.01, (4, places))
        runs.append(
            edge_times(eye_of(noisy(edged(PRBS9, 16, periods=4, late=late, edge=EDGE_UI), 0.02, seed), PRBS9))
        )
    scatter = np.std([run.rise_ps for run in runs], ddof=1)
    # Two edges tell their scatter badly: the root mean square is what can be held against it.
    stated = np.sqrt(np.mean([run.rise_error_ps**2 for run in runs]))
    assert runs[0].rising_edges == 2
    assert stated == pytest.approx(scatter, rel=0.5)


def test_a_single_edge_has_no_error_and_eye_levels_do_without_runs():
    lone = np.array([1, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0], dtype=np.uint8)
    found = edge_times(eye_of(edged(lone, 16, edge=EDGE_UI), lone))
    assert found.settled_bits == 2
    assert found.rise_error_ps is None
    assert found.rise_ps == pytest.approx(2 * 0.841621 * EDGE_UI * PERIOD_PS, rel=0.02)


def test_a_clock_has_no_edge_between_settled_bits():
    clock = np.tile(np.array([1, 0], dtype=np.uint8), 16)
    eye = eye_of(edged(clock, 16), clock)
    assert eye_levels(eye).oma_mw == pytest.approx(1.0, abs=1e-3)
    with pytest.raises(CaptureError, match="two equal bits"):
        edge_times(eye)


def test_edges_that_never_arrive_are_told_so():
    found = edge_times(eye_of(filtered(PRBS9, 16, pole=0.04), PRBS9))
    assert isinstance(found, NotMeasurable)
    assert found.cause is Cause.EYE_CLOSED


@pytest.mark.parametrize("symbols", [pattern("PRBS7Q"), np.ones(32, dtype=np.uint8), 3 * PRBS7])
def test_patterns_that_are_not_two_levels_are_refused(symbols):
    with pytest.raises(CaptureError, match="two-level light has 0 and 1") as refused:
        fold(Waveform(np.random.default_rng(1).normal(1.0, 0.1, symbols.size * 8), symbols, 8, RATE))
    assert refused.value.where == "pattern"


def test_no_light_and_no_modulation_are_told_apart():
    noise = np.random.default_rng(1).normal(0.0, 1e-3, 127 * 16)
    dark, steady = eye_of(noise, PRBS7), eye_of(1.0 + noise, PRBS7)
    assert isinstance(dark, NotMeasurable)
    assert dark.cause is Cause.DARK
    assert isinstance(steady, NotMeasurable)
    assert steady.cause is Cause.NO_MODULATION


def test_an_inverted_lane_is_refused():
    with pytest.raises(CaptureError, match="inverse"):
        eye_of(1.4 - edged(PRBS9, 16), PRBS9)


def test_another_pattern_is_refused():
    with pytest.raises(CaptureError, match="not with this pattern"):
        eye_of(edged(np.random.default_rng(7).permutation(PRBS9), 16), PRBS9)


def test_edges_that_do_not_cross_close_the_eye():
    """A pattern in step correlates best there, which makes them cross: only another does not."""
    locked = eye_of(edged(PRBS9, 16), PRBS9).locked
    found = mean_crossing(dataclasses.replace(locked, symbols=1 - locked.symbols))
    assert isinstance(found, NotMeasurable)
    assert found.cause is Cause.EYE_CLOSED
    assert "do not cross" in found.reason


@settings(max_examples=20, deadline=None)
@given(
    scale=st.floats(1e-3, 1e3),
    offset=st.floats(0.0, 3.0),
    turn=st.integers(0, 8175),
    delay=st.floats(0.0, 1.0),
    single=st.booleans(),
)
def test_levels_scale_shift_and_do_not_depend_on_the_beginning(scale, offset, turn, delay, single):
    light = edged(PRBS9, 16, delay=delay)
    moved = np.roll(scale * (light + offset), turn)
    one = eye_of(light, PRBS9)
    other = eye_of(moved.astype(np.float32) if single else moved, PRBS9)
    before, after = eye_levels(one), eye_levels(other)
    assert after.one_mw == pytest.approx(scale * (before.one_mw + offset), rel=1e-5)
    assert after.oma_mw == pytest.approx(scale * before.oma_mw, rel=1e-5)
    assert after.average_mw == pytest.approx(scale * (before.average_mw + offset), rel=1e-5)
    assert after.crossing_percent == pytest.approx(before.crossing_percent, abs=0.02)
    assert settled_levels(other).oma_mw == pytest.approx(scale * settled_levels(one).oma_mw, rel=1e-5)
    assert edge_times(other).rise_ps == pytest.approx(edge_times(one).rise_ps, rel=2e-3)
    assert (other.crossing_ui - one.crossing_ui - turn / 16 + 0.5) % 1.0 == pytest.approx(0.5, abs=1e-3)


@settings(max_examples=15, deadline=None)
@given(sigma=st.floats(0.002, 0.1), more=st.floats(1.1, 2.0), seed=st.integers(0, 99))
def test_more_noise_widens_the_levels_and_their_errors(sigma, more, seed):
    light = edged(PRBS9, 16, periods=4)
    one, other = (eye_levels(eye_of(noisy(light, each, seed), PRBS9)) for each in (sigma, more * sigma))
    assert other.one_spread_mw > one.one_spread_mw
    assert other.zero_spread_mw > one.zero_spread_mw
    assert other.one_error_mw > one.one_error_mw


@pytest.mark.parametrize("turn", range(0, 256, 37))
def test_a_square_wave_is_not_taken_for_its_inverse(turn):
    eye = eye_of(np.roll(filtered(SQUARE, 16), turn), SQUARE)
    assert settled_levels(eye).oma_mw == pytest.approx(1.0, abs=1e-3)
