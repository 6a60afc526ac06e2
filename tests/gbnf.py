"""A walk through a GBNF grammar by chance: what a model that knows nothing could write under it."""

from __future__ import annotations

import json
import random
import re

_TOKEN = re.compile(r'\s*("(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]|[a-z][a-zA-Z0-9-]*|\{\d+(?:,\d*)?\}|[()|?*+])')
REPEATS_MAX = 4


class Walk:
    """`Walk(grammar, random.Random(1)).text()`: one text of the grammar."""

    def __init__(self, grammar: str, chance: random.Random) -> None:
        self.rules = dict(line.split(" ::= ", 1) for line in grammar.strip().splitlines())
        self.chance = chance
        self.parsed: dict[str, list] = {}

    def text(self, rule: str = "root") -> str:
        if rule not in self.parsed:
            self.parsed[rule] = self._ways(_TOKEN.findall(self.rules[rule]))
        return self._any(self.parsed[rule])

    def _any(self, ways: list) -> str:
        return "".join(self._one(item, least, most) for item, least, most in self.chance.choice(ways))

    def _one(self, item: object, least: int, most: int) -> str:
        return "".join(self._once(item) for _ in range(self.chance.randint(least, max(least, min(most, REPEATS_MAX)))))

    def _once(self, item: object) -> str:
        if isinstance(item, list):
            return self._any(item)
        text = str(item)
        if text.startswith('"'):
            return json.loads(text)
        if text.startswith("["):
            return self._letter(text[1:-1])
        return self.text(text)

    def _letter(self, inside: str) -> str:
        letters = [letter for letter in "abkz019_ .'" if (re.match(f"[{inside}]".replace("[]", r"\[]"), letter) is not None)]
        return self.chance.choice(letters or [inside[0]])

    def _ways(self, tokens: list[str]) -> list:
        """Alternatives, each a list of (item, least, most)."""
        ways, at = [[]], 0
        while at < len(tokens):
            token = tokens[at]
            at += 1
            if token == "|":
                ways.append([])
                continue
            if token == "(":
                depth, start = 1, at
                while depth:
                    depth += {"(": 1, ")": -1}.get(tokens[at], 0)
                    at += 1
                item: object = self._ways(tokens[start : at - 1])
            else:
                item = token
            least, most = 1, 1
            if at < len(tokens) and (tokens[at] in "?*+" or tokens[at].startswith("{")):
                least, most = _repeats(tokens[at])
                at += 1
            ways[-1].append((item, least, most))
        return ways


def _repeats(sign: str) -> tuple[int, int]:
    if sign in "?*+":
        return {"?": (0, 1), "*": (0, REPEATS_MAX), "+": (1, REPEATS_MAX)}[sign]
    least, _, most = sign[1:-1].partition(",")
    return int(least), int(most or least)
