"""The same work in discreet and in CaMeL, in one go: `python benchmarks/camel.py PATH-OF-ITS-CHECKOUT [--json FILE]`.

    10,000 additions in a loop, and a send of the sum  at most 1/40 of its time
    a send of a document of 30,000 characters          at most 1/1000
    a plan of 20 tool calls, each with the last result  at most 1/5

Both run their checks: CaMeL its interpreter in STRICT mode with a policy that asks who may read the arguments, discreet parse,
resolution, preflight, norms and the one call site. The tools are functions that wait for nobody, called without a time limit on both
sides. Each side runs in a process of its own, so that neither walks the other's objects when it collects garbage; interpreter start
and imports are left out. CPU seconds, the least of the rounds: three or more, until two seconds are spent. CaMeL's interpreter imports
nothing beyond pydantic and pydantic-ai, which discreet has; nothing is installed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ADDITIONS = 't = 0\nfor i in range(10000):\n    t = t + i\nsend_document("sam@home.example", f"{t}")\n'
SEND = 'd = read_document()\nsend_document("sam@home.example", d)\n'
TOOLS = 'x0 = look_up("first")\n' + "".join(f'x{i} = look_up(f"{i}: {{x{i - 1}}}")\n' for i in range(1, 19)) + 'send_document("sam@home.example", f"{x18}")\n'
WORK = (("10,000 additions", ADDITIONS, 40), ("send of a 30 kB document", SEND, 1000), ("plan of 20 tools", TOOLS, 5))
DOCUMENT = "lorem ipsum " * 2_500
ROUNDS_MIN, SECONDS_MIN, ROUND_SECONDS_MAX = 3, 2.0, 5.0


def ours() -> Callable[[str], None]:
    """A function that runs one plan from its text, with preflight, norms and call site."""
    from discreet.evidence import house
    from discreet.evidence.world import Setting, session_of
    from discreet.kernel.contract import NOPLACE, Contract, Effect, Parameter, Place, Role
    from discreet.kernel.label import label
    from discreet.kernel.shape import scalar, text
    from discreet.tools.registry import tool

    sent: list[str] = []
    place = Place("files", label([house.SIZE]))
    tools = [
        tool(Contract("read_document", "", (), text(), place=place, recipients=(), seconds_max=None), lambda: DOCUMENT),
        tool(Contract("look_up", "", (Parameter("key", text(max=1_000), Role.KEY),), text(max=1_000), place=place, recipients=(), seconds_max=None), lambda key: "value of " + key),
        tool(Contract("send_document", "", (Parameter("to", text(max=100), Role.WHO, address="mail"), Parameter("body", text())), scalar("none"), Effect.WRITE, place=NOPLACE, recipients=(), seconds_max=None), lambda to, body: sent.append(body)),
    ]  # fmt: skip
    setting = Setting("bench", lambda state: tools, house.judge(), house.PEOPLE, house.FIXED)

    def run(source: str) -> None:
        before = len(sent)
        report = session_of(setting).session.perform(source, "send it to sam@home.example")
        if report.problems or report.denied or ("send" in source and len(sent) == before):
            raise SystemExit(f"a plan did not run: {report.problems}")

    return run


def theirs(checkout: Path) -> Callable[[str], None]:
    """The same for CaMeL, with its classes as its own tests use them."""
    sys.path.insert(0, str(checkout / "src"))
    from camel import security_policy  # type: ignore[import-not-found]
    from camel.capabilities import Capabilities, can_readers_read_value  # type: ignore[import-not-found]
    from camel.interpreter import interpreter, result, value  # type: ignore[import-not-found]
    from camel.interpreter import namespace as ns  # type: ignore[import-not-found]

    sent: list[str] = []

    def read_document() -> str:
        return DOCUMENT

    def look_up(key: str) -> str:
        return "value of " + key

    def send_document(to: str, body: str) -> None:
        sent.append(body)

    def policy(tool_name: str, kwargs: Any) -> Any:
        if all(can_readers_read_value({"sam@home.example"}, argument) for argument in kwargs.values()):
            return security_policy.Allowed()
        return security_policy.Denied("not for them")

    class Engine(security_policy.SecurityPolicyEngine):
        def __init__(self) -> None:
            self.policies = [("*", policy)]
            self.no_side_effect_tools = {"read_document", "look_up"}

    arguments = interpreter.EvalArgs(Engine(), interpreter.MetadataEvalMode.STRICT)
    functions = {f.__name__: value.CaMeLBuiltin(f.__name__, f, Capabilities.camel(), ()) for f in (read_document, look_up, send_document)}

    def run(source: str) -> None:
        before = len(sent)
        found = interpreter.parse_and_interpret_code(f"```python\n{source}```", ns.Namespace.with_builtins(dict(functions)), [], [], arguments)
        if isinstance(found[0], result.Error) or ("send" in source and len(sent) == before):
            raise SystemExit(f"a plan did not run in CaMeL: {found[0]}")

    return run


def seconds(run: Callable[[str], None], source: str) -> float:
    """The least CPU time of the rounds; of one when it takes long."""
    taken: list[float] = []
    while len(taken) < ROUNDS_MIN or sum(taken) < SECONDS_MIN:
        began = time.process_time()
        run(source)
        taken.append(time.process_time() - began)
        if taken[-1] > ROUND_SECONDS_MAX:
            break
    return min(taken)


def alone(checkout: Path, side: str) -> list[float]:
    """The seconds of each work on one side, measured in a process of its own."""
    command = [sys.executable, __file__, str(checkout), "--side", side]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path, help="a checkout of CaMeL (google-research/camel-prompt-injection)")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    parser.add_argument("--side", choices=("discreet", "camel"), help="measure one side and print its seconds")
    options = parser.parse_args()
    if not (options.checkout / "src/camel/interpreter/interpreter.py").exists():
        print(f"{options.checkout}: no checkout of CaMeL: src/camel/interpreter/interpreter.py is not there", file=sys.stderr)
        return 2
    if options.side:
        run = ours() if options.side == "discreet" else theirs(options.checkout)
        sys.setrecursionlimit(20_000)
        print(json.dumps([seconds(run, source) for _, source, _ in WORK]))
        return 0
    mine, peer = alone(options.checkout, "discreet"), alone(options.checkout, "camel")
    found = []
    print(f"{'work':28} {'discreet':>12} {'CaMeL':>12} {'times less':>11} {'goal':>6}")
    for (name, _, goal), a, b in zip(WORK, mine, peer, strict=True):
        found.append({"work": name, "discreet_s": a, "camel_s": b, "ratio": b / a, "goal": goal, "met": b / a >= goal})
        print(f"{name:28} {a:11.4f}s {b:11.4f}s {b / a:11.1f} {goal:6}{'' if b / a >= goal else '  missed'}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), "utf-8")
    return 0 if all(one["met"] for one in found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
