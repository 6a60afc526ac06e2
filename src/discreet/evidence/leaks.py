"""Seeded leaks: shows that paired execution can find. One rule is switched off in a copy; how many pairs until it shows?

The first group are the holes that were measured in the nearest peer.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
PAIRS_MAX = 2_000  # pairs run for one leak before it counts as not found

I, O, F = "kernel/interpreter.py", "kernel/operations.py", "tools/flow.py"
Edit = tuple[str, str, str]  # file, text, text that switches the rule off
# Where a second rule holds too when the first is gone, both are switched off.
LEAKS: tuple[tuple[str, str, tuple[Edit, ...]], ...] = (
    ("a branch that is not taken leaves its names public", "G3.3", ((I, "for name in self.plan.assigned[node]:\n                held = self.env.get(name)", "for name in ():\n                held = self.env.get(name)"), (I, "                self.env[name] = value.under(self.pc)", "                self.env[name] = value"))),
    ("a call does not carry what decided it", "G5.4", ((F, "contract, request.arguments, request.pc, tuple(recipients.values())", "contract, request.arguments, PUBLIC, tuple(recipients.values())"),)),
    ("a list forgets the labels of its elements", "G2.4", (("kernel/value.py", "        total = join2(total, item.total)\n    return Value(data, shape, total, standing)", "        total = total\n    return Value(data, shape, total, standing)"),)),
    ("a text joins no label of its parts", "G2.3", ((O, "    label = joined(operands)\n    stopped = blocked(operands, label, kind, bound)", "    label = PUBLIC\n    stopped = blocked(operands, label, kind, bound)"),)),
    ("a short circuit shows nothing", "G3.3", ((I, "            self.pc = join2(self.pc, of_test)\n        self.pc = saved\n        invariant", "            self.pc = saved\n        self.pc = saved\n        invariant"),)),
    ("a filter of a comprehension shows nothing", "G2.4", ((I, "            state.guards = join2(state.guards, label)\n            self.pc = join2(self.pc, label)", "            pass"),)),
    ("an index does not join", "G2.4", ((O, "    label = join2(value.label, key.total)\n    if not key.total", "    label = value.label\n    if not key.total"),)),
    ("a break shows nothing", "G3.3", ((I, "        if node in self.plan.breaks:", "        if False:"),)),
    ("a raise shows nothing", "G3.3", ((I, "        if node in self.plan.raises:\n            self.stop_label = join2(self.stop_label, guard)\n        self.pc = guard\n        if isinstance(test, Fault):", "        if False:\n            pass\n        self.pc = guard\n        if isinstance(test, Fault):"),)),
    ("a loop's length shows nothing", "G3.3", ((I, "        saved, guard = self.pc, join2(self.pc, shape)\n        if node in self.plan.raises:", "        saved, guard = self.pc, self.pc\n        if node in self.plan.raises:"),)),
    ("the order of sorting is not labelled", "G2.4", ((O, "    label = join2(shape, joined([*items, *keys, reverse]))", "    label = shape"),)),
    ("least and greatest are not labelled", "G2.4", ((O, "    label = join2(shape, joined([*items, *keys]))\n    if not items:", "    label = shape\n    if not items:"),)),
    ("default() joins only what it gives", "G3.1", ((O, "    label = join2(value.total, instead.total)\n    if isinstance(value.data, Fault) or value.data is None:", "    label = instead.total\n    if isinstance(value.data, Fault) or value.data is None:"),)),
    ("x.ok is public", "G3.4", ((O, "    if isinstance(value.data, Fault):\n        return Value(False, value.total)\n", "    if isinstance(value.data, Fault):\n        return Value(False, PUBLIC)\n"),)),
    ("a place forgets what was written into it", "G2.6", (("tools/kept.py", "        if not more <= declared:", "        if False:"),)),
    ("a place's results do not carry its label", "G2.6", ((F, "    label = join2(flow.pc, flow.place.label)", "    label = flow.pc"),)),
    ("a reader's answer does not carry what it was sent", "G4.2", ((F, "        label = join2(label, value.total.without_tags() if flow.theirs and not parameter.address else value.total)", "        label = label"),)),
    ("the check looks at the run alone and denies what goes beyond", "G3.8", (("tools/call.py", "            if seen is None:", "            label = PUBLIC\n            if seen is None:"),)),
)


@dataclass(frozen=True, slots=True)
class Found:
    """After how many pairs a leak showed; 0 when it did not within PAIRS_MAX."""

    name: str
    rule: str
    after: int
    seconds: float


def search(workers: int = 1, pairs_max: int = PAIRS_MAX, first: int = 900_000, leaks: tuple = LEAKS) -> Iterator[Found]:
    """Run the pairs against every seeded leak until each shows."""
    folder = Path(tempfile.mkdtemp(prefix="discreet-leaks-"))
    try:
        shutil.copytree(PACKAGE, folder / "discreet", ignore=shutil.ignore_patterns("__pycache__"))
        for name, rule, edits in leaks:
            began = time.perf_counter()
            try:
                for file, text, off in edits:
                    _edit(folder / "discreet" / file, text, off, name)
                after = _probe(folder, first, pairs_max)
            finally:
                for file, _, _ in edits:
                    shutil.copy(PACKAGE / file, folder / "discreet" / file)
            yield Found(name, rule, after, round(time.perf_counter() - began, 1))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _edit(path: Path, text: str, off: str, name: str) -> None:
    original = path.read_text("utf-8")
    if text not in original:
        raise ValueError(f"the leak `{name}` does not fit {path.name} any more")
    path.write_text(original.replace(text, off, 1), "utf-8")


def _probe(folder: Path, first: int, pairs_max: int) -> int:
    code = (
        "import json; from discreet.evidence.pairs import run_numbers, small_pairs, Tally, judge\n"
        f"t = run_numbers(range({first}, {first + pairs_max}), stop_at=1)\n"
        "print(json.dumps([t.pairs, len(t.violations)]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2_000:])
    pairs, violations = json.loads(done.stdout.splitlines()[-1])
    return pairs if violations else 0
