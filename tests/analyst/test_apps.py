"""Every hole planted in a sample application is proven, and nothing is proven in its safe twin."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import pytest

from discreet.analyst.audit import Report

PLANTED = {
    "flask_notes": {
        ("CWE-328", "register"), ("CWE-89", "login"), ("CWE-601", "leave"), ("CWE-330", "reset"), ("CWE-89", "everything"), ("CWE-79", "everything"), ("CWE-89", "find"), ("CWE-79", "find"),
        ("CWE-22", "attachment"), ("CWE-1336", "preview"), ("CWE-502", "bring"), ("CWE-78", "export"),
    },
    "starlette_desk": {("CWE-22", "paper"), ("CWE-79", "hello"), ("CWE-918", "fetch"), ("CWE-611", "order"), ("CWE-601", "leave"), ("CWE-614", "remember"), ("CWE-1004", "remember")},
    "plain_wsgi": {("CWE-79", "application"), ("CWE-89", "application"), ("CWE-94", "application"), ("CWE-22", "application")},
    "handler_box": {("CWE-643", "do_GET"), ("CWE-79", "do_GET"), ("CWE-601", "do_GET"), ("CWE-78", "do_GET")},
    "plain_library": {("CWE-502", "parse_settings"), ("CWE-502", "load_state"), ("CWE-611", "read_order"), ("CWE-22", "unpack_upload"), ("CWE-78", "ping_host")},
    "django_shop": {("CWE-89", "search"), ("CWE-89", "get"), ("CWE-79", "banner"), ("CWE-601", "away"), ("CWE-502", "restore"), ("CWE-22", "manual")},
    "fastapi_api": {("CWE-89", "people"), ("CWE-918", "hooks"), ("CWE-78", "lookup"), ("CWE-22", "unpack"), ("CWE-22", "store"), ("CWE-79", "comment"), ("CWE-79", "trace")},
    "aiohttp_tools": {("CWE-1336", "card"), ("CWE-78", "count"), ("CWE-918", "mirror"), ("CWE-601", "out")},
    "tornado_site": {("CWE-79", "get"), ("CWE-89", "post"), ("CWE-22", "get")},
    "flask_billing": {("CWE-915", "register"), ("CWE-639", "password"), ("CWE-639", "show"), ("CWE-639", "delete"), ("CWE-306", "export"), ("CWE-798", "<module>")},
    "flask_market": {("CWE-362", "redeem"), ("CWE-565", "login"), ("CWE-117", "search"), ("CWE-1333", "newsletter"), ("CWE-328", "digest")},
    "django_clinic": {("CWE-639", "Show"), ("CWE-639", "remove"), ("CWE-306", "printed")},
    "fastapi_vault": {("CWE-347", "mine"), ("CWE-89", "every"), ("CWE-639", "read"), ("CWE-639", "remove"), ("CWE-1333", "label")},
    "bottle_wiki": {("CWE-79", "page"), ("CWE-94", "total"), ("CWE-601", "jump"), ("CWE-1336", "sign")},
}  # fmt: skip
NEEDS = {"django_shop": "django", "django_clinic": "django", "fastapi_vault": "fastapi", "fastapi_api": "fastapi", "aiohttp_tools": "aiohttp", "tornado_site": "tornado", "bottle_wiki": "bottle"}
CASES = [pytest.param(n, marks=pytest.mark.skipif(n in NEEDS and importlib.util.find_spec(NEEDS[n]) is None, reason=f"{NEEDS.get(n)} is not installed")) for n in PLANTED]


@pytest.mark.parametrize("name", CASES)
def test_planted_holes_are_proven(name: str, audited: Callable[..., Report]) -> None:
    report = audited(f"{name}/vulnerable")
    found = {(f.cwe, f.function.rsplit(".", 1)[-1]) for f in report.findings}
    assert PLANTED[name] <= found, f"missed {PLANTED[name] - found}; suspected {[s.as_dict() for s in report.suspected if s.source == 'attack']}"
    assert report.complete and 0 < report.attacked <= report.entries, "steps on the application as a whole are no entry points"


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_proven_in_the_safe_twin(name: str, audited: Callable[..., Report]) -> None:
    report = audited(f"{name}/safe")
    assert [(f.cwe, f.file, f.line, f.effect) for f in report.findings] == []
    assert report.complete and 0 < report.attacked <= report.entries, "steps on the application as a whole are no entry points"
