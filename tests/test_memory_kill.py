"""kill -9 at each step of remember, correct and forget: the old state or the new one, whole, and never a torn one (G7)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from discreet.memory.store import Vault
from tests.killing import Steps, each_step, fast_folder
from tests.test_memory_erase import plain

KEY = bytes(range(32))


def at(folder: Path) -> Vault:
    return Vault.open(folder / "vault.db", KEY, types=["health/condition", "preference"], head_path=folder / "elsewhere" / "head")


def texts(vault: Vault) -> tuple[str, ...]:
    return tuple(f.text for f in vault.facts())


def prepare(folder: Path) -> None:
    folder.mkdir()
    with at(folder) as vault:
        vault.remember("pollenophobia", "health/condition")
        vault.remember("trail shoes", "preference")


@pytest.fixture
def top():
    with fast_folder() as top:
        yield top


@pytest.mark.parametrize(
    ("work", "before", "after"),
    [
        (lambda v: v.remember("rain jacket", "preference"), ("pollenophobia", "trail shoes"), ("pollenophobia", "trail shoes", "rain jacket")),
        (lambda v: v.remember("first", "preference", "bob"), ("pollenophobia", "trail shoes"), ("pollenophobia", "first", "trail shoes")),
        (lambda v: v.correct(v.facts()[0].id, "none"), ("pollenophobia", "trail shoes"), ("none", "trail shoes")),
        (lambda v: v.forget(v.facts()[0].id), ("pollenophobia", "trail shoes"), ("trail shoes",)),
    ],
    ids=["remember", "remember in a new place", "correct", "forget"],
)
def test_killed_at_each_step_the_vault_is_as_before_or_as_after(top, work, before, after):
    def stepped(steps: Steps) -> None:
        folder = top / str(steps.left)
        shutil.copytree(top / "prepared", folder)
        vault = at(folder)
        vault.db = steps.database(vault.db)
        vault._head_file.write = steps.around(vault._head_file.write)
        work(vault)
        vault.close()

    prepare(top / "prepared")
    seen, count = set(), 0
    for step in each_step(stepped):
        count += 1
        folder = top / str(step)
        with at(folder) as vault:
            now = texts(vault)
            assert now in (before, after), step
            seen.add(now)
            assert vault.check() == []
            for fact in vault.facts():
                assert fact in vault.recall([fact.type], fact.text, subjects=(fact.subject,)), step
            if now == after and "pollenophobia" not in after:
                assert b"pollen" not in plain(folder), step  # erasing is finished at the next opening
            vault.remember("goes on", "preference")
        at(folder).close()
    assert seen == {before, after} and count > 5
