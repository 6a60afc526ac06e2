"""What an emitted test uses to see one effect: `prepare_*` before the application is imported, `judge_*` after the request.

Each function stands alone, because the emitted test carries its source.
"""

import os
import sys


def prepare_nothing(tokens, seen):
    return None


def prepare_canary(tokens, seen):
    """Let the kernel tell which files of the canary's directory are opened, by whatever library."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.inotify_init1(os.O_NONBLOCK)
    libc.inotify_add_watch(fd, os.path.dirname(tokens["CANARY"]).encode(), 0x21)
    seen.append(fd)


def judge_canary(tokens, seen, answer):
    try:
        return b"canary" in os.read(seen[0], 65536)
    except BlockingIOError:
        return False


def judge_flag(tokens, seen, answer):
    found = os.path.lexists(tokens["FLAG"])
    if found:
        os.rmdir(tokens["FLAG"]) if os.path.isdir(tokens["FLAG"]) else os.remove(tokens["FLAG"])
    return found


def prepare_listed(tokens, seen):
    def hook(event, args):
        if event in ("os.listdir", "os.scandir", "os.remove") and args and isinstance(args[0], str):
            if os.path.realpath(args[0]).startswith(tokens["PLACE"]):
                seen.append(event)

    sys.addaudithook(hook)


def judge_seen(tokens, seen, answer):
    found = bool(seen)
    seen.clear()
    return found


def judge_product(tokens, seen, answer):
    return str(int(tokens["A"]) * int(tokens["B"])).encode() in answer[2]


def prepare_sql(tokens, seen):
    """Give every SQLite connection a function that no honest query names, and note when a query compiles it."""
    import sqlite3
    import sqlite3.dbapi2

    real = sqlite3.connect

    def connect(*args, **kwargs):
        connection = real(*args, **kwargs)
        connection.create_function(tokens["FN"], -1, lambda *rest: 1)
        connection.set_authorizer(lambda action, first, second, *rest: (seen.append(second) if action == 31 and str(second).lower() == tokens["FN"] else None) or 0)
        return connection

    sqlite3.connect = sqlite3.dbapi2.connect = connect
    if "HOOKS" in globals():  # a server that is played: its query is judged by its text as well
        globals()["HOOKS"].append(lambda text, dialect: seen.append(text) if globals()["calls"](text, tokens["FN"], dialect) else None)


def judge_markup(tokens, seen, answer):
    return not 300 <= answer[0] < 400 and markup_broken(answer[1], answer[2], tokens["MARK"])


def judge_redirect(tokens, seen, answer):
    return leads_away(answer[1], "evil-%s.example" % tokens["MARK"])


def prepare_connect(tokens, seen):
    def hook(event, args):
        if event == "socket.connect" and tokens["PORT"] in repr(args[1]):
            seen.append(args[1])

    sys.addaudithook(hook)


def prepare_ldap(tokens, seen):
    def note(*args, **kwargs):
        for value in list(args) + list(kwargs.values()):
            if isinstance(value, str) and "(%s=" % tokens["MARK"] in value:
                seen.append(value)

    try:
        import ldap3.core.connection as library

        owner, names = library.Connection, ["search"]
    except ImportError:
        import ldap.ldapobject as library

        owner, names = library.SimpleLDAPObject, ["search_ext", "search_s", "search", "search_st", "search_ext_s"]
    for name in names:
        def wrapped(self, *args, _real=getattr(owner, name), **kwargs):
            note(*args, **kwargs)
            return _real(self, *args, **kwargs)

        setattr(owner, name, wrapped)


def prepare_xpath_call(tokens, seen):
    import lxml.etree

    lxml.etree.FunctionNamespace(None)[tokens["FN"]] = lambda *args: bool(seen.append("called")) or True


def prepare_xpath_text(tokens, seen):
    """Note XPath texts that name the marker outside of their quoted parts."""
    import re
    import xml.etree.ElementPath as plain

    def note(*args):
        for value in args:
            if isinstance(value, str):
                bare = re.sub(r"'[^']*'|\"[^\"]*\"", " ", value)
                if "@" + tokens["MARK"] in bare or tokens["FN"] + "()" in bare:
                    seen.append(value)

    places = [(plain, n) for n in ("iterfind", "find", "findall", "findtext")]
    try:
        import elementpath.tdop

        places.append((elementpath.tdop.Parser, "parse"))
    except ImportError:
        pass
    for owner, name in places:
        def wrapped(*args, _real=getattr(owner, name), **kwargs):
            note(*args)
            return _real(*args, **kwargs)

        setattr(owner, name, wrapped)


def prepare_operator(tokens, seen):
    """Note queries to the document database that hold an operator or a call from the request."""
    def hook(query, update):
        if operators(query, tokens["MARK"]) or operators(query, "dq-operand") or script_calls(query, tokens["FN"]):
            seen.append(query)

    DOCUMENT_HOOKS.append(hook)
    try:
        import mongomock.collection
    except ImportError:
        return
    for name in ("find", "find_one", "update_one", "update_many", "delete_one", "delete_many", "count_documents", "find_one_and_update", "find_one_and_delete", "replace_one"):
        def wrapped(self, query=None, *args, _real=getattr(mongomock.collection.Collection, name), **kwargs):
            hook(kwargs.get("filter", query), None)
            return _real(self, query, *args, **kwargs) if "filter" not in kwargs else _real(self, *args, **kwargs)

        setattr(mongomock.collection.Collection, name, wrapped)


def judge_header(tokens, seen, answer):
    return header_made(answer[1], tokens["MARK"])


def judge_log(tokens, seen, answer):
    return log_lines(tokens["MARK"], os.getcwd())


def judge_cookie(tokens, seen, answer):
    for name, value in answer[1]:
        pieces = [p.strip() for p in value.split(";")]
        if name.lower() == "set-cookie" and pieces[0].split("=")[0] == EXTRA["cookie"] and pieces[0].partition("=")[2].strip('"'):
            return EXTRA["flag"] not in {p.split("=")[0].lower() for p in pieces[1:]}
    return False


def prepare_session(tokens, seen):
    from flask.sessions import SecureCookieSessionInterface as Interface

    real = Interface.save_session

    def save_session(self, app, session, response):
        seen.append({str(k): str(v) for k, v in dict(session).items()})
        return real(self, app, session, response)

    Interface.save_session = save_session


def judge_session(tokens, seen, answer):
    last = seen[-1] if seen else {}
    seen.clear()
    return any(EXTRA["word"] in k or (k == EXTRA["key"] and EXTRA["word"] in v) for k, v in last.items())


def prepare_hash(tokens, seen):
    """Note weak digests that the named function of the named file asks for."""
    import hashlib

    def wrap(real, fixed):
        def make(*args, **kwargs):
            frame = sys._getframe(1)
            name = (fixed or str(args[0] if args else kwargs.get("name"))).lower().replace("-", "")
            here = frame.f_code.co_filename.replace(os.sep, "/").endswith("/" + EXTRA["file"]) and frame.f_code.co_name == EXTRA["function"]
            if here and name in ("md5", "sha1", "md4", "md2", "sha", "ripemd160", "mdc2") and kwargs.get("usedforsecurity", True):
                seen.append(name)
            return real(*args, **kwargs)

        return make

    hashlib.new, hashlib.md5, hashlib.sha1 = wrap(hashlib.new, None), wrap(hashlib.md5, "md5"), wrap(hashlib.sha1, "sha1")


def stop_clock(root, moment):
    """Let every clock that the project reads show this moment; returns what lets them go on."""
    import datetime
    import time

    real, undo = datetime.datetime, []

    class Kind(type):
        def __instancecheck__(cls, value):
            return isinstance(value, real)

    class Stopped(real, metaclass=Kind):
        @classmethod
        def now(cls, tz=None):
            return real.fromtimestamp(moment, tz)

        @classmethod
        def utcnow(cls):
            return real.fromtimestamp(moment, datetime.timezone.utc).replace(tzinfo=None)

        @classmethod
        def today(cls):
            return real.fromtimestamp(moment)

    class StoppedDay(datetime.date):
        @classmethod
        def today(cls):
            return real.fromtimestamp(moment).date()

    swaps = [(time.time, lambda: moment), (time.time_ns, lambda: int(moment * 1000000000)), (real, Stopped), (datetime.date, StoppedDay)]
    owners = [m for m in list(sys.modules.values()) if (getattr(m, "__file__", None) or "").startswith(root) and "site-packages" not in (m.__file__ or "")]
    for owner in owners + [time, datetime]:
        for name, value in list(vars(owner).items()):
            for old, new in swaps:
                if value is old and not (owner is datetime and name == "date"):
                    undo.append((owner, name, old))
                    setattr(owner, name, new)

    def go_on():
        for owner, name, old in undo:
            setattr(owner, name, old)

    return go_on


def keys_kept(root, databases, wanted=None):
    """{table.column: its texts} of the columns of the project's databases that are called like a key."""
    import re
    import tempfile

    kept = {}

    def look(_path, connection, tables):
        for table in tables:
            for column in [r[1] for r in connection.execute('PRAGMA table_info("%s")' % table).fetchall()]:
                name = "%s.%s" % (table, column)
                telling = re.search(r"token|reset|otp|api_?key|invite|activation|verif|recovery|confirm|secret|access_?key|nonce|session", column, re.I) and not re.search(r"expir|creat|time|date|_at$|_on$|attempt|count|sent|verified|confirmed|is_|email", column, re.I)
                if name == wanted or (wanted is None and telling):
                    kept[name] = [str(r[0]) for r in connection.execute('SELECT "%s" FROM "%s" LIMIT 2000' % (column, table)).fetchall() if r[0] not in (None, "")]

    databases({root: True, tempfile.gettempdir(): False}, look)
    return kept


def keys_shown(answer, seen):
    """What an answer shows at the place of the key: a cookie, a value of the session, or a word of the text."""
    import re

    where, name = EXTRA["place"]
    if where == "the cookie":
        return [v.partition("=")[2].split(";")[0] for k, v in answer[1] if k.lower() == "set-cookie" and v.split("=")[0] == name]
    if where == "the session's":
        return [s[name] for s in seen[-1:] if name in s]
    text = re.sub(r"<[^<>]*>", " ", answer[2].decode("utf-8", "replace"))
    return [text[m.end():m.end() + 80].split()[0] for m in re.finditer(EXTRA["pattern"], text) if text[m.end():].split()][:1]
