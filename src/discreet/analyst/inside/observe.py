"""Sees effects while a request runs: files opened, programs started, queries changed, code run, values stored.

Python-level effects come from the interpreter's audit events and from wrappers around libraries, put in place
as each library is imported; opened files come from the kernel (inotify), so that C libraries are seen as well.
"""

import ctypes
import importlib.abc
import importlib.machinery
import os
import struct
import sys

import documents
import services

EFFECTS_MAX = 400
TEXT_MAX = 2000
IN_ACCESS, IN_OPEN = 0x1, 0x20
WEAK_HASHES = ("md5", "sha1", "md4", "md2", "sha", "ripemd160", "mdc2")
RANDOM_NAMES = (
    "random randint choice choices randrange getrandbits sample uniform shuffle normalvariate gauss betavariate expovariate triangular "
    "randbytes vonmisesvariate gammavariate lognormvariate paretovariate weibullvariate binomialvariate"
).split()


class Watch(object):
    """What happened since `begin`; one per process."""

    def __init__(self, root, place):
        self.root, self.place = root, place
        self.on, self.effects, self.lookups, self.iterated, self.decoded, self.kinds = False, [], [], False, set(), set()
        self.session_keys, self.marker, self.clocked = [], None, False
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.inotify = self.libc.inotify_init1(os.O_NONBLOCK)
        self.watch = self.libc.inotify_add_watch(self.inotify, place.encode(), IN_OPEN | IN_ACCESS)

    def begin(self, marker=None):
        self.effects, self.lookups, self.iterated, self.decoded, self.kinds, self.session_keys = [], [], False, set(), set(), []
        self.marker = marker
        self.opened_files()
        self.on = True

    def end(self):
        self.on = False
        for name in self.opened_files():
            self.effects.append({"what": "canary-opened", "value": name, "at": None})
        return self.effects

    def note(self, what, value=None, depth=2, **more):
        if self.on and len(self.effects) < EFFECTS_MAX:
            effect = {"what": what, "value": value if not isinstance(value, str) else value[:TEXT_MAX], "at": self.where(depth + 1)}
            effect.update(more)
            self.effects.append(effect)

    def opened_files(self):
        names, data = [], b""
        try:
            while True:
                data += os.read(self.inotify, 65536)
        except (BlockingIOError, OSError):
            pass
        while len(data) >= 16:
            _wd, _mask, _cookie, length = struct.unpack_from("iIII", data)
            names.append(data[16:16 + length].rstrip(b"\0").decode("utf-8", "replace"))
            data = data[16 + length:]
        return [n for n in dict.fromkeys(names) if n]

    def where(self, depth=1):
        """The innermost frame of the project itself: [file, line, function]."""
        try:
            frame = sys._getframe(depth)
        except ValueError:
            return None
        while frame is not None:
            name = frame.f_code.co_filename
            if name.startswith(self.root):
                return [os.path.relpath(name, self.root), frame.f_lineno, getattr(frame.f_code, "co_qualname", frame.f_code.co_name)]
            frame = frame.f_back
        return None

    def direct(self, depth=2):
        """Whether the caller at `depth` is the project's own code."""
        try:
            return sys._getframe(depth).f_code.co_filename.startswith(self.root)
        except ValueError:
            return False


FILE_EVENTS = {"open", "os.listdir", "os.scandir", "os.remove", "os.rename", "os.mkdir", "os.rmdir", "shutil.rmtree", "shutil.copyfile", "shutil.move", "os.chmod", "os.truncate", "glob.glob", "os.link", "os.symlink", "shutil.unpack_archive"}
PROCESS_EVENTS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn"}


def audit(watch, library_roots):
    """The hook to give to `sys.addaudithook`."""
    quiet = tuple(library_roots)

    def hook(event, args):
        if not watch.on:
            return
        if event in FILE_EVENTS:
            path = args[0] if args else None
            if isinstance(path, bytes):
                path = os.fsdecode(path)
            if not isinstance(path, str) or path.startswith(quiet) or path.endswith((".pyc", ".so")):
                return
            watch.kinds.add("path")
            writes = event != "open" or (isinstance(args[1], str) and any(c in args[1] for c in "wax+")) or (args[1] is None and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR))
            watch.note(event, path, writes=bool(writes))
        elif event in PROCESS_EVENTS:
            watch.kinds.add("command")
            watch.note("process", " ".join(map(_text, args[:2])))
        elif event == "socket.connect":
            watch.kinds.add("ssrf")
            watch.note("connect", repr(args[1])[:200])
        elif event == "socket.getaddrinfo":
            watch.kinds.add("ssrf")
            watch.note("resolve", "%s:%s" % (args[0], args[1]))
        elif event == "pickle.find_class":
            watch.kinds.add("deserialise")
        elif event in ("compile", "exec"):
            source = args[0]
            if isinstance(source, bytes):
                source = source.decode("utf-8", "replace")
            if isinstance(source, str) and watch.marker and watch.marker in source:
                watch.kinds.add("code")
                watch.note("compiled", source)

    return hook


def _text(value):
    if isinstance(value, (list, tuple)):
        return " ".join(map(_text, value))
    return os.fsdecode(value) if isinstance(value, (str, bytes)) else repr(value)[:200]


# --- wrappers around libraries -----------------------------------------------------------------------------------


def install(watch, function_name):
    """Wrap what is imported already and arrange for the rest to be wrapped when it is imported."""
    sys.meta_path.insert(0, _AfterImport(watch, function_name))
    services.HOOKS.append(lambda query, dialect: _asked(watch, function_name, query, dialect))
    documents.DOCUMENT_HOOKS.append(lambda query, update: _document_query(watch, function_name, query))
    for name in list(sys.modules):
        if name in PATCHES:
            _patch(name, sys.modules[name], watch, function_name)


def _asked(watch, function_name, query, dialect):
    """A query to a server that is played: judged by its text, read by that server's rules of quoting."""
    if watch.on:
        watch.kinds.add("sql")
        if services.calls(query, function_name, dialect):
            watch.note("query-altered", function_name, depth=4)


def _document_query(watch, function_name, query):
    """A query to a document database: whether it holds an operator or a call that only the request could have put there."""
    if watch.on:
        watch.kinds.add("nosql")
        for word in ("dq-operand", watch.marker):
            if word and documents.operators(query, word):
                watch.note("operator", word, depth=4)
        if documents.script_calls(query, function_name):
            watch.note("operator", function_name, depth=4)


def _mongomock(module, watch, function_name):
    def before(self, query=None, *args, **kwargs):
        for hook in documents.DOCUMENT_HOOKS:
            hook(kwargs.get("filter", query), None)

    for name in ("find", "find_one", "update_one", "update_many", "delete_one", "delete_many", "count_documents", "find_one_and_update", "find_one_and_delete", "replace_one"):
        _wrap(module.Collection, name, before)


def _patch(name, module, watch, function_name):
    try:
        PATCHES[name](module, watch, function_name)
    except Exception as error:  # a library of an unknown version stays unwrapped; its effects are then seen less well
        sys.stderr.write("not wrapped: %s: %r\n" % (name, error))


class _AfterImport(importlib.abc.MetaPathFinder):
    def __init__(self, watch, function_name):
        self.watch, self.function_name, self.busy = watch, function_name, set()

    def find_spec(self, name, path, target=None):
        if name not in PATCHES or name in self.busy:
            return None
        self.busy.add(name)
        try:
            for finder in sys.meta_path:
                spec = finder.find_spec(name, path, target) if finder is not self and hasattr(finder, "find_spec") else None
                if spec is not None:
                    break
            else:
                return None
        finally:
            self.busy.discard(name)
        if spec.loader is None or not hasattr(spec.loader, "exec_module"):
            return spec
        run = spec.loader.exec_module
        watch, function_name = self.watch, self.function_name

        def exec_module(module):
            run(module)
            _patch(name, module, watch, function_name)

        try:
            spec.loader.exec_module = exec_module
        except AttributeError:
            spec.loader = _Loader(spec.loader, exec_module)
        return spec


class _Loader(importlib.abc.Loader):
    def __init__(self, inner, exec_module):
        self.inner, self.exec_module = inner, exec_module

    def create_module(self, spec):
        return self.inner.create_module(spec)

    def __getattr__(self, name):
        return getattr(self.inner, name)


def _wrap(owner, name, before=None, after=None):
    real = getattr(owner, name, None)
    if real is None:
        return

    def wrapper(*args, **kwargs):
        if before is not None:
            before(*args, **kwargs)
        result = real(*args, **kwargs)
        if after is not None:
            after(result, *args, **kwargs)
        return result

    wrapper.__name__, wrapper.__doc__, wrapper.__wrapped__ = getattr(real, "__name__", name), getattr(real, "__doc__", None), real
    setattr(owner, name, wrapper)


def _sqlite(module, watch, function_name):
    real = module.connect
    if getattr(real, "discreet", False):
        return

    def connect(*args, **kwargs):
        connection = real(*args, **kwargs)

        def decide(action, first, second, database, source):
            if watch.on:
                if action == 31 and str(second).lower() == function_name:
                    watch.note("query-altered", second)
                else:
                    watch.kinds.add("sql")
            return 0

        try:
            connection.create_function(function_name, -1, lambda *rest: 1)
            connection.set_authorizer(decide)
        except Exception:
            pass
        return connection

    connect.discreet = True
    module.connect = connect
    for other in ("sqlite3", "sqlite3.dbapi2"):
        if other in sys.modules:
            sys.modules[other].connect = connect


def _decoder(label):
    def patch_one(watch):
        def before(*args, **kwargs):
            value = args[0] if args else next(iter(kwargs.values()), None)
            if watch.on and watch.marker is not None:
                text = value if isinstance(value, str) else bytes(value).decode("latin-1") if isinstance(value, (bytes, bytearray)) else ""
                if watch.marker in text:
                    watch.decoded.add(label)

        return before

    return patch_one


def _base64(module, watch, function_name):
    for name in ("b64decode", "urlsafe_b64decode", "standard_b64decode", "decodebytes", "decodestring"):
        _wrap(module, name, _decoder("b64")(watch))
    _wrap(module, "b32decode", _decoder("b32")(watch))
    _wrap(module, "b16decode", _decoder("hex")(watch))


def _binascii(module, watch, function_name):
    for name, label in (("a2b_base64", "b64"), ("unhexlify", "hex"), ("a2b_hex", "hex")):
        _wrap(module, name, _decoder(label)(watch))


def _urllib_parse(module, watch, function_name):
    def before(*args, **kwargs):
        if watch.on and watch.marker is not None and watch.direct(3) and args and isinstance(args[0], (str, bytes)):
            text = args[0] if isinstance(args[0], str) else args[0].decode("latin-1")
            if watch.marker in text:
                watch.decoded.add("url")

    for name in ("unquote", "unquote_plus", "unquote_to_bytes"):
        _wrap(module, name, before)


class NotingDict(dict):
    """A mapping from a request's body that remembers which names were asked for."""

    watch = None

    def get(self, key, default=None):
        self.watch.lookups.append(key)
        return dict.get(self, key, default)

    def __getitem__(self, key):
        self.watch.lookups.append(key)
        return dict.__getitem__(self, key)

    def __contains__(self, key):
        self.watch.lookups.append(key)
        return dict.__contains__(self, key)

    def pop(self, key, *rest):
        self.watch.lookups.append(key)
        return dict.pop(self, key, *rest)


def _json(module, watch, function_name):
    NotingDict.watch = watch
    real = module.loads

    def loads(text, *args, **kwargs):
        value = real(text, *args, **kwargs)
        if watch.on and watch.marker is not None and type(value) is dict:
            raw = text if isinstance(text, str) else bytes(text).decode("utf-8", "replace")
            if watch.marker in raw:
                return NotingDict(value)
        return value

    loads.__wrapped__ = real
    module.loads = loads


class WeakHash(object):
    """A weak digest under way: remembers what went in, tells what came out."""

    def __init__(self, inner, name, data, watch, what="weak-hash"):
        self.inner, self.name, self.data, self.watch, self.what = inner, name, bytes(data), watch, what
        self.at = watch.where(3)

    def update(self, data):
        self.data = (self.data + bytes(data))[:TEXT_MAX]
        return self.inner.update(data)

    def _tell(self, value):
        if self.watch.on and len(self.watch.effects) < EFFECTS_MAX:
            self.watch.effects.append({"what": self.what, "value": self.name, "at": self.at, "data": self.data.decode("utf-8", "replace"), "digest": self.inner.hexdigest()})
        return value

    def digest(self):
        return self._tell(self.inner.digest())

    def hexdigest(self):
        return self._tell(self.inner.hexdigest())

    def copy(self):
        twin = WeakHash(self.inner.copy(), self.name, self.data, self.watch, self.what)
        twin.at = self.at
        return twin

    def __getattr__(self, name):
        return getattr(self.inner, name)


def _hashlib(module, watch, function_name):
    def wrapped(real, name):
        def make(*args, **kwargs):
            inner = real(*args, **kwargs)
            algorithm = (name or str(args[0] if args else kwargs.get("name"))).lower().replace("-", "")
            if algorithm in WEAK_HASHES and watch.on and kwargs.get("usedforsecurity", True) and watch.direct(2):
                data = (args[0:1] if name else args[1:2]) or (kwargs.get("string", kwargs.get("data", b"")),)
                return WeakHash(inner, algorithm, data[0] or b"", watch)
            return inner

        make.__name__, make.__wrapped__ = getattr(real, "__name__", name or "new"), real
        return make

    def noted(real, name):
        """Strong digests are noted only for what went into them: a key that is a digest of the clock can be computed."""
        def make(*args, **kwargs):
            inner = real(*args, **kwargs)
            if watch.clocked and watch.on and watch.direct(2) and (name != "new" or str(args[0] if args else "").lower().replace("-", "") not in WEAK_HASHES):
                data = (args[1:2] if name == "new" else args[0:1]) or (kwargs.get("data", kwargs.get("string", b"")),)
                return WeakHash(inner, name, data[0] or b"", watch, "digest")
            return inner

        make.__name__, make.__wrapped__ = getattr(real, "__name__", name), real
        return make

    for name in ("new", "sha224", "sha256", "sha384", "sha512", "blake2b", "blake2s", "sha3_256"):
        if hasattr(module, name):
            setattr(module, name, noted(getattr(module, name), name))
    module.new = wrapped(module.new, None)
    for name in ("md5", "sha1"):
        if hasattr(module, name):
            setattr(module, name, wrapped(getattr(module, name), name))


def _random(module, watch, function_name):
    def wrapped(real, name):
        def call(*args, **kwargs):
            result = real(*args, **kwargs)
            if watch.on and watch.direct(2):
                watch.note("weak-random", name, depth=2, result=str(result if result is not None else args[0])[:200])
            return result

        call.__name__, call.__wrapped__ = name, real
        return call

    for name in RANDOM_NAMES:
        real = getattr(module, name, None)
        if real is not None:
            setattr(module, name, wrapped(real, name))


def resolving():
    """Whether Django looks up a name of an address, and not of an input: it keeps both in the same kind of mapping."""
    frame = sys._getframe(2)
    for _depth in range(4):
        if frame is None or frame.f_code.co_filename.endswith("urls/resolvers.py"):
            return frame is not None
        frame = frame.f_back
    return False


def _noting(cls, watch, always, names=("__getitem__", "get", "getlist", "get_list", "pop"), into="lookups"):
    for name in names + ("__contains__",):
        real = getattr(cls, name, None)
        if real is None or getattr(real, "discreet", False):
            continue

        def method(self, *args, _real=real, **kwargs):
            if watch.on and args and isinstance(args[0], str) and (not resolving() if always else watch.direct(2)):
                getattr(watch, into).append(args[0])
            return _real(self, *args, **kwargs)

        method.discreet = True
        setattr(cls, name, method)
    for name in ("keys", "items", "__iter__", "lists", "values", "to_dict", "multi_items", "listvalues"):
        real = getattr(cls, name, None)
        if real is None or into != "lookups" or getattr(real, "discreet", False):
            continue

        def every(self, *args, _real=real, **kwargs):
            if watch.on and watch.direct(2):
                watch.iterated = True
            return _real(self, *args, **kwargs)

        every.discreet = True
        setattr(cls, name, every)


def _werkzeug(module, watch, function_name):
    structures = module
    for name, always in (("MultiDict", True), ("CombinedMultiDict", True), ("Headers", False), ("EnvironHeaders", False)):
        if hasattr(structures, name):
            _noting(getattr(structures, name), watch, always)


def _django_structures(module, watch, function_name):
    _noting(module.MultiValueDict, watch, True)
    if hasattr(module, "CaseInsensitiveMapping"):
        _noting(module.CaseInsensitiveMapping, watch, False)


def _starlette_structures(module, watch, function_name):
    _noting(module.ImmutableMultiDict, watch, True)
    _noting(module.Headers, watch, False)


def _flask_sessions(module, watch, function_name):
    if hasattr(module, "SecureCookieSession"):
        _noting(module.SecureCookieSession, watch, True, into="session_keys")

    def before(self, app, session, response):
        if watch.on and session is not None:
            values = {str(k): str(v)[:300] for k, v in dict(session).items()}
            watch.effects.append({"what": "session", "value": values, "at": None})

    _wrap(module.SecureCookieSessionInterface, "save_session", before)
    real = module.SecureCookieSession.__setitem__ if "__setitem__" in dir(module.SecureCookieSession) else None
    if real is not None:

        def __setitem__(self, key, value):
            if watch.on and watch.direct(2):
                watch.note("session-set", [str(key), str(value)[:300]])
            return real(self, key, value)

        module.SecureCookieSession.__setitem__ = __setitem__


def _starlette_sessions(module, watch, function_name):
    return None


def _cookies(owner_name):
    def patch(module, watch, function_name):
        owner = getattr(module, owner_name, None)
        real = getattr(owner, "set_cookie", None)
        if real is None:
            return

        def set_cookie(self, *args, **kwargs):
            if watch.on and (watch.direct(2) or (owner_name == "RequestHandler" and watch.direct(3))):
                watch.note("cookie-set", str(args[0] if args else kwargs.get("key", kwargs.get("name"))), explicit=sorted(k for k in ("secure", "httponly", "samesite") if k in kwargs))
            return real(self, *args, **kwargs)

        owner.set_cookie = set_cookie

    return patch


def _ldap3(module, watch, function_name):
    def before(self, *args, **kwargs):
        watch.kinds.add("ldap")
        for value in list(args[:2]) + [kwargs.get("search_filter"), kwargs.get("search_base")]:
            if isinstance(value, str):
                watch.note("ldap-filter", value, depth=3)

    _wrap(module.Connection, "search", before)


def _python_ldap(module, watch, function_name):
    def before(self, base, scope=None, filterstr=None, *args, **kwargs):
        watch.kinds.add("ldap")
        watch.note("ldap-filter", str(filterstr), depth=3)

    for name in ("search_ext", "search_s", "search", "search_st", "search_ext_s"):
        _wrap(module.SimpleLDAPObject, name, before)


def _xpath_text(names):
    def patch(module, watch, function_name):
        def before(*args, **kwargs):
            for value in list(args[:3]) + list(kwargs.values()):
                if isinstance(value, str):
                    watch.kinds.add("xpath")
                    watch.note("xpath-text", value, depth=3)

        for name in names:
            owner, _, last = name.rpartition(".")
            target = module
            for part in owner.split(".") if owner else ():
                target = getattr(target, part)
            _wrap(target, last, before)

    return patch


def _lxml(module, watch, function_name):
    def called(context, *args):
        watch.note("xpath-call", function_name)
        return True

    module.FunctionNamespace(None)[function_name] = called
    watch.kinds_on_import = {"xpath", "xml"}


PATCHES = {
    "sqlite3": _sqlite,
    "sqlite3.dbapi2": _sqlite,
    "base64": _base64,
    "binascii": _binascii,
    "urllib.parse": _urllib_parse,
    "json": _json,
    "hashlib": _hashlib,
    "random": _random,
    "werkzeug.datastructures": _werkzeug,
    "django.utils.datastructures": _django_structures,
    "starlette.datastructures": _starlette_structures,
    "flask.sessions": _flask_sessions,
    "werkzeug.wrappers.response": _cookies("Response"),
    "werkzeug.sansio.response": _cookies("Response"),
    "django.http.response": _cookies("HttpResponseBase"),
    "starlette.responses": _cookies("Response"),
    "aiohttp.web_response": _cookies("StreamResponse"),
    "tornado.web": _cookies("RequestHandler"),
    "bottle": _cookies("BaseResponse"),
    "mongomock.collection": _mongomock,
    "ldap3.core.connection": _ldap3,
    "ldap.ldapobject": _python_ldap,
    "elementpath.tdop": _xpath_text(["Parser.parse"]),
    "xml.etree.ElementPath": _xpath_text(["iterfind", "find", "findall", "findtext"]),
    "lxml.etree": _lxml,
}
