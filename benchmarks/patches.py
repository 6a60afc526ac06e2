"""Audits the shelf of the tests, mends it, and asks of every patch that was kept what it was not made with: honest use with its edge cases, and other attacks.

    python benchmarks/patches.py [--budget SECONDS] [--jobs N]
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from discreet.analyst.audit import Options, audit

HELD = Path(__file__).parent.parent / "tests" / "analyst" / "held"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--budget", type=float, default=3600.0)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    wrong = kept = 0
    with tempfile.TemporaryDirectory() as place:
        project = Path(shutil.copytree(HELD / "shelf", Path(place) / "shelf"))
        started = time.monotonic()
        report = audit(project, Options(out=Path(place) / "out", budget_s=options.budget, jobs=options.jobs, bandit=False), progress=lambda text: print(text, file=sys.stderr, flush=True))
        print(f"{len(report.findings)} findings, {sum(f.patch is not None for f in report.findings)} with a patch, {time.monotonic() - started:.0f} s")
        for finding in report.findings:
            name = re.split(r"\W+", finding.function)[-1]
            if finding.patch is None:
                print(f"{finding.cwe:9} {name:12} no patch stood the checks")
                continue
            copy = Path(shutil.copytree(HELD / "shelf", Path(place) / f"patched-{kept}"))
            subprocess.run(["patch", "-p1", "-s", "-i", finding.patch], cwd=copy, check=True)
            told = json.loads(subprocess.run([sys.executable, "-B", str(HELD / "behaviour.py"), str(copy)], capture_output=True, text=True, check=True).stdout.splitlines()[-1])
            spoilt = {n: t["honest"] for n, t in told.items() if t["honest"]}
            attack = told.get("register" if name == "login" else name, {}).get("attack", "?")
            kept += 1
            wrong += bool(spoilt or attack)
            print(f"{finding.cwe:9} {name:12} honest use {'as it should be' if not spoilt else spoilt}; attacks {'stopped' if not attack else attack}")
    print(f"{kept} patches, {kept - wrong} in order")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
