"""A report as one HTML page without scripts or outside resources; everything from the target is escaped."""

from __future__ import annotations

import json
from html import escape

from discreet.analyst.audit import Report
from discreet.analyst.report import inert

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1c1c1e}"
    "h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse;width:100%}"
    "td,th{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #ddd}code,pre{font:13px ui-monospace,monospace;overflow-wrap:anywhere;white-space:pre-wrap}"
    ".critical{color:#b00020;font-weight:700}.high{color:#b00020}.medium{color:#8a5a00}.low{color:#00567a}details{margin:.3rem 0}"
)


def as_page(report: Report) -> str:
    """The report as an HTML document."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>audit of {_safe(report.project)}</title><style>{_STYLE}</style>",
        f"<h1>Audit of {_safe(report.project)}</h1><p>{len(report.findings)} proven, {len(report.suspected)} suspected, {len(report.unread)} not read; "
        f"{report.attacked} of {max(report.entries, report.attacked)} entry points attacked in {report.seconds} s with Python {_safe(report.python)}.</p>",
        "<h2>Proven</h2><table><tr><th>severity<th>weakness<th>where<th>what was seen</tr>",
    ]
    for f in report.findings:
        detail = f"<details><summary>request, proof, patch</summary><pre>{_safe_lines(json.dumps(f.request, indent=1))}</pre><p>payload <code>{_safe(f.payload)}</code></p><p>proof <code>{_safe(f.proof)}</code></p><p>patch <code>{_safe(f.patch or 'none')}</code></p></details>"
        parts.append(f"<tr><td class={f.severity}>{f.severity}<td>{_safe(f.cwe)}<td><code>{_safe(f.file)}:{f.line}</code> {_safe(f.function)}<td>{_safe(f.effect)}{detail}</tr>")
    parts.append("</table><h2>Suspected</h2><table><tr><th>weakness<th>where<th>why<th>source</tr>")
    parts += [f"<tr><td>{_safe(s.cwe)}<td><code>{_safe(s.file)}:{s.line}</code><td>{_safe(s.why)}<td>{_safe(s.source)}</tr>" for s in report.suspected]
    parts.append("</table><h2>Not read</h2><table>")
    parts += [f"<tr><td><code>{_safe(u.file)}</code><td>{_safe(u.why)}</tr>" for u in report.unread]
    parts.append("</table>" + "".join(f"<p>{_safe(n)}</p>" for n in report.notes) + "</html>")
    return "\n".join(parts)


def _safe(text: str) -> str:
    return escape(inert(text))


def _safe_lines(text: str) -> str:
    return "\n".join(_safe(line) for line in text.splitlines())
