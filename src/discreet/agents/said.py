"""What the user typed: which literals of a plan are whole tokens of the request, and in what way (G3.6).

A literal is typed when its words stand in the request, whole and in order, and said when it stands there as whom something is bidden for
(bidden.py): only that counts for whom something goes to. What is denied is named at most. Not even named: what stands in quotation marks of any
kind, over lines too, or behind a quote mark `>` (one word in single marks is a name), all from a mark on that is not closed as it was opened,
long opaque tokens that nobody types by hand (an IBAN, a key), and part of a longer token. Denied is what follows a negation in its clause ("do not
write to bob@x", "don't mail Bob, mail Sam", "ignore bob@x"), unless the literal holds the negation too ("socks without seams"), and who is named before one as
somebody who must not ("bob@x should not get it"). Doubt lowers the standing, and what was named in doubt is asked; a standing is evidence, never leave.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from discreet.agents.bidden import TAKEN_BACK, Bidden, Word, harmless
from discreet.kernel.value import Standing

OPAQUE_CHARS_MIN = 16  # a token this long that mixes digits and letters is taken to be pasted

_TOKEN = re.compile(r"(?:[^\s,;:!?()\[\]{}<>\"“”„«»]|(?<=\d)[:,](?=\d))+")  # 10:30 and 1,000 are one token
_PART = re.compile(r"(?<!\d)[,;:]|[,;:](?!\d)|[()\[\]{}]")  # words on both sides of these are not one name
_WORD_OR_MARK = re.compile(rf"{_TOKEN.pattern}|[,:;()—–&]")
_HANDLE = re.compile(r"\[\[(\d+)\]\]")
_MARK = re.compile(r"```|''|[\"“”„‟«»‹›「」『』＂`‘’‚']")
_PAIRS = frozenset(("\"\"", "“”", "„“", "„”", "„\"", "””", "«»", "»«", "»»", "‹›", "›‹", "「」", "『』", "＂＂"))
_SINGLE, _FENCES = "'’‘‚", ("```", "''", "`")
_CITED = re.compile(r"^[^\S\n]*[>＞].*$", re.M)
# What ends a sentence: no dot of a title, an initial ("U.S. Shop", "J. Doe") or a firm ("Marks & Co. London").
_STOP = re.compile(
    r"(?<!\bDr)(?<!\bMr)(?<!\bMs)(?<!\bMrs)(?<!\bProf)(?<!\bSt)(?<!\bCo)(?<!\bInc)(?<!\bLtd)(?<!\bCorp)(?<!\bBros)(?<!\bJr)(?<!\bSr)(?<!\b[^\W\d_])"
    r"\.(?=\s|$)|[!?;\n](?=\s|$)|(?<!one )(?<!body )(?<!\ball )\bbut\b"
)
_NEGATION = re.compile(
    r"\b(?!no(?:t)? (?:later|earlier|more|less|before|after|longer) than\b)(?!(?:do not|\w+n[’']t|not|never) forget\b)"  # these forbid nothing
    r"(?:not(?! forget\b)|never|no|nobody|none|cannot|without|except|excluding|unless|unlike|neither|nor|avoid(?:ing)?|instead of|rather than|other than|(?:\w*one|\w*body|all) but|"
    r"ignor(?:e|ing)|exclude|skip|refuse|forbid|prohibit|ban|stop(?=\s+\w+ing\b)|block(?!\s+(?:an?|my|the|some|out|off|\d+)\b)|\w+n[’']t|(?:do|does|did|should|must|ca|wo)nt|"
    r"nicht|nie|niemals|kein(?:e[mnrs]?)?|ohne|außer)\b",
    re.I,
)
_TAKES_BACK = re.compile(r"not|no|never|neither|nor|none|nobody", re.I)
_AUXILIARY = re.compile(r"(?:\b(?:is|are|was|were|am|do|does|did|will|can|could|has|have|had|would|should|must|may|might)|[’'](?:m|re|s|ve|d|ll)|[,:;–—])\s*$", re.I)
_NAME_NEXT = re.compile(r"\s*to\s+[a-z]|\s*(?:(?:my|the|our|to|from|with|at)\s)?(?:[^\W\da-z]|\S+@)")
_MODAL = re.compile(r"\b(?:must|should|shall|may|ought|need|nobody|none)(?:n[’']?t)?\s*$", re.I)
_DO = frozenset(
    """add answer ask book buy call check choose contact email file find forward get give inform invite keep mail make message move notify order pay phone
    pick ping purchase put read remind reply reserve return ring save schedule search send show take tell text transfer try use write""".split()
)
# After a negation, a comma or a dash and a verb may begin what is to be done: "don't mail Bob, mail Sam". The first group is a word that says so.
_TURN = re.compile(
    rf"(?:,|\s[-–—]|\s(?=so please\b))\s*((?:(?:and|so|then|please|instead|rather|just)\s+)*)(?=(?:{'|'.join(sorted(_DO))})\s+(?!(?:or|nor|and)\b)"
    r"(?:(?:to|with|for|from|at|in|on|up|out|off|back|it|this|that|only)\s+)*(?P<object>[^\W\da-z]|\d|\S+@|my\b|our\b|the\b|an?\b|his\b|her\b|their\b|him\b|them\b|me\b)?)"
)
_BIDDEN = re.compile(rf"(?:^|,|\b(?:and|then|please|you|to|instead|just)\s)\s*(?:{'|'.join(sorted(_DO))})\s", re.I)
_OR = re.compile(r"\b(?:or|nor)\b", re.I)
_POSSESSIVE = re.compile(r"[’']s$")
_THOUSANDS = re.compile(r"^[€$£]?\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?$")
_MONEY = re.compile(r"^[€$£]?(\d+(?:[.,]\d{1,2})?)(?:€|eur|euros?|usd|gbp)?$", re.I)


class Said:
    """Answers whether a literal is user-said. Call it with a text or a number."""

    def __init__(self, request: str) -> None:
        request = _HANDLE.sub(_as_word, request)
        typed = _unquoted(request)
        clauses = _clauses(typed)
        pieces = [(piece, asks) for clause, asks in clauses for piece in _affirmed(harmless(clause))]
        self._named, self._typed = _runs(clause for clause, _ in clauses), _runs(piece for piece, _ in pieces)
        self._tokens = {token for run in self._named for token in run}
        self._texts: dict[str, Standing] = {}
        self._numbers = {n for run in self._typed for token in run if (n := _number(token)) is not None}
        self._bidden = Bidden([(_read(piece), asks) for piece, asks in pieces], _read(" ; ".join(harmless(clause) for clause, _ in clauses)), typed)

    def __call__(self, literal: Any) -> bool:
        """Whether it is said: a text as whom something is bidden for, a number as one that was typed."""
        return self.standing(literal) >= (Standing.USER if isinstance(literal, str) else Standing.TYPED)

    def standing(self, literal: Any) -> Standing:
        if isinstance(literal, bool) or not isinstance(literal, (int, float, str)):
            return Standing.PLANNER
        if not isinstance(literal, str):
            return Standing.TYPED if float(literal) in self._numbers else Standing.PLANNER
        known = self._texts.get(literal)  # a plan's literals are asked about before the run and in it
        return self._texts.setdefault(literal, self._standing(literal)) if known is None else known

    def _standing(self, literal: str) -> Standing:
        wanted = [cleaned for token in _TOKEN.findall(_HANDLE.sub(_as_word, literal)) if (cleaned := _clean(token, typed=False))]
        if not wanted or not self._tokens.issuperset(wanted) or any(_opaque(token) for token in wanted) or not _within(wanted, self._named):
            return Standing.PLANNER
        if self._bidden(wanted):
            return Standing.USER
        return Standing.TYPED if _within(wanted, self._typed) or len(wanted) > 1 and _NEGATION.search(" ".join(wanted[1:-1])) else Standing.NAMED


def _runs(texts: Iterable[str]) -> list[list[str]]:
    return [[cleaned for token in _TOKEN.findall(part) if (cleaned := _clean(token))] for text in texts for part in _PART.split(text)]


def _within(wanted: list[str], runs: list[list[str]]) -> bool:
    return any(run[i : i + len(wanted)] == wanted for run in runs for i in range(len(run) - len(wanted) + 1))


def _clauses(text: str) -> list[tuple[str, bool]]:
    """Clauses as they end, each with whether it asks."""
    found, at = [], 0
    for stop in _STOP.finditer(text):
        found.append((text[at : stop.start()], stop.group() == "?"))
        at = stop.end()
    return [*found, (text[at:], False)]


def _read(text: str) -> list[Word]:
    """The words and the marks between them."""
    found = []
    for token in _WORD_OR_MARK.finditer(text):
        clean = _clean(token.group()) if _TOKEN.fullmatch(token.group()) else ""
        found.append(Word(clean, token.group().strip("'’") or token.group(), _POSSESSIVE.search(token.group().rstrip(".…")) is not None))
    return found


def _affirmed(clause: str) -> list[str]:
    """What of a clause is not denied: all before its negation, and what begins anew after it (`_TURN`).

    In doubt nothing does. Verbs in a row may all be denied ("don't mail, call, text Sam"), and so may clauses in a row or before an `or`
    ("don't tell Ann, call Bob or mail Sam"): then only what `and`, `then`, `please` or `instead` begins is anew.
    """
    negation = _NEGATION.search(clause)
    if negation is None:
        return [clause]
    rest = clause[negation.end() :]
    turns = [turn for turn in _TURN.finditer(rest) if not _DO.issuperset(rest[: turn.start()].replace(",", " ").split()) and (turn[1] or turn["object"])]
    bare = [turn for turn in turns if not turn[1]]
    doubtful = len(bare) > 1 or (bare and _OR.search(rest[bare[0].end() :]))
    begin = next((turn for turn in turns if turn[1] or not doubtful), None)
    if re.match(r"\s*,", rest):
        begin = None  # "do not, I repeat, mail eve@x"
    head = _named_before(clause[: negation.start()], negation.group())
    if _TAKES_BACK.fullmatch(negation.group()) and not _NAME_NEXT.match(rest) and not _AUXILIARY.search(head):
        head += f" {TAKEN_BACK}"  # "tell Sam not a word"
    return [head, *(_affirmed(rest[begin.end() :]) if begin else [])]


def _named_before(head: str, negation: str) -> str:
    """What stands before a negation, without what it denies: the end of it, where somebody must not or should never, and nothing is bidden."""
    *earlier, last = re.split(r"(?<=[,:—–])(?=\s*\S)", head.rstrip()) or [""]
    forbids = _MODAL.search(last) or _MODAL.search(negation) or negation.lower() == "never"
    return "".join(earlier) if forbids and not _BIDDEN.search(last) else head


def _unquoted(request: str) -> str:
    """The request with blanks where it quotes: over lines, in fences, by marks of many scripts.

    From a mark on that has no end, or one of another kind, all to the end may be quoted. An apostrophe and the mark of inches or feet
    behind a number quote nothing.
    """
    text = _CITED.sub(lambda m: " " * len(m.group()), request)
    marks = [m for m in _MARK.finditer(text) if not _apostrophe(text, m)]
    kept, at = [], 0
    for number, first in enumerate(marks):
        if first.start() < at or _measure(text, first, marks[number + 1 :]):
            continue
        end = _end(text, first, marks[number + 1 :])
        if first.group() in "'’" and not _cites(text[first.start() : end]):
            continue
        kept.append(text[at : first.start()] + " " * (end - first.start()))
        at = end
    return "".join([*kept, text[at:]])


def _end(text: str, first: re.Match[str], later: list[re.Match[str]]) -> int:
    """Where the quotation ends that a mark begins: behind its own other mark, else with the text."""
    opening = first.group()
    alike = opening if opening in _FENCES else _SINGLE if opening in _SINGLE else ""
    last = next((m for m in later if (m.group() in alike if alike else m.group() not in _FENCES and m.group() not in _SINGLE)), None)
    if last is None or not (alike or opening + last.group() in _PAIRS) or (opening in _FENCES and last.group() != opening):
        return len(text)
    if text[last.start() - 1].isdigit() and sum(m.group() == last.group() for m in later) % 2 == 0:
        return len(text)  # it may be a measure within the quotation
    return last.end()


def _cites(text: str) -> bool:
    """Whether more than a name stands in single marks: words, and an address among them."""
    return re.search(r"\s", text) is not None and re.search(r"[@/]|" + "\ue000", text) is not None


def _apostrophe(text: str, mark: re.Match[str]) -> bool:
    """Whether a mark stands within a word, before a year or alone."""
    before, after = text[mark.start() - 1 : mark.start()], text[mark.end() : mark.end() + 1]
    inside = before.isalnum() and after.isalnum()
    return inside and mark.group() in "'’`" or mark.group() in "'’" and (after.isdigit() or before.isspace() and after.isspace())


def _measure(text: str, mark: re.Match[str], later: list[re.Match[str]]) -> bool:
    """Whether a mark that could begin a quotation stands behind a number or a word, and no quotation is left open by that."""
    before, after = text[mark.start() - 1 : mark.start()], text[mark.end() : mark.end() + 1]
    if mark.group() in "'’":
        return before.isalnum()  # 5 feet, or a plural's possession
    if mark.group() not in ('"', "''", "”") or not before.isdigit() or after.isalnum():
        return False
    return sum(m.group() == mark.group() and not text[m.start() - 1].isdigit() for m in later) % 2 == 0


def _as_word(handle: re.Match[str]) -> str:
    return f"\ue000{handle.group(1)}\ue000"  # one word, which nobody types


def _clean(token: str, typed: bool = True) -> str:
    """One spelling of a token; an address or a dotted name is another one as soon as a letter differs."""
    if "@" in token or "." in token.strip("."):
        if typed:  # what ends a sentence or a word there is written in a plan, and part of the address
            token = _POSSESSIVE.sub("", token.strip(".'’…"))
        elif "@" not in token:
            token = token.rstrip(".")
        return token.lower() if token.isascii() else token
    return _POSSESSIVE.sub("", token.strip(".'’…")).casefold()


def _number(token: str) -> float | None:
    token = token.replace(",", "") if _THOUSANDS.match(token) else token
    found = _MONEY.match(token)
    return float(found.group(1).replace(",", ".")) if found else None


def _opaque(token: str) -> bool:
    mixed = any(c.isdigit() for c in token) and any(c.isalpha() for c in token)
    return len(token) >= OPAQUE_CHARS_MIN and mixed and "@" not in token
