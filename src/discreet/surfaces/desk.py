"""The desk of `discreet audit`: a process of its own that writes the ledger and asks a model, so that the analyst needs neither key nor network.

    python -m discreet.surfaces.desk --home HOME --beside FILE --model NAME --tokens N --money DOLLARS

The analyst speaks to it by lines of JSON, one answer for each. What a compartment will run is in the ledger before it runs (G8.1). Source
code is a private fact of the user's and the model's provider a recipient (G4.3): every question passes the call site like any disclosure.
Without a home a file beside the report takes the ledger's place, the shipped norms hold, and no hosted model is asked.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from discreet.kernel.errors import DiscreetError
from discreet.ledger.entry import Entry, Kind, Status

CODE = "work/secret"  # the information type of source code that is not said to be public
TOOL = "audit.ask"
QUESTION_CHARS_MAX = 60_000
ANSWER_CHARS_MAX = 40_000
ASK_S_MAX = 600
TOKENS_MAX = 4_000
STATUSES = {"exited": Status.DONE, "signalled": Status.FAILED, "wall": Status.FAILED, "output": Status.FAILED}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path)
    parser.add_argument("--beside", type=Path, required=True)
    parser.add_argument("--model", default="")
    parser.add_argument("--tokens", type=int, default=200_000)
    parser.add_argument("--money", type=float)
    options = parser.parse_args()
    try:
        return _serve(options)
    except DiscreetError as error:
        print(error, file=sys.stderr)
        return 2


def _serve(options: argparse.Namespace) -> int:
    with _ledger(options.home, options.beside) as (ledger, where):
        desk = _Desk(ledger, _home(options.home) if where == "ledger" else None, options.model, "audit-" + secrets.token_hex(6), _Budget(options.tokens, options.money))
        _say({"ready": where})
        ledger.note(Kind.RUN_START, errand=desk.errand)
        for line in sys.stdin:
            try:
                _say(desk.answer(json.loads(line)))
            except (DiscreetError, ValueError, KeyError, TypeError) as error:
                _say({"fault": str(error)})
        ledger.note(Kind.RUN_END, errand=desk.errand)
    return 0


def _say(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


def _home(home: Path | None) -> Path:
    from discreet.agents.home_paths import default_home

    return home or default_home()


@contextmanager
def _ledger(home: Path | None, beside: Path) -> Iterator[tuple[Any, str]]:
    """The ledger of the home, or the file beside the report where there is no home; and which of them it is."""
    import getpass

    from discreet.agents.home_paths import open_ledger

    path = _home(home)
    if home is None and not (path / "config.toml").exists():
        yield Beside(beside), "beside"
        return
    with open_ledger(path, lambda: getpass.getpass("passphrase: ")) as opened:
        yield opened, "ledger"


class Beside:
    """Appends the same entries to a plain file, for those who have no home; nothing guards it against change."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o644)  # the folder may be the project's own
        self._file = os.fdopen(descriptor, "a", encoding="utf-8")
        self._count = 0

    def intent(self, entry: Entry, contents: bytes = b"", again: bool = False, same: bytes = b"") -> int:
        return self._append(entry)

    def outcome(self, seq: int, status: Status | str, note: str = "", contents: bytes = b"") -> int:
        return self._append(Entry(Kind.OUTCOME, of=seq, status=Status(status).value, note=note))

    def note(self, kind: Kind | str, contents: bytes = b"", **fields: Any) -> int:
        return self._append(Entry(Kind(kind), **fields))

    def _append(self, entry: Entry) -> int:
        self._count += 1
        self._file.write(json.dumps({"seq": self._count, "at": dt.datetime.now(dt.UTC).isoformat(), **entry.encoded()}) + "\n")
        self._file.flush()
        return self._count


class _Budget:
    """What the model may still be sent, give back and cost. A question is asked only if its worst case fits (G3.5)."""

    def __init__(self, tokens_max: int, money_max: float | None) -> None:
        self.tokens_left, self.money_left = tokens_max, money_max

    def refusal(self, model: str, hosted: bool, tokens_in: int, tokens_out: int) -> str:
        """Why a question of this size does not fit; empty if it does."""
        if tokens_in + tokens_out > self.tokens_left:
            return f"the budget of tokens is used up ({self.tokens_left} left); `--tokens` raises it"
        if self.money_left is None or not hosted:
            return ""
        cost = price(model, tokens_in, tokens_out)
        if cost is None:
            return f"the price of `{model}` is not known, so `--money` cannot hold; give `--tokens` alone"
        return f"the budget of money is used up ({self.money_left:.4f} US dollars left); `--money` raises it" if cost > self.money_left else ""

    def spend(self, model: str, hosted: bool, tokens_in: int, tokens_out: int) -> None:
        self.tokens_left -= tokens_in + tokens_out
        if self.money_left is not None and hosted:
            self.money_left -= price(model, tokens_in, tokens_out) or 0.0


def price(model: str, tokens_in: int, tokens_out: int) -> float | None:
    """US dollars, by the price list that the model library carries; None where it does not know the model."""
    from genai_prices import Usage, calc_price

    provider_id, _, name = model.partition(":")
    try:
        return float(calc_price(Usage(input_tokens=tokens_in, output_tokens=tokens_out), name or provider_id, provider_id=provider_id if name else None).total_price)
    except (LookupError, ValueError):
        return None


class _Desk:
    """Answers the analyst's lines."""

    def __init__(self, ledger: Any, home: Path | None, model: str, errand: str, budget: _Budget) -> None:
        self.ledger, self.home, self.model, self.errand, self.budget = ledger, home, model, errand, budget
        self._ask: Any = None

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["do"] == "before":
            entry = Entry(Kind.INTENT, self.errand, f"audit.{asked['what']}", "read", "audit", note=f"a compartment without network on files of digest {asked['digest'][:16]}")
            return {"handle": str(self.ledger.intent(entry, asked["digest"].encode()))}
        if asked["do"] == "after":
            self.ledger.outcome(int(asked["handle"]), STATUSES.get(asked["outcome"], Status.FAILED), asked["outcome"][:40])
            return {"noted": True}
        if asked["do"] == "ask":
            return self.ask(str(asked["system"]), str(asked["text"]), int(asked["tokens"]))
        raise ValueError(f"nothing is done for `{asked['do']}`")

    def ask(self, system: str, text: str, tokens: int) -> dict[str, Any]:
        """One question to the model, if the norms let its provider learn source code; else why not."""
        if self._ask is None:
            self._ask = _asking(self.ledger, self.home, self.model, self.errand, self.budget)
        return self._ask(system, text[:QUESTION_CHARS_MAX], min(tokens, TOKENS_MAX))


def _asking(ledger: Any, home: Path | None, model: str, errand: str, budget: _Budget) -> Any:
    """A function that asks the model through the one call site."""
    from discreet.agents.providers import provider, recipient
    from discreet.kernel.contract import NOPLACE, Contract, Parameter, Role
    from discreet.kernel.errors import NOWHERE
    from discreet.kernel.interpreter import Request
    from discreet.kernel.label import PUBLIC, label
    from discreet.kernel.shape import text as text_shape
    from discreet.kernel.value import Fault, Value
    from discreet.models.provider import Limits, Message, ModelFault
    from discreet.policy.decide import Index
    from discreet.policy.explain import explain_telling
    from discreet.policy.load import load
    from discreet.tools.call import Gate
    from discreet.tools.directory import Directory
    from discreet.tools.failure import Failure
    from discreet.tools.registry import Toolbox, tool

    made = provider(model, "reader")
    if made.hosted and home is None:
        raise DiscreetError("what a hosted model is sent must stand in a ledger: make a home with `discreet init` first, or name a local model")
    who = recipient(made, "reader")
    norms = load(home / "norms.toml" if home else None).norms
    spent: dict[str, Any] = {}

    def perform(system: str, text: str, tokens: int) -> str:
        spent["sent"] = True
        reply = made.complete([Message("system", system), Message("user", text)], None, Limits(tokens_max=tokens, timeout_s=ASK_S_MAX))
        if isinstance(reply, ModelFault):
            spent["fault"] = reply.detail
            raise Failure("failed", reply.kind)
        spent.update(tokens_in=reply.tokens_in or (len(system) + len(text)) // 4, tokens_out=reply.tokens_out or len(reply.text) // 4)
        return reply.text[:ANSWER_CHARS_MAX]

    parameters = (Parameter("system", text_shape(max=QUESTION_CHARS_MAX), Role.CONTENT), Parameter("text", text_shape(max=QUESTION_CHARS_MAX), Role.CONTENT), Parameter("tokens", text_shape(), Role.CONTENT))
    contract = Contract(TOOL, "a model looks at source code", parameters, text_shape(max=ANSWER_CHARS_MAX), purpose="reading", place=NOPLACE, recipients=(who.id,), seconds_max=ASK_S_MAX)
    directory = Directory(fixed={who.id: who})
    gate = Gate(Toolbox([tool(contract, perform)]), directory, Index(norms), ledger, errand, secrets.token_bytes(32), dt.datetime.now().astimezone())

    def ask(system: str, text: str, tokens: int) -> dict[str, Any]:
        spent.clear()
        worst = (len(system) + len(text)) // 2  # characters a token: seldom below two
        why = budget.refusal(model, made.hosted, worst, tokens)
        if why:
            return {"fault": why}
        arguments = {"system": Value(system, PUBLIC), "text": Value(text, label([(CODE, "user")])), "tokens": Value(tokens, PUBLIC)}
        value = gate.call(Request(contract, arguments, PUBLIC, NOWHERE, 1))
        if spent.get("sent"):
            budget.spend(model, made.hosted, spent.get("tokens_in", worst), spent.get("tokens_out", tokens))
        if not isinstance(value.data, Fault):
            return {"text": value.data, "provider": who.id, **spent}
        if value.data.kind == "denied":
            told = explain_telling(who, CODE, "reading", TOOL, norms)
            return {"fault": f"your norms do not let {who.name} ({made.id}) learn this project's source code: {told.sentence}", "denied": True}
        return {"fault": spent.get("fault") or f"the model gave no answer: {value.data.kind}"}

    return ask


if __name__ == "__main__":
    sys.exit(main())
