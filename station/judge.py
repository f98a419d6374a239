"""Judge results against limits; only here does a value become PASS, FAIL or ERROR."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from measurements.limits import Judgement, Limits, Verdict, hold
from measurements.quantity import Cause, NotMeasurable, Quantity, Result
from station.config.expressions import ExpressionError
from station.config.limits import Bound, ResolvedLimit
from station.expected import Key


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the judge says of one result; `verdict` is None while it waits for other results."""

    verdict: Verdict | None
    reason: str
    lower: float | None = None
    upper: float | None = None
    margin: float | None = None

    @property
    def word(self) -> str:
        """Get the verdict as the record writes it."""
        return "PENDING" if self.verdict is None else str(self.verdict)


class Judge:
    """Holds results against the limits of one product; remembers them, as limits and witnesses need.

    `expected` is None for a partial run, in which any measurement with a limit may come.
    """

    def __init__(self, limits: Mapping[str, ResolvedLimit], expected: tuple[Key, ...] | None) -> None:
        self._limits = limits
        self._expected = None if expected is None else dict.fromkeys(expected)
        self._results: dict[Key, Result] = {}
        self._opinions: dict[Key, Opinion] = {}
        self._values: dict[tuple[int | None, str], dict[str, float]] = {}

    @property
    def opinions(self) -> Mapping[Key, Opinion]:
        """Get all opinions so far."""
        return self._opinions

    @property
    def missing(self) -> tuple[Key, ...]:
        """Get what was expected and never came."""
        return tuple(key for key in self._expected or () if key not in self._opinions)

    def result(self, key: Key) -> Result | None:
        """Get the result that was taken for a key, or None."""
        return self._results.get(key)

    def take(self, key: Key, result: object) -> Opinion:
        """Judge one result; what cannot be judged is an ERROR, never an exception."""
        opinion = self._objection(key)
        if opinion is None:
            if isinstance(result, (Quantity, NotMeasurable)):
                self._remember(key, result)
                opinion = self._judged(key, result)
            else:
                name = type(result).__name__
                opinion = Opinion(Verdict.ERROR, f"{name} is neither a Quantity nor NotMeasurable")
        self._opinions[key] = opinion
        return opinion

    def settle(self, *, final: bool) -> dict[Key, Opinion]:
        """Judge again what was waiting; when `final`, what still waits becomes an ERROR."""
        settled: dict[Key, Opinion] = {}
        # What one answer settles may be the witness or the limit that another waits for.
        while found := {key: again for key, again in self._again() if again.verdict is not None}:
            settled |= found
            self._opinions |= found
        if final:
            last = {key: self._without_witness_or_value(key, again) for key, again in self._again()}
            settled |= last
            self._opinions |= last
        return settled

    def _again(self) -> Iterator[tuple[Key, Opinion]]:
        """Judge once more what waits."""
        for key, opinion in list(self._opinions.items()):
            if opinion.verdict is None:
                yield key, self._judged(key, self._results[key])

    def _remember(self, key: Key, result: Result) -> None:
        self._results[key] = result
        if isinstance(result, Quantity) and result.finite:
            self._values.setdefault((key.lane, key.corner), {})[key.name] = result.value

    def _objection(self, key: Key) -> Opinion | None:
        """Say why a measurement of this name must not come here and now, or give None."""
        if not key.corner:
            return Opinion(Verdict.ERROR, f"{key.name} was measured outside any step of a corner")
        if key.name not in self._limits:
            return Opinion(Verdict.ERROR, f"no limit is given for {key.name}: add it to the product file")
        per_lane = self._limits[key.name].per == "lane"
        if per_lane != (key.lane is not None):
            return Opinion(Verdict.ERROR, f"{key.name} is measured per {self._limits[key.name].per}")
        if self._expected is not None and key not in self._expected:
            return Opinion(Verdict.ERROR, f"{key} is not in the plan")
        if key in self._opinions:
            return Opinion(Verdict.ERROR, f"{key} was measured twice")
        return None

    def _judged(self, key: Key, result: Result) -> Opinion:
        if isinstance(result, NotMeasurable):
            return self._excused(key, result)
        row = self._limits[key.name]
        try:
            lower, upper = self._value(row.lower, key), self._value(row.upper, key)
        except ExpressionError as error:
            return Opinion(None, f"its limit needs a value that was not measured at this corner: {error}")
        judgement: Judgement = hold(result, Limits(row.unit, lower, upper))
        # What a bound leaves open may still be settled by the failure of what its limit depends on.
        verdict = None if judgement.undecided else judgement.verdict
        return Opinion(verdict, judgement.reason, lower, upper, judgement.margin)

    def _value(self, bound: Bound | None, key: Key) -> float | None:
        if bound is None:
            return None
        return bound.expression.evaluate(self._values_beside(key) if bound.expression.names else {})

    def _values_beside(self, key: Key) -> dict[str, float]:
        """Get what limits may refer to: measurements of the same lane (or of no lane) and corner."""
        values = {**self._values.get((None, key.corner), {}), **self._values.get((key.lane, key.corner), {})}
        return values if key.lane is None else {**values, "lane": float(key.lane)}

    def _excused(self, key: Key, result: NotMeasurable) -> Opinion:
        """Blame the transceiver only when another instrument agrees; else wait for such a witness."""
        for other, opinion in self._opinions.items():
            beside = (other.lane, other.corner) == (key.lane, key.corner) and other != key
            if beside and self._adverse(other, opinion, result.cause) and self._independent(other, result):
                return Opinion(Verdict.FAIL, f"{result.cause}: {result.reason}; confirmed by {other.name}")
        return Opinion(None, f"{result.cause}: {result.reason}; no other instrument has confirmed it yet")

    def _adverse(self, key: Key, opinion: Opinion, cause: Cause) -> bool:
        """Tell whether another result speaks for the cause: who sees light does not confirm darkness."""
        result = self._results.get(key)
        if isinstance(result, NotMeasurable):
            return cause is not Cause.DARK or result.cause is not Cause.EYE_CLOSED
        if opinion.verdict is not Verdict.FAIL or result is None:
            return False
        too_low = opinion.lower is not None and result.value < opinion.lower
        return too_low if cause is Cause.DARK else True

    def _independent(self, other: Key, result: NotMeasurable) -> bool:
        witness = self._results.get(other)
        named = set(witness.instruments) if witness is not None else set()
        return bool(named) and bool(result.instruments) and named.isdisjoint(result.instruments)

    def _without_witness_or_value(self, key: Key, opinion: Opinion) -> Opinion:
        """Turn an open question into its final answer."""
        if isinstance(self._results[key], NotMeasurable):
            return Opinion(Verdict.ERROR, opinion.reason.replace("has confirmed it yet", "confirms it"))
        row = self._limits[key.name]
        blocked = [name for name in row.names if self._failed_beside(name, key)]
        if blocked:
            reason = f"its limit depends on {', '.join(sorted(blocked))}, which failed"
            return replace(opinion, verdict=Verdict.FAIL, reason=f"{opinion.reason}; {reason}")
        return replace(opinion, verdict=Verdict.ERROR)

    def _failed_beside(self, name: str, key: Key) -> bool:
        """Tell whether a measurement that a limit refers to could not be made, to the unit's blame."""
        opinion = self._opinions.get(Key(name, key.lane, key.corner))
        return opinion is not None and opinion.verdict is Verdict.FAIL
