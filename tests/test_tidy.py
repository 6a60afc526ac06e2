"""Style as a test: import direction, module docstrings, banned calls with their replacements, one call site, sizes, no dead modules."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "discreet"
LINE_CHARS_MAX = 172
# Wider where a line is data: tables of options, word lists and prompts, payloads. These numbers only go down.
LINE_CHARS_WIDER = {"agents": 195, "surfaces": 215, "demo": 185, "models": 310, "evidence": 330, "analyst": 360}
FUNCTION_LINES_MAX = 70
FUNCTION_LONGER = {"evidence/house.py": "one table of the hostile house's tools"}

# A folder imports itself and those before it.
ORDER = ("kernel", "policy", "ledger", "memory", "tools", "connectors", "models", "agents", "demo", "evidence", "surfaces")
# The analyst shares the ledger, the models and the sandbox with the assistant, and nothing else: it never sees a vault (G4.6).
APART = {"sandbox": {"kernel"}, "analyst": {"kernel", "ledger", "models", "sandbox"}}
# Exceptions, each with its reason.
EXCEPTIONS = {
    ("demo", "surfaces"): "the demo shows what the terminal shows",
    ("surfaces", "analyst"): "`discreet audit` is one of the commands; it starts a process of its own",
}

# name -> what to use instead; shipped code only. `analyst/inside` runs in the compartment, where the hostile code runs anyway.
BANNED_CALLS = {
    "eval": "ast and a table",
    "exec": "a process of its own (sandbox/run.py)",
    "compile": "ast.parse",
    "__import__": "importlib.import_module with a constant",
    "os.system": "subprocess.run with a list",
    "os.popen": "subprocess.run with a list",
    "pickle.load": "json",
    "pickle.loads": "json",
    "marshal.loads": "json",
    "yaml.load": "tomllib",
    "random.random": "secrets, or a seed that the caller gives",
    "tempfile.mktemp": "tempfile.mkdtemp",
}
BANNED_IMPORTS = {"pickle": "json", "shelve": "json", "marshal": "json", "unittest.mock": "a real local server", "requests": "httpx"}

PICKLES = {"evidence/agentdojo/bench.py": "copies of the benchmark's own objects, made and read in one process"}

# Calls that stand in exactly these files (`grep` finds every one).
CALL_SITES = {
    "check": {"tools/call.py"},  # the monitor's (G5.4)
    "declassify": {"agents/view_tools.py"},  # G6.1
    "endorse": set(),
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def folder(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


def inside(path: Path) -> bool:
    """Code that is carried into the compartment and runs beside hostile code."""
    return "analyst/inside" in path.as_posix()


def pickles(path: Path, name: str) -> bool:
    return name.split(".")[0] == "pickle" and path.relative_to(PACKAGE).as_posix() in PICKLES


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything that a module imports, functions included."""
    package = ["discreet", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            name = ".".join(filter(None, (base, node.module or "")))
            yield node.lineno, name
            yield from ((node.lineno, f"{name}.{alias.name}") for alias in node.names)


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def calls(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield node.lineno, dotted(node.func)


def at(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def test_imports_point_one_way() -> None:
    wrong = []
    for path in modules():
        here = folder(path)
        if not here:
            continue
        allowed = APART.get(here) or set(ORDER[: ORDER.index(here) + 1])
        for line, name in imported(path):
            parts = name.split(".")
            if parts[0] == "discreet" and len(parts) > 1 and (PACKAGE / parts[1]).is_dir():
                if parts[1] not in allowed | {here} and (here, parts[1]) not in EXCEPTIONS:
                    wrong.append(f"{at(path, line)} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_every_folder_is_in_the_order() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(ORDER) | set(APART)


def test_the_kernel_needs_the_standard_library_only() -> None:
    wrong = [f"{at(path, line)} imports {name}" for path in modules() if folder(path) == "kernel" for line, name in imported(path)
             if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith("discreet.kernel")]  # fmt: skip
    assert not wrong, "\n".join(wrong)


def test_the_kernel_touches_no_file_clock_or_network() -> None:
    worldly = {"os", "pathlib", "socket", "subprocess", "random", "secrets", "time", "urllib", "http", "sqlite3"}
    wrong = [at(path, line) for path in modules() if folder(path) == "kernel" for line, name in imported(path) if name.split(".")[0] in worldly]
    wrong += [at(path, line) for path in modules() if folder(path) == "kernel" for line, name in calls(path) if name == "open" or name.endswith(".now")]
    assert not wrong, wrong


def test_every_module_says_its_one_job_first() -> None:
    wrong = []
    for path in modules():
        if inside(path) or "plans" in path.parts:
            continue
        words = (ast.get_docstring(tree(path)) or "").strip().split("\n\n")[0]
        if len(words) < 15 or not re.search(r"[.:]", words):
            wrong.append(at(path, 1))
    assert not wrong, wrong


@pytest.mark.parametrize("banned", sorted(BANNED_CALLS))
def test_banned_calls(banned: str) -> None:
    wrong = [at(path, line) for path in modules() if not inside(path) and not pickles(path, banned)
             for line, name in calls(path) if name == banned]  # fmt: skip
    assert not wrong, f"`{banned}`: use {BANNED_CALLS[banned]}: {wrong}"


def test_banned_imports() -> None:
    wrong = [f"{at(path, line)}: {name}, use {BANNED_IMPORTS[name]}" for path in modules() if not inside(path)
             for line, name in imported(path) if name in BANNED_IMPORTS and not pickles(path, name)]  # fmt: skip
    assert not wrong, "\n".join(wrong)


def test_no_shell() -> None:
    wrong = [at(path, node.lineno) for path in modules() for node in ast.walk(tree(path)) if isinstance(node, ast.keyword) and node.arg == "shell"
             and not (isinstance(node.value, ast.Constant) and node.value.value is False)]  # fmt: skip
    assert not wrong, f"pass a list, without a shell: {wrong}"


def test_no_assert_in_shipped_code() -> None:
    """`python -O` removes asserts; `invariant()` stays."""
    wrong = [at(path, node.lineno) for path in modules() if not inside(path) for node in ast.walk(tree(path)) if isinstance(node, ast.Assert)]
    assert not wrong, wrong


@pytest.mark.parametrize("name", sorted(CALL_SITES))
def test_call_sites(name: str) -> None:
    """G5.4, G6.1: one call of `check`, and every downgrade where `grep` expects it."""
    found: dict[str, int] = {}
    for path in modules():
        if folder(path) in APART or folder(path) == "evidence":
            continue
        where = path.relative_to(PACKAGE).as_posix()
        if not any(one in (f"discreet.kernel.monitor.{name}", f"discreet.kernel.downgrade.{name}") for _, one in imported(path)):
            continue
        found[where] = sum(called == name for _, called in calls(path))
    assert set(found) <= CALL_SITES[name], found
    if name == "check":
        assert found == {"tools/call.py": 1}


def test_only_the_gate_performs() -> None:
    """G5.4: `tool.perform(…)` is called where the permit is, and nowhere else."""
    found = [at(path, line) for path in modules() if folder(path) in ("tools", "agents", "surfaces", "models", "policy", "ledger", "memory")
             for line, name in calls(path) if name.endswith("perform") and not name.endswith(("session.perform", "self.perform"))]  # fmt: skip
    assert len(found) == 1 and found[0].startswith("src/discreet/tools/call.py"), found


def test_labels_and_grants_have_no_parser_but_one() -> None:
    """G2.5: stored labels are read by `decode`, by the stores alone, which check that they are bound to their fact."""
    allowed = {"memory/store.py", "memory/portable.py", "agents/home.py", "ledger/entry.py"}
    found = {path.relative_to(PACKAGE).as_posix() for path in modules() for _, name in imported(path) if name == "discreet.kernel.label.decode"}
    assert found <= allowed, found


def test_lines_and_functions_have_a_greatest_size() -> None:
    wrong = []
    for path in modules():
        for number, text in enumerate(path.read_text("utf-8").splitlines(), 1):
            if len(text) > LINE_CHARS_WIDER.get(folder(path), LINE_CHARS_MAX):
                wrong.append(f"{at(path, number)}: {len(text)} characters")
        for node in ast.walk(tree(path)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno - node.lineno >= FUNCTION_LINES_MAX:
                if path.relative_to(PACKAGE).as_posix() in FUNCTION_LONGER:
                    continue
                wrong.append(f"{at(path, node.lineno)}: `{node.name}` has {node.end_lineno - node.lineno + 1} lines")
    assert not wrong, "\n".join(wrong)


def test_no_module_is_dead() -> None:
    """Every module is imported somewhere, run as a process, or a front end."""
    sources = {path: path.read_text("utf-8") for path in [*modules(), *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").glob("*.py")]}
    wanted = {name for path in modules() for _, name in imported(path)}
    dead = []
    for path in modules():
        name = ".".join(("discreet", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
        if name in wanted or path.name in ("__init__.py", "cli.py"):
            continue
        carried = path.stem if inside(path) else name  # the compartment is told the names of what it carries in
        if not any(carried in text or name in text or f"{path.parent.name}.{path.stem}" in text or f'"{path.name}"' in text for other, text in sources.items() if other != path):
            dead.append(name)
    assert not dead, dead


def test_nothing_is_left_to_do() -> None:
    """What is to be done stands in issues; what does not work stands in README."""
    wrong = [at(path, n) for path in modules() for n, line in enumerate(path.read_text("utf-8").splitlines(), 1) if re.search(r"#\s*(TODO|FIXME|XXX)\b", line)]
    assert not wrong, wrong


def test_importing_has_no_effect() -> None:
    """Top-level statements define things; a bare call at import is one of the command line's registrations."""
    for path in modules():
        for node in tree(path).body:
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                assert dotted(node.value.func) == "app.command" or inside(path), f"{at(path, node.lineno)}: a call at import"
