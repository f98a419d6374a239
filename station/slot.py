"""The slot: one transceiver with its supply, its thermal head and its host board.

Nothing lights up before the identity was checked: the transceiver is powered in low-power mode,
read, held against what was scanned, and only then allowed to become ready.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from instruments.clock import Clock
from instruments.cmis import Identity, ModuleManagement
from instruments.interfaces.host_board import HostBoard
from instruments.interfaces.power_supply import PowerSupply
from instruments.interfaces.thermal_head import ThermalHead
from measurements.quantity import Quantity
from station.config.plan_file import Corner, Temperature
from station.config.product_file import Product
from station.temperature import CaseTemperature

# The vendor's page holds 16 characters of a serial number (CMIS, page 00h); the label may hold more.
_REMEMBERED = 16


class Witness(Protocol):
    """Who is told what happens; the journal."""

    def append(self, event: str, /, **fields: object) -> None:
        """Write down one event."""
        ...


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under what a measurement was made; None for what was not controlled."""

    corner: str
    case_temperature_c: float | None = None
    air_temperature_c: float | None = None
    supply_v: float | None = None
    test_channel: str = "back-to-back"


@dataclass(frozen=True, slots=True)
class SupplyRail:
    """One output of a supply, as it feeds the transceiver."""

    supply: PowerSupply
    output: str
    name: str

    def read_current(self) -> Quantity:
        """Measure the current that the transceiver draws."""
        amperes = self.supply.read_current_a(self.output)
        return Quantity(amperes, "A", self.supply.current_accuracy_a(amperes) / 2, instruments=(self.name,))

    def read_power(self) -> Quantity:
        """Measure the power that the transceiver draws, at the sense terminals."""
        volts, amperes = self.supply.read_voltage_v(self.output), self.supply.read_current_a(self.output)
        error_w = math.hypot(
            amperes * self.supply.voltage_accuracy_v(volts) / 2,
            volts * self.supply.current_accuracy_a(amperes) / 2,
        )
        evidence = {"voltage_v": volts, "current_a": amperes}
        return Quantity(volts * amperes, "W", error_w, evidence=evidence, instruments=(self.name,))


@dataclass(frozen=True, slots=True)
class SlotParts:
    """What makes up a slot."""

    number: int
    rail: SupplyRail
    host_board: HostBoard
    management: ModuleManagement
    thermal_head: ThermalHead | None


class Slot:
    """One transceiver under test; knows at which corner it stands."""

    def __init__(
        self, parts: SlotParts, product: Product, rules: Temperature, clock: Clock, witness: Witness
    ) -> None:
        self.parts = parts
        self._product = product
        self._rules = rules
        self._clock = clock
        self._witness = witness
        self._powered = False
        self._ready = False
        self._conditions: Conditions | None = None
        self.last_case_c: float | None = None

    @property
    def powered(self) -> bool:
        """Get whether the transceiver has been given power and not been switched off again."""
        return self._powered

    @property
    def conditions(self) -> Conditions | None:
        """Get the conditions at which the transceiver stands, or None before the first corner."""
        return self._conditions

    def power_up(self, serial: str) -> Identity:
        """Power the transceiver, check that it is the one scanned, and wait until it is ready.

        Raise WrongTransceiver before any light when vendor data differ from the scan or the product.
        Of a scan longer than the memory the beginning is compared.
        """
        board, limit_a = self.parts.host_board, self._product.supply.current_limit_a
        if board.drives_reset:
            board.hold_reset(True)
        if board.drives_low_power:
            board.request_low_power(True)
        rail = self.parts.rail
        self._powered = True  # before it is: whatever interrupts the next line may leave the output on
        rail.supply.supply(rail.output, voltage_v=self._product.supply.voltage_v, current_limit_a=limit_a)
        board.switch_power(True)
        board.hold_reset(False)
        if not board.drives_low_power:
            # By register, the first thing once management answers: seconds before a laser starts.
            self.parts.management.identify()
            self.parts.management.request_low_power(True)
        identity = self.parts.management.check_identity(
            serial[:_REMEMBERED], self._product.vendor.part_numbers
        )
        self._witness.append(
            "transceiver",
            vendor=identity.vendor_name,
            part_number=identity.part_number,
            serial=identity.serial_number,
            revision=identity.revision,
        )
        if board.drives_low_power:
            board.request_low_power(False)
        else:
            self.parts.management.request_low_power(False)
        self.parts.management.wait_ready()
        self._ready = True
        return identity

    def go_to(self, corner: Corner, serial: str) -> Conditions:
        """Bring the transceiver to a corner, unless it stands there already."""
        if self._conditions is not None and self._conditions.corner == corner.name:
            return self._conditions
        if not self._ready:  # also after a power-up that was refused: nothing is measured on another unit
            self.power_up(serial)
        self._conditions = None
        self._witness.append(
            "corner_started",
            corner=corner.name,
            case_temperature_c=corner.case_temperature_c,
            supply_v=corner.supply_v,
        )
        limit_a = self._product.supply.current_limit_a
        rail = self.parts.rail
        rail.supply.supply(rail.output, voltage_v=corner.supply_v, current_limit_a=limit_a)
        self._conditions = self._soaked(corner)
        return self._conditions

    def disable_transmitters(self) -> None:
        """Tell all lanes to emit nothing."""
        self.parts.management.disable_transmitters()

    def power_off(self) -> None:
        """Take the power away from the transceiver at its board; the supply is switched off by itself."""
        if self.parts.host_board.drives_power:
            self.parts.host_board.switch_power(False)
        self._powered = self._ready = False
        self._conditions = None

    def _soaked(self, corner: Corner) -> Conditions:
        channel = corner.test_channel or "back-to-back"
        volts = self.parts.rail.supply.read_voltage_v(self.parts.rail.output)
        if self.parts.thermal_head is None:
            case_c = self.read_case_c()
            return Conditions(corner.name, case_c, None, volts, channel)
        head = CaseTemperature(self.parts.thermal_head, self.read_case_c, self._clock, self._rules)
        soaked = head.bring_to(corner.case_temperature_c)
        self._witness.append(
            "corner_reached",
            corner=corner.name,
            case_temperature_c=soaked.case_temperature_c,
            air_temperature_c=soaked.air_temperature_c,
            slope_c_per_min=soaked.slope_c_per_min,
            supply_v=volts,
            seconds=soaked.seconds,
        )
        return Conditions(corner.name, soaked.case_temperature_c, soaked.air_temperature_c, volts, channel)

    def read_case_c(self) -> float:
        """Read the case temperature from the transceiver."""
        self.last_case_c = self.parts.management.read_case_temperature_c()
        return self.last_case_c

    def now(self) -> Conditions:
        """Read the conditions as they are at this moment."""
        if self._conditions is None:
            raise RuntimeError("the transceiver stands at no corner yet")
        air_c = None if self.parts.thermal_head is None else self.parts.thermal_head.read_air_c()
        was = self._conditions
        return Conditions(was.corner, self.read_case_c(), air_c, was.supply_v, was.test_channel)
