"""Checks of a simulation file against the station and the product that it is used with."""

from __future__ import annotations

from collections.abc import Iterator

from station.config.loader import Loaded
from station.config.problems import Finding, Problem, Steps, nearest
from station.config.product_file import Product
from station.config.simulation_file import Failure, Simulation
from station.config.station_file import Station


def check_simulation(
    simulation: Loaded[Simulation], product: Loaded[Product], station: Loaded[Station]
) -> list[Problem]:
    """Find instruments, lanes and measurements that a simulation file names and nothing has."""
    findings = [
        *_faults(simulation.value, station.value),
        *_lanes(simulation.value, product.value),
        *_expectation(simulation.value, product.value),
    ]
    return [simulation.problem(finding) for finding in findings]


def _faults(simulation: Simulation, station: Station) -> Iterator[Finding]:
    for index, fault in enumerate(simulation.faults):
        if fault.instrument not in station.instruments:
            suggestion = nearest(fault.instrument, station.instruments)
            yield Finding(("faults", index, "instrument"), f"no instrument {fault.instrument!r}", suggestion)


def _lanes(simulation: Simulation, product: Product) -> Iterator[Finding]:
    for lane in simulation.unit.lanes:
        if lane not in product.lane_numbers:
            yield Finding(("unit", "lanes", lane), f"{product.name} has no lane {lane}", at_key=True)


def _expectation(simulation: Simulation, product: Product) -> Iterator[Finding]:
    expect = simulation.expect
    if expect is None:
        return
    if expect.primary is not None:
        yield from _failure(("expect", "primary"), expect.primary, product)
    for index, failure in enumerate(expect.may_also_fail):
        yield from _failure(("expect", "may_also_fail", index), failure, product)


def _failure(place: Steps, failure: Failure, product: Product) -> Iterator[Finding]:
    name, lane = failure
    rows = {known: row for _, layer in product.limits.layers() for known, row in layer.items() if row.per}
    if name not in rows:
        yield Finding((*place, 0), f"the product has no limit for {name!r}", nearest(name, rows))
    elif rows[name].per == "transceiver" and lane is not None:
        yield Finding((*place, 1), f"{name} is one value per transceiver; write null for its lane")
    elif rows[name].per == "lane" and lane not in product.lane_numbers:
        yield Finding((*place, 1), f"{product.name} has no lane {lane}")
