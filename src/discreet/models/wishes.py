"""What a request asks for and a plan leaves out, or a plan does unasked: doubts that pick among samples, and no safeguard.

A small model drops a price limit or mails somebody it was not asked to. These checks compare words; they are wrong at times, so
they never refuse a plan: they ask for another sample and stand beside the plan in its preflight.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from discreet.kernel.contract import AUTHORITY, REQUIRED, Contract, Effect, Role
from discreet.models.named import invites, names, people, place
from discreet.models.spans import OPENERS

_NUMBER = re.compile(r"(?<![\w.,:/-])(\d{1,6}(?:[.,]\d{1,2})?)(?![\w:/-]|[.,]\d)")
_QUOTED = re.compile(r"[\"“]([^\"”]{2,80})[\"”]")
_NAME = re.compile(r"\b([A-Z][\w&'’-]+(?:\s+[A-Z][\w&'’-]+)*)")
_TIMELIKE = re.compile(
    r"\b(?:\d{1,2}(?:st|nd|rd|th)?\s+(?:of\s+)?)?(?:january|february|march|april|may|june|july|august|september|october|november|december)"
    r"(?:\s+\d{1,2}(?:st|nd|rd|th)?)?(?:,?\s+\d{4})?\b|\d{1,2}[:.h]\d{2}\s?(?:am|pm)?|\d{1,2}\s?(?:am|pm|o'clock)\b|\bat\s+\d{1,2}\b|\d{4}-\d\d-\d\d"
    r"|\b(?:past|to)\s+\d{1,2}\b|\bin\s+\d{1,2}\s+(?:day|week)s?\b|\b\d{1,3}\s*(?:minutes?|mins?|hours?|h)\b",
    re.IGNORECASE,
)
_NOT_NAMES = frozenset(
    """i i'm i'll i'd i've monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
    september october november december please thanks eur euro euros usd iban pdf mr mrs ms dr""".split()
)

# Words that ask for an effect, by the last part of a tool's name and by the service before it.
_CUES = {
    "mail.send": r"e?-?mail|write|send|tell|let\b.*\bknow|inform|messages?|ask|forward|drop\b.*\bline|share|thank|warn|wish|congratulate|say|pass\b.*\bon|apologi[sz]e|confirm|notify|excuse|cc|hand|offer",
    "mail.reply": r"repl(?:y|ies)|answer|respond|get back|accept|decline|confirm|thank|(?:'s|’s|s'|his|her|their|that|the) (?:last )?(?:e-?)?(?:mail|message)|wrote|writes|asked|asks|mailed|wants?|sent",
    "calendar.add": r"calendar|diary|book|schedule|put|add(?! up)|block|remind|invite|set up|pencil|appointment|reserve|arrange|plan|move|slot|note|keep\b.*\bfree|reminder|meet",
    "calendar.remove": r"cancel|remove|delete|drop|clear|take\b.*\b(?:off|out)|move|call off|scrap|strike|falls? (?:out|through)|can't make|(?:does|is)n't (?:work|happening)|reschedule|skip|postpone|shift",
    "shop.checkout": r"buy|order|get|purchase|reorder|stock up|pick|need|grab|want|again|usual|out of|packs?|bags?|box",
    "files.write": r"save|write|note|store|file|list|put|keep|record|document",
    "memory.remember": r"remember|note|keep|from now on|is now|know that|changed|don't forget|moved|new",
}
ACTING = re.compile(
    r"^(?:\W*(?:please|hey|hi|and|then|could you|can you|would you)\W+)*(?:add(?! up)|answer|block|book|buy|cancel|confirm|delete|email|forward|invite|mail"
    r"|order|put|remember|remove|reply|reserve|respond|schedule|send|set up|tell (?!me)|write)\b"
    r"|(?:[,;:.?!]|\band\b|\bthen\b|\bplease\b)\s+(?:please\s+)?(?:add(?! up)|answer|block|book|buy|cancel|delete|email|forward|invite|keep (?:that|it) in mind|let (?!me)|mail"
    r"|order|put|remove|reply|reserve|schedule|send|tell (?!me)|write)\b",
    re.IGNORECASE,
)
_LOOKING = {"shop": r"\b(?:buy|order|get|got|purchase|price|costs?|cheap\w*|expensive|sell|sells|stock|rated|ratings?|reviews?|shops?|stores?|stars?|have|need|send|pick|wants?|usual|out of|packs?|bags?|box(?:es)?|pairs?)\b"}
_STRONG = {"calendar": r"\b(?:calendar|diary)\b", "memory": r"\bremember (?:that|my)\b|\bfrom now on\b", "mail": r"\be?-?mails?\b|\bwrote\b|\bwritten to me\b|\btickets?\b"}

_ADVICE = {  # a small model mends a plan when it is told how, not when it is told what is wrong
    "calendar": "calendar.add(title=…, start=…), or calendar.list to look something up",
    "memory": "memory.remember(type=…, fact=…)",
    "mail": "mail.search(sender=…), then mail.read and read to look something up; mail.send or mail.reply to write",
}


def missing(request: str, source: str, contracts: Mapping[str, Contract]) -> list[str]:
    """Doubts about an accepted plan, as one sentence each; none is the good case."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ["the plan cannot be read"]
    calls = list(_calls(tree, contracts))
    called = {name for name, _ in calls}
    if not called - {"memory.recall"} and "?" in source and not any(contracts[name].effect is not Effect.READ for name in called):
        return []  # it asks the user back
    if not called and "no tool" in source and not any(re.search(cue, request, re.IGNORECASE) for cue in _STRONG.values()):
        return []  # it says that it cannot
    return [
        *_nothing_done(called),
        *_left_out(request, source),
        *_unused(tree),
        *_only_looks(request, called, contracts),
        *_nobody_invited(request, calls),
        *_no_place(request, calls),
        *_own_address(tree, calls, contracts),
        *_not_the_usual(request, calls),
        *_unasked_arguments(request, calls),
        *_own_numbers(request, tree),
        *_never_there(tree),
        *_unasked(request, called, contracts),
        *_not_called(request, called, contracts),
        *_wrong_place(request, called, calls),
        *_invented(request, calls, contracts),
        *_half_a_name(request, calls, contracts),
    ]


def asked_for(contracts: Mapping[str, Contract], request: str) -> dict[str, Contract]:
    """The tools without those that act though no word of the request asks for it, and those of services it does not speak of."""
    kept = {}
    for name, contract in contracts.items():
        cue = _CUES.get(name) if contract.effect is not Effect.READ else None
        service = _LOOKING.get(name.split(".")[0])
        unasked = cue and not re.search(rf"\b(?:{cue})", request, re.IGNORECASE | re.DOTALL)
        elsewhere = service and not re.search(service, request, re.IGNORECASE)
        nobody = name == "contacts.find" and not people(request)
        if not unasked and not elsewhere and not nobody:
            asked = tuple(p for p in contract.parameters if _is_asked(name, p.name, request))
            kept[name] = replace(contract, parameters=asked)
    return kept


_ARGUMENT_CUES = {("calendar.add", "attendees"): r"\binvit|\bguests?\b|\battend|\bjoin|\bask\b.*\bto\b", ("shop.checkout", "quantity"): r"\b(?:\d+|two|three|four|five|six|ten|twelve|dozen|pair|couple|both|double)\b"}


def _is_asked(tool: str, argument: str, request: str) -> bool:
    """Whether the request has a word for an optional argument that tells somebody or counts."""
    cue = _ARGUMENT_CUES.get((tool, argument))
    return cue is None or re.search(cue, request, re.IGNORECASE | re.DOTALL) is not None


def _calls(tree: ast.Module, contracts: Mapping[str, Contract]) -> Iterable[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            name = f"{node.func.value.id}.{node.func.attr}"
            if name in contracts:
                yield name, node


def _left_out(request: str, source: str) -> Iterable[str]:
    plain, plan = _TIMELIKE.sub(" ", re.sub(r"\[\[\d+\]\]", " ", request)), _squeezed(source)
    for match in _NUMBER.finditer(plain):
        if match.group(1).replace(",", ".") not in plan:
            yield f"the request says {match.group(1)}, the plan does not"
    for match in _QUOTED.finditer(request):
        if _squeezed(match.group(1)) not in plan:
            yield f"the request quotes `{match.group(1)}`, the plan does not have it word for word"
    for match in re.finditer(r"\[\[\d+\]\]", request):
        reason = re.search(r"\b(?:my|for|because|since|of)\s+(?:\w+\s+){0,3}$", request[: match.start()])  # why is nobody's business
        if match.group() not in source and not reason:
            yield f"the request has `{match.group()}`, the plan does not"
    for match in _NAME.finditer(plain):
        words = match.group(1).split()
        while words and words[0].lower().split("'")[0] in OPENERS:  # a capital that only opens a sentence
            words = words[1:]
        words = [word for word in words if word.lower() not in _NOT_NAMES]
        if words and not match.group(1).startswith("[[") and not any(_squeezed(word.removesuffix("'s").removesuffix("’s")) in plan for word in words):
            yield f"the request names `{' '.join(words)}`, the plan does not"


def _nothing_done(called: set[str]) -> Iterable[str]:
    if not called:
        yield "the plan looks nothing up and does nothing: use a tool; what the user has told about themselves comes from memory.recall(type=…)"


def _unused(tree: ast.Module) -> Iterable[str]:
    stored = {node.id: node.lineno for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    loaded = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    for node in tree.body:  # what an acting call returns need not be used
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and ast.unparse(node.value.func) in _CUES:
            loaded |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    for name, line in stored.items():
        if name not in loaded and name != "_":
            yield f"line {line}: `{name}` is looked up and never used: use it or leave the line out"


def _nobody_invited(request: str, calls: list[tuple[str, ast.Call]]) -> Iterable[str]:
    for name, call in calls:
        if invites(request) and name == "calendar.add" and "attendees" not in {keyword.arg for keyword in call.keywords}:
            yield "the request invites somebody: give calendar.add attendees=[person.email]"


def _only_looks(request: str, called: set[str], contracts: Mapping[str, Contract]) -> Iterable[str]:
    acts = any(contracts[name].effect is not Effect.READ for name in called)
    if not acts and ACTING.search(request) and any(contract.effect is not Effect.READ for contract in contracts.values()):
        yield "the request asks to do something, the plan only looks: call the tool that does it"


def _unasked(request: str, called: set[str], contracts: Mapping[str, Contract]) -> Iterable[str]:
    for name in sorted(called):
        cues = _CUES.get(name)
        if cues and contracts[name].effect is not Effect.READ and not re.search(rf"\b(?:{cues})", request, re.IGNORECASE | re.DOTALL):
            yield f"the plan calls `{name}`, which the request does not ask for"


def _own_address(tree: ast.Module, calls: list[tuple[str, ast.Call]], contracts: Mapping[str, Contract]) -> Iterable[str]:
    """What the vault knows as an address is the user's own: a message to somebody else does not go there."""
    recalled = {target.id for node in ast.walk(tree) if isinstance(node, ast.Assign) and _recalls(node.value) for target in node.targets if isinstance(target, ast.Name)}
    mailed = {(name, p.name) for name in contracts for p in contracts[name].parameters if p.address == "mail"}
    for name, call in calls:
        for keyword in call.keywords:
            parts = list(ast.walk(keyword.value)) if (name, keyword.arg) in mailed else []
            if any(_recalls(part) or (isinstance(part, ast.Name) and part.id in recalled) for part in parts):
                yield f"`{name}` has a fact about the user as `{keyword.arg}`: find the person with contacts.find and use their email"


def _recalls(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).startswith("memory.")


def _not_the_usual(request: str, calls: list[tuple[str, ast.Call]]) -> Iterable[str]:
    if re.search(r"\busual\b|\bas always\b", request, re.IGNORECASE) and any(name == "shop.search" for name, _ in calls):
        if not any(name == "memory.recall" and "preference/" in ast.unparse(call) for name, call in calls):
            yield 'the request speaks of what is usual: find it with memory.recall(type="preference/product", query=…) and search for that'


def _no_place(request: str, calls: list[tuple[str, ast.Call]]) -> Iterable[str]:
    there = place(request)
    for name, call in calls:
        if there and name == "calendar.add" and not {"place", None} & {keyword.arg for keyword in call.keywords}:
            yield f'the request names a place: give calendar.add place="{there}"'


def _unasked_arguments(request: str, calls: list[tuple[str, ast.Call]]) -> Iterable[str]:
    for name, call in calls:
        for keyword in call.keywords:
            if not _is_asked(name, keyword.arg or "", request):
                yield f"the plan gives `{name}` `{keyword.arg}`, which the request does not ask for: leave it out"


_MEASURES = frozenset({"price", "rating", "stars", "total"})


def _own_numbers(request: str, tree: ast.Module) -> Iterable[str]:
    """A price that is doubled or compared with a number that nobody said."""
    said = set(re.findall(r"\d+(?:\.\d+)?", request.replace(",", ".")))
    said |= {str(number) for number, word in enumerate(_NUMBER_WORDS) if re.search(rf"\b{word}\b", request, re.IGNORECASE)}
    for node in ast.walk(tree):
        sides = [node.left, node.right] if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) else [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
        if not any(isinstance(part, ast.Attribute) and part.attr in _MEASURES for side in sides for part in ast.walk(side)):
            continue
        for side in sides:
            if isinstance(side, ast.Constant) and isinstance(side.value, (int, float)) and f"{side.value:g}" not in said:
                yield f"line {node.lineno}: `{ast.unparse(node)}` has {side.value:g}, which the request does not say"


_NUMBER_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def _never_there(tree: ast.Module) -> Iterable[str]:
    """A pick that may be nothing and is used as if it were there."""
    tested = {part.id for node in ast.walk(tree) if isinstance(node, (ast.If, ast.IfExp)) for part in ast.walk(node.test) if isinstance(part, ast.Name)}
    used = {node.value.id for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "next":
            name, arguments = node.targets[0].id, node.value.args
            if len(arguments) == 2 and isinstance(arguments[1], ast.Constant) and arguments[1].value is None and name in used - tested:
                yield f"line {node.lineno}: `{name}` can be None here: test it with `if {name} is None`, or take the first of the list instead of None"


def _wrong_place(request: str, called: set[str], calls: list[tuple[str, ast.Call]]) -> Iterable[str]:
    for service, cue in _LOOKING.items():
        if any(name.startswith(service + ".") for name in called) and not re.search(cue, request, re.IGNORECASE):
            yield f"the plan looks in `{service}`, which the request does not speak of: look where the request says"
    for name, call in calls:
        named = next((k.value.value for k in call.keywords if k.arg == "name" and isinstance(k.value, ast.Constant)), "")
        if name == "contacts.find" and "@" in str(named):
            yield f"`{named}` is an address already: use it as it is, without contacts.find"


def _not_called(request: str, called: set[str], contracts: Mapping[str, Contract]) -> Iterable[str]:
    for service, cue in _STRONG.items():
        has_tools = any(name.startswith(service + ".") for name in contracts)
        if has_tools and re.search(cue, request, re.IGNORECASE) and not any(name.startswith(service + ".") for name in called):
            yield f"this needs a {service} tool: {_ADVICE[service]}"


def _invented(request: str, calls: list[tuple[str, ast.Call]], contracts: Mapping[str, Contract]) -> Iterable[str]:
    """Literals that decide who, what or how much, and that the user did not write (G3.6 would refuse or ask)."""
    said = _squeezed(request)
    for name, call in calls:
        for keyword in call.keywords:
            parameter = next((p for p in contracts[name].parameters if p.name == keyword.arg), None)
            if parameter is None:
                continue
            decides = parameter.role in AUTHORITY - {Role.TIMES} or parameter.address or name == "contacts.find"
            numbers = parameter.role is Role.AMOUNT  # a length or a count is the planner's to choose
            about_person = parameter.role is Role.WHO or parameter.address or keyword.arg in ("sender", "place")
            if about_person and _is_relation(keyword.value):
                yield f"`{name}` has `{keyword.arg}={keyword.value.value}`: find the person with contacts.find and use the email"
                continue
            guessed = parameter.default is not REQUIRED and parameter.shape.kind == "text" and not name.startswith("memory.")
            for literal in _literals(keyword.value, numbers) if decides or guessed else ():
                if _squeezed(literal) not in said and not (guessed and set(_squeezed(literal).split()) <= set(said.split())):
                    yield f"`{name}` has `{keyword.arg}={literal}`, which the request does not say"


def _half_a_name(request: str, calls: list[tuple[str, ast.Call]], contracts: Mapping[str, Contract]) -> Iterable[str]:
    """A shop by a part of a name that the request has in full, such as `Chemist` of `Elm Chemist`."""
    whole = names(request)
    for name, call in calls:
        for keyword in call.keywords:
            parameter = next((p for p in contracts[name].parameters if p.name == keyword.arg), None)
            if parameter is None or parameter.address != "shop":  # a person may well be called by half a name
                continue
            for literal in _literals(keyword.value, False):
                fuller = [one for one in whole if f" {_squeezed(literal)} " in f" {_squeezed(one)} " and _squeezed(one) != _squeezed(literal)]
                if fuller and literal not in whole:
                    yield f"`{name}` has `{keyword.arg}={literal}`, a part of the name `{fuller[0]}`: write it whole"


def _is_relation(node: ast.AST) -> bool:
    """Such as `my dentist`, which is nobody's name or address."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and re.match(r"(?:my|the) \w", node.value.lower()) is not None


def _literals(node: ast.AST, numbers: bool) -> Iterable[str]:
    match node:
        case ast.Constant(value=str() as text) if text:
            yield text
        case ast.Constant(value=int() | float() as number) if numbers and not isinstance(number, bool):
            yield f"{number:g}"
        case ast.List(elts=parts):
            for part in parts:
                yield from _literals(part, numbers)


def _squeezed(text: str) -> str:
    return " ".join(re.sub(r"[^\w.@]+|_+", " ", text.casefold().replace(",", ".")).split())
