import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from measurements.capture import CaptureError
from measurements.nrz import (
    ThinTails,
    data_dependent_jitter,
    find_crossings,
    find_sampled_crossings,
    jitter_width,
    separate_jitter,
    total_jitter,
)
from measurements.nrz.dual_dirac import fit_tails
from measurements.nrz.jitter import J2, J4, J9
from measurements.quantity import Cause, NotMeasurable
from tests.measurements.nrz_kit import EDGE_UI, edged, edges_of_pattern, eye_of, pattern

PRBS9 = pattern("PRBS9")
EDGES = edges_of_pattern(PRBS9)
MIDDLE_MW = 0.7


def crossings_of(late, *, per_symbol=16, noise=0.0, seed=1, **options):
    """Cross the middle of the levels, where edges stand exactly as late as they were made."""
    late = np.atleast_2d(late)
    light = edged(PRBS9, per_symbol, periods=len(late), late=late, **options)
    light = light + np.random.default_rng(seed).normal(0.0, noise, light.size)
    return find_crossings(eye_of(light, PRBS9, per_symbol), threshold_mw=MIDDLE_MW)


def known_jitter(amplitude, sigma, *, periods=40, seed=1):
    """Gaussian jitter on a sine, whose period is none of the pattern's."""
    instants = np.flatnonzero(np.roll(PRBS9, 1) != PRBS9) + PRBS9.size * np.arange(periods)[:, None]
    random = np.random.default_rng(seed).normal(0.0, sigma, instants.shape)
    return amplitude * np.sin(2 * np.pi * 0.0123456 * instants) + random


@pytest.mark.parametrize("per_symbol", [8, 16, 11 + 3 / 7, 40])
@pytest.mark.parametrize("delay", [0.0, 0.37])
def test_every_crossing_stands_where_it_was_put(per_symbol, delay):
    late = known_jitter(0.05, 0.01)
    # Fewer samples tell edges as slow as the reference receiver makes them.
    found = crossings_of(late, per_symbol=per_symbol, delay=delay, edge=0.1 if per_symbol >= 16 else 0.18)
    assert found.missed == 0
    order = np.argsort(late.ravel())
    wrong = np.sort(found.late_ui) - (late.ravel()[order] - late.mean())
    assert np.abs(wrong).max() < 3e-4
    assert abs(wrong.mean()) < 1e-6
    assert np.std(found.late_ui) == pytest.approx(np.std(late), rel=3e-3)


@pytest.mark.parametrize("edge", [0.15, 0.2])
def test_edges_of_a_real_receiver_are_read_without_bias_at_eight_samples(edge):
    late = known_jitter(0.04, 0.01)
    found = crossings_of(late, per_symbol=8, edge=edge)
    # Wide edges reach into their neighbours' crossings: by what is left of them one bit away.
    assert np.abs(np.sort(found.late_ui) - np.sort(late.ravel() - late.mean())).max() < 3e-4
    assert found.offset_ui - late.mean() == pytest.approx(0.0, abs=1e-3)


def test_total_jitter_of_a_sine_and_a_gaussian():
    found = total_jitter(crossings_of(known_jitter(0.05, 0.02)))
    assert found.rms_ui == pytest.approx(np.sqrt(0.05**2 / 2 + 0.02**2), abs=3 * found.rms_error_ui)
    assert found.uncorrelated_rms_ui == pytest.approx(found.rms_ui, rel=0.02)
    assert found.peak_peak_ui == pytest.approx(np.ptp(known_jitter(0.05, 0.02)), abs=1e-3)
    assert found.edges == 40 * EDGES


def test_the_errors_of_rms_are_what_it_scatters_by():
    found = [total_jitter(crossings_of(known_jitter(0.0, 0.02, periods=6, seed=seed))) for seed in range(80)]
    for value, error in (("rms_ui", "rms_error_ui"), ("uncorrelated_rms_ui", "uncorrelated_error_ui")):
        scatter = np.std([getattr(each, value) for each in found], ddof=1)
        assert np.mean([getattr(each, error) for each in found]) == pytest.approx(scatter, rel=0.25), value
        assert np.mean([getattr(each, value) for each in found]) == pytest.approx(0.02, rel=0.005)


def test_slow_noise_is_jitter_over_the_slope_and_fast_noise_crosses_in_the_middle():
    """Noise that holds for an edge moves its crossing by noise over slope; white noise not aside."""
    offsets = np.random.default_rng(3).normal(0.0, 0.02, 40)
    light = edged(PRBS9, 16, periods=40) + np.repeat(offsets, PRBS9.size * 16)
    found = find_crossings(eye_of(light, PRBS9), threshold_mw=MIDDLE_MW)
    slope = 1.0 / (EDGE_UI * np.sqrt(2 * np.pi))
    assert found.rms_ui == pytest.approx(np.std(offsets) / slope, rel=0.03)
    white = crossings_of(np.zeros((40, EDGES)), per_symbol=40, noise=0.15)
    assert white.offset_ui == pytest.approx(0.0, abs=4 * white.rms_ui / np.sqrt(40 * EDGES))
    rising, falling = white.late_ui[white.rising], white.late_ui[~white.rising]
    assert rising.mean() - falling.mean() == pytest.approx(0.0, abs=4 * white.rms_ui / np.sqrt(10 * EDGES))


def test_crossings_are_taken_at_the_average_unless_told():
    eye = eye_of(edged(PRBS9, 16, periods=2), PRBS9)
    found = find_crossings(eye)
    assert found.threshold_mw == pytest.approx(0.7 + 0.5 / 511, abs=1e-5)
    assert find_crossings(eye, threshold_mw=0.6).threshold_mw == 0.6


@pytest.mark.parametrize("threshold", [float("nan"), float("inf")])
def test_a_threshold_that_is_no_number_is_refused(threshold):
    with pytest.raises(CaptureError, match="threshold"):
        find_crossings(eye_of(edged(PRBS9, 16), PRBS9), threshold_mw=threshold)


@pytest.mark.parametrize("threshold", [0.1, 2.0])
def test_a_threshold_outside_the_eye_is_not_crossed(threshold):
    found = find_crossings(eye_of(edged(PRBS9, 16), PRBS9), threshold_mw=threshold)
    assert isinstance(found, NotMeasurable)
    assert found.cause is Cause.EYE_CLOSED
    assert found.evidence["missed"] == found.evidence["edges"] == EDGES


def test_a_few_wrong_bits_are_counted_and_left_out():
    light = edged(PRBS9, 16, periods=40)
    run = np.flatnonzero(np.roll(PRBS9, 1) != PRBS9)[10]
    light[run * 16 : (run + 1) * 16] = 1.4 - light[run * 16 : (run + 1) * 16]
    found = find_crossings(eye_of(light, PRBS9), threshold_mw=MIDDLE_MW)
    assert 0 < found.missed <= 3
    assert found.late_ui.size == 40 * EDGES - found.missed
    assert data_dependent_jitter(found).late_ui.size == EDGES


def test_data_dependent_jitter_is_that_of_each_edge():
    rng = np.random.default_rng(8)
    pattern_late = rng.uniform(-0.03, 0.03, EDGES)
    found = crossings_of(pattern_late + rng.normal(0.0, 0.01, (100, EDGES)))
    apart = data_dependent_jitter(found)
    assert apart.edge_error_ui == pytest.approx(0.001, rel=0.05)
    assert np.std(apart.late_ui - (pattern_late - pattern_late.mean())) == pytest.approx(0.001, rel=0.15)
    assert apart.peak_peak_ui == pytest.approx(np.ptp(pattern_late), abs=0.004)
    assert apart.rms_ui == pytest.approx(np.std(pattern_late), rel=0.01)
    assert total_jitter(found).uncorrelated_rms_ui == pytest.approx(0.01, rel=0.02)
    with pytest.raises(ValueError, match="read-only"):
        apart.late_ui[0] = 0.0


def test_ones_that_last_longer_are_duty_cycle_distortion():
    rising = PRBS9[np.flatnonzero(np.roll(PRBS9, 1) != PRBS9)] == 1
    late = np.where(rising, -0.02, 0.02) + np.random.default_rng(1).normal(0.0, 0.005, (30, EDGES))
    found = data_dependent_jitter(crossings_of(late))
    assert found.duty_cycle_ui == pytest.approx(0.04, abs=4 * found.duty_cycle_error_ui)
    assert found.duty_cycle_error_ui < 3e-4


def test_a_single_period_tells_no_random_jitter():
    found = crossings_of(known_jitter(0.0, 0.01, periods=1))
    assert total_jitter(found).uncorrelated_rms_ui is None
    assert data_dependent_jitter(found).edge_error_ui is None
    assert data_dependent_jitter(found).duty_cycle_error_ui is None


def test_jitter_that_repeats_exactly_is_not_random():
    found = crossings_of(np.tile(known_jitter(0.0, 0.01, periods=1), (3, 1)), per_symbol=16)
    assert (
        total_jitter(
            dataclasses.replace(found, late_ui=np.tile(found.late_ui[:EDGES], 3))
        ).uncorrelated_rms_ui
        == 0
    )


def sampled(sigma, *, noise=0.0, periods=60, per_symbol=16, edge=0.18, seed=1):
    """A sampling scope's record: the clock of every sample jitters on its own."""
    fine = 64
    clean = edged(PRBS9, fine, edge=edge)
    rng = np.random.default_rng(seed)
    instants = np.arange(PRBS9.size * per_symbol * periods) / per_symbol
    instants = (instants - rng.normal(0.0, sigma, instants.size)) % PRBS9.size
    power = np.interp(instants, np.arange(clean.size + 1) / fine, np.append(clean, clean[0]))
    return eye_of(power + rng.normal(0.0, noise, power.size), PRBS9, per_symbol)


@pytest.mark.parametrize(("sigma", "noise"), [(0.01, 0.0), (0.02, 0.0), (0.0, 0.02), (0.01, 0.02)])
@pytest.mark.parametrize("per_symbol", [8, 16, 32])
def test_samples_that_jitter_one_by_one_tell_their_jitter(sigma, noise, per_symbol):
    found = find_sampled_crossings(sampled(sigma, noise=noise, per_symbol=per_symbol))
    expected = np.hypot(sigma, noise * 0.18 * np.sqrt(2 * np.pi))
    # Noise counts by the slope where its sample stands, up to half a sample off the middle.
    assert found.rms_ui == pytest.approx(expected, rel=0.08 if per_symbol == 8 and noise else 0.025)
    assert found.missed == 0
    assert total_jitter(found).uncorrelated_rms_ui == pytest.approx(found.rms_ui, rel=0.05)


def test_interpolation_averages_samples_that_jitter_one_by_one():
    eye = sampled(0.02)
    assert 0.013 < find_crossings(eye).rms_ui < 0.018
    assert find_sampled_crossings(eye).rms_ui == pytest.approx(0.02, rel=0.02)


def test_jitter_that_widens_the_mean_edge_reads_high_by_a_known_part():
    found = find_sampled_crossings(sampled(0.06, periods=120))
    assert found.rms_ui == pytest.approx(0.06 * np.hypot(1.0, 0.06 / 0.18), rel=0.01)


def test_both_ways_agree_on_edges_that_move_as_a_whole():
    late = known_jitter(0.03, 0.005) + known_jitter(0.0, 0.02, periods=1, seed=5)
    light = edged(PRBS9, 16, periods=40, late=late, edge=0.18)
    eye = eye_of(light, PRBS9)
    one, other = find_crossings(eye), find_sampled_crossings(eye)
    assert other.rms_ui == pytest.approx(one.rms_ui, rel=0.02)
    assert other.offset_ui == pytest.approx(one.offset_ui, abs=1e-3)
    apart = data_dependent_jitter(one), data_dependent_jitter(other)
    assert apart[1].late_ui == pytest.approx(apart[0].late_ui, abs=2e-3)


def test_few_periods_do_not_tell_an_edge_from_its_jitter():
    with pytest.raises(CaptureError, match="16 pattern periods"):
        find_sampled_crossings(sampled(0.01, periods=15))


@pytest.mark.parametrize("threshold", [0.1, 2.0])
def test_sampled_edges_do_not_cross_outside_the_eye(threshold):
    found = find_sampled_crossings(sampled(0.01, periods=16), threshold_mw=threshold)
    assert isinstance(found, NotMeasurable)
    assert found.cause is Cause.EYE_CLOSED


def test_jitter_wider_than_an_edge_is_not_told_by_its_samples():
    found = find_sampled_crossings(sampled(0.2, noise=0.1, periods=16))
    assert isinstance(found, NotMeasurable)


def two_peaks(distance, sigma, count, seed=1):
    rng = np.random.default_rng(seed)
    return rng.choice([-0.5, 0.5], count) * distance + rng.normal(0.0, sigma, count)


def test_two_peaks_and_a_gaussian_are_separated():
    found = separate_jitter(crossings_of(two_peaks(0.1, 0.02, 100 * EDGES).reshape(100, EDGES)))
    assert found.random_rms_ui == pytest.approx(0.02, abs=4 * found.random_error_ui)
    assert found.deterministic_ui == pytest.approx(0.1, abs=4 * found.deterministic_error_ui)
    assert found.total_ui(1e-12) == pytest.approx(0.1 + 14.069 * 0.02, abs=4 * found.total_error_ui())
    assert found.random_error_ui < 0.01 * 0.02
    assert found.passed
    assert found.edges == 100 * EDGES


def test_gaussian_jitter_alone_shows_no_peaks():
    found = fit_tails(np.random.default_rng(4).normal(0.0, 0.02, 200_000))
    assert found.deterministic_ui < 0.02
    assert found.deterministic_error_ui is None
    assert found.width_ui(1e-9) == pytest.approx(-2 * ndtri(0.5e-9) * 0.02, rel=0.03)


def test_errors_of_the_separation_are_what_it_scatters_by():
    found = [fit_tails(two_peaks(0.1, 0.02, 20_000, seed)) for seed in range(80)]
    for value, error in (
        ("random_rms_ui", "random_error_ui"),
        ("deterministic_ui", "deterministic_error_ui"),
    ):
        scatter = np.std([getattr(each, value) for each in found], ddof=1)
        assert np.sqrt(np.mean([getattr(each, error) ** 2 for each in found])) == pytest.approx(
            scatter, rel=0.25
        )
    scatter = np.std([each.total_ui() for each in found], ddof=1)
    assert np.sqrt(np.mean([each.total_error_ui() ** 2 for each in found])) == pytest.approx(
        scatter, rel=0.25
    )
    assert np.mean([each.random_rms_ui for each in found]) == pytest.approx(0.02, rel=0.01)
    assert np.mean([each.total_ui() for each in found]) == pytest.approx(0.1 + 14.069 * 0.02, rel=0.01)


def test_a_right_model_is_rejected_as_often_as_it_should_be():
    """The first share tried is a fifth; each fit stands against its own degrees of freedom."""
    found = [fit_tails(two_peaks(0.1, 0.02, 20_000, seed)) for seed in range(80)]
    first = [each for each in found if each.tail_share == 0.2]
    assert len(first) >= 68
    assert np.mean([each.chi_square / each.degrees for each in first]) == pytest.approx(0.93, abs=0.12)


def test_bounded_jitter_without_a_gaussian_does_not_fit():
    found = fit_tails(np.random.default_rng(5).uniform(-0.1, 0.1, 200_000))
    assert found.random_rms_ui < 0.01 or not found.passed


def exact_width(amplitude, sigma, excluded):
    """The quantiles of a sine and a Gaussian, by integration over the sine's phase."""

    def below(x):
        return quad(lambda p: ndtr((x - amplitude * np.sin(p)) / sigma) / np.pi, -np.pi / 2, np.pi / 2)[0]

    return -2.0 * brentq(lambda x: below(x) - 0.5 * excluded, -amplitude - 8 * sigma, 0.0)


def test_widths_of_a_sine_and_a_gaussian():
    rng = np.random.default_rng(6)
    late = 0.05 * np.sin(rng.uniform(0.0, 2 * np.pi, 400 * EDGES)) + rng.normal(0.0, 0.015, 400 * EDGES)
    found = crossings_of(late[: 4 * EDGES].reshape(4, EDGES))
    found = dataclasses.replace(found, late_ui=late - late.mean())
    for excluded in (J2, 1e-3):
        width = jitter_width(found, excluded)
        assert not width.extrapolated
        assert width.excluded == excluded
        assert width.width_ui == pytest.approx(
            exact_width(0.05, 0.015, excluded), abs=4 * width.standard_error_ui
        )
        assert width.standard_error_ui < 0.01 * width.width_ui
    for excluded, off in ((J4, 0.02), (J9, 0.03)):
        width = jitter_width(found, excluded)
        assert width.extrapolated
        assert width.width_ui == pytest.approx(exact_width(0.05, 0.015, excluded), rel=off)
    assert (
        jitter_width(found, J9).width_ui > jitter_width(found, J4).width_ui > jitter_width(found, J2).width_ui
    )


def test_the_error_of_a_counted_width_is_its_scatter():
    template = crossings_of(known_jitter(0.0, 0.02, periods=1))
    rng = np.random.default_rng(9)
    found = [
        jitter_width(dataclasses.replace(template, late_ui=rng.normal(0.0, 0.02, 20_000)), J2)
        for _ in range(150)
    ]
    scatter = np.std([each.width_ui for each in found], ddof=1)
    assert np.mean([each.standard_error_ui for each in found]) == pytest.approx(scatter, rel=0.25)
    assert np.mean([each.width_ui for each in found]) == pytest.approx(-2 * ndtri(0.005) * 0.02, rel=0.005)


def test_thin_tails_are_refused():
    with pytest.raises(ThinTails, match="capture 500 edges") as refused:
        separate_jitter(crossings_of(known_jitter(0.0, 0.02, periods=1)))
    assert refused.value.where == "jitter tails"
    assert isinstance(refused.value, CaptureError)
    with pytest.raises(ThinTails):
        jitter_width(crossings_of(known_jitter(0.0, 0.02, periods=1)), J9)


def test_edges_that_never_move_have_no_tails():
    with pytest.raises(ThinTails, match="one instant"):
        fit_tails(np.repeat([-0.1, 0.1], 1000))


@pytest.mark.parametrize("excluded", [0.0, 0.5, float("nan")])
def test_a_share_that_cannot_be_left_out_is_refused(excluded):
    with pytest.raises(ValueError, match="left out"):
        jitter_width(crossings_of(known_jitter(0.0, 0.02, periods=1)), excluded)


@pytest.mark.parametrize("ber", [0.0, 0.5, float("nan")])
def test_an_error_ratio_without_a_place_on_the_scale_is_refused(ber):
    with pytest.raises(ValueError, match="Q scale"):
        fit_tails(two_peaks(0.1, 0.02, 2000)).total_ui(ber)


@settings(max_examples=15, deadline=None)
@given(
    scale=st.floats(1e-3, 1e3), offset=st.floats(0.0, 3.0), turn=st.integers(0, 8175), single=st.booleans()
)
def test_jitter_knows_neither_unit_nor_zero_nor_beginning(scale, offset, turn, single):
    light = edged(PRBS9, 16, periods=3, late=known_jitter(0.03, 0.01, periods=3))
    power = np.roll(scale * (light + offset), turn)
    before = find_crossings(eye_of(light, PRBS9))
    after = find_crossings(eye_of(power.astype(np.float32) if single else power, PRBS9))
    assert np.sort(after.late_ui) == pytest.approx(np.sort(before.late_ui), abs=1e-4 if single else 1e-5)
    assert data_dependent_jitter(after).rms_ui == pytest.approx(
        data_dependent_jitter(before).rms_ui, rel=1e-2
    )


@settings(max_examples=15, deadline=None)
@given(sigma=st.floats(0.002, 0.03), more=st.floats(1.2, 2.0), seed=st.integers(0, 99))
def test_more_random_jitter_widens_all_figures(sigma, more, seed):
    small, large = (fit_tails(two_peaks(0.05, each, 20_000, seed)) for each in (sigma, more * sigma))
    assert large.random_rms_ui > small.random_rms_ui
    assert large.total_ui() > small.total_ui()
    assert large.width_ui(1e-9) > small.width_ui(1e-9)
