"""Decoding of management memory: known bytes, reserved codes, and round trips."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments.cmis import registers as r
from instruments.cmis.advertisement import Advertisement, Application, decode_applications
from instruments.cmis.identity import FormFactor, Identity
from instruments.cmis.state import (
    DataPathLane,
    DataPathState,
    LaneFlags,
    ModuleFlags,
    ModuleState,
    ModuleStatus,
    case_temperature_c,
    data_path_lanes,
    lane_monitors,
    supply_v,
)
from instruments.errors import ManagementError
from tests.instruments.fake_cmis_module import page_00, page_01, seal

TABLE = [value for value in vars(r).values() if isinstance(value, r.Register)]


@pytest.mark.parametrize("register", TABLE, ids=lambda register: register.name)
def test_each_register_lies_within_its_half_of_memory(register):
    first, last = (0, 127) if register.page is None else (128, 255)
    assert first <= register.byte <= register.byte + register.size - 1 <= last


@pytest.mark.parametrize("register", TABLE, ids=lambda register: register.name)
def test_only_flags_clear_on_read(register):
    start = None if register.page is None else register.page
    flags = (start is None and 8 <= register.byte <= 13) or (start == 0x11 and 134 <= register.byte <= 153)
    assert register.clear_on_read == flags


def test_addresses_are_written_as_the_standard_writes_them():
    assert r.MODULE_STATE.where == "lower memory byte 3"
    assert r.TX_POWER.where == "11h:154-169"
    assert r.DATA_PATH_STATES.where == "11h:128-131"


def test_identity_of_the_image():
    assert Identity.decode(bytes(page_00())) == Identity(
        form_factor=FormFactor.QSFP_CMIS,
        vendor_name="ACME OPTICS",
        vendor_oui="00-17-6A",
        part_number="AC-Q112-DR4",
        revision="B2",
        serial_number="AC2447K00031",
        date_code="241118A1",
        power_class=6,
        max_power_w=8.5,
        connector=0x0C,
        media_technology=0x06,
        media_lanes=(1, 2, 3, 4),
    )


@given(offset=st.integers(0, 94), flip=st.integers(1, 255))
def test_any_wrong_byte_breaks_the_vendor_checksum(offset, flip):
    page = page_00()
    page[offset] ^= flip
    with pytest.raises(ManagementError, match="checksum at 00h:222"):
        Identity.decode(bytes(page), name="transceiver in slot1")


@given(offset=st.integers(2, 127), flip=st.integers(1, 255))
def test_any_wrong_byte_breaks_the_advertisement_checksum(offset, flip):
    page = page_01()
    page[offset] ^= flip
    with pytest.raises(ManagementError, match="checksum at 01h:255"):
        Advertisement.decode(bytes(page))


def test_firmware_revision_of_the_inactive_image_is_outside_the_checksum():
    page = page_01()
    page[0:2] = 9, 9
    assert Advertisement.decode(bytes(page)).banks == 1


@pytest.mark.parametrize(
    ("code", "message"),
    [(0x11, "11h .* belongs to SFF-8636"), (0x03, "belongs to SFF-8472"), (0x77, "77h .* is no known")],
)
def test_other_identifiers_are_refused_by_name(code, message):
    page = page_00()
    page[0] = code
    with pytest.raises(ManagementError, match=message):
        Identity.decode(bytes(seal(page, 0)))


@pytest.mark.parametrize("byte", [0x00, 0x1F, 0x7F, 0xFF])
def test_vendor_text_that_is_not_printable_is_refused(byte):
    page = page_00()
    page[40] = byte
    with pytest.raises(ManagementError, match=r"serial number \(00h:166-181\) is not printable"):
        Identity.decode(bytes(seal(page, 0)))


@given(
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=16).map(lambda t: t.rstrip(" "))
)
def test_texts_come_back_without_padding(text):
    page = page_00()
    page[38:54] = text.ljust(16).encode("ascii")
    assert Identity.decode(bytes(seal(page, 0))).serial_number == text


def test_advertisement_of_the_image():
    assert Advertisement.decode(bytes(page_01())) == Advertisement(
        banks=1,
        power_up_max_s=10.0,
        power_down_max_s=1.0,
        data_path_init_max_s=5.0,
        data_path_deinit_max_s=0.1,
        tx_turn_on_max_s=1.0,
        tx_turn_off_max_s=0.5,
        page_change_max_s=0.0025,
        tx_disable=True,
        tx_disable_is_module_wide=False,
        case_temperature=True,
        supply_voltage=True,
        tx_bias=True,
        tx_power=True,
        rx_power=True,
        rx_power_is_average=True,
        bias_multiplier=2,
    )


@pytest.mark.parametrize(
    ("code", "longest_s"),
    [(0x0, 0.001), (0x4, 0.1), (0x9, 60.0), (0xC, 3000.0), (0xD, math.inf)],
)
def test_coded_durations_are_read_by_their_upper_end(code, longest_s):
    page = page_01()
    page[39] = code
    assert Advertisement.decode(bytes(seal(page, 1))).power_up_max_s == longest_s


@pytest.mark.parametrize(
    ("byte", "value", "message"),
    [
        (39, 0x0E, r"longest power-up \(01h:167\) holds the reserved code Eh"),
        (14, 0x03, "supported banks"),
        (32, 0x18, "bias multiplier"),
    ],
)
def test_reserved_codes_are_named(byte, value, message):
    page = page_01()
    page[byte] = value
    with pytest.raises(ManagementError, match=message):
        Advertisement.decode(bytes(seal(page, 1)))


def test_applications_up_to_the_end_mark():
    descriptors = bytes.fromhex("4F1C4401 4B14110F FF000000 4F1C4401")
    assert decode_applications(descriptors, b"\x01\x05\x00\x00") == (
        Application(1, 0x4F, 0x1C, 4, 4, (1,), (1,)),
        Application(2, 0x4B, 0x14, 1, 1, (1, 2, 3, 4), (1, 3)),
    )


def test_status_of_a_ready_module():
    status = ModuleStatus.decode(b"\x07", b"\x02\x07", b"\x00")
    assert status == ModuleStatus(ModuleState.READY, False, "no cause given", "2.7")


def test_interrupt_is_asserted_by_a_zero():
    assert ModuleStatus.decode(b"\x0a", b"\0\0", b"\x01") == ModuleStatus(
        ModuleState.FAULT, True, "TEC runaway", "0.0"
    )


def test_fault_cause_without_a_name_keeps_its_code():
    assert ModuleStatus.decode(b"\x0a", b"\0\0", b"\x21").fault_cause == "code 33"


@pytest.mark.parametrize("status", [b"\x00", b"\x0c", b"\x0e"])
def test_reserved_module_states_are_errors(status):
    with pytest.raises(
        ManagementError, match=r"module state \(lower memory byte 3\) holds the reserved code"
    ):
        ModuleStatus.decode(status, b"\0\0", b"\0")


def test_data_path_nibbles_begin_with_lane_1_in_the_lower():
    lanes = data_path_lanes(
        bytes.fromhex("24 65 11 17"), bytes.fromhex("10 10 24 26 00000000"), bank=0, name="t"
    )
    assert [lane.state.name for lane in lanes] == [
        *("ACTIVATED", "INIT", "TX_TURN_ON", "TX_TURN_OFF"),
        *("DEACTIVATED", "DEACTIVATED", "INITIALIZED", "DEACTIVATED"),
    ]
    assert [lane.data_path for lane in lanes[:4]] == [1, 1, 3, 4]
    assert [lane.used for lane in lanes] == [True] * 4 + [False] * 4


def test_data_path_lanes_of_the_second_bank_are_9_to_16():
    lanes = data_path_lanes(b"\x44" * 4, b"\x10" * 8, bank=1, name="t")
    assert lanes[0] == DataPathLane(9, DataPathState.ACTIVATED, 1, 9)
    assert lanes[-1].host_lane == 16


@pytest.mark.parametrize("code", [0, 8, 15])
def test_reserved_data_path_states_name_the_lane(code):
    with pytest.raises(ManagementError, match=rf"host lane 2 \(11h:128-131\) holds the reserved code {code}"):
        data_path_lanes(bytes([code << 4 | 4, 0x44, 0x44, 0x44]), b"\x10" * 8, bank=0, name="t")


@pytest.mark.parametrize(
    ("raw", "temperature_c"),
    [("1980", 25.5), ("0000", 0.0), ("FF80", -0.5), ("E700", -25.0), ("7FFF", 127.99609375), ("8000", None)],
)
def test_case_temperature(raw, temperature_c):
    assert case_temperature_c(bytes.fromhex(raw)) == temperature_c


def test_supply_voltage():
    assert supply_v(bytes.fromhex("80E8")) == pytest.approx(3.3)
    assert supply_v(b"\0\0") is None


def test_lane_monitors_scale_by_the_standard_and_the_multiplier():
    advertisement = Advertisement.decode(bytes(page_01()))
    powers = (14_125).to_bytes(2, "big") * 8
    lanes = lane_monitors(powers, (15_000).to_bytes(2, "big") * 8, None, advertisement=advertisement, bank=0)
    assert len(lanes) == 8
    assert lanes[0].tx_power_mw == pytest.approx(1.4125)  # 1.5 dBm
    assert lanes[0].tx_bias_ma == pytest.approx(60.0)  # 15000 × 2 µA × 2
    assert lanes[0].rx_power_mw is None


def test_module_flags():
    flags = ModuleFlags.decode(bytes([0x01, 0b0010_0100, 0, 0]))
    raised = [name for name in ModuleFlags.__slots__ if getattr(flags, name)]
    assert raised == ["state_changed", "temperature_high_warning", "supply_low_alarm"]


def test_lane_flags_name_lanes():
    data = bytearray(20)
    data[1], data[2], data[13], data[14] = 0x02, 0x09, 0x80, 0x01  # Tx fault, Tx LOS, Rx LOS, Rx LOL
    assert LaneFlags.decode(bytes(data)) == LaneFlags((2,), (1, 4), (), (8,), (1,))
    assert LaneFlags.decode(bytes(data), bank=1).tx_fault == (10,)


@given(st.lists(st.integers(0, 0xFFFF), min_size=8, max_size=8))
def test_unsigned_arrays_round_trip(values):
    assert r.TX_POWER.integers(r.TX_POWER.encode(values)) == tuple(values)


@given(st.integers(-32768, 32767))
def test_signed_numbers_round_trip(value):
    assert r.CASE_TEMPERATURE.integer(r.CASE_TEMPERATURE.encode([value])) == value


@given(st.lists(st.integers(0, 15), min_size=1, max_size=8))
def test_nibbles_round_trip(values):
    register = r.Register("nibbles", 0x11, 128, count=len(values), format=r.Format.NIBBLES)
    data = register.encode(values)
    assert len(data) == register.size
    assert register.integers(data) == tuple(values)


@given(value=st.integers(0, 255), low=st.integers(0, 7), width=st.integers(1, 8))
def test_bit_fields_are_what_a_string_of_bits_says(value, low, width):
    high = min(7, low + width - 1)
    bits = f"{value:08b}"[7 - high : 8 - low]
    assert r.Register("field", 0, 128, bits=(high, low)).integer(bytes([value])) == int(bits, 2)
