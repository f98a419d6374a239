"""Drivers by model: whatever is installed under the entry-point group "photonbench.drivers"."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol

from pyvisa import errors as visa_errors

from instruments.clock import Clock
from instruments.driver import NO_OPTIONS, Driver
from instruments.errors import InstrumentError, InstrumentTimeout, PhotonbenchError
from instruments.identity import fits, parse_identity
from instruments.profile import Profile
from instruments.session import Session
from instruments.wire import WireResource

GROUP = "photonbench.drivers"


class ResourceManager(Protocol):
    """What opens VISA resources; pyvisa's ResourceManager fits by shape."""

    def open_resource(self, resource_name: str) -> Any:
        """Open the resource at an address."""
        ...


class Catalog:
    """The drivers of a set of entry points; each is loaded when it is first needed."""

    def __init__(self, entries: Iterable[EntryPoint]) -> None:
        self._entries = {entry.name: entry for entry in entries}

    @property
    def models(self) -> tuple[str, ...]:
        """Get the models that have a driver, in order."""
        return tuple(sorted(self._entries))

    def driver(self, model: str) -> type[Any]:
        """Load the driver class of a model."""
        if model not in self._entries:
            near = difflib.get_close_matches(model, self.models, 3, 0.4)
            known = " or ".join(repr(one) for one in near) or "install a package that has one"
            raise PhotonbenchError(f"there is no driver for {model!r}", remedy=f"nearest: {known}")
        driver: type[Any] = self._entries[model].load()
        return driver

    def visa_driver(self, model: str) -> type[Driver]:
        """Load the driver class of a model that is reached through VISA."""
        driver = self.driver(model)
        if not issubclass(driver, Driver):
            raise PhotonbenchError(
                f"{model!r} is not a VISA instrument", remedy="list it where it belongs in the station file"
            )
        return driver

    def fitting(self, answer: str) -> str | None:
        """Find the model whose driver fits an answer to *IDN?, or None."""
        try:
            identity = parse_identity(answer)
        except ValueError:
            return None
        for model in self.models:
            driver = self.driver(model)
            if issubclass(driver, Driver) and fits(driver.idn_pattern, identity):
                return model
        return None


def installed_drivers() -> Catalog:
    """List the drivers that are installed, ours and a site's own."""
    return Catalog(entry_points(group=GROUP))


def is_stream(address: str) -> bool:
    """Tell whether the transport behind a VISA address has no end-of-message mark."""
    upper = address.upper()
    return upper.endswith("::SOCKET") or upper.startswith("ASRL")


def open_resource(manager: ResourceManager, address: str, *, name: str) -> WireResource:
    """Open the VISA resource of a named instrument."""
    try:
        resource: WireResource = manager.open_resource(address)
    except (visa_errors.Error, OSError, ValueError) as error:
        raise InstrumentError(
            f"{name} cannot be reached at {address!r}: {error}",
            instrument=name,
            remedy="check its power, its cable and the address in the station file",
        ) from error
    return resource


def ask_identity(manager: ResourceManager, address: str, *, clock: Clock) -> str:
    """Ask whoever is at an address for its identity, with the terminators in use; discovery only."""
    stream = is_stream(address)
    resource = open_resource(manager, address, name=address)
    try:
        for termination in ("\n", "\r")[: 2 if stream else 1]:
            session = Session(
                resource,
                name=address,
                model="unknown model",
                clock=clock,
                profile=Profile(termination=termination),
                stream=stream,
            )
            try:
                return session.query("*IDN?")
            except InstrumentTimeout as error:
                silence = error
        raise silence
    finally:
        resource.close()


def open_instrument(
    driver: type[Driver],
    manager: ResourceManager,
    address: str,
    *,
    name: str,
    clock: Clock,
    serial: str | None = None,
    options: Mapping[str, Any] = NO_OPTIONS,
    termination: str | None = None,
    abort: Callable[[], None] | None = None,
) -> Driver:
    """Open the instrument at an address with its driver and check who answers.

    `termination` replaces the model's own terminators, for gateways and serial adapters.
    """
    profile = driver.profile
    if termination is not None:
        profile = replace(profile, termination=termination, stream_termination=termination)
    resource = open_resource(manager, address, name=name)
    session = Session(
        resource,
        name=name,
        model=driver.model,
        clock=clock,
        profile=profile,
        stream=is_stream(address),
        abort=abort,
    )
    try:
        return driver(session, options=options).open(serial=serial)
    except BaseException:
        session.close()
        raise
