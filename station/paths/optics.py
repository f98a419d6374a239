"""From the lanes of a slot to an instrument: what can be open at once, and what the way loses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from instruments.interfaces.optical_switch import OpticalSwitch
from measurements.units import mw_to_dbm, ratio_to_db
from station.config.fields import Port
from station.config.product_file import Product
from station.journal import Journal
from station.wiring import NoRoute, Route, Wiring, grouped


@dataclass(frozen=True, slots=True)
class LaneGroup:
    """Lanes whose ways are open at the same time."""

    routes: Mapping[int, Route]
    wavelengths_nm: Mapping[int, float]

    @property
    def lanes(self) -> tuple[int, ...]:
        """Get the lanes of the group."""
        return tuple(self.routes)

    @property
    def ports(self) -> tuple[str, ...]:
        """Get the instrument's port for each lane."""
        return tuple(route.destination.port for route in self.routes.values())

    def loss_db(self, lane: int) -> float:
        """Get the loss of a lane's way at the lane's wavelength."""
        return self.routes[lane].loss_db(self.wavelengths_nm[lane])

    def loss_uncertainty_db(self, lane: int) -> float:
        """Get the uncertainty (k=2) of that loss."""
        return self.routes[lane].uncertainty_db


class Optics:
    """The ways from the transmitters of one slot, with the switches that open them."""

    def __init__(
        self,
        wiring: Wiring,
        slot: str,
        product: Product,
        switches: Callable[[str], OpticalSwitch],
        journal: Journal,
    ) -> None:
        self._wiring = wiring
        self._slot = slot
        self._product = product
        self._switches = switches
        self._journal = journal
        self._wavelength_nm = product.lanes[0].wavelength_nm

    def wavelength_nm(self, lane: int) -> float:
        """Get the nominal wavelength of a lane."""
        return self._product.lane(lane).wavelength_nm

    def port_of(self, lane: int, instrument: str) -> str:
        """Get the instrument's port at which a lane's light arrives."""
        return self._wiring.route(Port(self._slot, f"tx{lane}"), instrument).destination.port

    def routes(self, lanes: Sequence[int], instrument: str) -> dict[int, Route]:
        """Find each lane's way to an instrument."""
        return {lane: self._wiring.route(Port(self._slot, f"tx{lane}"), instrument) for lane in lanes}

    def groups(self, lanes: Sequence[int], instrument: str) -> Iterator[LaneGroup]:
        """Open the ways from transmitters to an instrument, one group of lanes after the other."""
        routes = self.routes(lanes, instrument)
        for members in grouped(routes):
            group = {lane: routes[lane] for lane in members}
            self.open(group.values())
            yield LaneGroup(group, {lane: self.wavelength_nm(lane) for lane in members})

    def open(self, routes: Iterable[Route]) -> None:
        """Turn every switch on the ways to where it must stand, and write the ways down."""
        for route in routes:
            for (instrument, module), position in route.switches.items():
                self._switches(instrument).select(module, position)
            self._journal.append(
                "path",
                source=str(route.source),
                destination=str(route.destination),
                wavelength_nm=self._wavelength_nm,
                loss_db=round(route.loss_db(self._wavelength_nm), 4),
                uncertainty_db=round(route.uncertainty_db, 4),
                hops=[
                    {
                        "name": hop.name,
                        "loss_db": hop.loss.at(self._wavelength_nm),
                        "calibrated": hop.calibrated,
                    }
                    for hop in route.hops
                ],
            )

    def close(self, route: Route) -> None:
        """Turn the last switch of a way elsewhere, to darken its end; raise NoRoute without one."""
        if not route.switches:
            raise NoRoute(
                f"no switch on the way from {route.source} to {route.destination} can darken its end",
                remedy="put one into the wiring of the station file",
            )
        (instrument, module), position = list(route.switches.items())[-1]
        self._switches(instrument).select(module, 2 if position == 1 else 1)


def dbm_or_floor(power_mw: float, floor_mw: float) -> tuple[float, bool]:
    """Give a power in dBm, or the floor's and True when the reading lies below the floor."""
    dark = power_mw < floor_mw
    return float(mw_to_dbm(floor_mw if dark else power_mw)), dark


def relative_to_db(fraction: float) -> float:
    """Turn a relative uncertainty of a power into decibels."""
    return ratio_to_db(1.0 + fraction)
