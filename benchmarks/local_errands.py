"""Measure a local planner on the forty errands: `python benchmarks/local_errands.py [qwen15|qwen05] [--held-out | --fresh] [--only ID] [--out FILE]`.

Each errand is drafted by the model alone, from the user's words; the accepted plan is run in the errands' world and its calls are
compared with what the errand needs. Reference plans written by hand play no part. Prints a table and the totals. With `--out` a run
that was stopped goes on where it was; `--folder` measures errands of your own in the same world.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from discreet.models import weights  # noqa: E402
from discreet.models.local import LocalModel  # noqa: E402
from discreet.models.planner import Draft, DraftLimits, draft  # noqa: E402
from discreet.models.spans import redact  # noqa: E402
from errands.world import CONTRACTS, Errand, errands, fresh, held_out, judge, problems_of, run, today  # noqa: E402


def main() -> None:
    options = _options()
    chosen = held_out() if options.held_out else fresh() if options.fresh else errands(options.folder) if options.folder else errands()
    chosen = [errand for errand in chosen if not options.only or errand.id in options.only]
    random.Random(0).shuffle(chosen)  # so that a run that was stopped early is a fair sample
    model = LocalModel(weights.find(options.weights))
    rows: list[dict] = json.loads(options.out.read_text(encoding="utf-8")) if options.out and options.out.exists() else []
    done = {row["id"] for row in rows}
    with model:
        for errand in (errand for errand in chosen if errand.id not in done):
            rows.append(_measure(errand, model, options))
            _show(rows[-1], options.show)
            if options.out:
                options.out.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    _total(rows, options.weights)


def _total(rows: list[dict], name: str) -> None:
    right, accepted = sum(row["why"] == "" for row in rows), sum(row["accepted"] for row in rows)
    wrong = sum(row["accepted"] and row["acted"] and row["why"] != "" for row in rows)
    seconds, cpu_s = (sorted(row[key] for row in rows) for key in ("seconds", "cpu_s"))
    print(
        f"\n{name}: {right} of {len(rows)} errands right; {accepted} plans accepted, {wrong} of them would have acted wrongly; "
        f"{sum(row['samples'] for row in rows)} samples; median {seconds[len(seconds) // 2]:.0f} s of clock and {cpu_s[len(cpu_s) // 2]:.0f} s of CPU an errand"
    )


def _measure(errand: Errand, model: LocalModel, options: argparse.Namespace) -> dict:
    started, before_s = time.monotonic(), _cpu_s(model)
    request = redact(errand.request)
    made = draft(request, CONTRACTS, model, problems_of, today=today(), limits=DraftLimits(samples_max=options.samples, sample_timeout_s=options.timeout))
    seconds, cpu_s = time.monotonic() - started, _cpu_s(model) - before_s
    if not isinstance(made, Draft):
        return {"id": errand.id, "accepted": False, "acted": False, "why": f"{made.kind}: {made.detail}", "samples": 0, "seconds": seconds, "cpu_s": cpu_s, "plan": "", "doubts": []}
    outcome = run(made.source, request.handles) if made.accepted else None
    why = judge(errand, outcome) if outcome else f"refused: {made.problems[0]}"
    acted = bool(outcome and outcome.calls)
    return {
        "id": errand.id, "accepted": made.accepted, "acted": acted, "why": why, "samples": made.samples, "seconds": seconds, "cpu_s": cpu_s,
        "plan": request.restore(made.source), "doubts": list(made.doubts), "repaired": made.repaired,
    }  # fmt: skip


def _cpu_s(model: LocalModel) -> float:
    """What the model's process has computed so far; the clock also counts what else the machine does."""
    if model.pid is None:
        return 0.0
    fields = Path(f"/proc/{model.pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _show(row: dict, whole: bool) -> None:
    mark = "right" if not row["why"] else ("WRONG" if row["accepted"] else "refused")
    print(f"{row['id']:<24} {mark:<8} {row['samples']} samples {row['seconds']:5.1f} s ({row['cpu_s']:.0f} CPU)  {row['why'][:150]}", flush=True)
    if whole or row["why"]:
        print("    " + row["plan"].replace("\n", "\n    "))
        print("    doubts:", row["doubts"], flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", nargs="?", default=weights.PLANNER_DEFAULT)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--timeout", type=float, default=240.0, help="seconds for one sample; more on a busy machine")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--folder", type=Path, help="errands in files of the same form")
    return parser.parse_args()


if __name__ == "__main__":
    main()
