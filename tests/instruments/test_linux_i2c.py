"""The i2c-dev host board, faked where smbus2 meets the kernel."""

import errno
import os
import sys

import pytest

from instruments.cmis import ModuleManagement
from instruments.drivers.linux_i2c import LinuxI2cHostBoard
from instruments.errors import ManagementError, NoAcknowledge, PhotonbenchError
from tests.instruments.fake_cmis_module import FakeClock, FakeModule

smbus2 = pytest.importorskip("smbus2")

ALL_STRAPS = ["power_on", "reset_released", "full_power", "present"]


class FakeBus:
    """Takes real i2c messages; `device` answers as a HostBoard would, `fails` is an errno."""

    def __init__(self, device=None):
        self.device = device
        self.fails = 0
        self.seen = []
        self.closed = False

    def i2c_rdwr(self, *messages):
        flags = [(message.addr, bool(message.flags & 1), len(message)) for message in messages]
        self.seen.append(flags)
        if self.fails:
            raise OSError(self.fails, os.strerror(self.fails))
        written = b"".join(bytes(message) for message in messages if not message.flags & 1)
        for message in messages:
            if message.flags & 1:
                self._answer(message, written)
        if len(messages) == 1 and not messages[0].flags & 1 and self.device:
            self.device.transfer(messages[0].addr, written, 0)

    def _answer(self, message, written):
        data = bytes(range(len(message)))
        if self.device:
            data = self.device.transfer(message.addr, written, len(message))
        for index, value in enumerate(data):
            message.buf[index] = bytes([value])

    def close(self):
        self.closed = True


@pytest.fixture
def bus():
    return FakeBus()


def board_on(bus, **options):
    return LinuxI2cHostBoard("/dev/i2c-3", options=options, open_bus=lambda address: bus)


def test_write_and_read_are_one_transfer_with_a_repeated_start(bus):
    assert board_on(bus).transfer(0x50, b"\x0e", 4) == bytes([0, 1, 2, 3])
    assert bus.seen == [[(0x50, False, 1), (0x50, True, 4)]]


def test_write_alone_and_read_alone_send_one_message(bus):
    board = board_on(bus)
    assert board.transfer(0x50, b"\x7e\x00\x11", 0) == b""
    assert board.transfer(0x51, b"", 2) == b"\0\1"
    assert bus.seen == [[(0x50, False, 3)], [(0x51, True, 2)]]


@pytest.mark.parametrize("code", [errno.ENXIO, errno.EREMOTEIO])
def test_missing_acknowledge_is_an_error_of_its_own(bus, code):
    bus.fails = code
    with pytest.raises(NoAcknowledge, match="50h on /dev/i2c-3"):
        board_on(bus).transfer(0x50, b"\0", 1)


@pytest.mark.parametrize("code", [errno.ETIMEDOUT, errno.EBUSY, errno.EAGAIN])
def test_stuck_bus_is_no_missing_acknowledge(bus, code):
    bus.fails = code
    with pytest.raises(ManagementError, match="stuck or taken") as caught:
        board_on(bus).transfer(0x50, b"\0", 1)
    assert not isinstance(caught.value, NoAcknowledge)


def test_other_failures_keep_the_kernels_words(bus):
    bus.fails = errno.EOPNOTSUPP
    with pytest.raises(ManagementError, match=os.strerror(errno.EOPNOTSUPP)):
        board_on(bus).transfer(0x50, b"\0", 1)


@pytest.mark.parametrize("code", [errno.ENOENT, errno.EACCES])
def test_device_that_cannot_be_opened_is_named_with_the_remedy(code):
    def refuse(address):
        raise OSError(code, os.strerror(code))

    with pytest.raises(ManagementError, match=r"cannot open the two-wire bus /dev/i2c-9 .*i2c-dev"):
        LinuxI2cHostBoard("/dev/i2c-9", open_bus=refuse)


def test_device_that_is_not_there_is_refused_by_the_real_opener(tmp_path):
    with pytest.raises(ManagementError, match="No such file"):
        LinuxI2cHostBoard(str(tmp_path / "i2c-0"))


def test_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "smbus2", None)
    with pytest.raises(PhotonbenchError, match=r"needs the package smbus2 .*\[i2c\]"):
        LinuxI2cHostBoard("/dev/i2c-3")


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda board: board.switch_power(True), "power switch"),
        (lambda board: board.hold_reset(False), "ResetL"),
        (lambda board: board.request_low_power(False), "LPMode"),
    ],
)
def test_line_that_is_not_there_is_said_so(bus, call, line):
    with pytest.raises(ManagementError, match=f"/dev/i2c-3 has no {line} line configured"):
        call(board_on(bus))


def test_strapped_lines_accept_the_level_they_have(bus):
    board = board_on(bus, strapped=ALL_STRAPS)
    board.switch_power(True)
    board.hold_reset(False)
    board.request_low_power(False)
    assert board.present()
    assert bus.seen == []


@pytest.mark.parametrize(
    ("call", "strap"),
    [
        (lambda board: board.switch_power(False), "power_on"),
        (lambda board: board.hold_reset(True), "reset_released"),
        (lambda board: board.request_low_power(True), "full_power"),
    ],
)
def test_strapped_lines_refuse_the_other_level(bus, call, strap):
    with pytest.raises(ManagementError, match=f"ties .* to '{strap}'"):
        call(board_on(bus, strapped=ALL_STRAPS))


def test_presence_without_a_line_is_an_acknowledge(bus):
    assert board_on(bus).present()
    assert bus.seen == [[(0x50, False, 1), (0x50, True, 1)]]


def test_presence_without_line_and_acknowledge_is_not_guessed(bus):
    bus.fails = errno.ENXIO
    with pytest.raises(ManagementError, match="the slot is empty, or the transceiver is without power"):
        board_on(bus).present()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gpio": {"reset_l": 4}}, "does not know the option 'gpio'.*drives no GPIO line"),
        (
            {"strapped": ["reset_low"]},
            "'reset_low' is no line .*power_on, reset_released, full_power, present",
        ),
        ({"strapped": "power_on"}, "must be a list"),
    ],
)
def test_wrong_options_are_refused_before_the_bus_is_opened(options, message):
    def open_bus(address):
        pytest.fail("opened")

    with pytest.raises(PhotonbenchError, match=message):
        LinuxI2cHostBoard("/dev/i2c-3", options=options, open_bus=open_bus)


def test_device_is_given_back(bus):
    with board_on(bus):
        assert not bus.closed
    assert bus.closed


def test_transceiver_is_managed_through_the_kernels_messages():
    module = FakeModule(FakeClock())
    transceiver = ModuleManagement(board_on(FakeBus(module)), module.clock)
    assert transceiver.identify().serial_number == "AC2447K00031"
    transceiver.disable_transmitters([2])
    assert module.peek(0x10, 130) == 0b0010
