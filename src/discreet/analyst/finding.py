"""The nouns of a report: a proven finding, a suspicion, what was not read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["critical", "high", "medium", "low"]

TITLES = {
    "CWE-22": "path traversal",
    "CWE-78": "command injection",
    "CWE-79": "cross-site scripting",
    "CWE-89": "SQL injection",
    "CWE-90": "LDAP injection",
    "CWE-94": "code injection",
    "CWE-113": "header injection",
    "CWE-117": "forged log entry",
    "CWE-248": "unannounced exception",
    "CWE-328": "weak digest of a secret",
    "CWE-330": "predictable key",
    "CWE-501": "request data trusted as identity",
    "CWE-502": "unsafe deserialisation",
    "CWE-601": "open redirect",
    "CWE-611": "external XML entity",
    "CWE-614": "cookie without Secure",
    "CWE-639": "access to another user's object",
    "CWE-643": "XPath injection",
    "CWE-798": "secret in source",
    "CWE-918": "server-side request forgery",
    "CWE-943": "injection into a query of a document database",
    "CWE-1004": "cookie without HttpOnly",
    "CWE-306": "no login asked for",
    "CWE-347": "signature not checked",
    "CWE-362": "race between check and act",
    "CWE-521": "key that is an everyday word",
    "CWE-565": "identity in a cookie that anyone can write",
    "CWE-862": "no permission asked for",
    "CWE-915": "more fields taken than asked for",
    "CWE-1333": "slow regular expression",
    "CWE-1336": "template injection",
    "CWE-1395": "vulnerable dependency",
}

# Severity follows what was seen to happen, not the name of the weakness.
_SEVERITY: dict[str, Severity] = {
    "command": "critical", "code": "critical", "deserialise": "critical", "template": "critical", "sql": "critical",
    "path": "high", "filename": "high", "archive": "high", "xml": "high", "ssrf": "high", "ldap": "high", "xpath": "high", "session": "high", "object": "high", "login": "high", "secret": "high", "nosql": "critical", "clock": "high", "token": "critical", "worn": "critical", "privilege": "critical",
    "xss": "medium", "stored-xss": "medium", "redirect": "medium", "hash": "medium", "random": "medium", "regex": "medium", "header": "medium",
    "cookie": "low", "log": "low", "race": "high", "cookie-script": "low",
}  # fmt: skip
_LESSER: dict[str, Severity] = {"existence": "medium", "listed": "medium"}


@dataclass(frozen=True, slots=True)
class Finding:
    """A hole that was demonstrated: `proof` is the path of a test that fails while it is there."""

    cwe: str
    kind: str
    file: str
    line: int
    function: str
    effect: str
    severity: Severity
    entry: str
    input: str
    request: list[dict[str, Any]]
    payload: str
    proof: str
    patch: str | None = None
    patch_checks: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "cwe": self.cwe,
            "title": TITLES.get(self.cwe, self.cwe),
            "file": self.file,
            "line": self.line,
            "function": self.function,
            "proven": True,
            "proof": self.proof,
            "patch": self.patch,
            "severity": self.severity,
            "effect": self.effect,
            "entry": self.entry,
            "input": self.input,
            "request": self.request,
            "payload": self.payload,
            "patch_checks": list(self.patch_checks),
        }


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A guess worth a look; nothing was demonstrated."""

    cwe: str
    file: str
    line: int
    function: str
    why: str
    source: str
    rank: float

    def as_dict(self) -> dict[str, Any]:
        return {"cwe": self.cwe, "title": TITLES.get(self.cwe, self.cwe), "file": self.file, "line": self.line, "function": self.function, "proven": False, "why": self.why, "source": self.source, "rank": self.rank}


def severity_of(kind: str, oracle: str) -> Severity:
    """How bad the effect is that was seen."""
    return _LESSER.get(oracle) or _SEVERITY.get(kind, "medium")
