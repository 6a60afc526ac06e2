"""A plan line by line: after each line a grammar of what the next one can be, from what is bound by then and what the request says.

A small model cannot keep track of names, fields and slots; this can. Of a mail only its own fields can be read, an id comes from a
record of its kind, an address or a card from a fact of that type, a limit from the request's own numbers, nothing is looked up
twice, and a plan ends when it has told the user. It is an aid and no safeguard: the judge decides on the whole plan all the same (G0.1).
It sees the request with handles only (G4.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from discreet.kernel.contract import REQUIRED, Contract, Effect, Parameter, Role
from discreet.kernel.shape import Shape
from discreet.models.grammar import SERVICES, _any_of, _names_but, _quoted, _TAKEN
from discreet.models.named import HANDLE
from discreet.models.provider import Grammar
from discreet.models.said import Said
from discreet.models.scope import Path, Scope, paths, superseded

lines_max = 16
depth_max = 2
READING = "read"

# Arguments that a fact about the user fills, by the information types that fit.
FACTS: Mapping[str, tuple[str, ...]] = {"address": ("contact/postal-address",), "card": ("finance/payment-token",), "size": ("body/shoe-size", "body/clothing-size"), "email": ("contact/email",)}
_ORDERS = ("contact/postal-address", "finance/payment-token")  # what every order needs
_FORMATS = {"float": ('""', '":.2f"'), "date": ('":%d %B"', '":%d %B %Y"'), "datetime": ('":%d %B at %H:%M"', '":%H:%M"', '":%d %B"'), "time": ('":%H:%M"',)}
_NUMBERS = ("int", "float")
_DATES = ("date", "datetime")


@dataclass(frozen=True, slots=True)
class Step:
    """What comes next: a line that is sure, or a grammar to choose one by; with neither the plan is at its end."""

    line: str = ""
    grammar: Grammar | None = None


def opening(said: Said, contracts: Mapping[str, Contract]) -> str:
    """The first lines, where the request leaves no choice: relations are looked up, so is what is usual, and the size of what is worn."""
    lines = []
    if "memory.recall" in contracts and "shop.search" in contracts and said.shops:
        if said.usual:
            lines.append('wanted = memory.recall(type="preference/product", query=%s)' % _literal(_usual_words(said)))
        lines += [f'size = memory.recall(type="{kind}")' for kind in said.sizes[:1]]
    if "contacts.find" in contracts:
        for relation in said.relations:
            name = re.sub(r"\W+", "_", relation.split()[-1].lower())
            if re.fullmatch(r"[a-z][a-z_]*", name):
                lines.append(f"{name} = contacts.find(name={_literal(relation)})")
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


def _usual_words(said: Said) -> str:
    usual = re.search(r"\b(?:usual|favou?rite|regular)\s+((?:[\w-]+\s+){0,2}?[\w-]+)(?=\s+(?:from|at|of|for|in|please|and|to|by|on)\b|\s*[,.;:!?]|$)", said.text, re.IGNORECASE)
    return usual.group(1) if usual else next(iter(said.wanted), "usual")


def _literal(text: str) -> str:
    return '"' + text.replace("\\", "").replace('"', "") + '"'


def next_step(scope: Scope, contracts: Mapping[str, Contract], said: Said) -> Step:
    """The next line of a plan that has this scope; `contracts` are the tools that the request asks for."""
    if len(scope.lines) >= lines_max and not scope.header:
        return Step()
    return _Line(scope, contracts, said).step()


def unmet(scope: Scope, contracts: Mapping[str, Contract], said: Said) -> list[str]:
    """What the request asks for in so many words and no line does yet, as services or tools."""
    called = {name for name, _ in scope.calls}
    wanted: list[str] = []
    acting = [name for name, contract in contracts.items() if contract.effect is not Effect.READ]
    if acting and said.acts and not called & set(acting):
        wanted.append("an act")
    for service, cue in _SPOKEN_OF.items():
        if any(name.startswith(service) for name in contracts) and said.has(cue) and not any(name.startswith(service) for name in called):
            wanted.append(service)
    if said.asked_types and "memory.recall" in contracts and "memory.recall" not in called:
        wanted.append("memory.recall")
    if "mail.search" in called and not called & {"mail.read", "mail.reply"} and "mail.read" in contracts and not said.has(_LISTED):
        wanted.append("mail.read")  # what a mail says stands in its text
    if said.pays and "shop.checkout" in contracts and "shop.checkout" not in called:
        wanted.append("shop.checkout")
    return wanted


_SOURCES = ("mail.search", "shop.search", "calendar.list", "files.read", "files.list", "web.read", "web.search")  # what a request speaks of is there to be looked at
_POINTS = r"\b(?:it|that|this|them|those|these|her|him|one|ones|something|somebody|someone)\b"
_LISTED = r"\b(?:list|subjects?|how many|any (?:new )?(?:e-?)?mails?|who (?:wrote|mailed))\b"
_SPOKEN_OF = {
    "calendar.": r"\b(?:calendar|diary)\b", "memory.remember": r"\bremember (?:that|my)\b|\bfrom now on\b|\bin mind\b", "mail.": r"\be?-?mail(?:s|ed)?\b|\bwrote\b|\bwritten to me\b|\btickets?\b",
    "web.": r"\bweb\b|\bonline\b|\binternet\b|https?://", "files.": r"\bfolder\b|\b[\w-]+\.(?:txt|pdf|csv|md|docx?)\b", "shop.reviews": r"\breviews?\b|\bpeople g[ai]ve\b|\bstars\b.*\bgiven\b",
}  # fmt: skip


# Words that speak of where something is looked up, by service.
_WHERE = {
    "files": r"\b(?:folders?|files?|documents?)\b|\b[\w-]+\.(?:txt|pdf|csv|md|docx?)\b",
    "web": r"https?://|\b(?:web|online|internet|site|website|page|google)\b",
    "calendar": r"\b(?:calendar|diary|free|busy|appointments?|events?|meetings?|agenda|cancel|call off)\b",
    "mail": r"\b(?:wrote|written|write back|sent (?:me|us)|mailed|invoices?|bill(?:s|ed)?|charged?|tickets?|confirm\w*|newsletters?|inbox|parcel|bookings?|reservation|offer|letter"
    r"|repl(?:y|ies)|answer|respond|get back|accept|decline|(?:invited|told|asked|reminded) me|announced)\b|\b(?:messages|mails|emails)\b"
    r"|(?:['’]s|\b(?:the|an?|his|her|their|its|last|in|from|that|this|of))\s+(?:\w+\s+)?e?-?mail\b|\b(?:want|need|ask|say|expect|mention)s?\b.*\?",
}  # fmt: skip
_SELLS = r"\b(?:buy|order|purchase|reorder|prices?|costs?|cheap\w*|expensive|sells?|stock|rated|ratings?|reviews?|stars?|shops?|stores?|pick up|out of|packs?|pairs?|get|grab|need|ship\w*|have|send)\b"
_MOVES = r"\b(?:move|shift|postpone|reschedule|push back|bring forward)\b"  # an entry that is there
_FROM_MAIL = r"\b(?:invoices?|e?-?mails?|wrote|written|mailed|confirmation|ticket)\b"


def reachable(contracts: Mapping[str, Contract], said: Said) -> dict[str, Contract]:
    """The tools that a plan for this request can come to use: a shop needs a name, a message somebody, an entry a day."""
    somebody = bool(said.people) or "@" in said.text or HANDLE.search(said.text) is not None
    mails = said.has(_WHERE["mail"])
    shop = bool(said.shops) and said.has(_SELLS) and (said.pays or not said.has(_FROM_MAIL))
    day = bool(said.mentions) or said.has(r"\b(?:calendar|diary|birthday)\b") or mails
    asks = said.condition or said.looks_up or said.removes or said.has(r"\b(?:move|shift|postpone|reschedule|free|busy)\b")
    tells = not said.acts and not said.pays and said.text.rstrip().endswith("?")  # a question is answered, and nothing done
    files = said.has(_WHERE["files"]) or bool(said.files)
    keeps = {
        "shop.": shop, "mail.search": mails, "mail.read": mails, "mail.reply": mails and somebody_wrote(said), "mail.send": somebody, "files.": files,
        "files.write": said.has(r"\b(?:save|write|store|record|note|put|create|keep)\b.{1,40}(?:\bfile\b|\bfolder\b|\.\w{2,4}\b)"),
        "web.": said.has(_WHERE["web"]), "web.search": not said.links, "calendar.add": day and not said.removes and not ("calendar.move" in contracts and said.has(_MOVES)), "calendar.list": asks and (bool(said.mentions) or said.has(_WHERE["calendar"])),
        "memory.remember": said.keeps, "memory.recall": not said.keeps or said.looks_up,
    }  # fmt: skip
    return {name: contract for name, contract in contracts.items() if not (tells and contract.effect is not Effect.READ) and all(kept for service, kept in keeps.items() if name.startswith(service))}


def somebody_wrote(said: Said) -> bool:
    return bool(said.people or said.names)


class _Line:
    """One grammar in the making: `rules` are the shared ones, a way is one form that the line can have."""

    def __init__(self, scope: Scope, contracts: Mapping[str, Contract], said: Said) -> None:
        self.scope, self.said = scope, said
        self.contracts = {name: contract for name, contract in contracts.items() if "." in name}
        self.paths = paths(scope.bound)
        self.paths = [path for path in self.paths if not path.text.startswith(self._undecided())]
        self.rules: dict[str, str] = {}
        self.looping = False  # whether the line in the making stands in a loop

    def step(self) -> Step:
        scope = self.scope
        last = scope.lines[-1].strip() if scope.lines else ""
        printed, depth = last.startswith("print("), scope.depth
        pending = next((name for name, one in scope.bound.items() if one.maybe), "")
        if pending and not scope.header:
            return Step(line="    " * depth + f"if {pending} is None:")
        closing = scope.depth - 1
        nothing = printed and closing in scope.open_if and self._opener(closing).endswith(" is None:")
        if nothing:
            return Step(line="    " * closing + "else:")
        if printed and depth == 0:
            return Step()
        if printed and not scope.loops and closing not in scope.open_if and depth == 1:
            return Step()  # both branches have told the user
        ways: list[str] = []
        for at in [depth] if scope.header else range(depth - printed, -1, -1):
            ways += [f"{_quoted('    ' * at)} {way}" if at else way for way in self._ways(at)]
        if printed:
            ways += [_quoted("    " * at + "else:") for at in scope.open_if]
        if not ways:
            return Step()
        end = ' | ""' if printed and not scope.header and not self._unmet() else ""
        return Step(grammar=self._grammar(f"({' | '.join(ways)}) \"\\n\"{end}"))

    def _opener(self, depth: int) -> str:
        """The line that opened the block at this depth."""
        for line in reversed(self.scope.lines):
            if (len(line) - len(line.lstrip())) // 4 == depth:
                return line.strip()
        return ""

    def _unmet(self) -> list[str]:
        return unmet(self.scope, self.contracts, self.said) if self.said.concrete else []

    def _grammar(self, root: str) -> Grammar:
        handles = " | ".join(_quoted(handle) for handle in dict.fromkeys(HANDLE.findall(self.said.text))) or _quoted("[no handle]")
        text = [
            f"root ::= {root}", f"handle ::= {handles}", r'string ::= "\"" ([^"\\\n{}[] | handle){1,400} "\""',
            r"""ftext ::= "f\"" ([^"\\\n{}[] | handle | "{" hole "}"){1,400} "\"" """.rstrip(), f"hole ::= {self._holes()}",
            r"attr ::= [a-z] [a-z_]{0,20}", r'int ::= "0" | [1-9] [0-9]{0,5}',
        ]  # fmt: skip
        text += [f"{name} ::= {body}" for name, body in self.rules.items()]
        return Grammar("\n".join(text) + _names_but({*_TAKEN, *SERVICES, *self.scope.bound, *(name.split(".")[0] for name in self.contracts)}) + "\n")

    # ------------------------------------------------------------------------------------------ lines

    def _ways(self, depth: int) -> list[str]:
        looping = self.looping = any(loop < depth for loop in self.scope.loops)
        made = [*self._looked_up(), *([] if looping else self._picked()), *self._read()]
        ways = [f'name " = " ({" | ".join(made)})'] if made else []
        if not looping or self.said.every:
            ways += self._acts()
        if looping:
            ways += self._summed()
        elif self.said.sums and not self.scope.looped and not any(one.shape.kind == "float" and not one.origin for one in self.scope.bound.values()):
            ways.append('"total = 0"')
        if depth < depth_max and not self.scope.header or (looping and depth < depth_max + 1):
            if (self.said.condition or looping or self._lists("Event")) and (tests := self._tests()):
                ways.append(f'"if " ({tests}) ":"')
            if depth == 0:
                ways += [f"{_quoted(f'for {_letter(shape)} in {name}:')}" for name, shape in self._lists() if self._loops_over(name, shape)]
        if self._may_tell(depth) or not any(ways):
            ways.append(self._told())
        return ways

    def _told(self) -> str:
        """What the user is told; of a request that points at nothing that it names, a question."""
        if not self.scope.calls and not self.said.concrete and self.said.has(_POINTS):
            return r'''"print(\"" [^"\\\n{}[?]{1,120} "?\")"'''
        return '"print(" (string | ftext) ")"' if self.paths else '"print(" string ")"'

    def _loops_over(self, name: str, shape: Shape) -> bool:
        return name not in self.scope.looped and shape.name not in ("Item", "Page") and (self.said.every or self.said.sums or shape.name != "Mail")

    def _may_tell(self, depth: int) -> bool:
        if depth:
            return True
        left = self._unmet()
        if not self.scope.calls:
            sources = any(self._call(self.contracts[name]) for name in _SOURCES if name in self.contracts)
            return not self.said.concrete or not (left or sources or self.said.looks or self.said.looks_up)
        return not left

    def _looked_up(self) -> list[str]:
        """Calls of tools that read, none of them once more than the request has things to look up."""
        return [
            made for name, contract in self.contracts.items()
            if contract.effect is Effect.READ and self._spoken_of(name) and self._left(name) and (made := self._call(contract))
        ]  # fmt: skip

    def _spoken_of(self, tool: str) -> bool:
        """Whether a word of the request speaks of where this tool looks; of a service that is not known here it may."""
        return (cue := _WHERE.get(tool.split(".")[0])) is None or self.said.has(cue) or (tool.startswith("calendar.") and bool(self.said.mentions))

    def _left(self, name: str) -> bool:
        said, count = self.said, self.scope.called(name)
        most = {
            "contacts.find": len(said.people), "mail.search": max(1, min(2, len(said.people) + len(said.names))), "mail.read": 2, "memory.recall": 6, "shop.search": max(1, len(said.shops)),
            "shop.reviews": 2, "files.read": max(1, len(said.files)), "calendar.list": 2, "web.read": 2,
        }  # fmt: skip
        return count < most.get(name, 1)

    def _acts(self) -> list[str]:
        ways = []
        for name, contract in self.contracts.items():
            if contract.effect is Effect.READ or not self._act_left(name) or self._too_early(name) or not (made := self._call(contract)):
                continue
            ways.append(f'name " = " {made}' if contract.effect is Effect.PAY else made)
        return ways

    def _too_early(self, name: str) -> bool:
        """Whether something that the request speaks of has to be looked up or read before this acts."""
        said, called = self.said, {tool for tool, _ in self.scope.calls}
        first = {
            "mail.search": bool(said.writers) or (bool(said.names) and said.has(_FROM_MAIL)), "memory.recall": bool(said.asked_types),
            "files.read": bool(said.files) and "files.write" not in self.contracts, "web.read": bool(said.links),
            "mail.read": "mail.search" in called and name in ("mail.send", "calendar.add"),
        }  # fmt: skip
        if any(needed and tool in self.contracts and tool not in called for tool, needed in first.items()):
            return True
        timed = any(mention.code.startswith("datetime(") for mention in said.mentions)
        return name == "calendar.add" and bool(called & _LONG) and READING not in called and not timed

    def _act_left(self, name: str) -> bool:
        most = max(1, len(self.said.people)) if name == "mail.send" else 1
        both = {"mail.send", "mail.reply"} if not self.said.every and len(self.said.people) < 2 else set()
        if name in both and any(self.scope.called(other) for other in both - {name}):
            return False  # one message to one person
        return self.scope.called(name) < most

    def _picked(self) -> list[str]:
        """One of several, or those that fit: the one that the request describes, and no other."""
        ways = []
        for name, shape in self._lists():
            letter, test, needed = _letter(shape), self._test_of(shape), self._needed(name, shape)
            most = [(pick, key) for pick, key in self.said.most if key in shape.fields]
            sifted = self.scope.bound[name].derived
            if test and not sifted and shape.name != "Event":
                ways.append(f"{_quoted(f'[{letter} for {letter} in {name} if ')} {test} {_quoted(']')}")
            if not needed:
                ways += [_quoted(f"{pick}({name}, key=lambda x: x.{key})") for pick, key in most]
            if most:
                continue
            if test and not sifted:
                otherwise = "None" if shape.name == "Event" else f"{name}[0]"
                ways.append(f"{_quoted(f'next(({letter} for {letter} in {name} if ')} {test} {_quoted(f'), {otherwise})')}")
            if not needed:
                ways.append(_quoted(f"{name}[0]"))
                measured = [key for key, inner in shape.fields.items() if inner.kind in (*_NUMBERS, *_DATES)]
                ways += [_quoted(f"{pick}({name}, key=lambda x: x.{key})") for key in measured for pick in ("min", "max")]
        return ways

    def _needed(self, name: str, shape: Shape) -> list[str]:
        """Tests that the request states for sure, of a list that nothing was sifted from: what is in stock, and a limit that is no `if`."""
        if self.scope.bound[name].derived:
            return []
        return self._stated(shape)

    def _stated(self, shape: Shape) -> list[str]:
        letter, found = _letter(shape), []
        if "in_stock" in shape.fields and self.said.has(r"\b(?:in|on) stock\b|\bavailable\b") and self.said.most + self.said.limits:
            found.append(_quoted(f"{letter}.in_stock"))
        if "price" in shape.fields and self.said.limits and not self.said.condition:
            found.append(f'{_quoted(f"{letter}.price")} (" <= " | " < ") {_any(self.said.limits)}')
        return found

    def _undecided(self) -> tuple[str, ...]:
        """Beginnings of paths to the first of a list, where the request says which one of it: that one is picked before."""
        lists = self._lists()
        return tuple(f"{name}[0]." for name, shape in lists if self._needed(name, shape) or any(key in shape.fields for _, key in self.said.most))

    def _read(self) -> list[str]:
        """A reader's answer from one long text: of a mail, a file or a page."""
        texts = [name for name, one in self.scope.bound.items() if one.shape.kind == "text" and one.origin in _LONG]
        inline = [made for name in ("mail.read",) if self.looping and name in self.contracts and (made := self._call(self.contracts[name]))]
        if not texts and not inline or self.scope.called(READING) >= 2:
            return []
        source = " | ".join([*map(_quoted, texts), *inline])
        self.rules["field"] = r'"\"" attr "\": " ("str" | "int" | "float" | "bool" | "date" | "datetime")'
        return [f'"read(" ({source}) ", " string ", {{" field (", " field){{0,3}} "}})"']

    def _summed(self) -> list[str]:
        totals = [name for name, one in self.scope.bound.items() if one.shape.kind == "float" and not one.origin]
        added = [path.text for path in self.paths if path.shape.kind in _NUMBERS and path.origin]
        return [f"{_quoted(f'{total} = {total} + ')} ({' | '.join(map(_quoted, added))})" for total in totals if added]

    # ------------------------------------------------------------------------------------------ tests

    def _lists(self, name: str = "") -> list[tuple[str, Shape]]:
        old = superseded(self.scope.bound, only_lists=True)
        found = [(key, one.shape.element) for key, one in self.scope.bound.items() if key not in old and one.shape.kind == "list" and one.shape.element and one.shape.element.kind == "record"]
        return [(key, shape) for key, shape in found if not name or shape.name == name]

    def _test_of(self, shape: Shape) -> str:
        clauses = []
        for key, inner in shape.fields.items():
            left = f"{_letter(shape)}.{key}"
            if inner.kind == "bool" and key not in ("all_day", "sender_verified"):
                clauses += [_quoted(left)]
            elif inner.kind in _NUMBERS and not (key == "price" and self.said.condition) and (numbers := self._numbers(key)):
                clauses.append(f"{_quoted(left)} cmp {_any(numbers)}")
            elif inner.kind == "text" and key in ("title", "subject", "name") and shape.name != "Item":
                words = [*self.said.words, *HANDLE.findall(self.said.text)]
                clauses += [f'{_any([_literal(word) for word in words])} {_quoted(f" in {left}.lower()")}'] if words else []
        if not clauses:
            return ""
        self.rules["cmp"] = '" <= " | " < " | " >= " | " > " | " == "'
        rule = f"test-{shape.name.lower()}"
        self.rules[rule] = " | ".join(clauses)
        if stated := self._stated(shape):
            return '" and " '.join(f"{one} " for one in stated) + f'(" and " {rule})?'
        return f'{rule} (" and " {rule}){{0,2}}'

    def _numbers(self, field: str) -> list[str]:
        """Numbers of the request that a field can be compared with: of a price its limits."""
        if field in ("price", "total", "amount", "cost"):
            return list(self.said.limits)
        if field in ("rating", "stars"):
            return list(self.said.stars)
        return [number for number in self.said.numbers if number not in self.said.limits]

    def _tests(self) -> str:
        tests = [_quoted(f"len({name}) {sign} 0") for name, shape in self._lists() if not name.startswith("fitting") for sign in ("==", ">")]
        for path in self.paths:
            if path.shape.kind == "bool" and path.origin != "Mail.sender_verified":
                tests.append(_quoted(path.text))
            elif path.shape.kind in _NUMBERS and path.origin and self._numbers(path.origin.split(".")[-1]):
                self.rules["cmp"] = '" <= " | " < " | " >= " | " > " | " == "'
                tests.append(f"{_quoted(path.text)} cmp {_any(self._numbers(path.origin.split('.')[-1]))}")
        return " | ".join(tests)

    def _holes(self) -> str:
        ways = [f"{_quoted(path.text)} {_format(path.shape.kind)}".rstrip() for path in self.paths if path.origin.split(".")[-1] != "id"]
        ways += [_quoted(f"len({name})") for name, _ in self._lists()]
        return " | ".join(ways) or _quoted("[nothing is bound]")

    # ------------------------------------------------------------------------------------------ calls

    def _recall(self, contract: Contract) -> str:
        """A fact that the request speaks of, by its words where it has some; what an order needs is one of its type."""
        kinds = next((parameter for parameter in contract.parameters if parameter.name == "type"), None)
        done = " ".join(call for one, call in self.scope.calls if one == contract.name)
        left = [one for one in self._recallable(kinds) if one not in done] if kinds else []
        plain = [one for one in left if one in _ORDERS and one not in self.said.types]
        asked = [one for one in left if one not in plain]
        ways = [f'"memory.recall(type=" {_any(map(_literal, plain))} ")"'] if plain else []
        if asked:
            query = f'(", query=" {_any(map(_literal, self.said.wanted))})?' if self.said.wanted else ""
            ways.append(f'"memory.recall(type=" {_any(map(_literal, asked))} {query} ")"')
        return " | ".join(ways)

    def _call(self, contract: Contract) -> str:
        if contract.name == "memory.recall":
            return self._recall(contract)
        parts: list[tuple[str, str, bool]] = []
        for parameter in contract.parameters:
            slot, sure = self._slot(contract, parameter)
            if not slot and (parameter.default is REQUIRED or (sure and parameter.address)):
                return ""  # whom the request invites has to be looked up before
            if slot:
                parts.append((parameter.name, slot, sure or parameter.default is REQUIRED))
        parts.sort(key=lambda part: not part[2])
        made, first = [_quoted(contract.name + "(")], True
        for name, slot, sure in parts:
            written = f"{_quoted(f'{name}=' if first else f', {name}=')} ({slot})"
            if first and not sure and len(parts) > 1:  # only optional ones: one of them at least
                rest = [f"({_quoted(f'{name}=')} ({slot}))" for name, slot, _ in parts]
                return " ".join([made[0], "(" + " | ".join(rest) + ")", _quoted(")")])
            made.append(written if sure else f"({written})?")
            first = False
        return " ".join([*made, _quoted(")")])

    def _slot(self, contract: Contract, parameter: Parameter) -> tuple[str, bool]:
        """(what the argument can be, whether it is there for sure); nothing if it can be nothing yet."""
        said, name, kind = self.said, parameter.name, parameter.shape.kind
        tool, service = contract.name, contract.name.split(".")[0]
        optional = parameter.default is not REQUIRED
        match tool, name:
            case "contacts.find", _:
                done = " ".join(call for one, call in self.scope.calls if one == tool)
                return _any([_literal(one) for one in said.people if one not in done]), True
            case "memory.remember", "type":
                return _any([_literal(one) for one in (said.types or [one for one in parameter.shape.choices if one.startswith(("preference/", "document/", "home"))])]), True
            case "mail.search", "sender":
                return self._writers(), True
            case "mail.search", "since":
                days = [_quoted(mention.code) for mention in said.mentions if mention.code.startswith("date(")] if said.has(r"\bsince\b|\bafter\b|\bthis (?:year|month|week)\b") else []
                return " | ".join(days), bool(days)
            case "shop.search", "query":
                usual = [path.text for path in self.paths if path.origin == "memory.recall:preference/product"]
                return _any(usual) if usual else _any([_literal(one) for one in said.wanted]), True
            case "web.search", "query":
                return _any([_literal(one) for one in said.wanted]), True
            case "files.write", "path":
                return _any([_literal(one) for one in said.files]) or "string", True
        if name in ("id", "item"):
            found = [path.text for path in self.paths if path.origin in self._ids(service)]
            looping = [one for one in found if self.looping and "[" not in one]  # in a loop it is about its own record
            return _any(looping or found), True
        if parameter.address == "shop":
            return _any([_literal(one) for one in said.shops]), True
        if parameter.address == "mail":
            return self._addresses(tool, many=kind == "list"), name == "attendees" and said.invites
        if contract.effect is Effect.PAY and name in FACTS:
            return self._fact(name, optional)
        if parameter.role is Role.AMOUNT:
            return _any([*said.limits, *(f"{path.text}{times}" for path in self.paths if path.origin == "Item.price" for times in self._times())] if not said.limits else list(said.limits)), True
        if parameter.role is Role.TIMES:
            return _any([str(count) for count in said.quantities]), True
        if name == "minutes":
            return _any([str(count) for count in said.minutes]), True
        if name == "url":
            return _any([*(_literal(one) for one in said.links), *self._of("Page.url")]), True
        if name == "path":
            return _any([*(_literal(one) for one in said.files), *self._of("File.path")]), True
        if name == "folder":
            if said.files and tool == "files.list":
                return "", True  # the file is named
            return _any([_literal(one) for one in (said.folders or said.phrases)]), True
        if name == "place":
            return self._where()
        if kind == "datetime":
            return " | ".join(self._moments()), True
        if kind == "date":
            return " | ".join(self._days()), True
        return self._plain(contract, parameter), not optional

    def _plain(self, contract: Contract, parameter: Parameter) -> str:
        """An argument that is known by its kind only."""
        match parameter.shape.kind:
            case "enum":
                return _any([_literal(one) for one in parameter.shape.choices])
            case "bool":
                return '"True" | "False"'
            case "int" | "float":
                return _any([*self.said.numbers, *(path.text for path in self.paths if path.shape.kind in _NUMBERS)]) or "int"
            case "duration":
                return " | ".join(_quoted(f"timedelta(minutes={count})") for count in self.said.minutes) or '"timedelta(days=" int ")"'
            case "list":
                return '"[" (string | ftext) (", " (string | ftext)){0,5} "]"'
        texts = [path.text for path in self.paths if path.shape.kind == "text" and path.origin.split(".")[-1] != "id"]
        if parameter.role in (Role.WHO, Role.WHAT) or (contract.effect is Effect.READ and parameter.role is Role.KEY):
            return _any([*(_literal(one) for one in self.said.phrases), *texts])
        return " | ".join(["string", *(["ftext"] if self.paths else []), *(map(_quoted, texts) if contract.effect is not Effect.READ else ())])

    def _of(self, origin: str) -> list[str]:
        return [path.text for path in self.paths if path.origin == origin]

    def _ids(self, service: str) -> set[str]:
        """Where an id of this service can come from: records that its own look-ups give."""
        shapes = (contract.result for name, contract in self.contracts.items() if name.startswith(f"{service}.") and contract.effect is Effect.READ)
        return {f"{name}.id" for shape in shapes for name, inner in shape.records().items() if "id" in inner.fields}

    def _recallable(self, parameter: Parameter) -> Sequence[str]:
        """Types that the request speaks of, and those that its order needs; any where it speaks of none."""
        order = "shop.checkout" in self.contracts and (self.said.pays or (self.said.buys and self.said.shops))
        needed = [one for one in _ORDERS if one != "contact/postal-address" or not (self.said.ships and self.said.people)] if order else []
        asked = [one for one in self.said.types if not one.startswith("preference/") or (self.said.looks_up and self.said.own)]
        elsewhere = self.said.people or self.said.files or any(self._spoken_of(f"{service}.") for service in _WHERE)
        return [*asked, *needed] or (parameter.shape.choices if self.said.own and not elsewhere else [])

    def _ships_to(self) -> list[str]:
        return self._of("Contact.address") if self.said.ships else []

    def _fact(self, name: str, optional: bool) -> tuple[str, bool]:
        """A fact about the user where an order needs one; where it goes to somebody, their address."""
        if name == "address" and (there := self._ships_to()):
            return _any(there), True
        kinds = FACTS[name]
        known = [path.text for path in self.paths if path.origin in {f"memory.recall:{kind}" for kind in kinds}]
        if known or optional:
            return _any(known), bool(known)
        return _quoted(f'memory.recall(type="{kinds[0]}")'), True

    def _times(self) -> list[str]:
        return [f" * {count}" for count in self.said.quantities] or [""]

    def _writers(self) -> str:
        """Whose mails: somebody who was looked up, else a name that the request has and that was not looked up."""
        looked = self._emails(self.said.writers)
        done = " ".join(call for one, call in self.scope.calls if one == "contacts.find")
        somewhere = {handle for handle in HANDLE.findall(self.said.text) if handle not in self.said.people and not self.said.has(r"\bfrom\s+" + re.escape(handle))}
        names = [_literal(one) for one in self.said.names if one not in done and one not in somewhere]
        return _any([*looked, *names] or [_literal(one) for one in self.said.phrases])

    def _addresses(self, tool: str, many: bool) -> str:
        """Who can be written to: who was looked up or wrote, and an address or handle of the request that was not looked up."""
        looked = self._emails(self.said.guests if tool == "calendar.add" else self.said.writers if tool == "mail.reply" else self.said.hearers)
        done = " ".join(call for one, call in self.scope.calls if one == "contacts.find")
        findable = self.said.people if "contacts.find" in self.contracts else ()  # a handle may be an address: a mend sees to that, no planner may know
        spoken = [_literal(one) for one in self.said.phrases if one not in done and one not in findable and (("@" in one and " " not in one) or HANDLE.fullmatch(one))]
        wrote = self._of("Mail.sender") if tool == "mail.reply" or not looked else []
        used = " ".join(call for one, call in self.scope.calls if one == tool)
        single = [one for one in [*looked, *wrote, *spoken] if one not in used]
        if not many:
            return _any(single)
        return f'"[" {_any(single)} (", " {_any(single)}){{0,4}} "]"' if single else ""

    def _emails(self, meant: Sequence[str]) -> list[str]:
        """Addresses of those who are meant, as far as they were looked up; of anybody who was, if the request does not tell."""
        every = [path for path in self.paths if path.origin == "Contact.email"]
        named = [path.text for path in every if path.of.removeprefix("contacts.find:") in meant]
        if meant and not named and any(one in self.said.people for one in meant) and self._left("contacts.find"):
            return []  # they are looked up first
        return named or [path.text for path in every]

    def _where(self) -> tuple[str, bool]:
        if self.said.place:
            return _quoted(_literal(self.said.place)), True
        there = [_literal(one) for one in self.said.places]
        told = [path.text for path in self.paths if path.shape.kind == "text" and re.search(r"place|where|address|venue|location|room|hall", path.text.split(".")[-1]) and path.origin.startswith(("Answer.", "Event."))]
        return _any([*there, *told]), bool(told and self.said.has(r"\bplace\b|\bwhere\b|\blocation\b"))

    def _moments(self) -> list[str]:
        """When something begins: as the request says, as was read, or the request's hour on a day that was looked up."""
        moments = [_quoted(mention.code) for mention in self.said.mentions if mention.code.startswith("datetime(")]
        hours = [match.groups() for mention in self.said.mentions if (match := re.fullmatch(r"hour (\d+), minute (\d+)", mention.code))]
        days = [path for path in self.paths if path.shape.kind in _DATES and path.origin not in ("Mail.date",)]
        born = [path for path in days if path.origin == "Contact.birthday" and path.of.removeprefix("contacts.find:") in self.said.born]
        if hours:
            for path in born or days:
                year = f"{path.text}.year" if path.origin != "Contact.birthday" else str(self.said.year)
                moments += [_quoted(f"datetime({year}, {path.text}.month, {path.text}.day, {hour}, {minute})") for hour, minute in hours]
        if not moments and (told := [path for path in days if path.origin.startswith("Answer.")]):
            moments = [_quoted(path.text) for path in told]
        if not moments:
            moments = [_quoted(path.text) for path in days if path.origin != "Contact.birthday" and path.origin != "File.modified"]
        if not moments:
            moments = [_quoted(re.sub(r"^date\((.*)\)$", r"datetime(\1, ", mention.code)) + ' hour ", 0)"' for mention in self.said.mentions if mention.code.startswith("date(")]
            self.rules["hour"] = '[0-9] | "1" [0-9] | "2" [0-3]'
        return list(dict.fromkeys(moments))

    def _days(self) -> list[str]:
        days = [re.sub(r"^datetime\((\d+), (\d+), (\d+), .*\)$", r"date(\1, \2, \3)", mention.code) for mention in self.said.mentions if mention.code.startswith("date")]
        found = [path.text for path in self.paths if path.shape.kind in _DATES and path.origin.startswith(("Answer.", "Order."))]
        if days or found:
            return [_quoted(one) for one in dict.fromkeys([*days, *found])]
        return ['"date.today()"', '"date.today() + timedelta(days=" int ")"']


_LONG = frozenset({"mail.read", "files.read", "web.read"})


def _letter(shape: Shape) -> str:
    return (shape.name or "x")[0].lower()


def _any(texts: Iterable[str]) -> str:
    """One of these; nothing if there is none."""
    found = list(dict.fromkeys(texts))
    return "(" + " | ".join(map(_quoted, found)) + ")" if found else ""


def _format(kind: str) -> str:
    return f"({' | '.join(_FORMATS[kind])})" if kind in _FORMATS else ""
