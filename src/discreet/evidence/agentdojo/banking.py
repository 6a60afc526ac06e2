"""Contracts of the banking suite: one account at a bank, its customer profile, and a folder of files.

Outsiders write into the account: whoever pays in chooses the transaction's subject. The bank itself vouches for ids, accounts,
amounts and dates. Payees to whom the user has paid before are the user's own list of payees.
"""

from __future__ import annotations

from typing import Any

from discreet.evidence.agentdojo.house import OWN, House, Services, acting, arg, day, key, reading, service
from discreet.kernel.contract import Effect, Place, Role
from discreet.kernel.label import label
from discreet.kernel.shape import list_of, record_of, scalar, text
from discreet.tools.directory import Directory, Entry

MINE = ("finance/transaction", "user")
BANK = Place("bank", label((MINE,), ("payers",)), ("bank",), keeps=("finance", "document"))
# the profile is kept on the same customer record as the transactions, so that what one decides may change the other
PROFILE = Place("bank/profile", label((MINE, ("contact/name", "user"), ("contact/postal-address", "user"))), ("bank",), keeps=("finance", "document", "contact"))
FILES = Place("files", label((("document/file", "user"),), ("file-authors",)))
CURRENCY = "EUR"  # the account is a German one
TRANSACTIONS_MAX = 100

_iban = text(max=60, attested=True)
_amount = scalar("float", max=10_000_000, attested=True)
_line = text(max=2_000)
_day = scalar("date", attested=True)
_transaction = record_of(
    "Transaction", id=scalar("int", max=10**9, attested=True), sender=_iban, recipient=_iban, amount=_amount, subject=_line, date=_day,
    recurring=scalar("bool", attested=True),
)  # fmt: skip
_done = record_of("Done", message=text(max=500))
_person = record_of("UserInfo", first_name=text(max=100), last_name=text(max=100), street=text(max=200), city=text(max=200))


def banking(house: House) -> Services:
    """The tools of one account, and its payees."""
    currency = arg("currency", text(max=3), default=CURRENCY)
    recipient = arg("recipient", text(max=60), Role.WHO, address="iban")
    amount = arg("amount", scalar("float", max=10_000_000), Role.AMOUNT)
    date = arg("date", scalar("date"), Role.WHAT)
    tools = (
        reading("bank.get_iban", "the account's own IBAN", (), _iban, BANK, lambda: house.call("get_iban")),
        reading("bank.get_balance", "the account's balance", (), _amount, BANK, lambda: house.call("get_balance")),
        reading("bank.get_most_recent_transactions", "the last n transactions, oldest first", (key("n", scalar("int", max=100), 100),),
                list_of(_transaction, TRANSACTIONS_MAX), BANK, lambda n: [_row(t) for t in house.call("get_most_recent_transactions", n=n)]),
        reading("bank.get_scheduled_transactions", "scheduled and recurring payments", (), list_of(_transaction, TRANSACTIONS_MAX), BANK,
                lambda: [_row(t) for t in house.call("get_scheduled_transactions")]),
        acting("bank.send_money", "pay an amount to an IBAN", (recipient, amount, arg("subject", _line), date, currency), _done, BANK,
               lambda recipient, amount, subject, date, currency: house.call(
                   "send_money", recipient=recipient, amount=amount, subject=subject, date=date.isoformat()),
               "payment/transfer", Effect.PAY),
        acting("bank.schedule_transaction", "schedule a payment; it can be taken back until it is due",
               (recipient, amount, arg("subject", _line), date, arg("recurring", scalar("bool"), Role.TIMES), currency), _done, BANK,
               lambda recipient, amount, subject, date, recurring, currency: house.call(
                   "schedule_transaction", recipient=recipient, amount=amount, subject=subject, date=date.isoformat(), recurring=recurring),
               "payment/transfer", Effect.PAY),
        acting("bank.update_scheduled_transaction", "change a scheduled payment; what is left out stays",
               (arg("id", scalar("int", max=10**9), Role.WHAT), arg("recipient", text(max=60, optional=True), Role.WHO, None, "iban"),
                arg("amount", scalar("float", max=10_000_000, optional=True), Role.AMOUNT, None), arg("subject", text(max=2_000, optional=True), default=None),
                arg("date", scalar("date", optional=True), Role.WHAT, None), arg("recurring", scalar("bool", optional=True), Role.TIMES, None), currency),
               _done, BANK,
               lambda id, recipient, amount, subject, date, recurring, currency: house.call(
                   "update_scheduled_transaction", id=id, recipient=recipient, amount=amount, subject=subject,
                   date=date.isoformat() if date else None, recurring=recurring),
               "payment/transfer", Effect.PAY),
        reading("files.read_file", "the text of a file; empty if there is none", (key("file_path", text(max=300)),), text(max=50_000), FILES,
                lambda file_path: house.call("read_file", file_path=file_path)),
        reading("account.get_user_info", "the user's name and address as the bank has them", (), _person, PROFILE, lambda: house.call("get_user_info")),
        acting("account.update_password", "set a new password for the bank account", (arg("password", text(max=200), Role.WHAT),), _done, PROFILE,
               lambda password: house.call("update_password", password=password), "account"),
        acting("account.update_user_info", "change name or address at the bank; what is left out stays",
               tuple(arg(n, text(max=200, optional=True), Role.WHAT, None) for n in ("first_name", "last_name", "street", "city")), _person, PROFILE,
               lambda **given: house.call("update_user_info", **given), "account", undoable=True),
    )  # fmt: skip
    return Services(tools, Directory(_payees(house.environment), {"bank": service("bank", *OWN)}))


def _row(transaction: Any) -> dict[str, Any]:
    return {**transaction.model_dump(), "date": day(transaction.date)}


def _payees(environment: Any) -> list[Entry]:
    """Whom the user has paid before; who only paid in is no payee."""
    account = environment.bank_account
    paid = [t.recipient for t in (*account.transactions, *account.scheduled_transactions) if t.sender in ("me", account.iban)]
    return [Entry(f"payee:{iban}", iban, frozenset({"payee"}), (("iban", iban),)) for iban in dict.fromkeys(paid)]
