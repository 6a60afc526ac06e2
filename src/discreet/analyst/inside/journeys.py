"""Holes that need more than one request: what one entry point keeps and another one shows."""

import os
import time

import oracles
from attack import Attack
from web import play, put

KEEPERS_MAX = 60
SHOWERS_MAX = 80
TEMPLATES = ("@@MARK@@'\"><@@MARK@@>", "javascript:@@MARK@@")


def stored_markup(endpoints, app, watch, survey, nonce, deadline):
    """Claims of markup that was sent to one entry point and became part of another one's page."""
    keepers = [e for e in endpoints if set(e["methods"]) & {"POST", "PUT", "PATCH"}][:KEEPERS_MAX]
    showers = [e for e in endpoints if "GET" in e["methods"]][:SHOWERS_MAX]
    kept, claims = [], []
    for endpoint in keepers:
        if time.monotonic() > deadline:
            break
        state = Attack(endpoint, app, watch, survey, nonce, deadline, False, endpoints)
        state.look()
        if state.session is None and state.enter():
            state.look()
        for mode in state.modes():
            names = [n for n in state.names if state.kind_of(n) == "str" and n not in endpoint.get("parts", {})]
            for template in TEMPLATES:
                marks, values = {}, {}
                for name in names:
                    mark = "dqs%s%x" % (os.urandom(3).hex(), len(kept))
                    marks[name] = mark
                    values[name] = oracles.fill(template, {"MARK": mark})
                if values:
                    state.send(state.build(mode, values, {}))
                    kept.append((state, mode, template, marks))
    everything = {mark: (state, mode, template, name) for state, mode, template, marks in kept for name, mark in marks.items()}
    for endpoint in showers:
        if time.monotonic() > deadline:
            break
        page = Attack(endpoint, app, watch, survey, nonce, deadline, False, endpoints)
        if page.enter():
            pass
        request = page.build("query", {}, {})
        _effects, status, headers, body = page.send(request)
        text = body.decode("utf-8", "replace").lower()
        for mark, (state, mode, template, name) in everything.items():
            if mark in text and not 300 <= status < 400 and oracles.markup_broken(headers, body, mark):
                if any(c["endpoint"] == endpoint["id"] for c in claims):
                    continue
                claim = small(state, mode, template, name, page, request)
                if claim is not None:
                    claims.append(claim)
    return claims


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
