"""Calls a function or runs a program as its caller would; emitted tests carry the source of these functions.

A step of a function: `keywords` (values, with @@PAYLOAD@@ in one of them, or {"make": ...} for an object that the function needs)
and `type`, how the payload comes: text, bytes, file, stream or the ending of a file. A step of a program: `argv`, `stdin`, `type`.
"""


class Hung(BaseException):
    """A call took longer than it may."""


def limited(seconds, work):
    """Do the work; raises Hung when it takes longer, whether it computes, sleeps or waits."""
    import signal

    def stop(*rest):
        raise Hung

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return work()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def resolve(module, attribute):
    """The function that a dotted name means; a method is that of an object made without arguments."""
    import inspect

    owner = module
    for part in attribute.split("."):
        if inspect.isclass(owner) and not isinstance(inspect.getattr_static(owner, part), (staticmethod, classmethod)) and not inspect.isclass(getattr(owner, part)):
            owner = owner()
        owner = getattr(owner, part)
    return owner


def encoded(payload):
    """The payload with its marked parts encoded."""
    import base64
    import re

    return re.sub(r"(?s)@@B64<(.*?)>@@", lambda m: base64.b64encode(m.group(1).encode("utf-8", "surrogateescape")).decode(), payload)


def blamed(root, functions, kinds_of_call, kind):
    """[file, line, function] of the first call that could be part of such a hole; None if there is none."""
    import ast
    import os

    for function in functions:
        if kind not in function["kinds"]:
            continue
        try:
            with open(os.path.join(root, function["file"]), "rb") as stream:
                tree = ast.parse(stream.read())
        except (OSError, SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and function["line"] <= node.lineno <= function["end"]:
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if kind in kinds_of_call.get(name, ()) and (function["qualname"] != "<module>" or len(functions) == 1):
                    return [function["file"], node.lineno, function["qualname"]]
    return None


def holding(payload, ending):
    """The path of a new file that holds the payload."""
    import os
    import tempfile

    path = os.path.join(tempfile.mkdtemp(), "given." + ending)
    with open(path, "wb") as stream:
        stream.write(payload.encode("latin-1" if ending in ("tar", "zip") else "utf-8", "surrogateescape"))
    return path


def made(wanted):
    """An object that a parameter needs and that is not under attack: a database with these tables, a directory."""
    import sqlite3
    import tempfile

    if wanted["make"] in ("database", "cursor"):
        connection = sqlite3.connect(":memory:")
        for name, columns in wanted["tables"].items():
            connection.execute('CREATE TABLE "%s" (%s)' % (name, ", ".join('"%s"' % c for c in columns)))
        return connection if wanted["make"] == "database" else connection.cursor()
    return tempfile.mkdtemp()


def call_function(make, step, payload):
    """Make the call; what comes out piece by piece is asked for, what is awaited is awaited."""
    import asyncio
    import inspect

    form, keywords, payload = step.get("type", "text"), {}, encoded(payload)
    for name, value in step["keywords"].items():
        if isinstance(value, dict) and "make" in value:
            keywords[name] = made(value)
        elif not isinstance(value, str) or "@@PAYLOAD@@" not in value:
            keywords[name] = value
        elif form == "text":
            keywords[name] = value.replace("@@PAYLOAD@@", payload)
        elif form == "bytes":
            keywords[name] = value.replace("@@PAYLOAD@@", payload).encode("utf-8", "surrogateescape")
        elif form == "stream":
            keywords[name] = open(holding(payload, "bin"), "rb")
        else:
            keywords[name] = holding(payload, form if form != "file" else "txt")
    result = make()(**keywords)
    if inspect.iscoroutine(result):
        result = asyncio.run(asyncio.wait_for(result, 5))
    if inspect.isgenerator(result):
        result = [item for _number, item in zip(range(1000), result)]
    return result


def run_program(loader, step, payload, compiled={}):
    """Run a file or a console script in this process as a shell would start it; (exit code, [], what it printed)."""
    import contextlib
    import importlib
    import io
    import os
    import runpy
    import sys
    import tempfile
    import types

    words, payload = [], encoded(payload)
    for word in step["argv"]:
        if "@@FILE@@" in word:
            word = word.replace("@@FILE@@", holding(payload, step.get("type", "txt")))
        words.append(word.replace("@@PAYLOAD@@", payload).replace("@@DIR@@", tempfile.mkdtemp()))
    out, before, code = io.StringIO(), (sys.argv, sys.stdin, sys.modules["__main__"], list(sys.path)), 0
    file = os.path.join(os.getcwd(), loader["file"])
    sys.argv, sys.stdin = [file] + words, io.TextIOWrapper(io.BytesIO(step.get("stdin", "").replace("@@PAYLOAD@@", payload).encode("utf-8", "surrogateescape")))
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            if loader.get("attribute"):
                code = resolve(importlib.import_module(loader["module"]), loader["attribute"])()
            elif os.path.exists(os.path.join(os.path.dirname(file), "__init__.py")):
                runpy.run_module(loader["module"], run_name="__main__", alter_sys=True)
            else:
                main = sys.modules["__main__"] = types.ModuleType("__main__")
                main.__file__ = file
                sys.path.insert(0, os.path.dirname(file))
                if file not in compiled:
                    with open(file, "rb") as stream:
                        compiled[file] = compile(stream.read(), file, "exec")
                exec(compiled[file], main.__dict__)
    except SystemExit as ended:
        code = ended.code
    finally:
        sys.argv, sys.stdin, sys.modules["__main__"], sys.path[:] = before
    return (code if isinstance(code, int) else 0, [], out.getvalue().encode("utf-8", "replace"))
