"""A report as SARIF 2.1.0: proven findings are errors or warnings, suspicions are notes."""

from __future__ import annotations

import json
from typing import Any

from discreet.analyst.audit import Report
from discreet.analyst.finding import TITLES

_LEVEL = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
_SCORE = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0"}


def as_sarif(report: Report) -> str:
    """The report as SARIF text."""
    rules: dict[str, dict[str, Any]] = {}
    results = []
    for f in report.findings:
        _rule(rules, f.cwe)
        results.append(
            {
                "ruleId": f.cwe,
                "level": _LEVEL[f.severity],
                "kind": "fail",
                "message": {"text": f"{f.effect}; input {f.input} of {f.entry}; proof: {f.proof}"},
                "locations": [_place(f.file, f.line)],
                "partialFingerprints": {"place/v1": f"{f.cwe}:{f.file}:{f.function}"},
                "properties": {"proven": True, "security-severity": _SCORE[f.severity], "proof": f.proof, "patch": f.patch},
            }
        )
    for s in report.suspected:
        _rule(rules, s.cwe)
        results.append(
            {"ruleId": s.cwe, "level": "note", "kind": "review", "message": {"text": f"suspected: {s.why} ({s.source})"}, "locations": [_place(s.file, s.line)], "rank": round(s.rank * 100, 1), "properties": {"proven": False}}
        )
    unread = [{"level": "warning", "message": {"text": f"{u.file}: {u.why}"}} for u in report.unread]
    run = {
        "tool": {"driver": {"name": "discreet audit", "informationUri": "https://cwe.mitre.org/", "rules": list(rules.values())}},
        "results": results,
        "invocations": [{"executionSuccessful": report.complete, "toolExecutionNotifications": unread}],
        "originalUriBaseIds": {"PROJECT": {"description": {"text": "the audited project"}}},
    }
    return json.dumps({"version": "2.1.0", "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "runs": [run]}, indent=2)


def _rule(rules: dict[str, dict[str, Any]], cwe: str) -> None:
    number = cwe.partition("-")[2]
    title = TITLES.get(cwe, cwe)
    rules.setdefault(cwe, {"id": cwe, "name": title.title().replace(" ", "").replace("-", ""), "shortDescription": {"text": title}, "helpUri": f"https://cwe.mitre.org/data/definitions/{number}.html"})


def _place(file: str, line: int) -> dict[str, Any]:
    from urllib.parse import quote

    return {"physicalLocation": {"artifactLocation": {"uri": quote(file), "uriBaseId": "PROJECT"}, "region": {"startLine": max(1, line)}}}
