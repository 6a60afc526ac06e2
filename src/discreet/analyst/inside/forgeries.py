"""Forges what the application believes: sessions and tokens signed with a key that stands in the source, unsigned tokens, bare cookies.

A forgery counts where the application takes it and refuses one that is signed with another key.
"""

import ast
import os
import re

import scenes
from attack import own_header, telling_cookie
from belongings import LEAVE, claim, pages, plain_request
from people import REFUSALS
from web import play

KEY_LENGTH_MAX = 200
FALLBACKS = re.compile(r"(^|\.)(get|getenv|setdefault|config|env|pop|get_secret|str)$")
EVERYDAY_KEYS = ("secret", "password", "changeme", "key", "dev", "jwt-secret", "your-256-bit-secret", "supersecret", "secretkey", "secret_key")


def literals(survey, root):
    """(text, file, line) of the texts in the source that no surrounding setting replaces."""
    found = []
    for facts in survey["files"]:
        if re.search(r"(^|/)(tests?|migrations|docs?|examples?|samples?|tutorials?|demos?)/|(^|/)(test_[^/]*|conftest)\.py$", facts["file"]):
            continue
        try:
            with open(os.path.join(root, facts["file"]), "rb") as stream:
                source = stream.read()
            tree = ast.parse(source)
        except (OSError, SyntaxError, ValueError, RecursionError):
            continue
        if re.search(rb"\.from_(pyfile|envvar|prefixed_env)\(", source):
            continue  # what stands here is only there until the settings of the place come in
        fallback = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if FALLBACKS.search(name):
                    fallback |= {id(part) for argument in list(node.args) + [k.value for k in node.keywords] for part in ast.walk(argument)}
            if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
                fallback |= {id(part) for value in node.values for part in ast.walk(value)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)) and id(node) not in fallback and 0 < len(node.value) <= KEY_LENGTH_MAX:
                text = node.value if isinstance(node.value, str) else node.value.decode("utf-8", "replace")
                found.append((text, facts["file"], node.lineno))
    return found


def explore(house):
    """Claims about forged sessions, tokens and cookies; the first user's way in is the measure where there is one."""
    claims = []
    texts = literals(house.survey, house.root)
    for step in (lambda: sessions(house, texts), lambda: tokens(house, texts), lambda: cookies(house), lambda: switched_off(house), lambda: unflagged(house)):
        try:
            claims += step()
        except Exception as error:
            house.notes.append(repr(error)[:200])
    return claims


def blame(found, file, line):
    return dict(found, file=file, line=line, function="<module>")


def sessions(house, texts):
    """A session signed with a key that stands in the source."""
    if house.framework == "flask":
        key, recipe = getattr(house.app, "secret_key", None), "session"
    elif house.framework in ("starlette", "fastapi"):
        key, recipe = next((m.kwargs.get("secret_key") for m in getattr(house.app, "user_middleware", ()) if "SessionMiddleware" in str(m.cls)), None), "starlette-session"
    else:
        return []
    key = key.decode("utf-8", "replace") if isinstance(key, bytes) else key
    place = next(((f, n) for text, f, n in texts if text == key), None)
    if not isinstance(key, str) or place is None:
        return []
    name = house.app.config.get("SESSION_COOKIE_NAME", "session") if house.framework == "flask" else next((m.kwargs.get("session_cookie", "session") for m in house.app.user_middleware if "SessionMiddleware" in str(m.cls)), "session")
    ann = next((p for p in house.people if p.steps and not p.session), None)
    if ann is not None and house.framework == "flask" and house.jars[ann.who].get(name, "").count(".") >= 2:
        steps = ann.entering()
        steps[-1] = dict(steps[-1], take={"WORN": r"(?im)^set-cookie: %s=\"?([^;\"\n]+)" % re.escape(name)})
        for request, endpoint in doors(house):
            scene = steps + [
                dict(request, who="X", find={"BAD": ["resigned", "@@WORN@@", "x" + key + "x"]}, cookies=[[name, "@@BAD@@"]]),
                dict(request, who="Y", find={"GOOD": ["resigned", "@@WORN@@", key]}, cookies=[[name, "@@GOOD@@"]]),
            ]
            last = len(scene) - 1
            conditions = [{"step": last, "accepted": True}, {"step": last, "differs": last - 1}, {"word": "@@WORN@@"}]
            if holds_now(house, scene, conditions) and steady(house, [dict(request, who="X")]):
                return [blame(claim(house, "secret", "CWE-798", endpoint, scene, conditions, [], "a session that was signed with the key in the source is believed", name), *place)]
    for data in session_data(house, name):
        for request, endpoint in doors(house):
            steps = [
                dict(request, who="X", find={"BAD": [recipe, "x" + key + "x", data]}, cookies=[[name, "@@BAD@@"]]),
                dict(request, who="Y", find={"GOOD": [recipe, key, data]}, cookies=[[name, "@@GOOD@@"]]),
            ]
            conditions = [{"step": 1, "accepted": True}, {"step": 1, "differs": 0}]
            if holds_now(house, steps, conditions) and steady(house, steps):
                return [blame(claim(house, "secret", "CWE-798", endpoint, steps, conditions, [], "a session that was signed with the key in the source is believed", name), *place)]
    return []


def session_data(house, name):
    """What a session may hold: what the first user's holds, or what the code asks a session for."""
    import base64
    import json

    for person in house.people:
        cookie = house.jars.get(person.who, {}).get(name, "")
        try:
            part = cookie.split(".")[0] if not cookie.startswith(".") else ""
            data = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) if part else None
        except ValueError:
            data = None
        if isinstance(data, dict) and data:
            yield data
        if person.session:
            yield person.session
    keys = []
    for endpoint in house.endpoints[:40]:
        state = house.attack_on(endpoint)
        state.send(state.build("query", {}, {}))
        keys += [k for k in house.watch.session_keys if isinstance(k, str) and not k.startswith("_")]
    keys = list(dict.fromkeys(keys))[:8]
    for value in (1, "admin", True, "user"):
        if keys:
            yield {k: value for k in keys}


def doors(house):
    """Pages on which it may show who somebody is, the shut ones first."""
    listed = [(plain_request(house, e), e) for e in pages(house)]
    return sorted(listed, key=lambda pair: house.send(None, pair[0])[0] not in REFUSALS)[:20]


def holds_now(house, steps, conditions):
    answers, words = scenes.perform(steps, house.app, house.speaks, {}, play)
    return scenes.holds(conditions, answers, words)


def steady(house, steps):
    """Whether the first request of a scene is answered twice in the same way, so that a difference means something."""
    first, _words = scenes.perform(steps[:1], house.app, house.speaks, {}, play)
    second, _words = scenes.perform(steps[:1], house.app, house.speaks, {}, play)
    return (first[0][0], first[0][2]) == (second[0][0], second[0][2])


def tokens(house, texts):
    """A signed token with another's name, unsigned or signed with a key from the source."""
    ann = house.people[0] if house.people else None
    if ann is None:
        return []
    steps, token, name = wearing(house, ann)
    if token is None:
        ann = house.with_token(ann)
        if ann is None:
            return []
        house.jars["A"] = {}
        steps, token, name = wearing(house, ann)
    wrong = carrying(house, ann, "@@BAD@@", name)
    keys = [("none", None)] + [(t, (f, n)) for t, f, n in texts if 2 < len(t) and " " not in t.strip()] + [(k, None) for k in EVERYDAY_KEYS]
    door = next((pair for pair in doors(house) if house.send(None, pair[0])[0] in REFUSALS and house.send(ann, pair[0])[0] not in REFUSALS + (404,)), None)
    if door is None:
        return []
    request, endpoint = door

    def tried(key):
        scene = steps + [dict(wrong(request), who="X", find={"BAD": ["jwt", "@@TOKENA@@", {"iss": "x"}, "broken"]}), dict(carrying(house, ann, "@@GOOD@@", name)(request), who="Y", find={"GOOD": ["jwt", "@@TOKENA@@", {"dq": 1}, key]})]
        good = [{"step": len(scene) - 2, "refused": "hard"}, {"step": len(scene) - 1, "accepted": True}, {"word": "@@GOOD@@"}]
        return scene, good

    scene, good = tried("broken")
    if holds_now(house, scene, good[1:]):
        return [claim(house, "token", "CWE-347", endpoint, scene, good[1:], [], "a token with a wrong signature is believed", "token")]
    for key, place in list(dict.fromkeys(keys))[:400]:
        if house.late():
            return []
        scene, good = tried(key)
        if holds_now(house, scene, good):
            if key == "none":
                return [claim(house, "token", "CWE-347", endpoint, scene, good, [], "a token without a signature is believed", "token")]
            made = claim(house, "secret" if place else "token", "CWE-798" if place else "CWE-521", endpoint, scene, good, [], "a token that was signed with %s is believed" % ("the key in the source" if place else "an everyday word"), "token")
            return [blame(made, *place) if place else made]
    return []


def wearing(house, ann):
    """(steps that sign in, the token, the cookie that holds it or None)."""
    if ann.words:
        token = next(iter(ann.words.values()))
        return (ann.entering(), token, None) if token.count(".") == 2 else ([], None, None)
    for name, value in house.jars.get(ann.who, {}).items():
        if value.count(".") == 2 and value.startswith("ey") and ann.steps:
            steps = ann.entering()
            steps[-1] = dict(steps[-1], take={"TOKENA": r"(?im)^set-cookie: %s=\"?([^;\"\n]+)" % re.escape(name)})
            # A session of Flask's has three parts as well, but its first is no header.
            return (steps, value, name) if scenes.token_like(value, {}, "none") != "?" else ([], None, None)
    return [], None, None


def carrying(house, ann, word, cookie):
    """A request with this word where the first user's token stands."""
    def carried(request):
        if cookie:
            return dict(request, cookies=[[cookie, word]])
        return dict(request, headers=[[k, re.sub(r"@@TOKEN\w@@", word, v)] for k, v in ann.carried])

    return carried


def cookies(house):
    """A cookie that says who somebody is and that anyone can write."""
    if len(house.people) < 2 or not house.people[0].steps:
        return []
    ann, bob = house.people
    claims = []
    for name, value in list(house.jars.get(ann.who, {}).items()):
        if house.framework == "flask" and name == house.app.config.get("SESSION_COOKIE_NAME", "session"):
            continue
        made = scenes.worn_like(value, ann.name, bob.name)
        if made == "?" or made == value:
            continue
        for endpoint in pages(house) + [e for e in house.endpoints if "GET" in e["methods"] and e.get("parts") and not LEAVE.search(e["path"])]:
            request = plain_request(house, endpoint)
            as_bob, as_ann, as_none = house.send(bob, request), house.send(ann, request), house.send(None, request)
            if as_bob[0] != 200 or as_bob[2] in (as_ann[2], as_none[2]):
                continue
            steps = ann.entering()
            steps[-1] = dict(steps[-1], take={"WORN": r"(?im)^set-cookie: %s=\"?([^;\"\n]+)" % re.escape(name)})
            steps += bob.entering() + [bob.carry(request), ann.carry(request), dict(request, who="X", find={"FORGED": ["worn", "@@WORN@@", ann.name, bob.name]}, cookies=[[name, "@@FORGED@@"]])]
            last = len(steps) - 1
            conditions = [{"step": last, "same": last - 2}, {"step": last, "differs": last - 1}, {"step": last, "accepted": True}]
            if holds_now(house, steps, conditions):
                found = claim(house, "worn", "CWE-565", endpoint, steps, conditions, [], "whoever writes another name into the cookie `%s` is taken for that user" % name, name)
                at = made_at(house, ann, name)
                return claims + [dict(found, file=at[0], line=at[1], function=at[2]) if at else found]
    return claims


def switched_off(house):
    """A flag of the session's cookie that the project itself switches off."""
    names = {"flask": lambda: house.app.config.get("SESSION_COOKIE_NAME", "session"), "django": lambda: __import__("django.conf").conf.settings.SESSION_COOKIE_NAME}
    if house.framework not in names:
        return []
    cookie, claims = names[house.framework](), []
    for flag, setting, weakness, kind in (("httponly", "SESSION_COOKIE_HTTPONLY", "CWE-1004", "cookie-script"), ("secure", "SESSION_COOKIE_SECURE", "CWE-614", "cookie")):
        place = set_to_false(house, setting)
        if place is None:
            continue
        scenes_of = [p.entering() for p in house.people[:1] if p.steps and not p.session] + at_the_frameworks_door(house) + [[dict(plain_request(house, e), who="A")] for e in pages(house)]
        for steps in scenes_of:
            conditions = [{"step": len(steps) - 1, "cookie": cookie, "lacks": flag}]
            if steps and holds_now(house, steps, conditions):
                endpoint = house.sign_in or house.endpoints[0]
                claims.append(blame(claim(house, kind, weakness, endpoint, steps, conditions, [], "the session's cookie is sent without `%s`, which the project switched off" % flag, cookie), *place))
                break
    return claims


def at_the_frameworks_door(house):
    """Scenes in which a user signs in at the page that Django brings along, after having been made by the framework."""
    if house.framework != "django" or not house.people or house.people[0].session is None:
        return []
    from django.conf import settings
    from django.shortcuts import resolve_url
    from django.urls import NoReverseMatch, reverse

    places = [resolve_url(settings.LOGIN_URL)]
    try:
        places.append(reverse("login"))
    except NoReverseMatch:
        pass
    name, word = "eve7733", "c5rf" * 8
    arrive = {"who": "A", "method": "GET", "path": "/", "session": {"user": name}}
    knock = {"who": "X", "method": "POST", "form": [["username", name], ["password", "Passw0rd!x"]], "cookies": [["csrftoken", word]], "headers": [["X-CSRFToken", word]]}
    return [[arrive, dict(knock, path=place)] for place in dict.fromkeys(places) if place.startswith("/")]


def unflagged(house):
    """A cookie that is given only to those who sign in, without a flag that keeps it from scripts or from plain connections."""
    ann = house.people[0] if house.people else None
    if ann is None or ann.session is not None:
        return []
    claims, jar, words, steps = [], {}, dict(ann.words), ann.entering()
    for number, step in enumerate(ann.steps):
        house.watch.begin()
        try:
            answer = play([dict(step)], house.app, house.speaks, jar, words)
        except Exception:
            answer = (500, [], b"")
        made = {e["value"]: e for e in house.watch.end() if e["what"] == "cookie-set"}
        for name, value in answer[1]:
            key = value.split("=")[0].strip()
            if name.lower() != "set-cookie" or (key not in made and not own_header(house.framework)) or not telling_cookie(key):
                continue
            at = made.get(key, {}).get("at")
            for flag, weakness, kind, effect in (("httponly", "CWE-1004", "cookie-script", "can be read by script"), ("secure", "CWE-614", "cookie", "is sent over plain connections")):
                conditions = [{"step": number, "cookie": key, "lacks": flag}]
                if holds_now(house, steps[:number + 1], conditions):
                    endpoint = next((e for e in house.endpoints if e["path"] == step["path"] and step["method"] in e["methods"]), house.endpoints[0])
                    found = claim(house, kind, weakness, endpoint, steps[:number + 1], conditions, [], "the cookie `%s`, given to who signs in, %s" % (key, effect), key)
                    claims.append(dict(found, file=at[0], line=at[1], function=at[2]) if at else found)
    return claims


def set_to_false(house, setting):
    """(file, line) where a setting is given the value False."""
    for facts in house.survey["files"]:
        if re.search(r"(^|/)(tests?|docs)/|(^|/)(test_[^/]*|conftest)\.py$", facts["file"]):
            continue
        try:
            with open(os.path.join(house.root, facts["file"]), "rb") as stream:
                tree = ast.parse(stream.read())
        except (OSError, SyntaxError, ValueError, RecursionError):
            continue
        for node in ast.walk(tree):
            pairs = []
            if isinstance(node, ast.Assign):
                pairs = [(getattr(t, "id", getattr(t, "attr", getattr(getattr(t, "slice", None), "value", None))), node.value) for t in node.targets]
            elif isinstance(node, ast.Call):
                pairs = [(k.arg, k.value) for k in node.keywords]
            elif isinstance(node, ast.Dict):
                pairs = [(getattr(k, "value", None), v) for k, v in zip(node.keys, node.values)]
            for name, value in pairs:
                if name == setting and isinstance(value, ast.Constant) and value.value is False:
                    return facts["file"], value.lineno
    return None


def made_at(house, ann, name):
    """Where the project sets a cookie."""
    house.watch.begin()
    try:
        play([dict(s) for s in ann.steps], house.app, house.speaks, {})
    except Exception:
        pass
    return next((e["at"] for e in house.watch.end() if e["what"] == "cookie-set" and e["value"] == name and e["at"]), None)
