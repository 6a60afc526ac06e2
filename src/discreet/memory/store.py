"""The vault: remembers, recalls, corrects and forgets labelled facts in one encrypted file (G7).

    vault = Vault.open(path, key)
    vault.remember("EU 43", "body/shoe-size")
    vault.recall(["body/shoe-size"], "shoe size", 3)

Facts live in places, one for every set of tags, apart for what the user said and what was learnt from outside. Recall
names its information types first and looks into the places within them only; its label is `place_label` of what was
named, whatever was found (G2.6, G7.2). Every fact is sealed: a label is read only from a row whose seal fits.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from discreet.kernel.errors import nearest
from discreet.kernel.label import PUBLIC, Label, Tag, decode, join2, label
from discreet.ledger.database import connect, damage, subkey, transaction
from discreet.ledger.entry import LedgerError
from discreet.ledger.head import Head, HeadFile, Signer, turn
from discreet.memory import search
from discreet.memory.fact import USER_SAID, Fact, Place, VaultError, fact_label, place_of_key, seal
from discreet.memory.migrations import migrate
from discreet.memory.search import Embed

FACT_CHARS_MAX = 20_000
NAME_CHARS_MAX = 200  # of a subject, a source, an audience member, a step of provenance
PROVENANCE_STEPS_MAX = 100
RECALL_FACTS_MAX = 100  # of one named type in one recall
ROW = "id, type, subject, text, label, provenance, created, updated"


def _utc() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Vault:
    """One open vault; safe for threads, and for other processes with the same file open."""

    def __init__(
        self,
        path: Path,
        key: bytes,
        types: frozenset[str],
        most_private: str,
        embed: Embed | None,
        head_path: Path | None,
        now: Callable[[], dt.datetime],
        accept_older: bool,
    ) -> None:
        self.path, self.types, self.most_private = path, types, most_private
        self._embed, self._now = embed, now
        self._mutex = threading.RLock()
        self._joined = self._failed = False
        self._seal_key, self._id_key = subkey(key, "vault seals"), subkey(key, "vault ids")
        self.export_key = subkey(key, "vault exports")
        self._signer = Signer(subkey(key, "vault heads"))
        self._head_file = HeadFile(head_path) if head_path else None
        self.db = connect(path, subkey(key, "vault file"))
        try:
            migrate(self.db)
            self.name = self._meta("name")
            if accept_older:
                self._sign()
            else:
                self._refuse_older()
            if self._meta("scrub") == "yes":  # a process died between forgetting and erasing
                self._scrub()
        except damage() as error:
            self.db.close()
            raise self._unreadable(error) from error
        except VaultError:
            self.db.close()
            raise

    @classmethod
    def open(
        cls,
        path: Path | str,
        key: bytes,
        *,
        types: Iterable[str] | None = None,
        most_private: str = "unclassified",
        embed: Embed | None = None,
        head_path: Path | str | None = None,
        now: Callable[[], dt.datetime] = _utc,
        accept_older: bool = False,
    ) -> Vault:
        """Open or create the vault at `path`. Without `types`, those of the shipped vocabulary.

        With `head_path` (kept outside the vault's folder) an older copy put in its place is refused unless the user
        accepts it. Raises StoreError on a wrong key or a damaged file.
        """
        if types is None:
            from discreet.policy.vocabulary import kinds_of_facts

            types = kinds_of_facts()
        known = frozenset(types) | {most_private}
        return cls(Path(path), key, known, most_private, embed, Path(head_path) if head_path else None, now, accept_older)

    def __enter__(self) -> Vault:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with self._mutex:
            self.db.close()

    # writing

    def remember(
        self,
        text: str,
        type: str,
        subject: str = "user",
        sources: Iterable[str] = (),
        provenance: Iterable[str] = (),
        audience: Iterable[str] = (),
        more: Label = PUBLIC,
    ) -> Fact:
        """Keep a fact. With a source other than the user it is a learned fact for ever (G7.1).

        `more` is the label of what the fact was derived from; a fact with further tags is found only by a recall that
        names all of them.
        """
        sources, provenance, audience = _many(sources), _many(provenance), _many(audience)
        self._refuse_odd(text, (subject, *sources, *audience), provenance)
        tag = Tag(self._known(type), subject)
        made, learned = fact_label((tag,), sources, audience, more)
        for other in made.tags:
            self._known(other.type)
        place = Place(learned, frozenset(made.tags))
        with self._change() as log:
            number, serial = self._next(place)
            fact_id = self._id(place.key(), serial)
            now = self._now().isoformat(timespec="microseconds")
            fact = Fact(fact_id, text, type, subject, made, provenance, learned, now, now)
            self._insert(number, serial, place.key(), fact)
            log("remember", fact_id)
        return fact

    def correct(self, id: str, text: str, sources: Iterable[str] = ()) -> Fact:
        """Put a new text in place of the old one, which is erased. Tags, sources and provenance stay, and may grow; who heard the
        old text has not heard the new one (G5.3)."""
        sources = _many(sources)
        self._refuse_odd(text, sources, ())
        with self._change() as log:
            number, serial, key, old = self._row(id)
            outside = frozenset(sources) - USER_SAID
            if outside and not old.learned:
                raise VaultError(f"fact `{id}` was said by the user; what comes from {', '.join(sorted(outside))} is remembered apart")
            made = join2(label(old.label.tags.keys(), old.label.sources), label((), outside))
            now = self._now().isoformat(timespec="microseconds")
            steps = (*old.provenance, f"corrected {now}")[-PROVENANCE_STEPS_MAX:]
            fact = Fact(id, text, old.type, old.subject, made, steps, old.learned, old.created, now)
            self._delete(number, serial)
            self._insert(number, serial, key, fact)
            self._set("scrub", "yes")
            log("correct", id)
        self._scrub()
        return fact

    def forget(self, id: str) -> None:
        """Delete a fact and erase it from the file and its indexes. Works on a damaged fact too."""
        with self._change() as log:
            rows = self._fetched("select place, serial from fact where id = ?", (id,))
            if not rows:
                raise VaultError(f"the vault has no fact `{id}`")
            if not self._sound(id):  # its words are not those that its index has, perhaps not in this place
                self.db.execute("delete from vector where place = ? and serial = ?", rows[0])
                self.db.execute("delete from fact where id = ?", (id,))
                self._index_anew()
            else:
                self._delete(*rows[0])
            self._set("scrub", "yes")
            log("forget", id)
        self._scrub()

    def embed_missing(self) -> int:
        """Make up the vectors of facts that were remembered while no embedding was installed; how many."""
        if not self._embed or self._meta("embedded") == "yes":
            return 0
        with self._mutex, transaction(self.db):
            rows = self.db.execute(
                "select place, serial, text from fact where not exists"
                " (select 1 from vector v where v.place = fact.place and v.serial = fact.serial)"
            ).fetchall()
            for number, serial, text in rows:
                search.put_vector(self.db, number, serial, text, self._embed)
            self._set("embedded", "yes")
        return len(rows)

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is remembered inside is remembered as one: all of it or, after a failure or a crash, none."""
        with self._mutex:
            with self._change():
                self._joined, self._failed = True, False
                try:
                    yield
                finally:
                    self._joined = False
                if self._failed:
                    raise VaultError("a part of the change failed, so none of it is kept")
            if self._meta("scrub") == "yes":
                self._scrub()

    # reading

    def recall(
        self,
        types: Iterable[str],
        query: str = "",
        limit: int = 5,
        learned: bool = False,
        subjects: Iterable[str] = ("user",),
    ) -> list[Fact]:
        """For each named type in turn, its best `limit` matches: what one type holds never displaces another's (G7.2).

        A type stands for all below it. What was learnt from outside is read only with `learned`, and then alone.
        The result's label is `place_label` of the same arguments; nothing found and nothing there look alike.
        """
        named = [self._known(t) for t in _many(types)]
        if not 0 < limit <= RECALL_FACTS_MAX:
            raise VaultError(f"a limit of {limit} facts; between 1 and {RECALL_FACTS_MAX} facts of a type are recalled at once")
        if len(query) > search.QUERY_CHARS_MAX:
            raise VaultError(f"a query of {len(query)} characters; at most {search.QUERY_CHARS_MAX} characters")
        wanted = self._tags(named, subjects)
        vector = self._embed([query])[0] if self._embed and query.strip() else None
        with self._reading():
            places = self._places(learned, wanted)
            return [fact for one in dict.fromkeys(named) for fact in self._best(places, one, named, query, limit, vector)]

    def place_label(self, types: Iterable[str], learned: bool = False, subjects: Iterable[str] = ("user",)) -> Label:
        """The label of every recall of these types: fixed by what is named, not by what is there (G2.5, G2.6)."""
        return Place(learned, self._tags([self._known(t) for t in _many(types)], subjects)).label()

    def get(self, id: str) -> Fact:
        """One fact by its id. Raises VaultError where there is none."""
        with self._reading():
            return self._row(id)[3]

    def facts(self, type: str | None = None, subject: str | None = None, learned: bool | None = None) -> list[Fact]:
        """Everything, for the user: by type, then in order of entry."""
        with self._reading():
            found = [self._read(key, row) for key, row in self._all()]
        return [
            f
            for f in found
            if (type is None or f.type == type or f.type.startswith(type + "/"))
            and (subject is None or f.subject == subject)
            and (learned is None or f.learned == learned)
        ]

    def counts(self, subject: str | None = "user") -> dict[str, int]:
        """How many facts there are of each type (about `subject`; None: about anyone)."""
        found: dict[str, int] = {}
        query = "select type, count(*) from fact where ?1 is null or subject = ?1 group by type order by type"
        with self._reading():
            for type_, count in self._fetched(query, (subject,)):
                known = type_ if type_ in self.types else self.most_private
                found[known] = found.get(known, 0) + count
        return found

    def check(self) -> list[str]:
        """Ids of facts whose seal does not fit: changed, swapped or moved by someone without the key."""
        with self._reading():
            return [row[0] for _, row in self._all() if not self._sound(row[0])]

    # inside

    def _tags(self, named: Iterable[str], subjects: Iterable[str]) -> frozenset[Tag]:
        """The named types and all below them, by the vocabulary alone: a prohibition further down must bite too."""
        below = {t for n in named for t in self.types if t == n or t.startswith(n + "/")}
        about = _many(subjects)
        return frozenset(Tag(t, s) for t in below for s in about)

    def _places(self, learned: bool, wanted: frozenset[Tag]) -> list[tuple[int, str, frozenset[Tag]]]:
        """The places whose every tag is wanted; a type that is no longer known counts as the most private."""
        found = []
        for number, key in self._fetched("select number, key from place order by key"):
            place = place_of_key(key)
            tags = frozenset(t if t.type in self.types else Tag(self.most_private, t.subject) for t in place.tags)
            if place.learned == learned and tags <= wanted:
                found.append((number, key, tags))
        return found

    def _best(self, places: list, one: str, named: list[str], query: str, limit: int, vector: Any) -> list[Fact]:
        """The best of the places that belong to `one`: to the first named type that covers their least tag."""
        found: list[tuple[float, int, int]] = []
        for order, (number, _, tags) in enumerate(places):
            least = min(tags).type
            if one == next(n for n in named if least == n or least.startswith(n + "/")):
                found += [(-score, order, serial) for score, serial in search.find(self.db, number, query, limit, vector)]
        return [self._at(*places[order][:2], serial) for _, order, serial in sorted(found)[:limit]]

    def _at(self, number: int, key: str, serial: int) -> Fact:
        rows = self._fetched(f"select {ROW}, seal from fact where place = ? and serial = ?", (number, serial))
        if not rows:
            raise VaultError("the index of a place names a fact that is not there: the vault is damaged")
        return self._read(key, rows[0])

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """What is read inside is of one moment, whatever other processes change."""
        with self._mutex:
            if self.db.in_transaction:
                yield
                return
            try:
                self.db.execute("begin")
                try:
                    yield
                finally:
                    self.db.execute("commit")
            except damage() as error:
                raise self._unreadable(error) from error

    def _fetched(self, query: str, values: tuple = ()) -> list[tuple]:
        try:
            return self.db.execute(query, values).fetchall()
        except damage() as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> VaultError:
        return VaultError(f"the vault at `{self.path}` cannot be read: {error}")

    def _all(self) -> Iterator[tuple[str, tuple]]:
        query = f"select place.key, {ROW}, seal from fact join place on place.number = fact.place order by place.key, fact.serial"
        for key, *row in self._fetched(query):
            yield key, tuple(row)

    def _row(self, id_: str) -> tuple[int, int, str, Fact]:
        query = f"select fact.place, fact.serial, place.key, {ROW}, seal from fact join place on place.number = fact.place where id = ?"
        rows = self._fetched(query, (id_,))
        if not rows:
            raise VaultError(f"the vault has no fact `{id_}`")
        number, serial, key, *row = rows[0]
        return number, serial, key, self._read(key, tuple(row))

    def _read(self, key: str, row: tuple) -> Fact:
        """A fact from its row. The seal is looked at first: a label is never parsed from what anyone wrote (G2.5)."""
        *fields, stored = row
        if not isinstance(stored, bytes) or not hmac.compare_digest(seal(self._seal_key, key, tuple(fields)), stored):
            raise VaultError(f"fact `{row[0]}` was changed or moved by someone without the key")
        id_, type_, subject, text, label_, provenance, created, updated = fields
        known = type_ if type_ in self.types else self.most_private
        made = decode(label_, self.types, self.most_private)
        return Fact(id_, text, known, subject, made, tuple(json.loads(provenance)), place_of_key(key).learned, created, updated)

    def _sound(self, id_: str) -> bool:
        try:
            self._row(id_)
        except VaultError:
            return False
        return True

    def _insert(self, number: int, serial: int, key: str, fact: Fact) -> None:
        provenance = json.dumps(list(fact.provenance))
        row = (fact.id, fact.type, fact.subject, fact.text, fact.label.canonical(), provenance, fact.created, fact.updated)
        self.db.execute(
            f"insert into fact(place, serial, {ROW}, seal) values({','.join('?' * 11)})",
            (number, serial, *row, seal(self._seal_key, key, row)),
        )
        search.add(self.db, number, serial, fact.text, fact.type)
        if self._embed:
            search.put_vector(self.db, number, serial, fact.text, self._embed)
        else:
            self._set("embedded", "no")

    def _delete(self, number: int, serial: int) -> None:
        rows = self.db.execute("select text, type from fact where place = ? and serial = ?", (number, serial)).fetchone()
        search.remove(self.db, number, serial, *rows)
        search.optimize(self.db, number)
        self.db.execute("delete from vector where place = ? and serial = ?", (number, serial))
        self.db.execute("delete from fact where place = ? and serial = ?", (number, serial))

    def _index_anew(self) -> None:
        for (number,) in self._fetched("select number from place"):
            self.db.execute(f"drop table search_{number}")
            search.create(self.db, number)
            for serial, text, type_ in self._fetched("select serial, text, type from fact where place = ?", (number,)):
                search.add(self.db, number, serial, text, type_)

    def _next(self, place: Place) -> tuple[int, int]:
        """The place's number and the next serial in it; a serial is never given twice."""
        key = place.key()
        self.db.execute("insert or ignore into place(key) values(?)", (key,))
        number, serial = self.db.execute("update place set serial = serial + 1 where key = ? returning number, serial", (key,)).fetchall()[0]
        if serial == 1:
            search.create(self.db, number)
        return number, serial

    def _id(self, key: str, serial: int) -> str:
        """Tells nothing about other places: it depends on the key, the place and the serial in it."""
        return "f" + hmac.digest(self._id_key, json.dumps([key, serial]).encode(), "sha256").hex()[:20]

    def _known(self, type_: str) -> str:
        if type_ not in self.types:
            raise VaultError(f"unknown information type `{type_}`{nearest(type_, self.types)}")
        return type_

    def _refuse_odd(self, text: str, names: tuple[str, ...], steps: tuple[str, ...]) -> None:
        if not text.strip():
            raise VaultError("a fact without a text")
        if len(text) > FACT_CHARS_MAX:
            raise VaultError(f"a fact of {len(text)} characters; at most {FACT_CHARS_MAX} characters are kept")
        if len(steps) > PROVENANCE_STEPS_MAX:
            raise VaultError(f"a provenance of {len(steps)} steps; at most {PROVENANCE_STEPS_MAX} steps are kept")
        for name in (*names, *steps):
            if len(name) > NAME_CHARS_MAX:
                raise VaultError(f"a name of {len(name)} characters; at most {NAME_CHARS_MAX} characters")
        if any("\ud800" <= c <= "\udfff" for c in "".join((text, *names, *steps))):
            raise VaultError("a text with half a character (a lone surrogate)")

    @contextmanager
    def _change(self) -> Iterator[Callable[[str, str], None]]:
        """A durable change, all or nothing; it moves the vault's lineage on, so that an older copy shows."""
        try:
            with self._mutex:
                if self._joined:  # part of a larger change, which fails as a whole if this part does
                    before, self._failed = self._failed, True
                    yield self._advance
                    self._failed = before
                    return
                with transaction(self.db):
                    yield self._advance
                self._sign()
        except damage() as error:
            raise VaultError(f"the vault at `{self.path}` cannot be written: {error}") from error

    def _advance(self, what: str, id_: str) -> None:
        lineage = hashlib.sha256(f"{self._meta('lineage')} {what} {id_}".encode()).hexdigest()
        self._set("changes", str(int(self._meta("changes")) + 1))
        self._set("lineage", lineage)

    def _sign(self) -> None:
        if self._head_file:
            with turn(self.path.with_name(self.path.name + ".lock")):  # so that no older head overwrites a newer one
                self._head_file.write(self._signer.sign(Head(self.name, int(self._meta("changes")), self._meta("lineage"))))

    def _refuse_older(self) -> None:
        """The head file outlives the vault's file: a copy put back to an earlier day is refused."""
        if self._head_file is None:
            return
        try:
            head = self._head_file.read()
        except LedgerError as error:
            raise VaultError(f"{error}: `{self._head_file.path}`") from error
        changes = int(self._meta("changes"))
        if head is None:
            if changes:
                raise VaultError(f"the vault's head file `{self._head_file.path}` is missing")
            return self._sign()
        same = head.seq < changes or (head.seq == changes and head.hash == self._meta("lineage"))
        if head.ledger != self.name or not same or not self._signer.made(head):
            raise VaultError("the vault is not the one that its head states: it was put back to an older copy or replaced")

    def _meta(self, name: str) -> str:
        return self.db.execute("select value from meta where name = ?", (name,)).fetchone()[0]

    def _set(self, name: str, value: str) -> None:
        self.db.execute("update meta set value = ? where name = ?", (value, name))

    def _scrub(self) -> None:
        """Erase what was deleted from the file and its log. Another process's reading delays it to a later opening."""
        if self._joined:  # a file is not rewritten in the middle of a change; the next opening does it
            return
        try:
            with self._mutex:
                self.db.execute("vacuum")
                busy, *_ = self.db.execute("pragma wal_checkpoint(truncate)").fetchone()
                if not busy:
                    with transaction(self.db):
                        self._set("scrub", "no")
        except damage():
            pass  # `scrub` stands at yes


def _many(names: Iterable[str]) -> tuple[str, ...]:
    """Names, once and for all: a generator read twice would lose them. One bare text is a mistake, not its letters."""
    if isinstance(names, str):
        raise VaultError("several names were expected, not one text")
    return tuple(names)
