"""Other spellings of what the language has: each is rewritten to it before anything is checked, and means the same (G3.1).

Nothing here knows values or labels: what is left is the core language, with its rules. A spelling that could evaluate a part
twice, not at all or in another order is left as it stands, and refused there.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from copy import deepcopy
from string import Formatter

SPELLED = re.compile(  # a plan without any of these is left as it is
    r"\b(?:assert|del)\b|\*\*|\b(?:key|sep)\s*=|\b(?:map|filter|type)\s*\(|\bprint\s*\(\s*\*|\.\s*(?:format|setdefault|pop|min|max|inf)\b"
)
SPELLED_WITH = ("assert", "del", "**", "key", "sep", "map", "filter", "type", "print", "format", "setdefault", "pop", "min", "max", "inf")
TAKES_GENERATOR = frozenset({"sum", "any", "all", "min", "max", "sorted", "list", "set", "tuple", "dict", "next", "enumerate"})
METHODS_TAKING_GENERATOR = frozenset({"join", "extend", "update"})
CHANGING = frozenset({"append", "extend", "insert", "add", "update"})
PURE = frozenset({"len", "str", "int", "float", "bool", "abs", "round", "min", "max", "sum", "any", "all", "sorted"})
EXACT_TYPES = frozenset({"str", "float", "bool", "list", "tuple", "dict", "set", "datetime", "time", "timedelta"})  # no other type is one too
CONSTANTS = {
    "datetime.min": "datetime(1, 1, 1)", "datetime.max": "datetime(9999, 12, 31, 23, 59, 59, 999999)", "date.min": "date(1, 1, 1)",
    "date.max": "date(9999, 12, 31)", "math.inf": 'float("inf")',
}  # fmt: skip
TABLE = (
    ('`"{} of {n:.2f}".format(x, n=y)`', '`f"{x} of {y:.2f}"`', "the text is written out; fields are bare, by place or by name"),
    ("`map(f, xs)`, `filter(lambda x: t, xs)`", "`[f(x) for x in xs]`, `[x for x in xs if t]`", "in a loop's head, or as the one list of a function or `join`"),
    ("`key=d.get`, `key=str.lower`", "`key=lambda x: d.get(x)`, `key=lambda x: x.lower()`", ""),
    ("`assert t, \"…\"`", "`if not t: raise AssertionError(\"…\")`", ""),
    ("`{**a, k: v}`", "`a | {k: v}`", ""),
    ("`d.setdefault(k, [])`, `d.setdefault(k, []).append(x)`", "`if k not in d: d[k] = []`, then `d[k].append(x)`", "on a line of its own, on a name"),
    ("`type(x) == str`", "`isinstance(x, str)`", "not for int and date, which bool and datetime are too"),
    ("`print(a, b, sep=\", \")`, `print(*xs)`", "`print(f\"{a}, {b}\")`, `print(\" \".join([str(x) for x in xs]))`", "the text is written out"),
    ("`x = xs.pop(0)`, `del d[k]`", "`x = xs[0]`, then `xs.pop(0)` on a line of its own", ""),
    ("`datetime.min`, `datetime.max`, `math.inf`", "`datetime(1, 1, 1)`, …", ""),
)  # fmt: skip


def spelled_out(tree: ast.Module, source: str) -> bool:
    """Rewrite the tree in place; whether anything in the source asked for it."""
    if not any(word in source for word in SPELLED_WITH) or SPELLED.search(source) is None:
        return False
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    _Spelling(names, stored).visit(tree)
    ast.fix_missing_locations(tree)
    return True


class _Spelling(ast.NodeTransformer):
    def __init__(self, names: set[str], stored: set[str]) -> None:
        self.names, self.stored = names, stored

    def fresh(self) -> str:
        """A name that the plan does not have."""
        name = next(f"_{number}" for number in range(len(self.names) + 1) if f"_{number}" not in self.names)
        self.names.add(name)
        return name

    def builtin(self, node: ast.AST, *names: str) -> bool:
        return isinstance(node, ast.Name) and node.id in names and node.id not in self.stored

    # ------------------------------------------------------------------------------------------ statements

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        self.generic_visit(node)
        error = ast.Call(ast.Name("AssertionError", ast.Load()), [node.msg] if node.msg else [], [])
        return _at(ast.If(ast.UnaryOp(ast.Not(), node.test), [ast.Raise(error)], []), node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.AST]:
        self.generic_visit(node)
        call = node.value
        after = None
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in CHANGING:
            call, after = call.func.value, call
        match call:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="setdefault"), args=[key, value], keywords=[]):
                return [_at(statement, node) for statement in self.set_default(name, key, value, after)]
        return node

    def set_default(self, name: str, key: ast.expr, value: ast.expr, after: ast.Call | None) -> Iterator[ast.stmt]:
        """`d.setdefault(k, v)` with key and value evaluated once, and then the change of `d[k]`, if any."""
        held = self.fresh()
        yield ast.Assign([ast.Name(held, ast.Store())], key)
        if not isinstance(value, (ast.Constant, ast.List, ast.Dict, ast.Set, ast.Call)) or _has_call(value, but=("list", "dict", "set")):
            yield ast.Assign([ast.Name(kept := self.fresh(), ast.Store())], value)
            value = _read(kept)
        put = ast.Assign([ast.Subscript(_read(name), _read(held), ast.Store())], value)
        yield ast.If(ast.Compare(_read(held), [ast.NotIn()], [_read(name)]), [put], [])
        if after is not None:
            after.func.value = ast.Subscript(_read(name), _read(held), ast.Load())  # type: ignore[attr-defined]
            yield ast.Expr(after)

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.AST]:
        """`x = xs.pop(0)` as a reading and a change."""
        self.generic_visit(node)
        match node:
            case ast.Assign(targets=[ast.Name(id=to)], value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="pop"), args=args, keywords=[])):
                if to == name or any(not isinstance(arg, (ast.Constant, ast.Name)) and not _is_number(arg) for arg in args) or len(args) > 2:
                    return node
                key = args[0] if args else ast.Constant(-1)
                if len(args) == 2:
                    node.value = ast.Call(ast.Attribute(_read(name), "get", ast.Load()), [deepcopy(key), deepcopy(args[1])], [])
                else:
                    node.value = ast.Subscript(_read(name), deepcopy(key), ast.Load())
                change = ast.Expr(ast.Call(ast.Attribute(_read(name), "pop", ast.Load()), args, []))
                _at(node.value, node)
                return [node, _at(change, node)]
        return node

    def visit_Delete(self, node: ast.Delete) -> ast.AST | list[ast.AST]:
        """`del d[k]` as `d.pop(k)`."""
        self.generic_visit(node)
        made = []
        for target in node.targets:
            match target:
                case ast.Subscript(value=ast.Name(id=name), slice=key) if not isinstance(key, ast.Slice):
                    made.append(_at(ast.Expr(ast.Call(ast.Attribute(_read(name), "pop", ast.Load()), [key], [])), node))
                case _:
                    return node
        return made

    def visit_For(self, node: ast.For | ast.comprehension) -> ast.AST:
        self.generic_visit(node)
        made = self.comprehension(node.iter, lazy=True)
        if made is not None:
            node.iter = _at(ast.ListComp(*made), node.iter)
        return node

    visit_comprehension = visit_For  # type: ignore[assignment]

    # ------------------------------------------------------------------------------------------ expressions

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        func = node.func
        attr = func.attr if isinstance(func, ast.Attribute) else ""
        if attr == "format" and isinstance(func.value, ast.Constant) and isinstance(func.value.value, str):
            return _formatted(node, func.value.value) or node
        if node.args and (self.builtin(func, *TAKES_GENERATOR) or attr in METHODS_TAKING_GENERATOR):
            made = self.comprehension(node.args[0]) if len(node.args) <= (2 if self.builtin(func, "next") else 1) else None
            if made is not None:
                node.args[0] = _at(ast.GeneratorExp(*made), node.args[0])
        if self.builtin(func, "print"):
            return _separated(node)
        if self.builtin(func, "sorted", "min", "max") or attr == "sort":
            for keyword in node.keywords:
                if keyword.arg == "key":
                    keyword.value = self.key(keyword.value)
        return node

    def comprehension(self, node: ast.AST, lazy: bool = False) -> tuple[ast.expr, list[ast.comprehension]] | None:
        """`map(f, xs)` and `filter(f, xs)` as what a comprehension is made of; `lazy` where Python makes one element a turn."""
        if not (isinstance(node, ast.Call) and self.builtin(node.func, "map", "filter") and len(node.args) == 2 and not node.keywords):
            return None
        function, listed = node.args
        if isinstance(function, ast.Lambda) and len(function.args.args) == 1 and not function.args.defaults:
            name, made = function.args.args[0].arg, function.body
        else:
            name = self.fresh()
            made = self.applied(function, ast.Name(name, ast.Load()))
        if made is None or (lazy and not _surely_pure(made, name)):
            return None
        target = ast.Name(name, ast.Store())
        if node.func.id == "map":  # type: ignore[attr-defined]
            return made, [ast.comprehension(target, listed, [], 0)]
        return ast.Name(name, ast.Load()), [ast.comprehension(target, listed, [made], 0)]

    def applied(self, function: ast.expr, argument: ast.expr) -> ast.expr | None:
        """`function(argument)` for a function by name, `str.lower`, or None (the argument itself)."""
        if isinstance(function, ast.Constant) and function.value is None:
            return argument
        if isinstance(function, ast.Attribute) and self.builtin(function.value, "str"):
            return ast.Call(ast.Attribute(argument, function.attr, ast.Load()), [], [])
        return ast.Call(function, [argument], []) if isinstance(function, ast.Name) and function.id not in self.stored else None

    def key(self, node: ast.expr) -> ast.expr:
        if not (isinstance(node, ast.Attribute) and (node.attr == "get" or self.builtin(node.value, "str"))) or _has_call(node):
            return node
        name = self.fresh()
        read = ast.Name(name, ast.Load())
        body = ast.Call(node, [read], []) if node.attr == "get" else self.applied(node, read)
        taken = ast.arguments(posonlyargs=[], args=[ast.arg(name)], kwonlyargs=[], kw_defaults=[], defaults=[])
        return _at(ast.Lambda(taken, body), node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        match node:
            case ast.Compare(left=ast.Call(func=of, args=[value], keywords=[]), ops=[ast.Eq() | ast.NotEq() | ast.Is() | ast.IsNot() as op], comparators=[kind]):
                if self.builtin(of, "type") and self.builtin(kind, *EXACT_TYPES):
                    test = _at(ast.Call(ast.Name("isinstance", ast.Load()), [value, kind], []), node)
                    return test if isinstance(op, (ast.Eq, ast.Is)) else _at(ast.UnaryOp(ast.Not(), test), node)
        return node

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        """`{**a, k: v}` as a chain of `|`: a later key wins in both."""
        self.generic_visit(node)
        if None not in node.keys:
            return node
        parts: list[ast.expr] = [ast.Dict([], [])]  # makes it a new dict, and a fault where a part is none
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                parts += [value, ast.Dict([], [])]
            else:
                parts[-1].keys.append(key)  # type: ignore[attr-defined]
                parts[-1].values.append(value)  # type: ignore[attr-defined]
        made = parts[0]
        for part in parts[1:]:
            if not (isinstance(part, ast.Dict) and not part.keys):
                made = ast.BinOp(made, ast.BitOr(), part)
        return _at(made, node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        constant = CONSTANTS.get(f"{node.value.id}.{node.attr}") if isinstance(node.value, ast.Name) and node.value.id not in self.stored else None
        if not constant or not isinstance(node.ctx, ast.Load):
            return node
        made = ast.parse(constant, mode="eval").body
        for new in ast.walk(made):
            ast.copy_location(new, node)
        return made


def _read(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant)


def _surely_pure(node: ast.expr, own: str) -> bool:
    """Whether no call in it can be one of a tool: methods of the element, and functions of the language."""
    for call in (n for n in ast.walk(node) if isinstance(n, ast.Call)):
        root: ast.AST = call
        while isinstance(root, (ast.Attribute, ast.Call, ast.Subscript)):
            root = root.func if isinstance(root, ast.Call) else root.value
        known = PURE if isinstance(call.func, ast.Name) else {own, *PURE}
        if not isinstance(root, ast.Constant) and not (isinstance(root, ast.Name) and root.id in known):
            return False
    return True


def _at(node: ast.AST, where: ast.AST) -> ast.AST:
    """The node and all that is new in it, standing where the old one stood."""
    for new in ast.walk(node):
        if "lineno" in new._attributes and not hasattr(new, "lineno"):
            ast.copy_location(new, where)
    return node if hasattr(node, "lineno") else ast.copy_location(node, where)


def _has_call(node: ast.AST, but: tuple[str, ...] = ()) -> bool:
    return any(isinstance(n, ast.Call) and not (isinstance(n.func, ast.Name) and n.func.id in but and not n.args) for n in ast.walk(node))


def _separated(node: ast.Call) -> ast.AST:
    """`print(a, b, sep="…")` and `print(*xs)` as one text."""
    between = next((k.value for k in node.keywords if k.arg == "sep"), ast.Constant(" "))
    if not (isinstance(between, ast.Constant) and isinstance(between.value, str)):
        return node
    node.keywords = [k for k in node.keywords if k.arg != "sep"]
    match node.args:
        case [ast.Starred(value=listed)]:
            name = ast.comprehension(ast.Name("_", ast.Store()), listed, [], 0)
            texts = ast.ListComp(ast.Call(_read("str"), [_read("_")], []), [name])
            node.args = [_at(ast.Call(ast.Attribute(between, "join", ast.Load()), [texts], []), node)]
        case [_, _, *_] if between.value != " " and not any(isinstance(a, ast.Starred) for a in node.args):
            parts: list[ast.expr] = []
            for argument in node.args:
                parts += [*([ast.Constant(between.value)] if parts else []), ast.FormattedValue(argument, -1, None)]
            node.args = [_at(ast.JoinedStr(parts), node)]
    return node


def _formatted(node: ast.Call, text: str) -> ast.AST | None:
    """`"… {} …".format(x)` as an f-string; None where a field looks into its argument, or one is left out or not evaluated once."""
    given: dict[str, ast.expr] = {str(number): argument for number, argument in enumerate(node.args)}
    given.update((keyword.arg or "**", keyword.value) for keyword in node.keywords)
    if "**" in given or any(isinstance(argument, ast.Starred) for argument in node.args):
        return None
    order: list[str] = []
    parts: list[ast.expr] = []
    counted, numbered = 0, False
    try:
        for before, name, spec, conversion in Formatter().parse(text):
            if before:
                parts.append(ast.Constant(before))
            if name is None:
                continue
            if name == "":
                name, counted = str(counted), counted + 1
            elif name.isdigit():
                numbered = True
            if name not in given or "{" in (spec or "") or (counted and numbered):  # Python does not mix the two
                return None
            order.append(name)
            shown = ast.JoinedStr([ast.Constant(spec)]) if spec else None
            parts.append(ast.FormattedValue(given[name], ord(conversion) if conversion else -1, shown))
    except ValueError:
        return None
    if set(order) != set(given):
        return None
    if order != list(given):
        if any(_has_call(argument) for argument in given.values()):
            return None
        for part in parts:
            if isinstance(part, ast.FormattedValue):
                part.value = deepcopy(part.value)
    return _at(ast.JoinedStr(parts), node)

