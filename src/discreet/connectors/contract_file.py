"""Contracts of an MCP server's tools from a TOML file that the user wrote; what is not said has its worst reading (G5.1).

    [place.NAME]  tells from owner readers readable keeps shows currency
    [tool.NAME]   summary effect purpose place origin recipients resolves undoable shares calls_max seconds_max
                  arguments.NAME: role kind max of choices default address id_of
                  result:         kind max of fields choices name optional attested tells from id_of

The file is trusted like code. The server's words are not: it hears every call and is a source of every answer whatever the file says,
its places and the kinds of its ids are its own, and nothing that it says of itself is read here (G0.2, G2.5).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from discreet.kernel.contract import REQUIRED, SECONDS_MAX, WORST, Contract, Effect, Parameter, Place, Role
from discreet.kernel.errors import DiscreetError, nearest
from discreet.kernel.label import Label, Tag, join2, label
from discreet.kernel.shape import SCALAR_KINDS, Shape
from discreet.policy.contracts import slip
from discreet.policy.vocabulary import Vocabulary, purposes, types

FILE_BYTES_MAX = 500_000
PROBLEMS_MAX = 20  # of one file that are told
DEPTH_MAX = 12  # of a result
SIZE_MAX = 1_000_000  # characters, elements or magnitude that a shape may state
CALLS_MAX = 200
TEXT_CHARS_MAX = 500
NAME_CHARS_MAX = 60

KEYS = {
    "file": ("place", "tool"),
    "place": ("tells", "from", "owner", "readers", "readable", "keeps", "shows", "currency"),
    "tool": ("summary", "effect", "purpose", "place", "origin", "recipients", "resolves", "undoable", "shares", "calls_max", "seconds_max", "arguments", "result"),
    "argument": ("role", "kind", "max", "of", "choices", "default", "address", "id_of"),
    "result": ("kind", "max", "of", "fields", "choices", "name", "optional", "attested", "tells", "from", "id_of"),
}  # fmt: skip
KINDS = (*SCALAR_KINDS, "list", "dict", "record", "enum")
OWNERS = ("server", "user")
ADDRESSES = ("mail", "shop", "host")
SUBJECTS = ("user", "others")

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Described:
    """What a file says of one tool: all but the arguments that its schema has and the file does not name."""

    contract: Callable[[str, Mapping[str, tuple[Shape, bool]], bool, Shape], Contract]
    arguments: tuple[str, ...]
    path: Path


@dataclass
class ContractFile:
    """One file, read: its tools by the server's names for them, and where each of them stands."""

    server: str
    origin: str
    tools: Mapping[str, Described]
    at: Callable[[Path], str]

    def contract(self, tool: str, name: str, arguments: Mapping[str, tuple[Shape, bool]], reads: bool, answer: Shape) -> Contract | None:
        """The contract of an approved tool that plans call `name`; `arguments` are shape and whether it is needed, by the pinned schema,
        `answer` what it gives
        where the file does not say. None for a tool that the file does not speak of. Raises DiscreetError, located, where file and schema do not fit."""
        found = self.tools.get(tool)
        if found is None:
            return None
        for one in found.arguments:
            if one not in arguments:
                raise DiscreetError(f"{self.at((*found.path, 'arguments', one))}: `{tool}` takes no argument `{one}`{nearest(one, arguments)}")
        try:
            return found.contract(name, arguments, reads, answer)
        except DiscreetError as error:
            raise DiscreetError(f"{self.at(found.path)}: {error}") from None

    def unused(self, approved: Iterable[str]) -> list[str]:
        """Tools that the file speaks of and that are not approved: what it says of them counts for nothing yet."""
        known = set(approved)
        return [
            f"{self.at(one.path)}: no tool `{name}` of `{self.server}` is approved{nearest(name, known)}" for name, one in self.tools.items() if name not in known
        ]


def read(text: str, origin: str, server: str) -> ContractFile:
    """The file's contracts. Raises DiscreetError with every mistake by line, column and nearest name."""
    if len(text.encode()) > FILE_BYTES_MAX:
        raise DiscreetError(f"{origin}: is over {FILE_BYTES_MAX} bytes")
    try:
        rows = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        at = re.search(r"line (\d+), column (\d+)", str(error))
        line, column = (at[1], at[2]) if at else (text.count("\n") + 1, len(text.rpartition("\n")[2]) + 1)  # the end of the file
        reason = re.sub(r"\s*\(at .*\)", "", str(error)).strip()
        raise DiscreetError(f"{origin}: line {line}, column {column}: {reason[:1].lower()}{reason[1:]}") from None
    reader = _Reader(server, origin, positions(text), text)
    made = reader.file(rows)
    if reader.problems:
        more = f"\nand {len(reader.problems) - PROBLEMS_MAX} more" if len(reader.problems) > PROBLEMS_MAX else ""
        raise DiscreetError("\n".join(reader.problems[:PROBLEMS_MAX]) + more)
    return made


@dataclass
class _Reader:
    server: str
    origin: str
    where: Mapping[Path, tuple[int, int]]
    text: str
    problems: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"mcp:{self.server}"

    # ------------------------------------------------------------------------------------------ tables

    def file(self, rows: dict[str, Any]) -> ContractFile:
        self.known("file", (), rows)
        places: dict[str, Place] = {}
        tables = self.tables(("place",), rows.get("place", {}))
        for name, row in tables.items():
            places[name] = self.place(name, row)
        for name, row in tables.items():  # once all are there
            shows = tuple(p for one in self.texts(("place", name), row, "shows") if (p := self.named((*("place", name), "shows"), one, places)))
            places[name] = replace(places[name], shows=shows) if shows else places[name]
        tools = {name: self.tool(name, row, places) for name, row in self.tables(("tool",), rows.get("tool", {})).items()}
        return ContractFile(self.server, self.origin, tools, self.at)

    def place(self, name: str, row: dict[str, Any]) -> Place:
        path = ("place", name)
        self.known("place", path, row)
        owner = self.one_of(path, row, "owner", OWNERS, "user")
        currency = row.get("currency", "")
        if currency and not (isinstance(currency, str) and re.fullmatch(r"[A-Z]{3}", currency)):
            self.wrong((*path, "currency"), "three capital letters are needed")
        return Place(
            f"mcp/{self.server}/{name}", self.label(path, row, WORST), self.ids(path, row, "readers"), self.id if owner == "server" else "",
            self.flag(path, row, "readable", True), self.concepts((*path, "keeps"), row.get("keeps", []), types()), currency=str(currency),
        )  # fmt: skip

    def tool(self, name: str, row: dict[str, Any], places: Mapping[str, Place]) -> Described:
        path = ("tool", name)
        self.known("tool", path, row)
        effect = self.one_of(path, row, "effect", [e.value for e in Effect], None)
        purpose = row.get("purpose", "errand")
        if not isinstance(purpose, str) or purpose not in purposes():
            self.wrong((*path, "purpose"), purposes().unknown(str(purpose)))
        place, origin = (self.named((*path, key), row[key], places) if key in row else None for key in ("place", "origin"))
        summary = self.line(path, row, "summary", TEXT_CHARS_MAX)
        arguments = {one: self.argument((*path, "arguments", one), held) for one, held in self.tables((*path, "arguments"), row.get("arguments", {})).items()}
        result = self.shape((*path, "result"), row["result"], 0) if "result" in row else None
        heard = tuple(dict.fromkeys((self.id, *self.ids(path, row, "recipients"))))
        flags = {key: self.flag(path, row, key, False) for key in ("resolves", "undoable", "shares")}
        calls = self.whole(path, row, "calls_max", 20, CALLS_MAX)
        seconds = self.whole(path, row, "seconds_max", SECONDS_MAX, SECONDS_MAX)

        def contract(called: str, schema: Mapping[str, tuple[Shape, bool]], reads: bool, answer: Shape) -> Contract:
            done = Effect(effect) if effect else Effect.READ if reads else Effect.WRITE
            parameters = tuple(_parameter(one, arguments.get(one, {}), shape, needed, done) for one, (shape, needed) in schema.items())
            return Contract(
                called, summary, parameters, result or answer, done, purpose, place, heard, calls_max=calls, seconds_max=seconds, origin=origin, **flags
            )  # type: ignore[arg-type]

        return Described(contract, tuple(arguments), path)

    def argument(self, path: Path, row: dict[str, Any]) -> dict[str, Any]:
        self.known("argument", path, row)
        made: dict[str, Any] = {}
        role = self.one_of(path, row, "role", [r.value for r in Role], None)
        made |= {"role": Role(role)} if role else {}
        if "kind" in row:
            made["shape"] = self.shape(path, {key: value for key, value in row.items() if key in ("kind", "max", "of", "choices", "id_of")}, 0)
        elif extra := [key for key in ("max", "of", "choices", "id_of") if key in row]:
            self.wrong((*path, extra[0]), "needs a `kind` beside it")
        if "default" in row:
            made["default"] = row["default"]
            if not isinstance(row["default"], (str, int, float, bool)):
                self.wrong((*path, "default"), "a text, a number, true or false is needed")
        address = self.line(path, row, "address", NAME_CHARS_MAX)
        near = slip(address, ADDRESSES)
        if address and (near or not re.fullmatch(r"[a-z][a-z-]{0,30}", address)):
            self.wrong((*path, "address"), f"`{address}` is no kind of address{f'; did you mean `{near}`?' if near else ''}")
        return made | ({"address": address} if address else {})

    def shape(self, path: Path, row: Any, depth: int) -> Shape:
        if not isinstance(row, dict):
            self.wrong(path, 'a table such as { kind = "text", max = 100 } is needed')
            return Shape("any")
        if depth > DEPTH_MAX:
            self.wrong(path, f"is nested over {DEPTH_MAX} deep")
            return Shape("any")
        self.known("result", path, row)
        kind = self.one_of(path, row, "kind", KINDS, "any")
        most = self.whole(path, row, "max", None, SIZE_MAX) if "max" in row else None
        choices = self.texts(path, row, "choices")
        if (kind == "enum") != bool(choices):
            self.wrong((*path, "choices" if choices else "kind"), "choices belong to an `enum`, and an `enum` has some")
        element = self.shape((*path, "of"), row["of"], depth + 1) if "of" in row else None
        if element is not None and kind not in ("list", "dict"):
            self.wrong((*path, "of"), "belongs to a `list` or a `dict`")
        inner = row.get("fields", {})
        if bool(inner) != (kind == "record") or not isinstance(inner, dict):
            self.wrong((*path, "fields" if "fields" in row else "kind"), "fields belong to a `record`, and a `record` has some")
            inner = {}
        fields = {name: self.shape((*path, "fields", name), one, depth + 1) for name, one in inner.items()}
        for name in fields:
            if not name.isidentifier() or name.startswith("_"):
                self.wrong((*path, "fields", name), "is no name that a plan can write")
        id_of = self.line(path, row, "id_of", NAME_CHARS_MAX)
        if id_of and kind != "text":
            self.wrong((*path, "id_of"), "belongs to a `text`, which is the id")
        name = self.line(path, row, "name", NAME_CHARS_MAX) or "".join(part.title() for part in (path[1], *path[-1:][: depth]))
        return Shape(
            kind, self.label(path, row, label()), max(map(len, choices)) if choices else most, element, fields, re.sub(r"[\W_]", "", name) if kind == "record" else "",
            self.flag(path, row, "optional", False), self.flag(path, row, "attested", False), choices, f"{self.server} {id_of}" if id_of else "",
        )  # fmt: skip

    def label(self, path: Path, row: Mapping[str, Any], unsaid: Label) -> Label:
        """`tells` and `from`; the server is a source of all that it says."""
        said = unsaid if "tells" not in row else label([tag for one in self.texts(path, row, "tells") if (tag := self.tag((*path, "tells"), one))])
        sources = self.ids(path, row, "from") if "from" in row else ("outside",) if path[0] == "place" else ()
        return join2(label(said.tags, ()), label((), (*sources, self.id)))

    def tag(self, path: Path, text: str) -> Tag | None:
        """`health` is the user's, `health of others` is not."""
        kind, _, subject = (part.strip() for part in text.partition(" of "))
        subject = subject or "user"
        if kind not in types():
            self.wrong(path, types().unknown(kind), text)
            return None
        if subject not in SUBJECTS and not re.fullmatch(r"[\w.-]+:\S{1,300}", subject):
            self.wrong(path, f"`{subject}` is nobody{nearest(subject, SUBJECTS)}; write `{kind} of others`, or an id such as `person:sam@example.org`", text)
            return None
        return Tag(kind, subject)

    # ------------------------------------------------------------------------------------------ fields

    def known(self, table: str, path: Path, row: Mapping[str, Any]) -> None:
        for key in row:
            if key not in KEYS[table]:
                self.wrong((*path, key), f"is no field of {'this file' if table == 'file' else f'this table, which is of a {table}'}{nearest(key, KEYS[table])}")

    def tables(self, path: Path, rows: Any) -> dict[str, dict[str, Any]]:
        if not isinstance(rows, dict) or not all(isinstance(row, dict) for row in rows.values()):
            self.wrong(path, f"tables are needed, such as [{'.'.join(path)}.NAME]")
            return {}
        return rows

    def named(self, path: Path, name: Any, places: Mapping[str, Place]) -> Place | None:
        if isinstance(name, str) and name in places:
            return places[name]
        self.wrong(path, f"no place of this file is called `{name}`{nearest(str(name), places)}", name)
        return None

    def one_of(self, path: Path, row: Mapping[str, Any], key: str, known: Iterable[str], unsaid: Any) -> Any:
        if key not in row:
            return unsaid
        found, names = row[key], list(known)
        if isinstance(found, str) and found in names:
            return found
        self.wrong((*path, key), f"`{found}` is none of {', '.join(names)}{nearest(str(found), names)}", found)
        return unsaid

    def concepts(self, path: Path, given: Any, vocabulary: Vocabulary) -> tuple[str, ...]:
        if not _texts(given):
            self.wrong(path, "a list of texts is needed")
            return ()
        for one in given:
            if one not in vocabulary:
                self.wrong(path, vocabulary.unknown(one), one)
        return tuple(given)

    def texts(self, path: Path, row: Mapping[str, Any], key: str) -> tuple[str, ...]:
        given = row.get(key, [])
        if _texts(given):
            return tuple(given)
        self.wrong((*path, key), "a list of texts is needed")
        return ()

    def ids(self, path: Path, row: Mapping[str, Any], key: str) -> tuple[str, ...]:
        found = self.texts(path, row, key)
        for one in found:
            if not one.isprintable() or not one.strip() or one != one.strip():
                self.wrong((*path, key), "an id is one line without blanks around it", one)
        return found

    def line(self, path: Path, row: Mapping[str, Any], key: str, chars_max: int) -> str:
        given = row.get(key, "")
        if isinstance(given, str) and given.isprintable() and len(given) <= chars_max:
            return given
        self.wrong((*path, key), f"a text of one line and at most {chars_max} characters is needed")
        return ""

    def flag(self, path: Path, row: Mapping[str, Any], key: str, unsaid: bool) -> bool:
        given = row.get(key, unsaid)
        if isinstance(given, bool):
            return given
        self.wrong((*path, key), "true or false is needed")
        return unsaid

    def whole(self, path: Path, row: Mapping[str, Any], key: str, unsaid: int | None, most: int) -> Any:
        given = row.get(key, unsaid)
        if given is unsaid or (isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= most):
            return given
        self.wrong((*path, key), f"a whole number from 1 to {most} is needed")
        return unsaid

    # ------------------------------------------------------------------------------------------ where it stands

    def wrong(self, path: Path, message: str, shown: Any = None) -> None:
        self.problems.append(f"{self.at(path, shown)}: {path[-1] if path else 'file'}: {message}")

    def at(self, path: Path, shown: Any = None) -> str:
        """The line and column of a key, or of the text `shown` behind it."""
        near = path
        while near and near not in self.where:
            near = near[:-1]
        line, column = self.where.get(near, (1, 1))
        rows = self.text.split("\n")
        for name in path[len(near):]:  # inside an inline table
            if found := re.compile(rf"(?<![\w-])[\"']?{re.escape(name)}[\"']?\s*=").search(rows[line - 1], column - 1):
                column = found.start() + 1
        if isinstance(shown, str) and shown:
            for number in range(line, min(line + 50, len(rows)) + 1):
                start = rows[number - 1].find(shown, column - 1 if number == line else 0)
                if start >= 0:
                    return f"{self.origin}: line {number}, column {start + 1}"
        return f"{self.origin}: line {line}, column {column}"


def _parameter(name: str, said: Mapping[str, Any], shape: Shape, needed: bool, effect: Effect) -> Parameter:
    """An argument of which nothing is said decides something, as far as anybody knows."""
    worst = Role.KEY if effect is Effect.READ else Role.WHAT
    return Parameter(name, said.get("shape", shape), said.get("role", worst), REQUIRED if needed else said.get("default"), said.get("address", ""))


def _texts(given: Any) -> bool:
    return isinstance(given, list) and all(isinstance(one, str) for one in given)


_KEY = r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|[A-Za-z0-9_-]+"
_HEAD = re.compile(rf"\s*\[\s*((?:{_KEY})(?:\s*\.\s*(?:{_KEY}))*)\s*\]\s*(?:#.*)?$")
_ASSIGNED = re.compile(rf"(\s*)((?:{_KEY})(?:\s*\.\s*(?:{_KEY}))*)\s*=")


def positions(text: str) -> dict[Path, tuple[int, int]]:
    """Where each table and each key of a line begins. What a text of several lines holds may be taken for keys, which no error asks for."""
    found: dict[Path, tuple[int, int]] = {}
    table: Path = ()
    for number, row in enumerate(text.split("\n"), 1):
        if head := _HEAD.match(row):
            table = _parts(head[1])
            found.setdefault(table, (number, head.start(1) + 1))
        elif assigned := _ASSIGNED.match(row):
            found.setdefault((*table, *_parts(assigned[2])), (number, len(assigned[1]) + 1))
    for path, at in list(found.items()):
        for length in range(1, len(path)):
            found.setdefault(path[:length], at)
    return found


def _parts(dotted: str) -> Path:
    return tuple(part[1:-1] if part[0] in "\"'" else part for part in re.findall(_KEY, dotted))
