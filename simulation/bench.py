"""A whole simulated bench: instruments, light and cables between them, transceivers in their slots.

It is built from plain values, knows no station file, and holds one clock and one seed for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulation.clock import VirtualClock
from simulation.faults import Fault
from simulation.physics.electrical import ElectricalNetwork, ElectricalSignal
from simulation.physics.light import Light, Passage
from simulation.physics.loss import LossTable, dispersion_free, fixed
from simulation.physics.network import FibreLink, LightNetwork
from simulation.physics.parameters import TransceiverParameters
from simulation.physics.passive import PassiveElement
from simulation.physics.transceiver import Transceiver
from simulation.scpi import ScpiDevice
from simulation.transceiver.firmware import Firmware
from simulation.transceiver.identity import Identity
from simulation.transport.visa_library import BenchVisaLibrary

LossPoints = Mapping[float, float]
"""Loss in dB by wavelength in nm; one point holds for all wavelengths."""


@dataclass(frozen=True, slots=True)
class InstrumentSpec:
    """One instrument: its device class, and the values that it is built with."""

    name: str
    device: type[ScpiDevice]
    address: str
    serial: str
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WaySpec:
    """A way for light between two ports: a fibre of the bench, or one through a passive element.

    The true loss is drawn around the stated one, within the uncertainty (k=2).
    """

    start: str
    end: str
    loss_db: LossPoints
    uncertainty_db: float = 0.0
    dispersion_ps_nm: float = 0.0


@dataclass(frozen=True, slots=True)
class SlotSpec:
    """A slot with its transceiver; `supply` and `head` name instruments."""

    name: str
    parameters: TransceiverParameters
    identity: Identity
    supply: str
    supply_output: str
    head: str | None


@dataclass(frozen=True, slots=True)
class BenchSpec:
    """All values of a bench."""

    seed: int
    epoch: datetime
    ambient_c: float
    instruments: Sequence[InstrumentSpec]
    elements: Mapping[str, Sequence[WaySpec]]
    fibres: Sequence[WaySpec]
    cables: Sequence[tuple[str, str]]
    slots: Sequence[SlotSpec]
    faults: Sequence[Fault] = ()


class Slot:
    """A transceiver where it is plugged in: its rail comes from a supply through the board's switch.

    Whoever looks at the transceiver looks through here, so that supply and firmware are never behind.
    """

    def __init__(self, spec: SlotSpec, clock: VirtualClock, seed: int, ambient_c: float) -> None:
        self.physics = Transceiver(spec.name, spec.parameters, clock, ambient_c)
        self.firmware = Firmware(self.physics, clock, spec.identity, seed)
        self._switched_on = False
        self._supply: Any = None
        self._output = spec.supply_output

    def feed_from(self, supply: Any) -> None:
        """Join the rail to an output of a supply."""
        self._supply = supply
        supply.connect_load(self._load)

    def switch_power(self, on: bool) -> None:
        """Connect the rail, or disconnect it."""
        self.refresh()
        self._switched_on = on
        self.refresh()

    def refresh(self) -> None:
        """Let the transceiver see the voltage of this moment, and its firmware the time."""
        volts = self._supply.output_voltage_v(self._output) if self._switched_on and self._supply else 0.0
        if volts != self.physics.supply_v():
            self.physics.set_supply_voltage(volts)
            self.firmware.set_rail(volts)
        self.firmware.advance()

    def emission(self, port: str) -> Light:
        """Get the light that leaves a port now."""
        self.refresh()
        return self.physics.emission(port)

    def passages(self, port: str) -> tuple[Passage, ...]:
        """Get the ways through: none."""
        return self.physics.passages(port)

    def electrical_emission(self, port: str) -> ElectricalSignal | None:
        """Get the signal of a host receive lane now."""
        self.refresh()
        return self.physics.electrical_emission(port)

    def _load(self, output: str, voltage_v: float) -> float:
        if output != self._output or not self._switched_on:
            return 0.0
        self.firmware.advance()  # who only measures the current sees the module's state of now
        return self.physics.supply_current_a(voltage_v)


class Bench:
    """The bench. Everything is joined when it is built; nothing emits and nothing is powered."""

    def __init__(self, spec: BenchSpec, clock: VirtualClock | None = None) -> None:
        self.clock = clock or VirtualClock(spec.epoch)
        self.devices = {one.name: self._built(one, spec.seed) for one in spec.instruments}
        self.slots = {one.name: Slot(one, self.clock, spec.seed, spec.ambient_c) for one in spec.slots}
        self._addresses = {one.address: self.devices[one.name] for one in spec.instruments}
        self._join_light(spec)
        self._join_cables(spec)
        self._join_slots(spec)
        for device in self.devices.values():
            device.inflict(spec.faults)

    def visa_library(self) -> BenchVisaLibrary:
        """Get a VISA library of this bench's own, for `pyvisa.ResourceManager`."""
        return BenchVisaLibrary.for_bench(self._addresses, self.clock)

    def optical_ports(self) -> list[str]:
        """Get all ports that a fibre begins or ends at."""
        return self.light.ports()

    def electrical_ports(self) -> list[str]:
        """Get all ports that a cable begins or ends at."""
        return self.electrical.ports()

    def light_at(self, port: str) -> Light | None:
        """Get the light at a port now: what falls on it, or leaves it; None if there is no such port."""
        return self.light.at(port)

    def signal_at(self, port: str) -> ElectricalSignal | None:
        """Get the signal at a port that a cable begins or ends at."""
        return self.electrical.at(port)

    def safe_state(self) -> dict[str, dict[str, object]]:
        """Get the truth about every output, past all messages."""
        state: dict[str, dict[str, object]] = {
            name: dict(device.safe_state()) for name, device in self.devices.items() if device.safe_state()
        }
        for name, slot in self.slots.items():
            lanes = range(1, len(slot.physics.parameters.lanes) + 1)
            dark = not any(slot.emission(f"tx{lane}") for lane in lanes)
            state[name] = {"dark": dark, "supply_v": round(slot.physics.supply_v(), 3)}
        return state

    def _built(self, spec: InstrumentSpec, seed: int) -> ScpiDevice:
        return spec.device(spec.name, serial=spec.serial, options=spec.options, clock=self.clock, seed=seed)

    def _join_light(self, spec: BenchSpec) -> None:
        elements: dict[str, Any] = {
            name: device for name, device in self.devices.items() if hasattr(device, "passages")
        }
        elements |= self.slots
        elements |= {name: self._passive(name, ways, spec.seed) for name, ways in spec.elements.items()}
        fibres = [
            FibreLink(
                way.start,
                way.end,
                _drawn(way, spec.seed),
                fixed(way.dispersion_ps_nm) if way.dispersion_ps_nm else dispersion_free,
            )
            for way in spec.fibres
        ]
        self.light = LightNetwork(elements, fibres)
        for name, device in self.devices.items():
            if hasattr(device, "connect_light"):
                device.connect_light(self.light.source_for(name))
        for name, slot in self.slots.items():
            slot.physics.connect_light(self.light.source_for(name))

    def _passive(self, name: str, ways: Iterable[WaySpec], seed: int) -> PassiveElement:
        return PassiveElement(
            {(way.start, way.end): _drawn(way, seed, f"{name}.{way.start}-{way.end}") for way in ways}
        )

    def _join_cables(self, spec: BenchSpec) -> None:
        elements: dict[str, Any] = {
            name: device for name, device in self.devices.items() if hasattr(device, "electrical_emission")
        }
        self.electrical = ElectricalNetwork(elements | self.slots, spec.cables)
        for name, device in self.devices.items():
            if hasattr(device, "connect_electrical"):
                device.connect_electrical(self.electrical.source_for(name))
        for name, slot in self.slots.items():
            slot.physics.connect_electrical(self.electrical.source_for(name))

    def _join_slots(self, spec: BenchSpec) -> None:
        for one in spec.slots:
            slot = self.slots[one.name]
            slot.feed_from(self.devices[one.supply])
            if one.head is not None:
                slot.physics.connect_air(self.devices[one.head].air)  # type: ignore[attr-defined]  # a head


def _drawn(way: WaySpec, seed: int, key: str | None = None) -> LossTable:
    return LossTable.of(way.loss_db).drawn(way.uncertainty_db, seed, key or f"{way.start}-{way.end}")
