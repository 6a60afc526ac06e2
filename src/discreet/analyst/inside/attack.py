"""Attacks one entry point: finds its inputs, tries payloads, judges effects, shrinks what works to one small request."""

import contextlib
import itertools
import os
import re
import signal
import sys
import time

import oracles
import proving
import scenes
import slow
import static
from payloads import PAYLOADS, WEAKNESS
from web import play, put

NAMES_MAX = 24
NARROW_ABOVE = 6
SLOW_S, GLANCE_S = 8.0, 0.03
REQUEST_CPU_S = 3.0
STUCK_MAX = 3
NARROW_MAX = 40
ROUNDS_MAX = 3
VARIANTS_MAX = 6
CLOSURE_MAX = 40
# Methods that so many objects have that a name in common says nothing.
EVERYDAY_METHODS = frozenset(
    "get post put delete append extend add insert update pop join format items keys values read write open close strip split replace encode decode execute fetchone fetchall commit "
    "filter all first save create find search load loads dump dumps run send set count index sort copy start stop connect cursor render".split()
)
UNLIKELY_TEMPLATES_MAX = 3
IDLE_TEMPLATES_MAX = 5
REFUSED = (301, 302, 303, 307, 308, 401, 403)
OPERAND = "dq-operand"  # what an operator of a query is given; the operator itself is the payload
CSRF_WORD = "c5rfc5rfc5rfc5rfc5rfc5rfc5rfc5rf"
NOT_INPUT_HEADERS = {
    "host", "content-type", "content-length", "cookie", "accept", "accept-encoding", "accept-language", "if-none-match", "if-modified-since", "range", "if-range", "transfer-encoding", "connection", "upgrade", "authorization",
    "x-forwarded-host", "x-forwarded-proto", "x-forwarded-for", "x-forwarded-port", "x-forwarded-prefix", "x-script-name", "expect", "x-requested-with", "access-control-request-method", "origin", "sec-fetch-site", "sec-fetch-mode", "cache-control",
}
# What a handler touches when its inputs are taken apart by hand, where the wrappers see no names being asked for.
BY_HAND = {"query_string", "get_data", "data", "stream", "environ", "full_path", "META", "COOKIES", "body", "scope", "raw_path", "QUERY_STRING", "rfile", "path", "headers", "url", "json", "get_json"}
# Without one of these imported in a file, a call there with a telling name is something else.
LIBRARIES = {
    "ssrf": {"requests", "httpx", "urllib", "http", "aiohttp", "urllib3", "pycurl", "socket", "tornado", "asyncio", "treq", "httplib2", "grequests"},
    "deserialise": {"pickle", "yaml", "marshal", "dill", "jsonpickle", "shelve", "joblib", "ruamel", "cloudpickle", "torch", "numpy", "pandas", "_pickle", "cPickle", "oyaml", "django"},
    "xml": {"xml", "lxml", "xmltodict", "bs4", "defusedxml", "html5lib"},
    "xpath": {"xml", "lxml", "elementpath", "parsel", "scrapy", "defusedxml"},
    "ldap": {"ldap", "ldap3", "bonsai", "flask_ldap3_login"},
    "archive": {"zipfile", "tarfile", "shutil", "py7zr", "patoolib"},
    "sql": {"sqlite3", "sqlalchemy", "django", "psycopg2", "psycopg", "pymysql", "MySQLdb", "mysql", "aiosqlite", "asyncpg", "peewee", "pony", "databases", "flask_sqlalchemy", "apsw", "records", "dataset", "tortoise", "pandas", "flask_mysqldb"},
    "nosql": {"pymongo", "motor", "flask_pymongo", "mongomock", "mongoengine", "bson"},
    "command": {"os", "subprocess", "asyncio", "commands", "pexpect", "sh", "fabric", "invoke", "paramiko", "plumbum", "pty"},
}
NOT_NAMES = {"csrfmiddlewaretoken", "csrf_token", "_csrf", "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "utf-8", "utf8", "__main__", "r", "w", "rb", "wb", "a", "ascii", "latin-1", "ignore", "replace", "strict", "html.parser", "application/json", "text/html", "text/plain"}
PREFERENCE_WORDS = ("lang", "locale", "theme", "timezone", "tz", "color", "colour", "mode", "view", "sort", "consent", "currency", "banner", "seen", "tab", "layout", "font", "page", "filter", "search")
SENSITIVE_COOKIE = re.compile(r"(^|[_.-])(sess|session|sessionid|sid|auth|token|jwt|remember|rememberme|login|access|refresh|api[_-]?key|secret|identity|id[_-]?token)", re.I)
SENSITIVE_INPUT = re.compile(r"passw|passwd|pwd|secret|passphrase|\bpin\b|api_?key|token|credential|ssn|security_answer", re.I)
IDENTITY_KEY = re.compile(r"^(user|user_?id|uid|user_?name|login|account|account_?id|logged_?in|authenticated|auth_user|member_?id|customer_?id)$", re.I)
PRIVILEGE_KEY = re.compile(r"^(role|roles|is_?admin|admin|is_?staff|is_?superuser|privilege|privileges|permission|permissions|access_?level)$", re.I)
CHANNELS = ("query", "form", "json", "cookie", "header", "pname", "hname")


class Attack(object):
    """The state of the attack on one entry point."""

    def __init__(self, endpoint, app, watch, survey, nonce, deadline, all_kinds, siblings=()):
        self.siblings, self.prefix, self.jar, self.carried = siblings, [], {}, []
        self.guest, self.shown_as, self.keep, self.stuck, self.there = None, [], None, 0, {}
        self.endpoint, self.app, self.watch, self.survey, self.deadline, self.all_kinds = endpoint, app, watch, survey, deadline, all_kinds
        self.place, self.nonce = watch.place, nonce
        self.count, self.claims, self.requests, self.offered = 0, [], 0, False
        self.notes = []
        self.function = nearest(survey, endpoint["place"])
        self.scope = closure(survey, self.function)
        if self.function is None:
            methods = [f for f in survey["by_file"].get(endpoint["place"][0], ()) if f["qualname"].startswith(str(endpoint["place"][2]) + ".")]
            self.scope = list({(f["file"], f["qualname"]): f for m in methods for f in closure(survey, m)}.values())[:CLOSURE_MAX]
        self.names, self.text_names, self.kinds_static = [], [], set()
        for function in self.scope:
            imports = survey["imports"].get(function["file"], set())
            self.kinds_static |= {k for k in function["kinds"] if k not in LIBRARIES or imports & LIBRARIES[k]}
        self.constants = list(dict.fromkeys(c for f in self.scope[:6] for c in f["constants"]))
        self.compared = list(dict.fromkeys(c for f in self.scope[:8] for c in f["compared"]))
        self.constants = list(dict.fromkeys(self.compared + self.constants))
        self.iterates = False
        self.idle_modes, self.likely = set(), True
        self.session, self.encodings, self.coded, self.marked = None, set(), {}, {}
        self.reflects = self.redirects = False
        self.variants = [{}]
        self.body_method = next((m for m in ("POST", "PUT", "PATCH", "DELETE") if m in endpoint["methods"]), None)
        self.method = self.body_method or (endpoint["methods"] or ["GET"])[0]

    # -- requests -------------------------------------------------------------------------------------------------

    def tokens(self):
        self.count += 1
        mark = "dq%s%d" % (self.nonce, self.count)
        flag = os.path.join(self.place, "f%d" % self.count)
        canary = os.path.join(self.place, "canary.txt")
        return {
            "UP": oracles.CLIMB, "CANARY": canary, "STEM": canary[:-4], "FLAG": flag, "PLACE": self.place, "FN": "dq" + self.nonce, "MARK": mark, "A": "7%03d" % (self.count * 7 % 1000), "B": "9%03d" % (self.count * 13 % 1000), "PORT": str(21000 + sum(map(ord, self.nonce)) * 7 % 20000),
        }

    def session_cookie(self):
        return getattr(self.app, "config", {}).get("SESSION_COOKIE_NAME", "session") if self.endpoint["framework"] == "flask" else "sessionid"

    def default(self, name, variant):
        if name in variant or name in self.there:
            return variant.get(name, self.there.get(name))
        kind = self.kind_of(name)
        low = name.lower()
        if kind in ("int", "float") or low == "id" or low.endswith(("_id", "id]")) or low in ("page", "num", "count", "limit", "offset", "age", "qty", "quantity", "size", "year", "amount", "n", "price", "number", "uid", "pk"):
            return "1"
        if kind == "bool":
            return "true"
        if kind == "uuid":
            return "12345678-1234-4234-8234-123456789abc"
        if low == "grant_type":
            return "password"
        if "mail" in low:
            return "a@b.example"
        if low in ("host", "ip", "hostname", "addr", "address", "domain"):
            return "127.0.0.1"
        if "passw" in low or low in ("pwd", "confirm"):
            return "Passw0rd!x"
        return "dqv"

    def kind_of(self, name):
        parts = self.endpoint.get("parts", {})
        if name in parts:
            return parts[name]
        schema = self.endpoint.get("schema") or {}
        for place in ("query", "json", "form", "header", "cookie"):
            if name in schema.get(place, {}):
                return schema[place][name]
        return "str"

    def build(self, mode, values, variant, channels=CHANNELS, only=None, also=()):
        """A request that carries `values` in the channels, and harmless values for every other known name."""
        endpoint = self.endpoint
        path = endpoint["path"]
        for name, kind in endpoint.get("parts", {}).items():
            value = values.get(name) if name in values and "path" in channels else None
            if value is None:
                value = kind[4:] if kind.startswith("any:") else self.default(name, variant)
            path = path.replace("{%s}" % name, value)
        request = {"method": self.method if mode != "query" else "GET" if "GET" in endpoint["methods"] else self.method, "path": path, "query": [], "headers": [], "cookies": [], "form": []}
        json_body, schema = {}, endpoint.get("schema")
        for name in self.names:
            if name in endpoint.get("parts", {}) or (only is not None and name not in only and name not in values):
                continue
            attacked = name in values
            value = values[name] if attacked else self.default(name, variant)
            allowed = channels if attacked else CHANNELS
            typed = value
            if not attacked and self.kind_of(name) == "int":
                typed = 1
            if schema is not None and any(name in schema[k] for k in ("query", "header", "cookie", "json", "form")):
                for where in ("query", "header", "cookie", "json", "form"):
                    if name in schema[where] and where in allowed:
                        if where == "json":
                            json_body[name] = typed
                        else:
                            request[{"header": "headers", "cookie": "cookies"}.get(where, where)].append((name, value))
                continue
            if "query" in allowed and "\x00" not in value:
                request["query"].append((name, value))
            if mode in ("form", "files") and "form" in allowed:
                request["form"].append((name, value))
            if mode == "json" and "json" in allowed:
                json_body[name] = typed
            if name in self.text_names:
                if "cookie" in allowed and re.fullmatch(r"[\w.-]+", name):
                    request["cookies"].append((name, value))
                if "header" in allowed and re.fullmatch(r"[A-Za-z][\w-]*", name) and name.lower() not in NOT_INPUT_HEADERS:
                    request["headers"].append((name.replace("_", "-"), value))
        if "*" in values:
            self._as_names(request, values["*"], mode, channels, json_body)
        if mode == "json":
            request["json"] = json_body
            request["form"] = []
            if schema is not None and schema["json"] and len(schema["json"]) == 1 and not schema.get("embed") and "@" in values:
                request["json"] = values["@"]
        elif mode == "raw":
            request["raw"], request["form"] = values.get("@", ""), []
            request["type"] = "application/xml" if "<" in values.get("@", "") else "application/octet-stream"
        elif mode == "files":
            request["files"] = []
            for name in self.file_names():
                filename, content = values.get("filename", "a.txt"), values.get("content", "dqv")
                if content[:2] == "PK":
                    filename = values.get("filename", "a.zip")
                elif "ustar" in content[:600]:
                    filename = values.get("filename", "a.tar")
                elif content.startswith("<"):
                    filename = values.get("filename", "a.xml")
                request["files"].append((name, filename, content, "application/octet-stream"))
        if self.session is not None:
            request["session"] = self.session
        if endpoint["framework"] == "django" and request["method"] != "GET":
            # The attacker's own token: what any visitor gets with the form.
            request["cookies"].append(("csrftoken", CSRF_WORD))
            request["headers"].append(("X-CSRFToken", CSRF_WORD))
        request["cookies"] = request["cookies"] + list(also)
        return {k: v for k, v in request.items() if v not in ([], None) or k == "json"}

    def _as_names(self, request, payload, mode, channels, json_body):
        """The payload as the *name* of an input; its values are the words that the code compares with."""
        values = [c for c in self.constants if len(c) < 60][:20] + ["1"]
        if "pname" in channels:
            request["query"] += [(payload, v) for v in values]
            if mode == "form":
                request["form"] += [(payload, v) for v in values]
            if mode == "json":
                json_body[payload] = "1"
        if "hname" in channels and re.fullmatch(r"[!-9;-^`-~]+", payload):  # what servers let through in the name of a header
            request["headers"].insert(0, (payload, values[0] if values else "1"))

    def file_names(self):
        schema = self.endpoint.get("schema")
        if schema and schema["files"]:
            return list(schema["files"])
        names = [n for n in self.names if n not in self.endpoint.get("parts", {})]
        return (names or ["file"])[:6]

    def send(self, request, marker=None):
        """(effects, status, headers, body) of one request."""
        self.requests += 1
        self.watch.begin(marker)
        status, headers, body = 0, [], b""
        if self.jar:
            request = dict(request, cookies=list(request.get("cookies", [])) + [(k, v) for k, v in self.jar.items() if k not in {c[0] for c in request.get("cookies", [])}])
        if self.carried:
            request = dict(request, headers=list(request.get("headers", [])) + self.carried)
        try:
            with bounded(REQUEST_CPU_S):
                status, headers, body = play([request], self.app, self.endpoint["speaks"])
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            self.notes.append(type(error).__name__)
            status, headers, body = 500, [], b""
            if isinstance(error, Stuck):
                self.stuck += 1
                if self.stuck >= STUCK_MAX:
                    self.deadline = 0.0  # whatever else there is, it would not be reached
        self.reflects = self.reflects or bool(marker) and (marker.encode() in body.lower() or any(marker in str(v).lower() for _k, v in headers))
        self.redirects = self.redirects or 300 <= status < 400
        return self.watch.end(), status, headers, body

    # -- looking --------------------------------------------------------------------------------------------------

    def look(self):
        """Learn names, encodings, libraries reached and useful surrounding values by harmless requests."""
        if self.guest is not None and self.session is None and not self.prefix and not self.jar:
            barred = self.outcome()
            if barred[0] in REFUSED:
                self.enter_as(self.guest, barred)
        names = []
        schema = self.endpoint.get("schema")
        if schema:
            for place in ("query", "json", "form", "header", "cookie"):
                names += list(schema[place])
        names += [c for c in self.constants if re.fullmatch(r"[A-Za-z_][\w.\[\]-]{0,60}", c) and c not in NOT_NAMES and not c.isupper()]
        for constant in self.constants:
            if constant.startswith("HTTP_"):
                names.append(constant[5:].replace("_", "-").title())
        names = list(dict.fromkeys(names))
        asked = list(schema and [n for p in ("query", "json", "form", "header", "cookie") for n in schema[p]] or [])
        controls = self.controls()
        self.offered = bool(controls)
        asked += controls
        self.names = list(dict.fromkeys(controls + names))[:NARROW_MAX]
        self.text_names = list(self.names)
        modes = self.modes()
        outcome = {}
        for round_number in range(ROUNDS_MAX):
            before = len(asked)
            for mode in modes:
                mark = "dq%sm" % self.nonce
                values = {n: mark for n in self.names if n not in self.there and self.kind_of(n) not in ("int", "float", "bool", "uuid") and not self.kind_of(n).startswith("any")}
                request = self.build(mode, values, {}, CHANNELS + ("path",))
                self.send(request, mark)
                asked += [n for n in self.watch.lookups if isinstance(n, str)]
                self.iterates = self.iterates or self.watch.iterated
                self.encodings |= self.watch.decoded
                self.kinds_static |= self.watch.kinds
                if self.watch.session_keys and self.session is None and not self.jar:
                    self.try_session(mode, values)
                    asked += self.controls() if self.session is not None else []  # the form that a user is shown
            fresh = [n for n in dict.fromkeys(asked) if 0 < len(n) < 80 and n not in NOT_NAMES and n != self.session_cookie() and not n.startswith(("HTTP_", "wsgi.", "_permanent", "_flashes"))]
            merged = list(dict.fromkeys(fresh + self.names))
            if len(set(fresh) - set(self.names)) == 0 and round_number > 0:
                break
            self.names = merged[: NAMES_MAX + len(fresh)]
            self.text_names = list(self.names)
            if len(asked) == before and round_number > 0:
                break
        self.find_idle_modes(modes, schema)
        modes = self.modes()
        known = set(asked) - {self.session_cookie()} - NOT_NAMES
        if known:
            constants = [n for n in self.names if n not in known]
            touched = {a for f in self.scope for a in f["attributes"]}
            extra = 8 if self.endpoint["framework"] not in ("flask", "starlette", "fastapi") or touched & {"query_string", "get_data", "environ", "full_path"} else 0
            self.names = [n for n in self.names if n in known] + constants[:extra]
        elif self.iterates and self.body_method:
            self.names = self.names[:16]
        elif self.endpoint["framework"] in ("flask", "starlette", "fastapi"):
            touched = {a for f in self.scope for a in f["attributes"]}
            self.names = self.names[:10] if touched & BY_HAND - {"path", "headers", "data", "url"} or (touched & BY_HAND and self.body_method) else []
        self.text_names = list(self.names)
        if len(self.names) > NARROW_ABOVE and not known:
            self.narrow(modes)
        self.asked = [n for n in dict.fromkeys(asked) if n in self.names]
        self._vary(modes)
        self.find_coded(modes)

    def find_coded(self, modes):
        """Which of the inputs are decoded, and how: the others need no payload in that coding."""
        self.coded = {}
        names = [n for n in self.names + list(self.endpoint.get("parts", {})) if self.kind_of(n) in ("str", "path")] if self.encodings else []
        for name in names if len(names) > 1 else ():
            mark, codings = "dq%sc" % self.nonce, set()
            for mode in modes:
                self.send(self.build(mode, {name: mark}, {}, CHANNELS + ("path",)), mark)
                codings |= self.watch.decoded
            self.coded[name] = codings
        if not any(self.coded.values()):
            self.coded = {}  # only together with others: then each may be

    def find_idle_modes(self, modes, schema):
        """Which ways to send a body the code has no ear for, by the words that it uses and by what it answers."""
        words = {a for f in self.scope for a in f["attributes"]} | {c.rsplit(".", 1)[-1] for f in self.scope for c in f["calls"]}
        if len(modes) > 1 and not schema and self.scope:
            if not words & {"json", "get_json", "loads", "load", "get_data", "data", "body", "is_json", "rfile", "stream", "read", "parse_raw", "decode_body"}:
                self.idle_modes.add("json")
            elif self.body_method and not words & {"form", "values", "files", "POST", "post", "multipart", "FILES", "data", "body", "get_data", "stream"} and self.endpoint["framework"] in ("flask", "quart"):
                self.idle_modes.add("form")
            if "method" not in words and self.endpoint["framework"] in ("flask", "django"):
                self.idle_modes.add("query")
        if {"form", "json"} <= set(self.modes()):
            by_form, by_json = (self.send(self.build(m, {}, {}))[1] for m in ("form", "json"))
            self.idle_modes |= {"form"} if by_form == 415 != by_json else {"json"} if by_json == 415 != by_form else set()

    def controls(self):
        """The names of the fields of the form that the entry point itself shows."""
        if self.body_method is None or "GET" not in self.endpoint["methods"] or self.endpoint["speaks"] == "handler":
            return []
        _effects, status, _headers, body = self.send(dict(self.build("query", {}, {}), method="GET"))
        page = body[:200000].decode("utf-8", "replace") if status < 400 else ""
        names = re.findall(r"<(?:input|textarea|select)\b[^>]*?\bname\s*=\s*[\"']?([\w.\[\]-]{1,60})", page, re.I)
        return [n for n in dict.fromkeys(names) if n not in NOT_NAMES and "csrf" not in n.lower()][:NAMES_MAX]

    def narrow(self, modes):
        """Of many guessed names keep those that make a difference when they come alone, and a few of the others."""
        names, useful = self.names[:NARROW_MAX], []

        def shape(name):
            self.names = self.text_names = [name]
            mark = "dq%sw" % self.nonce
            effects, status, headers, body = self.send(self.build(modes[0] if modes else "query", {name: mark}, {}), mark)
            self.kinds_static |= self.watch.kinds
            body = re.sub(rb"\d", b"", body.replace(mark.encode(), b"").replace(name.encode(), b""))
            return status, any(mark in str(v) for _k, v in headers), len(headers), tuple(sorted({(e["what"], tuple(e["at"] or ())) for e in effects})), len(body)

        base = shape("zzunknown")
        for name in names:
            if time.monotonic() > self.deadline:
                break
            if shape(name) != base:
                useful.append(name)
        self.names = useful + [n for n in names if n not in useful][:3]
        self.text_names = list(self.names)

    def modes(self):
        if self.body_method is None:
            return ["query"]
        modes = ["form", "json"]
        if "GET" in self.endpoint["methods"]:
            modes.append("query")
        schema = self.endpoint.get("schema")
        if schema is not None:
            modes = ["json"] if schema["json"] else ["files"] if schema["files"] else ["form"] if schema["form"] else ["form", "raw"]
        return [m for m in modes if m not in self.idle_modes]

    def _vary(self, modes):
        """Surrounding values that lead the code further: words that it compares with."""
        words = [w for w in self.compared if 0 < len(w) < 40 and w not in NOT_NAMES][:VARIANTS_MAX]
        if not words or not self.names:
            return
        mode = modes[0]
        base = self._shape(mode, {})
        shapes = {base}
        for word in words:
            for name in self.names[:6]:
                variant = {name: word}
                shape = self._shape(mode, variant)
                if shape not in shapes and len(self.variants) < 1 + VARIANTS_MAX:
                    shapes.add(shape)
                    self.variants.append(variant)

    def _shape(self, mode, variant):
        effects, status, headers, body = self.send(self.build(mode, {}, variant), "dqv")
        self.kinds_static |= self.watch.kinds
        self.encodings |= self.watch.decoded
        for name in self.watch.lookups:
            if isinstance(name, str) and name not in self.names and name != self.session_cookie() and len(self.names) < NAMES_MAX + 8:
                self.names.append(name)
                self.text_names.append(name)
        for word in list(variant.values()) + ["dqv"]:
            body = body.replace(word.encode(), b"")
        return status, tuple(sorted({(e["what"], tuple(e["at"] or ())) for e in effects if e["what"] != "session"})), len(re.sub(rb"\d", b"", body)) // 16

    def filled(self, values):
        """A harmless value for every input that takes text."""
        return {n: values for n in self.names + list(self.endpoint.get("parts", {})) if self.kind_of(n) in ("str", "path")}

    def try_session(self, mode, values):
        """A handler that asks the session who is there is tried as a user whom the framework's own signer vouches for."""
        keys = list(dict.fromkeys(k for k in self.watch.session_keys if isinstance(k, str) and not k.startswith(("_flash", "_perm", "csrf"))))[:6]
        if not keys or self.endpoint["framework"] != "flask":
            return
        effects, status, headers, body = self.send(self.build(mode, values, {}, CHANNELS + ("path",)))
        if status not in (301, 302, 303, 307, 308, 401, 403, 500):
            return
        for value in (1, "1", "admin", True, "user"):
            session = {k: value for k in keys}
            self.session = session
            _effects, now, _headers, _body = self.send(self.build(mode, values, {}, CHANNELS + ("path",)))
            if now != status and now != 500:
                return
        self.session = None

    # -- attacking ------------------------------------------------------------------------------------------------

    def enter(self):
        """Register and log in as any visitor may, if this entry point turns strangers away and the project has such forms."""
        if self.jar or self.prefix:
            return False
        status = self.outcome()
        if status[0] not in REFUSED or not self.siblings:
            return False
        if self.guest is not None and self.enter_as(self.guest, status):
            return True
        forms = []
        for pattern in (r"regist|sign_?up|create_?(user|account)|new_?user", r"log_?in|sign_?in|auth|session|token"):
            for sibling in self.siblings:
                if re.search(pattern, sibling["path"] + " " + str(sibling["place"][2]), re.I) and set(sibling["methods"]) & {"POST", "PUT"} and sibling["id"] != self.endpoint["id"]:
                    form = Attack(sibling, self.app, self.watch, self.survey, self.nonce, self.deadline, False)
                    form.look()
                    if any(SENSITIVE_INPUT.search(n) for n in form.names):
                        mode = "json" if "json" in form.modes() and "form" not in form.modes() else form.modes()[0]
                        forms.append(form.build(mode, {}, {}))
                        break
        if not forms:
            return self.enter_by_session(status)
        jar = {}
        try:
            play(forms, self.app, self.endpoint["speaks"], jar)
        except Exception:
            return False
        self.jar = jar
        if jar and self.let_in(status):
            self.prefix = forms
            return True
        self.jar = {}
        return self.enter_by_session(status)

    def enter_as(self, guest, status):
        """Be somebody whom the exploration with two users found a way to be."""
        jar, words = {}, {}
        try:
            play(guest["steps"], self.app, self.endpoint["speaks"], jar, words)
        except Exception:
            return False
        self.jar, self.session = jar, guest["session"]
        self.carried = [(k, put(v, next(iter(words.values()), ""), "@@%s@@" % next(iter(words), "TOKEN"))) for k, v in guest["carried"]]
        if self.let_in(status):
            self.prefix, self.shown_as = guest["steps"], [list(c) for c in guest["carried"]]
            return True
        self.jar, self.session, self.carried = {}, None, []
        return False

    def enter_by_session(self, status):
        """A user that the framework itself makes and signs in, where the project's own forms could not be used."""
        if self.endpoint["framework"] != "django":
            return False
        self.session = {"user": "ann"}
        if self.let_in(status):
            return True
        self.session = None
        return False

    def outcome(self):
        """(status, where it leads) of a harmless request."""
        _effects, status, headers, _body = self.send(self.build(self.modes()[0] if self.modes() else "query", {}, {}))
        return status, next((v for k, v in headers if k.lower() == "location"), "").split("?")[0]

    def let_in(self, before):
        """Whether a visitor who was turned away now is not: an action that is done may lead elsewhere as well."""
        status, leads = self.outcome()
        if status in REFUSED[:5]:
            return leads != before[1] and not re.search("log_?-?in|sign_?-?in|auth", leads, re.I) and (before[0] in (401, 403) or bool(re.search("log_?-?in|sign_?-?in|auth", before[1], re.I)))
        return status not in REFUSED

    def run(self):
        self.look()
        if self.session is None and self.enter():
            self.look()
        self.passive()
        if time.monotonic() < self.deadline:
            self.judge_clock()
        if "regex" in self.kinds_static and time.monotonic() < self.deadline:
            self.attack_expressions()  # first, as a payload could meet the slow expression by chance
        if "nosql" in self.kinds_static and time.monotonic() < self.deadline:
            self.attack_operators()
        kinds = [k for k in PAYLOADS if k not in ("archive", "filename", "log") and (k != "nosql" or k in self.kinds_static) and (self.all_kinds or k in self.kinds_static or k in ("xss", "redirect"))]
        kinds.sort(key=lambda k: (k not in self.kinds_static and k not in ("xss", "redirect"), k in ("command", "code"), k == "code"))
        if "log" in self.kinds_static and self.keeps_a_log():
            kinds.append("log")
        # Every kind with plain surroundings first, then the rest of the surroundings.
        for variant in self.variants:
            for kind in kinds:
                self.likely = kind in self.kinds_static or kind in ("xss", "redirect")
                if time.monotonic() > self.deadline:
                    self.notes.append("out of time before " + kind)
                    break
                if self.likely or not variant:
                    self.attack_kind(kind, variant)
        if self.body_method and (self.watches_files() or self.all_kinds) and time.monotonic() < self.deadline:
            self.attack_files()
        return self.claims

    def keeps_a_log(self):
        """Whether the project has a log file at all."""
        import logging

        owners = [logging.root] + [o for o in logging.root.manager.loggerDict.values() if isinstance(o, logging.Logger)]
        named = any(re.search(r"\.log\b|logs?\.txt", c) for f in self.survey["functions"] if f["file"] in {s["file"] for s in self.scope} for c in f["constants"])
        return named or any(hasattr(h, "baseFilename") for owner in owners for h in owner.handlers)

    def watches_files(self):
        words = " ".join(c for f in self.scope for c in f["calls"] + f["constants"])
        return any(w in words for w in ("files", "UploadFile", "FILES", "filename", "multipart", "extractall", "ZipFile", "tarfile", "unpack_archive"))

    def attack_kind(self, kind, variant):
        for mode in self.modes():
            for name in self.targets(kind, mode):
                if any(c["name"] == name and (c["kind"] == kind or (kind, c["kind"]) == ("template", "code")) for c in self.claims):
                    continue
                most = None if self.likely else UNLIKELY_TEMPLATES_MAX
                if any(c["kind"] == "regex" and c["name"] == name for c in self.claims):
                    most = UNLIKELY_TEMPLATES_MAX if self.likely else 0  # each may cost as much as a slow expression does
                for number, template in enumerate(self.templates(kind, name)[:most]):
                    if time.monotonic() > self.deadline:
                        return
                    if number == IDLE_TEMPLATES_MAX and not self.coded.get(name, self.encodings) and ((kind, self.reflects) == ("xss", False) or (kind, self.redirects) == ("redirect", False)):
                        break  # nothing that was sent ever came back, and it never leads anywhere
                    # Once among the other inputs, once alone: either may be what keeps a branch from being taken.
                    found = self.try_one(kind, mode, name, template, variant)
                    if not found and self.likely and not variant and len(self.names) > 1:
                        found = self.try_one(kind, mode, name, template, variant, only=[])
                    if found and self.shrink(kind, mode, name, template, variant, found):
                        break
        if self.body_method and not variant and kind in ("xml", "deserialise", "code", "sql") and not any(c["kind"] == kind for c in self.claims) and (kind in self.kinds_static or self.all_kinds):
            self.attack_raw(kind)

    def targets(self, kind, mode):
        parts = [n for n, k in self.endpoint.get("parts", {}).items() if k in ("str", "path")]
        inputs = [n for n in self.names if n not in self.endpoint.get("parts", {}) and self.kind_of(n) in ("str",)]
        names = (parts if mode == self.modes()[0] else []) + inputs
        if self.iterates and mode != "json":
            names.append("*")
        return names[:NAMES_MAX]

    def templates(self, kind, name=None):
        plain = list(PAYLOADS[kind])
        out = list(plain)
        for coding in sorted(self.coded.get(name, self.encodings)):
            for code in (("b64", "b64u", "b64p") if coding == "b64" else (coding,)):
                out += ["@@AS:%s@@" % code + t for t in plain if not t.startswith("@@AS")]
        if kind == "path":
            bases = [c for c in self.constants if c.startswith(("/", "./")) and len(c) > 1 and " " not in c and "<" not in c][:2]
            out += [b.rstrip("/") + "/@@UP@@@@CANARY@@" for b in bases] + ["file/@@UP@@@@CANARY@@"]
        if kind == "redirect":
            out += [c + "@evil-@@MARK@@.example/" for c in self.constants if c.startswith("http")][:2] + [c.rstrip("/") + ".evil-@@MARK@@.example/" for c in self.constants if c.startswith("http")][:2]
            out += ["https://evil-@@MARK@@.example/" + c for c in self.constants if re.fullmatch(r"[\w.-]+\.\w{2,6}", c)][:2]
        return out

    def spoil(self, kind, request, name, template, tokens):
        return self.send(request, tokens["MARK"])

    def try_one(self, kind, mode, name, template, variant, channels=CHANNELS + ("path",), only=None):
        tokens = self.tokens()
        payload = oracles.fill(template, tokens)
        if name == "*" and re.search(r"[\r\n]", payload):
            return None
        request = self.build(mode, {name: payload}, variant, channels, only)
        answer = self.send(request, tokens["MARK"])
        seen = self.judge(kind, template, tokens, answer, payload)
        if seen is None and kind == "path" and template in ("@@UP@@@@CANARY@@", "@@CANARY@@") and answer[1] < 500:
            seen = self.existence(mode, name, template, tokens, variant, channels, only)
        return seen

    def existence(self, mode, name, template, tokens, variant, channels, only):
        """Whether the answer tells if a file outside exists: three names that are not there, two that are, each used once."""
        shapes = []
        for there in (False, True, False, True, False):
            word = "dq" + os.urandom(6).hex()
            path = os.path.join(self.place, word + ".txt")
            if there:
                with open(path, "w") as stream:
                    stream.write("outside")
            again = dict(tokens, CANARY=path)
            answer = self.send(self.build(mode, {name: oracles.fill(template, again)}, variant, channels, only), tokens["MARK"])
            if there:
                os.remove(path) if os.path.exists(path) else None
            shapes.append((answer[1], answer[3].replace(word.encode(), b"").replace(word.title().encode(), b"")))
        if shapes[0] == shapes[2] == shapes[4] != shapes[1] == shapes[3]:
            return {"effect": "the answer tells whether a file outside the project exists", "at": None, "oracle": "existence"}
        return None

    def judge(self, kind, template, tokens, answer, payload):
        """The effect that proves this kind of hole, or None."""
        effects, status, headers, body = answer
        at = self.blame(effects, tokens)
        flag = tokens["FLAG"]
        ran = "@@FLAG@@" in template and os.path.lexists(flag)
        if ran:
            try:
                os.rmdir(flag) if os.path.isdir(flag) and not os.path.islink(flag) else os.remove(flag)
            except OSError:
                pass
        if kind in ("path", "filename", "archive"):
            if ran:
                return {"effect": "a file was written outside the project", "at": at, "oracle": "flag"}
            if kind == "path":
                for effect in effects:
                    if effect["what"] == "canary-opened":
                        return {"effect": "a file outside the project was opened", "at": at, "oracle": "canary"}
                for effect in effects:
                    if effect["what"] in ("os.listdir", "os.scandir", "os.remove") and oracles.within(effect["value"], self.place) and "PLACE" in template:
                        return {"effect": "a directory outside the project was listed", "at": effect["at"], "oracle": "listed"}
            return None
        if kind in ("command", "code", "deserialise"):
            return {"effect": {"command": "a command from the request was run", "code": "code from the request was run", "deserialise": "an object of the request's choosing was made while decoding"}[kind], "at": at, "oracle": "flag"} if ran else None
        if kind == "xml" or (kind == "ssrf" and "CANARY" in template):
            if any(e["what"] == "canary-opened" for e in effects):
                return {"effect": "an external entity was read from disk" if kind == "xml" else "a local file was fetched by URL", "at": at, "oracle": "canary"}
            return None
        if kind == "template":
            product = str(int(tokens["A"]) * int(tokens["B"]))
            if product.encode() in body and product not in payload:
                return {"effect": "an expression from the request was evaluated", "at": at, "oracle": "product"}
            return None
        if kind == "sql":
            hit = next((e for e in effects if e["what"] == "query-altered"), None)
            return {"effect": "the database compiled a function call that came from the request", "at": hit["at"], "oracle": "sql"} if hit else None
        if kind == "xss":
            return {"effect": "markup from the request became part of the page", "at": None, "oracle": "markup"} if not 300 <= status < 400 and oracles.markup_broken(headers, body, tokens["MARK"]) else None
        if kind == "redirect":
            return {"effect": "the browser is sent to a foreign host", "at": None, "oracle": "redirect"} if oracles.leads_away(headers, "evil-%s.example" % tokens["MARK"]) else None
        if kind == "header":
            return {"effect": "the request gave the answer a header of its own", "at": None, "oracle": "header"} if oracles.header_made(headers, tokens["MARK"]) else None
        if kind == "log":
            return {"effect": "the request wrote an entry of its own into the log", "at": None, "oracle": "log"} if oracles.log_lines(tokens["MARK"], self.watch.root) else None
        if kind == "ssrf":
            for effect in effects:
                if effect["what"] == "connect" and tokens["PORT"] in effect["value"]:
                    return {"effect": "the server tried to connect to an internal address named by the request", "at": effect["at"], "oracle": "connect"}
            return None
        if kind == "nosql":
            hit = next((e for e in effects if e["what"] == "operator" and e["value"] in (tokens["MARK"], OPERAND, tokens["FN"])), None)
            return {"effect": "the query of the document database gained an operator or a script from the request", "at": hit["at"], "oracle": "operator"} if hit else None
        if kind == "ldap":
            for effect in effects:
                if effect["what"] == "ldap-filter" and "(%s=" % tokens["MARK"] in effect["value"]:
                    return {"effect": "the directory filter gained a condition from the request", "at": effect["at"], "oracle": "ldap"}
            return None
        if kind == "xpath":
            for effect in effects:
                if effect["what"] == "xpath-call":
                    return {"effect": "the XPath engine called a function named by the request", "at": effect["at"], "oracle": "xpath-call"}
                if effect["what"] == "xpath-text":
                    bare = oracles.outside_literals(effect["value"])
                    if "@" + tokens["MARK"] in bare or (tokens["FN"] + "()") in bare:
                        return {"effect": "the XPath expression gained a condition from the request", "at": effect["at"], "oracle": "xpath-text"}
            return None
        return None

    def blame(self, effects, tokens):
        """Where the project's own code was when the effect, or the last thing like it, happened."""
        for effect in effects:
            if effect["at"] and isinstance(effect["value"], str) and (tokens["FLAG"] in effect["value"] or "canary" in effect["value"]):
                return effect["at"]
        for effect in effects:
            if effect["at"] and effect["what"] in ("process", "compiled"):
                return effect["at"]
        return None

    def shrink(self, kind, mode, name, template, variant, found):
        """One small request that still works, and a harmless twin that does not; None if it cannot be repeated."""
        channels = [("path",)] if name in self.endpoint.get("parts", {}) else [("pname",), ("hname",)] if name == "*" else [("query",), ("form",), ("json",), ("cookie",), ("header",)]
        base_names = list(self.names)
        asked_mode = mode
        for channel in channels:
            seen, mode, keep = None, asked_mode, []
            for alone in (True, False):
                keep = [] if alone else [n for n in self.names if n != name]
                seen, mode = self.sends_it(kind, asked_mode, name, template, variant, channel, keep)
                if seen is not None:
                    break
            if seen is None:
                continue
            if kind == "redirect" and channel == ("header",) and name.lower() in ("referer", "referrer", "host", "origin"):
                return None
            for other in list(keep):
                without = [n for n in keep if n != other]
                if self.try_one(kind, mode, name, template, variant, channel, only=without) is not None:
                    keep = without
            request = self.final(mode, name, template, variant, channel, keep)
            if request is None:
                return None
            request = self.fewer_pairs(kind, template, request) if name != "*" else request
            if not self.harmless(kind, mode, name, variant, channel, keep, template):
                self.notes.append("%s: also without the payload" % kind)
                return None
            self.claim(kind, name, channel[0], template, request, seen)
            return self.claims[-1]
        self.names = base_names
        return None

    def sends_it(self, kind, mode, name, template, variant, channel, keep):
        """(effect, mode) by the plainest kind of request that shows it."""
        if mode == "form" and "GET" in self.endpoint["methods"] and channel[0] not in ("form", "json"):
            seen = self.try_one(kind, "query", name, template, variant, channel, keep)
            if seen is not None:
                return seen, "query"
        return self.try_one(kind, mode, name, template, variant, channel, keep), mode

    def final(self, mode, name, template, variant, channel, keep):
        """The request with the payload still a template, in the form that the emitted test carries."""
        hole = "@@PAYLOAD@@"
        request = self.build(mode, {name: hole}, variant, channel, keep)
        if name == "*":
            request = self._fewest(mode, template, variant, channel, keep, request)
        if mode != "json" and request.get("json") is not None:
            request.pop("json")
        if not request.get("json") and mode == "json" and channel != ("json",):
            request.pop("json", None)
        return request

    def _fewest(self, mode, template, variant, channel, keep, request):
        """Of the many values that accompany a payload in the name, the one that matters."""
        for place in ("query", "form"):
            pairs = request.get(place, [])
            loaded = [p for p in pairs if p[0] == "@@PAYLOAD@@"]
            for pair in loaded:
                slim = dict(request)
                slim[place] = [p for p in pairs if p[0] != "@@PAYLOAD@@"] + [pair]
                for other in ("query", "form"):
                    if other != place:
                        slim[other] = [p for p in request.get(other, []) if p[0] != "@@PAYLOAD@@"]
                if self.replay(slim, template) is not None:
                    return slim
        return request

    def replay(self, request, template):
        for kind in PAYLOADS:
            if template in self.templates(kind):
                tokens = self.tokens()
                payload = oracles.fill(template, tokens)
                return self.judge(kind, template, tokens, self.send(put(request, payload), tokens["MARK"]), payload)
        return None

    def harmless(self, kind, mode, name, variant, channel, keep, template):
        """The same request with a plain word must show no effect, or the effect is not the payload's."""
        tokens = self.tokens()
        request = self.build(mode, {name: "plain"}, variant, channel, keep)
        return self.judge(kind, template, tokens, self.send(request, tokens["MARK"]), "plain") is None

    def claim(self, kind, name, channel, template, request, seen, weakness=None, **more):
        if self.shown_as:
            request = dict(request, headers=list(request.get("headers", [])) + self.shown_as)
        at = seen.get("at") or self.last_line(kind, request, template)
        self.claims.append(dict({
            "kind": kind, "cwe": weakness or WEAKNESS[kind], "name": name, "channel": channel, "template": template, "steps": self.prefix + [request], "effect": seen["effect"], "oracle": seen["oracle"],
            "file": at[0], "line": at[1], "function": at[2], "endpoint": self.endpoint["id"], "speaks": self.endpoint["speaks"], "loader": self.endpoint["loader"], "framework": self.endpoint["framework"],
        }, **more))
        if self.keep is not None:
            self.keep(self.claims)

    def last_line(self, kind, request, template):
        """For effects without a stack: the call of that kind in the handler's own file that ran last, else the handler's last line."""
        place = self.endpoint["place"]
        lines, root = [], self.watch.root
        canary = []
        wanted = static.SINKS.get({"xml": "xml", "xss": "", "redirect": "redirect", "path": "path"}.get(kind, kind), "").split()

        def trace(frame, event, argument):
            name = frame.f_code.co_filename
            if not name.startswith(root):
                return None
            if event in ("line", "return") and frame.f_code.co_name not in ("<lambda>", "<listcomp>", "<genexpr>"):
                lines.append((name, frame.f_lineno, getattr(frame.f_code, "co_qualname", frame.f_code.co_name)))
                if kind in ("xml", "path", "ssrf") and not canary:
                    if any(self.watch.opened_files()):
                        canary.append(lines[-2] if len(lines) > 1 else lines[-1])
            return trace

        tokens = self.tokens()
        filled = put(request, oracles.fill(template, tokens))
        self.watch.begin()
        import threading

        sys.settrace(trace)
        threading.settrace(trace)
        try:
            play(self.prefix + [filled], self.app, self.endpoint["speaks"])
        except BaseException:
            pass
        finally:
            sys.settrace(None)
            threading.settrace(None)
            self.watch.end()
        for leftover in (tokens["FLAG"],):
            if os.path.isdir(leftover):
                os.rmdir(leftover)
        if canary:
            return [os.path.relpath(canary[0][0], root), canary[0][1], canary[0][2]]
        own = [l for l in lines if os.path.relpath(l[0], root) == place[0] and (self.function is None or self.function["line"] <= l[1] <= self.function["end"])]
        scope = {(f["file"], f["name"]) for f in self.scope}
        near = own or [l for l in lines if (os.path.relpath(l[0], root), l[2].rsplit(".", 1)[-1]) in scope] or lines
        by_sink = [l for l in near if wanted and any(re.search(r"\b%s\s*\(" % re.escape(w), source_line(l)) for w in wanted)]
        chosen = (by_sink or near)[-1:] or [(os.path.join(root, place[0]), place[1], place[2])]
        return [os.path.relpath(chosen[0][0], root), chosen[0][1], chosen[0][2]]

    # -- time ---------------------------------------------------------------------------------------------------------

    def attack_expressions(self):
        """Regular expressions of the code behind this entry point that an input makes super-linearly slow."""
        # Such an application answers in threads, which no signal ends: each measurement gets a process of its own.
        measure, clock = (slow.seconds_apart, slow.clock_with_children) if self.endpoint["speaks"] == "asgi" else (slow.seconds, time.process_time)
        ending = clock() + SLOW_S
        inputs = [(mode, name) for mode in self.modes() for name in self.targets("regex", mode) if name != "*"]
        inputs.sort(key=lambda pair: pair[1] not in getattr(self, "asked", ()))
        for pattern, line, file in slow.patterns(self.watch.root, self.scope[:16]) if inputs else ():
            try:
                compiled = re.compile(pattern)
            except (re.error, RecursionError, OverflowError):
                continue
            for triple in slow.pumps(pattern):
                if clock() > ending or time.monotonic() > self.deadline:
                    return
                if not grows(compiled, triple):
                    continue
                for mode, name in inputs:
                    if self.slow_by(mode, name, pattern, (file, line), triple, measure, clock):
                        return

    def slow_by(self, mode, name, pattern, place, triple, measure, clock):
        """Whether this input makes the expression slow: then it is claimed, with the plainest request that does."""
        lead, pump, end = triple
        found = slow.growth(lambda text: self.send(self.build(mode, {name: text}, {}, CHANNELS + ("path",))), triple, clock() + SLOW_S, measure, clock)
        if found is None or found[3] < found[2]:
            return False
        fewer, more, factor, measured = found
        plain = self.build(mode, {name: "@@PAYLOAD@@"}, {}, ("path", "form", "json") if mode in ("form", "json") else ("path", "query"))
        request = {k: v for k, v in plain.items() if k not in ("headers", "cookies") or self.endpoint["framework"] == "django"}
        if measure(lambda: self.send(put(request, lead + pump * more + end)), slow.LIMIT_S) < slow.SLOW_S / 2:
            request = self.build(mode, {name: "@@PAYLOAD@@"}, {})
        effect = "%d characters take over %s s of processor time, and %s" % (len(lead + pump * more + end), slow.SLOW_S, "every few more multiply that" if more < 100 else "twice as many take %d times as long" % measured)
        self.claim("regex", name, mode, "", request, {"effect": effect, "at": [place[0], place[1], self.endpoint["place"][2]], "oracle": "growth"}, growth=[lead, pump, end, fewer, more, factor])
        return True

    # -- files and raw bodies --------------------------------------------------------------------------------------

    def attack_files(self):
        for kind, slot, templates in [("filename", "filename", PAYLOADS["filename"]), ("archive", "content", PAYLOADS["archive"]), ("xml", "content", PAYLOADS["xml"][:4]), ("deserialise", "content", PAYLOADS["deserialise"][:9])]:
            # First beside the texts of the form, then alone: some take the first part, whatever it is called.
            for template, bare in [(t, False) for t in templates] + [(t, True) for t in templates]:
                if any(c["kind"] == kind for c in self.claims) or time.monotonic() > self.deadline:
                    break
                tokens = self.tokens()
                payload = oracles.fill(template, tokens)
                request = self.build("files", {slot: payload}, {})
                if bare and "form" not in request:
                    break
                request = {k: v for k, v in request.items() if not bare or k != "form"}
                seen = self.judge(kind, template, tokens, self.send(request, tokens["MARK"]), payload)
                if seen is None:
                    continue
                slim = self.build("files", {slot: "@@PAYLOAD@@"}, {})
                slim = {k: v for k, v in slim.items() if not bare or k != "form"}
                if slot == "content" and template.startswith("@@AS:"):
                    slim["files"] = [(n, "a." + template[5:8], c, t) for n, _f, c, t in slim["files"]]
                for file in list(slim["files"]):
                    fewer = dict(slim, files=[f for f in slim["files"] if f is not file])
                    if fewer["files"] and self.again(kind, template, fewer):
                        slim = fewer
                slim = self.fewer_pairs(kind, template, slim)
                if self.again(kind, template, slim):
                    tokens = self.tokens()
                    if self.judge(kind, template, tokens, self.send(put(slim, "plain.txt"), tokens["MARK"]), "plain") is None:
                        self.claim(kind, slot, "file", template, slim, seen)

    def again(self, kind, template, request):
        tokens = self.tokens()
        payload = oracles.fill(template, tokens)
        return self.judge(kind, template, tokens, self.send(put(request, payload), tokens["MARK"]), payload)

    def attack_operators(self):
        """An operator of a document database where a JSON body is expected to hold a text."""
        if "json" not in self.modes():
            return
        for variant in self.variants:
            for name in self.targets("nosql", "json"):
                if time.monotonic() > self.deadline or self.have("nosql", name):
                    continue
                request = self.build("json", {name: OPERAND}, variant, ("json",))
                request["json"] = in_place_of(request.get("json"), OPERAND, {"@@PAYLOAD@@": OPERAND})
                if "@@PAYLOAD@@" not in str(request["json"]):
                    continue
                seen = self.again("nosql", "$ne", request)
                if seen is None:
                    continue
                for key in list(request["json"]):
                    fewer = dict(request, json={k: v for k, v in request["json"].items() if k != key})
                    if key != name and self.again("nosql", "$ne", fewer):
                        request = fewer
                request = self.fewer_pairs("nosql", "$ne", request)
                tokens = self.tokens()
                if self.judge("nosql", "$ne", tokens, self.send(put(request, "plain"), tokens["MARK"]), "plain") is None:
                    self.claim("nosql", name, "json", "$ne", request, seen)

    def attack_raw(self, kind):
        for variant in self.variants:
            for template in PAYLOADS[kind][: None if self.likely else UNLIKELY_TEMPLATES_MAX]:
                if time.monotonic() > self.deadline:
                    return
                tokens = self.tokens()
                payload = oracles.fill(template, tokens)
                request = self.build("raw", {"@": payload}, variant)
                seen = self.judge(kind, template, tokens, self.send(request, tokens["MARK"]), payload)
                if seen is None:
                    continue
                slim = dict(self.build("raw", {"@": "@@PAYLOAD@@"}, variant), type=request["type"])
                slim = self.fewer_pairs(kind, template, slim)
                tokens = self.tokens()
                if self.again(kind, template, slim) and self.judge(kind, template, tokens, self.send(put(slim, "plain"), tokens["MARK"]), "plain") is None:
                    self.claim(kind, "body", "raw", template, slim, seen)
                    return

    def fewer_pairs(self, kind, template, request):
        """The request without the pairs that it does not need."""
        for place in ("query", "form", "headers", "cookies"):
            for pair in list(request.get(place, [])):
                fewer = dict(request, **{place: [p for p in request[place] if p is not pair]})
                if "@@PAYLOAD@@" not in str(pair) and self.again(kind, template, fewer):
                    request = fewer
        return {k: v for k, v in request.items() if v != []}

    # -- what shows without a payload -------------------------------------------------------------------------------

    def passive(self):
        """Weak digests of secrets, predictable keys, unguarded cookies, request data taken for identity."""
        for mode in self.modes():
            for variant in self.variants[:3]:
                mark = "dq%sm" % self.nonce
                values = {n: "%sn%dn" % (mark, i) for i, n in enumerate(self.names) if self.kind_of(n) == "str" and n not in variant}
                self.marked = values
                request = self.build(mode, values, variant, CHANNELS + ("path",))
                answer = self.send(request, mark)
                self.judge_cookies(request, answer, mark)
                self.judge_session(mode, request, answer, mark, variant)
                self.judge_hash(request, answer, mark)
                if any(e["what"] == "weak-random" for e in answer[0]):
                    self.judge_random(request, answer)
        if self.iterates:
            mark = "dq%sm" % self.nonce
            request = self.build(self.modes()[0], {"*": mark}, {})
            answer = self.send(request, mark)
            self.judge_session(self.modes()[0], request, answer, mark, {}, "*")
            self.judge_cookies(request, answer, mark)
            self.judge_hash(request, answer, mark)

    def have(self, kind, key):
        return any(c["kind"] == kind and c["name"] == key for c in self.claims)

    def judge_cookies(self, request, answer, mark):
        effects, status, headers, body = answer
        made = {e["value"]: e for e in effects if e["what"] == "cookie-set"}
        for name, value in headers:
            if name.lower() != "set-cookie":
                continue
            pieces = [p.strip() for p in value.split(";")]
            key, _, content = pieces[0].partition("=")
            flags = {p.split("=")[0].lower() for p in pieces[1:]}
            if not content.strip('"') or "max-age=0" in value.lower() or "1970" in value:
                continue
            if key not in made and not own_header(self.endpoint["framework"]):
                continue
            low, how = key.lower(), made.get(key, {"explicit": [], "at": None})
            sensitive, at = telling_cookie(key), how["at"]
            carries = "secure" in how["explicit"] and not any(w in low for w in PREFERENCE_WORDS)
            if "secure" not in flags and (sensitive or carries) and not self.have("cookie", key):
                self.claim("cookie", key, "answer", "", self.slim_passive(request, mark, lambda got: self.has_cookie(got, key, "secure")), {"effect": "the cookie `%s` is sent over plain connections" % key, "at": at, "oracle": "cookie"}, cookie=key, flag="secure")
            if "httponly" not in flags and sensitive and "csrf" not in low and "xsrf" not in low and not self.have("cookie-script", key):
                self.claim("cookie-script", key, "answer", "", self.slim_passive(request, mark, lambda got: self.has_cookie(got, key, "httponly")), {"effect": "the cookie `%s` can be read by script" % key, "at": at, "oracle": "cookie"}, cookie=key, flag="httponly")

    def has_cookie(self, answer, key, flag):
        for name, value in answer[2]:
            if name.lower() == "set-cookie" and value.split("=")[0] == key and value.split(";")[0].partition("=")[2].strip('"'):
                return flag not in {p.strip().split("=")[0].lower() for p in value.split(";")[1:]}
        return False

    def judge_session(self, mode, request, answer, mark, variant, name=None):
        effects = answer[0]
        checked = "sql" in self.watch.kinds or any(SENSITIVE_INPUT.search(n) for n in self.asked if isinstance(n, str))
        for effect in effects:
            if effect["what"] != "session-set":
                continue
            key, value = effect["value"]
            chosen_key = mark in key
            if not chosen_key and not (mark in value and (PRIVILEGE_KEY.match(key) or (IDENTITY_KEY.match(key) and not checked))):
                continue
            if self.have("session", key if not chosen_key else "key"):
                continue
            seen = {"effect": "the request names the session's key" if chosen_key else "the request alone decides the session's `%s`" % key, "at": effect["at"], "oracle": "session"}
            slim = self.slim_passive(request, mark, lambda got: any(e["what"] == "session-set" and mark in "".join(e["value"]) for e in got[0]))
            self.claim("session", key if not chosen_key else "key", "any", "", slim, seen, word=mark)

    def slim_passive(self, request, mark, holds):
        for place in ("cookies", "headers", "query", "form"):
            for pair in list(request.get(place, [])):
                fewer = dict(request, **{place: [p for p in request[place] if p is not pair]})
                if holds(self.send(fewer, mark)):
                    request = fewer
        if isinstance(request.get("json"), dict):
            for key in list(request["json"]):
                fewer = dict(request, json={k: v for k, v in request["json"].items() if k != key})
                if holds(self.send(fewer, mark)):
                    request = fewer
        return {k: v for k, v in request.items() if v not in ([], None)}

    def judge_hash(self, request, answer, mark):
        effects, status, headers, body = answer
        for effect in effects:
            if effect["what"] != "weak-hash" or self.have("hash", str(effect["at"])):
                continue
            why = self.secret_digest(request, effect, answer, mark)
            if why is not None:
                at = effect["at"]
                wanted = effect["value"]
                slim = self.slim_passive(request, mark, lambda got: any(e["what"] == "weak-hash" and e["at"] == at and self.secret_digest(request, e, got, mark) is not None for e in got[0]))
                self.claim("hash", str(effect["at"]), "any", "", slim, {"effect": "%s digest of %s" % (wanted, why), "at": at, "oracle": "hash"}, algorithm=wanted)

    def secret_digest(self, request, effect, answer, mark):
        import base64

        digest = effect["digest"]
        forms = {digest, base64.b64encode(bytes.fromhex(digest)).decode(), base64.urlsafe_b64encode(bytes.fromhex(digest)).decode()}
        for name, word in self.marked.items():
            if word in effect["data"] and SENSITIVE_INPUT.search(name):
                return "the input `%s`" % name
        for other in answer[0]:
            if other["what"] == "open" and other.get("writes") and os.path.isfile(other["value"]):
                try:
                    with open(other["value"], "r", errors="replace") as stream:
                        text = stream.read()[-100_000:]
                except OSError:
                    continue
                for form in forms:
                    where = text.find(form)
                    if where >= 0 and secret_words(os.path.basename(other["value"]) + " " + text[max(0, where - 80):where]):
                        return "what is kept in `%s`" % os.path.basename(other["value"])
        for name, value in answer[2]:
            if name.lower() == "set-cookie" and any(f.rstrip("=") in value for f in forms) and secret_words(value.split("=")[0]):
                return "the cookie `%s`" % value.split("=")[0]
        return None

    def judge_random(self, request, answer):
        """Predictable keys: the same seed gives the same key, another seed another one."""
        import random

        runs = []
        for seed in (11, 11, 12):
            random.seed(seed)
            runs.append(self.send(request))
        random.seed()
        source = next((e for e in runs[0][0] if e["what"] == "weak-random"), None)
        if source is None or self.have("random", str(source["at"])):
            return
        same, again, other = [visible_keys(r, self.names_a_key(source["at"])) for r in runs]
        for place, value in same.items():
            if again.get(place) == value and place in other and other[place] != value:
                slim = self.slim_passive(request, None, lambda got: place in visible_keys(got, True))
                self.claim("random", str(source["at"]), "any", "", slim, {"effect": "%s `%s` comes from a predictable generator" % place, "at": source["at"], "oracle": "random"}, key=list(place))
                return

    def judge_clock(self):
        """Keys that follow from the clock and from what the visitor sends: stopped at the same moment, it gives the same key again."""
        calls = " ".join(c for f in self.scope for c in f["calls"])
        if not re.search(r"\b(time|time_ns|now|utcnow|today|timestamp)\b", calls) or not any(secret_words(" ".join(f["constants"] + [f["name"]] + f.get("words", []) + f["attributes"])) for f in self.scope[:6]):
            return
        known = {n: self.guest["name"] + ("@example.org" if "mail" in n.lower() else "") for n in self.names if self.guest and self.guest.get("name") and re.search("mail|user|login|account", n, re.I)}
        if known:
            try:
                play(self.guest["steps"], self.app, self.endpoint["speaks"], {}, {})
            except Exception:
                known = {}
        for prefix, variant in [([], {})] + ([(self.guest["steps"], known)] if known else []):
            for mode in self.modes():
                if time.monotonic() > self.deadline or any(c["kind"] == "clock" for c in self.claims):
                    return
                request = self.build(mode, {}, variant, ("form", "json", "path") if mode in ("form", "json") else ("query", "path"))
                request = {k: v for k, v in request.items() if k not in ("headers", "cookies") or self.endpoint["framework"] == "django"}
                self.clock_of(prefix, request)

    def clock_of(self, prefix, request):
        runs, moment = [], 1700000000.25
        for at in (moment, moment + 86461, moment):
            before = proving.keys_kept(self.watch.root, scenes.databases)
            go_on, self.watch.clocked = proving.stop_clock(self.watch.root, at), True
            try:
                answer = self.send(request)
            finally:
                go_on()
                self.watch.clocked = False
            keys = {place: value for place, value in visible_keys(answer, True).items() if static.called_a_key(*place)}
            for name, values in proving.keys_kept(self.watch.root, scenes.databases).items():
                fresh = [v for v in values if v not in before.get(name, ())] or ([v for v in values if values.count(v) > before.get(name, []).count(v)])
                if fresh:
                    keys["the column", name] = fresh[-1]
            runs.append((keys, answer[0]))
        for place, value in runs[0][0].items():
            if runs[2][0].get(place) == value and runs[1][0].get(place) not in (None, value) and value.count(".") != 2:
                if public_key(value, moment, runs[0][1], str(request), self.constants):
                    kept, self.prefix = self.prefix, self.prefix + prefix
                    at = next((e["at"] for e in runs[0][1] if e["what"] in ("digest", "weak-hash") and e["at"]), None)
                    self.claim("clock", "%s %s" % place, "any", "", request, {"effect": "%s `%s` follows from the clock: stopped at the same moment it gives the same key" % place, "at": at, "oracle": "clock"}, key=list(place))
                    self.prefix = kept
                    return

    def names_a_key(self, at):
        function = nearest(self.survey, at)
        words = " ".join(function["constants"] + function["calls"] + [function["name"]] + function.get("words", [])) if function else ""
        return secret_words(words)


def telling_cookie(key):
    """Whether a cookie is sensitive by its name."""
    return bool(SENSITIVE_COOKIE.search(key)) and not any(w in key.lower() for w in PREFERENCE_WORDS)


def own_header(framework):
    """Whether a project without a framework writes its `Set-Cookie` itself."""
    return framework in ("wsgi", "asgi", "http.server")


def public_key(value, moment, effects, sent, constants):
    """Whether a key is the clock itself, or a digest of nothing but the clock, what was sent, and words of the code around it."""
    import base64
    import datetime

    day = datetime.datetime.fromtimestamp(moment, datetime.timezone.utc)
    whole = str(int(moment))
    if whole in value or "%x" % int(moment) in value.lower() or day.strftime("%Y%m%d%H%M") in re.sub(r"\D", "", value):
        return True
    for effect in effects:
        if effect["what"] not in ("digest", "weak-hash"):
            continue
        raw = bytes.fromhex(effect["digest"])
        forms = [effect["digest"], base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode().rstrip("=")]
        if len(value) >= 6 and any(value in f or f in value for f in forms):
            rest = re.sub(r"[\d.:\-+TZ ]{8,}", " ", effect["data"]) if whole[:6] in effect["data"] or day.strftime("%Y") in effect["data"] else effect["data"] + " the clock is not in it"
            known = set(re.findall(r"\w{2,}", sent)) | {w for c in constants for w in re.findall(r"\w{2,}", c)}
            return all(len(w) < 3 or w in known for w in re.findall(r"\w+", rest))
    return False


def in_place_of(value, word, other):
    """A JSON value with another thing where a word stood."""
    if isinstance(value, dict):
        return {k: in_place_of(v, word, other) for k, v in value.items()}
    return other if value == word else value


def grows(compiled, triple):
    """Whether an expression by itself takes longer and longer on such a text; a glance, to be paid before the requests."""
    lead, pump, end = triple
    for counts in slow.STEPS:
        last = 0.0
        for count in counts:
            now = slow.seconds(lambda: compiled.search(lead + pump * count + end), GLANCE_S * 10)
            if now >= GLANCE_S:
                return now >= 2 * last
            last = now
    return False


class Stuck(BaseException):
    """A request took more processor time than any honest one."""


@contextlib.contextmanager
def bounded(seconds):
    """End what takes more processor time than this, as far as a signal can."""
    def stop(*rest):
        raise Stuck

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def visible_keys(answer, in_text):
    """Where an answer shows something that ought to be unguessable: {(kind of place, name): value}."""
    effects, _status, headers, body = answer
    found = {}
    for name, value in headers:
        if name.lower() == "set-cookie":
            key, _, rest = value.partition("=")
            if SENSITIVE_COOKIE.search(key) or secret_words(key):
                found["the cookie", key] = rest.split(";")[0]
    for effect in effects:
        if effect["what"] == "session-set" and secret_words(effect["value"][0]):
            found["the session's", effect["value"][0]] = effect["value"][1]
    text = body.decode("utf-8", "replace")
    for match in re.finditer(r"[\w+/.=-]{4,}", text) if in_text else ():
        before = re.sub(r"<[^<>]*>", " ", text[max(0, match.start() - 80):match.start()])
        words = re.findall(r"[A-Za-z]{2,}", before)[-6:]
        if words and secret_words(" ".join(words)):
            found.setdefault(("the text after", " ".join(words[-3:])), match.group())
    return found


def secret_words(text):
    low = text.lower()
    return any(w in low for w in static.SECURITY_WORDS)


def nearest(survey, place):
    """The function that holds a line, or that the place names."""
    functions = survey["by_file"].get(place[0], ())
    name = re.sub(r"\.<(lambda|genexpr|listcomp|dictcomp|setcomp)>", "", str(place[2])).replace("<locals>.", "")
    named = [f for f in functions if f["qualname"] == name or (f["name"] == name and f["line"] - 12 <= place[1] <= f["end"])]
    if named:
        return min(named, key=lambda f: abs(f["line"] - place[1]))
    holding = [f for f in functions if f["line"] <= place[1] <= f["end"] and f["qualname"] != "<module>"]
    return max(holding, key=lambda f: f["line"]) if holding else None


def closure(survey, function):
    """The function and the project's functions that it may call, nearest first; a class counts with its methods."""
    if function is None:
        return []
    found, todo, seen = [], [function], set()
    prefix = function["qualname"] + "."
    while todo and len(found) < CLOSURE_MAX:
        current = todo.pop(0)
        key = (current["file"], current["qualname"])
        if key in seen:
            continue
        seen.add(key)
        found.append(current)
        for name in current["calls"]:
            if "." in name and not name.startswith("self.") and name.rsplit(".", 1)[-1] in EVERYDAY_METHODS:
                continue
            todo += survey["by_name"].get(name.rsplit(".", 1)[-1], ())[:3]
            last = name.rsplit(".", 1)[-1]
            if last[:1].isupper():
                todo += [f for f in survey["by_file"].get(current["file"], ()) if f["qualname"].startswith(last + ".")]
    if "." in function["qualname"]:
        owner = function["qualname"].rsplit(".", 1)[0] + "."
        found += [f for f in survey["by_file"].get(function["file"], ()) if f["qualname"].startswith(owner) and f not in found and len(found) < CLOSURE_MAX and function["name"] in ("get", "post", "do_GET", "do_POST", "__call__", "put", "delete")]
    return found


def source_line(place):
    import linecache

    return linecache.getline(place[0], place[1])
