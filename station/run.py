"""One run: it records and judges what sequences measure, step by step, and says the verdict.

A measurement is on its way to the disk when `measure` returns, and on it when its step ends. The
verdict comes from what was expected and what was recorded, never from how pytest ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from instruments.clock import Clock
from instruments.errors import BenchDisagrees, InstrumentError, PhotonbenchError
from measurements.agreement import Agreement, compare
from measurements.limits import Verdict, worst
from measurements.quantity import Bound, NotMeasurable, Quantity, Result
from station.abort import AbortRequest
from station.analysis import Pending
from station.config.limits import ResolvedLimit
from station.expected import Key
from station.journal import Journal
from station.judge import Judge, Opinion
from station.slot import Conditions

# How long a request to stop may wait for an analysis.
_LOOK_UP_S = 0.1


@dataclass(frozen=True, slots=True)
class Step:
    """One visit of one sequence function."""

    number: int
    title: str
    corner: str
    started: float


class Run:
    """The record in the making. `partial` runs are never a PASS for the unit."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        limits: Mapping[str, ResolvedLimit],
        expected: tuple[Key, ...] | None,
        abort: AbortRequest,
    ) -> None:
        self.journal = journal
        self.clock = clock
        self.abort = abort
        self.partial = expected is None
        self._limits = limits
        self._judge = Judge(limits, expected)
        self._step: Step | None = None
        self._steps = 0
        self._waiting: list[tuple[Key, Step, dict[str, object], Pending]] = []
        self._steps_of: dict[Key, Step] = {}
        self._conditions: dict[str, object] = {}
        self._errors: list[str] = []
        self._stopped = ""
        self._started = clock.now()

    # --- steps -----------------------------------------------------------------------------------

    def begin_step(self, title: str, corner: str) -> None:
        """Open a step; what is measured until `end_step` belongs to it."""
        self.abort.check()
        self._steps += 1
        self._step = Step(self._steps, title, corner, self.clock.now())
        self._conditions = {}
        self.journal.append("step_started", step=self._steps, title=title, corner=corner)

    def set_conditions(self, conditions: Conditions) -> None:
        """Say under what the following measurements of the step are made."""
        self._conditions = asdict(conditions)

    def end_step(self) -> None:
        """Close a step: wait for its analyses, judge them, and bring all to the disk.

        Closing twice does nothing.
        """
        if self._step is None:
            return
        if not self.abort.requested:
            self._collect()
        self._write_settled(final=False)
        seconds = round(self.clock.now() - self._step.started, 6)
        self.journal.append("step_finished", step=self._step.number, seconds=seconds)
        self.journal.sync()
        self._step = None

    def failures_of_step(self, number: int) -> list[str]:
        """Say which measurements of a step missed a limit or could not be judged."""
        return [
            f"{key}: {opinion.verdict}: {opinion.reason}"
            for key, opinion in self._judge.opinions.items()
            if opinion.verdict not in (Verdict.PASS, None) and self._steps_of[key].number == number
        ]

    @property
    def failed(self) -> bool:
        """Get whether a limit was missed so far."""
        return any(opinion.verdict is Verdict.FAIL for opinion in self._judge.opinions.values())

    def stop_early(self, reason: str) -> None:
        """Say that what is still missing was left out on purpose, because the unit has failed."""
        self._stopped = reason

    @property
    def step_number(self) -> int:
        """Get the number of the newest step."""
        return self._steps

    # --- measurements ----------------------------------------------------------------------------

    def measure(self, name: str, result: Result | Pending, *, lane: int | None = None) -> None:
        """Record and judge one result; it never raises on a missed limit."""
        self.abort.check()
        step = self._step or Step(self._steps, "outside any step", "", self.clock.now())
        key = Key(name, lane, step.corner)
        if isinstance(result, Pending):
            self._waiting.append((key, step, self._conditions, result))
        else:
            self._record(key, step, self._conditions, result)

    def value(self, name: str, lane: int | None = None) -> Quantity | None:
        """Get what was measured at this corner, waiting for its analysis; None when nothing was."""
        self._collect()
        corner = self._step.corner if self._step else ""
        result = self._judge.result(Key(name, lane, corner))
        return result if isinstance(result, Quantity) else None

    def was_measured(self, name: str, lane: int | None = None) -> bool:
        """Tell whether something was measured at this corner, with a value or not."""
        self._collect()
        return self._judge.result(Key(name, lane, self._step.corner if self._step else "")) is not None

    def agree(self, what: str, first: Quantity | None, second: Quantity, *, lane: int | None = None) -> None:
        """Hold two instruments against each other; raise BenchDisagrees beyond their uncertainty.

        There is nothing to hold when the first was not read. One that is only a bound contradicts
        what lies beyond it: light at the scope where the meter sees darkness.
        """
        if first is None:
            return
        found = self.compare(what, first, second, lane=lane)
        if not found.agrees:
            where = "" if lane is None else f" of lane {lane}"
            raise BenchDisagrees(
                f"bench disagrees with itself: {what}{where} is {_shown(first)} and {_shown(second)}, "
                f"uncertainty {found.uncertainty:.3f}",
                remedy="clean the connectors and measure the path losses again",
            )

    def compare(self, what: str, first: Quantity, second: Quantity, *, lane: int | None = None) -> Agreement:
        """Hold two instruments against each other and record it; the caller says what follows."""
        found = compare(first, second)
        self.journal.append(
            "agreement",
            step=self._steps,
            corner=self._step.corner if self._step else "",
            agrees=found.agrees,
            what=what,
            lane=lane,
            values=[first.value, second.value],
            unit=first.unit,
            instruments=[*first.instruments, *second.instruments],
            uncertainty=found.uncertainty,
        )
        return found

    def finished(self, pending: Pending) -> Result:
        """Wait for an analysis, unless the run is to stop; an error of the analysis is raised here."""
        while not pending.done(within_s=_LOOK_UP_S):
            self.abort.check()
        return pending.result()

    def _collect(self) -> None:
        """Record the results of all analyses that were waited for, in the order they were asked."""
        waiting, self._waiting = self._waiting, []
        for key, step, conditions, pending in waiting:
            try:
                result: object = self.finished(pending)
            except Exception as error:  # an analysis that breaks is an error of the bench, with its reason
                self.error(error, doing=f"the analysis of {key}")
                result = f"the analysis failed: {error}"
            self._record(key, step, conditions, result)

    def _record(self, key: Key, step: Step, conditions: dict[str, object], result: object) -> None:
        opinion = self._judge.take(key, result)
        self._steps_of[key] = step
        row = self._limits.get(key.name)
        self.journal.append(
            "measurement",
            name=key.name,
            lane=key.lane,
            corner=key.corner,
            **_told(result, row),
            **_judged(opinion),
            limit_source=row.source if row else None,
            limit_layer=row.layer if row else None,
            limit_confirmed=row.confirmed if row else None,
            step=step.number,
            conditions=conditions,
        )

    def _write_settled(self, *, final: bool) -> None:
        for key, opinion in self._judge.settle(final=final).items():
            place = {"name": key.name, "lane": key.lane, "corner": key.corner}
            self.journal.append("judged", step=self._steps_of[key].number, **place, **_judged(opinion))

    # --- what goes wrong, and the end ------------------------------------------------------------

    def error(self, error: BaseException, *, doing: str = "") -> None:
        """Write down that the bench broke; the run can no longer pass."""
        message = error.message if isinstance(error, PhotonbenchError) else f"{type(error).__name__}: {error}"
        message = f"{doing}: {message}" if doing else message
        self._errors.append(message)
        instrument = error if isinstance(error, InstrumentError) else InstrumentError("")
        self.journal.append(
            "error",
            step=self._steps,
            type=type(error).__name__,
            message=message,
            remedy=getattr(error, "remedy", ""),
            instrument=instrument.instrument,
            command=instrument.command,
            transcript=list(instrument.transcript),
        )

    def conclude(self, left_out: Sequence[str] = ()) -> tuple[Verdict, list[str]]:
        """Judge what still waits, compare with what was expected, and give verdict and reasons.

        `left_out` names the planned steps that never ran: some measure nothing that would be missing.
        """
        aborted = self.abort.requested  # once: a signal may come at any time
        if not aborted:
            self._collect()
        self._write_settled(final=True)
        opinions = self._judge.opinions
        reasons = [f"ABORTED: {self.abort.reason}"] if aborted else []
        reasons += [f"ERROR: {message}" for message in self._errors]
        for wanted in (Verdict.ERROR, Verdict.FAIL):
            reasons += [f"{wanted}: {k}: {o.reason}" for k, o in opinions.items() if o.verdict is wanted]
        missing = self._judge.missing
        if missing and self._stopped:
            reasons.append(f"{self._stopped}: {len(missing)} planned measurements were left out")
        elif missing and not aborted:
            shown = ", ".join(str(key) for key in missing[:5]) + (" …" if len(missing) > 5 else "")
            reasons.append(f"ERROR: {len(missing)} of the planned measurements never came: {shown}")
        if left_out and not self._stopped and not aborted:
            reasons.append(f"ERROR: {len(left_out)} of the planned steps never ran: {', '.join(left_out)}")
        incomplete = bool(missing or left_out) and not self._stopped
        verdict = Verdict.ABORTED if aborted else self._verdict(incomplete)
        return verdict, reasons

    def _verdict(self, missing: bool) -> Verdict:
        verdicts = [opinion.verdict or Verdict.ERROR for opinion in self._judge.opinions.values()]
        if self._errors or missing or not verdicts:
            verdicts.append(Verdict.ERROR)
        if self.partial:
            verdicts.append(Verdict.PARTIAL)
        return worst(verdicts)

    def close(self, verdict: Verdict, reasons: list[str]) -> None:
        """Write the verdict and return only when it is on the disk."""
        counts = {
            str(v): sum(o.verdict is v for o in self._judge.opinions.values())
            for v in (Verdict.PASS, Verdict.FAIL, Verdict.ERROR)
        }
        seconds = round(self.clock.now() - self._started, 6)
        self.journal.append(
            "verdict",
            verdict=str(verdict),
            reasons=reasons,
            counts=counts,
            missing=len(self._judge.missing),
            partial=self.partial,
            seconds=seconds,
        )
        self.journal.seal()
        self.journal.close()


def _told(result: object, row: ResolvedLimit | None) -> dict[str, object]:
    """Write a result as the record holds it."""
    if isinstance(result, Quantity):
        return {
            "value": result.value if result.finite else str(result.value),
            "unit": result.unit,
            "standard_error": result.standard_error,
            "bound": str(result.bound),
            "evidence": dict(result.evidence),
            "instruments": list(result.instruments),
        }
    told: dict[str, object] = {"value": None, "unit": row.unit if row else "", "standard_error": None}
    if isinstance(result, NotMeasurable):
        evidence = dict(result.evidence)
        told |= {"cause": str(result.cause), "evidence": evidence, "instruments": list(result.instruments)}
    return told


def _shown(quantity: Quantity) -> str:
    most = {Bound.UPPER: "at most ", Bound.LOWER: "at least "}.get(quantity.bound, "")
    value = f"{quantity.value:.3f}" if quantity.finite else f"{quantity.value!r}"
    return f"{most}{value} {quantity.unit} by {', '.join(quantity.instruments) or 'nobody'}"


def _judged(opinion: Opinion) -> dict[str, object]:
    return {
        "lower": opinion.lower,
        "upper": opinion.upper,
        "margin": opinion.margin,
        "verdict": opinion.word,
        "reason": opinion.reason,
    }
