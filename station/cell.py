"""Everything of one run at one slot: files, bench, transceiver, record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from instruments.cmis import ModuleManagement
from instruments.interfaces.attenuator import Attenuator
from instruments.interfaces.bert import Bert
from instruments.interfaces.optical_switch import OpticalSwitch
from instruments.interfaces.power_meter import PowerMeter
from instruments.interfaces.sampling_scope import SamplingScope
from instruments.interfaces.spectrum_analyser import SpectrumAnalyser
from instruments.interfaces.tunable_laser import TunableLaser
from measurements.limits import Verdict
from measurements.quantity import Quantity
from station.analysis import Analyst
from station.bench import Bench
from station.config.plan_file import Corner, PlanStep
from station.config.product_file import Product
from station.itinerary import Itinerary
from station.paths.check import PathCheck
from station.paths.eye import EyePaths, EyeSettings
from station.paths.host import HostLanes
from station.paths.optics import Optics
from station.paths.power import PowerPaths
from station.paths.receiver import ReceiverPaths
from station.paths.sensitivity import ReceiverTests, Stimulus, SweepSettings
from station.paths.spectrum import SpectrumPaths
from station.run import Run
from station.safety import left_unsafe, touch_words
from station.slot import Slot
from station.twin_port import TwinPort
from station.wiring import Wiring


@dataclass(slots=True)
class Cell:
    """One slot at work. Built by `station.opening.open_cell`; `finish` leaves it safe, once."""

    serial: str
    product: Product
    itinerary: Itinerary
    run: Run
    bench: Bench
    make_slot: Callable[[], Slot]
    slot_number: int
    wiring: Wiring
    analyst: Analyst
    folder: Path
    twin: TwinPort | None
    verdict: Verdict = Verdict.ABORTED
    _corner: Corner | None = None
    _step: PlanStep | None = None
    _pattern: str | None = None
    _opened: bool = False
    _slot: Slot | None = None
    _visited: set[tuple[Path, str]] = field(default_factory=set)

    # --- steps -----------------------------------------------------------------------------------

    def is_sequence(self, path: Path) -> bool:
        """Tell whether a file is one of the sequences that run here."""
        return self.itinerary.is_sequence(path)

    def corners_of(self, path: Path) -> tuple[Corner, ...]:
        """Get the corners at which a sequence runs, in the order of the visit."""
        return self.itinerary.corners_of(path)

    def place_of(self, path: Path, corner: Corner | None) -> tuple[int, int]:
        """Get where a step stands in the order of the visit."""
        return self.itinerary.place_of(path, corner)

    @property
    def step_options(self) -> Mapping[str, object]:
        """Get the options that the plan gives the present step."""
        return self._step.options if self._step else {}

    def begin_step(self, path: Path, corner: Corner | None, title: str, pattern: str | None) -> None:
        """Open a step; the bench is opened with the first one.

        `pattern` is what the sequence wants on the host lanes unless the plan says otherwise.
        """
        self.run.abort.check()
        if not self._opened:
            self._opened = True
            self.open_bench()
        if corner is not None:
            self._visited.add((path.resolve(), corner.name))
        self._corner = corner
        self._step = self.itinerary.step_of(path, corner)
        self._pattern = (self._step.pattern if self._step else None) or pattern
        self.run.begin_step(title, corner.name if corner else "")

    def stops_here(self) -> bool:
        """Tell whether the plan ends the run here, because a limit was missed."""
        plan = self.itinerary.plan
        if plan is None or plan.policy.stop != "first_fail" or not self.run.failed:
            return False
        self.run.stop_early("stopped at the first fail")
        return True

    @property
    def pattern(self) -> str:
        """Get the pattern that the BERT sends during the step."""
        if self._pattern is None:
            raise RuntimeError("neither the plan nor the sequence names a pattern for this step")
        return self._pattern

    def open_bench(self) -> None:
        """Open all instruments and write down who they are; an error is recorded and raised."""
        for name, entry in self.bench.station.instruments.items():
            self.run.abort.check()
            identity = self.bench.open(name).identity
            self.run.journal.append(
                "instrument",
                name=name,
                model=entry.model,
                manufacturer=identity.manufacturer,
                serial=identity.serial,
                firmware=identity.firmware,
                calibrated=entry.calibrated.isoformat() if entry.calibrated else None,
                calibration_due=entry.calibration_due.isoformat() if entry.calibration_due else None,
            )

    def transceiver_at_corner(self) -> ModuleManagement:
        """Bring the transceiver to the step's corner and feed it the step's pattern."""
        if self._corner is None:
            raise RuntimeError("a step without a corner cannot have the transceiver")
        if self._pattern is not None:
            self.host_lanes.send_everywhere(self._pattern)
        self.slot.go_to(self._corner, self.serial)
        self.run.set_conditions(self.slot.now())
        return self.slot.parts.management

    # --- what sequences are handed ---------------------------------------------------------------

    @property
    def slot(self) -> Slot:
        """Get the slot; its instruments must be open."""
        if self._slot is None:
            self._slot = self.make_slot()
        return self._slot

    @property
    def slot_name(self) -> str:
        """Get the name that wiring uses for the slot."""
        return f"slot{self.slot_number}"

    @property
    def optics(self) -> Optics:
        """Get the ways from the transmitters."""
        switches = partial(self.bench.get, kind=OpticalSwitch)
        return Optics(self.wiring, self.slot_name, self.product, switches, self.run.journal)

    @property
    def host_lanes(self) -> HostLanes:
        """Get the host lanes."""
        return HostLanes(self.wiring, self.slot_name, self.product, self.bench.only(Bert)[1])

    def power_paths(self) -> PowerPaths:
        """Get the ways to the power meter."""
        name, meter = self.bench.only(PowerMeter)
        return PowerPaths(self.optics, meter, name)

    def eye_paths(self) -> EyePaths:
        """Get the ways to the scope."""
        name, scope = self.bench.only(SamplingScope)
        settings = EyeSettings(
            self.product.symbol_rate_gbd,
            self.product.reference_receiver,
            samples_per_symbol=self._option("samples_per_symbol", 16),
            averages=self._option("averages", 16),
        )
        return EyePaths(self.optics, scope, name, settings, self.analyst, self.folder)

    def spectrum_paths(self) -> SpectrumPaths:
        """Get the ways to the spectrum analyser."""
        name, analyser = self.bench.only(SpectrumAnalyser)
        return SpectrumPaths(self.optics, analyser, name, self.product)

    def receivers(self) -> ReceiverTests:
        """Get the receivers, lit by their own transmitters."""
        name, bert = self.bench.only(Bert)
        attenuators = partial(self.bench.get, kind=Attenuator)
        damage_dbm = self.product.receiver_damage_dbm
        paths = ReceiverPaths(
            self.optics, self.wiring, self.slot_name, attenuators, bert, name, damage_dbm, self.run.compare
        )
        settings = SweepSettings(**self.step_options)  # type: ignore[arg-type]  # options are free by nature
        return ReceiverTests(paths, self.stimuli, settings)

    def stimuli(self, lanes: Sequence[int]) -> dict[int, Stimulus]:
        """Get the light of each lane as a stimulus: recorded at this corner, else measured now.

        Lanes whose power is not known are left out.
        """
        names = ("tx_average_power", "tx_oma_outer", "tx_tdecq")
        recorded = {lane: [self.run.value(name, lane) for name in names] for lane in lanes}
        if any(not self.run.was_measured(name, lane) for name in names for lane in lanes):
            recorded = self._measured_now(lanes)
        return {
            lane: Stimulus.of(average, oma, tdecq)
            for lane, (average, oma, tdecq) in recorded.items()
            if average is not None
        }

    def _measured_now(self, lanes: Sequence[int]) -> dict[int, list[Quantity | None]]:
        self.host_lanes.send_everywhere("SSPRQ")
        averages = {
            lane: power for group in self.power_paths().groups(lanes) for lane, power in group.read().items()
        }
        eyes = {
            lane: eye for group in self.eye_paths().groups(lanes) for lane, eye in group.eyes("SSPRQ").items()
        }
        self.host_lanes.send_everywhere(self._pattern or "PRBS31Q")
        found = {
            lane: [self.run.finished(eyes[lane][name]) for name in ("oma_outer", "tdecq")] for lane in lanes
        }
        return {
            lane: [averages[lane], *(r if isinstance(r, Quantity) else None for r in found[lane])]
            for lane in lanes
        }

    def path_check(self) -> PathCheck:
        """Get the CW source and the ways of its light."""
        source_name, source = self.bench.only(TunableLaser)
        meter_name, meter = self.bench.only(PowerMeter)
        return PathCheck(self.wiring, self.optics, (source_name, source), (meter_name, meter))

    def _option(self, name: str, default: int) -> int:
        value = self.step_options.get(name, default)
        if not isinstance(value, int):
            raise TypeError(f"option {name} of {self._step and self._step.sequence} must be a whole number")
        return value

    # --- the end ---------------------------------------------------------------------------------

    def finish(self) -> None:
        """Leave the bench safe, conclude, and return only when the verdict is on the disk."""
        self.run.abort.disarm()
        self._make_safe()
        self.analyst.stop(drop=self.run.abort.requested)
        verdict, reasons = self.run.conclude(self._left_out())
        self.run.close(verdict, reasons)
        self.bench.close()
        self.verdict = verdict

    def undo(self, action: Callable[[], None]) -> None:
        """Take back what a step changed; a run that is being stopped lights nothing up on its way."""
        if not self.run.abort.requested:
            action()

    def _left_out(self) -> list[str]:
        """Name the steps of the plan that never began."""
        return [
            f"{path.stem} at {corner.name}"
            for path, corner in self.itinerary.visits
            if (path, corner.name) not in self._visited
        ]

    def _make_safe(self) -> None:
        slot = self._slot if self._slot and self._slot.powered else None
        disable = slot.disable_transmitters if slot else None
        power_off = slot.power_off if slot and slot.parts.host_board.drives_power else None
        touched = self._opened or self.run.abort.requested  # who stops a run wants the bench safe in any case
        steps = list(self.bench.make_safe(disable, power_off)) if touched else []
        for step in left_unsafe(steps):
            self.run.error(step.error or RuntimeError(step.what), doing=f"leaving {step.name} safe")
        touch = touch_words(steps, self._slot.last_case_c if self._slot else None)
        self.run.journal.append("safe_state", steps=[step.told() for step in steps], touch=touch)
        if self.twin is not None:
            self.run.journal.append("twin_state", instruments=self.twin.safe_state())
