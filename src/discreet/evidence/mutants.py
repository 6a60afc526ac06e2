"""Mutants (E4): every join, pc rule, check and limit of the trusted code removed one at a time; each has to be killed by a test.

One copy of the package holds all mutants: each place reads `(changed if on == 17 else original)`, and a number switches one of
them on. The tests are collected once; a first run without any mutant notes which tests reach which places, and then each
mutant is a fork of that process that runs the tests which reach it, the quickest first, until one fails: its killer
(mutant_tests.py). Survivors are listed; those argued to change nothing stand in equivalent.toml with the argument.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from importlib import resources
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
FILES = (
    "kernel/label.py", "kernel/value.py", "kernel/operations.py", "kernel/functions.py", "kernel/domain.py", "kernel/interpreter.py", "kernel/shape.py",
    "kernel/syntax.py", "kernel/resolve.py", "kernel/contract.py", "kernel/monitor.py", "kernel/downgrade.py", "tools/flow.py", "tools/kept.py", "tools/call.py",
    "tools/preflight.py", "policy/decide.py", "policy/act.py", "policy/bits.py", "ledger/accounts.py",
)  # fmt: skip
TESTS = (
    "tests/test_kernel_joins.py", "tests/test_kernel_plans.py", "tests/test_kernel_scenarios.py", "tests/test_kernel_gate.py", "tests/test_kernel_monitor.py",
    "tests/test_kernel_limits.py", "tests/test_kernel_rules.py", "tests/test_kernel_hostile.py", "tests/test_kernel_costs.py", "tests/test_kept.py", "tests/test_edited_answers.py",
    "tests/test_repeated_acts.py", "tests/test_red_team.py", "tests/test_sharing.py", "tests/test_replanning.py", "tests/test_spending.py", "tests/test_session.py", "tests/test_policy.py", "tests/test_policy_explain.py", "tests/test_memory_views.py",
    "tests/test_ledger_accounts.py", "tests/test_red_team_acts.py", "tests/test_red_team_again.py", "tests/test_red_team_third.py", "tests/test_red_team_third_gate.py",
    "tests/test_view_tools.py", "tests/test_bidden.py",
)  # fmt: skip
LAWS = {"kernel": ("tests/laws/test_kernel_laws.py",), "policy": ("tests/laws/test_policy_laws.py",)}  # generated cases: run where no other test kills
DECISIONS = (  # every test of an `if` is a check there
    "kernel/monitor.py", "kernel/downgrade.py", "tools/call.py", "tools/flow.py", "tools/kept.py", "policy/decide.py", "policy/act.py", "policy/bits.py", "ledger/accounts.py",
)  # fmt: skip
PC = {"plan.assigned": "()", "plan.breaks": "()", "plan.raises": "()"}  # what the interpreter asks the resolver for its pc rules
SWITCH = "from discreet import mutated as _mutated"


@dataclass(frozen=True, slots=True)
class Mutant:
    """`before` at `line` of `file` becomes `after`; `nth` counts the like ones of one function."""

    file: str
    function: str
    line: int
    kind: str
    before: str
    after: str
    start: int
    end: int
    nth: int = 1

    @property
    def key(self) -> str:
        """What names it in equivalent.toml: it does not move when lines do."""
        return f"{self.file}:{self.function}: {self.before} -> {self.after}" + (f" #{self.nth}" if self.nth > 1 else "")


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a mutant: the test that killed it, "" for a survivor, and why it is equivalent if it is."""

    key: str
    line: int
    kind: str
    killer: str
    because: str
    seconds: float


# ---------------------------------------------------------------------------------------------------- which there are


def mutants(package: Path = PACKAGE) -> list[Mutant]:
    """All mutants, in order of file and line."""
    found: list[Mutant] = []
    seen: Counter[str] = Counter()
    for file in FILES:
        for mutant in _of_file(package / file, file):
            seen[mutant.key] += 1
            found.append(replace(mutant, nth=seen[mutant.key]))
    return found


def _of_file(path: Path, file: str) -> Iterator[Mutant]:
    raw = path.read_bytes()
    tree = ast.parse(raw)
    tests = {node.test for node in ast.walk(tree) if isinstance(node, ast.If)} if file in DECISIONS else set()
    starts = [0]
    for line in raw.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    functions = _functions(tree)
    in_text = {inner for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for inner in ast.walk(node)}  # their columns are not exact
    for node in ast.walk(tree):
        if node in in_text or not hasattr(node, "lineno"):
            continue
        for target, kind, after in _changes(node, node in tests, file == "kernel/interpreter.py"):
            start, end = starts[target.lineno - 1] + target.col_offset, starts[target.end_lineno - 1] + target.end_col_offset
            before = raw[start:end].decode()
            if before != after:
                yield Mutant(file, functions.get(node, ""), target.lineno, kind, _short(before), after, start, end)


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


def _changes(node: ast.AST, is_test: bool, interprets: bool) -> Iterator[tuple[ast.expr, str, str]]:
    """(expression, kind, replacement) of every way to weaken this node."""
    if isinstance(node, ast.Call):
        yield from ((part, kind, after) for part, kind, after in _calls(node))
    elif isinstance(node, ast.Compare) and any(isinstance(n, ast.Name) and n.id.endswith("_MAX") or isinstance(n, ast.Attribute) and n.attr.endswith("_MAX") for n in ast.walk(node)):
        yield node, "limit", "False" if isinstance(node.ops[0], (ast.Gt, ast.GtE)) else "True"
    elif interprets and isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "self.pc" and isinstance(node.value, ast.Name) and node.value.id != "saved":
        yield node.value, "pc", "self.pc"
    elif interprets and isinstance(node, (ast.Attribute, ast.Subscript)):
        shown = ast.unparse(node.value if isinstance(node, ast.Subscript) else node)
        if (held := next((off for name, off in PC.items() if shown == f"self.{name}"), None)) is not None and (isinstance(node, ast.Subscript) or not shown.endswith("assigned")):
            yield node, "pc", held
    if is_test:
        yield node, "check", "False"  # type: ignore[misc]
        yield node, "check", "True"  # type: ignore[misc]


def _calls(node: ast.Call) -> Iterator[tuple[ast.expr, str, str]]:
    name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if name == "join2" and len(node.args) == 2:
        yield node, "join", ast.unparse(node.args[0])
        yield node, "join", ast.unparse(node.args[1])
    elif name in ("joined", "join") and isinstance(node.func, ast.Name) or ast.unparse(node.func) == "ops.joined":
        yield node, "join", "PUBLIC"
    elif name == "under" and isinstance(node.func, ast.Attribute):
        yield node, "join", ast.unparse(node.func.value)
    elif name == "weaker":
        yield node, "standing", ast.unparse(node.args[0])
    elif name == "invariant":
        yield node.args[0], "check", "True"


# ---------------------------------------------------------------------------------------------------- one copy with all


def switched(source: bytes, numbered: list[tuple[int, Mutant]]) -> str:
    """The source of one file with every mutant in it, each behind its number."""
    sites: dict[tuple[int, int], list[tuple[int, str]]] = {}
    for number, mutant in numbered:
        sites.setdefault((mutant.start, mutant.end), []).append((number, mutant.after))
    text = _switched(source, 0, len(source), sorted(sites.items(), key=lambda s: (s[0][0], -s[0][1])))
    head = "from __future__ import annotations\n"
    return text.replace(head, f"{head.rstrip()}; {SWITCH}\n", 1) if head in text else f"{SWITCH}\n{text}"


def _switched(source: bytes, start: int, end: int, sites: list) -> str:
    """`source[start:end]`, in which `sites` lie, outer before inner."""
    parts, at = [], start
    while sites:
        (first, last), ways = sites[0]
        inner = [site for site in sites[1:] if site[0][0] >= first and site[0][1] <= last]
        parts.append(source[at:first].decode())
        shown = "".join(f"({after}) if _mutated.on == {number} else " for number, after in ways)
        parts.append(f"({shown}({_switched(source, first, last, inner)}))")
        at, sites = last, [site for site in sites[1:] if site[0][0] >= last]
    return "".join(parts) + source[at:end].decode()


# ---------------------------------------------------------------------------------------------------- running


def run(share: float = 1.0, seed: int = 0, workers: int = 2, root: Path | None = None, store: Path | None = None, told: Callable[[Fate], None] = lambda fate: None) -> list[Fate]:
    """The fate of every mutant, or of a share chosen by `seed`. `root` is a checkout with its tests; `store` keeps fates."""
    root = root or PACKAGE.parent.parent
    tests = [test for test in TESTS if (root / test).exists()]
    if not tests:
        raise FileNotFoundError(f"{root}: mutants are killed by the tests of a checkout; none is here")
    package = root / "src/discreet"
    all_ = mutants(package)
    state = _state(root)
    fates = _stored(store, state)
    chosen = [(number, m) for number, m in enumerate(all_, 1) if share >= 1 or random.Random(f"{m.key}{seed}").random() < share]
    todo = [number for number, m in chosen if m.key not in fates]
    if todo:
        folder = Path(tempfile.mkdtemp(prefix="discreet-mutants-"))
        try:
            _copied(root, folder, all_)
            why = equivalents(package)
            for number, killer, seconds in _killers(folder, [(n, all_[n - 1].file) for n in todo], tests, workers):
                m = all_[number - 1]
                fates[m.key] = Fate(m.key, m.line, m.kind, killer, "" if killer else why.get(m.key, ""), round(seconds, 1))
                _save(store, state, fates)
                told(fates[m.key])
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return [fates[m.key] for _, m in chosen]


def _copied(root: Path, folder: Path, all_: list[Mutant]) -> None:
    """A snapshot of the checkout, so that edits made meanwhile kill nothing, with all mutants in its package."""
    for part in ("src", "tests", "docs"):
        shutil.copytree(root / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", folder)
    package = folder / "src/discreet"
    (package / "mutated.py").write_text('"""Which mutant is on."""\n\nimport os\n\non = int(os.environ.get("DISCREET_MUTANT", "0"))\n', "utf-8")
    for file in FILES:
        path = package / file
        path.write_text(switched(path.read_bytes(), [(n, m) for n, m in enumerate(all_, 1) if m.file == file]), "utf-8")


def _killers(folder: Path, numbered: list[tuple[int, str]], tests: list[str], workers: int) -> Iterator[tuple[int, str, float]]:
    """(number, killer or "", seconds) of every mutant to do, as they come."""
    laws = {file: [law for law in LAWS.get(file.split("/")[0], ()) if (folder / law).exists()] for file in FILES}
    todo = [number for number, _ in numbered]
    (folder / "todo.json").write_text(json.dumps({"todo": todo, "file": dict(numbered), "workers": workers, "laws": laws}), "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "discreet.evidence.mutant_tests", "--no-header", *tests]
    environment = {**os.environ, "PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1", "DISCREET_MUTANTS": str(folder / "todo.json"), "PYTHONHASHSEED": "0"}
    said: deque[str] = deque(maxlen=30)
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as tested:
        for line in tested.stdout:  # type: ignore[union-attr]
            said.append(line)
            if line.startswith("FATE "):
                number, killer, seconds = json.loads(line[5:])
                yield number, killer, seconds
                todo.remove(number)
        if todo:
            raise RuntimeError("the tests did not run: " + "".join(said))


def _state(root: Path) -> str:
    """A digest of all that a fate depends on; fates of another state are not used again."""
    digest = hashlib.sha256()
    for file in [*(root / "src/discreet" / f for f in FILES), *sorted((root / "tests").rglob("*.py")), *sorted((root / "tests").rglob("*.plan"))]:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def equivalents(package: Path | None = None) -> dict[str, str]:
    """Mutants that change nothing, with the argument."""
    text = (package / "evidence/equivalent.toml").read_text("utf-8") if package else resources.files("discreet.evidence").joinpath("equivalent.toml").read_text("utf-8")
    return {one["mutant"]: one["because"] for one in tomllib.loads(text).get("equivalent", [])}


def _stored(store: Path | None, state: str) -> dict[str, Fate]:
    if store is None or not store.exists():
        return {}
    held = json.loads(store.read_text("utf-8"))
    if not isinstance(held, dict) or held.get("state") != state:
        return {}
    return {one["key"]: Fate(**one) for one in held["fates"]}


def _save(store: Path | None, state: str, fates: dict[str, Fate]) -> None:
    if store is not None:
        store.parent.mkdir(parents=True, exist_ok=True)
        store.with_suffix(".tmp").write_text(json.dumps({"state": state, "fates": [asdict(fate) for fate in fates.values()]}, indent=1), "utf-8")
        store.with_suffix(".tmp").replace(store)
