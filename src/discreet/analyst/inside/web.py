"""Sends one described request to an application object, in this process, whatever interface it speaks.

Every function here stands alone: the emitted tests carry the source of those that they need.
A request is a dict: method, path, query, form, json, raw, type, files, headers, cookies (lists of pairs).
"""

import io
import json
import re
from urllib.parse import quote, urlencode


def to_http(request):
    """The request as (method, path, query string, headers, body), as a client would put it on the wire."""
    headers = [(k, str(v).replace("\r", " ").replace("\n", " ")) for k, v in request.get("headers", [])]
    cookies = []
    for name, value in request.get("cookies", []):
        plain = all(c.isalnum() or c in "!#$%&'()*+-./:<=>?@[]^_`{|}~" for c in value) and value.isascii()
        if not plain:
            value = '"' + "".join(chr(b) if 32 <= b < 127 and chr(b) not in '";,\\' else "\\%03o" % b for b in value.encode("utf-8", "surrogateescape")) + '"'
        cookies.append("%s=%s" % (name, value))
    if cookies:
        headers.append(("Cookie", "; ".join(cookies)))
    body, kind = b"", None
    if request.get("raw") is not None:
        body, kind = request["raw"].encode("utf-8", "surrogateescape"), request.get("type") or "application/octet-stream"
    elif request.get("json") is not None:
        body, kind = json.dumps(request["json"]).encode(), "application/json"
    elif request.get("files"):
        edge = "----edge5e1f"
        parts = []
        for name, value in request.get("form", []):
            parts.append(('--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (edge, name, value)).encode("utf-8", "surrogateescape"))
        for name, filename, content, content_type in request["files"]:
            head = '--%s\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\nContent-Type: %s\r\n\r\n' % (edge, name, filename.replace('"', "%22"), content_type)
            parts.append(head.encode("utf-8", "surrogateescape") + content.encode("latin-1", "surrogateescape") + b"\r\n")
        body, kind = b"".join(parts) + ("--%s--\r\n" % edge).encode(), "multipart/form-data; boundary=" + edge
    elif request.get("form"):
        body, kind = urlencode([tuple(p) for p in request["form"]], quote_via=quote, errors="surrogateescape").encode(), "application/x-www-form-urlencoded"
    if kind is not None and not any(k.lower() == "content-type" for k, _ in headers):
        headers.append(("Content-Type", kind))
    if body:
        headers.append(("Content-Length", str(len(body))))
    return request["method"], request["path"], urlencode([tuple(p) for p in request.get("query", [])], quote_via=quote, errors="surrogateescape"), headers, body


def send_wsgi(app, request):
    """Call a WSGI application; returns (status, headers, body)."""
    method, path, query, headers, body = to_http(request)
    environ = {
        "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path.encode("utf-8", "surrogateescape").decode("latin-1"), "QUERY_STRING": query,
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost", "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False, "wsgi.multiprocess": False, "wsgi.run_once": False, "REQUEST_URI": quote(path, errors="surrogateescape") + ("?" + query if query else ""),
    }
    for name, value in headers:
        key = name.upper().replace("-", "_")
        value = value.encode("utf-8", "surrogateescape").decode("latin-1")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + key] = value
    seen = {}

    def start_response(status, response_headers, exc_info=None):
        seen["status"], seen["headers"] = int(status.split()[0]), list(response_headers)
        return lambda data: None

    result = app(environ, start_response)
    try:
        content = b"".join(result)
    finally:
        if hasattr(result, "close"):
            result.close()
    return seen.get("status", 0), seen.get("headers", []), content


def send_asgi(app, request, stop=0):
    """Call an ASGI application through its lifespan; returns (status, headers, body).

    With `stop` the request is sent twice, the second while the first is held at its `stop`-th wait, where the event loop
    may as well turn to another task; returns (both answers, how often the first waited).
    """
    import asyncio

    method, path, query, headers, body = to_http(request)
    answers, count = [], [0]

    def scope_of(state):
        return {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": path, "raw_path": quote(path, errors="surrogateescape").encode(), "query_string": query.encode("latin-1"), "root_path": "",
            "headers": [(b"host", b"localhost")] + [(k.lower().encode("utf-8", "surrogateescape"), v.encode("utf-8", "surrogateescape")) for k, v in headers],
            "client": ("127.0.0.1", 50000), "server": ("localhost", 80), "state": dict(state), "extensions": {},
        }

    async def one(state):
        answers.append({"status": 0, "headers": [], "body": b""})
        await asyncio.wait_for(app(scope_of(state), *_asgi_ends(body, answers[-1], asyncio)), 10)

    async def held(state, reached, go):
        answers.append({"status": 0, "headers": [], "body": b""})
        try:
            await asyncio.wait_for(Held(app(scope_of(state), *_asgi_ends(body, answers[-1], asyncio)), stop, count, reached, go).over(), 12)
        finally:
            reached.set()

    async def call():
        state, closing, closed, life = await _asgi_life(app, asyncio)
        try:
            if not stop:
                return await one(state)
            reached, go = asyncio.Event(), asyncio.Event()
            first = asyncio.ensure_future(held(state, reached, go))
            await asyncio.wait_for(reached.wait(), 12)
            second = asyncio.ensure_future(one(state))
            await asyncio.wait([second], timeout=1.5)
            go.set()
            await asyncio.gather(first, second, return_exceptions=True)
        finally:
            closing.set()
            try:
                await asyncio.wait_for(closed.wait(), 5)
            finally:
                life.cancel()

    asyncio.run(call())
    told = [(a["status"] or 500, a["headers"], a["body"]) for a in answers]
    return (told + [(500, [], b"")] * (2 - len(told)), count[0]) if stop else (answers[0]["status"], answers[0]["headers"], answers[0]["body"])


def _asgi_ends(body, seen, asyncio):
    """(receive, send) of one request; what is sent is kept in `seen`."""
    sent, over = [], asyncio.Event()

    async def receive():
        if not sent:
            sent.append(1)
            return {"type": "http.request", "body": body, "more_body": False}
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        if message["type"] == "http.response.start":
            seen["status"] = message["status"]
            seen["headers"] = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in message.get("headers", [])]
        elif message["type"] == "http.response.body":
            seen["body"] += message.get("body", b"")
            if not message.get("more_body"):
                over.set()

    return receive, send


async def _asgi_life(app, asyncio):
    """(state, what closes it, what tells that it is closed, its task) of an application that was started."""
    opened, closing, closed = asyncio.Event(), asyncio.Event(), asyncio.Event()
    told, state = [], {}

    async def receive():
        if not told:
            told.append(1)
            return {"type": "lifespan.startup"}
        await closing.wait()
        return {"type": "lifespan.shutdown"}

    async def send(message):
        (opened if "startup" in message["type"] else closed).set()

    async def lifespan():
        try:
            await app({"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.3"}, "state": state}, receive, send)
        except BaseException:
            pass
        opened.set()
        closed.set()

    life = asyncio.ensure_future(lifespan())
    await asyncio.wait_for(opened.wait(), 10)
    return state, closing, closed, life


class Held(object):
    """Drives a coroutine and lets nobody resume it at the chosen wait until it is let go."""

    def __init__(self, inner, stop, count, reached, go):
        self.inner, self.stop, self.count, self.reached, self.go = inner, stop, count, reached, go

    async def over(self):
        return await self

    def __await__(self):
        inner, value, failed = self.inner.__await__(), None, None
        while True:
            try:
                waited = inner.throw(failed) if failed is not None else inner.send(value)
            except StopIteration as ended:
                return ended.value
            self.count[0] += 1
            if self.count[0] == self.stop:
                self.reached.set()
                yield from self.go.wait().__await__()
            value = failed = None
            try:
                value = yield waited
            except BaseException as error:
                failed = error


def wire_bytes(request):
    """The request as HTTP/1.1 bytes, for applications that only speak through a socket."""
    method, path, query, headers, body = to_http(request)
    lines = ["%s %s HTTP/1.1" % (method, quote(path, errors="surrogateescape") + ("?" + query if query else "")), "Host: localhost", "Connection: close"]
    lines += ["%s: %s" % pair for pair in headers]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


def parse_answer(data):
    """The bytes of an HTTP answer as (status, headers, body)."""
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    parts = lines[0].split()
    headers = [tuple(p.strip() for p in line.split(":", 1)) for line in lines[1:] if ":" in line]
    if any(k.lower() == "transfer-encoding" for k, _ in headers):
        whole = b""
        while body:
            size, _, body = body.partition(b"\r\n")
            count = int(size.split(b";")[0] or b"0", 16)
            if not count:
                break
            whole, body = whole + body[:count], body[count + 2:]
        body = whole
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0, headers, body


def send_handler(handler, request):
    """Let an `http.server` handler class answer; returns (status, headers, body)."""
    data = wire_bytes(request)

    class Wire(object):
        def __init__(self):
            self.out = io.BytesIO()

        def makefile(self, mode, *rest, **more):
            return io.BytesIO(data) if "r" in mode else self.out

        def sendall(self, piece):
            self.out.write(piece)

        def __getattr__(self, name):
            return lambda *a, **k: None

    class Server(object):
        server_name, server_port, server_address = "localhost", 80, ("localhost", 80)

        def __getattr__(self, name):
            raise AttributeError(name)

    class Kept(handler):
        def setup(self):
            handler.setup(self)
            self.wfile = self.connection.out

        def finish(self):
            pass

        def log_message(self, *rest):
            pass

    wire = Wire()
    Kept.__name__ = handler.__name__
    Kept(wire, ("127.0.0.1", 50000), Server())
    return parse_answer(wire.out.getvalue())


def send_aiohttp(app, request, stop=0):
    """Serve an aiohttp application on a private socket, once for the process; returns (status, headers, body), or as `send_asgi` does with `stop`."""
    import asyncio
    import os
    import tempfile

    async def start(place, holding):
        from aiohttp import web

        _let_be_held(web.Application, "_handle", holding)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.UnixSite(runner, place).start()

    return _ask_socket(app, request, start, os.path.join(tempfile.mkdtemp(), "s"), asyncio, stop)


def send_tornado(app, request, stop=0):
    """Serve a Tornado application on a private socket, once for the process; returns (status, headers, body), or as `send_asgi` does with `stop`."""
    import asyncio
    import os
    import tempfile

    async def start(place, holding):
        from tornado.httpserver import HTTPServer
        from tornado.netutil import bind_unix_socket
        from tornado.web import RequestHandler

        _let_be_held(RequestHandler, "_execute", holding)
        HTTPServer(app).add_socket(bind_unix_socket(place))

    return _ask_socket(app, request, start, os.path.join(tempfile.mkdtemp(), "s"), asyncio, stop)


def _let_be_held(owner, name, holding):
    """Let the next answer that the framework begins be driven by what stands in `holding`, if anything does."""
    real = getattr(owner, name)

    async def begin(self, *args, **kwargs):
        inner = real(self, *args, **kwargs)
        if not holding:
            return await inner
        held = holding.pop()
        try:
            return await Held(inner, *held).over()
        finally:
            held[2].set()

    setattr(owner, name, begin)


def _ask_socket(app, request, start, place, asyncio, stop=0, served={}):
    """Such an application stays bound to the event loop that first ran it, so loop and socket are kept."""
    if id(app) not in served:
        loop, holding = asyncio.new_event_loop(), []
        asyncio.set_event_loop(loop)
        loop.run_until_complete(start(place, holding))
        served[id(app)] = (loop, place, holding)
    loop, place, holding = served[id(app)]

    async def ask():
        reader, writer = await asyncio.open_unix_connection(place)
        writer.write(wire_bytes(request))
        await writer.drain()
        data = await asyncio.wait_for(reader.read(-1), 10)
        writer.close()
        return parse_answer(data)

    async def ask_twice():
        count, reached, go = [0], asyncio.Event(), asyncio.Event()
        holding.append((stop, count, reached, go))
        first = asyncio.ensure_future(ask())
        await asyncio.wait_for(reached.wait(), 12)
        second = asyncio.ensure_future(ask())
        await asyncio.wait([second], timeout=1.5)
        go.set()
        told = await asyncio.gather(first, second, return_exceptions=True)
        return [(500, [], b"") if isinstance(a, BaseException) else a for a in told], count[0]

    return loop.run_until_complete(ask_twice() if stop else ask())


SENDERS = {"wsgi": send_wsgi, "asgi": send_asgi, "handler": send_handler, "aiohttp": send_aiohttp, "tornado": send_tornado}


def put(value, payload, hole="@@PAYLOAD@@"):
    """A described request with the payload in its place."""
    if isinstance(value, str):
        return value.replace(hole, payload)
    if isinstance(value, dict):
        return {put(k, payload, hole): put(v, payload, hole) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [put(v, payload, hole) for v in value]
    return value


def signed_in(app, given, known={}):
    """(cookie, value) of a session as the framework itself makes it: Flask's with these values, Django's of the user of this name, kept while it is good."""
    if hasattr(app, "session_interface"):
        return app.config.get("SESSION_COOKIE_NAME", "session"), app.session_interface.get_signing_serializer(app).dumps(given)
    import importlib

    from django.conf import settings
    from django.contrib.auth import get_user_model

    users = get_user_model()
    user = users.objects.filter(**{users.USERNAME_FIELD: given["user"]}).first()
    if user is None:
        user = users(**{users.USERNAME_FIELD: given["user"]})
        user.set_password("Passw0rd!x")
        if hasattr(user, "email") and not user.email:
            user.email = given["user"].partition("@")[0] + "@example.org"
        user.save()
    kept = importlib.import_module(settings.SESSION_ENGINE).SessionStore()
    if known.get(given["user"], ("",))[0] == user.get_session_auth_hash() and kept.exists(known[given["user"]][1]):
        return settings.SESSION_COOKIE_NAME, known[given["user"]][1]
    kept["_auth_user_id"], kept["_auth_user_backend"], kept["_auth_user_hash"] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0], user.get_session_auth_hash()
    kept.save()
    known[given["user"]] = user.get_session_auth_hash(), kept.session_key
    return settings.SESSION_COOKIE_NAME, kept.session_key


def play(steps, app, speaks, jar=None, words=None):
    """Send requests one after another as one browser would; the last answer counts. What a step takes from its answer is a word of later ones."""
    answer = (0, [], b"")
    jar, words = {} if jar is None else jar, {} if words is None else words
    for request in steps:
        for name, word in words.items():
            request = put(request, word, "@@%s@@" % name)
        request = dict(request)
        take = request.pop("take", {})
        if "session" in request:
            name, value = signed_in(app, request.pop("session"))
            jar[name] = value
            request["cookies"] = [c for c in request.get("cookies", []) if c[0] != name]
        cookies = [(n, v) for n, v in jar.items() if n not in {c[0] for c in request.get("cookies", [])}]
        request["cookies"] = list(request.get("cookies", [])) + cookies
        answer = SENDERS[speaks](app, request)
        for name, value in answer[1]:
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                jar[key.strip()] = rest.split(";")[0].strip('"')
        for name, pattern in take.items():
            text = "\n".join("%s: %s" % pair for pair in answer[1]) + "\n\n" + answer[2].decode("utf-8", "replace")
            words[name] = (re.findall(pattern, text) or [""])[-1]
    return answer


def run_main_block(module):
    """Run what a file does before it serves when it is started as a program: making tables, opening connections."""
    import ast
    import os
    import signal

    try:
        with open(module.__file__, "rb") as stream:
            tree = ast.parse(stream.read())
    except (OSError, SyntaxError, TypeError, AttributeError):
        return

    def stop(*rest):
        raise TimeoutError

    before, leave = signal.signal(signal.SIGALRM, stop), os._exit
    os._exit = stop
    signal.alarm(8)
    try:
        for node in tree.body:
            if isinstance(node, ast.If) and "__main__" in ast.dump(node.test):
                for statement in node.body:
                    try:
                        exec(compile(ast.Module(body=[statement], type_ignores=[]), module.__file__, "exec"), module.__dict__)
                    except (Exception, SystemExit):
                        pass
    finally:
        os._exit = leave
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


SERVER_MODULES = ("uvicorn", "waitress", "hypercorn", "dotenv", "flask_cors", "gunicorn")


def stand_in(names):
    """Put an idle module in place of server software that is not installed: a target under test is not served."""
    import importlib.machinery
    import importlib.util
    import sys
    import types

    class Idle(object):
        def __init__(self, *args, **kwargs):
            pass

        def __call__(self, *args, **kwargs):
            return args[0] if args and callable(args[0]) else None

        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return Idle()

    for name in names:
        if name not in sys.modules and importlib.util.find_spec(name) is None:
            module = types.ModuleType(name)
            module.__spec__ = importlib.machinery.ModuleSpec(name, None)
            module.__getattr__ = lambda attribute: Idle() if not attribute.startswith("__") else (_ for _ in ()).throw(AttributeError(attribute))
            sys.modules[name] = module
