"""Makes plans over the whole accepted language from a seed: random ones, and probes that put one secret into one construct.

A probe is sharper than a random plan: all but one of its operands are public, so that what hides the secret is the one rule
that the construct needs. `sites()` lists every hole of every construct; a plan of number n takes the next few of them, of
statements and expressions in turn, so that few plans visit them all.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

from discreet.evidence.constructs import EXPRESSIONS, INSIDE, LAST, LITERALS, LOOKS, TYPES, Template, expressions, sinks, sites, statements, template

DEPTH_MAX = 3
STATEMENTS_MAX = 9
PROBES = 6  # of one plan

# What the plans of a group read: by type, ways to come by it. What is missing is converted.
SECRETS: dict[str, dict[str, tuple[str, ...]]] = {
    "health": {
        "text": ("vault.text()", "vault.shaky()", "vault.card().illness", "vault.optional()", 'vault.fact("health")'), "bool": ("vault.flag()", "vault.flag()", 'vault.shaky() == "a"'), "int": ("vault.number()", "vault.card().count", "len(vault.shaky())"),
        "texts": ("vault.items()", "vault.card().items", 'vault.shaky().split("s")'), "date": ("vault.visit()",), "float": ("vault.weight()",), "dict": ("vault.results()",),
    },
    "messages": {"mails": ("inbox.search()", 'inbox.search(subject="i")', 'inbox.search(sender="sam@home.example")', "inbox.search(\"\", \"r\")")},
    "letters": {"mails": ("letters.sam()",)},
    "schedule": {"texts": ("[e.title for e in calendar.find()]",), "date": ("calendar.find()[0].day",), "int": ("len(calendar.find())", 'len(calendar.find("c"))')},
    "size": {"int": ("vault.size()", "vault.card().size", 'int(vault.fact("size"))')},
    "address": {"text": ("vault.address()", 'vault.fact("address")')},
    "age": {"text": ("vault.born()",), "date": ("date.fromisoformat(vault.born())",)},
    "papers": {"text": ("vault.paper()",)},
    "history": {"text": ("vault.history()",)},
    "words": {"text": ('"[[1]]"', '"so [[1]]"')},
}  # fmt: skip
CONVERTED: tuple[tuple[str, str, str], ...] = (
    ("mails", "text", "{0}[0].body"), ("mails", "bool", "{0}[0].opened"), ("mails", "int", "len({0})"), ("mails", "texts", "[m.subject for m in {0}]"), ("texts", "text", "{0}[0]"), ("texts", "dict", "{{t: 1 for t in {0}}}"),
    ("date", "text", "{0}.isoformat()"), ("int", "bool", "({0} > 2)"), ("int", "float", "({0} / 2)"), ("int", "text", "str({0})"), ("int", "ints", "[{0}]"), ("int", "texts", "[str({0})]"), ("int", "dict", '{{"a": {0}}}'),
    ("int", "date", "date(2026, 3, {0} % 28 + 1)"), ("text", "bool", '({0} == "a")'), ("text", "int", "len({0})"), ("text", "float", "(len({0}) / 2)"), ("text", "ints", "[len({0})]"), ("text", "texts", "[{0}]"),
    ("text", "dict", "{{{0}: 1}}"), ("text", "date", "find_dates({0})[0]"), ("text", "mails", "[m for m in inbox.search() if m.subject == {0}]"), ("texts", "ints", "[len(t) for t in {0}]"),
)  # fmt: skip


class Maker:
    """One plan. `kinds` are the groups of secrets that it reads, `shop` whether it may use the shop."""

    def __init__(self, seed: int, kinds: tuple[str, ...] = ("health", "messages"), shop: bool = True) -> None:
        self.r = random.Random(seed)
        self.pick = self.r.choice
        self.shop = shop
        self.sources = _sources(kinds)
        self.kinds = kinds
        self.opening: dict[str, str] = {}  # names of what is read -> how; assigned first
        self.names: dict[str, list[str]] = {}  # names of random plans, by type
        self.before: list[str] = []  # lines that the next statement needs
        self.count = self.loops = 0

    # ------------------------------------------------------------------------------------------ whole plans

    def probes(self, first: int, count: int = PROBES) -> str:
        """A plan of probes from the sites number `first` on; those that change all that follows come last."""
        lines, last = [], []
        for number in range(first, first + count):
            among = sites(number % 2 == 0)
            site, hole = among[number // 2 % len(among)]
            (last if site.filled([""] * len(site.holes)) in _ENDING else lines).extend(self.probe(site, hole))
        if not last and self.r.random() < 0.6:  # only one of a plan can come last, so most plans have one
            site = template("", self.pick(LAST))
            last = self.probe(site, self.r.randrange(len(site.holes)))
        return self.text([*lines, *last, "tracker.ping(3)"])

    def plan(self) -> str:
        """A random plan."""
        lines: list[str] = []
        for _ in range(self.r.randint(2, STATEMENTS_MAX)):
            lines += self.statement(0)
        return self.text(lines + self.sink(self.expr("any", self.r.random() < 0.5, 1)))

    def text(self, lines: list[str]) -> str:
        return "\n".join([*(f"{name} = {how}" for name, how in self.opening.items()), *lines]) + "\n"

    # ------------------------------------------------------------------------------------------ probes

    def probe(self, site: Template, hole: int) -> list[str]:
        """The secret in this one hole, all else public, and what comes of it shown."""
        if not self.shop and any("shop." in piece for piece in site.pieces):
            return []
        if not site.gives:
            shown = self.fill(site, hole, self.depth())
            name, other = self.name(), self.name()
            lines = [*self.taken(), *shown.replace("$x", name).replace("$y", other).split("\n")]
            return lines + self.shown(name) + (self.shown(other) if "$y" in shown else [])
        shown = self.fill(site, hole, self.depth())
        if self.r.random() < 0.2:  # one construct in another
            shown = self.wrapped(site.gives, shown)
        name = self.name()
        return [*self.taken(), f"{name} = {shown}", *self.shown(name)]

    def depth(self) -> int:
        r = self.r.random()
        return 0 if r < 0.6 else 1 if r < 0.9 else 2

    def wrapped(self, gives: str, inner: str) -> str:
        """A construct around what another gave."""
        outer = self.pick(_holding(gives, self.shop))
        fitting = [n for n, hole in enumerate(outer.holes) if hole.type in (gives, "any")]
        place = self.pick(fitting)
        parts = [self.part(outer, n, False, 0) for n in range(len(outer.holes))]
        if outer.holes[place].named:
            self.before.append(f"{(name := self.name())} = {inner}")
            inner = name
        parts[place] = inner
        return outer.filled(parts)

    def shown(self, name: str) -> list[str]:
        """What came of a probe, shown to one who may learn nothing, and now and then to another."""
        lines = [f"tracker.ping({self.pick(LOOKS).format(name)})"]
        way = self.r.random()
        if way < 0.4:
            lines.append(f"tracker.ping({self.pick(('{0}.ok', 'default({0}, 9)', 'len({0})')).format(name)})")
        return lines if way < 0.7 else lines + self.sink(self.pick(LOOKS).format(name))

    def sink(self, value: str) -> list[str]:
        """A call that tells `value` to somebody."""
        one = self.pick(sinks())
        while not self.shop and one.pieces[0].startswith("shop."):
            one = self.pick(sinks())
        places = [n for n, hole in enumerate(one.holes) if hole.type in ("any", "text", "int", "person", "date")]
        place = self.pick(places) if places else -1
        parts = [_as(hole.type, value, self.r) if n == place else self.part(one, n, False, 0) for n, hole in enumerate(one.holes)]
        return [*self.taken(), one.filled(parts)]

    # ------------------------------------------------------------------------------------------ expressions

    def fill(self, one: Template, hole: int, depth: int) -> str:
        """The construct with the secret in hole number `hole`, `depth` constructs deep (-1: in none)."""
        return one.filled([self.part(one, n, n == hole, depth) for n in range(len(one.holes))])

    def part(self, one: Template, number: int, secret: bool, depth: int) -> str:
        hole = one.holes[number]
        if hole.named:
            return self.named(hole.type, secret)
        if hole.bound:
            return self.inside(hole.type, hole.bound, secret)
        return self.expr(hole.type, secret, depth)

    def expr(self, type_: str, secret: bool, depth: int) -> str:
        """An expression of this type with one secret in it, or none."""
        if depth <= 0 or (not secret and self.r.random() < 0.7):
            return self.leaf(type_, secret)
        ways = _open(type_, self.shop) if secret else _all(type_, self.shop)
        one = self.pick(ways)
        return self.fill(one, self.r.randrange(len(one.holes)) if secret else -1, depth - 1)

    def leaf(self, type_: str, secret: bool) -> str:
        if secret:
            return self.secret(type_)
        held = self.names.get(type_)
        if held and self.r.random() < 0.6:
            return self.pick(held)
        ways = LITERALS.get(type_) or LITERALS["any"]
        return self.pick(ways) if self.shop or type_ != "products" else "[]"

    def secret(self, type_: str) -> str:
        """The name of something secret of this type."""
        if type_ in ("any", "person", "products") or type_ not in self.sources:
            if type_ in ("person", "products"):
                return f"({self.leaf(type_, False)} if {self.secret('bool')} else {self.leaf(type_, False)})"
            type_ = self.pick(tuple(self.sources))
        name = f"s_{type_}{self.r.randrange(2)}"
        if name not in self.opening:
            self.opening[name] = self.pick(self.sources[type_])
        return name

    def named(self, type_: str, secret: bool) -> str:
        if secret:
            return self.secret(type_)
        self.opening.setdefault("p", "5")
        self.opening.setdefault("q", '"p"')
        return "q" if type_ == "text" else "p"

    def inside(self, type_: str, bound: tuple[tuple[str, str], ...], secret: bool) -> str:
        """A test or key over the names that a loop binds."""
        name, of = self.pick(bound)
        ways = INSIDE[of][type_]
        if secret:
            ways = tuple(way for way in ways if "<" in way.replace("< ", ""))
        one = template(type_, self.pick(ways).replace("{0}", name))
        return self.fill(one, self.r.randrange(len(one.holes)) if secret else -1, 0)

    def name(self) -> str:
        self.count += 1
        return f"v{self.count}"

    def taken(self) -> list[str]:
        lines, self.before = self.before, []
        return lines

    # ------------------------------------------------------------------------------------------ random plans

    def mixed(self, type_: str, depth: int) -> str:
        return self.expr(type_, self.r.random() < 0.35, self.r.randint(0, depth))

    def type(self) -> str:
        return self.pick(TYPES)

    def new(self, type_: str) -> str:
        held = self.names.setdefault(type_, [])
        if held and self.r.random() < 0.4:
            return self.pick(held)
        name = self.name()
        held.append(name)
        return name

    def statement(self, depth: int) -> list[str]:
        r = self.r.random()
        if r < 0.26:
            return self.told()
        if r < 0.40 and depth < DEPTH_MAX:
            return self.branch(depth)
        if r < 0.52 and depth < DEPTH_MAX:
            return self.loop(depth)
        if r < 0.58 and self.loops:
            return [self.pick(("break", "continue"))]
        if r < 0.60:
            value = self.mixed("text", 1)
            return [*self.taken(), f"raise ValueError({value})"]
        if r < 0.74:
            one = self.pick(statements()[: -len(LAST)])
            if not self.shop and any("shop." in piece for piece in one.pieces):
                return []
            shown = one.filled([self.part(one, n, self.r.random() < 0.3, 1) for n in range(len(one.holes))])
            named = self.new("any")
            return [*self.taken(), *shown.replace("$x", named).replace("$y", self.new("any")).split("\n")]
        type_ = self.type()
        value = self.mixed(type_, 2)
        return [*self.taken(), f"{self.new(type_)} = {value}"]

    def told(self) -> list[str]:
        value = self.mixed(self.type(), 1)
        lines = self.taken()
        if self.r.random() < 0.5:
            return [*lines, *self.sink(value)]
        shown = self.sink(f"v{self.count + 1}")
        return [*lines, f"{self.name()} = {value}", *shown]

    def block(self, depth: int) -> list[str]:
        lines: list[str] = []
        for _ in range(self.r.randint(1, 2)):
            lines += self.statement(depth + 1)
        return ["    " + line for line in lines or ["pass"]]

    def branch(self, depth: int) -> list[str]:
        test = self.mixed("bool", 2)
        lines = [*self.taken(), f"if {test}:", *self.block(depth)]
        if self.r.random() < 0.4:
            lines += ["else:", *self.block(depth)]
        return lines

    def loop(self, depth: int) -> list[str]:
        listed, element = self.pick((("texts", "text"), ("ints", "int"), ("mails", "mail"), ("texts", "text"), ("dict", "text")))
        value = self.mixed(listed, 1)
        lines = self.taken()
        self.loops += 1
        lines += [f"for {self.new(element)} in {value}:", *self.block(depth)]
        self.loops -= 1
        return lines


_ENDING = frozenset(template("", text).filled([""] * len(template("", text).holes)) for text in LAST)
_KEPT: dict[tuple, tuple] = {}


def _sources(kinds: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    """By type, how a plan comes by what the first group keeps; now and then by what another keeps."""
    if kinds in _KEPT:
        return _KEPT[kinds]  # type: ignore[return-value]
    found: dict[str, list[str]] = {}
    for kind in kinds:
        for type_, ways in SECRETS[kind].items():
            found.setdefault(type_, []).extend(ways if kind != kinds[0] else ways * 3)
    for _ in range(2):
        for of, type_, how in CONVERTED:
            if of in found and type_ not in found:
                found[type_] = [how.format(way) for way in found[of]]
    made = {type_: tuple(ways) for type_, ways in found.items()}
    _KEPT[kinds] = made  # type: ignore[assignment]
    return made


def _ways(key: str, type_: str, shop: bool, test: object) -> tuple[Template, ...]:
    held = _KEPT.get((key, type_, shop))
    if held is None:
        of = [one for gives in (EXPRESSIONS if key == "holding" else (type_,)) for one in expressions(gives) if gives != "person" or type_ == "person"]
        held = _KEPT[key, type_, shop] = tuple(one for one in of if (shop or not any("shop." in piece for piece in one.pieces)) and test(one))  # type: ignore[operator]
    return held


def _all(type_: str, shop: bool) -> tuple[Template, ...]:
    return _ways("all", type_, shop, lambda one: True)


def _open(type_: str, shop: bool) -> tuple[Template, ...]:
    return _ways("open", type_, shop, lambda one: bool(one.holes))


def _holding(gives: str, shop: bool) -> tuple[Template, ...]:
    return _ways("holding", gives, shop, lambda one: any(hole.type in (gives, "any") and not hole.bound for hole in one.holes))


def _as(type_: str, value: str, r: random.Random) -> str:
    """A value where something of another type is wanted: as it is now and then, as that type mostly."""
    if type_ == "any" or r.random() < 0.3:
        return value
    return {"text": f"str({value})", "int": f"len(str({value}))", "person": f'("sam@home.example" if {value} else "eve@evil.example")', "date": f"date(2026, 3, 1 + len(str({value})) % 9)"}[type_]


def dictated(seed: int, text: str) -> str:
    """What a planner that obeys the text makes of it: a plan that repeats it, branches by it, and reads what is secret."""
    maker = Maker(seed, ("health", "messages"))
    said = repr(text[:40])
    maker.names = {"text": [said], "any": [said], "int": [str(len(text))]}
    lines = []
    for _ in range(1 + seed % 3):
        lines += maker.sink(maker.pick((said, str(len(text)), maker.expr("any", True, 1), '"x"')))
    return maker.text(lines)


# ---------------------------------------------------------------------------------------------------- exhaustive

SMALL = (
    "x = 1", "x = s", "x = n", "x = x + 1", "l.append(x)", "x = len(l)", "x = l[0]", "x = default(d, 1)", "x = d.ok", "x = 1 if s else 2", "x = s and x", "x = [y for y in t if s]",
    "x = next((y for y in t), 0)", "x = min([x, n])", "x = f\"{x}\"", "x = {1: x}", "tracker.ping(x)", "tracker.ping()", "raise ValueError(\"x\")",
)  # fmt: skip
IN_LOOP = ("break", "continue")
COMPOUND = ("if s:", "if x:", "for y in t:", "for y in [1, 2]:")
CONTROL = ("x = 1", "x = x + 1", "x = 2", "l.append(1)", "l = [2]", "x = len(l)", "x = l[0]", "tracker.ping(x)", "tracker.ping()", "x = tracker.ping(1)", "pass", "raise ValueError(\"x\")", "assert x < 9")  # nothing of it is secret
CONTROL_HEADS = ("if s:", "if n > 2:", "if x > 1:", "for y in t:", "for y in [1, 2, 3]:", "if s and x > 0:", "if d.ok:", "if y == n:")


def small(seed: int, simple: tuple[str, ...] = SMALL, heads: tuple[str, ...] = COMPOUND) -> str:
    """One plan of a small alphabet, larger than those of which all are run."""
    r = random.Random(seed)

    def body(size: int, loop: bool) -> list[str]:
        lines: list[str] = []
        while size > 0:
            if size > 1 and r.random() < 0.5:
                inner = r.randint(1, min(size - 1, 4))
                head = r.choice(heads)
                lines += [head, *("    " + line for line in body(inner, loop or head.startswith("for")))]
                if head.startswith("if") and size - inner > 2 and r.random() < 0.3:
                    lines += ["else:", *("    " + line for line in body(1, loop))]
                    inner += 1
                size -= inner + 1
            else:
                lines.append(r.choice(simple + (IN_LOOP * 3 if loop else ())))
                size -= 1
        return lines

    return PRELUDE + "\n".join(body(r.randint(3, 7), False)) + "\n" + CODA


def control(seed: int) -> str:
    """Only tests and loops are secret, so that nothing but control can tell."""
    return PRELUDE.replace("x = 0\n", "x = 0\ny = 0\n") + small(seed, CONTROL, CONTROL_HEADS).removeprefix(PRELUDE)


PRELUDE = "s = vault.flag()\nn = vault.number()\nt = vault.items()\nd = vault.shaky()\nx = 0\nl = [0]\n"
CODA = "tracker.ping(x)\ntracker.ping(l)\ntracker.ping()\n"


def exhaustive(size: int) -> Iterator[str]:
    """Every plan of exactly `size` statements over a small alphabet, nested ones counted, between a fixed start and end."""
    for body in _bodies(size, False):
        yield PRELUDE + "\n".join(body) + "\n" + CODA


def _bodies(size: int, loop: bool) -> Iterator[list[str]]:
    if size == 0:
        yield []
        return
    for used in range(1, size + 1):
        for head in _statements(used, loop):
            for rest in _bodies(size - used, loop):
                yield head + rest


def _statements(size: int, loop: bool) -> Iterator[list[str]]:
    if size == 1:
        for simple in SMALL + (IN_LOOP if loop else ()):
            yield [simple]
        return
    for head in COMPOUND:
        inside = loop or head.startswith("for")
        for body in _bodies(size - 1, inside):
            yield [head, *("    " + line for line in body)]
        if head.startswith("if"):
            for first in range(1, size - 1):
                for body in _bodies(first, loop):
                    for other in _bodies(size - 1 - first, loop):
                        yield [head, *("    " + line for line in body), "else:", *("    " + line for line in other)]
