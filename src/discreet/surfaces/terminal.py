"""The terminal: preflight, questions, progress, answers and accounts, all text from outside rendered inert (G5.5).

Contents are written without markup: nothing that a service or a plan wrote can style, hide or move what the user reads.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from discreet.agents.session import FAULT_WORDS, Report
from discreet.kernel.contract import Effect
from discreet.kernel.monitor import Flow, Verdict, decide
from discreet.policy.decide import Index
from discreet.policy.norm import Norms
from discreet.surfaces import dialogue
from discreet.surfaces.explain import denial, question_of
from discreet.tools.preflight import Line, who_learns
from discreet.tools.question import Answer, Edited, Question, Reply, inert, inert_line

MARKS = {Verdict.PERMIT: "yes", Verdict.ASK: "asks", Verdict.DENY: "NO"}
DENIALS_SHOWN_MAX = 5  # of one errand, each with its reason
LONG_CHARS = 2_000  # after this much the head of a question is repeated below its content
WAITING = {"start": "…", "done": "done", "denied": "not allowed", "refused": "refused", "failed": "failed", "unknown": "outcome unknown", "unsent": "not sent",
           "unkept": "no lasting norm could be made of your answer; it counts this once"}  # fmt: skip


class Terminal:
    """Writes to `out`, reads answers from `source`. With `plain` nothing is coloured."""

    def __init__(self, out: TextIO | None = None, source: TextIO | None = None, names: Mapping[str, str] | None = None, norms: Norms | None = None) -> None:
        self.out, self.source, self.names, self.norms = out or sys.stdout, source or sys.stdin, names or {}, norms or Norms()
        self.said_no: set[str] = set()  # tools of calls that the user denied
        self.refused: list[Flow] = []  # what the norms denied in the run
        self.by_service: dict[str, bool] = {}  # tools whose service refused, and whether it is the user's own
        self.coloured = self.out.isatty()
        self.asked = 0
        self.denying = False

    def line(self, text: str = "", style: str = "") -> None:
        text = dialogue.folded(text, dialogue.columns(self.out))
        codes = {"bold": "1", "good": "32", "bad": "31", "warn": "33", "faint": "2"}
        if self.coloured and style:
            text = f"\x1b[{codes[style]}m{text}\x1b[0m"
        print(text, file=self.out, flush=True)

    def name(self, type_: str) -> str:
        head, _, whose = type_.partition(" of ")
        shown = self.names.get(head, head.split("/")[-1].replace("-", " "))
        return inert_line(f"{shown} of {self.names.get(whose, whose)}" if whose else shown)

    def block(self, head: str, text: str, style: str = "") -> None:
        """Text of others: none of its lines looks like a line of this dialogue."""
        self.line(dialogue.quoted(head, text), style)

    # ------------------------------------------------------------------------------------------ before

    def plan(self, source: str) -> None:
        self.line("The plan", "bold")
        for number, text in enumerate(source.rstrip().splitlines(), 1):
            self.line(f"  {number:>2}  {inert(text)}")

    def preflight(self, lines: Sequence[Line]) -> None:
        """Who would learn what, before anything leaves."""
        self.line("\nBefore anything leaves: who would learn what", "bold")
        for recipient, types in who_learns(tuple(lines)).items():
            if recipient.id == "user":
                continue
            learns = ", ".join(f"{self.name(t)}{'' if v is Verdict.PERMIT else f' ({MARKS[v]})'}" for t, v in sorted(types.items()))
            self.line(f"  {inert_line(recipient.name or recipient.id)}: {learns}", "bad" if Verdict.DENY in types.values() else "")
        for line in lines:
            if line.flow.contract.effect is Effect.READ and line.verdict is Verdict.PERMIT:
                continue
            times = f", up to {line.flow.times} times" if line.flow.times > 1 else ""
            style = {Verdict.DENY: "bad", Verdict.ASK: "warn", Verdict.PERMIT: "good"}[line.verdict]
            word = {Verdict.DENY: "not allowed", Verdict.ASK: "you will be asked", Verdict.PERMIT: "allowed by your norms"}[line.verdict]
            whom = f", {' and '.join(f'`{name}`' for name in line.flow.unresolved)} as the run finds it" if line.flow.unresolved else ""
            self.line(f"  line {line.flow.span.line}: {line.flow.contract.name} ({line.flow.contract.effect}){times}{whom}: {word}", style)

    def denials(self, lines: Sequence[Line]) -> None:
        """Why each line is not allowed, what would permit it, and what to paste to see the norm that would: for the user alone (G5.6).

        Nothing that is pasted from here changes anything: a plan that is made to fail could otherwise suggest its own leave.
        """
        shown = dict(self.denied(lines))
        if shown:
            self.line("\nNot allowed by your norms, and why", "bold")
        for sentence, command in list(shown.items())[:DENIALS_SHOWN_MAX]:
            self.line(f"  {sentence}")
            if command:
                self.line(f"    to see the norm that would permit it: {command}", "faint")
        if len(shown) > DENIALS_SHOWN_MAX:
            self.line(f"  and {len(shown) - DENIALS_SHOWN_MAX} more; `discreet ledger` has all", "faint")

    def denied(self, lines: Sequence[Line]) -> list[tuple[str, str]]:
        """Of each line that the preflight or the run denied: why, and the command that explains it."""
        found = [(line.flow, line.decision) for line in lines if line.verdict is Verdict.DENY]
        spans = {flow.span for flow, _ in found}
        judge = Index(self.norms)
        found += [(flow, decide(flow, judge)) for flow in self.refused if flow.span not in spans]
        return list(dict.fromkeys((inert_line(denial(flow, decision, self.norms)), question_of(flow, decision)) for flow, decision in found))

    # ------------------------------------------------------------------------------------------ during

    def progress(self, stage: str, flow: Flow) -> None:
        if stage == "start":
            return
        if stage == "denied" and flow.contract.name == "plan.draft" and "ended" in flow.arguments and flow.arguments["ended"].data:
            self.line("  no second plan: by your norms the planner does not hear how the first one ended (docs/NORMS.md, A second plan)", "faint")
            return
        if stage == "denied":
            self.refused.append(flow)
        if stage == "refused":
            self.by_service[flow.contract.name] = any("own-provider" in r.roles for r in flow.recipients)
        whom = ", ".join(sorted({inert_line(r.name or r.id) for r in flow.recipients if r.id != "user"}))
        style = {"done": "faint", "denied": "bad", "unknown": "bad"}.get(stage, "warn")
        self.line(f"  {flow.contract.name}{f' → {whom}' if whom else ''}: {WAITING.get(stage, stage)}", style)

    def ask(self, questions: Sequence[Question]) -> Sequence[Answer]:
        """Put questions one after the other, each in full; the answer binds to that call only."""
        return [self._ask(one, number, len(questions)) for number, one in enumerate(questions, 1)]

    def _ask(self, one: Question, number: int, count: int) -> Answer:
        if self.denying:  # the user has had enough of them: nobody agrees from weariness
            self.line(f"  {one.flow.contract.name}: denied, as you said of all that follow", "warn")
            return self._no(one)
        self.asked += 1
        self.show(one, f" {number} of {count}" if count > 1 else "")
        options = ", ".join(["[o]nce", *(["[a]lways exactly as shown"] if one.always else []), *(["[e]dit"] if one.editable else []), "[d]eny", "deny this and all that [f]ollow"])
        named = dialogue.code(self.source)
        if named:
            self.line(dialogue.how(named))
        dialogue.asked(self.source)
        while True:
            print(f"  {options}: ", end="", file=self.out, flush=True)
            said = self.source.readline()
            if not said:
                self.line("no answer, so: deny")
                return self._no(one)
            word, naming = dialogue.heard(said)
            if word[:1] in ("o", "y", "a", "e") and naming != named:
                self.line(dialogue.how(named) if named else "  this is no answer")
                continue
            if word in ("o", "once", "y", "yes"):
                return Reply.ONCE
            if word in ("a", "always") and one.always:
                return Reply.ALWAYS
            if word in ("d", "deny", "n", "no"):
                return self._no(one)
            if word in ("f", "follow"):
                self.denying = True
                return self._no(one)
            if word in ("e", "edit") and one.editable:
                return self._edit(one)

    def _no(self, one: Question) -> Reply:
        self.said_no.add(one.flow.contract.name)
        return Reply.DENY

    def _edit(self, one: Question) -> Edited:
        """Other words for the content; an empty line keeps what stands there."""
        texts = {}
        for name in one.editable:
            print(f"    {name} (empty keeps it): ", end="", file=self.out, flush=True)
            said = self.source.readline().rstrip("\n")
            if said:
                texts[name] = said
        return Edited(texts)

    def show(self, one: Question, count: str = "") -> None:
        flow = one.flow
        whom = ", ".join(sorted({inert_line(r.name or r.id) for r in flow.recipients if r.id != "user"})) or "nobody else"
        types = sorted({self.name(t.type) for t in flow.label.tags})
        head = f"Question{count}: {flow.contract.name} ({flow.contract.effect}) to {whom}"
        self.line(f"\n{head}", "warn")
        self.line(f"  tells: {', '.join(types)}")
        for why in one.reasons:
            self.line(f"  why you are asked: {why}")
        self.line("  exactly as it will be done:")
        for name, content in one.shown:
            self.block(f"    {name}: ", content)
        size = sum(len(content) for _, content in one.shown)
        if size > LONG_CHARS:
            self.line(f"  end of what will be sent, {size} characters. {head}", "warn")
        if one.reveals:
            self.line(f"  that this is done, or not done, shows something of: {', '.join(map(self.name, one.reveals))}", "bad")

    # ------------------------------------------------------------------------------------------ after

    def report(self, report: Report) -> None:
        if report.problems:
            self.line("\nThe plan was refused before any effect:", "bad")
            for problem in report.problems:
                self.block("  ", inert(problem))
            self.denials(report.lines)
            return
        if report.told or report.stopped:
            self.line("\nAnswer", "bold")
        for text in report.told:
            self.block("  ", text)
        if report.stopped:
            self.block("  stopped: ", report.stopped, "warn")
        self.not_done(report)
        if report.denied:
            self.denials(report.lines)
        self.accounts(report)

    def not_done(self, report: Report) -> None:
        """Which calls gave no result, whatever the plan prints: its words are a model's."""
        if report.faults:
            self.line("\nNot done, whatever the answer says", "warn")
        for (tool, kind), count in Counter(report.faults).items():
            why = self.why_refused(tool) if kind == "refused" else FAULT_WORDS.get(kind, kind)
            self.line(f"  {tool}: {why}{f' ({count} times)' if count > 1 else ''}", "warn")

    def why_refused(self, tool: str) -> str:
        """Whether the user, a service or something else refused this call."""
        if tool in self.said_no:
            return "you said no"
        if tool not in self.by_service:
            return FAULT_WORDS["refused"]
        hint = f"; is its password right? `discreet connect {tool.split('.')[0]} …` sets it anew" if self.by_service[tool] else ""
        return f"the service refused it{hint}"

    def accounts(self, report: Report, own: bool = False) -> None:
        """Who learnt what: outside parties in full, the user's own services in one line."""
        shown = [a for a in report.accounts if own or not a.name.endswith(" provider")]
        self.line("\nWho learnt what", "bold")
        if not shown:
            self.line("  Nobody outside learnt anything.")
        for account in shown:
            self.line(f"  {inert_line(account.sentence(self.names))}")
        hosts = sorted(a.name for a in report.accounts if a.name.endswith(" provider"))
        if hosts and not own:
            self.line(f"  Your own services kept or carried what is yours: {', '.join(hosts)}.", "faint")
        self.line(f"  Questions asked: {report.questions}. Calls refused by your norms: {report.denied}.", "faint")


def as_json(report: Report, names: Mapping[str, str], denied: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """A report as plain data for `--json`; `denied` as Terminal.denied gives it."""
    return {
        "errand": report.errand,
        "request": report.request,
        "plan": report.source,
        "problems": list(report.problems),
        "told": list(report.told),
        "stopped": report.stopped,
        "questions": report.questions,
        "denied": report.denied,
        "why_denied": [{"why": why, "explain": command} for why, command in denied],
        "done": report.done,
        "not_done": [{"tool": tool, "why": kind} for tool, kind in report.faults],
        "lines": [line_json(line) for line in report.lines],
        "accounts": [
            {
                "recipient": a.name,
                "learnt": [{"type": one.type, "subject": one.subject, "tool": one.tool, "certain": one.certain, "bits": one.bits} for one in a.learnt],
                "withheld": dict(a.withheld),
                "refused": [{"type": one.type, "subject": one.subject, "tool": one.tool, "by": by.id} for by, one in a.refused],
                "sentence": a.sentence(names),
            }
            for a in report.accounts
        ],
    }


def line_json(line: Line) -> dict[str, Any]:
    """One preflight line as plain data; no contents."""
    return {
        "line": line.flow.span.line,
        "column": line.flow.span.column,
        "tool": line.flow.contract.name,
        "effect": line.flow.contract.effect.value,
        "verdict": line.verdict.value,
        "times": line.flow.times,
        "exact": line.exact,
        "recipients": [r.id for r in line.flow.recipients],
        "tags": sorted([t.type, t.subject] for t in line.flow.label.tags),
        "sources": sorted(line.flow.label.sources),
        "findings": [
            {"verdict": f.verdict.value, "recipient": f.recipient, "type": f.tag.type if f.tag else "", "argument": f.argument, "norms": list(f.norms), "why": f.why}
            for f in line.decision.findings
            if f.verdict is not Verdict.PERMIT
        ],
        "ignores": [str(span) for span in line.ignores],
    }
