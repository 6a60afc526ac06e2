"""Explanations at the command line: who somebody is to the user, whether they may learn something, and the norm that would permit it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from discreet.kernel.contract import Recipient
from discreet.kernel.errors import DiscreetError, nearest
from discreet.kernel.label import Tag
from discreet.kernel.monitor import Decision, Flow, Verdict, decide
from discreet.kernel.value import Standing, Value
from discreet.policy.decide import Index
from discreet.policy.edit import to_toml
from discreet.policy.explain import NAMED_MAX, Explanation, explain, permitting, telling
from discreet.policy.known import SHIPPED_TOOLS
from discreet.policy.norm import INSIDE, Norms
from discreet.policy.vocabulary import Vocabulary, purposes, roles, types
from discreet.tools.directory import NAMED, RESOLVED, UNKNOWN, USER_SAID, Directory
from discreet.tools.question import inert_line


def denial(flow: Flow, decision: Decision, norms: Norms) -> str:
    """Why a call is denied and what would permit it, as one sentence."""
    denied = Decision(tuple(f for f in decision.findings if f.verdict is Verdict.DENY))
    if not denied.findings:
        return f"`{flow.contract.name}` was not made: in the run it would have told more than the preflight could show"
    return f"{explain(flow, norms, denied)}{_if_named(flow, norms)}"


def _if_named(flow: Flow, norms: Norms) -> str:
    """What would be decided if the user had named whom the call goes to; nothing where that changes nothing."""
    strangers = [r for r in flow.recipients if not r.roles & {USER_SAID, RESOLVED, "own-provider", "user"}]
    given = {p.name: flow.arguments[p.name] for p in flow.contract.parameters if p.address}
    if not strangers or not given:
        return ""
    said = {name: Value(v.data, v.label, v.total, Standing.USER, v.bound) for name, v in given.items()}
    people = tuple(replace(r, roles=r.roles | {USER_SAID}) if r in strangers else r for r in flow.recipients)
    verdict = decide(replace(flow, recipients=people, arguments={**flow.arguments, **said}), Index(norms)).verdict
    if verdict is Verdict.DENY:
        return ""
    would = "allowed" if verdict is Verdict.PERMIT else "asked"
    if any(value.standing is Standing.OUTSIDE or value.total.sources - INSIDE for value in given.values()):
        return f"; it would be {would} if the plan took the address from your request or your address book, and not from what it read"
    if all(NAMED in r.roles for r in strangers):
        return f"; it would be {would} if your request said plainly that {' and '.join(r.name or r.id for r in strangers)} is to be told or asked"
    return f"; it would be {would} if your request named {' and '.join(r.name or r.id for r in strangers)}"


def question_of(flow: Flow, decision: Decision) -> str:
    """The command that explains the first recipient's denied kinds of this call and shows the norm that would permit it; none where it would mislead."""
    denied = [f for f in decision.findings if f.verdict is Verdict.DENY and f.tag is not None]
    who = next((r for r in flow.recipients if denied and r.id == denied[0].recipient), None)
    if who is None:
        return ""
    alike = [f.tag for f in denied if f.recipient == who.id and f.tag and f.tag.subject == denied[0].tag.subject]  # type: ignore[union-attr]
    kinds = sorted({tag.type for tag in alike})
    if len(kinds) > NAMED_MAX or any(kind not in types() for kind in kinds):
        return ""
    words = ["discreet", "norms", "explain", who.id, *kinds]
    for role in sorted(who.roles - {UNKNOWN}):
        words += ["--role", role]
    subject = alike[0].subject
    words += ["--about", subject] if subject != "user" else []
    words += ["--purpose", flow.contract.purpose, "--tool", flow.contract.name]
    return shlex.join(words) if all(inert_line(word) == word for word in words) else ""


def explained(recipient: Recipient, kinds: Sequence[str], about: str, purpose: str, tool: str, norms: Norms) -> tuple[Explanation, tuple[str, ...]]:
    """Whether `recipient` may learn these kinds, and of what may not be told the norms that would permit it, as TOML. Raises DiscreetError at a slip."""
    for vocabulary, words in ((types(), kinds), (roles(), sorted(recipient.roles)), (purposes(), [purpose])):
        _known(vocabulary, words)
    named = {*SHIPPED_TOOLS, *(name for norm in (*norms.norms, *norms.allowances) for name in norm.through)}
    if tool not in named and (slip := nearest(tool, named)):
        raise DiscreetError(f"unknown tool `{tool}`{slip}")
    flow = telling(recipient, [Tag(kind, about) for kind in kinds], purpose, tool)
    made = explain(flow, norms)
    return made, tuple(to_toml(norm) for norm in permitting(flow, norms)) if made.verdict is not Verdict.PERMIT else ()


def _known(vocabulary: Vocabulary, words: Iterable[str]) -> None:
    for word in words:
        if word not in vocabulary:
            hint = "" if nearest(word, vocabulary.concepts) else "; `discreet words` lists them"
            raise DiscreetError(vocabulary.unknown(word) + hint)


def somebody(name: str, given: Sequence[str], home: Path, opened: Any) -> tuple[Recipient, str]:
    """The recipient of this name, address or id, as the user's own directory has them, and how that was found; the roles that are `given` hold instead of its own.

    `opened` gives the opened home, which is looked into where there is one, unless an id with its roles says all.
    """
    id_ = f"mail:{name.lower()}" if "@" in name and ":" not in name else name
    stranger = Recipient(id_, id_, frozenset(given or (UNKNOWN, USER_SAID)), name)
    said = "" if given else "counted as somebody you name, of whom nothing else is known; `--role` says what they are to you"
    if (given and ":" in id_) or not (home / "config.toml").exists():
        return stranger, said
    try:
        with opened() as held:
            found = _listed(held.world().directory, name)
    except DiscreetError as error:
        return stranger, f"your address book could not be asked ({error}){said and '; ' + said}"
    if found is None:
        return stranger, f"your address book and services have nobody of this name{said and '; ' + said}"
    if given:
        return Recipient(found.id, found.owner, frozenset(given), found.name), f"{found.name} is {found.id}"
    return found, f"{found.name} ({found.id}) is known to you as {', '.join(sorted(found.roles - {RESOLVED, USER_SAID}))}; counted as named by you"


def _listed(directory: Directory, name: str) -> Recipient | None:
    """The one entry that bears this name, owner id, address or recipient id."""
    wanted = name.casefold()
    for fixed in directory.fixed.values():
        if wanted in (fixed.id.casefold(), fixed.name.casefold()):
            return fixed
    entries = [
        entry for entry in directory.entries
        if wanted in (entry.name.casefold(), entry.owner.casefold()) or any(wanted in (text.casefold(), f"{kind}:{text}".casefold()) for kind, text in entry.addresses)
    ]  # fmt: skip
    if len(entries) != 1 or not entries[0].addresses:
        return None
    kind, text = entries[0].addresses[0]
    plain = directory.recipient(kind, text)
    mark = RESOLVED if kind == "mail" and wanted == entries[0].name.casefold() else USER_SAID
    return Recipient(plain.id, plain.owner, (plain.roles | {mark}) - {"user"}, plain.name) if plain.id != "user" else plain


def adding(tables: Sequence[str]) -> str:
    """The command that adds these norms, for a shell to take as it stands."""
    return f"discreet norms add {shlex.quote(chr(10).join(tables))}" if tables else ""
