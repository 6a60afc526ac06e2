"""From a call of the plan to the flow that the monitor checks: recipients, place, label, how often (G5.1, G5.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from discreet.kernel.contract import Effect, Parameter, Place, Recipient
from discreet.kernel.domain import ABSTRACT
from discreet.kernel.interpreter import Request
from discreet.kernel.label import PUBLIC, Label, join2
from discreet.kernel.monitor import Flow
from discreet.kernel.value import Fault, Many, Map, Maybe, Record, Seq, Standing, Unknown, Value
from discreet.tools.directory import NAMED, RESOLVED, USER_SAID, Directory, with_roles
from discreet.tools.kept import UNSAID_ROLE, Kept


def flow_of(request: Request, directory: Directory, kept: Kept) -> Flow:
    """The flow of one call, on known data or on labels alone; its place as it is after all that was written there."""
    contract = request.contract
    place = contract.place_of(request.arguments)
    recipients: dict[str, Recipient] = {}
    unresolved: list[str] = []
    for parameter in contract.parameters:
        if parameter.address:
            found, known = _addressed(parameter, request.arguments[parameter.name], directory)
            recipients.update(found)
            if not known:
                unresolved.append(parameter.name)
    place = kept.place(_returned(place, recipients, bool(unresolved), directory))
    for id_ in (*contract.recipients, *place.readers, *((place.owner,) if place.owner else ())):
        recipients.setdefault(id_, directory.by_id(id_))
    if contract.unsaid and not place.owner and not place.readers:
        unknown = _unsaid(request, place, directory)
        recipients[unknown.id] = unknown
    place = kept.seen(place, recipients)
    moved = PUBLIC if contract.origin is None else kept.place(contract.origin_of(request.arguments)).label
    flow = Flow(
        contract, request.arguments, request.pc, tuple(recipients.values()), place, request.times, request.span, tuple(unresolved), moved=moved
    )  # fmt: skip
    return kept.raised(kept.shared(flow))


def _returned(place: Place, recipients: Iterable[str], unresolved: bool, directory: Directory) -> Place:
    """The place as it is for these recipients: what reaches the user, or somebody who is not known yet, comes back to where it `returns`."""
    if place.returns is None:
        return place
    if not unresolved and not any(directory.reaches_user(id_, place.own) for id_ in recipients):
        return replace(place, returns=None)
    return place if place.readable else place.returns  # a place that no tool reads shows nothing by itself


def _unsaid(request: Request, place: Place, directory: Directory) -> Recipient:
    """Who hears a call whose contract does not say who: an outsider whom nobody knows (G5.1). Of a reading of the user's own
    place they may be told the request, by a norm about this role."""
    found = directory.by_id(f"tool:{request.contract.name}")
    own = request.contract.effect is Effect.READ and not place.unsaid
    return with_roles(found, (UNSAID_ROLE,)) if own else found


def _addressed(parameter: Parameter, value: Value, directory: Directory) -> tuple[dict[str, Recipient], bool]:
    """The recipients that an address argument names, and whether they are all known."""
    found: dict[str, Recipient] = {}
    known = True
    for text, standing in _texts(value):
        if text is None:
            known = False
        elif text:
            recipient = directory.recipient(parameter.address, text, standing)
            earlier = found.get(recipient.id)
            found[recipient.id] = recipient if earlier is None else _least(earlier, recipient)
    return found, known


def _least(a: Recipient, b: Recipient) -> Recipient:
    """One recipient that is named twice: as it was come by the worse way."""
    how = [next((mark for mark in (NAMED, RESOLVED, USER_SAID) if mark in one.roles), None) for one in (a, b)]
    worse = min(how, key=(None, NAMED, RESOLVED, USER_SAID).index)
    return replace(a, roles=(a.roles & b.roles) - {NAMED, RESOLVED, USER_SAID} | ({worse} if worse else set()))


def _texts(value: Value) -> Iterator[tuple[str | None, Standing]]:
    """Every text in an address argument with its standing; None for one that is not known."""
    data = value.data
    match data:
        case str():
            yield data, value.standing
        case None | Fault():
            return
        case Unknown(choices=choices) if choices and all(isinstance(c, (str, type(None))) for c in choices):
            for choice in choices:
                if choice is not None:
                    yield choice, value.standing
        case Seq():
            for item in data:
                yield from _texts(item)
        case Maybe():
            yield from _texts(data.value)
        case Many():
            yield from _texts(data.element)
        case Map() | Record():
            inner = data.fields.values() if isinstance(data, Record) else (held for _, held in data.entries.values())
            for item in inner:
                yield from _texts(item)
        case _ if isinstance(data, ABSTRACT):
            yield None, value.standing
        case _:
            yield None, value.standing


def result_label(flow: Flow) -> Label:
    """What every result and failure of this call carries before its shape's own labels: fixed before the call (G2.5, G2.6).

    An outside party that answers for itself may repeat what it was told, and it was told only what it may learn; so its
    answer carries the sources of the arguments and not their tags (G1.1).
    """
    label = join2(join2(flow.pc, flow.place.label), flow.moved)
    for parameter in flow.contract.parameters:  # whom the call asks decides who answers, so that argument keeps its tags
        value = flow.arguments[parameter.name]
        label = join2(label, value.total.without_tags() if flow.theirs and not parameter.address else value.total)
    return label
