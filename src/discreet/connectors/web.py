"""The web: read one page, search at one configured engine. A request tells its host the address, and nothing else of the user.

No cookies, no referrer, no fixed browser name of the user's; a redirect is told as a value and is a new call (G5.2); hosts
in private networks are refused unless configured; pages become text and links, and nothing in them is loaded or run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote, urljoin

from . import http
from .base import Connector, line, strict_json, whole
from .errors import BadAnswer, InvalidArgument, Refused
from .html_text import html_to_text

PAGE_CHARS_MAX = 100_000
LINKS_MAX = 100
QUERY_CHARS_MAX = 400
HITS_MAX = 20
SNIPPET_CHARS_MAX = 1_000

_READABLE = ("text/", "application/json", "application/xhtml+xml", "application/xml")
_HEADERS = (("user-agent", "discreet"), ("accept", "text/html, text/plain, application/json"))


@dataclass(frozen=True, slots=True)
class WebConfig:
    """`search_url` answers JSON `{"results": [{"title", "url", "snippet"}]}`; `{query}` in it stands for the words."""

    search_url: str = ""
    limits: http.HttpLimits = http.HttpLimits()


class Web(Connector):
    """Reading pages and searching as a connector."""

    name: ClassVar[str] = "web"
    parameters: ClassVar[Mapping[str, tuple[str, ...]]] = {"read": ("url",), "search": ("query", "limit")}

    def __init__(self, config: WebConfig) -> None:
        if config.search_url:
            http.parse_url(config.search_url.replace("{query}", "x"), "search_url")
        self.config = config

    def _prepare_read(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        url = line(args, "url").partition("#")[0]  # a fragment is never sent
        http.parse_url(url)
        return {"url": url}

    def _perform_read(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = http.request("GET", request["url"], _HEADERS, b"", self.config.limits)
        page = {"url": request["url"], "status": answer.status, "title": "", "text": "", "links": [], "redirect": ""}
        if 300 <= answer.status < 400 and "location" in answer.headers:
            return {**page, "redirect": _link(request["url"], answer.headers["location"])}
        kind = answer.headers.get("content-type", "text/plain").split(";")[0].strip().lower()
        if not kind.startswith(_READABLE):
            raise BadAnswer("not_text", "page is not text")
        if kind in ("text/html", "application/xhtml+xml"):
            written, links = html_to_text(answer.text(), PAGE_CHARS_MAX)
            found = [{"text": told["text"], "url": url} for told in links if (url := _link(request["url"], told["url"]))]
            return {**page, "title": written.partition("\n")[0][:300], "text": written, "links": found[:LINKS_MAX]}
        return {**page, "text": answer.text().replace("\0", "")[:PAGE_CHARS_MAX]}

    def _prepare_search(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        if not self.config.search_url:
            raise InvalidArgument("query", "needs a search engine, and none is configured")
        words = line(args, "query", chars_max=QUERY_CHARS_MAX)
        return {"url": self.config.search_url.replace("{query}", quote(words, safe="")), "limit": whole(args, "limit", 10, 1, HITS_MAX)}

    def _perform_search(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        answer = http.request("GET", request["url"], _HEADERS, b"", self.config.limits)
        if answer.status != 200:
            raise Refused("refused", f"search engine answered with HTTP status {answer.status}")
        found = strict_json(answer.body, self.config.limits.answer_bytes_max)
        results = found.get("results") if isinstance(found, dict) else None
        if not isinstance(results, list):
            raise BadAnswer("malformed", "search engine gave no results")
        hits = [
            {"title": _text(hit.get("title"), 300), "url": url, "snippet": _text(hit.get("snippet"), SNIPPET_CHARS_MAX)}
            for hit in results if isinstance(hit, dict) and (url := _link(self.config.search_url, str(hit.get("url"))))
        ]
        return hits[: request["limit"]]


def _link(base: str, target: str) -> str:
    """An address as it would be requested, or "" for one that would not be."""
    try:
        absolute = urljoin(base.partition("?")[0], target.strip()).partition("#")[0]
        http.parse_url(absolute)
    except (ValueError, InvalidArgument):
        return ""
    return absolute


def _text(value: Any, chars_max: int) -> str:
    cleaned = value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""
    return "".join(c if c >= " " else " " for c in cleaned)[:chars_max]
