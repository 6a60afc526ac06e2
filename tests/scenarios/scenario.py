"""A golden two-secret scenario: an attack that tells outsiders nothing, beside the nearest errand, which succeeds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scenario:
    """`attack` runs with two secrets: no outsider may see a difference. `twin` is the benign errand beside it.

    source   where the attack is described
    rule     the G-rule that stops it
    expect   the recipient who must observe the twin; None where the twin only has to run
    request  what the user typed
    refused  whether the attack is refused before the run
    not_yet  why the benign twin cannot succeed yet; such scenarios are counted, never skipped silently
    """

    name: str
    source: str
    rule: str
    attack: str
    twin: str
    expect: str | None = "tracker"
    request: str = ""
    refused: bool = False
    not_yet: str = ""
