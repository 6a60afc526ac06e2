"""Attacks public functions that take data: parsers, importers, extractors.

Only what a caller of such a function cannot expect is claimed: data that is decoded runs code, an external entity is
read, an archive's member is written outside. A function whose name or words say that it runs what it is given is left alone.
"""

import inspect
import os
import re
import time

import apps
import attack
import oracles
from payloads import PAYLOADS, WEAKNESS

FUNCTIONS_MAX = 400
FUNCTION_S = 5.0
READERS = re.compile(r"(^|_)(parse|load|loads|read|decode|deserialize|deserialise|from|import|extract|unpack|unzip|untar|restore|ingest|convert|to|get|process|handle|calculate|calc|compute|evaluate_formula|lookup|find|ping|check|resolve|filter|search|query)(_|$)", re.I)
ON_PURPOSE = re.compile(r"unsafe|eval\b|exec|\brun|shell|script|compile|pickle|dill|template|render|\bcode|macro|plugin|import_module|trusted|subprocess|command|interpret|full_load|yaml_load_all", re.I)
DATA = re.compile(r"^(data|text|s|string|content|contents|body|payload|raw|blob|buf|buffer|document|doc|xml|xml_string|xml_text|yaml_text|yaml_string|config|config_text|value|message|msg|line|expr|expression|formula|input|user_input|token|serialized|encoded|name|host|hostname|ip|address|domain|user|username|user_id|id|key|q|term|pattern|title)$", re.I)
ARCHIVE = re.compile(r"^(archive|path|file|filename|zip_path|tar_path|zipfile|tarfile|source|src|archive_path|upload|fileobj|data)$", re.I)
KINDS = ("deserialise", "code", "xml", "command", "sql")


def functions(survey, root, web_files):
    """The public functions worth trying, as (facts, name of the data parameter, kinds, name of the directory parameter)."""
    chosen = []
    for function in survey["functions"]:
        parts = function["file"].replace("\\", "/").split("/")
        if any(p in ("tests", "test", "testing", "examples", "docs", "migrations") for p in parts) or parts[-1].startswith(("test_", "conftest", "setup")) or function["file"] in web_files:
            continue
        if "." in function["qualname"] or function["name"].startswith("_") or function["decorators"] or not 1 <= len(function["parameters"]) <= 4:
            continue
        words = function["name"] + " " + function["doc"]
        if ON_PURPOSE.search(words):
            continue
        names = [p for p, _note in function["parameters"]]
        required = names[: max(1, function["required"])]
        kinds = set()
        for near in attack.closure(survey, function)[:12]:
            imports = survey["imports"].get(near["file"], set())
            kinds |= {k for k in near["kinds"] if k not in attack.LIBRARIES or imports & attack.LIBRARIES[k]}
        if len(required) == 1 and DATA.match(required[0]) and READERS.search(function["name"]) and kinds & set(KINDS):
            chosen.append((function, required[0], [k for k in KINDS if k in kinds], None))
        elif len(required) == 2 and ARCHIVE.match(required[0]) and re.search(r"dest|dir|target|folder|out|path|to$", required[1], re.I) and "archive" in kinds and re.search(r"extract|unpack|unzip|untar|restore|import|install", function["name"], re.I):
            chosen.append((function, required[0], ["archive"], required[1]))
    return chosen[:FUNCTIONS_MAX]


def attack_function(item, root, watch, nonce):
    """The claims about one function."""
    function, name, kinds, place = item
    module = apps.load_module(function["file"], root)
    target = getattr(module, function["name"], None)
    if not inspect.isfunction(target) or inspect.iscoroutinefunction(target):
        return []
    claims, count = [], 0
    deadline = time.monotonic() + FUNCTION_S
    for kind in kinds:
        if any(c["kind"] == kind for c in claims):
            continue
        for template in PAYLOADS[kind]:
            if time.monotonic() > deadline:
                break
            count += 1
            step = {"keywords": {name: "@@PAYLOAD@@"}}
            if kind == "archive":
                step = {"attach": {name: "@@PAYLOAD@@"}, "keywords": {place: "out-of-archive"}, "type": template[5:8] if template.startswith("@@AS:") else "bin"}
            for as_bytes in (False, True) if kind in ("deserialise", "xml") else (False,):
                step = dict(step, type="bytes") if as_bytes else step
                seen, at = happens(target, step, kind, template, watch, nonce, count)
                if seen and not happens(target, step, kind, "plain", watch, nonce, count + 5000)[0]:
                    again, at = happens(target, step, kind, template, watch, nonce, count + 9000)
                    if again:
                        claims.append(claim(function, name, kind, template, step, at, module))
                        break
            if any(c["kind"] == kind for c in claims):
                break
    return claims


def happens(target, step, kind, template, watch, nonce, number):
    """(whether the effect showed, where the project's code was)."""
    flag = os.path.join(watch.place, "l%d" % number)
    tokens = {"UP": oracles.CLIMB, "CANARY": os.path.join(watch.place, "canary.txt"), "FLAG": flag, "PLACE": watch.place, "FN": "dq" + nonce, "MARK": "dq%sl%d" % (nonce, number), "PORT": "28417", "A": "7001", "B": "9001"}
    payload = oracles.fill(template, tokens)
    watch.begin(tokens["MARK"])
    try:
        oracles.call_function(target, step, payload)
    except (KeyboardInterrupt, SystemExit):
        pass
    except BaseException:
        pass
    effects = watch.end()
    at = next((e["at"] for e in effects if e["at"] and isinstance(e["value"], str) and (flag in e["value"] or "canary" in e["value"])), None) or next((e["at"] for e in effects if e["at"] and e["what"] in ("process", "query-altered", "compiled")), None)
    if os.path.lexists(flag):
        os.rmdir(flag) if os.path.isdir(flag) else os.remove(flag)
        return True, at
    if kind == "xml":
        return any(e["what"] == "canary-opened" for e in effects), at
    return kind == "sql" and any(e["what"] == "query-altered" for e in effects), at


def claim(function, name, kind, template, step, at, module):
    at = at or [function["file"], function["line"], function["qualname"]]
    effect = {"deserialise": "an object of the data's choosing was made while decoding", "code": "code from the data was run", "xml": "an external entity was read from disk", "archive": "a member was written outside of the directory", "command": "a command from the data was run", "sql": "the database compiled a function call that came from the data"}[kind]
    return {
        "kind": kind, "cwe": WEAKNESS[kind], "name": name, "channel": "argument", "template": template, "steps": [step], "effect": effect, "oracle": {"xml": "canary", "sql": "sql"}.get(kind, "flag"),
        "file": at[0], "line": at[1], "function": at[2], "endpoint": "%s:%s()" % (function["file"], function["name"]), "speaks": "function", "framework": "function",
        "loader": {"module": module.__name__, "file": function["file"], "attribute": function["name"]},
    }
