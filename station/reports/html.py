"""The report: one HTML file that needs nothing else, made from the record of a run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measurements.limits import Verdict
from station.record import RunRecord
from station.reports import pictures, provenance, results
from station.reports.colours import density_palette
from station.reports.numbers import plain, seconds_text, time_text, visible

FILE_NAME = "report.html"
_WORDS = {
    Verdict.PARTIAL: ("PARTIAL", "◐", "What was measured meets its limits. Not all of a plan was measured."),
    Verdict.PASS: ("PASS", "✓", "All limits are met."),
    Verdict.FAIL: ("FAIL", "✗", "At least one limit is missed."),
    Verdict.ERROR: ("ERROR", "!", "The bench broke: this says nothing final about the unit. Test it again."),
    Verdict.ABORTED: ("ABORTED", "■", "The run was stopped before its end."),
}
_UNFINISHED = ("NO VERDICT", "?", "The record ends before a verdict: the run still goes on, or it died.")


@dataclass(frozen=True, slots=True)
class Headline:
    """The verdict in words, with a sign and a colour that only repeat them."""

    word: str
    sign: str
    sentence: str
    kind: str


def write_report(record: RunRecord) -> Path:
    """Write the report of a run into its folder and return its path; raise OSError when that fails.

    Whoever reads meanwhile sees the old report or the new one, never a half.
    """
    path = record.folder / FILE_NAME
    fresh = path.with_name(f".{FILE_NAME}.{os.getpid()}")
    try:
        fresh.write_text(render(record), encoding="utf-8", errors="backslashreplace")
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    return path


def render(record: RunRecord) -> str:
    """Make the page."""
    footnotes = results.Footnotes()
    corners = results.corners(record)
    closing = record.closing or {}
    return str(
        _environment()
        .get_template("report.html.j2")
        .render(
            record=record,
            head=record.head,
            closing=closing,
            headline=headline(record),
            transceiver=(record.of("transceiver") or [{}])[-1],
            corners=corners,
            rooms=results.rooms(record, footnotes),
            footnotes=footnotes.texts,
            missing=results.missing(record),
            eyes=pictures.eye_strips(record, corners),
            waterfalls=pictures.waterfall_strips(record, corners),
            spectra=pictures.spectrum_strips(record, corners),
            palette=_palette_steps(),
            instruments=provenance.instruments(record),
            ways=provenance.ways(record),
            visits=provenance.visits(record),
            steps=list(provenance.steps(record)),
            agreements=provenance.agreements(record),
        )
    )


def headline(record: RunRecord) -> Headline:
    """Say the verdict; a partial run is never a PASS for the unit."""
    verdict = record.verdict
    if verdict is Verdict.PASS and record.head.get("partial"):
        verdict = Verdict.PARTIAL
    word, sign, sentence = _UNFINISHED if verdict is None else _WORDS[verdict]
    return Headline(word, sign, sentence, word.lower().replace(" ", "-"))


def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"duration": seconds_text, "time": time_text, "plain": plain}
    return environment


def _shown(value: object) -> object:
    """Let no text of the record hide or turn around what stands beside it."""
    if value is None:
        return ""
    return visible(value) if type(value) is str else value


def _palette_steps(steps: int = 24) -> list[str]:
    """Get colours for the key of the eyes, as CSS writes them."""
    colours = density_palette(steps)
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in colours.tolist()]
