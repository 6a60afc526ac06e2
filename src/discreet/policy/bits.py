"""How many bits a view may tell a recipient about one fact: nothing, unless a norm says so (G6.3)."""

from __future__ import annotations

from discreet.kernel.contract import Recipient
from discreet.kernel.label import Tag
from discreet.policy.norm import ANYONE, SUBJECT_USER, Bits, Norms, terms_of
from discreet.policy.vocabulary import ANY, ancestors


def bits_max(norms: Norms, recipient: Recipient, view: Tag, purpose: str) -> tuple[int, tuple[str, ...]]:
    """The allowance of this recipient for the view `view.type` of a fact about `view.subject`, and the norms that give it.

    Norms do not add up: the largest one counts. The ledger's account says how much of it is spent.
    """
    fitting = [b for b in norms.bits if _fits(b, recipient, view, purpose, norms)]
    most = max((b.bits_max for b in fitting), default=0)
    return most, tuple(b.id for b in fitting if b.bits_max == most)


def _fits(bits: Bits, recipient: Recipient, view: Tag, purpose: str, norms: Norms) -> bool:
    terms = terms_of(recipient)
    return (
        bits.view in (ANY, *ancestors(view.type))
        and any(one <= terms for one in bits.who)
        and any(_about(term, recipient, view.subject, norms) for term in bits.about)
        and (ANY in bits.purpose or any(a in bits.purpose for a in ancestors(purpose)))
    )


def _about(term: str, recipient: Recipient, subject: str, norms: Norms) -> bool:
    if term in (ANYONE, subject):
        return True
    if subject == SUBJECT_USER:
        return False
    if term == "recipient":
        return subject in (recipient.id, recipient.account)
    return term == "others" or any(term in ancestors(role) for role in norms.directory.get(subject, ()))
