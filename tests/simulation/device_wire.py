"""One twin device behind the in-process VISA library, with light and signals of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pyvisa

from simulation.clock import VirtualClock
from simulation.faults import Fault
from simulation.physics.electrical import ElectricalSignal
from simulation.physics.emitter import SteadyLight
from simulation.physics.light import Beam, Light
from simulation.scpi import ScpiDevice
from simulation.transport.visa_library import BenchVisaLibrary


@dataclass
class Lamps:
    """The light at each port, to be changed by a test."""

    light: dict[str, Light] = field(default_factory=dict)

    def arriving(self, port: str) -> Light:
        return self.light.get(port, ())


@dataclass
class Signals:
    """The signal at each port, to be changed by a test."""

    signals: dict[str, ElectricalSignal] = field(default_factory=dict)

    def arriving(self, port: str) -> ElectricalSignal | None:
        return self.signals.get(port)


def steady(wavelength_nm: float, power_mw: float, *, suppression_db: float = 50.0) -> Light:
    emitter = SteadyLight("lamp.out", wavelength_nm, side_mode_suppression_db=suppression_db)
    return (Beam(emitter, wavelength_nm, power_mw),)


@dataclass
class Wire:
    """A device, its clock, and one VISA session with it."""

    device: Any
    clock: VirtualClock
    session: Any

    def ask(self, message: str) -> str:
        return str(self.session.query(message)).rstrip("\r\n")

    def write(self, message: str) -> None:
        self.session.write(message)

    def errors(self) -> list[str]:
        found = []
        while not (error := self.ask("SYST:ERR?")).lstrip("+").startswith("0"):
            found.append(error)
        return found

    @contextmanager
    def timed(self) -> Iterator[Any]:
        """Measure the bench time of what happens inside, in seconds."""
        started = self.clock.now()
        result: dict[str, float] = {}
        yield result
        result["seconds"] = self.clock.now() - started


def make(
    device: type[ScpiDevice],
    *,
    options: Mapping[str, object] | None = None,
    seed: int = 1,
    clock: VirtualClock | None = None,
) -> Any:
    bench_clock = clock or VirtualClock()
    return device("unit", serial="SIM00001", options=options or {}, clock=bench_clock, seed=seed)


@contextmanager
def wired(
    device: type[ScpiDevice],
    *,
    resource: str = "GPIB0::4::INSTR",
    options: Mapping[str, object] | None = None,
    seed: int = 1,
    faults: tuple[Fault, ...] = (),
    termination: str = "\n",
    timeout_ms: int = 20_000,
) -> Iterator[Wire]:
    clock = VirtualClock()
    unit = make(device, options=options, seed=seed, clock=clock)
    unit.inflict(faults)
    manager = pyvisa.ResourceManager(BenchVisaLibrary.for_bench({resource: unit}, clock))
    try:
        session = manager.open_resource(resource, timeout=timeout_ms)
        session.read_termination = termination
        session.write_termination = "\n"
        yield Wire(unit, clock, session)
    finally:
        manager.close()
