"""Tests of norms, written beside them: a `[[test]]` says what should be decided, `test_norms` whether it is.

    [[test]]
    name = "the shop does not learn of health"
    who = "shop:northside"
    who_is = ["merchant", "user-said"]
    tells = ["health/condition"]
    purpose = "purchase/search"
    through = "shop.search"
    expect = "deny"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from discreet.kernel.contract import NOPLACE, Contract, Effect, Parameter, Recipient, Role
from discreet.kernel.errors import nearest
from discreet.kernel.label import Tag
from discreet.kernel.monitor import Flow, Verdict
from discreet.kernel.shape import Shape
from discreet.kernel.value import Value
from discreet.policy.explain import explain, telling
from discreet.policy.fields import STANDINGS
from discreet.policy.load import Loaded
from discreet.policy.norm import Norms
from discreet.policy.vocabulary import purposes, roles, types


@dataclass(frozen=True, slots=True)
class Result:
    """One test: what was expected, what is decided and why. `mistake` is set when the test itself cannot be read."""

    name: str
    line: int
    origin: str
    expected: str
    found: str
    why: str
    mistake: str = ""

    @property
    def passed(self) -> bool:
        return not self.mistake and self.expected == self.found


def test_norms(loaded: Loaded) -> list[Result]:
    """Every `[[test]]` of the files, run against all norms together."""
    return [_run(row, loaded.norms) for row in loaded.tests]


test_norms.__test__ = False  # type: ignore[attr-defined]  # not one of pytest's


def _run(row: Mapping[str, Any], norms: Norms) -> Result:
    name, expected = str(row.get("name", "test")), str(row.get("expect", ""))
    mistake = _mistake(row)
    if mistake:
        return Result(name, row["line"], row["origin"], expected, "", "", mistake)
    said = explain(_flow(row), norms)
    return Result(name, row["line"], row["origin"], expected, said.verdict.value, str(said))


def _mistake(row: Mapping[str, Any]) -> str:
    def listed(key: str) -> list:
        found = row.get(key, [])
        return found if isinstance(found, list) else [found]

    if row.get("expect") not in list(Verdict):
        return f"expect: one of {', '.join(Verdict)} is needed{nearest(str(row.get('expect')), list(Verdict))}"
    for key in ("who", "purpose", "through"):
        if not isinstance(row.get(key), str):
            return f"{key}: a text is needed"
    checks = ((types(), listed("tells")), (roles(), listed("who_is")), (purposes(), [row["purpose"]]))
    for vocabulary, names in checks:
        for name in names:
            if name not in vocabulary:
                return vocabulary.unknown(str(name))
    return _act_mistake(row)


def _act_mistake(row: Mapping[str, Any]) -> str:
    if row.get("effect", "read") not in list(Effect):
        return f"unknown effect `{row['effect']}`{nearest(str(row['effect']), list(Effect))}"
    standing = row.get("standing", {})
    good = isinstance(standing, dict) and all(r in list(Role) and s in STANDINGS for r, s in standing.items())
    return "" if good else 'standing: a table such as { who = "resolved" } is needed'


def _flow(row: Mapping[str, Any]) -> Flow:
    recipient = Recipient(row["who"], "", frozenset(row.get("who_is", ())))
    tags = [Tag(type_, row.get("about", "user")) for type_ in row.get("tells", ())]
    flow = telling(recipient, tags, row["purpose"], row["through"], row.get("audience", ()), row.get("times", 1))
    if row.get("effect", "read") == "read":
        return flow
    parameters, values = list(flow.contract.parameters), dict(flow.arguments)
    for role, standing in row.get("standing", {}).items():
        parameters.append(Parameter(role, Shape("any"), Role(role)))
        values[role] = Value(row.get("amount") if role == "amount" else "x", standing=STANDINGS[standing])
    if "currency" in row:
        parameters.append(Parameter("currency", Shape("text")))
        values["currency"] = Value(row["currency"])
    contract = Contract(
        row["through"], "a question about norms", tuple(parameters), Shape("none"), Effect(row["effect"]), row["purpose"], NOPLACE, (),
        undoable=row.get("undoable", False),
    )  # fmt: skip
    return replace(flow, contract=contract, arguments=values)
