"""What a request says, as word rules find it: whom and what it names, its limits, counts and dates, and what it needs for sure.

It looks at the text with handles alone, so that nothing here tells what a handle stands for (G4.1). A rule can be wrong: it narrows
the first samples of a small model, and the later ones are not held to it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

from discreet.models.dates import Mention, mentions
from discreet.models.grammar import phrases
from discreet.models.wishes import ACTING
from discreet.models.named import HANDLE, files, invites, links, names, people, place, relations, shops

_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "dozen": 12}
_COUNT = r"\d{1,3}|" + "|".join(_NUMBERS)
_MONEY = re.compile(
    r"(?:(?:at most|no more than|not (?:more|above|over)(?: than)?|up to|under|below|less than|cheaper than|max(?:imum)?(?: of)?|within|for)\s+)(?:€|\$|£|eur\s)?\s?(\d{1,6}(?:[.,]\d{1,2})?)"
    r"(?!\s?(?:%|:|st\b|nd\b|rd\b|th\b|days?|weeks?|hours?|minutes?|people|persons|stars?|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)))"
    r"|(?:€|\$|£)\s?(\d{1,6}(?:[.,]\d{1,2})?)|(\d{1,6}(?:[.,]\d{1,2})?)\s?(?:€|euros?\b|eur\b|dollars?\b|pounds?\b)",
    re.IGNORECASE,
)
_HOURS = re.compile(rf"\b({_COUNT})(?: and a half)?[ -]hours?\b|\b({_COUNT})(?:\s|-)?(?:minutes?|mins?)\b|\b(half an hour)\b|\b(quarter of an hour)\b|\b(hour and a half)\b", re.IGNORECASE)
_QUANTITY = re.compile(rf"\b({_COUNT})\s+(?:\w+\s+)?(?:packs?|packets?|bags?|boxes|jars?|bottles?|pairs?|tins?|cans?|copies|pieces|sets?|rolls?|of|tickets?|times)\b", re.IGNORECASE)
_USUAL = re.compile(r"\b(?:usual|as always|regular|favou?rite)\b", re.IGNORECASE)
_BUYS = re.compile(r"\b(?:buy|order|purchase|reorder|get|pick up|grab|fetch|need|want|out of|pick|take|send)\b", re.IGNORECASE)
_WEARABLE = {
    "body/shoe-size": r"\b(?:\w*shoes?|boots?|trainers?|sneakers?|sandals?|slippers?|loafers?|clogs?)\b",
    "body/clothing-size": r"\b(?:\w*shirts?|trousers|jeans|jackets?|coats?|sweaters?|jumpers?|hood(?:y|ies?)|dress(?:es)?|skirts?|shorts|blouses?|pyjamas|vests?|cardigans?|leggings)\b",
}
_SHIPS = re.compile(
    r"\b(?:ship|ship(?:ped|ping)|deliver\w*|sent|send|post(?:ed)?|gift|present|directly|straight)\b.*\b(?:to|for)\s+(?:her|him|them|my|our|[A-Z\[]|(?:his|her|their)\s+(?:place|home|house|address|flat|door))"
    r"|['’]s\s+(?:place|home|house|address|flat|door)\b|\bsend\s+(?:her|him|them|my|our|\[)",
)
_CONDITION = re.compile(r"\b(?:if|whether|unless|otherwise|in case|provided|am i|is there|are there|do i have|have i got|anything|as long as|when free|should)\b", re.IGNORECASE)
_SUM = re.compile(r"\b(?:total|sum|add up|altogether|together|overall|in all|combined)\b", re.IGNORECASE)
_EVERY = re.compile(r"\b(?:all|every|each|everyone|everybody|both)\b", re.IGNORECASE)
_ACTS = re.compile(
    r"^(?:\W*(?:please|hey|hi|could you|can you|would you)\W+)*(?:accept|arrange|ask(?! me)|decline|drop|enter|get|give(?! me)|inform|let (?!me)|move|note|pass|pick up|pencil|plan|postpone|reorder|reschedule"
    r"|respond|save|share|shift|store|strike|take|thank|warn)\b|[,;:.?!]\s+(?:please\s+)?(?:accept|arrange|ask(?! me)|decline|drop|enter|get|inform|move|note|pass|pick up|plan|postpone|reorder|reschedule|respond"
    r"|save|share|shift|strike|take|thank|warn)\b|\b(?:wants?|asks?|asked|expects?) (?:me|us) to\b|\bdo that\b|\bwrite back\b|\bget back to\b",
    re.IGNORECASE,
)
_STARS = re.compile(rf"\b({_COUNT})[ -]stars?\b", re.IGNORECASE)
_MOST = {
    ("max", "rating"): r"\bbest[ -](?:rat|review)|\b(?:highest|top)[ -]rat|\bmost stars\b|\bbest (?:one|rating|stars)\b|\brated (?:the )?(?:best|highest)|\bhas the best\b",
    ("min", "price"): r"\bcheap(?:est|er)\b(?! than)|\blowest price|\bleast expensive\b",
    ("max", "price"): r"\b(?:most expensive|dearest|priciest)\b",
}
_THERE = re.compile(r"\b(?:at|in) the ((?!morning|afternoon|evening|calendar|diary|mail|web|folder|same|next|meantime)[\w'’-]+(?: (?:hall|room|house|park|cafe|café|garden|school|studio|station|office|centre|center|club|church|library|museum|pool|restaurant|hotel|bar))?)", re.IGNORECASE)
_OWN = re.compile(r"\b(?:my|i|me|mine|i'm|i've|told you)\b", re.IGNORECASE)

# Words of a request that speak of one information type about the user.
TYPE_WORDS = {
    "contact/name": r"my (?:full |last |first )?name\b",
    "contact/email": r"my (?:own |new )?e-?mail address|my e-?mail(?! from)\b",
    "contact/phone": r"my (?:own |new )?(?:phone|mobile|cell|telephone)\b",
    "contact/postal-address": r"my (?:\w+ )?address\b|where i live|my postcode|my zip",
    "identity/birth-date": r"my (?:birthday|birth date|date of birth)\b|how old am i|i was born|was i born",
    "identity/passport": r"\bpassport",
    "identity/national-number": r"national (?:number|insurance)|social security|\bid (?:card|number)|identity card|tax id",
    "identity/driving-licence": r"driv(?:ing|er'?s) licen[cs]e",
    "health/allergy": r"allerg",
    "health/doctor": r"my (?:family )?doctor's name|who is my (?:doctor|gp)",
    "health/insurance": r"health insurance|insurance card",
    "body/shoe-size": r"shoe size|size of (?:my )?shoes|my feet",
    "body/clothing-size": r"(?:clothes|clothing|shirt|trouser|dress|jacket|coat|t-shirt|sweater) size|size [smlx]+\b|my size\b",
    "body/height-weight": r"\btall\b|my height|\bweigh|my weight",
    "finance/payment-token": r"my (?:credit |debit |bank |payment )?card\b",
    "finance/account": r"\biban\b|bank account|account number|bank details|my account\b",
    "finance/insurance": r"(?:home|car|liability|household|travel|life) insurance|insurance (?:policy|number)|policy number",
    "finance/tax": r"my tax|tax number|tax office",
    "work/position": r"my (?:job|position|profession|job title)|where (?:do )?i work|what do i do for",
    "work/salary": r"salary|how much do i earn|my (?:pay|wage|income)\b",
    "education/enrolment": r"student (?:number|id)|enrol|matricul|my (?:degree|studies|course of study)",
    "family/child": r"my (?:child|children|kids?|son|daughter)(?:'s|’s)? (?:name|age|class|school)|names? of my (?:child|kid|son|daughter)",
    "vehicle": r"number plate|licen[cs]e plate|registration (?:number|plate)|my car\b|my (?:bike|motorbike|van)\b|\bplate\b",
    "purchase/membership": r"loyalty|member(?:ship)?\b|customer (?:number|card)|frequent fl|bonus card|club card|discount card",
    "credential/pin": r"\bpins?\b",
    "credential/password": r"password",
    "preference/product": r"\busual\b|favou?rite (?!food|dish|meal|room|seat|book|film|music)",
    "preference/food": r"\beat\b|\bdrink\b|\bfood\b|\bdiet\b|vegetarian|vegan|\btea\b|\bcoffee\b|\bmeals?\b|\bdish",
    "preference/room": r"\bseat|\bwindow\b|\baisle\b|hotel room|\broom\b|\bbunk\b|\bberth\b|\bsit\b",
    "preference/culture": r"\bbooks?\b|\bmusic\b|\bfilms?\b|\bmovies?\b|\bread\b|\btheatre\b|\bmuseums?\b|\bconcerts?\b",
}  # fmt: skip
_LOOKING_UP = re.compile(r"\?|\b(?:what|which|how|who|tell me|remind me|show me|give me|look up|find out)\b", re.IGNORECASE)
_KEEPING = re.compile(r"\bremember\b|\bkeep\b.*\bin mind\b|\bfrom now on\b|\bnote that\b|\bdon't forget\b|\b(?:is|are|has changed|have changed) (?:now|to)\b|\bkeep (?:that|it|this)\b", re.IGNORECASE)
_CALENDAR = re.compile(r"\b(?:calendar|diary|appointment|block|schedule|reserve|cancel|meeting)\b", re.IGNORECASE)
_PLAIN_WORDS = frozenset(
    """a about after all also an and any are as at be best been box bag before below best bottle buy but by can cheap cheaper cheapest copy cost costs could day days deliver did do
    does each enough euro euros for from get gift give good got has have her here him his how i if in is it its just jar kindly last less list look looks max maximum me more most my
    add search find tell look web online calendar diary mail email mum mom dad remember note date delivery delivered arrives comes whether
    new no not now of off on one ones order our out over pack packet packs pair pairs piece pieces please pick present price prices purchase put rated rating ratings review reviews
    same see send she ship shop should some something star stars still stock store straight than that the their them then there they thing this those three to too two under up us
    usual want was we were what when where whether which who will with would you your""".split()
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """Of one request: what a plan's slots can take, and what it needs for sure."""

    text: str
    people: tuple[str, ...]
    relations: tuple[str, ...]
    names: tuple[str, ...]
    shops: tuple[str, ...]
    wanted: tuple[str, ...]  # what a shop or the web can be searched for
    words: tuple[str, ...]  # what a title or subject can be searched for
    phrases: tuple[str, ...]
    links: tuple[str, ...]
    folders: tuple[str, ...]
    files: tuple[str, ...]
    place: str
    invites: bool
    mentions: tuple[Mention, ...]
    limits: tuple[str, ...]
    minutes: tuple[int, ...]
    quantities: tuple[int, ...]
    types: tuple[str, ...]  # facts about the user that it asks for, or tells
    sizes: tuple[str, ...]  # information types of a size that what is bought needs
    usual: bool
    buys: bool
    ships: bool
    condition: bool
    sums: bool
    every: bool
    own: bool
    keeps: bool
    looks_up: bool
    acts: bool
    pays: bool
    places: tuple[str, ...]
    numbers: tuple[str, ...]
    stars: tuple[str, ...]
    most: tuple[tuple[str, str], ...]  # ("max", "rating") and the like: which one of several it is about
    year: int
    writers: tuple[str, ...]  # of `people`: whose mails it speaks of
    hearers: tuple[str, ...]  # who is to be told something
    guests: tuple[str, ...]  # who is to be invited
    born: tuple[str, ...]  # whose birthday it speaks of

    @property
    def asked_types(self) -> tuple[str, ...]:
        """Facts that have to be looked up: tastes may as well be told by the request itself."""
        return () if self.keeps else tuple(kind for kind in self.types if not kind.startswith("preference/"))

    @property
    def concrete(self) -> bool:
        """Whether it names anything that a tool could take."""
        return bool(self.people or self.names or self.links or self.files or self.asked_types or self.keeps or self.mentions or self.has(r"\b(?:web|online|internet|calendar|diary)\b"))

    @property
    def removes(self) -> bool:
        """Whether an entry of the calendar is to go."""
        return self.has(r"\b(?:cancel|remove|delete|drop|strike|scrap|call off|clear)\b|\btake\b.*\b(?:out|off)\b|\bfalls? (?:out|through)\b|\bis off\b|\bcan't make\b")

    @property
    def looks(self) -> bool:
        """Whether there is something to look up before anything can be told."""
        return bool(self.links or self.files or self.asked_types or self.relations or (self.shops and self.has(r"\b(?:prices?|costs?|cheap\w*|rated|ratings?|stars?|stock|buy|order)\b")))

    def has(self, pattern: str) -> bool:
        return re.search(pattern, self.text, re.IGNORECASE | re.DOTALL) is not None


def said(request: str, today: dt.date, fact_types: Sequence[str]) -> Said:
    folders, paths = files(request)
    found = phrases(request)
    buys = _BUYS.search(request) is not None
    shopping = shops(request)
    known = [one for one in people(request) if HANDLE.fullmatch(one) or one in relations(request) or _is_reached(one, request)]
    roles = {role: tuple(one for one in known if re.search(pattern.replace("PERSON", _pattern(one)), request, re.IGNORECASE)) for role, pattern in _ROLES.items()}
    about = [one for one in known if not any(one in found for found in roles.values()) and re.search(_pattern(one) + _TOPIC, request)]
    return Said(
        text=request, people=tuple(one for one in known if one not in about), **roles, relations=tuple(relations(request)), names=tuple(names(request)), shops=tuple(shopping),
        wanted=tuple(_wanted(found, shopping, request)), words=tuple(_words(request)), phrases=tuple(found), links=tuple(links(request)),
        folders=tuple(folders), files=tuple(paths), place=place(request), invites=invites(request), mentions=tuple(mentions(request, today)),
        limits=tuple(dict.fromkeys(next(filter(None, match.groups())).replace(",", ".") for match in _MONEY.finditer(request))),
        minutes=tuple(dict.fromkeys(_minutes(match) for match in _HOURS.finditer(request))),
        quantities=tuple(dict.fromkeys(n for match in _QUANTITY.finditer(request) if (n := _number(match.group(1))) > 1)),
        types=tuple(kind for kind, words in TYPE_WORDS.items() if kind in fact_types and re.search(words, request, re.IGNORECASE)),
        sizes=tuple(kind for kind, words in _WEARABLE.items() if buys and kind in fact_types and re.search(words, request, re.IGNORECASE)),
        usual=_USUAL.search(request) is not None, buys=buys, ships=_SHIPS.search(request) is not None, condition=_CONDITION.search(request) is not None,
        sums=_SUM.search(request) is not None, every=_EVERY.search(request) is not None, own=_OWN.search(request) is not None,
        acts=(ACTING.search(request) or _ACTS.search(request)) is not None, pays=re.search(r"\b(?:buy|order(?! number)|purchase|reorder)\b", request, re.IGNORECASE) is not None or bool(shopping and _USUAL.search(request) and not request.rstrip().endswith("?")),
        places=tuple(dict.fromkeys(match.group(1) for match in _THERE.finditer(request))), year=today.year,
        numbers=tuple(dict.fromkeys([*re.findall(r"(?<![\w.,:])\d{1,4}(?![\w:]|[.,]\d)", request), *(str(n) for word, n in _NUMBERS.items() if len(word) > 2 and re.search(rf"\b{word}\b", request, re.IGNORECASE))])),
        stars=tuple(dict.fromkeys(str(_number(match.group(1))) for match in _STARS.finditer(request))), most=tuple(pick for pick, words in _MOST.items() if re.search(words, request, re.IGNORECASE)),
        keeps=_KEEPING.search(request) is not None, looks_up=_LOOKING_UP.search(request) is not None,
    )  # fmt: skip


# What somebody is in a request, by the words around them.
_ROLES = {
    "writers": r"PERSON['’]s\s+(?:\w+\s+){0,2}(?:e-?mails?|mails?|messages?|letters?|invoices?|invitation|confirmation|offer)\b|PERSON\s+(?:just\s+)?(?:wrote|mailed|e-?mailed|asked|asks|wants|sent|invited|told|says|said|announced|writes"
    r"|has\s+(?:written|asked|sent|billed|mailed|invited))\b|\b(?:from|by|according to|does|did)\s+PERSON",
    "hearers": r"\b(?:tell|ask|e?-?mail|write|write to|send|inform|thank|let|notify|warn|give|show|forward|answer|reply to|pass on to|congratulate|both)\s+(?:both\s+)?(?:[^,.;:]{1,40}\band\s+)?PERSON(?!['’]s)"
    r"|\bto\s+PERSON(?!['’]s)|PERSON\s+needs?\b",
    "guests": r"\binvit\w*\s+(?:both\s+)?(?:[^.;:]{1,40}\band\s+)?PERSON|\bwith\s+PERSON",
    "born": r"PERSON['’]s\s+(?:\w+\s+)?birthday",
}
_TOPIC = r"['’]s\s+(?!(?:phone|telephone|mobile|number|e-?mail|mail|address|place|home|house|birthday)\b)\w"


def _pattern(person: str) -> str:
    """The words of a request that stand for somebody; `my dentist` may be `the dentist` there."""
    role = re.fullmatch(r"my (.+)", person)
    return rf"(?:my|our|the|his|her|their)\s+{re.escape(role.group(1))}" if role else re.escape(person)


def _is_reached(name: str, request: str) -> bool:
    """Whether a plain name is somebody to write to or to know: of a company or shop that wrote or sells, nobody looks for an entry in the address book."""
    verbs = r"(?:tell|ask|e?-?mail|write(?: to)?|send|inform|invite|thank|let|remind|notify|warn|with|to|for|and|give|call|answer|congratulate|meet|see)"
    written = re.search(rf"\b{verbs}\s+(?:both\s+|my\s+)?{re.escape(name)}\b", request, re.IGNORECASE)
    known = re.search(rf"\b{re.escape(name)}['’]s\s+(?:phone|telephone|mobile|number|e-?mail address|birthday|address)\b|\b(?:number|address|birthday) of {re.escape(name)}\b", request, re.IGNORECASE)
    wants = re.search(rf"(?:^|[.!?]\s+){re.escape(name)}\s+(?:needs?|wants?|asks?|asked|would like)\b", request)
    return (written or known or wants) is not None


def _number(word: str) -> int:
    return _NUMBERS.get(word.lower()) or (int(word) if word.isdigit() else 0)


def _minutes(match: re.Match[str]) -> int:
    hours, minutes, half, quarter, more = match.groups()
    if hours:
        return _number(hours) * 60 + (30 if "and a half" in match.group() else 0)
    return _number(minutes) if minutes else 30 if half else 15 if quarter else 90


def _wanted(found: Sequence[str], named: Sequence[str], request: str) -> list[str]:
    """Phrases that can be what is looked for: no verb or measure in them, and no part of a shop's name."""
    taken = {word.lower() for name in named for word in name.split()}
    quoted = re.findall(r"[\"“]([^\"”]{2,60})[\"”]", request)
    good = [phrase for phrase in found if HANDLE.fullmatch(phrase) or ("[[" not in phrase and _could_be_wanted(phrase.split(), taken))]
    fullest = [phrase for phrase in good if not any(f" {phrase} " in f" {other} " and phrase != other for other in good)]
    return quoted or fullest or list(found)


def _could_be_wanted(words: Sequence[str], taken: set[str]) -> bool:
    return all(word.lower() not in _PLAIN_WORDS and word.lower() not in taken and not word[0].isdigit() and not re.match(r"(?:i|we|you|they|it|he|she|that|can|don|won)['’]", word.lower()) and "@" not in word and "/" not in word for word in words)


def _words(request: str) -> list[str]:
    """Single words of the request that a title or subject may hold."""
    plain = HANDLE.sub(" ", re.sub(r"https?://\S+|[\w.+-]+@[\w.-]+", " ", request))
    found = (re.sub(r"['’]s?$", "", word).lower() for word in re.findall(r"[^\W\d_][\w'’-]{2,}", plain))
    return list(dict.fromkeys(word for word in found if word not in _PLAIN_WORDS and word not in _NOT_IN_TITLES))


_NOT_IN_TITLES = frozenset(
    """monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september october november december calendar diary mail mails
    email e-mail cancel remove delete drop strike take tell let know make move shift add put today tomorrow morning afternoon evening noon because i'm can't don't wrote written
    answer reply according says said mentions mention please folder file""".split()
)  # fmt: skip
