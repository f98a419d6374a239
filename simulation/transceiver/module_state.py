"""The module state machine of CMIS 5.2, section 6.3.2."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from simulation.transceiver.durations import Durations, nanoseconds


class ModuleState(IntEnum):
    """Module states; those that a host can read carry their code of L:3, the others none of it."""

    RESET = -2
    MGMT_INIT = -1
    LOW_PWR = 1
    PWR_UP = 2
    READY = 3
    PWR_DN = 4


_NEXT = {
    ModuleState.MGMT_INIT: ModuleState.LOW_PWR,
    ModuleState.PWR_UP: ModuleState.READY,
    ModuleState.PWR_DN: ModuleState.LOW_PWR,
}


@dataclass(frozen=True, slots=True)
class ModuleConditions:
    """The signals that decide transitions: LowPwrS, and whether every data path is Deactivated."""

    low_power: bool
    all_deactivated: bool


class ModuleMachine:
    """One module's state, driven by conditions and by the end of timed states."""

    def __init__(self, durations: Durations, *, stuck_in_power_up: bool = False) -> None:
        self._lengths_ns = {
            ModuleState.MGMT_INIT: nanoseconds(durations.mgmt_init_s),
            ModuleState.PWR_UP: nanoseconds(durations.power_up_s),
            ModuleState.PWR_DN: nanoseconds(durations.power_down_s),
        }
        if stuck_in_power_up:
            del self._lengths_ns[ModuleState.PWR_UP]
        self._stuck = stuck_in_power_up
        self.state = ModuleState.RESET
        self.due_ns: int | None = None

    @property
    def managed(self) -> bool:
        """Get whether the management interface answers."""
        return self.state > 0

    def reset(self) -> None:
        """Stop everything."""
        self._enter(ModuleState.RESET, 0)

    def start(self, at_ns: int) -> None:
        """Begin to boot."""
        self._enter(ModuleState.MGMT_INIT, at_ns)

    def step(self, at_ns: int, conditions: ModuleConditions) -> bool:
        """Make one transition that is due; return whether there was one."""
        target = self._target(at_ns, conditions)
        if target is None:
            return False
        self._enter(target, at_ns)
        return True

    def _target(self, at_ns: int, conditions: ModuleConditions) -> ModuleState | None:
        if self.due_ns is not None and at_ns >= self.due_ns:
            return _NEXT[self.state]
        if self.state is ModuleState.LOW_PWR and not conditions.low_power:
            return ModuleState.PWR_UP
        if self.state is ModuleState.PWR_UP and conditions.low_power and not self._stuck:
            return ModuleState.PWR_DN
        # PwrDn waits until no data path is left running (LowPwrExS).
        leaving = self.state is ModuleState.READY and conditions.low_power and conditions.all_deactivated
        return ModuleState.PWR_DN if leaving else None

    def _enter(self, state: ModuleState, at_ns: int) -> None:
        self.state = state
        length_ns = self._lengths_ns.get(state)
        self.due_ns = None if length_ns is None else at_ns + length_ns
