"""What was written into the user's own places: a place that is read again keeps the labels of its contents (G2.6).

Contents may go beyond a place's declared label. From then on the place carries theirs too: a draft with a health fact in it
cannot be read back as mere mail. The label is raised by every line of a plan that could write, taken or not, so that it
does not tell which was. The user can lower it again by emptying the place and saying so; nothing else does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from discreet.kernel.contract import Effect, Place
from discreet.kernel.label import Label, join2, label
from discreet.kernel.monitor import Flow

OUTSIDE = "outside"  # a place that declares this source may hold what any outsider wrote


@dataclass
class Kept:
    """Labels by place id, beyond what the contracts declare."""

    labels: dict[str, Label] = field(default_factory=dict)

    def copy(self) -> Kept:
        return Kept(dict(self.labels))

    def place(self, place: Place) -> Place:
        """The place with all that is kept in it."""
        more = self.labels.get(place.id)
        return place if more is None else replace(place, label=join2(place.label, more))

    def raised(self, flow: Flow) -> Flow:
        """The flow of a write with its place raised to hold its contents; other flows as they are."""
        place = flow.place
        if flow.contract.effect is Effect.READ or flow.theirs or not place.readable or place.id == "nowhere":
            return flow
        contents = _contents(flow)
        if contents <= place.label:
            return flow
        self.labels[place.id] = join2(self.labels.get(place.id, contents), contents)
        return replace(flow, place=self.place(place))

    def join(self, other: Mapping[str, Label]) -> None:
        for id_, more in other.items():
            self.labels[id_] = join2(self.labels.get(id_, more), more)


def _contents(flow: Flow) -> Label:
    """What would be kept, less what is left of the request; sources only where the place declares none."""
    held = {tag: audience for tag, audience in flow.content.tags.items() if tag.type != "request"}
    return label(held, () if OUTSIDE in flow.place.label.sources else flow.content.sources)
