"""Waiting for a transceiver's states, each within a bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from instruments.clock import Clock
from instruments.cmis import registers as r
from instruments.cmis.bus import ManagedBus
from instruments.cmis.identity import form_factor
from instruments.cmis.state import (
    DataPathLane,
    DataPathState,
    ModuleState,
    ModuleStatus,
    data_path_lanes,
    module_state,
)
from instruments.errors import NoAcknowledge, StateNotReached

MANAGEMENT_INIT_MAX_S: Final = 2.0  # from power and ResetL to the first acknowledge and a valid state
POLL_S: Final = 0.050  # states last seconds, and each look is several two-wire transfers


def read_module_state(bus: ManagedBus) -> ModuleState:
    """Read the module state alone."""
    return module_state(bus.read(r.MODULE_STATE), name=bus.name)


def read_status(bus: ManagedBus) -> ModuleStatus:
    """Read module state, interrupt, fault cause and firmware revision."""
    with bus.transaction():
        status = bus.read(r.MODULE_STATE)
        firmware = bus.read(r.FIRMWARE_REVISION)
        fault = bus.read(r.FAULT_CAUSE)
    return ModuleStatus.decode(status, firmware, fault, name=bus.name)


def read_data_paths(bus: ManagedBus, bank: int) -> tuple[DataPathLane, ...]:
    """Read the data path state of each host lane of a bank."""
    with bus.transaction():
        states = bus.read(r.DATA_PATH_STATES, bank=bank)
        active = bus.read(r.ACTIVE_DATA_PATHS, bank=bank)
    return data_path_lanes(states, active, bank=bank, name=bus.name)


class StateWatch:
    """Polls a transceiver until a state is there; a missing acknowledge counts as not yet."""

    def __init__(self, bus: ManagedBus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock

    def await_management(self) -> None:
        """Wait until the module answers as one with CMIS, in a valid module state."""

        def missing() -> str:
            identifier = self._bus.read_integer(r.IDENTIFIER)
            if identifier == 0:  # acknowledged before its memory was loaded
                return "identifier 00h"
            form_factor(identifier, name=self._bus.name)
            code = self._bus.read_integer(r.MODULE_STATE)
            return "" if code in set(ModuleState) else f"code {code}"

        self._await("a valid module state", r.MODULE_STATE, MANAGEMENT_INIT_MAX_S, missing)

    def await_module_ready(self, bound_s: float) -> None:
        """Wait for READY; a module in its fault state is not waited for."""

        def missing() -> str:
            state = read_module_state(self._bus)
            if state is ModuleState.FAULT:
                raise self._faulty()
            return "" if state is ModuleState.READY else state.name

        self._await("module state READY", r.MODULE_STATE, bound_s, missing)

    def await_data_paths(self, banks: int, bound_s: float) -> None:
        """Wait until every data path is ACTIVATED, or as far as Tx disable lets it come."""

        def missing() -> str:
            used = [lane for bank in range(banks) for lane in self._used_lanes(bank)]
            late = [
                f"host lane {lane.host_lane} {lane.state.name}" for lane, up in used if lane.state not in up
            ]
            return ", ".join(late) if used else "no host lane in use"

        self._await("data path state ACTIVATED", r.DATA_PATH_STATES, bound_s, missing)

    def _used_lanes(self, bank: int) -> list[tuple[DataPathLane, set[DataPathState]]]:
        up = {DataPathState.ACTIVATED}
        if self._bus.read_integer(r.TX_DISABLE, bank=bank):
            # One disabled lane keeps its whole data path from turning on. Which media lanes a
            # host lane's path has is the application's business, so the whole bank is excused.
            up.add(DataPathState.INITIALIZED)
        return [(lane, up) for lane in read_data_paths(self._bus, bank) if lane.used]

    def _faulty(self) -> StateNotReached:
        return StateNotReached(
            f"{self._bus.name}: module state ({r.MODULE_STATE.where}) is FAULT: "
            f"{read_status(self._bus).fault_cause} ({r.FAULT_CAUSE.where})",
            remedy="the transceiver reports its own defect; check supply and temperature, then test again",
        )

    def _await(self, what: str, register: r.Register, bound_s: float, missing: Callable[[], str]) -> None:
        due = self._clock.now() + bound_s
        while seen := self._look(missing):
            if self._clock.now() >= due:
                raise StateNotReached(
                    f"{self._bus.name}: {what} did not come within {bound_s:g} s; "
                    f"{register.where} shows: {seen}",
                    remedy="check supply, ResetL and LPMode of the slot",
                )
            self._clock.sleep(POLL_S)

    @staticmethod
    def _look(missing: Callable[[], str]) -> str:
        try:
            return missing()
        except NoAcknowledge:
            return "no acknowledge"
