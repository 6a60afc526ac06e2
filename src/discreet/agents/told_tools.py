"""Audience from the ledger: what somebody was told whole they may hear again, as long as it stands (G5.3; decision 19).

A telling counts by the plan's text alone: a call whose argument is what `memory.recall` gave, or holds it whole in an f-string or a sum
of texts, to somebody whom the user named, at a pc without tags and sources, permitted and done. It is written down as a grant after its
outcome. `memory.told` gives such facts back under a label with that one person in its audience. That a fact no longer stands may
be noticed by who was told it; these bits are counted like a view's (G6.3).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from discreet.agents.vault_tools import FACT_CHARS_MAX, MOST_PRIVATE, QUERY_CHARS_MAX
from discreet.kernel.contract import Contract, Parameter, Place, Role
from discreet.kernel.errors import DiscreetError, Span
from discreet.kernel.label import label
from discreet.kernel.monitor import Flow
from discreet.kernel.resolve import ResolvedPlan, ToolCall
from discreet.kernel.shape import text
from discreet.kernel.syntax import span_of
from discreet.kernel.value import Standing, Value, plain
from discreet.ledger.entry import Item, Kind, Party
from discreet.policy.vocabulary import TOLD, is_a, kinds_of_facts, types
from discreet.tools.directory import RESOLVED, USER_SAID, Directory
from discreet.tools.registry import Tool, tool

RECALL = "memory.recall"
FACTS_MAX = 15  # the last that somebody was told of one type; what was told before them is told as new
BITS = 4  # of one look: which of these stands and fits best, or none
_NOTE = "told "

Asked = tuple[str, str]  # information type and query, as the plan wrote them


@dataclass(frozen=True, slots=True)
class Stood:
    """A fact as it stood before the errand: its id, when it was last changed, its text."""

    id: str
    updated: str
    text: str


def wholes(plan: ResolvedPlan) -> dict[Span, dict[str, frozenset[Asked]]]:
    """Of each call of the plan, by argument: the recalls whose whole result stands in it, whatever that is (decided by the plan's text)."""
    if RECALL not in plan.tools:
        return {}
    names = [node.id for node in ast.walk(plan.tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    once = {
        node.targets[0].id: node.value
        for node in ast.walk(plan.tree)
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name) and names.count(node.targets[0].id) == 1
    }

    def inside(node: ast.expr, deep: bool = True) -> frozenset[Asked]:
        match node:
            case ast.Call():
                return _recalled(node, plan)
            case ast.Name(id=name) if deep and name in once:
                return inside(once[name], False) if isinstance(once[name], ast.Call) else frozenset()
            case ast.JoinedStr(values=parts):
                return frozenset().union(*map(inside, parts))
            case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
                return inside(value)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return inside(left) | inside(right)
        return frozenset()

    found = {}
    for node, target in plan.calls.items():
        if isinstance(target, ToolCall):
            told = {name: held for name, value in target.arguments if (held := inside(value))}
            if told:
                found[span_of(node)] = told
    return found


def _recalled(node: ast.Call, plan: ResolvedPlan) -> frozenset[Asked]:
    target = plan.calls.get(node)
    if not isinstance(target, ToolCall) or target.contract.name != RECALL:
        return frozenset()
    given = dict(target.arguments)
    values = [given.get("type"), given.get("query", ast.Constant(""))]
    if all(isinstance(value, ast.Constant) and isinstance(value.value, str) for value in values):
        return frozenset({(values[0].value, values[1].value)})  # type: ignore[union-attr]
    return frozenset()


def before(vault: Any, asked: Asked) -> Stood | None:
    """The fact that this recall gives now, if there is one."""
    type_, query = asked
    if type_ not in kinds_of_facts():
        return None
    found = vault.recall([type_], query, 1) or vault.recall([type_], "", 1)
    return Stood(found[0].id, found[0].updated, found[0].text) if found else None


def hear(ledger: Any, errand: str, flow: Flow, told: Mapping[str, frozenset[Asked]], facts: Mapping[Asked, Stood | None]) -> None:
    """Write down what the recipients of a call that was done have heard whole, and may hear again."""
    pcs = (flow.pc, flow.preflight_pc)
    if any(tag.type != "request" for pc in pcs for tag in pc.tags) or any(pc.sources for pc in pcs):
        return  # a telling at a tagged pc never widens an audience (G5.3), and nothing lasting comes of outside text (G2.7)
    parties = tuple(Party.of(r) for r in flow.recipients if {USER_SAID, RESOLVED} & r.roles)
    if not parties:
        return
    for argument, recalls in told.items():
        value = flow.arguments[argument]
        said = plain(value)
        for asked in sorted(recalls):
            fact = facts.get(asked)
            if fact is not None and value.standing.what is not Standing.USER and isinstance(said, str) and fact.text in said:  # not edited by the user
                note = f"{_NOTE}{fact.id} {fact.updated}"
                ledger.note(Kind.GRANT, errand=errand, tool=flow.contract.name, parties=parties, items=(Item(asked[0]),), line=flow.span.line, note=note)


def told_tools(vault: Any, ledger: Any, people: Callable[[], Directory]) -> list[Tool]:
    """`memory.told`: of what somebody was told before and what still stands, the best match."""

    def place(arguments: Mapping[str, Value]) -> Place:
        type_, who = arguments["type"].data, arguments["to"].data
        account = account_of(people(), who) if isinstance(who, str) else ""
        known = isinstance(type_, str) and type_ in kinds_of_facts()
        below = types().below(type_ if known else MOST_PRIVATE)  # type: ignore[arg-type]
        tags = [(t, "user") for t in (*sorted(below), TOLD)]
        return Place(f"told/{account}/{type_ if known else MOST_PRIVATE}", label(tags, (), (account,) if account and known else ()))

    contract = Contract(
        "memory.told", "what somebody was told before of one information type and what still stands: the best match, or an empty text; they may hear it again",
        (Parameter("to", text(max=320), Role.KEY), Parameter("type", text(max=100), Role.KEY), Parameter("query", text(max=QUERY_CHARS_MAX), Role.KEY, "")),
        text(max=FACT_CHARS_MAX), purpose="lookup", place=place, recipients=(), view=TOLD, view_bits=BITS, seconds_max=None,
    )  # fmt: skip

    def run(to: str, type: str, query: str) -> str:
        account = account_of(people(), to)
        if not account or type not in kinds_of_facts():
            return ""
        standing = [found for one in last_told(ledger, account, type) if (found := _stands(vault, *one))]
        words = {word.casefold() for word in query.split()}
        return max(reversed(standing), key=lambda fact: len(words & {w.casefold() for w in fact.split()}), default="")

    return [tool(contract, run)]


def last_told(ledger: Any, account: str, type_: str) -> list[tuple[str, str]]:
    """(fact, when it was last changed) of what this account was told of a type, by the name under which it was recalled; oldest first."""
    found: dict[str, str] = {}
    for record in ledger.entries(Kind.GRANT):
        entry = record.entry
        if entry.note.startswith(_NOTE) and any((p.account or p.id) == account for p in entry.parties) and all(is_a(i.type, type_) for i in entry.items):
            id_, updated = entry.note.removeprefix(_NOTE).split(" ", 1)
            found.pop(id_, None)
            found[id_] = updated
    return list(found.items())[-FACTS_MAX:]


def _stands(vault: Any, id_: str, updated: str) -> str:
    """The text of a fact that is as it was told; empty where it was corrected or forgotten: the new value was told to nobody."""
    try:
        fact = vault.get(id_)
    except DiscreetError:
        return ""
    return fact.text if fact.updated == updated and not fact.learned else ""


def account_of(people: Directory, who: str) -> str:
    """Whom a name or address means in the user's own directory, if it means exactly one; an address that is not in it means itself."""
    if "@" in who:
        return people.recipient("mail", who).account
    same = " ".join(who.casefold().split())
    named = {e.owner for e in people.entries if same and same in (e.name.casefold(), e.name.casefold().split(" ")[0])}
    return named.pop() if len(named) == 1 else ""
