"""Which model plans and which reads: by name, each a recipient under the norms (G4.3).

    local          Qwen2.5-Coder 1.5B on this machine        local-small    the 0.5B
    local:PATH     a weights file or folder of the user's    none           no model: every errand says how to choose one
    recorded:FILE  recorded replies, marked as such          else           a hosted model by its pydantic-ai name
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from discreet.kernel.contract import Recipient
from discreet.kernel.errors import DiscreetError
from discreet.kernel.shape import Shape
from discreet.models.provider import ModelFault, Provider, vendor_of
from discreet.models.weights import Weights
from discreet.tools.failure import Failure

LOCAL, LOCAL_SMALL, LOCAL_FILE, RECORDED, NO_MODEL = "local", "local-small", "local:", "recorded:", "none"


def provider(name: str, role: str) -> Provider:
    """The provider for `role` ("planner" or "reader"). Raises DiscreetError when its weights or file are absent."""
    if name == NO_MODEL:
        raise DiscreetError("no model is chosen: choose one with `discreet weights`, or name one with `--model`")
    if name in (LOCAL, LOCAL_SMALL) or name.startswith(LOCAL_FILE):
        from discreet.models.local import LocalModel, context_tokens_planner, context_tokens_reader

        weights = _weights(name)
        if role == "reader":
            return LocalModel(weights, "call", context_tokens_reader)
        return LocalModel(weights, "conversation", context_tokens_planner)
    if name.startswith(RECORDED):
        from discreet.models.recorded import load

        return load(Path(name.removeprefix(RECORDED)))
    from discreet.models.hosted import Hosted

    return Hosted(name, role)  # planner and reader never share an account (G4.2)


def _weights(name: str) -> Weights:
    from discreet.models.weights import PLANNER_DEFAULT, PLANNER_SMALL, WeightsError, find

    if not name.startswith(LOCAL_FILE):
        return find(PLANNER_DEFAULT if name == LOCAL else PLANNER_SMALL)
    path = name.removeprefix(LOCAL_FILE)
    try:
        return find(PLANNER_DEFAULT, path)
    except WeightsError as error:
        try:
            return find(PLANNER_SMALL, path)
        except WeightsError:
            raise error from None


def apart(planner: str, reader: str) -> None:
    """Refuse two hosted models of one vendor: its key in the environment is one account, and what a reader was sent would come
    back as the planner's own words (G4.2). Raises DiscreetError."""
    vendors = [vendor_of(name) for name in (planner, reader) if _hosted(name)]
    if len(vendors) == 2 and vendors[0] == vendors[1]:
        raise DiscreetError(f"planner and reader would share an account at `{vendors[0]}`: choose a local reader, or one of another vendor")


def _hosted(name: str) -> bool:
    return name not in (LOCAL, LOCAL_SMALL, NO_MODEL) and not name.startswith((LOCAL_FILE, RECORDED))


def recipient(of: Provider, role: str) -> Recipient:
    """The provider as a recipient: local ones are the user's own, hosted ones their vendor's; its name says so where no model is at work."""
    where = "hosted" if of.hosted else "local"
    name = f"the recorded {role} (no model)" if of.id.startswith(RECORDED) else f"the {where} {role}"
    return Recipient(f"provider:{role}:{of.id}", of.id, frozenset({f"provider/{role}/{where}"}), name)


def reading(of: Provider, today: Any = dt.date.today) -> Any:
    """The reader's call for reader_tool: an answer of the shape, or a Failure without contents."""
    from discreet.models.reader import read

    def ask(text: str, question: str, shape: Shape) -> Any:
        answer = read(text, question, shape, of, today=today())
        if isinstance(answer, ModelFault):
            raise Failure("failed", answer.detail)
        return answer.data

    return ask


def delegating(name: str, today: Any = dt.date.today) -> Any:
    """The planner of delegated plans: a fresh process or conversation for each text (G4.5)."""
    from discreet.kernel.errors import PlanError
    from discreet.kernel.resolve import resolve
    from discreet.kernel.syntax import parse
    from discreet.models.planner import draft
    from discreet.models.spans import Redacted

    def run(body: str, goal: str, tools: Any) -> str:
        def judge(source: str) -> list[str]:
            try:
                resolve(parse(source), tools)
            except PlanError as error:
                return [str(error)]
            return []

        fresh = provider(name, "reader")
        try:
            made = draft(Redacted(f"{goal}\n\n{body}", {}), tools, fresh, judge, today=today())
        finally:
            getattr(fresh, "close", lambda: None)()
        if isinstance(made, ModelFault):
            raise Failure("failed", made.detail)
        return made.source

    return run
