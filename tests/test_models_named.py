"""What of a request can be a person, a name, a file or a link."""

from __future__ import annotations

import pytest

from discreet.models.named import files, invites, links, names, people, place, relations, shops


@pytest.mark.parametrize(
    ("request_text", "expected"),
    [
        ("Ask my piano teacher and [[1]] about it", ["[[1]]", "my piano teacher"]),
        ("Mum wants it, and Kim Lee's too", ["Mum", "Kim Lee"]),
        ("Kim needs the keys", ["Kim"]),
        ("Dinner on Monday", []),
        ("Buy soap at Elm Chemist for my aunt", ["my aunt"]),
        ("look at the vet's mail", ["my vet"]),
        ("what is my passport number?", []),
        ("read the mail from Kim", ["Kim"]),  # nobody more likely is named
        ("what do towels cost at Elm Chemist?", []),
    ],
)
def test_who_can_be_looked_up(request_text, expected):
    assert people(request_text) == expected


def test_a_relation_is_the_users_own_and_said_once():
    assert relations("strike the physio session on monday") == []
    assert relations("tell my mother, our landlord and the dentist that mum is here") == ["my mother", "my landlord", "my dentist", "mum"]


def test_names_are_capitals_inside_the_sentence_handles_and_addresses():
    assert names("Get tea from Bean & Leaf, write info@pool.example and [[2]] on Friday") == ["[[2]]", "info@pool.example", "Bean & Leaf"]


def test_a_name_with_dots_in_it_is_one_name():
    assert names("order socks from U.S. Shop") == ["U.S. Shop"]
    assert names("get tea from the U.S. Then write to J. R. Tolkien") == ["U.S. Then", "J. R. Tolkien"]  # in doubt one name too long; the grammar's later samples are free
    assert names("mail Dr. Adler and buy tea at Marks & Co. London") == ["Dr. Adler", "Marks & Co. London"]
    assert names("tell Sam. Kim is here") == ["Sam", "Kim"]


def test_a_word_that_opens_sentences_is_part_of_a_name_inside_one():
    assert names("What do frames cost at Quick Prints?") == ["Quick Prints"] and names("Quick Prints, two posters: order them") == ["Quick Prints"]
    assert names("Order Earl Grey") == ["Earl Grey"]


@pytest.mark.parametrize(
    ("request_text", "expected"),
    [
        ("order tea from Bean & Leaf", ["Bean & Leaf"]),
        ("how many stars has the Trek tent at Peak & Trail?", ["Peak & Trail"]),
        ("Peak & Trail: order the tent", ["Peak & Trail"]),
        ("it says so in [[1]]'s mail", []),
        ("get soap from [[1]]", ["[[1]]"]),
        ("get soap from [[1]] Chemist and tell Kim", ["[[1]] Chemist"]),
        ("get soap at Elm [[2]], up to 9 euros", ["Elm [[2]]"]),
    ],
)
def test_a_shop_is_named_after_a_word_of_place_or_opens_the_sentence(request_text, expected):
    assert shops(request_text) == expected


def test_a_handle_that_is_had_or_gone_to_is_nobody():
    assert people("I need [[1]] for my [[2]]") == people("when does my train to [[1]] leave?") == []
    assert people("cancel the dinner with [[1]]") == ["[[1]]"] and people("it says so in [[1]]'s mail") == ["[[1]]"]


def test_links_and_files():
    assert links("see https://pool.example/hours, or pool.example; mail a@pool.example") == ["https://pool.example/hours", "pool.example"]
    assert files("notes.txt from my work folder") == (["work"], ["work/notes.txt"])
    assert files("send list.csv") == ([], ["list.csv"])


def test_a_place_stands_after_at_and_is_no_shop():
    assert place("tea at the Elm Inn at noon") == "Elm Inn" and place("tea at [[2]]") == "[[2]]"
    assert place("order tea at Elm Inn") == place("tea at five") == place("tea at home") == ""
    assert invites("send an invitation to Kim") and not invites("meet Kim")
