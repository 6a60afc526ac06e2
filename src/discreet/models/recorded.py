"""Replies that were recorded, from a readable file that says where they come from: never to be taken for a model at work.

    origin = "drafted by local:qwen15 on 2026-11-23, unedited"

    [[reply]]
    request = "Order my usual running shoes"      # a part of the user's turn
    text = '''
    …the plan…
    '''
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from discreet.kernel.errors import DiscreetError
from discreet.models.provider import Limits, Message, ModelFault, Reply, Sent, Shape

file_bytes_max = 1_000_000


class RecordingError(DiscreetError):
    """A file of recorded replies cannot be used; names the file and the entry."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Answers a request that was recorded, and no other. Whoever shows a reply shows `origin` with it."""

    origin: str
    replies: tuple[tuple[str, str], ...]  # (part of the user's turn, reply)
    id: str = "recorded"
    hosted: bool = False
    fresh: bool = True
    sent: Sent = field(default_factory=Sent)

    def complete(self, messages: Sequence[Message], shape: Shape = None, limits: Limits = Limits()) -> Reply | ModelFault:
        self.sent.note(messages)
        asked = next((message.content for message in reversed(messages) if message.role == "user"), "")
        for request, text in self.replies:
            if request in asked:
                return Reply(text)
        return ModelFault("unavailable", f"`{self.id}` has no reply to this request")


def load(path: Path) -> Recorded:
    """The recorded replies of a file. Raises RecordingError if it is malformed or does not say where they come from."""
    data = path.read_bytes()
    if len(data) > file_bytes_max:
        raise RecordingError(f"`{path}` is over {file_bytes_max} bytes")
    try:
        table = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecordingError(f"`{path}` is not readable: {error}") from None
    if not table.get("origin"):
        raise RecordingError(f"`{path}` does not say its `origin`: a recorded reply must not look like a model at work")
    replies = []
    for number, entry in enumerate(table.get("reply", ()), 1):
        if not entry.get("request") or "text" not in entry:
            raise RecordingError(f"`{path}`: reply {number} needs `request` and `text`")
        replies.append((entry["request"], entry["text"].strip("\n")))
    return Recorded(table["origin"], tuple(replies), f"recorded:{path.stem}@{hashlib.sha256(data).hexdigest()[:12]}")
