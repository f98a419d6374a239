from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.transceiver import Capabilities, FirmwareFaults, Identity, Window
from tests.simulation.firmware_bench import IDENTITY, ready_bench

TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=16)


def test_a_qsfp_with_cmis_says_so_in_both_places() -> None:
    bench = ready_bench()
    assert bench.read(0, 3) == bytes((0x1E, 0x52, 0x00))  # CMIS 5.2, paged, 400 kHz
    assert bench.page(0x00, 128) == b"\x1e"


def test_vendor_fields_are_space_padded_ascii() -> None:
    bench = ready_bench()
    assert bench.page(0x00, 129, 16) == b"PHOTONBENCH     "
    assert bench.page(0x00, 145, 3) == bytes.fromhex("0018C5")
    assert bench.page(0x00, 148, 16) == b"PB-400G-DR4-Q112"
    assert bench.page(0x00, 164, 2) == b"A1"
    assert bench.page(0x00, 166, 16) == b"PB2601A0042     "
    assert bench.page(0x00, 182, 8) == b"260115  "


def test_the_dr4_applications_are_listed_and_the_list_ends() -> None:
    bench = ready_bench()
    assert bench.read(85) == b"\x02"  # single-mode fibre
    assert bench.read(86, 9) == bytes((0x4F, 0x1C, 0x44, 0x01, 0x50, 0x1C, 0x44, 0x01, 0xFF))
    assert bench.page(0x01, 176, 2) == b"\x01\x01"


def test_power_connector_lanes_and_wavelength_are_advertised() -> None:
    bench = ready_bench()
    assert bench.page(0x00, 200, 4) == bytes((4 << 5, 36, 0, 0x0C))
    assert bench.page(0x00, 210, 3) == bytes((0xF0, 0, 0x06))
    assert bench.word(0x01, 138) * 0.05 == pytest.approx(1311.0)
    assert bench.word(0x01, 140) * 0.005 == pytest.approx(6.5)
    assert bench.page(0x01, 132) == b"\x05"  # 5 x 100 m
    assert bench.page(0x01, 146, 2) == bytes((70, 0))
    assert bench.page(0x01, 150)[0] * 0.02 == pytest.approx(3.135, abs=0.01)


@pytest.mark.parametrize(("reach_km", "code"), [(0.5, 0x05), (6.3, 0x3F), (10.0, 0x4A), (80.0, 0x88)])
def test_reach_is_advertised_in_the_finest_unit_that_holds_it(reach_km: float, code: int) -> None:
    bench = ready_bench(capabilities=Capabilities(reach_km=reach_km))
    assert bench.page(0x01, 132) == bytes((code,))


def test_a_reach_beyond_the_field_is_refused() -> None:
    with pytest.raises(ValueError, match="1000"):
        ready_bench(capabilities=Capabilities(reach_km=1000.0))


def test_a_full_application_list_has_no_terminator() -> None:
    row = Capabilities().applications[0]
    bench = ready_bench(capabilities=Capabilities(applications=(row,) * 8))
    assert bench.read(86, 32) == bytes((0x4F, 0x1C, 0x44, 0x01)) * 8


@pytest.mark.parametrize(("page", "first", "at"), [(0x00, 128, 222), (0x01, 130, 255), (0x02, 128, 255)])
def test_page_checksums_fit_their_bytes(page: int, first: int, at: int) -> None:
    data = ready_bench().page(page, first, at - first + 1)
    assert data[-1] == sum(data[:-1]) & 0xFF
    assert any(data[:-1])


def test_thresholds_are_ordered_and_scaled() -> None:
    bench = ready_bench()
    temperature = [
        int.from_bytes(bench.page(0x02, at, 2), "big", signed=True) / 256 for at in range(128, 136, 2)
    ]
    assert temperature == [75.0, -5.0, 70.0, 0.0]
    assert [bench.word(0x02, at) * 100e-6 for at in range(136, 144, 2)] == pytest.approx(
        [3.63, 2.97, 3.465, 3.135]
    )
    tx_mw = [10**x for x in (0.5, -0.39, 0.4, -0.29)]
    assert [bench.word(0x02, at) * 1e-4 for at in range(176, 184, 2)] == pytest.approx(tx_mw, abs=1e-4)
    assert [bench.word(0x02, at) * 2e-3 * 2 for at in range(184, 192, 2)] == pytest.approx(
        [200, 5, 180, 10], abs=4e-3
    )
    rx_mw = [10**x for x in (0.5, -0.89, 0.4, -0.59)]
    assert [bench.word(0x02, at) * 1e-4 for at in range(192, 200, 2)] == pytest.approx(rx_mw, abs=1e-4)


def test_a_window_must_be_ordered() -> None:
    with pytest.raises(ValueError, match="ordered"):
        Window(high_alarm=70.0, low_alarm=-5.0, high_warning=75.0, low_warning=0.0)


def test_a_wrong_serial_has_the_form_of_the_right_one_and_a_good_checksum() -> None:
    bench = ready_bench(faults=FirmwareFaults(wrong_serial=True))
    assert bench.page(0x00, 166, 16) == b"PB2601A0043     "
    data = bench.page(0x00, 128, 95)
    assert data[-1] == sum(data[:-1]) & 0xFF


@pytest.mark.parametrize(("serial", "programmed"), [("AB19", "AB10"), ("ABCZ", "ABCA"), ("ABCD", "ABCE")])
def test_a_wrong_serial_keeps_to_the_characters_of_serials(serial: str, programmed: str) -> None:
    identity = replace(IDENTITY, serial_number=serial)
    bench = ready_bench(identity=identity, faults=FirmwareFaults(wrong_serial=True))
    assert bench.page(0x00, 166, 4) == programmed.encode()


def test_a_bad_checksum_spoils_page_zero_alone() -> None:
    good, bad = ready_bench(), ready_bench(faults=FirmwareFaults(bad_checksum=True))
    assert good.page(0x00, 222) != bad.page(0x00, 222)
    assert good.page(0x00, 128, 94) == bad.page(0x00, 128, 94)
    assert good.page(0x01, 255) == bad.page(0x01, 255)


@given(TEXT, TEXT, st.text("0123456789", min_size=6, max_size=8))
def test_any_printable_identity_comes_back_from_memory(vendor: str, serial: str, date: str) -> None:
    bench = ready_bench(identity=replace(IDENTITY, vendor_name=vendor, serial_number=serial, date_code=date))
    assert bench.page(0x00, 129, 16).decode("ascii") == vendor.ljust(16)
    assert bench.page(0x00, 166, 16).decode("ascii") == serial.ljust(16)
    assert bench.page(0x00, 182, 8).decode("ascii") == date.ljust(8)


@pytest.mark.parametrize(
    "change",
    [
        {"serial_number": "A" * 17},
        {"serial_number": ""},
        {"vendor_name": "Größe"},
        {"part_number": "A\n"},
        {"revision": "ABC"},
        {"date_code": "2601"},
        {"date_code": "26O115"},
        {"oui": b"\x00"},
    ],
)
def test_an_identity_that_memory_cannot_hold_is_refused(change: dict[str, object]) -> None:
    fields = {name: getattr(IDENTITY, name) for name in Identity.__slots__}
    with pytest.raises(ValueError, match=next(iter(change))):
        Identity(**{**fields, **change})
