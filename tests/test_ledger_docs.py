"""The examples in docs/LEDGER.md and docs/VAULT.md run, and what they say of numbers is what the code has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from discreet.ledger.chain import CHECKPOINT_ENTRIES
from discreet.memory.views import VIEWS

DOCS = Path(__file__).parent.parent / "docs"


@pytest.mark.parametrize("name", ["LEDGER.md", "VAULT.md"])
def test_examples_run_as_they_stand(tmp_path, monkeypatch, name):
    """A reader pastes them into an empty file."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    blocks = re.findall(r"^```python\n(.*?)^```", (DOCS / name).read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        exec(block, {})


def test_numbers_and_names_agree():
    assert f"every {CHECKPOINT_ENTRIES} entries" in (DOCS / "LEDGER.md").read_text()
    vault = (DOCS / "VAULT.md").read_text()
    for name, view in VIEWS.items():
        assert f"| `{name}` |" in vault and f"`{view.gives}`" in vault
