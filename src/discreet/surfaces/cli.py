"""The command line: one command for each thing a person does with their agent; `--json` wherever something is shown.

Heavy libraries are imported inside the commands that need them, so that `discreet ledger` starts at once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from discreet.kernel.errors import DiscreetError

app = App(
    name="discreet",
    help="A personal agent that keeps secrets: what knows cannot talk, what talks was never told, and what crosses is checked and written down.",
    version="0.1.0",
)
norms_app = App(name="norms", help="Who may learn what: list, add, explain and test norms.")
plan_app = App(name="plan", help="Write, look at and run plans by hand.")
app.command(norms_app)
app.command(plan_app)

COMMANDS = {"analyst": ("audit", "advisories"), "evidence": ("evidence",)}  # whose front end has which commands
Model = Annotated[str, Parameter(help="who plans: `local`, `local-small`, a hosted model's name, …; default: what `discreet weights` chose")]
Request = Annotated[str, Parameter(help="what you would have asked, in your own words: names, amounts and addresses in it count as said by you")]
HomePath = Annotated[Path | None, Parameter(name="--home", help="where your agent's data is; default $DISCREET_HOME or your data folder")]
Json = Annotated[bool, Parameter(name="--json", negative="", help="print plain JSON")]


def main() -> None:
    """Run the command line; errors of ours end in one line and exit code 2."""
    _register()
    try:
        result = app()
        sys.exit(result if isinstance(result, int) else 0)
    except DiscreetError as error:
        print(f"discreet: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(0)
    except EOFError:
        print("discreet: an answer was needed, and there is nobody to give it", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(f"discreet: {error.filename or 'the system'}: {error.strerror or error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def _register() -> None:
    """Commands of the other front ends, which keep theirs in their own folders."""
    wanted = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    for name in ("analyst", "evidence"):
        if wanted in (*COMMANDS[name], "", "help") and find_spec(f"discreet.{name}.cli"):
            import_module(f"discreet.{name}.cli").register(app)


def _open(home: Path | None) -> Any:
    from discreet.agents.home import Home
    from discreet.agents.home_paths import default_home

    return Home.open(home or default_home(), _passphrase)


def _passphrase() -> str:
    import getpass

    return getpass.getpass("passphrase: ")


def _new_passphrase() -> Callable[[], str]:
    """Asks for a new passphrase, twice, since a slip in it would lock its owner out for good; and gives it again when asked again."""
    import getpass

    held: list[str] = []

    def ask() -> str:
        if not held:
            first = getpass.getpass("new passphrase: ")
            if getpass.getpass("the same again: ") != first:
                raise DiscreetError("the two are not the same; nothing was made")
            held.append(first)
        return held[0]

    return ask


def _print(data: Any) -> None:
    print(json.dumps(data, indent=2, ensure_ascii=False, default=str))


def _names(home: Any) -> dict[str, str]:
    from discreet.agents.home import names
    from discreet.tools.directory import Directory

    return names(Directory())


# ---------------------------------------------------------------------------------------------------- data


@app.command
def init(
    *, home: HomePath = None,
    name: Annotated[str, Parameter(help="how you are called; stands in mails of yours")] = "",
    email: Annotated[str, Parameter(help="your own address: what goes there tells nobody else")] = "",
    zone: Annotated[str, Parameter(help="your time zone, such as `Europe/Berlin`; default: this machine's")] = "",
    key: Annotated[str, Parameter(help="where the key is kept: keyring, passphrase or file; default: the best there is")] = "",
    weights: Annotated[str, Parameter(help="as in `discreet weights`")] = "",
) -> int:  # fmt: skip
    """Make a new home: your vault, ledger, norms and connections."""
    from discreet.agents.home import Home
    from discreet.agents.home_paths import default_home

    with Home.create(home or default_home(), key or None, _new_passphrase() if key == "passphrase" else None, name, email, zone) as made:
        print(f"your home is `{made.path}`; {made.key.says}")
    model = "" if weights else "`discreet weights 1.5B` fetches the local model, "
    print(f"next: {model}`discreet remember \"…\"` keeps a fact, `discreet connect KIND …` a service, `discreet ask \"…\"` does an errand")
    return choose_weights(weights, home=home) if weights else 0


@app.command(name="weights")
def choose_weights(wanted: str = "", *, home: HomePath = None) -> int:
    """Choose the local model: 1.5B or 0.5B (fetched and checked), the path of a weights file or folder, or none. Without a choice: show what is here."""
    from discreet.agents.home_paths import default_home
    from discreet.surfaces.weights import choose, show

    return choose(home or default_home(), wanted) if wanted else show(home or default_home())


@app.command
def remember(
    text: str, *, type: Annotated[str, Parameter(help="its information type, such as `body/shoe-size`; `discreet words` lists them")] = "",
    subject: Annotated[str, Parameter(help="whom it is about: `user`, or somebody's id such as `person:sam@x.example`")] = "user", home: HomePath = None, json: Json = False,
) -> None:  # fmt: skip
    """Remember one fact about yourself. Without `--type` one is suggested from the text."""
    from discreet.kernel.errors import nearest
    from discreet.policy.vocabulary import kinds_of_facts

    chosen, why = (type, "") if type else _suggested(text)
    if chosen not in kinds_of_facts():
        raise DiscreetError(f"unknown information type `{chosen}`{nearest(chosen, kinds_of_facts()) or '; `discreet words` lists them'}")
    with _open(home) as opened:
        fact = opened.vault.remember(text, chosen, subject=subject, provenance=("user",))
        if json:
            _print({"id": fact.id, "type": fact.type, "subject": fact.subject, "suggested": not type})
        else:
            print(f"remembered as {fact.type} ({fact.id}){why}")


def _suggested(text: str) -> tuple[str, str]:
    from discreet.models.labelling import suggest
    from discreet.policy.vocabulary import kinds_of_facts, types

    made = suggest(text, [(id_, types()[id_].meaning) for id_ in kinds_of_facts()])
    doubt = "" if made.certain else ", in doubt as the most private that it could be"
    return made.type, f"{doubt}, by {made.method}; if that is wrong: `discreet remember --type …`, then `forget` this one"


@app.command
def recall(query: str = "", *, type: tuple[str, ...] = (), limit: int = 20, home: HomePath = None, json: Json = False) -> None:
    """Look into your own vault: what matches `query`, of the named information types or of all."""
    from discreet.policy.vocabulary import kinds_of_facts

    with _open(home) as opened:
        vault = opened.vault
        found = vault.recall(list(type or kinds_of_facts()), query, limit) if query else [f for f in vault.facts() if not type or f.type in type][:limit]
        if json:
            _print([{"id": f.id, "type": f.type, "subject": f.subject, "text": f.text, "learned": f.learned, "updated": f.updated} for f in found])
            return
        for fact in found:
            print(f"{fact.id}  {fact.type}{'' if fact.subject == 'user' else f' of {fact.subject}'}: {fact.text}{' (learned, not said by you)' if fact.learned else ''}")
        if not found:
            print("nothing")


@app.command
def forget(id: str, *, home: HomePath = None) -> None:
    """Delete one fact for good."""
    with _open(home) as opened:
        opened.vault.forget(id)
        print("forgotten")


@app.command
def correct(id: str, text: str, *, home: HomePath = None) -> None:
    """Change the text of one fact; its labels stay."""
    with _open(home) as opened:
        print(f"corrected ({opened.vault.correct(id, text).id})")


@app.command
def export(path: Path, *, home: HomePath = None) -> None:
    """Write every fact of the vault to a file, readable: who reads it reads everything. Ledger, norms, connections and key are not in it."""
    import os

    from discreet.memory.portable import export as whole

    with _open(home) as opened, os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(whole(opened.vault))
        print(f"{len(opened.vault.facts())} facts are in `{path}`, not encrypted: the file is as secret as your key; delete it when it has served")
        print("it holds the facts alone: no ledger, norms, connections, passwords or key. To move a whole home, copy its folder and keep its key")


@app.command(name="import")
def import_facts(path: Path, *, vouched: Annotated[bool, Parameter(negative="", help="you wrote or checked the file: its facts count as said by you")] = False, home: HomePath = None) -> None:  # fmt: skip
    """Take facts in from an exported file. What another agent exported counts as learned, unless you vouch for it."""
    from discreet.memory.portable import import_

    with _open(home) as opened:
        made = import_(opened.vault, path.read_text("utf-8"), vouched)
        print(f"{made.sealed} came back as they were, {made.vouched} at your word, {made.doubted} as learned, {made.known} were there already")
        if made.doubted:
            print("learned: another home wrote them, so each is taken as outside text of the most private kind and no plan recalls it as yours; if you")
            print("know the file to be yours, `discreet forget` these and import it with `--vouched`, which takes its types at your word")


@app.command
def connect(
    kind: str, settings: tuple[str, ...] = (), *, password: Annotated[bool, Parameter(negative="", help="ask for a password")] = False,
    contracts: Annotated[Path | None, Parameter(help="of an MCP server: a file that says what its tools do and tell (docs/TOOLS.md); it is copied into the home")] = None,
    home: HomePath = None,
) -> None:  # fmt: skip
    """Connect a service: mail, calendar, contacts, shop, files, web or mcp, with `key=value` settings (docs/CONNECTING.md)."""
    import getpass

    values: dict[str, Any] = {}
    for one in settings:
        key, sign, value = one.partition("=")
        if not sign:
            raise DiscreetError(f"`{one}` is not `key=value`")
        values[key] = _value(value)
    secret = getpass.getpass("password: ") if password and sys.stdin.isatty() else (sys.stdin.readline().rstrip("\n") if password else "")
    if contracts is not None and (kind != "mcp" or "name" not in values):
        raise DiscreetError("`--contracts` is for an MCP server with a `name=…`; other services bring theirs")
    with _open(home) as opened:
        if contracts is not None:
            opened.describe(str(values["name"]), _read_text(contracts))
        opened.connect(kind, values, secret)
        print(f"connected {kind}")
        for name in (name for name in values if kind == "files" and not name.startswith("holds_") and not Path(str(values[name])).is_dir()):
            print(f"`{values[name]}` is no folder on this machine: nothing will be found in `{name}`", file=sys.stderr)
        if kind == "contacts":  # asked at once, since without it no errand begins
            opened.world()


@app.command
def approve(
    server: Annotated[str, Parameter(help="the name that it was connected with")],
    tools: Annotated[tuple[str, ...], Parameter(help="names of tools to approve; none shows what is offered")] = (), *,
    reads: Annotated[bool, Parameter(negative="", help="these tools only look, and change nothing")] = False,
    summary: Annotated[str, Parameter(help="what planners see of the tool, in your words; the server's own are shown to you alone")] = "",
    home: HomePath = None,
) -> None:  # fmt: skip
    """Show what an MCP server offers, or approve tools of it by name, pinned as they are now."""
    from discreet.surfaces.approve import approved, offered

    if summary and len(tools) != 1:
        raise DiscreetError("`--summary` is for one tool: name it")
    with _open(home) as opened:
        print(approved(opened, server, tools, reads, summary) if tools else offered(opened, server))


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DiscreetError(f"`{path}` cannot be read: {getattr(error, 'strerror', None) or 'it is no text in UTF-8'}") from None


def _value(text: str) -> Any:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if text.isdigit():
        return int(text)
    return [part for part in text[1:-1].split(",") if part] if text.startswith("[") and text.endswith("]") else text


# ---------------------------------------------------------------------------------------------------- errands


@app.command
def ask(
    request: str, *, model: Model = "", home: HomePath = None, json: Json = False,
) -> int:  # fmt: skip
    """Do an errand: plan, preflight, questions, answer, account."""
    from discreet.surfaces.errand import errand

    return errand(_open(home), request, model, json)


@app.command
def gateway(
    *, agent: Annotated[str, Parameter(help="what you call the agent: what it was told counts for it under this name, in every connection")] = "agent", wait: int = 300,
    print_config: Annotated[bool, Parameter(negative="", help="print what MCP clients want in their settings, and end")] = False, home: HomePath = None,
) -> int:  # fmt: skip
    """Stand between an agent of yours and your services, as its MCP server (docs/GATEWAY.md). `--wait` is for how many seconds a call waits for your answer."""
    from discreet.surfaces.gateway import config, gateway as serve

    if print_config:
        _print(config(agent, home))
        return 0
    return serve(lambda: _open(home), agent, wait)


@app.command
def request(text: str, *, agent: str = "agent", home: HomePath = None) -> None:
    """Ask an agent behind the gateway for something: what you name in it counts as said by you, for this request."""
    from discreet.agents.waiting import waiting
    from discreet.surfaces.questions import ask_for

    ask_for(waiting(home, _passphrase), text, agent)


@app.command
def questions(
    *, watch: Annotated[bool, Parameter(negative="", help="stay, and show those that come later")] = False, home: HomePath = None, json: Json = False
) -> None:
    """Answer what agents behind the gateway ask, and read what came of their errands. Without a terminal: list the questions, answer nothing."""
    from discreet.agents.waiting import waiting
    from discreet.surfaces.questions import answer, open_questions

    found = waiting(home, _passphrase)
    if json:
        _print([{"id": name, **one} for name, one in open_questions(found)])
    elif sys.stdin.isatty():
        answer(found, watch)
    else:
        for name, one in open_questions(found):
            print(f"{name}: the agent `{one['agent']}` wants this:{one['text']}")


@plan_app.command(name="show")
def plan_show(request: str, *, model: Model = "", home: HomePath = None, json: Json = False) -> int:
    """Draft a plan and show its preflight; nothing is done."""
    from discreet.surfaces.errand import show

    return show(_open(home), request, model, json)


@plan_app.command(name="check")
def plan_check(path: Path, *, request: Request = "", home: HomePath = None, json: Json = False) -> int:
    """Resolve a plan file and show its preflight; nothing is done but look-ups of names that the request says."""
    from discreet.surfaces.errand import check

    return check(_open(home), path, request, json)


@plan_app.command(name="run")
def plan_run(path: Path, *, request: Request = "", home: HomePath = None, json: Json = False) -> int:
    """Run a plan file, with preflight and questions as `discreet ask` does."""
    from discreet.surfaces.errand import run_file

    return run_file(_open(home), path, request, json)


@plan_app.command(name="edit")
def plan_edit(request: str, *, model: Model = "", home: HomePath = None) -> int:
    """Draft a plan, open it in $EDITOR, and run what you saved after its preflight."""
    from discreet.surfaces.errand import edit

    return edit(_open(home), request, model)


@app.command
def tools(
    name: Annotated[str, Parameter(help="one service or tool: what its contract says, as the monitor reads it")] = "", *,
    skeleton: Annotated[bool, Parameter(negative="", help="print an empty contracts file for the approved tools of the MCP server NAME")] = False,
    home: HomePath = None, json: Json = False,
) -> None:  # fmt: skip
    """The tools that plans can use, as planners see them; of one service or tool, and with `--json`, all that its contract says."""
    from discreet.kernel.contract import stubs
    from discreet.surfaces.tools import listing, notes, shown, skeleton as form

    with _open(home) as opened:
        if skeleton:
            print(form(opened, name))
            return
        contracts, unused = opened.world(read=lambda *_: None).tools.contracts, notes(opened)
    if json:
        _print({"tools": listing(contracts, name), "notes": unused})
        return
    print(shown(listing(contracts, name)) if name else stubs(contracts))
    for note in unused:
        print(f"note: {note}", file=sys.stderr)


# ---------------------------------------------------------------------------------------------------- norms


@norms_app.command(name="list")
def norms_list(*, home: HomePath = None, json: Json = False) -> None:
    """Every norm in force, with its reason."""
    import dataclasses

    from discreet.policy.edit import list_norms
    from discreet.policy.load import load

    loaded = load(_norms_path(home))
    shown = list_norms(loaded.norms)
    if json:
        _print([dataclasses.asdict(one) for one in shown])
        return
    for one in shown:
        print(f"{one.id} ({one.verdict}, {one.origin}): {one.text}\n    because {one.because}{f'; ERRS: {one.erring}' if one.erring else ''}")
    for doubt in _norms_doubts(loaded, home):
        print(f"doubt: {doubt}")


@norms_app.command(name="add")
def norms_add(text: str, *, home: HomePath = None) -> None:
    """Add a norm, written in TOML (docs/NORMS.md), or from a file with `@FILE`. A mistake is located and nothing is changed."""
    from discreet.policy.edit import add_norm

    loaded = add_norm(_norms_path(home), Path(text[1:]).read_text("utf-8") if text.startswith("@") else text)
    print(f"added; {len(loaded.norms)} norms in force")
    for doubt in _norms_doubts(loaded, home):
        print(f"doubt: {doubt}")


@norms_app.command(name="drop")
def norms_drop(id: str, *, home: HomePath = None) -> None:
    """Take a norm out of force."""
    from discreet.policy.edit import drop_norm

    drop_norm(_norms_path(home), id)
    print(f"`{id}` is no longer in force")


@norms_app.command(name="explain")
def norms_explain(
    recipient: Annotated[str, Parameter(help="a name, an address, or an id such as `shop:Northside Sports`")],
    *type: Annotated[str, Parameter(help="one information type or several; `discreet words` lists them")],
    role: Annotated[tuple[str, ...], Parameter(negative="", help="what the recipient is to you; without it your address book and services say")] = (),
    about: Annotated[str, Parameter(help="whom the information is about")] = "user",
    purpose: str = "correspondence", tool: str = "mail.send", home: HomePath = None, json: Json = False,
) -> None:  # fmt: skip
    """Whether `recipient` may learn a type of information about you, by which norms, and what would permit it."""
    from discreet.agents.home_paths import default_home
    from discreet.policy.load import load
    from discreet.surfaces.explain import adding, explained, somebody

    if not type:
        raise DiscreetError("name an information type too, such as `health/condition`; `discreet words` lists them")
    who, how = somebody(recipient, role, home or default_home(), lambda: _open(home))
    made, tables = explained(who, type, about, purpose, tool, load(_norms_path(home)).norms)
    if json:
        _print({"verdict": made.verdict.value, "sentence": made.sentence, "norms": made.norms, "remedy": made.remedy, "who": sorted(who.roles), "to_add": "\n".join(tables)})
        return
    print(f"{how}\n{made}" if how else made)
    if tables:
        print(f"\nTo permit it from now on, paste this, with your reason:\n\n{adding(tables)}")


@app.command
def words(word: str = "", *, json: Json = False) -> None:
    """The words that facts and norms are written with: information types, purposes and roles, each with its meaning; those that have `word` in them, or all."""
    from discreet.kernel.errors import nearest
    from discreet.policy.vocabulary import purposes, roles, types

    found = {v.kind: {id_: v[id_].is_ for id_ in v if word.lower() in f"{id_} {v[id_].meaning}".lower()} for v in (types(), purposes(), roles())}
    if not any(found.values()):
        raise DiscreetError(f"no word has `{word}` in it{nearest(word, [*types(), *purposes(), *roles()])}")
    if json:
        _print(found)
        return
    for kind, concepts in found.items():
        if concepts:
            print(f"{kind}s")
        for id_, meaning in concepts.items():
            print(f"  {id_}: {meaning}")


@norms_app.command(name="test")
def norms_test(*, home: HomePath = None, json: Json = False) -> int:
    """Run the tests that stand in the norms files, and show every mistake in them with line and column."""
    import dataclasses

    from discreet.policy.check import test_norms
    from discreet.policy.load import load

    loaded = load(_norms_path(home))
    doubts = _norms_doubts(loaded, home)
    results = test_norms(loaded)
    good = not loaded.problems and all(one.passed for one in results)
    if json:
        _print({"ok": good, "problems": [str(p) for p in loaded.problems], "doubts": doubts, "tests": [{**dataclasses.asdict(one), "passed": one.passed} for one in results]})
        return 0 if good else 1
    for problem in loaded.problems:
        print(f"mistake: {problem}")
    for doubt in doubts:
        print(f"doubt: {doubt}")
    for one in results:
        print(f"{'ok  ' if one.passed else 'FAIL'} {one.name}" + ("" if one.passed else f": expected {one.expected}, found {one.found}; {one.mistake or one.why}"))
    print(f"{sum(one.passed for one in results)} of {len(results)} tests hold, {len(loaded.problems)} mistakes" if results else f"no `[[test]]` stands in your norms (docs/NORMS.md); {len(loaded.problems)} mistakes")
    return 0 if good else 1


def _norms_doubts(loaded: Any, home: Path | None) -> list[str]:
    """Tools and recipients that norms name and that are nearly, and not, ones that there are."""
    from discreet.agents.home import read_config
    from discreet.policy.known import SHIPPED_TOOLS, unfit

    folder = _norms_path(home).parent
    config = read_config(folder) if (folder / "config.toml").exists() else {}
    recipients = [f"{kind}:{one['name']}" for kind in ("shop", "mcp") for one in config.get(kind, ()) if "name" in one]
    providers = [f"{kind}-provider" for kind in ("mail", "calendar", "contacts")]
    return [str(one) for one in unfit(loaded.norms, SHIPPED_TOOLS, [*recipients, *providers])]


def _norms_path(home: Path | None) -> Path:
    from discreet.agents.home_paths import default_home

    return (home or default_home()) / "norms.toml"


# ---------------------------------------------------------------------------------------------------- ledger


@app.command
def ledger(*, home: HomePath = None, last: int = 40, errand: str = "", json: Json = False) -> None:
    """What was disclosed, denied, asked and done."""
    with _ledger(home) as opened:
        records = list(opened.entries(errand=errand or None, last=last))
        rows = [{"seq": r.seq, "at": r.at, **r.entry.encoded()} for r in records]
        statuses = opened.statuses(since=records[0].seq) if records else {}
        if json:
            _print(rows)
            return
        from discreet.surfaces.entries import entry_line

        if not records:
            print(f"nothing of an errand `{errand}`" if errand else "nothing yet")
        for record in records:
            print(entry_line(record, statuses))
        for record in opened.unknowns():
            print(f"outcome unknown: entry {record.seq}, {record.entry.tool}; nothing is repeated by itself; once you know, `discreet settle {record.seq}`")


@app.command
def settle(entry: int, became: Literal["done", "refused", "unsent"], *, home: HomePath = None) -> None:
    """Say what became of a call whose outcome is unknown, once you have looked; then the like of it may be done again."""
    with _ledger(home) as opened:
        opened.outcome(entry, became, "the user looked")
    print(f"entry {entry}: {became}")


def _ledger(home: Path | None) -> Any:
    """The ledger alone: no vault, no connection."""
    from discreet.agents.home_paths import open_ledger

    return open_ledger(home, _passphrase)


@app.command
def knows(name: str, *, home: HomePath = None, json: Json = False) -> None:
    """What one recipient has learnt about you: when, why, how many bits."""
    from discreet.ledger.knows import knows as learnt_by

    with _ledger(home) as opened:
        found = learnt_by(opened, name)
    if json:
        _print([{"type": o.type, "subject": o.subject, "when": o.when, "purpose": o.purpose, "tool": o.tool, "bits": o.bits, "certain": o.certain, "norms": o.norms} for o in found])
        return
    for one in found:
        bits = "whole" if one.bits is None else f"{one.bits} bits"
        sure = "" if one.certain else " (perhaps: the outcome is not known)"
        whose = "" if one.subject == "user" else f" of {one.subject}"
        print(f"{one.when[:19]}  {one.type}{whose}  {bits}  for {one.purpose} through {one.tool}{sure}")
    if not found:
        print(f"{name} has learnt nothing")


@app.command
def verify(*, home: HomePath = None, json: Json = False) -> int:
    """Check the ledger: edits, reordering, removal, truncation."""
    from discreet.agents.home_paths import verify_ledger

    report = verify_ledger(home, _passphrase)
    if json:
        _print({"ok": report.ok, "entries": report.entries, "checkpoints": report.checkpoints, "head": report.head, "problems": [{"seq": p.seq, "what": p.what} for p in report.problems], "beyond": report.beyond})
    else:
        print(report.sentence())
    return 0 if report.ok else 1


# ---------------------------------------------------------------------------------------------------- demo


@app.command
def demo(*, model: str = "", keep: Annotated[Path | None, Parameter(help="keep the demo's data in this folder")] = None, json: Json = False) -> int:
    """The main job on real local services: an errand with your agent, then the same with everything hijacked."""
    from discreet.demo.run import demo as run_demo

    return run_demo(model, keep, json)


@app.command(name="break")
def break_(plan: Path | None = None, *, json: Json = False) -> int:
    """Be the hijacked model: write any plan, put any text into any service. A canary that leaves wins."""
    from discreet.demo.breaking import breaking

    return breaking(plan, json)


if __name__ == "__main__":
    main()
