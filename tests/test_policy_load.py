"""Norms files: what they may say, how mistakes are told, and that what errs denies (G5.3)."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discreet.kernel.contract import Effect, Role
from discreet.kernel.monitor import Verdict
from discreet.kernel.value import Standing
from discreet.policy.decide import decide
from discreet.policy.edit import to_toml
from discreet.policy.explain import explain_telling
from discreet.policy.fields import NAME_CHARS_MAX, TEXT_CHARS_MAX
from discreet.policy.load import FILE_BYTES_MAX, TABLES_MAX, combine, defaults, load, parse
from discreet.policy.norm import Allowance, Norm, Norms, Rule, who
from tests.test_policy import FRIEND, SHOP, pay, tell

GOOD = """[[norm]]
id = "size"
verdict = "permit"
who = ["merchant & user-said", "bob@example.org"]
learns = ["body"]
about = ["user"]
purpose = ["purchase"]
through = ["shop.search"]
because = "a shop has to know the size"
"""
ACT = """[[allow]]
id = "small"
verdict = "permit"
effect = ["pay"]
through = ["bank.pay"]
purpose = ["payment"]
to = ["user-said"]
standing = { who = "user", amount = "resolved" }
amount_max = 12.50
currency = "EUR"
times_max = 3
undoable = false
sources = ["place", "bank"]
because = "small sums to people I name"
"""


def test_a_norm_is_read_as_written() -> None:
    loaded = parse(GOOD + ACT, "mine.toml")
    assert loaded.problems == ()
    assert loaded.norms.norms == (
        Norm("size", Rule.PERMIT, who("merchant & user-said", "bob@example.org"), ("body",), ("user",), ("purchase",), ("shop.search",),
             "a shop has to know the size", origin="mine.toml", line=1),
    )  # fmt: skip
    assert loaded.norms.allowances == (
        Allowance("small", Rule.PERMIT, (Effect.PAY,), ("bank.pay",), ("payment",), who("user-said"), "small sums to people I name",
                  {Role.WHO: Standing.USER, Role.AMOUNT: Standing.RESOLVED}, Decimal("12.5"), "EUR", 3, False, ("place", "bank"),
                  origin="mine.toml", line=10),
    )  # fmt: skip


def test_what_is_written_reads_back_the_same() -> None:
    for item in parse(GOOD + ACT).norms.all() + defaults().norms.all():
        again = parse(to_toml(item), item.origin)
        assert again.problems == ()
        assert [to_toml(n) for n in again.norms.all()] == [to_toml(item)]


MISTAKES = [
    ('verdict = "permit"', 'verdict = "allow"', 3, 12, "verdict: one of permit, ask, forbid is needed"),
    ('"merchant & user-said"', '"mechant & user-said"', 4, 9, "who: unknown role `mechant`; did you mean `merchant`?"),
    ('["body"]', '["bdy"]', 5, 12, "learns: unknown information type `bdy`; did you mean `body`?"),
    ('["user"]', '["usr"]', 6, 11, "about: unknown role `usr`; did you mean `user`?"),
    ('["purchase"]', '["purchas"]', 7, 13, "purpose: unknown purpose `purchas`; did you mean `purchase`?"),
    ('["shop.search"]', '["shop.*"]', 8, 13, "through: `shop.*` is no tool's name; names match exactly"),
    ("learns =", "learn =", 5, 1, "learn: is no field of this table; did you mean `learns`?"),
    ('because = "a shop has to know the size"', "", 1, 1, "because: is missing"),
    ('learns = ["body"]', "learns = []", 5, 1, "learns: a text or a list of texts is needed"),
    ("because =", "times_max = 1.5\nbecause =", 9, 1, "times_max: a whole number from 0 is needed"),
    ("because =", "yields = true\nbecause =", 9, 1, "yields: only an `ask` takes this"),
    ('id = "size"', 'id = "the size"', 2, 1, "id: a text of letters"),
    ('about = ["user"]', 'about = ["user"', 7, 1, "unclosed array"),
    ("[[norm]]", "[[nrom]]", 1, 1, "unknown table `nrom`; did you mean `norm`?"),
]


@pytest.mark.parametrize(("good", "bad", "line", "column", "message"), MISTAKES)
def test_a_mistake_is_told_with_line_column_and_nearest_name_and_denies(good: str, bad: str, line: int, column: int, message: str) -> None:
    assert good in GOOD
    loaded = parse("\n" + ACT + "\n" + GOOD.replace(good, bad), "mine.toml")
    problem = loaded.problems[0]
    assert message in problem.message
    assert (problem.line - 16, problem.column) == (line, column)
    assert str(problem).startswith(f"mine.toml: line {problem.line}, column {problem.column}: ")
    permit_all = Norms((Norm("all", Rule.PERMIT, who("anyone"), ("*",), ("anyone",), ("*",), ("*",), "x"),))
    flow = tell("body/shoe-size", purpose="purchase")
    assert decide(flow, permit_all).verdict is Verdict.PERMIT
    assert decide(flow, permit_all + loaded.norms).verdict is Verdict.DENY
    assert len(loaded.norms.allowances) >= 1 and loaded.norms.allowances[0].id == "small", "the other table stands"


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ('"EUR"', '"euro"', "currency"), ("12.50", '"much"', "amount_max"), ("12.50", "-1", "amount_max"), ("3", "-3", "times_max"), ("3", "true", "times_max"),
        ('"resolved"', '"proven"', "unknown standing `proven`"), ("who = \"user\"", 'whom = "user"', "unknown authority `whom`; did you mean `who`?"),
        ('["pay"]', '["play"]', "unknown effect `play`; did you mean `pay`?"), ('["pay"]', '["read"]', "unknown effect `read`"),
        ("false", '"no"', "undoable"), ("amount_max", "amout_max", "did you mean `amount_max`"), ('["place", "bank"]', '["a b"]', "sources"),
    ],
)  # fmt: skip
def test_an_allowance_that_errs_forbids(good: str, bad: str, message: str) -> None:
    loaded = parse(ACT.replace(good, bad, 1))
    assert message in str(loaded.problems[0])
    assert decide(pay(1.0), loaded.norms).verdict is Verdict.DENY


def test_what_an_erring_norm_left_out_is_denied_too() -> None:
    erring = parse(GOOD.replace('["body"]', '["body"]\nbut = ["body/shoe-size"]').replace("because", "x = 1\nbecause"))
    permit = Norms((Norm("all", Rule.PERMIT, who("anyone"), ("*",), ("anyone",), ("*",), ("*",), "x"),))
    assert decide(tell("body/shoe-size", purpose="purchase"), permit + erring.norms).verdict is Verdict.DENY


def test_an_allowance_in_bits_that_errs_gives_none() -> None:
    text = '[[bits]]\nid = "b"\nview = "schedule/free-busy"\nwho = "friend"\nabout = "user"\npurpose = "scheduling"\nbits_max = 8\nbecause = "to meet"\n'
    assert parse(text).norms.bits[0].bits_max == 8
    assert parse(text.replace("8", "-8")).norms.bits == ()


def test_a_taken_id_forbids_and_is_told_where_it_stands() -> None:
    loaded = parse(GOOD + "\n" + GOOD.replace('["body"]', '["contact"]'))
    assert [str(p) for p in loaded.problems] == ["norms: line 11, column 1: the id `size` is taken"]
    assert [n.verdict for n in loaded.norms.norms] == [Rule.PERMIT, Rule.FORBID]
    taken = combine(defaults(), parse(GOOD.replace('"size"', '"merchant-fit"')))
    assert taken.norms.norms[-1].verdict is Rule.FORBID and len(taken.problems) == 1


def test_over_has_to_name_a_norm_that_asks() -> None:
    for over in ("merchant-fit", "no-such-norm", "named-privat"):
        loaded = combine(defaults(), parse(GOOD.replace("because", f'over = ["{over}"]\nbecause')))
        assert "over: no norm that asks has the id" in str(loaded.problems[0])
        assert loaded.norms.named("size").verdict is Rule.FORBID
    answering = GOOD.replace("because", 'over = ["named-private"]\nbecause')
    assert combine(defaults(), parse(answering)).problems == ()
    assert combine(defaults(), parse('drop = ["named-private"]\n' + answering)).problems == (), "what is dropped needs no answer"


def test_a_shipped_norm_may_be_dropped_and_a_slip_in_dropping_denies() -> None:
    dropped = combine(defaults(), parse('drop = ["merchant-fit"]\n' + GOOD))
    assert dropped.problems == () and dropped.norms.named("merchant-fit") is None
    slip = combine(defaults(), parse('drop = ["merchantfit"]\n'))
    assert "did you mean `merchant-fit`?" in str(slip.problems[0])
    assert decide(tell("body"), slip.norms).verdict is Verdict.DENY, "it was not meant to be permitted"
    for head in ("drop = 3\n", "drp = []\n", "drop = [\n"):
        broken = parse(head + GOOD)
        assert broken.problems and decide(tell("body"), broken.norms).verdict is Verdict.DENY
        assert decide(pay(), broken.norms).verdict is Verdict.DENY


def test_an_id_that_looks_like_a_role_is_written_with_an_equals_sign() -> None:
    loaded = parse(GOOD.replace('"bob@example.org"', '"=bob"').replace('about = ["user"]', 'about = ["=carol"]'))
    assert loaded.problems == ()
    assert loaded.norms.norms[0].who == who("merchant & user-said", "bob")
    assert loaded.norms.norms[0].about == ("carol",)


def test_an_alternative_may_be_a_list_of_terms() -> None:
    loaded = parse(GOOD.replace('"merchant & user-said"', '["shop:Marks & Co.", "user-said"]'))
    assert loaded.problems == ()
    assert loaded.norms.norms[0].who[0] == frozenset({"shop:Marks & Co.", "user-said"})
    for bad in ('"a\\nb:c"', '["friend", 3]', "[[]]", '"x:\\u202e"', f'"x:{"y" * NAME_CHARS_MAX}"'):
        assert parse(GOOD.replace('"merchant & user-said"', bad)).problems


def test_a_file_that_cannot_be_read_denies_everything(tmp_path: Path) -> None:
    path = tmp_path / "norms.toml"
    assert load(path).norms == defaults().norms
    path.write_bytes(b"\xff\xfe")
    assert decide(tell("body"), load(path).norms).verdict is Verdict.DENY
    path.write_text("#" * (FILE_BYTES_MAX + 1))
    assert decide(tell("body"), load(path).norms).verdict is Verdict.DENY
    path.write_text(GOOD)
    assert load(path).norms.named("size") is not None
    assert "mend" in explain_telling(SHOP, "body", "purchase", "shop.search", parse("[[norm]]\n").norms).remedy


def test_a_file_has_a_greatest_number_of_tables() -> None:
    loaded = parse("[[test]]\n" * (TABLES_MAX + 1))
    assert f"at most {TABLES_MAX} tables" in str(loaded.problems[0])
    assert decide(tell("body"), loaded.norms).verdict is Verdict.DENY


def test_texts_have_a_greatest_length() -> None:
    long = "x" * (TEXT_CHARS_MAX + 1)
    assert parse(GOOD.replace("a shop has to know the size", long)).problems
    assert parse(GOOD.replace("shop.search", long)).problems


def test_a_text_that_looks_like_a_table_inside_a_text_only_denies() -> None:
    tricky = GOOD.replace('"a shop has to know the size"', '"""\n[[norm]]\nid = "evil"\n"""')
    loaded = parse(tricky)
    assert loaded.problems
    assert all(n.verdict is Rule.FORBID for n in loaded.norms.norms)


KEYS = ["id", "verdict", "who", "learns", "but", "about", "purpose", "through", "times_max", "over", "yields", "because", "effect", "to", "standing", "x"]
VALUES = [
    '"permit"', '"*"', '["user"]', '["health", "body"]', "3", "-1", "true", "[]", "[1]", "{}", '{ who = "user" }', '"anyone"', '""', "1979-05-27", "nan", '"\\u0000"', "[", '"',
]  # fmt: skip
HEADS = ["[[norm]]", "[[allow]]", "[[bits]]", "[[test]]", ""]
ROWS = st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)), max_size=12)


@settings(max_examples=250, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(HEADS), ROWS), max_size=4))
def test_no_text_makes_the_reader_fail_and_what_permits_was_whole(tables: list) -> None:
    text = "\n".join("\n".join((head, *(f"{k} = {v}" for k, v in rows))) for head, rows in tables)
    _check_reading(text)


@settings(max_examples=250, deadline=None)
@given(st.text(max_size=200) | st.text(alphabet='[]norm="\n#{}.,\'*\\', max_size=80))
def test_any_text_at_all_is_read_without_failing(text: str) -> None:
    _check_reading(text)


def _check_reading(text: str) -> None:
    loaded = combine(defaults(), parse(text))
    decide(tell("body", to=FRIEND), loaded.norms)
    try:
        rows = tomllib.loads(text)
    except ValueError:
        rows = {}
    permits = [n for n in parse(text).norms.norms if n.verdict is Rule.PERMIT]
    assert len(permits) <= len(rows.get("norm", ())) if rows else not permits or text
    for norm in permits:
        assert norm.who and norm.learns and norm.about and norm.purpose and norm.through and norm.because
