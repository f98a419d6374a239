from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.transceiver import LossOfSignal, MonitorAccuracy
from tests.simulation.firmware_bench import IDENTITY, Bench, ready_bench

EXACT = MonitorAccuracy(
    temperature_offset_c=0.0, supply_gain=0.0, bias_gain=0.0, power_gain_db=0.0, rx_power_offset_mw=0.0
)
NO_SPREAD = LossOfSignal(assert_dbm=-12.0, hysteresis_db=1.5, spread_db=0.0)


def temperature_c(bench: Bench) -> float:
    return int.from_bytes(bench.read(14, 2), "big", signed=True) / 256


def supply_v(bench: Bench) -> float:
    return int.from_bytes(bench.read(16, 2), "big") * 100e-6


def lanes(bench: Bench, byte: int, unit: float) -> list[float]:
    data = bench.page(0x11, byte, 16)
    return [int.from_bytes(data[2 * i : 2 * i + 2], "big") * unit for i in range(8)]


def set_received_dbm(bench: Bench, lane: int, power_dbm: float) -> None:
    bench.physics.attenuation_db[lane - 1] = 10 * math.log10(bench.physics.tx_power_mw(lane)) - power_dbm


def los_after_clear(bench: Bench) -> int:
    bench.page(0x11, 147)
    return bench.page(0x11, 147)[0]


def test_exact_monitors_follow_the_physics_to_their_step() -> None:
    bench = ready_bench(accuracy=EXACT)
    bench.physics.rail_v = 3.2713
    bench.clock.sleep(30.0)
    assert temperature_c(bench) == pytest.approx(bench.physics.case_temperature_c(), abs=0.0625)
    assert supply_v(bench) == pytest.approx(3.2713, abs=0.6e-3)
    assert lanes(bench, 154, 1e-4)[:4] == pytest.approx([bench.physics.tx_power_mw(1)] * 4, abs=0.6e-3)
    assert lanes(bench, 170, 4e-3)[:4] == pytest.approx([bench.physics.bias_ma(1)] * 4, abs=0.06)
    assert lanes(bench, 186, 1e-4)[:4] == pytest.approx([bench.physics.rx_power_mw(1)] * 4, abs=0.6e-3)
    assert lanes(bench, 154, 1e-4)[4:] == [0.0] * 4


def test_the_bias_multiplier_and_the_monitors_are_advertised() -> None:
    bench = ready_bench()
    assert bench.page(0x01, 160)[0] & 0b11111 == 0b01111  # bias, Tx, Rx; multiplier 2
    assert bench.page(0x01, 159)[0] & 0b11 == 0b11
    assert bench.page(0x01, 155) == b"\x02"
    assert bench.page(0x01, 158) == b"\x02"
    assert bench.page(0x01, 151) == b"\x18"


def test_the_case_warms_up_in_its_register() -> None:
    bench = Bench(accuracy=EXACT)
    bench.power_on(1.3)
    cold_c = temperature_c(bench)
    bench.clock.sleep(60.0)
    assert temperature_c(bench) - cold_c == pytest.approx(3.0 * 7.3, abs=2.0)


def test_temperatures_below_zero_are_signed() -> None:
    bench = ready_bench(accuracy=EXACT)
    bench.physics.ambient_c = -45.0
    assert temperature_c(bench) == pytest.approx(bench.physics.case_temperature_c(), abs=0.0625)
    assert temperature_c(bench) < -15


def test_registers_saturate_and_do_not_wrap() -> None:
    bench = ready_bench(accuracy=EXACT)
    bench.physics.attenuation_db[0] = -10.0
    assert lanes(bench, 186, 1)[0] == 0xFFFF
    bench.physics.ambient_c = 200.0
    bench.clock.sleep(1.0)
    assert bench.read(14, 2) == b"\x7f\xff"


def test_monitors_change_only_on_their_beat() -> None:
    bench = ready_bench(accuracy=EXACT)
    bench.clock.sleep_until(20_000_000_000)
    supply_v(bench)
    bench.physics.rail_v = 3.4
    assert supply_v(bench) == pytest.approx(3.3)
    bench.clock.sleep(0.05)
    assert supply_v(bench) == pytest.approx(3.4)


def test_lane_monitors_read_zero_without_high_power() -> None:
    bench = ready_bench(accuracy=EXACT)
    bench.write(26, b"\x50")
    bench.clock.sleep(2.0)
    assert bench.page(0x11, 154, 48) == bytes(48)
    assert temperature_c(bench) > 25


def test_a_dark_lane_reads_dark() -> None:
    bench = ready_bench(accuracy=EXACT)
    bench.write_page(0x10, 130, b"\x04")
    bench.clock.sleep(0.1)
    powers = lanes(bench, 154, 1e-4)
    assert powers[2] == 0.0
    assert min(powers[0], powers[1], powers[3]) > 1.0


READINGS: list[Callable[[Bench], object]] = [
    temperature_c,
    supply_v,
    lambda bench: lanes(bench, 154, 1),
    lambda bench: lanes(bench, 170, 1),
    lambda bench: lanes(bench, 186, 1),
]


def test_the_error_of_the_monitors_belongs_to_seed_and_serial() -> None:
    other = replace(IDENTITY, serial_number="PB2601A0099")
    for reading in READINGS:
        assert reading(ready_bench(seed=1)) == reading(ready_bench(seed=1))
        assert reading(ready_bench(seed=1)) != reading(ready_bench(seed=2))
        assert reading(ready_bench(seed=1)) != reading(ready_bench(seed=1, identity=other))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_good_monitors_stay_inside_a_plants_limits(seed: int) -> None:
    bench = ready_bench(seed=seed)
    bench.clock.sleep(20.0)
    assert abs(temperature_c(bench) - bench.physics.case_temperature_c()) < 2.0
    assert supply_v(bench) == pytest.approx(3.3, rel=0.02)
    truth = {154: (1e-4, bench.physics.tx_power_mw), 186: (1e-4, bench.physics.rx_power_mw)}
    for byte, (unit, true) in truth.items():
        for i, power_mw in enumerate(lanes(bench, byte, unit)[:4]):
            assert abs(10 * math.log10(power_mw / true(i + 1))) < 1.5
    assert lanes(bench, 170, 4e-3)[:4] == pytest.approx([bench.physics.bias_ma(1)] * 4, rel=0.1)


def test_loss_of_signal_has_hysteresis() -> None:
    bench = ready_bench(loss_of_signal=NO_SPREAD)
    steps = [(-5.0, 0), (-11.0, 0), (-11.9, 0), (-12.1, 1), (-11.0, 1), (-10.6, 1), (-10.4, 0), (-11.9, 0)]
    for power_dbm, expected in steps:
        set_received_dbm(bench, 3, power_dbm)
        assert los_after_clear(bench) == expected << 2, power_dbm


def test_loss_of_signal_is_latched_until_read_and_comes_back_while_it_lasts() -> None:
    bench = ready_bench(loss_of_signal=NO_SPREAD)
    los_after_clear(bench)
    set_received_dbm(bench, 1, -20.0)
    assert bench.page(0x11, 132) == b"\x0e"  # the receiver's output is squelched
    set_received_dbm(bench, 1, 0.0)
    assert bench.page(0x11, 147) == b"\x01"
    assert bench.page(0x11, 147) == b"\x00"
    set_received_dbm(bench, 1, -20.0)
    assert bench.page(0x11, 147) == b"\x01"
    assert bench.page(0x11, 147) == b"\x01"


def test_a_change_of_receiver_output_is_flagged() -> None:
    bench = ready_bench(loss_of_signal=NO_SPREAD)
    bench.page(0x11, 153)
    assert bench.page(0x11, 153) == b"\x00"
    set_received_dbm(bench, 4, -20.0)
    assert bench.page(0x11, 153) == b"\x08"
    set_received_dbm(bench, 4, 0.0)
    assert bench.page(0x11, 153) == b"\x08"
    assert bench.page(0x11, 153) == b"\x00"


def test_loss_of_signal_is_not_flagged_before_the_data_path_is_initialised() -> None:
    bench = Bench()
    bench.power_on(3.5)
    assert bench.data_path_states() == [2] * 4
    assert los_after_clear(bench) == 0
    assert bench.page(0x11, 149, 4) == bytes(4)


def test_comparators_without_hysteresis_are_refused() -> None:
    with pytest.raises(ValueError, match="hysteresis_db"):
        LossOfSignal(hysteresis_db=0.0)


@pytest.mark.parametrize(("rail_v", "flags"), [(3.3, 0x0), (3.5, 0x4), (3.7, 0x5), (3.1, 0x8), (2.9, 0xA)])
def test_supply_excursions_raise_alarm_and_warning(rail_v: float, flags: int) -> None:
    bench = ready_bench(accuracy=EXACT)
    bench.read(9)
    bench.physics.rail_v = rail_v
    bench.clock.sleep(0.1)
    assert bench.read(9)[0] >> 4 == flags


@pytest.mark.parametrize(("case_c", "flags"), [(50, 0x0), (72, 0x4), (78, 0x5), (-2, 0x8), (-10, 0xA)])
def test_temperature_excursions_raise_alarm_and_warning(case_c: float, flags: int) -> None:
    bench = ready_bench(accuracy=EXACT)
    bench.clock.sleep(100.0)
    bench.physics.ambient_c += case_c - bench.physics.case_temperature_c()
    assert bench.read(9)[0] & 0xF == flags


def test_received_power_excursions_are_flagged_on_their_lane() -> None:
    bench = ready_bench(accuracy=EXACT)
    bench.page(0x11, 134, 20)
    set_received_dbm(bench, 2, -7.0)
    bench.clock.sleep(0.1)
    assert bench.page(0x11, 149, 4) == bytes((0, 0, 0, 0b0010))
    set_received_dbm(bench, 2, 6.0)
    bench.clock.sleep(0.1)
    assert bench.page(0x11, 149, 4) == bytes((0b0010, 0, 0b0010, 0))


def test_a_disabled_transmitter_raises_no_power_alarm() -> None:
    bench = ready_bench(accuracy=EXACT)
    bench.write_page(0x10, 130, b"\x01")
    bench.clock.sleep(0.1)
    bench.page(0x11, 139, 8)
    assert bench.page(0x11, 139, 8) == bytes(8)


def test_flags_raise_the_summary_and_the_interrupt_until_masked() -> None:
    bench = ready_bench(accuracy=EXACT, loss_of_signal=NO_SPREAD)
    bench.read(8, 6)
    bench.page(0x11, 134, 20)
    assert bench.read(3, 2) == bytes((3 << 1 | 1, 0))
    assert not bench.firmware.interrupt_asserted()
    set_received_dbm(bench, 1, -20.0)
    bench.clock.sleep(0.1)
    assert bench.firmware.interrupt_asserted()
    assert bench.read(3, 2) == bytes((3 << 1, 1))
    for first, count in ((213, 8), (221, 8), (229, 4)):
        bench.write_page(0x10, first, b"\xff" * count)
    assert not bench.firmware.interrupt_asserted()
    assert bench.read(3)[0] & 1


def test_a_silent_module_pulls_no_interrupt() -> None:
    assert not Bench().firmware.interrupt_asserted()
