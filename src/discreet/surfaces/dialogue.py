"""Lines of a dialogue that nobody else can imitate, and answers that cannot be meant for anything else (G5.5).

Words of others may look like our own lines: each of their lines has a bar before it, and so has what a terminal would wrap. An answer
may be typed before its question is there: what was typed is dropped when a question is shown, and a yes names the question by its code.
"""

from __future__ import annotations

import secrets
import shutil
import unicodedata
from collections.abc import Iterator
from typing import TextIO

BAR, FOLD = "│ ", "    ┆ "  # before a line of others, and before what goes on from the line above
COLUMNS_MIN = 20  # of a terminal; on a narrower one lines wrap
CODE_LETTERS = "abcdefghkmnprstuvwxyz"  # none of which looks like another
CODE_CHARS = 2


def quoted(head: str, text: str) -> str:
    """Text of others behind our `head`, with a bar before every line that does not begin with words of ours."""
    indent = " " * max(len(head) - 1, 0)
    first, *rest = text.split("\n")
    return "\n".join([f"{head}{first}" if head.strip() else f"{indent}{BAR}{first}", *(f"{indent}{BAR}{more}" for more in rest)])


def columns(out: TextIO) -> int:
    """How wide the terminal is that shows this, 0 where there is none."""
    return shutil.get_terminal_size().columns if out.isatty() else 0


def folded(text: str, width: int) -> str:
    """Every line within `width`, with a mark where it goes on: a terminal would go on at the left edge, where our own lines begin."""
    return text if width < COLUMNS_MIN else "\n".join(part for line in text.split("\n") for part in _fold(line, width - 1))


def _fold(line: str, width: int) -> Iterator[str]:
    part, room = "", width
    for letter in line:
        wide = 2 if unicodedata.east_asian_width(letter) in "WFA" and letter not in BAR + FOLD else 1
        if wide > room:
            yield part
            part, room = FOLD, width - len(FOLD)
        part += letter
        room -= wide
    yield part


def code(source: TextIO) -> str:
    """What a yes to one question has to name it by; nothing where answers do not come from a keyboard."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_CHARS)) if source.isatty() else ""


def asked(source: TextIO) -> None:
    """Drop what was typed before a question was shown."""
    if source.isatty():
        import termios

        termios.tcflush(source.fileno(), termios.TCIFLUSH)


def how(named: str) -> str:
    """The line that says how to agree."""
    return f"  to agree, name this question: add `{named}` to your answer, as in `o {named}`"


def heard(said: str) -> tuple[str, str]:
    """An answer and what it names."""
    word, _, named = said.strip().lower().partition(" ")
    return word, named.strip()
