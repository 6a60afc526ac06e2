"""Oversharing with no attacker: how often the shipped norms permit a flow that people find wrong, or withhold a right one (E5, class 11).

The data are three published sets of judgements, read from a folder that is given and never kept here:
    ci_norms.jsonl      errands with what the recipient needs and what must not reach it
    privacylens.jsonl   flows that people find wrong, all of them
    confaide.jsonl      how sensitive people find a kind of information, and how acceptable a flow

Method. Every case becomes one flow: the sender writes (`mail.send`, purpose correspondence) to a recipient that the user
named; the recipient's roles are the vocabulary's words in its description. The type of a value is guessed as at entry of
any free text: by the vocabulary's words in its name, by patterns and telling words inside, and, with a sentence encoder,
by the nearest meaning where no word matches; several kinds are joined, and what nothing fits is `unclassified`. No rule
looks at a case. A disclosure that is asked about is counted apart: the user sees the exact content before it goes.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from discreet.kernel.contract import Recipient
from discreet.kernel.errors import DiscreetError
from discreet.kernel.label import Tag
from discreet.kernel.monitor import Verdict
from discreet.policy.decide import Index
from discreet.policy.explain import telling
from discreet.policy.load import defaults
from discreet.policy.naming import Nearest, roles_named, types_of, words
from discreet.policy.norm import Norms
from discreet.policy.vocabulary import UNCLASSIFIED, purposes, roles, types

METHOD = (
    "each annotated value is one mail to a recipient that the user named; its roles and the value's type are guessed by the "
    "vocabularies' words, patterns and (where stated) nearest meanings, several types joined, none meaning `unclassified`; no rule "
    "looks at a case. Asked means that the user sees recipient, type and exact content before anything leaves. A value may be "
    "guessed into a wrong type, and annotations are of models and crowds: rates are of norms and guesses together."
)
RECIPIENT = "recipient@example.org"
TOOL = "mail.send"
NEAR_MIN = 0.30  # cosine below which no meaning is near
NEAR_MARGIN = 0.03  # meanings this close to the nearest are all taken: doubt is labelled as all its candidates
STRICTNESS = {Verdict.PERMIT: 0, Verdict.ASK: 1, Verdict.DENY: 2}


@dataclass
class Counts:
    """Verdicts on values that ought to reach the recipient and on values that ought not, by information type."""

    by_type: dict[str, Counter] = field(default_factory=dict)
    total: Counter = field(default_factory=Counter)

    def add(self, right: bool, kinds: Iterable[str], verdict: Verdict) -> None:
        key = ("right" if right else "wrong", verdict.value)
        self.total[key] += 1
        for kind in kinds:
            self.by_type.setdefault(kind, Counter())[key] += 1

    def rates(self) -> dict[str, Any]:
        """Shares of the wrong and of the right values that were permitted, asked about and denied."""
        shown: dict[str, Any] = {}
        for side in ("wrong", "right"):
            count = sum(n for (s, _), n in self.total.items() if s == side)
            shown[side] = {"values": count, **{v.value: _share(self.total[side, v.value], count) for v in Verdict}}
        return shown


def measure(data: Path, norms: Norms | None = None, share: float = 1.0, seed: int = 0, nearest: Nearest | None = None) -> dict[str, Any]:
    """All three sets against the norms (the shipped ones when none are given). `share` takes that part of the cases."""
    started = time.process_time()
    judge = Index(defaults().norms if norms is None else norms)
    ci = ci_norms(_rows(data, "ci_norms.jsonl", share, seed), judge, nearest)
    lens = privacylens(_rows(data, "privacylens.jsonl", share, seed), judge, nearest)
    faces = confaide(_rows(data, "confaide.jsonl", 1.0, seed), judge, nearest)
    return {
        "ci_norms": {**ci.rates(), "by_type": _table(ci)},
        "privacylens": {**lens.rates()["wrong"], "by_type": _table(lens)},
        "confaide": faces,
        "encoder": nearest is not None,
        "share": share,
        "seed": seed,
        "seconds": round(time.process_time() - started, 1),
    }


def ci_norms(rows: Sequence[Mapping[str, Any]], judge: Index, nearest: Nearest | None = None) -> Counts:
    """Each annotated value of each small vault, told to the recipient of its errand."""
    counts = Counts()
    for row in rows:
        seed, item = row["seed"], row["dataset_item"]
        recipient = _recipient(seed["recipient"])
        subject = "user" if seed["data_subject"] in (seed["sender"], "user") else "somebody"
        for side in ("allowed", "disallowed"):
            for name in item["annotation"][side]:
                kinds = types_of(name, str(item["information"].get(name, "")), nearest)
                verdict = _told(judge, recipient, kinds, subject, "correspondence")
                counts.add(side == "allowed", kinds, verdict)
    return counts


def privacylens(rows: Sequence[Mapping[str, Any]], judge: Index, nearest: Nearest | None = None) -> Counts:
    """Each flow of the set, all of which people find wrong: the sender's plan tells the recipient what it should not."""
    counts = Counts()
    for row in rows:
        seed, vignette = row["seed"], row["vignette"]
        recipient = _recipient(f"{seed['data_recipient']} {vignette['data_recipient_concrete']}" if _vague(seed["data_recipient"]) else seed["data_recipient"])
        own = {seed["data_sender_name"].lower(), seed["data_sender"].lower()}
        subject = "user" if seed["data_subject"].lower() in own else "somebody"
        purpose = "correspondence/posting" if re.search(r"\bpost\b", seed["transmission_principle"]) else "correspondence"
        kinds = types_of(seed["data_type"], vignette["data_type_concrete"], nearest)
        counts.add(False, kinds, _told(judge, recipient, kinds, subject, purpose))
    return counts


def confaide(rows: Sequence[Mapping[str, Any]], judge: Index, nearest: Nearest | None = None) -> dict[str, Any]:
    """Rank correlation of strictness with people's sensitivity (tier 1) and with how unacceptable they find a flow (tier 2)."""
    kinds = [(types_of(r["information"], "", nearest), r["sensitivity_1_4"]) for r in rows if r["tier"] == 1]
    first = [(_strictness(judge, found), felt) for found, felt in kinds]
    second = []
    for row in rows:
        if row["tier"] == 2 and (said := _FLOW.match(row["flow"])):
            found = types_of(said["what"], "", nearest)
            verdict = _told(judge, _recipient(said["who"]), found, "user", purpose_named(said["why"]))
            second.append((STRICTNESS[verdict], -row["acceptable_-100_100"]))
    return {
        "tier1": {"kinds": len(first), "spearman": spearman(first)},
        "tier2": {"flows": len(second), "spearman": spearman(second)},
    }


_FLOW = re.compile(r"Information about (?P<what>.*?) is collected by (?P<who>.*?) in order to (?P<why>.*)", re.S)


def purpose_named(text: str) -> str:
    """The purpose whose words stand in a text; `errand` when there are none."""
    said = f" {' '.join(words(text))} "
    found = [(said.count(f" {' '.join(words(w))}"), p.id) for p in purposes().concepts.values() for w in p.words]
    best = max(found, default=(0, "errand"), key=lambda pair: (pair[0] > 0, pair[1] == "advertising", pair[0]))
    return best[1] if best[0] else "errand"


def encoder() -> Nearest | None:
    """Nearest meanings by the sentence encoder, or nothing when its weights are not here."""
    from discreet.models.weights import WeightsError, find

    try:
        weights = find("minilm")
        from discreet.models.onnx import SentenceEncoder

        model = next(path for name, path in weights.paths.items() if name.endswith(".onnx"))
        sentences = SentenceEncoder(model, next(path for name, path in weights.paths.items() if name.endswith("tokenizer.json")))
    except (WeightsError, ImportError, StopIteration):
        return None
    return nearest_by(sentences.vectors)


def nearest_by(vectors: Callable[[Sequence[str]], Any]) -> Nearest:
    """Types whose meaning is nearest to a text, with all that are nearly as near."""
    ids = [id for id in types() if id != UNCLASSIFIED]
    meanings = vectors([types()[id].meaning for id in ids])

    def near(text: str) -> frozenset[str]:
        scores = meanings @ vectors([text])[0]
        best = float(scores.max())
        return frozenset(id for id, score in zip(ids, scores, strict=True) if score >= best - NEAR_MARGIN) if best >= NEAR_MIN else frozenset()

    return near


def render(found: Mapping[str, Any]) -> str:
    """The measurement as a page of tables."""
    ci, lens, faces = found["ci_norms"], found["privacylens"], found["confaide"]
    lines = [
        "## Oversharing with no attacker",
        "",
        f"Shipped norms, {'with' if found['encoder'] else 'without'} the sentence encoder, "
        f"share {found['share']}, seed {found['seed']}, {found['seconds']} s.",
        "",
        "| judgements | values | permitted | asked | denied |",
        "|---|---|---|---|---|",
        _line("ought not to reach the recipient", ci["wrong"]),
        _line("ought to reach it", ci["right"]),
        _line("PrivacyLens: flows people find wrong", lens),
        "",
        f"ConfAIde: strictness and felt sensitivity of {faces['tier1']['kinds']} kinds, Spearman {faces['tier1']['spearman']}; "
        f"verdict and unacceptability of {faces['tier2']['flows']} flows, Spearman {faces['tier2']['spearman']}.",
        "",
        "Method: " + METHOD,
        "",
        "| type | wrong: permitted | asked | denied | right: permitted | asked | denied |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [f"| {kind} | {' | '.join(map(str, row))} |" for kind, row in ci["by_type"].items()]
    return "\n".join(lines) + "\n"


def spearman(pairs: Sequence[tuple[float, float]]) -> float:
    """Rank correlation; ties share their mean rank."""
    if len(pairs) < 2:
        return 0.0
    xs, ys = _ranks([x for x, _ in pairs]), _ranks([y for _, y in pairs])
    mean = (len(pairs) + 1) / 2
    across = sum((x - mean) * (y - mean) for x, y in zip(xs, ys, strict=True))
    spread = (sum((x - mean) ** 2 for x in xs) * sum((y - mean) ** 2 for y in ys)) ** 0.5
    return round(across / spread, 3) if spread else 0.0


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for place in range(start, end + 1):
            ranks[order[place]] = (start + end) / 2 + 1
        start = end + 1
    return ranks


def _told(judge: Index, recipient: Recipient, kinds: Iterable[str], subject: str, purpose: str) -> Verdict:
    return judge(telling(recipient, [Tag(kind, subject) for kind in sorted(kinds)], purpose, TOOL)).verdict


def _strictness(judge: Index, kinds: Iterable[str]) -> float:
    """Mean verdict, 0 permit to 2 deny, over every role that a named recipient can have."""
    who = [r for r in roles() if not roles()[r].mark and not r.startswith(("user", "provider", "own-provider"))]
    found = [STRICTNESS[_told(judge, Recipient(RECIPIENT, "", frozenset((r, "user-said"))), kinds, "user", "correspondence")] for r in who]
    return sum(found) / len(found)


def _recipient(description: str) -> Recipient:
    return Recipient(RECIPIENT, "", roles_named(description) | {"user-said"})


def _vague(description: str) -> bool:
    return "unknown" in roles_named(description)


def _rows(data: Path, name: str, share: float, seed: int) -> list[dict[str, Any]]:
    path = data / name
    if not path.is_file():
        raise DiscreetError(f"there is no `{name}` in {data}; the folder with the three sets is needed")
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    if share >= 1.0:
        return rows
    return random.Random(seed).sample(rows, max(1, round(share * len(rows))))


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _table(counts: Counts) -> dict[str, list[int]]:
    """Type -> wrong permitted, asked, denied, right permitted, asked, denied; the worst types first."""
    rows = {kind: [c[s, v.value] for s in ("wrong", "right") for v in Verdict] for kind, c in counts.by_type.items()}
    return dict(sorted(rows.items(), key=lambda kv: (-kv[1][0] - kv[1][5], kv[0])))


def _line(name: str, row: Mapping[str, Any]) -> str:
    return f"| {name} | {row['values']} | {row['permit']:.1%} | {row['ask']:.1%} | {row['deny']:.1%} |"
