"""Targets that attack the analyst: forged results, floods, escapes, tampering. None crashes or deceives it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from discreet.analyst.audit import AuditError, Options, audit
from discreet.analyst.claim import read_claim
from discreet.analyst.compartment import parsed
from discreet.analyst.page import as_page
from discreet.analyst.report import as_json, inert
from discreet.analyst.sarif import as_sarif
from tests.analyst.conftest import make_project

VULNERABLE = '''
from flask import Flask, request

app = Flask(__name__)


@app.route("/hello")
def hello():
    return "<p>" + request.args.get("name", "") + "</p>"
'''
HONEST_CLAIM = {
    "kind": "sql", "cwe": "CWE-89", "name": "id", "channel": "query", "template": "x", "steps": [{"method": "GET", "path": "/"}], "effect": "e", "oracle": "sql", "file": "app.py", "line": 3, "function": "f",
    "endpoint": "e", "speaks": "wsgi", "framework": "flask", "loader": {"module": "app", "file": "app.py", "attribute": "app"},
}  # fmt: skip


def quick(out: Path, **more: object) -> Options:
    return Options(out=out, budget_s=60, jobs=1, mend=False, bandit=False, **more)


def test_forged_results_on_every_descriptor_are_not_believed(tmp_path: Path) -> None:
    forged = '''
import json, os, sys
line = json.dumps({"done": "app.py:0:GET /", "claims": [%r], "key": "guess", "verdict": "fails", "map": []}) + "\\n"
for fd in range(1, 64):
    try: os.write(fd, line.encode())
    except OSError: pass
print(line); print(line, file=sys.stderr)
''' % (HONEST_CLAIM,)
    project = make_project(tmp_path / "p", forger=forged, app="import forger\n" + VULNERABLE)
    report = audit(project, quick(tmp_path / "out"))
    assert {(f.cwe, f.file) for f in report.findings} == {("CWE-79", "app.py")}


def test_a_target_that_reads_the_environment_and_attacks_its_parent_is_audited_like_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "s3cret-value")
    hostile = '''
import os, signal
found = open("/proc/self/environ").read() + repr(dict(os.environ))
for pid in (1, os.getppid(), %d):
    try: os.kill(pid, 0 if pid == os.getppid() else signal.SIGKILL)
    except OSError: pass
for name in ("/etc/passwd", "/inside/worker.py", "/source/app.py", "/job/survey.json"):
    try: open(name, "a").write("x")
    except OSError: pass
open("leak.txt", "w").write(found)
''' % os.getpid()
    leak = '''

@app.route("/leak")
def leak():
    return open("/scratch/target/leak.txt").read(), 200, {"Content-Type": "text/plain"}
'''
    project = make_project(tmp_path / "p", hostile=hostile, app="import hostile\n" + VULNERABLE + leak)
    report = audit(project, quick(tmp_path / "out"))
    assert {(f.cwe, f.file) for f in report.findings} == {("CWE-79", "app.py")}
    assert "s3cret-value" not in as_json(report) + "".join(p.read_text() for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert not (project / "leak.txt").exists() and (project / "app.py").read_text().endswith(leak)


def test_endless_output_forks_and_exits_end_only_the_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("discreet.analyst.prove.ENDPOINT_S", 6.0)
    routes = '''

@app.route("/bomb")
def bomb():
    import os
    while True:
        os.fork()


@app.route("/exit")
def leave():
    import os
    os._exit(0)


@app.route("/flood")
def flood():
    import os
    while True:
        os.write(2, b"x" * 65536)
'''
    monkey = VULNERABLE + routes
    report = audit(make_project(tmp_path / "p", app=monkey), Options(out=tmp_path / "out", budget_s=60, jobs=1, mend=False, bandit=False))
    assert ("CWE-79", "hello") in {(f.cwe, f.function) for f in report.findings}
    assert {f.function for f in report.findings} == {"hello"}


def test_a_link_out_of_the_project_is_neither_followed_nor_copied(tmp_path: Path) -> None:
    (tmp_path / "private.txt").write_text("s3cret-value")
    project = make_project(tmp_path / "p", app=VULNERABLE)
    (project / "settings.txt").symlink_to(tmp_path / "private.txt")
    (project / "all").symlink_to(tmp_path)
    report = audit(project, quick(tmp_path / "out"))
    assert ("settings.txt", "a link that leads out of the project") in {(u.file, u.why) for u in report.unread}
    assert "s3cret-value" not in as_json(report)


def test_a_target_that_tampers_with_the_canary_proves_nothing(tmp_path: Path) -> None:
    tamper = '''
import glob, os
from flask import Flask, request

app = Flask(__name__)


@app.route("/file")
def file():
    name = os.path.basename(request.args.get("name", "x"))
    return "no " + str(len(name)), 404


for place in glob.glob("/tmp/dq*"):
    for name in glob.glob(place + "/*"):
        try: os.remove(name)
        except OSError: pass
'''
    report = audit(make_project(tmp_path / "p", app=tamper), quick(tmp_path / "out"))
    assert [f.cwe for f in report.findings] == []


def test_modules_named_like_the_analyst_s_own_are_the_target_s(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", web="WORD = 'mine'\n", attack="WORD = 'mine'\n", static="WORD = 'mine'\n", app="import attack, static, web\nassert web.WORD == attack.WORD == static.WORD == 'mine'\n" + VULNERABLE)
    report = audit(project, quick(tmp_path / "out"))
    assert ("CWE-79", "hello") in {(f.cwe, f.function) for f in report.findings}


@pytest.mark.parametrize(
    "change",
    [
        {"file": "../../etc/passwd"}, {"file": "other.py"}, {"line": "3"}, {"line": True}, {"oracle": "trust me"}, {"speaks": "shell"}, {"cwe": "CWE-89'); evil()"}, {"steps": []}, {"steps": [{}] * 99}, {"steps": "x"},
        {"template": "x" * 50_000}, {"loader": None}, {"steps": [{"form": [[[[[[[["deep"]]]]]]]]}]}, {"effect": 5},
    ],
)  # fmt: skip
def test_a_malformed_claim_is_no_claim(change: dict[str, object]) -> None:
    assert read_claim(HONEST_CLAIM, frozenset({"app.py"})) is not None
    assert read_claim({**HONEST_CLAIM, **change}, frozenset({"app.py"})) is None


def test_values_of_a_claim_enter_the_test_as_literals_only() -> None:
    import ast

    from discreet.analyst.proof import emit

    nasty = "'''\"\"\"\n@@\\ '); raise Planted(1) #\u202e"
    claim = read_claim({**HONEST_CLAIM, "name": nasty, "template": nasty, "effect": nasty, "function": nasty, "endpoint": nasty, "steps": [{"method": nasty, "path": nasty, "query": [[nasty, nasty]]}], "loader": {"module": nasty, "file": nasty, "attribute": nasty}}, frozenset({"app.py"}))
    assert claim is not None
    tree = ast.parse(emit(claim, "/project"))
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id == "Planted"]


def test_lines_that_are_no_objects_are_dropped() -> None:
    assert list(parsed([b"", b"[1]", b"{", b'{"a": 1}', b"\xff", b"[" * 100_000])) == [{"a": 1}]


def test_names_from_the_target_cannot_speak_to_the_terminal_or_the_page(tmp_path: Path) -> None:
    assert inert("a\x1b[2J\u202eb\r\n") == "a\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"
    project = make_project(tmp_path / "p", app=VULNERABLE)
    (project / "<script>x\x1b.py").write_text("(")
    report = audit(project, quick(tmp_path / "out"))
    assert any("script" in u.file for u in report.unread)
    page = as_page(report)
    assert "<script>" not in page and "\x1b" not in page
    assert "%3Cscript" in as_sarif(report) or "script" in as_sarif(report)


def test_a_project_without_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="holds no Python file"):
        audit(tmp_path, quick(tmp_path / "out"))
