"""Resolution: names, tools, arguments and aliases are checked before any effect; gives a ResolvedPlan (G3.1).

Everything that a run needs to know of the plan's text alone is found here once: what each call calls, which names each
branch or loop could assign on any path, and where a break or a raise could be reached (G3.3).
"""

from __future__ import annotations

import ast
import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from discreet.kernel.contract import REQUIRED, Contract
from discreet.kernel.errors import PlanError, nearest
from discreet.kernel.functions import (
    ALIASES,
    CLOCK,
    FUNCTIONS,
    METHOD_NAMES,
    REBINDING,
    REFUSED_METHODS,
    SPECIAL,
    TYPE_NAMES,
)
from discreet.kernel.spelling import METHODS_TAKING_GENERATOR, TAKES_GENERATOR
from discreet.kernel.syntax import Plan, children, span_of

KEYED = frozenset({"sorted", "min", "max", "sort"})
HINTS = {
    "open": "read files with a tool",
    "input": "the user is asked by the runtime, when a norm says so",
    "eval": "write the expression out",
    "exec": "write the statements out",
    "map": "write `[f(x) for x in xs]`",
    "filter": "write `[x for x in xs if …]`",
    "type": "use `isinstance(x, str)`",
    "getattr": "write `x.name`",
    "hasattr": "use `default(x.name, …)`",
    "iter": "loop over the list",
    "format": "use an f-string",
    "exit": "use `raise ValueError(…)`",
    "quit": "use `raise ValueError(…)`",
    "frozenset": "use `set(…)`",
    "defaultdict": "write `d.setdefault(k, []).append(x)`, or `d[k] = d.get(k, 0) + 1`",
    "Counter": "write `counts[k] = counts.get(k, 0) + 1` in a loop",
    "reduce": "write a loop",
    "pow": "write `x ** y`",
}
MODULES = {  # what a model reaches for that is no module here
    "re": "use `find_emails`, `find_amounts`, `find_dates`, `find_codes` or `find_links`, methods of texts, or `read(text, \"question\", {…})`",
    "json": "write `str(x)`; to take fields out of a text, use `read(text, \"question\", {…})`",
    "collections": HINTS["defaultdict"],
    "itertools": "write a comprehension",
    "functools": "write a loop",
    "operator": "write `key=lambda x: …`",
    "statistics": "write `sum(xs) / len(xs)`, or take from `sorted(xs)`",
    "random": "choose by a rule: the first, the cheapest",
    "os": "files are read and written with tools",
    "sys": "use `raise ValueError(…)` to stop",
    "logging": "use `print(…)` to tell the user",
}


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool: argument expressions by parameter name, in the order in which the plan wrote them."""

    contract: Contract
    arguments: tuple[tuple[str, ast.expr], ...]


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A call of a function of the language, by its name in the tables."""

    name: str


@dataclass(frozen=True, slots=True)
class MethodCall:
    """A call of a method on a value."""

    name: str


@dataclass(frozen=True, slots=True)
class Change:
    """`xs.append(x)` and its like: a statement that binds `target` anew; `key` when it is `d[key].append(x)`."""

    method: str
    target: str
    key: ast.expr | None = None


Target = ToolCall | FunctionCall | MethodCall | Change
Nodes = list[ast.AST]  # every node of a plan


@dataclass(frozen=True, slots=True)
class ResolvedPlan:
    """A plan that is safe to run: every name and call is known, and what each path could do is written down.

    calls      what each call node calls
    assigned   for each `if` and `for`: the names that any path in it could assign
    breaks     the `if` and `for` nodes in which a break or continue of an enclosing loop could be reached
    raises     the `if` and `for` nodes in which a raise could be reached
    tools      the contracts that the plan calls, by name
    calling    the nodes that are or hold a call of a tool
    """

    source: str
    tree: ast.Module
    calls: Mapping[ast.Call, Target]
    assigned: Mapping[ast.stmt, tuple[str, ...]]
    breaks: frozenset[ast.stmt]
    raises: frozenset[ast.stmt]
    tools: Mapping[str, Contract]
    names: frozenset[str] = field(default_factory=frozenset)
    calling: frozenset[ast.AST] = field(default_factory=frozenset)


def resolve(plan: Plan, tools: Mapping[str, Contract], given: frozenset[str] = frozenset()) -> ResolvedPlan:
    """Check a parsed plan against the tools and the `given` names (handles). Raises PlanError, located, with a rewrite."""
    return _Resolver(plan, tools, given).run()


class _Resolver:
    def __init__(self, plan: Plan, tools: Mapping[str, Contract], given: frozenset[str]) -> None:
        self.plan, self.tools, self.given = plan, tools, given
        self.roots = {name.split(".")[0] for name in tools}
        self.nodes, self.parents = list(plan.nodes), plan.parents
        self.stored = {n.id for n in self.nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self.names = self.stored | given
        self.calls: dict[ast.Call, Target] = {}
        self.used: dict[str, Contract] = {}
        self.assigned: dict[ast.stmt, tuple[str, ...]] = {}
        self.breaks: set[ast.stmt] = set()
        self.raises: set[ast.stmt] = set()

    def run(self) -> ResolvedPlan:
        for name in self.given & self.stored:
            raise PlanError(f"`{name}` stands for a part of the request and cannot be assigned")
        for statement in self.plan.tree.body:
            self.statement(statement, loop=False)
        for statement in self.nodes:
            if isinstance(statement, (ast.If, ast.For)):
                self.note(statement)
        _check_aliases(self.nodes, self.parents, self.calls)
        return ResolvedPlan(
            self.plan.source, self.plan.tree, self.calls, self.assigned, frozenset(self.breaks), frozenset(self.raises),
            self.used, frozenset(self.names), frozenset(self.calling()),
        )  # fmt: skip

    def calling(self) -> Iterator[ast.AST]:
        for call, target in self.calls.items():
            node: ast.AST | None = call if isinstance(target, ToolCall) else None
            while node is not None:
                yield node
                node = self.parents.get(node)

    # ------------------------------------------------------------------------------------------ statements

    def statement(self, node: ast.stmt, loop: bool) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                self.expression(value)
                for target in targets:
                    self.target(target)
            case ast.AnnAssign(value=value) if value is not None:
                self.expression(value)
            case ast.AugAssign(target=target, value=value):
                self.expression(value)
                self.target(target)
            case ast.Expr(value=ast.Call() as call) if self.change(call):
                pass
            case ast.Expr(value=value):
                self.expression(value)
            case ast.If(test=test, body=body, orelse=orelse):
                self.expression(test)
                for inner in (*body, *orelse):
                    self.statement(inner, loop)
            case ast.For(iter=iterable, body=body):
                self.expression(iterable)
                self.target(node.target)
                for inner in body:
                    self.statement(inner, True)
            case ast.Break() | ast.Continue():
                if not loop:
                    raise PlanError("a break or continue outside a loop", span_of(node))
            case ast.Raise(exc=ast.Call(args=args)):
                for arg in args:
                    self.expression(arg)
            case _:
                pass

    def target(self, node: ast.expr) -> None:
        match node:
            case ast.Subscript(value=ast.Name(id=name), slice=key):
                if name not in self.names:
                    raise PlanError(f"unknown name `{name}`{nearest(name, self.names)}", span_of(node))
                self.expression(key)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part in parts:
                    self.target(part)
            case ast.Name(id=name) if name in TYPE_NAMES - {"date", "time", "datetime"} or name in ("print", "len", "sorted", "range"):
                raise PlanError(f"`{name}` is a function", span_of(node), "choose another name")

    def change(self, call: ast.Call) -> bool:
        """Whether the statement is `xs.append(x)` or `d[k].append(x)`; notes it."""
        func = call.func
        if not (isinstance(func, ast.Attribute) and func.attr in REBINDING):
            return False
        match func.value:
            case ast.Name(id=name) if name in self.names:
                self.calls[call] = Change(func.attr, name)
            case ast.Subscript(value=ast.Name(id=name), slice=key) if name in self.names and not isinstance(key, ast.Slice):
                self.expression(key)
                self.calls[call] = Change(func.attr, name, key)
            case _:
                return False
        self.arguments(call, func.attr)
        return True

    def note(self, node: ast.If | ast.For) -> None:
        names: dict[str, None] = {}
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                names[inner.id] = None
            elif isinstance(inner, ast.Subscript) and isinstance(inner.ctx, ast.Store) and isinstance(inner.value, ast.Name):
                names[inner.value.id] = None
            elif isinstance(inner, ast.Call) and isinstance(self.calls.get(inner), Change):
                names[self.calls[inner].target] = None  # type: ignore[union-attr]
        self.assigned[node] = tuple(names)
        if any(isinstance(inner, ast.Raise) for inner in ast.walk(node)):
            self.raises.add(node)
        body = [*node.body, *node.orelse]
        if isinstance(node, ast.If) and any(_leaves_loop(inner) for inner in body):
            self.breaks.add(node)

    # ------------------------------------------------------------------------------------------ expressions

    def expression(self, node: ast.AST, local: frozenset[str] = frozenset(), calls: bool = True) -> None:
        """Check one expression; `local` are comprehension and key names, `calls` whether tools may be called in it."""
        if type(node) is ast.Constant:
            return
        match node:
            case ast.Name():
                self.name(node, local)
            case ast.Call():
                self.call(node, local, calls)
            case ast.Lambda():
                raise PlanError("a lambda stands only as `key=` of sorted, min or max", span_of(node), "write the expression out")
            case ast.ListComp(generators=generators) | ast.SetComp(generators=generators) | ast.GeneratorExp(generators=generators):
                if isinstance(node, ast.GeneratorExp):
                    raise PlanError("a generator stands only as the one argument of a function", span_of(node), "write a list: `[…]`")
                self.comprehension(generators, [node.elt], local, calls)
            case ast.DictComp(generators=generators, key=key, value=value):
                self.comprehension(generators, [key, value], local, calls)
            case ast.Attribute(value=value):
                dotted = _dotted(node)
                if dotted and dotted in self.tools and dotted.split(".")[0] not in self.names | local:
                    raise PlanError(f"`{dotted}` is a tool", span_of(node), f"call it: `{dotted}(…)`")
                self.expression(value, local, calls)
            case ast.JoinedStr(values=parts):
                for part in parts:
                    self.expression(part, local, calls)
            case _:
                for child in children(node):
                    if isinstance(child, (ast.expr, ast.keyword)):
                        self.expression(child, local, calls)

    def name(self, node: ast.Name, local: frozenset[str]) -> None:
        name = node.id
        if name in local or name in self.names:
            return
        if name in self.tools or name in FUNCTIONS or name in SPECIAL or name in TYPE_NAMES:
            raise PlanError(f"`{name}` is a function, not a value", span_of(node), f"call it: `{name}(…)`")
        if name in self.roots:
            raise PlanError(f"`{name}` is a service, not a value", span_of(node), "call one of its tools")
        if name in HINTS:
            raise PlanError(f"there is no `{name}`", span_of(node), HINTS[name])
        raise PlanError(f"unknown name `{name}`{nearest(name, self.names | local | self.roots)}", span_of(node))

    def comprehension(
        self, generators: list[ast.comprehension], results: list[ast.expr], local: frozenset[str], calls: bool, first: bool | None = None
    ) -> None:
        """Check a comprehension; `first` is whether tools may be called in its first list, which is made before any turn."""
        for number, generator in enumerate(generators):
            self.expression(generator.iter, local, first if number == 0 and first is not None else calls)
            local = local | {n.id for n in ast.walk(generator.target) if isinstance(n, ast.Name)}
            for test in generator.ifs:
                self.expression(test, local, calls)
        for result in results:
            self.expression(result, local, calls)

    def call(self, node: ast.Call, local: frozenset[str], calls: bool) -> None:
        dotted = _dotted(node.func)
        root = dotted.split(".")[0] if dotted else ""
        shadowed = root in self.names or root in local
        attr = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if dotted in self.tools and not (shadowed and attr in METHOD_NAMES):
            if not calls:
                rewrite = "make a dict of the results before: `found = {x: tool(x) for x in xs}`, and use `found[x]` here"
                raise PlanError(f"a tool cannot be called here: `{dotted}`", span_of(node), rewrite)
            self.tool(node, self.tools[dotted], local, calls)
            return
        canonical = ALIASES.get(dotted, dotted)
        if not shadowed and (canonical in FUNCTIONS or canonical in CLOCK or canonical in SPECIAL):
            self.function(node, canonical, local, calls)
            return
        if isinstance(node.func, ast.Name):
            if shadowed:
                raise PlanError(f"`{root}` is a value here and cannot be called", span_of(node), "choose another name for the value")
            rewrite = HINTS.get(root, "")
            known = [*self.tools, *FUNCTIONS, *SPECIAL]
            raise PlanError(f"unknown function `{root}`{nearest(root, known)}", span_of(node), rewrite)
        self.method(node, attr, dotted, shadowed, local, calls)

    def method(self, node: ast.Call, attr: str, dotted: str, shadowed: bool, local: frozenset[str], calls: bool) -> None:
        if dotted and not shadowed:
            root = dotted.split(".")[0]
            if root in MODULES and root not in self.roots:
                raise PlanError(f"there is no `{root}`", span_of(node), MODULES[root])
            raise PlanError(f"unknown tool `{dotted}`{nearest(dotted, list(self.tools))}", span_of(node))
        if attr in REFUSED_METHODS:
            raise PlanError(f"there is no `.{attr}(…)`", span_of(node), REFUSED_METHODS[attr])
        if attr in REBINDING and attr not in METHOD_NAMES:
            raise PlanError(f"`.{attr}(…)` stands only on a line of its own, on a name", span_of(node), "write `xs = xs + [x]`")
        if attr not in METHOD_NAMES:
            raise PlanError(f"unknown method `{attr}`{nearest(attr, METHOD_NAMES | REBINDING)}", span_of(node))
        assert_func = node.func
        if isinstance(assert_func, ast.Attribute):
            self.expression(assert_func.value, local, calls)
        self.arguments(node, attr, local, calls)
        self.calls[node] = MethodCall(attr)

    def function(self, node: ast.Call, name: str, local: frozenset[str], calls: bool) -> None:
        self.calls[node] = FunctionCall(name)
        given = [keyword.arg or "" for keyword in node.keywords]
        if name in SPECIAL:
            allowed = {"print": (), "next": ("default",), "sorted": ("key", "reverse"), "min": ("key", "default"), "max": ("key", "default")}[name]
            least, most = (0, 20) if name == "print" else (1, 2 if name == "next" else 20 if name != "sorted" else 1)
            if name == "print":
                node.keywords = [k for k in node.keywords if k.arg not in ("end", "flush")]
                given = [k.arg or "" for k in node.keywords]
                if "sep" in given:
                    raise PlanError("`sep` of `print` has to be written out", span_of(node), "write `print(between.join([…]))`")
        elif name in CLOCK:
            allowed, least, most = (), 0, 0
        else:
            function = FUNCTIONS[name]
            allowed, least, most = function.keywords, function.least, function.most
        if "*" not in allowed:
            for word in given:
                if word not in allowed:
                    raise PlanError(f"`{name}` has no argument `{word}`{nearest(word, allowed)}", span_of(node))
        if not least <= len(node.args) + (len(given) if least and not given == ["key"] and name not in SPECIAL else 0) or len(node.args) > most:
            raise PlanError(f"`{name}` takes {least} to {most} arguments, not {len(node.args)}", span_of(node))
        if name == "next" and not isinstance(node.args[0], ast.GeneratorExp):
            raise PlanError("`next` takes a comprehension", span_of(node), "write `next((x for x in xs if …), None)`")
        if name == "isinstance":
            self.expression(node.args[0], local, calls)
            self.type_names(node.args[1])
            return
        self.arguments(node, name, local, calls)

    def arguments(self, node: ast.Call, name: str, local: frozenset[str] = frozenset(), calls: bool = True) -> None:
        """Positional and named arguments of a function or method, generators and keys among them."""
        for arg in node.args:
            if isinstance(arg, ast.GeneratorExp):
                if len(node.args) > (2 if name == "next" else 1) or name not in TAKES_GENERATOR | METHODS_TAKING_GENERATOR:
                    raise PlanError("a generator stands only as the one argument of a function", span_of(arg), "write a list: `[…]`")
                lazy = name in ("any", "all", "next", "enumerate")  # Python makes one element at a time there, so a call in it would be a choice
                self.comprehension(arg.generators, [arg.elt], local, calls and not lazy, calls)
            else:
                self.expression(arg, local, calls)
        for keyword in node.keywords:
            if keyword.arg == "key" and name in KEYED:
                self.key(keyword.value, local)
            else:
                self.expression(keyword.value, local, calls)

    def key(self, node: ast.expr, local: frozenset[str]) -> None:
        if isinstance(node, ast.Lambda):
            self.expression(node.body, local | {node.args.args[0].arg}, calls=False)
        elif not (isinstance(node, ast.Name) and node.id in ("len", "str", "int", "float", "abs")):
            raise PlanError("a key is a lambda, or len, str, int, float or abs", span_of(node), "write `key=lambda x: …`")

    def type_names(self, node: ast.expr) -> None:
        parts = node.elts if isinstance(node, ast.Tuple) else [node]
        for part in parts:
            dotted = _dotted(part)
            if ALIASES.get(dotted, dotted) not in TYPE_NAMES:
                raise PlanError("`isinstance` tests for str, int, float, bool, list, dict, date and their like", span_of(part))

    # ------------------------------------------------------------------------------------------ tools

    def tool(self, node: ast.Call, contract: Contract, local: frozenset[str], calls: bool) -> None:
        """Bind the arguments to the contract's parameters."""
        parameters = contract.parameters
        if len(node.args) > len(parameters):
            raise PlanError(f"`{contract.name}` takes at most {len(parameters)} arguments, not {len(node.args)}", span_of(node))
        bound: list[tuple[str, ast.expr]] = [(parameters[i].name, arg) for i, arg in enumerate(node.args)]
        names = [p.name for p in parameters]
        for keyword in node.keywords:
            word = keyword.arg or ""
            if word not in names:
                raise PlanError(f"`{contract.name}` has no argument `{word}`{nearest(word, names)}", span_of(keyword.value), f"it takes {', '.join(names) or 'none'}")
            if any(word == name for name, _ in bound):
                raise PlanError(f"`{word}` is given twice", span_of(keyword.value))
            bound.append((word, keyword.value))
        bound = [(name, value) for name, value in bound if not _left_out(contract, name, value)]
        given = {name for name, _ in bound}
        for parameter in parameters:
            if parameter.default is REQUIRED and parameter.name not in given:
                raise PlanError(f"`{contract.name}` needs `{parameter.name}`", span_of(node), f"it takes {', '.join(names)}")
        for name, expression in bound:
            _check_literal(contract, name, expression)
            self.argument(expression, local, calls)
        self.calls[node] = ToolCall(contract, tuple(bound))
        self.used[contract.name] = contract

    def argument(self, node: ast.expr, local: frozenset[str], calls: bool) -> None:
        """An argument of a tool: type names may stand in it, for schemas."""
        dotted = _dotted(node)
        if dotted in TYPE_NAMES and dotted not in self.names | local:
            return
        match node:
            case ast.Dict(keys=keys, values=values):
                for key in keys:
                    if key is not None:
                        self.expression(key, local, calls)
                for value in values:
                    self.argument(value, local, calls)
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                for element in elements:
                    self.argument(element, local, calls)
            case ast.Subscript(value=ast.Name(id="list"), slice=element) if "list" not in self.names | local:
                self.argument(element, local, calls)
            case _:
                self.expression(node, local, calls)


def _left_out(contract: Contract, name: str, node: ast.expr) -> bool:
    """None for an argument that may be left out, and that takes no None, is what leaving it out is."""
    parameter = contract.parameter(name)
    return isinstance(node, ast.Constant) and node.value is None and not parameter.shape.optional and parameter.default not in (REQUIRED, None)


def _check_literal(contract: Contract, name: str, node: ast.expr) -> None:
    """A literal of the wrong type is told at once, with what the argument takes."""
    shape = contract.parameter(name).shape
    if shape.kind == "any":
        return
    if isinstance(node, ast.Constant):
        value = node.value
        good = value is None and (shape.optional or contract.parameter(name).default is None)
        match shape.kind:
            case "text" | "enum":
                good = good or isinstance(value, str)
            case "int":
                good = good or (isinstance(value, int) and not isinstance(value, bool))
            case "float":
                good = good or (isinstance(value, (int, float)) and not isinstance(value, bool))
            case "bool":
                good = good or isinstance(value, bool)
            case "date" | "datetime" | "time":
                good = good or (isinstance(value, str) and ("[[" in value or _is_iso(value, shape.kind)))  # a handle is not known yet
                if not good and isinstance(value, str):
                    raise PlanError(f"`{name}` of `{contract.name}` is a {shape.kind}, not a text such as `{value[:40]}`", span_of(node), MADE[shape.kind])
            case "list":
                good = good or (isinstance(value, str) and shape.element is not None and shape.element.kind == "text")
            case "none":
                good = value is None
        if not good:
            raise PlanError(f"`{name}` of `{contract.name}` is {shape.stub()}", span_of(node))
        if shape.kind == "enum" and isinstance(value, str) and value not in shape.choices:
            raise PlanError(f"`{value}` is no choice for `{name}`{nearest(value, shape.choices)}", span_of(node), f"one of {', '.join(shape.choices)}")
    elif isinstance(node, (ast.List, ast.ListComp)) and shape.kind not in ("list",):
        raise PlanError(f"`{name}` of `{contract.name}` is {shape.stub()}, not a list", span_of(node))
    elif isinstance(node, ast.JoinedStr) and shape.kind in ("int", "float", "bool"):
        raise PlanError(f"`{name}` of `{contract.name}` is {shape.stub()}, not a text", span_of(node), "write the number without quotes")


MADE = {"date": "write `date(2026, 3, 6)`", "datetime": "write `datetime(2026, 3, 6, 15, 0)`", "time": "write `time(15, 0)`"}


def _is_iso(text: str, kind: str) -> bool:
    """Whether a run could read the text as a date, as `fitted` will."""
    try:
        {"date": dt.date, "datetime": dt.datetime, "time": dt.time}[kind].fromisoformat(text)
    except ValueError:
        return False
    return True


def _dotted(node: ast.AST) -> str:
    """`a.b.c` of a chain of names, or an empty text."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def _leaves_loop(node: ast.stmt) -> bool:
    """Whether a break or continue of the loop around `node` could be reached in it."""
    if isinstance(node, (ast.Break, ast.Continue)):
        return True
    if isinstance(node, ast.If):
        return any(_leaves_loop(inner) for inner in (*node.body, *node.orelse))
    return False


# ---------------------------------------------------------------------------------------------------- aliases
# In Python `append` changes the list that every other name of it sees; here it binds one name anew. The two agree
# while no other name or container holds the list, so only then is it accepted (G3.1).

COPYING = frozenset(
    {"len", "str", "sum", "any", "all", "sorted", "list", "set", "tuple", "dict", "enumerate", "zip", "reversed", "min", "max",
     "isinstance", "bool", "print", "join", "find_emails", "extend", "update", "count", "index", "union", "intersection", "difference"}
)  # fmt: skip
FRESH_CALLS = frozenset({"list", "dict", "set", "sorted", "reversed", "range", "tuple"})
FRESH_METHODS = frozenset({"split", "splitlines", "rsplit", "copy", "keys", "union", "intersection", "difference", "symmetric_difference"})


def _check_aliases(tree: Nodes, parents: Mapping[ast.AST, ast.AST], calls: Mapping[ast.Call, Target]) -> None:
    changes = _changes(tree, calls)
    for name in {name for name, _, _ in changes}:
        nodes = [node for changed, node, _ in changes if changed == name]
        deep = any(deep for changed, _, deep in changes if changed == name)
        copy = _kind(tree, name, nodes, calls)
        _check_fresh(tree, name, nodes, calls, copy)
        if deep:
            _check_elements(tree, name, nodes[0], calls)
        for use in _uses(tree, name):
            if _shares(use, parents, calls, deep) and not _let_go(use, name, nodes, parents, calls):
                _check_order(name, use, nodes, parents, copy)
            for node in nodes:
                _check_loop_over(name, use, node, parents)


def _kind(tree: Nodes, name: str, changes: list[ast.AST], calls: Mapping[ast.Call, Target]) -> str:
    """The function that copies what `name` holds: by what is assigned to it, else by how it is changed."""
    for bound, value in _bindings(tree):
        if bound == name:
            called = calls.get(value) if isinstance(value, ast.Call) else None
            if isinstance(value, (ast.Dict, ast.DictComp)) or (isinstance(called, FunctionCall) and called.name == "dict"):
                return "dict"
            if isinstance(value, (ast.Set, ast.SetComp)) or (isinstance(called, FunctionCall) and called.name == "set"):
                return "set"
            if isinstance(value, (ast.List, ast.ListComp)):
                return "list"
    for change in changes:
        made = calls.get(change) if isinstance(change, ast.Call) else None
        if isinstance(made, Change) and made.method in ("add", "discard"):
            return "set"
        if isinstance(change, ast.Subscript) and isinstance(change.slice, ast.Constant) and isinstance(change.slice.value, str):
            return "dict"
    return "list"


def _let_go(use: ast.AST, name: str, changes: list[ast.AST], parents: Mapping[ast.AST, ast.AST], calls: Mapping[ast.Call, Target]) -> bool:
    """Whether `name` is bound anew right after it was stored, before any change: `groups.append(xs)`, then `xs = []`."""
    node = use
    while not isinstance(node, ast.stmt):
        node = parents[node]
    block = parents[node]
    for field_ in ("body", "orelse"):
        statements = getattr(block, field_, [])
        if node in statements:
            for later in statements[statements.index(node) + 1 :]:
                if isinstance(later, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in later.targets):
                    return not any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(later.value)) and _fresh(later.value, calls)
                if not isinstance(later, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr)) or any(n in changes for n in ast.walk(later)):
                    return False
    return False


def _changes(tree: Nodes, calls: Mapping[ast.Call, Target]) -> list[tuple[str, ast.AST, bool]]:
    """(name, node, whether an element inside is changed) of all that changes a list or dict in place in Python."""
    found: list[tuple[str, ast.AST, bool]] = []
    changing = [node for node in tree if type(node) in (ast.Call, ast.Subscript, ast.AugAssign)]
    listed = _listed(tree, calls) if any(type(node) is ast.AugAssign for node in changing) else set()
    for node in changing:
        match node:
            case ast.Call() if isinstance(calls.get(node), Change):
                change = calls[node]
                found.append((change.target, node, change.key is not None))  # type: ignore[union-attr]
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store()):
                found.append((name, node, False))
            case ast.AugAssign(target=ast.Name(id=name), value=value) if name in listed or _makes_list(value, listed, calls):
                found.append((name, node, False))
    return found


def _bindings(tree: Nodes) -> Iterator[tuple[str, ast.expr]]:
    """(name, what is assigned to it) wherever the text says it, `a, b = [], []` too."""
    for node in tree:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    yield target.id, node.value
                yield from _paired(target, node.value)


def _paired(target: ast.expr, value: ast.expr) -> list[tuple[str, ast.expr]]:
    """The names and values of `a, b = x, y`."""
    match target, value:
        case (ast.Tuple(elts=names) | ast.List(elts=names)), (ast.Tuple(elts=values) | ast.List(elts=values)) if len(names) == len(values):
            if all(isinstance(n, ast.Name) for n in names) and not any(isinstance(v, ast.Starred) for v in values):
                return [(n.id, v) for n, v in zip(names, values, strict=True)]  # type: ignore[attr-defined]
    return []


def _listed(tree: Nodes, calls: Mapping[ast.Call, Target]) -> set[str]:
    """The names that hold a list, dict or set for sure, by what is assigned to them."""
    bound = list(_bindings(tree))
    listed: set[str] = set()
    while True:
        more = {name for name, value in bound if name not in listed and _makes_list(value, listed, calls)}
        if not more:
            return listed
        listed |= more


def _makes_list(node: ast.expr, listed: set[str], calls: Mapping[ast.Call, Target]) -> bool:
    match node:
        case ast.List() | ast.ListComp() | ast.Dict() | ast.DictComp() | ast.Set() | ast.SetComp():
            return True
        case ast.Name(id=name):
            return name in listed
        case ast.BinOp(left=left, right=right):
            return _makes_list(left, listed, calls) or _makes_list(right, listed, calls)
        case ast.IfExp(body=body, orelse=orelse):
            return _makes_list(body, listed, calls) or _makes_list(orelse, listed, calls)
        case ast.Subscript(value=value, slice=ast.Slice()):
            return _makes_list(value, listed, calls)
        case ast.Call(args=args):
            match calls.get(node):
                case ToolCall(contract=contract):
                    return contract.result.kind in ("list", "dict")
                case FunctionCall(name=name):
                    return name in FRESH_CALLS - {"range", "tuple"}
                case MethodCall(name=name):
                    return name in FRESH_METHODS or (name == "get" and len(args) == 2 and _makes_list(args[1], listed, calls))
    return False


def _uses(tree: Nodes, name: str) -> Iterator[ast.Name]:
    for node in tree:
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
            yield node


def _shares(node: ast.AST, parents: Mapping[ast.AST, ast.AST], calls: Mapping[ast.Call, Target], deep: bool) -> bool:
    """Whether this use could make a second name or a container hold the same list."""
    parent = parents.get(node)
    match parent:
        case ast.Attribute():
            grand = parents.get(parent)
            if not deep or not isinstance(grand, ast.Call) or grand.func is not parent or isinstance(calls.get(grand), Change):
                return False
            return parent.attr in ("get", "values", "items") and _shares(grand, parents, calls, False)
        case ast.Subscript() if parent.value is node:
            if not deep or isinstance(parent.ctx, ast.Store) or _is_change_target(parent, parents, calls):
                return False
            return _shares(parent, parents, calls, False)
        case ast.Subscript() | ast.Compare() | ast.FormattedValue() | ast.UnaryOp() | ast.BinOp() | ast.Slice() | ast.If() | ast.Expr():
            return False
        case ast.AugAssign():
            return False
        case ast.For() | ast.comprehension() | ast.Starred():
            return deep
        case ast.BoolOp() | ast.IfExp():
            if isinstance(parent, ast.IfExp) and parent.test is node:
                return False
            return _shares(parent, parents, calls, deep)
        case ast.keyword():
            return _shares(parent, parents, calls, deep)
        case ast.Call():
            target = calls.get(parent)
            if isinstance(target, ToolCall):
                return False
            named = target.name if isinstance(target, (FunctionCall, MethodCall)) else target.method if isinstance(target, Change) else ""
            return named not in COPYING
    return True


def _is_change_target(node: ast.Subscript, parents: Mapping[ast.AST, ast.AST], calls: Mapping[ast.Call, Target]) -> bool:
    attribute = parents.get(node)
    call = parents.get(attribute) if attribute is not None else None
    return isinstance(call, ast.Call) and isinstance(calls.get(call), Change)


def _position(node: ast.AST) -> tuple[int, int]:
    return (getattr(node, "lineno", 0), getattr(node, "col_offset", 0))


def _loops(node: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> list[ast.For]:
    """The loops around a node, innermost first; the list that a loop runs through is outside it."""
    found = []
    child, parent = node, parents.get(node)
    while parent is not None:
        if isinstance(parent, ast.For) and child is not parent.iter:
            found.append(parent)
        child, parent = parent, parents.get(parent)
    return found


def _check_order(name: str, use: ast.AST, changes: list[ast.AST], parents: Mapping[ast.AST, ast.AST], copy: str) -> None:
    for change in changes:
        shared = [loop for loop in _loops(use, parents) if loop in _loops(change, parents)]
        again = bool(shared) and not _made_in(name, shared[0], change)
        if _position(use) < _position(change) or again:
            raise PlanError(
                f"`{name}` is changed after another name or list holds it, from line {getattr(use, 'lineno', 0)} on", span_of(change),
                f"store a copy on that line: `{copy}({name})`, which does not see the change; or change it before",
            )


def _made_in(name: str, loop: ast.For, before: ast.AST) -> bool:
    """Whether the loop's body makes `name` anew, on every turn, before `before`."""
    return any(
        isinstance(statement, ast.Assign)
        and any(isinstance(t, ast.Name) and t.id == name for t in statement.targets)
        and _position(statement) < _position(before)
        for statement in loop.body
    )


def _check_loop_over(name: str, use: ast.Name, change: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> None:
    loop = parents.get(use)
    if isinstance(loop, ast.For) and loop.iter is use and loop in _loops(change, parents):
        raise PlanError(f"`{name}` is changed while it is looped over", span_of(change), f"loop over `list({name})`")


def _check_fresh(tree: Nodes, name: str, changes: list[ast.AST], calls: Mapping[ast.Call, Target], copy: str) -> None:
    """Every binding of a changed name makes a new list or dict."""
    for node in tree:
        match node:
            case ast.Assign(targets=targets, value=value):
                direct = [t for t in targets if isinstance(t, ast.Name) and t.id == name]
                nested = [t for t in targets if isinstance(t, (ast.Tuple, ast.List)) and any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(t))]
                pairs = [v for t in targets for n, v in _paired(t, value) if n == name]
                if len(targets) == 1 and len(pairs) == 1:
                    direct, value = targets, pairs[0]
                elif nested or (direct and len(targets) > 1):
                    raise PlanError(f"`{name}` is changed but may be held elsewhere too", span_of(node), f"assign `{name}` on a line of its own")
            case ast.AnnAssign(target=ast.Name(id=bound), value=value) if bound == name and value is not None:
                direct = [node.target]
            case ast.For(target=target) if any(isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store) for n in ast.walk(target)):
                raise PlanError(f"`{name}` is an element of a list and cannot be changed", span_of(changes[0]), "build a new list")
            case _:
                continue
        if direct and not _fresh(value, calls):
            raise PlanError(f"`{name}` is changed but may be held elsewhere too", span_of(node), f"start from a copy: `{name} = {copy}({ast.unparse(value)})`")


def _check_elements(tree: Nodes, name: str, change: ast.AST, calls: Mapping[ast.Call, Target]) -> None:
    """Where an element of `name` is changed in place, every element that is put in was made there."""
    stored: list[ast.expr] = []
    for node in tree:
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    if isinstance(target, ast.Name) and target.id == name:
                        stored += _put_in(value)
                    elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and target.value.id == name:
                        stored.append(value)
            case ast.Call(args=args) if isinstance(calls.get(node), Change) and calls[node].target == name and calls[node].key is None:  # type: ignore[union-attr]
                stored += args
    for element in stored:
        if not _fresh(element, calls):
            raise PlanError(
                f"an element of `{name}` is changed that may be held elsewhere too", span_of(change), f"write `{name}[key] = {name}[key] + [x]`"
            )


def _put_in(value: ast.expr) -> list[ast.expr]:
    """The elements that an expression puts into the list or dict that it makes."""
    match value:
        case ast.List(elts=elements) | ast.Set(elts=elements):
            return list(elements)
        case ast.Dict(values=values):
            return list(values)
        case ast.ListComp(elt=element) | ast.SetComp(elt=element):
            return [element]
        case ast.DictComp(value=element):
            return [element]
        case ast.Call(args=[], keywords=[]):
            return []
    return [ast.Name("?")]  # not known, so not fresh


def _fresh(node: ast.expr, calls: Mapping[ast.Call, Target]) -> bool:
    match node:
        case ast.List() | ast.Dict() | ast.Set() | ast.ListComp() | ast.DictComp() | ast.SetComp() | ast.BinOp() | ast.Constant():
            return True
        case ast.Subscript(slice=ast.Slice()):
            return True
        case ast.IfExp(body=body, orelse=orelse):
            return _fresh(body, calls) and _fresh(orelse, calls)
        case ast.Call():
            target = calls.get(node)
            of_method = isinstance(target, MethodCall) and target.name in FRESH_METHODS
            return of_method or isinstance(target, ToolCall) or (isinstance(target, FunctionCall) and target.name in FRESH_CALLS)
    return False
