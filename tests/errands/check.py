"""Fields that a plan reads and no tool returns: a check beside the kernel's resolver, which leaves types to the preflight."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from discreet.kernel.contract import Contract
from discreet.kernel.errors import nearest


def fields(tree: ast.Module, contracts: Mapping[str, Contract]) -> Iterable[str]:
    """Located problems; none if every name that holds one record is read by that record's fields."""
    records: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Call):
            contract, name = contracts.get(ast.unparse(node.value.func)), node.targets[0].id
            if contract is not None and contract.result.kind == "record":
                records[name] = set(contract.result.fields)
            elif contract is not None and contract.name == "read" and isinstance(node.value.args[-1], ast.Dict):
                records[name] = {str(key.value) for key in node.value.args[-1].keys if isinstance(key, ast.Constant)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in records:
            known = records[node.value.id] | {"ok"}
            if node.attr not in known:
                yield f"line {node.lineno}: `{node.value.id}` has no field `{node.attr}`{nearest(node.attr, known)}"
