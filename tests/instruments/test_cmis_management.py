"""A transceiver over its two wires: identity, readiness, monitors, transmitters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments.cmis import ModuleManagement
from instruments.cmis.state import DataPathState, ModuleState
from instruments.errors import ManagementError, NoAcknowledge, StateNotReached, WrongTransceiver
from tests.instruments.fake_cmis_module import FakeClock, FakeModule

READY, LOW_POWER, POWER_UP, FAULT = 3 << 1 | 1, 1 << 1 | 1, 2 << 1 | 1, 5 << 1


@pytest.fixture
def module():
    return FakeModule(FakeClock())


@pytest.fixture
def transceiver(module):
    return ModuleManagement(module, module.clock, name="transceiver in slot1")


def data_paths(module, *codes):
    module.poke(0x11, 128, *(codes[i] | codes[i + 1] << 4 for i in (0, 2)))


def booting(module, *, init_s=1.5, power_up_s=4.0, data_path_s=2.0):
    """Let the module come up from reset by the clock."""
    module.poke(None, 3, LOW_POWER)
    module.poke(0x11, 128, 0x11, 0x11)
    module.poke(0x11, 206, 0, 0, 0, 0)
    module.silent_until_s = init_s
    clock = module.clock
    clock.at(init_s, lambda: module.poke(None, 3, POWER_UP))
    clock.at(init_s + power_up_s, lambda: module.poke(None, 3, READY))
    clock.at(init_s + power_up_s, lambda: module.poke(0x11, 206, 0x10, 0x10, 0x10, 0x10))
    clock.at(init_s + power_up_s, lambda: data_paths(module, 2, 2, 2, 2))
    clock.at(init_s + power_up_s + data_path_s, lambda: data_paths(module, 4, 4, 4, 4))


def test_identifies_itself(transceiver):
    identity = transceiver.identify()
    assert (identity.serial_number, identity.part_number) == ("AC2447K00031", "AC-Q112-DR4")


def test_accepts_the_transceiver_that_was_scanned(transceiver):
    assert transceiver.check_identity("AC2447K00031").part_number == "AC-Q112-DR4"
    assert transceiver.check_identity("AC2447K00031", ["X", "AC-Q112-DR4"]).max_power_w == 8.5


def test_refuses_another_serial_and_names_both(transceiver):
    with pytest.raises(
        WrongTransceiver, match=r"slot1: serial number is 'AC2447K00031', expected 'AC2447K00032'"
    ):
        transceiver.check_identity("AC2447K00032")


def test_refuses_another_part_and_names_both(transceiver):
    with pytest.raises(
        WrongTransceiver, match="part number is 'AC-Q112-DR4', expected 'AC-Q112-FR4' or 'AC-Q112-LR4'"
    ):
        transceiver.check_identity("AC2447K00031", ["AC-Q112-FR4", "AC-Q112-LR4"])


def test_foreign_management_is_refused_before_its_pages_are_decoded(transceiver, module):
    module.poke(None, 0, 0x11)
    with pytest.raises(ManagementError, match="SFF-8636"):
        transceiver.identify()
    assert module.lower[127] == 0


def test_identity_is_read_in_low_power_as_soon_as_management_answers(transceiver, module):
    module.poke(None, 3, LOW_POWER)
    module.silent_until_s = 1.8
    transceiver.check_identity("AC2447K00031")
    assert module.clock.now() == pytest.approx(1.8, abs=0.03)


def test_slot_in_which_nothing_answers_is_named(transceiver, module):
    module.silent_until_s = 1e9
    with pytest.raises(StateNotReached, match=r"slot1: a valid module state did not come within 2 s"):
        transceiver.identify()


def test_reads_applications(transceiver):
    first, second = transceiver.read_applications()
    assert (first.host_lane_count, first.media_lane_count, first.host_start_lanes) == (4, 4, (1,))
    assert (second.number, second.media_start_lanes) == (2, (1, 2, 3, 4))


def test_applications_beyond_eight_come_from_page_01(transceiver, module):
    module.poke(None, 86, *(0x4F, 0x1C, 0x44, 0x01) * 8)
    module.poke(1, 223, 0x4B, 0x14, 0x11, 0x0F, 0xFF)
    assert [application.number for application in transceiver.read_applications()] == list(range(1, 10))


def test_lane_options_of_a_page_with_a_wrong_checksum_are_not_used(transceiver, module):
    module.pages[0, 1][48] ^= 0x02
    with pytest.raises(ManagementError, match="checksum at 01h:255"):
        transceiver.read_applications()


def test_status_and_monitors_clear_no_flag(transceiver, module):
    module.poke(None, 8, 0x01, 0x02)
    transceiver.identify()
    transceiver.read_status()
    transceiver.read_monitors()
    transceiver.read_case_temperature_c()
    transceiver.wait_ready()
    transceiver.disable_transmitters()
    touched = set(module.reads)
    assert not touched & {("lower", byte) for byte in range(8, 14)}
    assert not touched & {(0x11, byte) for byte in range(134, 154)}
    assert transceiver.read_module_flags().state_changed
    assert not transceiver.read_module_flags().state_changed


def test_lane_flags_are_read_when_asked(transceiver, module):
    module.poke(0x11, 147, 0b0100)
    assert transceiver.read_lane_flags().rx_loss_of_signal == (3,)


def test_case_temperature(transceiver, module):
    assert transceiver.read_case_temperature_c() == 42.5
    module.poke(None, 14, 0x80, 0x00)
    with pytest.raises(ManagementError, match="no sample of its case temperature"):
        transceiver.read_case_temperature_c()


def test_monitors_of_the_lanes_that_are_there(transceiver):
    monitors = transceiver.read_monitors()
    assert monitors.case_temperature_c == 42.5
    assert monitors.supply_v == pytest.approx(3.3)
    assert [lane.lane for lane in monitors.lanes] == [1, 2, 3, 4]
    assert [lane.tx_power_mw for lane in monitors.lanes] == pytest.approx([1.4125, 1.494, 1.38, 1.5205])
    assert monitors.lanes[1].tx_bias_ma == pytest.approx(60.004)
    assert monitors.lanes[3].rx_power_mw == pytest.approx(0.5015)


def test_monitors_that_are_not_advertised_are_none_and_not_read(transceiver, module):
    module.poke(1, 159, 0x00, 0x01 << 1)
    monitors = transceiver.read_monitors()
    assert (monitors.case_temperature_c, monitors.supply_v) == (None, None)
    assert monitors.lanes[0].tx_bias_ma is None
    assert monitors.lanes[0].tx_power_mw == pytest.approx(1.4125)
    assert (0x11, 170) not in module.reads


def test_monitors_of_a_second_bank_are_lanes_9_to_16(transceiver, module):
    module.poke(1, 142, 0x01)
    module.pages[1, 0x11] = bytearray([0x10] * 128)
    lanes = transceiver.read_monitors().lanes
    assert [lane.lane for lane in lanes] == [1, 2, 3, 4, *range(9, 17)]
    assert lanes[-1].tx_power_mw == pytest.approx(0x1010 * 1e-4)


@pytest.mark.parametrize("byte", [14, 154, 160, 186, 200])
def test_module_that_resets_while_monitors_are_read_gives_no_result(transceiver, module, byte):
    def reset(m, sent, answer):
        if sent[0] == byte:
            m.hook = None
            m.lower[126:128] = b"\0\0"
            m.lower[3] = LOW_POWER
            m.silent_until_s = m.clock.now() + 0.5
            return b"\xff" * len(answer)
        return answer

    module.hook = reset
    with pytest.raises(NoAcknowledge):
        transceiver.read_monitors()


def test_state_change_while_monitors_are_read_is_named(transceiver, module):
    def power_down(m, sent, answer):
        if sent[0] == 186:
            m.lower[3] = 4 << 1
        return answer

    module.hook = power_down
    with pytest.raises(ManagementError, match="from READY to POWER_DOWN"):
        transceiver.read_monitors()


def test_waits_through_management_power_up_and_data_path_init(transceiver, module):
    booting(module)
    transceiver.wait_ready()
    assert module.clock.now() == pytest.approx(7.5, abs=0.1)
    assert transceiver.read_status().state is ModuleState.READY
    assert {lane.state for lane in transceiver.read_data_paths()[:4]} == {DataPathState.ACTIVATED}


def test_ready_module_costs_no_time(transceiver, module):
    transceiver.wait_ready()
    assert module.clock.now() == 0.0


def test_management_that_never_answers(transceiver, module):
    module.silent_until_s = 1e9
    with pytest.raises(StateNotReached, match="within 2 s; lower memory byte 3 shows: no acknowledge"):
        transceiver.wait_ready()
    assert module.clock.now() == pytest.approx(2.0, abs=0.05)


def test_reserved_state_during_start_is_waited_for(transceiver, module):
    module.poke(None, 3, 0)
    module.clock.at(1.0, lambda: module.poke(None, 3, READY))
    transceiver.wait_ready()
    assert module.clock.now() == pytest.approx(1.0, abs=0.02)


def test_module_that_stays_in_low_power(transceiver, module):
    module.poke(None, 3, LOW_POWER)
    with pytest.raises(
        StateNotReached,
        match="module state READY did not come within 10 s; lower memory byte 3 shows: LOW_POWER",
    ):
        transceiver.wait_ready()
    assert module.clock.now() == pytest.approx(10.0, abs=0.05)


def test_faulty_module_is_not_waited_for(transceiver, module):
    module.poke(None, 3, FAULT)
    module.poke(None, 41, 4)
    with pytest.raises(StateNotReached, match=r"is FAULT: fault of a Tx device \(lower memory byte 41\)"):
        transceiver.wait_ready()
    assert module.clock.now() == 0.0


def test_data_path_that_never_activates_names_lane_and_state(transceiver, module):
    data_paths(module, 4, 4, 7, 2)
    with pytest.raises(
        StateNotReached, match=r"within 6 s; 11h:128-131 .*host lane 3 INITIALIZED, host lane 4 INIT;"
    ):
        transceiver.wait_ready()
    assert module.clock.now() == pytest.approx(6.0, abs=0.05)


def test_no_data_path_at_all_is_not_ready(transceiver, module):
    module.poke(0x11, 206, 0, 0, 0, 0)
    with pytest.raises(StateNotReached, match="no host lane in use"):
        transceiver.wait_ready()


def test_data_path_with_a_disabled_lane_is_ready_when_initialized(transceiver, module):
    module.poke(0x10, 130, 0b0010)
    data_paths(module, 7, 7, 7, 7)
    transceiver.wait_ready()
    assert module.clock.now() == 0.0


def test_module_that_drops_off_the_bus_while_powering_up_may_come_back(transceiver, module):
    module.poke(None, 3, POWER_UP)

    def drop():
        module.silent_until_s = 3.0

    module.clock.at(1.0, drop)
    module.clock.at(3.0, lambda: module.poke(None, 3, READY))
    transceiver.wait_ready()
    assert module.clock.now() == pytest.approx(3.0, abs=0.05)


def test_duration_without_an_upper_end_is_refused(transceiver, module):
    module.poke(1, 167, 0x0D)
    with pytest.raises(ManagementError, match=r"no upper bound for its longest power-up \(01h:167\)"):
        transceiver.wait_ready()


def test_foreign_management_is_not_waited_for(transceiver, module):
    module.poke(None, 0, 0x11)
    module.poke(None, 3, 0)  # another standard's byte 3
    with pytest.raises(ManagementError, match="SFF-8636"):
        transceiver.wait_ready()
    assert module.clock.now() == 0.0


def test_memory_that_is_not_loaded_yet_is_waited_for(transceiver, module):
    module.poke(None, 0, 0)
    module.clock.at(0.5, lambda: module.poke(None, 0, 0x1E))
    transceiver.wait_ready()
    assert module.clock.now() == pytest.approx(0.5, abs=0.02)


def test_flat_memory_has_no_readiness_to_wait_for(transceiver, module):
    module.poke(None, 2, 0x80)
    for page in (1, 0x10, 0x11):
        del module.pages[0, page]
    with pytest.raises(ManagementError, match="its memory is flat"):
        transceiver.wait_ready()


def test_disables_all_lanes_that_are_there(transceiver, module):
    transceiver.disable_transmitters()
    assert module.peek(0x10, 130) == 0x0F
    assert transceiver.read_disabled_transmitters() == (1, 2, 3, 4)


def test_disables_all_banks(transceiver, module):
    module.poke(1, 142, 0x01)
    module.pages[1, 0x10] = bytearray(128)
    transceiver.disable_transmitters()
    assert module.peek(0x10, 130, bank=1) == 0xFF


def test_module_that_denies_its_lanes_is_darkened_all_the_same(transceiver, module):
    module.poke(0, 210, 0xFF)
    transceiver.disable_transmitters()
    assert module.peek(0x10, 130) == 0xFF


def test_darkness_needs_neither_ready_state_nor_valid_checksums(transceiver, module):
    module.poke(None, 3, FAULT)
    module.pages[0, 0][94] ^= 1
    module.pages[0, 1][127] ^= 1
    transceiver.disable_transmitters()
    assert module.peek(0x10, 130) == 0x0F


@given(before=st.integers(0, 15), lanes=st.sets(st.integers(1, 4), min_size=1))
def test_tx_disable_changes_only_the_lanes_it_was_given(before, lanes):
    module = FakeModule(FakeClock())
    module.poke(0x10, 130, before)
    mask = sum(1 << (lane - 1) for lane in lanes)
    transceiver = ModuleManagement(module, module.clock)
    transceiver.disable_transmitters(lanes)
    assert module.peek(0x10, 130) == before | mask
    transceiver.enable_transmitters(lanes)
    assert module.peek(0x10, 130) == before & ~mask


def test_tx_disable_that_does_not_stick_is_an_error(transceiver, module):
    module.ignores_writes = True
    with pytest.raises(ManagementError, match=r"Tx disable \(10h:130\) reads 00h after 0Fh was written"):
        transceiver.disable_transmitters()


def test_enable_waits_for_the_turn_on(transceiver, module):
    module.poke(0x10, 130, 0x0F)
    data_paths(module, 5, 5, 5, 5)
    module.clock.at(0.7, lambda: data_paths(module, 4, 4, 4, 4))
    transceiver.enable_transmitters([1, 2, 3, 4])
    assert module.clock.now() == pytest.approx(0.7, abs=0.02)


def test_enable_gives_up_after_the_advertised_turn_on(transceiver, module):
    module.poke(0x10, 130, 0x0F)
    data_paths(module, 7, 7, 7, 7)
    with pytest.raises(StateNotReached, match="within 1 s"):
        transceiver.enable_transmitters([1, 2, 3, 4])


def test_module_without_tx_disable_is_named(transceiver, module):
    module.poke(1, 155, 0x00)
    with pytest.raises(ManagementError, match=r"no Tx disable \(01h:155 bit 1 is clear\)"):
        transceiver.enable_transmitters([1])


def test_module_wide_tx_disable_takes_all_lanes_or_none(transceiver, module):
    module.poke(1, 151, 0x01)
    with pytest.raises(ManagementError, match="switches all transmitters together"):
        transceiver.enable_transmitters([1])
    transceiver.enable_transmitters([1, 2, 3, 4])


@pytest.mark.parametrize("lane", [0, -3])
def test_lanes_are_numbered_from_1(transceiver, lane):
    with pytest.raises(ValueError, match="numbered from 1"):
        transceiver.disable_transmitters([lane])


def test_lane_of_a_bank_that_is_not_there(transceiver):
    with pytest.raises(ManagementError, match="does not support page 10h in bank 1"):
        transceiver.disable_transmitters([9])


def test_low_power_by_register(transceiver, module):
    module.poke(None, 26, 0b0110_0000)
    transceiver.request_low_power(True)
    assert module.lower[26] == 0b0111_0000
    transceiver.request_low_power(False)
    assert module.lower[26] == 0b0010_0000


def test_reset_by_register_then_ready(transceiver, module):
    module.poke(None, 26, 0b0010_0000)
    written = []
    module.hook = lambda m, sent, answer: (written.append(sent) if len(sent) > 1 else None, answer)[1]
    transceiver.reset()
    assert written == [bytes([26, 0b0010_1000])]
    booting(module)
    transceiver.wait_ready()
