"""A JUnit file for CI servers, made from the record and not by pytest."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from station.record import RunRecord


def write_junit(record: RunRecord, path: Path) -> None:
    """Write one test case for each measurement, and one for each error of the bench."""
    suite = ET.Element("testsuite", name=f"photonbench {record.serial}")
    for event in record.measurements:
        where = f"{event.get('corner')}" + (f" lane {event['lane']}" if event.get("lane") else "")
        case = ET.SubElement(suite, "testcase", classname=str(event["name"]), name=where)
        verdict = str(event.get("verdict"))
        if verdict != "PASS":
            kind = "failure" if verdict == "FAIL" else "error"
            ET.SubElement(case, kind, message=str(event.get("reason", "")))
    for event in record.of("error"):
        case = ET.SubElement(suite, "testcase", classname="bench", name=str(event.get("type")))
        ET.SubElement(case, "error", message=str(event.get("message", "")))
    if record.verdict is None or str(record.verdict) == "ABORTED":
        case = ET.SubElement(suite, "testcase", classname="run", name="aborted")
        ET.SubElement(case, "error", message="the run was aborted")
    cases = list(suite)
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
    suite.set("errors", str(sum(case.find("error") is not None for case in cases)))
    path.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
