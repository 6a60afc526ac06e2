"""Decide a flow by the user's norms: pure, at a cost that depends neither on the data nor on the number of norms (G5.3).

    1. The user may see anything of theirs.
    2. A prohibition wins; a norm that errs is one.
    3. Whom the tag's audience names may hear it again.
    4. An `ask` that speaks of the tag asks, unless a permit that covers it names it in `over`.
    5. A permit permits, an `ask` that covers the tag asks.
    6. All else is denied.
    7. A write, payment or deletion that no allowance covers wholly is asked; a forbidden one is denied.

Prohibitions and questions also meet a tag that is wider than they are: a text tagged `health` may hold a `health/condition`.
An unclassified or unknown type may hold anything: every prohibition and question meets it, `*` alone covers it.

Norms are numbered; every way to select norms is an integer whose bit n stands for norm n, so that a tag costs a few ANDs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import reduce
from typing import Any

from discreet.kernel.contract import AUTHORITY, USER, Effect, Recipient, Role
from discreet.kernel.label import Tag
from discreet.kernel.monitor import Decision, Finding, Flow, Verdict
from discreet.kernel.value import Map, Record, Standing, Unknown, Value
from discreet.policy.norm import ANYONE, INSIDE, SUBJECT_USER, Allowance, Norm, Norms, Rule, Who
from discreet.policy.vocabulary import ANY, UNCLASSIFIED, ancestors, types

SEEN_RECIPIENTS_MAX = 1_024  # recipients whose norms are kept ready; all are dropped when more are met

WHY_USER = "what is yours you may see"
WHY_AUDIENCE = "has heard it from you, or it is theirs"
WHY_DEFAULT = "no norm permits it"
WHY_ACT = "no norm lets this be done without asking"


def decide(flow: Flow, norms: Norms | Index) -> Decision:
    """One finding for each recipient and tag, and for each authority argument of an effect."""
    index = norms if isinstance(norms, Index) else Index(norms)
    return index(flow)


class Index:
    """The norms made ready; a Judge. Make one when norms change, not for each decision."""

    def __init__(self, norms: Norms) -> None:
        self.norms = norms
        self._ids = tuple(n.id for n in norms.norms)
        self._disclosures = _Masks(norms.norms)

    def __call__(self, flow: Flow) -> Decision:
        findings: list[Finding] = []
        tags = flow.label.tags
        for recipient in flow.recipients:
            if recipient.account == USER.account:
                findings += [Finding(Verdict.PERMIT, recipient.id, tag, why=WHY_USER) for tag in tags]
            elif tags:
                self._tell(flow, recipient, tags, findings)
        if flow.contract.effect is not Effect.READ:
            findings += _act(flow, self.norms)
        return Decision(tuple(findings))

    def forget(self) -> None:
        """Drop what was kept ready of recipients and tools; nothing decided changes by it."""
        self._disclosures.forget()

    def _tell(self, flow: Flow, recipient: Recipient, tags: Mapping[Tag, frozenset[str]], findings: list[Finding]) -> None:
        masks = self._disclosures
        here = masks.recipient(recipient) & masks.flow(flow.contract.purpose, flow.contract.name)
        small = masks.in_times(flow.times)
        account = recipient.account
        for tag, audience in tags.items():
            about = here & masks.subject(tag.subject, recipient, self.norms.directory)
            meets = about & masks.meets(tag.type)
            forbidding = meets & masks.forbids
            if forbidding:
                findings.append(Finding(Verdict.DENY, recipient.id, tag, "", self._names(forbidding), self._because(forbidding)))
            elif account in audience:
                findings.append(Finding(Verdict.PERMIT, recipient.id, tag, why=WHY_AUDIENCE))
            else:
                covers = about & masks.covers(tag.type)
                verdict, names, why = self._weigh(covers & masks.permits & small, meets & masks.asks, covers & masks.asks)
                findings.append(Finding(verdict, recipient.id, tag, "", names, why))

    def _weigh(self, permitting: int, asking: int, covering: int) -> tuple[Verdict, tuple[str, ...], str]:
        if permitting:
            open_questions = asking & ~self._disclosures.answered(permitting)
            if open_questions:
                return Verdict.ASK, self._names(open_questions), self._because(open_questions)
            return Verdict.PERMIT, self._names(permitting), self._because(permitting)
        if covering:
            return Verdict.ASK, self._names(covering), self._because(covering)
        return Verdict.DENY, (), WHY_DEFAULT

    def _names(self, mask: int) -> tuple[str, ...]:
        return tuple(self._ids[n] for n in _bits(mask))

    def _because(self, mask: int) -> str:
        return self.norms.norms[(mask & -mask).bit_length() - 1].because


def _bits(mask: int) -> Iterable[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


class _Masks:
    """Every way to select disclosure norms, each as an integer with one bit a norm."""

    def __init__(self, norms: tuple[Norm, ...]) -> None:
        self._norms = norms
        self.all = (1 << len(norms)) - 1
        rules = {rule: _where(norms, lambda n, rule=rule: n.verdict is rule) for rule in Rule}
        self.permits, self.asks, self.forbids = rules[Rule.PERMIT], rules[Rule.ASK], rules[Rule.FORBID]
        self._covers, self._meets = self._types(norms)
        self._purpose = _by_term(norms, lambda n: n.purpose)
        self._through = _by_term(norms, lambda n: n.through)
        self._about = _by_term(norms, lambda n: n.about)
        self._alternatives = _alternatives([n.who for n in norms])
        self._limits = sorted({n.times_max for n in norms if n.times_max is not None})
        self._limited = {most: _where(norms, lambda n, most=most: n.times_max == most) for most in self._limits}
        numbers = {n.id: i for i, n in enumerate(norms)}
        self._over = {i: sum(1 << numbers[o] for o in set(n.over) if o in numbers) for i, n in enumerate(norms) if n.over}
        self._answering = sum(1 << i for i in self._over)
        self._recipients: dict[Recipient, int] = {}
        self._flows: dict[tuple[str, str], int] = {}

    @staticmethod
    def _types(norms: tuple[Norm, ...]) -> tuple[dict[str, int], dict[str, int]]:
        covers, meets = dict.fromkeys(types(), 0), dict.fromkeys(types(), 0)
        for number, norm in enumerate(norms):
            bit = 1 << number
            named, left_out = _named(norm.learns), _named(norm.but)
            may_hold_more = {above for type_ in left_out for above in ancestors(type_)}
            for type_ in named - left_out:
                for above in ancestors(type_):
                    meets[above] |= bit
                if type_ not in may_hold_more:
                    covers[type_] |= bit
        meets[UNCLASSIFIED] = reduce(int.__or__, meets.values())
        covers[UNCLASSIFIED] = reduce(int.__and__, covers.values())
        return covers, meets

    def covers(self, type_: str) -> int:
        """Norms that speak of all that a tag of `type_` may hold."""
        found = self._covers.get(type_)
        return self._covers[UNCLASSIFIED] if found is None else found

    def meets(self, type_: str) -> int:
        """Norms that speak of something that a tag of `type_` may hold."""
        found = self._meets.get(type_)
        return self._meets[UNCLASSIFIED] if found is None else found

    def flow(self, purpose: str, tool: str) -> int:
        found = self._flows.get((purpose, tool))
        if found is None:
            by_purpose = self._purpose.get(ANY, 0)
            for above in ancestors(purpose):
                by_purpose |= self._purpose.get(above, 0)
            found = by_purpose & (self._through.get(ANY, 0) | self._through.get(tool, 0))
            if len(self._flows) >= SEEN_RECIPIENTS_MAX:
                self._flows.clear()
            self._flows[purpose, tool] = found
        return found

    def in_times(self, times: int) -> int:
        mask = self.all
        for most in self._limits:
            if most >= times:
                break
            mask &= ~self._limited[most]
        return mask

    def subject(self, subject: str, recipient: Recipient, directory: Mapping[str, frozenset[str]]) -> int:
        about = self._about
        mask = about.get(ANYONE, 0) | about.get(subject, 0)
        if subject != SUBJECT_USER:
            mask |= about.get("others", 0)
            if subject == recipient.id or subject == recipient.account:
                mask |= about.get("recipient", 0)
            for role in directory.get(subject, ()):
                for above in ancestors(role):
                    mask |= about.get(above, 0)
        return mask

    def recipient(self, recipient: Recipient) -> int:
        found = self._recipients.get(recipient)
        if found is None:
            found = _meeting(self._alternatives, recipient)
            if len(self._recipients) >= SEEN_RECIPIENTS_MAX:
                self._recipients.clear()
            self._recipients[recipient] = found
        return found

    def forget(self) -> None:
        self._recipients.clear()
        self._flows.clear()

    def answered(self, permitting: int) -> int:
        mask = 0
        for number in _bits(permitting & self._answering):
            mask |= self._over[number]
        return mask


def _named(terms: Iterable[str]) -> frozenset[str]:
    """The known types that these terms speak of."""
    vocabulary = types()
    if ANY in terms:
        return frozenset(vocabulary)
    return frozenset().union(*(vocabulary.below(t) for t in terms if t in vocabulary))


def _where(norms: Iterable[Norm], test: Any) -> int:
    return sum(1 << number for number, norm in enumerate(norms) if test(norm))


def _by_term(norms: Iterable[Norm], terms: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for number, norm in enumerate(norms):
        for term in terms(norm):
            found[term] = found.get(term, 0) | 1 << number
    return found


def _alternatives(all_who: list[tuple[Who, ...]]) -> dict[str, list[tuple[Who, int]]]:
    """By one term of each alternative (the least common): the alternatives with the norms that have it."""
    masks: dict[Who, int] = {}
    for number, alternatives in enumerate(all_who):
        for one in alternatives:
            masks[one] = masks.get(one, 0) | 1 << number
    common: dict[str, int] = {}
    for one in masks:
        for term in one:
            common[term] = common.get(term, 0) + 1
    found: dict[str, list[tuple[Who, int]]] = {}
    for one, mask in masks.items():
        rarest = min(sorted(one), key=common.__getitem__)
        found.setdefault(rarest, []).append((one, mask))
    return found


def terms_of(recipient: Recipient) -> frozenset[str]:
    """All that a `who` can call this recipient: its id, its account, its roles and what lies above them, "anyone"."""
    above = (a for role in recipient.roles for a in ancestors(role))
    return frozenset((ANYONE, recipient.id, recipient.account, *above))


def _meeting(alternatives: Mapping[str, list[tuple[Who, int]]], recipient: Recipient) -> int:
    terms = terms_of(recipient)
    mask = 0
    for term in terms:
        for one, norms in alternatives.get(term, ()):
            if one <= terms:
                mask |= norms
    return mask


# --- acts -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Misfit:
    """Why a call does not fit an allowance: the argument ("" for the call as a whole) and the reason."""

    argument: str
    why: str


def _act(flow: Flow, norms: Norms) -> list[Finding]:
    """Findings on what decides the effect: who, what, how much, how often (G1.2, G3.6)."""
    authority = flow.authority()
    names = tuple(authority) or ("",)
    speaking = [a for a in norms.allowances if _speaks(a, flow)]
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


def _speaks(allowance: Allowance, flow: Flow) -> bool:
    contract = flow.contract
    return (
        contract.effect in allowance.effect
        and (ANY in allowance.through or contract.name in allowance.through)
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
        found.append(_Misfit("", "the recipient is not known"))
    if flow.times > allowance.times_max:
        found.append(_Misfit("", f"could be done {flow.times} times, more than {allowance.times_max}"))
    if allowance.undoable and not flow.contract.undoable:
        found.append(_Misfit("", "cannot be undone"))
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
    if standing < needed:
        found.append(_Misfit(name, f"is {SHOWN[standing]} and would have to be {SHOWN[needed]}"))
    if foreign := sources - _acceptable(allowance, flow):
        found.append(_Misfit(name, f"was influenced by {', '.join(sorted(foreign))}"))
    if role is Role.AMOUNT and (why := _too_much(allowance, name, flow, norms)):
        found.append(_Misfit(name, why))
    return found


SHOWN = {
    Standing.OUTSIDE: "outside text",
    Standing.PLANNER: "made by the planner",
    Standing.DESCRIBED: "picked by the plan from what you named",
    Standing.RESOLVED: "found from a name that you said",
    Standing.USER: "said by you",
}


class _All(frozenset):
    def __rsub__(self, other: object) -> frozenset:
        return frozenset()


def _acceptable(allowance: Allowance, flow: Flow) -> frozenset[str]:
    if "any" in allowance.sources:
        return _All()
    place = flow.place.label.sources if "place" in allowance.sources else frozenset()
    return INSIDE | place | frozenset(allowance.sources)


def _too_much(allowance: Allowance, name: str, flow: Flow, norms: Norms) -> str:
    if allowance.amount_max is None:
        return "is an amount, and the norm states no limit"
    amount, currency = _money(name, flow.arguments)
    if amount is None or amount < 0:
        return "is not known to be an amount within the limit"
    if currency != allowance.currency:
        return f"is not known to be in {allowance.currency}"
    used = norms.used.get(allowance.id)
    total = amount * flow.times + (used.amount if used else 0)
    return f"is over the limit of {allowance.amount_max} {allowance.currency}" if total > allowance.amount_max else ""


def _money(name: str, arguments: Mapping[str, Value]) -> tuple[Decimal | None, str]:
    """The amount (greatest possible, before the run) and its currency, from a record or from the argument `currency`."""
    value = arguments[name]
    fields: Mapping[str, Value] = {}
    if isinstance(value.data, Record):
        fields = value.data.fields
    elif isinstance(value.data, Map):
        fields = {str(key): element for key, (_, element) in value.data.entries.items()}
    currency = fields.get("currency") or arguments.get("currency")
    shown = currency.data if currency is not None and isinstance(currency.data, str) else ""
    return _decimal(fields.get("amount", value)), shown


def _decimal(value: Value) -> Decimal | None:
    data: Any = value.data
    if isinstance(data, Unknown):
        data = value.bound if data.kind in ("int", "float") else None
    if not isinstance(data, (int, float, str)) or isinstance(data, bool):
        return None
    try:
        amount = Decimal(str(data))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None
