"""The docs are true: their examples run, the commands' help is what docs/CLI.md shows, every link resolves, no machine's path stands in them."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND = Path(sys.executable).parent / "discreet"
WIDTH = 100



def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.S | re.M)


# ---------------------------------------------------------------------------------------------------- examples


def run(page: str, given: dict[str, object]) -> None:
    for number, source in enumerate(blocks(ROOT / page, "python"), 1):
        exec(compile(source, f"{page}, example {number}", "exec"), given)


def test_the_library_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run("docs/API.md", {})


def test_the_tool_examples_run() -> None:
    from discreet.policy.vocabulary import types

    given: dict[str, object] = {"client": SimpleNamespace(renew=lambda id: {"id": id, "title": "The Salt Path", "due": None})}
    run("docs/TOOLS.md", given)
    tags = given["account"].label.tags  # type: ignore[attr-defined]
    assert all(tag.type in types() for tag in tags)
    assert len(blocks(ROOT / "docs/TOOLS.md", "python")[0].strip().splitlines()) - 4 <= 10  # without its four imports: ten readable lines


DESK_NORM = """
[[norm]]
id = "desk"
verdict = "permit"
who = ["mcp:desk"]
learns = ["request"]
about = ["user"]
purpose = ["scheduling"]
through = ["desk.free_slots"]
because = "the desk has to know the day"
"""


def test_the_contract_of_the_tools_page_describes_a_real_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it the answer is outside text of unknown shape; with it the plan reads fields, and the pin stays."""
    from discreet.agents.home import Home
    from discreet.agents.session import Session
    from discreet.demo.services.start import start
    from discreet.policy.edit import add_norm
    from discreet.surfaces.approve import approved, offered

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with start(tmp_path / "desks", only=frozenset({"web"})) as services, Home.create(tmp_path / "home", "file", zone="UTC") as home:
        home.connect("mcp", {"name": "desk", "url": services.desk().url})
        assert "free_slots: Free times" in offered(home, "desk") and "discreet approve desk TOOL" in offered(home, "desk")
        said = approved(home, "desk", ["free_slots"], True, "free times of a day")
        assert "desk.free_slots(day: str) -> ToolAnswer  # free times of a day" in said and "discreet norms explain mcp:desk request" in said
        plan, request = 'print(desk.free_slots(day="2026-11-24").data.slots[0])', "what is free on 2026-11-24 at the desk?"
        assert Session(home.world()).perform(plan, request).denied == 1, "an unknown outsider is told nothing"
        add_norm(home.path / "norms.toml", DESK_NORM)
        [file] = blocks(ROOT / "docs/TOOLS.md", "toml")
        home.describe("desk", file)
        plan = plan.replace(".data", "")
        report = Session(home.world()).perform(plan, request)
        assert report.done and report.questions == 0 and report.told == ("2026-11-24T08:00",)


def test_the_library_example_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from discreet.agents.home import Home

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with Home.create(tmp_path / "home", "file") as home:
        home.vault.remember("41", "body/shoe-size", provenance=("user",))
    monkeypatch.setenv("DISCREET_HOME", str(tmp_path / "home"))
    run("README.md", {})
    assert "('41',) 0" in capsys.readouterr().out


def test_the_norm_of_the_readme_is_one() -> None:
    from discreet.policy.load import defaults, parse

    for text in blocks(ROOT / "README.md", "toml"):
        made = parse(text, "README.md")
        assert not made.problems
    assert defaults().norms


def test_shell_examples_use_commands_and_settings_that_exist() -> None:
    """Every `discreet …` in the pages is a command, and every option of it is in its help."""
    help_ = {name: text for name, text in shown_help().items()}
    wrong = []
    for page in PAGES:
        for line in re.findall(r"(?:^|`)discreet ([a-z][^`\n|]*)", page.read_text("utf-8"), re.M):
            words = line.split()
            name = " ".join(words[:2]) if " ".join(words[:2]) in help_ else words[0]
            if name not in help_ and name != "evidence":
                wrong.append(f"{page.name}: discreet {line}")
            wrong += [f"{page.name}: {option} of {name}" for option in re.findall(r"(?<!\S)--[a-z-]+", line) if option not in help_.get(name, option)]
    assert not wrong, wrong


def test_the_demo_excerpt_is_what_the_demo_prints() -> None:
    """Each line of the excerpt's plan is a line of the recorded plan, and its words are the terminal's."""
    [excerpt] = blocks(ROOT / "README.md", "text")
    plan = (ROOT / "src/discreet/demo/recorded.toml").read_text("utf-8").splitlines()
    numbered = re.findall(r"^ +(\d+)  (.+)$", excerpt, re.M)
    begin = next(i for i, line in enumerate(plan) if line.startswith("text = "))
    assert numbered and all(plan[begin + int(number)] == text for number, text in numbered)
    from discreet.demo.stage import ERRAND, persona

    assert ERRAND in excerpt
    health = sum(fact["type"].startswith("health") for fact in persona()["fact"])
    assert f"{health} health facts" in excerpt


# ---------------------------------------------------------------------------------------------------- help


def commands() -> list[str]:
    """Every command, subcommands included, as the command line itself has them."""
    from discreet.surfaces import cli

    names = [""]
    for found in (cli.app, cli.norms_app, cli.plan_app):
        prefix = "" if found is cli.app else f"{found.name[0]} "
        names += [f"{prefix}{name}" for name in found if not name.startswith("-")]
    return sorted({*names, "audit", "advisories", *(["evidence"] if find_spec("discreet.evidence.cli") else [])})


def help_of(command: str) -> str:
    """A command's help as it is printed on a terminal of WIDTH columns."""
    from rich.console import Console

    from discreet.surfaces import cli

    for name in ("analyst", "evidence"):
        if find_spec(f"discreet.{name}.cli") and cli.COMMANDS[name][0] not in list(cli.app):
            import_module(f"discreet.{name}.cli").register(cli.app)
    out = io.StringIO()
    cli.app.help_print(command.split(), console=Console(file=out, width=WIDTH, color_system=None))
    return "\n".join(line.rstrip() for line in out.getvalue().strip().splitlines())


def test_help_is_what_the_command_prints() -> None:
    """The page is made in this process; the command itself says the same."""
    env = {**os.environ, "COLUMNS": str(WIDTH), "NO_COLOR": "1", "TERM": "dumb"}
    for command in ("norms explain", "audit"):
        done = subprocess.run([COMMAND, *command.split(), "--help"], env=env, capture_output=True, text=True, timeout=60)
        assert "\n".join(line.rstrip() for line in done.stdout.strip().splitlines()) == help_of(command)


_HELP: dict[str, str] = {}


def shown_help() -> dict[str, str]:
    if not _HELP:
        text = (ROOT / "docs/CLI.md").read_text("utf-8")
        _HELP.update({name.removeprefix("discreet").strip(): body.strip() for name, body in re.findall(r"^## `([^`]+)`\n\n```text\n(.*?)^```", text, re.S | re.M)})
    return _HELP


def page() -> str:
    """docs/CLI.md as it should be; `python -m tests.test_docs` writes it."""
    parts = ["# Commands\n\nThe `--help` of every command, generated: `python -m tests.test_docs` writes this page and a test compares it.\n"]
    for command in commands():
        parts.append(f"## `{f'discreet {command}'.strip()}`\n\n```text\n{help_of(command)}\n```\n")
    return "\n".join(parts)


def test_help_of_every_command_is_in_the_docs() -> None:
    shown = shown_help()
    stale = [command for command in commands() if shown.get(command) != help_of(command)]
    assert not stale and set(shown) == set(commands()), f"stale in docs/CLI.md: {stale}; write it anew with `python -m tests.test_docs`"


# ---------------------------------------------------------------------------------------------------- links


def anchors(path: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_resolve(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file) if file else path
        assert there.exists(), f"{path.name}: {target}"
        assert not anchor or anchor in anchors(there), f"{path.name}: {target}"


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_files_that_are_named_exist(path: Path) -> None:
    text = path.read_text("utf-8")
    named = set(re.findall(r"`((?:src|tests|docs|benchmarks)/[\w./*-]+|(?:kernel|policy|ledger|memory|tools|connectors|models|agents|surfaces|evidence|demo)/[\w./*-]+\.(?:py|toml))", text))
    for name in named:
        base = ROOT if name.split("/")[0] in ("src", "tests", "docs", "benchmarks") else ROOT / "src/discreet"
        assert any(base.glob(name.rstrip("/."))), f"{path.name} names `{name}`"


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_machines_path_stands_in_a_page(path: Path) -> None:
    assert not re.search(r"(?<![\w.])/(?:work|root|tmp|Users)/", path.read_text("utf-8"))


def test_every_page_is_reached_from_the_readme() -> None:
    """A page that nobody links is not read."""
    seen, waiting = set(), [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in seen or path.suffix != ".md":
            continue
        seen.add(path)
        for target in re.findall(r"\]\(([^)\s#]+)", path.read_text("utf-8")):
            there = (path.parent / target).resolve()
            waiting += [there] if there.is_file() else sorted(there.glob("*.md")) if there.is_dir() else []
    assert not {p for p in PAGES if p not in seen}


if __name__ == "__main__":
    (ROOT / "docs/CLI.md").write_text(page(), "utf-8")
