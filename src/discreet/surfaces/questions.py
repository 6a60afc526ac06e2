"""`discreet questions` and `discreet request`: where the person answers what a gateway's agent may do, reads what came of it, and asks for something."""

from __future__ import annotations

import secrets
import sys
import time
from typing import Any, TextIO

from discreet.agents.gateway import AGENT, REQUEST_S_MAX
from discreet.agents.session import REQUEST_CHARS_MAX
from discreet.agents.waiting import Waiting
from discreet.kernel.errors import DiscreetError
from discreet.surfaces import dialogue
from discreet.tools.question import Reply, inert

WATCH_S = 0.5  # between two looks with `--watch`


def open_questions(waiting: Waiting) -> list[tuple[str, dict[str, Any]]]:
    """The questions that a gateway still waits for; what nobody waits for any more is removed."""
    found = []
    for name, one in waiting.all("question"):
        if one["until"] > time.time():
            found.append((name, one))
        else:
            waiting.drop("question", name)
    return found


def answer(waiting: Waiting, watch: bool, out: TextIO | None = None, source: TextIO | None = None) -> None:
    """Show reports and put the open questions, each in full; with `watch`, those that come later too."""
    out, source = out or sys.stdout, source or sys.stdin
    shown: set[str] = set()
    while True:
        for name, report in waiting.all("report"):
            _show(f"\nFrom the agent `{inert(report['agent'])}`:{report['text']}", out)
            waiting.drop("report", name)
        for name, one in open_questions(waiting):
            if name not in shown:
                shown.add(name)
                reply = _put(one, out, source)
                if reply is not None:
                    waiting.put("answer", name, {"reply": reply.value})
        if not watch:
            if not shown:
                print("nothing is asked", file=out)
            return
        time.sleep(WATCH_S)


def _put(one: dict[str, Any], out: TextIO, source: TextIO) -> Reply | None:
    _show(f"\nThe agent `{inert(one['agent'])}` wants this:{one['text']}", out)
    named = dialogue.code(source)
    if named:
        _show(dialogue.how(named), out)
    dialogue.asked(source)
    while True:
        print("  [o]nce, [d]eny, [l]ater: ", end="", file=out, flush=True)
        said = source.readline()
        word, naming = dialogue.heard(said)
        if not said or word in ("l", "later"):
            return None
        if word in ("d", "deny"):
            return Reply.DENY
        if word in ("o", "once"):
            if naming == named:
                return Reply.ONCE
            _show(dialogue.how(named) if named else "  this is no answer", out)


def _show(text: str, out: TextIO) -> None:
    print(dialogue.folded(text, dialogue.columns(out)), file=out, flush=True)


def ask_for(waiting: Waiting, text: str, agent: str) -> None:
    """Leave a request for an agent to take up; an older one that was not taken up is replaced."""
    if not AGENT.fullmatch(agent):
        raise DiscreetError(f"`{agent}` cannot be an agent's name: small letters, digits and `-`, at most 40")
    if not 1 <= len(text) <= REQUEST_CHARS_MAX:
        raise DiscreetError(f"a request has 1 to {REQUEST_CHARS_MAX} characters, not {len(text)}")
    waiting.put("request", agent, {"text": text, "at": time.time(), "id": secrets.token_hex(8)})
    print(f"`{agent}` can take it up within {REQUEST_S_MAX // 60} minutes, by `person_request`; what you named in it counts as said by you")
