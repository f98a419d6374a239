"""The firmware of one transceiver: pins and bus on one side, physics on the other.

Time is lazy. Nothing runs between calls; whoever looks (the bus, or physics that is about to say
what it emits) calls `advance`, and every transition that was due since then happens at its own time,
in order. `next_event_ns` tells a scheduler when that would be. Physics is only told, never asked, by
`advance`, so light that loops back to the module's own receivers cannot make it recurse; monitors and
comparators look at the light when a host reads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from simulation.clock import VirtualClock
from simulation.transceiver import registers as reg
from simulation.transceiver.capabilities import LANES, Capabilities
from simulation.transceiver.data_path import (
    INITIALIZED_STATES,
    DataPath,
    DataPathConditions,
    DataPathState,
    LaneOutput,
)
from simulation.transceiver.durations import Durations, nanoseconds
from simulation.transceiver.faults import FirmwareFaults, neighbour_serial
from simulation.transceiver.identity import Identity
from simulation.transceiver.image import memory_image
from simulation.transceiver.memory import Memory
from simulation.transceiver.module_state import ModuleConditions, ModuleMachine, ModuleState
from simulation.transceiver.monitors import LossOfSignal, MonitorAccuracy, Monitors
from simulation.transceiver.physics_port import PhysicsPort
from simulation.transceiver.provisioning import ConfigStatus, judge
from simulation.transceiver.rail import Rail
from simulation.transceiver.status import Status, lane_bits
from simulation.transceiver.two_wire import TwoWireFace

_ALL_LANES = tuple(range(1, LANES + 1))


@dataclass(frozen=True, slots=True)
class _Pins:
    """What the host does to the module besides the bus."""

    present: bool = True
    powered: bool = False
    reset_held: bool = False
    low_power: bool = False

    @property
    def running(self) -> bool:
        return self.present and self.powered and not self.reset_held


class Firmware:
    """CMIS management of a four-lane module; it begins plugged in, without power."""

    def __init__(
        self,
        physics: PhysicsPort,
        clock: VirtualClock,
        identity: Identity,
        seed: int,
        *,
        capabilities: Capabilities | None = None,
        durations: Durations | None = None,
        accuracy: MonitorAccuracy | None = None,
        loss_of_signal: LossOfSignal | None = None,
        rail: Rail | None = None,
        faults: FirmwareFaults | None = None,
        strict: bool = True,
    ) -> None:
        self._physics = physics
        self._clock = clock
        self._capabilities = capabilities or Capabilities()
        self._durations = durations or Durations()
        self._rail = rail or Rail()
        self._faults = faults or FirmwareFaults()
        self._image = self._programmed(identity)
        self._monitors = Monitors(
            physics,
            accuracy or MonitorAccuracy(),
            loss_of_signal or LossOfSignal(),
            seed=seed,
            serial_number=identity.serial_number,
        )
        self._module = ModuleMachine(self._durations, stuck_in_power_up=self._faults.stuck_module_state)
        self._path = DataPath(_ALL_LANES, self._durations)
        self._outputs = {
            lane: LaneOutput(partial(physics.set_lane_enabled, lane), self._durations) for lane in _ALL_LANES
        }
        self._pins = _Pins()
        self._memory = Memory(self._image)
        self._status = Status(self._memory)
        self._reinit_pending = False
        self._sampled_at: tuple[object, ...] | None = None
        self.two_wire = TwoWireFace(
            self._memory,
            self,
            clock,
            self._durations,
            strict=strict,
            full_page_reads=self._capabilities.full_page_reads,
        )

    # Pins.

    def present(self) -> bool:
        """Get whether ModPrsL is low: the module is plugged in."""
        return self._pins.present

    def set_present(self, present: bool) -> None:
        """Plug the module in or pull it out."""
        self._change_pins(replace(self._pins, present=present))

    def set_reset(self, held: bool) -> None:
        """Pull ResetL low (held) or let it go."""
        self._change_pins(replace(self._pins, reset_held=held))

    def set_low_power_pin(self, high: bool) -> None:
        """Drive LPMode."""
        self._change_pins(replace(self._pins, low_power=high))

    def set_rail(self, voltage_v: float) -> None:
        """Put a voltage on the supply pins."""
        good = self._rail.good(voltage_v, was_good=self._pins.powered)
        self._change_pins(replace(self._pins, powered=good))

    def interrupt_asserted(self) -> bool:
        """Get whether IntL is low: an unmasked flag is up."""
        if not self.answers():
            return False
        self.refresh()
        return self._status.interrupt()

    # State.

    @property
    def module_state(self) -> ModuleState:
        """Get the true module state now."""
        self.advance()
        return self._module.state

    @property
    def data_path_state(self) -> DataPathState:
        """Get the true state of the data path now."""
        self.advance()
        return self._path.state

    def emitting(self, lane: int) -> bool:
        """Get whether one transmitter is switched on now."""
        self.advance()
        return self._outputs[lane].emitting

    def next_event_ns(self) -> int | None:
        """Get when the state next changes by itself, if it will."""
        pending = (
            self._module.due_ns,
            self._path.due_ns,
            *(output.due_ns for output in self._outputs.values()),
        )
        return min((due for due in pending if due is not None), default=None)

    def advance(self) -> None:
        """Let happen all that was due until now, each at its own time."""
        while (due := self.next_event_ns()) is not None and due <= self._clock.now_ns:
            self._settle(due)

    # The bus asks these.

    def answers(self) -> bool:
        """Bring the state up to date; return whether management answers."""
        self.advance()
        return self._module.managed and not self._faults.dead_bus

    def refresh(self) -> None:
        """Look at the sensors and bring every reporting register up to date."""
        emitting = [output.emitting for output in self._outputs.values()]
        self._take_sample(emitting)
        lost = self._monitors.lanes_without_signal() if self._high_power else (True,) * LANES
        self._status.latch_excursions()
        self._status.write_loss_of_signal(lost, self._path)
        self._status.write_init_pending(lane_bits(self._path.lanes) if self._reinit_pending else 0)
        self._status.write_states(self._module.state, self._path, emitting)

    def written(self, places: frozenset[tuple[int, int]]) -> None:
        """Act on a host's write: software reset, provisioning, or whatever the new bits now demand."""
        if self._control(reg.LOWER, reg.MODULE_CONTROL) & reg.SOFTWARE_RESET:
            self._reset()
            self._boot()
        elif (reg.LANE_CONTROL, reg.APPLY_DATA_PATH_INIT) in places:
            self._apply_staged()
        self._settle(self._clock.now_ns)

    # Inside.

    @property
    def _high_power(self) -> bool:
        return self._module.state in (ModuleState.PWR_UP, ModuleState.READY, ModuleState.PWR_DN)

    def _programmed(self, identity: Identity) -> dict[int, bytes]:
        if self._faults.wrong_serial:
            identity = replace(identity, serial_number=neighbour_serial(identity.serial_number))
        image = memory_image(identity, self._capabilities, self._durations)
        if self._faults.bad_checksum:
            page = bytearray(image[reg.ADMINISTRATION])
            page[222 % 128] ^= 0xFF
            image[reg.ADMINISTRATION] = bytes(page)
        return image

    def _reset(self) -> None:
        self._module.reset()
        self._path.reset()
        self._darken()
        self._physics.set_high_power(False)

    def _darken(self) -> None:
        for output in self._outputs.values():
            output.reset()

    def _boot(self) -> None:
        self._memory.reload(self._image)
        self.two_wire.restart()
        self._reinit_pending = False
        self._sampled_at = None
        self._darken()  # whatever the hardware's own power-on state is
        self._module.start(self._clock.now_ns)
        self._status.write_active_configuration(self._staged())

    def _change_pins(self, pins: _Pins) -> None:
        self.advance()
        self._pins = pins
        if not pins.running and self._module.state is not ModuleState.RESET:
            self._reset()
        elif pins.running and self._module.state is ModuleState.RESET:
            self._boot()
        self._settle(self._clock.now_ns)

    def _control(self, page: int, byte: int) -> int:
        return self._memory.peek(page, byte)[0]

    def _settle(self, at_ns: int) -> None:
        # Pins, writes and the end of timed states alone change anything, so only they lead here. The
        # outputs go last: they follow the data path's state of this very moment.
        while self._step_module(at_ns) or self._step_path(at_ns) or self._step_outputs(at_ns):
            pass

    def _step_module(self, at_ns: int) -> bool:
        deactivated = self._path.state is DataPathState.DEACTIVATED
        if not self._module.step(at_ns, ModuleConditions(self._low_power(), deactivated)):
            return False
        self._status.module_entered(self._module.state)
        if self._module.state in (ModuleState.PWR_UP, ModuleState.LOW_PWR):
            self._physics.set_high_power(self._module.state is ModuleState.PWR_UP)
        return True

    def _step_path(self, at_ns: int) -> bool:
        if not self._path.step(at_ns, self._path_conditions()):
            return False
        if self._path.state is DataPathState.INIT:
            self._reinit_pending = False
        elif self._path.state is DataPathState.DEACTIVATED:
            self._darken()  # whatever an output still had to wait for
        self._status.data_path_entered(self._path)
        return True

    def _step_outputs(self, at_ns: int) -> bool:
        alight = self._path.state in INITIALIZED_STATES and not self._path_conditions().redeinit
        disabled = self._control(reg.LANE_CONTROL, reg.TX_DISABLE)
        changed = [
            output.step(at_ns, alight and not disabled & lane_bits((lane,)))
            for lane, output in self._outputs.items()
        ]
        return any(changed)

    def _low_power(self) -> bool:
        control = self._control(reg.LOWER, reg.MODULE_CONTROL)
        by_pin = bool(control & reg.LOW_POWER_ALLOW_REQUEST_HW) and self._pins.low_power
        return by_pin or bool(control & reg.LOW_POWER_REQUEST_SW)

    def _path_conditions(self) -> DataPathConditions:
        lanes = lane_bits(self._path.lanes)
        asked = bool(self._control(reg.LANE_CONTROL, reg.DATA_PATH_DEINIT) & lanes)
        deinit = self._module.state is not ModuleState.READY or self._low_power() or asked
        redeinit = deinit or self._reinit_pending
        dark = bool(self._control(reg.LANE_CONTROL, reg.TX_DISABLE) & lanes)
        return DataPathConditions(deinit, redeinit, redeinit or dark)

    def _staged(self) -> bytes:
        return self._memory.peek(reg.LANE_CONTROL, reg.STAGED_CONFIG, LANES)

    def _apply_staged(self) -> None:
        selected = self._control(reg.LANE_CONTROL, reg.APPLY_DATA_PATH_INIT)
        self._memory.poke(reg.LANE_CONTROL, reg.APPLY_DATA_PATH_INIT, b"\x00")  # write only
        if not selected:
            return
        outcome = judge(self._staged(), selected, self._capabilities.applications)
        self._status.write_configuration_status(selected, outcome)
        if outcome is ConfigStatus.SUCCESS:
            self._status.write_active_configuration(self._staged())
            self._reinit_pending = True

    def _take_sample(self, emitting: list[bool]) -> None:
        # The converters run on a fixed beat, and anew when a state or a laser is switched: between, a
        # host reads the same values.
        beat = self._clock.now_ns // nanoseconds(self._durations.monitor_period_s)
        at = (beat, self._high_power, self._path.state, emitting)
        if self._sampled_at != at:
            self._sampled_at = at
            sample = self._monitors.sample(lanes_on=self._high_power)
            self._status.write_sample(sample, self._path, emitting)
