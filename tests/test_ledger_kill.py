"""kill -9 at each step of intent, effect and outcome: nothing undone is claimed, nothing done is missing (G8.1)."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from discreet.ledger.chain import Ledger, Repeated
from discreet.ledger.entry import Entry, Kind, Party, Status
from tests.killing import Steps, each_step, fast_folder

KEY = bytes(range(32))
SHOP = Party("shop", "northside", "Northside Sports")
CALL = b"one pair of shoes, 43"


def at(folder: Path) -> Ledger:
    return Ledger.open(folder / "store" / "ledger.db", KEY, folder / "elsewhere" / "head")


def errand(folder: Path, steps: Steps) -> None:
    """One errand on a real file as the shop: what is in `effects` was ordered."""
    ledger = at(folder)
    ledger.db = steps.database(ledger.db)
    ledger.head_file.write = steps.around(ledger.head_file.write)
    ledger.sessions.begin = steps.around(ledger.sessions.begin)
    ledger.note(Kind.RUN_START, errand="e1")
    seq = ledger.intent(Entry(Kind.INTENT, "e1", "shop.buy", "pay", parties=(SHOP,)), CALL)
    steps.step()
    with open(folder / "effects", "ab") as shop:
        shop.write(b"ordered\n")
    steps.step()
    ledger.outcome(seq, Status.DONE)
    ledger.note(Kind.RUN_END, errand="e1")
    ledger.close()


@pytest.fixture
def folder():
    with fast_folder() as folder:
        yield folder


def test_kill_at_each_step_leaves_the_truth_or_unknown(folder):
    top = folder
    seen = set()
    count = 0
    for step in each_step(lambda steps: errand(top / str(steps.left), steps)):
        count += 1
        folder = top / str(step)
        ordered = (folder / "effects").exists()
        with at(folder) as ledger:
            report = ledger.verify()
            assert report.ok and report.head in ("matches", "lags"), (step, report)
            intents = list(ledger.entries(Kind.INTENT))
            unknown = ledger.unknowns()
            status = ledger.status(intents[0].seq) if intents else None
            seen.add((bool(intents), status, ordered))
            if ordered:
                assert intents, f"step {step}: ordered and not in the ledger"
            if status is Status.DONE:
                assert ordered and not unknown
            elif intents:
                assert [r.seq for r in unknown] == [intents[0].seq]
                with pytest.raises(Repeated):
                    ledger.intent(Entry(Kind.INTENT, "e2", "shop.buy", "pay", parties=(SHOP,)), CALL)
            ledger.note(Kind.AUDIT, note="goes on")
            assert ledger.verify().ok
    assert seen == {
        (False, None, False),
        (True, Status.UNKNOWN, False),
        (True, Status.UNKNOWN, True),
        (True, Status.DONE, True),
    }
    assert count > 20


BUSY = """
import sys
from pathlib import Path
from discreet.ledger.chain import Ledger
from discreet.ledger.entry import Entry, Kind
folder = Path(sys.argv[1])
with Ledger.open(folder / "store" / "ledger.db", bytes(range(32)), folder / "elsewhere" / "head") as ledger:
    print("open", flush=True)
    while True:
        seq = ledger.intent(Entry(Kind.INTENT, "e", "mail.send", "write"), b"x")
        sys.stdout.write(f"{seq}\\n"); sys.stdout.flush()
        ledger.outcome(seq, "done")
"""


def test_kill_at_any_moment_keeps_all_that_was_promised(folder):
    """Killed inside system calls too: every number that was given out is in the ledger, and the chain holds."""
    rng = random.Random(7)
    for _ in range(5):
        run = subprocess.Popen([sys.executable, "-c", BUSY, str(folder)], stdout=subprocess.PIPE)
        assert run.stdout.readline() == b"open\n"
        os.set_blocking(run.stdout.fileno(), False)
        time.sleep(rng.uniform(0.001, 0.06))
        run.kill()
        run.wait(timeout=20)
        told = (run.stdout.read() or b"").split(b"\n")[:-1]
        run.stdout.close()
        with at(folder) as ledger:
            assert ledger.verify().ok
            newest = ledger.newest()[0]
            assert not told or int(told[-1]) <= newest
            for record in ledger.unknowns():
                ledger.outcome(record.seq, Status.UNSENT)
            assert ledger.unknowns() == [] and ledger.verify().ok
