"""A small checker of plans against contracts: the errands' judge where the kernel's resolver is not wanted."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from discreet.kernel.contract import REQUIRED, Contract
from discreet.kernel.errors import PlanError, nearest
from discreet.kernel.syntax import parse

KNOWN = frozenset(
    """len sum min max sorted next round str int float bool any all list set dict range enumerate zip abs reversed isinstance print read
    default date datetime timedelta time find_amounts find_dates find_emails find_codes find_links ValueError Exception RuntimeError""".split()
)


def check(source: str, contracts: Mapping[str, Contract]) -> list[str]:
    """Located problems; none if the plan may run."""
    try:
        tree = parse(source).tree
    except PlanError as error:
        return [str(error)]
    services = {name.split(".")[0] for name in contracts}
    return [*_names(tree, services), *_calls(tree, contracts, services), *_fields(tree, contracts)]


def _names(tree: ast.Module, services: set[str]) -> Iterable[str]:
    assigned = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    arguments = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    known = assigned | arguments | services | KNOWN
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id not in known:
            yield f"line {node.lineno}: unknown name `{node.id}`{nearest(node.id, sorted(known))}"
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in services | KNOWN:
            yield f"line {node.lineno}: `{node.id}` is a tool or function and cannot be assigned"


def _calls(tree: ast.Module, contracts: Mapping[str, Contract], services: set[str]) -> Iterable[str]:
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)):
            continue
        name = f"{node.func.value.id}.{node.func.attr}"
        if node.func.value.id not in services:
            continue
        if name not in contracts:
            yield f"line {node.lineno}: unknown tool `{name}`{nearest(name, contracts)}"
            continue
        given = [keyword.arg or "" for keyword in node.keywords]
        known = {parameter.name: parameter for parameter in contracts[name].parameters}
        for argument in given:
            if argument not in known:
                yield f"line {node.lineno}: `{name}` has no argument `{argument}`{nearest(argument, known)}"
        for parameter in [*known.values()][len(node.args) :]:
            if parameter.default is REQUIRED and parameter.name not in given:
                yield f"line {node.lineno}: `{name}` needs `{parameter.name}=`"


def _fields(tree: ast.Module, contracts: Mapping[str, Contract]) -> Iterable[str]:
    """A name that holds one record is read by that record's fields."""
    records: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Call):
            shape = contracts.get(ast.unparse(node.value.func))
            name = node.targets[0].id
            if shape is not None and shape.result.kind == "record":
                records[name] = set(shape.result.fields)
            elif ast.unparse(node.value.func) == "read" and isinstance(node.value.args[-1], ast.Dict):
                records[name] = {key.value for key in node.value.args[-1].keys if isinstance(key, ast.Constant)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in records:
            known = records[node.value.id] | {"ok"}
            if node.attr not in known:
                yield f"line {node.lineno}: `{node.value.id}` has no field `{node.attr}`{nearest(node.attr, known)}"
