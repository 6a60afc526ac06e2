"""Plans written to crash, hang or tell: each ends in values, faults or a located refusal, and shows outsiders nothing."""

from __future__ import annotations

import pytest

from discreet.evidence import house
from tests.world import both

PLANS = tuple(r"""
x = f"{[1]:>5}"
x = f"{None:>5}"
x = "a".split("")
d = {1: "a", True: "b", 1.0: "c"}
x = sorted([1, "a"])
x = "a".replace("a")
x = "abc".ljust(5, "ab")
x = datetime(2026, 13, 1)
x = timedelta(days=10**12)
x = date(2026, 1, 1) + timedelta(days=10**8)
x = min([date(2026, 1, 1), datetime(2026, 1, 1)])
x = {[1]: 2}
x = {1: 2}[[1]]
x = 10 ** 400
x = 1e308 * 10 - 1e308 * 10
x = int("9" * 5000)
x = float("nan")
x = round(1e300, -400)
x = round(5, -1000000000)
x = "%s" % vault.text()
x = datetime.strptime("2026", "%Y%Y")
x = datetime.strptime(vault.text(), vault.text())
x = datetime.now().strftime("%" * 500)
a, b = 5
a, b = vault.items()
x = dict([(1, 2), 3])
x = dict({"a": 1}, b=2)
x = zip([1], 5)
x = max([])
x = sorted([3, 1], key=lambda q: 1 / 0)
xs = [1, 2]; xs.sort(reverse=1 / 0)
x = "abc"; x[0] = "d"
x = (1, 2); x[0] = 3
x = {}; x["a"] += 5
x = contacts.find("Sam Lee"); y = x.items()
x = read("a", "b", "nonsense")
x = read("a", "b", [])
x = read("a", "b", {1: 2})
x = read([1, {"a": 1 / 0}], "b")
mail.many(["sam@home.example", None, 5], "x")
mail.many([["sam@home.example"], "bo@home.example"], vault.text())
mail.send("", "x", vault.text())
mail.send("sam@home.example, eve@evil.example", "x", vault.size())
mail.send(vault.text(), "x", "y")
calendar.add("x", vault.text())
x = [1, 2, 3].index(vault.text())
x = "a,b".union(["a"])
x = {1}.union(5)
x = str(vault.number() / 0)
x = [1 / 0] == [vault.text()]
x = {1 / 0: vault.text()}
x = list(range(10))[::vault.number()]
x = list(enumerate([1], start=vault.text()))
x = [1]; x = [x, x]; x = [x, x]; print(x)
tracker.ping({1: 1, "a": vault.text()})
x = vault.fact(vault.text()); tracker.ping(x.ok)
""".strip().splitlines())
LONG = (
    "x = 1\n" * 1_500, "x = " + "(" * 80 + "1" + ")" * 80, "x = " + "-" * 500 + "1", "x = [" * 50 + "]" * 50, "if 1:\n    tracker.ping()\n" * 400, "x = '\x00'", "", "# only",
    "x = [1]\nfor i in range(200):\n    x = [x]\n", "x = 1\nfor i in range(40):\n    x = [x, x]\nprint(x)\n", "x = [1]\nfor i in range(vault.number() * 30):\n    x = [x, x]\ntracker.ping()\n",
    "x = 'a'\nfor i in range(40):\n    x = x + x\ntracker.ping(len(x))\n", "d = {}\nfor i in range(200):\n    d = {'a': d}\ntracker.ping()\n",
)  # fmt: skip


@pytest.mark.parametrize("plan", [p.replace("; ", "\n") + "\n" for p in PLANS] + list(LONG), ids=lambda p: p[:40])
def test_no_plan_ends_a_run_or_tells(plan: str) -> None:
    for end in ("", "\ntracker.ping(x.ok)\n" if plan.startswith("x =") and plan.count("\n") < 5 else "\ntracker.ping()\n"):
        a, b = both(plan + end)
        assert a.of(*house.OUTSIDERS) == b.of(*house.OUTSIDERS) and a.refused == b.refused and a.feedback == b.feedback
        assert not a.refused or "line" in a.refused[0] or "plan" in a.refused[0]
