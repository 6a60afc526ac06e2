"""Grammars that a small model is held to: plans over given tools, and answers of a given schema (both GBNF).

The plan grammar writes every tool's arguments by name, in their order, so that a model cannot name an argument that does not
exist. Arguments that decide who or what are the user's own words or what a plan looked up, never a model's invention (G3.6). The
grammar is narrower than the plan language and only an aid: what is right is decided by the judge, never here (G0.1).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from discreet.kernel.contract import REQUIRED, Contract, Effect, Parameter
from discreet.kernel.shape import Shape
from discreet.models.named import HANDLE, files, invites, links, names, people, place, relations
from discreet.models.provider import Grammar

statements_max = 14
block_statements_max = 6
answer_text_chars_max = 400
answer_items_max = 20

# A statement ends where the next begins: a rule that demands a newline after each makes small models repeat themselves.
_PLAN = r"""
root ::= stmt ("\n" stmt){0,STATEMENTS}
stmt ::= simple | "if " test ":" ifblock ("\nelse:" ifblock)? | "for " name " in " items ":" forblock
ifblock ::= ("\n    " inner){1,BLOCK}
forblock ::= ("\n    " (inner | "if " test ":\n        " ("continue" | "break"))){1,BLOCK}
inner ::= simple | "if " test ":" deep ("\n    else:" deep)?
deep ::= ("\n        " simple){1,4}
simple ::= assign | effect | "print(" text ")" | "raise Exception(" text ")" | name ".append(" expr ")"
assign ::= name " = " (expr | effect)
expr ::= sum | test | pick | comp | record | items | text | "default(" sum ", " sum ")"
pick ::= ("min(" | "max(" | "sorted(") items ", key=lambda x: " dotted (", reverse=True")? ")" tail* | "next((" name " for " name " in " items " if " test "), " (name "[0]" | "None") ")"
comp ::= "[" (dotted | text) " for " name " in " items (" if " test)? "]"
items ::= call | dotted | "[]" | comp | "sorted(" dotted ", key=lambda x: " dotted (", reverse=True")? ")" tail?
record ::= readcall
readcall ::= "read(" (dotted | call) ", " string ", {" field (", " field){0,4} "})"
field ::= "\"" attr "\": " ("str" | "int" | "float" | "bool" | "date" | "datetime" | "[" string (", " string){1,5} "]")
test ::= clause (" and " clause | " or " clause){0,3}
clause ::= ("not ")? sum | sum cmp sum | sum " is " ("not ")? "None"
cmp ::= " == " | " != " | " <= " | " < " | " >= " | " > " | " in " | " not in "
sum ::= atom ((" + " | " - " | " * ") atom){0,3}
atom ::= dotted | number | string | fstring | "len(" items ")" | "sum(" items ")" | cut "(" (dotted | call) ")" tail* | call | moment | span | "True" | "False" | "None" | "round(" dotted ", 2)"
cut ::= "find_amounts" | "find_dates" | "find_emails" | "find_codes" | "find_links"
moment ::= ("date.today()" | "datetime.now()" | "date(" int ", " int ", " int ")" | "datetime(" int ", " int ", " int ", " int ", " int ")") ("." attr)?
span ::= "timedelta(" ("days=" | "hours=" | "minutes=" | "weeks=") (int | dotted) ")"
when ::= (moment | dotted) ((" + " | " - ") span)?
text ::= string | fstring | dotted | call | "str(" dotted ")"
texts ::= "[" text (", " text){0,5} "]" | dotted | comp
dotted ::= name tail*
tail ::= "." attr | "." method | "[" "-"? int "]" | "[:" int "]" | "[\"" attr "\"]"
method ::= ("lower()" | "upper()" | "strip()" | "title()" | "startswith(" string ")" | "endswith(" string ")" | "split(" string ")" | "isoformat()" | "date()")
attr ::= [a-z] [a-z0-9_]{0,23}
string ::= "\"" ([^"\\\n{}[] | handle)* "\""
fstring ::= "f\"" ([^"\\\n{}[] | handle | "{" (dotted | sum) (":" [%.,0-9a-zA-Z: -]{1,12})? "}")* "\""
number ::= int ("." [0-9]{1,2})?
int ::= "0" | [1-9] [0-9]{0,5}
"""


def plan_grammar(contracts: Mapping[str, Contract], request: str = "", narrow: bool = False) -> Grammar:
    """Plans that call only these tools, each with its own argument names, about the people and things of `request`.

    A `narrow` grammar guesses by word rules what can be a person, a shop or a file; its guess can be wrong, so it is for first samples.
    """
    rules = _PLAN.replace("STATEMENTS", str(statements_max - 1)).replace("BLOCK", str(block_statements_max)).strip()
    if narrow:
        rules = rules.replace(' | name ".append(" expr ")"', "")  # small models fill lists that nobody asked for
        rules = rules.replace("root ::= ", f"root ::= {_looked_up_first(contracts, request)}", 1)
    reads, effects = [], []
    for number, name in enumerate(name for name in sorted(contracts) if "." in name):  # `read` has its own rule
        contract = contracts[name]
        (reads if contract.effect is Effect.READ else effects).append(f"tool{number}")
        rules += f"\ntool{number} ::= {_call(_sure(contract, request) if narrow else contract)}"
    rules += f"\ncall ::= ({' | '.join(reads) or 'string'}) tail*"
    rules += f"\neffect ::= {' | '.join(effects + reads)}"
    rules += f"\nlookedup ::= {'dotted | call' if reads else 'dotted'}"
    unlisted = {"person", "contact"} if narrow and "contacts.find" not in contracts else set()  # so begins a plan that looks somebody up
    rules += _names_but({*unlisted, *_TAKEN, *(name.split(".")[0] for name in contracts), *SERVICES})
    said = phrases(request)
    rules += f"\nsaid ::= {_any_of(said)} | dotted"
    rules += f"\nperson ::= {_any_of([phrase for phrase in said if ('@' in phrase and ' ' not in phrase) or HANDLE.fullmatch(phrase)], 'somebody')} | somebody"
    found = sorted(name for name in contracts if "." in name).index("contacts.find") if "contacts.find" in contracts else None
    rules += "\nsomebody ::= " + ('name "[" int "]" ".sender" | name "." ("email" | "sender")' if narrow else "dotted") + ("" if found is None else f' | tool{found} ".email"')  # what the vault knows of addresses is the user's own
    rules += f"\nhandle ::= {' | '.join(_quoted(handle) for handle in dict.fromkeys(HANDLE.findall(request))) or _quoted('[no handle]')}"
    rules += "".join(f"\n{name} ::= {choices}" for name, choices in _slots(request, narrow).items())
    return Grammar(rules + "\n")


SERVICES = ("calendar", "contacts", "files", "mail", "memory", "shop", "web")  # also where a tool is not offered: no value has that name
_ENDS = frozenset(SERVICES) - {"mail", "shop"}  # nothing begins so either: `memory_recall_it` is a call that a grammar held up
_TAKEN = frozenset(
    """and bool break class continue date datetime def default else false float for if import in int is lambda len max min next none not or print
    raise read round sorted str sum time timedelta true try while with""".split()
)


def _names_but(words: set[str]) -> str:
    """The rules of `name`: an identifier that is none of these words. A grammar cannot say `not`, so every other way to go on is spelled out."""
    begun = {word[:count] for word in words for count in range(len(word))}
    rules = "\nrest ::= [a-z0-9_]{0,20}"
    for prefix in sorted((begun | words) - _ENDS):
        onward = sorted({word[len(prefix)] for word in words if word.startswith(prefix) and word != prefix})
        ways = [f'"{letter}" {_name_rule(prefix + letter)}' for letter in onward if prefix + letter not in _ENDS]
        other = "".join(letter for letter in ("abcdefghijklmnopqrstuvwxyz" if not prefix else "abcdefghijklmnopqrstuvwxyz0123456789_") if letter not in onward)
        ways.append('"s" rest' if prefix in SERVICES else f"[{other}] rest")  # `mails`
        if prefix and prefix not in words:
            ways.append('""')  # the name may end here
        rules += f"\n{_name_rule(prefix)} ::= {' | '.join(ways)}"
    return rules


def _name_rule(prefix: str) -> str:
    return f"name-{prefix.replace('_', '--')}" if prefix else "name"  # the runtime takes no underscore in a rule's name


# What a slot of a tool takes, by the argument's name or by tool and argument.
_SLOTS = {
    ("contacts.find", "name"): "whom", ("mail.search", "sender"): "writer", ("shop.search", "query"): "wanted", "shop": "shop", "url": "link",
    "path": "file", "folder": "folder", ("calendar.add", "place"): "where",
}  # fmt: skip


def _looked_up_first(contracts: Mapping[str, Contract], request: str) -> str:
    """`my dentist` is a person and no address, whatever the request is: a plan begins by looking them up."""
    lines = [f'{relation.split()[-1].lower()} = contacts.find(name="{relation}")\n' for relation in relations(request)]
    fine = "contacts.find" in contracts and all(re.fullmatch(r"[a-z][a-z]* = [^\\]*", line) for line in lines)
    return " ".join(_quoted(line) for line in dict.fromkeys(lines)) + " " if lines and fine else ""


def _sure(contract: Contract, request: str) -> Contract:
    """The contract with the optional arguments demanded that the request speaks of for sure: whom it invites, and where."""
    sure = {"attendees"} if invites(request) and people(request) else set()
    sure |= {"place"} if place(request) else set()
    if contract.name != "calendar.add" or not sure:
        return contract
    parameters = [replace(p, default=REQUIRED) if p.name in sure else p for p in contract.parameters]
    return replace(contract, parameters=tuple(sorted(parameters, key=lambda p: p.default is not REQUIRED)))


def _slots(request: str, narrow: bool) -> dict[str, str]:
    """The rules of those slots: without `narrow` all that the request says, with it what its words make likely."""
    if not narrow:
        return {"whom": "said", "writer": "(said | person)", "wanted": "text", "shop": "said", "link": "said", "file": "said", "folder": "said", "where": "said"}
    found, named = people(request), names(request)
    folders, paths = files(request)
    query = [*phrases(request), *HANDLE.findall(request)]

    def among(texts: Sequence[str], otherwise: str) -> str:
        return f"{_any_of(list(dict.fromkeys(texts)))} | dotted" if texts else otherwise

    return {
        "whom": among(found, "said"),
        "writer": among(named, "dotted" if found else "said"),  # a relation such as `my dentist` is no sender: it is looked up
        "wanted": among(query, "text"),
        "shop": among(named, "said"),
        "link": among(links(request), "dotted"),
        "file": among(paths, "said"),
        "folder": among(folders, "said"),
        "where": among([there], "said") if (there := place(request)) else "said",
    }


phrase_words_max = 4
phrases_max = 160
_WORD = re.compile(r"\[\[\d{1,2}\]\]|https?://\S+[\w/]|[\w.+-]+@[\w.-]+\w|&|\w[\w'’./-]*\w|\w")

_JOINING = frozenset(
    "a about after all an and are as at be but by did do does each for from had has have how i i'd i'll i'm i've if in is it me of off on or out"
    " please so than that their them then they this to up us was we were what when where which who will with would yes you your & the".split()
)


def phrases(request: str) -> list[str]:
    """Runs of up to four words of the request: what can stand where a plan says who, which shop or which file."""
    found: dict[str, None] = {}
    for clause in re.split(r"[,;:!?()\"“”\n]|\.(?:\s|$)", request.replace("https:", "https\0")):
        words = _WORD.findall(re.sub(r"['’]s\b", "", clause.replace("\0", ":")))
        for first in range(len(words)):
            for count in range(1, phrase_words_max + 1):
                run = words[first : first + count]
                named = len(run) == count and run[0].lower() not in _JOINING and run[-1].lower() not in _JOINING | {"my"}
                if named and len(found) < phrases_max:
                    found[" ".join(run)] = None
    return list(found)


def _any_of(texts: list[str], otherwise: str = "lookedup") -> str:
    """One of these texts in quotes; with none of them, what is looked up."""
    return "(" + " | ".join(_quoted(f'"{text}"') for text in texts) + ")" if texts else otherwise


def _call(contract: Contract) -> str:
    parts: list[str] = []
    required = [p for p in contract.parameters if p.default is REQUIRED]
    for index, parameter in enumerate(required):
        parts.append(f"{_quoted(('' if index == 0 else ', ') + parameter.name + '=')} {_argument(contract, parameter)}")
    for parameter in contract.parameters:
        if parameter.default is not REQUIRED:
            comma = ", " if required else ""
            parts.append(f"({_quoted(comma + parameter.name + '=')} {_argument(contract, parameter)})?")
    if not required and len(parts) > 1:  # only optional ones: the comma depends on which came first
        parts = [_optional_only(contract)]
    return " ".join([_quoted(contract.name + "("), *parts, _quoted(")")])


def _optional_only(contract: Contract) -> str:
    parameters, ways = contract.parameters, []
    for first, parameter in enumerate(parameters):
        way = f"{_quoted(parameter.name + '=')} {_argument(contract, parameter)}"
        for later in parameters[first + 1 :]:
            way += f" ({_quoted(', ' + later.name + '=')} {_argument(contract, later)})?"
        ways.append(way)
    return "(" + " | ".join(ways) + ")?"


def _argument(contract: Contract, parameter: Parameter) -> str:
    name, kind = parameter.name, parameter.shape.kind
    slot = _SLOTS.get((contract.name, name)) or _SLOTS.get(name)
    if kind == "text" and slot and (contract.effect is Effect.READ or slot in ("shop", "where")):
        return slot
    if kind == "text":
        if name in ("id", "item"):
            return "dotted"  # an id is looked up; nobody says one
        if parameter.address == "mail" or name == "sender":
            return "person" if parameter.address == "mail" else "(said | person)"
        if parameter.address or name in ("path", "folder", "url", "place", "size") or contract.resolves:
            return "said"
        if contract.effect is Effect.PAY and parameter.default is REQUIRED:
            return "lookedup"
    if kind == "list" and parameter.address == "mail":
        many = '"[" person (", " person){0,5} "]" | dotted | comp'
        return f"({many})" if name == "attendees" else f"(person | {many})"
    return _kind(parameter.shape)


def _kind(shape: Shape) -> str:
    match shape.kind:
        case "enum":
            return "(" + " | ".join(_quoted(f'"{choice}"') for choice in shape.choices) + ")"
        case "text":
            return "text"
        case "int" | "float":
            return "sum"
        case "bool":
            return '("True" | "False")'
        case "date" | "datetime" | "time":
            return "when"
        case "duration":
            return "(span | dotted)"
        case "list" if shape.element is not None and shape.element.kind == "text":
            return "texts"
        case _:
            return "expr"


def schema_grammar(schema: Mapping[str, Any]) -> Grammar:
    """Answers of this schema as compact JSON: free white space lets a small model loop until its limit."""
    rules: dict[str, str] = {}
    root = _answer(schema, "v", rules)
    lines = [f"root ::= {root}", *(f"{name} ::= {body}" for name, body in rules.items())]
    lines.append(r"""string ::= "\"" char{0,%d} "\"" """ % answer_text_chars_max)
    lines.append(r"""char ::= [^"\\\x00-\x1f] | "\\" ["\\/n]""")
    lines.append(r"""int ::= "-"? ("0" | [1-9] [0-9]{0,11})""")
    lines.append(r"""number ::= int ("." [0-9]{1,6})?""")
    return Grammar("\n".join(lines) + "\n")


def _answer(schema: Mapping[str, Any], name: str, rules: dict[str, str]) -> str:
    if "enum" in schema:
        return "(" + " | ".join(_quoted(json.dumps(choice, ensure_ascii=False)) for choice in schema["enum"]) + ")"
    kind = schema.get("type")
    if isinstance(kind, list):
        ways = [_answer({**schema, "type": one}, f"{name}{i}", rules) for i, one in enumerate(kind)]
        return "(" + " | ".join(ways) + ")"
    match kind:
        case "object":
            fields = []
            for number, (key, inner) in enumerate(schema["properties"].items()):
                comma = "" if number == 0 else ","
                fields.append(f"{_quoted(comma + json.dumps(key) + ':')} {_answer(inner, f'{name}f{number}', rules)}")
            rules[name] = " ".join(['"{"', *fields, '"}"'])
            return name
        case "array":
            item = f"{name}item"  # a rule of its own: the runtime refuses a repetition of a repetition
            rules[item] = _answer(schema["items"], f"{name}i", rules)
            most = min(int(schema.get("maxItems", answer_items_max)), answer_items_max)
            rules[name] = f'"[" ({item} ("," {item}){{0,{max(most - 1, 0)}}})? "]"'
            return name
        case "string" if schema.get("format") in _MOMENTS:
            return _MOMENTS[schema["format"]]
        case "string":
            most = min(int(schema.get("maxLength", answer_text_chars_max)), answer_text_chars_max)
            return f'"\\"" char{{0,{most}}} "\\""'
        case "integer":
            return "int"
        case "number":
            return "number"
        case "boolean":
            return '("true" | "false")'
        case "null":
            return '"null"'
    raise ValueError(f"a schema type that answers cannot have: {kind!r}")


_DAY = "[12] [0-9] [0-9] [0-9] \"-\" [01] [0-9] \"-\" [0-3] [0-9]"
_HOUR = "[0-2] [0-9] \":\" [0-5] [0-9]"
_MOMENTS = {
    "date": f'"\\"" {_DAY} "\\""',
    "date-time": f'"\\"" {_DAY} "T" {_HOUR} "\\""',
    "time": f'"\\"" {_HOUR} "\\""',
}


def _quoted(text: str) -> str:
    """A GBNF literal."""
    return json.dumps(text, ensure_ascii=False)
