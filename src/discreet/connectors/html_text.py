"""HTML reduced to readable text and a list of links: nothing is loaded, run or rendered."""

from __future__ import annotations

import re
from html.parser import HTMLParser

DEPTH_MAX = 2_000  # a page of nothing but opening tags costs no stack, but is cut here
LINKS_MAX = 200

_SILENT = {"script", "style", "noscript", "template", "head", "svg", "math", "iframe", "object"}
_BREAKS = {"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "table", "ul", "ol", "hr", "title"}
_VOID = {"br", "hr", "img", "input", "meta", "link", "area", "base", "col", "embed", "source", "track", "wbr"}


def html_to_text(html: str, chars_max: int) -> tuple[str, list[dict[str, str]]]:
    """The text of a page and its links as `{"text": …, "url": …}`; addresses stay as written."""
    reader = _Reader()
    try:
        reader.feed(html)
        reader.close()
    except (AssertionError, ValueError, _TooDeep):  # html.parser gives up on some malformed declarations
        pass
    words = re.sub(r"[ \t\r\f\v]+", " ", "".join(reader.parts))
    words = re.sub(r" ?\n ?", "\n", words)
    return re.sub(r"\n{3,}", "\n\n", words).strip()[:chars_max], reader.links[:LINKS_MAX]


class _TooDeep(Exception):
    """More nested silent tags than any honest page has."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.links: list[dict[str, str]] = []
        self._silent: list[str] = []
        self._link: dict[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT and tag not in _VOID:
            self._silent.append(tag)
            if len(self._silent) > DEPTH_MAX:
                raise _TooDeep
        if tag in _BREAKS:
            self.parts.append("\n")
        if tag == "a" and len(self.links) < LINKS_MAX:
            url = dict(attrs).get("href") or ""
            if url:
                self._link = {"text": "", "url": url[:2_000]}
                self.links.append(self._link)

    def handle_endtag(self, tag: str) -> None:
        if self._silent and tag == self._silent[-1]:
            self._silent.pop()
        elif tag in self._silent:
            del self._silent[self._silent.index(tag):]
        if tag in _BREAKS:
            self.parts.append("\n")
        if tag == "a":
            self._link = None

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        self.parts.append(data)
        if self._link is not None and len(self._link["text"]) < 300:
            self._link["text"] += data.strip()[:300]
