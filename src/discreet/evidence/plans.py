"""Makes plans over the whole accepted language from a seed: well typed mostly, wrong now and then, so that faults occur too."""

from __future__ import annotations

import random
from collections.abc import Iterator

DEPTH_MAX = 3
STATEMENTS_MAX = 9

SECRETS = {
    "text": ("vault.text()", "vault.shaky()", "vault.card().illness", "vault.optional()", 'vault.fact("health")'),
    "bool": ("vault.flag()",),
    "int": ("vault.number()", "vault.card().count"),
    "texts": ("vault.items()", "vault.card().items"),
    "size": ("vault.size()", "vault.card().size"),
    "mails": ("inbox.search()", 'inbox.search(subject="i")', 'inbox.search(sender="sam@home.example")'),
    "events": ("calendar.find()", 'calendar.find("c")'),
    "address": ("vault.address()",),
}
PERSONS = ('"sam@home.example"', '"bo@home.example"', '"eve@evil.example"', 'contacts.find("Sam Lee").email', 'contacts.find("Bo").email')


class Maker:
    """One plan. `kinds` are the secrets that it reads, `shop` whether it may use the shop."""

    def __init__(self, seed: int, kinds: tuple[str, ...] = tuple(SECRETS), shop: bool = True) -> None:
        self.r = random.Random(seed)
        self.kinds, self.shop = kinds, shop
        self.names: dict[str, list[str]] = {t: [] for t in ("int", "text", "bool", "ints", "texts", "mail", "mails", "dict", "product", "products", "any")}
        self.count = 0
        self.loops = 0
        self.fixed: set[str] = set()

    def plan(self) -> str:
        lines = self.opening()
        for _ in range(self.r.randint(2, STATEMENTS_MAX)):
            lines += self.statement(0)
        lines += self.sink("any")
        return "\n".join(lines) + "\n"

    def opening(self) -> list[str]:
        lines = []
        for kind in self.r.sample(self.kinds, min(len(self.kinds), self.r.randint(1, 3))):
            source = self.r.choice(SECRETS[kind])
            lines.append(f"{self.new({'size': 'int', 'address': 'text', 'events': 'any'}.get(kind, kind))} = {source}")
        return lines

    def new(self, type_: str) -> str:
        if self.names[type_] and self.r.random() < 0.4:
            return self.r.choice(self.names[type_])
        self.count += 1
        name = f"v{self.count}"
        self.names[type_].append(name)
        return name

    # ------------------------------------------------------------------------------------------ statements

    def statement(self, depth: int) -> list[str]:
        r = self.r.random()
        if r < 0.24:
            return self.sink("any")
        if depth < DEPTH_MAX:
            if r < 0.40:
                return self.branch(depth)
            if r < 0.52:
                return self.loop(depth)
        if r < 0.60:
            return self.change()
        if r < 0.63 and self.loops:
            return [self.r.choice(("break", "continue"))]
        if r < 0.645:
            return [f"raise ValueError({self.expr('text', 1)})"]
        if r < 0.69:
            return [f"{self.target(t)} {self.r.choice(('+=', '-=') if t == 'int' else ('+=',))} {self.expr(t, 1)}" for t in [self.r.choice(("int", "text"))] if self.names[t]] or ["pass"]
        if r < 0.72:
            return [f"{self.new('any')}, {self.new('any')} = {self.r.choice((self.expr('texts', 1), f'({self.expr(self.type(), 1)}, {self.expr(self.type(), 1)})'))}"]
        t = self.type()
        value = self.expr(t, 2)
        return [f"{self.new(t)} = {value}"]

    def target(self, type_: str) -> str:
        return self.r.choice(self.names[type_])

    def type(self) -> str:
        return self.r.choice(("int", "int", "text", "text", "bool", "ints", "texts", "dict", "mails", "any", *(("products",) if self.shop else ())))

    def block(self, depth: int) -> list[str]:
        lines: list[str] = []
        for _ in range(self.r.randint(1, 2)):
            lines += self.statement(depth + 1)
        return ["    " + line for line in lines]

    def branch(self, depth: int) -> list[str]:
        lines = [f"if {self.expr('bool', 2)}:", *self.block(depth)]
        if self.r.random() < 0.4:
            lines += ["else:", *self.block(depth)]
        return lines

    def loop(self, depth: int) -> list[str]:
        listed, element = self.r.choice((("texts", "text"), ("ints", "int"), ("mails", "mail"), ("texts", "text"), *((("products", "product"),) if self.shop else ())))
        value = self.expr(listed, 1)
        lines = [f"for {self.new(element)} in {value}:"]
        self.loops += 1
        lines += self.block(depth)
        self.loops -= 1
        return lines

    def change(self) -> list[str]:
        kind, element = self.r.choice((("texts", "text"), ("ints", "int"), ("dict", "any")))
        if not self.names[kind] or self.r.random() < 0.3:
            name = self.new(kind)
            return [f"{name} = {'{}' if kind == 'dict' else '[]'}"]
        name = self.r.choice(self.names[kind])
        if kind == "dict":
            return [f"{name}[{self.expr(self.r.choice(('text', 'int')), 1)}] = {self.expr(self.type(), 1)}"]
        return [self.r.choice((
            f"{name}.append({self.expr(element, 1)})", f"{name}.append({self.expr(element, 1)})", f"{name}.extend({self.expr(kind, 1)})",
            f"{name}.sort(reverse={self.expr('bool', 1)})", f"{name}.sort()", f"{name}.reverse()", f"{name}.insert({self.expr('int', 1)}, {self.expr(element, 1)})",
            f"{name}[{self.expr('int', 1)}] = {self.expr(element, 1)}", f"{name} += {self.expr(kind, 1)}", f"{name} = sorted({name}, key=lambda k: {self.r.choice(('k', 'len(str(k))', 'str(k)', self.expr('int', 1)))})",
        ))]  # fmt: skip

    def sink(self, type_: str) -> list[str]:
        any_ = self.expr(self.type(), 2)
        if self.r.random() < 0.35:
            any_ = self.r.choice((f"[{any_}, 1]", f"[{any_}]", f'{{"k": {any_}}}', f"({any_}, {self.expr(self.type(), 1)})", f"str({any_})", f"[{any_}][0]", f"len(str({any_}))"))
        choices = [
            f"tracker.ping({any_})", "tracker.ping()", f"tracker.ping({any_})", f'web.fetch("site.example", {self.expr(self.r.choice(("text", "int")), 1)})',
            f"mail.send({self.r.choice(PERSONS)}, {self.expr('text', 1)}, {any_})", f"mail.send({self.person()}, \"hi\", {self.expr('text', 1)})",
            f"mail.many([{self.person()}, {self.r.choice(PERSONS)}], {any_})", f"drafts.write({self.expr('text', 1)})",
            f"calendar.add({self.expr('text', 1)}, date(2026, 3, {self.r.randint(1, 28)}))", f"doctor.tell({any_})", f"pay.send(\"sam\", {self.expr('int', 1)})",
            f"print({any_})", f"inbox.delete({self.expr('text', 1)})",
        ]  # fmt: skip
        if self.shop:
            choices += [f"shop.search({any_})", f"shop.order({self.expr('text', 1)}, {self.expr('int', 1)})"]
        chosen = self.r.choice(choices)
        if self.r.random() < 0.3:
            return [f"{self.new('any')} = {chosen}"]
        return [chosen]

    def person(self) -> str:
        if self.r.random() < 0.75:
            return self.r.choice(PERSONS)
        return f"({self.r.choice(PERSONS)} if {self.expr('bool', 1)} else {self.r.choice(PERSONS)})"

    # ------------------------------------------------------------------------------------------ expressions

    def expr(self, type_: str, depth: int) -> str:
        names = self.names[type_]
        r = self.r.random()
        if r < 0.02:
            type_ = self.type()
            names = self.names[type_]
        if names and (depth <= 0 or r < 0.45):
            return self.r.choice(names)
        if depth <= 0:
            return self.literal(type_)
        if r > 0.93:
            return f"({self.expr(type_, depth - 1)} if {self.expr('bool', depth - 1)} else {self.expr(type_, depth - 1)})"
        if r > 0.90:
            return f"default({self.expr(type_, depth - 1)}, {self.expr(type_, depth - 1)})"
        if r > 0.87:
            return f"({self.expr(type_, depth - 1)} {self.r.choice(('and', 'or'))} {self.expr(type_, depth - 1)})"
        return getattr(self, "of_" + type_)(depth - 1)

    def literal(self, type_: str) -> str:
        simple = {"int": str(self.r.randint(0, 5)), "text": f'"{self.r.choice(("a", "sam", "", "2026-03-05", "12"))}"', "bool": self.r.choice(("True", "False"))}
        plural = {"ints": "[1, 2, 3]", "texts": '["a", "b"]', "dict": '{"a": 1, "b": "c"}', "mails": "inbox.search()", "products": 'shop.search("shoes")', "any": "None", "mail": "None", "product": "None"}
        return simple.get(type_) or plural[type_]

    def of_int(self, d: int) -> str:
        e = self.expr
        return self.r.choice((
            lambda: f"({e('int', d)} {self.r.choice('+ - * // %'.split())} {e('int', d)})", lambda: f"len({e(self.r.choice(('text', 'texts', 'ints', 'dict', 'mails')), d)})",
            lambda: f"{e('ints', d)}[{e('int', d)}]", lambda: f"sum({e('ints', d)})", lambda: f"{self.r.choice(('min', 'max'))}({e('ints', d)}, default={e('int', d)})",
            lambda: f"{self.r.choice(('min', 'max'))}({e('int', d)}, {e('int', d)})", lambda: f"int({e('text', d)})", lambda: f"{e('text', d)}.count({e('text', d)})",
            lambda: f"{e('texts', d)}.index({e('text', d)})", lambda: f"abs({e('int', d)})", lambda: f"{e('dict', d)}.get({e('text', d)}, {e('int', d)})", lambda: f"round({e('int', d)} / 2)",
            lambda: f"-{e('int', d)}", lambda: f"next((n for n in {e('ints', d)} if {self.inside('int', 'n', d)}), {e('int', d)})", lambda: self.literal("int"),
            lambda: f'read({e("text", d)}, "how many?", "int")', lambda: f"len(set({e(self.r.choice(('texts', 'ints')), d)}))",
            lambda: f"tracker.ping({e('int', d)})" if self.r.random() < 0.4 else "tracker.ping()",
        ))()  # fmt: skip

    def of_text(self, d: int) -> str:
        e = self.expr
        return self.r.choice((
            lambda: f'f"{{{e(self.type(), 0)}}}-{{{e("int", 0)}:>3}}"'.replace('"None"', "None") if d < 2 else f"str({e(self.type(), d)})", lambda: f"str({e(self.type(), d)})",
            lambda: f"({e('text', d)} + {e('text', d)})", lambda: f"{e('texts', d)}[{e('int', d)}]", lambda: f'{e("text", d)}[{e("int", d)}:{e("int", d)}]',
            lambda: f'"-".join({e("texts", d)})', lambda: f"{e('text', d)}.{self.r.choice(('upper', 'lower', 'strip', 'title'))}()", lambda: f"{e('text', d)}.replace({e('text', d)}, {e('text', d)})",
            lambda: f"({e('text', d)} * {e('int', d)})", lambda: f"{self.r.choice(('min', 'max'))}({e('texts', d)}, key=lambda k: {self.inside('text', 'k', d)})", lambda: self.literal("text"),
            lambda: f'read({e("text", d)}, "what?")', lambda: f'read({e("text", d)}, "which?", ["a", "b"])', lambda: f"{e('dict', d)}[{e('text', d)}]",
            lambda: f"next((n for n in {e('texts', d)} if {self.inside('text', 'n', d)}), {e('text', d)})", lambda: 'contacts.find("Sam Lee").name', lambda: f'contacts.find({e("text", d)}).email',
            lambda: f'web.fetch("other.example", {e("text", d)})' if self.r.random() < 0.3 else '"x"', lambda: f"next((m.subject for m in {e('mails', d)} if m.opened == {e('bool', d)}), {e('text', d)})",
            lambda: f'vault.fact({e("text", d)})', lambda: f'{e("text", d)}.partition({e("text", d)})[0]', lambda: f"default(vault.optional(), {e('text', d)})" if "text" in self.kinds else '"y"',
        ))()  # fmt: skip

    def of_bool(self, d: int) -> str:
        e = self.expr
        return self.r.choice((
            lambda: f"({e('int', d)} {self.r.choice('< <= > >= == !='.split())} {e('int', d)})", lambda: f"({e('text', d)} == {e('text', d)})", lambda: f"({e('text', d)} in {e(self.r.choice(('text', 'texts', 'dict')), d)})",
            lambda: f"(not {e(self.type(), d)})", lambda: f"{e(self.type(), d)}.ok" if self.r.random() < 0.7 else f"bool({e(self.type(), d)})", lambda: f"{e('text', d)}.startswith({e('text', d)})", lambda: f"({e('int', d)} < {e('int', d)} < {e('int', d)})",
            lambda: f"{self.r.choice(('any', 'all'))}({self.inside('text', 'n', d)} for n in {e('texts', d)})", lambda: f"({e(self.type(), d)} is None)", lambda: f"isinstance({e(self.type(), d)}, {self.r.choice(('str', 'int', 'list', 'dict'))})",
            lambda: f'read({e("text", d)}, "is it?", "bool")', lambda: f"({e('texts', d)} == {e('texts', d)})", lambda: self.literal("bool"), lambda: f"({e('bool', d)} and tracker.ping() > 2)" if self.r.random() < 0.4 else "True",
        ))()  # fmt: skip

    def of_ints(self, d: int) -> str:
        e = self.expr
        return self.r.choice((
            lambda: f"[{e('int', d)}, {e('int', d)}]", lambda: f"list(range({e('int', d)}))", lambda: f"[len(t) for t in {e('texts', d)}]", lambda: f"({e('ints', d)} + {e('ints', d)})",
            lambda: f"{e('ints', d)}[{e('int', d)}:]", lambda: f"sorted({e('ints', d)}, reverse={e('bool', d)})", lambda: f"[n for n in {e('ints', d)} if {self.inside('int', 'n', d)}]",
            lambda: f"[n + k for n in {e('ints', d)} for k in {e('ints', d)}]", lambda: f"list(set({e('ints', d)}))", lambda: f"({e('ints', d)} * {e('int', d)})", lambda: f"list(reversed({e('ints', d)}))",
            lambda: f"[i for i, t in enumerate({e('texts', d)}) if {self.inside('text', 't', d)}]", lambda: f"find_amounts({e('text', d)})", lambda: "[1, 2]",
        ))()  # fmt: skip

    def of_texts(self, d: int) -> str:
        e = self.expr
        return self.r.choice((
            lambda: f"[{e('text', d)}, {e('text', d)}]", lambda: f"{e('text', d)}.split({e('text', d)})", lambda: f"[t for t in {e('texts', d)} if {self.inside('text', 't', d)}]",
            lambda: f"({e('texts', d)} + {e('texts', d)})", lambda: f"{e('texts', d)}[:{e('int', d)}]", lambda: f"sorted({e('texts', d)}, key=lambda k: {self.inside('text', 'k', d)})", lambda: f"list({e('dict', d)})",
            lambda: f"[m.body for m in {e('mails', d)}]", lambda: f"[str(v) for k, v in {e('dict', d)}.items()]", lambda: "drafts.read()", lambda: f"[m.subject for m in {e('mails', d)} if m.opened == {e('bool', d)}]",
            lambda: f"list({e('text', d)})", lambda: f"[a + b for a, b in zip({e('texts', d)}, {e('texts', d)})]", lambda: f"[c.title for c in calendar.find({e('text', d)})]", lambda: f"find_emails({e('text', d)})",
            lambda: f'read({e("text", d)}, "list", ["str"])', lambda: f"[tracker.ping(t) for t in {e('texts', d)}]" if self.r.random() < 0.3 else '["z"]',
        ))()  # fmt: skip

    def of_dict(self, d: int) -> str:
        e = self.expr
        return self.r.choice((
            lambda: f'{{{e("text", d)}: {e(self.type(), d)}, "k": {e(self.type(), d)}}}', lambda: f"{{t: len(t) for t in {e('texts', d)}}}", lambda: f"{{t: 1 for t in {e('texts', d)} if {self.inside('text', 't', d)}}}",
            lambda: f"dict(zip({e('texts', d)}, {e('ints', d)}))", lambda: '{"a": 1}', lambda: f'read({e("text", d)}, "all", {{"a": "int", "b": "str"}})',
        ))()  # fmt: skip

    def of_mails(self, d: int) -> str:
        e = self.expr
        return self.r.choice((
            lambda: "inbox.search()", lambda: f"inbox.search(subject={e('text', d)})", lambda: f"[m for m in {e('mails', d)} if m.opened == {e('bool', d)}]", lambda: f"sorted({e('mails', d)}, key=lambda m: m.body)", lambda: f"{e('mails', d)}[:{e('int', d)}]",
        ))()  # fmt: skip

    def of_products(self, d: int) -> str:
        e = self.expr
        return self.r.choice((lambda: f"shop.search({e('text', d)})", lambda: f"[p for p in {e('products', d)} if p.price < {e('int', d)}]", lambda: f"sorted({e('products', d)}, key=lambda p: p.price)"))()

    def of_any(self, d: int) -> str:
        t = self.r.choice(("int", "text", "bool", "ints", "texts", "dict"))
        return self.expr(t, d)

    def of_mail(self, d: int) -> str:
        return f"{self.expr('mails', d)}[{self.expr('int', d)}]"

    def of_product(self, d: int) -> str:
        return f"min({self.expr('products', d)}, key=lambda p: p.price)"

    def inside(self, type_: str, name: str, d: int) -> str:
        """A test over the element `name` of a comprehension or key."""
        if type_ == "int":
            return self.r.choice((f"{name} > {self.simple('int')}", f"{name} == {self.simple('int')}", self.simple("bool"), f"{name} % 2 == 0"))
        return self.r.choice((f"len({name}) > {self.simple('int')}", f"{name} == {self.simple('text')}", self.simple("bool"), f"{name}.startswith({self.simple('text')})", f"{self.simple('text')} in {name}"))

    def simple(self, type_: str) -> str:
        return self.r.choice(self.names[type_]) if self.names[type_] and self.r.random() < 0.6 else self.literal(type_)


# ---------------------------------------------------------------------------------------------------- exhaustive

SMALL = (
    "x = 1", "x = s", "x = n", "x = x + 1", "l.append(x)", "x = len(l)", "x = l[0]", "x = default(d, 1)", "x = d.ok", "x = 1 if s else 2", "x = s and x", "x = [y for y in t if s]",
    "x = next((y for y in t), 0)", "x = min([x, n])", "x = f\"{x}\"", "x = {1: x}", "tracker.ping(x)", "tracker.ping()", "raise ValueError(\"x\")",
)  # fmt: skip
IN_LOOP = ("break", "continue")
COMPOUND = ("if s:", "if x:", "for y in t:", "for y in [1, 2]:")
def small(seed: int) -> str:
    """One plan of the small alphabet, larger than those of which all are run."""
    r = random.Random(seed)

    def body(size: int, loop: bool) -> list[str]:
        lines: list[str] = []
        while size > 0:
            if size > 1 and r.random() < 0.5:
                inner = r.randint(1, min(size - 1, 4))
                head = r.choice(COMPOUND)
                lines += [head, *("    " + line for line in body(inner, loop or head.startswith("for")))]
                size -= inner + 1
            else:
                lines.append(r.choice(SMALL + (IN_LOOP * 3 if loop else ())))
                size -= 1
        return lines

    return PRELUDE + "\n".join(body(r.randint(3, 7), False)) + "\n" + CODA


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
