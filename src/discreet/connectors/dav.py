"""The few WebDAV requests that calendars and address books need, each with bytes fixed by its arguments."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from .errors import BadAnswer, Refused
from .http import HttpLimits, Response, request

ITEMS_MAX = 5_000


@dataclass(frozen=True, slots=True)
class DavConfig:
    """One collection on a CalDAV or CardDAV server; `url` ends in a slash."""

    url: str
    user: str = ""
    password: str = field(default="", repr=False)
    limits: HttpLimits = HttpLimits()


def report(config: DavConfig, body: str) -> list[tuple[str, str, str]]:
    """A REPORT on the collection: (path, etag, data) of each item, in order of path."""
    answer = _send(config, "REPORT", config.url, body.encode(), [("depth", "1"), ("content-type", "application/xml; charset=utf-8")], False)
    _expect(answer, (207,))
    found = []
    for item in _xml(answer.body).findall("{DAV:}response")[: ITEMS_MAX + 1]:
        path = item.findtext("{DAV:}href") or ""
        etag = item.findtext("{DAV:}propstat/{DAV:}prop/{DAV:}getetag") or ""
        data = next((e.text or "" for e in item.iter() if e.tag.endswith(("}calendar-data", "}address-data"))), "")
        if data:
            found.append((path, etag, data))
    if len(found) > ITEMS_MAX:
        raise BadAnswer("too_large", f"collection has over {ITEMS_MAX} items")
    return sorted(found)


def get(config: DavConfig, name: str) -> tuple[str, str]:
    """One item as (etag, data)."""
    answer = _send(config, "GET", config.url + name, b"", [], False)
    if answer.status in (404, 410):
        raise Refused("gone", "item is no longer there")
    _expect(answer, (200,))
    return answer.headers.get("etag", ""), answer.text()


def put(config: DavConfig, name: str, data: str, kind: str, etag: str = "") -> None:
    """Create an item that must not exist yet, or with `etag` replace exactly that version."""
    condition = ("if-match", etag) if etag else ("if-none-match", "*")
    answer = _send(config, "PUT", config.url + name, data.encode(), [("content-type", f"{kind}; charset=utf-8"), condition], True)
    _unless_changed(answer)
    _expect(answer, (200, 201, 204))


def delete(config: DavConfig, name: str, etag: str) -> None:
    """Delete exactly this version of an item."""
    answer = _send(config, "DELETE", config.url + name, b"", [("if-match", etag)], True)
    _unless_changed(answer)
    if answer.status in (404, 410):
        raise Refused("gone", "item is no longer there")
    _expect(answer, (200, 204))


def _send(config: DavConfig, method: str, url: str, body: bytes, headers: Sequence[tuple[str, str]], writes: bool) -> Response:
    login = base64.b64encode(f"{config.user}:{config.password}".encode()).decode()
    sent = [("user-agent", "discreet"), ("accept", "*/*"), *headers]
    if config.user:
        sent.append(("authorization", f"Basic {login}"))
    return request(method, url, sent, body, config.limits, writes)


def _expect(answer: Response, good: tuple[int, ...]) -> None:
    if answer.status not in good:
        raise Refused("login" if answer.status in (401, 403) else "refused", f"server answered with HTTP status {answer.status}", answer.text()[:500])


def _unless_changed(answer: Response) -> None:
    if answer.status == 412:
        raise Refused("changed", "item was changed meanwhile, or exists already; nothing was written")


def _xml(body: bytes) -> Any:
    """Outside XML: UTF-8 only, no document type, so no entities of its own."""
    try:
        readable = body.decode("utf-8")
        if "<!DOCTYPE" in readable or "<!ENTITY" in readable:
            raise BadAnswer("malformed", "server sent XML with a document type")
        return ElementTree.fromstring(readable)
    except (UnicodeDecodeError, ElementTree.ParseError, ValueError) as error:
        raise BadAnswer("malformed", "server's answer is not XML") from error
