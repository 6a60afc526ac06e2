"""Binds a staged project, an interpreter and the inside programs into one sandbox run, and reads its lines with suspicion."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from discreet.analyst.project import Interpreter, Staged
from discreet.sandbox import Bind, Limits, Outcome, Spec, run

INSIDE = Path(__file__).parent / "inside"
LINE_BYTES_MAX = 2_000_000
MESSAGES_MAX = 200_000


@dataclass(frozen=True, slots=True)
class Compartment:
    """What every run on one target has in common."""

    staged: Staged
    interpreter: Interpreter
    packages: tuple[Path, ...]
    fallback: tuple[Path, ...]

    def run(
        self,
        job: dict[str, Any],
        limits: Limits,
        on_message: Callable[[dict[str, Any]], None],
        extra: tuple[Bind, ...] = (),
        staged: Staged | None = None,
    ) -> Outcome:
        """Run the worker with one job; messages are handed over as they come, malformed ones are dropped."""
        places = self.packages + self.interpreter.packages
        job = dict(job, paths=[str(p) for p in places], fallback=[str(p) for p in self.fallback])
        binds = [Bind((staged or self.staged).root, "/source"), Bind(INSIDE, "/inside"), *extra]
        for place in (self.interpreter.prefix, *places, *self.fallback):
            if not str(place).startswith("/usr/") and str(place) != "/usr" and not any(place.is_relative_to(b.source) and b.target == str(b.source) for b in binds):
                binds.append(Bind(place, str(place)))
        reader = _Lines(on_message)
        spec = Spec(
            command=(str(self.interpreter.executable), "-I", "-B", "-X", "utf8", "/inside/worker.py"),
            binds=tuple(binds),
            stdin=json.dumps(job).encode() + b"\n",
            environment=(("PATH", "/usr/bin:/bin"), ("PYTHONHASHSEED", "0")),
            sockets="loopback",
            limits=limits,
        )
        return run(spec, reader.feed)


class _Lines:
    """Splits untrusted output into JSON objects; what is not one is ignored."""

    def __init__(self, on_message: Callable[[dict[str, Any]], None]) -> None:
        self._rest, self._count, self._on_message = b"", 0, on_message

    def feed(self, piece: bytes) -> None:
        self._rest += piece
        *lines, self._rest = self._rest.split(b"\n")
        if len(self._rest) > LINE_BYTES_MAX * 8:
            self._rest = b""
        for message in parsed(lines):
            if self._count < MESSAGES_MAX:
                self._count += 1
                self._on_message(message)


def parsed(lines: list[bytes]) -> Iterator[dict[str, Any]]:
    """The lines that are JSON objects."""
    for line in lines:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(message, dict):
            yield message


def writable_copy(directory: Path) -> None:
    """Make a directory readable for the compartment's throwaway user."""
    for path in [directory, *directory.rglob("*")]:
        os.chmod(path, 0o755 if path.is_dir() else 0o644)
