"""What somebody asked to be run, as the command line or plain pytest says it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


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
