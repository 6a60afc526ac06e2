"""Steps count what an operation runs through, by public bounds, before the first effect (G3.7)."""

import pytest

from discreet.kernel.errors import LimitError
from discreet.kernel.interpreter import run
from discreet.kernel.resolve import resolve
from discreet.kernel.syntax import parse
from discreet.kernel.value import plain


class Nothing:
    def call(self, request):
        raise AssertionError("no tool is called here")


@pytest.mark.parametrize(
    "source",
    [
        "xs = [i for i in range(20000)]\nfor i in range(20000):\n    y = sum(xs)",
        "xs = [i for i in range(20000)]\nfor i in range(20000):\n    y = sorted(xs)",
        "xs = [i for i in range(20000)]\nfor i in range(20000):\n    y = i in xs",
        "d = {}\nfor i in range(20000):\n    d[i] = i",
    ],
)
def test_a_loop_of_long_operations_is_refused_before_it_runs(source: str) -> None:
    with pytest.raises(LimitError, match="steps"):
        run(resolve(parse(source), {}), Nothing())


def test_its_benign_twin_counting_words_of_a_long_text_runs() -> None:
    plan = resolve(parse("c = {}\nfor w in ('a b c a ' * 200).split():\n    c[w] = c.get(w, 0) + 1\nbest = max(c.items(), key=lambda kv: kv[1])"), {})
    found = run(plan, Nothing())
    assert plain(run(plan, Nothing(), limits=found.limits).names["best"]) == ("a", 400)
