import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measurements.capture import CaptureError, Waveform, bessel_thomson, filtered, lock
from measurements.patterns import pattern
from measurements.quantity import Cause, NotMeasurable
from measurements.uneven import waveform_from_xy

RATE = 53.125
UI = 1e-9 / RATE


def farthest(values, expected):
    return np.abs(values - expected).max()


def test_bessel_thomson_is_3_db_down_at_its_bandwidth():
    response = bessel_thomson(np.array([0.0, 26.5625]), 26.5625)
    assert abs(response[0]) == pytest.approx(1.0)
    assert 20 * np.log10(abs(response[1])) == pytest.approx(-3.0103, abs=1e-3)


def test_the_filter_of_a_capture_is_the_reference_receiver(prbs13q, transmit):
    raw = Waveform(transmit(prbs13q, pole=0.5, receiver=False), prbs13q, 8, RATE)
    expected = transmit(prbs13q, pole=0.5)
    assert farthest(filtered(raw, 0.5 * RATE).power_mw, expected) < 1e-9
    series = raw.signal(reference_filter=True)
    assert farthest(series.at(0.0), expected[::8]) < 2e-4


@pytest.mark.parametrize("samples_per_symbol", [8, 16])
def test_a_series_gives_the_waveform_between_its_samples(prbs13q, transmit, samples_per_symbol):
    waveform = Waveform(transmit(prbs13q, samples_per_symbol, pole=0.5), prbs13q, samples_per_symbol, RATE)
    dense = transmit(prbs13q, 64, pole=0.5)
    for step in (0, 5, 37):
        assert farthest(waveform.signal().at(step / 64), dense[step::64]) < 3e-4


def test_samples_per_symbol_need_not_be_whole(transmit):
    symbols = pattern("PRBS13Q")[:8190]
    dense = transmit(symbols, 19, pole=0.5)[::2]  # 9.5 samples a symbol
    signal = Waveform(dense, symbols, 9.5, RATE).signal()
    assert farthest(signal.at(0.25), transmit(symbols, 8, pole=0.5)[2::8]) < 3e-4


@settings(max_examples=25, deadline=None)
@given(rotation=st.integers(0, 510), delay=st.floats(-0.5, 0.5))
def test_the_pattern_is_found_at_any_rotation_and_delay(transmit, rotation, delay):
    symbols = pattern("PRBS9Q")
    waveform = Waveform(1.0 + transmit(symbols, delay_ui=delay), np.roll(symbols, rotation), 8, RATE)
    locked = lock(waveform.signal(), waveform.pattern)
    values = locked.signal.at(locked.centre_ui)
    assert np.array_equal(np.searchsorted([1 / 6, 0.5, 5 / 6], values - 1.0), locked.symbols)


def test_inverted_light_is_named(prbs13q, transmit):
    waveform = Waveform(1.0 - transmit(prbs13q), prbs13q, 8, RATE)
    with pytest.raises(CaptureError, match="inverse") as caught:
        lock(waveform.signal(), prbs13q)
    assert caught.value.where == "polarity"


def test_another_pattern_of_equal_length_is_refused(prbs13q, transmit):
    other = np.random.default_rng(3).permutation(prbs13q)
    with pytest.raises(CaptureError, match="not with this pattern"):
        lock(Waveform(transmit(other), prbs13q, 8, RATE).signal(), prbs13q)


def test_dark_and_unmodulated_light_are_told_apart(prbs13q):
    noise = np.random.default_rng(1).normal(0.0, 1e-3, prbs13q.size * 8)
    for power_mw, cause in (
        (noise, Cause.DARK),
        (0.0 * noise, Cause.DARK),
        (1.0 + noise, Cause.NO_MODULATION),
        (1.0 + 0.0 * noise, Cause.NO_MODULATION),
    ):
        result = lock(Waveform(power_mw, prbs13q, 8, RATE).signal(), prbs13q)
        assert isinstance(result, NotMeasurable)
        assert result.cause is cause


def test_noise_as_large_as_the_eye_is_not_darkness(prbs13q, transmit):
    noisy = transmit(prbs13q) + np.random.default_rng(1).normal(0.0, 0.3, prbs13q.size * 8)
    assert not isinstance(lock(Waveform(noisy, prbs13q, 8, RATE).signal(), prbs13q), NotMeasurable)


def test_negative_light_is_a_dark_calibration(prbs13q, transmit):
    with pytest.raises(CaptureError, match="dark calibration"):
        lock(Waveform(transmit(prbs13q) - 2.0, prbs13q, 8, RATE).signal(), prbs13q)


def uneven(symbols, transmit, shake, seed=0):
    """Sample the waveform off the grid: by slow drift and by jitter, in steps."""
    rng = np.random.default_rng(seed)
    count = symbols.size * 8
    late = shake * (0.7 * np.sin(np.arange(count) / 900) + 0.3 * rng.uniform(-1, 1, count))
    k = np.fft.rfftfreq(count, 1 / count)
    lines = np.fft.rfft(transmit(symbols, pole=0.5))
    even = np.fft.irfft(lines, count)
    moved, factor = np.zeros(count), np.ones(count)
    for order in range(12):  # Taylor series, to rounding
        moved += factor * np.fft.irfft(lines, count)
        lines, factor = lines * (2j * np.pi * k / count), factor * late / (order + 1)
    return (np.arange(count) + late) / 8 * UI, moved, even


@pytest.mark.parametrize("shake", [0.05, 0.4])
def test_uneven_samples_return_to_the_grid(prbs13q, transmit, shake):
    time_s, power_mw, even = uneven(prbs13q, transmit, shake)
    assert np.abs(power_mw - even).max() > 10 * 1e-3 * shake
    back = waveform_from_xy(time_s + 3e-6, power_mw, pattern=prbs13q, symbol_rate_gbd=RATE)
    assert farthest(back.power_mw, even) < 4e-4


def test_resampling_keeps_the_noise(prbs13q, transmit):
    time_s, power_mw, even = uneven(prbs13q, transmit, 0.4)
    noise = np.random.default_rng(7).normal(0.0, 0.02, even.size)
    back = waveform_from_xy(time_s, power_mw + noise, pattern=prbs13q, symbol_rate_gbd=RATE)
    # Linear or cubic interpolation would lose 10 to 40 % here, in favour of the transmitter.
    assert np.std(back.power_mw - even) == pytest.approx(0.02, rel=0.01)


def test_an_even_record_is_left_alone(prbs13q, transmit):
    power_mw = transmit(prbs13q).astype(np.float32)
    time_s = np.arange(power_mw.size) / 8 * UI
    waveform = waveform_from_xy(time_s, power_mw, pattern=prbs13q, symbol_rate_gbd=RATE)
    assert np.array_equal(waveform.power_mw, power_mw)


def bad_records(symbols):
    time_s = np.arange(symbols.size * 8) / 8 * UI
    power = np.ones(time_s.size)
    hole = power.copy()
    hole[100] = np.nan
    back = time_s.copy()
    back[500] = back[400]
    endless = time_s.copy()
    endless[3] = np.inf
    missing = np.delete(time_s, [1000, 1001, 1002])
    return {
        "power": [(time_s, hole), (time_s, power.astype(int)), (time_s, power.reshape(8, -1))],
        "time axis": [(back, power), (endless, power), (time_s[:-1], power), (missing, power[:-3])],
        "record length": [
            (time_s * 1.01, power),
            (time_s[:-80], power[:-80]),
            (time_s[::4], power[::4]),
        ],
    }


def test_bad_records_are_refused_at_their_place(prbs13q):
    for where, records in bad_records(prbs13q).items():
        for time_s, power_mw in records:
            with pytest.raises(CaptureError) as caught:
                waveform_from_xy(time_s, power_mw, pattern=prbs13q, symbol_rate_gbd=RATE)
            assert caught.value.where == where
            assert caught.value.remedy in str(caught.value)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"samples_per_symbol": 7}, "record length"),
        ({"samples_per_symbol": 2}, "record length"),
        ({"symbol_rate_gbd": 0.0}, "symbol rate"),
        ({"pattern": np.array([0, 1], dtype=np.uint8)}, "pattern"),
        ({"pattern": np.full(8191, 4, dtype=np.uint8)}, "pattern"),
        ({"power_mw": np.array([], dtype=float)}, "record length"),
    ],
)
def test_a_waveform_checks_itself(prbs13q, change, where):
    good = {
        "power_mw": np.ones(8191 * 8),
        "pattern": prbs13q,
        "samples_per_symbol": 8,
        "symbol_rate_gbd": RATE,
    }
    with pytest.raises(CaptureError) as caught:
        Waveform(**{**good, **change})
    assert caught.value.where == where


@pytest.mark.parametrize(("end", "clip"), [("top", (0.0, 0.9)), ("bottom", (0.15, 2.0))])
def test_a_clipped_record_is_refused_at_its_end(prbs13q, transmit, end, clip):
    noisy = 0.1 + transmit(prbs13q) + np.random.default_rng(2).normal(0.0, 0.01, prbs13q.size * 8)
    with pytest.raises(CaptureError, match="clipped") as caught:
        Waveform(np.clip(noisy, *clip), prbs13q, 8, RATE)
    assert caught.value.where.startswith(end)


def test_repeated_values_alone_are_no_clipping(prbs13q, transmit):
    ideal = np.repeat(1.0 + prbs13q, 8).astype(float)
    coarse = np.round(transmit(prbs13q, pole=0.4) * 100.0) / 100.0
    for power_mw in (ideal, coarse, np.ones(prbs13q.size * 8)):
        assert Waveform(power_mw, prbs13q, 8, RATE).periods == 1


def test_symbols_must_be_whole_numbers(prbs13q):
    for symbols in (prbs13q.astype(float), prbs13q.astype(np.int64) - 1):
        with pytest.raises(CaptureError, match="whole numbers"):
            Waveform(np.ones(8191 * 8), symbols, 8, RATE)


def test_whole_periods_are_averaged_and_tell_their_spread(prbs13q, transmit):
    power_mw = np.tile(transmit(prbs13q), 4)
    noise = np.random.default_rng(3).normal(0.0, 0.02, power_mw.size)
    signal = Waveform(power_mw + noise, prbs13q, 8, RATE).signal()
    assert signal.periods == 4
    assert signal.spread == pytest.approx(0.02, rel=0.02)
    assert signal.white_noise == pytest.approx(0.01, rel=0.03)  # of the mean of four


@pytest.mark.parametrize("samples_per_symbol", [8, 16, 32])
def test_the_white_floor_is_that_of_the_sampler(prbs13q, transmit, samples_per_symbol):
    power_mw = transmit(prbs13q, samples_per_symbol, pole=0.5)
    clean = Waveform(power_mw, prbs13q, samples_per_symbol, RATE).signal()
    assert clean.white_noise < 1e-3
    noise = np.random.default_rng(4).normal(0.0, 0.02, power_mw.size)
    noisy = Waveform(power_mw + noise, prbs13q, samples_per_symbol, RATE).signal()
    assert noisy.white_noise == pytest.approx(0.02, rel=0.02)


def test_every_instant_passes_noise_alike(prbs13q):
    noise = 1.0 + np.random.default_rng(5).normal(0.0, 0.01, prbs13q.size * 16)
    signal = Waveform(noise, prbs13q, 16, RATE).signal()
    kept = [np.var(signal.at(phase)) for phase in np.linspace(0.0, 0.0625, 7)]
    assert kept == pytest.approx([signal.white_kept * 1e-4] * 7, rel=0.06)  # each known to 1.6 %
    together = np.cov(signal.at(0.3), signal.at(0.4))[0, 1]
    assert together == pytest.approx(1e-4 * signal.kept_covariance(np.array([0.1]))[0], rel=0.06)


@settings(max_examples=30, deadline=None)
@given(
    cycles=st.floats(0.0, 2.0),
    phase=st.floats(-1.0, 2.0),
    samples_per_symbol=st.sampled_from([8, 12, 16, 64]),
)
def test_a_tone_is_itself_between_samples(cycles, phase, samples_per_symbol):
    symbols = pattern("PRBS9Q")
    tone = round(cycles * symbols.size)  # whole cycles a period
    instants = np.arange(symbols.size * samples_per_symbol) / samples_per_symbol
    record = 2.0 + np.cos(2 * np.pi * tone * instants / symbols.size)
    # A pure tone repeats its top, as clipping does.
    record += np.random.default_rng(1).normal(0.0, 1e-9, record.size)
    values = Waveform(record, symbols, samples_per_symbol, RATE).signal().at(phase)
    expected = 2.0 + np.cos(2 * np.pi * tone * (np.arange(symbols.size) + phase) / symbols.size)
    assert farthest(values, expected) < 3e-4


def test_the_pattern_is_found_where_its_complement_stands_too(ssprq, transmit):
    # The first two quarters of SSPRQ are each other's complement: a stretch fits at two places.
    power_mw = transmit(ssprq, pole=0.4) + np.random.default_rng(6).normal(0.0, 0.1, ssprq.size * 8)
    for rotation in (0, 16384, 40000):
        sent = np.roll(ssprq, rotation)
        locked = lock(Waveform(power_mw, sent, 8, RATE).signal(), sent)
        assert np.array_equal(locked.symbols, np.roll(ssprq, 1))  # later by the transmitter's own delay


def test_a_pattern_drowned_in_noise_is_still_found_by_all_of_it(ssprq, transmit):
    power_mw = 1.0 + transmit(ssprq) + np.random.default_rng(6).normal(0.0, 0.8, ssprq.size * 8)
    locked = lock(Waveform(power_mw, ssprq, 8, RATE).signal(), ssprq)
    assert np.array_equal(locked.symbols, np.roll(ssprq, 1))


@pytest.mark.parametrize("delay", [0.0, 0.3, 0.5, 0.8])
@pytest.mark.parametrize(
    "symbols",
    [
        np.tile(np.repeat(np.array([3, 0], dtype=np.uint8), 8), 4),
        np.tile(np.array([1, 0], dtype=np.uint8), 32),
    ],
    ids=["square", "clock"],
)
def test_a_pattern_that_is_its_own_inverse_stands_upright(symbols, delay):
    instants = (np.arange(symbols.size * 16) / 16 - delay) % symbols.size
    run = 8 if symbols.max() == 3 else 1
    light = 1.0 + 0.4 * np.sin(np.pi * instants / run)
    locked = lock(Waveform(light, symbols, 16, RATE).signal(), symbols)
    assert locked.correlation > 0.9
