"""More breaks that were found by somebody who read the source, each as the plan that shows it, beside an honest one that must go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from discreet.kernel.monitor import Decision, Flow
from discreet.policy.decide import Index
from discreet.policy.edit import add_norm
from discreet.policy.explain import lasting
from discreet.policy.load import combine, defaults, load, parse
from discreet.evidence.world import Setting, observe, session_of
from discreet.tools.question import Reply
from tests.test_red_team import DOCUMENTS, FIXED, PEOPLE, REQUEST, SECRETS, chats

ANYONE = combine(defaults(), parse(DOCUMENTS.replace('"friend"', '"anyone"'))).norms


# ---------------------------------------------------------------------------------------------------- answers (G5.5)


@pytest.mark.parametrize("whom", ["sam@x.example", "\U0001f355@x.example", "a\nb@x.example", 'a"\\\\b@x.example', "half\ud800@x.example"])
def test_an_answer_that_makes_no_norm_counts_once(whom: str, tmp_path: Path) -> None:
    """G5.5: whatever stands in a name, the norm holds for it alone, or there is none and the user is told."""
    path, told = tmp_path / "norms.toml", []
    world = session_of(Setting("always", chats, Index(ANYONE), PEOPLE, FIXED, SECRETS, REQUEST, lambda _: Reply.ALWAYS))

    def keep(flow: Flow, decision: Decision) -> None:
        for norm in lasting(flow, decision):
            add_norm(path, norm)

    session = world.session
    session.always, session.progress = keep, lambda stage, flow: told.append(stage)
    report = session.perform(f'chat.say(to={whom!r}, body="hi")\nprint("done")', REQUEST)
    assert report.told == ("done",) and not report.problems
    kept = [norm for norm in load(path).norms.all() if norm.origin == str(path)]
    assert bool(kept) != ("unkept" in told) and bool(kept) is ("\ud800" not in whom)
