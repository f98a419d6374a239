"""What the transceiver is doing: module state, data paths, monitors, flags."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from instruments.cmis import registers as r
from instruments.cmis.advertisement import Advertisement
from instruments.errors import ManagementError

TEMPERATURE_STEP_C: Final = 1 / 256
SUPPLY_STEP_V: Final = 100e-6
POWER_STEP_MW: Final = 1e-4
BIAS_STEP_MA: Final = 2e-3

_NO_TEMPERATURE: Final = -32768
_NO_SUPPLY: Final = 0
_FAULT_CAUSES: Final = (
    "no cause given",
    "TEC runaway",
    "data memory corrupted",
    "program memory corrupted",
    "fault of a Tx device",
    "fault of an Rx device",
    "temperature",
)


class ModuleState(IntEnum):
    """States of the module state machine, by their codes."""

    LOW_POWER = 1
    POWER_UP = 2
    READY = 3
    POWER_DOWN = 4
    FAULT = 5


class DataPathState(IntEnum):
    """States of a data path, by their codes."""

    DEACTIVATED = 1
    INIT = 2
    DEINIT = 3
    ACTIVATED = 4
    TX_TURN_ON = 5
    TX_TURN_OFF = 6
    INITIALIZED = 7


@dataclass(frozen=True, slots=True)
class ModuleStatus:
    """The module's state; reading it clears no flag."""

    state: ModuleState
    interrupt_asserted: bool
    fault_cause: str
    """In words; it counts in the fault state only."""
    firmware_revision: str

    @classmethod
    def decode(
        cls, status: bytes, firmware: bytes, fault: bytes, *, name: str = "transceiver"
    ) -> ModuleStatus:
        """Decode lower memory byte 3, bytes 39-40 and byte 41."""
        major, minor = r.FIRMWARE_REVISION.integers(firmware)
        return cls(
            state=module_state(status, name=name),
            interrupt_asserted=r.INTERRUPT_DEASSERTED.integer(status) == 0,
            fault_cause=_fault_cause(r.FAULT_CAUSE.integer(fault)),
            firmware_revision=f"{major}.{minor}",
        )


@dataclass(frozen=True, slots=True)
class DataPathLane:
    """One host lane: the state of the data path it belongs to, and the active configuration."""

    host_lane: int
    state: DataPathState
    application: int
    """AppSel of the active application; 0 when the lane is unused."""
    data_path: int
    """First lane of the data path, counted from 1."""

    @property
    def used(self) -> bool:
        """Get whether the lane belongs to a data path."""
        return self.application != 0


@dataclass(frozen=True, slots=True)
class LaneMonitor:
    """The monitors of one media lane; None where the module has none."""

    lane: int
    tx_power_mw: float | None
    tx_bias_ma: float | None
    rx_power_mw: float | None


@dataclass(frozen=True, slots=True)
class Monitors:
    """All monitors, as the transceiver itself measures them; None where it has none."""

    case_temperature_c: float | None
    supply_v: float | None
    lanes: tuple[LaneMonitor, ...]


@dataclass(frozen=True, slots=True)
class ModuleFlags:
    """Latched flags of the module; they were cleared by the reading that gave them."""

    state_changed: bool
    module_firmware_error: bool
    data_path_firmware_error: bool
    temperature_high_alarm: bool
    temperature_low_alarm: bool
    temperature_high_warning: bool
    temperature_low_warning: bool
    supply_high_alarm: bool
    supply_low_alarm: bool
    supply_high_warning: bool
    supply_low_warning: bool

    @classmethod
    def decode(cls, data: bytes) -> ModuleFlags:
        """Decode lower memory bytes 8-11."""
        events, limits = r.MODULE_FLAGS.integers(data)[:2]
        return cls(
            *(bool(events >> bit & 1) for bit in range(3)), *(bool(limits >> bit & 1) for bit in range(8))
        )


@dataclass(frozen=True, slots=True)
class LaneFlags:
    """Latched flags of one bank as the lanes that raised them; cleared by the reading that gave them."""

    tx_fault: tuple[int, ...]
    tx_loss_of_signal: tuple[int, ...]
    """Host lanes; so is tx_loss_of_lock. The others are media lanes."""
    tx_loss_of_lock: tuple[int, ...]
    rx_loss_of_signal: tuple[int, ...]
    rx_loss_of_lock: tuple[int, ...]

    @classmethod
    def decode(cls, data: bytes, *, bank: int = 0) -> LaneFlags:
        """Decode bytes 134-153 of page 11h."""
        lanes = {byte: lanes_of(mask, bank) for byte, mask in enumerate(data, start=r.LANE_FLAGS.byte)}
        return cls(*(lanes[byte] for byte in (135, 136, 137, 147, 148)))


def module_state(status: bytes, *, name: str) -> ModuleState:
    """Decode the module state from lower memory byte 3."""
    code = r.MODULE_STATE.integer(status)
    try:
        return ModuleState(code)
    except ValueError:
        where = r.MODULE_STATE.where
        raise ManagementError(f"{name}: module state ({where}) holds the reserved code {code}") from None


def data_path_lanes(states: bytes, active: bytes, *, bank: int, name: str) -> tuple[DataPathLane, ...]:
    """Decode bytes 128-131 and 206-213 of page 11h."""
    codes = r.DATA_PATH_STATES.integers(states)
    configured = r.ACTIVE_DATA_PATHS.integers(active)
    first = bank * r.LANES_PER_BANK
    return tuple(
        _data_path_lane(first, lane, code, config, name)
        for lane, (code, config) in enumerate(zip(codes, configured, strict=True), start=first + 1)
    )


def _data_path_lane(first: int, lane: int, code: int, config: int, name: str) -> DataPathLane:
    try:
        state = DataPathState(code)
    except ValueError:
        where = r.DATA_PATH_STATES.where
        raise ManagementError(
            f"{name}: data path state of host lane {lane} ({where}) holds the reserved code {code}"
        ) from None
    return DataPathLane(lane, state, application=config >> 4, data_path=first + (config >> 1 & 0x07) + 1)


def case_temperature_c(data: bytes) -> float | None:
    """Decode lower memory bytes 14-15; None while the module has no sample."""
    raw = r.CASE_TEMPERATURE.integer(data)
    return None if raw == _NO_TEMPERATURE else raw * TEMPERATURE_STEP_C


def supply_v(data: bytes) -> float | None:
    """Decode lower memory bytes 16-17; None while the module has no sample."""
    raw = r.SUPPLY_VOLTAGE.integer(data)
    return None if raw == _NO_SUPPLY else raw * SUPPLY_STEP_V


def lane_monitors(
    tx_power: bytes | None,
    tx_bias: bytes | None,
    rx_power: bytes | None,
    *,
    advertisement: Advertisement,
    bank: int,
) -> tuple[LaneMonitor, ...]:
    """Decode the monitors of one bank's eight lanes; None stands for a monitor that is not there."""
    bias_step_ma = BIAS_STEP_MA * advertisement.bias_multiplier
    columns = zip(
        _scaled(r.TX_POWER, tx_power, POWER_STEP_MW),
        _scaled(r.TX_BIAS, tx_bias, bias_step_ma),
        _scaled(r.RX_POWER, rx_power, POWER_STEP_MW),
        strict=True,
    )
    return tuple(
        LaneMonitor(lane, *values) for lane, values in enumerate(columns, start=bank * r.LANES_PER_BANK + 1)
    )


def lanes_of(mask: int, bank: int) -> tuple[int, ...]:
    """Name the lanes whose bits are set in a bank's mask."""
    first = bank * r.LANES_PER_BANK + 1
    return tuple(first + bit for bit in range(r.LANES_PER_BANK) if mask >> bit & 1)


def _scaled(register: r.Register, data: bytes | None, step: float) -> tuple[float | None, ...]:
    if data is None:
        return (None,) * register.count
    return tuple(raw * step for raw in register.integers(data))


def _fault_cause(code: int) -> str:
    return _FAULT_CAUSES[code] if code < len(_FAULT_CAUSES) else f"code {code}"
