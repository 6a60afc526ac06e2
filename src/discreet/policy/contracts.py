"""What is wrong with a contract, and what it leaves unsaid: a slip is told with tool, field and nearest name (G5.1).

`mistakes` are errors: a name that no vocabulary has would meet no norm and no prohibition. What a contract does not state is none: it
has its most private reading (kernel/contract.py), and `notes` tell that once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from discreet.kernel.contract import AUTHORITY, WORST, Contract, Effect, Place
from discreet.kernel.label import Label
from discreet.kernel.shape import SCALAR_KINDS, Shape
from discreet.policy.vocabulary import purposes, types

SUBJECTS = ("user", "others")
OWN_SOURCES = ("outside", "user", "planner")
KINDS = (*SCALAR_KINDS, "list", "dict", "record", "enum")
DEPTH_MAX = 20  # of a shape that is looked through
LETTERS_MAX = 2  # by which a slip is longer or shorter than what was meant
ALIKE_MIN = 0.8  # of a slip and what was meant, as difflib measures it
NAMED_MAX = 8  # tools that one note names


def mistakes(contract: Contract) -> list[str]:
    """Every slip of one contract, each a sentence."""
    found: list[str] = []
    if contract.purpose not in purposes():
        found.append(f"purpose: {purposes().unknown(contract.purpose)}")
    if contract.view and contract.view not in types():
        found.append(f"view: {types().unknown(contract.view)}")
    if contract.effect in (Effect.PAY, Effect.DELETE) and contract.parameters and not any(p.role in AUTHORITY for p in contract.parameters):
        first = contract.parameters[0].name
        found.append(f"does {contract.effect.value}, and no argument is said to decide what; give its role, as in `Parameter(\"{first}\", …, Role.WHAT)`")
    found += _in_shape(contract.result, "result")
    for parameter in contract.parameters:
        found += _in_shape(parameter.shape, f"argument `{parameter.name}`")
    if isinstance(contract.place, Place):
        found += _in_place(contract.place)
    return [f"`{contract.name}`: {one}" for one in found]


def together(contracts: Iterable[Contract]) -> list[str]:
    """Slips that show only beside other contracts: one place that is two, since a write would fit what a read does not carry (G2.6)."""
    places: dict[str, tuple[Place, str]] = {}
    found = []
    for contract in contracts:
        place = contract.place
        if not isinstance(place, Place):
            continue
        first, by = places.setdefault(place.id, (place, contract.name))
        if first.label != place.label:
            found.append(f"`{contract.name}`: place `{place.id}`: has another label than in `{by}`; a place has one, so make it one `Place` and name it in both")
    return found


# What a contract leaves unsaid: how that is read, and what to write instead.
UNSAID_PLACE = (
    "place not stated, so results count as unclassified and from outside (or as the worst of their own labels), and what is written as shown "
    "wherever its recipients can look; state `place=Place(…)`, or `place=NOPLACE` if nothing of it shows again"
)
UNSAID_LABEL = "label of the place not stated, so all that is read there counts as unclassified and from outside; state it, or `label()` if it tells nothing of anybody"
_STATE = "state them, or `recipients=()` if it never leaves this process"
UNSAID_RECIPIENTS = f"recipients not stated, so an outsider whom nobody knows hears the call; {_STATE}"
UNSAID_OWN = f"recipients not stated, so nobody may be told what is looked for there but the request; {_STATE}"


def unsaid(contract: Contract) -> list[str]:
    """What the contract leaves unsaid, as told by `notes`."""
    found = []
    place = contract.place if isinstance(contract.place, Place) else None
    if place is not None and place.unsaid:
        found.append(UNSAID_PLACE)
    elif place is not None and place.label is WORST:
        found.append(UNSAID_LABEL)
    if contract.unsaid and place is not None and not place.owner and not place.readers:  # a rule is asked in each call
        own = contract.effect is Effect.READ and not place.unsaid
        if not own or contract.parameters:
            found.append(UNSAID_OWN if own else UNSAID_RECIPIENTS)
    return found


def notes(contracts: Iterable[Contract]) -> list[str]:
    """What contracts leave unsaid, one sentence for each kind of slip."""
    by: dict[str, list[str]] = {}
    for contract in contracts:
        for why in unsaid(contract):
            by.setdefault(why, []).append(contract.name)
    return [f"{_listed(names)}: {why}" for why, names in by.items()]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
    return ", ".join(f"`{name}`" for name in names[:NAMED_MAX]) + more


def misspelt(contracts: Iterable[Contract], recipients: Iterable[str], subjects: Iterable[str], kinds: Iterable[str]) -> list[str]:
    """Ids that are nearly, and not, ones that the user's directory has: recipients, subjects of tags, kinds of addresses, sources."""
    known, who, addresses = set(recipients), {*SUBJECTS, *subjects}, set(kinds)
    found = []
    for contract in contracts:
        said = [("recipients", one, known) for one in contract.recipients]
        said += [(f"argument `{p.name}`: address", p.address, addresses) for p in contract.parameters if p.address]
        for where, label_ in _labels(contract):
            said += [(f"{where}: subject", tag.subject, who) for tag in label_.tags]
            said += [(f"{where}: source", source, {*OWN_SOURCES, *known}) for source in label_.sources]
        if isinstance(contract.place, Place):
            place = contract.place
            said += [(f"place `{place.id}`: {what}", one, known) for what, ids in (("readers", place.readers), ("owner", (place.owner,))) for one in ids if one]
        found += [f"`{contract.name}`: {where}: `{one}` is nobody here; did you mean `{near}`?" for where, one, names in said if (near := slip(one, names))]
    return list(dict.fromkeys(found))


def slip(word: str, known: Iterable[str]) -> str:
    """The known name that `word` nearly is: a letter or two off. Names that differ in their numbers are different names."""
    names = set(known)
    if word in names:
        return ""
    fit = [name for name in sorted(names) if _numbers(name) == _numbers(word) and abs(len(name) - len(word)) <= LETTERS_MAX]
    swapped = [name for name in fit if sorted(name) == sorted(word)]
    return next(iter(swapped or get_close_matches(word, fit, n=1, cutoff=ALIKE_MIN)), "")


def _numbers(text: str) -> str:
    return "".join(c for c in text if c.isdigit())


def _in_place(place: Place) -> Iterator[str]:
    where = f"place `{place.id}`"
    yield from _in_label(place.label, where)
    for kept in place.keeps:
        if kept not in types():
            yield f"{where}: keeps: {types().unknown(kept)}"
    for other in place.shows:
        yield from _in_place(other)


def _in_shape(shape: Shape, where: str, depth: int = 0) -> Iterator[str]:
    if depth > DEPTH_MAX:
        yield f"{where}: is nested over {DEPTH_MAX} deep"
        return
    if shape.kind not in KINDS:
        near = slip(shape.kind, KINDS)
        yield f"{where}: `{shape.kind}` is no kind of shape{f'; did you mean `{near}`?' if near else ''}"
    yield from _in_label(shape.label, where)
    for name, inner in shape.fields.items():
        if isinstance(inner, Shape):
            yield from _in_shape(inner, f"{where}.{name}", depth + 1)
        else:
            yield f"{where}.{name}: a Shape is needed, such as `text()`; got {inner!r}"
    if shape.element is not None:
        yield from _in_shape(shape.element, f"{where}[]", depth + 1)


def _in_label(label_: Label, where: str) -> Iterator[str]:
    for tag in label_.tags:
        if tag.type not in types():
            yield f"{where}: {types().unknown(tag.type)}"
        if near := slip(tag.subject, SUBJECTS):
            yield f"{where}: subject `{tag.subject}` is nobody; did you mean `{near}`?"
    for source in label_.sources:
        if near := slip(source, OWN_SOURCES):
            yield f"{where}: source `{source}` is nobody; did you mean `{near}`?"


def _labels(contract: Contract) -> Iterator[tuple[str, Label]]:
    if isinstance(contract.place, Place):
        yield f"place `{contract.place.id}`", contract.place.label
    yield from _shape_labels(contract.result, "result")


def _shape_labels(shape: Any, where: str) -> Iterator[tuple[str, Label]]:
    yield where, shape.label
    inner: Mapping[str, Shape] = shape.fields
    for name, one in inner.items():
        yield from _shape_labels(one, f"{where}.{name}")
    if shape.element is not None:
        yield from _shape_labels(shape.element, f"{where}[]")
