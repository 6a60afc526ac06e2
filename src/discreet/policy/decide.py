"""Decide a flow by the user's norms: pure, at a cost that depends neither on the data nor on the number of norms (G5.3).

    1. The user may see anything of theirs.
    2. A prohibition wins; a norm that errs is one.
    3. Whom the tag's audience names may hear it again.
    4. A permit that covers the tag permits, unless an `ask` speaks of the tag that neither yields nor is named in its `over`.
    5. An `ask` that covers the tag asks.
    6. All else is denied.
    7. A write, payment or deletion that no allowance covers wholly is asked; a forbidden one is denied.

Prohibitions and questions also meet a tag that is wider than they are: a text tagged `health` may hold a `health/condition`.
An unclassified or unknown type may hold anything: every prohibition and question meets it, `*` alone covers it.

Norms are numbered; every way to select norms is an integer whose bit n stands for norm n, so that a tag costs a few ANDs.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any

from discreet.kernel.contract import USER, Effect, Recipient
from discreet.kernel.label import Tag
from discreet.kernel.monitor import Decision, Finding, Flow, Verdict
from discreet.policy.act import act
from discreet.policy.norm import ANYONE, SUBJECT_USER, Allowance, Norm, Norms, Rule, Who, terms_of
from discreet.policy.vocabulary import ANY, UNCLASSIFIED, ancestors, types

SEEN_MAX = 4_096  # recipients, tools and findings kept ready, of each kind; all of a kind are dropped when more are met

WHY_USER = "what is yours you may see"
WHY_AUDIENCE = "has heard it from you, or it is theirs"
WHY_DEFAULT = "no norm permits it"


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
        self._seen: dict[tuple, Finding] = {}
        self._by_tool: dict[str, tuple[Allowance, ...]] = {}

    def __call__(self, flow: Flow) -> Decision:
        findings: list[Finding] = []
        tags = flow.label.tags
        for recipient in flow.recipients:
            if recipient.account == USER.account:
                findings += [Finding(Verdict.PERMIT, recipient.id, tag, why=WHY_USER) for tag in tags]
            elif tags:
                self._tell(flow, recipient, tags, findings)
        if flow.contract.effect is not Effect.READ:
            findings += act(flow, self.norms, self._acts(flow.contract.name))
        return Decision(tuple(findings))

    def using(self, norms: Norms) -> Index:
        """The same index over the same norms with other sums in `used`."""
        other = copy.copy(self)
        other.norms = norms
        return other

    def _acts(self, tool: str) -> tuple[Allowance, ...]:
        """The allowances that speak of this tool."""
        found = self._by_tool.get(tool)
        if found is None:
            if len(self._by_tool) >= SEEN_MAX:
                self._by_tool.clear()
            found = self._by_tool[tool] = tuple(a for a in self.norms.allowances if ANY in a.through or tool in a.through)
        return found

    def forget(self) -> None:
        """Drop what was kept ready; nothing decided changes by it."""
        self._seen.clear()
        self._by_tool.clear()
        self._disclosures.forget()

    def _tell(self, flow: Flow, recipient: Recipient, tags: Mapping[Tag, frozenset[str]], findings: list[Finding]) -> None:
        masks = self._disclosures
        here = masks.recipient(recipient) & masks.flow(flow.contract.purpose, flow.contract.name)
        small = masks.in_times(max(flow.times, flow.together))
        called = {recipient.id, recipient.account}
        for tag, audience in tags.items():
            about = here & masks.subject(tag.subject, recipient, self.norms.directory)
            key = (recipient.id, tag, about, small, not called.isdisjoint(audience))
            found = self._seen.get(key)
            if found is None:
                if len(self._seen) >= SEEN_MAX:
                    self._seen.clear()
                found = self._seen[key] = self._finding(*key)
            findings.append(found)

    def _finding(self, recipient: str, tag: Tag, about: int, small: int, heard: bool) -> Finding:
        """The finding for one tag; `about` are the norms that speak of this recipient, subject, purpose and tool."""
        masks = self._disclosures
        meets, covers = about & masks.meets(tag.type), about & masks.covers(tag.type)
        forbidding = meets & masks.forbids
        if forbidding:
            return Finding(Verdict.DENY, recipient, tag, "", self._names(forbidding), self._because(forbidding))
        if heard:
            return Finding(Verdict.PERMIT, recipient, tag, why=WHY_AUDIENCE)
        verdict, names, why = self._weigh(covers & masks.permits & small, meets & masks.insists, covers & masks.asks)
        return Finding(verdict, recipient, tag, "", names, why)

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
        self.insists = _where(norms, lambda n: n.verdict is Rule.ASK and not n.yields)
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
            if len(self._flows) >= SEEN_MAX:
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
            if len(self._recipients) >= SEEN_MAX:
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


def _meeting(alternatives: Mapping[str, list[tuple[Who, int]]], recipient: Recipient) -> int:
    terms = terms_of(recipient)
    mask = 0
    for term in terms:
        for one, norms in alternatives.get(term, ()):
            if one <= terms:
                mask |= norms
    return mask
