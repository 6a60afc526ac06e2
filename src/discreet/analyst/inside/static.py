"""Reads the target's files as syntax trees: what could not be parsed, functions, names asked for, sinks, taint.

It runs inside the compartment because only the target's own interpreter knows the target's grammar.
Nothing it says is a finding: candidates steer which payloads are tried first, and fill `suspected`.
"""

import ast
import json
import os
import re
import sys
import warnings

FILE_BYTES_MAX = 2_000_000
FILES_MAX = 20_000
CONSTANTS_MAX = 60
CONSTANT_CHARACTERS_MAX = 120
ROUNDS_MAX = 6

# The last name of a call, and the kinds of hole that such a call can be part of.
SINKS = {
    "path": "open fopen read_text read_bytes write_text write_bytes Path PurePath send_file send_from_directory FileResponse sendfile listdir scandir remove unlink rename rmtree copy copyfile move mkdir makedirs walk stat exists isfile static_file glob iglob save joinpath StaticFiles get_template getsize FileIO ConfigParser readlink chmod fromfile loadtxt",
    "command": "system popen Popen run call check_call check_output getoutput getstatusoutput spawn spawnl spawnv spawnlp execv execl execve execvp execlp create_subprocess_shell create_subprocess_exec exec_command local sudo",
    "code": "eval exec compile execfile literal_eval import_module __import__ getattr interact runsource run_path run_module eval_expr evaluate",
    "template": "render_template_string from_string Template Environment format Markup render substitute safe_substitute format_map vformat Mako",
    "sql": "execute executemany executescript raw extra text RawSQL raw_sql read_sql query order_by filter where cursor select_from exec_driver_sql fetch fetchrow fetchval",
    "ldap": "search search_s search_st search_ext search_ext_s paged_search extend bind rebind",
    "xpath": "xpath XPath XPathEvaluator find findall findtext iterfind select iter_select Selector evaluate XPathExpression",
    "xml": "parse fromstring XML parseString iterparse XMLParser make_parser parse_string feed XMLID ElementTree fromstringlist XMLPullParser",
    "deserialise": "loads load decode Unpickler unsafe_load full_load load_all unsafe_load_all from_json safe_load restore",
    "ssrf": "get post put head delete request urlopen urlretrieve fetch HTTPConnection HTTPSConnection create_connection connect Session AsyncClient Client send open_connection stream patch",
    "redirect": "redirect RedirectResponse HttpResponseRedirect HttpResponsePermanentRedirect HTTPFound HTTPSeeOther HTTPMovedPermanently HTTPTemporaryRedirect HTTPPermanentRedirect send_header",
    "archive": "extractall extract unpack_archive ZipFile TarFile tarfile open",
    "regex": "compile match search fullmatch findall finditer sub split subn Regexp RegexValidator RegexField constr",
    "header": "send_header add_header set_header start_response append_header header add",
    "log": "info warning warn error debug critical exception log write",
    "nosql": "find find_one find_one_and_update find_one_and_delete update_one update_many delete_one delete_many count_documents aggregate distinct replace_one remove objects",
    "hash": "md5 sha1 new sha md4 MD5 SHA1",
    "random": "random randint choice choices randrange getrandbits sample uniform shuffle normalvariate gauss betavariate expovariate triangular randbytes vonmisesvariate gammavariate lognormvariate paretovariate weibullvariate",
    "cookie": "set_cookie set_signed_cookie",
}
KINDS_OF_CALL = {}
for _kind, _names in SINKS.items():
    for _name in _names.split():
        KINDS_OF_CALL.setdefault(_name, set()).add(_kind)

# What the small taint pass calls a dangerous call: (kind, weakness, receiver words that it needs, or None).
TAINT_SINKS = {
    "open": ("path", "CWE-22", None),
    "send_file": ("path", "CWE-22", None),
    "FileResponse": ("path", "CWE-22", None),
    "read_text": ("path", "CWE-22", None),
    "remove": ("path", "CWE-22", ("os",)),
    "system": ("command", "CWE-78", ("os",)),
    "popen": ("command", "CWE-78", ("os",)),
    "Popen": ("command", "CWE-78", None),
    "run": ("command", "CWE-78", ("subprocess",)),
    "call": ("command", "CWE-78", ("subprocess",)),
    "check_output": ("command", "CWE-78", None),
    "check_call": ("command", "CWE-78", None),
    "getoutput": ("command", "CWE-78", None),
    "create_subprocess_shell": ("command", "CWE-78", None),
    "eval": ("code", "CWE-94", None),
    "exec": ("code", "CWE-94", None),
    "render_template_string": ("template", "CWE-1336", None),
    "from_string": ("template", "CWE-1336", None),
    "Template": ("template", "CWE-1336", None),
    "execute": ("sql", "CWE-89", None),
    "executescript": ("sql", "CWE-89", None),
    "executemany": ("sql", "CWE-89", None),
    "raw": ("sql", "CWE-89", None),
    "xpath": ("xpath", "CWE-643", None),
    "iterfind": ("xpath", "CWE-643", None),
    "search_s": ("ldap", "CWE-90", None),
    "fromstring": ("xml", "CWE-611", None),
    "parseString": ("xml", "CWE-611", None),
    "loads": ("deserialise", "CWE-502", ("pickle", "marshal", "dill", "jsonpickle", "cPickle", "shelve", "cloudpickle")),
    "load": ("deserialise", "CWE-502", ("pickle", "yaml", "marshal", "dill", "shelve", "joblib")),
    "unsafe_load": ("deserialise", "CWE-502", None),
    "decode": ("deserialise", "CWE-502", ("jsonpickle",)),
    "urlopen": ("ssrf", "CWE-918", None),
    "get": ("ssrf", "CWE-918", ("requests", "httpx")),
    "post": ("ssrf", "CWE-918", ("requests", "httpx")),
    "redirect": ("redirect", "CWE-601", None),
    "RedirectResponse": ("redirect", "CWE-601", None),
    "HttpResponseRedirect": ("redirect", "CWE-601", None),
    "extractall": ("archive", "CWE-22", None),
    "unpack_archive": ("archive", "CWE-22", None),
    "Markup": ("xss", "CWE-79", None),
    "mark_safe": ("xss", "CWE-79", None),
    "HTMLResponse": ("xss", "CWE-79", None),
    "HttpResponse": ("xss", "CWE-79", None),
}
REQUEST_WORDS = {"request", "req", "self.request", "flask.request", "environ", "scope", "bottle.request"}
SECURITY_WORDS = ("passw", "passwd", "pwd", "secret", "token", "session", "sess_id", "auth", "otp", "nonce", "csrf", "remember", "apikey", "api_key", "reset", "credential", "salt", "cookie", "pin_code", "verification", "recovery", "invite")


MOMENTS = re.compile(r"time|date|expir|^exp$|creat|made|start|begin|last|issued|stamp|^iat$|since|until|valid|seconds|minutes|(^|_)(at|on|in|ts|age|ttl)$", re.I)


def survey(root, only=None):
    """Everything the outside wants to know about the files under `root`, as one JSON-ready dict."""
    warnings.simplefilter("ignore")
    files, unread = [], []
    for path in python_files(root):
        name = os.path.relpath(path, root)
        tree, problem = parse(path)
        if tree is None:
            unread.append({"file": name, "why": problem})
            continue
        files.append(FileFacts(name, tree))
    functions = [f for facts in files for f in facts.functions]
    candidates = Taint(files, functions).run()
    return {
        "unread": unread,
        "files": [facts.as_dict() for facts in files],
        "functions": [f.as_dict() for f in functions],
        "candidates": candidates,
        "python": list(sys.version_info[:3]),
    }


def python_files(root):
    found = []
    for directory, names, files in os.walk(root):
        names[:] = sorted(n for n in names if not n.startswith(".") and n not in ("node_modules", "__pycache__", "site-packages"))
        found += [os.path.join(directory, f) for f in sorted(files) if f.endswith(".py")]
        if len(found) > FILES_MAX:
            return found[:FILES_MAX]
    return found


def parse(path):
    try:
        if os.path.getsize(path) > FILE_BYTES_MAX:
            return None, "larger than %d bytes" % FILE_BYTES_MAX
        with open(path, "rb") as stream:
            return ast.parse(stream.read(), path), None
    except SyntaxError as error:
        return None, "line %s: %s" % (error.lineno, error.msg)
    except (ValueError, RecursionError, MemoryError, OSError) as error:
        return None, "%s: %s" % (type(error).__name__, error)


class FunctionFacts(object):
    """One function: where it is, what it asks for by name, what it calls."""

    def __init__(self, file, node, qualname):
        self.file, self.node, self.qualname = file, node, qualname
        self.name = getattr(node, "name", "<module>")
        self.line = getattr(node, "lineno", 1)
        self.end = getattr(node, "end_lineno", self.line)
        arguments = getattr(node, "args", None)
        self.parameters = []
        if isinstance(arguments, ast.arguments):
            for argument in list(getattr(arguments, "posonlyargs", [])) + arguments.args + arguments.kwonlyargs:
                note = getattr(ast, "unparse", ast.dump)(argument.annotation) if argument.annotation is not None else ""
                self.parameters.append((argument.arg, note))
            self.required = len(arguments.args) - len(arguments.defaults)
        else:
            self.required = 0
        self.decorators = [dotted(d.func if isinstance(d, ast.Call) else d) for d in getattr(node, "decorator_list", [])]
        self.constants, self.calls, self.compared, self.words = [], [], [], []
        self.doc = ast.get_docstring(node) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else None
        self._look()

    def _look(self):
        seen = set()
        self.attributes = set()
        for node in own_nodes(self.node):
            if isinstance(node, ast.Attribute):
                self.attributes.add(node.attr)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id not in self.words:
                self.words.append(node.id)
            if isinstance(node, ast.Call):
                self.calls.append((dotted(node.func), node.lineno))
            elif isinstance(node, ast.Compare):
                for side in [node.left] + node.comparators:
                    for item in side.elts if isinstance(side, (ast.Tuple, ast.List, ast.Set)) else [side]:
                        value = constant(item)
                        if isinstance(value, str) and value not in self.compared:
                            self.compared.append(value)
            value = constant(node)
            if isinstance(value, str) and 0 < len(value) <= CONSTANT_CHARACTERS_MAX and value not in seen and len(seen) < CONSTANTS_MAX:
                seen.add(value)
                self.constants.append(value)

    @property
    def kinds(self):
        found = set()
        for name, _line in self.calls:
            found |= KINDS_OF_CALL.get(name.rsplit(".", 1)[-1], set())
        return found

    def as_dict(self):
        return {
            "file": self.file, "name": self.name, "qualname": self.qualname, "line": self.line, "end": self.end,
            "parameters": self.parameters, "required": self.required, "decorators": self.decorators,
            "constants": self.constants, "compared": self.compared, "kinds": sorted(self.kinds), "words": self.words[:60], "attributes": sorted(self.attributes)[:120],
            "calls": sorted(set(n for n, _ in self.calls)), "doc": (self.doc or "")[:400],
        }


class FileFacts(object):
    """One file: its functions, imports, and module-level names that may hold an application."""

    def __init__(self, name, tree):
        self.name, self.tree, self.functions, self.imports = name, tree, [], set()
        self.assigned, self.main, self.strings = {}, False, []
        self._walk(tree, "")
        self.functions.append(FunctionFacts(name, tree, "<module>"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                self.imports |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                self.imports.add("." * node.level + (node.module or ""))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 200:
                if node.value.startswith("/") and " " not in node.value and len(self.strings) < 200 and node.value not in self.strings:
                    self.strings.append(node.value)
        for node in tree.body:
            if isinstance(node, ast.If) and "__main__" in ast.dump(node.test):
                self.main = True
        for node in ast.walk(tree):
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Call):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    self.assigned[dotted(target)] = dotted(node.value.func)

    def _walk(self, node, prefix):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self.functions.append(FunctionFacts(self.name, child, prefix + child.name))
                self._walk(child, prefix + child.name + ".")
            elif isinstance(child, ast.ClassDef):
                self._walk(child, prefix + child.name + ".")
            else:
                self._walk(child, prefix)

    def as_dict(self):
        classes = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ClassDef):
                classes.append({"name": node.name, "bases": [dotted(b) for b in node.bases], "line": node.lineno})
        return {"file": self.name, "imports": sorted(self.imports), "assigned": self.assigned, "main": self.main, "paths": self.strings, "classes": classes}


def own_nodes(function):
    """The nodes of a function without those of functions and classes defined inside it."""
    todo = list(ast.iter_child_nodes(function))
    while todo:
        node = todo.pop(0)
        yield node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        todo = list(ast.iter_child_nodes(node)) + todo


def constant(node):
    return node.value if isinstance(node, ast.Constant) else None


def dotted(node):
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    elif isinstance(node, ast.Call):
        parts.append(dotted(node.func) + "()")
    return ".".join(reversed(parts)) or "?"


class Taint(object):
    """A small forward pass: what comes from a request or the command line, and the dangerous calls it reaches."""

    def __init__(self, files, functions):
        self.functions = functions
        self.by_name = {}
        for function in functions:
            self.by_name.setdefault(function.name, []).append(function)
        self.tainted_parameters = {}
        self.returning = set()
        self.found = {}

    def run(self):
        for function in self.functions:
            routed = any(d.rsplit(".", 1)[-1] in ("route", "get", "post", "put", "delete", "patch", "api_view", "command", "view") for d in function.decorators)
            if routed or (function.parameters and function.parameters[0][0] in ("request", "req")):
                self.tainted_parameters[function.qualname, function.file] = {p for p, _ in function.parameters if p not in ("self", "cls")}
        for _round in range(ROUNDS_MAX):
            before = (sum(map(len, self.tainted_parameters.values())), len(self.returning), len(self.found))
            for function in self.functions:
                self._function(function)
            if before == (sum(map(len, self.tainted_parameters.values())), len(self.returning), len(self.found)):
                break
        return sorted(self.found.values(), key=lambda c: (c["file"], c["line"], c["cwe"]))

    def _function(self, function):
        tainted = set(self.tainted_parameters.get((function.qualname, function.file), ()))
        for _twice in (1, 2):
            for node in own_nodes(function.node):
                value = getattr(node, "value", None)
                if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.NamedExpr)) and value is not None and self._is_tainted(value, tainted):
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    for target in targets:
                        tainted |= names_in(target)
                elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)) and self._is_tainted(node.iter, tainted):
                    tainted |= names_in(node.target)
                elif isinstance(node, ast.Return) and value is not None and self._is_tainted(value, tainted):
                    self.returning.add(function.name)
                elif isinstance(node, ast.Call):
                    self._call(function, node, tainted)

    def _call(self, function, node, tainted):
        arguments = list(node.args) + [k.value for k in node.keywords]
        hot = [self._is_tainted(a, tainted) for a in arguments]
        name = dotted(node.func)
        last = name.rsplit(".", 1)[-1]
        receiver_hot = isinstance(node.func, ast.Attribute) and self._is_tainted(node.func.value, tainted)
        if receiver_hot and last in ("append", "extend", "add", "insert", "update", "set", "put", "write", "setdefault"):
            pass
        if any(hot) and isinstance(node.func, ast.Attribute) and last in ("append", "extend", "add", "insert", "update", "set", "put", "write", "setdefault"):
            tainted |= names_in(node.func.value)
        if last in TAINT_SINKS and (any(hot) or (receiver_hot and last in ("read_text",))):
            kind, weakness, receivers = TAINT_SINKS[last]
            if receivers is None or any(r in name.split(".")[:-1] for r in receivers):
                key = (function.file, node.lineno, weakness)
                self.found.setdefault(key, {"file": function.file, "line": node.lineno, "function": function.qualname, "cwe": weakness, "kind": kind, "why": "a value from outside reaches `%s`" % name})
        for callee in self.by_name.get(last, ())[:4]:
            parameters = [p for p, _ in callee.parameters]
            if parameters and parameters[0] in ("self", "cls"):
                parameters = parameters[1:]
            known = self.tainted_parameters.setdefault((callee.qualname, callee.file), set())
            for position, argument in enumerate(node.args):
                if position < len(parameters) and self._is_tainted(argument, tainted):
                    known.add(parameters[position])
            for keyword in node.keywords:
                if keyword.arg in parameters and self._is_tainted(keyword.value, tainted):
                    known.add(keyword.arg)

    def _is_tainted(self, node, tainted):
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and (part.id in tainted or part.id == "request"):
                return True
            if isinstance(part, ast.Attribute) and dotted(part) in ("self.request", "sys.argv", "flask.request", "self.path", "self.headers", "self.rfile"):
                return True
            if isinstance(part, ast.Call):
                last = dotted(part.func).rsplit(".", 1)[-1]
                if last in ("input", "parse_args") or (last in self.returning and last in self.by_name):
                    return True
        return False


def names_in(node):
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def called_a_key(kind, name):
    """Whether a value's own name says that it must not be guessed: a moment that stands beside a token is none."""
    words = name.split() if kind == "the text after" else [name]
    own = words[-1] if words else ""
    return not MOMENTS.search(own) and (kind != "the text after" or any(w in "_".join(words[-2:]).lower() for w in SECURITY_WORDS))


if __name__ == "__main__":
    json.dump(survey(sys.argv[1]), sys.stdout)
