from __future__ import annotations

import contextlib
import math
from bisect import bisect_right
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.transceiver import DataPathState, Durations, FirmwareFaults, ModuleState, Nack, Rail
from tests.simulation.firmware_bench import CODES_S, Bench, ready_bench

LOW_PWR, PWR_UP, READY, PWR_DN = 1, 2, 3, 4
ACTIVATED, INITIALIZED = 4, 7
REAL = Durations()


def promised_s(bench: Bench, byte: int, *, high: bool) -> float:
    code = bench.page(0x01, byte)[0] >> (4 if high else 0) & 0xF
    return CODES_S[code]


def test_management_answers_only_when_initialisation_is_over() -> None:
    bench = Bench()
    bench.power_on(REAL.mgmt_init_s - 1e-3)
    assert not bench.answers()
    bench.clock.sleep(1e-3)
    assert bench.answers()
    assert REAL.mgmt_init_s <= 2.0


def test_power_up_walks_through_low_power_to_ready_on_the_clock() -> None:
    bench = Bench()
    bench.power_on(REAL.mgmt_init_s)
    assert bench.module_state() == PWR_UP
    bench.clock.sleep(REAL.power_up_s - 2e-3)
    assert bench.module_state() == PWR_UP
    bench.clock.sleep(2e-3)
    assert bench.module_state() == READY


def test_power_up_and_data_path_keep_what_the_module_advertises() -> None:
    bench = Bench()
    bench.power_on(REAL.mgmt_init_s)
    up_s = promised_s(bench, 167, high=False)
    init_s = promised_s(bench, 144, high=False) + promised_s(bench, 168, high=False)
    bench.clock.sleep(up_s)
    assert bench.module_state() == READY
    bench.clock.sleep(init_s)
    assert bench.data_path_states() == [ACTIVATED] * 4


@pytest.mark.parametrize(
    ("seconds", "code"), [(0.9e-3, 0), (1e-3, 1), (60e-3, 4), (0.1, 5), (1.8, 7), (60.0, 10), (4000.0, 13)]
)
def test_a_duration_is_advertised_as_the_next_longer_promise(seconds: float, code: int) -> None:
    bench = ready_bench(durations=Durations(power_down_s=seconds))
    assert bench.page(0x01, 167)[0] >> 4 == code == bisect_right(CODES_S, seconds)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_a_duration_must_be_positive_and_finite(bad: float) -> None:
    with pytest.raises(ValueError, match="power_up_s"):
        Durations(power_up_s=bad)


def test_durations_that_the_standard_fixes_cannot_be_exceeded() -> None:
    with pytest.raises(ValueError, match="mgmt_init_s"):
        Durations(mgmt_init_s=2.1)
    with pytest.raises(ValueError, match="hold-offs"):
        Durations(write_hold_off_s=11e-3)


def test_events_happen_at_their_own_time_however_late_somebody_looks() -> None:
    bench = Bench()
    bench.power_on(settle_s=100.0)
    assert bench.physics.tx_power_mw(2) > 1.0  # physics asks first, no register was read
    assert bench.firmware.data_path_state is DataPathState.ACTIVATED
    bench.select(0x11)
    assert bench.firmware.next_event_ns() is None


def test_a_scheduler_that_follows_next_event_switches_physics_on_time() -> None:
    bench = Bench()
    bench.power_on()
    while (due_ns := bench.firmware.next_event_ns()) is not None:
        bench.clock.sleep_until(due_ns)
        bench.firmware.advance()
    ready_s = REAL.mgmt_init_s + REAL.power_up_s
    light_s = ready_s + REAL.data_path_init_s + REAL.tx_turn_on_s
    orders = [(round(at, 6), what) for at, what in bench.physics.orders]
    assert (REAL.mgmt_init_s, "power True") in orders
    assert [(at, what) for at, what in orders if "lane" in what and "True" in what] == [
        (round(light_s, 6), f"lane {lane} True") for lane in (1, 2, 3, 4)
    ]


def test_module_state_changes_are_flagged_for_steady_states_and_cleared_by_reading() -> None:
    bench = Bench()
    bench.power_on(REAL.mgmt_init_s)
    assert bench.read(8) == b"\x01"  # LowPwr was passed on the way
    assert bench.read(8) == b"\x00"
    bench.clock.sleep(REAL.power_up_s)
    assert bench.read(8) == b"\x01"


def test_data_path_changes_are_flagged_for_steady_states() -> None:
    bench = Bench()
    bench.power_on(REAL.mgmt_init_s + REAL.power_up_s)
    assert bench.page(0x11, 134) == b"\x00"
    bench.clock.sleep(REAL.data_path_init_s)
    assert bench.page(0x11, 134) == b"\x0f"
    assert bench.page(0x11, 134) == b"\x00"


def test_low_power_request_by_software_takes_the_light_then_the_power() -> None:
    bench = ready_bench()
    down_s = (
        promised_s(bench, 144, high=True)
        + promised_s(bench, 168, high=True)
        + promised_s(bench, 167, high=True)
    )
    bench.write(26, b"\x50")
    assert bench.module_state() == READY  # the data path has to come down first
    bench.clock.sleep(down_s)
    assert bench.module_state() == LOW_PWR
    assert bench.data_path_states() == [1] * 4
    assert bench.physics.tx_power_mw(1) == 0.0
    assert not bench.physics.high_power
    bench.write(26, b"\x40")
    bench.clock.sleep(10.0)
    assert bench.data_path_states() == [ACTIVATED] * 4


def test_a_deinitialisation_darkens_within_the_turn_off_time() -> None:
    bench = ready_bench()
    bench.select(0x10)
    bench.transfer(bytes((128, 0x0F)))
    bench.clock.sleep(REAL.tx_turn_off_s)
    assert [bench.firmware.emitting(lane) for lane in (1, 2, 3, 4)] == [False] * 4


def test_the_low_power_pin_acts_only_while_hardware_is_allowed_to_ask() -> None:
    bench = Bench()
    bench.firmware.set_low_power_pin(True)
    bench.power_on(10.0)
    assert bench.module_state() == LOW_PWR
    bench.write(26, b"\x00")
    bench.clock.sleep(REAL.power_up_s)
    assert bench.module_state() == READY


def test_powering_down_does_not_turn_back_half_way() -> None:
    bench = ready_bench()
    bench.firmware.set_low_power_pin(True)
    bench.clock.sleep(REAL.tx_turn_off_s + REAL.data_path_deinit_s + REAL.power_down_s / 2)
    assert bench.module_state() == PWR_DN
    bench.firmware.set_low_power_pin(False)
    assert bench.firmware.module_state is ModuleState.PWR_DN
    bench.clock.sleep(REAL.power_down_s / 2)
    assert bench.module_state() == PWR_UP


def test_powering_up_is_called_off_by_a_low_power_request() -> None:
    bench = Bench()
    bench.power_on(REAL.mgmt_init_s + 0.1)
    bench.firmware.set_low_power_pin(True)
    assert bench.firmware.module_state is ModuleState.PWR_DN


def test_software_reset_goes_silent_and_comes_back_with_defaults() -> None:
    bench = ready_bench()
    bench.write_page(0x10, 130, b"\x05")
    bench.transfer(bytes((26, 0x48)))
    assert not bench.answers()
    assert bench.physics.lanes == [False] * 4
    bench.clock.sleep(2.0)
    assert bench.read(26) == b"\x40"
    assert bench.read(126, 2) == b"\x00\x00"
    assert bench.page(0x10, 130) == b"\x00"


def test_a_reset_forgets_the_hold_off_and_the_address() -> None:
    bench = ready_bench(durations=Durations(mgmt_init_s=1e-3, write_hold_off_s=10e-3))
    bench.transfer(bytes((26, 0x48)))
    bench.clock.sleep(1e-3)
    assert bench.transfer(b"", 2) == b"\x1e\x52"


def test_the_reset_pin_darkens_at_once_and_holds_the_module_down() -> None:
    bench = ready_bench()
    bench.firmware.set_reset(True)
    assert bench.physics.rx_power_mw(1) == 0.0
    assert not bench.physics.high_power
    bench.clock.sleep(60.0)
    assert not bench.answers()
    bench.firmware.set_reset(False)
    bench.clock.sleep(REAL.mgmt_init_s)
    assert bench.answers()


def test_the_rail_switches_with_hysteresis_and_its_loss_is_a_reset() -> None:
    bench = Bench()
    bench.firmware.set_rail(2.98)
    bench.clock.sleep(5.0)
    assert bench.firmware.module_state is ModuleState.RESET
    bench.firmware.set_rail(3.0)
    bench.clock.sleep(10.0)
    bench.firmware.set_rail(2.98)
    assert bench.firmware.emitting(1)
    assert bench.physics.lanes == [True] * 4
    bench.firmware.set_rail(0.0)
    assert bench.physics.lanes == [False] * 4
    assert not bench.answers()


@pytest.mark.parametrize("voltage_v", [2.94, 3.81, math.nan])
def test_a_voltage_outside_the_rail_resets_the_module(voltage_v: float) -> None:
    bench = ready_bench()
    bench.firmware.set_rail(voltage_v)
    assert bench.firmware.module_state is ModuleState.RESET


def test_a_rail_must_be_ordered() -> None:
    with pytest.raises(ValueError, match="brown-out"):
        Rail(power_good_v=2.9)


def test_the_lasers_are_held_dark_from_the_first_moment_of_power() -> None:
    bench = Bench()
    assert any(bench.physics.lanes)
    bench.power_on(REAL.mgmt_init_s + REAL.power_up_s)
    assert bench.firmware.module_state is ModuleState.READY
    assert bench.physics.high_power
    assert bench.physics.lanes == [False] * 4


def test_a_module_pulled_out_is_absent_dark_and_silent() -> None:
    bench = ready_bench()
    assert bench.firmware.present()
    bench.firmware.set_present(False)
    assert not bench.firmware.present()
    assert bench.physics.lanes == [False] * 4
    assert not bench.answers()
    bench.firmware.set_present(True)
    bench.clock.sleep(10.0)
    assert bench.module_state() == READY


def test_tx_disable_darkens_one_lane_within_the_advertised_time() -> None:
    bench = ready_bench()
    off_s, on_s = promised_s(bench, 168, high=True), promised_s(bench, 168, high=False)
    bench.select(0x10)
    bench.transfer(bytes((130, 0b0010)))
    assert bench.physics.tx_power_mw(2) > 1.0
    bench.clock.sleep(off_s)
    assert bench.physics.tx_power_mw(2) == 0.0
    assert all(bench.physics.tx_power_mw(lane) > 1.0 for lane in (1, 3, 4))
    bench.clock.sleep(0.010)
    assert bench.data_path_states() == [INITIALIZED] * 4  # one dark lane deactivates its data path
    assert bench.page(0x11, 133) == b"\x0d"
    bench.select(0x10)
    bench.transfer(bytes((130, 0)))
    bench.clock.sleep(on_s)
    assert bench.physics.tx_power_mw(2) > 1.0
    assert bench.data_path_states() == [ACTIVATED] * 4


def test_a_second_lane_is_darkened_while_the_data_path_is_only_initialised() -> None:
    bench = ready_bench()
    bench.write_page(0x10, 130, b"\x01")
    bench.write_page(0x10, 130, b"\x09")
    assert [bench.firmware.emitting(lane) for lane in (1, 2, 3, 4)] == [False, True, True, False]


def test_a_disable_withdrawn_in_time_never_darkens() -> None:
    bench = ready_bench(durations=Durations(tx_turn_off_s=40e-3))
    bench.firmware.advance()
    bench.physics.orders.clear()
    bench.write_page(0x10, 130, b"\x01")
    bench.write_page(0x10, 130, b"\x00")
    bench.clock.sleep(1.0)
    assert bench.firmware.emitting(1)
    assert bench.physics.orders == []


def test_lanes_disabled_in_low_power_stay_dark_when_the_module_is_ready() -> None:
    bench = Bench()
    bench.firmware.set_low_power_pin(True)
    bench.power_on(5.0)
    bench.write_page(0x10, 130, b"\x0e")
    bench.firmware.set_low_power_pin(False)
    bench.clock.sleep(10.0)
    assert [bench.physics.tx_power_mw(lane) > 0 for lane in (1, 2, 3, 4)] == [True, False, False, False]


def test_data_path_deinit_takes_the_path_down_and_up_again() -> None:
    bench = ready_bench()
    bench.write_page(0x10, 128, b"\x0f")
    bench.clock.sleep(promised_s(bench, 144, high=True))
    assert bench.data_path_states() == [1] * 4
    assert bench.module_state() == READY
    assert bench.physics.tx_power_mw(1) == 0.0
    bench.write_page(0x10, 128, b"\x00")
    assert bench.data_path_states() == [2] * 4
    bench.clock.sleep(promised_s(bench, 144, high=False))
    assert bench.data_path_states() == [ACTIVATED] * 4


def test_the_first_application_is_in_force_without_a_host() -> None:
    bench = ready_bench()
    assert bench.page(0x11, 206, 8) == b"\x10" * 4 + bytes(4)
    assert bench.page(0x11, 202, 4) == bytes(4)


def test_a_valid_application_is_provisioned_and_initialised_again() -> None:
    bench = ready_bench()
    bench.write_page(0x10, 145, b"\x20" * 4)
    bench.transfer(bytes((143, 0x0F)))
    bench.clock.sleep(0.010)
    assert bench.page(0x11, 202, 2) == b"\x11\x11"
    assert bench.page(0x11, 206, 4) == b"\x20" * 4
    assert bench.page(0x11, 235) == b"\x0f"
    assert bench.page(0x10, 143) == b"\x00"
    bench.clock.sleep(REAL.data_path_deinit_s)
    assert bench.data_path_states() == [2] * 4
    assert bench.page(0x11, 235) == b"\x00"
    bench.clock.sleep(4.0)
    assert bench.data_path_states() == [ACTIVATED] * 4


@pytest.mark.parametrize(
    ("staged", "lanes", "status"),
    [
        (b"\x30" * 4, 0x0F, b"\x33\x33"),  # no third application
        (b"\x00" * 4, 0x0F, b"\x33\x33"),
        (b"\x10" * 4, 0x03, b"\x44\x00"),  # half a data path
        (b"\x10\x10\x20\x20", 0x0F, b"\x44\x44"),
        (b"\x12" * 4, 0x0F, b"\x44\x44"),  # no data path begins at lane 2
    ],
)
def test_an_invalid_application_is_rejected_and_nothing_changes(
    staged: bytes, lanes: int, status: bytes
) -> None:
    bench = ready_bench()
    bench.write_page(0x10, 145, staged)
    bench.write(143, bytes((lanes,)))
    assert bench.page(0x11, 202, 2) == status
    assert bench.page(0x11, 206, 4) == b"\x10" * 4
    bench.clock.sleep(1.0)
    assert bench.data_path_states() == [ACTIVATED] * 4


def test_a_provisioning_command_for_no_lane_is_nothing() -> None:
    bench = ready_bench()
    bench.write_page(0x10, 143, b"\xf0")
    assert bench.page(0x11, 202, 2) == b"\x00\x00"


def test_a_stuck_state_machine_never_gets_ready() -> None:
    bench = Bench(faults=FirmwareFaults(stuck_module_state=True))
    bench.power_on(600.0)
    assert bench.module_state() == PWR_UP
    bench.write(26, b"\x50")
    bench.clock.sleep(60.0)
    assert bench.module_state() == PWR_UP
    assert not any(bench.physics.lanes)


def test_a_dead_bus_never_answers_although_the_light_is_on() -> None:
    bench = ready_bench(faults=FirmwareFaults(dead_bus=True))
    with pytest.raises(Nack):
        bench.transfer(b"\x00", 1)
    assert bench.physics.tx_power_mw(1) > 1.0


def test_a_slow_turn_off_leaves_no_light_in_a_deactivated_path() -> None:
    bench = ready_bench(durations=Durations(tx_turn_off_s=2.0, data_path_deinit_s=0.1))
    bench.write_page(0x10, 130, b"\x01")
    bench.clock.sleep(3.0)
    bench.write_page(0x10, 128, b"\x0f")
    bench.clock.sleep(0.2)
    assert bench.firmware.data_path_state is DataPathState.DEACTIVATED
    assert bench.physics.lanes == [False] * 4


ACTIONS = st.one_of(
    st.floats(0, 6.0).map(lambda seconds: ("sleep", seconds)),
    st.sampled_from((0.0, 2.97, 3.3)).map(lambda volts: ("set_rail", volts)),
    st.sampled_from(("set_reset", "set_low_power_pin", "set_present")).flatmap(
        lambda pin: st.booleans().map(lambda value: (pin, value))
    ),
    st.sampled_from(
        ((26, 0x40), (26, 0x50), (26, 0x48), (128, 0x0F), (128, 0), (130, 5), (130, 0), (143, 15))
    ).map(lambda write: ("write", write)),
)


def act(bench: Bench, name: str, value: Any) -> None:
    if name == "sleep":
        bench.clock.sleep(value)
    elif name == "write":
        with contextlib.suppress(Nack):
            bench.write_page(0x10, value[0], bytes((value[1],)))
    else:
        getattr(bench.firmware, name)(value)


@settings(max_examples=100, deadline=None)
@given(st.lists(ACTIONS, max_size=25))
def test_there_is_no_light_unless_ready_and_none_on_a_disabled_lane_for_long(
    actions: list[tuple[str, Any]],
) -> None:
    bench = ready_bench()
    for name, value in actions:
        act(bench, name, value)
        bench.firmware.advance()
        if any(bench.physics.lanes):
            assert bench.physics.high_power
            assert bench.firmware.module_state is ModuleState.READY
        assert bench.physics.lanes == [bench.firmware.emitting(lane) for lane in (1, 2, 3, 4)]
    bench.clock.sleep(10.0)
    if bench.answers():
        lit = [bench.firmware.emitting(lane) for lane in (1, 2, 3, 4)]
        disabled = bench.page(0x10, 130)[0]
        on = bench.module_state() == READY and not bench.page(0x10, 128)[0]
        assert lit == [on and not disabled >> i & 1 for i in range(4)]


@settings(max_examples=60, deadline=None)
@given(st.lists(ACTIONS, max_size=12))
def test_looking_more_often_changes_nothing(actions: list[tuple[str, Any]]) -> None:
    lazy, watched = ready_bench(), ready_bench()
    for name, value in actions:
        act(lazy, name, value)
        if name == "sleep":
            for _ in range(7):
                watched.clock.sleep(value / 8)
                watched.firmware.advance()
            watched.clock.sleep_until(lazy.clock.now_ns)
        else:
            act(watched, name, value)
    assert watched.clock.now_ns == lazy.clock.now_ns
    assert watched.firmware.module_state is lazy.firmware.module_state
    assert watched.firmware.data_path_state is lazy.firmware.data_path_state
    assert watched.physics.lanes == lazy.physics.lanes
    assert watched.firmware.next_event_ns() == lazy.firmware.next_event_ns()


def test_a_lane_that_does_not_exist_is_refused() -> None:
    with pytest.raises(KeyError):
        ready_bench().firmware.emitting(0)


def test_faults_are_known_by_name() -> None:
    assert FirmwareFaults.named(["dead_bus"]) == FirmwareFaults(dead_bus=True)
    with pytest.raises(ValueError, match=r"'gremlins'.*bad_checksum"):
        FirmwareFaults.named(["gremlins"])
