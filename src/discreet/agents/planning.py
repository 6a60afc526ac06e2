"""From a request to a plan: spans become handles, a provider drafts, the session judges (G4.1).

The planner is sent the request with handles and the tools' signatures, and nothing else. What a handle stands for comes back
only as a labelled value inside the run.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from discreet.agents.session import Apart, Drafted, Judged, Planner
from discreet.kernel.contract import NOPLACE, Contract, Parameter, Recipient
from discreet.kernel.label import Label, join, label
from discreet.kernel.shape import text
from discreet.kernel.value import Value
from discreet.models.planner import Draft, draft
from discreet.models.provider import ModelFault, Provider, account_at
from discreet.models.spans import Redacted, redact, spans
from discreet.policy.vocabulary import UNCLASSIFIED
from discreet.tools.registry import tool

REQUEST = label([("request", "user")])

# Labelling is the one place where detection is used (G0.5); a kind that is not listed is the most private there is.
SPAN_TYPES: Mapping[str, str] = {
    "name": "request", "city": "request", "country": "request", "state": "request", "link": "request", "url": "request",
    "health": "health", "personal": "personal", "secret": "credential", "iban": "finance/account",
    "phone": "contact/phone", "phone number": "contact/phone", "street": "contact/postal-address",
    "street name": "contact/postal-address", "building number": "contact/postal-address", "secondary address": "contact/postal-address",
    "zip code": "contact/postal-address", "zip": "contact/postal-address", "date of birth": "identity/birth-date",
    "credit card number": "finance/card", "credit card": "finance/card", "bank account": "finance/account",
    "number": "reference", "identifier": "reference", "tax id": "identity/national-number", "government id": "identity/national-number",
    "drivers license": "identity/driving-licence", "routing number": "finance/account", "ssn": "identity/national-number", "passport": "identity/passport", "password": "credential/password",
}  # fmt: skip


def label_of(kind: str, words: str) -> Label:
    """The label of one sensitive span: an address is its owner's, everything else the user's."""
    if kind == "email":
        return label([("contact/email", f"mail:{words.lower()}")])
    return label([(SPAN_TYPES.get(kind, UNCLASSIFIED), "user")])


def handles_of(request: str, redacted: Redacted, use_model: bool = True) -> dict[str, Value]:
    """What each handle stands for, under the join of the labels of all that was found in it."""
    found, _ = spans(request, use_model)
    made = {}
    for handle, words in redacted.handles.items():
        labels = [label_of(span.kind, words) for span in found if words in request[span.start : span.end] or request[span.start : span.end] in words]
        made[handle] = Value(words, join(REQUEST, *(labels or [label([(UNCLASSIFIED, "user")])])))
    return made


PLAN_CHARS_MAX = 20_000
DRAFT_SECONDS_MAX = 900


def planner(
    provider: Provider,
    who: Recipient,
    contracts: Mapping[str, Contract],
    today: Callable[[], dt.date] = dt.date.today,
    use_span_model: bool = True,
) -> Planner:
    """A planner for Session.ask over one provider: what it is sent is checked and written down like any disclosure (G4.3)."""

    return _Planner(provider, who, contracts, today, use_span_model, (account_at(provider.id) or who.id) if provider.hosted else "")


@dataclass
class _Planner:
    provider: Provider
    who: Recipient
    contracts: Mapping[str, Contract]
    today: Callable[[], dt.date]
    use_span_model: bool
    lasting: str
    written: str = ""  # the plan before, as the model wrote it: what became of it is told beside it

    def __call__(self, request: str, judge: Judged, call: Apart, feedback: Value | None = None) -> Drafted:
        redacted = redact(request, self.use_span_model)
        handles = handles_of(request, redacted, self.use_span_model)
        made: list[Draft | ModelFault] = []

        def perform(request: str, ended: str) -> str:
            before = f"\n{self.written}\n{ended}" if ended else ""
            made.append(draft(redacted, self.contracts, self.provider, lambda source: judge(source, redacted.text, handles), today=self.today(), feedback=before))
            return made[-1].source if isinstance(made[-1], Draft) else ""

        sent = {"request": Value(redacted.text, REQUEST), "ended": feedback or Value("")}
        answer = call(tool(_contract(self.who), perform), sent, self.who)
        if not made:
            why = f"{self.who.name} may not be told the request: {getattr(answer.data, 'kind', 'denied')}"
            return Drafted("", redacted.text, (why,), handles, told=False)
        if isinstance(made[0], ModelFault):
            return Drafted("", redacted.text, (f"the planner gave no plan: {made[0].detail}",), handles)
        self.written = made[0].written or made[0].source
        return Drafted(made[0].source, redacted.text, made[0].problems, handles, made[0].samples, made[0].doubts)


def _contract(who: Recipient) -> Contract:
    return Contract(
        "plan.draft", "a planner drafts a plan", (Parameter("request", text()), Parameter("ended", text(), default="")), text(max=PLAN_CHARS_MAX), purpose="planning",
        place=NOPLACE, recipients=(who.id,), seconds_max=DRAFT_SECONDS_MAX,
    )  # fmt: skip
