"""A tool that shares by an id tells what its place holds, and whoever it was shared with reads what is written there next (G5.1)."""

from __future__ import annotations

import pytest

from discreet.evidence import house
from discreet.evidence.world import Seen, Setting, State, observe
from discreet.kernel.contract import Contract, Effect, Parameter, Place, Role
from discreet.kernel.label import label
from discreet.kernel.shape import scalar, text
from discreet.tools.registry import Tool, tool

SIZES = Place("drive", label([house.SIZE]), keeps=("health",))
NOTES = Place("notes", label([house.HEALTH]))


def tools(state: State) -> list[Tool]:
    files = {"a": "my size is 43"}

    def share(file: str, to: str) -> None:
        state.tell(f"mail:{to}", files[file])

    share_at = lambda place: Contract(  # noqa: E731
        f"{place.id}.share", "share", (Parameter("file", text(max=20), Role.WHAT), Parameter("to", text(max=100), Role.WHO, address="mail")), scalar("none"),
        Effect.WRITE, "correspondence", place, shares=True,
    )  # fmt: skip
    write = Contract("drive.write", "write", (Parameter("file", text(max=20), Role.WHAT), Parameter("body", text())), scalar("none"), Effect.WRITE, "storage", SIZES, ())
    secret = Contract("vault", "", (), text(max=50), place=Place("vault", label([house.HEALTH])), recipients=())
    return [
        tool(share_at(SIZES), share), tool(share_at(NOTES), share), tool(write, lambda file, body: files.update({file: body})),
        tool(secret, lambda: state.secrets["text"]),
    ]  # fmt: skip


def seen(plan: str, secret: str = "asthma") -> Seen:
    setting = Setting("sharing", tools, house.judge(), house.PEOPLE, house.FIXED, {"a": {"text": secret}}, house.REQUEST)
    return observe(setting, plan)


def test_sharing_tells_what_the_place_holds() -> None:
    assert any("43" in what for who, what in seen('drive.share(file="a", to="sam@home.example")').order)
    for plan in ('drive.share(file="a", to="eve@evil.example")', 'notes.share(file="a", to="sam@home.example")'):
        assert not seen(plan).of("mail:eve@evil.example", "mail:sam@home.example") and seen(plan).denied == 1


@pytest.mark.parametrize("order", ["share first", "share last", "in a loop", "on a path"])
def test_what_is_written_beside_a_share_reaches_its_reader_or_nobody(order: str) -> None:
    share, write = 'drive.share(file="a", to="sam@home.example")', 'drive.write(file="a", body=vault())'
    plan = {
        "share first": f"{share}\n{write}", "share last": f"{write}\n{share}", "in a loop": f"for i in [1, 2]:\n    {write}\n    {share}",
        "on a path": f"if len(vault()) > 100:\n    {share}\n{write}",
    }[order]  # fmt: skip
    runs = [seen(plan, secret) for secret in ("asthma", "a" * 200)]
    assert runs[0].of("mail:sam@home.example") == runs[1].of("mail:sam@home.example")
    assert order == "on a path" or all(run.denied for run in runs)
    assert "asthma" not in str(runs[0].of("mail:sam@home.example"))


def test_without_a_share_the_place_takes_the_same_words() -> None:
    assert seen('drive.write(file="a", body=vault())').denied == 0
