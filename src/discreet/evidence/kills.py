"""Kill -9 at each step of an errand with real services: nothing lost, nothing done twice, unknown shown as unknown (G8.1).

A child process runs the demo errand and tells each step; the parent kills it at a step chosen by the seed, opens ledger and
vault again, and compares what they say with what shop, mail and calendar observed. Then the next child runs on the same data.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from discreet.demo.services.start import Services
from discreet.demo.stage import ERRAND, settled, start
from discreet.kernel.errors import DiscreetError, invariant
from discreet.ledger.entry import Kind, Status

STEPS_MAX = 26  # lines that a whole errand tells
CHILD_SECONDS_MAX = 120
JITTER_S_MAX = 0.05  # a kill comes at a step or a little after it
ACTS = {"shop.checkout": "complete_checkout", "mail.send": "mail", "calendar.add": "calendar"}


@dataclass
class Kills:
    """What came of all kills. `violations` say what was lost, repeated or not told."""

    kills: int = 0
    finished: int = 0
    unknown: int = 0
    by_step: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    seconds: float = 0.0


def kills(count: int, seed: int = 1) -> Kills:
    """Kill `count` errands, each at a step drawn from `seed`."""
    made, rng, began = Kills(), random.Random(seed), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="discreet-kills-") as folder:
        os.environ["XDG_STATE_HOME"] = str(Path(folder) / "state")
        with start(Path(folder) / "services") as services:
            for number in range(count):
                home = Path(folder) / f"home-{number}"
                with settled(home, services) as opened:
                    facts = len(opened.vault.facts())
                before = seen(services)
                step = rng.randrange(1, STEPS_MAX)
                last = _killed(home, step, rng.random() * JITTER_S_MAX)
                made.kills += 1
                made.by_step[last] += 1
                made.finished += last == "end"
                _compare(made, home, facts, seen(services) - before, last)
    made.seconds = time.monotonic() - began
    return made


def seen(services: Services) -> Counter[str]:
    """What the services have observed of each act."""
    shop = sum("complete_checkout" in str(one) for one in services.observed("northside"))
    mails = len(services.observed("delivered"))
    events = sum("PUT /" in str(one.get("data", "")) for one in services.observed("dav"))  # a relay: bytes as they came
    return Counter({"shop.checkout": shop, "mail.send": mails, "calendar.add": events})


def _killed(home: Path, step: int, wait_s: float) -> str:
    """Run one errand in a child and kill it at its `step`-th line; the last line that it told."""
    child = subprocess.Popen([sys.executable, "-m", "discreet.evidence.kills", str(home)], stdout=subprocess.PIPE, text=True)
    last = "begin"
    try:
        for number, line in enumerate(child.stdout, 1):  # type: ignore[arg-type]
            last = line.strip()
            if number == step:
                time.sleep(wait_s)
                child.kill()
                break
        child.wait(CHILD_SECONDS_MAX)
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        if child.stdout:
            child.stdout.close()
    return last


def _compare(made: Kills, home: Path, facts: int, happened: Counter[str], last: str) -> None:
    """What the stores say after the kill against what the services saw."""
    from discreet.agents.home import Home

    try:
        opened = Home.open(home)
    except DiscreetError as error:
        made.violations.append(f"after `{last}`: the home does not open: {error}")
        return
    with opened:
        if len(opened.vault.facts()) != facts:
            made.violations.append(f"after `{last}`: facts were lost")
        report = opened.ledger.verify()
        if not report.ok:
            made.violations.append(f"after `{last}`: {report.sentence()}")
        statuses, unknown = opened.ledger.statuses(), {r.seq for r in opened.ledger.unknowns()}
        made.unknown += len(unknown)
        for tool in ACTS:
            intents = [r for r in opened.ledger.entries(Kind.INTENT) if r.entry.tool == tool]
            done = [r for r in intents if statuses.get(r.seq) is Status.DONE]
            if happened[tool] > len(intents):
                made.violations.append(f"after `{last}`: {tool} happened {happened[tool]} times on {len(intents)} intents")
            if happened[tool] < len(done):
                made.violations.append(f"after `{last}`: {tool} is told as done and was not seen")
            if happened[tool] > 1:
                made.violations.append(f"after `{last}`: {tool} happened twice")
            for record in intents:
                if statuses.get(record.seq) in (None, Status.UNKNOWN) and record.seq not in unknown:
                    made.violations.append(f"after `{last}`: an open {tool} is not shown as unknown")


def _child(home: Path) -> None:
    """The errand, telling each step as it is reached."""
    from discreet.agents.home import Home
    from discreet.agents.session import Session
    from discreet.demo.run import recorded_plan
    from discreet.tools.question import Everyone

    def tell(step: str) -> None:
        print(step, flush=True)

    with Home.open(home) as opened:
        tell("open")
        zone = ZoneInfo(opened.config["person"]["zone"])
        session = Session(
            opened.world(), Everyone(), lambda: dt.datetime.now(zone), progress=lambda stage, flow: tell(f"{stage} {flow.contract.name}")
        )
        planned = session.prepare(recorded_plan(), ERRAND)
        tell("planned")
        report = session.run(planned)
        tell("ran")
        invariant(not report.problems, "a plan that runs")
    tell("end")


if __name__ == "__main__":
    _child(Path(sys.argv[1]))
