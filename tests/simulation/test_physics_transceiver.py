"""The transceiver: what it emits, draws, receives and passes on, and how units differ."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from simulation.clock import VirtualClock
from simulation.physics.emitter import ModulatedEmitter, SteadyLight
from simulation.physics.parameters import Squelch, TransceiverParameters, draw
from simulation.physics.thermal import Case, StillAir
from simulation.physics.transceiver import Transceiver
from tests.simulation.physics_bench import LANES, PLAIN, LoopbackBench, changed, dbm


@pytest.fixture
def bench() -> LoopbackBench:
    return LoopbackBench()


def test_a_unit_without_supply_is_dark_and_draws_nothing() -> None:
    unit = Transceiver("slot1", PLAIN, VirtualClock())
    unit.set_high_power(True)
    assert not unit.high_power()
    assert [unit.emission(f"tx{lane}") for lane in LANES] == [()] * 4
    assert unit.supply_current_a() == 0.0
    assert unit.bias_ma(1) == 0.0
    assert unit.rx_power_mw(1) == 0.0


@pytest.mark.parametrize("voltage_v", [0.0, 2.9, 3.9])
def test_a_supply_out_of_bounds_stops_the_unit_until_it_is_started_again(
    bench: LoopbackBench, voltage_v: float
) -> None:
    bench.unit.set_supply_voltage(voltage_v)
    assert bench.unit.emission("tx1") == ()
    assert bench.unit.supply_current_a() == 0.0
    bench.unit.set_supply_voltage(3.3)
    assert bench.unit.emission("tx1") == ()
    bench.unit.set_high_power(True)
    assert bench.unit.tx_power_mw(1) > 1.0


def test_the_unit_takes_the_same_power_at_any_voltage(bench: LoopbackBench) -> None:
    low, high = bench.unit.supply_current_a(3.135), bench.unit.supply_current_a(3.465)
    assert low * 3.135 == pytest.approx(high * 3.465)
    assert bench.unit.supply_current_a(2.0) == 0.0


def test_power_adds_up_from_its_parts(bench: LoopbackBench) -> None:
    # controller 0.35, DSP 3.6 + 0.30 at 35 °C, four lanes of 0.28 + 0.15 and of 92 mA at 1.7 V; 90 %
    bench.settle(35.0)
    expected_w = (0.35 + 3.9 + 4 * (0.43 + 0.092 * 1.7)) / 0.90
    assert bench.unit.supply_current_a() * 3.3 == pytest.approx(expected_w, rel=1e-3)
    bench.unit.set_lane_enabled(3, False)
    assert bench.unit.supply_current_a() * 3.3 == pytest.approx(expected_w - 0.092 * 1.7 / 0.9, rel=1e-3)
    bench.unit.set_high_power(False)
    assert bench.unit.supply_current_a() * 3.3 == pytest.approx(0.35 / 0.9)


def test_disabling_a_lane_darkens_that_lane_alone(bench: LoopbackBench) -> None:
    bench.unit.set_lane_enabled(2, False)
    assert [bool(bench.unit.emission(f"tx{lane}")) for lane in LANES] == [True, False, True, True]
    assert bench.unit.bias_ma(2) == 0.0
    assert not bench.unit.lane_enabled(2)
    assert bench.light.arriving("scope.2") == ()


def test_emitted_power_is_what_laser_losses_and_quadrature_leave(bench: LoopbackBench) -> None:
    bench.settle(35.0)
    assert dbm(bench.unit.tx_power_mw(1)) == pytest.approx(dbm(32.0) + dbm(0.5) - 4.2 - 6.0, abs=0.002)
    beam = bench.beam(1)
    assert isinstance(beam.emitter, ModulatedEmitter)
    assert beam.emitter.waveform(4).mean() == pytest.approx(beam.power_mw, rel=1e-5)


def test_wavelengths_stay_in_the_window_of_the_standard_at_all_corners(bench: LoopbackBench) -> None:
    for case_c in (0.0, 70.0):
        bench.settle(case_c)
        assert 1304.5 + 1.5 < bench.beam(1).wavelength_nm < 1317.5 - 1.5


def test_a_lane_without_host_signal_is_steady_or_dark_as_its_squelch_says(bench: LoopbackBench) -> None:
    bench.bert.patterns[1] = None
    steady = bench.beam(1)
    assert isinstance(steady.emitter, SteadyLight)
    assert steady.power_mw == pytest.approx(bench.beam(2).power_mw)
    dark = LoopbackBench(replace(PLAIN, squelch=Squelch.DARK))
    dark.bert.patterns[1] = None
    assert dark.unit.emission("tx1") == ()
    assert dark.unit.emission("tx2") != ()


@pytest.mark.parametrize(("field", "value"), [("rate_gbd", 53.2), ("amplitude_v", 0.01)])
def test_a_host_signal_that_cannot_be_retimed_counts_as_none(
    bench: LoopbackBench, field: str, value: float
) -> None:
    setattr(bench.bert, field, value)
    assert bench.unit.host_signal(1) is None
    assert isinstance(bench.beam(1).emitter, SteadyLight)


def test_two_level_patterns_and_clocks_are_not_retimed(bench: LoopbackBench) -> None:
    bench.bert.patterns |= {1: "PRBS13", 2: "CLOCK"}
    assert [bench.unit.host_signal(lane) for lane in (1, 2)] == [None, None]


def test_a_rate_within_the_tolerance_is_retimed_at_that_rate(bench: LoopbackBench) -> None:
    bench.bert.rate_gbd = 53.125 * (1 + 100e-6)
    emitter = bench.beam(1).emitter
    assert isinstance(emitter, ModulatedEmitter)
    assert emitter.symbol_rate_gbd == bench.bert.rate_gbd


def test_a_pattern_on_one_host_lane_appears_on_its_media_lane_alone(bench: LoopbackBench) -> None:
    bench.bert.patterns = dict.fromkeys(LANES, "PRBS31Q") | {3: "PRBS13Q"}
    patterns = [bench.beam(lane).emitter.pattern for lane in LANES]
    assert patterns == ["PRBS31Q", "PRBS31Q", "PRBS13Q", "PRBS31Q"]


def test_swapped_transmit_lanes_appear_at_each_other_s_port() -> None:
    bench = LoopbackBench(replace(PLAIN, tx_lane_map=(2, 1, 3, 4)))
    assert [bench.beam(lane).emitter.source for lane in LANES] == ["bert.2", "bert.1", "bert.3", "bert.4"]
    assert bench.electrical.arriving("detector.1").source == "bert.2"
    healed = LoopbackBench(replace(PLAIN, tx_lane_map=(2, 1, 3, 4), rx_lane_map=(2, 1, 3, 4)))
    assert [healed.electrical.arriving(f"detector.{lane}").source for lane in (1, 2)] == ["bert.1", "bert.2"]


def test_what_is_received_goes_on_to_the_host_with_its_errors(bench: LoopbackBench) -> None:
    bench.attenuators.loss_db[2] = 5.0
    signal = bench.electrical.arriving("detector.2")
    assert (signal.pattern, signal.source, signal.timebase) == ("PRBS13Q", "bert.2", "bert")
    assert signal.error_ratio == bench.unit.pre_fec_error_ratio(2)
    assert 1e-6 < signal.error_ratio < 1e-2
    assert bench.electrical.arriving("detector.1").error_ratio < 1e-7


def test_a_receiver_without_light_modulation_or_lock_sends_nothing(bench: LoopbackBench) -> None:
    bench.attenuators.loss_db[1] = math.inf
    bench.attenuators.loss_db[2] = 15.0
    bench.bert.patterns[3] = None
    assert [bench.electrical.arriving(f"detector.{lane}") for lane in (1, 2, 3)] == [None] * 3
    assert bench.electrical.arriving("detector.4") is not None


def test_a_unit_in_low_power_receives_nothing(bench: LoopbackBench) -> None:
    bench.unit.set_high_power(False)
    assert bench.electrical.arriving("detector.1") is None
    assert bench.unit.pre_fec_error_ratio(1) is None


def test_lanes_that_do_not_exist_are_refused(bench: LoopbackBench) -> None:
    with pytest.raises(ValueError, match="no lane 5"):
        bench.unit.set_lane_enabled(5, True)
    with pytest.raises(ValueError, match="no lane 0"):
        bench.unit.emission("tx0")
    assert bench.unit.emission("rx1") == ()
    assert bench.unit.electrical_emission("tx1") is None


def test_parameters_that_describe_no_dr4_are_refused() -> None:
    with pytest.raises(ValueError, match="4 lanes"):
        TransceiverParameters(lanes=PLAIN.lanes[:3])
    with pytest.raises(ValueError, match="rx_lane_map must name each lane"):
        replace(PLAIN, rx_lane_map=(1, 1, 3, 4))


def test_the_case_follows_the_air_with_its_time_constant() -> None:
    case = Case(20.0, 0.9, start_c=20.0)
    case.catch_up(20.0, StillAir(70.0), lambda _: 0.0)
    assert case.temperature_c == pytest.approx(70.0 - 50.0 * math.exp(-1.0))
    case.catch_up(2000.0, StillAir(70.0), lambda _: 5.0)
    assert case.temperature_c == pytest.approx(70.0 + 4.5)


def test_it_does_not_matter_how_often_one_looks_at_the_temperature() -> None:
    class Ramp:
        def temperature_c(self, at_s: float) -> float:
            return min(70.0, 20.0 + at_s)

    once, often = Case(20.0, 0.9, 20.0), Case(20.0, 0.9, 20.0)
    once.catch_up(60.0, Ramp(), lambda _: 7.0)
    for tenth in range(1, 601):
        often.catch_up(tenth / 10, Ramp(), lambda _: 7.0)
    assert once.temperature_c == pytest.approx(often.temperature_c, abs=0.02)
    lag_c = 20.0 * (1 - math.exp(-2.5))
    target_c = 70.0 - lag_c  # behind a ramp of 1 K/s at its end, 50 s after the start
    behind = 70.0 + (target_c - 70.0) * math.exp(-0.5)
    assert once.temperature_c == pytest.approx(behind + 6.3 * (1 - math.exp(-3.0)), abs=0.02)


def test_a_running_unit_is_warmer_than_its_air(bench: LoopbackBench) -> None:
    bench.oven.air_c = 25.0
    bench.clock.sleep(400.0)
    heat_w = bench.unit.supply_current_a() * 3.3
    assert bench.unit.case_temperature_c() == pytest.approx(25.0 + 0.9 * heat_w, abs=0.05)


def test_a_unit_depends_on_seed_and_serial_alone() -> None:
    assert draw(PLAIN, 1, "A001") == draw(PLAIN, 1, "A001")
    assert draw(PLAIN, 1, "A001") != draw(PLAIN, 1, "A002")
    assert draw(PLAIN, 1, "A001") != draw(PLAIN, 2, "A001")


def test_a_defect_leaves_the_rest_of_the_unit_as_it_was_drawn() -> None:
    good, bad = draw(PLAIN, 1, "A001"), draw(changed(2, coupling_loss_db=9.2), 1, "A001")
    assert bad.lanes[1].coupling_loss_db - good.lanes[1].coupling_loss_db == pytest.approx(5.0)
    assert replace(bad.lanes[1], coupling_loss_db=good.lanes[1].coupling_loss_db) == good.lanes[1]
    assert (bad.lanes[0], bad.lanes[2:]) == (good.lanes[0], good.lanes[2:])


def test_lanes_of_a_unit_differ() -> None:
    wavelengths = {lane.wavelength_nm for lane in draw(PLAIN, 1, "A001").lanes}
    assert len(wavelengths) == 4
