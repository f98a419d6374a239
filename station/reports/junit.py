"""A JUnit file for CI servers, made from the record and not by pytest."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

from measurements.limits import Verdict
from station.journal import Event
from station.record import RunRecord

_NOT_IN_XML = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(record: RunRecord, path: Path) -> None:
    """Write one test case for each measurement, made or missing, and one for each error of the bench."""
    suite = ET.Element("testsuite", name=_text(f"photonbench {record.serial}"))
    for event in record.measurements:
        verdict = str(event.get("verdict"))
        kind = {"PASS": "", "FAIL": "failure"}.get(verdict, "error")
        _case(suite, event.get("name"), _where(event), kind, event.get("reason", ""))
    # After a first fail the plan may leave out the rest on purpose.
    missing = "skipped" if record.verdict is Verdict.FAIL else "error"
    for event in _never_measured(record):
        _case(suite, event["name"], _where(event), missing, "was planned and never measured")
    for event in record.of("error"):
        _case(suite, "bench", event.get("type"), "error", event.get("message", ""))
    counts = {kind: len(suite.findall(f"./testcase/{kind}")) for kind in ("failure", "error", "skipped")}
    if record.verdict not in (Verdict.PASS, Verdict.PARTIAL) and not counts["failure"] + counts["error"]:
        reasons = record.closing.get("reasons", []) if record.closing else ["the run did not come to its end"]
        _case(suite, "run", record.verdict or "UNFINISHED", "error", "; ".join(map(str, reasons)))
        counts["error"] += 1
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(counts["failure"]))
    suite.set("errors", str(counts["error"]))
    suite.set("skipped", str(counts["skipped"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def _case(suite: ET.Element, kind: object, name: object, outcome: str, message: object) -> None:
    case = ET.SubElement(suite, "testcase", classname=_text(kind), name=_text(name))
    if outcome:
        ET.SubElement(case, outcome, message=_text(message))


def _never_measured(record: RunRecord) -> Iterator[Event]:
    """Give what the run's head promised and no measurement kept."""
    came = {(event.get("name"), event.get("lane"), event.get("corner")) for event in record.measurements}
    for name, lane, corner in record.head.get("expected", ()):
        if (name, lane, corner) not in came:
            yield {"name": name, "lane": lane, "corner": corner}


def _where(event: Event) -> str:
    corner, lane = event.get("corner"), event.get("lane")
    return f"{corner}" if lane is None else f"{corner} lane {lane}"


def _text(value: object) -> str:
    """Write text as XML 1.0 can hold it: garbage from an instrument may be quoted in a message."""
    return _NOT_IN_XML.sub("\ufffd", str(value))
