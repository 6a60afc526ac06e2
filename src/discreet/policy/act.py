"""Decide what a flow does rather than tells: who, what, how much and how often, by the allowances to act (G1.2, G3.6).

An allowance permits a call only if the whole of it fits: its recipients, how often it may run, whether it can be undone,
and of every argument that carries authority the standing, the sources (pc's among them) and the amount. What fits none is
asked; the question's reasons are those of the allowance that came nearest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from discreet.kernel.contract import USER, Effect, Role
from discreet.kernel.monitor import Finding, Flow, Verdict
from discreet.kernel.value import Map, Record, Standing, Unknown, Value
from discreet.policy.lures import lures
from discreet.policy.norm import INSIDE, Allowance, Norms, Rule, terms_of
from discreet.policy.vocabulary import ANY, ancestors

AMOUNT_MAX = 10**12  # units of a currency; what is more is no amount
_PLAIN_AMOUNT = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,18})?")
WHY_ACT = "no norm lets this be done without asking"


def act(flow: Flow, norms: Norms, allowances: tuple[Allowance, ...]) -> list[Finding]:
    """One finding for each authority argument of an effect, or one for the whole call when it has none.

    `allowances` are those of `norms` that speak of the tool.
    """
    authority = flow.authority()
    names = tuple(authority) or ("",)
    speaking = [a for a in allowances if _speaks(a, flow) and (not a.holds or lures(flow, a.holds, norms.request))]
    forbidding = [a for a in speaking if a.verdict is Rule.FORBID and _addressed(a, flow, any)]
    if forbidding:
        ids = tuple(a.id for a in forbidding)
        return [Finding(Verdict.DENY, argument=name, norms=ids, why=forbidding[0].because) for name in names]
    misfits = {a.id: _misfits(a, flow, authority, norms) for a in speaking if a.verdict is Rule.PERMIT}
    fitting = [a for a in speaking if a.verdict is Rule.PERMIT and not misfits[a.id]]
    answered = {id for a in fitting for id in a.over}
    asking = [a for a in speaking if a.verdict is Rule.ASK and _addressed(a, flow, any) and a.id not in answered]
    if asking:
        ids = tuple(a.id for a in asking)
        return [Finding(Verdict.ASK, argument=name, norms=ids, why=asking[0].because) for name in names]
    if fitting:
        ids = tuple(a.id for a in fitting)
        return [Finding(Verdict.PERMIT, argument=name, norms=ids, why=fitting[0].because) for name in names]
    nearest = min(misfits.values(), key=len, default=[])
    reasons = {m.argument: m.why for m in reversed(nearest)}
    return [Finding(Verdict.ASK, argument=name, why=reasons.get(name, reasons.get("", WHY_ACT))) for name in names]


@dataclass(frozen=True, slots=True)
class _Misfit:
    """Why a call does not fit an allowance: the argument ("" for the call as a whole) and the reason."""

    argument: str
    why: str


def _speaks(allowance: Allowance, flow: Flow) -> bool:
    contract = flow.contract
    return (
        contract.effect in allowance.effect
        and (ANY in allowance.purpose or any(a in allowance.purpose for a in ancestors(contract.purpose)))
    )


def _addressed(allowance: Allowance, flow: Flow, how: Any) -> bool:
    """Whether all (or any) recipients are ones of `to`; a call without recipients is addressed to the user."""
    recipients = flow.recipients or (USER,)
    return how(any(one <= terms for one in allowance.to) for terms in map(terms_of, recipients))


def _misfits(
    allowance: Allowance, flow: Flow, authority: Mapping[str, tuple[Standing, frozenset[str]]], norms: Norms
) -> list[_Misfit]:
    found = []
    if not _addressed(allowance, flow, all):
        found.append(_Misfit("", "goes to someone whom no norm covers for this"))
    if flow.unresolved:
        found.append(_Misfit("", "the recipient is not known before the run"))
    if (often := max(flow.times, flow.together)) > allowance.times_max:
        found.append(_Misfit("", f"could be done {often} times, more than {allowance.times_max}"))
    if flow.contract.effect is Effect.PAY and allowance.amount_max is not None and not any(p.role is Role.AMOUNT for p in flow.contract.parameters):
        found.append(_Misfit("", "states no amount, and the norm allows one up to a limit"))
    if allowance.undoable and not flow.contract.undoable:
        found.append(_Misfit("", "cannot be undone"))
    if foreign := _foreign(flow.pc.sources | flow.preflight_pc.sources, allowance, flow):
        found.append(_Misfit("", f"was influenced by {', '.join(sorted(foreign))}"))
    for parameter in flow.contract.parameters:
        if parameter.name in authority:
            found += _unfit(allowance, parameter.name, parameter.role, authority[parameter.name], flow, norms)
    return found


def _unfit(
    allowance: Allowance, name: str, role: Role, evidence: tuple[Standing, frozenset[str]], flow: Flow, norms: Norms
) -> list[_Misfit]:
    standing, sources = evidence
    needed = allowance.standing.get(role, Standing.USER)
    found = []
    fixed = _as_fixed(name, standing, flow)
    if (Standing.RESOLVED if fixed else standing) < needed:
        wanted = SHOWN[Standing.DESCRIBED if needed is Standing.WORDED else needed]
        found.append(_Misfit(name, f"is {'left as the tool has it' if fixed else SHOWN[standing]} and would have to be {wanted}"))
    if foreign := _foreign(sources, allowance, flow):
        found.append(_Misfit(name, f"was influenced by {', '.join(sorted(foreign))}"))
    if role is Role.AMOUNT and (why := _too_much(allowance, name, flow, norms)):
        found.append(_Misfit(name, why))
    return found


def _as_fixed(name: str, standing: Standing, flow: Flow) -> bool:
    """Whether an argument is what the contract fixes where it is left out: a plan that writes it out decides nothing by that."""
    default, data = flow.contract.parameter(name).default, flow.arguments[name].data
    same = isinstance(data, (str, int, float)) and type(data) is type(default) and data == default
    return same and standing in (Standing.PLANNER, Standing.NAMED, Standing.RESOLVED)


SHOWN = {
    Standing.OUTSIDE: "outside text",
    Standing.PLANNER: "made by the planner",
    Standing.NAMED: "named in your request, and in what way is not clear",
    Standing.WORDED: "your words with what the plan picked from what you named",
    Standing.DESCRIBED: "picked by the plan from what you named",
    Standing.RESOLVED: "found from a name that you said",
    Standing.USER: "said by you",
}


def _foreign(sources: frozenset[str], allowance: Allowance, flow: Flow) -> frozenset[str]:
    """The sources that the allowance does not accept."""
    if "any" in allowance.sources:
        return frozenset()
    place = flow.place.declared if "place" in allowance.sources else frozenset()
    return sources - INSIDE - place - frozenset(allowance.sources)


def _too_much(allowance: Allowance, name: str, flow: Flow, norms: Norms) -> str:
    if allowance.amount_max is None:
        return "is an amount, and the norm states no limit"
    amount, currency = money(name, flow)
    if amount is None or amount < 0:
        return "is not known to be an amount within the limit"
    if currency != allowance.currency:
        return f"is not known to be in {allowance.currency}"
    used = norms.used.get(allowance.id)
    total = amount * flow.times + (used.amount if used else 0)
    return f"is over the limit of {allowance.amount_max} {allowance.currency}" if total > allowance.amount_max else ""


def money(name: str, flow: Flow) -> tuple[Decimal | None, str]:
    """The amount (greatest possible, before the run) and its currency, from a record, from the argument `currency` or from the place."""
    value = flow.arguments[name]
    fields: Mapping[str, Value] = {}
    if isinstance(value.data, Record):
        fields = value.data.fields
    elif isinstance(value.data, Map):
        fields = {str(key): element for key, (_, element) in value.data.entries.items()}
    currency = fields.get("currency") or flow.arguments.get("currency")
    if currency is None:
        return _decimal(fields.get("amount", value)), flow.contract.place_of(flow.arguments).currency
    shown = currency.data if isinstance(currency.data, str) else ""
    return _decimal(fields.get("amount", value)), shown


def _decimal(value: Value) -> Decimal | None:
    """An amount that can be counted with; a text has to be plain digits, since a service may read anything else otherwise."""
    data: Any = value.data
    if isinstance(data, Unknown):
        data = value.bound if data.kind in ("int", "float") else None
    if isinstance(data, bool) or not isinstance(data, (int, float, str)):
        return None
    if not _PLAIN_AMOUNT.fullmatch(data) if isinstance(data, str) else not abs(data) < AMOUNT_MAX:
        return None
    return Decimal(str(data))
