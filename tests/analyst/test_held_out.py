"""Rewrites judged by what they are not made with: `held/behaviour.py`, honest use with its edge cases and attacks that no proof plays.

`benchmarks/patches.py` does the same with patches that a whole audit has kept.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from discreet.analyst.mend.apply import candidates

HELD = Path(__file__).parent / "held"
# (file, kind of hole, function, a word of the blamed line, which of the proposals the checks leave)
SAMPLES = [
    ("books", "sql", "by_author", "execute", 0), ("books", "sql", "like", "execute", 0), ("books", "sql", "cheap", "execute", 0), ("files", "path", "read", "open(", 0), ("files", "path", "show", "read_text", 0),
    ("calls", "command", "count", "check_output", 0), ("calls", "command", "order", "subprocess.run", 0), ("calls", "ssrf", "fetch", "urlopen(", 0), ("calls", "ssrf", "ping", "requests.get", 0),
    ("pages", "xss", "hello", "return", 0), ("pages", "template", "card", "render_template_string", 0), ("pages", "code", "total", "eval(", 0), ("places", "redirect", "leave", "redirect(", 0),
    ("places", "cookie", "theme", "set_cookie", 0), ("places", "cookie-script", "theme", "set_cookie", 0), ("states", "deserialise", "restore", "pickle.loads", 0), ("states", "deserialise", "settings", "yaml.load", 0),
    ("states", "xml", "order_xml", "etree.fromstring", 0), ("tokens", "random", "reset", "random.choices", 0), ("tokens", "hash", "check", "hashlib.md5", 0), ("accounts", "hash", "register", "hashlib.md5", 1),
    ("notes", "object", "read_note", "SELECT", 0), ("notes", "object", "delete", "DELETE", 0),
]  # fmt: skip


def behaviour(project: Path) -> dict[str, dict[str, str]]:
    done = subprocess.run([sys.executable, "-B", str(HELD / "behaviour.py"), str(project)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def rewritten(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What the handlers do after all rewrites; before them every honest use works and every attack does."""
    place = tmp_path_factory.mktemp("held")
    before = behaviour(Path(shutil.copytree(HELD / "shelf", place / "before")))
    assert {n: t["honest"] for n, t in before.items() if t["honest"]} == {}
    assert {n for n, t in before.items() if not t["attack"]} == set()
    project = Path(shutil.copytree(HELD / "shelf", place / "after"))
    for file, kind, function, word, which in SAMPLES:
        path = project / "shelf" / f"{file}.py"
        source = path.read_text()
        start = source.index(f"def {function}(")
        texts = list(candidates(source, kind, source[: source.index(word, start)].count("\n") + 1, function))
        assert len(texts) > which, f"no proposal for {function}"
        path.write_text(texts[which])
    return behaviour(project)


@pytest.mark.parametrize("function", sorted({s[2] for s in SAMPLES}))
def test_a_rewrite_keeps_honest_use_and_stops_attacks_that_it_was_not_made_with(function: str, rewritten: dict[str, dict[str, str]]) -> None:
    assert rewritten[function] == {"honest": "", "attack": ""}
