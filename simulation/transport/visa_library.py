"""The simulated bench as a PyVISA backend, in process: pass the library to `pyvisa.ResourceManager`."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from pyvisa import constants, errors, highlevel, rname
from pyvisa.constants import StatusCode
from pyvisa.util import LibraryPath

from simulation.scpi import ScpiDevice
from simulation.transport.visa_locks import Locks
from simulation.transport.visa_session import SteppedClock, VisaError, VisaSession

_FIRST_SESSION = 1000


class BenchVisaLibrary(highlevel.VisaLibraryBase):
    """A VISA library whose resources are simulated instruments.

    PyVISA keeps one library and one manager per path and process, so every bench has a path of its own;
    and a path never is the word "unset", which PyMeasure takes for another simulator's.
    """

    @staticmethod
    def for_bench(
        devices: Mapping[str, ScpiDevice], clock: SteppedClock, *, path: str = ""
    ) -> BenchVisaLibrary:
        """Make a library of a bench: devices by the resource string of the station file.

        With a `path`, the library that is still alive under it is given again, whatever its devices.
        """
        unique = path or f"photonbench-{uuid.uuid4().hex}"
        library = BenchVisaLibrary(LibraryPath(unique, "photonbench"))
        if not library.devices:
            library.devices = {rname.to_canonical_name(name): device for name, device in devices.items()}
            library.clock = clock
        return library

    @staticmethod
    def get_library_paths() -> Iterable[LibraryPath]:
        """Name a path for who gives none."""
        return (LibraryPath("photonbench", "default"),)

    @staticmethod
    def get_debug_info() -> dict[str, Any]:
        """Say what this is, for pyvisa-info."""
        return {"Photonbench": "simulated instruments, in process"}

    def _init(self) -> None:
        self.devices: dict[str, ScpiDevice] = {}
        self.clock: SteppedClock | None = None
        self._sessions: dict[int, VisaSession | None] = {}
        self._next_session = _FIRST_SESSION
        # One bench, one physics: two threads take turns even if they use different instruments.
        self._lock = threading.RLock()
        self._unlocked = threading.Condition(self._lock)
        self._locks: dict[ScpiDevice, Locks] = {}

    def _new_session(self, session: VisaSession | None) -> Any:
        with self._lock:
            self._next_session += 1
            self._sessions[self._next_session] = session
        return self._next_session

    def _session(self, session: Any) -> VisaSession:
        found = self._sessions.get(session)
        if found is None:
            raise errors.VisaIOError(StatusCode.error_invalid_object)
        return found

    def _fail(self, session: Any, error: VisaError) -> StatusCode:
        return self.handle_return_value(session, error.status)

    # Manager.

    def open_default_resource_manager(self) -> tuple[Any, StatusCode]:
        """Open a session of the manager itself."""
        session = self._new_session(None)
        return session, self.handle_return_value(session, StatusCode.success)

    def list_resources(self, session: Any, query: str = "?*::INSTR") -> tuple[str, ...]:  # noqa: ARG002
        """List the instruments of the bench whose address fits a VISA expression."""
        return tuple(rname.filter(list(self.devices), query))

    def open(
        self,
        session: Any,
        resource_name: str,
        access_mode: constants.AccessModes = constants.AccessModes.no_lock,  # noqa: ARG002
        open_timeout: int = constants.VI_TMO_IMMEDIATE,  # noqa: ARG002
    ) -> tuple[Any, StatusCode]:
        """Open a session with an instrument."""
        try:
            name = rname.ResourceName.from_string(resource_name)
        except rname.InvalidResourceName:
            return 0, self.handle_return_value(session, StatusCode.error_invalid_resource_name)
        device = self.devices.get(str(name))
        if device is None or self.clock is None:
            return 0, self.handle_return_value(session, StatusCode.error_resource_not_found)
        opened = self._new_session(VisaSession(device, self.clock, name))
        return opened, self.handle_return_value(opened, StatusCode.success)

    def close(self, session: Any) -> StatusCode:
        """Close a session, with an instrument or of the manager."""
        with self._unlocked:
            if session not in self._sessions:
                return self.handle_return_value(None, StatusCode.success)
            found = self._sessions.pop(session)
            if found is not None:
                if found.device in self._locks:
                    self._locks[found.device].forget(session)
                    self._unlocked.notify_all()
                found.turn.give()
                found.exchange.close()
        return self.handle_return_value(None, StatusCode.success)

    # Messages.

    def write(self, session: Any, data: bytes) -> tuple[int, StatusCode]:
        """Send bytes."""
        found = self._session(session)
        if self._shut_out(session, found):
            return 0, self._fail(session, VisaError(StatusCode.error_resource_locked))
        found.turn.take(found.timeout_ns)
        with self._lock:
            try:
                found.write(data if type(data) is bytes else bytes(data))
            except VisaError as error:
                found.turn.give()
                return 0, self._fail(session, error)
            if found.exchange.idle:
                found.turn.give()
        return len(data), self._succeed(session, StatusCode.success)

    def read(self, session: Any, count: int) -> tuple[bytes, StatusCode]:
        """Read bytes."""
        found = self._session(session)
        if self._shut_out(session, found):
            return b"", self._fail(session, VisaError(StatusCode.error_resource_locked))
        found.turn.take(found.timeout_ns)
        with self._lock:
            try:
                data, status = found.read(count)
            except VisaError as error:
                found.turn.give()
                return b"", self._fail(session, error)
            if not found.exchange.outputs:
                found.turn.give()
        return data, self._succeed(session, status)

    def _succeed(self, session: Any, status: StatusCode) -> StatusCode:
        """Keep a status that is no error without PyVISA's detour: most of what happens is this."""
        self._last_status = self._last_status_in_session[session] = status
        return status

    def clear(self, session: Any) -> StatusCode:
        """Send a device clear."""
        found = self._session(session)
        if self._shut_out(session, found):
            return self._fail(session, VisaError(StatusCode.error_resource_locked))
        with self._lock:
            try:
                found.clear()
            except VisaError as error:
                return self._fail(session, error)
            found.turn.give()
        return self.handle_return_value(session, StatusCode.success)

    def flush(self, session: Any, mask: constants.BufferOperation) -> StatusCode:
        """Discard what was not yet read, where the mask says so."""
        found = self._session(session)
        discard = constants.BufferOperation.discard_read_buffer
        discard |= constants.BufferOperation.discard_receive_buffer
        if mask & discard:
            with self._lock:
                found.exchange.outputs.clear()
        return self.handle_return_value(session, StatusCode.success)

    def read_stb(self, session: Any) -> tuple[int, StatusCode]:
        """Poll the status byte."""
        found = self._session(session)
        with self._lock:
            try:
                byte = found.poll()
            except VisaError as error:
                return 0, self._fail(session, error)
        return byte, self.handle_return_value(session, StatusCode.success)

    def assert_trigger(self, session: Any, protocol: constants.TriggerProtocol) -> StatusCode:  # noqa: ARG002
        """Send a group trigger."""
        found = self._session(session)
        if self._shut_out(session, found):
            return self._fail(session, VisaError(StatusCode.error_resource_locked))
        with self._lock:
            try:
                found.trigger()
            except VisaError as error:
                return self._fail(session, error)
        return self.handle_return_value(session, StatusCode.success)

    # Attributes, locks, events.

    def get_attribute(self, session: Any, attribute: Any) -> tuple[Any, StatusCode]:
        """Get an attribute, by its number or member."""
        if self._sessions.get(session, self) is None:
            return self._manager_attribute(session, int(attribute))
        try:
            value = self._session(session).get(int(attribute))
        except VisaError as error:
            return None, self._fail(session, error)
        return value, self.handle_return_value(session, StatusCode.success)

    def _manager_attribute(self, session: Any, attribute: int) -> tuple[Any, StatusCode]:
        if attribute != int(constants.ResourceAttribute.resource_class):
            return None, self.handle_return_value(session, StatusCode.error_nonsupported_attribute)
        return "RSRCMGR", self.handle_return_value(session, StatusCode.success)

    def set_attribute(self, session: Any, attribute: Any, attribute_state: Any) -> StatusCode:
        """Set an attribute, by its number or member."""
        try:
            self._session(session).set(int(attribute), attribute_state)
        except VisaError as error:
            return self._fail(session, error)
        return self.handle_return_value(session, StatusCode.success)

    def lock(
        self, session: Any, lock_type: constants.Lock, timeout: int, requested_key: str | None = None
    ) -> tuple[str, StatusCode]:
        """Lock an instrument for a session; wait for who holds it (VPP-4.3, 3.6).

        An exclusive lock shuts out all others, a shared one those without its key. Locks nest.
        """
        found = self._session(session)
        exclusive = lock_type != constants.Lock.shared
        with self._unlocked:
            locks = self._locks.setdefault(found.device, Locks())
            wait_s = min(timeout / 1e3, threading.TIMEOUT_MAX) if timeout else 0.0
            if not self._unlocked.wait_for(lambda: locks.grant(session, exclusive, requested_key), wait_s):
                return "", self.handle_return_value(session, StatusCode.error_timeout)
        return locks.key, self.handle_return_value(session, StatusCode.success)

    def unlock(self, session: Any) -> StatusCode:
        """Give the newest lock of a session back."""
        found = self._session(session)
        with self._unlocked:
            locks = self._locks.get(found.device)
            if locks is None or not locks.release(session):
                return self.handle_return_value(session, StatusCode.error_session_not_locked)
            self._unlocked.notify_all()
        return self.handle_return_value(session, StatusCode.success)

    def _shut_out(self, session: Any, found: VisaSession) -> bool:
        locks = self._locks.get(found.device) if self._locks else None
        return locks is not None and not locks.admits(session)

    def gpib_control_ren(self, session: Any, mode: constants.RENLineOperation) -> StatusCode:  # noqa: ARG002
        """Accept remote and local states; simulated instruments have no front panel."""
        self._session(session)
        return self.handle_return_value(session, StatusCode.success)

    def enable_event(
        self,
        session: Any,
        event_type: constants.EventType,
        mechanism: constants.EventMechanism,
        context: None = None,  # noqa: ARG002
    ) -> StatusCode:
        """Keep service requests for who waits for them; there are no other events, and no handlers."""
        found = self._session(session)
        if event_type != constants.EventType.service_request or found.stream:
            return self.handle_return_value(session, StatusCode.error_invalid_event)
        if mechanism != constants.EventMechanism.queue:
            return self.handle_return_value(session, StatusCode.error_nonsupported_mechanism)
        found.awaits_requests = True
        return self.handle_return_value(session, StatusCode.success)

    def disable_event(
        self,
        session: Any,
        event_type: constants.EventType,  # noqa: ARG002
        mechanism: constants.EventMechanism,  # noqa: ARG002
    ) -> StatusCode:
        """Stop keeping events; called whenever a resource is closed."""
        found = self._sessions.get(session)
        if found is not None:
            found.awaits_requests = False
        return self.handle_return_value(session, StatusCode.success)

    def discard_events(
        self,
        session: Any,
        event_type: constants.EventType,  # noqa: ARG002
        mechanism: constants.EventMechanism,  # noqa: ARG002
    ) -> StatusCode:
        """Forget events; called whenever a resource is closed."""
        return self.handle_return_value(session, StatusCode.success)

    def wait_on_event(
        self, session: Any, in_event_type: constants.EventType, timeout: int
    ) -> tuple[constants.EventType, Any, StatusCode]:
        """Wait for a service request, in bench time."""
        found = self._session(session)
        if not found.awaits_requests:
            return in_event_type, None, self.handle_return_value(session, StatusCode.error_not_enabled)
        with self._lock:
            try:
                found.await_request(timeout * 1_000_000)
            except VisaError as error:
                return in_event_type, None, self._fail(session, error)
        context = self._new_session(None)
        return in_event_type, context, self.handle_return_value(session, StatusCode.success)
