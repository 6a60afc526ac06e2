"""The dates of a request are worked out by trusted code (a small model copies well and computes badly)."""

from __future__ import annotations

import datetime as dt

import pytest

from discreet.models.dates import mentions, mentions_max

TUESDAY = dt.date(2026, 3, 3)

CASES = [
    ("lunch on Friday at half past twelve", ["datetime(2026, 3, 6, 12, 30)"]),
    ("the dentist on 14 March at 9", ["datetime(2026, 3, 14, 9, 0)"]),
    ("tomorrow at 7 in the evening", ["datetime(2026, 3, 4, 19, 0)"]),
    ("drinks tonight at 8", ["datetime(2026, 3, 3, 20, 0)"]),
    ("move it from Monday 10:30 to Wednesday at 4", ["datetime(2026, 3, 9, 10, 30)", "datetime(2026, 3, 4, 16, 0)"]),
    ("between Thursday and Saturday", ["date(2026, 3, 5)", "date(2026, 3, 7)"]),
    ("next week Friday, 15h30", ["datetime(2026, 3, 13, 15, 30)"]),
    ("the 3rd of May 2027, noon", ["datetime(2027, 5, 3, 12, 0)"]),
    ("every invoice since 1 November", ["date(2025, 11, 1)"]),
    ("in two weeks", ["date(2026, 3, 17)"]),
    ("on 2026-04-01", ["date(2026, 4, 1)"]),
    ("Tuesday", ["date(2026, 3, 10)"]),  # today's own weekday means the next one
    ("at most 120 euros, size 43", []),
    ("the 40th of May", []),
]


@pytest.mark.parametrize(("request_text", "codes"), CASES)
def test_a_date_is_written_as_a_plan_writes_it(request_text, codes):
    assert [mention.code for mention in mentions(request_text, TUESDAY)] == codes


def test_the_number_of_mentions_is_limited():
    assert len(mentions("tomorrow, " * 50, TUESDAY)) == mentions_max
