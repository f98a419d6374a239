from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.transceiver import Capabilities, Durations, Nack
from tests.simulation.firmware_bench import Bench, ready_bench


def test_an_unpowered_module_does_not_acknowledge() -> None:
    assert not Bench().answers()


def test_another_address_is_not_acknowledged() -> None:
    with pytest.raises(Nack, match="0x51"):
        ready_bench().firmware.two_wire.transfer(0x51, b"\x00", 1)


@pytest.mark.parametrize(("address", "count"), [(0x80, 1), (-1, 1), (0x50, -1)])
def test_an_impossible_transfer_is_the_callers_error(address: int, count: int) -> None:
    with pytest.raises(ValueError, match="no such transfer"):
        ready_bench().firmware.two_wire.transfer(address, b"\x00", count)


def test_reads_without_an_address_go_on_where_the_last_access_ended() -> None:
    bench = ready_bench()
    first = bench.transfer(bytes((129,)), 5)
    assert first + bench.transfer(b"", 6) == b"PHOTONBENCH"


def test_a_read_crosses_from_lower_into_upper_memory() -> None:
    bench = ready_bench()
    data = bench.transfer(bytes((124,)), 8)
    assert data == bytes((0, 0, 0, 0, 0x1E)) + b"PHO"


def test_a_read_never_wraps_past_byte_255() -> None:
    bench = ready_bench()
    bench.transfer(bytes((250,)), 6)
    with pytest.raises(Nack, match="past byte 255"):
        bench.transfer(b"", 1)
    with pytest.raises(Nack, match="past byte 255"):
        bench.transfer(bytes((252,)), 5)


def test_a_write_never_wraps_past_byte_255_and_changes_nothing() -> None:
    bench = ready_bench()
    bench.select(0x10)
    with pytest.raises(Nack, match="past byte 255"):
        bench.transfer(bytes((255, 1, 2)))
    assert bench.read(248, 8) == bytes(8)


def test_a_strict_module_refuses_long_reads_unless_it_advertises_them() -> None:
    with pytest.raises(Nack, match="a read of 9 bytes"):
        ready_bench().transfer(b"\x00", 9)
    generous = ready_bench(capabilities=Capabilities(full_page_reads=True))
    assert generous.page(0x01, 251) == b"\x01"
    assert len(generous.transfer(bytes((128,)), 128)) == 128
    with pytest.raises(Nack, match="a read of 129 bytes"):
        generous.transfer(bytes((127,)), 129)


def test_a_strict_module_refuses_a_long_write_whole() -> None:
    bench = ready_bench()
    with pytest.raises(Nack, match="a write of 9 bytes"):
        bench.transfer(bytes((31,)) + b"\xff" * 9)
    assert bench.read(31, 6) == bytes(6)


def test_a_write_from_lower_into_upper_memory_is_refused() -> None:
    bench = ready_bench(strict=False)
    with pytest.raises(Nack, match="from lower into upper"):
        bench.transfer(bytes((127, 0x10, 0x0F)))
    assert bench.read(127) == b"\x00"


def test_a_strict_module_holds_the_host_off_after_a_write() -> None:
    bench = ready_bench(durations=Durations(write_hold_off_s=4e-3))
    bench.transfer(bytes((31, 0xFF)))
    bench.clock.sleep(3.5e-3)
    assert not bench.answers()
    bench.clock.sleep(0.5e-3)
    assert bench.answers()


def test_a_write_during_the_hold_off_has_no_effect() -> None:
    bench = ready_bench()
    bench.transfer(bytes((31, 0x01)))
    with pytest.raises(Nack, match="hold-off"):
        bench.transfer(bytes((31, 0x02)))
    bench.clock.sleep(0.010)
    assert bench.read(31) == b"\x01"


def test_a_page_change_holds_the_host_off_for_no_longer_than_advertised() -> None:
    bench = ready_bench(durations=Durations(page_change_s=2e-3))
    exponent = bench.page(0x01, 169)[0] & 0xF
    assert exponent == 2  # 10 ms / 4 = 2.5 ms; the next promise, 1.25 ms, would be broken
    bench.transfer(bytes((126, 0, 0x02)))
    with pytest.raises(Nack, match="hold-off"):
        bench.transfer(b"\x00", 1)
    bench.clock.sleep(10e-3 * 2**-exponent)
    assert bench.answers()


def test_a_read_joined_to_a_write_meets_the_hold_off_but_the_write_stands() -> None:
    bench = ready_bench()
    with pytest.raises(Nack, match="hold-off"):
        bench.transfer(bytes((31, 0x01)), 1)
    bench.clock.sleep(0.010)
    assert bench.read(31) == b"\x01"


def test_a_lenient_module_takes_long_and_hasty_accesses() -> None:
    bench = ready_bench(strict=False)
    bench.transfer(bytes((31,)) + b"\xff" * 6)
    assert len(bench.transfer(b"\x00", 213)) == 213
    assert bench.transfer(bytes((31,)), 6) == b"\xff" * 6


@pytest.mark.parametrize("page", [0x03, 0x04, 0x12, 0x13, 0x9F, 0xFF])
def test_an_unsupported_page_reads_back_as_page_zero(page: int) -> None:
    bench = ready_bench()
    bench.select(page)
    assert bench.read(126, 4) == bytes((0, 0, 0x1E)) + b"P"


def test_an_unsupported_bank_falls_back_to_page_zero() -> None:
    bench = ready_bench()
    bench.select(0x11, bank=1)
    assert bench.read(126, 2) == b"\x00\x00"


def test_the_page_stays_selected_until_changed() -> None:
    bench = ready_bench()
    bench.select(0x10)
    assert bench.read(127) == b"\x10"
    assert bench.read(145, 4) == b"\x10" * 4


def test_read_only_bytes_keep_their_value() -> None:
    bench = ready_bench()
    before = bench.page(0x00, 128, 95)
    bench.write(166, b"FORGED!!")
    bench.write(0, b"\x18")
    assert bench.page(0x00, 128, 95) == before
    assert bench.read(0) == b"\x1e"


def test_bits_of_absent_lanes_cannot_be_set() -> None:
    bench = ready_bench()
    bench.write_page(0x10, 130, b"\xff")
    assert bench.read(130) == b"\x0f"


def test_a_transfer_takes_its_time_on_the_bus() -> None:
    bench = ready_bench()
    before_ns = bench.clock.now_ns
    bench.transfer(b"\x00", 8)
    # Address, register; address again, eight bytes: 11 bytes of 9 clocks at 400 kHz.
    assert bench.clock.now_ns - before_ns == pytest.approx(11 * 9 / 400e3 * 1e9)


# Writes that hit registers with an effect: control, page select, lane control.
PLAUSIBLE_WRITES = st.builds(
    lambda start, data: bytes((start,)) + data,
    st.sampled_from((8, 26, 126, 127, 128, 130, 143, 145)),
    st.binary(min_size=1, max_size=3),
)


@settings(max_examples=60, deadline=None)
@given(
    strict=st.booleans(),
    transfers=st.lists(
        st.tuples(
            st.binary(max_size=12) | PLAUSIBLE_WRITES,
            st.integers(0, 140),
            st.floats(0, 0.5),
        ),
        max_size=12,
    ),
)
def test_arbitrary_transfers_give_the_length_asked_or_no_acknowledge(
    strict: bool, transfers: list[tuple[bytes, int, float]]
) -> None:
    bench = ready_bench(strict=strict)
    for write, read_count, pause_s in transfers:
        try:
            data = bench.transfer(write, read_count)
        except Nack:
            data = bytes(read_count)
        assert len(data) == read_count
        bench.clock.sleep(pause_s)
    bench.clock.sleep(12.0)
    assert bench.answers()
    assert bench.read(127)[0] in {0x00, 0x01, 0x02, 0x10, 0x11}
