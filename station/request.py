"""What somebody asked to be run, as the command line or plain pytest says it."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from station.journal import wall_utc


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One transceiver through one station.

    Without `plan` the run is partial: any measurement with a limit may come, and it is never a PASS
    for the unit. `simulation` None with `simulate` takes the shipped good transceiver.
    """

    station: Path
    serial: str
    plan: Path | None = None
    product: Path | None = None
    slot: int = 1
    simulate: bool = False
    simulation: Path | None = None
    seed: int = 1
    out: Path = Path("runs")
    run_id: str | None = None


def new_run_id(serial: str) -> str:
    """Make the id of a run: when, which unit, and six digits that tell runs of one second apart.

    What a serial number must not have in a folder's name is left out; the rule of the product refuses
    such a number before anything is written.
    """
    harmless = re.sub(r"[^A-Za-z0-9-]", "", serial)[:40]
    return f"{wall_utc():%Y%m%dT%H%M%SZ}-{harmless}-{secrets.token_hex(3)}"
