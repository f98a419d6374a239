"""The instruments of a station, opened with their drivers, and the way to leave them safe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from instruments.catalog import Catalog, ResourceManager, open_instrument
from instruments.clock import Clock
from instruments.driver import Driver
from instruments.errors import PhotonbenchError
from instruments.interfaces.attenuator import Attenuator
from instruments.interfaces.bert import Bert
from instruments.interfaces.power_supply import PowerSupply
from instruments.interfaces.thermal_head import ThermalHead
from instruments.interfaces.tunable_laser import TunableLaser
from station.config.station_file import Instrument, Station

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SafetyStep:
    """One thing that was done to make the bench safe, and whether the instrument confirmed it."""

    what: str
    done: bool
    detail: str = ""


class Bench:
    """All instruments of a station, by the names of the station file.

    They are opened one by one with `open`; what was opened before one fails stays open, so that it
    can be made safe.
    """

    def __init__(
        self,
        station: Station,
        manager: ResourceManager,
        catalog: Catalog,
        clock: Clock,
        abort: Callable[[], None] | None = None,
    ) -> None:
        self.station = station
        self._manager = manager
        self._catalog = catalog
        self._clock = clock
        self._abort = abort
        self._drivers: dict[str, Driver] = {}

    def open(self, name: str) -> Driver:
        """Open one instrument and check its identity."""
        entry = self.station.instruments[name]
        driver = open_instrument(
            self._catalog.visa_driver(entry.model),
            self._manager,
            entry.address,
            name=name,
            clock=self._clock,
            serial=entry.serial,
            options=entry.options,
            abort=self._abort,
        )
        self._drivers[name] = driver
        return driver

    def entry(self, name: str) -> Instrument:
        """Get what the station file says of an instrument."""
        return self.station.instruments[name]

    def get(self, name: str, kind: type[T]) -> T:
        """Get an instrument by name; raise PhotonbenchError when it is not of the kind asked for."""
        driver = self._drivers.get(name)
        if isinstance(driver, kind):
            return driver
        raise PhotonbenchError(
            f"{name} is no {_words(kind)} of this station", remedy="correct the name in the station file"
        )

    def only(self, kind: type[T]) -> tuple[str, T]:
        """Get the one instrument of a kind with its name; raise PhotonbenchError unless there is one."""
        found = [(name, driver) for name, driver in self._drivers.items() if isinstance(driver, kind)]
        if len(found) == 1:
            return found[0]
        names = ", ".join(name for name, _ in found) or "none"
        raise PhotonbenchError(
            f"this needs one {_words(kind)}; the station has {names}", remedy="correct the station file"
        )

    def of(self, kind: type[T]) -> Iterator[tuple[str, T]]:
        """Give all instruments of a kind with their names."""
        for name, driver in self._drivers.items():
            if isinstance(driver, kind):
                yield name, driver

    def make_safe(
        self, disable_transmitters: Callable[[], None] | None, power_off: Callable[[], None] | None
    ) -> Iterator[SafetyStep]:
        """Make the bench safe, each step whatever became of the one before.

        In this order: sources off, attenuators to maximum, Tx disable, supplies off, heads to ambient.
        """
        for name, laser in self.of(TunableLaser):
            yield self._attempt(name, "light off", laser.darken)
        for name, attenuator in self.of(Attenuator):
            yield self._attempt(name, "shutters closed, maximum attenuation", attenuator.make_safe)
        if disable_transmitters is not None:
            yield self._attempt("transceiver", "transmitters disabled", disable_transmitters)
        for name, bert in self.of(Bert):
            yield self._attempt(name, "outputs off", bert.silence)
        if power_off is not None:
            yield self._attempt("slot", "power off", power_off)
        for name, supply in self.of(PowerSupply):
            yield self._attempt(name, "outputs off", partial(_switch_off, supply))
        for name, head in self.of(ThermalHead):
            yield self._attempt(name, "air to ambient", head.release)

    def close(self) -> None:
        """Close all sessions; the instruments keep their state."""
        for driver in self._drivers.values():
            driver.close()

    def _attempt(self, name: str, what: str, action: Callable[[], Any]) -> SafetyStep:
        driver = self._drivers.get(name)
        try:
            if driver is None:
                action()
            else:
                with driver.session.shielded():
                    action()
        except Exception as error:  # the next step must be tried whatever this one met
            return SafetyStep(f"{name}: {what}", False, str(error))
        return SafetyStep(f"{name}: {what}", True)


def _switch_off(supply: PowerSupply) -> None:
    for output in supply.outputs:
        supply.switch_off(output)


def _words(kind: type[Any]) -> str:
    """Write the name of an interface as words: SamplingScope becomes "sampling scope"."""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in kind.__name__).strip()
