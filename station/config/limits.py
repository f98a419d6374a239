"""Limits as they hold on a day: layers merged, each bound with where it comes from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType

from station.config.expressions import Expression
from station.config.problems import Steps
from station.config.product_file import LimitRow, Limits, Per, Product, Waiver

_CONFIRMED = frozenset({"S", "D"})
_LEAST_CONFIRMED_FIRST = ("M?", "M", "D", "S")


@dataclass(frozen=True, slots=True)
class Bound:
    """One limit value and its provenance; `steps` leads to it in the product file."""

    expression: Expression
    layer: str
    source: str
    confidence: str
    note: str | None
    steps: Steps

    @property
    def confirmed(self) -> bool:
        """Get whether the source was read, or the value derived; else reports print "unconfirmed"."""
        return self.confidence in _CONFIRMED


@dataclass(frozen=True, slots=True)
class ResolvedLimit:
    """What one measurement is held against; without any bound it is recorded and not judged."""

    name: str
    unit: str
    per: Per
    lower: Bound | None
    upper: Bound | None
    layer: str
    source: str
    confidence: str
    note: str | None

    @property
    def record_only(self) -> bool:
        """Get whether there is nothing to judge by."""
        return self.lower is None and self.upper is None

    @property
    def confirmed(self) -> bool:
        """Get whether every part of the limit is confirmed."""
        return self.confidence in _CONFIRMED

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """Get the bounds there are, lower first."""
        return tuple(bound for bound in (self.lower, self.upper) if bound is not None)

    @property
    def names(self) -> frozenset[str]:
        """Get the names that the bounds refer to, `lane` among them."""
        return frozenset().union(*(bound.expression.names for bound in self.bounds))


def resolved_limits(product: Product, at: date) -> Mapping[str, ResolvedLimit]:
    """Merge the layers of a product's limits as they hold on a day, waivers that have not expired on top."""
    merged: dict[str, ResolvedLimit] = {}
    for layer, rows in product.limits.layers():
        for name, row in rows.items():
            merged[name] = _overlaid(merged.get(name), name, row, layer)
    for index, waiver in enumerate(product.limits.waivers):
        if at <= waiver.expires and waiver.measurement in merged:
            merged[waiver.measurement] = _waived(merged[waiver.measurement], waiver, index)
    return MappingProxyType(merged)


def limits_sha256(limits: Mapping[str, ResolvedLimit]) -> str:
    """Give a digest that changes when any limit, unit or provenance does, and with nothing else."""
    rows = [list(_canonical(limits[name])) for name in sorted(limits)]
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()


def _overlaid(below: ResolvedLimit | None, name: str, row: LimitRow, layer: str) -> ResolvedLimit:
    if below is None:
        below = ResolvedLimit(name, row.unit or "", row.per or "lane", None, None, "", "", "", None)
    lower = _bound(row, "lower", name, layer) or below.lower
    upper = _bound(row, "upper", name, layer) or below.upper
    merged = replace(below, lower=lower, upper=upper, note=row.note or below.note)
    if merged.record_only:
        return replace(merged, layer=layer, source=row.source, confidence=row.confidence)
    return _summed_up(merged)


def _bound(row: LimitRow, side: str, name: str, layer: str) -> Bound | None:
    expression: Expression | None = getattr(row, side)
    if expression is None:
        return None
    return Bound(expression, layer, row.source, row.confidence, row.note, ("limits", layer, name, side))


def _waived(below: ResolvedLimit, waiver: Waiver, index: int) -> ResolvedLimit:
    def bound(side: str) -> Bound | None:
        expression: Expression | None = getattr(waiver, side)
        if expression is None:
            return None
        source = f"waiver by {waiver.name} until {waiver.expires}: {waiver.reason}"
        # A person's decision is its own source: it is not memory of a document.
        return Bound(expression, "waiver", source, "S", None, ("limits", "waivers", index, side))

    return _summed_up(
        replace(below, lower=bound("lower") or below.lower, upper=bound("upper") or below.upper)
    )


def _summed_up(limit: ResolvedLimit) -> ResolvedLimit:
    """Name the sources of both bounds, and the weaker confidence of the two."""
    return replace(
        limit,
        layer=" + ".join(_distinct(bound.layer for bound in limit.bounds)),
        source="; ".join(_distinct(bound.source for bound in limit.bounds)),
        confidence=min((bound.confidence for bound in limit.bounds), key=_LEAST_CONFIRMED_FIRST.index),
    )


def _distinct(words: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _canonical(limit: ResolvedLimit) -> Iterator[object]:
    yield from (limit.name, limit.unit, limit.per, limit.layer, limit.source, limit.confidence)
    for bound in (limit.lower, limit.upper):
        yield None if bound is None else [bound.expression.text, bound.layer, bound.source, bound.confidence]


def waived(limits: Limits, name: str, side: str, at: date) -> bool:
    """Tell whether a waiver that holds on a day covers one side of a measurement."""
    return any(
        waiver.measurement == name and getattr(waiver, side) is not None and at <= waiver.expires
        for waiver in limits.waivers
    )
