"""What a service observed, in order, one JSON object a line, without times or ports: two runs can be compared byte for byte."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any


class Recorder:
    """Appends observations to a file; bytes are kept as Latin-1 text, which loses nothing."""

    def __init__(self, path: str | Path) -> None:
        self._file = open(path, "a", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()

    def write(self, event: str, **seen: Any) -> None:
        plain = {k: v.decode("latin-1") if isinstance(v, bytes) else v for k, v in seen.items()}
        with self._lock:
            self._file.write(json.dumps({"event": event, **plain}, ensure_ascii=False) + "\n")


def read(path: str | Path) -> list[dict[str, Any]]:
    """All observations so far. What came over one connection is one observation: how TCP cut it tells nothing."""
    if not Path(path).exists():
        return []
    found: list[dict[str, Any]] = []
    connections: dict[int, dict[str, Any]] = {}
    for row in Path(path).read_text("utf-8").splitlines():
        seen = json.loads(row)
        if seen["event"] == "connect":
            found.append({"event": "connection", "data": ""})
            connections[seen["connection"]] = found[-1]
        elif seen["event"] == "bytes":
            connections[seen["connection"]]["data"] += seen["data"]
        else:
            found.append(seen)
    return found
