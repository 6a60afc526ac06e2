"""What of a request can be a person, a name, a file or a link: so that a grammar offers a small model nothing else there.

Plain word rules and no detector: they narrow the first samples, and the later ones are not held to them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from discreet.models.spans import OPENERS

HANDLE = re.compile(r"\[\[\d{1,2}\]\]")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_LINK = re.compile(r"https?://[^\s,;\"]*[\w/]|\b[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|example|eu|[a-z]{2})(?:/[\w./-]*\w)?\b")
_FILE = re.compile(r"\b[\w-]+(?:\.[\w-]+)*\.[a-z]\w{1,3}\b")
_FOLDER = re.compile(r"\b(?:my|the|our)\s+([\w-]+)\s+folder\b|\bfolder\s+(?:called\s+|named\s+)?\"?([\w-]+)", re.IGNORECASE)
_WORD = r"(?:(?:[A-Z]\.)+[A-Z]?(?![\w’'-])|(?:Dr|St|Co|Inc|Ltd|Corp|Bros|Jr|Sr)\.(?=\s+[A-Z])|[A-Z0-9][\w’'-]*)"  # an initial's or a title's dot ends no name
_RUN = re.compile(rf"{_WORD}(?:\s+(?:(?:&|of|the|and|de|van|von)\s+)?{_WORD})*")
_CALENDAR_WORDS = frozenset(
    """monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september october
    november december eur euro euros usd iban pdf ok""".split()
)
_SMALL = frozenset("the a an i i'm i'll i've i'd my and or but if is it".split())  # with a capital inside a sentence they are still no names
_ROLES = (
    "mother|mum|mom|mama|father|dad|papa|parents?|brother|sister|wife|husband|spouse|son|daughter|child|aunt|uncle|cousin|niece|nephew|grand\\w+|granny"
    "|grandma|grandpa|in-law|girlfriend|boyfriend|friend|partner|mate|flatmate|roommate|neighbou?r|landlord|landlady|tenant|boss|manager|chief|supervisor"
    "|colleague|co-worker|assistant|secretary|client|customer|employer|accountant|lawyer|solicitor|notary|dentist|doctor|physician|gp|nurse|surgeon"
    "|therapist|physio|physiotherapist|vet|optician|pharmacist|midwife|teacher|tutor|professor|coach|trainer|instructor|babysitter|nanny|cleaner|gardener"
    "|plumber|electrician|carpenter|mechanic|painter|hairdresser|barber|tailor|baker|butcher|adviser|advisor|banker|broker|agent|priest|rabbi|imam|host|guest|bandmate|teammate"
)
_RELATION = re.compile(rf"\b(my|our|the|his|her|their)\s+((?:[a-z]+\s+)?(?:{_ROLES}))\b(?!\s+(?:number|service|session|appointment|visit|class|lesson|practice|meeting|course|bill|office|shop|fees?)\b)", re.IGNORECASE)
_BARE_RELATION = re.compile(r"\b(mum|mom|dad|granny|grandma|grandpa|mother|father)\b", re.IGNORECASE)
_AFTER_PLACE = re.compile(r"\b(?:from|at|of|by|in|on|near|to\s+the)\s+(?:the\s+)?$", re.IGNORECASE)
_IN_PLACE = re.compile(r"\b(?:at|in|on|near|to\s+the)\s+(?:the\s+)?$", re.IGNORECASE)
_AT = re.compile(r"\bat (?:the )?((?:\[\[\d+\]\]|[A-Z][\w'’-]+)(?: (?:& )?[A-Z][\w'’-]+)*)")
_SHOPPING = re.compile(r"\b(?:buy|order|purchase|get|prices?|costs?|cheap\w*|stock|stars?|rat(?:ed|ings?)|reviews?|euros?|shop|store)\b", re.IGNORECASE)
_DOES = re.compile(r"^(?:['’]s\b|,|\s+(?:and|needs?|wants?|asks?|asked|wrote|writes|mailed|sent|has|had|said|says|is|was|will|would|told|invited|likes)\b)")


def people(request: str) -> list[str]:
    """What a search of the address book may be for: handles, relations as said, and names; companies and shops as far as can be told are not among them."""
    found = [*_handles(request), *relations(request)]
    runs = list(_runs(request))
    likely = [text for text, before, after in runs if not _AFTER_PLACE.search(before) and len(text) > 1 and not re.match(r"\s*[,:]?\s*\[\[", after)]
    perhaps = [text for text, before, _ in runs if len(text) > 1 and not _IN_PLACE.search(before)]  # somebody may have written what is `from` or `by` them
    return list(dict.fromkeys([*found, *(likely if likely or found else perhaps)]))


_NO_PERSON_BEFORE = re.compile(r"\b(?:my|our|the|a|an|any|some)\s+(?:\w+\s+)?$|\b(?:in|at|near|need|buy|order|train to|flight to|trip to|bus to|ticket to|way to|live in)\s+$", re.IGNORECASE)


def _handles(request: str) -> list[str]:
    """Handles that can stand for somebody: not `my [[1]]`, `in [[1]]` or `the train to [[1]]`."""
    likely = []
    for match in HANDLE.finditer(request):
        owns = request.startswith(("'s", "’s"), match.end())
        if owns or not _NO_PERSON_BEFORE.search(request[: match.start()]):
            likely.append(match.group())
    return list(dict.fromkeys(likely))


_HANDLE_NAME = re.compile(r"\b(?:from|at|in)\s+(?:the\s+)?((?:[A-Z][\w’'-]*\s+)*\[\[\d{1,2}\]\](?:\s+(?:&\s+)?(?:\[\[\d{1,2}\]\]|[A-Z][\w’-]*))*)")


def shops(request: str) -> list[str]:
    """Names that can be a shop's: what stands after `at`, `from`, `in` or opens the sentence; else all of them."""
    runs = [(text, before) for text, before, _ in _runs(request)]
    there = [text for text, before in runs if re.search(r"\b(?:from|at|in|on)\s+(?:the\s+)?$", before, re.IGNORECASE)]
    alone = [text for text, before in runs if re.search(r"(?:^|[.!?:]\s*)$", before)] if not there else []
    handles = [match.group(1) for match in _HANDLE_NAME.finditer(request) if not request.startswith(("'s", "’s"), match.end())]
    there = [text for text in there if not any(handle.endswith(text) or handle.startswith(text) for handle in handles)]  # `[[1]] Sports` is one name
    return list(dict.fromkeys([*there, *alone, *handles] or [text for text, _ in runs]))


def relations(request: str) -> list[str]:
    """Such as `my running partner`; `the dentist` is the user's own too."""
    found = [f"{'my' if match.group(1).lower() == 'our' else match.group(1).lower()} {match.group(2)}" for match in _RELATION.finditer(request)]
    said = " ".join(found).lower()
    found += [match.group() for match in _BARE_RELATION.finditer(request) if match.group().lower() not in said]
    return list(dict.fromkeys(re.sub(r"^(?:the|his|her|their) ", "my ", text) for text in found))


def names(request: str) -> list[str]:
    """Handles, addresses and runs of words with a capital: what can stand for a company, a shop or a sender."""
    return list(dict.fromkeys([*HANDLE.findall(request), *_EMAIL.findall(request), *(text for text, _, _ in _runs(request))]))


def place(request: str) -> str:
    """Where an entry takes place, as far as that is sure: what stands after `at` and has a capital; a handle there is likelier a place than a person.

    A request that buys or looks prices up names a shop so, and no place.
    """
    found = _AT.search(request)
    return found.group(1) if found and not _SHOPPING.search(request) else ""


def invites(request: str) -> bool:
    return re.search(r"\binvit(?:e|es|ation)\b", request, re.IGNORECASE) is not None


def links(request: str) -> list[str]:
    return list(dict.fromkeys(match.group() for match in _LINK.finditer(_EMAIL.sub(" ", request))))


def files(request: str) -> tuple[list[str], list[str]]:
    """(folders, paths): a file that is named beside a folder is offered as one path."""
    folders = list(dict.fromkeys(match.group(1) or match.group(2) for match in _FOLDER.finditer(request)))
    named = [text for text in _FILE.findall(_EMAIL.sub(" ", re.sub(r"https?://\S+", " ", request))) if not text[0].isdigit() or not text.replace(".", "").isdigit()]
    return folders, list(dict.fromkeys([*(f"{folder}/{name}" for folder in folders for name in named), *(() if folders else named)]))


def _bare(word: str) -> str:
    """Without what an apostrophe joins to it."""
    return word.lower().split("'")[0].split("’")[0]


def _runs(request: str) -> Iterable[tuple[str, str, str]]:
    """(the words, what stands before, what stands after) of each run of words with a capital that is no sentence's opening."""
    plain = HANDLE.sub(lambda match: "_" * len(match.group()), request)
    for match in _RUN.finditer(_EMAIL.sub(lambda m: "_" * len(m.group()), plain)):
        words, start = match.group().split(), match.start()
        opens = re.search(r"(?:^|[.!?:\n]\s*)$", plain[:start]) is not None
        heading = opens and len(words) > 1 and plain[match.end() : match.end() + 1] in (",", ":")  # `Quick Prints, two posters: order them`
        while words and not heading and ((opens and _bare(words[0]) in OPENERS) or _bare(words[0]) in _CALENDAR_WORDS | _SMALL or words[0][0].isdigit()):
            words, opens = words[1:], False
        while words and words[-1].lower() in _CALENDAR_WORDS:
            words = words[:-1]
        if not words or (opens and len(words) == 1 and not _DOES.match(plain[match.end() :]) and not words[0].endswith(("'s", "’s"))):
            continue
        text = re.sub(r"['’]s$", "", " ".join(words))
        if text and text not in ("I",) and not text.isdigit():
            yield text, plain[:start], plain[match.end() :]
