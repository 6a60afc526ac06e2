"""The process that reads one PDF: file in, text out, within limits of time and memory; it is started by `pdf_text.py`.

It runs by its path, without this package, so that nothing of it is loaded beside a hostile file.
"""

from __future__ import annotations

import sys


def main() -> None:
    chars_max, pages_max, seconds_max, bytes_max = map(int, sys.argv[1:5])
    _limited(seconds_max, bytes_max)
    import io
    import logging

    from pypdf import PdfReader

    logging.disable(logging.CRITICAL)
    left = chars_max
    for number, page in enumerate(PdfReader(io.BytesIO(sys.stdin.buffer.read())).pages):
        if number >= pages_max or left <= 0:
            break
        words = f"{page.extract_text()}\n"[:left]
        left -= len(words)
        sys.stdout.buffer.write(words.encode("utf-8", "replace"))


def _limited(seconds_max: int, bytes_max: int) -> None:
    import resource

    for what, most in ((resource.RLIMIT_CPU, seconds_max), (resource.RLIMIT_AS, bytes_max), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        try:
            resource.setrlimit(what, (most, most))
        except (ValueError, OSError):  # a system that does not know this limit; the time is looked at from outside too
            continue


if __name__ == "__main__":
    main()
