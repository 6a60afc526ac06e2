"""The examples of docs/CONNECTORS.md run, and every connector stands in its table."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOC = (ROOT / "docs" / "CONNECTORS.md").read_text("utf-8")


def test_every_example_runs() -> None:
    examples = re.findall(r"```python\n(.*?)```", DOC, re.DOTALL)
    assert examples
    for example in examples:
        exec(compile(example, "CONNECTORS.md", "exec"), {})


def test_every_connector_and_contract_is_in_the_table() -> None:
    for path in (ROOT / "src" / "discreet" / "connectors").glob("*_tools.py"):
        assert f"`{path.name}`" in DOC and f"`{path.name.replace('_tools', '')}`" in DOC


def test_every_error_is_explained() -> None:
    from discreet.connectors.errors import ConnectorError

    assert all(f"`{kind.__name__}`" in DOC for kind in ConnectorError.__subclasses__())
