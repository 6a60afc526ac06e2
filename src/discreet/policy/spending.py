"""Many small acts are one large one: what an allowance with an amount has been used for, in a plan and before it (RED_TEAM 7).

An allowance states the most in all. A plan whose lines together, with all that was spent under it before, come to more is
asked line by line; each line's own amount is checked where it is decided (act.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from discreet.kernel.contract import Role
from discreet.kernel.monitor import Decision, Flow, Verdict
from discreet.policy.act import money
from discreet.policy.norm import Norms, Used

MARK = "spent"  # begins the note of an intent that used an allowance


def limited(norms: Norms) -> bool:
    """Whether any allowance states an amount."""
    return any(allowance.amount_max is not None for allowance in norms.allowances)


def spends(flow: Flow, decision: Decision, norms: Norms) -> dict[str, Decimal]:
    """What one call of this flow uses of each allowance that permits its amounts."""
    found: dict[str, Decimal] = {}
    for parameter in flow.contract.parameters:
        if parameter.role is not Role.AMOUNT:
            continue
        amount, _ = money(parameter.name, flow)
        for finding in decision.findings:
            if finding.argument == parameter.name and finding.verdict is Verdict.PERMIT and amount is not None:
                for id_ in finding.norms:
                    found[id_] = found.get(id_, Decimal(0)) + amount
    return found


def exhausted(lines: Iterable[tuple[Flow, Decision]], norms: Norms) -> Norms:
    """The norms with every allowance used up that these lines together would overdraw."""
    wanted: dict[str, Decimal] = {}
    for flow, decision in lines:
        for id_, amount in spends(flow, decision, norms).items():
            wanted[id_] = wanted.get(id_, Decimal(0)) + amount * flow.times
    used = dict(norms.used)
    for allowance in norms.allowances:
        if allowance.amount_max is None or allowance.id not in wanted:
            continue
        before = used[allowance.id].amount if allowance.id in used else Decimal(0)
        if before + wanted[allowance.id] > allowance.amount_max:
            used[allowance.id] = Used(allowance.amount_max)
    return replace(norms, used=used)


def noted(amounts: dict[str, Decimal]) -> str:
    """The note that an intent carries."""
    return " ".join([MARK, *(f"{id_}={amount}" for id_, amount in sorted(amounts.items()))]) if amounts else ""


def used(notes: Iterable[str]) -> dict[str, Used]:
    """What all intents together have used, from their notes."""
    sums: dict[str, Decimal] = {}
    for note in notes:
        mark, *parts = note.split(" ")
        for part in parts if mark == MARK else ():
            id_, _, amount = part.rpartition("=")
            try:
                sums[id_] = sums.get(id_, Decimal(0)) + Decimal(amount)
            except InvalidOperation:
                continue
    return {id_: Used(amount) for id_, amount in sums.items()}
