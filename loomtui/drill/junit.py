"""Results of drills as JUnit XML, which CI servers read: a test suite of one test case for each drill.

Its form: https://github.com/testmoapp/junitxml; nobody has written a standard.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from loomtui.drill.summary import Played
from loomtui.restore.planning.planfile import write_private

#: What XML 1.0 cannot hold, whatever is done to it.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(played: Sequence[Played]) -> bytes:
    """UTF-8, with its declaration."""
    failures = sum(not one.passed for one in played)
    suites = ET.Element("testsuites")
    suite = ET.SubElement(
        suites,
        "testsuite",
        name="loomtui drill",
        tests=str(len(played)),
        failures=str(failures),
        errors="0",
        skipped="0",
        time=f"{sum(one.seconds for one in played):.3f}",
    )
    for one in played:
        case = ET.SubElement(
            suite, "testcase", classname="loomtui.drill", name=one.scenario, time=f"{one.seconds:.3f}"
        )
        if not one.passed:
            wrong = [_xml(text) for text in one.wrong] or ["it gave no result"]
            failure = ET.SubElement(case, "failure", message=wrong[0], type="drill")
            failure.text = "\n".join(wrong)
        ET.SubElement(case, "system-out").text = _xml(one.told)
    ET.indent(suites)
    text: bytes = ET.tostring(suites, encoding="utf-8", xml_declaration=True)
    return text


def write_junit(path: Path, played: Sequence[Played]) -> None:
    """Raises OSError."""
    write_private(path, junit(played) + b"\n")


def _xml(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
