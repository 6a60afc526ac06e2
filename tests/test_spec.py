"""Every rule of the guarantee stands in docs/SPEC.md with files that keep it and tests that exist, or says that it is not built yet."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SPEC = (ROOT / "docs" / "SPEC.md").read_text("utf-8")
RULES_MAX = {0: 5, 1: 4, 2: 7, 3: 8, 4: 6, 5: 6, 6: 3, 7: 3, 8: 2}  # group -> number of its rules
RULES = [f"G{group}.{number}" for group, most in RULES_MAX.items() for number in range(1, most + 1)]
SECTIONS = {name: body for name, body in re.findall(r"^### (G\d\.\d+)\n(.*?)(?=^##|\Z)", SPEC, re.S | re.M)}


@cache
def functions_of(path: str) -> set[str]:
    file = ROOT / path
    if not file.exists():
        return set()
    return {node.name for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}


def scenarios() -> set[str]:
    from tests.test_kernel_scenarios import ALL

    return {scenario.name for scenario in ALL}


def test_every_rule_is_there_once_and_in_order() -> None:
    assert re.findall(r"^### (G\d\.\d+)$", SPEC, re.M) == RULES


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_names_what_keeps_it_and_tests_that_exist(rule: str) -> None:
    body = SECTIONS[rule]
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", body)
    assert named or "not built yet" in body, f"{rule} names no test"
    assert "Kept by:" in body or "not built yet" in body
    missing = [f"{path}::{name}" for path, name in named if name not in functions_of(path)]
    assert not missing, f"{rule}: {missing}"


def test_files_that_keep_a_rule_exist() -> None:
    named = set(re.findall(r"`((?:kernel|policy|ledger|memory|tools|connectors|models|agents|surfaces|sandbox|analyst|demo)/[\w./*]+)`", SPEC))
    assert len(named) > 30
    missing = [name for name in named if not any((ROOT / "src" / "discreet").glob(name))]
    assert not missing


def test_functions_that_are_named_beside_a_file_exist() -> None:
    wrong = []
    for file, names in re.findall(r"`([a-z]+/\w+\.py)` \((`[^)]+`)\)", SPEC):
        source = (ROOT / "src" / "discreet" / file).read_text("utf-8")
        for name in re.findall(r"`(?:\w+\.)?(\w+)`", names):
            if not re.search(rf"\b(?:def|class) {name}\b|\bself\.{name}\b", source):
                wrong.append(f"{file}: {name}")
    assert not wrong


def test_scenarios_that_are_named_exist() -> None:
    named = set()
    for listed in re.findall(r"scenarios? (\*[^\n`]+\*)", SPEC):
        named |= set(re.findall(r"\*([^*]+)\*", listed))
    assert named and named <= scenarios(), named - scenarios()


def test_rules_cited_in_code_and_tests_exist() -> None:
    cited = set()
    for folder in ("src/discreet", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            cited |= set(re.findall(r"\bG\d\.\d+\b", path.read_text("utf-8")))
    assert cited <= set(RULES), cited - set(RULES)


def test_what_is_not_promised_is_said_in_full() -> None:
    """G1.4: each exception stands in THREATS.md, where users read, and README points there."""
    threats = (ROOT / "docs" / "THREATS.md").read_text("utf-8").lower()
    for words in ("wall-clock timing", "lies inside an honest answer", "wrong label at entry", "relay between parties", "number of sensitive spans",
                  "swapping two names of one request", "what you do after reading", "that a run was stopped", "connector metadata"):  # fmt: skip
        assert words in threats, words
    for connector in ("mail", "calendar, contacts", "shop, mcp", "web", "files"):
        assert f"| {connector} |" in threats
    assert "docs/THREATS.md" in (ROOT / "README.md").read_text("utf-8")
