"""Mutants (E4): every join, pc rule, check and limit of the trusted code removed one at a time; each has to be killed by a test.

A mutant is a copy of the package with one expression replaced. The tests of the kernel are run against it; the first that
fails is its killer. Survivors are listed; those argued to change nothing stand in equivalent.toml with the argument.
"""

from __future__ import annotations

import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
FILES = (
    "kernel/label.py", "kernel/value.py", "kernel/operations.py", "kernel/functions.py", "kernel/domain.py", "kernel/interpreter.py", "kernel/shape.py",
    "kernel/monitor.py", "tools/flow.py", "tools/kept.py", "tools/call.py", "tools/preflight.py", "policy/decide.py",
)  # fmt: skip
TESTS = ("tests/test_kernel_joins.py", "tests/test_kernel_plans.py", "tests/test_kernel_scenarios.py", "tests/test_kernel_gate.py", "tests/test_kernel_monitor.py", "tests/laws/test_kernel_laws.py")
DECISIONS = ("kernel/monitor.py", "tools/call.py", "tools/flow.py", "tools/kept.py", "policy/decide.py")  # every test of an `if` is a check there
SECONDS_MAX = 300  # of one mutant's tests; one that hangs is killed


@dataclass(frozen=True, slots=True)
class Mutant:
    """`before` at `line` of `file` becomes `after`."""

    file: str
    function: str
    line: int
    kind: str
    before: str
    after: str
    start: int
    end: int

    @property
    def key(self) -> str:
        """What names it in equivalent.toml: it does not move when lines do."""
        return f"{self.file}:{self.function}: {self.before} -> {self.after}"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a mutant: the test that killed it, "" for a survivor, and why it is equivalent if it is."""

    key: str
    line: int
    kind: str
    killer: str
    because: str
    seconds: float


def mutants(package: Path = PACKAGE) -> list[Mutant]:
    """All mutants, in order of file and line."""
    found: list[Mutant] = []
    for file in FILES:
        found += _of_file(package / file, file)
    return found


def _of_file(path: Path, file: str) -> Iterator[Mutant]:
    source = path.read_text("utf-8")
    tree = ast.parse(source)
    tests = {node.test for node in ast.walk(tree) if isinstance(node, ast.If)} if file in DECISIONS else set()
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    raw = source.encode()
    functions = _functions(tree)
    for node in ast.walk(tree):
        for kind, after in _changes(node, node in tests):
            start = starts[node.lineno - 1] + node.col_offset
            end = starts[node.end_lineno - 1] + node.end_col_offset
            before = raw[start:end].decode()
            if before != after:
                yield Mutant(file, functions.get(node, ""), node.lineno, kind, _short(before), after, start, end)


def _short(text: str) -> str:
    return " ".join(text.split())


def _functions(tree: ast.AST) -> dict[ast.AST, str]:
    found: dict[ast.AST, str] = {}

    def visit(node: ast.AST, name: str) -> None:
        for child in ast.iter_child_nodes(node):
            inner = f"{name}.{child.name}".lstrip(".") if isinstance(child, (ast.FunctionDef, ast.ClassDef)) else name
            found[child] = inner
            visit(child, inner)

    visit(tree, "")
    return found


def _changes(node: ast.AST, is_test: bool) -> Iterator[tuple[str, str]]:
    """(kind, replacement) of every way to weaken this node."""
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name == "join2" and len(node.args) == 2:
            yield "join", ast.unparse(node.args[0])
            yield "join", ast.unparse(node.args[1])
        elif name in ("joined", "join") and isinstance(node.func, ast.Name) or ast.unparse(node.func) == "ops.joined":
            yield "join", "PUBLIC"
        elif name == "under" and isinstance(node.func, ast.Attribute):
            yield "join", ast.unparse(node.func.value)
        elif name == "min" and "standing" in ast.unparse(node):
            yield "standing", ast.unparse(node.args[0])
    elif isinstance(node, ast.Compare) and any(isinstance(n, ast.Name) and n.id.endswith("_MAX") for n in ast.walk(node)):
        yield "limit", "False" if isinstance(node.ops[0], (ast.Gt, ast.GtE)) else "True"
    if is_test:
        yield "check", "False"
        yield "check", "True"


# ---------------------------------------------------------------------------------------------------- running


def run(share: float = 1.0, seed: int = 0, workers: int = 2, root: Path | None = None, store: Path | None = None, told: Callable[[Fate], None] = lambda fate: None) -> list[Fate]:
    """The fate of every mutant, or of a share chosen by `seed`. `root` is a checkout with its tests; `store` keeps fates."""
    root = root or PACKAGE.parent.parent
    if not (root / TESTS[0]).exists():
        raise FileNotFoundError(f"{root}: mutants are killed by the tests of a checkout; none is here")
    why = equivalents()
    known = _stored(store)
    chosen = [m for m in mutants(root / "src/discreet") if share >= 1 or random.Random(f"{m.key}{seed}").random() < share]
    found: list[Fate] = []
    folders = [Path(tempfile.mkdtemp(prefix="discreet-mutants-")) for _ in range(workers)]
    free = list(folders)
    try:
        for folder in folders:
            for part in ("src", "tests", "docs"):  # a snapshot, so that edits made meanwhile kill nothing
                shutil.copytree(root / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            shutil.copy(root / "pyproject.toml", folder)
        failing = _killer(folders[0])
        if failing:
            raise RuntimeError(f"the tests fail without any mutant: {failing}")

        def one(mutant: Mutant) -> Fate:
            if mutant.key in known:
                return known[mutant.key]
            folder = free.pop()
            try:
                return _fate(mutant, folder, why)
            finally:
                free.append(folder)

        with ThreadPoolExecutor(workers) as pool:
            for fate in pool.map(one, chosen):
                found.append(fate)
                known[fate.key] = fate
                _save(store, known)
                told(fate)
    finally:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
    return found


def _fate(mutant: Mutant, folder: Path, why: dict[str, str]) -> Fate:
    path = folder / "src/discreet" / mutant.file
    original = path.read_bytes()
    began = time.perf_counter()
    path.write_bytes(original[: mutant.start] + mutant.after.encode() + original[mutant.end :])
    try:
        killer = _killer(folder)
    finally:
        path.write_bytes(original)
    because = why.get(mutant.key, "") if not killer else ""
    return Fate(mutant.key, mutant.line, mutant.kind, killer, because, round(time.perf_counter() - began, 1))


def _killer(folder: Path) -> str:
    tests = [test for test in TESTS if (folder / test).exists()]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header", "-rfE", "--tb=no", *tests]
    environment = {**os.environ, "PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1", "DISCREET_MUTANT": "1"}
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return "(did not end)"
    if done.returncode == 0:
        return ""
    named = [line.split(" ", 1)[1].split(" - ")[0] for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return named[0] if named else "(did not start)"


def equivalents() -> dict[str, str]:
    """Mutants that change nothing, with the argument."""
    text = resources.files("discreet.evidence").joinpath("equivalent.toml").read_text("utf-8")
    return {one["mutant"]: one["because"] for one in tomllib.loads(text).get("equivalent", [])}


def _stored(store: Path | None) -> dict[str, Fate]:
    if store is None or not store.exists():
        return {}
    return {one["key"]: Fate(**one) for one in json.loads(store.read_text("utf-8"))}


def _save(store: Path | None, known: dict[str, Fate]) -> None:
    if store is not None:
        store.parent.mkdir(parents=True, exist_ok=True)
        store.with_suffix(".tmp").write_text(json.dumps([asdict(fate) for fate in known.values()], indent=1), "utf-8")
        store.with_suffix(".tmp").replace(store)
