"""Fetch weights from the command line: `python -m discreet.models.fetch qwen15 minilm rampart`, with a progress bar."""

from __future__ import annotations

import sys

from discreet.models.weights import EMBEDDING, PLANNER_DEFAULT, SPANS, Progress, WeightsError, fetch

bar_chars = 30


def main(wanted: list[str]) -> int:
    """Fetch and check each pack; the default set without arguments. Returns the exit code."""
    for pack_id in wanted or [PLANNER_DEFAULT, EMBEDDING, SPANS]:
        try:
            found = fetch(pack_id, show)
        except WeightsError as error:
            print(f"\n{error}", file=sys.stderr)
            return 2
        pack = found.pack
        print(f"\r{pack.title}: checked, in `{found.main.parent}` ({pack.licence}; {pack.attribution})".ljust(100))
    return 0


def show(progress: Progress) -> None:
    """One line that is written over: the bar, the megabytes and what is being fetched."""
    share = progress.done_bytes / progress.total_bytes
    bar = "#" * int(share * bar_chars)
    print(f"\r{progress.pack} [{bar:<{bar_chars}}] {progress.done_bytes / 1e6:,.0f} of {progress.total_bytes / 1e6:,.0f} MB, {progress.note} ", end="", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
