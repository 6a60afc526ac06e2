"""Which share of logged planner programs the plan language accepts as written, and why the rest is refused.

    python benchmarks/acceptance.py LOGS [LOGS …] [--json]

LOGS are folders or files: `.py` holds one program, other texts hold programs in ```python fences, JSON logs hold such texts in
their strings. The programs are of planners for AgentDojo's tools in another dialect, which is changed mechanically and in nothing
else: `query_ai_assistant(prompt, Schema)` becomes `read(prompt, prompt, {…})` with the fields of the schema's class, and class
definitions and imports go. A program counts as accepted if `parse` and `resolve` take it whole.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from discreet.agents.reader_tool import reader_tool
from discreet.evidence.agentdojo import bench
from discreet.evidence.agentdojo.house import House
from discreet.kernel.errors import PlanError
from discreet.kernel.resolve import resolve
from discreet.kernel.syntax import parse

FENCE = re.compile(r"```python[^\n]*\n(.*?)```", re.DOTALL)
OWN = ("get_", "send_", "search_", "create_", "read_", "list_", "query_ai_assistant", "update_", "reserve_", "post_", "check_")


def main(arguments: list[str]) -> int:
    """Print the share and the reasons."""
    paths = [Path(a) for a in arguments if a != "--json"]
    programs = list(dict.fromkeys(p for path in paths for p in programs_of(path)))
    reasons: Counter[str] = Counter()
    accepted = 0
    for program, known in programs:
        reason = refusal(program, known)
        accepted += not reason
        if reason:
            reasons[reason] += 1
    result = {"programs": len(programs), "accepted": accepted, "share": round(accepted / max(len(programs), 1), 4), "reasons": dict(reasons.most_common())}
    print(json.dumps(result, indent=1) if "--json" in arguments else _table(result))
    return 0


def _table(result: dict) -> str:
    lines = [f"{result['accepted']} of {result['programs']} programs accepted as written ({result['share']:.1%})"]
    return "\n".join([*lines, *(f"{count:5}  {reason}" for reason, count in result["reasons"].items())])


def programs_of(path: Path) -> Iterator[tuple[str, frozenset[str]]]:
    """Every program in a file or folder, with the names that earlier programs of the same log have left to it."""
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        text = file.read_text("utf-8", errors="replace")
        if file.suffix == ".py":
            yield from _real([text])
        elif file.suffix == ".json":
            yield from _real(found for string in _strings(_loaded(text)) for found in FENCE.findall(string))
        else:
            yield from _real(FENCE.findall(text))


def _real(texts: Iterable[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """Programs that Python itself can read and that call a tool."""
    known: set[str] = set()
    for text in texts:
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError):
            continue
        if any(isinstance(n, ast.Constant) and n.value is ... for n in ast.walk(tree)):
            continue  # an abridged quotation, not a program
        named = [n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
        if any(name.startswith(OWN) for name in named):
            yield text, frozenset(known)
        known |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _loaded(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _strings(node: object) -> Iterator[str]:
    match node:
        case str():
            yield node
        case list():
            for item in node:
                yield from _strings(item)
        case dict():
            for item in node.values():
                yield from _strings(item)


def refusal(program: str, known: frozenset[str] = frozenset()) -> str:
    """Why a program is not accepted, without its own names; empty when it is."""
    try:
        plan = parse(adapted(program))
        stored = {n.id for n in ast.walk(plan.tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        resolve(plan, _contracts(), known - stored)
    except PlanError as error:
        return re.sub(r"; did you mean.*$", "", re.sub(r"`[^`]*`", "`…`", error.message)) if not error.message.startswith(("there is no", "unknown")) else error.message.split("; did")[0]
    return ""


def adapted(program: str) -> str:
    """The program in our dialect: schemas and `query_ai_assistant` only."""
    tree = ast.parse(program)
    schemas = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    tree = _Dialect(schemas).visit(tree)
    return ast.unparse(ast.fix_missing_locations(tree)) or "pass"


class _Dialect(ast.NodeTransformer):
    def __init__(self, schemas: dict[str, ast.ClassDef]) -> None:
        self.schemas = schemas

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        return None

    def visit_Import(self, node: ast.AST) -> None:
        return None

    visit_ImportFrom = visit_Import

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "query_ai_assistant":
            given = {k.arg: k.value for k in node.keywords}
            prompt = node.args[0] if node.args else given.get("query", given.get("prompt", ast.Constant("")))
            schema = node.args[1] if len(node.args) > 1 else given.get("output_schema", ast.Constant("str"))
            return ast.Call(ast.Name("read", ast.Load()), [prompt, ast.Constant("answer"), self.schema(schema)], [])
        return node

    def schema(self, node: ast.expr, depth: int = 0) -> ast.expr:
        """A class as `{field: type}`; lists of it and plain types likewise."""
        if isinstance(node, ast.Name) and node.id in self.schemas and depth < 3:
            fields = [s for s in self.schemas[node.id].body if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)]
            return ast.Dict([ast.Constant(s.target.id) for s in fields], [self.schema(s.annotation, depth + 1) for s in fields])  # type: ignore[union-attr]
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in ("list", "List"):
            return ast.List([self.schema(node.slice, depth)], ast.Load())
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) in ("Literal", "Optional"):
            return ast.Constant("str") if ast.unparse(node.value) == "Literal" else self.schema(node.slice, depth)
        if isinstance(node, ast.BinOp):
            return self.schema(node.left, depth)
        known = ast.unparse(node)
        return ast.Constant(known if known in ("str", "int", "float", "bool", "date", "datetime") else "str")


def _contracts() -> dict:
    """The contracts of every suite by the benchmark's own names; arguments without places, as only names are checked."""
    from agentdojo.functions_runtime import FunctionsRuntime

    if not _KNOWN:
        for suite, services in bench.SUITES.items():
            for tool in services(House(bench.environment(suite), FunctionsRuntime(bench.suite(suite).tools))).tools:
                name = tool.name.rsplit(".", 1)[-1]
                _KNOWN[name] = replace(tool.contract, name=name)
        _KNOWN["read"] = reader_tool(lambda *_: None).contract
    return _KNOWN


_KNOWN: dict = {}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
