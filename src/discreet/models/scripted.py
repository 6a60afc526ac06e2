"""A provider that gives a fixed list of replies, in order: for tests, demos and examples in the docs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from discreet.models.provider import Limits, Message, ModelFault, Reply, Sent, Shape


@dataclass(slots=True)
class Scripted:
    """`replies` in order, each a text or a fault; when they are used up, a fault. `sent` holds what it was asked."""

    replies: Iterable[str | ModelFault]
    id: str = "scripted"
    hosted: bool = False
    fresh: bool = True
    sent: Sent = field(default_factory=Sent)
    _left: Iterator[str | ModelFault] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._left = iter(self.replies)

    def complete(self, messages: Sequence[Message], shape: Shape = None, limits: Limits = Limits()) -> Reply | ModelFault:
        self.sent.note(messages)
        reply = next(self._left, None)
        if reply is None:
            return ModelFault("unavailable", f"`{self.id}` has no reply left")
        return reply if isinstance(reply, ModelFault) else Reply(reply, tokens_out=len(reply.split()))

