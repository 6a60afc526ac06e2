"""The slow, obvious evaluator of disclosure norms: the specification that policy.decide is compared with (E3)."""

from __future__ import annotations

from discreet.kernel.contract import Recipient
from discreet.kernel.label import Tag
from discreet.kernel.monitor import Flow, Verdict
from discreet.policy.norm import Norm, Norms, Rule
from discreet.policy.vocabulary import is_a, types


def verdict(flow: Flow, recipient: Recipient, tag: Tag, norms: Norms) -> Verdict:
    """What becomes of one tag and one recipient."""
    if recipient.account == "user":
        return Verdict.PERMIT
    about = [n for n in norms.norms if applies(n, flow, recipient, tag, norms)]
    meeting = [n for n in about if meets(n, tag.type)]
    covering = [n for n in about if covers(n, tag.type)]
    permits = [n for n in covering if n.verdict is Rule.PERMIT and (n.times_max is None or flow.times <= n.times_max)]
    if any(n.verdict is Rule.FORBID for n in meeting):
        return Verdict.DENY
    if recipient.account in flow.label.tags[tag]:
        return Verdict.PERMIT
    if any(n.verdict is Rule.ASK and not any(n.id in p.over for p in permits) for n in meeting) and permits:
        return Verdict.ASK
    if permits:
        return Verdict.PERMIT
    return Verdict.ASK if any(n.verdict is Rule.ASK for n in covering) else Verdict.DENY


def applies(norm: Norm, flow: Flow, recipient: Recipient, tag: Tag, norms: Norms) -> bool:
    """Whether the norm speaks of this recipient, subject, purpose and tool."""
    who = any(all(called(term, recipient) for term in one) for one in norm.who)
    about = any(subject(term, recipient, tag.subject, norms) for term in norm.about)
    purpose = any(term == "*" or is_a(flow.contract.purpose, term) for term in norm.purpose)
    return who and about and purpose and any(term in ("*", flow.contract.name) for term in norm.through)


def called(term: str, recipient: Recipient) -> bool:
    return term in ("anyone", recipient.id, recipient.account) or any(is_a(role, term) for role in recipient.roles)


def subject(term: str, recipient: Recipient, whom: str, norms: Norms) -> bool:
    if term in ("anyone", whom):
        return True
    if whom == "user":
        return False
    itself = term == "recipient" and whom in (recipient.id, recipient.account)
    return term == "others" or itself or any(is_a(role, term) for role in norms.directory.get(whom, ()))


def named(norm: Norm) -> set[str]:
    """The known types that the norm speaks of."""
    inside = {t for t in types() if any(term == "*" or is_a(t, term) for term in norm.learns)}
    return inside - {t for t in types() if any(term == "*" or is_a(t, term) for term in norm.but)}


def held(type_: str) -> set[str]:
    """The known types that a tag of this type may hold; an unclassified or unknown one may hold anything."""
    known = type_ in types() and type_ != "unclassified"
    return {t for t in types() if is_a(t, type_)} if known else set(types())


def meets(norm: Norm, type_: str) -> bool:
    """Whether it speaks of something that a tag of this type may hold."""
    return bool(named(norm) & held(type_))


def covers(norm: Norm, type_: str) -> bool:
    """Whether it speaks of all that a tag of this type may hold."""
    return held(type_) <= named(norm)
