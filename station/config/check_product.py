"""Checks of a product's limits against each other, and against the standard they build on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from measurements.reference_receivers import REFERENCE_RECEIVERS
from station.config.expressions import Expression, ExpressionError
from station.config.limits import Bound, ResolvedLimit, resolved_limits, waived
from station.config.loader import Loaded
from station.config.problems import Finding, Problem, Severity, Steps, nearest
from station.config.product_file import Product

LANE = "lane"


def check_product(product: Loaded[Product], *, today: date) -> list[Problem]:
    """Find limits that cannot be computed, contradict each other, or are looser than the standard."""
    resolved = resolved_limits(product.value, today)
    findings = [
        *_reference_receiver(product.value),
        *_references(resolved),
        *_cycles(resolved),
        *_empty_intervals(resolved),
        *_looser_than_the_standard(product.value, today),
        *_expired(product.value, today),
    ]
    return [product.problem(finding) for finding in findings]


def _reference_receiver(product: Product) -> Iterator[Finding]:
    known = [receiver.name for receiver in REFERENCE_RECEIVERS]
    if product.reference_receiver not in known:
        what = f"no reference receiver {product.reference_receiver!r}; known: {', '.join(known)}"
        yield Finding(("reference_receiver",), what, nearest(product.reference_receiver, known))


def _references(resolved: Mapping[str, ResolvedLimit]) -> Iterator[Finding]:
    for limit in resolved.values():
        for bound in limit.bounds:
            for name in sorted(bound.expression.names):
                yield from _reference(limit, bound, name, resolved)


def _reference(
    limit: ResolvedLimit, bound: Bound, name: str, resolved: Mapping[str, ResolvedLimit]
) -> Iterator[Finding]:
    if name == LANE:
        if limit.per != LANE:
            yield Finding(bound.steps, f"{limit.name} is one value per transceiver: it has no lane")
    elif name not in resolved:
        yield Finding(
            bound.steps, f"no measurement {name!r} has a limit here", nearest(name, [*resolved, LANE])
        )
    elif limit.per != LANE and resolved[name].per == LANE:
        yield Finding(
            bound.steps, f"{limit.name} is per transceiver and cannot depend on {name}, which is per lane"
        )


def _cycles(resolved: Mapping[str, ResolvedLimit]) -> Iterator[Finding]:
    """Report each circle once, at the member that the file names first."""
    reported: set[frozenset[str]] = set()
    for start in resolved:
        circle = _circle_from(start, resolved)
        if circle and frozenset(circle) not in reported:
            reported.add(frozenset(circle))
            first = next(bound for bound in resolved[start].bounds if circle[1] in bound.expression.names)
            yield Finding(first.steps, f"limits depend on each other in a circle: {' -> '.join(circle)}")


def _circle_from(start: str, resolved: Mapping[str, ResolvedLimit]) -> list[str]:
    """Give the way from a measurement back to itself, or nothing."""
    ways: list[list[str]] = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for name in sorted(resolved[way[-1]].names & resolved.keys()):
            if name == start:
                return [*way, start]
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []


def _empty_intervals(resolved: Mapping[str, ResolvedLimit]) -> Iterator[Finding]:
    for limit in resolved.values():
        if limit.lower is None or limit.upper is None:
            continue
        lower, upper = _constant(limit.lower.expression), _constant(limit.upper.expression)
        if lower is not None and upper is not None and lower > upper:
            yield Finding(limit.lower.steps, f"lower {lower} is above upper {upper}: nothing can pass")


def _constant(expression: Expression) -> float | None:
    try:
        return expression.constant
    except ExpressionError:
        return None


def _looser_than_the_standard(product: Product, today: date) -> Iterator[Finding]:
    limits = product.limits
    for layer, rows in limits.layers():
        for name, row in rows.items():
            standard = limits.standard.get(name)
            if layer == "standard" or standard is None:
                continue
            for side in ("lower", "upper"):
                ours, theirs = getattr(row, side), getattr(standard, side)
                if ours is not None and theirs is not None and not waived(limits, name, side, today):
                    yield from _compared(("limits", layer, name, side), side, ours, theirs)


def _compared(place: Steps, side: str, ours: Expression, theirs: Expression) -> Iterator[Finding]:
    own, standard = _constant(ours), _constant(theirs)
    if own is None or standard is None:
        if ours != theirs:
            what = f"{ours.text!r} cannot be compared with the standard's {theirs.text!r}; it may be looser"
            yield Finding(place, what, severity=Severity.WARNING)
    elif own < standard if side == "lower" else own > standard:
        yield Finding(place, f"{own} is looser than the standard's {standard}; that takes a waiver")


def _expired(product: Product, today: date) -> Iterator[Finding]:
    for index, waiver in enumerate(product.limits.waivers):
        if waiver.expires < today:
            what = f"the waiver for {waiver.measurement} expired on {waiver.expires}: it is not applied"
            yield Finding(("limits", "waivers", index, "expires"), what, severity=Severity.WARNING)
