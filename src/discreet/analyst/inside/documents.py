"""Plays a document database (MongoDB) for pymongo, motor and flask_pymongo, kept in SQLite, and tells each query to those who watch.

The module stands alone: a test that needs it carries its source. Scripts within a query (`$where`) are told and not run.
"""

import json
import os
import re
import sqlite3

PLACE = [os.getcwd()]
DOCUMENT_HOOKS = []  # called with (query, update or None) before each operation
DOCUMENT_CLIENTS = ("pymongo", "motor", "flask_pymongo", "mongomock")
ROWS_MAX = 5000


class ObjectId(str):
    """The key of a document: 24 hexadecimal digits."""

    def __new__(cls, text=None):
        text = os.urandom(12).hex() if text is None else str(text)
        if not re.fullmatch("[0-9a-fA-F]{24}", text):
            raise ValueError("%r is not a valid ObjectId" % text)
        return str.__new__(cls, text)

    @classmethod
    def is_valid(cls, text):
        return bool(re.fullmatch("[0-9a-fA-F]{24}", str(text)))


def made_key(text=None):
    """An ObjectId as the target itself would make one, where its package is there."""
    try:
        from bson import ObjectId as real
    except ImportError:
        real = ObjectId
    return real(text) if text is not None else real()


class Told(object):
    """What an operation answers: counts and keys."""

    def __init__(self, **facts):
        self.acknowledged = True
        self.__dict__.update(facts)


class Documents(list):
    """The documents that a query gives, as a cursor."""

    def sort(self, key=None, direction=1, **more):
        keys = key if isinstance(key, list) else [(key, direction)]
        for name, way in reversed([k if isinstance(k, (list, tuple)) else (k, 1) for k in keys]):
            list.sort(self, key=lambda d: (reached(d, str(name)) is None, str(reached(d, str(name)))), reverse=way in (-1, "desc"))
        return self

    def limit(self, count):
        return Documents(self[:count] if count else self)

    def skip(self, count):
        return Documents(self[count:])

    def count(self, *rest):
        return len(self)

    def same(self, *rest, **more):
        return self

    batch_size = hint = max_time_ms = collation = allow_disk_use = rewind = same

    def next(self):
        if not self:
            raise StopIteration
        return self.pop(0)

    __next__ = next

    def __getitem__(self, at):
        found = list.__getitem__(self, at)
        return Documents(found) if isinstance(at, slice) else found

    def close(self):
        return None


class LaterDocuments(Documents):
    """The same, awaited."""

    def sort(self, *args, **kwargs):
        return LaterDocuments(Documents.sort(self, *args, **kwargs))

    def limit(self, count):
        return LaterDocuments(Documents.limit(self, count))

    def skip(self, count):
        return LaterDocuments(Documents.skip(self, count))

    async def to_list(self, length=None):
        return list(self)[:length]

    def __aiter__(self):
        self.left = list(self)
        return self

    async def __anext__(self):
        if not self.left:
            raise StopAsyncIteration
        return self.left.pop(0)


def reached(document, path):
    """The value at a dotted path, or None."""
    for part in path.split("."):
        if isinstance(document, list) and part.isdigit() and int(part) < len(document):
            document = document[int(part)]
        elif isinstance(document, dict):
            document = document.get(part)
        else:
            return None
    return document


def fits(document, query):
    """Whether a document meets a query."""
    for key, wanted in (query or {}).items():
        if key in ("$and", "$or", "$nor"):
            results = [fits(document, part) for part in wanted]
            if not {"$and": all(results), "$or": any(results), "$nor": not any(results)}[key]:
                return False
        elif str(key).startswith("$"):
            continue
        elif not meets(reached(document, str(key)), wanted):
            return False
    return True


def meets(value, wanted):
    """Whether a value is the wanted one or meets its operators."""
    if isinstance(wanted, re.Pattern):
        return isinstance(value, str) and bool(wanted.search(value))
    if isinstance(wanted, dict) and any(str(k).startswith("$") for k in wanted):
        return all(operated(value, operator, operand, wanted) for operator, operand in wanted.items())
    if isinstance(value, list) and not isinstance(wanted, list):
        return wanted in value
    return value == wanted or (str(value) == str(wanted) and type(value).__name__ == "ObjectId" == type(wanted).__name__)


def operated(value, operator, operand, wanted):
    try:
        if operator == "$regex":
            return isinstance(value, str) and bool(re.search(getattr(operand, "pattern", operand), value, re.I if "i" in str(wanted.get("$options", "")) else 0))
        return {
            "$eq": lambda: meets(value, operand), "$ne": lambda: value != operand, "$gt": lambda: value > operand, "$gte": lambda: value >= operand, "$lt": lambda: value < operand, "$lte": lambda: value <= operand,
            "$in": lambda: any(meets(value, o) for o in operand), "$nin": lambda: not any(meets(value, o) for o in operand), "$exists": lambda: (value is not None) == bool(operand), "$not": lambda: not meets(value, operand),
            "$elemMatch": lambda: isinstance(value, list) and any(fits(v, operand) if isinstance(v, dict) else meets(v, operand) for v in value), "$size": lambda: len(value) == operand,
        }.get(operator, lambda: True)()
    except (TypeError, re.error):
        return False


def changed(document, update):
    """The document after an update."""
    if isinstance(update, list):
        update = update[0] if update else {}
    if not any(str(k).startswith("$") for k in update):
        return dict(update, _id=document.get("_id"))
    out = json.loads(json.dumps({k: v for k, v in document.items() if k != "_id"}, default=str))
    out["_id"] = document.get("_id")
    for operator, fields in update.items():
        for path, value in (fields.items() if isinstance(fields, dict) else ()):
            owner, parts = out, str(path).split(".")
            for part in parts[:-1]:
                owner = owner.setdefault(part, {}) if isinstance(owner, dict) else {}
            last = parts[-1]
            if operator in ("$set", "$setOnInsert"):
                owner[last] = value
            elif operator == "$unset":
                owner.pop(last, None)
            elif operator == "$inc":
                owner[last] = (owner.get(last) or 0) + value
            elif operator in ("$push", "$addToSet"):
                items = value.get("$each", [value]) if isinstance(value, dict) else [value]
                owner[last] = (owner.get(last) or []) + [i for i in items if operator == "$push" or i not in (owner.get(last) or [])]
            elif operator == "$pull":
                owner[last] = [i for i in owner.get(last) or [] if not (fits(i, value) if isinstance(i, dict) and isinstance(value, dict) else meets(i, value))]
    return out


class Collection(object):
    """One collection: a table with a column for each field."""

    later = False

    def __init__(self, database, name):
        self.database, self.name = database, name

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(self)(self.database, "%s.%s" % (self.name, name))

    # -- the table ---------------------------------------------------------------------------------------------------

    def _open(self):
        connection = sqlite3.connect(os.path.join(PLACE[0], "stand-in-documents.sqlite"), timeout=5)
        connection.execute('CREATE TABLE IF NOT EXISTS "%s" (_id TEXT PRIMARY KEY)' % self.name.replace('"', ""))
        return connection

    def _all(self):
        connection = self._open()
        cursor = connection.execute('SELECT * FROM "%s" LIMIT %d' % (self.name.replace('"', ""), ROWS_MAX))
        names = [c[0] for c in cursor.description]
        rows = [{n: self._read(n, v) for n, v in zip(names, row) if v is not None} for row in cursor.fetchall()]
        connection.close()
        return rows

    def _read(self, name, value):
        if name == "_id" and re.fullmatch("[0-9a-f]{24}", str(value)):
            return made_key(value)
        if isinstance(value, str) and value.startswith("\x00json:"):
            return json.loads(value[6:])
        return value

    def _keep(self, document):
        connection = self._open()
        table = self.name.replace('"', "")
        known = {r[1].lower() for r in connection.execute('PRAGMA table_info("%s")' % table)}
        fields = {str(k).replace('"', ""): v for k, v in document.items() if str(k).lower() != "_id"}
        for field in fields:
            if field.lower() not in known:
                connection.execute('ALTER TABLE "%s" ADD COLUMN "%s"' % (table, field))
                known.add(field.lower())
        values = [v if v is None or isinstance(v, (str, int, float)) else "\x00json:" + json.dumps(v, default=str) for v in fields.values()]
        columns = ["_id"] + list(fields)
        connection.execute('INSERT OR REPLACE INTO "%s" (%s) VALUES (%s)' % (table, ", ".join('"%s"' % c for c in columns), ", ".join("?" * len(columns))), [str(document["_id"])] + values)
        connection.commit()
        connection.close()

    def _drop(self, documents):
        connection = self._open()
        connection.executemany('DELETE FROM "%s" WHERE _id = ?' % self.name.replace('"', ""), [(str(d["_id"]),) for d in documents])
        connection.commit()
        connection.close()

    def _found(self, query, update=None):
        query = {"_id": query} if query is not None and not isinstance(query, dict) else query or {}
        for hook in DOCUMENT_HOOKS:
            hook(query, update)
        return [d for d in self._all() if fits(d, query)]

    # -- operations --------------------------------------------------------------------------------------------------

    def _operate(self, name, args, kwargs):
        query = args[0] if args else kwargs.get("filter", kwargs.get("query", {}))
        update = args[1] if len(args) > 1 else kwargs.get("update", kwargs.get("replacement", kwargs.get("document")))
        if name in ("insert_one", "insert", "save"):
            document = args[0] if args else kwargs.get("document", {})
            for one in document if isinstance(document, list) else [document]:
                one.setdefault("_id", made_key())
                self._keep(one)
            return Told(inserted_id=one["_id"]) if name == "insert_one" else one["_id"]
        if name == "insert_many":
            many = list(args[0] if args else kwargs.get("documents", ()))
            for one in many:
                one.setdefault("_id", made_key())
                self._keep(one)
            return Told(inserted_ids=[one["_id"] for one in many])
        if name in ("update_one", "update_many", "update", "replace_one", "find_one_and_update", "find_one_and_replace", "find_and_modify"):
            found = self._found(query, update)
            if name not in ("update_many",):
                found = found[:1]
            new = [changed(d, update or {}) for d in found]
            if not found and kwargs.get("upsert"):
                new = [changed(dict({k: v for k, v in query.items() if not str(k).startswith("$") and not isinstance(v, dict)}, _id=made_key()), update or {})]
            for document in new:
                self._keep(document)
            if name.startswith("find"):
                return (new if kwargs.get("return_document") else found or [None])[0] if found or new else None
            return Told(matched_count=len(found), modified_count=len(found), upserted_id=new[0]["_id"] if new and not found else None)
        if name in ("delete_one", "delete_many", "remove", "find_one_and_delete"):
            found = self._found(query)
            found = found if name in ("delete_many", "remove") else found[:1]
            self._drop(found)
            return (found[0] if found else None) if name.startswith("find") else Told(deleted_count=len(found))
        if name == "find_one":
            return next(iter(self._found(query)), None)
        if name in ("count_documents", "count", "estimated_document_count"):
            return len(self._found(query))
        if name == "distinct":
            return list(dict.fromkeys(reached(d, args[0]) for d in self._found(args[1] if len(args) > 1 else {})))
        if name == "drop":
            self._drop(self._all())
        return None

    def find(self, *args, **kwargs):
        found = self._found(args[0] if args else kwargs.get("filter", {}))
        return (LaterDocuments if self.later else Documents)(found)

    def aggregate(self, pipeline=(), *args, **kwargs):
        found = Documents(self._all())
        for stage in pipeline:
            for name, what in stage.items():
                if name == "$match":
                    for hook in DOCUMENT_HOOKS:
                        hook(what, None)
                    found = Documents(d for d in found if fits(d, what))
                elif name == "$sort":
                    found = found.sort(list(what.items()))
                elif name in ("$limit", "$skip"):
                    found = found.limit(what) if name == "$limit" else found.skip(what)
        return LaterDocuments(found) if self.later else found


def operation(name):
    def plain(self, *args, **kwargs):
        if not self.later:
            return self._operate(name, args, kwargs)

        async def awaited():
            return self._operate(name, args, kwargs)

        return awaited()

    return plain


for _name in (
    "insert_one insert_many insert save update_one update_many update replace_one find_one_and_update find_one_and_replace find_and_modify delete_one delete_many remove find_one_and_delete find_one "
    "count_documents count estimated_document_count distinct drop create_index ensure_index create_indexes drop_index"
).split():
    setattr(Collection, _name, operation(_name))


class LaterCollection(Collection):
    """The same, awaited."""

    later = True


class Database(object):
    """A database: collections by name."""

    kind = Collection

    def __init__(self, *args, **kwargs):
        pass

    def __getitem__(self, name):
        return self.kind(self, name)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self.kind(self, name)

    def get_collection(self, name, *rest, **more):
        return self.kind(self, name)

    create_collection = get_collection

    def list_collection_names(self, *rest):
        return []

    collection_names = list_collection_names

    def command(self, *args, **kwargs):
        return {"ok": 1.0}


class LaterDatabase(Database):
    kind = LaterCollection


class Client(object):
    """A client: databases by name."""

    kind = Database

    def __init__(self, *args, **kwargs):
        self.admin = self.kind()

    def __getitem__(self, name):
        return self.kind()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self.kind()

    def get_database(self, *args, **kwargs):
        return self.kind()

    get_default_database = get_database

    def server_info(self):
        return {"version": "7.0.0"}

    def close(self):
        return None

    def __enter__(self):
        return self

    def __exit__(self, *rest):
        return False


class LaterClient(Client):
    kind = LaterDatabase


class FlaskClient(object):
    """What flask_pymongo gives: a client that an application is bound to."""

    def __init__(self, app=None, uri=None, *args, **kwargs):
        self.cx, self.db = Client(), Database()

    def init_app(self, app, *args, **kwargs):
        return None


def as_document_client(module):
    """Give a module the face of a client of a document database."""
    name = module.__name__
    if name == "flask_pymongo":
        module.PyMongo, module.ObjectId = FlaskClient, getattr(module, "ObjectId", ObjectId)
    elif name == "bson" or name == "bson.objectid":
        module.ObjectId = ObjectId
    elif name.startswith("motor"):
        module.AsyncIOMotorClient = module.MotorClient = LaterClient
    else:
        module.MongoClient = module.Connection = Client
        module.AsyncMongoClient = LaterClient
        for constant, value in (("ASCENDING", 1), ("DESCENDING", -1), ("ReturnDocument", Told(AFTER=True, BEFORE=False))):
            if not hasattr(module, constant) or type(module).__name__ == "IdleModule":
                setattr(module, constant, value)


def operators(value, word):
    """The operators within a query whose operand is a word that only the request could have put there."""
    found = []
    if isinstance(value, dict):
        for key, inner in value.items():
            if str(key).startswith("$") and isinstance(inner, str) and inner == word:
                found.append(str(key))
            found += operators(inner, word)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            found += operators(inner, word)
    return found


def script_calls(value, name):
    """Whether a script within a query calls a function outside of its quoted parts."""
    if isinstance(value, dict):
        return any((key in ("$where", "body") and isinstance(inner, str) and name + "(" in re.sub(r"'[^']*'|\"[^\"]*\"", " ", inner)) or script_calls(inner, name) for key, inner in value.items())
    return isinstance(value, (list, tuple)) and any(script_calls(inner, name) for inner in value)
