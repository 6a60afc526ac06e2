"""Attacks public functions and methods that take data: parsers, importers, extractors, look-ups.

Only what a caller of such a function cannot expect is claimed: data that is decoded runs code, an external entity is read, an
archive's member is written outside, a name climbs out of the project's own folder. Left alone is a function that does so by design:
1. its name or its documentation says that it runs, loads or trusts what it is given (`ON_PURPOSE`, `WARNED`);
2. it is private, or lies in a private module, a test, an example;
3. it runs the *whole* of what it is given as a command or a query, or of a file as code: such a runner is only suspected.
"""

import ast
import inspect
import os
import re
import sqlite3
import time

import apps
import attack
import calling
import fuzz
import oracles
import slow
import static
from payloads import PAYLOADS, WEAKNESS

FUNCTIONS_MAX = 400
# Processor seconds: other programs on the machine do not change what is found.
FUNCTION_S, FUZZ_S, SLOW_S = 5.0, 2.5, 9.0
TABLES_MAX = 8
CALL_S, HUNG_MAX = 5.0, 2  # of one call, by the clock; how many calls may take longer before the function is given up
READERS = re.compile(
    r"(^|_)(parse|load|loads|read|decode|deserialize|deserialise|from|import|extract|unpack|unzip|untar|restore|ingest|convert|to|get|process|handle|calculate|calc|compute|evaluate|lookup|find|ping|check|resolve|filter|search|query|"
    r"validate|match|is|scan|tokenize|tokenise|split|clean|normalize|normalise|format|feed|open|show|view|fetch|list|delete|remove|save|store|apply|build|make|count|convert|thumbnail|resize|compress|archive|export|backup|login|authenticate|add|update|insert|create)(_|$)", re.I)  # fmt: skip
ON_PURPOSE = re.compile(r"unsafe|(?<![a-z])eval(?!uate)|exec|(^|_|\b)runs?(_|\b)|shell|script|compile|pickle|dill|(^|_|\b)template|render|\bcode|macro|plugin|import_module|trusted|subprocess|command|interpret|python|full_load|yaml_load_all|joblib|marshal", re.I)
WARNED = re.compile(r"untrusted|trusted|arbitrary (python )?(code|command|object)|insecure|not secure|unsafe|security (risk|warning)|malicious|pickle", re.I)
TEXTUAL = re.compile(r"(str|string|text|data|bytes|content|html|xml|json|yaml|toml|csv|url|uri|spec|expression|header|line|source)$", re.I)
DATA = re.compile(
    r"^(data|text|txt|s|string|str_|content|contents|body|payload|raw|blob|buf|buffer|document|doc|xml|xml_string|xml_text|xml_data|html|yaml_text|yaml_string|json_text|config|config_text|settings|value|val|message|msg|line|lines|expr|expression|formula|input|"
    r"user_input|input_text|token|cookie|state|session_data|serialized|serialised|encoded|name|host|hostname|ip|address|domain|email|url|user|username|user_name|user_id|login|id|item_id|key|q|term|pattern|title|slug|page|note|report|label|tag|search|keyword|query_text|filename_text|version|date|header)$", re.I)  # fmt: skip
ARCHIVE = re.compile(r"^(archive|path|file|filename|file_name|zip_path|zip_file|tar_path|tar_file|zipfile|tarfile|source|src|archive_path|archive_file|upload|fileobj|data)$", re.I)
FILE = re.compile(r"^(path|file|filename|file_name|filepath|file_path|source|src|infile|input_file|input_path|config_path|config_file|xml_path|xml_file|yaml_path|yaml_file|document_path|upload)$", re.I)
STREAM = re.compile(r"^(f|fp|fh|stream|fileobj|file_obj|file_like|handle|file)$", re.I)
DIRECTORY = re.compile(r"dest|dir|target|folder|^out|path|to$", re.I)
DATABASE = re.compile(r"^(db|database|conn|connection|con|sqlite|sqlite_conn)$", re.I)
CURSOR = re.compile(r"^(cur|cursor|c)$", re.I)
NUMBER = re.compile(r"^(n|count|limit|offset|page|size|max|min|width|height|timeout|age|year|number|index|amount|.*_(count|size|limit|max|min|id))$", re.I)
# A parameter that names a *thing* which the function keeps in a folder of its own: whoever names it does not expect a path.
THING = re.compile(r"^(name|title|slug|key|id|item_id|user|username|user_name|user_id|page|note|report|document|doc|label|tag|login|token|session_id|lang|language|locale|theme)$", re.I)
PARSER = re.compile(r"parse|load|decode|read|tokeni[sz]e|scan|lex|from_|unpack|split", re.I)
ARCHIVER = re.compile(r"extract|unpack|unzip|untar|restore|import|install", re.I)
KINDS = ("deserialise", "code", "xml", "command", "sql", "path")
HIDDEN = ("tests", "test", "testing", "examples", "example", "docs", "migrations", "benchmarks", "scripts")
EFFECTS = {
    "deserialise": "an object of the data's choosing was made while decoding", "code": "code from the data was run", "xml": "an external entity was read from disk", "archive": "a member was written outside of the directory",
    "command": "a command from the data was run", "sql": "the database compiled a function call that came from the data", "path": "a name climbed out of the folder that the function keeps its files in",
}  # fmt: skip
WHOLE = {"command": "mkdir @@FLAG@@", "sql": "SELECT @@FN@@(1)", "code": "__import__('os').mkdir('@@FLAG@@')"}
EVALUATES = re.compile(r"python (expression|code|source|file|script)|\b(eval|exec)\b|equivalent to running|be (very )?careful|evaluates? (a|an|the) (python|string|source)", re.I)


class Target(object):
    """One function, how it is called, and the kinds of hole that it could have."""

    def __init__(self, function, kinds, name, forms, others):
        self.function, self.kinds, self.name, self.forms, self.others = function, kinds, name, forms, others
        self.id = "%s:%s()" % (function["file"], function["qualname"])


def functions(survey, root, web_files):
    """The public functions worth trying."""
    methods = {(f["file"], c["name"]) for f in survey["files"] for c in f["classes"] if not c["name"].startswith("_")}
    shown, chosen = exported(survey, root), []
    for function in survey["functions"]:
        if function["file"] in web_files or not public(function, methods, shown):
            continue
        if ON_PURPOSE.search(function["qualname"]) or WARNED.search(function["doc"]) or re.search(r"(?i)\b(run|execute|evaluate)s? (the |a |an |any |some )?(given |own )?(script|command|code|python|shell|sql|query|statement)|unpickle", function["doc"]):
            continue
        target = planned(function, survey)
        if target is not None:
            chosen.append(target)
    return chosen[:FUNCTIONS_MAX]


def exported(survey, root):
    """The names that packages take over from modules of theirs, private ones among them."""
    names = set()
    for facts in survey["files"]:
        if os.path.basename(facts["file"]) == "__init__.py":
            try:
                with open(os.path.join(root, facts["file"]), "rb") as stream:
                    tree = ast.parse(stream.read())
            except (OSError, SyntaxError, ValueError):
                continue
            names |= {a.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and (n.level or "._" in (n.module or "")) for a in n.names}
    return names


def public(function, classes, shown=frozenset()):
    """Whether a caller outside of the project is meant to use it."""
    parts = function["file"].replace("\\", "/").split("/")
    hidden = any(p.startswith("_") and p not in ("__init__.py", "__main__.py") for p in parts) and function["qualname"].split(".")[0] not in shown
    if hidden or any(p in HIDDEN for p in parts) or parts[-1].startswith(("test_", "conftest", "setup")) or parts[-1].endswith("_test.py"):
        return False
    if set(function["decorators"]) - {"staticmethod", "classmethod", "lru_cache", "functools.lru_cache", "cache", "functools.cache"}:
        return False
    owner, _, name = function["qualname"].rpartition(".")
    if name.startswith("_") or name == "<module>":
        return False
    return not owner or (function["file"], owner) in classes


def planned(function, survey):
    """How to call the function with data of an attacker's choosing; None where that is not clear."""
    names = [p for p, _note in function["parameters"]]
    count = function["required"]
    if names[:1] in (["self"], ["cls"]):
        names, count = names[1:], count - 1
    required = names[: max(1, count)]
    if not 1 <= len(required) <= 4:
        return None
    kinds = set(function.get("supposed", ()))
    for near in attack.closure(survey, function)[:12]:
        imports = survey["imports"].get(near["file"], set())
        kinds |= {k for k in near["kinds"] if k not in attack.LIBRARIES or imports & attack.LIBRARIES[k]}
    if any(DATABASE.match(n) or CURSOR.match(n) for n in names) and "sql" in function["kinds"]:
        kinds.add("sql")  # whoever is handed a connection need not import what made it
    if len(required) == 2 and ARCHIVE.match(required[0]) and DIRECTORY.search(required[1]) and "archive" in kinds and ARCHIVER.search(function["name"]):
        return Target(function, ["archive"], required[0], ["tar", "zip"], {required[1]: "out-of-archive"})
    notes = dict(function["parameters"])
    others, data = {}, None
    for name in required:
        stand_in = needed(name, notes.get(name, ""))
        if stand_in is not None:
            others[name] = stand_in
        elif data is None and (DATA.match(name) or FILE.match(name) or STREAM.match(name)):
            data = name
        elif data is None and (TEXTUAL.search(name) or notes.get(name) in ("str", "bytes")):
            data = name
        elif DATA.match(name) or "str" in notes.get(name, ""):
            others[name] = "dqv"
        else:
            return None
    if data is None or not READERS.search(function["name"]):
        return None
    forms = (["file"] if FILE.match(data) else []) + (["stream"] if STREAM.match(data) else []) + (["text", "bytes"] if DATA.match(data) or not (FILE.match(data) or STREAM.match(data)) else [])
    wanted = [k for k in KINDS if k in kinds and (k != "path" or THING.match(data))] + (["slow"] if "regex" in kinds and "text" in forms else [])
    if not wanted and not PARSER.search(function["name"]):
        return None
    return Target(function, wanted, data, forms, others)


def needed(name, note):
    """What stands in for a parameter that is not under attack."""
    if DATABASE.match(name) or "sqlite3.Connection" in note:
        return {"make": "database", "tables": {}}
    if CURSOR.match(name) or "sqlite3.Cursor" in note:
        return {"make": "cursor", "tables": {}}
    if note in ("int", "float") or (NUMBER.match(name) and "str" not in note and not name.lower().endswith("_id")):
        return 1
    if note == "bool":
        return True
    if re.search(r"(^|_)(dir|directory|folder|dest|destination|outdir)$", name, re.I):
        return {"make": "directory"}
    return None


class Trial(object):
    """The attack on one function."""

    def __init__(self, target, root, watch, nonce, survey):
        self.target, self.root, self.watch, self.nonce, self.survey = target, root, watch, nonce, survey
        self.count, self.hung, self.claims, self.suspected = 0, 0, [], []
        self.module = apps.load_module(target.function["file"], root)
        self.attribute = target.function["qualname"]
        self.make = lambda: calling.resolve(self.module, self.attribute)

    def callable(self):
        """Whether it can be called at all, and is not documented as doing on purpose what is looked for."""
        try:
            function = self.make()
        except Exception:
            return False
        inner = inspect.unwrap(function) if not inspect.ismethod(function) else function.__func__
        return (inspect.isfunction(inner) or inspect.ismethod(function)) and not WARNED.search(getattr(function, "__doc__", None) or "")

    def step(self, form, value="@@PAYLOAD@@"):
        return {"keywords": dict(self.target.others, **{self.target.name: value}), "type": form}

    def send(self, step, template, kind=None):
        """(whether the effect showed, where the project's code was, what was seen)."""
        self.count += 1
        flag = os.path.join(self.watch.place, "l%d" % self.count)
        tokens = self.tokens(flag)
        payload = oracles.fill(template, tokens)
        self.watch.begin(tokens["MARK"])
        error = None
        started = time.monotonic()
        try:
            calling.limited(CALL_S, lambda: calling.call_function(self.make, step, payload))
        except (KeyboardInterrupt, SystemExit):
            pass
        except BaseException as raised:
            error = raised
        self.hung += time.monotonic() - started >= CALL_S  # also where the project's code took no notice of being ended
        effects = self.watch.end()
        at = next((e["at"] for e in effects if e["at"] and isinstance(e["value"], str) and (flag in e["value"] or "canary" in e["value"])), None) or next((e["at"] for e in effects if e["at"] and e["what"] in ("process", "query-altered", "compiled")), None)
        seen = False
        if os.path.lexists(flag):
            os.rmdir(flag) if os.path.isdir(flag) else os.remove(flag)
            seen = True
        elif kind in ("xml", "path"):
            seen = any(e["what"] == "canary-opened" for e in effects)
        elif kind == "sql":
            seen = any(e["what"] == "query-altered" for e in effects)
        return seen, at, effects, error

    def tokens(self, flag):
        return {
            "UP": oracles.CLIMB, "CANARY": os.path.join(self.watch.place, "canary.txt"), "STEM": os.path.join(self.watch.place, "canary"), "FLAG": flag, "PLACE": self.watch.place, "FN": "dq" + self.nonce,
            "MARK": "dq%sl%d" % (self.nonce, self.count), "PORT": "28417", "A": "7%03d" % (self.count * 7 % 1000), "B": "9001",
        }

    def run(self):
        if not self.callable():
            return
        deadline = time.process_time() + FUNCTION_S
        self.settle()
        for kind in self.target.kinds:
            if kind not in ("slow",) and not (kind == "path" and not self.keeps_files()):
                self.attack_kind(kind, deadline)
        if "slow" in self.target.kinds and self.hung < HUNG_MAX:
            self.attack_time()
        if self.hung >= HUNG_MAX:
            return
        open_kinds = set(self.target.kinds) - {"slow", "path"} - {c["kind"] for c in self.claims}
        if self.target.forms[0] == "text" and not self.suspected and (open_kinds or (PARSER.search(self.attribute) and not self.claims)):
            self.suspected += fuzz.search(self, time.process_time() + FUZZ_S)

    def settle(self):
        """Give a database that stands in the tables and columns that the function asks for."""
        for name, wanted in self.target.others.items():
            if not (isinstance(wanted, dict) and "tables" in wanted):
                continue
            for _round in range(TABLES_MAX * 2):
                error = self.send(self.step(self.target.forms[0]), "dqv")[3]
                if not isinstance(error, sqlite3.OperationalError):
                    break
                table, column = re.search(r"no such table: (\w+)", str(error)), re.search(r"no such column: (?:\w+\.)?(\w+)|has no column named (\w+)", str(error))
                if table and len(wanted["tables"]) < TABLES_MAX:
                    wanted["tables"][table.group(1)] = ["id", "name"]
                elif column and wanted["tables"]:
                    wanted["tables"][list(wanted["tables"])[-1]].append(column.group(1) or column.group(2))
                else:
                    break

    def keeps_files(self):
        """Whether a harmless name leads to a file in a folder of the project's own, and not to a path of the caller's."""
        _seen, _at, effects, _error = self.send(self.step("text"), "@@MARK@@")
        mark = "dq%sl%d" % (self.nonce, self.count)
        paths = [e["value"] for e in effects if isinstance(e["value"], str) and mark in e["value"] and e["what"] not in ("process", "compiled", "connect", "resolve")]
        said = (self.target.function["doc"] + " " + self.attribute).lower()
        own = [p for p in paths if os.path.dirname(os.path.abspath(p)).startswith(self.root + os.sep)]
        return bool(own) and not re.search(r"path|file ?name|director|folder", said)

    def attack_kind(self, kind, deadline):
        for form in self.target.forms:
            if form == "bytes" and kind not in ("deserialise", "xml"):
                continue
            step = self.step(form)
            for template in PAYLOADS[kind] + self.introduced(kind):
                if time.process_time() > deadline or self.hung >= HUNG_MAX:
                    return
                if kind == "archive" and template[5:8] != form:
                    continue
                seen, at, _effects, _error = self.send(step, template, kind)
                if seen and self.stands(kind, step, template, at):
                    return

    def introduced(self, kind):
        """Payloads behind a word that the function compares with, as in `v2:…`, plain and encoded."""
        if kind == "archive":
            return []
        scope = attack.closure(self.survey, self.target.function)[:8]
        words = list(dict.fromkeys(c for f in scope for c in f["compared"] if 0 < len(c) < 20 and "@@" not in c))[:6]
        marks = list(dict.fromkeys([c for f in scope for c in f["constants"] if len(c) == 1 and not c.isalnum()] + ["", ":"]))[:4]
        plain = [t for t in PAYLOADS[kind] if not t.startswith("@@AS:")][:2]
        return [w + m + p for w in words for m in marks for t in plain for p in (t, "@@B64<%s>@@" % t)]

    def stands(self, kind, step, template, at):
        """A harmless value must not show the effect, the payload must show it again, and the function must be no runner."""
        if self.send(step, "plain", kind)[0]:
            return False
        again, place, _effects, _error = self.send(step, template, kind)
        if not again:
            return False
        documented = kind == "code" and EVALUATES.search(getattr(self.make(), "__doc__", None) or "")
        whole = kind in WHOLE and (kind != "code" or step["type"] in ("file", "stream"))
        if documented or (whole and self.send(step, WHOLE[kind], kind)[0]):
            self.suspect(WEAKNESS[kind], "it runs the whole of `%s` as a %s, which may be what it is for" % (self.target.name, {"sql": "query", "code": "piece of code"}.get(kind, kind)))
            return True
        self.claims.append(self.claim(kind, template, step, place or at))
        return True

    def suspect(self, weakness, why, at=None):
        at = at or [self.target.function["file"], self.target.function["line"], self.attribute]
        said = {"cwe": weakness, "file": at[0], "line": at[1], "function": at[2], "why": why}
        self.suspected += [said] if said not in self.suspected else []

    def claim(self, kind, template, step, at, **more):
        at = at or calling.blamed(self.root, attack.closure(self.survey, self.target.function), static.KINDS_OF_CALL, kind) or [self.target.function["file"], self.target.function["line"], self.attribute]
        made = {
            "kind": kind, "cwe": WEAKNESS[kind], "name": self.target.name, "channel": "argument", "template": template, "steps": [step], "effect": EFFECTS.get(kind, ""), "oracle": {"xml": "canary", "sql": "sql"}.get(kind, "flag"),
            "file": at[0], "line": at[1], "function": at[2], "endpoint": self.target.id, "speaks": "function", "framework": "function",
            "loader": {"module": self.module.__name__, "file": self.target.function["file"], "attribute": self.attribute},
        }  # fmt: skip
        if kind == "path" and "CANARY" in template:
            made["oracle"] = "canary"
        return dict(made, **more)

    def attack_time(self):
        step = self.step("text")
        found = slow.attack(lambda text: calling.call_function(self.make, step, text), slow.patterns(self.root, attack.closure(self.survey, self.target.function)[:12]), time.process_time() + SLOW_S)
        if found is None:
            return
        pattern, line, file, (lead, pump, end), (fewer, more, factor, measured) = found
        at = [file, line, self.attribute]
        if measured < factor:
            if measured >= slow.QUADRATIC:
                self.suspect(WEAKNESS["regex"], "twice the text takes %.1f times as long, by `%s`" % (measured, pattern[:80]), at)
            return
        effect = "%d characters take over %s s, and %s" % (len(lead + pump * more + end), slow.SLOW_S, "every few more multiply that" if more < 100 else "twice as many take %d times as long" % measured)
        self.claims.append(self.claim("regex", "", step, at, oracle="growth", effect=effect, growth=[lead, pump, end, fewer, more, factor]))


def attack_function(target, root, watch, nonce, survey):
    """(claims, suspicions) about one function."""
    trial = Trial(target, root, watch, nonce, survey)
    trial.run()
    return trial.claims, trial.suspected


def harmless(target, root, survey):
    """What the function gives for harmless values, as a text for each: how it behaved before a patch and after."""
    from traffic import WORDS

    module = apps.load_module(target.function["file"], root)
    for name, value in sorted(WORDS.items()):
        for form in target.forms[:2]:
            if form in ("tar", "zip"):
                continue
            step = {"keywords": dict(target.others, **{target.name: "@@PAYLOAD@@"}), "type": form}
            try:
                result = calling.call_function(lambda: calling.resolve(module, target.function["qualname"]), step, value)
                text = re.sub(r"0x[0-9a-f]{6,}|/tmp/[\w/.-]+", "@", repr(result))
            except Exception as error:
                text = "raises " + type(error).__name__
            yield "%s %s %s" % (target.id, name, form), text
