"""The rooms inside TDECQ: the valley, the drawn tails, the noise account and what is partial."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import ndtr

from measurements.capture import CaptureError, Waveform, lock
from measurements.equalizer import equalise
from measurements.levels import outer_levels
from measurements.quantity import Cause, NotMeasurable
from measurements.reference_receivers import IEEE_802_3CD, IEEE_802_3DJ_DRAFT, REFERENCE_RECEIVERS
from measurements.slicer import histogram, largest_noise, symbol_error_ratio
from measurements.tdecq import tdecq
from measurements.tdecq.freedom import Freedom
from measurements.tdecq.noise import RecordNoise, unexplained
from measurements.tdecq.start import starts
from measurements.tdecq.tails import Tails
from measurements.tdecq.task import Setting, Task
from measurements.tdecq.valley import Curve, lowest

RATE = 53.125


def task_of(power_mw, symbols, per_symbol=8, receiver=IEEE_802_3CD, **noise):
    locked = lock(Waveform(power_mw, symbols, per_symbol, RATE).signal(), symbols)
    options = {"averages": 1, "signal_noise_mw": None, "scope_noise_mw": 0.0, **noise}
    return Task.of(locked, outer_levels(locked), receiver, RecordNoise.of(locked, receiver, **options))


@pytest.fixture(scope="module")
def task(prbs13q, transmit):
    return task_of(transmit(prbs13q, pole=0.45), prbs13q)


@pytest.fixture(scope="module")
def setting(task):
    start = starts(task)[0]
    return Setting(
        start.taps, start.main_tap, start.time_ui, task.thresholds_mw, 0.6 * task.ideal_noise_mw**2
    )


# ---- the valley ----


def bowl(centre, bends):
    def function(place):
        away = place - centre
        return Curve(float(0.5 * away @ bends @ away), bends @ away, bends)

    return function


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), size=st.integers(1, 8))
def test_a_bowl_is_left_as_deep_as_it_is_between_bounds(seed, size):
    rng = np.random.default_rng(seed)
    centre, axes = rng.normal(0.0, 0.2, size), rng.normal(size=(size, size))
    function = bowl(centre, 100.0 * (axes @ axes.T + np.eye(size)))
    low, high = -rng.uniform(0.01, 0.3, size), rng.uniform(0.01, 0.3, size)
    found, _ = lowest(function, np.zeros(size), low, high)
    assert ((found >= low) & (found <= high)).all()
    best = minimize(
        lambda place: function(place).value,
        np.zeros(size),
        jac=lambda place: function(place).gradient,
        bounds=list(zip(low, high, strict=True)),
    ).fun
    assert function(found).value == pytest.approx(best, abs=0.02, rel=0.05)


def test_a_ridge_is_walked_down_from():
    def ridge(place):
        x = float(place[0])
        return Curve(np.cos(10 * x), np.array([-10 * np.sin(10 * x)]), np.array([[-100 * np.cos(10 * x)]]))

    found, _ = lowest(ridge, np.array([0.05]), np.array([-1.0]), np.array([1.0]))
    assert np.cos(10 * found[0]) == pytest.approx(-1.0, abs=1e-3)


@pytest.mark.parametrize("guess", [1e-3, 0.1, 40.0])
def test_the_largest_noise_is_found_from_any_guess(guess):
    found = largest_noise(lambda noise: float(ndtr(-1.0 / noise)), 4.8e-4, least=1e-4, guess=guess)
    assert ndtr(-1.0 / found) == pytest.approx(4.8e-4, rel=1e-4)


def test_no_noise_is_found_where_even_the_least_is_too_much():
    assert largest_noise(lambda noise: 0.1 + noise, 4.8e-4, least=1e-4, guess=0.1) is None


# ---- the drawn tails ----


def test_drawn_tails_give_the_error_ratio_of_all(task, setting):
    noise = task.at_slicer_mw(setting)
    tails = Tails.around(task, setting, noise, stretches=task.whole, drawn=4096)
    rows = equalise(task.rows(setting.time_ui + task.sides_ui, task.whole), setting.taps, setting.main_tap)
    exact = symbol_error_ratio(histogram(rows), setting.thresholds_mw, noise)
    assert tails.ratio_at(setting)(noise) == pytest.approx(exact, rel=0.01)
    louder = symbol_error_ratio(histogram(rows), setting.thresholds_mw, 1.1 * noise)
    assert tails.ratio_at(setting)(1.1 * noise) == pytest.approx(louder, rel=0.02)


def test_derivatives_of_the_tails_are_those_of_their_error_ratio(task, setting):
    tails = Tails.around(task, setting, task.at_slicer_mw(setting), stretches=task.whole, drawn=512)
    covariance = task.total_covariance(setting.added)
    point = np.concatenate([setting.taps, setting.thresholds_mw, [setting.time_ui + 0.01]])

    def curves(place):
        return tails.curves(place[:5], place[5:8], float(place[8]), covariance)

    for side, curve in enumerate(curves(point)):
        scale = np.abs(curve.gradient).max()
        for i in range(point.size):
            step = 1e-3 * np.eye(point.size)[i]
            after, before = curves(point + step)[side], curves(point - step)[side]
            assert curve.gradient[i] == pytest.approx((after.value - before.value) / 2e-3, abs=5e-3 * scale)
            slope = (after.gradient - before.gradient) / 2e-3
            assert curve.hessian[i] == pytest.approx(slope, abs=0.01 * np.abs(curve.hessian).max())


def test_freedom_packs_and_unpacks(task, setting):
    freedom = Freedom.of(task, setting.main_tap, setting.time_ui)
    taps, thresholds, time_ui = freedom.unpack(freedom.pack(setting))
    assert taps == pytest.approx(setting.taps)
    assert thresholds == pytest.approx(setting.thresholds_mw)
    assert time_ui == pytest.approx(setting.time_ui)
    moved, _, _ = freedom.unpack(freedom.pack(setting) + 0.01)
    assert moved.sum() == pytest.approx(1.0)


# ---- clauses ----


def test_single_taps_keep_the_limits_of_their_clause(prbs13q, transmit):
    power_mw = transmit(prbs13q, bessel=0.3)
    result = tdecq(
        power_mw, prbs13q, samples_per_symbol=8, symbol_rate_gbd=RATE, equalizer=IEEE_802_3DJ_DRAFT
    )
    for i, tap in enumerate(result.taps):
        low, high = IEEE_802_3DJ_DRAFT.tap_limits(i - result.main_tap)
        if i != result.main_tap + 1:  # that one makes the sum
            assert low - 1e-9 <= tap <= high + 1e-9


def test_a_clause_without_tap_limits_leaves_them_open():
    assert IEEE_802_3CD.tap_limits(0) == (0.8, None)
    assert IEEE_802_3CD.tap_limits(-1) == (None, None)
    assert IEEE_802_3DJ_DRAFT.tap_limits(-2) == (-0.1, 0.2)
    assert IEEE_802_3DJ_DRAFT.tap_limits(9) == (-0.1, 0.1)


# ---- what is partial ----


def test_partial_closures_stand_around_the_whole(prbs13q, transmit):
    power_mw = 1.0 + transmit(prbs13q, pole=0.5)
    bent = power_mw + 0.08 * power_mw**2  # the upper eye is larger
    result = tdecq(bent, prbs13q, samples_per_symbol=8, symbol_rate_gbd=RATE)
    partial = result.partial_tdecq_db
    assert partial.shape == (2, 3)
    assert partial.min() < result.tdecq_db < partial.max()
    assert (partial[:, 2] < partial[:, 0]).all()
    assert result.k_db == pytest.approx(result.tdecq_db - result.ceq_db)


def test_partial_closures_of_an_even_eye_are_the_whole(prbs13q, transmit):
    result = tdecq(transmit(prbs13q, pole=0.5), prbs13q, samples_per_symbol=8, symbol_rate_gbd=RATE)
    assert result.partial_tdecq_db == pytest.approx(np.full((2, 3), result.tdecq_db), abs=0.05)


# ---- the account of noise ----


def filtered_noise(size, per_symbol, rms, rng):
    white = rng.normal(size=size)
    p = 2.113917675j * np.arange(size // 2 + 1) * per_symbol / size / 0.5
    shaped = np.fft.irfft(np.fft.rfft(white) * 105 / (p**4 + 10 * p**3 + 45 * p**2 + 105 * p + 105), size)
    return rms * shaped / shaped.std()


@pytest.mark.parametrize("shaped", [False, True])
def test_the_noise_of_a_single_record_is_what_its_symbols_do_not_explain(prbs13q, transmit, shaped):
    power_mw, rng = transmit(prbs13q, 16, pole=0.4), np.random.default_rng(8)
    clean = power_mw - 0.2 * (power_mw - 0.5) ** 3 + 0.05 * np.roll(power_mw, 22)
    white = rng.normal(0.0, 0.02, clean.size)
    noise = filtered_noise(clean.size, 16, 0.02, rng) if shaped else white
    assert task_of(clean, prbs13q, 16).noise.total_mw < 1e-3
    account = task_of(clean + noise, prbs13q, 16).noise
    assert account.total_mw == pytest.approx(0.02, rel=0.03)
    assert account.coloured == pytest.approx(4e-4 if shaped else 0.0, rel=0.06)


def test_a_pattern_too_short_to_repeat_itself_explains_everything(transmit):
    from measurements.patterns import pattern

    symbols = pattern("PRBS7Q")
    locked = lock(Waveform(1.0 + transmit(symbols), symbols, 8, RATE).signal(), symbols)
    assert unexplained(locked) == 0.0


def test_averaged_periods_without_their_noise_are_not_measurable(prbs13q, transmit):
    power_mw = np.tile(transmit(prbs13q), 2)
    result = tdecq(power_mw, prbs13q, samples_per_symbol=8, symbol_rate_gbd=RATE, averages=4)
    assert isinstance(result, NotMeasurable)
    assert result.cause is Cause.NO_LOCK
    assert "signal_noise_mw" in result.reason


def test_a_zero_level_below_no_light_is_a_dark_calibration(prbs13q, transmit):
    with pytest.raises(CaptureError, match="dark calibration") as caught:
        tdecq(transmit(prbs13q) - 0.3, prbs13q, samples_per_symbol=8, symbol_rate_gbd=RATE)
    assert caught.value.where == "zero level"


@pytest.mark.parametrize("receiver", REFERENCE_RECEIVERS, ids=lambda receiver: receiver.name)
def test_noise_of_the_record_and_noise_that_is_stated_cost_the_same(prbs13q, transmit, receiver):
    power_mw = transmit(prbs13q, 16, pole=0.5)
    noise = np.random.default_rng(9).normal(0.0, 0.015, power_mw.size)
    options = {"samples_per_symbol": 16, "symbol_rate_gbd": RATE, "equalizer": receiver}
    single = tdecq(power_mw + noise, prbs13q, **options)
    stated = tdecq(power_mw, prbs13q, averages=1000, signal_noise_mw=0.015, **options)
    assert single.tdecq_db == pytest.approx(stated.tdecq_db, abs=3.5 * single.standard_error_db)


def test_a_clause_can_be_named(prbs13q, transmit):
    power_mw = transmit(prbs13q, pole=0.5)
    named, given = (
        tdecq(power_mw, prbs13q, samples_per_symbol=8, symbol_rate_gbd=RATE, equalizer=clause)
        for clause in ("IEEE 802.3cd", IEEE_802_3CD)
    )
    assert named.tdecq_db == given.tdecq_db
    with pytest.raises(ValueError, match="known: IEEE"):
        tdecq(power_mw, prbs13q, samples_per_symbol=8, symbol_rate_gbd=RATE, equalizer="IEEE 802.3")


def test_two_levels_have_no_tdecq():
    symbols = np.tile(np.repeat(np.array([3, 0], dtype=np.uint8), 8), 16)
    with pytest.raises(CaptureError, match="four levels"):
        tdecq(np.repeat(1.0 + symbols, 8), symbols, samples_per_symbol=8, symbol_rate_gbd=RATE)


def test_samples_that_cancel_to_nothing_are_still_refused(prbs13q):
    power_mw = np.ones(prbs13q.size * 8)
    power_mw[5:7] = np.inf, -np.inf
    with pytest.raises(CaptureError, match="first at 5"):
        tdecq(power_mw, prbs13q, samples_per_symbol=8, symbol_rate_gbd=RATE)
