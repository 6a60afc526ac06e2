"""Labels: what a value tells of whom, and who could have influenced it (G2.1, G2.3).

A label is `(tags, sources)`. Tags are kept in normal form `(information type, subject) -> audience`; join unites the
keys and the sources and intersects the audiences of one key. The join of nothing is `PUBLIC`. Labels are interned and
joins are cached, so that a join or a check costs the same whatever the size of the data or the length of the history.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from discreet.kernel.errors import DiscreetError

LABELS_MAX = 65_536  # interned labels and cached joins kept before the caches are dropped
NOBODY: frozenset[str] = frozenset()


class Tag(NamedTuple):
    """One kind of fact about one subject: `type` is an information type id such as `health/condition`."""

    type: str
    subject: str


class Label:
    """An immutable, interned pair of tags and sources; build it with `label()` or `join()`."""

    __slots__ = ("tags", "sources", "_joins", "_key", "_hash", "_number")

    tags: Mapping[Tag, frozenset[str]]
    sources: frozenset[str]

    def __init__(self, *_: object, **__: object) -> None:
        raise DiscreetError("labels are made by label() and join() only")

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Label) and self._key == other._key)

    def __hash__(self) -> int:
        return self._hash

    def __le__(self, other: Label) -> bool:
        """Whether everything this label withholds, `other` withholds too."""
        return join2(self, other) == other

    def __repr__(self) -> str:
        tags = ", ".join(f"{t.type}@{t.subject}" for t in sorted(self.tags)) or "-"
        return f"<{tags} from {', '.join(sorted(self.sources)) or '-'}>"

    def canonical(self) -> bytes:
        """Bytes that depend on the label alone: sorted JSON, for storage and digests. Never an id."""
        tags = [[t.type, t.subject, sorted(self.tags[t])] for t in sorted(self.tags)]
        return json.dumps([tags, sorted(self.sources)], separators=(",", ":"), ensure_ascii=True).encode()

    def without_tags(self) -> Label:
        """The same sources and no tags. Used for views and standing; not a way to relax a value's label."""
        return label((), self.sources)


_interned: dict[tuple, Label] = {}
_numbers = itertools.count()  # of labels as they are made, never used twice: what a cached join is found by
_lock = threading.Lock()


def label(
    tags: Iterable[Tag | tuple[str, str]] | Mapping[Tag, Iterable[str]] = (),
    sources: Iterable[str] = (),
    audience: Iterable[str] = (),
) -> Label:
    """Make a label from tags (all with one `audience`, or a mapping tag -> audience) and sources."""
    if isinstance(sources, str) or isinstance(audience, str):  # or each letter would be one
        raise DiscreetError(f'sources and audience are lists of texts; write `("{sources if isinstance(sources, str) else audience}",)`')
    if isinstance(tags, Mapping):
        normal = {_tag(tag): frozenset(heard) for tag, heard in tags.items()}
    else:
        heard = frozenset(audience)
        normal = {_tag(tag): heard for tag in tags}
    return _intern(normal, frozenset(sources))


def _tag(pair: Tag | tuple[str, str]) -> Tag:
    if type(pair) is Tag:
        return pair
    if not isinstance(pair, tuple) or len(pair) != 2 or not all(isinstance(part, str) for part in pair):
        raise DiscreetError(f'a tag is an information type and a subject, such as `("health", "user")`; got {pair!r}')
    return Tag(*pair)


def _intern(tags: dict[Tag, frozenset[str]], sources: frozenset[str]) -> Label:
    key = (frozenset(tags.items()), sources)
    with _lock:  # two threads must not make twins of one label
        found = _interned.get(key)
        if found is None:
            if len(_interned) >= LABELS_MAX:
                _drop_caches()
            found = object.__new__(Label)
            found.tags, found.sources = tags, sources
            found._key, found._hash, found._joins, found._number = key, hash(key), {}, next(_numbers)
            _interned[key] = found
        return found


def _drop_caches() -> None:
    for known in _interned.values():
        known._joins.clear()
    _interned.clear()
    if "PUBLIC" in globals():
        _interned[PUBLIC._key] = PUBLIC


PUBLIC = label()


def join(*labels: Label) -> Label:
    """The least label that withholds all that any of `labels` withholds; `join()` is PUBLIC (G2.1)."""
    result = PUBLIC
    for other in labels:
        result = join2(result, other)
    return result


def join2(a: Label, b: Label) -> Label:
    """`join` of two, the hot path: one dictionary look-up once the pair has been seen."""
    if a is b or b is PUBLIC:
        return a
    if a is PUBLIC:
        return b
    found = a._joins.get(b._number)
    if found is None:
        found = _join_slow(a, b)
        if len(a._joins) >= LABELS_MAX:
            a._joins.clear()
        a._joins[b._number] = found
    return found


def _join_slow(a: Label, b: Label) -> Label:
    tags = dict(a.tags)
    for tag, audience in b.tags.items():
        tags[tag] = tags[tag] & audience if tag in tags else audience
    return _intern(tags, a.sources | b.sources)


def decode(stored: bytes, known_types: frozenset[str], most_private: str) -> Label:
    """A label from its canonical bytes; a type that is not known loads as `most_private`.

    The caller must have checked that the bytes are bound to their fact (a MAC): labels are never parsed from what a
    plan, a model or a service wrote (G2.5). Raises DiscreetError when the bytes are not a canonical label.
    """
    try:
        tags_list, sources = json.loads(stored)
        tags: dict[Tag, frozenset[str]] = {}
        for type_, subject, heard in tags_list:
            known = type_ in known_types
            tag = Tag(type_ if known else most_private, str(subject))
            audience = frozenset(map(str, heard)) if known else NOBODY
            tags[tag] = tags[tag] & audience if tag in tags else audience
        return _intern(tags, frozenset(map(str, sources)))
    except (ValueError, TypeError) as error:
        raise DiscreetError("a stored label is damaged") from error
