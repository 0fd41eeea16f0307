"""The outputs for machines and tickets: each is well-formed whatever a server said, and says what the report says."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import jsonschema
import pytest
from markdown_it import MarkdownIt
from tests.report.reports import HOSTILE, START, full

from hybridge.checks.registry import all_checks
from hybridge.cli.rendering import FORMATS, SUFFIXES, render
from hybridge.findings import Outcome
from hybridge.report import csv_, html, json_, junit, markdown, sarif, schema
from hybridge.report.model import Report, Request, make_report
from hybridge.report.rows import printable, rows
from hybridge.wire.xml import parse_xml


def empty() -> Report:
    return make_report(
        version="1",
        request=Request(organization="contoso.com"),
        started=START,
        ended=START,
        subjects=[],
        results=[],
        checks=[],
    )


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("report", [full(), empty()], ids=["full", "empty"])
def test_every_format_renders_every_report(format: str, report: Report) -> None:
    text = render(report, format)
    assert text.endswith("\n") or format == "html"
    assert text.encode()
    assert set(SUFFIXES.values()) == set(FORMATS)


def test_csv_has_a_row_a_finding_and_a_row_a_gap() -> None:
    text = csv_.render(full())
    assert "\r\n" in text and not re.search(r"(?<!\r)\n", text.replace("line\r\nbreak", ""))
    lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert tuple(lines[0]) == csv_.COLUMNS
    assert {len(line) for line in lines} == {len(csv_.COLUMNS)}
    table = [dict(zip(csv_.COLUMNS, line, strict=True)) for line in lines[1:]]
    assert [(one["check"], one["outcome"]) for one in table] == [
        ("ews/list", "failed"),
        ("ews/probe", "failed"),
        ("platform/version", "accepted"),
        ("teams/mode", "failed"),
        ("oauth/certificate", "inconclusive"),
        ("ews/mailbox", "failed"),
        ("ews/mailbox", "failed"),
        ("presence/stuck", "inconclusive"),
    ]
    assert table[0]["since"] == "still there" and table[3]["since"] == "new"
    assert table[2]["accepted_until"] == "2027-03-31"
    assert table[6]["says"] == "EWS is off for eve@contoso.com."


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "\u00a0@"])
def test_no_cell_is_a_formula(start: str) -> None:
    assert csv_.harmless(f"{start}1+1").startswith("'")


def test_ordinary_cells_stay_as_they_are() -> None:
    assert csv_.harmless("ada@contoso.com") == "ada@contoso.com"
    assert csv_.harmless("a\x00b") == "a?b"


JUNIT = {
    "testsuites": ({"name", "tests", "failures", "errors", "time"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
        {"properties", "testcase"},
    ),
    "properties": (set[str](), {"property"}),
    "property": ({"name", "value"}, set[str]()),
    "testcase": ({"name", "classname", "time"}, {"failure", "error", "skipped", "system-out"}),
    "failure": ({"message", "type"}, set[str]()),
    "error": ({"message", "type"}, set[str]()),
    "skipped": ({"message", "type"}, set[str]()),
    "system-out": (set[str](), set[str]()),
}
"""Element -> its attributes and children, those of the format that Jenkins publishes."""


def test_junit_is_of_the_format() -> None:
    text = junit.render(full())
    root = parse_xml(text.encode())
    for element in root.iter():
        attributes, children = JUNIT[str(element.tag)]
        assert set(element.attrib) <= attributes, element.tag
        assert {str(child.tag) for child in element} <= children, element.tag
    for suite in root:
        assert [str(child.tag) for child in suite][0] == "properties"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp", ""))
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(name, "")) == len(suite.findall(f"testcase/{tag}"))
        assert int(suite.get("tests", "")) == len(suite.findall("testcase"))
    assert int(root.get("tests", "")) == len(root.findall("testsuite/testcase"))


def test_junit_says_how_each_case_ended() -> None:
    root = parse_xml(junit.render(full()).encode())
    ends = {
        suite.get("name"): [str(child.tag) for case in suite.findall("testcase") for child in case] for suite in root
    }
    assert ends == {
        "ews/list": ["failure"],
        "ews/probe": ["failure"],
        "platform/version": ["skipped"],
        "teams/mode": ["system-out"],
        "oauth/certificate": ["error"],
        "teams/pinned": [],
        "sharing/hybrid": ["skipped"],
        "ews/mailbox": ["failure"],
        "presence/stuck": ["error"],
    }


TEXT = {"type": "object", "required": ["text"], "additionalProperties": False, "properties": {"text": {"minLength": 1}}}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
WHEN = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}


def closed(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "additionalProperties": False, "properties": properties}


def listed(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


PLACE = closed(["fullyQualifiedName"], fullyQualifiedName={"type": "string"}, kind={"type": "string"})
RULE = closed(
    ["id"], id={"type": "string"}, shortDescription=TEXT, fullDescription=TEXT, help=TEXT,
    defaultConfiguration=closed([], level=LEVEL),
)  # fmt: skip
RESULT = closed(
    ["message", "ruleId"],
    ruleId={"type": "string"},
    ruleIndex={"type": "integer", "minimum": 0},
    kind={"enum": ["notApplicable", "pass", "fail", "review", "open", "informational"]},
    level=LEVEL,
    message=TEXT,
    locations=listed(closed([], logicalLocations=listed(PLACE))),
    partialFingerprints={"type": "object", "additionalProperties": {"type": "string"}},
    baselineState={"enum": ["new", "unchanged", "updated", "absent"]},
    suppressions=listed(
        closed(
            ["kind"],
            kind={"enum": ["inSource", "external"]},
            status={"enum": ["accepted", "underReview", "rejected"]},
            justification={"type": "string"},
        )
    ),
    properties={"type": "object"},
)
DRIVER = closed(["name"], name={"type": "string"}, version={"type": "string"}, rules=listed(RULE))
RUN = closed(
    ["tool"],
    tool=closed(["driver"], driver=DRIVER),
    invocations=listed(
        closed(["executionSuccessful"], executionSuccessful={"type": "boolean"}, startTimeUtc=WHEN, endTimeUtc=WHEN)
    ),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results=listed(RESULT),
    properties={"type": "object"},
)
SARIF = closed(["version", "runs"], version={"const": "2.1.0"}, runs=listed(RUN), **{"$schema": {"type": "string"}})
"""The part of SARIF 2.1.0 that hybridge writes, closed: what the standard does not name there is refused."""


def faults(document: Any, by: dict[str, Any]) -> list[str]:
    validator = jsonschema.Draft202012Validator(by, format_checker=jsonschema.FormatChecker())
    return [f"{list(error.absolute_path)}: {error.message}" for error in validator.iter_errors(document)]


@pytest.mark.parametrize("report", [full(), empty()], ids=["full", "empty"])
def test_sarif_is_of_the_standard(report: Report) -> None:
    assert faults(json.loads(sarif.render(report)), SARIF) == []


def test_sarif_says_what_each_result_is() -> None:
    (run,) = json.loads(sarif.render(full()))["runs"]
    rules = [one["id"] for one in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    by_rule = {one["ruleId"]: one for one in run["results"]}
    assert all(rules[one["ruleIndex"]] == one["ruleId"] for one in run["results"])
    assert all((one["kind"] == "fail") == (one["level"] != "none") for one in run["results"])
    assert by_rule["ews/list:caller-missing"]["baselineState"] == "unchanged"
    assert by_rule["oauth/keys:gone"]["baselineState"] == "absent"
    assert by_rule["platform/version:too-old"]["suppressions"][0]["status"] == "accepted"
    assert by_rule["oauth/certificate"]["kind"] == "open"
    assert by_rule["teams/mode:old"]["level"] == "note"
    message = by_rule["ews/list:caller-missing"]["message"]["text"]
    assert not re.search(r"(?<!\\)\[", message) and "{{0}}" in message


def test_a_fingerprint_does_not_change_with_the_words() -> None:
    first, second = full(), full()
    prints = [
        [one["partialFingerprints"] for one in json.loads(sarif.render(one))["runs"][0]["results"]]
        for one in (first, second)
    ]
    assert prints[0] == prints[1]


def test_markdown_holds_hostile_text_as_text() -> None:
    """Read by a foreign reader: no tag, no link, no mention, and every table row has the cells of its head."""
    text = markdown.render(full())
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    kinds = {token.type for token in (*tokens, *inline)}
    assert not kinds & {"html_inline", "html_block", "link_open", "image"}
    said = "".join(child.content for child in inline if child.type == "text")
    assert "<b>" in said and "\x1b" not in text and not re.search(r"(?<![\w.])@all", said)
    assert sum(child.content.count("@all") for child in inline if child.type == "code_inline") >= 1
    rows = "".join(
        "|" if one.type == "tr_open" else "." for one in tokens if one.type in ("tr_open", "td_open", "th_open")
    )
    assert rows.count("|") > 5 and set(rows.split("|")) <= {"", "." * 3, "." * 4, "." * 7}
    for part in (
        "## Since 2026-11-19 09:00 UTC",
        "**1 new**",
        "## Accepted risks",
        "2027-03-31",
        "## Not checked",
        "P-1",
    ):
        assert part in text


def test_people_are_told_of_the_last_report_and_of_accepted_risks() -> None:
    for format in ("text", "html", "markdown"):
        text = " ".join(render(full(), format).replace("\\", "").split())
        for part in ("1 new", "1 fixed", "1 still there", "1 not known"):
            assert re.sub(r"</?b>", "", text).count(part) == 1, (format, part)
        assert "accepted until 2027-03-31 at ada@contoso.com: replaced in spring" in text
        assert "its acceptance ran out on 2026-11-01 (we wait)" in text
        assert "oauth/keys" in text


def test_the_json_is_of_the_published_schema() -> None:
    document = json.loads(json_.render(full()))
    assert faults(document, schema.schema()) == []
    assert faults({**document, "results": 7}, schema.schema()) != []


def test_the_schema_names_what_scripts_rely_on() -> None:
    made = schema.schema()
    assert {"hybridge", "request", "results", "tally", "plan", "incomplete", "subjects", "started", "ended"} <= set(
        made["$defs"]["Document"]["required"]
    )


def test_printable_text_is_what_xml_can_hold() -> None:
    assert printable("a\tb\nc") == "a\tb\nc"
    assert printable(HOSTILE).isprintable() or "\x00" not in printable(HOSTILE)
    assert all(one.outcome in Outcome for one in rows(full()))


def test_every_area_has_its_words_in_the_page() -> None:
    assert {check.name.partition("/")[0] for check in all_checks()} == set(html._CHAIN)
