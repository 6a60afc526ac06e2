"""Reads claims out of the compartment: untrusted JSON becomes a checked `Claim`, or nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

TEXT_MAX = 20_000
STEPS_MAX = 24
PAIRS_MAX = 200
ORACLES = frozenset({"flag", "canary", "existence", "listed", "product", "sql", "markup", "redirect", "connect", "ldap", "xpath-call", "xpath-text", "cookie", "session", "hash", "random", "call", "slow", "marker", "object", "growth", "scene", "header", "log", "operator", "clock"})
SPEAKS = frozenset({"wsgi", "asgi", "handler", "aiohttp", "tornado", "function", "cli"})
_REQUEST_KEYS = frozenset({"method", "path", "query", "form", "json", "raw", "type", "files", "headers", "cookies", "session", "arguments", "keywords", "argv", "stdin", "attach", "who", "find", "take", "beside"})
_LOADER_KEYS = frozenset({"module", "file", "attribute", "call", "bottle", "django", "django_file", "path", "needs", "given"})
_EXTRA_KEYS = frozenset({"cookie", "flag", "word", "algorithm", "key", "places", "expect", "growth", "conditions", "marks"})


@dataclass(frozen=True, slots=True)
class Claim:
    """What the inside says it saw; true only once an emitted test has shown it again."""

    kind: str
    cwe: str
    name: str
    channel: str
    template: str
    steps: tuple[dict[str, Any], ...]
    effect: str
    oracle: str
    file: str
    line: int
    function: str
    endpoint: str
    speaks: str
    framework: str
    loader: dict[str, Any]
    extra: dict[str, Any]

    @property
    def place(self) -> tuple[str, str, int]:
        return (self.cwe, self.file, self.line)


def read_claim(data: Any, files: frozenset[str]) -> Claim | None:
    """A claim whose every field has the expected type and size and which names a file of the project; else None."""
    if not isinstance(data, dict):
        return None
    try:
        texts = {k: _text(data[k]) for k in ("kind", "cwe", "name", "channel", "template", "effect", "oracle", "file", "function", "endpoint", "speaks", "framework")}
        steps = data["steps"]
        if not isinstance(steps, list) or not 1 <= len(steps) <= STEPS_MAX:
            return None
        checked = tuple(_request(step) for step in steps)
        loader = {k: _plain(v, 3) for k, v in data["loader"].items() if k in _LOADER_KEYS}
        extra = {k: _plain(data[k], 3) for k in _EXTRA_KEYS if k in data}
        line = data["line"]
        kinds = (texts["oracle"] in ORACLES, texts["speaks"] in SPEAKS, texts["file"] in files, isinstance(line, int) and not isinstance(line, bool), re.fullmatch(r"CWE-\d{1,5}", texts["cwe"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    if not all(kinds):
        return None
    return Claim(steps=checked, line=max(1, line), loader=loader, extra=extra, **texts)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > TEXT_MAX:
        raise ValueError("not a short text")
    return value


def _request(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("not a request")
    return {k: _plain(v, 6) for k, v in value.items() if k in _REQUEST_KEYS}


def _plain(value: Any, depth: int) -> Any:
    """Only JSON's own types, bounded in depth and number, so that what is emitted is a literal."""
    if depth < 0:
        raise ValueError("too deep")
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list) and len(value) <= PAIRS_MAX:
        return [_plain(v, depth - 1) for v in value]
    if isinstance(value, dict) and len(value) <= PAIRS_MAX:
        return {_text(k): _plain(v, depth - 1) for k, v in value.items()}
    raise ValueError("not plain data")
