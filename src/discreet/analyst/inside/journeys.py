"""Holes that need more than one request: what one entry point keeps and another one shows."""

import os
import time

import oracles
from attack import Attack
from web import play, put

KEEPERS_MAX = 60
SHOWERS_MAX = 80
TEMPLATES = ("@@MARK@@'\"><@@MARK@@>", "javascript:@@MARK@@")


def stored_markup(endpoints, app, watch, survey, nonce, deadline, guest=None):
    """Claims of markup that was sent to one entry point and became part of another one's page."""
    keepers = [e for e in endpoints if set(e["methods"]) & {"POST", "PUT", "PATCH"}][:KEEPERS_MAX]
    showers = [e for e in endpoints if "GET" in e["methods"]][:SHOWERS_MAX]
    states, claims = [], []
    for endpoint in keepers:
        if time.monotonic() > deadline:
            break
        state = Attack(endpoint, app, watch, survey, nonce, deadline, False, endpoints)
        state.guest = guest
        state.look()
        if state.session is None and state.enter():
            state.look()
        states.append(state)
    pages = []
    for endpoint in showers:
        if time.monotonic() > deadline:
            break
        page = Attack(endpoint, app, watch, survey, nonce, deadline, False, endpoints)
        page.guest = guest
        page.enter()
        pages.append(page)
    for template in TEMPLATES:  # one after the other, as what is kept may take the place of what was
        everything = keep(states, template)
        for page in pages:
            if time.monotonic() > deadline:
                break
            if not any(c["endpoint"] == page.endpoint["id"] for c in claims):
                claims += shown_by(page, guest, everything)
    return claims


def keep(states, template):
    """{mark: (state, mode, template, name)} of all that was sent to be kept."""
    everything = {}
    for state in states:
        for mode in state.modes():
            names = [n for n in state.names if state.kind_of(n) == "str" and n not in state.endpoint.get("parts", {})]
            marks = {"dqs%s%x" % (os.urandom(3).hex(), len(everything) + number): name for number, name in enumerate(names)}
            if marks:
                state.send(state.build(mode, {name: oracles.fill(template, {"MARK": mark}) for mark, name in marks.items()}, {}))
                everything.update({mark: (state, mode, template, name) for mark, name in marks.items()})
    return everything


def shown_by(page, guest, everything):
    """The claim that a page shows what was kept as markup, if it does."""
    for request in requests_for(page, guest):
        _effects, status, headers, body = page.send(request)
        text = body.decode("utf-8", "replace").lower()
        for mark, (state, mode, template, name) in everything.items():
            if mark in text and not 300 <= status < 400 and oracles.markup_broken(headers, body, mark):
                claim = small(state, mode, template, name, page, request)
                if claim is not None:
                    return [claim]
    return []


def requests_for(page, guest):
    """Requests that show a page: with harmless values, and with the name of the user who is signed in where a part of the path may name one."""
    yield page.build("query", {}, {})
    parts = [n for n, kind in page.endpoint.get("parts", {}).items() if kind in ("str", "path")]
    if guest and guest.get("name") and parts:
        yield page.build("query", {n: guest["name"] for n in parts}, {}, ("path",))


def small(state, mode, template, name, page, request):
    """The claim with the fewest steps that still shows the markup in a fresh visit, or None."""
    keep = state.build(mode, {name: "@@PAYLOAD@@"}, {}, ("form", "json") if mode in ("form", "json") else ("query",))
    keep = {k: v for k, v in keep.items() if k not in ("headers", "cookies", "query") or mode == "query" or (k != "query" and state.endpoint["framework"] == "django")}
    for prefix in ([], page.prefix or state.prefix):
        steps = prefix + [keep, request]
        mark = "dqt" + os.urandom(4).hex()
        try:
            answer = play(put(steps, oracles.fill(template, {"MARK": mark})), state.app, state.endpoint["speaks"])
        except Exception:
            continue
        if not 300 <= answer[0] < 400 and oracles.markup_broken(answer[1], answer[2], mark):
            page.prefix = prefix + [keep]
            page.claim("stored-xss", "%s of %s" % (name, state.endpoint["path"]), "stored", template, request, {"effect": "markup that was stored became part of the page", "at": None, "oracle": "markup"})
            return page.claims[-1]
        if not prefix:
            continue
    return None
