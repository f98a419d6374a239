"""Digital diagnostics: what the module believes about its own light, current, heat and supply."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from simulation.transceiver.capabilities import LANES
from simulation.transceiver.image import BIAS_LSB_MA, POWER_LSB_MW, SUPPLY_LSB_V, TEMPERATURE_LSB_C, counts
from simulation.transceiver.image import milliwatts as from_dbm
from simulation.transceiver.physics_port import PhysicsPort


@dataclass(frozen=True, slots=True)
class MonitorAccuracy:
    """How far the monitors of a product lie off: one standard deviation each, and the converters' steps.

    The draw is cut off at three standard deviations, because production calibrates and sorts. The defaults
    keep within ±2 °C, ±2 %, ±10 % and ±1.5 dB, a plant's usual limits inside ±3 °C, ±3 %, ±10 %, ±3 dB.
    """

    temperature_offset_c: float = 0.5
    supply_gain: float = 0.005
    bias_gain: float = 0.025
    power_gain_db: float = 0.35
    rx_power_offset_mw: float = 0.3e-3
    temperature_step_c: float = 0.0625
    supply_step_v: float = 1e-3
    bias_step_ma: float = 0.05
    power_step_mw: float = 0.5e-3


@dataclass(frozen=True, slots=True)
class LossOfSignal:
    """Where the Rx LOS comparators switch, in average power, and how much lanes differ.

    IEEE 802.3 Clause 124 wants FAIL at -15 dBm and OK in the operating range (from -5.9 dBm).
    """

    assert_dbm: float = -12.0
    hysteresis_db: float = 1.5
    spread_db: float = 0.3

    def __post_init__(self) -> None:
        if self.hysteresis_db <= 0:
            raise ValueError(f"hysteresis_db must be positive, not {self.hysteresis_db}")


@dataclass(frozen=True, slots=True)
class Sample:
    """One round of conversions as the registers hold it, two bytes a value."""

    temperature: bytes
    supply: bytes
    tx_power: tuple[bytes, ...]
    bias: tuple[bytes, ...]
    rx_power: tuple[bytes, ...]


_NOTHING = (bytes(2),) * LANES


class Monitors:
    """Sensors of one unit, each with the gain and offset that this unit was given."""

    def __init__(
        self,
        physics: PhysicsPort,
        accuracy: MonitorAccuracy,
        loss_of_signal: LossOfSignal,
        *,
        seed: int,
        serial_number: str,
    ) -> None:
        draw = _Draw(seed, serial_number)
        self._physics = physics
        self._accuracy = accuracy
        self._temperature_offset_c = draw.one(accuracy.temperature_offset_c)
        self._supply_gain = 1 + draw.one(accuracy.supply_gain)
        self._bias_gain = [1 + draw.one(accuracy.bias_gain) for _ in range(LANES)]
        self._tx_gain = [from_dbm(draw.one(accuracy.power_gain_db)) for _ in range(LANES)]
        self._rx_gain = [from_dbm(draw.one(accuracy.power_gain_db)) for _ in range(LANES)]
        self._rx_offset_mw = [draw.one(accuracy.rx_power_offset_mw) for _ in range(LANES)]
        self._los = [_Comparator(loss_of_signal, draw.one(loss_of_signal.spread_db)) for _ in range(LANES)]

    def sample(self, *, lanes_on: bool) -> Sample:
        """Convert all quantities once; lane monitors read zero while their circuits have no power."""
        accuracy, physics = self._accuracy, self._physics
        temperature_c = physics.case_temperature_c() + self._temperature_offset_c
        supply_v = physics.supply_v() * self._supply_gain
        lanes = range(LANES) if lanes_on else range(0)
        return Sample(
            counts(_step(temperature_c, accuracy.temperature_step_c), TEMPERATURE_LSB_C, signed=True),
            counts(_step(supply_v, accuracy.supply_step_v), SUPPLY_LSB_V),
            tuple(self._tx_power(i) for i in lanes) or _NOTHING,
            tuple(self._bias(i) for i in lanes) or _NOTHING,
            tuple(self._rx_power(i) for i in lanes) or _NOTHING,
        )

    def lanes_without_signal(self) -> tuple[bool, ...]:
        """Let the comparators look at the light now."""
        return tuple(los.judge(self._physics.rx_power_mw(i + 1)) for i, los in enumerate(self._los))

    def _tx_power(self, i: int) -> bytes:
        return self._power(self._physics.tx_power_mw(i + 1) * self._tx_gain[i])

    def _rx_power(self, i: int) -> bytes:
        return self._power(self._physics.rx_power_mw(i + 1) * self._rx_gain[i] + self._rx_offset_mw[i])

    def _power(self, power_mw: float) -> bytes:
        return counts(_step(power_mw, self._accuracy.power_step_mw), POWER_LSB_MW)

    def _bias(self, i: int) -> bytes:
        bias_ma = self._physics.bias_ma(i + 1) * self._bias_gain[i]
        return counts(_step(bias_ma, self._accuracy.bias_step_ma), BIAS_LSB_MA)


class _Draw:
    """Deviations of one unit, cut off at three standard deviations."""

    def __init__(self, seed: int, serial_number: str) -> None:
        # crc32, because hash() of a string differs from process to process.
        self._generator = np.random.default_rng((seed, zlib.crc32(b"monitors " + serial_number.encode())))

    def one(self, standard_deviation: float) -> float:
        return standard_deviation * float(np.clip(self._generator.standard_normal(), -3, 3))


class _Comparator:
    """Rx LOS with hysteresis; it begins without signal."""

    def __init__(self, levels: LossOfSignal, deviation_db: float) -> None:
        self._assert_mw = from_dbm(levels.assert_dbm + deviation_db)
        self._clear_mw = from_dbm(levels.assert_dbm + levels.hysteresis_db + deviation_db)
        self._lost = True

    def judge(self, power_mw: float) -> bool:
        self._lost = power_mw < (self._clear_mw if self._lost else self._assert_mw)
        return self._lost


def _step(value: float, step: float) -> float:
    return round(value / step) * step
