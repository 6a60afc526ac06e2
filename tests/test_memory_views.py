"""Views: what they answer, that they answer whatever the fact, and that their capacity is no understatement (G6.2)."""

from __future__ import annotations

import datetime as dt

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from discreet.memory.views import CITIES_MAX, SLOTS_MAX, VIEWS, ViewError, capacity_bits, fits, look, view
from discreet.policy.vocabulary import types

NOW = dt.datetime(2026, 11, 23, 12, 0)
DAY = {"start": "2026-11-23T09:00", "end": "2026-11-23T11:00", "slot_minutes": 30}


@pytest.mark.parametrize(
    ("text", "adult"),
    [
        ("2008-11-23", True), ("born on 2008-11-24", False), ("1950-01-01", True), ("2030-01-01", False),
        ("2000-02-30", False), ("", False), ("2000-01-01 or 2001-01-01", False), ("2000-01-01, that is 2000-01-01", True),
        ("12000-01-01", False), ("1/1/1990", False),
    ],
)  # fmt: skip
def test_over_18_is_shown_by_one_date_or_not_shown(text, adult):
    assert look("over-18", text, {}, NOW) is adult


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("4111 1111 1111 1234", "1234"), ("Visa 4111-1111-1111-1234, exp. 12/27", "1234"), ("GB29 NWBK 6016 1331 9268 19", "6819"),
        ("DE89370400440532013000", "3000"), ("1234", "none"), ("no card", "none"), ("", "none"),
        ("4111111111111234 or 4111111111115678", "none"), ("x4111111111111234", "none"),
    ],
)  # fmt: skip
def test_last_four_of_the_one_number(text, digits):
    assert look("last-four", text, {}, NOW) == digits


@pytest.mark.parametrize(
    ("text", "city"),
    [
        ("1 High St, Leeds LS1", "Leeds"), ("5 Rua, PORTO ALEGRE", "Porto Alegre"), ("Rua 5, Porto", "Porto"),
        ("Leedsham", "elsewhere"), ("", "elsewhere"), ("Leeds or Porto", "elsewhere"),
    ],
)  # fmt: skip
def test_city_is_one_of_the_norms_list_or_elsewhere(text, city):
    assert look("city", text, {"cities": ["Leeds", "Porto", "Porto Alegre"]}, NOW) == city


@pytest.mark.parametrize(
    ("text", "busy"),
    [
        ("", (0, 0, 0, 0)), ("2026-11-23T09:15/2026-11-23T10:00", (1, 1, 0, 0)), ("2026-11-23T09:30/2026-11-23T09:31", (0, 1, 0, 0)),
        ("2026-11-22T00:00/2026-11-25T00:00", (1, 1, 1, 1)), ("2026-11-23T08:00/2026-11-23T09:00", (0, 0, 0, 0)),
        ("2026-11-23T11:00/2026-11-23T12:00", (0, 0, 0, 0)), ("2026-11-23T10:00/2026-11-23T10:00", (0, 0, 1, 0)),
        ("2026-11-23T09:00/2026-11-23T09:30\n2026-11-23T10:30/2026-11-23T11:00", (1, 0, 0, 1)),
        ("soon/later", (1, 1, 1, 1)), ("2026-11-23T09:00+01:00/2026-11-23T09:30+01:00", (1, 1, 1, 1)),
    ],
)  # fmt: skip
def test_free_busy_shows_slots_and_nothing_else(text, busy):
    assert look("free-busy", text, DAY, NOW) == tuple(map(bool, busy))


def test_capacities():
    assert capacity_bits("over-18", {}) == 1
    assert capacity_bits("last-four", {}) == 14
    assert [capacity_bits("city", {"cities": [str(i) for i in range(n)]}) for n in (1, 2, 3, 7, 8)] == [1, 2, 2, 3, 4]
    assert capacity_bits("free-busy", DAY) == 4


PARAMETERS = {"over-18": {}, "last-four": {}, "city": {"cities": ["Leeds", "Porto", "Graz"]}, "free-busy": DAY}
TEXTS = st.one_of(
    st.text(max_size=60),
    st.dates().map(str),
    st.from_regex(r"[0-9 -]{4,24}", fullmatch=True),
    st.lists(st.sampled_from(["Leeds", "Porto", "Graz", ",", "1"]), max_size=4).map(" ".join),
    st.lists(
        st.tuples(st.datetimes(dt.datetime(2026, 11, 23, 8), dt.datetime(2026, 11, 23, 12)), st.integers(0, 200)), max_size=4
    ).map(lambda es: "\n".join(f"{s.isoformat()}/{(s + dt.timedelta(minutes=m)).isoformat()}" for s, m in es)),
)


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_answers_any_text_with_no_more_answers_than_its_capacity(name):
    answers = set()

    @given(TEXTS, st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2100, 1, 1)))
    @settings(max_examples=100, deadline=None, database=None)
    def any_text(text, now):
        answers.add(look(name, text, PARAMETERS[name], now))

    any_text()
    assert len(answers) <= 2 ** capacity_bits(name, PARAMETERS[name])
    if name == "last-four":
        assert all(a == "none" or (len(a) == 4 and a.isdigit() and a.isascii()) for a in answers)


def test_types_of_views_are_of_the_vocabulary():
    for one in VIEWS.values():
        for type_ in (*one.takes, one.gives):
            assert type_ in types(), type_


def test_a_view_fits_its_types_and_those_below():
    assert fits("last-four", "finance/card") and fits("last-four", "finance/card/visa")
    assert not fits("last-four", "finance") and not fits("over-18", "finance/card")


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("over18", {}, "unknown view `over18`; did you mean `over-18`"),
        ("over-18", {"years": 18}, "has no parameter `years`"),
        ("city", {}, "needs `cities`"),
        ("city", {"cities": []}, f"1 to {CITIES_MAX} names"),
        ("city", {"cities": "Leeds"}, f"1 to {CITIES_MAX} names"),
        ("city", {"cities": [str(i) for i in range(CITIES_MAX + 1)]}, f"1 to {CITIES_MAX} names"),
        ("free-busy", {**DAY, "slot_minutes": 0}, "ISO times"),
        ("free-busy", {**DAY, "slot_minutes": -5}, f"1 to {SLOTS_MAX} slots"),
        ("free-busy", {**DAY, "slot_minutes": 45}, "whole number of slots"),
        ("free-busy", {**DAY, "end": "2027-11-23T11:00"}, f"1 to {SLOTS_MAX} slots"),
        ("free-busy", {**DAY, "start": "nine"}, "ISO times"),
    ],
)
def test_parameters_that_do_not_fit_are_refused_without_a_word_of_the_fact(name, parameters, said):
    with pytest.raises(ViewError, match=said) as caught:
        look(name, "4111 1111 1111 1234", parameters, NOW)
    assert "4111" not in str(caught.value)
    with pytest.raises(ViewError, match=said):
        capacity_bits(name, parameters)


def test_view_by_name():
    assert view("over-18").gives == "identity/over-18"
