"""The one in-memory world of the tests: the hostile house of discreet.evidence, run through the product's own session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from discreet.evidence import house
from discreet.evidence.world import Observed, Seen, observe, session_of
from discreet.kernel.interpreter import Outcome, run
from discreet.kernel.value import Value
from discreet.agents.said import Said
from discreet.tools.question import Reply

A: Mapping[str, Any] = house.secrets()
# Everything private differs from A: a plan whose outsiders tell A from B leaks.
B: Mapping[str, Any] = house.secrets(
    text="", flag=False, number=0, items=[], fails=True, optional="flu",
    mails=[{"sender": "bo@home.example", "subject": "run", "body": "", "opened": False}], events=[],
)  # fmt: skip


def both(source: str, request: str = house.REQUEST, reply: Reply = Reply.ONCE, b: Mapping[str, Any] = B, a: Mapping[str, Any] = A) -> tuple[Seen, Seen]:
    """The plan under both variants of the secrets."""
    setting = house.setting({"a": a, "b": b}, reply)
    return observe(setting, source, "a", request), observe(setting, source, "b", request)


def one(source: str, request: str = house.REQUEST, reply: Reply = Reply.ONCE, **changed: Any) -> Seen:
    """The plan under one set of secrets."""
    return observe(house.setting({"a": {**A, **changed}}, reply), source, "a", request)


def outcome(source: str, request: str = house.REQUEST, **changed: Any) -> Outcome:
    """What a run leaves behind, values and labels."""
    held = opened(**changed)
    planned = held.session.prepare(source, request)
    return run(planned.plan, planned.gate, planned.start, None, Said(request), held.session.clock(), planned.preview.outcome.limits)


def opened(reply: Reply = Reply.ONCE, **changed: Any) -> Observed:
    """A session over the house."""
    return session_of(house.setting({"a": {**A, **changed}}, reply))


def types(value: Value) -> set[str]:
    """The information types that a value tells, but for the request itself."""
    return {tag.type for tag in value.total.tags if tag.type != "request"}


def heard(seen: Seen, *recipients: str) -> list[str]:
    """What these recipients observed."""
    return [what for who, what in seen.of(*(recipients or house.OUTSIDERS))]
