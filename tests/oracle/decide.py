"""The slow, obvious evaluator of norms: the specification that policy.decide is compared with (E3)."""

from __future__ import annotations

from decimal import Decimal
from functools import cache

from discreet.kernel.contract import USER, Effect, Recipient, Role
from discreet.kernel.label import Tag
from discreet.kernel.monitor import Flow, Verdict
from discreet.kernel.value import Standing, Unknown, Value
from discreet.policy.norm import Allowance, Norm, Norms, Rule
from discreet.policy.vocabulary import is_a, types


def verdict(flow: Flow, recipient: Recipient, tag: Tag, norms: Norms) -> Verdict:
    """What becomes of one tag and one recipient."""
    if recipient.account == "user":
        return Verdict.PERMIT
    about = [n for n in norms.norms if applies(n, flow, recipient, tag, norms)]
    meeting = [n for n in about if meets(n, tag.type)]
    covering = [n for n in about if covers(n, tag.type)]
    permits = [n for n in covering if n.verdict is Rule.PERMIT and (n.times_max is None or max(flow.times, flow.together) <= n.times_max)]
    if any(n.verdict is Rule.FORBID for n in meeting):
        return Verdict.DENY
    if {recipient.id, recipient.account} & flow.label.tags[tag]:
        return Verdict.PERMIT
    insisting = [n for n in meeting if n.verdict is Rule.ASK and not n.yields]
    if permits and any(not any(n.id in p.over for p in permits) for n in insisting):
        return Verdict.ASK
    if permits:
        return Verdict.PERMIT
    return Verdict.ASK if any(n.verdict is Rule.ASK for n in covering) else Verdict.DENY


def act_verdict(flow: Flow, norms: Norms) -> Verdict:
    """What becomes of a write, payment or deletion."""
    speaking = [a for a in norms.allowances if speaks(a, flow)]
    towards = [a for a in speaking if any(addressed(a, r) for r in flow.recipients or (USER,))]
    permits = [a for a in speaking if a.verdict is Rule.PERMIT and fits(a, flow, norms)]
    if any(a.verdict is Rule.FORBID for a in towards):
        return Verdict.DENY
    if any(a.verdict is Rule.ASK and not any(a.id in p.over for p in permits) for a in towards):
        return Verdict.ASK
    return Verdict.PERMIT if permits else Verdict.ASK


def speaks(allowance: Allowance, flow: Flow) -> bool:
    purpose = any(term == "*" or is_a(flow.contract.purpose, term) for term in allowance.purpose)
    return flow.contract.effect in allowance.effect and purpose and any(t in ("*", flow.contract.name) for t in allowance.through)


def addressed(allowance: Allowance, recipient: Recipient) -> bool:
    return any(all(called(term, recipient) for term in one) for one in allowance.to)


def fits(allowance: Allowance, flow: Flow, norms: Norms) -> bool:
    """Whether the whole call is within the allowance."""
    if flow.unresolved or flow.times > allowance.times_max or (allowance.undoable and not flow.contract.undoable):
        return False
    if flow.contract.effect is Effect.PAY and allowance.amount_max is not None and not any(p.role is Role.AMOUNT for p in flow.contract.parameters):
        return False
    if not all(addressed(allowance, r) for r in flow.recipients or (USER,)):
        return False
    fine = {"user", "planner", *allowance.sources} | (flow.place.label.sources if "place" in allowance.sources else set())
    if "any" not in allowance.sources and not flow.pc.sources <= fine:
        return False
    for parameter in flow.contract.parameters:
        value = flow.arguments[parameter.name]
        if parameter.role in (Role.CONTENT, Role.KEY):
            continue
        sources = value.total.sources | flow.pc.sources
        standing = value.standing.whom if parameter.role is Role.WHO or parameter.address else value.standing.what
        if standing < allowance.standing.get(parameter.role, Standing.USER):
            return False
        if "any" not in allowance.sources and not sources <= fine:
            return False
        if parameter.role is Role.AMOUNT and not affordable(allowance, value, flow, norms):
            return False
    return True


def affordable(allowance: Allowance, value: Value, flow: Flow, norms: Norms) -> bool:
    """Whether the amount, as often as the line may run and with what was spent before, is within the limit."""
    most = value.data
    if isinstance(most, Unknown):
        most = value.bound if most.kind in ("int", "float") else None
    currency = flow.arguments.get("currency")
    known = isinstance(most, (int, float)) and not isinstance(most, bool) and most == most and most >= 0
    if not known or allowance.amount_max is None or currency is None or currency.data != allowance.currency:
        return False
    return Decimal(str(most)) * flow.times + norms.used[allowance.id].amount <= allowance.amount_max


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


@cache
def named(norm: Norm) -> set[str]:
    """The known types that the norm speaks of."""
    inside = {t for t in types() if any(term == "*" or is_a(t, term) for term in norm.learns)}
    return inside - {t for t in types() if any(term == "*" or is_a(t, term) for term in norm.but)}


@cache
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
