"""The monitor: every flow passes `check`, which returns a permit bound to the exact call or raises (G5.4).

There is one call site of `check` (tools/call.py) and nothing leaves without a permit. What may be learnt and done is
decided by `Judge`, a pure function over labels that the policy layer implements; what no norm can relax is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from enum import StrEnum
from typing import Protocol

from discreet.kernel.contract import AUTHORITY, SERVICES, Contract, Effect, Parameter, Place, Recipient, Role
from discreet.kernel.errors import NOWHERE, Denied, Span, invariant
from discreet.kernel.label import PUBLIC, Label, Tag, join2, label
from discreet.kernel.value import Fault, Many, Map, Maybe, Record, Seq, Standing, Table, Unknown, Value, weaker


class Verdict(StrEnum):
    """What becomes of a flow, from best to worst."""

    PERMIT = "permit"
    ASK = "ask"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Flow:
    """Everything a decision may look at; no contents are needed for it but a limit's amount."""

    contract: Contract
    arguments: Mapping[str, Value]
    pc: Label
    recipients: tuple[Recipient, ...]
    place: Place
    times: int = 1  # how often this line may run at most, by public bounds
    span: Span = NOWHERE
    unresolved: tuple[str, ...] = ()  # recipient arguments that are not known
    preflight: Label = PUBLIC  # what the preflight saw at this line; the check is on the join (G3.8)
    preflight_pc: Label = PUBLIC  # what it saw decide whether this line runs
    together: int = 0  # how often all lines of this tool to these recipients may run, where that is more
    moved: Label = PUBLIC  # of the stored contents that the call takes along by their id, which are no argument
    label: Label = field(init=False)  # join of pc, every argument and its shapes (G5.4), and of what is shared by an id

    def __post_init__(self) -> None:
        label = join2(join2(self.pc, self.preflight), self.moved)
        if self.contract.shares:
            label = join2(label, self.place.label)
        for value in self.arguments.values():
            label = join2(label, value.total)
        object.__setattr__(self, "label", label)

    @property
    def control(self) -> Label:
        """What decided that, where and how often the call is made: pc, ids, sizes, keys; not contents (G2.6).

        That an address is its owner's is what a place of sent things holds anyway (G6.1), so it is left out.
        """
        result = join2(self.pc, self.preflight_pc)
        for parameter in self.contract.parameters:
            value = self.arguments.get(parameter.name)
            if value is None:
                continue
            if parameter.address:
                result = join2(result, _beyond_address(value.total))
            elif selects(parameter):
                result = join2(result, value.total)
            elif _container(value):
                result = join2(result, value.label)
        return result

    @property
    def content(self) -> Label:
        """The join of all that a place would hold after this write: every argument that does not select, and what it takes along."""
        result = self.moved
        for parameter in self.contract.parameters:
            value = self.arguments.get(parameter.name)
            if value is not None and not parameter.address and not selects(parameter):
                result = join2(result, value.total)
        return result

    @property
    def deciding(self) -> Label:
        """The join of what decides that, where and when something shows after this write: all but its contents."""
        result = join2(self.pc, self.preflight_pc)
        for parameter in self.contract.parameters:
            value = self.arguments.get(parameter.name)
            if value is not None and parameter.role is not Role.CONTENT:
                result = join2(result, _beyond_address(value.total) if parameter.address else value.total)
        return result

    @property
    def theirs(self) -> bool:
        """Whether the place belongs to an outside recipient of this very call."""
        return bool(self.place.owner) and any(r.id == self.place.owner for r in self.recipients)

    def authority(self) -> dict[str, tuple[Standing, frozenset[str]]]:
        """Of each argument that carries authority: its standing and its sources, pc's among them (G5.4)."""
        found = {}
        for parameter in self.contract.parameters:
            value = self.arguments.get(parameter.name)
            if value is not None and parameter.role in AUTHORITY:
                standing = lowest_standing(value)
                asked = parameter.address in SERVICES
                standing = standing.whom if (parameter.role is Role.WHO or parameter.address) and not asked else standing.what
                found[parameter.name] = (standing, value.total.sources | self.pc.sources | self.preflight_pc.sources)
        return found


ADDRESS_TYPE = "contact"


def _beyond_address(total: Label) -> Label:
    kept = {t: a for t, a in total.tags.items() if t.subject == "user" or t.type.split("/")[0] != ADDRESS_TYPE}
    return total if len(kept) == len(total.tags) else label(kept, total.sources)


def _container(value: Value) -> bool:
    return isinstance(value.data, (Seq, Map, Record, Many, Table, Maybe))


def selects(parameter: Parameter) -> bool:
    """Whether an argument is an id or a key: it says which object, rather than what is put into it."""
    return parameter.role is Role.KEY or (parameter.role in AUTHORITY and parameter.shape.kind in ("text", "enum", "list", "any"))


def lowest_standing(value: Value) -> Standing:
    """The least standing of a value and of all inside it: a list of addresses is as good as its worst."""
    data = value.data
    inner: list[Value] = []
    match data:
        case Seq():
            inner = data.items()
        case Map():
            inner = [element for _, element in data.entries.values()]
        case Record():
            inner = list(data.fields.values())
        case Many():
            inner = [data.element]
        case Maybe():
            inner = [data.value]
        case Table():
            inner = [data.element]
    if not inner:
        return value.standing
    return reduce(weaker, map(lowest_standing, inner))


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason: `tag` to `recipient` (or an authority argument) got `verdict` because of `norms` (ids; empty = default)."""

    verdict: Verdict
    recipient: str = ""
    tag: Tag | None = None
    argument: str = ""
    norms: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The worst verdict of its findings. An empty list of findings means that nothing is disclosed or done."""

    findings: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> Verdict:
        worst = Verdict.PERMIT
        for finding in self.findings:
            if finding.verdict is Verdict.DENY:
                return Verdict.DENY
            if finding.verdict is Verdict.ASK:
                worst = Verdict.ASK
        return worst


class Judge(Protocol):
    """Decides a flow by the user's norms; pure; implemented by policy.decide."""

    def __call__(self, flow: Flow) -> Decision: ...


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave for exactly one call: `digest` of the final bytes or of a canonical request that fixes them."""

    tool: str
    digest: bytes
    recipients: tuple[str, ...]
    purpose: str
    decision: Decision
    confirmed: bool = False


class Asked(Denied):
    """The flow needs the user's answer first (G5.5)."""


def decide(flow: Flow, judge: Judge) -> Decision:
    """What the norms say, and what no norm relaxes: unfit places deny, unresolved recipients ask. A judge that errs denies (G5.3)."""
    findings = [*_places(flow), *_views(flow)]
    findings += [
        Finding(Verdict.ASK, argument=name, why="the recipient is not known before the run") for name in flow.unresolved
    ]
    try:
        judged = judge(flow).findings
    except Exception:  # whatever it stumbled over, the plan goes on without the call, in every run alike
        judged = (Finding(Verdict.DENY, why="the norms could not be applied to this call"),)
    return Decision((*findings, *judged))


WHY_OPEN = "where it is written shows only in the run, and whatever does not hold this is refused it then"


def beyond(label_: Label, place: Place) -> tuple[Tag, ...]:
    """The tags of `label_` that the place does not hold; what is left of the request may stand anywhere (G4.1)."""
    return tuple(tag for tag in sorted(label_.tags) if tag not in place.holds.tags and tag.type != "request")


def _places(flow: Flow) -> list[Finding]:
    """A write must fit the label of the place where its effect shows (G2.6).

    By then the place's label has what the place `keeps`. Beyond that, pc, ids, sizes and keys are denied; contents are asked,
    since the user's answer makes the place hold them. A place that no tool reads again shows nothing. Where it is not known before the
    run which place it is, that one has to hold all of it already: no other may come to hold more by what the run found.
    """
    place = flow.place
    if flow.contract.effect is Effect.READ or place.id == "nowhere" or flow.theirs or not place.readable:
        return []
    control = beyond(flow.control, place)
    contents = [tag for tag in beyond(flow.content, place) if tag not in control]
    if place.fits is not None:
        verdict = Verdict.ASK if place.open else Verdict.DENY
        return [Finding(verdict, place.id, tag, why=WHY_OPEN) for tag in (*control, *contents)]
    return [
        *(Finding(Verdict.DENY, place.id, tag, why="the write would show this in a place that does not hold it") for tag in control),
        *(Finding(Verdict.ASK, place.id, tag, why="the place would hold this from then on, and all that is read there count as it") for tag in contents),
    ]


def _views(flow: Flow) -> list[Finding]:
    """A view is chosen by nothing private and nobody outside, or the choice would tell more than the view (G6.2)."""
    if not flow.contract.view:
        return []
    chosen_by = flow.pc
    for value in flow.arguments.values():
        chosen_by = join2(chosen_by, value.total)
    over = [tag for tag in sorted(chosen_by.tags) if tag.type not in ("request", flow.contract.view)]
    why = "a view may not be chosen by what is more private than what it gives, or by outside text"
    found = [Finding(Verdict.DENY, tag=tag, why=why) for tag in over]
    return found or ([Finding(Verdict.DENY, why=why)] if chosen_by.sources else [])


def check(flow: Flow, judge: Judge, digest: bytes, confirmed: frozenset[bytes] = frozenset()) -> Permit:
    """The permit for this exact call. Raises Denied, or Asked when the user's answer to `digest` is missing."""
    invariant(len(digest) >= 16, "a digest of the exact call")
    for value in flow.arguments.values():
        invariant(not isinstance(value.data, (Unknown, Many, Table, Maybe, Fault)), "known arguments at a call, and no fault among them")
    decision = decide(flow, judge)
    match decision.verdict:
        case Verdict.DENY:
            raise Denied(decision)
        case Verdict.ASK if digest not in confirmed:
            raise Asked(decision, "the user has to be asked")
    return Permit(
        flow.contract.name,
        digest,
        tuple(r.id for r in flow.recipients),
        flow.contract.purpose,
        decision,
        digest in confirmed,
    )
