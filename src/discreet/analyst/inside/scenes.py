"""Plays a scene: requests of several people, each with a browser of its own, and conditions on what they then see.

Every function stands alone: the emitted tests carry their source. A step is a request with three more keys: `who` sends it,
`find` looks words up before it (in the database, or made from others), `take` reads words out of its answer.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import sqlite3
import tempfile


def perform(scene, app, speaks, words, play):
    """(answers, words) of a scene; `words` stand for @@NAME@@ in every text of it."""
    jars, answers, words = {}, [], dict(words)
    for step in scene:
        step = dict(step)
        who, find, take, beside = step.pop("who", ""), step.pop("find", {}), step.pop("take", {}), step.pop("beside", 0)
        for name, recipe in find.items():
            words[name] = looked_up([spoken(part, words) for part in recipe], answers)
        request = spoken(step, words)
        if beside:
            answers += side_by_side(request, app, speaks, jars.setdefault(who, {}), play, beside)[0]
            continue
        try:
            answer = play([request], app, speaks, jars.setdefault(who, {}))
        except Exception:
            answer = (500, [], b"")
        text = "\n".join("%s: %s" % pair for pair in answer[1]) + "\n\n" + answer[2].decode("utf-8", "replace")
        for name, pattern in take.items():
            match = re.findall(pattern, text)
            words[name] = match[-1] if match else ""
        answers.append(answer)
    return answers, words


WRITES = r"execute|commit|\.save|\.add\(|write|update|delete|insert|append|\.pop|remove|[-+]=|\]\s*=[^=]|\.\w+\s*=[^=]"


def side_by_side(request, app, speaks, jar, play, stop, wait_s=2.0):
    """(both answers, how often the first came to a line that writes): the same request twice, the second while the first stands before its `stop`-th such line."""
    import linecache
    import sys
    import threading

    if speaks in ("asgi", "aiohttp", "tornado"):  # its tasks take turns where they wait, and only there
        worn = list(request.get("cookies", [])) + [(n, v) for n, v in jar.items() if n not in {c[0] for c in request.get("cookies", [])}]
        try:
            return play.__globals__["SENDERS"][speaks](app, dict(request, cookies=worn), stop)
        except Exception:
            return [(500, [], b"")] * 2, 0
    root, reached, go, count, answers = os.getcwd() + os.sep, threading.Event(), threading.Event(), [0], [None, None]

    def trace(frame, event, argument):
        file = frame.f_code.co_filename
        if not file.startswith(root) or "site-packages" in file:
            return None
        if event == "line" and re.search(WRITES, linecache.getline(file, frame.f_lineno)):
            count[0] += 1
            if count[0] == stop:
                reached.set()
                go.wait(30)
        return trace

    def send(index, traced):
        if traced:
            sys.settrace(trace)
        try:
            answers[index] = play([request], app, speaks, dict(jar))
        except Exception:
            answers[index] = (500, [], b"")
        finally:
            sys.settrace(None)
            reached.set()

    first, second = threading.Thread(target=send, args=(0, True)), threading.Thread(target=send, args=(1, False))
    first.start()
    reached.wait(30)
    second.start()
    second.join(wait_s)  # one that waits for a lock is let go with the first
    go.set()
    first.join(30)
    second.join(30)
    return [a or (500, [], b"") for a in answers], count[0]


def spoken(value, words):
    """A described thing with the words in their places."""
    if isinstance(value, str):
        for name, word in words.items():
            value = value.replace("@@%s@@" % name, str(word))
        return value
    if isinstance(value, dict):
        return {spoken(k, words): spoken(v, words) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [spoken(v, words) for v in value]
    return value


def looked_up(recipe, answers):
    """A word found in the database or made from other words."""
    kind = recipe[0]
    if kind == "row":  # ["row", text that it holds, column]
        for _file, _table, row in rows_with(recipe[1]):
            if recipe[2] in row:
                return str(row[recipe[2]])
        return "0"
    if kind == "session":  # ["session", key, data]: a session as Flask signs it
        return flask_session(recipe[1], recipe[2])
    if kind == "starlette-session":
        return starlette_session(recipe[1], recipe[2])
    if kind == "resigned":  # ["resigned", cookie, key]: the same session, signed anew
        return flask_session(recipe[2], None, recipe[1].rsplit(".", 2)[0])
    if kind == "jwt":  # ["jwt", token, changes, key or None]
        return token_like(recipe[1], recipe[2], recipe[3])
    if kind == "worn":  # ["worn", cookie, changes]: an unsigned cookie with other contents
        return worn_like(recipe[1], recipe[2], recipe[3])
    return ""


def databases(tops, look):
    """Let `look` see (path, connection, its tables) of every SQLite file in folders, {folder: whether those below it count as well}."""
    import sqlite3

    for top, deep in tops.items():
        for directory, names, here in os.walk(top):
            names[:] = [n for n in names if deep and not n.startswith(".") and n not in ("node_modules", "site-packages")]
            for path in [os.path.join(directory, f) for f in here]:
                try:
                    with open(path, "rb") as stream:
                        if stream.read(16) != b"SQLite format 3\0":
                            continue
                    connection = sqlite3.connect("file:%s?mode=ro" % path, uri=True, timeout=2)
                    try:
                        look(path, connection, [r[0] for r in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'").fetchall()])
                    finally:
                        connection.close()
                except (OSError, sqlite3.Error):
                    continue


def rows_with(word):
    """(file, table, row) of every row that holds a text, in the SQLite files of the project and of the scratch directory."""
    found = []

    def look(path, connection, tables):
        connection.row_factory = sqlite3.Row
        for table in tables:
            for row in connection.execute('SELECT * FROM "%s" LIMIT 3000' % table.replace('"', '""')).fetchall():
                if any(isinstance(v, str) and word in v for v in tuple(row)):
                    found.append((path, table, dict(zip(row.keys(), tuple(row)))))

    databases({os.getcwd(): True, tempfile.gettempdir(): False}, look)
    return found


def holds(conditions, answers, words, markup=None):
    """Whether all conditions on the answers, and on the database at the end, are met; `markup` judges whether a word became part of a page."""
    for condition in conditions:
        condition = spoken(condition, words)
        if "word" in condition:
            if condition["word"] in ("", "0", "?", condition.get("other")) or condition["word"].startswith("@@"):
                return False
            continue
        if "row" in condition:
            rows = [row for _file, _table, row in rows_with(condition["row"])]
            column, wanted = condition.get("column"), condition.get("is")
            if condition.get("gone"):
                if rows:
                    return False
            elif not any(column is None or str(row.get(column)).lower() in wanted for row in rows):
                return False
            continue
        status, headers, body = answers[condition["step"]]
        text = body.decode("utf-8", "replace")
        turned_away = status in (301, 302, 303, 307, 308, 401, 403, 404, 405, 422) or status >= 500
        if "shows" in condition and (condition["shows"] not in text or turned_away):
            return False
        if "markup" in condition and (turned_away or not markup(headers, body, condition["markup"])):
            return False
        if "hides" in condition and condition["hides"] in text:
            return False
        if "refused" in condition and not (status in (301, 302, 303, 307, 308, 401, 403, 404) or (status == 200 and condition["refused"] != "hard" and re.search(r"log ?in|sign ?in|not allowed|denied|unauthori[sz]ed|forbidden", text, re.I))):
            return False
        if "accepted" in condition and (status >= 400 or (status in (301, 302, 303, 307, 308) and re.search(r"login|signin|sign-in|auth", str(dict((k.lower(), v) for k, v in headers).get("location", "")), re.I))):
            return False
        if "lacks" in condition:
            worn = [v for k, v in headers if k.lower() == "set-cookie" and v.split("=")[0].strip() == condition["cookie"] and v.split(";")[0].partition("=")[2]]
            if not worn or condition["lacks"] in {p.strip().split("=")[0].lower() for p in worn[-1].split(";")[1:]}:
                return False
        if "same" in condition and (status, body) != (answers[condition["same"]][0], answers[condition["same"]][2]):
            return False
        if "differs" in condition and (status, body) == (answers[condition["differs"]][0], answers[condition["differs"]][2]):
            return False
    return True


def flask_session(key, data, packed=None):
    """A session cookie signed with a key, as Flask's default interface makes it; standard library only."""
    import time

    payload = packed.encode() if packed else base64.urlsafe_b64encode(json.dumps(data, separators=(",", ":")).encode()).rstrip(b"=")
    stamp = base64.urlsafe_b64encode(int(time.time()).to_bytes(4, "big")).rstrip(b"=")
    derived = hmac.new(key.encode(), b"cookie-session", hashlib.sha1).digest()
    signed = payload + b"." + stamp
    return (signed + b"." + base64.urlsafe_b64encode(hmac.new(derived, signed, hashlib.sha1).digest()).rstrip(b"=")).decode()


def starlette_session(key, data):
    """A session cookie signed with a key, as Starlette's middleware makes it."""
    import time

    payload = base64.b64encode(json.dumps(data).encode())
    stamp = base64.urlsafe_b64encode(int(time.time()).to_bytes(4, "big")).rstrip(b"=")
    derived = hashlib.sha1(b"itsdangerous.Signer" + b"signer" + key.encode()).digest()
    signed = payload + b"." + stamp
    return (signed + b"." + base64.urlsafe_b64encode(hmac.new(derived, signed, hashlib.sha1).digest()).rstrip(b"=")).decode()


def token_like(token, changes, key):
    """A token with the same claims but those changed, signed with a key, or unsigned (`none`), or with the signature of another text (`broken`)."""
    def packed(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    try:
        head, body = [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in token.split(".")[:2]]
    except (ValueError, IndexError):
        return "?"
    body.update(changes or {})
    if key == "none":
        return packed(json.dumps({"alg": "none", "typ": "JWT"}).encode()) + "." + packed(json.dumps(body).encode()) + "."
    signed = packed(json.dumps(dict(head, alg="HS256") if key != "broken" else head).encode()) + "." + packed(json.dumps(body).encode())
    digest = {"HS384": hashlib.sha384, "HS512": hashlib.sha512}.get(head.get("alg"), hashlib.sha256)
    if key != "broken" and head.get("alg") in ("HS384", "HS512"):
        signed = packed(json.dumps(head).encode()) + "." + packed(json.dumps(body).encode())
    secret = os.urandom(32) if key == "broken" else key.encode()
    return signed + "." + packed(hmac.new(secret, signed.encode(), digest).digest())


def worn_like(cookie, old, new):
    """An unsigned cookie in which one word took the place of another, through the coding that it was in; the same where there is none."""
    text = cookie.strip('"')
    if old in text:
        return text.replace(old, new)
    for decode, encode in (
        (lambda t: base64.b64decode(t + "=" * (-len(t) % 4)), lambda b: base64.b64encode(b).decode()),
        (lambda t: base64.urlsafe_b64decode(t + "=" * (-len(t) % 4)), lambda b: base64.urlsafe_b64encode(b).decode()),
        (bytes.fromhex, lambda b: b.hex()),
    ):
        try:
            inner = decode(text)
        except ValueError:
            continue
        if old.encode() in inner:
            return encode(inner.replace(old.encode(), new.encode()))
    for name in ("md5", "sha1", "sha256"):
        if text == hashlib.new(name, old.encode()).hexdigest():
            return hashlib.new(name, new.encode()).hexdigest()
    return "?"
