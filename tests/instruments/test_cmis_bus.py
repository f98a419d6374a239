"""The bus owner: pages, access limits, hold-offs, and what it does when the wire misbehaves."""

import threading

import pytest

from instruments.cmis import registers as r
from instruments.cmis.bus import ManagedBus
from instruments.errors import ManagementError, NoAcknowledge
from tests.instruments.fake_cmis_module import FakeClock, FakeModule


@pytest.fixture
def module():
    return FakeModule(FakeClock())


@pytest.fixture
def bus(module):
    return ManagedBus(module, module.clock, name="transceiver in slot1")


def test_reads_upper_memory_of_the_page_that_the_register_names(bus, module):
    assert bus.read(r.SERIAL_NUMBER) == b"AC2447K00031    "
    assert bus.read(r.DATA_PATH_STATES) == bytes.fromhex("44441111")
    assert module.lower[127] == 0x11


def test_reads_each_element_of_a_live_array_by_an_access_of_its_own(bus, module):
    lengths = []
    module.hook = lambda m, sent, answer: (lengths.append((sent[0], len(answer))), answer)[1]
    bus.read(r.TX_POWER)
    assert [item for item in lengths if item[0] >= 128] == [(byte, 2) for byte in range(154, 170, 2)]


def test_reads_static_text_in_pieces_of_eight(bus, module):
    lengths = []
    module.hook = lambda m, sent, answer: (lengths.append((sent[0], len(answer))), answer)[1]
    bus.read(r.VENDOR_NAME)
    assert [item for item in lengths if item[0] >= 128] == [(129, 8), (137, 8)]


def test_raised_read_limit_is_used_only_when_given(module):
    seen = []
    module.transfer = lambda address, write, count: (seen.append(count), bytes(count))[1]
    ManagedBus(module, module.clock, read_limit_bytes=128).read(r.Register("page", r.PAGE_00, 128, count=128))
    assert 128 in seen


def test_selected_page_is_not_written_again(bus, module):
    bus.read(r.TX_POWER)
    selections = []
    module.hook = lambda m, sent, answer: (
        selections.append(sent) if len(sent) > 1 else None,
        answer,
    )[1]
    bus.read(r.TX_BIAS)
    assert selections == []


def test_waits_out_the_hold_off_of_page_change_and_write(bus, module):
    module.page_change_s = module.write_hold_off_s = 0.010
    bus.write(r.TX_DISABLE, b"\x0f")
    assert module.peek(0x10, 130) == 0x0F
    assert module.clock.now() == pytest.approx(0.020, abs=0.002)


def test_gives_up_right_after_the_hold_off(bus, module):
    module.silent_until_s = 1.0
    with pytest.raises(NoAcknowledge, match=r"slot1 did not acknowledge address 50h within .* 10 ms"):
        bus.read(r.MODULE_STATE)
    assert module.clock.now() == pytest.approx(0.010)


def test_writes_to_the_nonvolatile_page_get_80_ms(bus, module):
    module.pages[0, 3] = bytearray(128)
    module.write_hold_off_s = 0.080
    register = r.Register("user byte", 3, 128, access=r.Access.READ_WRITE)
    bus.write(register, b"\x41")
    assert module.peek(3, 128) == 0x41


def test_writes_more_than_eight_bytes_in_pieces(bus, module):
    register = r.Register("staged", r.PAGE_10, 145, count=12, access=r.Access.READ_WRITE)
    bus.write(register, bytes(range(12)))
    assert bytes(module.pages[0, 0x10][17:29]) == bytes(range(12))


def test_refuses_data_of_another_length(bus):
    with pytest.raises(ValueError, match="takes 1 bytes, not 2"):
        bus.write(r.TX_DISABLE, b"\0\0")


def test_write_that_does_not_stick_names_register_and_expectation(bus, module):
    module.ignores_writes = True
    with pytest.raises(ManagementError, match=r"Tx disable \(10h:130\) reads 00h after 0Fh was written"):
        bus.write(r.TX_DISABLE, b"\x0f")


def test_update_leaves_the_other_bits(bus, module):
    module.poke(None, 26, 0b1100_0000)
    bus.update(r.MODULE_CONTROL, set_bits=0x10, clear_bits=0x40, verify_bits=0x50)
    assert module.lower[26] == 0b1001_0000


def test_bank_and_page_are_changed_in_one_write(bus, module):
    module.pages[1, 0x11] = bytearray([0x77] * 128)
    writes = []
    module.hook = lambda m, sent, answer: (writes.append(sent) if len(sent) > 1 else None, answer)[1]
    assert bus.read(r.DATA_PATH_STATES, bank=1) == b"\x77" * 4
    assert writes == [bytes([126, 1, 0x11])]


def test_bank_is_zero_on_pages_without_banks(bus, module):
    module.pages[1, 0x11] = bytearray(128)
    bus.read(r.DATA_PATH_STATES, bank=1)
    bus.read(r.MAX_POWER, bank=1)
    assert module.lower[126:128] == b"\0\0"


def test_unsupported_page_is_named(bus):
    with pytest.raises(ManagementError, match="does not support page 13h in bank 2"):
        bus.read(r.Register("pattern", 0x13, 128), bank=2)


def test_flat_memory_is_named(bus, module):
    module.lower[2] = 0x80
    del module.pages[0, 1]
    with pytest.raises(ManagementError, match="page 01h: its memory is flat"):
        bus.read(r.SUPPORTED_BANKS)


def test_short_answer_is_an_error(bus, module):
    module.hook = lambda m, sent, answer: answer[:3]
    with pytest.raises(ManagementError, match="gave 3 of 4 bytes from byte 8"):
        bus.read(r.MODULE_FLAGS)


def test_stuck_bus_is_not_retried(bus, module):
    def stuck(address, write, read_count):
        raise ManagementError("the bus is stuck")

    module.transfer = stuck
    with pytest.raises(ManagementError, match="stuck"):
        bus.read(r.MODULE_STATE)
    assert module.clock.now() == 0.0


def test_bus_that_reads_ones_everywhere_is_an_error(bus, module):
    module.hook = lambda m, sent, answer: b"\xff" * len(answer)
    with pytest.raises(ManagementError, match="nobody drives the data line"):
        bus.read(r.CASE_TEMPERATURE)


def test_true_ones_are_believed(bus, module):
    module.poke(None, 14, 0xFF, 0xFF)  # -1/256 °C
    assert bus.read_integer(r.CASE_TEMPERATURE) == -1


def test_module_that_resets_in_the_middle_of_a_read_gives_nothing(bus, module):
    def reset_after_first_byte(m, sent, answer):
        if sent[0] == 14:
            m.silent_until_s = m.clock.now() + 0.005  # back within the hold-off, yet no retry helps
            return answer[:1] + b"\xff"
        return answer

    module.hook = reset_after_first_byte
    with pytest.raises(NoAcknowledge, match="stopped acknowledging in a read of 2 bytes from byte 14"):
        bus.read(r.CASE_TEMPERATURE)


def test_page_register_moved_under_a_read_gives_nothing(bus, module):
    def reset(m, sent, answer):
        if sent[0] == 158:
            m.lower[126:128] = b"\0\0"
        return answer

    module.hook = reset
    with pytest.raises(ManagementError, match=r"page register .* reads 00h 00h after a read of Tx power"):
        bus.read(r.TX_POWER)


def test_two_threads_never_read_each_others_page(module):
    bus = ManagedBus(module, module.clock)
    seen = {r.PART_NUMBER: set(), r.DATA_PATH_STATES: set()}

    def reader(register):
        seen[register].update(bus.read(register) for _ in range(200))

    threads = [
        threading.Thread(target=reader, args=(r.PART_NUMBER,)),
        threading.Thread(target=reader, args=(r.DATA_PATH_STATES,)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {
        r.PART_NUMBER: {b"AC-Q112-DR4     "},
        r.DATA_PATH_STATES: {bytes.fromhex("44441111")},
    }


def test_every_access_holds_the_lock_it_was_given(module):
    class Lock:
        depth = 0

        def __enter__(self):
            self.depth += 1

        def __exit__(self, *_):
            self.depth -= 1

    lock = Lock()
    bus = ManagedBus(module, module.clock, lock=lock)
    depths = []
    module.hook = lambda m, sent, answer: (depths.append(lock.depth), answer)[1]
    bus.read(r.TX_POWER)
    bus.update(r.TX_DISABLE, set_bits=1, verify_bits=1)
    assert min(depths) >= 1
    assert lock.depth == 0
