"""The one call site: a checked call is written down, made once, and its result labelled (G5.4, G8.1).

    1. the flow is built from the call and the label that the preflight saw at its line     G3.8
    2. a fault among the arguments: checked by label, then not made                          G3.4
    3. the exact request is prepared; its keyed digest is what the permit binds to           G5.4
    4. `check` returns the permit, or the user is asked, or the call is a fault              G5.5
    5. the intent is in the ledger before the effect, the outcome after it                   G8.1
    6. the result is labelled by its contract, whatever is in it                             G2.5
"""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from queue import Empty, SimpleQueue
from typing import Any, ClassVar

from discreet.kernel.contract import AUTHORITY, Effect, Role
from discreet.kernel.domain import scan
from discreet.kernel.errors import Denied, DiscreetError, Span, invariant
from discreet.kernel.interpreter import Request
from discreet.kernel.label import PUBLIC, Label, join2
from discreet.kernel.monitor import Asked, Decision, Flow, Judge, Permit, Verdict, check, decide
from discreet.kernel.shape import to_value
from discreet.kernel.value import Fault, Standing, Value, fault, plain
from discreet.ledger.chain import Repeated
from discreet.ledger.entry import UNREACHED, Kind, Status, of_flow
from discreet.policy.spending import noted, spends
from discreet.tools.directory import Directory
from discreet.tools.failure import Failure
from discreet.tools.flow import flow_of, result_label
from discreet.tools.kept import Kept
from discreet.tools.objects import Objects, named
from discreet.tools.preflight import Doing, Line, Preview, act_key, call_key, described, resolvable, standing_of_result
from discreet.tools.question import Answer, Asker, Edited, Nobody, Question, Reply, question
from discreet.tools.registry import Prepared, Tool, Toolbox


RECIPIENTS_MAX = 200  # of one call
RECIPIENT_CHARS_MAX = 10_000  # of all their ids


@dataclass
class Gate:
    """Answers the calls of one errand. One gate serves one preflight and one run.

    secret   of this errand: digests and nonces derive from it, so that nothing tells of other activity
    status   maps a connector's exception to (ledger status, fault kind)
    """

    tools: Toolbox
    directory: Directory
    judge: Judge
    ledger: Any
    errand: str
    secret: bytes
    clock: dt.datetime
    asker: Asker = field(default_factory=Nobody)
    progress: Callable[[str, Flow], None] = lambda stage, flow: None
    always: Callable[[Flow, Decision], None] | None = None
    kept: Kept = field(default_factory=Kept)
    objects: Objects = field(default_factory=Objects)  # what the errand's calls gave of what ids stand for
    preview: Preview | None = None
    confirmed: Counter[bytes] = field(default_factory=Counter)  # answers not used yet: each stands for one call (G5.5)
    refused: set[str] = field(default_factory=set)  # exact calls that the user said no to, however often a plan makes them
    edits: dict[bytes, Edited] = field(default_factory=dict)  # by the digest of the call as it was
    questions: int = 0
    denied: int = 0
    faults: list[tuple[str, str, Span]] = field(default_factory=list)  # (tool, kind, span) of the run's calls that gave no result
    performed: list[tuple[str, Span]] = field(default_factory=list)  # (tool, span) of the run's writes, payments and deletions
    keep: Callable[[Mapping[str, Label]], None] = lambda kept: None  # makes what places hold last beyond this errand
    heard: Callable[[Flow], None] = lambda flow: None  # what is written down of who may hear again what this call told (G5.3)
    begun: Callable[[Flow], None] = lambda flow: None  # before anything is done: what it writes is held from then on (G2.6)
    turn: int = 1  # of the errand's plans, which one runs
    acts: dict[bytes, int] = field(default_factory=dict)  # what was done or perhaps done in this errand -> in which turn
    often: Mapping[Doing, int] = field(default_factory=dict)  # how often the errand's plans so far may act on whom, delegated ones too
    _turns: dict[str, int] = field(default_factory=dict)

    # ------------------------------------------------------------------------------------------ the run

    def call(self, request: Request) -> Value:
        """One tool call of the run (the interpreter's Port)."""
        value = self._call(request)
        if isinstance(value.data, Fault):
            self.faults.append((request.contract.name, value.data.kind, request.span))
        return value

    def _call(self, request: Request) -> Value:
        flow = flow_of(request, self.directory, self.kept)
        if self.preview is None:
            return self.checked(request, flow)
        bound = self.preview.bound(flow)
        if bound is None:  # the preflight did not see this line, so nobody was shown it
            return self.deny(flow, Decision(), flow.label)
        if resolvable(request, True) and call_key(request) in self.preview.resolved:
            return self.preview.resolved[call_key(request)]
        if bound.label != bound.preflight:  # which is joined in: the call itself carries more than the preflight saw
            return self.deny(bound, Decision(), bound.label)
        return self.checked(request, bound)

    def look_up(self, request: Request, flow: Flow) -> Value:
        """One resolving call of the preflight, checked and recorded like any other."""
        return self.checked(request, flow)

    def checked(self, request: Request, flow: Flow) -> Value:
        base = result_label(flow)
        if _too_many(flow):
            return fault("limit", base, flow.span)
        stopped = next((found for v in request.arguments.values() if (found := scan(v)[1]) is not None), None)
        if stopped is not None:
            decision = decide(flow, self.judge)
            return self.deny(flow, decision) if decision.verdict is Verdict.DENY else Value(stopped, base)
        if self.done_before(flow):
            self._write(Kind.DENIAL, flow, Decision(), b"", note="done before in this errand")
            return fault("refused", base, flow.span)
        try:
            prepared = self.prepared(flow)
            digest = self.digest(flow, prepared)
        except Exception:  # a connector's own checks: no effect has happened, and no contents travel in an exception
            return fault("value", base, flow.span)
        try:
            permit = self.permit(flow, digest)
        except Asked as asked:
            return self.asked(flow, asked.decision, prepared, base)
        except Denied as denied_:
            return self.deny(flow, denied_.decision)
        return self.made(request, flow, prepared, permit, base)

    def prepared(self, flow: Flow) -> Prepared:
        """The exact request of a call, of its arguments and of what this errand has read of the object that it names. Raises what the tool raises."""
        tool = self.tools[flow.contract.name]
        arguments = {name: plain(value) for name, value in flow.arguments.items()}
        if tool.along:
            arguments["stored"] = self.objects.along(flow, tool.along)
        return tool.prepare(arguments, self.nonce(flow), self.clock)

    def question(self, flow: Flow, decision: Decision, prepared: Prepared) -> Question:
        """The question about this exact call."""
        return question(flow, decision, self.objects, getattr(prepared, "added", ()))

    def done_before(self, flow: Flow) -> bool:
        """Whether an earlier plan of this errand did the same to the same (G4.4)."""
        return self.turn > 1 and self.acts.get(effect(flow), self.turn) < self.turn

    def permit(self, flow: Flow, digest: bytes) -> Permit:
        """The one place where `check` is called; `digest` is that of the exact call."""
        permit = check(flow, self.judge, digest, frozenset((digest,)) if self.confirmed[digest] > 0 else frozenset())
        if permit.confirmed and permit.decision.verdict is Verdict.ASK:
            self.confirmed[permit.digest] -= 1
        return permit

    def digest(self, flow: Flow, prepared: Prepared) -> bytes:
        """Of one call: its line, whom it goes to and its exact request. What was agreed to for one line is no leave for another."""
        return blake2b(_bytes(f"{_line(flow)}\0") + prepared.canonical, key=self.secret, digest_size=32).digest()

    def nonce(self, flow: Flow) -> str:
        """Unique to errand, line, arguments and how often these came before; tells nothing of other activity, so that a call is the same in the
        preflight and in the run whatever its line does besides."""
        key = self.act(flow)
        return blake2b(f"{key}\0{self.turned(key, 1)}".encode(), key=self.secret, digest_size=16).hexdigest()

    def act(self, flow: Flow) -> str:
        """What tells an exact call of this errand from every other, but for how often it is made."""
        return blake2b(_bytes(repr((flow.contract.name, act_key(flow)))), key=self.secret, digest_size=16).hexdigest()

    def turned(self, key: str, times: int) -> int:
        turn = self._turns[key] = self._turns.get(key, 0) + times
        return turn

    def handed(self) -> bytes:
        """The secret of a plan that is handed over: its calls get nonces of their own."""
        return blake2b(f"handed over\0{self.turned('handed over', 1)}".encode(), key=self.secret, digest_size=32).digest()

    def made(self, request: Request, flow: Flow, prepared: Prepared, permit: Permit, base: Label) -> Value:
        """Intent, effect, outcome, label: in this order (G8.1)."""
        self.begun(flow)  # whenever it was agreed to: before the run, during it, or by nobody's leave but a norm's
        seq = self.intended(flow, prepared, permit)
        if seq is None:
            return fault("refused", base, flow.span)
        self.progress("start", flow)
        writes = flow.contract.effect is not Effect.READ
        if writes:
            self.acts[effect(flow)] = self.turn
        tool = self.tools[flow.contract.name]
        try:
            if tool.within is not None:
                value = tool.within(self, request, base)
                self.ledger.outcome(seq, Status.DONE)
                return value
            raw = in_time(lambda: tool.perform(prepared), flow.contract.seconds_max)
        except Exception as error:
            status = _status(error, writes)
            self.ledger.outcome(seq, Status(status))
            if status in ("refused", "unsent"):  # not done, and known not to be
                self.acts.pop(effect(flow), None)
            self.progress(status, flow)
            return fault(FAULTS.get(status, "failed"), base, flow.span)
        except BaseException:
            self.ledger.outcome(seq, Status.UNKNOWN)  # a cancelled call is unknown
            raise
        if _unreached(tool, flow, raw):
            self.ledger.outcome(seq, Status.DONE, UNREACHED)
        else:
            self.ledger.outcome(seq, Status.DONE)
            self.heard(flow)
        self.progress("done", flow)
        if writes:
            self.performed.append((flow.contract.name, flow.span))
        try:
            shape = flow.contract.result_of(flow.arguments)
            value = to_value(raw, shape, base, standing_of_result(request))
            self.objects.note(flow, raw, value, shape)
        except (DiscreetError, RecursionError):  # a schema that is none
            return fault("schema", base, flow.span)
        return described(value, shape, request)

    def intended(self, flow: Flow, prepared: Prepared, permit: Permit) -> int | None:
        """Write the intent down; its number. What stands as unknown is done again only if the user says so: else None (G8.1)."""
        reads = flow.contract.effect is Effect.READ  # spends nothing and may be repeated
        note = noted(spends(flow, permit.decision, self.judge.norms)) if not reads and hasattr(self.judge, "norms") else ""
        entry = of_flow(Kind.INTENT, flow, permit.decision, self.errand, permit.confirmed, note)
        same = b"" if reads else same_act(flow)
        try:
            return self.ledger.intent(entry, prepared.canonical, same=same)
        except Repeated as repeated:
            why = f"entry {repeated.seq} of the ledger did the like and its outcome is unknown: it may have happened already"
            again = replace(self.question(flow, permit.decision, prepared), reasons=(why,), always=False)
            if self.put([(again, prepared)])[0] is not Reply.ONCE:
                return None
            self.confirmed[self.digest(flow, prepared)] -= 1  # this answer is for this call
            return self.ledger.intent(entry, prepared.canonical, again=True, same=same)

    def asked(self, flow: Flow, decision: Decision, prepared: Prepared, base: Label) -> Value:
        """Put one question about the exact call, then check again (G5.5)."""
        digest = self.digest(flow, prepared)
        if self.act(flow) in self.refused:
            return fault("refused", base, flow.span)
        reply = self.edits.get(digest) or self.put([(self.question(flow, decision, prepared), prepared)])[0]
        if reply is Reply.DENY:
            return fault("refused", base, flow.span)
        if isinstance(reply, Edited):
            del self.edits[digest]
            flow = edited(flow, reply)
            try:
                prepared = self.prepared(flow)
            except Exception:
                return fault("value", base, flow.span)
            self._write(Kind.ANSWER, flow, decision, prepared.canonical, note="edited")
            self.confirmed[self.digest(flow, prepared)] += 1
        permit = self.permit(flow, self.digest(flow, prepared))
        request = Request(flow.contract, flow.arguments, flow.pc, flow.span, flow.times)
        return self.made(request, flow, prepared, permit, base)

    def put(self, asked: list[tuple[Question, Prepared]]) -> list[Answer]:
        """Write the questions down, ask them together, write the answers down."""
        seqs = [self._write(Kind.QUESTION, q.flow, q.decision, prepared.canonical) for q, prepared in asked]
        self.questions += 1
        replies = list(self.asker.ask([q for q, _ in asked]))
        for seq, (q, prepared), reply in zip(seqs, asked, replies, strict=True):
            if isinstance(reply, Edited):
                self.edits[self.digest(q.flow, prepared)] = reply  # the edited call is written down when it is ready
                continue
            if reply is Reply.ALWAYS and not q.always:
                reply = Reply.ONCE
            self._write(Kind.ANSWER, q.flow, q.decision, prepared.canonical, of=seq, note=reply.value)
            if reply is Reply.DENY:
                self.refused.add(self.act(q.flow))
            else:
                self.confirmed[self.digest(q.flow, prepared)] += 1
            if reply is Reply.ALWAYS and self.always is not None:
                try:
                    self.always(q.flow, q.decision)
                except Exception:  # the answer then counts this once, and nothing ends in the middle of an errand
                    self.progress("unkept", q.flow)
        return replies

    def deny(self, flow: Flow, decision: Decision, label: Label = PUBLIC) -> Value:
        """A denial is a fault under the label of the call's result, and tells nothing else (G5.6).

        That the norms deny a line follows from labels, which are the same in every run; `label` is what else decided it.
        """
        self.denied += 1
        self._write(Kind.DENIAL, flow, decision, b"")
        self.progress("denied", flow)
        return fault("denied", join2(result_label(flow), label), flow.span)

    def _write(self, kind: Kind, flow: Flow, decision: Decision, contents: bytes, of: int = 0, note: str = "") -> int:
        entry = of_flow(kind, flow, decision, self.errand, note=note)
        fields = {name: getattr(entry, name) for name in entry.__dataclass_fields__ if name != "kind"}
        return self.ledger.note(kind, contents, **{**fields, "of": of})

    # ------------------------------------------------------------------------------------------ before the run

    def confirm(self, preview: Preview) -> frozenset[tuple[Any, ...]]:
        """One confirmation for all that the preflight can show exactly (G5.5). Effects that depend on the run are asked then.
        The calls that were refused, as `act_key` tells them."""
        asked: list[tuple[Question, Prepared]] = []
        for line in preview.lines:
            if self.done_before(line.flow):
                continue
            if line.verdict is not Verdict.ASK or not confirmable(line):  # it takes its turn in the run
                self.turned(self.act(line.flow), line.flow.times)
            elif (prepared := self.ready(line)) is not None:
                asked.append((self.question(line.flow, line.decision, prepared), prepared))
        self._turns.clear()
        answers = self.put(asked) if asked else []
        return frozenset(act_key(q.flow) for (q, _), reply in zip(asked, answers, strict=True) if reply is Reply.DENY)

    def ready(self, line: Line) -> Prepared | None:
        """The exact request of a line, as the run will make it; None when it cannot be made."""
        try:
            prepared = self.prepared(line.flow)
            self.digest(line.flow, prepared)
            return None if _too_many(line.flow) else prepared
        except Exception:
            return None


def _line(flow: Flow) -> str:
    """What tells one line of a plan to some recipients from every other."""
    return f"{flow.span.line}:{flow.span.column}\0{sorted([r.id for r in flow.recipients])!r}"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # a plan may write half a character, and nothing may fail at it


def same_act(flow: Flow) -> bytes:
    """What stays equal when the same is asked again: the tool and its plain arguments, without nonce or time."""
    return repr((flow.contract.name, [(name, plain(value)) for name, value in flow.arguments.items()])).encode()


def effect(flow: Flow) -> bytes:
    """What a call does to whom: its tool, whom it reaches, and what else carries authority; all of it where nothing does."""
    contract = flow.contract
    deciding = [p for p in contract.parameters if p.role in AUTHORITY]
    named = [p.name for p in deciding if not p.address] if deciding else list(flow.arguments)
    reached = sorted({r.id for r in flow.recipients}) if deciding else []
    return repr((contract.name, reached, [(name, plain(flow.arguments[name])) for name in named])).encode()


def edited(flow: Flow, by: Edited) -> Flow:
    """The flow with the user's own words in its content arguments, under the labels of the words that they replace."""
    allowed = {p.name for p in flow.contract.parameters if p.role is Role.CONTENT}
    invariant(set(by.texts) <= allowed, "edits of content only")
    arguments = {n: Value(by.texts[n], v.total, None, Standing.USER) if n in by.texts else v for n, v in flow.arguments.items()}
    return replace(flow, arguments=arguments)


def _too_many(flow: Flow) -> bool:
    """Whether the recipients are more than an entry of the ledger holds (G3.7)."""
    return len(flow.recipients) > RECIPIENTS_MAX or sum(len(ascii(r.id)) for r in flow.recipients) > RECIPIENT_CHARS_MAX


def confirmable(line: Line) -> bool:
    """Whether the preflight shows this line exactly: all of it known, once, under no private decision, and no id whose object the run will read."""
    flow = line.flow
    faults = any(scan(v)[1] is not None for v in flow.arguments.values())
    private = any(tag.type != "request" for tag in flow.pc.tags)
    return line.exact and not faults and not private and not flow.pc.sources and flow.times == 1 and not flow.unresolved and not named(flow.contract)


class _Worker:
    """A thread that does one piece of work after the other; one that misses its time is left to itself."""

    idle: ClassVar[list[_Worker]] = []

    def __init__(self) -> None:
        self.work: SimpleQueue[Callable[[], Any]] = SimpleQueue()
        self.made: SimpleQueue[tuple[bool, Any]] = SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                self.made.put((True, self.work.get()()))
            except BaseException as error:
                self.made.put((False, error))


def in_time(work: Callable[[], Any], seconds_max: float | None) -> Any:
    """What `work` returns or raises; TimeoutError when that takes longer. Work that is given up on may still go on outside,
    so a write of which this is said is unknown (G3.5, G8.1). None is for work that waits for nobody."""
    if seconds_max is None:
        return work()
    try:
        worker = _Worker.idle.pop()
    except IndexError:
        worker = _Worker()
    worker.work.put(work)
    try:
        good, outcome = worker.made.get(timeout=seconds_max)
    except Empty:
        raise TimeoutError(f"no answer within {seconds_max} s") from None
    _Worker.idle.append(worker)
    if good:
        return outcome
    raise outcome


def _unreached(tool: Tool, flow: Flow, raw: Any) -> bool:
    """Whether nobody whom the call addresses heard of it, though it was done: an event that stands, whose invitation was refused."""
    told = any(p.address and plain(flow.arguments[p.name]) for p in flow.contract.parameters)
    return bool(tool.reached) and told and isinstance(raw, Mapping) and raw.get(tool.reached) is False


FAULTS = {"refused": "refused", "unknown": "unknown", "unsent": "value"}  # by status; anything else has failed


def _status(error: Exception, writes: bool) -> str:
    """The ledger status of what a tool raised. A write whose failure says nothing may have happened: unknown (G8.1)."""
    if isinstance(error, Failure):
        return error.status
    return "unknown" if writes else "failed"
