"""The plan language's accepted syntax in one table; `parse` gives a Plan or a located error with a rewrite (G3.1)."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from discreet.kernel.errors import PlanError, Span
from discreet.kernel.spelling import spelled_out

PLAN_CHARS_MAX = 20_000
PLAN_NODES_MAX = 4_000
PLAN_DEPTH_MAX = 40  # nesting of syntax nodes
LITERAL_INT_MAX = 10**15
FORMAT_WIDTH_MAX = 1_000  # characters of a width or precision in an f-string
FORMAT_CHARS_MAX = 100  # of a format itself

ACCEPTED: frozenset[type[ast.AST]] = frozenset(
    {
        # statements
        ast.Module, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr, ast.If, ast.For, ast.Break, ast.Continue,
        ast.Pass, ast.Raise,
        # expressions
        ast.Constant, ast.Name, ast.Attribute, ast.Subscript, ast.Slice, ast.Call, ast.keyword, ast.BinOp, ast.UnaryOp,
        ast.BoolOp, ast.Compare, ast.IfExp, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.ListComp, ast.SetComp,
        ast.DictComp, ast.GeneratorExp, ast.Starred, ast.comprehension, ast.JoinedStr, ast.FormattedValue, ast.Lambda, ast.arguments,
        ast.arg,
        # operators and contexts
        ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.BitOr, ast.BitAnd, ast.BitXor, ast.Not, ast.USub, ast.UAdd, ast.And,
        ast.Or, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot, ast.Load,
        ast.Store,
    }
)  # fmt: skip

REFUSED: dict[type[ast.AST], tuple[str, str]] = {
    ast.Import: ("there is no import", "leave the line out: dates, `math.floor` and the other functions are built in"),
    ast.ImportFrom: ("there is no import", "leave the line out: dates, `math.floor` and the other functions are built in"),
    ast.FunctionDef: ("there is no `def`", "write the steps where they are needed, or loop over the cases"),
    ast.AsyncFunctionDef: ("there is no `def`", "write the steps where they are needed"),
    ast.ClassDef: ("there is no `class`", "use the records that tools return, a dict, or a schema for `read`"),
    ast.While: ("there is no `while`", "use `for i in range(20):` with a `break`"),
    ast.Try: ("there is no `try`", "a failed call is a value: use `default(x, y)` or test `x.ok`"),
    ast.With: ("there is no `with`", "call the tool and use its result"),
    ast.AsyncWith: ("there is no `with`", "call the tool and use its result"),
    ast.AsyncFor: ("there is no `async for`", "use `for`"),
    ast.Await: ("there is no `await`", "call the tool directly"),
    ast.Return: ("there is no `return`", "use `print(…)` to tell the user"),
    ast.Yield: ("there is no `yield`", "build a list"),
    ast.YieldFrom: ("there is no `yield`", "build a list"),
    ast.Delete: ("there is no `del` of a name", "leave the line out: a name that is not used says nothing"),
    ast.Global: ("there is no `global`", "every name of a plan is in one scope"),
    ast.Nonlocal: ("there is no `nonlocal`", "every name of a plan is in one scope"),
    ast.NamedExpr: ("there is no `:=`", "assign on a line of its own"),
    ast.Match: ("there is no `match`", "use `if … elif … else`"),
    ast.MatMult: ("there is no `@` operator", "use arithmetic on numbers"),
    ast.LShift: ("there is no `<<`", "use `*`"),
    ast.RShift: ("there is no `>>`", "use `//`"),
    ast.Invert: ("there is no `~`", "use `not`"),
}  # fmt: skip
if hasattr(ast, "TryStar"):
    REFUSED[ast.TryStar] = REFUSED[ast.Try]
if hasattr(ast, "TypeAlias"):
    REFUSED[ast.TypeAlias] = ("there is no `type`", "leave the line out")


@dataclass(frozen=True, slots=True)
class Plan:
    """A parsed plan: accepted syntax only; names and tools are not checked yet. Its nodes stand level by level."""

    source: str
    tree: ast.Module
    nodes: tuple[ast.AST, ...]
    parents: Mapping[ast.AST, ast.AST]


def span_of(node: ast.AST) -> Span:
    """Where a node stands, line and column from 1; made once, as every operation on it carries it."""
    span = node.__dict__.get("span")
    if span is None:
        span = node.span = Span(getattr(node, "lineno", 0), getattr(node, "col_offset", -1) + 1)  # type: ignore[attr-defined]
    return span


def parse(source: str) -> Plan:
    """Parse a plan. Raises PlanError with line, column and a rewrite on anything outside the table."""
    if len(source) > PLAN_CHARS_MAX:
        raise PlanError(f"the plan has {len(source)} characters; at most {PLAN_CHARS_MAX} are accepted", Span(1, 1))
    if "\x00" in source:
        raise PlanError("the plan holds a null character", Span(1, 1))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # what Python finds odd is no output of ours
            tree = ast.parse(source, mode="exec")
    except SyntaxError as error:
        message = (error.msg or "invalid syntax").split("(")[0].strip()
        raise PlanError(message[0].lower() + message[1:], Span(error.lineno or 1, error.offset or 1)) from None
    except (RecursionError, MemoryError, ValueError):
        raise PlanError("the plan is nested too deeply", Span(1, 1), "use names for the parts") from None
    nodes, parents = _walked(tree)
    if not source.isascii():
        _in_characters(nodes, source)
    if spelled_out(tree, source):
        nodes, parents = _walked(tree)
    for node in nodes[1:]:
        _check_node(node, parents)
    return Plan(source, tree, tuple(nodes), parents)


def _in_characters(nodes: list[ast.AST], source: str) -> None:
    """Count columns in characters, as who reads an error does; Python's parser counts bytes."""
    lines = [line.encode("utf-8", "surrogatepass") for line in re.split(r"\r\n|\r|\n", source)]
    for node in nodes:
        column = getattr(node, "col_offset", 0)
        if column and node.lineno <= len(lines):  # type: ignore[attr-defined]
            node.col_offset = len(lines[node.lineno - 1][:column].decode("utf-8", "replace"))  # type: ignore[attr-defined]


NO_PARTS = ("ctx", "id", "attr", "kind", "conversion", "type_comment", "is_async", "simple")  # fields that never hold a part of the text
_PARTS: dict[type[ast.AST], tuple[str, ...]] = {}


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes right under a node; where a name is read or written (`ctx`) is no part of the text."""
    kind = type(node)
    names = _PARTS.get(kind)
    if names is None:
        names = _PARTS[kind] = () if kind is ast.Constant else tuple(name for name in kind._fields if name not in NO_PARTS)
    found: list[ast.AST] = []
    for name in names:
        held = getattr(node, name, None)
        if type(held) is list:
            found += [one for one in held if isinstance(one, ast.AST)]
        elif isinstance(held, ast.AST):
            found.append(held)
    return found


def _walked(tree: ast.Module) -> tuple[list[ast.AST], dict[ast.AST, ast.AST]]:
    """Every node and its parent, by one walk that holds to the limits."""
    nodes: list[ast.AST] = []
    parents: dict[ast.AST, ast.AST] = {}
    level: list[ast.AST] = [tree]
    for depth in range(PLAN_DEPTH_MAX + 1):
        nodes += level
        if len(nodes) > PLAN_NODES_MAX:
            raise PlanError(f"the plan has more than {PLAN_NODES_MAX} parts", span_of(level[0]), "split the errand")
        deeper: list[ast.AST] = []
        for node in level:
            for child in children(node):
                parents[child] = node
                deeper.append(child)
        if not deeper:
            break
        if depth == PLAN_DEPTH_MAX:
            located = next((n for n in (*deeper, *level) if hasattr(n, "lineno")), level[0])
            raise PlanError(f"nested deeper than {PLAN_DEPTH_MAX}", span_of(located), "use names for the parts")
        level = deeper
    return nodes, parents


def _check_node(node: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> None:
    kind = type(node)
    if kind not in ACCEPTED:
        span = span_of(node if hasattr(node, "lineno") else parents[node])
        message, rewrite = REFUSED.get(kind, (f"`{kind.__name__}` is not in the plan language", ""))
        rewrite = _of_try(node) or rewrite if isinstance(node, ast.Try) else rewrite
        raise PlanError(message, span, rewrite)
    special = _SPECIAL.get(kind)
    if special is not None:
        special(node)


def _of_try(node: ast.Try) -> str:
    """`x = default(a, b)` where the one line of the body and the one of the handler give the same name a value."""
    bodies = [node.body, *(handler.body for handler in node.handlers)]
    match [body[0] for body in bodies if len(body) == 1] if len(bodies) == 2 else []:
        case [ast.Assign(targets=[ast.Name(id=name)], value=tried), ast.Assign(targets=[ast.Name(id=other)], value=instead)] if name == other:
            return f"write `{name} = default({ast.unparse(tried)}, {ast.unparse(instead)})`"
        case [ast.Assign(targets=[ast.Name(id=name)], value=tried), _]:
            return f"write `{name} = {ast.unparse(tried)}`, then test `if not {name}.ok:` or use `default({name}, …)`"
    return ""


def _percent(node: ast.BinOp) -> None:
    if isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant) and isinstance(node.left.value, str):
        raise PlanError("there is no `%` for texts", span_of(node), _f_string(node) or "use an f-string")


def _f_string(node: ast.BinOp) -> str:
    """The f-string that says the same as a text with `%s`, `%d` and `%.2f` in it."""
    given = list(node.right.elts) if isinstance(node.right, ast.Tuple) else [node.right]
    pieces = re.split(r"%(?:(%)|(s|d|\.\d+f))", node.left.value)  # type: ignore[attr-defined]
    values: list[ast.expr] = []
    for place in range(0, len(pieces), 3):
        values += [ast.Constant(pieces[place])] if pieces[place] else []
        if "%" in pieces[place] or (place + 2 < len(pieces) and not pieces[place + 1] and not given):
            return ""
        if place + 2 < len(pieces):
            spec = pieces[place + 2]
            shown = ast.JoinedStr([ast.Constant(spec)]) if spec and spec.endswith("f") else None
            value = None if pieces[place + 1] else given.pop(0)
            if spec == "d" and not isinstance(value, ast.Constant):
                value = ast.Call(ast.Name("int"), [value], [])
            values.append(ast.Constant("%") if value is None else ast.FormattedValue(value, -1, shown))
    return f"write `{ast.unparse(ast.JoinedStr(values))}`" if not given else ""


def _constant(node: ast.Constant) -> None:
    value = node.value
    if not isinstance(value, (str, int, float, bool, type(None))):
        raise PlanError("only text, numbers, True, False and None are literals", span_of(node))
    if isinstance(value, int) and abs(value) > LITERAL_INT_MAX:
        raise PlanError(f"a number beyond {LITERAL_INT_MAX}", span_of(node), "use a smaller number or a text")
    if isinstance(value, float) and value != value:
        raise PlanError("not a number", span_of(node))


def _for(node: ast.For) -> None:
    if node.orelse:
        raise PlanError("there is no `else` on a loop", span_of(node.orelse[0]), "set a flag before the loop and test it after")
    _target(node.target)


def _target(target: ast.AST) -> None:
    match target:
        case ast.Name():
            return
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            for part in parts:
                _target(part)
        case ast.Subscript(value=ast.Name()) if not isinstance(target.slice, ast.Slice):
            return
        case ast.Attribute():
            raise PlanError("records cannot be changed", span_of(target), "assign to a name of its own")
        case ast.Starred():
            raise PlanError("there is no `*` in what is assigned to", span_of(target), "write `first = xs[0]` and `rest = xs[1:]`")
        case ast.Subscript(slice=ast.Slice()):
            raise PlanError("a slice cannot be assigned to", span_of(target), "write `xs = xs[:i] + [x] + xs[i + 1:]`")
        case _:
            raise PlanError("only names can be assigned", span_of(target), "assign to a name, or `d[key] = value` on a named dict")


def _assign(node: ast.Assign) -> None:
    for target in node.targets:
        _target(target)


def _annotated(node: ast.AnnAssign) -> None:
    if node.value is None or not isinstance(node.target, ast.Name):
        raise PlanError("an annotation needs a name and a value", span_of(node), "write `name = value`")


def _augmented(node: ast.AugAssign) -> None:
    _target(node.target)


def _compare(node: ast.Compare) -> None:
    for operator, right in zip(node.ops, node.comparators, strict=True):
        if isinstance(operator, (ast.Is, ast.IsNot)):
            if not (isinstance(right, ast.Constant) and (right.value is None or isinstance(right.value, bool))):
                raise PlanError("`is` is for None, True and False only", span_of(right), "use `==`")


STAR = ("`*` stands only in a list or tuple that is written out", "join lists with `+`, or name the elements")


def _stars(*parts: ast.AST) -> None:
    for part in parts:
        if isinstance(part, ast.Starred):
            raise PlanError(STAR[0], span_of(part), STAR[1])


def _set(node: ast.Set) -> None:
    _stars(*node.elts)


def _subscript(node: ast.Subscript) -> None:
    _stars(node.slice, *(node.slice.elts if isinstance(node.slice, ast.Tuple) else ()))


def _attribute(node: ast.Attribute) -> None:
    if node.attr.startswith("_"):
        raise PlanError(f"`{node.attr}` starts with an underscore", span_of(node))


def _name(node: ast.Name) -> None:
    if node.id.startswith("__"):
        raise PlanError(f"`{node.id}` starts with two underscores", span_of(node))


def _formatted(node: ast.FormattedValue) -> None:
    spec = node.format_spec
    if spec is not None and not all(isinstance(part, ast.Constant) for part in spec.values):  # type: ignore[attr-defined]
        raise PlanError("a format has to be written out", span_of(node), "write `{x:.2f}` with a fixed format")
    shown = "".join(str(part.value) for part in spec.values) if spec is not None else ""  # type: ignore[attr-defined]
    if any(int(digits) > FORMAT_WIDTH_MAX for digits in re.findall(r"\d{1,20}", shown)) or len(shown) > FORMAT_CHARS_MAX:
        raise PlanError(f"a format wider than {FORMAT_WIDTH_MAX} characters", span_of(node), "use a smaller width")
    if node.conversion == ord("a"):
        raise PlanError("there is no `!a`", span_of(node), "write `{x}`")


def _comprehension(node: ast.comprehension) -> None:
    if node.is_async:
        raise PlanError("there is no `async for`", span_of(node.target), "use `for`")
    _target(node.target)
    if isinstance(node.target, ast.Subscript):
        raise PlanError("only names can be assigned here", span_of(node.target))


def _call(node: ast.Call) -> None:
    _stars(*node.args)
    for keyword in node.keywords:
        if keyword.arg is None:
            raise PlanError("there is no `**` unpacking", span_of(keyword.value), "name the arguments")
    if not isinstance(node.func, (ast.Name, ast.Attribute)):
        raise PlanError("only a tool, a function or a method by name can be called", span_of(node.func))


def _dict(node: ast.Dict) -> None:
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            raise PlanError("there is no `**` unpacking", span_of(value), "write the entries out")


def _lambda(node: ast.Lambda) -> None:
    a = node.args
    if len(a.args) != 1 or a.vararg or a.kwarg or a.kwonlyargs or a.defaults or a.posonlyargs:
        raise PlanError("a key takes one argument", span_of(node), "write `key=lambda x: …`")


def _raise(node: ast.Raise) -> None:
    exc = node.exc
    named = isinstance(exc, ast.Name) or (isinstance(exc, ast.Call) and isinstance(exc.func, ast.Name))
    if exc is None or not named:
        raise PlanError("say what is wrong", span_of(node), "write `raise ValueError(\"…\")`")
    if node.cause is not None:
        raise PlanError("there is no `from` behind raise", span_of(node.cause), "leave it out")
    call = exc if isinstance(exc, ast.Call) else None
    name = exc.func.id if call else exc.id  # type: ignore[union-attr]
    if not (name.endswith("Error") or name.endswith("Exception")):
        raise PlanError(f"`{name}` is not an error", span_of(node), "write `raise ValueError(\"…\")`")
    if call and (call.keywords or len(call.args) > 1):
        raise PlanError("an error takes one text", span_of(node), "write `raise ValueError(\"…\")`")


_SPECIAL = {
    ast.Constant: _constant,
    ast.For: _for,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Compare: _compare,
    ast.Attribute: _attribute,
    ast.Name: _name,
    ast.FormattedValue: _formatted,
    ast.comprehension: _comprehension,
    ast.Call: _call,
    ast.Dict: _dict,
    ast.Lambda: _lambda,
    ast.Raise: _raise,
    ast.Set: _set,
    ast.Subscript: _subscript,
    ast.BinOp: _percent,
}
