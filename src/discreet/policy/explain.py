"""A decision as one sentence: what would be told whom, which norms decide it and what would permit it; never contents.

`always` turns the answer "always, exactly as shown" into a norm that is no wider than the question (G5.5, G2.7).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from discreet.kernel.contract import NOPLACE, Contract, Effect, Parameter, Recipient, Role
from discreet.kernel.errors import DiscreetError
from discreet.kernel.label import PUBLIC, Tag, label
from discreet.kernel.monitor import Decision, Finding, Flow, Verdict
from discreet.kernel.shape import Shape
from discreet.kernel.value import Standing, Value
from discreet.policy.act import WHY_ACT
from discreet.policy.decide import decide
from discreet.policy.lures import LURES, lures
from discreet.policy.norm import INSIDE, SUBJECT_USER, Allowance, Norm, Norms, Rule, Who
from discreet.policy.vocabulary import REQUEST, roles, types

NAMED_MAX = 4  # kinds of information that one sentence names before it counts the rest
DOES = {Effect.PAY: "pays", Effect.WRITE: "changes something", Effect.DELETE: "deletes something"}
BARE = ("is ", "was ", "goes ", "could ", "cannot ", "states ")  # how a reason begins that leaves out what it is about
VERBS = {Verdict.PERMIT: "may", Verdict.ASK: "may, if you agree,", Verdict.DENY: "may not"}


@dataclass(frozen=True, slots=True)
class Explanation:
    """One sentence, the ids of the determining norms, and what would permit it ("" when it is permitted)."""

    verdict: Verdict
    sentence: str
    norms: tuple[str, ...] = ()
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.sentence}; {self.remedy}" if self.remedy else self.sentence


def explain(flow: Flow, norms: Norms, decision: Decision | None = None) -> Explanation:
    """Why this call is permitted, asked about or denied."""
    decision = decide(flow, norms) if decision is None else decision
    verdict = decision.verdict
    deciding = [f for f in decision.findings if f.verdict is verdict]
    if not deciding:
        return Explanation(verdict, f"`{flow.contract.name}` tells nobody anything and does nothing")
    names = {r.id: r.name or r.id for r in flow.recipients}
    told = [f for f in deciding if f.tag is not None]
    done = [f for f in deciding if f.tag is None]
    parts = [_told(flow, group, names) for group in _grouped(told)]
    parts += [_done(flow, done)] if done else []
    ids = tuple(dict.fromkeys(id for f in deciding for id in f.norms))
    remedy = "" if verdict is Verdict.PERMIT else _remedy(flow, told, done, norms)
    return Explanation(verdict, "; ".join(parts), ids, remedy)


def explain_telling(
    recipient: Recipient, type_: str, purpose: str, tool: str, norms: Norms, subject: str = SUBJECT_USER
) -> Explanation:
    """Whether this recipient may learn this type for this purpose through this tool."""
    return explain(telling(recipient, [Tag(type_, subject)], purpose, tool), norms)


def permitting(flow: Flow, norms: Norms, decision: Decision | None = None) -> tuple[Norm, ...]:
    """The norms under which this call would tell what it may not now, exactly as wide as the call; none where a prohibition or a
    place stands against it, and none for more kinds than a person would look through."""
    decision = decide(flow, norms) if decision is None else decision
    told = [f for f in decision.findings if f.tag is not None and f.verdict is not Verdict.PERMIT]
    recipients = {r.id: r for r in flow.recipients}
    if any(f.recipient not in recipients or f.tag.type not in types() or _forbidden(f, norms) for f in told if f.tag):
        return ()
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in told:
        groups.setdefault((finding.recipient, finding.tag.subject), []).append(finding)  # type: ignore[union-attr]
    made = []
    for (who, subject), findings in groups.items():
        kinds = tuple(sorted({f.tag.type for f in findings if f.tag}))
        insisting = tuple(dict.fromkeys(n for f in findings for n in f.norms if not getattr(norms.named(n), "yields", True)))
        exactly = _exactly(recipients[who])
        id_ = f"told-{_digest(_shown(recipients[who]), subject, *kinds, flow.contract.purpose, flow.contract.name)}"
        made.append(Norm(id_, Rule.PERMIT, exactly, kinds, (subject,), (flow.contract.purpose,), (flow.contract.name,), "I want this to be told", over=insisting))
    return tuple(made) if sum(len(norm.learns) for norm in made) <= NAMED_MAX else ()


def _forbidden(finding: Finding, norms: Norms) -> bool:
    return any(getattr(norms.named(id_), "verdict", None) is Rule.FORBID for id_ in finding.norms)


def why_asked(flow: Flow, decision: Decision) -> tuple[str, ...]:
    """Of each thing that a question is about one sentence: what would be told, kept or done, and by which norm it is asked."""
    asked = [f for f in decision.findings if f.verdict is Verdict.ASK]
    names = {r.id: r.name or r.id for r in flow.recipients}
    found = [_why_told(flow, group, names) for group in _grouped(f for f in asked if f.tag is not None)]
    done = [f for f in asked if f.tag is None and f.why]
    found += [_why_done(flow, f) for f in done if f.why != WHY_ACT or all(other.why == WHY_ACT for other in done)]  # what does not fit says more
    return tuple(dict.fromkeys(found))


def _why_told(flow: Flow, group: list[Finding], names: dict[str, str]) -> str:
    first, what = group[0], _kinds(group)
    if first.recipient == flow.place.id and first.recipient not in names:
        return f"{what} would be kept in `{flow.place.id}`, and all that is read there would count as that from then on"
    return f"{names.get(first.recipient, first.recipient)} would learn {what}: {first.why}{_norm_of(first)}"


def _why_done(flow: Flow, finding: Finding) -> str:
    if finding.why == WHY_ACT:
        return f"it {DOES.get(flow.contract.effect, 'acts')}, and no norm of yours lets `{flow.contract.name}` do that without asking"
    about = _shown_argument(finding) or ("it " if not finding.norms and finding.why.startswith(BARE) else "")
    return f"{about}{finding.why}{_norm_of(finding)}"


def _norm_of(finding: Finding) -> str:
    return f" (norm {', '.join(f'`{n}`' for n in finding.norms)})" if finding.norms else ""


def _kinds(group: list[Finding]) -> str:
    shown = sorted({kind(f.tag) for f in group if f.tag})
    more = f" and {len(shown) - NAMED_MAX} more" if len(shown) > NAMED_MAX else ""
    return ", ".join(shown[:NAMED_MAX]) + more


def telling(
    recipient: Recipient, tags: Iterable[Tag], purpose: str, tool: str, audience: Iterable[str] = (), times: int = 1
) -> Flow:
    """A flow that only tells: for questions about norms and their tests."""
    contract = Contract(tool, "a question about norms", (Parameter("told", Shape("any")),), Shape("none"), Effect.READ, purpose, NOPLACE, ())
    value = Value(None, label(tags, (), audience))
    return Flow(contract, {"told": value}, PUBLIC, (recipient,), NOPLACE, times)


def always(finding: Finding, flow: Flow) -> Norm | Allowance:
    """The norm that answers this question for ever, exactly as wide as it was shown. Raises DiscreetError where there is none."""
    if why := no_always(finding, flow):
        raise DiscreetError(f"no lasting answer is possible: {why}")
    recipients = {r.id: r for r in flow.recipients}
    if finding.tag is None:
        return _always_act(flow, [finding])
    recipient = recipients[finding.recipient]
    return Norm(
        id=f"always-{_digest(_shown(recipient), *finding.tag, flow.contract.name, flow.contract.purpose, str(flow.times))}",
        verdict=Rule.PERMIT,
        who=_exactly(recipient),
        learns=(finding.tag.type,),
        about=(finding.tag.subject,),
        purpose=(flow.contract.purpose,),
        through=(flow.contract.name,),
        because="you answered `always` to this question",
        times_max=flow.times,
        over=finding.norms,
        origin="answers",
    )


def lasting(flow: Flow, decision: Decision) -> tuple[Norm | Allowance, ...]:
    """The norms that answer all questions of this call for ever; nothing, unless every one of them has a lasting answer that is no wider
    than what was shown: what a text holds is another in the next text."""
    asked = [f for f in decision.findings if f.verdict is Verdict.ASK]
    if any(no_always(f, flow) for f in asked):
        return ()
    made = (always(f, flow) for f in asked)
    return tuple({norm.id: norm for norm in made}.values())


def no_always(finding: Finding, flow: Flow) -> str:
    """Why a question has no lasting answer, or nothing."""
    if finding.verdict is not Verdict.ASK:
        return "nothing is asked"
    if any(tag.type != REQUEST for tag in flow.control.tags):
        return "that it is asked depends on something private"
    if outside := flow.control.sources - INSIDE:
        return f"that it is asked was influenced by {', '.join(sorted(outside))}"
    if flow.unresolved:
        return "the recipient is not known yet"
    if any("user-named" in r.roles for r in flow.recipients) or any(standing is Standing.NAMED for standing, _ in flow.authority().values()):
        return "your request names somebody, and in what way is not clear; no other request would be clearer by it"
    if finding.tag is None:
        return _no_always_act(flow, bool(finding.norms))
    if finding.tag.type not in types() or len(types().below(finding.tag.type)) > 1:
        return f"`{finding.tag.type}` holds more than was shown; write the norm yourself"
    return "" if any(r.id == finding.recipient for r in flow.recipients) else "the recipient is not one of the call"


def _no_always_act(flow: Flow, asking: bool) -> str:
    if flow.contract.effect is not Effect.WRITE:
        return "payments and deletions are confirmed each time, or covered by a norm that you write yourself"
    if lures(flow, LURES, ""):
        return "a link, an address or an account number differs from text to text"
    if sum(r.id != SUBJECT_USER and "own-provider" not in r.roles for r in flow.recipients) > 1:
        return "it reaches several at once, and each of them alone was not shown; write the norm yourself"
    authority = {p.role for p in flow.contract.parameters if p.name in flow.authority()}
    return "" if authority <= {Role.WHO} else "what it does differs from call to call; write the norm yourself"


def _always_act(flow: Flow, asked: list[Finding]) -> Allowance:
    authority = flow.authority()
    standings = [standing for standing, _ in authority.values()]
    return Allowance(
        id=f"always-{_digest(flow.contract.name, flow.contract.purpose, str(flow.times), *sorted(map(_shown, flow.recipients)))}",
        verdict=Rule.PERMIT,
        effect=(Effect.WRITE,),
        through=(flow.contract.name,),
        purpose=(flow.contract.purpose,),
        to=tuple(one for r in flow.recipients for one in _exactly(r)) or (frozenset({SUBJECT_USER}),),
        because="you answered `always` to this question",
        standing={Role.WHO: min(standings)} if standings else {},
        times_max=flow.times,
        undoable=flow.contract.undoable,
        sources=tuple(sorted(frozenset().union(*(sources for _, sources in authority.values())) - INSIDE)),
        over=tuple(dict.fromkeys(id for f in asked for id in f.norms)),
        origin="answers",
    )


def _exactly(recipient: Recipient) -> tuple[Who, ...]:
    """This id, and only when it comes in as it did: named again by the user, found again from a name."""
    marks = sorted(r for r in recipient.roles if r in roles() and roles()[r].mark)
    return tuple(frozenset((recipient.id, mark)) for mark in marks) or (frozenset((recipient.id,)),)


def _shown(recipient: Recipient) -> str:
    return json.dumps(sorted(sorted(one) for one in _exactly(recipient)))


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def _grouped(told: Iterable[Finding]) -> list[list[Finding]]:
    """Findings of one recipient and one reason together."""
    groups: dict[tuple, list[Finding]] = {}
    for finding in told:
        groups.setdefault((finding.recipient, finding.norms, finding.why), []).append(finding)
    return list(groups.values())


def _told(flow: Flow, group: list[Finding], names: dict[str, str]) -> str:
    first, what = group[0], _kinds(group)
    whom = names.get(first.recipient, first.recipient)
    return (
        f"{whom} {VERBS[first.verdict]} learn {what} for {flow.contract.purpose} through "
        f"`{flow.contract.name}`: {_by(first.norms)}{first.why}"
    )


def _done(flow: Flow, done: list[Finding]) -> str:
    verb = {Verdict.PERMIT: "may be done", Verdict.ASK: "is done only if you agree", Verdict.DENY: "may not be done"}
    reasons = {(_shown_argument(f) + _by(f.norms) + f.why): None for f in done}
    return f"`{flow.contract.name}` {verb[done[0].verdict]}: {', '.join(reasons)}"


def _shown_argument(finding: Finding) -> str:
    return f"`{finding.argument}` " if finding.argument and not finding.norms and finding.why.startswith(("is ", "was ")) else ""


def _by(norms: tuple[str, ...]) -> str:
    return f"by {', '.join(f'`{n}`' for n in norms)}, " if norms else ""


def kind(tag: Tag) -> str:
    """A tag in words: `your health/condition`, `bob@x.org's contact/email`."""
    if tag.subject == SUBJECT_USER:
        return f"your {tag.type}"
    possessive = "'" if tag.subject.endswith("s") else "'s"
    return f"{tag.subject}{possessive} {tag.type}"


def _remedy(flow: Flow, told: list[Finding], done: list[Finding], norms: Norms) -> str:
    """What would permit it, as narrow as can be."""
    ids = {id for f in (*told, *done) for id in f.norms}
    forbidding = sorted(id for id in ids if (n := norms.named(id)) is not None and getattr(n, "verdict", None) is Rule.FORBID)
    erring = [id for id in forbidding if getattr(norms.named(id), "erring", "")]
    if erring:
        return f"mend `{erring[0]}`: {norms.named(erring[0]).erring}"
    if forbidding:
        return f"only dropping {', '.join(f'`{id}`' for id in forbidding)} would permit it, for a prohibition wins"
    if placed := [f for f in told if f.recipient == flow.place.id and not f.norms]:
        asked = placed[0].verdict is Verdict.ASK
        return "your answer makes the place hold it" if asked else "a place takes only what it holds; keep this where its kind is kept"
    if told:
        tag = told[0].tag
        insisting = [n for n in told[0].norms if not getattr(norms.named(n), "yields", True)]
        over = f", over {', '.join(f'`{n}`' for n in insisting)}" if insisting else ""
        alike = [f for f in told if f.recipient == told[0].recipient and f.tag and f.tag.subject == tag.subject and f.verdict is told[0].verdict]
        wanted = list(dict.fromkeys(f"`{f.tag.type}`" for f in alike))
        shown = ", ".join(wanted[:NAMED_MAX]) + (f" and {len(wanted) - NAMED_MAX} more" if len(wanted) > NAMED_MAX else "")
        return (
            f"a norm would permit it: permit {shown} about `{tag.subject}` to `{told[0].recipient}` "
            f"for `{flow.contract.purpose}` through `{flow.contract.name}`{over}"
        )
    if any(f.argument in flow.unresolved for f in done):
        return "it is settled once the recipient is known"
    return f"your answer to this call permits it, or an allowance for `{flow.contract.name}`"
