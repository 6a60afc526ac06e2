"""Emitted tests stand alone and turn green with the patch; an audit that was killed goes on; only what changed is attacked."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from discreet.analyst.audit import Options, audit
from discreet.analyst.changes import ChangesError, changed_files
from discreet.analyst.mend.apply import candidates
from tests.analyst.conftest import make_project

APP = '''
import hashlib
import sqlite3
import subprocess

from flask import Flask, redirect, request

app = Flask(__name__)


def db():
    made = sqlite3.connect("kept.db")
    made.execute("CREATE TABLE IF NOT EXISTS item (id INTEGER, name TEXT)")
    return made


@app.route("/find")
def find():
    name = request.args.get("name", "")
    query = f"SELECT * FROM item WHERE name = '{name}' AND id > 0"
    return {"rows": db().execute(query).fetchall()}


@app.route("/greet")
def greet():
    return "<p>Hello %s</p>" % request.args.get("name", "you")


@app.route("/count", methods=["POST"])
def count():
    return subprocess.check_output("echo '" + request.form["text"] + "' | wc -w", shell=True)


@app.route("/away")
def away():
    return redirect(request.args.get("to", "/"))
'''
TEST = '''
from app import app


def test_greeting():
    assert app.test_client().get("/greet?name=Ann").data == b"<p>Hello Ann</p>"


def test_count():
    assert app.test_client().post("/count", data={"text": "one two"}).data.strip() == b"2"
'''


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict]:  # type: ignore[type-arg]
    place = tmp_path_factory.mktemp("mended")
    project = make_project(place / "project", app=APP, test_app=TEST)
    report = audit(project, Options(out=place / "out", budget_s=400, jobs=1, bandit=False))
    return project, place / "out", {f.function: f for f in report.findings}


def run_proof(proof: str, project: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", proof], env={**os.environ, "PROJECT": str(project)}, capture_output=True, text=True)


def test_emitted_tests_fail_on_the_project_and_import_nothing_of_ours(mended: tuple[Path, Path, dict]) -> None:  # type: ignore[type-arg]
    project, _out, findings = mended
    assert set(findings) == {"find", "greet", "count", "away"}
    for finding in findings.values():
        assert "discreet." not in Path(finding.proof).read_text()
        assert "import discreet" not in Path(finding.proof).read_text()
        done = run_proof(finding.proof, project)
        assert done.returncode == 1 and "hole:" in done.stdout, done.stdout + done.stderr
    assert not (project / "kept.db").exists()


def test_each_patch_turns_its_test_green_and_only_its_own(mended: tuple[Path, Path, dict], tmp_path: Path) -> None:  # type: ignore[type-arg]
    project, _out, findings = mended
    for name, finding in findings.items():
        assert finding.patch is not None, name
        assert "the project's own tests pass as before (2)" in finding.patch_checks
        copy = tmp_path / name
        shutil.copytree(project, copy, ignore=shutil.ignore_patterns("__pycache__"))
        subprocess.run(["patch", "-p1", "-s", "-i", finding.patch], cwd=copy, check=True)
        assert run_proof(finding.proof, copy).returncode == 0
        other = next(f for n, f in findings.items() if n != name)
        assert run_proof(other.proof, copy).returncode == 1


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("sql", "def f(c, x):\n    c.execute('SELECT * FROM t WHERE a = \"%s\" AND b = %s' % (x, y))\n", "c.execute('SELECT * FROM t WHERE a = ? AND b = ?', (x, _number(y)))"),
        ("sql", "def f(c, x):\n    c.execute('SELECT * FROM t WHERE a IN (%s)' % x)\n", None),
        ("sql", "def f(c, x):\n    c.execute(f\"SELECT * FROM t WHERE a LIKE '%{x}%'\")\n", "c.execute('SELECT * FROM t WHERE a LIKE ?', ('%' + str(x) + '%',))"),
        ("sql", "def f(c, x):\n    c.execute('SELECT * FROM t ORDER BY ' + x)\n", None),
        ("command", "def f(x):\n    os.system('ls \"{}\"'.format(x))\n", "os.system('ls ' + shlex.quote(str(x)))"),
        ("command", "def f(x):\n    os.system(x)\n", None),
        ("command", "def f(x):\n    subprocess.run(['sh', '-c', 'ls ' + x])\n", "subprocess.run(['sh', '-c', 'ls ' + shlex.quote(str(x))])"),
        ("path", "def f(x):\n    open(os.path.join(BASE, 'in', x))\n", "open(_confined(os.path.join(BASE, 'in'), os.path.join(BASE, 'in', x)))"),
        ("path", "def f(x):\n    open(f'{BASE}/in/{x}')\n", "open(_confined(str(BASE) + '/in/', f'{BASE}/in/{x}'))"),
        ("deserialise", "def f(x):\n    yaml.load(x, Loader=yaml.Loader)\n", "yaml.safe_load(x)"),
        ("xml", "def f(x):\n    p.setFeature(xml.sax.handler.feature_external_ges, True)\n", "p.setFeature(xml.sax.handler.feature_external_ges, False)"),
        ("hash", "def f(x):\n    hashlib.new('md5')\n", "hashlib.new('sha256')"),
        ("random", "def f(x):\n    random.choices(x, k=3)\n", "random.SystemRandom().choices(x, k=3)"),
        ("cookie", "def f(x):\n    r.set_cookie('a', x, secure=False)\n", "r.set_cookie('a', x, secure=True)"),
        ("archive", "import tarfile\ndef f(x):\n    x.extractall('in')\n", "x.extractall('in', filter=\"data\")"),
    ],
)  # fmt: skip
def test_rules_rewrite_what_they_know_and_leave_the_rest(kind: str, before: str, after: str | None) -> None:
    texts = list(candidates(before, kind, before.count("\n"), "f"))
    if after is None:
        assert texts == []
    else:
        assert after in texts[0]
        compile(texts[0], "mended", "exec")


def test_a_killed_audit_goes_on_where_it_was(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", app=APP)
    code = f"from pathlib import Path\nfrom discreet.analyst.audit import Options, audit\naudit(Path({str(project)!r}), Options(out=Path({str(tmp_path / 'out')!r}), budget_s=200, jobs=1, mend=False, bandit=False))"
    process = subprocess.Popen([sys.executable, "-c", code])
    state = tmp_path / "out" / "state.jsonl"
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and (not state.exists() or state.read_text().count('"done"') < 2):
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = [json.loads(line.partition(" ")[2])["done"] for line in state.read_text().splitlines()[1:] if line.endswith("}")]
    assert done
    with state.open("a") as stream:
        stream.write('0 {"done": "torn')
    report = audit(project, Options(out=tmp_path / "out", budget_s=200, jobs=1, mend=False, bandit=False))
    assert any("resumed" in note for note in report.notes)
    assert {f.function for f in report.findings} == {"find", "greet", "count", "away"}


def test_since_attacks_only_what_changed(tmp_path: Path) -> None:
    second = "from flask import Blueprint, request\n\nbp = Blueprint('b', __name__)\n\n\n@bp.route('/second')\ndef second():\n    return '<i>' + request.args.get('x', '') + '</i>'\n"
    project = make_project(tmp_path / "project", app=APP + "\n\nimport other\n\napp.register_blueprint(other.bp)\n", other=second.replace("request.args.get('x', '')", "'none'"))
    git = ["git", "-C", str(project), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run(git + command, check=True)
    (project / "other.py").write_text(second)
    marker = tmp_path / "hook-ran"
    subprocess.run(git + ["config", "core.fsmonitor", f"touch {marker}"], check=True)
    assert changed_files(project, "HEAD") == {"other.py"} and not marker.exists()
    report = audit(project, Options(out=tmp_path / "out", since="HEAD", budget_s=100, jobs=1, mend=False, bandit=False))
    assert {(f.file, f.function) for f in report.findings} == {("other.py", "second")}
    with pytest.raises(ChangesError, match="is not a revision"):
        changed_files(project, "--output=x")
