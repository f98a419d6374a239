"""The data path state machine of CMIS 5.2, section 6.3.3, and the outputs of its lanes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from simulation.transceiver.durations import Durations, nanoseconds


class DataPathState(IntEnum):
    """Data path states with their codes of 11h:128."""

    DEACTIVATED = 1
    INIT = 2
    DEINIT = 3
    ACTIVATED = 4
    TX_TURN_ON = 5
    TX_TURN_OFF = 6
    INITIALIZED = 7


STEADY = frozenset({DataPathState.DEACTIVATED, DataPathState.INITIALIZED, DataPathState.ACTIVATED})
INITIALIZED_STATES = frozenset(
    {
        DataPathState.INITIALIZED,
        DataPathState.TX_TURN_ON,
        DataPathState.ACTIVATED,
        DataPathState.TX_TURN_OFF,
    }
)
_NEXT = {
    DataPathState.INIT: DataPathState.INITIALIZED,
    DataPathState.DEINIT: DataPathState.DEACTIVATED,
    DataPathState.TX_TURN_ON: DataPathState.ACTIVATED,
    DataPathState.TX_TURN_OFF: DataPathState.INITIALIZED,
}


@dataclass(frozen=True, slots=True)
class DataPathConditions:
    """DPDeinitS; DPReDeinitS (or a pending reconfiguration); DPDeactivateS (or a dark lane)."""

    deinit: bool
    redeinit: bool
    deactivate: bool


class DataPath:
    """One data path over a group of media lanes; all its lanes share the state."""

    def __init__(self, lanes: tuple[int, ...], durations: Durations) -> None:
        self._lengths_ns = {
            DataPathState.INIT: nanoseconds(durations.data_path_init_s),
            DataPathState.DEINIT: nanoseconds(durations.data_path_deinit_s),
            DataPathState.TX_TURN_ON: nanoseconds(durations.tx_turn_on_s),
            DataPathState.TX_TURN_OFF: nanoseconds(durations.tx_turn_off_s),
        }
        self.lanes = lanes
        self.state = DataPathState.DEACTIVATED
        self.due_ns: int | None = None

    def reset(self) -> None:
        """Drop to Deactivated at once."""
        self._enter(DataPathState.DEACTIVATED, 0)

    def step(self, at_ns: int, conditions: DataPathConditions) -> bool:
        """Make one transition that is due; return whether there was one."""
        target = self._target(at_ns, conditions)
        if target is None:
            return False
        self._enter(target, at_ns)
        return True

    def _target(self, at_ns: int, conditions: DataPathConditions) -> DataPathState | None:
        if self.due_ns is not None:
            return _NEXT[self.state] if at_ns >= self.due_ns else None
        if self.state is DataPathState.DEACTIVATED:
            return None if conditions.deinit else DataPathState.INIT
        if self.state is DataPathState.INITIALIZED and conditions.redeinit:
            return DataPathState.DEINIT
        if self.state is DataPathState.INITIALIZED and not conditions.deactivate:
            return DataPathState.TX_TURN_ON
        leaving = self.state is DataPathState.ACTIVATED and conditions.deactivate
        return DataPathState.TX_TURN_OFF if leaving else None

    def _enter(self, state: DataPathState, at_ns: int) -> None:
        self.state = state
        length_ns = self._lengths_ns.get(state)
        self.due_ns = None if length_ns is None else at_ns + length_ns


class LaneOutput:
    """The optical output of one lane, which follows its order after the turn-on or turn-off time."""

    def __init__(self, switch: Callable[[bool], None], durations: Durations) -> None:
        self._switch = switch
        self._turn_on_ns = nanoseconds(durations.tx_turn_on_s)
        self._turn_off_ns = nanoseconds(durations.tx_turn_off_s)
        self.emitting = False
        self.due_ns: int | None = None

    def reset(self) -> None:
        """Darken at once."""
        self.due_ns = None
        self._set(False)

    def step(self, at_ns: int, wanted: bool) -> bool:
        """Take up, drop or carry out an order; return whether the output changed."""
        if wanted == self.emitting:
            self.due_ns = None
            return False
        if self.due_ns is None:
            self.due_ns = at_ns + (self._turn_on_ns if wanted else self._turn_off_ns)
        if at_ns < self.due_ns:
            return False
        self.due_ns = None
        self._set(wanted)
        return True

    def _set(self, emitting: bool) -> None:
        self.emitting = emitting
        self._switch(emitting)
