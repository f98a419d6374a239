"""Keysight M8040A bit error ratio tester (M8045A generators, M8046A analysers) under M8070A/B.

Manuals: M8070A Programming Guide ("guide"; :DATA:LINecoding p. 490, bit counters pp. 271-273, status
p. 115, pattern stores p. 36) and M8000 Series User Guide p. 661 (names of IEEE patterns). Not
confirmed: the folder of those patterns, several locations in one error ratio measurement, that
the clock generator is set to the symbol rate of PAM4. Locations are written as M8070B has them
('M1.DataOut1').
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from instruments.driver import NO_OPTIONS, Driver, names
from instruments.interfaces.bert import Bert, ErrorCount
from instruments.session import Session

# IEEE 802.3 clauses 120.5.11.2.1 to 2.3. PRBS31Q is PRBS31 in pairs of Gray-coded bits, so it is
# generated; the other two are stored bit patterns that want Gray coding as well.
_PATTERNS = {
    "PRBS13Q": "MEMory,'factory:IEEE/PRBS13Q_Lane0_bit'",
    "PRBS31Q": "PRBS,'2^31-1'",
    "SSPRQ": "MEMory,'factory:IEEE/SSPRQ_bit_SelectGrayCoded'",
}
# Two generators of two outputs each and four analysers of one input each: a bench for four lanes.
_MODULES = MappingProxyType(
    {"M1": "M8045A", "M2": "M8045A", "M3": "M8046A", "M4": "M8046A", "M5": "M8046A", "M6": "M8046A"}
)
_MEASUREMENT = "photonbench"
_PATTERN_S = 35.0  # bound of loading a pattern; public driver Keysight_M8070B_64G.pm waits as long
_ALIGNMENT_S = 60.0  # bound of one automatic alignment; likewise
_SYNC_S = 5.0
_GATE_MARGIN_S = 10.0
# Sync must be found and kept at the highest BER of a sweep; the instrument starts with 1e-3.
_SYNC_BER = 1e-2
# Guide p. 115, :STATus:QUEStionable:INSTrument: bit 2 sync loss, bit 3 clock loss.
_LOSSES = 0b1100


class KeysightM8040A(Driver, Bert):
    """Generators and analysers by location.

    Options: `modules` (model by slot of the frame, from which generators and detectors follow), or
    `generators` and `detectors` themselves; `clock_output`, `clock_generator`, `system` (locations),
    `amplitude_v` (differential peak to peak at every generator), `detector_clock` (CDR or CLK).
    """

    model = "Keysight M8040A"
    idn_pattern = r"Keysight Technologies,(M8040A|M8070[AB])"
    option_names = frozenset(
        {
            "modules",
            "generators",
            "detectors",
            "clock_output",
            "clock_generator",
            "system",
            "amplitude_v",
            "detector_clock",
        }
    )

    def __init__(self, session: Session, *, options: Mapping[str, Any] = NO_OPTIONS) -> None:
        super().__init__(session, options=options)
        modules = self._option("modules", _MODULES, dict)
        outputs = tuple(f"{m}.DataOut{n}" for m, kind in modules.items() if kind == "M8045A" for n in (1, 2))
        inputs = tuple(f"{m}.DataIn" for m, kind in modules.items() if kind == "M8046A")
        self._generators = self._option("generators", outputs, names)
        self._detectors = self._option("detectors", inputs, names)
        self._clock_output = self._option("clock_output", "M1.ClkOut", str)
        self._clock_generator = self._option("clock_generator", "M1.ClkGen", str)
        self._system = self._option("system", "M1.System", str)
        self._amplitude_v = self._option("amplitude_v", 0.6, float)
        self._detector_clock = self._option("detector_clock", "CDR", str)

    @property
    def generators(self) -> tuple[str, ...]:
        """Get the names of the data outputs."""
        return self._generators

    @property
    def detectors(self) -> tuple[str, ...]:
        """Get the names of the data inputs."""
        return self._detectors

    def generate(self, patterns: dict[str, str], *, symbol_rate_gbd: float) -> None:
        """Send a pattern as PAM4 on each named output; others go silent, the clock runs."""
        for location, pattern in patterns.items():
            self._require_known(location, self._generators, "output")
            self._require_known(pattern, _PATTERNS, "pattern")
        with self._session.operation("generate"):
            silent = [one for one in self._generators if one not in patterns]
            if silent:
                self._session.set(*(f":OUTP:STAT '{one}',0" for one in silent))
            self._session.set(f":SOUR:FREQ '{self._clock_generator}',{1e9 * symbol_rate_gbd:.6E}")
            self._session.wait_complete(_PATTERN_S)
            for location, pattern in patterns.items():
                self._load(location, pattern)
                self._session.set(f":SOUR:VOLT:AMPL '{location}',{self._amplitude_v:.3f}")
            switched_on = [*patterns, self._clock_output]
            self._session.set(
                *(f":OUTP:STAT '{one}',1" for one in switched_on), f":OUTP:GLOB:STAT '{self._system}',1"
            )
            self._session.wait_complete(_PATTERN_S)

    def silence(self) -> None:
        """Switch all outputs off, the clock too."""
        with self._session.shielded(), self._session.operation("silence"):
            try:
                self._session.set(f":OUTP:GLOB:STAT '{self._system}',0")
            finally:
                outputs = (*self._generators, self._clock_output)
                self._session.set(*(f":OUTP:STAT '{one}',0" for one in outputs))
                self._session.wait_complete(_PATTERN_S)

    def count_errors(
        self, detectors: Sequence[str], *, pattern: str, seconds: float
    ) -> tuple[ErrorCount, ...]:
        """Align each detector to its signal, then count over one gate common to all.

        A loss of sync or clock that came and went within the gate shows only in the summary
        register of all detectors; the whole gate is then not counted as locked.
        """
        self._require_known(pattern, _PATTERNS, "pattern")
        for location in detectors:
            self._require_known(location, self._detectors, "input")
        with self._session.operation("count errors"):
            for location in detectors:
                self._load(location, pattern)
            self._align(detectors)
            before = self._locked(detectors)
            if not any(before.values()):
                return tuple(ErrorCount(one, 0, 0, 0.0, False) for one in detectors)
            self._session.query_int(":STAT:QUES:INST:EVEN?")  # reading empties it
            counts = self._run_gate(detectors, seconds)
            slipped = bool(self._session.query_int(":STAT:QUES:INST:EVEN?") & _LOSSES)
            after = self._locked(detectors)
            seen = any(before[one] and not after[one] for one in detectors)
            return tuple(
                ErrorCount(
                    detector=one,
                    bits=counts[one][0],
                    errors=counts[one][1],
                    seconds=seconds,
                    locked=before[one] and after[one] and (seen or not slipped),
                )
                for one in detectors
            )

    def _load(self, location: str, pattern: str) -> None:
        """Load a Gray-coded PAM4 pattern into an output or input; guide p. 490."""
        self._session.set(
            f":DATA:LIN '{location}',PAM4",
            f":DATA:LIN:PAM4:MAPP '{location}',GRAY",
            f":DATA:SEQ:SET '{location}',{_PATTERNS[pattern]}",
        )
        self._session.wait_complete(_PATTERN_S)

    def _align(self, detectors: Sequence[str]) -> None:
        """Set thresholds and sampling points of all detectors by the instrument's own search.

        Guide, :INPut:ALIGnment:EYE; :DATA:SYNC:THReshold is not confirmed, known from public
        drivers alone. A detector without signal stays out of sync, which is told
        by its status and is no error of the instrument.
        """
        for location in detectors:
            self._session.set(
                f":CLOC:SOUR '{location}',{self._detector_clock}",
                f":DATA:SYNC:THR '{location}',{_SYNC_BER:.0E}",
                f":INP:ALIG:EYE:THR '{location}',{_SYNC_BER:.0E}",
            )
        self._session.write(*(f":INP:ALIG:EYE:AUTO '{one}'" for one in detectors))
        self._session.wait_complete(_ALIGNMENT_S * len(detectors))
        until_s = self._session.clock.now() + _SYNC_S
        while not all(self._locked(detectors).values()) and self._session.clock.now() < until_s:
            self._session.clock.sleep(0.1)

    def _locked(self, detectors: Sequence[str]) -> dict[str, bool]:
        """Read which detectors have clock and pattern; guide, :STATus:INSTrument."""
        return {
            one: self._session.query_int(f":STAT:INST:CLOS? '{one}'") == 0
            and self._session.query_int(f":STAT:INST:SLOS? '{one}'") == 0
            for one in detectors
        }

    def _run_gate(self, detectors: Sequence[str], seconds: float) -> dict[str, tuple[int, int]]:
        """Count for a fixed time in a measurement of our own; guide, :PLUGin:ERATio."""
        listed = self._session.query(":PLUG:ERAT:CAT?").replace('"', "").split(",")
        if _MEASUREMENT not in (name.strip() for name in listed):
            self._session.set(f":PLUG:ERAT:NEW '{_MEASUREMENT}'")
        self._session.set(
            f":PLUG:ERAT:RES '{_MEASUREMENT}'",
            f":PLUG:ERAT:ACQ:ALOC '{_MEASUREMENT}','{','.join(detectors)}'",
            f":PLUG:ERAT:ACQ:AEND '{_MEASUREMENT}',FDUR",
            f":PLUG:ERAT:ACQ:DUR '{_MEASUREMENT}',FTIM",
            f":PLUG:ERAT:ACQ:TIME '{_MEASUREMENT}',{seconds:g}",
            f":PLUG:ERAT:ACQ:INT '{_MEASUREMENT}',{seconds:g}",
            f":PLUG:ERAT:ACQ:HIST '{_MEASUREMENT}',1",
        )
        self._session.write(f":PLUG:ERAT:STAR '{_MEASUREMENT}'")
        self._session.wait_complete(seconds + _GATE_MARGIN_S)
        command = f":PLUG:ERAT:FETC:DATA? '{_MEASUREMENT}'"
        answer = self._session.query(command)
        counts = parse_counts(answer)
        if not set(detectors) <= set(counts):
            raise self._session.garbled(command, answer, f"counts of {', '.join(detectors)}")
        return counts


def parse_counts(answer: str) -> dict[str, tuple[int, int]]:
    """Read bits and errors of each location from an answer to :PLUGin:ERATio:FETCh:DATA?.

    Guide pp. 272-273 and public drivers: location, time stamp, compared ones, compared zeros,
    errored ones, errored zeros, then the symbol counters of PAM4, all again for the next
    location. A set that is not whole is left out.
    """
    counts: dict[str, tuple[int, int]] = {}
    for location, numbers in re.findall(r"[\"']?(M\d+\.\w+)[\"']?\s*,([^M]*)", answer):
        fields = [word for word in re.split(r"[\s,()\"']+", numbers) if word]
        try:
            values = [float(word) for word in fields[1:5]]
        except ValueError:
            continue
        if len(values) == 4:
            counts[location] = (round(values[0] + values[1]), round(values[2] + values[3]))
    return counts
