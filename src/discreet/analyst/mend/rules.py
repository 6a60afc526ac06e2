"""The rewrites: for each kind of hole, what is done to the call that the proof blames.

A rule gets the call and a way to reach the text that the call is given; it returns the new call, or None if the
code is not in a shape that it knows. Nothing here decides that a patch is good: that is shown afterwards.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import libcst as cst

from discreet.analyst.mend.text import Piece, build, call, holes, is_setting, merged, pieces

HELPERS = {
    "confined": '''def _confined(base, path):
    """The path, if it lies in the directory `base`; otherwise it is treated as not there."""
    import os

    root, full = os.path.realpath(base), os.path.realpath(path)
    if full != root and not full.startswith(root.rstrip(os.sep) + os.sep):
        raise FileNotFoundError(2, "No such file or directory", os.path.basename(str(path)))
    return path
''',
    "local": '''def _local_target(url, host=None):
    """The address, if it stays on this site, whose host may be named; otherwise the start page."""
    text = str(url)
    if any(ord(c) < 32 for c in text) or text[:1].isspace() or "\\\\" in text:
        return "/"
    if host and text.split("://")[0] in ("http", "https") and text.split("://", 1)[-1].replace("?", "/").replace("#", "/").split("/")[0] == host:
        return url
    if text.startswith("//") or ":" in text.replace("?", "/").replace("#", "/").split("/")[0]:
        return "/"
    return url
''',
    "opened": '''def _open_public(url, *args, **kwargs):
    """Open an address whose host is not within this network, nor the hosts that it leads on to."""
    import urllib.request

    class Followed(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, req, fp, code, msg, headers, newurl):
            return super().redirect_request(req, fp, code, msg, headers, _public_url(newurl))

    return urllib.request.build_opener(Followed).open(_public_url(url), *args, **kwargs)
''',
    "followed": '''def _public_on(answer, *args, **kwargs):
    """Look at where an answer leads on to before anybody follows."""
    from urllib.parse import urljoin

    if answer.headers.get("Location"):
        _public_url(urljoin(answer.url, answer.headers["Location"]))
    return answer
''',
    "public": '''def _public_url(url):
    """The address, if its host is not within this network."""
    import ipaddress
    import socket
    from urllib.parse import urlsplit

    parts = urlsplit(str(url))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("only http and https addresses are fetched")
    for found in socket.getaddrinfo(parts.hostname, parts.port or 80):
        address = ipaddress.ip_address(found[4][0].split("%")[0])
        if not (getattr(address, "ipv4_mapped", None) or address).is_global:
            raise ValueError("addresses within this network are not fetched")
    return url
''',
    "number": '''def _number(value):
    """The number that a text stands for; anything else is refused."""
    if isinstance(value, (int, float)):
        return value
    text = str(value).strip()
    return float(text) if any(c in text for c in ".eE") else int(text)
''',
    "plain_pickle": '''def _load_plain(data):
    """Unpickle numbers, texts, containers and moments; anything that names another class or a function is refused."""
    import builtins
    import collections
    import datetime
    import decimal
    import io
    import pickle
    import uuid

    def raw(text, coding="latin-1"):
        return str(text).encode("latin-1")

    known = {("builtins", n): getattr(builtins, n) for n in ("set", "frozenset", "bytearray", "bytes", "complex")}
    known.update({("datetime", n): getattr(datetime, n) for n in ("date", "time", "datetime", "timedelta", "timezone")})
    known.update({("decimal", "Decimal"): decimal.Decimal, ("uuid", "UUID"): uuid.UUID, ("collections", "OrderedDict"): collections.OrderedDict, ("_codecs", "encode"): raw})

    class Plain(pickle.Unpickler):
        def find_class(self, module, name):
            kind = known.get((module.replace("__builtin__", "builtins"), name))
            if kind is None:
                raise pickle.UnpicklingError("only plain data is accepted")
            return kind

    return Plain(io.BytesIO(data)).load()
''',
    "no_operator": '''def _no_operator(value):
    """The value; what could be read as an operator of the query is refused."""
    if isinstance(value, (dict, list, tuple)):
        raise ValueError("a single value is wanted")
    return value
''',
    "arithmetic": '''def _evaluate(text):
    """The value of a literal or of arithmetic on numbers; names, calls and attributes are refused, and powers that would not end."""
    import ast
    import operator

    known = {
        ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv,
        ast.Mod: operator.mod, ast.Pow: operator.pow, ast.USub: operator.neg, ast.UAdd: operator.pos,
    }

    def number(node):
        found = value(node)
        if not isinstance(found, (int, float, complex)):
            raise ValueError("only numbers are reckoned with")
        return found

    def value(node):
        if isinstance(node, ast.Expression):
            return value(node.body)
        if isinstance(node, ast.BinOp) and type(node.op) in known:
            left, right = number(node.left), number(node.right)
            if isinstance(node.op, ast.Pow) and (abs(right) > 1000 or abs(left) > 10**6):
                raise ValueError("this power is too large")
            return known[type(node.op)](left, right)
        if isinstance(node, ast.UnaryOp) and type(node.op) in known:
            return known[type(node.op)](number(node.operand))
        return ast.literal_eval(node)

    return value(ast.parse(str(text).strip(), mode="eval"))
''',
    "password": '''def _password_digest(data):
    """A digest that is slow to try out, salted by the setting PASSWORD_SALT; digests made otherwise have to be made anew."""
    import hashlib
    import os

    return hashlib.scrypt(data, salt=os.environ.get("PASSWORD_SALT", "change this salt").encode(), n=2**14, r=8, p=1, dklen=32).hex()
''',
    "one_line": '''def _one_line(value):
    """The text of a value on one line."""
    return str(value).replace("\\r", " ").replace("\\n", " ")
''',
    "xpath_word": '''def _xpath_word(value):
    """A value that can stand between quotes in an XPath expression; one with quotes of its own is refused."""
    text = str(value)
    if any(c in text for c in "'\\"[]()"):
        raise ValueError("this character is not accepted here")
    return text
''',
}


@dataclass(slots=True)
class Edit:
    """What a rule wants: the new call, new texts for names, imports and helpers that these need."""

    call: cst.BaseExpression | None = None
    names: dict[str, cst.BaseExpression] = field(default_factory=dict)
    imports: set[str] = field(default_factory=set)
    helpers: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Site:
    """A call to mend: its dotted name, and what the names among its arguments were last given."""

    node: cst.Call
    name: str
    texts: dict[str, cst.BaseExpression]
    source: str
    holder: str = ""

    @property
    def last(self) -> str:
        return self.name.rsplit(".", 1)[-1]

    def text_of(self, node: cst.BaseExpression) -> tuple[str | None, list[Piece] | None]:
        """(the name that holds it or None, the pieces) of an argument that is text, directly or through a name."""
        if isinstance(node, cst.Name) and node.value in self.texts:
            return node.value, pieces(self.texts[node.value])
        return None, pieces(node)


def first(site: Site) -> cst.BaseExpression | None:
    """The call's first positional argument."""
    return next((a.value for a in site.node.args if a.keyword is None and not a.star), None)


def with_first(node: cst.Call, value: cst.BaseExpression) -> cst.Call:
    """The call with another first positional argument."""
    args = list(node.args)
    for index, argument in enumerate(args):
        if argument.keyword is None and not argument.star:
            args[index] = argument.with_changes(value=value)
            break
    return node.with_changes(args=args)


def with_keyword(node: cst.Call, name: str, value: str) -> cst.Call:
    """The call with a keyword set to an expression."""
    args = [a for a in node.args if a.keyword is None or a.keyword.value != name]
    if args:
        args[-1] = args[-1].with_changes(comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(" ")))
    args.append(cst.Arg(cst.parse_expression(value), keyword=cst.Name(name), equal=cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))))
    return node.with_changes(args=args)


def rewritten(site: Site, argument: cst.BaseExpression, parts: list[Piece], holder: str | None, new: cst.BaseExpression) -> Edit:
    """An edit that puts a new text where the old one was: in the call, or where the name was given it."""
    if holder is not None:
        return Edit(call=site.node, names={holder: new})
    return Edit(call=with_first(site.node, new))


def sql(site: Site) -> Edit | None:
    """Put values beside the query and not into it."""
    argument = first(site)
    if site.last not in ("execute", "executemany", "executescript", "raw") or argument is None or len([a for a in site.node.args if a.keyword is None]) > 1:
        return None
    if isinstance(argument, cst.Call) and isinstance(argument.func, cst.Name) and argument.func.value == "text":
        return None
    holder, parts = site.text_of(argument)
    if parts is None or not holes(parts):
        return None
    mark = "%s" if re.search(r"\b(psycopg2?|pymysql|MySQLdb|mysql)\b|django", site.source) else "?"
    bare: set[int] = set()
    texts, values = _parameters(merged(parts), mark, bare)
    if texts is None:
        return None
    query = build(texts, lambda hole: hole)
    given = cst.Tuple([cst.Element(v) for v in values]) if len(values) > 1 else cst.Tuple([cst.Element(values[0], comma=cst.Comma())])
    edit = rewritten(site, argument, parts, holder, query)
    base = edit.call if isinstance(edit.call, cst.Call) else site.node
    args = list(base.args)
    args[0] = args[0].with_changes(comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(" ")))
    edit.call = base.with_changes(args=[args[0], cst.Arg(given), *args[1:]])
    edit.helpers |= {"number"} if bare else set()
    if site.last == "executescript" and isinstance(edit.call.func, cst.Attribute):
        edit.call = edit.call.with_changes(func=edit.call.func.with_changes(attr=cst.Name("execute")))
    return edit


def _parameters(parts: list[Piece], mark: str, bare: set[int]) -> tuple[list[Piece] | None, list[cst.BaseExpression]]:
    """The query with a mark for each hole, and the values; None where a hole stands for a name, a keyword or a list. What stood without quotes is `bare`, a number."""
    out: list[Piece] = []
    values: list[cst.BaseExpression] = []
    index = 0
    while index < len(parts):
        part = parts[index]
        if isinstance(part, str):
            out.append(part)
            index += 1
            continue
        before = "".join(p for p in out if isinstance(p, str))
        after = parts[index + 1] if index + 1 < len(parts) else ""
        if is_setting(part):
            out.append(part)
            index += 1
            continue
        opened = re.search(r"(['\"])([^'\"]*)$", before)
        if opened and before.count(opened.group(1)) % 2 == 1 and isinstance(after, str) and opened.group(1) in after:
            quote = opened.group(1)
            inner, rest = after.split(quote, 1)
            prefix = opened.group(2)
            last = out[-1]
            if not isinstance(last, str):
                return None, []
            out[-1] = last[: len(last) - len(prefix) - 1] + mark
            values.append(build([prefix, part, inner], lambda hole: call("str", hole)) if prefix or inner else part)
            parts = [*parts[: index + 1], rest, *parts[index + 2 :]]
            index += 1
        elif re.search(r"\bIN\s*\([^()]*$", before, re.I) and isinstance(after, str) and after.lstrip().startswith(")"):
            return None, []  # as many values as the text has: one mark would take them for one
        elif re.search(r"(=|<|>|\bIN\s*\(|\bLIKE|\bLIMIT|\bOFFSET|\bBETWEEN|\bAND|VALUES\s*\(.*,|VALUES\s*\(|,|\()\s*$", before, re.I) and not re.search(r"\bORDER\s+BY\b(?!.*\b(LIMIT|OFFSET)\b)[^()]*$|\bSELECT\b(?!.*\bFROM\b)[^()]*$|\bFROM\b\s*$", before, re.I | re.S):
            out.append(mark)
            bare.add(len(values))
            values.append(call("_number", part))
            index += 1
        else:
            return None, []
    return (merged(out), values) if values else (None, [])


def command(site: Site) -> Edit | None:
    """Quote each value for the shell, once, whatever quotes stood around it."""
    argument = first(site)
    if argument is None:
        return None
    if isinstance(argument, (cst.List, cst.Tuple)):
        return _shell_list(site, argument)
    holder, parts = site.text_of(argument)
    if parts is None or not holes(parts):
        return None
    new = _quoted(parts)
    if new is None:
        return None
    edit = rewritten(site, argument, parts, holder, new)
    edit.imports.add("shlex")
    return edit


def _shell_list(site: Site, argument: cst.List | cst.Tuple) -> Edit | None:
    elements = list(argument.elements)
    for index, element in enumerate(elements):
        holder, parts = site.text_of(element.value)
        if index and parts is not None and holes(parts) and holder is None:
            new = _quoted(parts)
            if new is None:
                return None
            elements[index] = element.with_changes(value=new)
            return Edit(call=with_first(site.node, argument.with_changes(elements=elements)), imports={"shlex"})
    return None


def _quoted(parts: list[Piece]) -> cst.BaseExpression | None:
    parts = merged(parts)
    if not isinstance(parts[0], str) or not parts[0].strip():
        return None  # the command itself is the hole: quoting it would not make it harmless
    out: list[Piece] = []
    for index, part in enumerate(parts):
        if isinstance(part, str):
            text = part
            if index and out and not isinstance(out[-1], str) and text[:1] in ("'", '"') and _open_quote(parts[:index]) == text[:1]:
                text = text[1:]
            if index + 1 < len(parts) and text[-1:] in ("'", '"') and not is_setting(holes([parts[index + 1]])[0]):
                following = parts[index + 2] if index + 2 < len(parts) else ""
                if isinstance(following, str) and following[:1] == text[-1:]:
                    text = text[:-1]
                else:
                    return None
            out.append(text)
        else:
            out.append(part)
    return build(out, lambda hole: hole if is_setting(hole) else call("shlex.quote", call("str", hole)))


def _open_quote(parts: list[Piece]) -> str:
    fixed = [p for p in parts if isinstance(p, str)]
    return fixed[-1][-1:] if fixed else ""


def path(site: Site) -> Edit | None:
    """Refuse a path that leaves the directory that the program put in front of it."""
    argument = first(site)
    target = argument
    as_receiver = False
    of_a_path = site.last in ("read_text", "read_bytes", "write_text", "write_bytes", "is_file") or (site.last in ("exists", "open") and site.name.split(".")[0] not in ("os", "io", "codecs", "builtins", "aiofiles", "gzip", "path"))
    if of_a_path and isinstance(site.node.func, cst.Attribute):
        target, as_receiver = site.node.func.value, True
    if target is None or isinstance(target, (cst.Integer, cst.SimpleString)) or is_setting(target) or (isinstance(target, cst.Call) and dotted(target.func).rsplit(".", 1)[-1] in ("read_text", "read_bytes", "read", "open")):
        return None  # no path that the request has a say in
    shown = site.texts.get(target.value, target) if isinstance(target, cst.Name) else target
    base = _base_of(shown)
    if isinstance(target, cst.Name) and base is not None and len(re.findall(rf"\b{target.value}\s*=[^=]", site.holder)) == 1 and re.search(rf"\b{target.value}\.(is_file|exists|is_dir|stat)\(|\b(isfile|exists|isdir|getsize|stat)\({target.value}\b", site.holder):
        # It is asked whether the file is there before it is opened: already that has to stay within.
        return Edit(call=site.node, names={target.value: call("_confined", base, shown)}, helpers={"confined"})
    here = base is None
    if base is None:
        base = call("os.getcwd")
    guarded = call("_confined", base, target)
    if as_receiver:
        function = site.node.func
        new: cst.Call = site.node.with_changes(func=function.with_changes(value=guarded)) if isinstance(function, cst.Attribute) else site.node
    else:
        new = with_first(site.node, guarded)
    return Edit(call=new, helpers={"confined"}, imports={"os"} if here else set())


def _base_of(node: cst.BaseExpression) -> cst.BaseExpression | None:
    """The directory in front of the hole: the first part of a join, of a sum of texts or of a division of paths."""
    if isinstance(node, cst.Call):
        name = dotted(node.func)
        if name.rsplit(".", 1)[-1] in ("join", "joinpath", "Path", "PurePath", "abspath", "normpath", "realpath", "str") and node.args:
            inner = node.args[0].value
            if len(node.args) > 1 and name.rsplit(".", 1)[-1] != "joinpath":
                kept = [a for a in node.args[:-1]]
                kept[-1] = kept[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
                return kept[0].value if len(kept) == 1 else node.with_changes(args=kept)
            if name.rsplit(".", 1)[-1] == "joinpath" and isinstance(node.func, cst.Attribute):
                return node.func.value
            return _base_of(inner)
    if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Divide):
        return node.left
    parts = pieces(node)
    if parts is None:
        return None
    parts = merged(parts)
    lead: list[Piece] = []
    for index, part in enumerate(parts):
        if not isinstance(part, str) and not is_setting(part) and index > 0:
            break
        if not isinstance(part, str) and index == 0 and len(parts) > 1 and isinstance(parts[1], str) and parts[1].startswith("/") and len(parts) > 2:
            lead.append(part)
            continue
        if not isinstance(part, str) and not is_setting(part):
            return None
        lead.append(part)
    if not lead or len(lead) == len(parts):
        return None
    if isinstance(lead[-1], str):
        cut = lead[-1].rfind("/")
        if cut < 0 and len(lead) == 1:
            return None
        lead[-1] = lead[-1][: cut + 1] if cut >= 0 else lead[-1]
    return build(lead, lambda hole: call("str", hole) if len(lead) > 1 else hole)


def filename(site: Site) -> Edit | None:
    """Save an upload under the last part of its name only, within the directory that was meant."""
    return path(site)


def archive(site: Site) -> Edit | None:
    """Let tarfile refuse members that leave the directory."""
    if site.last in ("extractall", "extract") and "tarfile" in site.source:
        return Edit(call=with_keyword(site.node, "filter", '"data"'))
    return path(site) if site.last in ("open", "write_bytes") else None


def xss(site: Site) -> Edit | None:
    """Escape each value on its way into markup."""
    if site.last in ("render_template_string", "from_string", "Template"):
        return template(site)
    if site.last in ("Markup", "mark_safe") and first(site) is not None:
        argument = first(site)
        holder, parts = site.text_of(argument) if argument is not None else (None, None)
        if parts is not None and holes(parts):
            edit = rewritten(site, argument, parts, holder, build(parts, _escaped))  # type: ignore[arg-type]
            edit.imports.add("html")
            return edit
        return Edit(call=with_first(site.node, _escaped(argument)), imports={"html"}) if argument is not None else None
    argument = first(site)
    if argument is None:
        return None
    holder, parts = site.text_of(argument)
    if parts is None or not holes(parts):
        return None
    edit = rewritten(site, argument, parts, holder, build(parts, _escaped))
    edit.imports.add("html")
    return edit


def _escaped(hole: cst.BaseExpression) -> cst.BaseExpression:
    return hole if is_setting(hole) or (isinstance(hole, cst.Call) and dotted(hole.func).rsplit(".", 1)[-1] in ("escape", "html_escape")) else call("html.escape", call("str", hole))


def template(site: Site) -> Edit | None:
    """Hand the value to the template and do not make it part of the template."""
    if site.last not in ("render_template_string", "from_string", "Template"):
        return None
    argument = first(site)
    if argument is None:
        return None
    holder, parts = site.text_of(argument)
    if parts is None or not holes(parts):
        return None
    given: list[tuple[str, cst.BaseExpression]] = []

    def variable(hole: cst.BaseExpression) -> cst.BaseExpression:
        given.append((f"value_{len(given) + 1}", hole))
        return cst.SimpleString(repr("{{ " + given[-1][0] + "|e }}"))

    text = build(parts, variable)
    folded = pieces(text)
    text = build(folded, lambda hole: hole) if folded is not None else text
    edit = rewritten(site, argument, parts, holder, text)
    if site.last == "render_template_string" and isinstance(edit.call, cst.Call):
        node = edit.call
        for name, value in given:
            node = with_keyword(node, name, cst.Module([]).code_for_node(value))
        edit.call = node
        return edit
    edit.names["«render»"] = cst.Dict([cst.DictElement(cst.SimpleString(repr(n)), v) for n, v in given])
    return edit


def code(site: Site) -> Edit | None:
    """Evaluate literals and arithmetic, and nothing else."""
    if site.name not in ("eval", "builtins.eval") or first(site) is None:
        return None
    argument = first(site)
    return Edit(call=call("_evaluate", argument), helpers={"arithmetic"}) if argument is not None else None


def deserialise(site: Site) -> Edit | None:
    """Decode plain data only."""
    argument = first(site)
    if argument is None:
        return None
    owner = site.name.rsplit(".", 1)[0]
    if "yaml" in owner and site.last in ("load", "unsafe_load", "full_load", "load_all", "unsafe_load_all"):
        new = "safe_load_all" if site.last.endswith("_all") else "safe_load"
        return Edit(call=call(f"{owner}.{new}", argument))
    if site.last == "loads" and owner in ("pickle", "cPickle", "dill", "_pickle", "cloudpickle"):
        return Edit(call=call("_load_plain", argument), helpers={"plain_pickle"})
    if site.last == "load" and owner in ("pickle", "cPickle", "dill"):
        return Edit(call=call("_load_plain", cst.Call(cst.Attribute(argument, cst.Name("read")))), helpers={"plain_pickle"})
    if owner == "jsonpickle" and site.last in ("decode", "loads"):
        return Edit(call=call("json.loads", argument), imports={"json"})
    return None


def redirect(site: Site) -> Edit | None:
    """Follow only addresses of this site."""
    if site.last not in ("redirect", "RedirectResponse", "HttpResponseRedirect", "HTTPFound", "HTTPSeeOther"):
        return None
    argument = first(site)
    host = _own_host(site)
    if argument is None:
        for keyword in site.node.args:
            if keyword.keyword is not None and keyword.keyword.value in ("url", "location"):
                args = [a.with_changes(value=call("_local_target", a.value, *host)) if a is keyword else a for a in site.node.args]
                return Edit(call=site.node.with_changes(args=args), helpers={"local"})
        return None
    return Edit(call=with_first(site.node, call("_local_target", argument, *host)), helpers={"local"})


def _own_host(site: Site) -> list[cst.BaseExpression]:
    """How the code at hand asks for the site's own host, where that is known."""
    if re.search(r"from (flask|bottle|quart) import [^\n]*\brequest\b", site.source):
        return [cst.parse_expression("request.host" if "bottle" not in site.source else "request.urlparts.netloc")]
    if re.search(r"\bdef \w+\((self, )?request\b", site.holder):
        known = {"django": "request.get_host()", "starlette": "request.url.netloc", "fastapi": "request.url.netloc", "aiohttp": "request.host"}
        return [cst.parse_expression(text) for name, text in known.items() if re.search(rf"^(from|import) {name}\b", site.source, re.M)][:1]
    return []


def ssrf(site: Site) -> Edit | None:
    """Fetch only from hosts outside this network."""
    argument = first(site)
    if argument is None or site.last not in ("get", "post", "put", "head", "delete", "urlopen", "request", "urlretrieve", "fetch", "stream"):
        return None
    if site.last in ("request", "stream"):
        positional = [a for a in site.node.args if a.keyword is None]
        if len(positional) < 2:
            return None
        args = [a.with_changes(value=call("_public_url", a.value)) if a is positional[1] else a for a in site.node.args]
        return _followed(site, site.node.with_changes(args=args))
    if site.last == "urlopen":
        return Edit(call=site.node.with_changes(func=cst.Name("_open_public")), helpers={"public", "opened"})
    return _followed(site, with_first(site.node, call("_public_url", argument)))


def _followed(site: Site, node: cst.Call) -> Edit:
    """The call that looks at each address which it is led on to, where the library follows by itself and can be asked to."""
    if site.name.split(".")[0] == "requests" and not any(a.keyword is not None and a.keyword.value in ("hooks", "allow_redirects") for a in node.args):
        return Edit(call=with_keyword(node, "hooks", '{"response": _public_on}'), helpers={"public", "followed"})
    return Edit(call=node, helpers={"public"})


def xml(site: Site) -> Edit | None:
    """Parse without external entities."""
    if site.last == "setFeature" and len(site.node.args) == 2 and "external" in cst.Module([]).code_for_node(site.node.args[0].value):
        return Edit(call=site.node.with_changes(args=[site.node.args[0], site.node.args[1].with_changes(value=cst.Name("False"))]))
    if site.last == "XMLParser":
        node = site.node
        for name, value in (("resolve_entities", "False"), ("no_network", "True"), ("load_dtd", "False"), ("dtd_validation", "False")):
            node = with_keyword(node, name, value)
        return Edit(call=node)
    if site.last in ("fromstring", "parse", "XML", "iterparse") and "lxml" in site.source and site.name.count("."):
        owner = site.name.rsplit(".", 1)[0]
        if any(a.keyword is not None and a.keyword.value == "parser" for a in site.node.args) or len(site.node.args) > 1:
            return None
        return Edit(call=with_keyword(site.node, "parser", f"{owner}.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)"))
    return None


_PASSWORD = re.compile(r"passw|passwd|\bpwd|passphrase", re.I)


def weak_hash(site: Site) -> Edit | None:
    """A digest that is not known to be broken; for passwords one that is made to be slow, or none at all."""
    outer = site.node.func
    if site.last in ("hexdigest", "digest") and isinstance(outer, cst.Attribute) and isinstance(outer.value, cst.Call):
        inner = outer.value
        given = [a.value for a in inner.args if a.keyword is None]
        if dotted(inner.func).rsplit(".", 1)[-1] in ("md5", "sha1") and len(given) == 1 and _PASSWORD.search(cst.Module([]).code_for_node(given[0])):
            slow = call("_password_digest", given[0])
            return Edit(call=slow if site.last == "hexdigest" else call("bytes.fromhex", slow), helpers={"password"})
        return None
    if any(_PASSWORD.search(cst.Module([]).code_for_node(a)) for a in site.node.args[site.last == "new" :]) or (len(site.node.args) == (site.last == "new") and _PASSWORD.search(site.holder)):
        return None
    if site.last in ("md5", "sha1") and isinstance(site.node.func, cst.Attribute):
        return Edit(call=site.node.with_changes(func=site.node.func.with_changes(attr=cst.Name("sha256"))))
    if site.last == "new" and isinstance(first(site), cst.SimpleString):
        return Edit(call=with_first(site.node, cst.SimpleString("'sha256'")))
    return None


def weak_random(site: Site) -> Edit | None:
    """The same function of the operating system's generator."""
    if site.name.startswith("random.") and site.name.count(".") == 1 and isinstance(site.node.func, cst.Attribute):
        return Edit(call=site.node.with_changes(func=cst.Attribute(call("random.SystemRandom"), site.node.func.attr)))
    return None


_CLOCK = re.compile(r"\b(time|time_ns|now|utcnow|today|timestamp)\(")


def clock(site: Site) -> Edit | None:
    """A key from the operating system's generator instead of one that follows from the clock."""
    text = cst.Module([]).code_for_node(site.node)
    if not _CLOCK.search(text) or site.last not in ("hexdigest", "str", "hex", "format"):
        return None
    return Edit(call=call("secrets.token_hex", cst.Integer("32")), imports={"secrets"})


def nosql(site: Site) -> Edit | None:
    """Pass on values to the document database, never operators."""
    for argument in site.node.args:
        given, holder = argument.value, None
        if isinstance(given, cst.Name) and isinstance(site.texts.get(given.value), cst.Dict):
            given, holder = site.texts[given.value], given.value
        if not isinstance(given, cst.Dict) or site.last not in _QUERIES:
            continue
        plain = (cst.SimpleString, cst.Integer, cst.Float, cst.Dict, cst.List)
        elements = [e.with_changes(value=call("_no_operator", e.value)) if isinstance(e, cst.DictElement) and not isinstance(e.value, plain) else e for e in given.elements]
        new = given.with_changes(elements=elements)
        edit = Edit(call=site.node, names={holder: new}) if holder else Edit(call=site.node.with_changes(args=[a.with_changes(value=new) if a is argument else a for a in site.node.args]))
        edit.helpers.add("no_operator")
        return edit
    return None


_QUERIES = frozenset("find find_one find_one_and_update find_one_and_replace find_one_and_delete update_one update_many replace_one delete_one delete_many count_documents distinct remove count update".split())


def cookie(site: Site) -> Edit | None:
    """Send the cookie over encrypted connections only."""
    return Edit(call=with_keyword(site.node, "secure", "True")) if site.last in ("set_cookie", "set_signed_cookie") else None


def cookie_script(site: Site) -> Edit | None:
    """Keep the cookie from scripts."""
    return Edit(call=with_keyword(site.node, "httponly", "True")) if site.last in ("set_cookie", "set_signed_cookie") else None


def ldap(site: Site) -> Edit | None:
    """Escape each value for the filter."""
    for argument in site.node.args:
        holder, parts = site.text_of(argument.value)
        if parts is None or not holes(parts) or "(" not in "".join(p for p in parts if isinstance(p, str)):
            continue
        escape = "ldap3.utils.conv.escape_filter_chars" if "ldap3" in site.source else "ldap.filter.escape_filter_chars"
        new = build(parts, lambda hole: hole if is_setting(hole) else call(escape, call("str", hole)))
        edit = Edit(call=site.node, names={holder: new}) if holder else Edit(call=site.node.with_changes(args=[a.with_changes(value=new) if a is argument else a for a in site.node.args]))
        edit.imports.add(escape.rsplit(".", 1)[0])
        return edit
    return None


def xpath(site: Site) -> Edit | None:
    """Refuse quotes and brackets in a value that goes between quotes."""
    for argument in site.node.args:
        holder, parts = site.text_of(argument.value)
        if parts is None or not holes(parts):
            continue
        new = build(parts, lambda hole: hole if is_setting(hole) else call("_xpath_word", hole))
        edit = Edit(call=site.node, names={holder: new}) if holder else Edit(call=site.node.with_changes(args=[a.with_changes(value=new) if a is argument else a for a in site.node.args]))
        edit.helpers.add("xpath_word")
        return edit
    return None


def header(site: Site) -> Edit | None:
    """Keep a header's value on its line."""
    positional = [a for a in site.node.args if a.keyword is None and not a.star]
    if site.last not in ("send_header", "add_header", "set_header") or len(positional) < 2:
        return None
    args = [a.with_changes(value=call("_one_line", a.value)) if a is positional[1] else a for a in site.node.args]
    return Edit(call=site.node.with_changes(args=args), helpers={"one_line"})


def log(site: Site) -> Edit | None:
    """Keep what is logged on one line."""
    if site.last not in ("debug", "info", "warning", "warn", "error", "critical", "exception", "log", "write"):
        return None
    argument = first(site)
    if argument is None:
        return None
    holder, parts = site.text_of(argument)
    rest = [a for a in site.node.args[1:] if a.keyword is None and not a.star]
    if parts is not None and holes(parts):
        edit = rewritten(site, argument, parts, holder, build(parts, lambda hole: hole if is_setting(hole) else call("_one_line", hole)))
    elif rest:
        edit = Edit(call=site.node.with_changes(args=[a.with_changes(value=call("_one_line", a.value)) if a in rest else a for a in site.node.args]))
    else:
        return None
    edit.helpers.add("one_line")
    return edit


RULES = {
    "sql": sql, "command": command, "path": path, "filename": filename, "archive": archive, "xss": xss, "stored-xss": xss, "template": template, "code": code, "deserialise": deserialise, "redirect": redirect,
    "ssrf": ssrf, "header": header, "log": log, "xml": xml, "hash": weak_hash, "random": weak_random, "cookie": cookie, "cookie-script": cookie_script, "ldap": ldap, "xpath": xpath, "clock": clock,
    "nosql": nosql,
}  # fmt: skip


def dotted(node: cst.BaseExpression) -> str:
    """The dotted name of a called expression, as far as it has one."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        return f"{dotted(node.value)}.{node.attr.value}"
    if isinstance(node, cst.Call):
        return dotted(node.func) + "()"
    return "?"
