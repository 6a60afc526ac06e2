"""Takes apart the expressions with which programs build text, and puts them together again.

A text is a list of pieces: a `str` is fixed, a LibCST expression is a hole that is filled at run time.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import libcst as cst

Piece = str | cst.BaseExpression
_PERCENT = re.compile(r"%(?:%|[sdrif])")
_BRACES = re.compile(r"\{(\w*)(?:![rsa])?(?::[^{}]*)?\}")


def pieces(node: cst.BaseExpression) -> list[Piece] | None:
    """The pieces of a text expression, or None if it is not one whose parts can be seen."""
    if isinstance(node, cst.SimpleString):
        value = node.evaluated_value
        return [value] if isinstance(value, str) else None
    if isinstance(node, cst.ConcatenatedString):
        left, right = pieces(node.left), pieces(node.right)
        return left + right if left is not None and right is not None else None
    if isinstance(node, cst.FormattedString):
        return _formatted(node)
    if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Add):
        left, right = pieces(node.left), pieces(node.right)
        if left is None and right is None:
            return None
        return (left or [node.left]) + (right or [node.right])
    if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Modulo):
        return _percent(node)
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
        if node.func.attr.value == "format":
            return _format(node)
        if node.func.attr.value == "join":
            return _join(node)
    return None


def _formatted(node: cst.FormattedString) -> list[Piece] | None:
    found: list[Piece] = []
    for part in node.parts:
        if isinstance(part, cst.FormattedStringText):
            quoted = cst.parse_expression(f"{node.prefix.replace('f', '').replace('F', '')}{node.quote}{part.value.replace('{{', '{').replace('}}', '}')}{node.quote}")
            if not isinstance(quoted, cst.SimpleString) or not isinstance(quoted.evaluated_value, str):
                return None
            found.append(quoted.evaluated_value)
        elif isinstance(part, cst.FormattedStringExpression):
            if part.format_spec:
                return None
            found.append(part.expression)
    return found


def _percent(node: cst.BinaryOperation) -> list[Piece] | None:
    left = pieces(node.left)
    if left is None or not all(isinstance(p, str) for p in left):
        return None
    text = "".join(p for p in left if isinstance(p, str))
    values = [e.value for e in node.right.elements] if isinstance(node.right, cst.Tuple) else [node.right]
    found: list[Piece] = []
    last = 0
    for match in _PERCENT.finditer(text):
        found.append(text[last : match.start()])
        last = match.end()
        if match.group() == "%%":
            found.append("%")
        elif values:
            found.append(values.pop(0))
        else:
            return None
    return [*found, text[last:]] if not values else None


def _format(node: cst.Call) -> list[Piece] | None:
    if not isinstance(node.func, cst.Attribute):
        return None
    owner = pieces(node.func.value)
    if owner is None or not all(isinstance(p, str) for p in owner) or any(a.star for a in node.args):
        return None
    text = "".join(p for p in owner if isinstance(p, str))
    named = {a.keyword.value: a.value for a in node.args if a.keyword is not None}
    placed = [a.value for a in node.args if a.keyword is None]
    found: list[Piece] = []
    last, position = 0, 0
    for match in _BRACES.finditer(text):
        found.append(text[last : match.start()].replace("{{", "{").replace("}}", "}"))
        last = match.end()
        key = match.group(1)
        if key == "":
            key, position = str(position), position + 1
        value = placed[int(key)] if key.isdigit() and int(key) < len(placed) else named.get(key)
        if value is None:
            return None
        found.append(value)
    return [*found, text[last:].replace("{{", "{").replace("}}", "}")]


def _join(node: cst.Call) -> list[Piece] | None:
    if not isinstance(node.func, cst.Attribute) or len(node.args) != 1 or not isinstance(node.args[0].value, (cst.List, cst.Tuple)):
        return None
    glue = pieces(node.func.value)
    if glue is None or not all(isinstance(p, str) for p in glue):
        return None
    found: list[Piece] = []
    for index, element in enumerate(node.args[0].value.elements):
        if index:
            found += glue
        found += pieces(element.value) or [element.value]
    return found


def holes(parts: list[Piece]) -> list[cst.BaseExpression]:
    """The pieces that are filled at run time."""
    return [p for p in parts if not isinstance(p, str)]


def is_setting(node: cst.BaseExpression) -> bool:
    """Whether a hole looks like the program's own constant: a name in capitals, alone or as the last attribute."""
    name = node.attr.value if isinstance(node, cst.Attribute) else node.value if isinstance(node, cst.Name) else ""
    return name.isupper() and len(name) > 1


def build(parts: list[Piece], wrap: Callable[[cst.BaseExpression], cst.BaseExpression]) -> cst.BaseExpression:
    """A sum of quoted texts and wrapped holes; every hole becomes text."""
    terms: list[cst.BaseExpression] = []
    for part in merged(parts):
        if isinstance(part, str):
            terms.append(cst.SimpleString(repr(part)))
        else:
            terms.append(wrap(part))
    if not terms:
        return cst.SimpleString('""')
    total = terms[0]
    for term in terms[1:]:
        total = cst.BinaryOperation(total, cst.Add(), term)
    return total


def merged(parts: list[Piece]) -> list[Piece]:
    """The same text with neighbouring fixed pieces joined and empty ones left out."""
    out: list[Piece] = []
    for part in parts:
        if isinstance(part, str) and out and isinstance(out[-1], str):
            out[-1] += part
        elif part != "":
            out.append(part)
    return out


def call(name: str, *arguments: cst.BaseExpression) -> cst.Call:
    """A call of a plain or dotted name."""
    function = cst.parse_expression(name)
    return cst.Call(function, [cst.Arg(a) for a in arguments])
