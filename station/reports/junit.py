"""A JUnit file for CI servers, made from the record and not by pytest."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

from station.record import RunRecord

_NOT_IN_XML = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(record: RunRecord, path: Path) -> None:
    """Write one test case for each measurement, and one for each error of the bench."""
    suite = ET.Element("testsuite", name=_text(f"photonbench {record.serial}"))
    for event in record.measurements:
        where = _where(event.get("corner"), event.get("lane"))
        case = ET.SubElement(suite, "testcase", classname=_text(event.get("name")), name=where)
        verdict = str(event.get("verdict"))
        if verdict != "PASS":
            kind = "failure" if verdict == "FAIL" else "error"
            ET.SubElement(case, kind, message=_text(event.get("reason", "")))
    for name, lane, corner in _never_measured(record):
        case = ET.SubElement(suite, "testcase", classname=name, name=_where(corner, lane))
        ET.SubElement(case, "error", message="was planned and never measured")
    for event in record.of("error"):
        case = ET.SubElement(suite, "testcase", classname="bench", name=_text(event.get("type")))
        ET.SubElement(case, "error", message=_text(event.get("message", "")))
    if record.verdict is None or str(record.verdict) == "ABORTED":
        case = ET.SubElement(suite, "testcase", classname="run", name="aborted")
        ET.SubElement(case, "error", message="the run was aborted")
    cases = list(suite)
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
    suite.set("errors", str(sum(case.find("error") is not None for case in cases)))
    path.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def _never_measured(record: RunRecord) -> Iterator[tuple[str, int | None, str]]:
    """Give what the run's head promised and no measurement kept, lanes as the head names them."""
    came = {(event.get("name"), event.get("lane"), event.get("corner")) for event in record.measurements}
    for name, lane, corner in record.head.get("expected", ()):
        if (name, lane, corner) not in came:
            yield name, lane, corner


def _where(corner: object, lane: object) -> str:
    return _text(corner if lane is None else f"{corner} lane {lane}")


def _text(value: object) -> str:
    """Write text as XML 1.0 can hold it: garbage from an instrument may be quoted in a message."""
    return _NOT_IN_XML.sub("\ufffd", str(value))
