"""Which information type a new fact is, by the nearest description: the one place where detection labels (G0.5).

Doubt goes to the more private: when the nearest description does not win by a margin, the most private of the near ones is suggested.
The suggestion is shown to the user when a fact enters; it is never applied to what a run computes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from discreet.kernel.errors import invariant
from discreet.models.onnx import SentenceEncoder
from discreet.models.weights import EMBEDDING, WeightsError, find
from discreet.policy.vocabulary import NO_FACTS

margin_min = 0.08  # cosine between the nearest description and the next, below which it is doubt
score_min = 0.18  # below this nothing is near: every candidate is in doubt
words_min = 0.5  # without the embedding: what part of a fact's words have to stand in one description alone
near_max = 5  # candidates that doubt chooses among

# The most private first. A type stands where the longest of these that it begins with stands; a caller may bring its own order.
PRIVATE_FIRST = (
    "unclassified", "credential", "health", "personal", "communication/secret", "legal", "identity", "finance", "family", "work/secret",
    "work/salary", "work/performance", "communication", "location", "education", "work", "contact", "device", "home", "vehicle", "document",
    "reference", "social", "schedule", "purchase", "body", "preference", "general",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The suggested type; `certain` if no doubt had to be resolved; `candidates` with their nearness, nearest first."""

    type: str
    certain: bool
    candidates: tuple[tuple[str, float], ...]
    method: str


def suggest(fact: str, types: Sequence[tuple[str, str]], privacy: Callable[[str], int] | None = None) -> Suggestion:
    """The information type of `fact` among (id, description) pairs; smaller `privacy` is more private."""
    invariant(types, "at least one information type to choose from")
    private = privacy or privacy_of
    types = [pair for pair in types if pair[0] not in NO_FACTS]
    by_meaning = True
    try:
        scores, method = _by_meaning(fact, types), "nearest description"
    except (WeightsError, ImportError):
        scores, method = _by_words(fact, types), "shared words only: the embedding's weights are not on this machine"
        by_meaning = False
    ranked = sorted(zip((id_ for id_, _ in types), scores, strict=True), key=lambda pair: -pair[1])
    near = [pair for pair in ranked[:near_max] if ranked[0][1] - pair[1] < margin_min]
    if ranked[0][1] < score_min or (not by_meaning and (len(near) > 1 or ranked[0][1] < words_min)):  # nothing is near, or words tell nothing: any could be meant
        near = ranked
    chosen = min(near, key=lambda pair: private(pair[0]))[0]
    return Suggestion(chosen, len(near) == 1, tuple(ranked[:near_max]), method)


def privacy_of(type_id: str) -> int:
    """The default order; an unknown type is the most private."""
    found = [prefix for prefix in PRIVATE_FIRST if type_id == prefix or type_id.startswith(prefix + "/")]
    return PRIVATE_FIRST.index(max(found, key=len)) if found else -1


def _by_meaning(fact: str, types: Sequence[tuple[str, str]]) -> list[float]:
    vector = encoder().vectors([fact])[0]
    return [float(score) for score in _described(tuple(types)) @ vector]


@cache
def _described(types: tuple[tuple[str, str], ...]):
    return encoder().vectors([description for _, description in types])


@cache
def encoder() -> SentenceEncoder:
    """The embedding model, also what recall by meaning uses. Raises WeightsAbsent."""
    weights = find(EMBEDDING)
    return SentenceEncoder(weights.paths["model.onnx"], weights.paths["tokenizer.json"])


def _by_words(fact: str, types: Sequence[tuple[str, str]]) -> list[float]:
    said = set(re.findall(r"\w{3,}", fact.lower()))
    scores = []
    for id_, description in types:
        words = set(re.findall(r"\w{3,}", f"{id_} {description}".lower()))
        scores.append(len(said & words) / (len(said) or 1))
    return scores
