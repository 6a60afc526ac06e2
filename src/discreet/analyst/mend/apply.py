"""Applies a rule at the place that a proof blames and gives back the file's new text."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from discreet.analyst.mend import guards
from discreet.analyst.mend.rules import HELPERS, RULES, Edit, Site, dotted

LINES_AROUND_MAX = 12
SITES_MAX = 20
OWN_HELPERS = tuple("def " + text.split("(")[0].removeprefix("def ") + "(" for text in HELPERS.values())


def candidates(source: str, kind: str, line: int, function: str) -> Iterator[str]:
    """New texts of the file, the one that changes the blamed line first; each is one rule at one call."""
    if kind in ("login", "object", "secret"):
        yield from guards.candidates(source, kind, line, function)
        return
    if kind in ("cookie", "cookie-script"):
        yield from _switched_on(source, line)
    rule = RULES.get(kind)
    if rule is None:
        return
    try:
        wrapper = MetadataWrapper(cst.parse_module(source), unsafe_skip_copy=True)
    except cst.ParserSyntaxError:
        return
    finder = _Finder(wrapper.resolve(PositionProvider), function.replace(".<locals>", "").split(".<")[0])
    wrapper.module.visit(finder)
    for site_line, inside, end, node, texts in sorted(finder.calls, key=lambda c: (not c[0] <= line <= c[2], not c[1], abs(c[0] - line))):
        if not inside and not site_line <= line <= end:
            continue
        edit = rule(Site(node, dotted(node.func), texts, source, _code(finder.holder_of(node))))
        if edit is None:
            continue
        text = _edited(wrapper.module, node, edit, finder.holder_of(node))
        if text is not None and text != source:
            yield text
            everywhere = _everywhere(text, kind) if kind == "hash" else text
            if everywhere != text:
                yield everywhere  # where what one function keeps is what another one compares with
    if kind in ("xss", "stored-xss"):
        yield from _returns(wrapper.module, finder, source, line)


def _everywhere(source: str, kind: str) -> str:
    """The file with the rule applied wherever it applies."""
    for _ in range(SITES_MAX):
        wrapper = MetadataWrapper(cst.parse_module(source), unsafe_skip_copy=True)
        finder = _Finder(wrapper.resolve(PositionProvider), "")
        wrapper.module.visit(finder)
        for _line, _inside, _end, node, texts in finder.calls:
            holder = _code(finder.holder_of(node))
            edit = RULES[kind](Site(node, dotted(node.func), texts, source, holder)) if not holder.lstrip().startswith(OWN_HELPERS) else None
            text = _edited(wrapper.module, node, edit, finder.holder_of(node)) if edit is not None else None
            if text is not None and text != source:
                source = text
                break
        else:
            break
    return source


_SWITCHED_OFF = re.compile(r"(SESSION_COOKIE_(?:HTTPONLY|SECURE)\b[\"'\]]*\s*[=:]\s*)False\b")


def _switched_on(source: str, line: int) -> Iterator[str]:
    """The flag of the session's cookie that the blamed line switches off, switched on."""
    lines = source.splitlines(keepends=True)
    if 1 <= line <= len(lines) and _SWITCHED_OFF.search(lines[line - 1]):
        yield "".join([*lines[: line - 1], _SWITCHED_OFF.sub(r"\1True", lines[line - 1]), *lines[line:]])


def _code(node: cst.CSTNode | None) -> str:
    return cst.Module([]).code_for_node(node) if node is not None else ""


def _returns(module: cst.Module, finder: _Finder, source: str, line: int) -> Iterator[str]:
    """For markup that is returned as it is: the returned text takes the place of a call's argument."""
    rule = RULES["xss"]
    for site_line, inside, end, node, texts in sorted(finder.values, key=lambda c: (not c[0] <= line <= c[2], not c[1], abs(c[0] - line))):
        if not inside and not site_line <= line <= end:
            continue
        wrapped = cst.Call(cst.Name("returned"), [cst.Arg(node)])
        edit = rule(Site(wrapped, "returned", texts, source))
        if edit is None or not isinstance(edit.call, cst.Call):
            continue
        edit.call = edit.call.args[0].value
        text = _edited(module, node, edit, finder.holder_of(node))
        if text is not None and text != source:
            yield text


def _edited(module: cst.Module, node: cst.CSTNode, edit: Edit, scope: cst.CSTNode | None) -> str | None:
    given = edit.names.pop("«render»", None)
    changed = module.visit(_Replace(node, edit, scope, given))
    if not isinstance(changed, cst.Module):
        return None
    body = list(changed.body)
    place = _after_imports(body)
    added: list[cst.BaseStatement] = []
    code = module.code
    imported = {dotted(alias.name) for statement in body if isinstance(statement, cst.SimpleStatementLine) for part in statement.body if isinstance(part, cst.Import) for alias in part.names if alias.asname is None}
    for name in sorted(edit.imports):
        if name not in imported:
            added.append(cst.parse_statement(f"import {name}\n"))
    for name in sorted(edit.helpers):
        first = HELPERS[name].split("(")[0] + "("
        if first not in code:
            added.append(cst.parse_statement("\n\n" + HELPERS[name]))
    return changed.with_changes(body=[*body[:place], *added, *body[place:]]).code


def _after_imports(body: list[cst.BaseStatement]) -> int:
    """Where a helper may stand: after the docstring and the first run of imports."""
    place = 0
    for index, statement in enumerate(body):
        if isinstance(statement, cst.SimpleStatementLine):
            first = statement.body[0]
            if isinstance(first, (cst.Import, cst.ImportFrom)):
                place = index + 1
                continue
            if index == 0 and isinstance(first, cst.Expr) and isinstance(first.value, (cst.SimpleString, cst.ConcatenatedString)):
                place = 1
                continue
        break
    return place


class _Replace(cst.CSTTransformer):
    """Puts the new call in place of the old one and new texts where names of that function were given theirs."""

    def __init__(self, node: cst.CSTNode, edit: Edit, scope: cst.CSTNode | None, given: cst.BaseExpression | None) -> None:
        self.node, self.edit, self.scope, self.given, self.within = node, edit, scope, given, scope is None
        self.replaced: cst.CSTNode | None = None
        self.depth = 0

    def on_visit(self, node: cst.CSTNode) -> bool:
        if node is self.scope:
            self.within = True
        return super().on_visit(node)

    def on_leave(self, original: cst.CSTNode, updated: cst.CSTNode) -> cst.CSTNode:  # type: ignore[override]
        result = super().on_leave(original, updated)
        if original is self.scope:
            self.within = False
        if original is self.node and self.edit.call is not None:
            self.replaced = original
            return self.edit.call
        if self.given is not None and isinstance(original, cst.Call) and isinstance(original.func, cst.Attribute) and original.func.attr.value == "render" and original.func.value is self.node and isinstance(result, cst.Call):
            return result.with_changes(args=[*result.args, cst.Arg(self.given, star="**")])
        return result  # type: ignore[return-value]

    def leave_Assign(self, original_node: cst.Assign, updated_node: cst.Assign) -> cst.BaseSmallStatement:
        target = original_node.targets[0].target
        if self.within and isinstance(target, cst.Name) and target.value in self.edit.names and not isinstance(original_node.value, (cst.SimpleString, cst.Integer)):
            return updated_node.with_changes(value=self.edit.names[target.value])
        return updated_node


class _Finder(cst.CSTVisitor):
    """Every call and every returned text, with its lines, whether it is in the blamed function, and the texts its names hold."""

    def __init__(self, positions: object, function: str) -> None:
        self.positions, self.function = positions, function
        self.stack: list[cst.CSTNode] = []
        self.names: list[str] = []
        self.texts: list[dict[str, cst.BaseExpression]] = [{}]
        self.calls: list[tuple[int, bool, int, cst.Call, dict[str, cst.BaseExpression]]] = []
        self.values: list[tuple[int, bool, int, cst.BaseExpression, dict[str, cst.BaseExpression]]] = []
        self.scopes: dict[int, cst.CSTNode | None] = {}

    def holder_of(self, node: cst.CSTNode) -> cst.CSTNode | None:
        return self.scopes.get(id(node))

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self.stack.append(node)
        self.names.append(node.name.value)
        self.texts.append(dict(self.texts[-1]))

    def leave_FunctionDef(self, original_node: cst.FunctionDef) -> None:
        self.stack.pop()
        self.names.pop()
        self.texts.pop()

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self.names.append(node.name.value)

    def leave_ClassDef(self, original_node: cst.ClassDef) -> None:
        self.names.pop()

    def visit_Assign(self, node: cst.Assign) -> None:
        target = node.targets[0].target
        if isinstance(target, cst.Name):
            self.texts[-1][target.value] = node.value

    def visit_Call(self, node: cst.Call) -> None:
        self._keep(node, self.calls)

    def visit_Return(self, node: cst.Return) -> None:
        if node.value is not None:
            values = [e.value for e in node.value.elements[:1]] if isinstance(node.value, cst.Tuple) else [node.value]
            for value in values:
                self._keep(value, self.values)

    def visit_AugAssign(self, node: cst.AugAssign) -> None:
        if isinstance(node.operator, cst.AddAssign):
            self._keep(node.value, self.values)

    def _keep(self, node: cst.BaseExpression, into: list) -> None:  # type: ignore[type-arg]
        place = self.positions[node]  # type: ignore[index]
        inside = ".".join(self.names).endswith(self.function) or self.function.rsplit(".", 1)[-1] in self.names
        into.append((place.start.line, inside, place.end.line, node, self.texts[-1]))
        self.scopes[id(node)] = self.stack[-1] if self.stack else None
