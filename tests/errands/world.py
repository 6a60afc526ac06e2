"""The errands' world in memory: runs an accepted plan on the persona's data and says whether it did what the errand needs.

The plan runs as Python, after the kernel's own parser accepted it, with the tools as plain functions: this measures plans, and the
kernel's interpreter is measured elsewhere. A reader here answers rightly: what it makes of a text is not the planner's doing.
"""

from __future__ import annotations

import ast
import datetime as dt
import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from discreet.kernel.contract import Effect
from discreet.kernel.errors import PlanError
from discreet.kernel.interpreter import Request
from discreet.kernel.interpreter import run as evaluate
from discreet.kernel.label import PUBLIC
from discreet.kernel.resolve import resolve
from discreet.kernel.shape import to_unknown
from discreet.kernel.syntax import parse
from discreet.kernel.value import Value
from errands.toolset import contracts

HERE = Path(__file__).parent
CONTRACTS = contracts(("Northside Sports", "Green Shed", "Corner Books", "Corner Pharmacy", "Bean & Leaf", "Quick Electronics"))
DELIVERY = dt.date(2026, 3, 7)
CALLS_MAX = 20


@dataclass(frozen=True, slots=True)
class Errand:
    id: str
    request: str
    expect: tuple[Mapping[str, Any], ...] = ()
    says: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    asks: bool = False
    ci: bool = False


@dataclass(slots=True)
class Outcome:
    """What one plan did: the calls that act, in order, and what it told the user."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    error: str = ""


def errands(folder: Path = HERE) -> list[Errand]:
    found = []
    for path in sorted(folder.glob("*.toml")):
        for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("errand", ()):
            found.append(Errand(**{key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}))
    return found


def held_out() -> list[Errand]:
    return errands(HERE / "held_out")


def fresh() -> list[Errand]:
    return errands(HERE / "fresh")


def today() -> dt.date:
    return _data()["today"]


def problems_of(source: str) -> list[str]:
    """The judge: the kernel's parser and resolver, and its evaluation on labels alone (what a session adds are the norms)."""
    try:
        evaluate(resolve(parse(source), CONTRACTS), _Shapes())
    except PlanError as error:
        return [str(error)]
    return []


class _Shapes:
    """Answers every call with its declared shape and no data."""

    def call(self, request: Request) -> Value:
        return to_unknown(request.contract.result_of(request.arguments), PUBLIC)

    def mark(self) -> int:
        return 0

    def state(self) -> dict[str, Any]:
        return {}

    def reset(self, mark: int) -> None:
        return None


def run(source: str, handles: Mapping[str, str]) -> Outcome:
    """Run an accepted plan in the world."""
    outcome = Outcome()
    try:
        tree = _Restored(handles).visit(parse(source).tree)
        exec(compile(tree, "plan", "exec"), _names(outcome))  # noqa: S102 - accepted syntax only, and no builtins
    except PlanError as error:
        outcome.error = str(error)
    except Exception as error:  # noqa: BLE001 - whatever a model's plan raises is a result of the measurement
        outcome.error = f"{type(error).__name__}: {error}"
    return outcome


def judge(errand: Errand, outcome: Outcome) -> str:
    """Why the outcome is not what the errand needs; empty if it is."""
    if outcome.error and (errand.expect or errand.says):
        return f"it ended with {outcome.error}"
    left = list(outcome.calls)
    for wanted in errand.expect:
        match = next((call for call in left if _fits(wanted, call)), None)
        if match is None:
            return f"no call fits {wanted}; made were {outcome.calls}"
        left.remove(match)
    if left:
        return f"it also did {left}"
    told = "\n".join(outcome.said)
    for pattern in errand.says:
        if not re.search(pattern, told):
            return f"it said {told!r}, without /{pattern}/"
    if errand.asks and "?" not in told:
        return f"it did not ask back but said {told!r}"
    leaving = " ".join(str(value) for _, arguments in outcome.calls for value in arguments.values())
    return next((f"`{word}` left" for word in errand.never if word in leaving), "")


class _Restored(ast.NodeTransformer):
    """The user's words in place of handles, as the kernel puts them into literals."""

    def __init__(self, handles: Mapping[str, str]) -> None:
        self.handles = handles

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        if isinstance(node.value, str):
            for handle, words in self.handles.items():
                node.value = node.value.replace(handle, words)
        return node


def _fits(wanted: Mapping[str, Any], call: tuple[str, dict[str, Any]]) -> bool:
    name, arguments = call
    if name not in wanted["tool"].split("|"):
        return False
    defaults = {p.name: p.default for p in CONTRACTS[name].parameters}
    return all(_equal(value, arguments.get(key, defaults[key])) for key, value in wanted.items() if key in defaults)


def _equal(wanted: Any, given: Any) -> bool:
    if isinstance(given, (dt.datetime, dt.date)):
        given = given.isoformat()
    if isinstance(wanted, str) and wanted.startswith("~"):
        return re.search(wanted[1:], str(given)) is not None
    if isinstance(wanted, str) and isinstance(given, str) and re.match(r"\d{4}-\d\d-\d\dT", wanted):
        return given.startswith(wanted)
    if isinstance(wanted, list) or isinstance(given, (list, tuple)):
        return _listed(given) == _listed(wanted)
    return wanted == given


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


_cache: dict[str, Any] = {}


def _data() -> dict[str, Any]:
    if not _cache:
        _cache.update(tomllib.loads((HERE / "world.toml").read_text(encoding="utf-8")))
    return _cache


def _records(kind: str) -> list[SimpleNamespace]:
    return [SimpleNamespace(**entry) for entry in _data()[kind]]


class _Text(str):
    """A text that knows its facts, so that the world's reader can answer rightly."""

    reads: dict[str, Any] = {}


def _text(body: str, reads: dict[str, Any] | None) -> _Text:
    made = _Text(body)
    made.reads = reads or {}
    return made


def _reader(text: str, question: str, schema: dict[str, Any]) -> SimpleNamespace:
    facts, answer = getattr(text, "reads", {}), {}
    for name, kind in schema.items():
        answer[name] = _answer(facts, name, kind, question, str(text))
    return SimpleNamespace(**answer, ok=True)


def _answer(facts: dict[str, Any], name: str, kind: Any, question: str, text: str) -> Any:
    close = difflib.get_close_matches(name, facts, n=1, cutoff=0.6) or [key for key in facts if key in name or name in key]
    value = facts[close[0]] if close else next((v for v in facts.values() if _kind_fits(v, kind)), None)
    if value is None and kind is not str:
        raise ValueError(f"the text has no {name}")
    match kind:
        case _ if kind is str:
            return str(value) if value is not None else text
        case _ if kind is dt.date and isinstance(value, dt.datetime):
            return value.date()
        case _ if kind is dt.datetime and not isinstance(value, dt.datetime):
            raise ValueError(f"the text has no time for {name}")
        case _ if kind is float or kind is int:
            return kind(re.sub(r"[^\d.]", "", str(value)))
    return value


def _kind_fits(value: Any, kind: Any) -> bool:
    if kind is dt.date:
        return isinstance(value, dt.date)
    if kind in (float, int):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(kind, type) and isinstance(value, kind)


def _names(outcome: Outcome) -> dict[str, Any]:
    """What a plan can call: the tools, and the language's own functions that these plans use."""
    builtins = {
        name: __builtins__[name] if isinstance(__builtins__, dict) else getattr(__builtins__, name)
        for name in "len sum min max sorted next round str int float bool any all list set dict range enumerate zip abs reversed isinstance ValueError Exception RuntimeError".split()
    }
    builtins["__import__"] = __import__  # strftime needs it; a plan cannot name it
    services: dict[str, SimpleNamespace] = {}
    for name in (name for name in CONTRACTS if "." in name):
        service, tool = name.split(".")
        services.setdefault(service, SimpleNamespace())
        setattr(services[service], tool, _tool(name, outcome))
    cuts = {
        "find_amounts": lambda text: [float(found.replace(",", "")) for found in re.findall(r"\d[\d,]*\.\d\d|\d+(?= euros)", text)],
        "find_dates": _find_dates,
        "find_emails": lambda text: re.findall(r"[\w.+-]+@[\w.-]+\w", text),
        "find_codes": lambda text: re.findall(r"\b(?=[\w-]*\d)[A-Z0-9][A-Z0-9-]{3,}\b", text),
        "find_links": lambda text: re.findall(r"https?://\S+", text),
    }
    return {
        "__builtins__": builtins, **services, **cuts, "read": _reader, "date": dt.date, "time": dt.time, "datetime": dt.datetime, "timedelta": dt.timedelta,
        "print": lambda *parts: outcome.said.append(" ".join(map(str, parts))), "default": lambda x, y: y if x is None else x,
    }  # fmt: skip


def _find_dates(text: str) -> list[dt.date]:
    months = "January February March April May June July August September October November December".split()
    found = re.findall(rf"(\d{{1,2}}) ({'|'.join(months)})(?: (\d{{4}}))?", text)
    return [dt.date(int(year or 2026), months.index(month) + 1, int(day)) for day, month, year in found]


def _tool(name: str, outcome: Outcome) -> Any:
    contract = CONTRACTS[name]
    act = _ACTS.get(name)

    def call(*positional: Any, **arguments: Any) -> Any:
        names = [parameter.name for parameter in contract.parameters]
        given = {**dict(zip(names, positional, strict=False)), **arguments}
        if any(value is None for key, value in given.items() if key not in ("since", "max_total")):
            raise ValueError(f"{name} got nothing for an argument")
        if contract.effect is not Effect.READ:
            if len(outcome.calls) >= CALLS_MAX:
                raise ValueError("too many calls")
            outcome.calls.append((name, given))
        return act(**given) if act else None

    return call


def _like(wanted: str, given: str) -> bool:
    """Whether the words of a search are found, as a mail server or shop would."""
    words = re.findall(r"\w+", wanted.lower())
    return all(word.rstrip("s") in given.lower() for word in words)


def _contact(name: str) -> SimpleNamespace:
    wanted = re.sub(r"^(my|the)\s+", "", name.strip().lower())
    wanted = {"mum": "mother", "mom": "mother", "boss": "manager"}.get(wanted, wanted)
    found = [c for c in _records("contacts") if wanted == c.relation or _like(wanted, c.name)]
    if len(found) != 1:
        raise ValueError(f"no one contact fits `{name}`")
    return found[0]


def _fact(type: str, query: str = "") -> str:
    """The vault's best match of one type, or an empty text."""
    words = [word.rstrip("s") for word in re.findall(r"\w+", query.lower())]
    found = [fact.text for fact in _records("facts") if fact.type == type]
    return max(found, key=lambda fact: sum(word in fact.lower() for word in words), default="")


def _mails(sender: str = "", subject: str = "", text: str = "", since: Any = None, unseen: bool = False) -> list[SimpleNamespace]:
    since = since.date() if isinstance(since, dt.datetime) else since
    found = [m for m in _records("mails") if _like(sender, f"{m.name} {m.sender}") and _like(subject, m.subject) and _like(text, m.body)]
    found = [m for m in found if since is None or m.date >= since]
    shown = [SimpleNamespace(**{**vars(m), "date": dt.datetime.combine(m.date, dt.time(9)), "sender_name": m.name, "unseen": False, "sender_verified": True}) for m in found]
    return sorted(shown, key=lambda m: m.date, reverse=True)


def _mail_text(id: str) -> str:
    mail = next(m for m in _records("mails") if m.id == id)
    return _text(mail.body, mail.reads)


def _events(start: Any, end: Any) -> list[SimpleNamespace]:
    first, last = (x.date() if isinstance(x, dt.datetime) else x for x in (start, end))
    return sorted((SimpleNamespace(**vars(e), all_day=False, notes="") for e in _records("events") if first <= e.start.date() <= last), key=lambda e: e.start)


def _file_text(path: str) -> str:
    found = next(f for f in _records("files") if path in (f.path, f.name))
    return _text(found.text, getattr(found, "reads", None))


def _items(shop: str, query: str) -> list[SimpleNamespace]:
    """A shop finds what shares words with the query, best first."""
    words = [word.rstrip("s") for word in re.findall(r"\w+", query.lower())]
    scored = [(sum(word in item.title.lower() for word in words), item) for item in _records("items") if item.shop == shop]
    return [SimpleNamespace(**vars(item), currency="EUR", sizes=[], description=item.title) for score, item in sorted(scored, key=lambda pair: -pair[0]) if score]


def _pages(query: str) -> list[SimpleNamespace]:
    """Pages whose title shares words with the query, best first."""
    words = re.findall(r"\w{4,}", query)
    scored = [(sum(_like(word, page.title) for word in words), page) for page in _records("pages")]
    return [page for score, page in sorted(scored, key=lambda pair: -pair[0]) if score]


def _checkout(shop: str, item: str, address: str, card: str, max_total: float, size: str = "", quantity: int = 1, email: str = "") -> SimpleNamespace:
    found = next(i for i in _records("items") if i.id == item and i.shop == shop)
    total = found.price * quantity
    if total > max_total:
        raise ValueError("over the limit")
    return SimpleNamespace(id="o-1", total=total, delivery=DELIVERY)


_ACTS: dict[str, Any] = {
    "memory.recall": _fact,
    "contacts.find": _contact,
    "calendar.list": _events,
    "calendar.add": lambda title, start, minutes=0, place="", notes="", attendees=(): SimpleNamespace(id="e9", title=title, start=start, end=start + dt.timedelta(minutes=minutes or 60), place=place),
    "mail.search": _mails,
    "mail.read": _mail_text,
    "files.list": lambda folder: [f for f in _records("files") if f.path.startswith(folder.strip("/"))],
    "files.read": _file_text,
    "web.search": lambda query: _pages(query),
    "web.read": lambda url: next(_text(p.text, p.reads) for p in _records("pages") if p.url.rstrip("/") == url.rstrip("/")),
    "shop.search": _items,
    "shop.reviews": lambda shop, item: [r for r in _records("reviews") if r.item == item],
    "shop.product": lambda shop, item: next(i for i in _records("items") if i.id == item and i.shop == shop),
    "shop.checkout": _checkout,
    "calendar.busy": _events,
}  # fmt: skip
