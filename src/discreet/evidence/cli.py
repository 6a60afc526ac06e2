"""`discreet evidence …`: rerun the evidence, whole or a share of it, and run any plan against any tool world."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

KEPT_MAX = 5  # differences of one run that are made small and kept as files


def register(app: Any) -> None:
    """Add the `evidence` commands to a cyclopts App."""
    import cyclopts

    evidence = cyclopts.App(name="evidence", help="Rerun what stands behind the promises.")
    app.command(evidence)

    @evidence.command
    def world(module: Path, /, *, plans: Path, json: bool = False, share: float = 1.0, seed: int = 0) -> int:
        """Run plan files against a tool world given as a Python module (docs/EVIDENCE.md).

        Parameters
        ----------
        module: A Python file that defines tools, norms, directory, secrets and request.
        plans: A plan file, or a folder of `.plan` or `.py` files.
        json: Print every observation of each recipient, each question and each fault as JSON.
        share: Part of the plans to run, chosen by `seed`.
        """
        return run_world(module, plans, json, share, seed)

    @evidence.command
    def pairs(*, share: float = 1.0, seed: int = 0, workers: int = 2, store: Path | None = None, size: int = 3, json: bool = False) -> int:
        """Paired execution: plans run twice with secrets that differ; who may not learn the difference sees none.

        Parameters
        ----------
        share: Part of the full run (1.0 is a million pairs and all small plans).
        store: A folder that keeps finished chunks, so that a stopped run goes on.
        size: Statements of the plans of which all are run.
        """
        return run_pairs(share, seed, workers, store, size, json)

    @evidence.command
    def mutants(*, share: float = 1.0, seed: int = 0, workers: int = 2, store: Path | None = None, json: bool = False) -> int:
        """Remove every join, check and limit one at a time; each has to be killed by a test (needs a checkout)."""
        return run_mutants(share, seed, workers, store, json)

    @evidence.command
    def leaks(*, share: float = 1.0, seed: int = 0, workers: int = 2, pairs_max: int = 2_000, json: bool = False) -> int:
        """Switch one rule off at a time and show after how many pairs it is found.

        Parameters
        ----------
        share: Part of the rules to switch off, chosen by `seed`, which moves the pairs on too.
        pairs_max: Pairs run for one rule before it counts as not found.
        """
        return run_leaks(share, seed, workers, pairs_max, json)

    _register_more(evidence)


def _register_more(evidence: Any) -> None:
    """The parts that need services, data or a checkout, and the report of all."""

    @evidence.command
    def kills(*, count: int = 500, seed: int = 1, json: bool = False) -> int:
        """Kill -9 of errands on real local services, at every step and between them (needs the `dev` extra).

        Parameters
        ----------
        count: How many errands are killed; those that end before their kill do not count.
        """
        return run_kills(count, seed, json)

    @evidence.command
    def fuzz(*, seconds: float = 60.0, seed: int = 0, only: tuple[str, ...] = (), json: bool = False) -> int:
        """Fuzz everything that reads what others wrote (needs the `dev` extra): nothing but declared errors comes out.

        Parameters
        ----------
        only: Names of targets; all without it.
        """
        return run_fuzz(seconds, seed, only, json)

    @evidence.command
    def oversharing(data: Path, /, *, share: float = 1.0, seed: int = 0, encoder: bool = False, json: bool = False) -> int:
        """Measure the shipped norms on published judgements of what ought to be told (docs/EVIDENCE.md).

        Parameters
        ----------
        data: The folder with ci_norms.jsonl, privacylens.jsonl and confaide.jsonl.
        encoder: Ask the sentence encoder where no word matches; its weights have to be here.
        """
        return run_oversharing(data, share, seed, encoder, json)

    @evidence.command
    def benchmarks(*, share: float = 1.0, only: tuple[str, ...] = (), json: bool = False) -> int:
        """Measure how cost grows, with fitted slopes (needs a checkout).

        Parameters
        ----------
        only: Of kernel, call, decision, recall, ledger; all without it.
        """
        return run_benchmarks(share, only, json)

    @evidence.command
    def report(*, share: float = 1.0, seed: int = 0, workers: int = 2, folder: Path = Path("evidence"), only: tuple[str, ...] = (), judgements: Path | None = None) -> int:
        """Run all parts and write summary.json, report.md and report.html into `folder`; what was run with the same code is kept.

        Parameters
        ----------
        share: Part of a full run of each.
        only: Names of parts; all without it.
        judgements: The folder with the published judgements (see `oversharing`).
        """
        from discreet.evidence.report import write

        return 0 if write(folder, share, seed, workers, print, only, judgements) else 1


def run_world(module: Path, plans: Path, as_json: bool, share: float, seed: int) -> int:
    """0 when no recipient saw a difference between the variants, 1 when one did, 2 when the module is wrong."""
    from discreet.evidence.world import WorldError, load, run_all

    try:
        setting = load(module)
        found = run_all(setting, plans, share, seed)
    except WorldError as error:
        print(error, file=sys.stderr)
        return 2
    for note in setting.notes:
        print(f"note: {note}", file=sys.stderr)
    if as_json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        for one in found:
            print(_line(one))
    return 1 if any(one["differs"] for one in found) else 0


def _line(one: dict[str, Any]) -> str:
    first = next(iter(one["runs"].values()))
    counts = ", ".join(f"{who} {len(seen)}" for who, seen in first["observations"].items()) or "nobody observed anything"
    end = f"refused: {'; '.join(first['refused'])}" if first["refused"] else f"{counts}; {len(first['questions'])} questions, {first['denied']} denied"
    return f"{one['plan']}: {end}" + (f"; DIFFERENT for {', '.join(one['differs'])}" if one["differs"] else "")


def run_pairs(share: float, seed: int, workers: int, store: Path | None, size: int, as_json: bool) -> int:
    from dataclasses import asdict

    from discreet.evidence import pairs

    tally = pairs.run_parallel(max(int(pairs.FULL * share), 1), seed, workers, store, lambda done: print(f"\r{done} pairs", end="", file=sys.stderr))
    small = pairs.Tally()
    for statements in range(1, size + 1):
        small.add(pairs.run_small(statements, share if statements > 1 else 1.0, seed))
    for one in tally.violations[:KEPT_MAX]:
        print(f"kept as {pairs.keep(pairs.pair(one['number']), (store or Path('evidence')) / 'found')}", file=sys.stderr)
    found = {"random": asdict(tally), "small": asdict(small), "size": size, "seed": seed, "share": share}
    print(file=sys.stderr)
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        print(f"{tally.pairs} pairs, {tally.effects} with something to observe: {len(tally.violations)} violations, {len(tally.crashes)} crashes")
        print(f"{small.pairs} small plans of up to {size} statements: {len(small.violations)} violations, {len(small.crashes)} crashes")
        for one in (tally.violations + small.violations + tally.crashes + small.crashes)[:5]:
            print(json.dumps(one, indent=1))
    return 1 if tally.violations or small.violations or tally.crashes or small.crashes else 0


def run_mutants(share: float, seed: int, workers: int, store: Path | None, as_json: bool) -> int:
    from dataclasses import asdict

    from discreet.evidence import mutants

    try:
        fates = mutants.run(share, seed, workers, Path.cwd(), store, lambda fate: print(f"{'killed' if fate.killer else 'equivalent' if fate.because else 'SURVIVED'}  {fate.key}  {fate.killer or fate.because}", file=sys.stderr))
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    survivors = [fate for fate in fates if not fate.killer and not fate.because]
    print(json.dumps([asdict(fate) for fate in fates], indent=1) if as_json else f"{len(fates)} mutants, {sum(bool(f.killer) for f in fates)} killed, {len(survivors)} survived")
    return 1 if survivors else 0


def run_leaks(share: float, seed: int, workers: int, pairs_max: int, as_json: bool) -> int:
    from dataclasses import asdict

    from discreet.evidence import leaks

    found = []
    for one in leaks.search(workers, pairs_max, leaks.first(seed), leaks.chosen(share, seed)):
        found.append(one)
        print(f"{one.name} ({one.rule}): {f'found after {one.after} pairs' if one.after else 'NOT FOUND'}", file=sys.stderr)
    if as_json:
        print(json.dumps([asdict(one) for one in found], indent=1))
    return 0 if all(one.after for one in found) else 1


def run_kills(count: int, seed: int, as_json: bool) -> int:
    from discreet.evidence.kills import Kills, kills

    shown = [0]

    def told(at: Kills) -> None:
        for wrong in at.violations[shown[0]:]:
            print(f"\n{wrong}", file=sys.stderr)
        shown[0] = len(at.violations)
        print(f"\r{at.kills} kills, {len(at.violations)} violations", end="", file=sys.stderr, flush=True)

    made = kills(count, seed, told)
    print(file=sys.stderr)
    if as_json:
        print(json.dumps(made.as_json(), indent=1))
    else:
        print(f"{made.kills} errands killed at {len(made.by_step)} different steps in {made.seconds:.0f} s, {made.whole} left alone: {len(made.violations)} violations")
        print(f"{made.unknown} acts stood as unknown; {made.again} like one of those were asked about before they were done again")
        print(*made.violations[:20], sep="\n")
    return 1 if made.violations else 0


def run_fuzz(seconds: float, seed: int, only: tuple[str, ...], as_json: bool) -> int:
    from dataclasses import asdict

    from discreet.evidence.fuzz import fuzz, targets
    from discreet.kernel.errors import nearest

    known = [target.name for target in targets()]
    for name in only:
        if name not in known:
            print(f"no target is called `{name}`{nearest(name, known)}; there are {', '.join(known)}", file=sys.stderr)
            return 2
    made = fuzz(seconds, seed, only)
    if as_json:
        print(json.dumps(asdict(made), indent=1))
    else:
        print(f"{made.total} inputs to {len(made.inputs)} readers in {made.seconds:.0f} s: {len(made.broken)} broken")
        for one in made.broken:
            print(f"{one['target']}: {one['error']}\n  {one['input']}")
    return 1 if made.broken else 0


def run_oversharing(data: Path, share: float, seed: int, with_encoder: bool, as_json: bool) -> int:
    from discreet.evidence.oversharing import encoder, measure, render
    from discreet.kernel.errors import DiscreetError

    nearest = encoder() if with_encoder else None
    if with_encoder and nearest is None:
        print("the encoder's weights are not here; `discreet model fetch` gets them", file=sys.stderr)
        return 2
    try:
        found = measure(data, share=share, seed=seed, nearest=nearest)
    except DiscreetError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(found, indent=1) if as_json else render(found))
    return 0


def run_benchmarks(share: float, only: tuple[str, ...], as_json: bool) -> int:
    from discreet.evidence.benchmarks import PARTS, run

    try:
        found = run(share, Path.cwd() / "benchmarks", only or PARTS, lambda line: print(line, file=sys.stderr, flush=True))
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    if as_json:
        print(json.dumps(found, indent=1))
    return 0
