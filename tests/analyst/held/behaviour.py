"""What the shelf's handlers have to do when they are in order; no patch is made with a look at this.

    python behaviour.py PROJECT        prints {handler: {"honest": what went wrong or "", "attack": the same}}

Honest use has its edge cases; the attacks are others than those that proofs play.
"""

from __future__ import annotations

import base64
import datetime
import decimal
import html
import http.server
import json
import os
import pickle
import random
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

HONEST: dict[str, Callable[[Any], None]] = {}
ATTACK: dict[str, Callable[[Any], None]] = {}


def honest(check: Callable[[Any], None]) -> Callable[[Any], None]:
    return HONEST.setdefault(check.__name__.removesuffix("_honest"), check)


def attack(check: Callable[[Any], None]) -> Callable[[Any], None]:
    return ATTACK.setdefault(check.__name__.removesuffix("_attack"), check)


def same(given: Any, wanted: Any) -> None:
    if given != wanted:
        raise AssertionError(f"{given!r} instead of {wanted!r}")


def never(holds: Any, what: str) -> None:
    if holds:
        raise AssertionError(what)


# --- queries -----------------------------------------------------------------------------------------------------------


@honest
def by_author_honest(c: Any) -> None:
    for author, since, wanted in (("Zola", "0", ["Émile"]), ("Lyons", "2009", ["100% Wolf"]), ("Lyons", "2010", []), ("", "0", []), ("Zola\\", "0", []), ('Zo"la', "0", []), ("Pratchett", "1986", ["Mort"])):
        same(c.get("/books/by", query_string={"author": author, "since": since}).json, wanted)


@attack
def by_author_attack(c: Any) -> None:
    for author, since in (("' UNION SELECT password FROM member WHERE '1'='1", "0"), ("x' OR 1=1 OR 'a'='", "0"), ("Zola", "0 OR 1=1"), ("Zola", "0 UNION SELECT name FROM sqlite_master"), ("'/**/OR/**/2>1/**/OR/**/'", "0")):
        never((c.get("/books/by", query_string={"author": author, "since": since}).json or ["Émile"]) not in ([], ["Émile"]), f"more than asked for by {author!r} {since!r}")
    same(c.get("/books/by", query_string={"author": "O'Brien"}).json, ["Dune"])


@honest
def like_honest(c: Any) -> None:
    for query, number, wanted in (("o", "10", ["100% Wolf", "Mort"]), ("o", "1", ["100% Wolf"]), ("", "2", ["Dune", "100% Wolf"]), ("%", "1", ["Dune"]), ("0% W", "5", ["100% Wolf"]), ("É", "5", ["Émile"]), ("nothing", "5", [])):
        same(c.get("/books/like", query_string={"q": query, "n": number}).json, wanted)


@attack
def like_attack(c: Any) -> None:
    for query, number in (("%' UNION SELECT username FROM member --", "10"), ("x%' OR 1=1 OR title LIKE '", "10"), ("zzz", "10 OFFSET (SELECT 0)"), ("Dune", "(SELECT count(*) FROM book)")):
        got = c.get("/books/like", query_string={"q": query, "n": number})
        never(got.status_code == 200 and got.json, f"answered {query!r} {number!r} with {got.json}")
    same(c.get("/books/like", query_string={"q": "'"}).json, [])


@honest
def cheap_honest(c: Any) -> None:
    for twice, wanted in (("16.5", ["100% Wolf", "Mort"]), ("0", []), ("14", ["100% Wolf"]), ("-1", []), ("1e2", ["Dune", "100% Wolf", "Émile", "Mort"])):
        same(c.get("/books/cheap", query_string={"twice": twice}).json, wanted)


@attack
def cheap_attack(c: Any) -> None:
    for twice in ("0 OR 1=1", "(SELECT 99)", "0 UNION SELECT password FROM member", "price*3"):
        got = c.get("/books/cheap", query_string={"twice": twice})
        never(got.status_code == 200 and got.json, f"answered {twice!r} with {got.json}")


# --- files ---------------------------------------------------------------------------------------------------------------


def reads(c: Any, place: Callable[[str], str]) -> None:
    for name, wanted in (("a.txt", "first"), ("two words.txt", "second"), ("deep/b.txt", "third"), ("./deep/b.txt", "third"), ("..odd.txt", "odd")):
        same(c.get(place(name)).text, wanted)
    for name in ("none.txt", "deep", "deep/none.txt"):
        same(c.get(place(name)).status_code, 404)


def climbs(c: Any, place: Callable[[str], str]) -> None:
    os.path.lexists("docs/link") or os.symlink("../docs-private/p.txt", "docs/link")
    for name in ("../docs-private/p.txt", "deep/../../docs-private/p.txt", os.path.abspath("docs-private/p.txt"), "link", "./../docs-private/p.txt", "../wsgi.py"):
        try:
            got = c.get(place(name))
        except Exception:
            continue
        never(got.status_code == 200 and ("private" in got.text or "import" in got.text), f"read {name!r}")


@honest
def read_honest(c: Any) -> None:
    reads(c, lambda name: f"/files/read?name={name}")


@attack
def read_attack(c: Any) -> None:
    climbs(c, lambda name: f"/files/read?name={name}")


@honest
def show_honest(c: Any) -> None:
    reads(c, lambda name: f"/files/show/{name}")


@attack
def show_attack(c: Any) -> None:
    climbs(c, lambda name: "/files/show/" + name.replace("../", "%2e%2e/"))


# --- commands, calls -------------------------------------------------------------------------------------------------------


@honest
def count_honest(c: Any) -> None:
    for text in ("one two", "", "a'b", "x;y", "a  b", "*", "~", "é", "a\nb", "#no", "(x)", "&"):
        same(c.post("/calls/count", data={"text": text}).text.strip(), str(len(text.encode())))


@attack
def count_attack(c: Any) -> None:
    for text in ('"; touch hit; "', "$(touch hit)", "`touch hit`", 'x" > hit; : "', "${IFS}$(touch${IFS}hit)"):
        got = c.post("/calls/count", data={"text": text})
        never(os.path.exists("hit"), f"ran {text!r}")
        same(got.text.strip(), str(len(text.encode())))


@honest
def order_honest(c: Any) -> None:
    for lines in ("b", "zoo", "c-d", "é"):
        same(c.post("/calls/sort", data={"lines": lines}).text, "\n".join(sorted([lines, "a"], reverse=True)) + "\n")


@attack
def order_attack(c: Any) -> None:
    for lines in ("b; touch hit;", "$(touch hit)", "b && touch hit #", "b | touch hit", "b\ntouch hit\n", "<(touch hit)"):
        c.post("/calls/sort", data={"lines": lines})
        never(os.path.exists("hit"), f"ran {lines!r}")


class Answering(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        inside = self.path.startswith("/inside")
        self.send_response(302 if self.path.startswith(("/to", "/on")) else 200)
        if self.path.startswith("/to"):
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_address[1]}/inside")
        if self.path.startswith("/on"):
            self.send_header("Location", "/page")
        self.end_headers()
        self.wfile.write(b"an internal page" if inside else b"a public page")

    def log_message(self, *rest: Any) -> None:
        pass


def neighbourhood() -> int:
    """A server on this machine that the names `public.example` and `sly.example` lead to, as resolved addresses of the net and of the machine itself."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port, look, connect = server.server_address[1], socket.getaddrinfo, socket.socket.connect
    known = {"public.example": "93.184.216.34", "sly.example": "127.0.0.1", "other.example": "10.0.0.7"}

    def looked(host: Any, *rest: Any, **more: Any) -> Any:
        return look(known.get(host, host), *rest, **more)

    def connected(self: socket.socket, address: Any) -> Any:
        return connect(self, ("127.0.0.1", *address[1:]) if address[0] in known.values() else address)

    socket.getaddrinfo, socket.socket.connect = looked, connected  # type: ignore[assignment, method-assign]
    return port


def fetches(c: Any, place: str) -> None:
    port = neighbourhood()
    for path in ("/", "/page?q=http://127.0.0.1/", "/on", "/a%20b"):
        same(c.post(place, data={"url": f"http://public.example:{port}{path}"}).text, "a public page")


def reaches_in(c: Any, place: str) -> None:
    port = neighbourhood()
    hosts = ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0.0.0.0", "[::ffff:127.0.0.1]", "sly.example", "other.example", "public.example@127.0.0.1"]
    for url in [f"http://{h}:{port}/inside" for h in hosts] + [f"http://public.example:{port}/to", f"HTTP://LOCALHOST:{port}/inside", "file:///etc/hostname"]:
        try:
            got = c.post(place, data={"url": url})
        except Exception:
            continue
        never("an internal page" in got.text or (url.startswith("file") and got.status_code == 200), f"fetched {url}")


@honest
def fetch_honest(c: Any) -> None:
    fetches(c, "/calls/fetch")


@attack
def fetch_attack(c: Any) -> None:
    reaches_in(c, "/calls/fetch")


@honest
def ping_honest(c: Any) -> None:
    fetches(c, "/calls/ping")


@attack
def ping_attack(c: Any) -> None:
    reaches_in(c, "/calls/ping")


# --- pages -----------------------------------------------------------------------------------------------------------------


@honest
def hello_honest(c: Any) -> None:
    for name in ("Ann", "Émile", "5 > 3", "a b", ""):
        same(html.unescape(c.get("/pages/hello", query_string={"name": name}).text), f"<p title='{name}'>Hello {name}</p>")
    same(c.get("/pages/hello").text, "<p title='you'>Hello you</p>")


@attack
def hello_attack(c: Any) -> None:
    for name in ("' onmouseover='x()", "<img src=x onerror=x()>", "'><svg/onload=x()>", "Tom & Jerry <3", "'"):
        text = c.get("/pages/hello", query_string={"name": name}).text
        never("<img" in text or "<svg" in text or text.count("'") != 2, f"{name!r} became {text}")
        same(html.unescape(text), f"<p title='{name}'>Hello {name}</p>")


@honest
def card_honest(c: Any) -> None:
    for name in ("Ann", "Émile", "a b", "50%"):
        same(html.unescape(c.get("/pages/card", query_string={"name": name}).text), f"<h1>Card of {name}</h1><p>42</p>")


@attack
def card_attack(c: Any) -> None:
    for name in ("{{ config }}", "{{ 7 * '7' }}", "{% for x in [1, 2] %}x{% endfor %}", "<b>x</b>", "{# gone #}", "{{ ''.__class__ }}"):
        text = c.get("/pages/card", query_string={"name": name}).text
        never("<b>" in text, f"{name!r} became {text}")
        same(html.unescape(text), f"<h1>Card of {name}</h1><p>42</p>")


@honest
def total_honest(c: Any) -> None:
    for text, wanted in (("1+2*3", 7), ("(1 + 2) * 3", 9), ("-4/2", -2.0), ("7//2", 3), ("7%4", 3), ("2**10", 1024), ("1.5", 1.5), ("[1, 2]", [1, 2]), (" 5 ", 5), ("+3", 3), ("0", 0)):
        same(c.get("/pages/sum", query_string={"of": text}).json, {"value": wanted})


@attack
def total_attack(c: Any) -> None:
    for text in ("open('hit', 'w')", "().__class__", "[x for x in (1,)]", "(lambda: 1)()", "__import__('os').getpid()", "9**9**9", "'a' * 10**9"):
        try:
            got = c.get("/pages/sum", query_string={"of": text})
        except Exception:
            continue
        never(os.path.exists("hit") or got.status_code == 200, f"evaluated {text!r}")


@honest
def leave_honest(c: Any) -> None:
    for to in ("/account?next=/a/b", "/search?q=http://x.example/", "page", "?page=2", "#part", "/a:b/c", "/é", "/path;x=1", "http://localhost/home", "./up"):
        same(c.get("/places/leave", query_string={"to": to}).headers["Location"], c.application.make_response(("", 302, {"Location": __import__("werkzeug.urls").urls.iri_to_uri(to)})).headers["Location"])
    same(c.get("/places/leave").headers["Location"], "/")


@attack
def leave_attack(c: Any) -> None:
    for to in ("//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "https:evil.example", "http:///evil.example", "javascript:x()", "https://localhost@evil.example/", "https://localhost.evil.example/", " //evil.example", "///evil.example", "http://localhost:80@evil.example", "HTTPS://EVIL.EXAMPLE", "data:text/html,x", "http://localhost\\@evil.example/"):
        got = c.get("/places/leave", query_string={"to": to})
        where = got.headers.get("Location", "/").strip()
        never("evil" in where.lower() or where.lower().startswith(("javascript", "data")), f"{to!r} leads to {where!r}")


@honest
def theme_honest(c: Any) -> None:
    for value in ("dark", "a b", ""):
        got = c.get("/places/theme", query_string={"value": value})
        kept = got.headers["Set-Cookie"]
        same((got.status_code, "Max-Age=3600" in kept, "Path=/places" in kept, kept.count("session_token=")), (302, True, True, 1))
        same(kept.partition("=")[2].partition(";")[0].strip('"'), value)


@attack
def theme_attack(c: Any) -> None:
    flags = [p.strip().lower() for p in c.get("/places/theme").headers["Set-Cookie"].split(";")]
    same((flags.count("secure"), flags.count("httponly")), (1, 1))


# --- what is read in -------------------------------------------------------------------------------------------------------


class Runs:
    def __reduce__(self) -> Any:
        return os.mkdir, ("hit",)


class Imports:
    def __reduce__(self) -> Any:
        return getattr, ("a", "upper")


@honest
def restore_honest(c: Any) -> None:
    things = [{"a": [1, 2.5, None, True]}, (1, "é"), {1, 2}, frozenset({3}), b"raw", bytearray(b"x"), datetime.date(2024, 2, 29), datetime.datetime(2024, 1, 2, 3, 4, tzinfo=datetime.UTC), datetime.timedelta(days=2), decimal.Decimal("1.50"), 2**80, complex(1, 2)]
    for thing in things:
        for protocol in (0, 2, 4, 5):
            same(c.post("/states/restore", data={"state": base64.b64encode(pickle.dumps(thing, protocol)).decode()}).json, {"state": repr(thing)})


@attack
def restore_attack(c: Any) -> None:
    for thing in (pickle.dumps(Runs()), pickle.dumps(Runs(), 0), b"cos\nsystem\n(S'touch hit'\ntR.", b"cbuiltins\neval\n(S'open(\"hit\",\"w\")'\ntR.", b"c__main__\nRuns\n.", pickle.dumps(Imports()), b"\x80\x04\x8c\x08builtins\x8c\x04exec\x93\x8c\x10open('hit', 'w')\n\x85R."):
        try:
            got = c.post("/states/restore", data={"state": base64.b64encode(thing).decode()})
        except Exception:
            got = None
        never(os.path.exists("hit") or (got is not None and got.status_code == 200), f"restored {thing!r}")


@honest
def settings_honest(c: Any) -> None:
    for text, wanted in (("a: 1\nb: [x, 2.5, null]", {"a": 1, "b": ["x", 2.5, None]}), ("- &x é\n- *x", ["é", "é"]), ("d: 2024-02-29", {"d": datetime.date(2024, 2, 29)}), ("''", ""), ("a: {b: {c: yes}}", {"a": {"b": {"c": True}}}), ("t: |\n  one\n  two\n", {"t": "one\ntwo\n"}), ("", None), ("!!binary aGk=", b"hi"), ("!!set {a}", {"a"})):
        same(c.post("/states/settings", data={"text": text}).json, {"settings": repr(wanted)})


@attack
def settings_attack(c: Any) -> None:
    for text in ("!!python/object/apply:os.makedirs [hit]", "!!python/object/new:os.mkdir [hit]", "a: !!python/object/apply:subprocess.check_output [[touch, hit]]", "!!python/name:os.system", "!!python/module:antigravity", "!!python/object/apply:builtins.eval ['open(\"hit\", \"w\")']"):
        try:
            got = c.post("/states/settings", data={"text": text})
        except Exception:
            got = None
        never(os.path.exists("hit") or (got is not None and got.status_code == 200), f"loaded {text!r}")


@honest
def order_xml_honest(c: Any) -> None:
    for body, wanted in (("<o><item>a</item><item>b &amp; c</item></o>", ["a", "b & c"]), ("<?xml version='1.0' encoding='utf-8'?><o><item>é</item></o>", ["é"]), ("<o><item><![CDATA[<x>]]></item></o>", ["<x>"]), ("<o/>", []), ("<o><n><item>deep</item></n></o>", ["deep"])):
        same(c.post("/states/order", data={"xml": body}).json, {"items": wanted})


@attack
def order_xml_attack(c: Any) -> None:
    secret = Path("docs-private/p.txt").resolve()
    for body in (f'<!DOCTYPE o [<!ENTITY x SYSTEM "{secret}">]><o><item>&x;</item></o>', f'<!DOCTYPE o [<!ENTITY % p "<!ENTITY x SYSTEM \'{secret}\'>"> %p;]><o><item>&x;</item></o>', f'<!DOCTYPE o [<!ENTITY x PUBLIC "any" "file://{secret}">]><o><item>&x;</item></o>'):
        try:
            got = c.post("/states/order", data={"xml": body})
        except Exception:
            continue
        never("private" in got.text, f"read a file by {body!r}")


# --- secrets ---------------------------------------------------------------------------------------------------------------


@honest
def reset_honest(c: Any) -> None:
    made = [c.post("/tokens/reset").json["reset_token"] for _ in range(20)]
    same((len(set(made)), {len(m) for m in made}, all(m.isalnum() and m.isascii() for m in made)), (20, {24}, True))


@attack
def reset_attack(c: Any) -> None:
    made = []
    for _ in range(2):
        random.seed(1234)
        made.append(c.post("/tokens/reset").json["reset_token"])
    never(made[0] == made[1], "the same seed gives the same token")


@honest
def check_honest(c: Any) -> None:
    for secret in ("x", "", "é" * 5, "a" * 5000):
        one, two = c.post("/tokens/check", data={"secret": secret}).json, c.post("/tokens/check", data={"secret": secret}).json
        same((one, one["length"], int(one["digest"], 16) >= 0), (two, len(secret), True))
    never(c.post("/tokens/check", data={"secret": "a"}).json["digest"] == c.post("/tokens/check", data={"secret": "b"}).json["digest"], "two secrets have one digest")


@attack
def check_attack(c: Any) -> None:
    never(len(c.post("/tokens/check", data={"secret": "a"}).json["digest"]) < 56, "a short digest")


def signed_in(c: Any, name: str, secret: str = "s3cret!") -> Any:
    client = c.application.test_client()
    client.post("/register", data={"username": name, "password": secret})
    same(client.post("/login", data={"username": name, "password": secret}).status_code, 302)
    return client


@honest
def register_honest(c: Any) -> None:
    for number, secret in enumerate(("short", "é with blanks ", "x" * 500, "%s{}'\"")):
        signed_in(c, f"member{number}", secret)
        same(c.post("/login", data={"username": f"member{number}", "password": secret + "x"}).status_code, 403)
    same(c.post("/login", data={"username": "nobody", "password": ""}).status_code, 403)


@attack
def register_attack(c: Any) -> None:
    import sqlite3

    signed_in(c, "kept", "s3cret!")
    kept = sqlite3.connect("shelf.sqlite").execute("SELECT password FROM member WHERE username = 'kept'").fetchone()[0]
    import hashlib

    never(kept in {hashlib.new(n, b"s3cret!").hexdigest() for n in ("md5", "sha1", "sha256", "sha512")}, "a fast digest without salt")


@honest
def read_note_honest(c: Any) -> None:
    ann = signed_in(c, "ann")
    ann.post("/notes", data={"text": "mine é"})
    mine = ann.get("/notes").json
    same(mine[-1]["text"], "mine é")
    same(ann.get(f"/notes/{mine[-1]['id']}").json, mine[-1])
    same((ann.get("/notes/999999").status_code, c.application.test_client().get("/notes/1").status_code), (404, 401))


@attack
def read_note_attack(c: Any) -> None:
    ann, bob = signed_in(c, "ann2"), signed_in(c, "bob2")
    ann.post("/notes", data={"text": "only mine"})
    number = ann.get("/notes").json[-1]["id"]
    for place in (f"/notes/{number}", f"/notes/0{number}"):
        never("only mine" in bob.get(place).text, f"another reads {place}")


@honest
def delete_honest(c: Any) -> None:
    ann = signed_in(c, "ann3")
    for text in ("one", "two"):
        ann.post("/notes", data={"text": text})
    first = ann.get("/notes").json[0]["id"]
    same(ann.post(f"/notes/{first}/delete").status_code, 302)
    same([n["text"] for n in ann.get("/notes").json], ["two"])


@attack
def delete_attack(c: Any) -> None:
    ann, bob = signed_in(c, "ann4"), signed_in(c, "bob4")
    ann.post("/notes", data={"text": "stays"})
    bob.post(f"/notes/{ann.get('/notes').json[-1]['id']}/delete")
    same([n["text"] for n in ann.get("/notes").json], ["stays"])


def main() -> None:
    os.chdir(sys.argv[1])
    sys.path.insert(0, sys.argv[1])
    from wsgi import app  # type: ignore[import-not-found]

    told: dict[str, dict[str, str]] = {}
    for part, checks in (("honest", HONEST), ("attack", ATTACK)):
        for name, check in checks.items():
            for left in ("hit",):
                if os.path.exists(left):
                    os.rmdir(left) if os.path.isdir(left) else os.remove(left)
            try:
                check(app.test_client())
                told.setdefault(name, {})[part] = ""
            except Exception as error:
                told.setdefault(name, {})[part] = f"{type(error).__name__}: {error}"[:300]
    print(json.dumps(told))


if __name__ == "__main__":
    main()
