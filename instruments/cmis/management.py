"""A transceiver as its host manages it: who it is, what it does, its transmitters."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

from instruments.clock import Clock
from instruments.cmis import registers as r
from instruments.cmis.advertisement import Advertisement, Application, decode_applications
from instruments.cmis.bus import ManagedBus
from instruments.cmis.identity import Identity
from instruments.cmis.state import (
    DataPathLane,
    LaneFlags,
    LaneMonitor,
    ModuleFlags,
    ModuleStatus,
    Monitors,
    case_temperature_c,
    lane_monitors,
    lanes_of,
    supply_v,
)
from instruments.cmis.watch import StateWatch, read_data_paths, read_module_state, read_status
from instruments.errors import ManagementError, WrongTransceiver
from instruments.interfaces.host_board import HostBoard

_PAGE_00 = r.Register("vendor page", r.PAGE_00, r.UPPER_START, count=r.PAGE_SIZE)
_PAGE_01 = r.Register("advertisement page", r.PAGE_01, r.UPPER_START, count=r.PAGE_SIZE)


class ModuleManagement:
    """One transceiver with CMIS behind a host board.

    Power, ResetL and LPMode belong to whoever holds the board; here is what goes over the two
    wires. Nothing is remembered between calls: a transceiver may be exchanged or reset at any
    time. No call but read_module_flags and read_lane_flags clears a flag.
    """

    def __init__(self, board: HostBoard, clock: Clock, *, name: str = "transceiver") -> None:
        self.name = name
        self._bus = ManagedBus(board, clock, name=name)
        self._watch = StateWatch(self._bus, clock)

    @property
    def bus(self) -> ManagedBus:
        """Get the bus, for registers that no call here covers."""
        return self._bus

    # Who it is

    def identify(self) -> Identity:
        """Read the vendor's data, once management answers; after a reset that may take 2 s."""
        self._watch.await_management()
        return Identity.decode(self._bus.read(_PAGE_00), name=self.name)

    def check_identity(self, expected_serial: str, part_numbers: Collection[str] = ()) -> Identity:
        """Read the vendor's data; raise WrongTransceiver when it is not the one scanned and planned.

        Any of `part_numbers` will do; when there are none, the part number is not judged.
        """
        identity = self.identify()
        if identity.serial_number != expected_serial:
            raise self._wrong("serial number", identity.serial_number, [expected_serial], identity)
        if part_numbers and identity.part_number not in part_numbers:
            raise self._wrong("part number", identity.part_number, part_numbers, identity)
        return identity

    def read_advertisement(self) -> Advertisement:
        """Read what the transceiver supports and how long it may take."""
        return Advertisement.decode(self._bus.read(_PAGE_01), name=self.name)

    def read_applications(self) -> tuple[Application, ...]:
        """Read the applications that the transceiver advertises."""
        with self._bus.transaction():
            first = self._bus.read(r.APPLICATIONS)
            page = self._bus.read(_PAGE_01)
        Advertisement.decode(page, name=self.name)  # its checksum covers the lane options
        more = r.MORE_APPLICATIONS.cut(page, r.UPPER_START)
        return decode_applications(first + more, r.MEDIA_LANE_OPTIONS.cut(page, r.UPPER_START))

    # What it does

    def read_status(self) -> ModuleStatus:
        """Read module state, interrupt, fault cause and firmware revision."""
        return read_status(self._bus)

    def read_data_paths(self, *, bank: int = 0) -> tuple[DataPathLane, ...]:
        """Read the data path state of each host lane of a bank."""
        return read_data_paths(self._bus, bank)

    def read_case_temperature_c(self) -> float:
        """Read the case temperature that the transceiver reports."""
        temperature_c = case_temperature_c(self._bus.read(r.CASE_TEMPERATURE))
        if temperature_c is None:
            raise ManagementError(
                f"{self.name} has no sample of its case temperature ({r.CASE_TEMPERATURE.where})",
                remedy="wait until the module is ready",
            )
        return temperature_c

    def read_monitors(self) -> Monitors:
        """Read all monitors that the transceiver has."""
        with self._bus.transaction():
            before = read_module_state(self._bus)
            unsupported = self._bus.read_integer(r.MEDIA_LANES_UNSUPPORTED)
            advertisement = self.read_advertisement()
            monitors = self._read_monitors(advertisement, unsupported)
            after = read_module_state(self._bus)
        if after is not before:
            raise ManagementError(
                f"{self.name} went from {before.name} to {after.name} ({r.MODULE_STATE.where}) "
                "while its monitors were read",
                remedy="wait until the module is ready and measure again",
            )
        return monitors

    def read_module_flags(self) -> ModuleFlags:
        """Read the module's latched flags, and so clear them."""
        return ModuleFlags.decode(self._bus.read(r.MODULE_FLAGS))

    def read_lane_flags(self, *, bank: int = 0) -> LaneFlags:
        """Read a bank's latched lane flags, and so clear them."""
        return LaneFlags.decode(self._bus.read(r.LANE_FLAGS, bank=bank), bank=bank)

    # What it is told

    def wait_ready(self) -> None:
        """Wait until module and data paths are up, as long as the standard and the module allow.

        Call it after power, ResetL and LPMode. The bounds are 2 s for management to answer, then
        the advertised power-up time, then data path initialisation and Tx turn-on.
        """
        self._watch.await_management()
        advertisement = self.read_advertisement()
        self._watch.await_module_ready(self._finite(advertisement.power_up_max_s, r.POWER_UP_TIME))
        init_s = self._finite(advertisement.data_path_init_max_s, r.DATA_PATH_INIT_TIME)
        turn_on_s = self._finite(advertisement.tx_turn_on_max_s, r.TX_TURN_ON_TIME)
        self._watch.await_data_paths(advertisement.banks, init_s + turn_on_s)

    def disable_transmitters(self, lanes: Iterable[int] | None = None) -> None:
        """Switch off the given media lanes, or all, and verify the register.

        The light is out within the advertised tx_turn_off_max_s. This is a way to safety: it asks
        the module for as little as it can.
        """
        with self._bus.transaction():
            for bank, mask in self._masks(lanes).items():
                self._bus.update(r.TX_DISABLE, set_bits=mask, verify_bits=mask, bank=bank)

    def enable_transmitters(self, lanes: Iterable[int]) -> None:
        """Let the given media lanes emit, and wait until their data paths are up again."""
        with self._bus.transaction():
            advertisement = self.read_advertisement()
            masks = self._masks(lanes)
            self._check_tx_disable(advertisement, masks)
            for bank, mask in masks.items():
                self._bus.update(r.TX_DISABLE, clear_bits=mask, verify_bits=mask, bank=bank)
        turn_on_s = self._finite(advertisement.tx_turn_on_max_s, r.TX_TURN_ON_TIME)
        self._watch.await_data_paths(advertisement.banks, turn_on_s)

    def read_disabled_transmitters(self, *, bank: int = 0) -> tuple[int, ...]:
        """Read which media lanes of a bank are told not to emit."""
        return lanes_of(self._bus.read_integer(r.TX_DISABLE, bank=bank), bank)

    def request_low_power(self, low_power: bool) -> None:
        """Ask for low power by register, for boards without LPMode.

        Leaving low power also makes the module ignore the LPMode pin until its next reset, for
        on such a board the pin may float high.
        """
        leave = r.LOW_POWER_REQUEST | r.LOW_POWER_FOLLOWS_PIN
        if low_power:
            self._bus.update(r.MODULE_CONTROL, set_bits=r.LOW_POWER_REQUEST, verify_bits=r.LOW_POWER_REQUEST)
        else:
            self._bus.update(r.MODULE_CONTROL, clear_bits=leave, verify_bits=leave)

    def reset(self) -> None:
        """Reset by register, for boards without ResetL; call wait_ready after it."""
        # The bit clears itself and the module falls silent, so there is nothing to verify.
        self._bus.update(r.MODULE_CONTROL, set_bits=r.SOFTWARE_RESET, verify_bits=0)

    # How

    def _wrong(
        self, what: str, found: str, expected: Collection[str], identity: Identity
    ) -> WrongTransceiver:
        wanted = " or ".join(f"'{text}'" for text in expected)
        return WrongTransceiver(
            f"{self.name}: {what} is '{found}', expected {wanted} "
            f"(vendor '{identity.vendor_name}', part number '{identity.part_number}', "
            f"serial number '{identity.serial_number}')",
            remedy="scan the transceiver in the slot again, and check that the plan is for its product",
        )

    def _read_monitors(self, advertisement: Advertisement, unsupported: int) -> Monitors:
        lanes: list[LaneMonitor] = []
        for bank in range(advertisement.banks):
            lanes += self._read_lanes(advertisement, bank)
        absent = lanes_of(unsupported, 0)
        return Monitors(
            case_temperature_c(self._bus.read(r.CASE_TEMPERATURE))
            if advertisement.case_temperature
            else None,
            supply_v(self._bus.read(r.SUPPLY_VOLTAGE)) if advertisement.supply_voltage else None,
            tuple(lane for lane in lanes if lane.lane not in absent),
        )

    def _read_lanes(self, advertisement: Advertisement, bank: int) -> tuple[LaneMonitor, ...]:
        return lane_monitors(
            self._bus.read(r.TX_POWER, bank=bank) if advertisement.tx_power else None,
            self._bus.read(r.TX_BIAS, bank=bank) if advertisement.tx_bias else None,
            self._bus.read(r.RX_POWER, bank=bank) if advertisement.rx_power else None,
            advertisement=advertisement,
            bank=bank,
        )

    def _masks(self, lanes: Iterable[int] | None) -> dict[int, int]:
        if lanes is None:
            return self._all_lanes()
        masks: dict[int, int] = {}
        for lane in lanes:
            if lane < 1:
                raise ValueError(f"lanes are numbered from 1, not {lane}")
            bank, bit = divmod(lane - 1, r.LANES_PER_BANK)
            masks[bank] = masks.get(bank, 0) | 1 << bit
        return masks

    def _all_lanes(self) -> dict[int, int]:
        # Bits of lanes that are not there may read back as zero, so they are left alone; a module
        # that denies all its lanes is not believed, for this is the way to darkness.
        supported = ~self._bus.read_integer(r.MEDIA_LANES_UNSUPPORTED) & 0xFF or 0xFF
        banks = 1 << self._bus.read_integer(r.SUPPORTED_BANKS)
        return {bank: supported if bank == 0 else 0xFF for bank in range(banks)}

    def _check_tx_disable(self, advertisement: Advertisement, masks: dict[int, int]) -> None:
        if not advertisement.tx_disable:
            raise ManagementError(
                f"{self.name} has no Tx disable ({r.TX_DISABLE_SUPPORTED.where} bit 1 is clear)"
            )
        if advertisement.tx_disable_is_module_wide and masks != self._all_lanes():
            raise ManagementError(
                f"{self.name} switches all transmitters together "
                f"({r.TX_DISABLE_MODULE_WIDE.where} bit 0 is set)",
                remedy="enable all lanes at once",
            )

    def _finite(self, duration_s: float, register: r.Register) -> float:
        if math.isinf(duration_s):
            raise ManagementError(
                f"{self.name} advertises no upper bound for its {register.name} ({register.where})"
            )
        return duration_s
