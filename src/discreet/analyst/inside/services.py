"""Stands in for what a target expects around it and a sandbox lacks: absent packages, database servers, a key store.

The module stands alone: a test that needs it carries its source. A database server is played by SQLite, with each query's
text read first by the server's own rules of quoting; what an absent package would have done is not done, and is reported.
"""

import __future__
import ast
import asyncio
import importlib.abc
import importlib.machinery
import importlib.util
import os
import re
import sqlite3
import sys
import types

DRIVERS = {
    "psycopg2": "postgres", "psycopg": "postgres", "pg8000": "postgres", "asyncpg": "postgres", "aiopg": "postgres", "pymysql": "mysql", "MySQLdb": "mysql", "mysql": "mysql", "aiomysql": "mysql",
    "mariadb": "mysql", "pymssql": "mssql", "pyodbc": "mssql", "cx_Oracle": "oracle", "oracledb": "oracle",
}
KEY_STORES = ("redis", "aioredis", "fakeredis")
ERRORS = ("Warning", "Error", "InterfaceError", "DatabaseError", "DataError", "OperationalError", "IntegrityError", "InternalError", "ProgrammingError", "NotSupportedError", "PostgresError", "UniqueViolationError")
WORDS_OF_SQL = frozenset(
    "select from where and or not in is null like insert into values update set delete create table order by group having limit offset join left right inner outer on as asc desc distinct union all case when then else end "
    "exists between primary key default unique index count sum max min avg true false now current_timestamp returning ilike cast using".split()
)
SCRIPT_FILES_MAX = 40
HOOKS = []  # called with (query text, dialect) before each query
USED = set()


def place():
    """The file that plays the database server; it lies in the copy of the project, so that it is reset with it."""
    return os.path.join(ROOT[0], "stand-in.sqlite")


ROOT = [os.getcwd()]


# --- reading queries ----------------------------------------------------------------------------------------------


def tokens(query, dialect):
    """The query as (kind, text) pairs: word, text (a literal's value), name (a quoted identifier), other; comments are left out."""
    found, at, size = [], 0, len(query)
    while at < size:
        char = query[at]
        if query.startswith("--", at) or (char == "#" and dialect == "mysql"):
            end = query.find("\n", at)
            at = size if end < 0 else end
        elif query.startswith("/*", at):
            end = query.find("*/", at + 2)
            at = size if end < 0 else end + 2
        elif char in "'\"`":
            value, at, closed = _quoted(query, at, char, dialect)
            literal = char == "'" or (char == '"' and dialect == "mysql")
            found.append(("text" if literal else "name", value) if closed else ("open", value))
        elif char.isalpha() or char == "_":
            end = at + 1
            while end < size and (query[end].isalnum() or query[end] in "_$"):
                end += 1
            found.append(("word", query[at:end]))
            at = end
        else:
            found.append(("other", char))
            at += 1
    return found


def _quoted(query, at, quote, dialect):
    """(value, where it ends, whether it was closed) of what is quoted at this place."""
    out, at = [], at + 1
    while at < len(query):
        char = query[at]
        if char == "\\" and dialect == "mysql" and quote != "`" and at + 1 < len(query):
            out.append(query[at + 1])
            at += 2
        elif char == quote and query[at + 1:at + 2] == quote:
            out.append(quote)
            at += 2
        elif char == quote:
            return "".join(out), at + 1, True
        else:
            out.append(char)
            at += 1
    return "".join(out), at, False


def calls(query, name, dialect):
    """Whether the query itself, outside of literals, comments and quoted names, calls the function `name`."""
    read = [t for t in tokens(query, dialect) if t != ("other", " ")]
    return any(kind == "word" and text.lower() == name and read[index + 1:index + 2] == [("other", "(")] for index, (kind, text) in enumerate(read))


def as_sqlite(query, dialect, numbered=False):
    """The query in SQLite's words; literals are written anew, so that they end where the server would end them."""
    out = []
    for kind, text in tokens(query, dialect):
        if kind in ("text", "open"):
            out.append("'%s'" % text.replace("'", "''"))
        elif kind == "name":
            out.append('"%s"' % text.replace('"', '""'))
        else:
            out.append(text)
    text = "".join(out)
    for pattern, new in (
        (r"\b(BIG|SMALL)?SERIAL\b(\s+PRIMARY\s+KEY)?", "INTEGER PRIMARY KEY AUTOINCREMENT"), (r"\bINT(EGER)?(\(\d+\))?\s+(UNSIGNED\s+)?(NOT\s+NULL\s+)?AUTO_INCREMENT(\s+PRIMARY\s+KEY)?", "INTEGER PRIMARY KEY AUTOINCREMENT"),
        (r"\bAUTO_INCREMENT\b(=\d+)?", ""), (r"\bENGINE\s*=\s*\w+", ""), (r"\bDEFAULT\s+CHARSET\s*=\s*\w+", ""), (r"\bILIKE\b", "LIKE"), (r"\bNOW\(\)", "CURRENT_TIMESTAMP"), (r"::\w+(\[\])?", ""),
        (r"\bON\s+DUPLICATE\s+KEY\s+UPDATE\b.*", ""), (r"\bFOR\s+UPDATE\b", ""), (r"\bTRUE\b", "1"), (r"\bFALSE\b", "0"), (r"\bINSERT\s+IGNORE\b", "INSERT OR IGNORE"), (r"\+ (%|\?|:)", r"\1"),
    ):  # fmt: skip
        text = re.sub(pattern, new, text, flags=re.I)
    if text.upper().count("PRIMARY KEY") > 1:
        text = re.sub(r",\s*PRIMARY\s+KEY\s*\([^)]*\)", "", text, flags=re.I)
    if numbered:
        text = re.sub(r"\$(\d+)", r"?\1", text)
    return text


def bound(query, values):
    """The query with the driver's marks turned into SQLite's, and the values."""
    if values is None:
        return query, ()
    if isinstance(values, dict):
        return re.sub(r"'?%\((\w+)\)s'?", r":\1", query).replace("%%", "%"), values
    if not isinstance(values, (list, tuple)):
        values = (values,)
    return re.sub(r"%s|%d", "?", query).replace("%%", "%"), tuple(values)


# --- the player of database servers ----------------------------------------------------------------------------------


class Row(dict):
    """A row by name and by number."""

    def __init__(self, pairs):
        dict.__init__(self, pairs)
        self.order = [v for _k, v in pairs]

    def __getitem__(self, key):
        return self.order[key] if isinstance(key, (int, slice)) else dict.__getitem__(self, key)

    def __iter__(self):
        return iter(dict.keys(self))

    __getattr__ = dict.get


class Cursor(object):
    """A driver's cursor over SQLite."""

    arraysize = 1

    def __init__(self, connection, rows_by_name=False):
        self.connection, self.by_name = connection, rows_by_name
        self.inner = connection.inner.cursor()
        self.query = self._executed = ""

    @property
    def description(self):
        return self.inner.description

    @property
    def rowcount(self):
        return self.inner.rowcount

    @property
    def lastrowid(self):
        return self.inner.lastrowid

    def execute(self, query, values=None, *rest, **more):
        text = query if isinstance(query, str) else query.decode("utf-8", "replace") if isinstance(query, bytes) else str(query)
        for hook in HOOKS:
            hook(text, self.connection.dialect)
        self.query = self._executed = text
        marked, given = bound(text, values)
        run(self.inner, as_sqlite(marked, self.connection.dialect), given)
        return self.inner.rowcount

    def executemany(self, query, rows):
        for row in rows:
            self.execute(query, row)

    def mogrify(self, query, values=None):
        return re.sub(r"%s", "?", query).encode()

    def _shaped(self, row):
        if row is None:
            return None
        if self.by_name:
            return Row(list(zip([d[0] for d in self.inner.description], row)))
        return tuple(row)

    def fetchone(self):
        return self._shaped(self.inner.fetchone())

    def fetchall(self):
        return [self._shaped(r) for r in self.inner.fetchall()]

    def fetchmany(self, size=1):
        return [self._shaped(r) for r in self.inner.fetchmany(size)]

    def __iter__(self):
        return iter(self.fetchall())

    def __enter__(self):
        return self

    def __exit__(self, *rest):
        return False

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *a, **k: None


def run(cursor, query, values):
    """Run a query; a table or column that no script made is made on the way, as the server would have had it."""
    for _attempt in range(14):
        try:
            cursor.execute(query, values)
            return
        except sqlite3.OperationalError as error:
            words = str(error)
            table = re.match(r"no such table: (?:\w+\.)?(\w+)", words)
            column = re.match(r"(?:no such column: (?:\w+\.)?(\w+)|table (\w+) has no column named (\w+))", words)
            if table and "dq" not in table.group(1):
                cursor.execute('CREATE TABLE IF NOT EXISTS "%s" (id INTEGER PRIMARY KEY AUTOINCREMENT)' % table.group(1))
            elif column:
                names = [column.group(2)] if column.group(2) else re.findall(r"\b(?:FROM|UPDATE|INTO|JOIN)\s+\"?(\w+)", query, re.I)
                cursor.execute('ALTER TABLE "%s" ADD COLUMN "%s"' % (names[0] if names else "?", column.group(1) or column.group(3)))
            elif "already exists" in words:
                return
            else:
                raise failure("ProgrammingError", "OperationalError")(words)
        except sqlite3.IntegrityError as error:
            raise failure("IntegrityError")(str(error))
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            raise failure("ProgrammingError")(str(error))


FAILURES = {}


def failure(*names):
    """The exception class of the drivers; one class of each name serves them all."""
    for name in ERRORS:
        if name not in FAILURES:
            base = Exception if name in ("Warning", "Error") else FAILURES["Error"] if name in ("InterfaceError", "DatabaseError") else FAILURES["DatabaseError"]
            FAILURES[name] = type(name, (base,), {"pgcode": None, "errno": 0, "msg": "", "sqlstate": None})
    return FAILURES[names[0]]


class Connection(object):
    """A driver's connection over SQLite."""

    closed = 0

    def __init__(self, dialect, by_name=False):
        USED.add(dialect)
        self.dialect, self.by_name, self.autocommit = dialect, by_name, False
        fresh = not os.path.exists(place())
        self.inner = sqlite3.connect(place(), timeout=5, check_same_thread=False, isolation_level=None)
        if fresh:
            run_scripts(self.inner, dialect)

    def cursor(self, *classes, **more):
        asked = " ".join(str(c) for c in list(classes) + list(more.values())) + " ".join(k for k, v in more.items() if v is True)
        return Cursor(self, self.by_name or "dict" in asked.lower() or "named" in asked.lower())

    def execute(self, query, values=None):
        cursor = self.cursor()
        cursor.execute(query, values)
        return cursor

    def escape_string(self, text):
        return escape_string(text)

    def escape(self, text, *rest):
        return "'%s'" % escape_string(str(text))

    literal = escape

    def is_connected(self):
        return True

    def __enter__(self):
        return self

    def __exit__(self, *rest):
        return False

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *a, **k: None


def escape_string(text, *rest):
    """What MySQL's drivers put before quotes."""
    return re.sub(r"([\\'\"])", r"\\\1", str(text)).replace("\0", "\\0").replace("\n", "\\n")


def run_scripts(connection, dialect):
    """Run the project's own SQL scripts, statement by statement, as whoever sets up the server would."""
    scripts = []
    for directory, names, files in os.walk(ROOT[0]):
        names[:] = sorted(n for n in names if not n.startswith(".") and n not in ("node_modules", "site-packages", "venv"))
        scripts += [os.path.join(directory, f) for f in sorted(files) if f.endswith(".sql") and os.path.getsize(os.path.join(directory, f)) < 1000000]
    for path in sorted(scripts, key=lambda p: (not re.search(r"schema|init|create|000|001", os.path.basename(p), re.I), p))[:SCRIPT_FILES_MAX]:
        with open(path, "r", errors="replace") as stream:
            text = stream.read()
        for statement in statements(text, dialect):
            try:
                connection.execute(as_sqlite(statement, dialect))
            except (sqlite3.Error, sqlite3.Warning, ValueError):
                continue


def statements(text, dialect):
    """A script cut at the semicolons that stand outside of quotes."""
    out, start, depth = [], 0, None
    for index, char in enumerate(text):
        if depth is None and char in "'\"`":
            depth = char
        elif depth == char:
            depth = None
        elif char == ";" and depth is None:
            out.append(text[start:index])
            start = index + 1
    return [s for s in out + [text[start:]] if s.strip()]


# --- asynchronous drivers ---------------------------------------------------------------------------------------------


class Later(object):
    """Something that may be awaited or entered."""

    def __init__(self, value, leave=None):
        self.value = value

    def __await__(self):
        async def give():
            return self.value

        return give().__await__()

    async def __aenter__(self):
        return self.value

    async def __aexit__(self, *rest):
        return False

    def __enter__(self):
        return self.value

    def __exit__(self, *rest):
        return False


class LaterCursor(object):
    """A cursor whose methods are awaited."""

    def __init__(self, cursor):
        self.cursor = cursor

    def __getattr__(self, name):
        value = getattr(self.cursor, name)
        if not callable(value):
            return value
        return lambda *a, **k: Later(value(*a, **k))

    async def __aenter__(self):
        return self

    async def __aexit__(self, *rest):
        return False

    async def __aiter__(self):
        for row in self.cursor.fetchall():
            yield row


class LaterConnection(object):
    """A connection or pool as aiopg, aiomysql, asyncpg and psycopg's asynchronous side have it."""

    def __init__(self, dialect):
        self.dialect = dialect
        self.connection = Connection(dialect, by_name=False)

    def cursor(self, *classes, **more):
        return Later(LaterCursor(self.connection.cursor(*classes, **more)))

    def acquire(self, **more):
        return Later(self)

    connection_ = getconn = acquire

    def transaction(self, **more):
        return Later(self)

    begin = transaction

    def _asked(self, query, values, shape):
        for hook in HOOKS:
            hook(query, self.dialect)
        cursor = self.connection.cursor(dictionary=True)
        run(cursor.inner, as_sqlite(query, self.dialect, numbered=True), values)
        return shape(cursor)

    def fetch(self, query, *values, **more):
        return Later(self._asked(query, values, lambda c: c.fetchall()))

    def fetchrow(self, query, *values, **more):
        return Later(self._asked(query, values, lambda c: c.fetchone()))

    def fetchval(self, query, *values, **more):
        return Later(self._asked(query, values, lambda c: (c.inner.fetchone() or (None,))[0]))

    def execute(self, query, *values, **more):
        return Later(self._asked(query, values[0] if values and isinstance(values[0], (tuple, list)) else values, lambda c: "OK"))

    def __await__(self):
        async def give():
            return self

        return give().__await__()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *rest):
        return False

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *a, **k: Later(None)


class KeyStore(object):
    """A key store in memory, for both the plain and the awaited kind of client."""

    kept = {}

    def __init__(self, *args, **kwargs):
        self.texts = bool(kwargs.get("decode_responses"))

    def _out(self, value):
        if value is None or isinstance(value, (int, bool, list, dict)):
            return value
        data = value if isinstance(value, bytes) else str(value).encode()
        return data.decode("utf-8", "replace") if self.texts else data

    def _do(self, name, args, kwargs):
        kept = KeyStore.kept
        key = args[0] if args else None
        key = key.decode() if isinstance(key, bytes) else key
        if name == "get":
            return self._out(kept.get(key))
        if name in ("set", "setnx"):
            if (name == "setnx" or kwargs.get("nx")) and key in kept:
                return None
            kept[key] = args[1]
            return True
        if name in ("setex", "psetex"):
            kept[key] = args[2]
            return True
        if name in ("delete", "del", "unlink"):
            return sum(kept.pop(k.decode() if isinstance(k, bytes) else k, None) is not None for k in args)
        if name == "exists":
            return int(key in kept)
        if name in ("incr", "incrby", "decr", "decrby"):
            kept[key] = int(kept.get(key) or 0) + (args[1] if len(args) > 1 else 1) * (-1 if name.startswith("decr") else 1)
            return kept[key]
        if name in ("hset", "hmset"):
            target = kept.setdefault(key, {})
            target.update(kwargs.get("mapping") or (args[1] if len(args) == 2 and isinstance(args[1], dict) else dict([args[1:3]]) if len(args) > 2 else {}))
            return 1
        if name == "hget":
            return self._out((kept.get(key) or {}).get(args[1]))
        if name == "hgetall":
            return {self._out(k): self._out(v) for k, v in (kept.get(key) or {}).items()}
        if name in ("lpush", "rpush"):
            target = kept.setdefault(key, [])
            for value in args[1:]:
                target.insert(0, value) if name == "lpush" else target.append(value)
            return len(target)
        if name in ("lrange", "smembers"):
            return [self._out(v) for v in kept.get(key) or []]
        if name == "sadd":
            kept.setdefault(key, []).extend(args[1:])
            return 1
        if name == "keys":
            return [self._out(k) for k in kept]
        if name in ("ping", "expire"):
            return True
        return None

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *a, **k: self._do(name.lower(), a, k)

    @classmethod
    def from_url(cls, *args, **kwargs):
        return cls(*args, **kwargs)

    def __enter__(self):
        return self

    def __exit__(self, *rest):
        return False


class LaterKeyStore(KeyStore):
    """The awaited kind."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name in ("acquire", "client"):
            return lambda *a, **k: Later(self)
        return lambda *a, **k: Later(self._do(name.lower(), a, k))

    def __await__(self):
        async def give():
            return self

        return give().__await__()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *rest):
        return False


# --- absent packages ------------------------------------------------------------------------------------------------


class Idle(object):
    """Takes any use and does nothing: as a function, a decorator, a base class, a context, an empty collection."""

    def __init__(self, *args, **kwargs):
        pass

    def __call__(self, *args, **kwargs):
        if len(args) == 1 and not kwargs and (isinstance(args[0], (types.FunctionType, types.MethodType)) or isinstance(args[0], type)):
            return args[0]
        return Idle()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Idle()

    def __mro_entries__(self, bases):
        idle = [b for b in bases if isinstance(b, Idle)]
        if idle[0] is not self:
            return ()
        # Where another base brings a metaclass of its own, there is no room for ours.
        return (Idle,) if any(type(b) is not type for b in bases if not isinstance(b, Idle)) else (IdleBase,)

    def __instancecheck__(self, value):
        return False

    def __subclasscheck__(self, value):
        return False

    def __fspath__(self):
        return os.path.join(ROOT[0], "stand-in")

    def __format__(self, how):
        return ""

    def __aiter__(self):
        return self

    async def __anext__(self):
        raise StopAsyncIteration

    def __iter__(self):
        return iter(())

    def __len__(self):
        return 0

    def __contains__(self, item):
        return False

    def __getitem__(self, key):
        return Idle()

    def __setitem__(self, key, value):
        return None

    def __enter__(self):
        return self

    def __exit__(self, *rest):
        return False

    async def __aenter__(self):
        return self

    async def __aexit__(self, *rest):
        return False

    def __await__(self):
        async def give():
            return Idle()

        return give().__await__()

    def __str__(self):
        return ""

    def __bool__(self):
        return False

    def __int__(self):
        return 0

    def __float__(self):
        return 0.0

    def __index__(self):
        return 0

    def __lt__(self, other):
        return False

    __gt__ = __le__ = __ge__ = __lt__

    def __or__(self, other):
        return self

    __add__ = __radd__ = __sub__ = __mul__ = __and__ = __ror__ = __rand__ = __rshift__ = __truediv__ = __or__


class IdleKind(type):
    """Lets a class that has an idle base be asked for what that base would have given it."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Idle()


class IdleBase(Idle, metaclass=IdleKind):
    """What a class inherits from where its base is not there."""


class IdleModule(types.ModuleType):
    """A module of a package that is not there."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name.endswith(("Error", "Exception", "Warning", "DoesNotExist", "Timeout")):
            value = failure(name) if name in ERRORS else type(name, (Exception,), {})
        else:
            value = Idle()
        setattr(self, name, value)
        return value


class AbsentFinder(importlib.abc.MetaPathFinder):
    """Meets imports of the named packages, and of all within them, where nothing else does."""

    def __init__(self, names):
        self.names = set(names)

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.names:
            return importlib.machinery.ModuleSpec(name, AbsentLoader(), is_package=True)
        return None


class AbsentLoader(importlib.abc.Loader):
    """Makes the module of an absent package."""

    def create_module(self, spec):
        module = IdleModule(spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module):
        top = module.__name__.split(".")[0]
        if top in DRIVERS:
            as_driver(module, DRIVERS[top])
        elif top in KEY_STORES:
            as_key_store(module)


def as_driver(module, dialect):
    """Give a module the face of a database driver."""
    name = module.__name__
    failure("Error")
    for error in ERRORS:
        setattr(module, error, FAILURES[error])
    later = name.split(".")[0] in ("asyncpg", "aiopg", "aiomysql")
    if later:
        module.connect = module.create_pool = module.Pool = lambda *a, **k: LaterConnection(dialect)
        return

    def connect(*args, **kwargs):
        asked = " ".join(str(v) for v in kwargs.values())
        return Connection(dialect, by_name="dict" in asked.lower())

    module.connect = module.Connect = module.Connection = connect
    module.paramstyle, module.apilevel, module.threadsafety = "pyformat", "2.0", 1
    if dialect == "mysql":
        module.escape_string = escape_string
    if name == "psycopg":
        module.AsyncConnection = types.SimpleNamespace(connect=lambda *a, **k: LaterConnection(dialect))
    if name.endswith("pool") or name.endswith("pooling"):
        class Pool(object):
            def __init__(self, *args, **kwargs):
                pass

            def getconn(self, *rest):
                return Connection(dialect)

            get_connection = connection = getconn

            def putconn(self, *rest):
                return None

            closeall = putconn

        for pool in ("SimpleConnectionPool", "ThreadedConnectionPool", "MySQLConnectionPool", "ConnectionPool", "PooledMySQLConnection"):
            setattr(module, pool, Pool)
    if name.endswith(("cursors", "extras", "rows")):
        for cursor in ("DictCursor", "RealDictCursor", "NamedTupleCursor", "SSDictCursor"):
            setattr(module, cursor, type(cursor, (), {}))


def as_key_store(module):
    """Give a module the face of a client of a key store."""
    later = module.__name__.startswith("aioredis") or "asyncio" in module.__name__
    kind = LaterKeyStore if later else KeyStore
    module.Redis = module.StrictRedis = module.FakeStrictRedis = module.FakeRedis = kind
    module.from_url = module.create_pool = module.create_redis = module.create_redis_pool = lambda *a, **k: kind(**{n: v for n, v in k.items() if n == "decode_responses"})
    module.VERSION, module.__version__ = (99, 0, 0), "99.0.0"
    if module.__name__ == "redis" and type(module).__name__ == "IdleModule":
        awaited = module.asyncio = sys.modules["redis.asyncio"] = IdleModule("redis.asyncio")
        awaited.__path__ = []
        as_key_store(awaited)


def meet_absent(names):
    """Let imports of these packages succeed with stand-ins."""
    known = next((f for f in sys.meta_path if type(f).__name__ == "AbsentFinder"), None)
    if known is None:
        known = AbsentFinder(())
        sys.meta_path.append(known)
    known.names |= {n for n in names if importlib.util.find_spec(n) is None} if names else set()
    importlib.invalidate_caches()


def play_servers():
    """Let installed drivers, SQLAlchemy and Django reach the player where they would reach a database server."""
    for name, dialect in DRIVERS.items():
        if name in ("mysql",):
            name = "mysql.connector"
        try:
            present = importlib.util.find_spec(name.split(".")[0]) is not None and importlib.util.find_spec(name) is not None
        except (ImportError, ValueError):
            present = False
        if present:
            watch_import(name, lambda module, dialect=dialect: as_driver(module, dialect))
            for part in ("pool", "pooling"):
                watch_import(name + "." + part, lambda module, dialect=dialect: as_driver(module, dialect))
    watch_import("redis", as_key_store)
    watch_import("redis.asyncio", as_key_store)
    for name in ("sqlalchemy", "sqlalchemy.engine", "sqlalchemy.engine.create", "sqlalchemy.ext.asyncio", "sqlalchemy.ext.asyncio.engine", "flask_sqlalchemy.extension", "sqlmodel"):
        watch_import(name, _engines)
    watch_import("django.conf", _django_databases)


def play_documents():
    """Let the clients of document databases, installed or not, reach the player."""
    own = {n: globals().get(n) for n in ("as_document_client", "DOCUMENT_CLIENTS", "PLACE")}  # in a test, which carries both
    player = types.SimpleNamespace(**own) if own["PLACE"] is not None else sys.modules.get("discreet-inside-documents") or importlib.import_module("documents")
    player.PLACE[0] = ROOT[0]
    for name in player.DOCUMENT_CLIENTS + ("motor.motor_asyncio", "bson", "bson.objectid"):
        top = name.split(".")[0]
        if importlib.util.find_spec(top) is None or type(sys.modules.get(top)).__name__ == "IdleModule":
            meet_absent([top])
            module = importlib.import_module(name)
        elif top == "bson":
            continue
        else:
            module = None
        if module is not None:
            player.as_document_client(module)
        elif name != "mongomock":
            watch_import(name, player.as_document_client)


def _engines(module):
    for name in ("create_engine", "create_async_engine"):
        real = getattr(module, name, None)
        if real is None or getattr(real, "stands_in", False):
            continue

        def make(url, *args, _real=real, _later=name != "create_engine", **kwargs):
            text = str(url)
            if not text.startswith("sqlite"):
                USED.add("sqlalchemy")
                url = ("sqlite+aiosqlite:///" if _later else "sqlite:///") + place()
                kwargs = {k: v for k, v in kwargs.items() if k not in ("pool_size", "max_overflow", "pool_timeout", "pool_recycle", "connect_args", "isolation_level", "pool_use_lifo", "executemany_mode", "client_encoding")}
            return _real(url, *args, **kwargs)

        make.stands_in = True
        setattr(module, name, make)
    if module.__name__ == "flask_sqlalchemy.extension":
        owner = module.SQLAlchemy
        real = owner._make_engine

        def _make_engine(self, bind_key, options, app):
            if not str(options["url"]).startswith("sqlite"):
                USED.add("sqlalchemy")
                options = {"url": "sqlite:///" + place()}
            return real(self, bind_key, options, app)

        owner._make_engine = _make_engine


def _engine_that_executes(module):
    """`Engine.execute` as SQLAlchemy 1 had it: a text goes to the driver as it is."""
    if hasattr(module.Engine, "execute"):
        return

    def execute(self, statement, *args, **kwargs):
        connection = self.connect()
        result = connection.exec_driver_sql(statement, *args, **kwargs) if isinstance(statement, str) else connection.execute(statement, *args, **kwargs)
        if not result.returns_rows:
            connection.commit()
        return result

    module.Engine.execute = execute


def _yaml_that_trusts(module):
    """`yaml.load` of one argument as it was before PyYAML 5.1, for a project that pins such a version."""
    real = module.load
    module.load = lambda stream, Loader=module.UnsafeLoader: real(stream, Loader)


OLD_YAML = re.compile(r"pyyaml\s*={2,3}\s*(3\.|4\.|5\.0)", re.I)


def pinned(root, pattern):
    """Whether a file of requirements holds this."""
    for directory, names, files in os.walk(root):
        names[:] = [n for n in names if not n.startswith(".") and n not in ("node_modules", "site-packages")]
        for name in files:
            if re.fullmatch(r"(.*requirements.*|constraints.*)\.(txt|in)|Pipfile|pyproject\.toml|setup\.(py|cfg)", name):
                try:
                    with open(os.path.join(directory, name), "r", errors="replace") as stream:
                        if pattern.search(stream.read(200000)):
                            return True
                except OSError:
                    continue
    return False


def _django_databases(module):
    owner = module.LazySettings
    real = owner._setup

    def _setup(self, name=None):
        real(self, name)
        databases = getattr(self._wrapped, "DATABASES", None) or {}
        for alias, chosen in databases.items():
            if isinstance(chosen, dict) and "sqlite" not in str(chosen.get("ENGINE")):
                USED.add("django")
                databases[alias] = {"ENGINE": "django.db.backends.sqlite3", "NAME": place()}

    owner._setup = _setup


class ImportWatcher(importlib.abc.MetaPathFinder):
    """Runs a function on each module of a name once it has been imported."""

    def __init__(self):
        self.wanted, self.busy = {}, set()

    def find_spec(self, name, path=None, target=None):
        if name not in self.wanted or name in self.busy:
            return None
        self.busy.add(name)
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return None
        finally:
            self.busy.discard(name)
        if spec is None or spec.loader is None or not hasattr(spec.loader, "exec_module"):
            return spec
        real, change = spec.loader.exec_module, self.wanted[name]

        def exec_module(module):
            real(module)
            change(module)

        try:
            spec.loader.exec_module = exec_module
        except AttributeError:
            pass
        return spec


def watch_import(name, change):
    """Change a module when it is imported, or now if it was."""
    if name in sys.modules:
        change(sys.modules[name])
        return
    watcher = next((f for f in sys.meta_path if type(f).__name__ == "ImportWatcher"), None)
    if watcher is None:
        watcher = ImportWatcher()
        sys.meta_path.insert(0, watcher)
    watcher.wanted[name] = change


# --- what a start asks for --------------------------------------------------------------------------------------------

# What older programs import, and where it is today.
ELDER = {
    ("flask", "Markup"): "markupsafe:Markup", ("flask", "escape"): "markupsafe:escape", ("jinja2", "Markup"): "markupsafe:Markup", ("jinja2", "escape"): "markupsafe:escape",
    ("werkzeug", "secure_filename"): "werkzeug.utils:secure_filename", ("werkzeug", "generate_password_hash"): "werkzeug.security:generate_password_hash", ("werkzeug", "check_password_hash"): "werkzeug.security:check_password_hash",
    ("werkzeug.security", "safe_str_cmp"): "hmac:compare_digest", ("werkzeug.urls", "url_quote"): "urllib.parse:quote", ("werkzeug.urls", "url_parse"): "urllib.parse:urlparse", ("werkzeug.urls", "url_unquote"): "urllib.parse:unquote",
    ("werkzeug.urls", "url_encode"): "urllib.parse:urlencode", ("werkzeug.urls", "url_decode"): "urllib.parse:parse_qs", ("werkzeug.urls", "url_join"): "urllib.parse:urljoin", ("werkzeug.urls", "url_quote_plus"): "urllib.parse:quote_plus",
    ("werkzeug.wsgi", "SharedDataMiddleware"): "werkzeug.middleware.shared_data:SharedDataMiddleware", ("werkzeug.contrib.fixers", "ProxyFix"): "werkzeug.middleware.proxy_fix:ProxyFix",
    ("django.conf.urls", "url"): "django.urls:re_path", ("django.utils.encoding", "force_text"): "django.utils.encoding:force_str", ("django.utils.encoding", "smart_text"): "django.utils.encoding:smart_str",
    ("django.utils.translation", "ugettext"): "django.utils.translation:gettext", ("django.utils.translation", "ugettext_lazy"): "django.utils.translation:gettext_lazy", ("django.utils.http", "is_safe_url"): "django.utils.http:url_has_allowed_host_and_scheme",
    ("django.utils.http", "urlquote"): "urllib.parse:quote", ("django.shortcuts", "render_to_response"): "django.shortcuts:render", ("collections", "Mapping"): "collections.abc:Mapping", ("collections", "MutableMapping"): "collections.abc:MutableMapping",
    ("collections", "Iterable"): "collections.abc:Iterable", ("collections", "Callable"): "collections.abc:Callable", ("collections", "Sequence"): "collections.abc:Sequence", ("cgi", "escape"): "html:escape",
}  # fmt: skip
NEEDS = []
NEEDS_MAX = 60


def need_of(error, leniently=True):
    """What would have to be met for this failed start to go on, or None."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        top = error.name.split(".")[0]
        if not os.path.exists(os.path.join(ROOT[0], top)) and not os.path.exists(os.path.join(ROOT[0], top + ".py")):
            if importlib.util.find_spec(top) is None or type(sys.modules.get(top)).__name__ == "IdleModule":
                return ["absent", top]
            return ["part", error.name]
    match = re.match(r"cannot import name '(\w+)' from '([\w.]+)'", str(error)) if isinstance(error, ImportError) else None
    if match and not (getattr(sys.modules.get(match.group(2)), "__file__", None) or "").startswith(ROOT[0]):
        return ["elder", match.group(2), match.group(1)]
    if isinstance(error, RuntimeError) and "outside of application context" in str(error):
        return ["context"]
    if isinstance(error, AttributeError) and "before_first_request" in str(error):
        return ["first-request"]
    if isinstance(error, KeyError) and len(error.args) == 1 and isinstance(error.args[0], str) and re.fullmatch(r"[A-Z][A-Z0-9_]+", error.args[0]) and _raised_in(error, "os.py"):
        return ["environment", error.args[0], setting_for(error.args[0])]
    wanted = re.match(r"([\w.]+) must be added to settings\.MIDDLEWARE", str(error))
    if wanted:
        return ["middleware", wanted.group(1)]
    place = failed_statement(error) if leniently else None
    return ["lenient", place] if place is not None else None


# A statement that may keep visitors out is never passed over: without it the application would be another one.
GUARDING = re.compile(r"before_request|middleware|log_?in|auth|csrf|protect|permission|talisman|limiter|cors|secur|policy|acl", re.I)


def failed_statement(error):
    """The file of the project in which a statement outside of every function failed, if an absent package may be why and it guards nothing."""
    if not any(need[0] in ("absent", "part", "elder") for need in NEEDS):
        return None
    trace, found = error.__traceback__, None
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_name == "<module>" and code.co_filename.startswith(ROOT[0] + os.sep):
            found = (code.co_filename, trace.tb_lineno)
        trace = trace.tb_next
    if found is None:
        return None
    text = statement_at(*found)
    return None if text is None or GUARDING.search(text) else os.path.relpath(found[0], ROOT[0])


def statement_at(path, line):
    """The text of the outermost statement of a file that holds a line, or None."""
    try:
        with open(path, "rb") as stream:
            source = stream.read()
        for node in ast.parse(source).body:
            if node.lineno <= line <= (node.end_lineno or line):
                return ast.get_source_segment(source.decode("utf-8", "replace"), node) or ""
    except (OSError, SyntaxError, ValueError):
        pass
    return None


class LenientFinder(importlib.abc.MetaPathFinder):
    """Lets the named files of the project be imported although a statement of theirs fails."""

    def __init__(self):
        self.files, self.passed = set(), []

    def find_spec(self, name, path=None, target=None):
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None and spec.origin and os.path.relpath(spec.origin, ROOT[0]) in self.files:
            spec.loader = LenientLoader(name, spec.origin, self.passed)
            return spec
        return None


class LenientLoader(importlib.machinery.SourceFileLoader):
    """Runs a module statement by statement and goes on where one fails that guards nothing."""

    def __init__(self, name, path, passed):
        importlib.machinery.SourceFileLoader.__init__(self, name, path)
        self.passed = passed

    def exec_module(self, module):
        source, flags = self.get_data(self.path), 0
        for node in ast.parse(source).body:
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                flags |= sum(getattr(__future__, name.name).compiler_flag for name in node.names)
            try:
                exec(compile(ast.Module(body=[node], type_ignores=[]), self.path, "exec", flags, True), module.__dict__)
            except Exception as error:
                if need_of(error, False) is not None or GUARDING.search(ast.get_source_segment(source.decode("utf-8", "replace"), node) or ""):
                    raise
                self.passed.append((os.path.relpath(self.path, ROOT[0]), node.lineno, "%s: %s" % (type(error).__name__, str(error)[:200])))


LENIENT = LenientFinder()


def _raised_in(error, file):
    trace, last = error.__traceback__, None
    while trace is not None:
        trace, last = trace.tb_next, trace.tb_frame.f_code.co_filename
    return last is not None and (os.path.basename(last) == file or last == "<frozen os>")


def setting_for(name):
    """A value for a setting that the surroundings do not give."""
    if re.search(r"(DATABASE|DB|SQLALCHEMY)\w*(URL|URI|DSN)|^DSN$", name):
        return "sqlite:///stand-in.sqlite"
    if "PORT" in name:
        return "5432"
    if re.search(r"DEBUG|ENABLE|USE_|TIMEOUT|LIMIT|COUNT|SIZE|DAYS|HOURS|MINUTES|SECONDS", name):
        return "1"
    if "HOST" in name:
        return "127.0.0.1"
    return "given-" + name.lower()


def meet(need):
    """Meet one need and remember it; what is remembered is met again by the emitted test."""
    kind, rest = need[0], need[1:]
    if need in NEEDS or len(NEEDS) >= NEEDS_MAX:
        return False
    NEEDS.append(need)
    if kind == "absent":
        meet_absent(rest)
    elif kind == "part":
        module = IdleModule(rest[0])
        module.__path__ = []
        sys.modules[rest[0]] = module
    elif kind == "elder":
        lend(rest[0], rest[1])
    elif kind == "environment":
        os.environ.setdefault(rest[0], rest[1])
    elif kind == "context":
        import flask

        real = flask.Flask.__init__

        def __init__(self, *args, **kwargs):
            real(self, *args, **kwargs)
            flask.Flask.app_context(self).push()

        flask.Flask.__init__ = __init__
    elif kind == "first-request":
        import flask

        def before_first_request(self, function):
            self.extensions.setdefault("run-before-the-first", []).append(function)
            return function

        flask.Flask.before_first_request = before_first_request
    elif kind == "lenient":
        LENIENT.files.add(rest[0])
        if LENIENT not in sys.meta_path:
            sys.meta_path.insert(0, LENIENT)
    elif kind == "old-sqlalchemy":
        watch_import("sqlalchemy.engine.base", _engine_that_executes)
    elif kind == "old-yaml":
        watch_import("yaml", _yaml_that_trusts)
    elif kind == "documents":
        play_documents()
    elif kind == "servers":
        play_servers()
    elif kind == "setup":
        run_setup_files(ROOT[0])
    return True


def make_tables():
    """Django's tables: by the project's migrations, or, where a model has none, by new ones."""
    from django.apps import apps as registry
    from django.core.management import call_command
    from django.db import connection

    for step in ("migrate", "makemigrations", "migrate"):
        try:
            there = set(connection.introspection.table_names())
            if there and all(m._meta.db_table in there for m in registry.get_models() if m._meta.managed):
                return
            call_command(step, **({"run_syncdb": True} if step == "migrate" else {}), verbosity=0, interactive=False)
        except BaseException as error:
            sys.stderr.write("%s: %r\n" % (step, error))


def without_absent(settings):
    """Leave packages that are absent out of Django's lists."""
    absent = {need[1] for need in NEEDS if need[0] in ("absent", "part")}

    def there(name):
        return not any(name == a or str(name).startswith(a + ".") for a in absent)

    for name in ("INSTALLED_APPS", "MIDDLEWARE", "AUTHENTICATION_BACKENDS", "STATICFILES_FINDERS"):
        if absent and getattr(settings, name, None):
            setattr(settings, name, [n for n in getattr(settings, name) if there(n)])
    settings.MIDDLEWARE = list(getattr(settings, "MIDDLEWARE", None) or []) + [need[1] for need in NEEDS if need[0] == "middleware" and need[1] not in settings.MIDDLEWARE]
    for engine in getattr(settings, "TEMPLATES", None) or []:
        options = engine.get("OPTIONS", {})
        if absent and "context_processors" in options:
            options["context_processors"] = [n for n in options["context_processors"] if there(n)]
    if absent and not there(str(getattr(settings, "STATICFILES_STORAGE", ""))):
        settings.STATICFILES_STORAGE = "django.contrib.staticfiles.storage.StaticFilesStorage"


def lend(module, name):
    """Give a module a name that it once had."""
    import importlib as importer

    owner = importer.import_module(module)
    where, _, what = ELDER.get((module, name), "").partition(":")
    value = getattr(importer.import_module(where), what, None) if where else None
    setattr(owner, name, value if value is not None else Idle())


def told(need):
    """One need as a sentence for the report, or None where nothing of the target was replaced."""
    if need[0] == "absent":
        return "the package `%s` is not installed: %s took its place" % (need[1], "a player of the server, over SQLite," if need[1] in DRIVERS else "a key store in memory" if need[1] in KEY_STORES else "a stand-in that does nothing")
    if need[0] in ("part", "elder"):
        return "`%s` does not exist in the installed version%s" % (".".join(need[1:]), "" if tuple(need[1:]) in ELDER else ": a stand-in that does nothing took its place")
    if need[0] == "documents":
        return "the document database is not there: a player of it, over SQLite, took its place"
    if need[0] == "old-sqlalchemy":
        return "the project calls `Engine.execute`, which only SQLAlchemy 1 had; it was lent"
    if need[0] == "old-yaml":
        return "the project pins a PyYAML before 5.1; `yaml.load` was given the loader of that version"
    if need[0] == "middleware":
        return "the installed version of a package wants `%s` among the middleware; it was added" % need[1]
    if need[0] == "environment":
        return "the setting `%s` is not given; it was made up" % need[1]
    return None


# --- what is done before a first start ---------------------------------------------------------------------------------

SETUP_FILE = re.compile(r"^((init|create|setup|set_up|seed|populate|reset|make|build|fill|load|prepare|install)[_-]?(the[_-])?(db|database|data|tables?|sqlite|schema|users?)|(db|database|data|tables?)[_-]?(init|create|setup|seed|populate|reset)|initdb|createdb|init|seed|seeds|bootstrap|setup_database)\.py$", re.I)
SETUP_CALL = re.compile(r"^(init|create|setup|seed|populate|initiali[sz]e|make|build|fill)_?(the_)?(db|database|data|tables?|schema|sqlite|all|users?|sample_data|test_data|admin)$|^initdb$|^seed$", re.I)
SETUP_S = 20


def run_setup_files(root):
    """Run the scripts with which the project sets up its database, each in a process of its own; the files that they left stay."""
    import runpy
    import signal

    found = []
    for directory, names, files in os.walk(root):
        names[:] = sorted(n for n in names if not n.startswith(".") and n not in ("tests", "test", "node_modules", "site-packages", "migrations", "docs"))
        found += [os.path.join(directory, f) for f in sorted(files) if SETUP_FILE.match(f)]
    for path in sorted(found, key=lambda p: (p.count(os.sep), p))[:4]:
        pid = os.fork()
        if pid == 0:
            try:
                signal.alarm(SETUP_S)
                sys.argv, sys.stdin = [path], open(os.devnull)
                for extra in (root, os.path.dirname(path)):
                    sys.path.insert(0, extra)
                runpy.run_path(path, run_name="__main__")
            except BaseException as error:
                sys.stderr.write("%s: %r\n" % (os.path.basename(path), error))
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
    return [os.path.relpath(p, root) for p in found]


def prepare_flask(app):
    """Make tables and sample data as the project's own commands do; whether there was anything to do."""
    import contextlib
    import signal

    done = []

    def stop(*rest):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SETUP_S)
    try:
        with contextlib.suppress(BaseException), app.app_context():
            extension = app.extensions.get("sqlalchemy")
            database = getattr(extension, "db", extension)
            if hasattr(database, "create_all"):
                done.append("tables")
                database.create_all()
        for function in app.extensions.get("run-before-the-first", ()):
            done.append("function")
            with contextlib.suppress(BaseException), app.app_context():
                function()
        for name, command in sorted(getattr(getattr(app, "cli", None), "commands", {}).items()):
            if SETUP_CALL.match(name.replace("-", "_")) and callable(getattr(command, "callback", None)) and not getattr(command, "params", None):
                done.append(name)
                with contextlib.suppress(BaseException), app.app_context():
                    command.callback()
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None) or ""
            if file.startswith(ROOT[0] + os.sep) and has_no_tables():
                for name, value in list(vars(module).items()):
                    if SETUP_CALL.match(name) and isinstance(value, types.FunctionType) and value.__module__ == module.__name__ and not value.__code__.co_argcount:
                        done.append(name)
                        with contextlib.suppress(BaseException), app.app_context():
                            value()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    return bool(done)


def has_no_tables():
    """Whether every database file within the project is without a table."""
    for directory, names, files in os.walk(ROOT[0]):
        for name in files:
            path = os.path.join(directory, name)
            try:
                with open(path, "rb") as stream:
                    head = stream.read(16)
                if head == b"SQLite format 3\0":
                    return False
            except OSError:
                continue
    return True
