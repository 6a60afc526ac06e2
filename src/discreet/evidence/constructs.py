"""The constructs of the plan language as templates with typed holes: what generated plans are made of, and counted by.

`<int>` is a hole for an int, `<bool n:int>` one in which `n` is an int, `<any!>` one that takes a name only; `$x` is a name of
the statement's own. A hole is a place where something secret can stand: each is visited (plans.py).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache

HOLE = re.compile(r"<(\w+)(!?)((?: \w+:\w+)*)>")
TYPES = ("int", "float", "text", "bool", "date", "ints", "texts", "dict", "mails", "any")


@dataclass(frozen=True, slots=True)
class Hole:
    """One hole: what type stands there, whether only as a name, and which names are bound inside."""

    type: str
    named: bool
    bound: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A construct: the text between its holes, and its holes."""

    gives: str
    pieces: tuple[str, ...]
    holes: tuple[Hole, ...]

    def filled(self, parts: list[str]) -> str:
        shown = [self.pieces[0]]
        for part, piece in zip(parts, self.pieces[1:], strict=True):
            shown += (part, piece)
        return "".join(shown)


@cache
def template(gives: str, text: str) -> Template:
    """Read a template."""
    pieces, holes, at = [], [], 0
    for found in HOLE.finditer(text):
        pieces.append(text[at : found.start()])
        bound = tuple(tuple(one.split(":")) for one in found.group(3).split())
        holes.append(Hole(found.group(1), bool(found.group(2)), bound))  # type: ignore[arg-type]
        at = found.end()
    return Template(gives, (*pieces, text[at:]), tuple(holes))


_ORDER = ("<", "<=", ">", ">=", "==", "!=")
_CASES = ("upper", "lower", "strip", "title", "capitalize", "casefold", "swapcase", "lstrip", "rstrip")
EXPRESSIONS: dict[str, tuple[str, ...]] = {
    "int": (
        *(f"(<int> {op} <int>)" for op in "+ - * // %".split()), "<int> ** 2", "-<int>", "abs(<int>)", *(f"len(<{t}>)" for t in ("text", "texts", "ints", "dict", "mails")),
        "<ints>[<int>]", "sum(<ints>)", *(f"{f}(<ints>, default=<int>)" for f in ("min", "max")), *(f"{f}(<int>, <int>)" for f in ("min", "max")), *(f"{f}([<int>, <int>])" for f in ("min", "max")),
        "max(<ints>, key=lambda k: <int k:int>)", "min(<ints>)", "int(<text>)", "int(<float>)", "round(<float>)", "math.floor(<float>)", "math.ceil(<float>)", "<text>.count(<text>)", "<text>.find(<text>)",
        "<text>.rfind(<text>)", "<text>.index(<text>)", "<texts>.index(<text>)", "<texts>.count(<text>)", "<ints>.index(<int>)", "<dict>.get(<text>, <int>)", "<dict>[<text>]", "<date>.year", "<date>.day",
        "<date>.weekday()", "(<date> - <date>).days", "timedelta(days=<int>).days", "next((n for n in <ints> if <bool n:int>), <int>)", "sum(len(t) for t in <texts>)", "sum(n for n in <ints> if <bool n:int>)",
        "len([n for n in <ints> if <bool n:int>])", "len(set(<texts>))", "len({<int>, <int>})", "default(<any>, <int>)", "default(<int>, <int>)", "(<int> if <bool> else <int>)", "(<int> and <int>)", "(<int> or <int>)",
        'read(<text>, "how many?", "int")', "len(list(zip(<texts>, <ints>)))", "len(range(<int>))", "[<int>, <int>][<int>]", "(<int>, <int>)[<int>]", "{<text>: <int>}[<text>]", "{0: 1, <int>: 2}[0]",
        "len(<texts>[<int>:<int>])", "sum([<int>, <int>])", "list(<dict>.values())[<int>]", "[n for n in <ints>][<int>]", "len(list(enumerate(<ints>, <int>)))", "sorted(<ints>)[<int>]", "len(<text>.split(<text>))",
        "len(str(<any>))", "tracker.ping(<int>)", "tracker.flaky(<int>)", "(tracker.ping(1) if <bool> else 2)", "(2 if <bool> else tracker.ping(1))", "default(tracker.flaky(1), <int>)", "sum([tracker.ping(n) for n in [1, 2] if <bool n:int>])",
        "sum(n * k for n in <ints> for k in <ints>)", "len([m for m in <mails> if m.opened == <bool>])", "list(reversed(<ints>))[0]",
        "len([[n, t] for n in <ints> for t in <texts>])", "sorted(<ints>, key=lambda k: <int k:int>)[0]", "[<int> for n in <ints>][0]", "list({n: 1 for n in <ints>})[0]",
    ),
    "float": ("(<int> / <int>)", "float(<text>)", "math.sqrt(<int>)", "round(<float>, <int>)", "(<float> * <int>)", "(<float> + <float>)", "max(<float>, <float>)", "abs(<float>)", "timedelta(days=<int>).total_seconds()", "default(<float>, <float>)"),
    "text": (
        "f\"{<any!>}\"", "f\"{<int!>:>3}-{<text!>}\"", "f\"{<text!>!r}\"", "str(<any>)", "(<text> + <text>)", "<texts>[<int>]", "<text>[<int>]", "<text>[<int>:<int>]", "<text>[::-1]", '"-".join(<texts>)', "<text>.join(<texts>)",
        *(f"<text>.{m}()" for m in _CASES), "<text>.replace(<text>, <text>)", "<text>.removeprefix(<text>)", "<text>.removesuffix(<text>)", *(f"<text>.{m}(<int>)" for m in ("zfill", "ljust", "rjust", "center")),
        "(<text> * <int>)", *(f"{f}(<texts>, key=lambda k: <int k:text>)" for f in ("min", "max")), "min(<text>, <text>)", "max([<text>, <text>])", "sorted(<texts>)[0]", 'read(<text>, "what?")', 'read("x", <text>)',
        'read(<text>, "which?", ["a", "b"])', 'read(<texts>, "what?")', "next((t for t in <texts> if <bool t:text>), <text>)", "next((m.subject for m in <mails> if m.opened == <bool>), <text>)", "contacts.find(<text>).email",
        'contacts.find("Sam Lee").name', "vault.fact(<text>)", "<text>.partition(<text>)[0]", "<text>.rpartition(<text>)[2]", "<date>.isoformat()", '<date>.strftime("%d")', "default(<text>, <text>)", "default(<any>, <text>)",
        "<mails>[<int>].body", "<mails>[<int>].sender", '", ".join(str(n) for n in <ints>)', "(<text> if <bool> else <text>)", "(<text> and <text>)", "(<text> or <text>)", 'web.fetch("other.example", <text>)',
        "list(<dict>)[<int>]", "str(<texts>)", "str({<text>: 1})", "<texts>[-1]", '{"a": <text>, "b": <text>}["a"]', "[<text>, <text>][0]", "sorted(<mails>, key=lambda m: m.body)[0].subject", "<text>.splitlines()[0]",
        'shop.order(<text>, <int>)', "(<text> + letters.sam()[0].body)", "min(<text>, letters.sam()[0].subject)",
    ),
    "bool": (
        *(f"(<int> {op} <int>)" for op in _ORDER), "(<text> == <text>)", "(<text> != <text>)", "(<text> < <text>)", "(<text> in <text>)", "(<text> in <texts>)", "(<text> not in <texts>)", "(<text> in <dict>)", "(<int> in <ints>)",
        "(not <bool>)", "(not <any>)", "(<any>).ok", "(<int>).ok", "(<text>).ok", "bool(<any>)", "<text>.startswith(<text>)", "<text>.endswith(<text>)", "<text>.isdigit()", "<text>.isalpha()", "<text>.isupper()", "(<int> < <int> < <int>)",
        "(<int> < tracker.ping(<int>) < <int>)", "(<int> < <int> < tracker.ping(1))", "(<int> < 4 < 9)", "(1 < <int> < 9)", "(1 < 4 < <int>)", *(f"{f}(<bool n:text> for n in <texts>)" for f in ("any", "all")), *(f"{f}(<ints>)" for f in ("any", "all")), "any([<bool>, <bool>])", "(<any> is None)", "(<any> is not None)",
        "(<bool> is True)", "isinstance(<any>, str)", "isinstance(<any>, (int, list))", 'read(<text>, "is it?", "bool")', "(<texts> == <texts>)", "([<int>] == [<int>])", "(<dict> == <dict>)", "(<date> < <date>)", "(<float> > <float>)",
        "(<bool> and <bool>)", "(<bool> or <bool>)", "(<bool> and tracker.ping(<int>) > 2)", "(<bool> or tracker.ping() > 2)", "(<bool> if <bool> else <bool>)", "default(<bool>, <bool>)", "<mails>[<int>].opened",
        "(1 in {<int>, <int>})", "(1 in [<int>, 1])", '("a" in {<text>: 1})', "(<text> in {\"a\": <int>})", "(len(<texts>) > 1)",
    ),
    "date": (
        "date(2026, 3, <int>)", "(<date> + timedelta(days=<int>))", "(<date> - timedelta(days=<int>))", "date.fromisoformat(<text>)", "min(<date>, <date>)", "find_dates(<text>)[0]", "datetime.combine(<date>, time(<int>)).date()",
        'datetime.strptime(<text>, "%Y-%m-%d").date()', "(<date> if <bool> else <date>)", "default(<date>, <date>)",
    ),
    "ints": (
        "[<int>, <int>]", "(<int>, <int>)", "list(range(<int>))", "list(range(<int>, <int>))", "[len(t) for t in <texts>]", "(<ints> + <ints>)", "<ints>[<int>:]", "<ints>[:<int>]", "<ints>[::<int>]", "sorted(<ints>)",
        "sorted(<ints>, reverse=<bool>)", "sorted(<ints>, key=lambda k: <int k:int>)", "[n for n in <ints> if <bool n:int>]", "[<int n:int> for n in <ints>]", "[n + k for n in <ints> for k in <ints>]",
        "[n for t in <texts> for n in [len(t)] if <bool n:int>]", "[n for n in [1, 2] if <bool n:int> if <bool n:int>]", "list(set(<ints>))", "list({<int>, <int>})", "list(set(<ints>).union(set(<ints>)))",
        "list(set(<ints>).intersection(set(<ints>)))", "list(set(<ints>).difference(<ints>))", "(<ints> * <int>)", "list(reversed(<ints>))", "[i for i, t in enumerate(<texts>)]", "[i for i, t in enumerate(<texts>, <int>)]",
        "[v for k, v in <dict>.items()]", "list(<dict>.values())", "find_amounts(<text>)", "[*<ints>, <int>]", "tuple(<ints>)", "[tracker.ping(n) for n in <ints>]", "[tracker.ping(1) for n in <ints>]", "[tracker.ping(k) for n in <texts> for k in [1, 2]]", "(<ints> if <bool> else <ints>)", "(<ints> or <ints>)",
        "default(<ints>, <ints>)", "[n for n, t in zip(<ints>, <texts>)]", "[d.day for d in find_dates(<text>)]", 'read(<text>, "all", ["int"])', "[0 for n in <ints>]", "<ints>.copy()", "list({n for n in <ints> if <bool n:int>})", "[[n] for n in <ints>][0]",
    ),
    "texts": (
        "[<text>, <text>]", "<text>.split(<text>)", "<text>.splitlines()", "<text>.rsplit(<text>)", "list(<text>)", "[t for t in <texts> if <bool t:text>]", "[<text t:text> for t in <texts>]", "(<texts> + <texts>)", "<texts>[:<int>]", "<texts>[<int>:]",
        "sorted(<texts>)", "sorted(<texts>, key=lambda k: <int k:text>)", "sorted(<texts>, key=len)", "sorted(<texts>, reverse=<bool>)", "list(<dict>)", "list(<dict>.keys())", "[m.body for m in <mails>]", "[m.subject for m in <mails> if m.opened == <bool>]",
        "[k for k, v in <dict>.items()]", "[str(v) for v in <dict>.values()]", "drafts.read()", "notes.read()", "[c.title for c in calendar.find(<text>)]", "[a + b for a, b in zip(<texts>, <texts>)]", "find_emails(<text>)", "find_codes(<text>)",
        "find_links(<text>)", 'read(<text>, "list", ["str"])', "[t for i, t in enumerate(<texts>) if <bool i:int>]", "list(set(<texts>))", "(<texts> * <int>)", "(<texts> if <bool> else <texts>)", "default(<texts>, <texts>)", "[*<texts>, <text>]",
        "list(<text>.partition(<text>))", "[tracker.ping(t) for t in <texts>]", '["z" for t in <texts>]', "[c for t in <texts> for c in list(t)]",
    ),
    "dict": (
        '{<text>: <int>, "k": <int>}', '{"k": <int>}', "{<text>: 1}", "{t: len(t) for t in <texts>}", "{t: 1 for t in <texts> if <bool t:text>}", '{"a": <int t:text> for t in <texts>}', "dict(zip(<texts>, <ints>))", "dict([(<text>, <int>)])",
        "dict(a=<int>)", "<dict>.copy()", "(<dict> if <bool> else <dict>)", "default(<dict>, <dict>)", "{k: v for k, v in <dict>.items()}",
    ),
    "mails": ("inbox.search()", "inbox.search(subject=<text>)", "letters.sam()", "[m for m in <mails> if m.opened == <bool>]", "[m for m in <mails> if <bool m:mail>]", "sorted(<mails>, key=lambda m: m.body)", "<mails>[:<int>]", "(<mails> + <mails>)"),
    "products": ("shop.search(<text>)", "[p for p in <products> if p.price < <int>]", "sorted(<products>, key=lambda p: p.price)"),
    "any": (
        "[<any>, 1]", "[<any>]", "(<any>, <any>)", '{"k": <any>}', "[<any>][0]", "default(<any>, <any>)", '{"a": <any>, "b": <any>}["a"]', "(<any> if <bool> else <any>)", "(<any> and <any>)", "(<any> or <any>)", "[[<any>], 1][1]",
        'read(<text>, "all", {"a": "int", "b": "str"}).a', 'read(<text>, "all", {"a": "int", "b": ["str"]})', 'read(<text>, "deep", {"a": {"b": "float"}, "c": [{"d": "date"}]}).c', "[<any> for n in <ints>]", "(<any>).ok", "<mails>", "<texts>", "<int>", "<text>", "<bool>",
        "vault.card()", "[<any>] + [1]", "list({<int>: <any>}.values())", "delegate(<text>, <text>)", 'delegate(<text>, "do it").told', "doctor.tell(<any>)", "mail.send(<person>, \"hi\", <any>)", "vault.of_age()",
    ),
    "person": ('"sam@home.example"', '"bo@home.example"', '"eve@evil.example"', 'contacts.find("Sam Lee").email', "(<person> if <bool> else <person>)", "contacts.find(<text>).email", "<text>", "<mails>[0].sender"),
}  # fmt: skip

# Statements: `$x` is what they leave, shown to somebody afterwards.
STATEMENTS: tuple[str, ...] = (
    "$x = 0\nif <bool>:\n    $x = 1", "$x = 0\nif <bool>:\n    $x = 1\nelse:\n    $x = 2", "$x = 0\nif <any>:\n    $x = 1", "$x = 0\nif <bool>:\n    pass\nelif <bool>:\n    $x = 1\nelse:\n    $x = 2", "$x = 0\nif <bool>:\n    if <bool>:\n        $x = 1",
    "$x = 0\nfor e in <texts>:\n    $x = $x + 1", "$x = 0\nfor e in <ints>:\n    $x = e", "$x = 0\nfor e in <ints>:\n    $x = 1", "$x = 0\nfor e in <mails>:\n    $x = 1", "$x = 0\nfor e in <text>:\n    $x = e", "$x = 0\nfor e in <dict>:\n    $x = e",
    "$x = 0\nfor e in [1, 2, 3]:\n    if <bool e:int>:\n        break\n    $x = e", "$x = 0\nfor e in [1, 2, 3]:\n    if <bool e:int>:\n        continue\n    $x = e", "$x = 0\nfor e in [1, 2, 3]:\n    $x = e\n    if <bool e:int>:\n        break",
    "$x = 0\nfor e in <ints>:\n    if e > 1:\n        break\n    $x = e", "$x = 0\nfor e in <ints>:\n    for f in [1, 2]:\n        if <bool e:int f:int>:\n            continue\n        $x = $x + f", "$x = 0\nfor e in [1, 2]:\n    for f in [1, 2]:\n        if <bool f:int>:\n            break\n        $x = f",
    "$x = 0\nfor e in [1, 2]:\n    if <bool>:\n        break\n    tracker.ping(e)", "$x = 0\nfor e in [1, 2, 3]:\n    if <bool>:\n        continue\n    tracker.ping(e)\n    $x = e", "$x = 0\nfor e in [1, 2]:\n    tracker.ping($x)\n    if <bool>:\n        $x = 1",
    "$x = [0]\nif <bool>:\n    $x.append(1)", "$x = [0]\nfor e in <texts>:\n    $x.append(1)", "$x = [0]\n$x.append(<any>)", "$x = []\n$x.append(<int>)", "$x = [0]\n$x.extend(<ints>)", "$x = [1, 2]\n$x.insert(<int>, <int>)", "$x = [1, 2]\n$x.sort(reverse=<bool>)",
    "$x = <ints>\n$x.sort()", "$x = <texts>\n$x.sort(key=len)", "$x = [2, 1]\n$x.sort(key=lambda k: <int k:int>)", "$x = <ints>\n$x.reverse()", "$x = [1, 2]\n$x[<int>] = 3", "$x = [1, 2]\n$x[0] = <int>", "$x = {}\n$x[<text>] = 1", '$x = {"a": 1}\n$x["b"] = <any>', '$x = {"a": 1}\n$x["a"] = <int>',
    "$x = {1}\n$x.add(<int>)", "$x = {1}\nif <bool>:\n    $x.add(2)", '$x = {"a": 1}\n$x.update(<dict>)', '$x = {"a": 1}\nif <bool>:\n    $x["b"] = 2', '$x = {"a": [1]}\n$x["a"].append(<int>)', "$x = 1\n$x += <int>", '$x = "a"\n$x += <text>', "$x = [1]\n$x += <ints>", "$x = 5\n$x -= <int>",
    "$x, $y = <texts>", "$x, $y = (<any>, <any>)", "[$x, $y] = [<int>, 1]", "$x = 0\nfor e, $x in enumerate(<texts>):\n    pass", "$x = 0\nfor $x in <ints>:\n    pass", "$x = 0\nfor $x in <ints>:\n    break", "$x = 0\nfor e, f in <dict>.items():\n    $x = f", "$x = 0\nfor e, f in zip(<ints>, <texts>):\n    $x = e",
    "$x = 0\nif <bool>:\n    $x = tracker.ping(1)", "$x = 0\nif <bool>:\n    tracker.ping(1)", "$x = 0\nfor e in <texts>:\n    tracker.ping(1)", "$x = 0\nfor e in <texts>:\n    $x = $x + tracker.ping(e)", "$x = tracker.ping(<any>)\n$x = $x.ok", "$x = tracker.flaky(<int>)\n$x = default($x, 9)",
    "$x = 0\nif tracker.ping(1) > 2:\n    $x = <int>", "$x = 0\nif default(<any>, None) is None:\n    $x = 1", "$x = 0\nif (<any>).ok:\n    $x = 1", "$x = 0\nfor e in default(<texts>, []):\n    $x = 1", "$x: int = <int>", "$x = 0\nif <bool>:\n    for e in [1, 2]:\n        $x = $x + e\n        if e > 1:\n            break",
    '$x = 0\nif <bool>:\n    drafts.write("x")\n$x = len(drafts.read())', "drafts.write(<text>)\n$x = drafts.read()", "drafts.write(str(<int>))\n$x = len(drafts.read()) > 1", '$x = 0\nfor e in <texts>:\n    drafts.write("x")\n$x = len(drafts.read())', "notes.write(<text>)\n$x = notes.read()",
    '$x = 0\nif <bool>:\n    notes.write("x")\n$x = len(notes.read())', "calendar.add(<text>, date(2026, 3, 1))\n$x = [c.title for c in calendar.find()]", 'calendar.add("z", <date>)\n$x = len(calendar.find("z"))', '$x = 0\nif <bool>:\n    calendar.add("z", date(2026, 3, 1))\n$x = len(calendar.find("z"))',
    '$x = calendar.add("z", <date>).ok', "$x = mail.send(<person>, \"hi\", <text>)\n$x = $x.ok", "$x = mail.many([<person>, <person>], <any>)\n$x = $x.ok", '$x = pay.send("sam", <int>)\n$x = $x.ok', '$x = fee.pay("sam", <int>)\n$x = $x.ok', '$x = fee.pay("doc", <int>)\n$x = fee.pay("sam", 20)\n$x = $x.ok',
    '$x = inbox.delete(<text>)\n$x = $x.ok', "$x = post.card(<person>, <any>)\n$x = $x.ok", '$x = 0\nif <bool>:\n    post.card("sam@home.example", "x")\npost.card("sam@home.example", "y")', "$x = delegate(<text>, \"do it\")\n$x = $x.ok", "$x = delegate(<text>, \"do it\").done", "$x = 0\nprint(<any>)",
    "$x = vault.of_age()\nif <bool>:\n    $x = 1", "$x = 0\nif <bool>:\n    $x = vault.of_age()", "$x = 0\nfor e in <mails>:\n    if e.opened:\n        $x = e.subject\n        break", "$x = [e for e in <mails>]\n$x = $x[0].opened",
    "$x = 0\nif <bool>:\n    $x = 1\n    if <bool>:\n        $x = 2\nelse:\n    for e in <ints>:\n        $x = 3", "if <bool>:\n    $x = 1", "for $x in <ints>:\n    $y = 1", "$x = 0\nif <bool>:\n    $x = [1]\nelse:\n    $x = {\"a\": 1}", "$x = None\nif <bool>:\n    $x = 5", "$x = 0\nif <bool>:\n    $x = 1 // 0",
)  # fmt: skip
LAST: tuple[str, ...] = (  # nothing that follows is the same afterwards
    "$x = 0\nif <bool>:\n    raise ValueError(\"x\")", "$x = 0\nfor e in <texts>:\n    raise ValueError(e)", "$x = 0\nfor e in [1, 2]:\n    if <bool e:int>:\n        raise ValueError(\"x\")\n    $x = e", "$x = 0\nfor e in [1, 2]:\n    if <bool>:\n        $x = 1\n    else:\n        raise ValueError(<text>)",
    "$x = 0\nif <any>:\n    raise ValueError(<text>)", "$x = 0\nif <bool>:\n    if tracker.ping(1) > 1:\n        raise ValueError(\"x\")", "$x = 0\nfor e in [1]:\n    if <bool>:\n        continue\n    raise ValueError(\"x\")", "$x = 0\nfor e in [1, 2]:\n    if <bool e:int>:\n        break\n    raise ValueError(\"x\")",
)  # fmt: skip

# What a plan shows to whom.
SINKS: tuple[str, ...] = (
    "tracker.ping(<any>)", "tracker.ping(<any>)", "tracker.ping(<any>)", "tracker.flaky(<any>)", 'web.fetch("site.example", <any>)', 'web.fetch(<text>, 1)', 'mail.send("eve@evil.example", "hi", <any>)', "mail.send(<person>, \"hi\", <text>)",
    'mail.send("sam@home.example", <text>, <any>)', "mail.many([<person>, <person>], <any>)",
    'mail.many(["sam@home.example", <person>], <any>)', 'mail.many(["sam@home.example", "eve@evil.example"], <any>)', "post.card(<person>, <any>)", 'pay.send("sam", <int>)',
    "shop.search(<any>)", "shop.order(<text>, <int>)", "doctor.tell(<any>)", "club.join(<any>)", "drafts.write(<text>)", "notes.write(<text>)", "calendar.add(<text>, <date>)",
    "print(<any>)", "inbox.delete(<text>)", 'fee.pay("sam", <int>)', "tracker.ping()",
)  # fmt: skip
# How a value is looked at, so that its elements, its shape, its presence and its failure each are.
LOOKS: tuple[str, ...] = ("{0}", "{0}", "{0}", "{0}", "{0}", "len({0})", "len({0})", "{0}[0]", "{0}.ok", "{0}.ok", "default({0}, 9)", "default({0}, 9)", "str({0})", "[{0}, 1]", "[{0}][0]", '{{"k": {0}}}', "({0} == 1)", "(1 if {0} else 2)")

LITERALS: dict[str, tuple[str, ...]] = {  # among them what secrets often are, so that public and secret meet
    "int": ("0", "0", "1", "2", "3", "7"), "float": ("1.5", "0.0", "71.5"), "text": ('"a"', '"a"', '"flu"', '""', '"2026-03-05"', '"12"', '"health"'), "bool": ("True", "False"), "date": ("date(2026, 3, 5)", "date(2026, 3, 6)"), "ints": ("[1, 2, 3]", "[2]", "[3, 1]"),
    "texts": ('["a", "b"]', '["b"]', '["asthma", "a"]'), "dict": ('{"a": 1, "b": 2}', '{"a": 1}'), "mails": ("inbox.search()",), "products": ('shop.search("shoes")',), "any": ("None", "1", '"a"', "[1]", "True"), "person": EXPRESSIONS["person"][:3],
}  # fmt: skip
INSIDE: dict[str, dict[str, tuple[str, ...]]] = {  # simple things to say of a bound name, by its type and the type wanted
    "int": {"bool": ("{0} > 1", "{0} == <int>", "{0} % 2 == 0", "<bool>", "{0} < <int>"), "int": ("{0} + <int>", "-{0}", "<int>", "{0}"), "text": ("str({0})",)},
    "text": {"bool": ("len({0}) > <int>", "{0} == <text>", "<bool>", "{0}.startswith(<text>)", "<text> in {0}"), "int": ("len({0})", "len({0}) + <int>", "<int>", "{0}.count(<text>)"), "text": ("{0} + <text>", "{0}", "<text>")},
    "mail": {"bool": ("{0}.opened", "<bool>", "<text> in {0}.body", "{0}.sender == <text>")},
}  # fmt: skip


@cache
def expressions(gives: str) -> tuple[Template, ...]:
    return tuple(template(gives, text) for text in EXPRESSIONS[gives])


@cache
def statements() -> tuple[Template, ...]:
    return tuple(template("", text) for text in (*STATEMENTS, *LAST))


@cache
def sinks() -> tuple[Template, ...]:
    return tuple(template("", text) for text in SINKS)


@cache
def sites(of_statements: bool) -> tuple[tuple[Template, int], ...]:
    """Every hole of every statement, or of every expression, in a mixed order that does not change."""
    among = statements() if of_statements else [one for gives in EXPRESSIONS if gives != "person" for one in expressions(gives)]
    listed = [(one, number) for one in among if one.pieces != ("", "") for number in range(len(one.holes))]  # not a hole alone
    count, step = len(listed), 389  # leaps that come to each of them
    while math.gcd(count, step) > 1:
        step += 1
    return tuple(listed[(n * step) % count] for n in range(count))
