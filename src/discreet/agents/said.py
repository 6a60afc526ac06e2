"""What the user typed: which literals of a plan are whole tokens of the request (G3.6).

A literal is user-said when its words stand in the request, whole and in order. Not user-said: what stands in quotation marks
or behind a quote mark `>` (one word in single marks is a name), what follows a negation in its clause ("do not write to bob@x", "don't mail Bob, mail
Sam"), long opaque tokens that nobody types by hand (an IBAN, a key), and part of a longer token. Doubt lowers the standing; a standing is
evidence, never leave.
"""

from __future__ import annotations

import re
from typing import Any

OPAQUE_CHARS_MIN = 16  # a token this long that mixes digits and letters is taken to be pasted

_TOKEN = re.compile(r"(?:[^\s,;:!?()\[\]{}<>\"“”„«»]|(?<=\d)[:,](?=\d))+")  # 10:30 and 1,000 are one token
_PART = re.compile(r"(?<!\d)[,;:]|[,;:](?!\d)|[()\[\]{}]")  # words on both sides of these are not one name
_HANDLE = re.compile(r"\[\[(\d+)\]\]")
_QUOTED = re.compile(r"(?<!\w)'(?=[^'\n]*\s)[^'\n]*[@/][^'\n]*'(?!\w)|‘[^’\n]*’|\"[^\"\n]*\"|“[^”\n]*”|„[^“\n]*“|«[^»\n]*»|(?m:^\s*>.*$)|`[^`\n]*`")
# What ends a sentence: no dot of a title, an initial ("U.S. Shop", "J. Doe") or a firm ("Marks & Co. London").
_STOP = re.compile(
    r"(?<!\bDr)(?<!\bMr)(?<!\bMs)(?<!\bMrs)(?<!\bProf)(?<!\bSt)(?<!\bCo)(?<!\bInc)(?<!\bLtd)(?<!\bCorp)(?<!\bBros)(?<!\bJr)(?<!\bSr)(?<!\b[^\W\d_])"
    r"\.(?=\s|$)|[!?;\n](?=\s|$)|\bbut\b"
)
_NEGATION = re.compile(
    r"\b(?!no(?:t)? (?:later|earlier|more|less|before|after|longer) than\b)(?!(?:do not|don[’']t|not) forget\b)"  # these forbid nothing
    r"(?:not(?! forget\b)|never|no|without|except|unless|neither|nor|avoid|instead of|rather than|(?:do|does|did|should|must|ca|wo)n[’']?t|don[’']?t)\b",
    re.I,
)
_DO = frozenset(
    """add answer ask book buy call check choose contact email file find forward get give inform invite keep mail make message move notify order pay phone
    pick ping purchase put read remind reply reserve return ring save schedule search send show take tell text transfer try use write""".split()
)
# After a negation, a comma or a dash and a verb may begin what is to be done: "don't mail Bob, mail Sam". The first group is a word that says so.
_TURN = re.compile(
    rf"(?:,|\s[-–—])\s*((?:(?:and|then|please|instead|rather|just)\s+)*)(?=(?:{'|'.join(sorted(_DO))})\s+(?!(?:or|nor|and)\b)"
    r"(?:(?:to|with|for|from|at|in|on|up|out|off|back|it|this|that|only)\s+)*(?P<object>[^\W\da-z]|\d|\S+@|my\b|our\b|the\b|an?\b|his\b|her\b|their\b|him\b|them\b|me\b)?)"
)
_OR = re.compile(r"\b(?:or|nor)\b", re.I)
_POSSESSIVE = re.compile(r"[’']s$")
_THOUSANDS = re.compile(r"^[€$£]?\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?$")
_MONEY = re.compile(r"^[€$£]?(\d+(?:[.,]\d{1,2})?)(?:€|eur|euros?|usd|gbp)?$", re.I)


class Said:
    """Answers whether a literal is user-said. Call it with a text or a number."""

    def __init__(self, request: str) -> None:
        request = _HANDLE.sub(_as_word, request)
        typed = _QUOTED.sub(lambda m: " " * len(m.group()), request)
        self._runs: list[list[str]] = []
        for part in (part for clause in _STOP.split(typed) for piece in _affirmed(clause) for part in _PART.split(piece)):
            self._runs.append([cleaned for token in _TOKEN.findall(part) if (cleaned := _clean(token))])
        self._tokens = {token for run in self._runs for token in run}
        self._texts: dict[str, bool] = {}
        self._numbers = {n for run in self._runs for token in run if (n := _number(token)) is not None}

    def __call__(self, literal: Any) -> bool:
        if isinstance(literal, bool):
            return False
        if isinstance(literal, (int, float)):
            return float(literal) in self._numbers
        if not isinstance(literal, str):
            return False
        known = self._texts.get(literal)  # a plan's literals are asked about before the run and in it
        return self._texts.setdefault(literal, self._typed(literal)) if known is None else known

    def _typed(self, literal: str) -> bool:
        wanted = [cleaned for token in _TOKEN.findall(_HANDLE.sub(_as_word, literal)) if (cleaned := _clean(token, typed=False))]
        if not wanted or not self._tokens.issuperset(wanted) or any(_opaque(token) for token in wanted):
            return False
        return any(run[i : i + len(wanted)] == wanted for run in self._runs for i in range(len(run) - len(wanted) + 1))


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
    return [clause[: negation.start()], *(_affirmed(rest[begin.end() :]) if begin else [])]


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
