"""The names that a plan has bound so far, each with its shape and where it comes from: what a next line may speak of.

A small inference over the few forms that the step grammar writes. What it does not know has no name here, and is then not offered;
what is right is decided by the kernel's resolver.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from discreet.kernel.contract import Contract
from discreet.kernel.shape import Shape

_SCALARS = {"str": "text", "int": "int", "float": "float", "bool": "bool", "date": "date", "datetime": "datetime"}


@dataclass(frozen=True, slots=True)
class Bound:
    """`origin` is the tool that gave it, of a recalled fact with its type (`memory.recall:body/shoe-size`), of a person with their name, of a field with its record (`Mail.id`)."""

    shape: Shape
    origin: str = ""
    maybe: bool = False  # may be None, and no test has asked yet
    derived: bool = False  # picked or filtered from what was looked up


@dataclass(slots=True)
class Scope:
    """What lines were written, what they bound and called, and which blocks are open."""

    lines: list[str] = field(default_factory=list)
    bound: dict[str, Bound] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)  # (tool, the call as written)
    depth: int = 0  # of the next line, if it goes on where the last one was
    header: bool = False  # the last line opened a block
    open_if: tuple[int, ...] = ()  # depths at which an `else:` may stand
    loops: tuple[int, ...] = ()  # depths of open loops
    looped: tuple[str, ...] = ()
    printed: tuple[int, ...] = ()  # depths of blocks that have told the user

    def called(self, tool: str) -> int:
        return sum(name == tool for name, _ in self.calls)


def scope_of(source: str, contracts: Mapping[str, Contract]) -> Scope | None:
    """The scope after these whole lines; None if they cannot be read."""
    made = Scope(lines=[line for line in source.split("\n") if line.strip()])
    if not made.lines:
        return made
    last = made.lines[-1]
    indent = (len(last) - len(last.lstrip())) // 4
    made.header = last.rstrip().endswith(":")
    made.depth = indent + made.header
    try:
        tree = ast.parse("\n".join([*made.lines, *(["    " * made.depth + "pass"] if made.header else [])]))
    except (SyntaxError, ValueError, RecursionError):
        return None
    _Reader(made, contracts).block(tree.body)
    made.open_if = tuple(_open_ifs(made.lines))
    made.loops = tuple(_open(made.lines, "for "))
    return made


def _open(lines: list[str], word: str) -> list[int]:
    """Depths at which a block with this word is open at the end."""
    found: list[int] = []
    for line in lines:
        depth = (len(line) - len(line.lstrip())) // 4
        found = [one for one in found if one < depth]
        if line.lstrip().startswith(word) and line.rstrip().endswith(":"):
            found.append(depth)
    return found


def _open_ifs(lines: list[str]) -> list[int]:
    found: list[int] = []
    for line in lines[:-1] if lines and lines[-1].rstrip().endswith(":") else lines:
        depth, text = (len(line) - len(line.lstrip())) // 4, line.lstrip()
        found = [one for one in found if one < depth]
        if text.startswith("if "):
            found.append(depth)
    return found


class _Reader:
    def __init__(self, scope: Scope, contracts: Mapping[str, Contract]) -> None:
        self.scope, self.contracts = scope, contracts

    def block(self, body: list[ast.stmt]) -> None:
        """What a block bound that is closed again is not surely there: it is forgotten."""
        for number, statement in enumerate(body):
            before = dict(self.scope.bound)
            self._statement(statement)
            if isinstance(statement, (ast.If, ast.For)) and number < len(body) - 1:
                self.scope.bound = {name: replace(one, maybe=False) for name, one in before.items()}

    def _statement(self, node: ast.stmt) -> None:
        for call in (part for part in ast.walk(node) if isinstance(part, ast.Call) and not isinstance(node, (ast.If, ast.For))):
            if (name := ast.unparse(call.func)) in self.contracts:
                self.scope.calls.append((name, ast.unparse(call)))
        bound = self.scope.bound
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                if found := self.shape(value, bound):
                    bound[name] = found
                else:
                    bound.pop(name, None)
            case ast.For(target=ast.Name(id=name), iter=source, body=body):
                listed = self.shape(source, bound)
                self.scope.looped += (ast.unparse(source),)
                if listed and listed.shape.kind == "list" and listed.shape.element:
                    bound[name] = Bound(listed.shape.element, listed.origin)
                self.block(body)
            case ast.If(test=test, body=body, orelse=orelse):
                for part in ast.walk(test):
                    if isinstance(part, ast.Name) and part.id in bound:
                        bound[part.id] = replace(bound[part.id], maybe=False)
                before = dict(bound)
                self.block(body)
                if orelse:
                    self.scope.bound = before
                    self.block(orelse)

    def shape(self, node: ast.expr, bound: Mapping[str, Bound]) -> Bound | None:
        match node:
            case ast.Name(id=name):
                return bound.get(name)
            case ast.Constant(value=bool()):
                return Bound(Shape("bool"))
            case ast.Constant(value=int() | float()):
                return Bound(Shape("float"))
            case ast.Constant(value=str()) | ast.JoinedStr():
                return Bound(Shape("text"))
            case ast.BinOp():
                return Bound(Shape("float"))
            case ast.Attribute(value=value, attr=attr):
                return self._field(self.shape(value, bound), attr)
            case ast.Subscript(value=value, slice=part):
                listed = self.shape(value, bound)
                if listed and listed.shape.kind == "list" and not isinstance(part, ast.Slice):
                    return Bound(listed.shape.element, listed.origin, derived=True) if listed.shape.element else None
                return listed
            case ast.ListComp(elt=made, generators=[inner]):
                listed = self.shape(inner.iter, bound)
                if listed is None or listed.shape.element is None or not isinstance(inner.target, ast.Name):
                    return None
                element = self.shape(made, {**bound, inner.target.id: Bound(listed.shape.element, listed.origin)})
                return Bound(replace(listed.shape, element=element.shape), listed.origin, derived=True) if element else None
            case ast.Call():
                return self._call(node, bound)
        return None

    def _field(self, owner: Bound | None, attr: str) -> Bound | None:
        found = owner.shape.fields.get(attr) if owner and owner.shape.kind == "record" else None
        return Bound(found, f"{owner.shape.name}.{attr}", found.optional) if owner and found else None

    def _call(self, node: ast.Call, bound: Mapping[str, Bound]) -> Bound | None:
        name = ast.unparse(node.func)
        if name == "read" and len(node.args) == 3 and isinstance(node.args[2], ast.Dict):
            pairs = zip(node.args[2].keys, node.args[2].values, strict=True)
            fields = {key.value: Shape(_SCALARS.get(ast.unparse(kind), "text")) for key, kind in pairs if isinstance(key, ast.Constant)}
            return Bound(Shape("record", fields=fields, name="Answer"), "read")
        if name in self.contracts:
            told = "type" if name.startswith("memory.") else "name"
            kind = next((k.value.value for k in node.keywords if k.arg == told and isinstance(k.value, ast.Constant)), "")
            return Bound(self.contracts[name].result, f"{name}:{kind}" if kind else name)
        match name, node.args:
            case "next", [ast.GeneratorExp(generators=[inner]), *rest]:
                listed = self.shape(inner.iter, bound)
                none = bool(rest) and isinstance(rest[0], ast.Constant) and rest[0].value is None
                return Bound(listed.shape.element, listed.origin, none, True) if listed and listed.shape.element else None
            case "min" | "max", [source]:
                listed = self.shape(source, bound)
                return Bound(listed.shape.element, listed.origin, derived=True) if listed and listed.shape.element else None
            case "sorted", [source]:
                return self.shape(source, bound)
            case "len", _:
                return Bound(Shape("int"))
            case "date" | "datetime", _:
                return Bound(Shape(name))
            case "date.today", _:
                return Bound(Shape("date"))
        return None


@dataclass(frozen=True, slots=True)
class Path:
    """A way to a scalar that is bound: `mails[0].sender`."""

    text: str
    shape: Shape
    origin: str
    of: str = ""  # the origin of the record that it is a field of


def superseded(bound: Mapping[str, Bound], only_lists: bool = False) -> set[str]:
    """Lists from which something was picked or filtered since: what comes after is about that."""
    old: set[str] = set()
    for name, one in bound.items():
        kind = one.shape.element if one.shape.kind == "list" else one.shape
        if one.derived and kind is not None and not (only_lists and one.shape.kind != "list"):
            old |= {other for other in list(bound)[: list(bound).index(name)] if bound[other].shape.kind == "list" and bound[other].origin == one.origin and bound[other].shape.element == kind}
    return old


def paths(bound: Mapping[str, Bound]) -> list[Path]:
    """Every scalar that can be reached from what is bound and surely there."""
    found: list[Path] = []
    old = superseded(bound)
    for name, one in bound.items():
        if one.maybe or name in old:
            continue
        shape, head = one.shape, name
        if shape.kind == "list" and shape.element is not None:
            shape, head = shape.element, f"{name}[0]"
        if shape.kind == "record":
            found += [Path(f"{head}.{key}", inner, f"{shape.name}.{key}", one.origin) for key, inner in shape.fields.items() if inner.kind not in ("list", "dict", "record")]
        elif shape.kind not in ("list", "dict", "none"):
            found.append(Path(head, shape, one.origin))
    return found
