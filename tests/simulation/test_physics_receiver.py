"""The receiver: from light to errors."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.physics.receiver import Eye, Noise, bit_error_ratio, symbol_error_ratio
from tests.simulation.physics_bench import PLAIN, LoopbackBench, changed


def open_eye(sigma: float, taps: int = 1) -> tuple[Eye, Noise]:
    """Ideal levels 0, 1/3, 2/3, 1 without interference, and white noise."""
    levels = np.tile(np.arange(4, dtype=np.uint8), 2048)
    np.random.default_rng(1).shuffle(levels)
    samples = levels / 3.0
    windows = np.stack([np.roll(samples, -k) for k in np.arange(taps) - taps // 2], axis=1)
    return Eye(windows, levels, np.eye(taps), 0.0), Noise(sigma**2, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("q", [2.0, 3.414, 4.5])
def test_an_ideal_eye_errs_as_q_says(q: float) -> None:
    eye, noise = open_eye(1 / 6 / q)
    tail = 0.5 * math.erfc(q / math.sqrt(2))
    assert symbol_error_ratio(eye, noise) == pytest.approx(1.5 * tail, rel=1e-3)
    assert bit_error_ratio(eye, noise, 0.0) == pytest.approx(0.75 * tail, rel=1e-3)


def test_q_3_414_is_the_error_ratio_of_the_standard() -> None:
    eye, noise = open_eye(1 / 6 / 3.414)
    assert symbol_error_ratio(eye, noise) == pytest.approx(4.8e-4, rel=2e-3)


def test_an_equaliser_undoes_an_echo_at_the_price_of_noise() -> None:
    eye, noise = open_eye(1 / 6 / 4.0, taps=9)
    echo = replace(eye, windows=eye.windows + 0.2 * np.roll(eye.windows, 1, axis=0))
    alone = symbol_error_ratio(eye, noise)
    equalised = symbol_error_ratio(echo, noise)
    assert alone < equalised < 20 * alone
    single = replace(echo, windows=echo.windows[:, 4:5], correlation=np.eye(1))
    assert symbol_error_ratio(single, noise) > 50 * equalised


def test_the_floor_stays_when_all_else_is_good() -> None:
    eye, noise = open_eye(1e-4)
    assert bit_error_ratio(eye, noise, 3e-6) == pytest.approx(3e-6)


@settings(max_examples=25, deadline=None)
@given(attenuation=st.floats(0.0, 8.0), more=st.floats(0.05, 3.0))
def test_more_attenuation_never_makes_fewer_errors(attenuation: float, more: float) -> None:
    bench = LoopbackBench()
    assert bench.error_ratio_at(2, attenuation) <= bench.error_ratio_at(2, attenuation + more) * (1 + 1e-9)


def test_a_typical_receiver_meets_its_sensitivity_with_margin() -> None:
    bench = LoopbackBench()
    # OMA is 0.17 dB above the average power at 5 dB of extinction
    assert -7.2 < bench.sensitivity_dbm(2) + 0.17 < -6.2


def test_the_waterfall_is_as_steep_as_gaussian_noise_makes_it() -> None:
    # 1.25 decades for each optical dB at 2.4e-4, when nothing but thermal noise disturbs
    clean = {"converter_noise": 0.0, "jitter_ps": 0.0, "rin_db_hz": -170.0, "receiver_crosstalk_db": -80.0}
    bench = LoopbackBench(changed(2, **clean))
    bench.sensitivity_dbm(2)
    at_db = bench.attenuators.loss_db[2]
    ratios = [bench.error_ratio_at(2, at_db + step_db) for step_db in (0.2, -0.2)]
    assert math.log10(ratios[0] / ratios[1]) / 0.4 == pytest.approx(1.25, rel=0.1)


def test_twice_the_noise_costs_3_db() -> None:
    good = LoopbackBench(changed(2, converter_noise=0.0)).sensitivity_dbm(2)
    noise_pa = 2 * PLAIN.lanes[1].tia_noise_pa_per_rthz
    bad = LoopbackBench(changed(2, converter_noise=0.0, tia_noise_pa_per_rthz=noise_pa)).sensitivity_dbm(2)
    # relative noise (RIN, jitter) is the same at both powers, shot noise falls behind: a little under 3.01
    assert bad - good == pytest.approx(3.01, abs=0.15)


@pytest.mark.parametrize(
    "worse",
    [
        {"responsivity_a_per_w": 0.4},
        {"receiver_bandwidth_ghz": 12.0},
        {"rin_db_hz": -140.0},
        {"converter_noise": 0.04},
        {"modulator_bandwidth_ghz": 15.0},
        {"drive_swing_v": 1.3},
        {"jitter_ps": 0.8},
    ],
)
def test_each_imperfection_costs_sensitivity_on_its_own_lane_alone(worse: dict[str, float]) -> None:
    good, bad = LoopbackBench(), LoopbackBench(changed(2, **worse))
    assert bad.sensitivity_dbm(2) > good.sensitivity_dbm(2) + 0.1
    assert bad.error_ratio_at(3, 4.0) == pytest.approx(good.error_ratio_at(3, 4.0), rel=1e-3)


def test_strong_neighbours_disturb_a_weak_lane() -> None:
    quiet = LoopbackBench(changed(2, receiver_crosstalk_db=-60.0))
    loud = LoopbackBench(changed(2, receiver_crosstalk_db=-20.0))
    assert loud.sensitivity_dbm(2) > quiet.sensitivity_dbm(2) + 0.2
    for lane in (1, 3):
        loud.attenuators.loss_db[lane] = 20.0
    assert loud.sensitivity_dbm(2) == pytest.approx(quiet.sensitivity_dbm(2), abs=0.05)


def test_dispersion_and_chirp_close_the_eye() -> None:
    chirped = changed(2, chirp_alpha=1.5)
    near = LoopbackBench(chirped).sensitivity_dbm(2)
    far = LoopbackBench(chirped, dispersion_ps_nm=30.0).sensitivity_dbm(2)
    assert far > near + 0.3


def test_errors_of_the_host_are_carried_along() -> None:
    bench = LoopbackBench()
    original = bench.bert.electrical_emission

    class Dirty:
        def arriving(self, port: str) -> object:
            signal = original(port.removeprefix("host_tx"))
            return None if signal is None else replace(signal, error_ratio=1e-5)

    bench.unit.connect_electrical(Dirty())
    assert bench.unit.pre_fec_error_ratio(1) == pytest.approx(1e-5, rel=0.01)
