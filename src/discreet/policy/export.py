"""The disclosure norms as Cedar policies, for readers and tools that know Cedar, and as an independent check (E3).

Cedar has two answers and no "ask", so a flow is two requests: `tell` (without a question) and `tellIfAsked`. Permits
allow both, an `ask` allows the second and (unless it yields) forbids the first, a prohibition forbids both. Cedar skips a policy that errs
and would then fail open: here any error is a denial.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from discreet.kernel.contract import USER, Recipient
from discreet.kernel.label import Tag
from discreet.kernel.monitor import Flow, Verdict
from discreet.policy.norm import ANYONE, SUBJECT_USER, Norm, Norms, Rule
from discreet.policy.vocabulary import ANY, UNCLASSIFIED, Vocabulary, ancestors, purposes, roles, types

TELL, ASKED = "tell", "tellIfAsked"
BOTH = f'action in [Action::"{TELL}", Action::"{ASKED}"]'
IS_USER = f'principal.account == "{USER.account}"'
HEARD = "(resource.audience.contains(principal.account) || resource.audience.contains(principal.id))"


def cedar_policies(norms: Norms) -> str:
    """One text of policies; each norm's id and reason stand as annotations."""
    by_id = {n.id: n for n in norms.norms}
    answers: dict[str, list[str]] = {}
    for norm in by_id.values():
        for id in norm.over:
            answers.setdefault(id, []).append(norm.id)
    parts = [
        f'@id("the-user")\npermit (principal, {BOTH}, resource)\nwhen {{ {IS_USER} }};',
        f'@id("the-audience")\npermit (principal, {BOTH}, resource)\nwhen {{ {HEARD} }};',
    ]
    for norm in by_id.values():
        head = f"@id({_text(norm.id)})\n@because({_text(norm.because)})"
        if norm.verdict is Rule.FORBID:
            parts.append(f"{head}\nforbid (principal, {BOTH}, resource)\nwhen {{ {_condition(norm, False)} }}\nunless {{ {IS_USER} }};")
        elif norm.verdict is Rule.PERMIT:
            parts.append(f"{head}\npermit (principal, {BOTH}, resource)\nwhen {{ {_condition(norm, True)} }};")
        else:
            unless = [IS_USER, HEARD, *(_condition(by_id[id], True) for id in answers.get(norm.id, ()))]
            parts.append(f'{head}\npermit (principal, action == Action::"{ASKED}", resource)\nwhen {{ {_condition(norm, True)} }};')
            if norm.yields:
                continue
            parts.append(
                f'@id({_text(norm.id + "?")})\nforbid (principal, action == Action::"{TELL}", resource)\n'
                f"when {{ {_condition(norm, False)} }}\nunless {{ {' || '.join(f'({u})' for u in unless)} }};"
            )
    return "\n\n".join(parts) + "\n"


def cedar_verdict(policies: str, flow: Flow, recipient: Recipient, tag: Tag, norms: Norms) -> Verdict:
    """Cedar's answer about one tag and one recipient; needs the package `cedarpy`. Any error is a denial."""
    import cedarpy

    entities = cedar_entities(flow, recipient, tag, norms)
    for action, verdict in ((TELL, Verdict.PERMIT), (ASKED, Verdict.ASK)):
        request = {
            "principal": f"Recipient::{_text(recipient.id)}",
            "action": f"Action::{_text(action)}",
            "resource": 'Fact::"told"',
            "context": {"purpose": _ref("Purpose", flow.contract.purpose), "tool": flow.contract.name, "times": flow.times},
        }
        result = cedarpy.is_authorized(request, policies, entities)
        if result.diagnostics.errors:
            return Verdict.DENY
        if result.decision == cedarpy.Decision.Allow:
            return verdict
    return Verdict.DENY


def cedar_entities(flow: Flow, recipient: Recipient, tag: Tag, norms: Norms) -> list[dict[str, Any]]:
    """Every entity that a request about this tag and recipient needs: the vocabularies, the recipient, the fact."""
    told_roles = () if tag.subject == SUBJECT_USER else norms.directory.get(tag.subject, ())
    fact = {
        "type": _ref("Type", tag.type if tag.type in types() else UNCLASSIFIED),
        "subject": tag.subject,
        "subjectRoles": sorted({above for role in told_roles for above in ancestors(role)}),
        "audience": sorted(flow.label.tags[tag]),
    }
    whom = {"id": recipient.id, "account": recipient.account}
    return [
        *_concepts("Type", types()),
        *_concepts("Purpose", purposes()),
        *_concepts("Role", roles()),
        _entity("Recipient", recipient.id, [("Role", r) for r in sorted(recipient.roles)], whom),
        _entity("Fact", "told", [], fact),
    ]


def _condition(norm: Norm, covers: bool) -> str:
    """The norm as one Cedar expression, by what it covers or by what it meets."""
    who = _any(_all(_called(term) for term in sorted(one)) for one in norm.who)
    about = _any(map(_subject, norm.about))
    purpose = "true" if ANY in norm.purpose else f"context.purpose in {_set('Purpose', norm.purpose)}"
    tool = "true" if ANY in norm.through else f"[{', '.join(map(_text, norm.through))}].contains(context.tool)"
    times = "true" if norm.times_max is None or not covers else f"context.times <= {norm.times_max}"
    return _all((who, about, purpose, tool, times, _type(norm, covers)))


def _called(term: str) -> str:
    if term == ANYONE:
        return "true"
    named = f"principal.id == {_text(term)} || principal.account == {_text(term)}"
    return f"({named} || principal in Role::{_text(term)})" if term in roles() else f"({named})"


def _subject(term: str) -> str:
    user = _text(SUBJECT_USER)
    match term:
        case "anyone":
            return "true"
        case "others":
            return f"resource.subject != {user}"
        case "recipient":
            return f"(resource.subject != {user} && (resource.subject == principal.id || resource.subject == principal.account))"
    return f"(resource.subject == {_text(term)} || resource.subjectRoles.contains({_text(term)}))"


def _type(norm: Norm, covers: bool) -> str:
    """Types are spelt out where a path's prefix does not say it: what is left out, what is above, what is unclassified."""
    every = frozenset(types())
    inside = every if ANY in norm.learns else _below(norm.learns)
    left_out = every if ANY in norm.but else _below(norm.but)
    named = inside - left_out
    if named == every:
        return "true"
    if not named:
        return "false"
    plain = f"resource.type in {_set('Type', [t for t in norm.learns if t in types()])}" if ANY not in norm.learns else "true"
    but = f"!(resource.type in {_set('Type', norm.but)})" if norm.but else "true"
    above = {a for t in named for a in ancestors(t)} | {UNCLASSIFIED}
    if covers:
        wider = sorted({a for t in left_out for a in ancestors(t)} & named | {UNCLASSIFIED})
        return _all((plain, but, f"!({_set('Type', wider)}.contains(resource.type))"))
    return _any((_all((plain, but)), f"{_set('Type', sorted(above - named | {UNCLASSIFIED}))}.contains(resource.type)"))


def _below(terms: Iterable[str]) -> frozenset[str]:
    return frozenset().union(*(types().below(t) for t in terms if t in types()))


def _all(parts: Iterable[str]) -> str:
    kept = [p for p in parts if p != "true"]
    return "false" if "false" in kept else f"({' && '.join(kept)})" if kept else "true"


def _any(parts: Iterable[str]) -> str:
    kept = [p for p in parts if p != "false"]
    return "true" if "true" in kept else f"({' || '.join(kept)})" if kept else "false"


def _text(text: str) -> str:
    """A Cedar string; its escapes are those of Rust."""
    shown = (c if " " <= c <= "~" and c not in '"\\' else "\\" + c if c in '"\\' else f"\\u{{{ord(c):x}}}" for c in text)
    return f'"{"".join(shown)}"'


def _set(kind: str, ids: Iterable[str]) -> str:
    return f"[{', '.join(f'{kind}::{_text(id)}' for id in ids)}]"


def _ref(kind: str, id: str) -> dict[str, Any]:
    return {"__entity": {"type": kind, "id": id}}


def _entity(kind: str, id: str, parents: Iterable[tuple[str, str]], attrs: Mapping[str, Any]) -> dict[str, Any]:
    above = [{"type": t, "id": i} for t, i in parents]
    return {"uid": {"type": kind, "id": id}, "attrs": dict(attrs), "parents": above}


def _concepts(kind: str, vocabulary: Vocabulary) -> list[dict[str, Any]]:
    return [_entity(kind, id, [(kind, above) for above in ancestors(id)[1:2]], {}) for id in vocabulary]
