"""Scores `discreet audit` beside bandit, and semgrep if it is given, on a checkout of OWASP BenchmarkPython: recall, precision and time, in one run.

    python benchmarks/owasp_benchmark.py CHECKOUT [--python PYTHON] [--site-packages DIR] [--budget SECONDS] [--out DIR]
        [--share 0.5 --seed 7] [--semgrep EXECUTABLE --rules DIR]

With `--share` a random part of the test cases is taken, drawn by the seed from a sorted list.

The checkout's expected results are read only here, after both tools are done. A test case counts as reported if a
finding of its own class lies in its file; findings of other classes are counted apart, as the suite says nothing of them.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

from discreet.analyst.audit import Options, audit
from discreet.analyst.project import interpreters

# The suite's classes and the weaknesses that name them; bandit uses parents and siblings of some.
CLASSES = {
    "pathtraver": {22},
    "hash": {327, 328},
    "trustbound": {501},
    "cmdi": {78},
    "codeinj": {94, 95},
    "deserialization": {502},
    "ldapi": {90},
    "redirect": {601},
    "securecookie": {614},
    "sqli": {89},
    "weakrand": {330, 338},
    "xpathi": {643},
    "xss": {79, 80},
    "xxe": {611, 20},
}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--python", type=Path)
    parser.add_argument("--site-packages", type=Path, action="append", default=[])
    parser.add_argument("--budget", type=float, default=2400.0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--semgrep", type=Path)
    parser.add_argument("--rules", type=Path)
    options = parser.parse_args()
    expected = read_expected(options.checkout)
    if options.share < 1:
        options.checkout, expected = sampled(options.checkout, expected, options.share, options.seed)
    out = options.out or Path(tempfile.mkdtemp(prefix="owasp-"))
    started = time.monotonic()
    report = audit(
        options.checkout,
        Options(out=out, python=options.python, site_packages=tuple(options.site_packages), budget_s=options.budget, jobs=options.jobs, mend=False, bandit=False),
        progress=lambda text: print(text, file=sys.stderr, flush=True),
    )
    ours_s = time.monotonic() - started
    ours = defaultdict(set)
    for finding in report.findings:
        ours[case_of(finding.file)].add(int(finding.cwe.partition("-")[2]))
    theirs, theirs_s = run_bandit(options.checkout, options.python)
    print(f"{len(expected)} test cases; {report.attacked} entry points attacked; budget {'kept' if report.complete else 'ended first'}")
    score("discreet audit", expected, ours, ours_s)
    score("bandit", expected, theirs, theirs_s)
    if options.semgrep:
        score("semgrep", expected, *run_semgrep(options.checkout, options.semgrep, options.rules))
    return 0


def sampled(checkout: Path, expected: dict[str, tuple[str, bool]], share: float, seed: int) -> tuple[Path, dict[str, tuple[str, bool]]]:
    """A copy of the checkout with a random part of its test cases, and what is expected of those."""
    kept = set(random.Random(seed).sample(sorted(expected), round(len(expected) * share)))
    copy = Path(tempfile.mkdtemp(prefix="owasp-part-")) / checkout.name
    shutil.copytree(checkout, copy, ignore=lambda folder, names: [n for n in names if n == ".git" or (Path(n).stem in expected and Path(n).stem not in kept)])
    return copy, {case: what for case, what in expected.items() if case in kept}


def run_semgrep(checkout: Path, executable: Path, rules: Path) -> tuple[dict[str, set[int]], float]:
    """Semgrep's reports by test case."""
    started = time.monotonic()
    done = subprocess.run([str(executable), "scan", "--metrics=off", "--disable-version-check", "--json", "--quiet", "--no-git-ignore", "--config", str(rules), str(checkout / "testcode")], capture_output=True, text=True)
    seconds = time.monotonic() - started
    found: dict[str, set[int]] = defaultdict(set)
    for item in json.loads(done.stdout)["results"]:
        named = item["extra"]["metadata"].get("cwe", [])
        found[case_of(item["path"])] |= {int(n) for text in ([named] if isinstance(named, str) else named) for n in re.findall(r"CWE-(\d+)", text)}
    return found, seconds


def case_of(file: str) -> str:
    return Path(file).stem


def read_expected(checkout: Path) -> dict[str, tuple[str, bool]]:
    """{test case: (class, whether it is vulnerable)}."""
    file = next(checkout.glob("expectedresults-*.csv"))
    rows = [r for r in csv.reader(file.open()) if r and not r[0].startswith("#")]
    return {r[0].strip(): (r[1].strip(), r[2].strip() == "true") for r in rows}


def run_bandit(checkout: Path, python: Path | None) -> tuple[dict[str, set[int]], float]:
    """Bandit's reports by test case, run by an interpreter that can parse the suite."""
    import bandit

    home = Path(bandit.__file__).resolve().parent.parent
    executable = interpreters(checkout, python)[0].executable
    code = f"import sys; sys.path.append({str(home)!r}); sys.argv=['bandit','-q','-r',{str(checkout)!r},'-f','json']; from bandit.cli.main import main; main()"
    started = time.monotonic()
    done = subprocess.run([str(executable), "-c", code], capture_output=True, text=True)
    seconds = time.monotonic() - started
    found: dict[str, set[int]] = defaultdict(set)
    for item in json.loads(done.stdout[done.stdout.index("{") :])["results"]:
        found[case_of(item["filename"])].add(int(item["issue_cwe"].get("id", 0)))
    return found, seconds


def score(name: str, expected: dict[str, tuple[str, bool]], found: dict[str, set[int]], seconds: float) -> None:
    """Print recall and precision in all and by class."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    missed, wrong, other = [], [], Counter()
    for case, (kind, vulnerable) in expected.items():
        hit = bool(found.get(case, set()) & CLASSES[kind])
        table[kind]["tp" if hit and vulnerable else "fn" if vulnerable else "fp" if hit else "tn"] += 1
        if vulnerable and not hit:
            missed.append(f"{kind}:{re.sub(r'[^0-9]', '', case)}")
        if hit and not vulnerable:
            wrong.append(f"{kind}:{re.sub(r'[^0-9]', '', case)}")
        for cwe in found.get(case, set()) - CLASSES[kind]:
            other[f"CWE-{cwe} in {kind}"] += 1
    total = sum(table.values(), Counter())
    recall = total["tp"] / max(1, total["tp"] + total["fn"])
    precision = total["tp"] / max(1, total["tp"] + total["fp"])
    print(f"\n{name}: recall {recall:.3f}, precision {precision:.3f}, {seconds:.0f} s ({dict(total)})")
    for kind in sorted(table):
        print(f"  {kind:16}" + "  ".join(f"{k} {table[kind][k]:4}" for k in ("tp", "fn", "fp", "tn")))
    print("  missed:", " ".join(missed[:60]))
    print("  wrong:", " ".join(wrong[:60]))
    print("  other classes:", dict(other.most_common(12)))


if __name__ == "__main__":
    raise SystemExit(main())
