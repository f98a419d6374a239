"""The optical front end of a sampling scope, and the detector of a power meter."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from measurements.patterns import find_phase, pattern
from simulation.physics import modulator
from simulation.physics.emitter import SteadyLight
from simulation.physics.light import Beam
from simulation.physics.scope_frontend import Record, Sampling, ScopeFrontEnd, detected_power_mw
from tests.simulation.physics_bench import PLAIN, RATE, LoopbackBench, changed, dbm

SAMPLING = Sampling("bert", RATE, 8191, RATE / 2, samples_per_symbol=8)
QUIET = replace(SAMPLING, noise_mw=0.0, jitter_ps=0.0, timebase_wobble_ps=0.0, averages=10**6)


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


@cache
def bench() -> LoopbackBench:
    return LoopbackBench()


def take(sampling: Sampling, lane: int = 1, unit: LoopbackBench | None = None) -> Record:
    light = (unit or bench()).light.arriving(f"scope.{lane}")
    return ScopeFrontEnd().acquire(light, sampling, rng())


def test_a_record_has_the_average_power_that_arrives() -> None:
    light = bench().light.arriving("scope.1")
    record = take(QUIET)
    assert record.power_mw.dtype == np.float32
    assert record.power_mw.size == 8191 * 8
    assert record.power_mw.mean() == pytest.approx(light[0].power_mw, rel=1e-5)
    assert record.locked


def test_a_record_shows_the_pattern_that_was_sent() -> None:
    record = take(QUIET)
    by_phase = [find_phase(record.power_mw[phase::8], pattern("PRBS13Q")) for phase in range(8)]
    best = max(by_phase, key=lambda place: place.correlation)
    assert best.correlation > 0.97
    assert not best.inverted


def test_settled_levels_have_the_extinction_of_the_modulator() -> None:
    square = LoopbackBench()
    square.bert.patterns[1] = "SQUARE"
    square.settle(35.0)
    record = take(replace(QUIET, pattern_symbols=16), 1, square)
    high, low = (np.sort(record.power_mw)[part].mean() for part in (slice(-50, -40), slice(40, 50)))
    levels = modulator.settled_levels(PLAIN.lanes[0], 35.0)
    assert dbm(high / low) == pytest.approx(dbm(levels[3] / levels[0]), abs=0.05)


def test_averaging_divides_noise_by_the_root_of_the_number() -> None:
    truth = take(QUIET).power_mw
    sampling = replace(SAMPLING, noise_mw=0.05, timebase_wobble_ps=0.0, jitter_ps=0.0)
    noises = [np.std(take(replace(sampling, averages=n)).power_mw - truth) for n in (1, 16)]
    assert noises[0] / noises[1] == pytest.approx(4.0, rel=0.03)


def test_noise_is_what_its_parts_add_up_to() -> None:
    # a steady beam: own noise, RIN within 1.0464 x 26.5625 GHz, shot noise of 0.7 A/W
    beam = Beam(SteadyLight("laser.out", 1310.0, rin_db_hz=-135.0), 1310.0, 2.0)
    record = ScopeFrontEnd().acquire((beam,), replace(SAMPLING, noise_mw=0.010), rng())
    bandwidth_hz = 1.046369 * RATE / 2 * 1e9
    rin = 4.0 * 10**-13.5 * bandwidth_hz
    shot = 2 * 1.602e-19 * 2.0e-3 / 0.7 * bandwidth_hz * 1e6
    expected = math.sqrt(0.010**2 + rin + shot)
    assert record.noise_mw[0] == pytest.approx(expected, rel=1e-4)
    assert record.power_mw.std() == pytest.approx(expected, rel=0.02)
    assert record.power_mw.mean() == pytest.approx(2.0, rel=1e-3)


def test_noise_of_a_lane_grows_with_its_level_by_its_rin() -> None:
    noisy = LoopbackBench(changed(1, rin_db_hz=-130.0))
    record = take(replace(QUIET, averages=1), 1, noisy)
    rin = math.sqrt(10**-13.0 * 1.046369 * RATE / 2 * 1e9)
    brightest = int(np.argmax(record.noise_mw))
    clean = take(QUIET, 1, noisy).power_mw
    assert record.noise_mw[brightest] == pytest.approx(clean[brightest] * rin, rel=0.01)
    assert record.noise_mw.max() / record.noise_mw.min() > 2.5


def test_jitter_disturbs_edges_and_leaves_settled_levels_alone() -> None:
    square = LoopbackBench(changed(1, jitter_ps=0.5, rin_db_hz=-200.0))
    square.bert.patterns[1] = "SQUARE"
    sampling = replace(QUIET, pattern_symbols=16 * 512, samples_per_symbol=16)
    mean = take(sampling, 1, square).power_mw
    error = (take(replace(sampling, averages=1), 1, square).power_mw - mean).reshape(512, 256).std(axis=0)
    slope = np.gradient(mean[:256]) * (RATE * 16 / 1e3)
    steepest = int(np.argmax(np.abs(slope)))
    assert error[steepest] == pytest.approx(abs(slope[steepest]) * 0.5, rel=0.12)
    # on the low level only shot noise is left
    low = np.argsort(mean[:256])[20:40]
    shot = 2 * 1.602e-19 / 0.7 * 1.046369 * RATE / 2 * 1e9 * 1e3
    assert error[low].mean() == pytest.approx(math.sqrt(shot * mean[low].mean()), rel=0.05)


def test_samples_lie_where_the_record_says_they_do() -> None:
    even = take(QUIET)
    strayed = take(replace(QUIET, timebase_wobble_ps=0.3))
    step_ps = 1e3 / RATE / 8
    assert np.ptp(np.diff(even.time_ps)) < 1e-6
    assert np.abs(strayed.time_ps - even.time_ps).max() == pytest.approx(0.3, rel=0.01)
    there = np.interp(strayed.time_ps, even.time_ps, even.power_mw)
    naive = np.abs(strayed.power_mw - even.power_mw)[100:-100].max()
    assert np.abs(strayed.power_mw - there)[100:-100].max() < 0.5 * naive
    assert np.diff(strayed.time_ps).min() > 0.9 * step_ps


@pytest.mark.parametrize(
    "wrong",
    [{"timebase": None}, {"timebase": "other"}, {"symbol_rate_gbd": 53.1}, {"pattern_symbols": 8000}],
)
@pytest.mark.parametrize("averages", [1, 64])
def test_light_that_the_trigger_does_not_follow_is_a_smear(wrong: dict[str, object], averages: int) -> None:
    locked = take(QUIET)
    record = take(replace(QUIET, averages=averages, **wrong))
    assert not record.locked
    assert record.power_mw.mean() == pytest.approx(locked.power_mw.mean(), rel=0.02)
    assert record.power_mw.std() == pytest.approx(locked.power_mw.std() / math.sqrt(averages), rel=0.05)
    shared = min(record.power_mw.size, locked.power_mw.size)
    correlation = np.corrcoef(record.power_mw[:shared], locked.power_mw[:shared])[0, 1]
    assert abs(correlation) < 0.03


def test_a_record_of_whole_periods_is_locked() -> None:
    square = LoopbackBench()
    square.bert.patterns[1] = "SQUARE"
    record = take(replace(QUIET, pattern_symbols=64), 1, square)
    assert record.locked
    assert record.power_mw[:128] == pytest.approx(record.power_mw[128:256], abs=1e-4)


def test_a_pattern_too_long_for_any_record_is_never_locked() -> None:
    unit = LoopbackBench()
    unit.bert.patterns[1] = "PRBS31Q"
    assert not take(replace(QUIET, pattern_symbols=32768), 1, unit).locked


def test_a_dark_input_shows_the_scope_s_own_noise() -> None:
    record = ScopeFrontEnd().acquire((), SAMPLING, rng())
    assert record.locked
    assert record.power_mw.mean() == pytest.approx(0.0, abs=1e-4)
    assert record.power_mw.std() == pytest.approx(SAMPLING.noise_mw, rel=0.02)


def test_loss_on_the_way_scales_the_record() -> None:
    beam = bench().beam(1)
    near, far = (
        ScopeFrontEnd().acquire((light,), QUIET, rng()).power_mw for light in (beam, beam.after(3.0))
    )
    assert np.allclose(far, near * 10**-0.3, rtol=1e-3)


def test_equal_seeds_give_equal_records_and_others_do_not() -> None:
    light = bench().light.arriving("scope.2")
    first, again, other = (
        ScopeFrontEnd().acquire(light, SAMPLING, np.random.default_rng(seed)).power_mw for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_lane_that_changed_is_not_shown_from_memory() -> None:
    scope, unit = ScopeFrontEnd(), LoopbackBench()
    before = scope.acquire(unit.light.arriving("scope.1"), QUIET, rng())
    unit.settle(70.0)
    after = scope.acquire(unit.light.arriving("scope.1"), QUIET, rng())
    assert (
        np.abs(after.power_mw / after.power_mw.mean() - before.power_mw / before.power_mw.mean()).max()
        > 0.005
    )


def test_an_averaging_detector_reads_all_light_and_less_noise_the_longer_it_looks() -> None:
    beam = Beam(SteadyLight("laser.out", 1310.0), 1310.0, 0.5)
    generator = rng()

    def readings(averaging_s: float) -> np.ndarray:
        return np.array(
            [
                detected_power_mw((beam, beam), generator, averaging_s=averaging_s, noise_mw_per_rthz=1e-3)
                for _ in range(2000)
            ]
        )

    fast, slow = readings(0.01), readings(1.0)
    assert fast.mean() == pytest.approx(1.0, abs=1e-3)
    assert fast.std() == pytest.approx(1e-3 / math.sqrt(0.02), rel=0.06)
    assert fast.std() / slow.std() == pytest.approx(10.0, rel=0.1)
