"""The planner: from a request and tool signatures to a plan that its judge accepts, or the least bad one with its problems.

The model sees the request, with sensitive spans as handles, and approved signatures: never an answer, a private value or outside
text (G4.1). Nothing here is trusted: the judge is the kernel's resolver and preflight, and the monitor stands behind them.
"""

from __future__ import annotations

import ast
import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from discreet.kernel.contract import Contract, Effect, stubs
from discreet.kernel.shape import Shape, enum
from discreet.models.dates import mentions
from discreet.models.examples import Example, examples_for, examples_like
from discreet.models.grammar import plan_grammar
from discreet.models.mend import mend
from discreet.models.provider import Grammar, Limits, Message, ModelFault, Provider, Reply
from discreet.models.said import Said, said
from discreet.models.scope import scope_of
from discreet.models.spans import Redacted
from discreet.models.steps import next_step, opening, reachable
from discreet.models.wishes import asked_for, missing

Judge = Callable[[str], Sequence[str]]  # a plan, handles still in it, to located problems; none means that it may run

samples_max = 4  # of one draft, the repair included
narrow_samples = 2  # the first samples may only use the acting tools that a word of the request asks for
plan_tokens_max = 420
line_tokens_max = 140  # of a plan that is written line by line
_TEMPERATURES = (0.0, 0.3, 0.7, 0.8)  # by sample: a repair without any chance in it repeats the plan
sample_timeout_s = 240.0
problems_shown_max = 4
RECALLABLE = (  # what people tell an agent about themselves; a plan names one of these (G7.2)
    "contact/name", "contact/email", "contact/phone", "contact/postal-address", "identity/birth-date", "identity/passport",
    "identity/national-number", "identity/driving-licence", "health/condition", "health/medication", "health/allergy", "health/doctor",
    "health/insurance", "body/shoe-size", "body/clothing-size", "body/height-weight", "finance/payment-token", "finance/account",
    "finance/insurance", "finance/tax", "work/position", "work/salary", "education/enrolment", "family/child", "home", "vehicle",
    "purchase/membership", "credential/pin", "credential/password", "preference/product", "preference/food", "preference/room",
    "preference/culture", "document/note",
)  # fmt: skip
alias_chars_min = 80  # a choice of texts this long is written once and named

RULES = """\
You write plans for a personal assistant. A plan is a short Python program over the tools below. It runs later, without you: you never see a result. Answer with the plan only.

Python that plans may use: assignment, if/else, for, break, continue, comprehensions, f-strings, comparison, arithmetic, slices, records by attribute (mail.subject), append, next((x for x in xs if test), None), sorted/min/max(xs, key=lambda x: x.field), raise ValueError("why"), print("text for the user").
No import, def, while, try, class. Dates: date.today(), date(2026, 3, 1), datetime(2026, 3, 1, 15, 0), timedelta(days=3), f"{when:%d %B %Y}".
find_amounts(text), find_dates(text), find_codes(text), find_emails(text), find_links(text) cut lists of these out of a text.
read(text, "question", {"field": str}) lets a reader take fields (str, int, float, date, datetime, bool or a list of choices) out of one text: r = read(...), then r.field.

Rules:
1. Do what the request asks, all of it and nothing else.
2. Keep the user's words: names, shops, amounts and addresses stand in the plan as the request has them. Never invent a recipient: a person comes from contacts.find, or is an address in the request.
3. What the user has told about themselves (sizes, address, card, tastes) comes from memory.recall. Recall only what this errand needs.
4. Filter by fields first (sender, price, date), then read one text, not all. Take facts out of a text with read, and compare in code: never ask a reader which one. For a mail of a person, contacts.find first and search by their email; look for one word of a subject or title in code, with .lower().
5. Choose the facts that a recipient needs before you write a text for them; put no other fact in.
6. Look things up first; then do what acts, together at the end.
7. When something needed is left open (who, what, which shop), print one question and do nothing else. When no tool can do it, print that you cannot.
8. [[1]], [[2]] stand for words of the user that you do not see: copy them as they are, inside quotes."""


@dataclass(frozen=True, slots=True)
class DraftLimits:
    """What one draft may cost."""

    samples_max: int = samples_max
    tokens_max: int = plan_tokens_max
    sample_timeout_s: float = sample_timeout_s


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan with handles still in it; `problems` is empty if the judge accepted it."""

    source: str
    problems: tuple[str, ...]
    samples: int
    repaired: bool
    seconds: float
    doubts: tuple[str, ...] = ()  # what of the request the plan seems to leave out
    written: str = ""  # as the model wrote it; what it is shown again, for the mended plan tells of a handle

    @property
    def accepted(self) -> bool:
        return not self.problems


def draft(
    request: Redacted,
    contracts: Mapping[str, Contract],
    provider: Provider,
    judge: Judge,
    *,
    today: dt.date,
    fact_types: Sequence[str] = RECALLABLE,
    limits: DraftLimits = DraftLimits(),
    feedback: str = "",
) -> Draft | ModelFault:
    """Ask `provider` for a plan until `judge` finds no problem, at most `limits.samples_max` times; the best one is returned.

    `feedback` is what an earlier run may tell the planner (G4.4); the caller has cleared it.
    """
    everyday = with_choices(contracts if provider.hosted else offered(contracts, ""), fact_types)
    contracts = with_choices(contracts if provider.hosted else offered(contracts, request.text), fact_types)
    likely = asked_for(contracts, request.text)
    nobody = "contacts.find" in contracts and "contacts.find" not in likely
    asked = [*prefix(everyday, request.text), Message("user", question(request.text, today, feedback, _more(contracts, everyday), nobody))]
    grammars = [plan_grammar(likely, request.text, narrow=True), plan_grammar(contracts, request.text)]
    known = said(request.text, today, fact_types) if getattr(provider, "continues", False) else None
    near = reachable(likely, known) if known else likely
    best: Draft | None = None
    seconds = 0.0
    for number in range(limits.samples_max):
        repairing = number == 1 and best is not None  # once: a small model repairs at the first try or not at all
        messages = [*asked, *_repair(best, request)] if repairing and best else asked
        if known and number < narrow_samples:
            reply = _line_by_line(provider, messages, near, known, number, limits)
        if not known or number >= narrow_samples or (isinstance(reply, ModelFault) and reply.kind == "refused"):
            reply = _sample(provider, messages, grammars[number >= narrow_samples], number, limits)
        if isinstance(reply, ModelFault):
            return best or reply
        seconds += reply.seconds
        made = replace(_judged(clean(reply.text), request, contracts, judge, today), samples=number + 1, repaired=repairing)
        best = made if best is None or _rank(made) < _rank(best) else best
        if not made.problems and not made.doubts or (number >= narrow_samples - 1 and not best.problems):
            break  # a doubt is worth one repair, and no wider grammar
    if best is None:
        return ModelFault("refused", "no sample was allowed")
    return replace(best, samples=number + 1, seconds=seconds)


def _judged(written: str, request: Redacted, contracts: Mapping[str, Contract], judge: Judge, today: dt.date) -> Draft:
    """One sample with its problems and doubts, mended if that too is accepted."""
    source = with_dates(written, request.text, today)
    problems = tuple(judge(source)) if source else ("line 1: the plan is empty",)
    if problems:
        return Draft(source, problems, 1, False, 0.0, (), written)
    source = _mended(source, {}, judge)
    doubts = tuple(missing(request.text, source, contracts))  # before the handles: what a planner is told must not depend on them
    reads = [name for name, contract in contracts.items() if contract.effect is Effect.READ]
    return Draft(_mended(source, request.handles, judge, reads), (), 1, False, 0.0, doubts, written)


def _mended(source: str, handles: Mapping[str, str], judge: Judge, reads: Sequence[str] = ()) -> str:
    mended = mend(source, handles, reads)
    return mended if mended != source and not judge(mended) else source


_ATTACHED = r"\b(?:attach\w*|enclos\w*|pdfs?|scans?)\b"
_CARRIED = _ATTACHED + r"|\bsend\b.*(?:\bfiles?\b|\w/\w|\w\.(?:pdf|txt|docx?|csv|png|jpe?g)\b)"

# Tools that few requests need, by what in a request asks for them: a small model plans worse among tools it does not need.
_SELDOM = {
    "calendar.busy": r"\bbusy\b|\bfree\b|available",
    "calendar.free": r"\bfree\b|\btime\b|available|slot",
    "calendar.move": r"\b(?:move|shift|postpone|reschedule|earlier|later|instead)\b",
    "contacts.search": r"\b(?:everybody|everyone|all|who|group)\b",
    "mail.attachment": _ATTACHED,
    "mail.delete": r"\b(?:delete|remove|trash|get rid)\b.*\b(?:e?-?mails?|messages?|newsletters?|spam)\b",
    "mail.draft": r"\bdraft\b",
    "mail.move": r"\b(?:archive|folder|file away|sort)\b.*\b(?:e?-?mails?|messages?)\b|\b(?:e?-?mails?|messages?)\b.*\b(?:archive|folder)\b",
    "mail.save_attachment": _ATTACHED,
    "memory.told": r"\b(?:again|remind|repeat|told|tell once more)\b",
    "memory.recall_learned": r"\blearn(?:ed|t)\b",
    "shop.order": r"\b(?:status|track|my order|where is)\b",
    "shop.product": r"\b(?:sizes?|colou?rs?|describe|description|details?)\b.*\?",
}


# Optional arguments that small models fill with guesses, by what in a request asks for them.
_SELDOM_ARGUMENTS = {
    ("calendar.add", "notes"): r"\bnotes?\b",
    ("mail.search", "subject"): r"[\"“]",
    ("mail.search", "text"): r"\bmention|contain",
    ("mail.search", "unseen"): r"\bunread\b|\bunseen\b|\bnew (?:e?-?mails?|messages?)\b",
    ("mail.draft", "attach"): _CARRIED,
    ("mail.reply", "attach"): _CARRIED,
    ("mail.send", "attach"): _CARRIED,
    ("mail.send", "cc"): r"\bcc\b|\bcopy\b",
    ("shop.checkout", "email"): r"\be?-?mail\b.*\b(?:receipt|invoice|confirmation)\b",
}

# Fields of results, the same.
_SELDOM_FIELDS = {("mail.search", "attachments"): _ATTACHED}


def offered(contracts: Mapping[str, Contract], request: str) -> dict[str, Contract]:
    """The tools and arguments that this request is planned over: all but the seldom needed ones that it does not ask for."""

    def wanted(cue: str | None) -> bool:
        return cue is None or re.search(cue, request, re.IGNORECASE | re.DOTALL) is not None

    shown = {}
    for name, contract in contracts.items():
        if wanted(_SELDOM.get(name)):
            kept = tuple(p for p in contract.parameters if wanted(_SELDOM_ARGUMENTS.get((name, p.name))))
            shown[name] = replace(contract, parameters=kept, result=_fields_for(contract.result, name, wanted))
    return shown


def _fields_for(shape: Shape, tool: str, wanted: Callable[[str | None], bool]) -> Shape:
    """A result's shape without the fields that this request does not ask for."""
    if shape.kind == "list" and shape.element is not None:
        return replace(shape, element=_fields_for(shape.element, tool, wanted))
    left_out = [field_ for field_ in shape.fields if not wanted(_SELDOM_FIELDS.get((tool, field_)))]
    return replace(shape, fields={name: inner for name, inner in shape.fields.items() if name not in left_out}) if left_out else shape


def with_choices(contracts: Mapping[str, Contract], fact_types: Sequence[str]) -> dict[str, Contract]:
    """The contracts as a planner sees them: the information types of memory tools spelled out, for they stand in no prompt otherwise."""
    shown = {}
    for name, contract in contracts.items():
        if name.startswith("memory."):
            spelled = tuple(replace(p, shape=enum(*fact_types)) if p.name == "type" else p for p in contract.parameters)
            contract = replace(contract, parameters=spelled)
        shown[name] = contract
    return shown


def prefix(contracts: Mapping[str, Contract], request: str = "") -> list[Message]:
    """The text that is the same for every request over these tools (rules, signatures, examples), and for every one of its kind (more examples)."""
    turns = [Message("system", f"{RULES}\n\nTools:\n{short_stubs(contracts)}", fixed=True), *_turns(examples_for(contracts))]
    turns[-1] = replace(turns[-1], kept=True)
    if request:
        turns += _turns(examples_like(contracts, request))
    return turns


def _turns(examples: Sequence[Example]) -> list[Message]:
    return [Message(role, text, fixed=True) for example in examples for role, text in zip(("user", "assistant"), example, strict=True)]


def _more(contracts: Mapping[str, Contract], shown: Mapping[str, Contract]) -> str:
    """The signatures that only this request needs, and records that are not shown so: the fixed text stays the same for all."""
    added = {name: contract for name, contract in contracts.items() if "." in name and contract != shown.get(name)}
    known = set(stubs(shown).splitlines())
    return "\n".join(line for line in stubs(added).splitlines() if line not in known) if added else ""


def question(request: str, today: dt.date, feedback: str = "", tools: str = "", nobody: bool = False) -> str:
    """The user's turn: the request, what day it is, its dates as a plan writes them, and the tools that are seldom needed."""
    lines = [f"today is {today:%A %Y-%m-%d}", *([f"tools too:\n{tools}"] if tools else [])]
    lines += [f"{mention.phrase} = {mention.code}" for mention in mentions(request, today)]
    lines.append(f"request: {request.strip()}")
    if nobody:  # a small model begins most plans with somebody
        lines.append("it names nobody: do not look anybody up, tell and invite nobody")
    if feedback:
        lines.append(f"an earlier plan ended so: {feedback}")
    return "\n".join(lines)


def short_stubs(contracts: Mapping[str, Contract]) -> str:
    """The signatures, with each long choice of texts written once and named after its argument."""
    shown = stubs({name: contract for name, contract in contracts.items() if "." in name})  # the rules explain `read`
    heads: dict[str, str] = {}

    def alias(match: re.Match[str]) -> str:
        argument, choices = match.group(1), match.group(2)
        if len(choices) < alias_chars_min:
            return match.group()
        known = heads.setdefault(choices, f"{argument.title().replace('_', '')}{len(heads) or ''}")
        return f"{argument}: {known}"

    shown = re.sub(r"(\w+): Literal\[([^\]]*)\]", alias, shown)
    return "\n".join([*(f"{name} is one of {choices}" for choices, name in heads.items()), shown])


def with_dates(source: str, request: str, today: dt.date) -> str:
    """The plan with the request's dates that it uses by name written out above it."""
    used = _names_of(source)
    lines = [f"{m.name} = {m.code}" for m in mentions(request, today) if m.name in used and m.code.startswith("date")]
    assigned = re.findall(r"^\s*(\w+) = ", source, re.MULTILINE)
    return "\n".join([*(line for line in lines if line.split(" = ")[0] not in assigned), source])


def _names_of(source: str) -> set[str]:
    try:
        return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    except (SyntaxError, ValueError, RecursionError):
        return set()


def clean(text: str) -> str:
    """The plan in a reply: hosted models wrap it into a fence or a sentence."""
    fenced = re.search(r"```(?:python)?\s*\n(.*?)```", text, re.DOTALL)
    return (fenced.group(1) if fenced else text).strip("\n ").replace("\r\n", "\n")


def _sample(provider: Provider, messages: Sequence[Message], grammar: Grammar, number: int, limits: DraftLimits) -> Reply | ModelFault:
    return provider.complete(messages, grammar, Limits(limits.tokens_max, limits.sample_timeout_s, _TEMPERATURES[min(number, 3)], seed=number))


def _line_by_line(
    provider: Provider, messages: Sequence[Message], contracts: Mapping[str, Contract], known: Said, number: int, limits: DraftLimits
) -> Reply | ModelFault:
    """One sample whose lines are each held to what is bound and said by then; what leaves no choice is written without the model."""
    source, seconds, tokens = opening(known, contracts), 0.0, 0
    temperature = _TEMPERATURES[min(number, 3)]
    while (scope := scope_of(source, contracts)) is not None and tokens < limits.tokens_max and seconds < limits.sample_timeout_s:
        step = next_step(scope, contracts, known)
        if step.line:
            source += step.line + "\n"
            continue
        if step.grammar is None:
            break
        reply = provider.complete(
            [*messages, Message("assistant", source, open=True)], step.grammar, Limits(line_tokens_max, limits.sample_timeout_s - seconds, temperature, seed=number)
        )
        if isinstance(reply, ModelFault):
            return reply
        seconds, tokens = seconds + reply.seconds, tokens + reply.tokens_out
        if not reply.text.strip():
            break
        source += reply.text.rstrip("\n") + "\n"
        if reply.cut:
            break
    return Reply(source, 0, tokens, seconds)


def _repair(best: Draft, request: Redacted) -> list[Message]:
    told = best.problems or best.doubts
    problems = "\n".join(f"- {problem}" for problem in told[:problems_shown_max])
    return [
        Message("assistant", best.written),
        Message("user", f"This plan is not accepted:\n{problems}\nWrite the whole plan again without this."),
    ]


def _rank(made: Draft) -> tuple[int, int]:
    return (len(made.problems), len(made.doubts))
