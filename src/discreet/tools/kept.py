"""What was written into the user's own places: a place that is read again has the labels of what it holds (G2.6).

A place holds what its contract declares, and may come to hold the types that it `keeps`, or others if the user says so. From
then on its label has them too: a draft with an order in it cannot be read back as mere mail. The label is raised by every
line of a plan that could write, taken or not, before the first effect, so that it does not tell which line ran.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from discreet.kernel.contract import USER, Effect, Place, Recipient
from discreet.kernel.label import PUBLIC, Label, Tag, join2, label
from discreet.kernel.monitor import Flow

OUTSIDE = "outside"  # a place that declares this source may hold what any outsider wrote
UNSAID_ROLE = "unsaid"  # of whoever hears a reading of one's own place whose contract does not say who
ORDINARY = (  # what one's own calendar, mailbox and folders may come to hold without being asked
    "schedule", "purchase", "preference", "contact", "location", "social", "communication", "work/project", "work/plan", "family",
    "education", "general", "document", "body", "home", "vehicle",
)  # fmt: skip

_WITH = "with:"  # before a recipient's id: what was written, nobody says where, by calls that this recipient heard


@dataclass
class Kept:
    """Labels by place id, beyond what the contracts declare; and with whom each place was shared in this errand."""

    labels: dict[str, Label] = field(default_factory=dict)
    readers: dict[str, dict[str, Recipient]] = field(default_factory=dict)

    def copy(self) -> Kept:
        return Kept(dict(self.labels), {id_: dict(who) for id_, who in self.readers.items()})

    def state(self) -> object:
        """What a line of a plan can change here."""
        return dict(self.labels), {id_: tuple(who) for id_, who in self.readers.items()}

    def place(self, place: Place) -> Place:
        """The place with all that is kept in it: `files` shows what `files/notes` holds, and a file of unknown name what `files` does."""
        result, fits = place.label, place.fits
        for id_, more in self.labels.items():
            around = id_ == place.id or place.id.startswith(f"{id_}/")
            if around or id_.startswith(f"{place.id}/"):
                result = join2(result, more)
            if around and fits is not None:
                fits = join2(fits, more)
        return place if result is place.label else replace(place, label=result, own_sources=place.declared, fits=fits)

    def seen(self, place: Place, recipients: Mapping[str, Recipient]) -> Place:
        """The place with what writes of no stated place may have put there: into whatever somebody who heard them can look
        into, or whatever nobody says who can. An outside party's own answers are its speech."""
        told = [id_ for id_ in self.labels if id_.startswith(_WITH)] if not place.owner else ()
        if not told:
            return place
        anyone = any(UNSAID_ROLE in r.roles for r in recipients.values()) or place.unsaid
        result = place.label
        for id_ in told:
            who = id_.removeprefix(_WITH)
            if anyone or who in recipients or who == USER.id:
                result = join2(result, self.labels[id_])
        return place if result is place.label else replace(place, label=result, own_sources=place.declared)

    def shared(self, flow: Flow) -> Flow:
        """The flow of a write, with all to whom an earlier line shared its place; one that shares is noted for later lines (G5.1).

        Later errands ask the connector: who reads a place then is in its contract's place.
        """
        if flow.contract.effect is Effect.READ:
            return flow
        id_ = flow.place.id
        known = self.readers.get(id_, {})
        if flow.contract.shares:
            self.readers[id_] = known | {r.id: r for r in flow.recipients}
        more = tuple(who for key, who in known.items() if all(r.id != key for r in flow.recipients))
        return replace(flow, recipients=(*flow.recipients, *more)) if more else flow

    def raised(self, flow: Flow) -> Flow:
        """The flow of a write, its place raised by what it keeps; what it does not keep is raised for later flows only,
        so that this one is still asked or denied."""
        place = flow.place
        if place.unsaid and flow.contract.effect is not Effect.READ:
            for recipient in flow.recipients:
                self._raise(f"{_WITH}{recipient.id}", label(_held(flow.label), flow.label.sources), PUBLIC)
        if place.remembers:
            self._raise(place.id, label(_held(flow.label), flow.label.sources), PUBLIC)
        if flow.contract.effect is Effect.READ or flow.theirs or not place.readable or place.id == "nowhere":
            return flow
        sources = frozenset() if OUTSIDE in place.label.sources else flow.content.sources
        shown = _held(flow.content) | {t: a for t, a in _held(flow.control).items() if _keeps(place, t)}
        now = label({t: a for t, a in shown.items() if _keeps(place, t)}, sources)
        self._raise(place.id, now if place.open else label(shown, sources), place.holds)
        for other in place.shows:  # what decided this write shows there, and a place that has less audience gives less to hear
            deciding = flow.deciding
            seen = frozenset() if OUTSIDE in other.label.sources else deciding.sources
            self._raise(other.id, label(_held(deciding), seen), other.label)
        if place.returns is not None:  # what is sent from here and reaches the user
            self._raise(place.returns.id, label(shown, flow.content.sources), place.returns.label)
        if now <= place.holds:
            return flow
        fits = None if place.fits is None else join2(place.fits, now)
        return replace(flow, place=replace(place, label=join2(place.label, now), own_sources=place.declared, fits=fits))

    def _raise(self, id_: str, more: Label, declared: Label) -> None:
        if not more <= declared:
            self.labels[id_] = join2(self.labels.get(id_, more), more)

    def join(self, other: Mapping[str, Label]) -> None:
        """Hold what `other` holds too."""
        for id_, more in other.items():
            self.labels[id_] = join2(self.labels.get(id_, more), more)


def _held(what: Label) -> dict[Tag, frozenset[str]]:
    return {tag: audience for tag, audience in what.tags.items() if tag.type != "request"}


def _keeps(place: Place, tag: Tag) -> bool:
    return any(tag.type == kept or tag.type.startswith(kept + "/") for kept in place.keeps)
