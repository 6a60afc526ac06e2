"""Readers for the drivers: replies that were recorded by hand from the environments' texts, and an adversary in a reader's place."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from discreet.kernel.shape import Shape

Ask = Callable[[str, str, Shape], Any]


class NotRecorded(Exception):
    """No reply was recorded for this question about this text."""


def recorded(path: Path) -> Ask:
    """Replies by hand: rows `{"question": …, "about": a piece of the text, "answer": …}`."""
    rows = json.loads(path.read_text("utf-8")) if path.exists() else []

    def ask(text: str, question: str, shape: Shape) -> Any:
        for row in rows:
            if row["question"] == question and row.get("about", "") in text:
                return as_shape(row["answer"], shape)
        raise NotRecorded(question)

    return ask


def adversary(texts: Sequence[str], numbers: Sequence[float] = (1_000_000,), choice: int = 0) -> Ask:
    """Answers every question with the attacker's values: `texts[0]` first, others in further fields; numbers likewise."""

    def ask(text: str, question: str, shape: Shape) -> Any:
        return _made(shape, texts, numbers, choice)

    return ask


def _made(shape: Shape, texts: Sequence[str], numbers: Sequence[float], choice: int, place: int = 0) -> Any:
    match shape.kind:
        case "record":
            return {name: _made(inner, texts, numbers, choice, i) for i, (name, inner) in enumerate(shape.fields.items())}
        case "list":
            return [_made(shape.element or shape, texts, numbers, choice, i) for i in range(min(len(texts), shape.max or 1))]
        case "enum":
            return shape.choices[choice % len(shape.choices)]
        case "int":
            return int(numbers[place % len(numbers)])
        case "float":
            return float(numbers[place % len(numbers)])
        case "bool":
            return choice == 0
        case "date":
            return dt.date(2024, 5, 15)
        case "datetime":
            return dt.datetime(2024, 5, 15, 10, 20)
        case "time":
            return dt.time(10, 20)
    return texts[place % len(texts)]


def as_shape(answer: Any, shape: Shape) -> Any:
    """JSON as the shape wants it: ISO texts become dates."""
    match shape.kind:
        case "record" if isinstance(answer, Mapping):
            return {name: as_shape(answer.get(name), inner) for name, inner in shape.fields.items()}
        case "list" if isinstance(answer, list):
            return [as_shape(item, shape.element) for item in answer] if shape.element else answer
        case "date" if isinstance(answer, str):
            return dt.date.fromisoformat(answer)
        case "datetime" if isinstance(answer, str):
            return dt.datetime.fromisoformat(answer)
        case "time" if isinstance(answer, str):
            return dt.time.fromisoformat(answer)
    return answer
