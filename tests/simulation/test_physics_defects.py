"""Defects are physical parameters: each moves its own figure as a hand calculation says, and no other."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest

from measurements.capture import Waveform
from measurements.levels import Pam4Levels, measure_levels
from measurements.patterns import pattern
from measurements.tdecq import TdecqResult, tdecq
from simulation.physics.parameters import LaneParameters, TransceiverParameters, draw
from simulation.physics.scope_frontend import Sampling, ScopeFrontEnd
from tests.simulation.physics_bench import LANES, PLAIN, RATE, LoopbackBench, changed, dbm

BANDWIDTH_HZ = 0.52318 * RATE * 1e9
SAMPLING = Sampling("bert", RATE, 8191, RATE / 2, samples_per_symbol=8, averages=64, timebase_wobble_ps=0.0)


@dataclass(frozen=True)
class Figures:
    power_dbm: float
    oma_dbm: float
    er_db: float
    rlm: float
    tdecq_db: float
    transition_ps: float
    rin_oma_db_hz: float
    sensitivity_oma_dbm: float
    wavelength_nm: float


def figures(parameters: TransceiverParameters, lane: int = 2, case_c: float = 35.0) -> Figures:
    """Measure one lane as an ideal bench would, on PRBS13Q, noise on a square wave."""
    bench = LoopbackBench(parameters)
    bench.settle(case_c)
    levels, penalty_db = eye(bench, lane)
    power_dbm, oma_dbm = levels.outer.average_dbm, levels.outer.oma_dbm
    assert levels.rise_time_ps is not None
    assert levels.fall_time_ps is not None
    return Figures(
        power_dbm=power_dbm,
        oma_dbm=oma_dbm,
        er_db=levels.outer.extinction_ratio_db,
        rlm=levels.rlm,
        tdecq_db=penalty_db,
        transition_ps=max(levels.rise_time_ps, levels.fall_time_ps),
        sensitivity_oma_dbm=bench.sensitivity_dbm(lane) + oma_dbm - power_dbm,
        rin_oma_db_hz=rin_oma_db_hz(bench, lane),
        wavelength_nm=bench.beam(lane).wavelength_nm,
    )


def eye(bench: LoopbackBench, lane: int) -> tuple[Pam4Levels, float]:
    record = ScopeFrontEnd().acquire((bench.beam(lane),), SAMPLING, np.random.default_rng(1))
    symbols = pattern("PRBS13Q")
    levels = measure_levels(Waveform(record.power_mw, symbols, 8, RATE), noise_mw=0.002)
    noise_mw = float(np.sqrt(np.mean(np.square(record.noise_mw))))
    result = tdecq(
        record.power_mw,
        symbols,
        samples_per_symbol=8,
        symbol_rate_gbd=RATE,
        averages=64,
        signal_noise_mw=noise_mw,
        scope_noise_mw=SAMPLING.noise_mw,
    )
    assert isinstance(levels, Pam4Levels)
    assert isinstance(result, TdecqResult)
    return levels, result.tdecq_db


def rin_oma_db_hz(bench: LoopbackBench, lane: int) -> float:
    bench.bert.patterns = dict.fromkeys(LANES, "SQUARE")
    sampling = replace(SAMPLING, pattern_symbols=16, averages=1, noise_mw=0.0, samples_per_symbol=16)
    record = ScopeFrontEnd().acquire((bench.beam(lane),), sampling, np.random.default_rng(1))
    order = np.argsort(record.power_mw)
    flat = np.concatenate([order[:80], order[-80:]])
    oma_mw = record.power_mw[order[-80:]].mean() - record.power_mw[order[:80]].mean()
    noise_mw2 = float(np.mean(np.square(record.noise_mw[flat])))
    return dbm(noise_mw2 / BANDWIDTH_HZ / (oma_mw / 2) ** 2)


def modulation_depth(lane: LaneParameters) -> float:
    """Get OMA / (2 average power) from swing and half-wave voltage."""
    return math.sin(math.pi * lane.drive_swing_v / (2 * lane.half_wave_v))


GOOD = figures(PLAIN)


def assert_same(measured: Figures, *, but: set[str]) -> None:
    tolerance = {"tdecq_db": 0.06, "sensitivity_oma_dbm": 0.06, "rlm": 0.004, "transition_ps": 0.1}
    for name in Figures.__dataclass_fields__.keys() - but:
        close = pytest.approx(getattr(GOOD, name), abs=tolerance.get(name, 0.02))
        assert getattr(measured, name) == close, name


def test_a_typical_lane_is_what_a_data_sheet_says() -> None:
    assert pytest.approx(1.84, abs=0.02) == GOOD.power_dbm
    assert pytest.approx(2.0, abs=0.1) == GOOD.oma_dbm
    assert pytest.approx(5.0, abs=0.1) == GOOD.er_db
    assert 1.2 < GOOD.tdecq_db < 1.5
    assert GOOD.rlm > 0.97
    assert 11 < GOOD.transition_ps < 13
    assert GOOD.rin_oma_db_hz < -141
    assert -7.2 < GOOD.sensitivity_oma_dbm < -6.3


def test_coupling_loss_costs_power_decibel_for_decibel() -> None:
    bad = figures(changed(2, coupling_loss_db=4.2 + 3.0))
    assert bad.power_dbm == pytest.approx(GOOD.power_dbm - 3.0, abs=0.01)
    assert bad.oma_dbm == pytest.approx(GOOD.oma_dbm - 3.0, abs=0.01)
    # RINxOMA rises a little: shot noise does not fall as fast as the light
    assert_same(bad, but={"power_dbm", "oma_dbm", "rin_oma_db_hz"})


def test_extinction_crosses_3_5_db_at_the_swing_of_the_closed_form() -> None:
    ratio = 10**0.35
    floor = 10**-2.6
    depth = (ratio - 1) / (ratio + 1) * (1 + floor) / (1 - floor)
    swing_v = 2 * 6.0 / math.pi * math.asin(depth)
    above, below = (figures(changed(2, drive_swing_v=swing_v * factor)) for factor in (1.02, 0.98))
    assert below.er_db < 3.5 < above.er_db
    assert below.oma_dbm - GOOD.oma_dbm == pytest.approx(
        dbm(
            modulation_depth(changed(2, drive_swing_v=swing_v * 0.98).lanes[1])
            / modulation_depth(PLAIN.lanes[1])
        ),
        abs=0.03,
    )
    assert below.tdecq_db < 1.6
    assert below.power_dbm == pytest.approx(GOOD.power_dbm, abs=0.005)


def test_rin_crosses_its_limit_where_the_levels_say() -> None:
    # PN = RIN (P3² + P0²) / 2 + shot, PM = (OMA/2)²: with depth m, RINxOMA = RIN (1 + m²) / m² + shot
    lane = PLAIN.lanes[1]
    depth = modulation_depth(lane) * (1 - 10**-2.6) / (1 + 10**-2.6)
    average_mw = 10 ** (GOOD.power_dbm / 10)
    shot = 2 * 1.602e-19 * 1e3 / 0.7 / average_mw
    for rin_db_hz in (-145.0, -142.0):
        expected = dbm((10 ** (rin_db_hz / 10) * (1 + depth**2) + shot) / depth**2)
        bad = figures(changed(2, rin_db_hz=rin_db_hz))
        assert bad.rin_oma_db_hz == pytest.approx(expected, abs=0.1)
    assert bad.rin_oma_db_hz > -136
    assert bad.tdecq_db < 2.0
    assert_same(bad, but={"rin_oma_db_hz", "tdecq_db", "sensitivity_oma_dbm"})


def test_a_slow_modulator_is_late_by_its_pole() -> None:
    # edges add as squares; a pole takes ln 4 / (2 pi f) from 20 to 80 %
    pole_ps = {ghz: math.log(4) * 1e3 / (2 * math.pi * ghz) for ghz in (38.0, 11.0)}
    rest = GOOD.transition_ps**2 - pole_ps[38.0] ** 2
    bad = figures(changed(2, modulator_bandwidth_ghz=11.0))
    assert bad.transition_ps == pytest.approx(math.sqrt(rest + pole_ps[11.0] ** 2), rel=0.09)
    assert bad.transition_ps > 17
    assert bad.tdecq_db > 3.4
    assert bad.power_dbm == pytest.approx(GOOD.power_dbm, abs=0.005)
    assert bad.er_db == pytest.approx(GOOD.er_db, abs=0.15)


def test_compressed_levels_cost_rlm_and_tdecq_and_leave_power_and_extinction() -> None:
    # thresholds stay at a third of OMA, so the outer eyes shrink to RLM of their height
    slight, strong = (figures(changed(2, driver_compression=kappa)) for kappa in (0.8, 1.6))
    assert GOOD.rlm > slight.rlm > strong.rlm
    assert slight.rlm < 0.95
    assert GOOD.tdecq_db < slight.tdecq_db < GOOD.tdecq_db - dbm(slight.rlm)
    assert strong.tdecq_db > 3.4
    assert strong.power_dbm == pytest.approx(GOOD.power_dbm, abs=0.005)
    assert strong.er_db == pytest.approx(GOOD.er_db, abs=0.05)
    assert strong.rin_oma_db_hz == pytest.approx(GOOD.rin_oma_db_hz, abs=0.05)


def test_a_noisy_receiver_shows_in_its_sensitivity_alone() -> None:
    bad = figures(changed(2, tia_noise_pa_per_rthz=48.0))
    assert bad.sensitivity_oma_dbm - GOOD.sensitivity_oma_dbm == pytest.approx(dbm(48.0 / 24.0), abs=0.3)
    assert_same(bad, but={"sensitivity_oma_dbm"})


def test_a_wrong_wavelength_shows_in_the_wavelength_alone() -> None:
    bad = figures(changed(2, wavelength_nm=1318.5))
    assert bad.wavelength_nm == pytest.approx(1318.5, abs=0.01)
    assert_same(bad, but={"wavelength_nm"})


def test_a_dead_laser_is_dark_and_its_neighbours_are_not() -> None:
    bench = LoopbackBench(changed(2, laser_threshold_ma=1000.0))
    assert bench.unit.emission("tx2") == ()
    assert bench.unit.pre_fec_error_ratio(2) is None
    assert bench.unit.tx_power_mw(1) > 1.0
    assert bench.unit.bias_ma(2) == PLAIN.lanes[1].laser_bias_limit_ma


def test_a_thirsty_dsp_draws_its_power_over_the_converter() -> None:
    good, bad = LoopbackBench(), LoopbackBench(replace(PLAIN, dsp_power_w=PLAIN.dsp_power_w + 3.0))
    for bench in (good, bad):
        bench.settle(35.0)
    extra_a = bad.unit.supply_current_a() - good.unit.supply_current_a()
    assert extra_a == pytest.approx(3.0 / 0.90 / 3.3, rel=1e-3)


@pytest.mark.parametrize(("lane", "case_c"), [(1, 0.0), (2, 70.0), (3, 25.0), (4, 70.0)])
def test_good_units_pass_with_room_to_spare(lane: int, case_c: float) -> None:
    measured = figures(draw(PLAIN, lane, "PB2601A0042"), lane, case_c)
    assert -1.5 < measured.power_dbm < 3.0
    assert 0.5 < measured.oma_dbm < 3.2
    assert measured.er_db > 4.3
    assert measured.tdecq_db < 2.0
    assert measured.oma_dbm - measured.tdecq_db > -1.2
    assert measured.rlm > 0.95
    assert measured.transition_ps < 14
    assert measured.rin_oma_db_hz < -139
    assert measured.sensitivity_oma_dbm < -5.0
    assert 1305.5 < measured.wavelength_nm < 1316.5
