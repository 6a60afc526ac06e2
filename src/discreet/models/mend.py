"""Slips of small models whose meaning is plain, set right in an accepted plan before it is judged again.

Each rule makes a plan do what it evidently says, may leave a look-up out, and adds no call, no recipient and no argument (G0.1: the judge looks at the result
all the same). What a rule knows of a handle stays here: no planner is shown the mended plan (G4.1).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping

_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def mend(source: str, handles: Mapping[str, str], reads: Collection[str] = ()) -> str:
    """The plan without these slips; the same text if it has none or cannot be read. `reads` are the tools that only look up."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return source
    before = ast.dump(tree)
    tree = _Lowered().visit(tree)
    _first_mail_instead_of_none(tree)
    _addresses_as_they_are(tree, {handle for handle, words in handles.items() if _ADDRESS.fullmatch(words)})
    _without_unused(tree, frozenset(reads))
    return source if ast.dump(tree) == before else ast.unparse(ast.fix_missing_locations(tree))


class _Lowered(ast.NodeTransformer):
    """`"Rent" in subject.lower()` is never true: the text that is looked for is lowered too."""

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if any(_is_lowered(side) for side in node.comparators) and isinstance(node.left, ast.Constant) and isinstance(node.left.value, str):
            node.left.value = node.left.value.lower()
        if _is_lowered(node.left):
            for side in node.comparators:
                if isinstance(side, ast.Constant) and isinstance(side.value, str):
                    side.value = side.value.lower()
        return node


def _is_lowered(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "lower"


def _first_mail_instead_of_none(tree: ast.Module) -> None:
    """A mail picked by a word of its subject, and used without asking whether there is one: else the newest of that search."""
    searches = {
        node.targets[0].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and _calls(node.value, "mail.search")
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and _calls(node.value, "next")):
            continue
        picked, arguments = node.targets[0].id, node.value.args
        if len(arguments) != 2 or not (isinstance(arguments[1], ast.Constant) and arguments[1].value is None):
            continue
        source = arguments[0].generators[0].iter if isinstance(arguments[0], ast.GeneratorExp) else None
        if isinstance(source, ast.Name) and source.id in searches and not _is_asked(tree, picked):
            arguments[1] = ast.Subscript(ast.Name(source.id, ast.Load()), ast.Constant(0), ast.Load())


def _is_asked(tree: ast.Module, name: str) -> bool:
    """Whether some test of the plan looks at this name."""
    tests = [node.test for node in ast.walk(tree) if isinstance(node, (ast.If, ast.IfExp))]
    return any(isinstance(part, ast.Name) and part.id == name for test in tests for part in ast.walk(test))


def _addresses_as_they_are(tree: ast.Module, addresses: set[str]) -> None:
    """`contacts.find(name="[[1]]")` where the user wrote an address there: the address itself, wherever only the email is used."""
    for statement in list(tree.body):
        if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name) and _calls(statement.value, "contacts.find")):
            continue
        named = [k.value.value for k in statement.value.keywords if k.arg == "name" and isinstance(k.value, ast.Constant)]
        name = statement.targets[0].id
        if not named or named[0] not in addresses or not _only_email_used(tree, name):
            continue
        tree.body.remove(statement)
        _Replaced(name, named[0]).visit(tree)


def _only_email_used(tree: ast.Module, name: str) -> bool:
    loads = sum(isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load) for node in ast.walk(tree))
    stores = sum(isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store) for node in ast.walk(tree))
    emails = sum(_is_email_of(node, name) for node in ast.walk(tree))
    return loads == emails > 0 and stores == 1


def _is_email_of(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "email" and isinstance(node.value, ast.Name) and node.value.id == name


def _without_unused(tree: ast.Module, reads: frozenset[str]) -> None:
    """A look-up whose result nothing uses tells somebody of the errand for nothing, and may fail it: it is left out, if another call stays."""
    while True:
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        idle = [line for line in tree.body if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name) and line.targets[0].id not in used and _calls_one(line.value, reads)]
        others = sum(isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) for node in ast.walk(tree))
        if not idle or others <= 1:
            return
        tree.body.remove(idle[0])


def _calls_one(node: ast.AST, names: frozenset[str]) -> bool:
    """Whether this is a call of one of these with nothing but literals and names in its arguments."""
    return isinstance(node, ast.Call) and ast.unparse(node.func) in names and not any(isinstance(part, ast.Call) for argument in node.keywords for part in ast.walk(argument.value))


class _Replaced(ast.NodeTransformer):
    def __init__(self, name: str, handle: str) -> None:
        self.name, self.handle = name, handle

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        return ast.Constant(self.handle) if _is_email_of(node, self.name) else node


def _calls(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == name
