"""Checks of a plan against the product, the station and the sequences that it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from station.config.fields import Loss, Port
from station.config.limits import ResolvedLimit, resolved_limits
from station.config.loader import Loaded
from station.config.plan_file import Corner, Plan, PlanStep
from station.config.problems import Finding, Problem, Steps, nearest
from station.config.product_file import Product
from station.config.sequence_source import SequenceSource, UnreadableSequence, read_sequence, sequence_path
from station.config.station_file import Station


def check_plan(
    plan: Loaded[Plan], product: Loaded[Product], station: Loaded[Station], *, today: date
) -> list[Problem]:
    """Find all that keeps a plan from being run on a station with a product."""
    limits = resolved_limits(product.value, today)
    findings = [
        *_corners(plan.value, product.value, station.value),
        *_measures(plan.value, limits),
        *_dependencies(plan.value, limits),
        *_patterns(plan.value, product.value),
        *_sequences(plan.path, plan.value),
    ]
    problems = [plan.problem(finding) for finding in findings]
    fit = _fit(station.value, product.value, needs_host=_sends_patterns(plan.value))
    return problems + [station.problem(finding) for finding in fit]


def _corners(plan: Plan, product: Product, station: Station) -> Iterator[Finding]:
    channels = {link.test_channel.name for link in station.wiring.optical if link.test_channel is not None}
    for index, corner in enumerate(plan.corners):
        place: Steps = ("corners", index)
        yield from _corner_in_range(place, corner, product)
        if corner.test_channel is not None and corner.test_channel not in channels:
            what = f"no fibre of the station has the test channel {corner.test_channel!r}"
            yield Finding((*place, "test_channel"), what, nearest(corner.test_channel, channels))
    temperatures = {corner.case_temperature_c for corner in plan.corners}
    for slot in station.slots:
        if slot.thermal_head is None and len(temperatures) > 1:
            yield Finding(
                ("corners",), f"{slot.name} has no thermal head for {len(temperatures)} case temperatures"
            )


def _corner_in_range(place: Steps, corner: Corner, product: Product) -> Iterator[Finding]:
    supply, case = product.supply, product.case_temperature
    if not supply.voltage_min_v <= corner.supply_v <= supply.voltage_max_v:
        window = f"{supply.voltage_min_v} to {supply.voltage_max_v} V"
        yield Finding((*place, "supply_v"), f"{corner.supply_v} V is outside the product's {window}")
    if not case.minimum_c <= corner.case_temperature_c <= case.maximum_c:
        window = f"{case.minimum_c} to {case.maximum_c} degC"
        what = f"{corner.case_temperature_c} degC is outside the product's {window}"
        yield Finding((*place, "case_temperature_c"), what)


def _measures(plan: Plan, limits: Mapping[str, ResolvedLimit]) -> Iterator[Finding]:
    for index, step in enumerate(plan.steps):
        for position, name in enumerate(step.measures):
            if name not in limits:
                what = f"the product has no limit for {name!r}; give one, or record_only: true"
                yield Finding(("steps", index, "measures", position), what, nearest(name, limits))


def _dependencies(plan: Plan, limits: Mapping[str, ResolvedLimit]) -> Iterator[Finding]:
    """See that what a limit depends on is measured at the same corner, and not later."""
    for index, step in enumerate(plan.steps):
        for position, name in enumerate(step.measures):
            for other in sorted(limits[name].names & limits.keys()) if name in limits else ():
                lacking = [
                    corner.name
                    for corner in plan.corners_of(step)
                    if not _measured_by_then(plan, other, corner, index)
                ]
                if lacking:
                    what = f"the limit of {name} depends on {other}, which no step up to this one measures at"
                    yield Finding(("steps", index, "measures", position), f"{what} {', '.join(lacking)}")


def _measured_by_then(plan: Plan, name: str, corner: Corner, last: int) -> bool:
    return any(name in step.measures and corner in plan.corners_of(step) for step in plan.steps[: last + 1])


def _patterns(plan: Plan, product: Product) -> Iterator[Finding]:
    for index, step in enumerate(plan.steps):
        yield from _pattern(("steps", index, "pattern"), step.pattern, product)


def _pattern(place: Steps, pattern: str | None, product: Product) -> Iterator[Finding]:
    if pattern is None:
        return
    if pattern == "SSPRQ" and product.host_interface.gearbox:
        # The gearbox interleaves host lanes: what enters as SSPRQ leaves as something else.
        what = f"{product.host_interface.name} has a gearbox: SSPRQ from the BERT does not come out as SSPRQ"
        yield Finding(place, f"{what}; use the module's own generator")
    if pattern != "SQUARE" and (pattern.endswith("Q")) is not (product.modulation == "pam4"):
        yield Finding(place, f"{pattern} is not {product.modulation.upper()}, which the product sends")


def _sends_patterns(plan: Plan) -> bool:
    return any(step.pattern for step in plan.steps)


def _sequences(plan_file: Path, plan: Plan) -> Iterator[Finding]:
    for index, step in enumerate(plan.steps):
        place: Steps = ("steps", index)
        path = sequence_path(plan_file, step.sequence)
        try:
            source = read_sequence(path)
        except UnreadableSequence as error:
            suggestion = nearest(path.name, (other.name for other in path.parent.glob("*.py")))
            yield Finding((*place, "sequence"), f"{step.sequence}: {error}", suggestion)
        else:
            yield from _sequence(place, step, source)


def _sequence(place: Steps, step: PlanStep, source: SequenceSource) -> Iterator[Finding]:
    for position, name in enumerate(step.measures):
        if name not in source.texts:
            what = f"{step.sequence} does not measure {name!r}"
            yield Finding((*place, "measures", position), what, nearest(name, source.measured))
    for name in sorted(source.measured - set(step.measures)):
        yield Finding(
            (*place, "measures"), f"{step.sequence} measures {name!r}, which this step does not list"
        )


def _fit(station: Station, product: Product, *, needs_host: bool) -> Iterator[Finding]:
    fed = {cable.destination for cable in station.wiring.electrical}
    for index, slot in enumerate(station.slots):
        if slot.lanes != len(product.lanes):
            yield Finding(
                ("slots", index, "lanes"), f"{product.name} has {len(product.lanes)} lanes, not {slot.lanes}"
            )
        unfed = [
            lane.host_lane for lane in product.lanes if Port(slot.name, f"host_tx{lane.host_lane}") not in fed
        ]
        if needs_host and unfed:
            what = f"the plan sends patterns, but nothing is wired to host lane {', '.join(map(str, unfed))}"
            yield Finding(("slots", index), what)
    for place, loss in _losses(station):
        yield from _covers(place, loss, product)


def _losses(station: Station) -> Iterator[tuple[Steps, Loss]]:
    for name, instrument in station.instruments.items():
        if instrument.through is not None:
            yield ("instruments", name, "through", "loss_db"), instrument.through.loss_db
    for name, element in station.elements.items():
        for index, way in enumerate(element.ways):
            yield ("elements", name, "ways", index, "loss_db"), way.loss_db
    for index, link in enumerate(station.wiring.optical):
        yield ("wiring", "optical", index, "loss_db"), link.loss_db


def _covers(place: Steps, loss: Loss, product: Product) -> Iterator[Finding]:
    shortest = min(lane.wavelength_min_nm for lane in product.lanes)
    longest = max(lane.wavelength_max_nm for lane in product.lanes)
    span = loss.span_nm
    if span is not None and not (span[0] <= shortest and longest <= span[1]):
        what = f"was measured from {span[0]} to {span[1]} nm; {product.name} needs {shortest} to {longest} nm"
        yield Finding(place, what)
