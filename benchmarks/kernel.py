"""How the kernel's cost grows with the plan, beside CPython and bare tool calls: `python benchmarks/kernel.py [--json FILE]`.

CPU seconds, the least of three rounds. The slope is that of log(time) over log(size): 1 is linear.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from camel import ours  # the same session, norms and call site as beside the peer

from discreet.kernel.label import join2, label
from discreet.kernel.value import Value, lift, seq

ROUNDS = 3


def least(run: Callable[[], Any]) -> float:
    """The least CPU time of some rounds."""
    found = []
    for _ in range(ROUNDS):
        began = time.process_time()
        run()
        found.append(time.process_time() - began)
    return min(found)


def slope(points: list[tuple[int, float]]) -> float:
    """Least squares of log(time) over log(size)."""
    xs, ys = [math.log(n) for n, _ in points], [math.log(max(t, 1e-7)) for _, t in points]
    mx, my = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - mx) * (y - my) for x, y in zip(xs, ys)) / sum((x - mx) ** 2 for x in xs)


def measured(name: str, sizes: tuple[int, ...], make: Callable[[int], Callable[[], Any]], beside: Callable[[int], Callable[[], Any]] | None = None) -> dict[str, Any]:
    points = [(n, least(make(n))) for n in sizes]
    other = [(n, least(beside(n))) for n in sizes] if beside else []
    return {"name": name, "points": points, "slope": round(slope(points), 2), "beside": other}


def python(source: str) -> Callable[[], Any]:
    code = compile(source, "plan", "exec")
    return lambda: exec(code, {"look_up": lambda key: key, "send_document": lambda to, body: None})  # noqa: S102


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    run = ours()

    def additions(n: int) -> str:
        return f"t = 0\nfor i in range({n}):\n    t = t + i\n"

    def lines(n: int) -> str:
        return "x0 = 1\n" + "".join(f"x{i} = x{i - 1} + {i}\n" for i in range(1, n))

    def calls(n: int) -> str:
        return "".join(f'x{i} = look_up("key {i}")\n' for i in range(n))

    def appended(n: int) -> str:
        return f"xs = []\nfor i in range({n}):\n    xs.append(i)\n"

    labels = [label([(f"t/{i}", "user")]) for i in range(1_000)]

    def history(n: int) -> Callable[[], Any]:
        value = Value("x", labels[0])
        for one in labels[:n]:
            value = value.under(one)
        return lambda: [join2(value.label, labels[1]) for _ in range(10_000)]

    def long_text(n: int) -> Callable[[], Any]:
        value = seq([lift("x" * n, labels[0])] * 10)
        return lambda: [value.under(labels[1]).total for _ in range(10_000)]

    found = [
        measured("additions in a loop", (100, 1_000, 10_000), lambda n: lambda: run(additions(n)), lambda n: python(additions(n))),
        measured("lines of a plan", (20, 80, 320), lambda n: lambda: run(lines(n)), lambda n: python(lines(n))),
        measured("tool calls of a plan", (5, 20, 80), lambda n: lambda: run(calls(n)), lambda n: python(calls(n))),
        measured("appends in a loop", (100, 1_000, 10_000), lambda n: lambda: run(appended(n)), lambda n: python(appended(n))),
        measured("10,000 joins, after a history of n joins", (1, 30, 1_000), history),
        measured("10,000 checks of a text of n characters", (10, 1_000, 100_000), long_text),
    ]
    for one in found:
        beside = dict(one["beside"])
        print(f"{one['name']}: slope {one['slope']}")
        for n, seconds in one["points"]:
            print(f"    {n:7} {seconds * 1000:10.2f} ms" + (f"   CPython and bare calls {beside[n] * 1000:8.2f} ms" if n in beside else ""))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
