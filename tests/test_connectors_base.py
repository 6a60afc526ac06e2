"""The rules that every connector keeps: exact requests, arguments refused by name, outside JSON read one way only."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discreet.connectors import base
from discreet.connectors.errors import BadAnswer, InvalidArgument, SAID_CHARS_MAX, Refused
from discreet.connectors.mail import Mail, MailConfig

NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.timezone.utc)
NONCE = "0123456789abcdef"
MAIL = Mail(MailConfig("nora@lindqvist.example", "nora", "127.0.0.1", 1, "127.0.0.1", 1))
SEND = {"to": "sam@okafor.example", "subject": "x", "body": "y"}


def test_equal_arguments_nonce_and_clock_give_equal_bytes() -> None:  # G5.4
    assert MAIL.prepare("send", SEND, NONCE, NOW) == MAIL.prepare("send", dict(reversed(SEND.items())), NONCE, NOW)


@pytest.mark.parametrize("change", [{"to": "tilda@brandt.example"}, {"subject": "z"}, {"body": "z"}])
def test_every_argument_is_in_the_digest(change: dict[str, str]) -> None:  # G5.4
    assert MAIL.prepare("send", SEND, NONCE, NOW).digest != MAIL.prepare("send", SEND | change, NONCE, NOW).digest


def test_only_the_nonce_makes_identifiers_differ() -> None:
    first, second = (json.loads(MAIL.prepare("send", SEND, n, NOW).canonical)["request"]["message"] for n in (NONCE, NONCE + "x"))
    differing = [a for a, b in zip(first.splitlines(), second.splitlines(), strict=True) if a != b]
    assert [row.split(":")[0] for row in differing] == ["Message-ID"]


def test_unknown_actions_and_arguments_are_refused_with_the_nearest_name() -> None:
    with pytest.raises(InvalidArgument, match="did you mean `send`"):
        MAIL.prepare("sent", SEND, NONCE, NOW)
    with pytest.raises(InvalidArgument, match="`subjet`.*did you mean `subject`"):
        MAIL.prepare("send", SEND | {"subjet": "x"}, NONCE, NOW)


def test_a_short_nonce_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="nonce"):
        MAIL.prepare("send", SEND, "short", NOW)


def test_a_request_over_its_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:  # G3.5
    monkeypatch.setattr(base, "REQUEST_BYTES_MAX", 500)
    with pytest.raises(InvalidArgument, match="over 500 bytes"):
        MAIL.prepare("send", SEND | {"body": "x" * 500}, NONCE, NOW)


def test_a_request_prepared_for_another_connector_is_not_performed() -> None:
    with pytest.raises(InvalidArgument, match="prepared"):
        MAIL.perform(base.Prepared("shop", "send", b"{}"))


def test_outside_words_stay_out_of_messages_and_are_cut() -> None:  # G4.4
    error = Refused("refused", "shop refused", "SECRET " * 10_000)
    assert "SECRET" not in str(error) and len(error.said) == SAID_CHARS_MAX


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', '[{"b":{"c":1,"c":1}}]', "NaN", "[Infinity]", "{", "", "[" * 100_000])
def test_json_that_can_be_read_two_ways_is_refused(text: str) -> None:  # RED_TEAM 9
    with pytest.raises(BadAnswer):
        base.strict_json(text, 1_000_000)


def test_json_over_its_limit_is_refused() -> None:
    with pytest.raises(BadAnswer, match="over 10 bytes"):
        base.strict_json("[1,2,3,4,5,6]", 10)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20))
def test_canonical_json_is_read_back_as_it_was(value: Any) -> None:
    try:
        written = base.canonical_json(value)
    except UnicodeEncodeError:  # a lone surrogate has no bytes
        return
    assert base.strict_json(written, 10_000_000) == value


@given(st.text(max_size=50))
def test_a_line_never_holds_what_could_end_a_line(value: str) -> None:  # G5.1
    try:
        accepted = base.line({"x": value}, "x")
    except InvalidArgument as error:
        assert error.argument == "x"
        return
    assert accepted.splitlines() in ([], [accepted]) and accepted.isprintable() | True and "\0" not in accepted


@pytest.mark.parametrize("value", [True, 1.0, "1", None, [1]])
def test_a_whole_number_is_nothing_else(value: Any) -> None:
    with pytest.raises(InvalidArgument, match="`n`"):
        base.whole({"n": value}, "n", None, 0, 10)
