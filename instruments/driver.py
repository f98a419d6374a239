"""What all drivers of VISA instruments share."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Self, TypeVar

from instruments.errors import PhotonbenchError
from instruments.identity import Identity, read_identity
from instruments.profile import Profile
from instruments.session import Session

NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})

T = TypeVar("T")


def names(value: object) -> tuple[str, ...]:
    """Read an option that is a list of names."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError("not a list")
    return tuple(str(one) for one in value)


class Driver:
    """A driver of one model or family over one session.

    `model` is written as in station files, `idn_pattern` is matched against
    "manufacturer,model" of the identity, `option_names` are the options that a station file may
    give. Nothing is sent before `open`.
    """

    model: ClassVar[str]
    idn_pattern: ClassVar[str]
    profile: ClassVar[Profile] = Profile()
    option_names: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, session: Session, *, options: Mapping[str, Any] = NO_OPTIONS) -> None:
        self._session = session
        self._options = options
        self._identity: Identity | None = None
        for option in options:
            self._require_known(option, self.option_names, "option")

    def open(self, *, serial: str | None = None) -> Self:
        """Check the identity, and the serial number where the station file has one."""
        with self._session.operation("give its identity"):
            self._login()
            self._identity = read_identity(self._session, self.idn_pattern, serial)
            self._after_opening()
        return self

    @property
    def session(self) -> Session:
        """Get the session, for its transcript and abort hook."""
        return self._session

    @property
    def identity(self) -> Identity:
        """Get who answered when the driver was opened."""
        if self._identity is None:
            raise self._session.error("was not opened", remedy="call open() first")
        return self._identity

    def close(self) -> None:
        """Close the session; the instrument keeps its state."""
        self._session.close()

    def _login(self) -> None:
        """Do what an instrument wants before it answers at all."""

    def _after_opening(self) -> None:
        """Read what the driver must know of the instrument."""

    def _option(self, name: str, default: object, read: Callable[[Any], T]) -> T:
        """Read an option of the station file."""
        value = self._options.get(name, default)
        try:
            return read(value)
        except (TypeError, ValueError) as error:
            raise PhotonbenchError(
                f"{self._session.title} cannot take option {name}: {value!r}",
                remedy=f"write it like {name}: {default!r} in the station file",
            ) from error

    def _require_known(self, name: str, known: Iterable[str], what: str) -> None:
        """Refuse a name that this instrument does not have."""
        names = tuple(known)
        if name in names:
            return
        near = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(names)) or 'none'}"
        raise PhotonbenchError(f"{self._session.title} has no {what} {name!r}", remedy=hint)
