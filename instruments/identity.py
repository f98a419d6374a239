"""Who answers at an address, held against who should."""

from __future__ import annotations

import re
from dataclasses import dataclass

from instruments.errors import WrongIdentity
from instruments.session import Session


@dataclass(frozen=True, slots=True)
class Identity:
    """The four fields of an answer to *IDN? (IEEE 488.2, clause 10.14); absent ones are empty."""

    manufacturer: str
    model: str
    serial: str
    firmware: str


def parse_identity(answer: str) -> Identity:
    """Split an answer to *IDN?; raise ValueError when it has no model.

    Some instruments give fewer than four fields, some have commas in the last one.
    """
    fields = [field.strip().strip('"') for field in answer.split(",", 3)]
    if len(fields) < 2 or not fields[1]:
        raise ValueError(f"not an identity: {answer!r}")
    padded = [*fields, "", ""]
    return Identity(*padded[:4])


def fits(pattern: str, identity: Identity) -> bool:
    """Tell whether an identity belongs to the models that a driver's pattern describes."""
    return re.match(pattern, f"{identity.manufacturer},{identity.model}", re.IGNORECASE) is not None


def read_identity(session: Session, pattern: str, serial: str | None) -> Identity:
    """Ask for the identity and raise WrongIdentity unless it is the expected instrument."""
    answer = session.query("*IDN?")
    try:
        identity = parse_identity(answer)
    except ValueError as error:
        raise session.garbled("*IDN?", answer, "manufacturer, model, serial, firmware") from error
    if not fits(pattern, identity):
        raise session.error(
            f"is expected at this address, but {answer!r} answers",
            kind=WrongIdentity,
            command="*IDN?",
            remedy="correct the address or the model in the station file",
        )
    if serial is not None and identity.serial != serial:
        raise session.error(
            f"has serial {identity.serial!r}, the station file says {serial!r}",
            kind=WrongIdentity,
            command="*IDN?",
            remedy="put the right instrument back, or correct serial and calibration in the station file",
        )
    session.remember_identity(answer, identity.serial)
    return identity
