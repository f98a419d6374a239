from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq, minimize
from scipy.special import erfc

from measurements.capture import CaptureError
from measurements.patterns import pattern
from measurements.quantity import Cause, NotMeasurable
from measurements.reference_receivers import (
    IEEE_802_3BS,
    IEEE_802_3CD,
    LPO_MSA_100G_DR,
    REFERENCE_RECEIVERS,
    reference_receiver,
)
from measurements.tdecq import NoiseSource, TdecqResult, tdecq

IDENTITY = replace(IEEE_802_3CD, name="one tap", taps=1, main_taps=(0,), threshold_allowance=0.0)


def measure(power_mw, symbols, **options):
    options = {"samples_per_symbol": 8, "symbol_rate_gbd": 53.125, **options}
    return tdecq(power_mw, symbols, **options)


@pytest.mark.parametrize(
    ("filters", "options", "expected_db", "ceq", "oma", "main_taps"),
    [
        pytest.param({}, {"equalizer": IDENTITY}, 0.704, 1.0, 1.00002, (0,), id="B0"),
        pytest.param({}, {}, 0.320, 1.0551, 1.00002, (1, 2), id="B1"),
        pytest.param({"pole": 0.5}, {}, 1.223, 1.2537, 0.99986, (1, 2), id="B2"),
        pytest.param({"pole": 0.25}, {}, 2.607, 1.7021, 0.99242, (1,), id="B4"),
        pytest.param({"bessel": 0.5}, {}, 1.272, 1.2509, 1.00000, (2,), id="B5"),
    ],
)
def test_published_cases(ssprq, transmit, filters, options, expected_db, ceq, oma, main_taps):
    result = measure(transmit(ssprq, **filters), np.roll(ssprq, 4711), **options)
    assert result.tdecq_db == pytest.approx(expected_db, abs=0.01)
    assert 10 ** (result.ceq_db / 10) == pytest.approx(ceq, abs=0.012)
    assert result.oma_outer_mw == pytest.approx(oma, abs=1e-4)
    assert result.main_tap in main_taps
    assert result.taps.sum() == pytest.approx(1.0)
    assert max(result.ser_left, result.ser_right) == pytest.approx(4.8e-4, rel=1e-3)
    assert min(result.ser_left, result.ser_right) > 0.98 * 4.8e-4  # the pair stands in balance


def test_published_case_on_prbs13q(prbs13q, transmit):
    result = measure(transmit(prbs13q, 16, pole=0.5), prbs13q, samples_per_symbol=16)
    assert result.tdecq_db == pytest.approx(1.235, abs=0.005)


def test_published_case_with_noise_however_it_is_averaged(ssprq, transmit):
    clean, rng = transmit(ssprq, pole=0.5), np.random.default_rng(5)
    for averages in (1, 16):
        noisy = clean + rng.normal(0.0, 0.02 / averages**0.5, clean.size)
        stated = {"averages": averages, "signal_noise_mw": 0.02}
        result = measure(noisy, ssprq, **(stated if averages > 1 else {}))
        assert result.tdecq_db == pytest.approx(1.982, abs=0.03)
        assert result.noise_source is (NoiseSource.STATED if averages > 1 else NoiseSource.RECORD)
        if averages == 1:
            assert result.noise_mw == pytest.approx(0.02, rel=0.01)


# ---- an independent reference: slow, from the definition, sharing nothing with the library ----


class Definition:
    """The record as a spline, every histogram sample looked at by itself."""

    def __init__(self, power, symbols, samples_per_symbol, delay=0.0):
        self.symbols = symbols  # symbol i is sent from i to i + 1, and seen `delay` later
        self.delay = delay
        self.count = symbols.size
        time = np.arange(power.size + 1) / samples_per_symbol
        self.spline = CubicSpline(time, np.append(power, power[0]), bc_type="periodic")
        self.average = power.mean()
        self.oma = self.settled(3, 7) - self.settled(0, 6)

    def settled(self, symbol, length):
        text = "".join(map(str, np.tile(self.symbols, 2)))
        found = []
        for i in range(1, self.count + 1):
            run = text[i : i + length] == str(symbol) * length
            if run and text[i - 1] != str(symbol) != text[i + length]:
                middle = i + length / 2 + self.delay
                found.append(self.spline(np.linspace(middle - 1, middle + 1, 401) % self.count).mean())
        return np.mean(found)

    def row(self, time):
        return self.spline((np.arange(self.count) + time) % self.count)

    def equalised(self, time, taps, main):
        return sum(tap * self.row(time + main - i) for i, tap in enumerate(taps))

    def error_ratio(self, taps, main, middle, offsets, noise, points=3):
        pairs = [(a * b, abs(i - j)) for i, a in enumerate(taps) for j, b in enumerate(taps)]
        enhanced = noise * np.sqrt(sum(product * RHO[lag] for product, lag in pairs))
        sides = []
        for side in (-0.05, 0.05):
            total = 0.0
            for point in (np.arange(points) + 0.5) / points:
                values = self.equalised(middle + side + 0.04 * (point - 0.5), taps, main)
                for k in (-1, 0, 1):
                    threshold = self.average + k * self.oma / 3 + offsets[k + 1]
                    total += np.mean(0.5 * erfc(np.abs(values - threshold) / enhanced / 2**0.5)) / points
            sides.append(total)
        return max(sides)

    def tdecq_db(self, taps, main, middle, offsets):
        def excess(log_noise):
            ratio = self.error_ratio(taps, main, middle, offsets, np.exp(log_noise), points=5)
            return np.log(max(ratio, 1e-300) / 4.8e-4)

        noise = np.exp(brentq(excess, np.log(0.002 * self.oma), np.log(0.1 * self.oma), xtol=1e-4))
        return 10 * np.log10(self.oma / (6 * 3.414 * noise))


RHO = (1.0, 0.02056, 0.00135, -0.00008, 0.0)


def echoing(transmit, symbols, samples_per_symbol=8):
    """Build a slow, compressed transmitter with an echo 1.4 symbols late."""
    clean = transmit(symbols, samples_per_symbol, pole=0.4)
    bent = clean - 0.06 * (clean - 0.5) ** 3
    return 0.3 + bent + 0.05 * np.roll(bent, round(1.5 * samples_per_symbol))


def test_the_definition_agrees_on_the_settings_found(prbs13q, transmit):
    power = echoing(transmit, prbs13q)
    result = measure(power, prbs13q)
    reference = Definition(power, prbs13q, 8)
    reference.oma = result.oma_outer_mw
    # The blind rule looks at all symbols alike: whole symbols of delay do not matter to it.
    found = reference.tdecq_db(result.taps, result.main_tap, result.phase_ui, result.threshold_offsets_mw)
    assert found == pytest.approx(result.tdecq_db, abs=0.005)


def test_a_search_of_its_own_finds_nothing_better(prbs13q, transmit):
    power = echoing(transmit, prbs13q)
    result = measure(power, prbs13q)
    reference = Definition(power, prbs13q, 8)
    reference.oma = result.oma_outer_mw
    noise = result.sigma_mw
    middle = 1.55  # half a symbol, and the delay of one pole and the receiver
    rows = np.stack([reference.row(middle + 2 - i) for i in range(5)], axis=1)
    wanted = reference.average + reference.oma * (prbs13q - 1.5) / 3
    start = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    start /= start.sum()

    def cost(free):
        taps = np.insert(free[:4], 2, 1.0 - sum(free[:4]))
        return np.log(reference.error_ratio(taps, 2, free[4], np.zeros(3), noise, points=1))

    begin = np.append(np.delete(start, 2), middle)
    best = minimize(cost, begin, method="Nelder-Mead", options={"maxfev": 120}).fun
    assert best < np.log(4.8e-4) + 0.6  # it did search
    # A window of no width flatters by 0.02 dB, 0.5 % in noise, 5 % in error ratio.
    assert best > np.log(4.8e-4) - 0.12


def test_outer_levels_agree_with_the_definition(prbs13q, transmit):
    power = transmit(prbs13q, 16, bessel=0.6)
    delay = 2.113917675 / (2 * np.pi) * (1 / 0.5 + 1 / 0.6)  # of both filters, at zero frequency
    oma = Definition(power, prbs13q, 16, delay).oma
    result = measure(power, prbs13q, samples_per_symbol=16)
    assert oma == pytest.approx(result.oma_outer_mw, rel=1e-4)


# ---- what physics demands ----


@settings(max_examples=3, deadline=None)
@given(
    scale=st.floats(1e-3, 50.0),
    offset=st.floats(0.01, 2.0),
    shift=st.floats(0.0, 1.0),
    rotation=st.integers(0, 8190),
)
def test_scale_offset_and_time_do_not_matter(prbs13q, transmit, scale, offset, shift, rotation):
    still = measure(0.1 + transmit(prbs13q, pole=0.45), prbs13q)
    moved = measure(
        scale * (offset + transmit(prbs13q, pole=0.45, delay_ui=shift)), np.roll(prbs13q, rotation)
    )
    assert moved.tdecq_db == pytest.approx(still.tdecq_db, abs=0.006)
    assert moved.oma_outer_mw == pytest.approx(scale * still.oma_outer_mw, rel=1e-4)


@settings(max_examples=3, deadline=None)
@given(low=st.floats(0.0, 0.02), more=st.floats(0.002, 0.01))
def test_more_noise_is_never_better(prbs13q, transmit, low, more):
    power = transmit(prbs13q, pole=0.5)
    quiet, noisy = (
        measure(power, prbs13q, averages=10**6, signal_noise_mw=noise) for noise in (low, low + more)
    )
    assert noisy.tdecq_db > quiet.tdecq_db


def test_noise_subtracts_in_squares(prbs13q, transmit):
    power = transmit(prbs13q, pole=0.5)
    clean = measure(power, prbs13q)
    noisy = measure(power, prbs13q, averages=10**6, signal_noise_mw=0.02)
    assert noisy.sigma_mw**2 == pytest.approx(clean.sigma_mw**2 - 0.02**2, rel=2e-3)


def test_a_slower_transmitter_is_worse(prbs13q, transmit):
    values = [measure(transmit(prbs13q, pole=pole), prbs13q).tdecq_db for pole in (0.8, 0.5, 0.3)]
    assert values == sorted(values)


def test_scope_noise_is_credited_when_it_is_there(prbs13q, transmit):
    power = transmit(prbs13q, 16, pole=0.5)
    noise = np.random.default_rng(2).normal(0.0, 0.02, power.size)
    still = measure(power, prbs13q, samples_per_symbol=16).tdecq_db
    credited = measure(power + noise, prbs13q, samples_per_symbol=16, scope_noise_mw=0.02)
    assert credited.tdecq_db == pytest.approx(still, abs=3 * credited.standard_error_db)
    assert credited.scope_noise_credited_mw == pytest.approx(0.02, rel=0.02)


def test_weak_light_behind_a_lossy_path_is_no_closed_eye(prbs13q, transmit):
    # The eye bears 0.045 mW; the scope alone adds 0.06 mW to each acquisition, and averaging takes it away.
    power = transmit(prbs13q)
    own, scope, averages = 0.01, 0.06, 64
    noise = np.random.default_rng(5).normal(0.0, np.hypot(own, scope) / np.sqrt(averages), power.size)
    expected = measure(power, prbs13q, averages=averages, signal_noise_mw=own)
    found = measure(
        power + noise,
        prbs13q,
        averages=averages,
        signal_noise_mw=float(np.hypot(own, scope)),
        scope_noise_mw=scope,
    )
    assert found.tdecq_db == pytest.approx(expected.tdecq_db, abs=0.1)


def test_scope_noise_is_not_credited_to_a_clean_record(prbs13q, transmit):
    power = transmit(prbs13q, pole=0.5)
    plain = measure(power, prbs13q)
    credited = measure(power, prbs13q, scope_noise_mw=0.02)
    assert credited.tdecq_db == pytest.approx(plain.tdecq_db, abs=0.002)


def test_several_periods_tell_their_noise_themselves(prbs13q, transmit):
    power = np.tile(transmit(prbs13q, pole=0.5), 8)
    noisy = power + np.random.default_rng(4).normal(0.0, 0.02, power.size)
    result = measure(noisy, prbs13q)
    known = measure(power[: power.size // 8], prbs13q, averages=10**6, signal_noise_mw=0.02)
    assert result.noise_source is NoiseSource.PERIODS
    assert result.noise_mw == pytest.approx(0.02, rel=0.02)
    assert result.tdecq_db == pytest.approx(known.tdecq_db, abs=3 * result.standard_error_db)


def test_the_standard_error_is_the_scatter(prbs13q, transmit):
    power, rng = transmit(prbs13q, pole=0.5), np.random.default_rng(11)
    results = [measure(power + rng.normal(0.0, 0.01, power.size), prbs13q) for _ in range(8)]
    scatter = np.std([r.tdecq_db for r in results], ddof=1)
    stated = np.mean([r.standard_error_db for r in results])
    assert scatter == pytest.approx(stated, rel=0.5)  # 8 draws know a scatter to 27 %
    assert stated > 0.005


def test_a_record_without_the_filter_can_be_filtered_here(prbs13q, transmit):
    bare = measure(transmit(prbs13q, pole=0.5, receiver=False), prbs13q, reference_filter=True)
    assert bare.tdecq_db == pytest.approx(measure(transmit(prbs13q, pole=0.5), prbs13q).tdecq_db, abs=0.01)


def test_float32_is_enough(prbs13q, transmit):
    power = transmit(prbs13q, pole=0.5)
    single = measure(power.astype(np.float32), prbs13q)
    assert single.tdecq_db == pytest.approx(measure(power, prbs13q).tdecq_db, abs=0.002)


def test_clauses_differ_as_their_data_say(prbs13q, transmit):
    power = transmit(prbs13q, pole=0.3)
    five, fixed, nine = (
        measure(power, prbs13q, equalizer=receiver)
        for receiver in (IEEE_802_3CD, IEEE_802_3BS, LPO_MSA_100G_DR)
    )
    assert not fixed.threshold_offsets_mw.any()
    assert np.abs(five.threshold_offsets_mw).max() <= 0.01 * five.oma_outer_mw * (1 + 1e-9)
    assert fixed.main_tap in (0, 1)
    assert nine.taps.size == 9
    assert max(nine.ser_left, nine.ser_right) == pytest.approx(4.0e-4, rel=1e-3)
    assert five.tdecq_db <= fixed.tdecq_db + 0.002


def test_the_main_tap_keeps_its_least_value(prbs13q, transmit):
    # An overshooting transmitter wants a low-pass equaliser, which the clause forbids.
    power = transmit(prbs13q)
    peaking = 1.0 + 1.5 * power - 0.25 * np.roll(power, 8) - 0.25 * np.roll(power, -8)
    free = measure(peaking, prbs13q, equalizer=replace(IEEE_802_3CD, main_tap_min=None))
    bound = measure(peaking, prbs13q)
    assert free.taps[free.main_tap] < 0.8
    assert bound.taps[bound.main_tap] == pytest.approx(0.8, abs=1e-6)
    assert bound.tdecq_db >= free.tdecq_db


def test_results_are_read_only(prbs13q, transmit):
    result = measure(transmit(prbs13q), prbs13q)
    assert isinstance(result, TdecqResult)
    with pytest.raises(ValueError, match="read-only"):
        result.taps[0] = 1.0


# ---- what cannot be measured ----


def refused(result, cause, words):
    assert isinstance(result, NotMeasurable)
    assert result.cause is cause
    assert words in result.reason


def test_dark_and_still_light(prbs13q):
    noise = np.random.default_rng(0).normal(0.0, 1e-3, prbs13q.size * 8)
    refused(measure(noise, prbs13q), Cause.DARK, "no light")
    refused(measure(noise, prbs13q, averages=16, signal_noise_mw=4e-3), Cause.DARK, "no light")
    refused(measure(1.0 + noise, prbs13q), Cause.NO_MODULATION, "not modulated")


def test_an_averaged_record_needs_its_noise(prbs13q, transmit):
    result = measure(transmit(prbs13q), prbs13q, averages=16)
    assert isinstance(result, NotMeasurable)
    assert "signal_noise_mw" in result.reason
    assert result.evidence == {"averages": 16}


def test_a_closed_eye_is_not_given_a_number(prbs13q, transmit):
    rng = np.random.default_rng(0)
    power = transmit(prbs13q, pole=0.5)
    refused(measure(power, prbs13q, averages=64, signal_noise_mw=0.06), Cause.EYE_CLOSED, "own noise")
    drowned = power + rng.normal(0.0, 0.15, power.size)
    assert measure(drowned, prbs13q).cause is Cause.EYE_CLOSED
    echo = power + 0.9 * np.roll(power, 8 * 40)  # beyond the reach of five taps
    refused(measure(echo, prbs13q), Cause.EYE_CLOSED, "no TDECQ")


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"averages": 0}, "averages"),
        ({"scope_noise_mw": -1e-3}, "scope_noise_mw"),
        ({"signal_noise_mw": float("nan")}, "signal_noise_mw"),
        ({"samples_per_symbol": 9}, "record length"),
    ],
)
def test_bad_arguments_are_named(prbs13q, transmit, options, where):
    with pytest.raises(CaptureError) as caught:
        measure(transmit(prbs13q), prbs13q, **options)
    assert caught.value.where == where


def test_a_pattern_without_settled_runs_is_refused(transmit):
    symbols = pattern("PRBS7Q")
    with pytest.raises(CaptureError, match="no run of exactly"):
        measure(1.0 + transmit(symbols), symbols)


def test_reference_receivers_are_found_by_name():
    names = [receiver.name for receiver in REFERENCE_RECEIVERS]
    assert len(set(names)) == len(names)
    assert reference_receiver("IEEE 802.3cd") is IEEE_802_3CD
    with pytest.raises(ValueError, match="known: IEEE"):
        reference_receiver("IEEE 802.3xx")
