"""A module with warm, lossy, looped-back physics and a host that keeps to the bus rules.

Register numbers here and in the tests are written out from CMIS 5.2, never taken from the firmware.
"""

from __future__ import annotations

import math
from typing import Any

from simulation.clock import VirtualClock
from simulation.transceiver import Firmware, Identity, Nack

IDENTITY = Identity("PHOTONBENCH", bytes.fromhex("0018C5"), "PB-400G-DR4-Q112", "A1", "PB2601A0042", "260115")
CODES_S = (1e-3, 5e-3, 10e-3, 50e-3, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0, 300.0, 600.0, 3000.0)


class Physics:
    """First-order heat, light that falls as it warms, every lane looped back through an attenuator."""

    ambient_c = 25.0
    resistance_c_per_w = 3.0
    time_constant_s = 8.0

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.firmware: Firmware | None = None
        self.rail_v = 3.3
        self.attenuation_db = [3.0, 3.0, 3.0, 3.0]
        self.high_power = False
        self.lanes = [True] * 4  # nothing holds the lasers dark before firmware does
        self.orders: list[tuple[float, str]] = []
        self._rise_c = 0.0
        self._since_s = 0.0

    def set_high_power(self, on: bool) -> None:
        self._settle()
        self.high_power = on
        self.orders.append((self.clock.now(), f"power {on}"))

    def set_lane_enabled(self, lane: int, enabled: bool) -> None:
        self._settle()
        self.lanes[lane - 1] = enabled
        self.orders.append((self.clock.now(), f"lane {lane} {enabled}"))

    def case_temperature_c(self) -> float:
        self._settle()
        return self.ambient_c + self._rise_c

    def supply_v(self) -> float:
        return self.rail_v

    def tx_power_mw(self, lane: int) -> float:
        if self.firmware is not None:
            self.firmware.advance()  # as the bench does before it evaluates emission
        lit = self.high_power and self.lanes[lane - 1]
        return 1.4 * (1 - 0.004 * (self.case_temperature_c() - 25)) if lit else 0.0

    def bias_ma(self, lane: int) -> float:
        lit = self.high_power and self.lanes[lane - 1]
        return 70.0 * (1 + 0.006 * (self.case_temperature_c() - 25)) if lit else 0.0

    def rx_power_mw(self, lane: int) -> float:
        return self.tx_power_mw(lane) * 10 ** (-self.attenuation_db[lane - 1] / 10)

    def _settle(self) -> None:
        target_c = self.resistance_c_per_w * (7.3 if self.high_power else 1.2)
        elapsed_s = self.clock.now() - self._since_s
        self._rise_c = target_c + (self._rise_c - target_c) * math.exp(-elapsed_s / self.time_constant_s)
        self._since_s = self.clock.now()


class Bench:
    """One module, its physics, and a host; `power_on` is the only thing that has not happened yet."""

    def __init__(self, *, seed: int = 7, identity: Identity = IDENTITY, **options: Any) -> None:
        self.clock = VirtualClock()
        self.physics = Physics(self.clock)
        self.firmware = Firmware(self.physics, self.clock, identity, seed, **options)
        self.physics.firmware = self.firmware

    def power_on(self, settle_s: float = 0.0) -> None:
        self.firmware.set_rail(3.3)
        self.clock.sleep(settle_s)

    def transfer(self, write: bytes, read_count: int = 0) -> bytes:
        return self.firmware.two_wire.transfer(0x50, write, read_count)

    def select(self, page: int, bank: int = 0) -> None:
        self.write(126, bytes((bank, page)))

    def write(self, byte: int, data: bytes) -> None:
        self.transfer(bytes((byte,)) + data)
        self.clock.sleep(0.010)

    def read(self, byte: int, count: int = 1) -> bytes:
        starts = range(byte, byte + count, 8)
        return b"".join(self.transfer(bytes((i,)), min(8, byte + count - i)) for i in starts)

    def page(self, page: int, byte: int, count: int = 1) -> bytes:
        self.select(page)
        return self.read(byte, count)

    def write_page(self, page: int, byte: int, data: bytes) -> None:
        self.select(page)
        self.write(byte, data)

    def module_state(self) -> int:
        return self.read(3)[0] >> 1 & 7

    def data_path_states(self) -> list[int]:
        packed = self.page(0x11, 128, 2)
        return [packed[i // 2] >> 4 * (i % 2) & 0xF for i in range(4)]

    def word(self, page: int, byte: int) -> int:
        return int.from_bytes(self.page(page, byte, 2), "big")

    def answers(self) -> bool:
        try:
            self.transfer(b"\x00", 1)
        except Nack:
            return False
        return True


def ready_bench(**options: Any) -> Bench:
    bench = Bench(**options)
    bench.power_on(settle_s=10.0)
    return bench
