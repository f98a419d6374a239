import numpy as np
import pytest

from measurements.capture import CaptureError, Waveform, lock
from measurements.levels import level_mismatch_ratio, measure_levels, outer_levels
from measurements.patterns import pattern
from measurements.quantity import Cause, NotMeasurable

RATE = 53.125


def levels_of(power_mw, symbols, samples_per_symbol=8):
    return measure_levels(Waveform(power_mw, symbols, samples_per_symbol, RATE))


def test_a_clean_transmitter_shows_its_levels(ssprq, transmit):
    found = levels_of(0.5 + 2.0 * transmit(ssprq), np.roll(ssprq, -99))
    assert found.outer.p3_mw == pytest.approx(2.5, abs=1e-4)
    assert found.outer.p0_mw == pytest.approx(0.5, abs=1e-4)
    assert found.outer.oma_dbm == pytest.approx(3.0103, abs=1e-3)
    assert found.outer.extinction_ratio_db == pytest.approx(10 * np.log10(5.0), abs=1e-3)
    assert found.outer.average_dbm == pytest.approx(10 * np.log10(1.5), abs=1e-3)
    assert (found.outer.runs_of_threes, found.outer.runs_of_zeros) == (16, 20)
    assert found.rlm == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize(("pole", "oma"), [(0.5, 0.99986), (0.25, 0.99242)])
def test_published_outer_amplitudes(ssprq, transmit, pole, oma):
    waveform = Waveform(1.0 + transmit(ssprq, pole=pole), ssprq, 8, RATE)
    assert outer_levels(lock(waveform.signal(), ssprq)).oma_mw == pytest.approx(oma, abs=1e-4)


def test_a_slow_linear_transmitter_keeps_equal_steps(ssprq, transmit):
    assert levels_of(1.0 + transmit(ssprq, pole=0.25), ssprq).rlm == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("steps", [0.95, 0.85])
def test_compressed_levels_are_found_under_intersymbol_interference(prbs13q, steps):
    levels = np.array([0.0, steps / 3, 1 - steps / 3, 1.0])
    sent = 1.0 + np.repeat(levels[prbs13q], 8)
    smooth = Waveform(sent, prbs13q, 8, RATE).signal(reference_filter=True)
    found = levels_of(np.stack([smooth.at(k / 8) for k in range(8)], axis=1).ravel(), prbs13q)
    assert found.rlm_by_steps == pytest.approx(steps, abs=2e-3)
    # The two definitions are not one: 120D.3.1.2 counts this compression twice.
    assert found.rlm == pytest.approx(2 * steps - 1, abs=4e-3)


def test_uneven_steps_both_ways_lower_rlm():
    assert level_mismatch_ratio((0.0, 1.2, 1.8, 3.0)) == pytest.approx(0.6)
    assert level_mismatch_ratio((0.0, 0.9, 2.1, 3.0)) == pytest.approx(0.8)


def test_edges_are_those_of_the_filters(ssprq, transmit):
    """The step response of one pole behind the reference receiver, by the convolution of both."""
    found = levels_of(1.0 + transmit(ssprq, 16, pole=0.5), ssprq, 16)
    n, span = 1 << 14, 64.0
    frequency = np.fft.rfftfreq(n, span / n)
    s = 1j * frequency / 0.5
    p = 2.113917675 * s
    response = 105 / (105 + 105 * p + 45 * p**2 + 10 * p**3 + p**4) / (1 + s)
    step = np.cumsum(np.fft.irfft(response, n))
    time = np.arange(n) * span / n
    low, high = np.interp([0.2, 0.8], step[: n // 2], time[: n // 2])
    expected_ps = (high - low) * 1e3 / RATE
    assert found.rise_time_ps == pytest.approx(expected_ps, rel=0.01)
    assert found.fall_time_ps == pytest.approx(found.rise_time_ps, rel=0.005)
    assert found.transition_time_ps == max(found.rise_time_ps, found.fall_time_ps)


def test_overshoot_is_read_at_its_hit_ratio(ssprq, transmit):
    plain = transmit(ssprq)
    peaking = 1.0 + plain + 0.25 * (plain - np.roll(plain, 8))
    found = levels_of(peaking, ssprq)
    assert found.overshoot_percent > 8.0
    assert found.undershoot_percent == pytest.approx(found.overshoot_percent, abs=1.0)
    above = np.mean(peaking > found.outer.p3_mw + found.overshoot_percent / 100 * found.outer.oma_mw)
    assert above == pytest.approx(0.01, abs=1e-4)
    assert abs(levels_of(1.0 + transmit(ssprq, pole=0.5), ssprq).overshoot_percent) < 1.0


def test_the_square_wave_settles_in_its_own_runs(transmit):
    symbols = pattern("SQUARE")
    waveform = Waveform(1.0 + transmit(symbols), symbols, 8, RATE)
    assert outer_levels(lock(waveform.signal(), symbols)).oma_mw == pytest.approx(1.0, abs=0.01)


def test_no_light_no_levels(prbs13q):
    result = levels_of(np.zeros(prbs13q.size * 8), prbs13q)
    assert isinstance(result, NotMeasurable)
    assert result.cause is Cause.DARK


def test_a_zero_level_below_zero_is_a_dark_calibration(prbs13q, transmit):
    with pytest.raises(CaptureError, match="dark calibration"):
        _ = levels_of(transmit(prbs13q) - 0.05, prbs13q).outer.extinction_ratio_db


def test_a_pattern_of_two_levels_has_no_four(transmit):
    symbols = pattern("PRBS11")
    with pytest.raises(CaptureError, match=r"symbols"):
        levels_of(1.0 + transmit(3 * symbols), 3 * symbols)
