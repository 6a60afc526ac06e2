"""Norms beside the tools that there are: one that names no tool by a slip would apply to nothing and say nothing (G5.3).

A norm may speak of tools that are not connected. What is told is a name that is nearly one of a known tool, and one of a known service
that has no such tool. A prohibition or a question with such a name holds for the tools that it may have meant, until it is mended; a
permit permits nothing by it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from discreet.policy.contracts import slip
from discreet.policy.norm import ANYONE, Allowance, Bits, Norms, Rule, Who
from discreet.policy.vocabulary import ANY, roles

SHIPPED_TOOLS = (
    "agent.hear", "calendar.add", "calendar.busy", "calendar.free", "calendar.list", "calendar.move", "calendar.remove", "contacts.find", "contacts.search",
    "delegate", "files.delete", "files.list", "files.move", "files.read", "files.write", "mail.attachment", "mail.delete", "mail.draft", "mail.move",
    "mail.read", "mail.reply", "mail.save_attachment", "mail.search", "mail.send", "memory.city", "memory.last_four", "memory.over_18", "memory.recall",
    "memory.recall_learned", "memory.told", "plan.draft", "read", "shop.checkout", "shop.order", "shop.product", "shop.reviews", "shop.search", "web.read",
    "web.search",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unfit:
    """A name in a norm that is nobody's: which norm, where it stands, the name, what it may have meant."""

    norm: str
    origin: str
    line: int
    name: str
    meant: tuple[str, ...]
    what: str  # "tool" or "recipient"

    def __str__(self) -> str:
        near = f"; did you mean `{self.meant[0]}`?" if self.meant else ""
        return f"{self.origin}: line {self.line}: `{self.norm}`: no {self.what} is called `{self.name}`{near}"


def unfit(norms: Norms, tools: Iterable[str], recipients: Iterable[str] = ()) -> list[Unfit]:
    """Names in norms that are nearly, and not, a known tool's or recipient's, and tools that a known service does not have."""
    names, who = frozenset(tools), frozenset(recipients)
    found = []
    for norm in norms.all():
        for name in norm.through if not isinstance(norm, Bits) else ():
            if name not in names and name != ANY and (meant := _meant(name, names)):
                found.append(Unfit(norm.id, norm.origin, norm.line, name, meant, "tool"))
        terms = {term for one in (norm.to if isinstance(norm, Allowance) else norm.who) for term in one}
        for term in sorted(terms - _words()):
            if near := slip(term, who):
                found.append(Unfit(norm.id, norm.origin, norm.line, term, (near,), "recipient"))
    return found


def fitted(norms: Norms, tools: Iterable[str], recipients: Iterable[str] = ()) -> Norms:
    """The norms, each prohibition or question also for the tools and recipients that a misspelt name may have meant."""
    names, who = frozenset(tools), frozenset(recipients)
    return replace(
        norms,
        norms=tuple(n if n.verdict is Rule.PERMIT else replace(n, through=_through(n.through, names), who=_terms(n.who, who)) for n in norms.norms),
        allowances=tuple(a if a.verdict is Rule.PERMIT else replace(a, through=_through(a.through, names), to=_terms(a.to, who)) for a in norms.allowances),
    )


def _through(through: tuple[str, ...], names: frozenset[str]) -> tuple[str, ...]:
    more = [meant for name in through if name not in names and name != ANY for meant in _meant(name, names)]
    return tuple(dict.fromkeys((*through, *more)))


def _terms(alternatives: tuple[Who, ...], who: frozenset[str]) -> tuple[Who, ...]:
    more = [(one - {term}) | {near} for one in alternatives for term in sorted(one - _words()) if (near := slip(term, who))]
    return tuple(dict.fromkeys((*alternatives, *more)))


def _words() -> frozenset[str]:
    return frozenset(roles()) | {ANYONE}


def _meant(name: str, names: frozenset[str]) -> tuple[str, ...]:
    """The known tools that a name may have meant: the one that it nearly is, or all of a known service; none where it may be another's."""
    near = slip(name, names)
    if near:
        return (near,)
    service = name.rpartition(".")[0]
    same = sorted(n for n in names if service and n.rpartition(".")[0] == service)
    return tuple(same)
