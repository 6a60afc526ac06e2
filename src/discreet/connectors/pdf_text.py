"""The text of a PDF, read by a process of its own: whoever sent the file wrote it, and reading it could take any time or memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .errors import BadAnswer, Refused

READ_S_MAX = 20  # of one file
MEMORY_BYTES_MAX = 1_000_000_000
PAGES_MAX = 200


def pdf_to_text(data: bytes, chars_max: int) -> str:
    """The text of all pages, cut to `chars_max`. Raises Refused for what is no PDF with text, BadAnswer for what takes too long."""
    limits = [str(limit) for limit in (chars_max, PAGES_MAX, READ_S_MAX, MEMORY_BYTES_MAX)]
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(Path(__file__).with_name("pdf_child.py")), *limits], input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            timeout=READ_S_MAX, env={}, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise BadAnswer("too_large", f"PDF could not be read within {READ_S_MAX} s") from error
    words = done.stdout.decode("utf-8", "replace")
    if done.returncode != 0:
        raise Refused("not_text", "PDF cannot be read")
    if not words.strip():
        raise Refused("not_text", "PDF holds no text, such as a scan")
    return words
