"""Reads an Authentication-Results header by the grammar of RFC 8601; what does not fit it vouches for nobody (G2.5).

Much of such a header is the attacker's: a server repeats the sender's own words in values, reasons and comments. So it is read by
tokens, and whatever can be read in two ways is not read at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

RESULTS_CHARS_MAX = 10_000
PARTS_MAX = 100
COMMENT_DEPTH_MAX = 20

_SPACE = re.compile(r"[ \t]+|\r?\n[ \t]")
_QUOTED = re.compile(r'"((?:[^"\\\r\n]|\\[^\r\n])*)"')
_PLAIN = re.compile(r'[^\s"();\\\x00-\x1f\x7f]+')
_METHOD = re.compile(r"([a-z0-9-]+)(?:/[0-9]+)?=([a-z0-9-]+)")
_PROPERTY = re.compile(r"([a-z0-9-]+(?:\.[a-z0-9_-]+)?)=(.*)", re.S)


@dataclass(frozen=True, slots=True)
class Result:
    """What one method came to, with the properties that it names, each with all its values."""

    method: str
    result: str
    properties: tuple[tuple[str, str], ...]

    def only(self, name: str) -> str | None:
        """The value of a property that is named once."""
        values = [value for key, value in self.properties if key == name]
        return values[0] if len(values) == 1 else None


@dataclass(frozen=True, slots=True)
class Results:
    """One header: which server says it, and what it says."""

    server: str
    results: tuple[Result, ...]

    def vouches_for(self, sender: str) -> bool:
        """Whether it says that `sender` is who wrote: by DMARC for the domain, or by a login of that address; said once, and
        nothing against it beside it."""
        sender = sender.lower()
        dmarc, auth = self._only("dmarc"), self._only("auth")
        if any(one.method == "dmarc" and one.result not in ("pass", "none") for one in self.results):
            return False
        by_domain = dmarc is not None and dmarc.result == "pass" and dmarc.only("header.from") == sender.rpartition("@")[2]
        by_login = auth is not None and auth.result == "pass" and auth.only("smtp.auth") == sender
        return by_domain or by_login

    def _only(self, method: str) -> Result | None:
        found = [one for one in self.results if one.method == method]
        return found[0] if len(found) == 1 else None


def read(header: str) -> Results | None:
    """The header's value as results, in lower case; None where it does not fit the grammar."""
    parts = _parts(header) if len(header) <= RESULTS_CHARS_MAX else None
    if not parts or len(parts) > PARTS_MAX:
        return None
    server, rest = parts[0], parts[1:]
    if not 1 <= len(server) <= 2 or any(quoted for _, quoted in server) or (len(server) == 2 and not server[1][0].isdigit()):
        return None
    if rest and not rest[-1]:
        rest = rest[:-1]  # many servers end with a semicolon
    if [[word for word, _ in part] for part in rest] == [["none"]]:
        return Results(_lower(server[0][0]), ())
    results = [_result(part) for part in rest]
    return None if None in results else Results(_lower(server[0][0]), tuple(one for one in results if one is not None))


Word = tuple[str, bool]  # as it reads without its quotation marks, and where these began before the equals sign


def _result(part: list[Word]) -> Result | None:
    """`method=result`, then `name=value` words."""
    method = _METHOD.fullmatch(_lower(part[0][0])) if part and not part[0][1] else None
    if method is None:
        return None
    properties = []
    for word, quoted in part[1:]:
        found = _PROPERTY.fullmatch(_lower(word))
        if found is None or quoted:
            return None
        properties.append((found[1], found[2]))
    return Result(method[1], method[2], tuple(properties))


def _lower(word: str) -> str:
    return word.lower() if word.isascii() else word  # other alphabets have letters that turn into ours


def _parts(header: str) -> list[list[Word]] | None:
    """Words between semicolons; comments and white space part words. None where a quotation or a comment does not end, or where
    a character stands that no word has."""
    parts: list[list[Word]] = [[]]
    at, word, quoted, open_ = 0, "", False, False
    while at < len(header):
        space, quotation, plain = _SPACE.match(header, at), _QUOTED.match(header, at), _PLAIN.match(header, at)
        if plain is not None:
            word, at, open_ = word + plain[0], plain.end(), True
            continue
        if quotation is not None:
            quoted = quoted or "=" not in word  # quoted is a value, never what it is the value of
            word, at, open_ = word + re.sub(r"\\(.)", r"\1", quotation[1]), quotation.end(), True
            continue
        if open_:
            parts[-1].append((word, quoted))
            word, quoted, open_ = "", False, False
        if space is not None:
            at = space.end()
        elif header[at] == "(":
            end = _after_comment(header, at)
            if end is None:
                return None
            at = end
        elif header[at] == ";":
            parts.append([])
            at += 1
        else:
            return None
    if open_:
        parts[-1].append((word, quoted))
    return parts


def _after_comment(header: str, at: int) -> int | None:
    """Where a comment with its inner ones ends; None where it does not."""
    depth = 0
    while at < len(header):
        match header[at]:
            case "\\":
                at += 1
            case "(":
                depth += 1
            case ")":
                depth -= 1
        at += 1
        if depth == 0:
            return at
        if depth > COMMENT_DEPTH_MAX:
            return None
    return None
