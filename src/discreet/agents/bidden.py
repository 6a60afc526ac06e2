"""Whom a request bids something for: the places in it where whom to tell, to ask or to act upon stands (G3.6).

Positive evidence, and no list of denials: a name counts where it is the object of a bidding ("mail Sam", "let Sam know", "order socks
from Bean & Leaf", "lunch with Sam"), in a clause that begins with the bidding or with words that are known to lead to one. A name
that stands anywhere else is a mention, whatever is said of it. What is denied has been cut off before (said.py); a few denials stand inside
a bidding ("socks without seams from Bean & Leaf") or take all of it back ("never mind"), and are met here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

TAKEN_BACK = "\ue001"  # stands, in what is left of a clause, for a negation behind a bidding: "tell Sam not a word"
ITEM_WORDS_MAX = 4  # words of one name in a list of them


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Verbs by what stands behind them: whom they address, and which prepositions lead to somebody.
_ADDRESSES = _words("""
    mail email e-mail write tell ask inform notify text message ping call ring phone remind invite answer thank warn brief cc bcc congratulate contact
    pay refund
""")
_HANDS = _words("send give show forward pay offer hand pass")  # "send Sam the list"
_TO = _words(
    "mail email e-mail send forward write reply respond answer give pass show post report hand introduce explain say speak talk pay transfer refund ship "
    "deliver return describe "
    "confirm apologise apologize wire"
)
_WITH = _words("share meet check book speak talk")
_WITH_EVENT = _words("schedule reschedule plan arrange set create make put block reserve add organise organize fix have")  # "put lunch with Sam into my calendar"
_SHOPS = _words("order reorder buy get purchase book reserve find search look check see choose rent try need want browse")
_VISITS = _words("look search check visit open read try browse see summarize summarise find ask order")  # "look at citypool.example", "check Corner Books"
_ABOUT = _words("let keep drop give get leave wish put")  # "let Sam know", "drop Sam a line", "keep Sam posted"
_VERBS = _ADDRESSES | _HANDS | _TO | _WITH | _WITH_EVENT | _SHOPS | _VISITS | _ABOUT | {"cancel", "move", "do"}
_KNOW = re.compile(
    r"(?:know|have|see)\b|(?:a|the)\s(?:\w+\s)?(?:line|note|mail|email|message|call|ring|heads-up|shout|word|nice|happy|good|merry|safe)\b|posted\b|"
    r"informed\b|updated\b|in\sthe\sloop\b|in\s(?:cc|copy)\b"
)
_EVENT = _words("participants attendees event meeting channel calendar invite invitation guests thread cc dinner lunch slack group call")

# What may stand before a bidding in its clause.
_LEADS = re.compile(
    r"(?:(?:please|pls|kindly|now|then|also|just|first|next|finally|and|so|hi|hey|hello|ok|okay|well|yes|thanks|quickly|instead|afterwards|today|tomorrow|"
    r"tonight|again|maybe|there|dear|"
    r"go ahead and|go and|make sure to|be sure to|remember to|(?:don[’']?t|do not|not|never) forget to|feel free to|try to|let[’']?s|your task is to|do me a favou?r and|"
    r"you (?:can|could|should|must|may|have to|need to)|you|"
    r"(?:can|could|would|will) you(?: be so kind as to| be able to| help me(?: to)?| be so good as to| mind)?|(?:can|could|may) i|"
    r"(?:i|we)(?:[’']d| would) like(?: you)? to|(?:i|we) (?:want|need|have)(?: you)? to|i[’']?m looking to|we[’']?re looking to|i|we|"
    r"(?:no|not) (?:later|earlier|more|less) than \S+|(?:on|by|this|next|every|in|at|before|after) (?:the )?(?:mon|tues|wednes|thurs|fri|satur|sun)days?|"
    r"(?:on|next|this) week(?:end)?|(?:in|this|tomorrow) (?:the )?(?:morning|evening|afternoon)|"
    r"(?:since|as|because|if|when|while|once|in case) (?:(?:i|we|he|she|it|they|you|that|this|there)(?: am| are| is| was| were| can|[’']m|[’']s|"
    r"[’']re))(?: (?!to\b|you\b|let\b|want\w*\b|have\b|or\b|and\b)[\w’'-]+){1,5}?) )*",
    re.I,
)
_I_NEED = _words("need want")
_BREAK = re.compile(r"^(?:,|:|;|-|–|—|and|then|so|&|\(|\))$")
_CONTENT = _words(
    "that whether if why how when where what who whom because so as since before after until unless while than i i'm i’m i'll i’ll i've i’ve i'd i’d we "
    "we're we’re we'll we’ll he she they he's she's "
    "instead rather except excluding besides minus save bar but apart aside without not no never behind against despite nothing nobody none neither nor "
    "cannot lest sans barring w/o \ue001 "
)
_NOTHING = _words("nothing nowt nil zilch never nowhere nobody neither nor none \ue001")
_DETERMINERS = _words("my our the a an dear both also mr mrs ms miss dr prof mr. mrs. ms. dr. prof. old new his her their this that all only just either to at")
_FUNCTION = _CONTENT | _words(
    "to from at with for of on in by about via through into onto off out up down is are was were be am has have had do does did can could will would shall "
    "should may might must it its this these those "
    "which you me him us them there here again too also only just please or and"
)
_CLOSES = _words("""
    that to about the a an my our on at for when if know i i'm i’m we it what where how why whether tomorrow today tonight please by in with from via
    posted informed updated this next as both his her their again too who
""")
_COMMA_CLOSES = _words("that about know posted informed please")
_PRONOUNS = _words("him her them")
_ASIDE = re.compile(
    r"\b(?:says?|said|claim(?:s|ed)|reads?|told (?:me|us|him|her|them)|ask(?:s|ed) me|who(?:ever)? (?:told|asked|said)\b.*|demand(?:s|ed)|wrote)\s*[,:]", re.I
)
_TAKEN_BACK = re.compile(
    r"\b(?:never ?mind|on second thoughts?|scrap (?:that|this|it|all)|cancel (?:that|this)|(?:^|[.!?;,–—-]\s*)forget (?:it|that|this|all)\b|changed my mind|"
    r"(?:just|only) kidding|str(?:ike|ick) that|scratch that|wait,? no|no,? wait|"
    r"(?:or|better|maybe|perhaps|actually|please|but|or) (?:rather )?not\b(?=\s*(?:$|[.!?]))|on reflection|as if\b|over my dead body|yeah,? right|not really)|"
    r"\band (?:i|you)(?:[’'](?:re|ll|m)| will| are| am)? (?:be )?(?:fired|gone|out|dead|quit|done|sorry|regret)\b|"
    r"[.!?;,–—-]\s*(?:no|nope|nah|don[’']?t|do not|not (?:him|her|them|that|now|this|really|at all)|no way)\s*(?:$|[.!])",
    re.I,
)
_ASKS = re.compile(r"\s*(?:so |and |but )?(?:why|who|whom|when|what|how|where|which|whose|did|do|does|is|are|was|were|has|have|should|shall|must|am|ought)\b", re.I)
_PAST = re.compile(r"\b(?:did|was|were|had)\b", re.I)
_WANTS_ME = re.compile(r"\b(?:wants|needs|asked|asks)\s(?:me|us)\sto\b")  # "My dentist wants me to confirm. Do that."
_THINGS = _words("the a an my our this these those some what his her their it")  # "send Sam the list"
_OUTS = _words("door sack boot slip cold push chop axe")  # "show Sam the door"
_PLACES = _words("order buy book reserve reservation")  # "Sam recommended Lotus House. Book it."
_OUT = re.compile(
    r"(?:leav\w+|keep\w*|drop\w*|cut\w*|str(?:ike|iking)|tak\w+|count\w*|remov\w+|exclud\w+|skip\w*|hid\w+|block\w*|mut\w+|ignor\w+|avoid\w*|except|without|"
    r"behind|minus|save|bar|barring|beware|forget|instead|rather|apart|other|aside|but|not|never|against)"
)
_AWAY = _words("break distance protection relief away rid rest far shelter escape space rather anywhere")
_LETTERS = _words("""
    mail mails email emails e-mail e-mails message messages letter letters invoice invoices bill bills note notes post news reply answer invitation
    invitations file files call calls text texts question request offer spam
""")
_RIGHTS = _words("read write edit view full comment reading writing editing")
_EVENTS = _words("""
    event meeting lunch dinner breakfast brunch call appointment chat date session coffee tea drinks slot hour time entry walk run trip hike visit
    reminder party call
""")
_DAYS = _words("monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september october november december i i'm i’m")
_MEETS = _words("cancel visit meet book schedule move reschedule invite look read check plan find answer see put block arrange")
_IDIOM = re.compile(
    r"\b(?:(?:it[’']?s|it is|that[’']?s) )?(?:not urgent|no (?:rush|hurry|worries|problem|need to hurry))\b[,:]?|^\s*not today\s*[:,](?=.*\b(?:tomorrow|"
    r"on \w+day|next)\b)", re.I
)
_HEARD = re.compile(
    r"\b(?:i|we)(?:[’']ve| have)? ?(?:not|never|haven[’']t) (?:yet )?heard (?:back |anything )?from (\S+(?: [^\W\da-z]\S*)?)(?=,? (?:and |so |"
    r"please )*(?:ask|remind|write|mail|call|ping|nudge|text)\b(?: (?:again|him|her|them|please|once more))*\s*$)", re.I
)
_SINCE = re.compile(
    r"^\s*(?:(?:and|so|but) )?(?:since|as|because|if|when|while|in case) (?:(?:i|we|he|she|it|they|there|that)(?:[’']m|[’']re|[’']s| am| are| is| was|"
    r" were) not|(?:nobody|no one|none of us)(?: is| was|[’']s)|"
    r"(?:i|we|he|she|it|they) (?:are|is|was|were)n[’']t)(?: (?!to\b|you\b|let\b|want\w*\b|have\b|or\b|and\b|willing\b|"
    r"going\b)[\w’'-]+){1,5}?,? (?=(?:please )?(?:mail|email|tell|ask|write|text|message|call|inform|notify|remind|send|let) (?:to )?\S)", re.I
)
_SHOPPING = re.compile(
    r"^\s*(?:please |can you |could you |and |then |also )*(?:order|buy|get|purchase|find|search|reserve|book|pick|choose)\b(?! (?:no|nothing|none|not|"
    r"never|without)\b)", re.I
)
_FEATURE = re.compile(
    r"(?:\b(?:that|which) (?:is|are) )?\b(?:with no|without|with out|w/o|no|not too|not so|not very)\s+(?:an?\s+|any\s+)?[a-z-]+(?:\s(?!from\b|at\b|for\b|"
    r"to\b|with\b|in\b)[a-z-]+)?(?=\s+(?:from|at|for|in|on|by)\b|\s*,|\s*$)"
)
_RELATES = re.compile(
    r"\w+ing\b|\b(?:cc|bcc|cop\w+|mails?|e-?mails?|messages?|notes?|word|notice|help|support|advice|input|anything|something|stuff|goods|products?|items?|"
    r"parts?|orders?|deliver\w+|news|access|one|ones|any|part|more|made|sold|me|him|her|them|you)\b", re.I
)
_SUBJECT = re.compile(
    r"(?:asked|asks|wrote|writes|needs|wants|mailed|emailed|called|texted|phoned|rang|messaged|waits|is\s(?:asking|waiting)|has\s(?:asked|written|called)|"
    r"would\slike|wants)\b\s*(?!by\b)([^\W\da-z]|\S+@)?"
)
_QUANTITY = re.compile(r"\s*(?:please |also |and )*(?:a|an|one|two|three|four|five|six|ten|another|some|\d+|the usual)\b", re.I)
_OCCASION = re.compile(r"\s*(?:lunch|dinner|breakfast|brunch|coffee|drinks|tea|meeting|call|run|walk|date)\b", re.I)
_TOPIC_BID = re.compile(r":\s*(?:please )?(?:order|buy|get|book|reserve|check|search) ", re.I)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the request, or a mark between words: as compared, and as typed."""

    clean: str
    raw: str
    possessive: bool = False

    @property
    def name(self) -> bool:
        """Whether it looks like a name of somebody."""
        return "@" in self.raw or self.raw[:1].isupper() or self.raw[:1] == "\ue000" or "." in self.clean

    @property
    def mark(self) -> bool:
        return not self.clean or self.clean in ("&",)


class Bidden:
    """Answers whether words of the request stand in it as whom something is bidden for."""

    def __init__(self, pieces: list[tuple[list[Word], bool]], whole: list[Word], text: str) -> None:
        self._whole = whole
        self._slots: list[tuple[list[Word], int, str]] = []
        if _TAKEN_BACK.search(text):
            return
        for number, (words, asks) in enumerate(pieces):
            for place, how in slots(words, asks):
                if how == "pronoun" or how == "errand" and _WANTS_ME.search(text):
                    self._slots += _before(pieces[:number], words, place)
                elif how == "errand":
                    continue
                else:
                    self._slots.append((words, place, how))
            self._slots += [(words, n, "object") for n in hosts(words)]
            elsewhere = any(w.clean in ("at", "from") and after.name and after.clean not in _DAYS for w, after in pairwise(words))
            if not elsewhere and any(w.clean in _PLACES for w in words):
                self._slots += [(of, n + 1, "object") for of, _ in pieces[:number] for n, w in enumerate(of) if w.clean in ("recommended", "suggested")]

    def __call__(self, wanted: list[str]) -> bool:
        stands = [(words, at) for words, place, how in self._slots for at in _begins(words, place) if _stands(words, at, len(wanted), wanted, how)]
        return bool(stands) and not self._left_out(wanted, {tuple(w.clean for w in words[max(at - 2, 0) : at]) for words, at in stands})

    def _left_out(self, wanted: list[str], bidden: set[tuple[str, ...]]) -> bool:
        """Whether the same name stands elsewhere as somebody who is left out."""
        whole, size = self._whole, len(wanted)
        for at in range(len(whole) - size + 1):
            if [w.clean for w in whole[at : at + size]] != wanted or tuple(w.clean for w in whole[max(at - 2, 0) : at]) in bidden:
                continue
            near = [w.clean for w in whole[max(at - 4, 0) : at]]
            near = near[max((n + 1 for n, word in enumerate(near) if not word), default=0) :]
            if any(_OUT.fullmatch(word) for word in near):
                return True
        return False


def harmless(clause: str) -> str:
    """The clause with blanks where it denies nothing of what is bidden: "socks without seams from …", "since I'm not at home tell …"."""
    clause = _HEARD.sub(lambda m: "remind " + m.group(1), clause)
    for idiom in (_IDIOM, _SINCE):
        clause = idiom.sub(lambda m: " " * len(m.group()), clause)
    if _SHOPPING.search(clause):
        clause = _FEATURE.sub(lambda m: m.group() if _RELATES.search(m.group()) else " " * len(m.group()), clause)
    return clause


def _begins(words: list[Word], place: int) -> Iterator[int]:
    """Where a name may begin whose place this is: behind "my" and "the" too, and behind what the person is."""
    at = place
    yield at
    while at < len(words) and words[at].clean in _DETERMINERS and at - place < 3:
        at += 1
        yield at
    if at > place:
        for n in range(at + 1, min(at + 3, len(words))):
            if words[n - 1].mark or words[n - 1].possessive or words[n - 1].clean in _FUNCTION:
                return
            if words[n].name:
                yield n
                return


def _stands(words: list[Word], at: int, size: int, wanted: list[str], how: str) -> bool:
    if [w.clean for w in words[at : at + size]] != wanted:
        return False
    last, behind = words[at + size - 1], words[at + size] if at + size < len(words) else None
    return not last.possessive or how == "whose" and behind is not None and behind.clean in _LETTERS or behind is None or behind.mark or behind.clean in _FUNCTION


def _before(pieces: list[tuple[list[Word], bool]], words: list[Word], at: int) -> list[tuple[list[Word], int, str]]:
    """Whom "her" or "them" is in "mail her": who alone was named before as somebody who wrote or needs something, or is met."""
    earlier = [*((words, len(words)) for words, _ in pieces), (words, at)]
    names = [(of, n) for of, end in earlier for n in range(end) if of[n].name and (n or _subject(of)) and not of[n - 1].name and of[n].clean not in _DAYS]
    if any(w.clean in _PRONOUNS for of, n in earlier for w in of[:n]):
        return []
    first = next(((of, 0) for of, end in earlier if end and _subject(of)), None)
    if first is not None and all(of is first[0] and n < 4 for of, n in names):
        return [(first[0], 0, "object")]
    met = all(_verb_at(of, 0) is not None and of[_verb_at(of, 0) or 0].clean in _MEETS for of, _ in names)
    them = "them" in [w.clean for w in words[at : at + 4]]
    return [(of, n, "object") for of, n in names] if names and met and (them or len({of[n].clean for of, n in names}) == 1) else []


def _subject(words: list[Word]) -> bool:
    """Whether a piece begins with somebody who wrote, asked or needs something, and with nobody else in it right behind."""
    text = " ".join(w.raw for w in words)
    found = re.match(rf"(?:(?:[Mm]y|[Oo]ur|[Tt]he)\s\S+(?:\s\S+)?|\S+(?:\s[^\W\da-z]\S*)?)\s{_SUBJECT.pattern}", text)
    return found is not None and not (found[1] or "")[:1].isupper()


def slots(words: list[Word], question: bool) -> Iterator[tuple[int, str]]:
    """Where somebody stands for whom something is bidden in one piece of the request: the index of the word, and how (`object`,
    `whose` where what somebody wrote is answered, `pronoun` and `errand` where it is who was named before)."""
    text = " ".join(w.raw for w in words)
    if _ASIDE.search(text):
        return
    starts = [0, *(n + 1 for n, w in enumerate(words) if _BREAK.match(w.raw))]
    asking = question and not re.match(r"\s*(?:hi|hey|hello|so|and|also|please|ok|yes|,|\s)*(?:can|could|would|will|may|please)\b", text, re.I)
    if asking:
        yield from _asked(words, text)
        return
    yield from _verbless(words, text)
    for start in starts:
        at = _verb_at(words, start)
        if at is None:
            continue
        for place, how in _frame(words, at):
            yield place, how


def _verb_at(words: list[Word], start: int) -> int | None:
    """The index of the bidding verb that this clause begins with."""
    rest = words[start:]
    text = " ".join(w.raw for w in rest) + " "
    led = _LEADS.match(text)
    lead = led.group() if led else ""
    at = start + len(lead.split())
    while at < len(words) and at > start and words[at - 1].mark:
        at -= 1
    if at < len(words) and words[at].clean in _VERBS and not (lead.lower().split()[-1:] in (["i"], ["we"]) and words[at].clean not in _I_NEED):
        return at
    return None


def _frame(words: list[Word], at: int) -> Iterator[tuple[int, str]]:
    verb, behind = words[at].clean, at + 1
    stop = _end(words, behind, verb)
    clause = [w.clean for w in words[behind : stop + 1]]
    if _NOTHING & set(clause) or "off" in clause[:5]:
        return
    while behind < stop and words[behind].clean in ("also", "out", "up", "back", "both", "then", "please", "once", "again"):
        behind += 1
    direct = behind < stop and words[behind].clean not in _FUNCTION | _words("it this that everything something") and not words[behind].mark
    addressed = False
    if direct and verb in _ADDRESSES:
        ends = _list(words, behind, stop)
        last = max(ends.values(), default=behind)
        thing = last < stop and words[last].clean == "to" and last + 1 < stop and (words[last + 1].name or words[last + 1].clean in _DETERMINERS) and verb in _TO
        addressed = words[behind].name and not thing
        if not thing:
            yield from _items(ends, possessive=verb == "answer")
    if direct and verb in _HANDS | _ABOUT | {"add"}:
        ends = _list(words, behind, stop)
        last = max(ends.values(), default=behind)
        tail = " ".join(w.raw for w in words[last:])
        shown_out = [w.clean for w in words[last : last + 1]] == ["the"] and any(w.clean in _OUTS for w in words[last + 1 : last + 2])
        given = verb in _HANDS and last < stop and words[last].clean in _THINGS and not shown_out
        told = verb in _ABOUT and _KNOW.match(tail)
        joined = verb == "add" and last < stop and words[last].clean in ("to", "as") and _EVENT & {w.clean for w in words[last : last + 7]}
        if given or told or joined:
            addressed = True
            yield from _items(ends)
    if direct and verb in _VISITS and verb not in _ADDRESSES or verb == "search":
        yield from _items(_list(words, behind, stop))
    if verb in ("check", "see", "find") and behind < len(words) and words[behind].clean in ("whether", "if"):
        yield from _has(words, behind + 1)
    leads = {n for n in range(behind, stop) if words[n].clean in _prepositions(verb) and _led(words, n, behind, verb)}
    if verb in ("reply", "respond", "answer"):  # "reply to the last mail of Sam"
        leads |= {n for n in range(behind + 1, stop) if words[n].clean in ("of", "from") and words[n - 1].clean in _LETTERS}
    if verb == "get" and [w.clean for w in words[at + 1 : at + 3]] == ["back", "to"]:
        leads.add(at + 2)
    to = [n for n in leads if words[n].clean == "to"]
    if addressed:
        leads -= set(to)
    for same in (to, [n for n in leads if words[n].clean == "with"], [n for n in leads if words[n].clean == "from"]):
        if len(same) > 1 and not all(words[n - 1].mark or words[n - 1].clean == "and" for n in sorted(same)[1:]):
            leads -= set(same)  # "mail my answer to Eve to Sam"
    for n in sorted(leads):
        if n + 1 < stop:
            yield from _items(_list(words, n + 1, stop), possessive=verb in ("reply", "respond", "answer"))
    pronoun = words[behind].clean if behind < len(words) else ""
    if verb == "do" and pronoun in ("that", "so", "it"):
        yield at, "errand"
    if pronoun in _PRONOUNS or any(words[n + 1].clean in _PRONOUNS for n in leads if n + 1 < len(words)):
        yield at, "pronoun"


def _prepositions(verb: str) -> frozenset[str]:
    found = {"to", "cc"} if verb in _TO else {"to"} if verb in ("order", "buy") else set()
    found |= {"with"} if verb in _WITH | _WITH_EVENT else set()
    return frozenset(found | ({"at", "from", "on", "via", "through"} if verb in _SHOPS else {"at", "on"} if verb in _VISITS | _ADDRESSES else set()))


def _led(words: list[Word], at: int, behind: int, verb: str) -> bool:
    """Whether a preposition leads to somebody here: an address is nobody's shop, a mail from Sam is read and not sent, and so on."""
    preposition, name, between = words[at].clean, words[at + 1] if at + 1 < len(words) else Word("", ""), {w.clean for w in words[behind:at]}
    if preposition in ("at", "on", "from", "via", "through") and verb in _ADDRESSES | _TO:
        return preposition in ("at", "via") and "@" in name.raw
    if preposition in ("on", "via", "through"):
        return "." in name.clean and "@" not in name.raw
    if preposition in ("at", "from"):
        return "@" not in name.raw and not between & (_AWAY | _LETTERS if preposition == "from" else _AWAY)
    if preposition == "with" and name.clean in _RIGHTS:
        return False  # "share it with Sam with read permissions"
    if preposition == "with" and verb in _WITH_EVENT:
        return bool(between & _EVENTS)
    return True


def _end(words: list[Word], start: int, verb: str) -> int:
    """Where what is bidden with stops, and what is to be told begins."""
    for n in range(start, len(words)):
        word = words[n]
        after = words[n + 1] if n + 1 < len(words) else Word("", "")
        that_to = n == start and (word.clean, after.clean) == ("that", "to")  # "write that to Sam"
        if word.raw in (":", ";", "–", "—", "-") or word.clean in _CONTENT - {"so"} and not that_to:
            return n
        if word.clean == "know" and verb == "let":
            return n
        if (word.clean in ("and", "then", "&") or word.raw == ",") and _verb_at(words, n + 1) is not None:
            return n
        if n > start and word.clean == "to" and words[start].name and verb in _ADDRESSES and after.clean and not after.name and after.clean not in _DETERMINERS:
            return n  # "mail Sam to ring Ruth"
    return len(words)


def _list(words: list[Word], start: int, stop: int) -> dict[int, int]:
    """Names in a row: of each the index where it may begin and where it ends."""
    found: dict[int, int] = {}
    at, kind = start, ""
    while at < stop:
        begin = at
        if kind and words[at].clean in ("to", "from", "with", "at"):
            begin = at = at + 1
        while at < stop and at - begin < ITEM_WORDS_MAX + 2 and words[at].clean in _DETERMINERS - {"to", "at"}:
            at += 1
        end = at
        named = at < stop and words[at].name
        while end < stop and end - at <= ITEM_WORDS_MAX and _goes_on(words, at, end, named):
            end += 1
            if words[end - 1].possessive and words[end - 1].name and not (end < stop and words[end].name):
                break
        if end == at or (kind and words[at].clean in _VERBS):
            break
        after = words[end].clean if end < len(words) else ""
        over = end >= len(words) or words[end].raw in (",", "(", ")", ":", "-", "–", "—", ";")
        if kind == "," and after == "to" and _EVENT & {w.clean for w in words[end : end + 4]}:
            found[begin] = end
            break
        if kind == "," and not (over or after in ("and", "&") or after in _COMMA_CLOSES):
            break
        if kind == "and" and not (over or after in ("and", "&", "then", "so") or after in _CLOSES):
            break
        found[begin] = end
        kind = ""
        if end + 1 < len(words) and words[end].clean == "at" and "@" in words[end + 1].raw:
            found[end + 1] = end + 2  # "to my wife at jane@x.example"
            end += 2
        if end < stop and words[end].raw == "(":
            close = next((n for n in range(end, min(end + 4, len(words))) if words[n].raw == ")"), None)
            if close is not None:
                found[end + 1] = close
                end = close + 1
        if end < stop and words[end].raw == "," and end + 1 < stop and words[end + 1].clean in ("and", "&"):
            kind, at = "and", end + 2
        elif end < stop and words[end].raw == ",":
            kind, at = ",", end + 1
        elif end < stop and words[end].clean in ("and", "&", "plus"):
            kind, at = "and", end + 1
        else:
            break
        if at < stop and words[at].clean in ("also",):
            at += 1
    return found


def _goes_on(words: list[Word], at: int, end: int, named: bool) -> bool:
    """Whether the name that begins at `at` has this word too."""
    word = words[end]
    if word.clean in _FUNCTION or word.raw != "&" and _BREAK.match(word.raw):
        return False
    return end == at or word.clean not in _CLOSES and (not named or word.name and "@" not in word.raw)


def _items(ends: dict[int, int], possessive: bool = False) -> Iterator[tuple[int, str]]:
    for begin in ends:
        yield begin, "whose" if possessive else "object"


def _has(words: list[Word], at: int) -> Iterator[tuple[int, str]]:
    """ "see whether Northside Sports has socks" """
    for n in range(at + 1, min(at + 6, len(words))):
        if words[n].clean in _words("has have sells sell stocks stock carries carry offers offer opens"):
            yield at, "object"
            return


def _asked(words: list[Word], text: str) -> Iterator[tuple[int, str]]:
    """Of a question, whose shop or page is asked: "What do gloves cost at Green Shed?", "Does Corner Books have it?" """
    if not _ASKS.match(text) or _PAST.search(text) or any(w.clean in _NOTHING or w.clean in ("not", "no") for w in words):
        return
    for n, word in enumerate(words[:-1]):
        if word.clean == "at" or word.clean == "on" and "." in words[n + 1].clean:
            yield n + 1, "object"
        if n == 0 and word.clean in ("does", "has"):
            yield from _has(words, 1)


def _verbless(words: list[Word], text: str) -> Iterator[tuple[int, str]]:
    if any(w.clean in _NOTHING or w.clean in ("not", "no", "break", "less", "fewer") for w in words):
        return
    if _QUANTITY.match(text) and any(w.clean == "please" for w in words):
        yield from ((n + 1, "object") for n, w in enumerate(words[:-1]) if w.clean in ("from", "at"))
    if _OCCASION.match(text):
        yield from ((n, "object") for k, w in enumerate(words[:-1]) if w.clean == "with" for n in _list(words, k + 1, len(words)))
    if _TOPIC_BID.search(text) and any(w.raw == "," for w in words[:5]):
        yield 0, "object"
    for n, word in enumerate(words[:-1]):
        if word.clean == "is" and n and words[n - 1].clean in ("address", "e-mail", "email", "mail", "account", "iban") and "@" in words[n + 1].raw:
            yield n + 1, "object"


def hosts(words: list[Word]) -> Iterable[int]:
    """Pages and hosts that the piece points at."""
    leads = _words("at on from of visit read open check see webpage page site website summarize summarise url link to the is in")
    wary = _words("beware avoid block away fake scam phishing spam suspicious fraud hide report mute unsubscribe blacklist ban fraudulent evil")
    if any(w.clean in wary for w in words):
        return []
    return [n for n, w in enumerate(words) if "." in w.clean and "@" not in w.clean and n and (words[n - 1].clean in leads or words[n - 1].raw in (":", "("))]
