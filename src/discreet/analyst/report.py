"""A report as JSON and for the terminal; what the target wrote is shown without control characters."""

from __future__ import annotations

import json
from typing import Any

from discreet.analyst.audit import Report

SUSPECTED_SHOWN = 15
UNREAD_SHOWN = 10


def as_dict(report: Report) -> dict[str, Any]:
    """The report's JSON form."""
    return {
        "project": report.project,
        "findings": [f.as_dict() for f in report.findings],
        "suspected": [s.as_dict() for s in report.suspected],
        "unread": [{"file": u.file, "why": u.why} for u in report.unread],
        "entry_points": report.entries,
        "attacked": report.attacked,
        "frameworks": list(report.frameworks),
        "python": report.python,
        "seconds": report.seconds,
        "complete": report.complete,
        "notes": list(report.notes),
    }


def as_json(report: Report) -> str:
    """The report as JSON text."""
    return json.dumps(as_dict(report), indent=2, default=str)


def inert(text: str) -> str:
    """Text without control characters, directional marks or line breaks: what a hostile file name may hold."""
    return "".join(c if c.isprintable() and not 0x200B <= ord(c) <= 0x206F else "\N{REPLACEMENT CHARACTER}" for c in text)


def show(report: Report) -> None:
    """Print the report for a reader at a terminal."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    colour = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan"}

    def safe(text: str) -> str:
        return escape(inert(text))

    if report.findings:
        table = Table(title=f"{len(report.findings)} proven", title_justify="left", box=None, pad_edge=False)
        for column in ("severity", "weakness", "where", "what was seen", "proof", "patch"):
            table.add_column(column, overflow="fold")
        for f in report.findings:
            table.add_row(f"[{colour[f.severity]}]{f.severity}[/]", safe(f.cwe), safe(f"{f.file}:{f.line} {f.function}"), safe(f.effect), safe(f.proof), safe(f.patch or "-"))
        console.print(table)
    else:
        console.print("nothing proven")
    if report.suspected:
        console.print(f"\n{len(report.suspected)} only suspected, the likelier first:")
        for s in report.suspected[:SUSPECTED_SHOWN]:
            console.print(f"  {safe(s.cwe)} {safe(s.file)}:{s.line} {safe(s.why)} [dim]({safe(s.source)})[/]")
        if len(report.suspected) > SUSPECTED_SHOWN:
            console.print(f"  and {len(report.suspected) - SUSPECTED_SHOWN} more in the JSON report")
    if report.unread:
        console.print(f"\n{len(report.unread)} not read or not started:")
        for u in report.unread[:UNREAD_SHOWN]:
            console.print(f"  {safe(u.file)}: {safe(u.why)}")
        if len(report.unread) > UNREAD_SHOWN:
            console.print(f"  and {len(report.unread) - UNREAD_SHOWN} more in the JSON report")
    for note in report.notes:
        console.print(f"note: {safe(note)}")
    state = "" if report.complete else "; the budget ended first: run it again to go on"
    console.print(f"\n{report.attacked} of {max(report.entries, report.attacked)} entry points attacked with Python {report.python} in {report.seconds} s{state}")
