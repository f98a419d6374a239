"""Registers that report: states, monitors, latched flags and the interrupt they raise."""

from __future__ import annotations

from collections.abc import Sequence

from simulation.transceiver import registers as reg
from simulation.transceiver.capabilities import LANES
from simulation.transceiver.data_path import INITIALIZED_STATES, STEADY, DataPath, DataPathState
from simulation.transceiver.memory import Memory
from simulation.transceiver.module_state import ModuleState
from simulation.transceiver.monitors import Sample

_SUPPLY_THRESHOLDS, _TEMPERATURE_THRESHOLDS = 136, 128
_TX_POWER_THRESHOLDS, _BIAS_THRESHOLDS, _RX_POWER_THRESHOLDS = 176, 184, 192
_REPORTED_STATES = frozenset({ModuleState.LOW_PWR, ModuleState.READY})  # entry raises ModuleStateChanged


class Status:
    """Writes what the firmware knows into the memory that a host reads."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._excursions: list[tuple[int, int, int]] = []

    def module_entered(self, state: ModuleState) -> None:
        """Latch the change of module state, on entry to the states the standard names."""
        if state in _REPORTED_STATES:
            self._memory.latch(reg.LOWER, reg.MODULE_FLAGS, reg.MODULE_STATE_CHANGED)

    def data_path_entered(self, path: DataPath) -> None:
        """Report a data path's state; steady states latch the change."""
        if path.state in STEADY:
            self._memory.latch(reg.LANE_STATUS, reg.DATA_PATH_STATE_CHANGED, lane_bits(path.lanes))

    def write_states(self, module: ModuleState, path: DataPath, emitting: Sequence[bool]) -> None:
        """Write the states of module, data path and transmitters."""
        # An unused lane is reported as deactivated (CMIS, data path state encoding).
        nibbles: list[int] = [DataPathState.DEACTIVATED] * 8
        for lane in path.lanes:
            nibbles[lane - 1] = path.state
        packed = bytes(nibbles[i] | nibbles[i + 1] << 4 for i in range(0, 8, 2))
        self._memory.poke(reg.LANE_STATUS, reg.DATA_PATH_STATES, packed)
        self._memory.poke(reg.LANE_STATUS, reg.TX_OUTPUT_STATUS, bytes((_bits(emitting),)))
        self._write_global(module)

    def write_loss_of_signal(self, lost: Sequence[bool], path: DataPath) -> None:
        """Latch Rx LOS and write which receivers put out a signal, once the data path is initialised."""
        watching = path.state in INITIALIZED_STATES
        before = self._memory.peek(reg.LANE_STATUS, reg.RX_OUTPUT_STATUS)[0]
        valid = _bits([not one for one in lost]) if watching else 0
        self._memory.poke(reg.LANE_STATUS, reg.RX_OUTPUT_STATUS, bytes((valid,)))
        self._memory.latch(reg.LANE_STATUS, reg.RX_OUTPUT_CHANGED, before ^ valid)
        if watching:
            self._memory.latch(reg.LANE_STATUS, reg.RX_LOS_FLAG, _bits(lost))

    def write_sample(self, sample: Sample, path: DataPath, emitting: Sequence[bool]) -> None:
        """Write one round of monitors and hold it against the thresholds.

        Lane quantities are judged only where the state lets them mean something.
        """
        self._memory.poke(reg.LOWER, reg.TEMPERATURE, sample.temperature)
        self._memory.poke(reg.LOWER, reg.SUPPLY, sample.supply)
        receiving = [path.state in INITIALIZED_STATES] * LANES
        self._excursions = [self._module_excursions(sample)]
        for byte, flags, thresholds, values, meaningful in (
            (reg.TX_POWER, reg.TX_POWER_FLAGS, _TX_POWER_THRESHOLDS, sample.tx_power, emitting),
            (reg.BIAS, reg.BIAS_FLAGS, _BIAS_THRESHOLDS, sample.bias, emitting),
            (reg.RX_POWER, reg.RX_POWER_FLAGS, _RX_POWER_THRESHOLDS, sample.rx_power, receiving),
        ):
            self._memory.poke(reg.LANE_STATUS, byte, b"".join(values))
            self._excursions += self._lane_excursions(flags, values, thresholds, meaningful)

    def latch_excursions(self) -> None:
        """Latch the alarms and warnings of the last sample, again if a host has cleared them."""
        for page, byte, bits in self._excursions:
            self._memory.latch(page, byte, bits)

    def write_configuration_status(self, lanes: int, status: int) -> None:
        """Report the outcome of a provisioning command on the lanes (one bit each) that it named."""
        packed = bytearray(self._memory.peek(reg.LANE_STATUS, reg.CONFIG_STATUS, LANES // 2))
        for i in range(LANES):
            if lanes >> i & 1:
                shift = 4 * (i % 2)
                packed[i // 2] = packed[i // 2] & ~(0xF << shift) | status << shift
        self._memory.poke(reg.LANE_STATUS, reg.CONFIG_STATUS, bytes(packed))

    def write_active_configuration(self, active: bytes) -> None:
        """Report the configuration that is in force, one byte a lane."""
        self._memory.poke(reg.LANE_STATUS, reg.ACTIVE_CONFIG, active)

    def write_init_pending(self, lanes: int) -> None:
        """Report which lanes wait for an initialisation, one bit a lane."""
        self._memory.poke(reg.LANE_STATUS, reg.INIT_PENDING, bytes((lanes,)))

    def interrupt(self) -> bool:
        """Get whether any unmasked flag is up."""
        return any(self._unmasked(page) for page in reg.FLAGS)

    def _unmasked(self, page: int) -> bool:
        flags = reg.FLAGS[page]
        mask_page, first = reg.MASKS[page]
        raised = self._memory.peek(page, flags.start, len(flags))
        masks = self._memory.peek(mask_page, first, len(flags))
        return any(flag & ~mask for flag, mask in zip(raised, masks, strict=True))

    def _write_global(self, module: ModuleState) -> None:
        lane_flags = reg.FLAGS[reg.LANE_STATUS]
        raised = any(self._memory.peek(reg.LANE_STATUS, lane_flags.start, len(lane_flags)))
        self._memory.poke(reg.LOWER, reg.FLAG_SUMMARY, bytes((int(raised),)))
        status = max(module, 0) << 1 | int(not self.interrupt())
        self._memory.poke(reg.LOWER, reg.GLOBAL_STATUS, bytes((status,)))

    def _excess(self, value: bytes, first_threshold: int, *, signed: bool = False) -> int:
        """Give bits 0 to 3: above high alarm, below low alarm, above high warning, below low warning."""
        packed = self._memory.peek(reg.THRESHOLDS, first_threshold, 8)
        limits = [int.from_bytes(packed[i : i + 2], "big", signed=signed) for i in range(0, 8, 2)]
        now = int.from_bytes(value, "big", signed=signed)
        return _bits((now > limits[0], now < limits[1], now > limits[2], now < limits[3]))

    def _module_excursions(self, sample: Sample) -> tuple[int, int, int]:
        temperature = self._excess(sample.temperature, _TEMPERATURE_THRESHOLDS, signed=True)
        supply = self._excess(sample.supply, _SUPPLY_THRESHOLDS)
        return reg.LOWER, reg.TEMPERATURE_SUPPLY_FLAGS, temperature | supply << 4

    def _lane_excursions(
        self, byte: int, values: Sequence[bytes], first_threshold: int, meaningful: Sequence[bool]
    ) -> list[tuple[int, int, int]]:
        excesses = [
            self._excess(value, first_threshold) if judged else 0
            for value, judged in zip(values, meaningful, strict=True)
        ]
        return [
            (reg.LANE_STATUS, byte + kind, _bits([bool(excess >> kind & 1) for excess in excesses]))
            for kind in range(4)
        ]


def lane_bits(lanes: Sequence[int]) -> int:
    """Pack lanes, numbered from 1, as one bit each."""
    return sum(1 << (lane - 1) for lane in lanes)


def _bits(values: Sequence[bool]) -> int:
    return sum(1 << i for i, value in enumerate(values) if value)
