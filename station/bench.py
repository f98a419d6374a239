"""The instruments of a station, opened with their drivers, and the way to leave them safe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from instruments.catalog import Catalog, ResourceManager, open_instrument
from instruments.clock import Clock
from instruments.driver import Driver
from instruments.errors import PhotonbenchError
from instruments.interfaces.safe_state import SafeState, SafetyRank
from station.config.station_file import Instrument, Station
from station.safety import SafetyStep, attempt, words_for

T = TypeVar("T")


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

        In this order: sources off, attenuators to maximum, transceiver, supplies off, heads to ambient.
        What is not open (yet, or any more) is opened for it.
        """
        for rank in SafetyRank:
            if rank is SafetyRank.TRANSCEIVER:
                if disable_transmitters is not None:
                    yield attempt(rank, "transceiver", "transmitters disabled", disable_transmitters)
                if power_off is not None:
                    yield attempt(rank, "host board", "power off", power_off)
            for name, driver in self._of_rank(rank):
                yield self._made_safe(rank, name, words_for(driver))

    def close(self) -> None:
        """Close all sessions; the instruments keep their state."""
        for driver in self._drivers.values():
            driver.close()

    def _of_rank(self, rank: SafetyRank) -> Iterator[tuple[str, type[Driver]]]:
        for name, entry in self.station.instruments.items():
            driver = self._catalog.visa_driver(entry.model)
            if issubclass(driver, SafeState) and driver.safety_rank is rank:
                yield name, driver

    def _made_safe(self, rank: SafetyRank, name: str, what: str) -> SafetyStep:
        if name not in self._drivers:
            return attempt(rank, name, what, lambda: _become_safe(self.open(name)))
        first = attempt(rank, name, what, lambda: _become_safe(self._drivers[name]))
        if first.done:
            return first
        # The connection may be what is broken; a new one has another chance.
        self._drivers.pop(name).close()
        again = attempt(rank, name, what, lambda: _become_safe(self.open(name)))
        return again if again.done else first


def _become_safe(driver: Driver) -> None:
    if isinstance(driver, SafeState):
        with driver.session.shielded():
            driver.make_safe()


def _words(kind: type[Any]) -> str:
    """Write the name of an interface as words: SamplingScope becomes "sampling scope"."""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in kind.__name__).strip()
