"""The command line, through the real command, in a temporary home."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).parent / "discreet"
NORM = """
[[norm]]
id = "pharmacy-allergies"
verdict = "permit"
who = ["shop:Corner Pharmacy & user-said"]
learns = ["health/allergy"]
about = ["user"]
purpose = ["purchase"]
through = ["shop.search", "shop.checkout"]
because = "they warn me before I buy the wrong thing"
"""


class Home:
    """One home, its environment, and the command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {**os.environ, "DISCREET_HOME": str(folder / "home"), "XDG_STATE_HOME": str(folder / "state"), "XDG_CACHE_HOME": str(folder / "cache"),
                    "XDG_CONFIG_HOME": str(folder / "config"), "COLUMNS": "100", "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}  # fmt: skip

    def __call__(self, *words: str, code: int = 0, given: str = "") -> str:
        done = subprocess.run([COMMAND, *words], env=self.env, input=given, capture_output=True, text=True, timeout=120)
        assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        self.printed = done.stdout
        return done.stdout if code == 0 else done.stdout + done.stderr

    def json(self, *words: str, code: int = 0):
        self(*words, "--json", code=code)
        return json.loads(self.printed)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = Home(tmp_path_factory.mktemp("cli"))
    said = made("init", "--name", "Nora", "--email", "nora@lindqvist.example", "--zone", "Europe/Berlin", "--key", "file")
    assert "who can read that file" in said
    return made


def test_a_home_is_made_once(home: Home) -> None:
    assert "there is a home" in home("init", code=2)
    assert oct((home.folder / "home").stat().st_mode)[-3:] == "700"


def test_without_a_home_it_says_what_to_do(tmp_path: Path) -> None:
    assert "make one with `discreet init`" in Home(tmp_path)("recall", code=2)


def test_facts_are_remembered_recalled_corrected_and_forgotten(home: Home) -> None:
    made = home.json("remember", "41", "--type", "body/shoe-size")
    assert made["type"] == "body/shoe-size" and made["suggested"] is False
    assert [one["text"] for one in home.json("recall", "--type", "body/shoe-size")] == ["41"]
    home("correct", made["id"], "42")
    [held] = home.json("recall", "--type", "body/shoe-size")
    assert held["text"] == "42"
    home("forget", held["id"])
    assert home.json("recall", "--type", "body/shoe-size") == []


def test_a_type_is_suggested_and_said(home: Home) -> None:
    """G0.5: without `--type` detection is used, and the answer says what was taken and how to change it."""
    said = home("remember", "I am allergic to penicillin")
    assert said.startswith("remembered as health") and "if that is wrong" in said


def test_a_mistake_is_told_with_the_nearest_name(home: Home) -> None:
    assert "did you mean `body/shoe-size`?" in home("remember", "x", "--type", "body/shoesize", code=2)


def test_a_plan_is_checked_run_and_recorded(home: Home, tmp_path: Path) -> None:
    home("remember", "M", "--type", "body/clothing-size")
    plan = tmp_path / "size.plan"
    plan.write_text('print(f"You wear {memory.recall(type=\\"body/clothing-size\\")}")\n'.replace('\\"', "'"))
    assert home.json("plan", "check", str(plan))["problems"] == []
    report = home.json("plan", "run", str(plan))
    assert report["told"] == ["You wear M"] and report["done"] and report["questions"] == 0
    kinds = [row["kind"] for row in home.json("ledger", "--errand", report["errand"])]
    assert kinds == ["run-start", "intent", "outcome", "run-end"]
    assert "memory.recall" in home("ledger")


def test_a_refused_plan_names_line_column_and_rewrite(home: Home, tmp_path: Path) -> None:
    plan = tmp_path / "bad.plan"
    plan.write_text("x = 1\nwhile x:\n    pass\n")
    assert "line 2, column 1: there is no `while`; instead:" in home("plan", "check", str(plan), code=2)
    plan.write_text('memory.recal(type="health")\n')
    assert home.json("plan", "run", str(plan), code=2)["problems"] == ["line 1, column 1: unknown tool `memory.recal`; did you mean `memory.recall`?"]


def test_norms_are_listed_added_explained_tested_and_dropped(home: Home, tmp_path: Path) -> None:
    ask = ("norms", "explain", "shop:Corner Pharmacy", "health/allergy", "--role", "user-said", "--purpose", "purchase", "--tool", "shop.search")
    assert home.json(*ask)["verdict"] == "deny"
    file = tmp_path / "pharmacy.toml"
    file.write_text(NORM)
    home("norms", "add", f"@{file}")
    made = home.json(*ask)
    assert made["verdict"] == "permit" and "pharmacy-allergies" in made["norms"]
    shown = {one["id"]: one for one in home.json("norms", "list")}
    assert shown["pharmacy-allergies"]["because"] == "they warn me before I buy the wrong thing"
    assert home.json("norms", "test")["ok"] and "no `[[test]]` stands" in home("norms", "test")
    assert "pharmacy-allergies (permit, " in home("norms", "list") and "advertisers-nothing (forbid, shipped)" in home("norms", "list")
    for id_ in ("pharmacy-allergies", "invitee-event"):  # one of the user's own and a shipped one
        home("norms", "drop", id_)
        assert id_ not in {one["id"] for one in home.json("norms", "list")}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["health/conditon"], "unknown information type `health/conditon`; did you mean `health/condition`?"),
        (["xyzzy"], "unknown information type `xyzzy`; `discreet words` lists them"),
        (["health", "--role", "freind"], "unknown role `freind`; did you mean `friend`?"),
        (["health", "--role", "friend", "--purpose", "correspondance"], "unknown purpose `correspondance`; did you mean `correspondence`?"),
        (["health", "--role", "friend", "--tool", "mail.sned"], "unknown tool `mail.sned`; did you mean `mail.send`?"),
    ],
)
def test_a_slip_in_an_explanation_is_told(home: Home, words: list[str], told: str) -> None:
    assert told in home("norms", "explain", "sam@okafor.example", *words, code=2)


def test_an_explanation_gives_the_norm_that_would_permit_it_to_paste(home: Home) -> None:
    ask = ("norms", "explain", "Sam@Okafor.example", "health/allergy", "contact/phone", "--role", "friend", "--role", "user-said")
    said = home(*ask)
    added = shlex.split(said[said.index("discreet norms add") :])
    assert added[:3] == ["discreet", "norms", "add"] and 'who = ["mail:sam@okafor.example & user-said"]' in added[3]
    home(*added[1:])
    assert home.json(*ask)["verdict"] == "permit" and home.json(*ask)["to_add"] == ""
    home("norms", "drop", re.findall(r'id = "(.+)"', added[3])[0])


def test_what_no_norm_can_permit_gives_none_to_paste(home: Home) -> None:
    said = home("norms", "explain", "Ads Ltd", "preference", "--role", "advertiser")
    assert "only dropping `advertisers-nothing`" in said and "norms add" not in said


def test_a_denied_call_says_why_and_shows_the_way_to_the_norm(home: Home, tmp_path: Path) -> None:
    """The report's command changes nothing; what it prints does, and only that flow."""
    home("connect", "shop", "name=Northside 'Sports", "url=http://127.0.0.1:9/mcp")
    home("remember", "asthma", "--type", "health/condition")
    plan = tmp_path / "leak.plan"
    plan.write_text('shop.search(shop="Northside \'Sports", query=memory.recall(type="health/condition"))\n')
    run = ("plan", "run", str(plan), "--request", "look for shoes at Northside 'Sports")
    said = home(*run, code=1)
    assert "line 1: shop.search (read): not allowed" in said and "Nobody outside learnt anything" in said
    assert "Northside 'Sports may not learn your health/condition for purchase/search through `shop.search`: no norm permits it" in said
    command = shlex.split(next(line for line in said.splitlines() if "discreet norms explain" in line).partition(": ")[2])
    assert home.json(*run, code=1)["why_denied"][0]["explain"] == shlex.join(command)
    told = home(*command[1:])
    assert home.json("plan", "check", str(plan), "--request", run[-1])["lines"][-1]["verdict"] == "deny", "explaining permits nothing"
    add = shlex.split(told[told.index("discreet norms add") :])
    home(*add[1:])
    assert home.json("plan", "check", str(plan), "--request", run[-1])["lines"][-1]["verdict"] == "permit"
    assert home.json("plan", "check", str(plan), "--request", "look for shoes")["lines"][-1]["verdict"] == "deny", "and for that shop only when it is named"
    home("norms", "drop", re.findall(r'id = "(.+)"', add[3])[0])


def test_words_are_looked_up(home: Home) -> None:
    assert "body/shoe-size: " in home("words", "shoe") and "merchant" not in home("words", "shoe")
    assert {"information type", "purpose", "role"} == set(home.json("words"))
    assert "no word has `shoesize` in it" in home("words", "shoesize", code=2)


def test_an_export_says_what_it_is_and_an_import_what_it_could_not_take_over(home: Home, tmp_path: Path) -> None:
    said = home("export", str(tmp_path / "facts.json"))
    assert "not encrypted" in said and "no ledger, norms, connections, passwords or key" in said
    other = Home(tmp_path)
    other("init", "--key", "file")
    said = other("import", str(tmp_path / "facts.json"))
    assert "--vouched" in said and "came back" in said
    assert "--vouched" not in home("import", str(tmp_path / "facts.json"))


def test_a_new_home_says_what_comes_next(tmp_path: Path) -> None:
    said = Home(tmp_path)("init", "--key", "file")
    assert "discreet weights 1.5B" in said and "discreet connect" in said


def test_a_reader_is_missed_only_by_a_plan_that_reads(home: Home, tmp_path: Path) -> None:
    plan = tmp_path / "p.plan"
    for source, missed in (("print(1)", False), ('print(read(text="x", question="y"))', True)):
        plan.write_text(source + "\n")
        done = subprocess.run([COMMAND, "plan", "run", str(plan)], env=home.env, capture_output=True, text=True, timeout=120)
        assert ("no reader" in done.stderr) is missed and ("discreet weights 1.5B" in done.stderr) is missed


def test_a_norm_with_a_mistake_is_located_and_changes_nothing(home: Home, tmp_path: Path) -> None:
    before = home.json("norms", "list")
    said = home("norms", "add", NORM.replace("health/allergy", "health/alergy"), code=2)
    assert "line" in said and "health/allergy" in said
    assert home.json("norms", "list") == before


def test_the_ledger_verifies_and_a_stranger_knows_nothing(home: Home) -> None:
    report = home.json("verify")
    assert report["ok"] and report["head"] == "matches"
    assert "the ledger knows nobody called `Mallory`" in home("knows", "Mallory", code=2)


def test_a_connection_keeps_its_password_apart(home: Home) -> None:
    home("connect", "shop", "name=Northside Sports", "url=http://127.0.0.1:9/mcp")
    home("connect", "web", "search_url=http://127.0.0.1:9/?q={query}", "private_hosts=[127.0.0.1]")
    home("connect", "mail", "address=nora@lindqvist.example", "user=nora", "imap_host=127.0.0.1", "imap_port=9", "smtp_host=127.0.0.1", "smtp_port=9",
         "--password", given="open sesame\n")  # fmt: skip
    kept = home.folder / "home"
    assert b"open sesame" not in b"".join(path.read_bytes() for path in kept.iterdir() if path.is_file())
    assert 'name = "Northside Sports"' in (kept / "config.toml").read_text()
    shown = home("tools")
    assert "shop.checkout(" in shown and "web.search(" in shown and "mail.send(" in shown
    assert "did you mean `mail`?" in home("connect", "mial", "user=nora", code=2)
    assert "is not `key=value`" in home("connect", "mail", "nora", code=2)


def test_a_server_that_cannot_be_asked_is_told_in_one_line(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home("init", "--key", "file")
    home("connect", "mcp", "name=gone", "command=/nonexistent/server")
    assert "`gone`: its command cannot be started" in home("approve", "gone", code=2)
    assert "did you mean `gone`?" in home("approve", "gon", code=2)
    assert "is for one tool" in home("approve", "gone", "a", "b", "--summary", "x", code=2)


def test_what_cannot_work_is_told_when_it_is_connected(tmp_path: Path) -> None:
    """Without the address book no errand begins, so it is asked at once."""
    home = Home(tmp_path)
    home("init", "--key", "file")
    assert "private network" in home("connect", "contacts", "url=http://127.0.0.1:9/c/", "user=nora", code=2)
    done = subprocess.run([COMMAND, "connect", "files", "notes=/nonexistent/notes"], env=home.env, capture_output=True, text=True, timeout=60)
    assert "is no folder on this machine" in done.stderr


def test_an_errand_from_the_command_line_with_a_recorded_plan(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "replies.toml"
    file.write_text('origin = "a reference plan, written by hand"\n[[reply]]\nrequest = "size"\ntext = \'print(memory.recall(type="body/clothing-size"))\'\n')
    home("remember", "M", "--type", "body/clothing-size")
    report = home.json("ask", "What size do I wear?", "--model", f"recorded:{file}")
    assert report["told"] == ["M"] and report["done"]
    file.write_text(file.read_text() + '[[reply]]\nrequest = "wear x"\ntext = "memory.recal(type=1)"\n')
    refused = home("ask", "What do I wear x", "--model", f"recorded:{file}", code=2)
    assert "memory.recal(type=1)" in refused and "did you mean `memory.recall`?" in refused
    assert "plan.draft → the recorded planner (no model)" in home("ledger") and "local planner" not in home("ledger")
    assert "print(memory.recall" in home.json("plan", "show", "What size do I wear?", "--model", f"recorded:{file}")["plan"]


def test_starting_for_the_ledger_is_cheap(home: Home) -> None:
    """Heavy libraries are not imported where they are not used."""
    heavy = ("pydantic_ai", "mcp", "httpx", "numpy", "onnxruntime", "icalendar", "imap_tools")
    code = "import sys\nfrom discreet.surfaces.cli import app\napp(['verify', '--json'], result_action='return_value')\n" \
           f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], env=home.env, capture_output=True, text=True, timeout=60)
    assert done.stderr.strip().endswith("[]"), done.stderr


def test_weights_are_chosen_from_a_path_or_not_at_all(tmp_path: Path) -> None:
    made = Home(tmp_path)
    made("init", "--key", "file", "--weights", "none")
    assert "no model is chosen" in made("ask", "hello", code=2)
    said = made("weights")
    assert "plans with: none" in said and "qwen15" in said and "not on this machine (1,117 MB)" in said
    assert "is not there" in made("weights", str(tmp_path / "nowhere"), code=2)
    (tmp_path / "some.gguf").write_bytes(b"GGUF")
    assert "sha256 differs" in made("weights", str(tmp_path / "some.gguf"), code=2)
    made.env["DISCREET_WEIGHTS_UNPINNED"] = "1"  # the user's own word that this file is meant
    made("weights", str(tmp_path / "some.gguf"))
    assert f'planner = "local:{tmp_path / "some.gguf"}"' in (tmp_path / "home" / "config.toml").read_text()
    assert "there is no home" in Home(tmp_path / "other")("weights", "0.5B", code=2)


@pytest.mark.parametrize("words", [("plan", "run", "/nowhere.plan"), ("norms", "add", "@/nowhere.toml"), ("import", "/nowhere.json")])
def test_a_file_that_is_not_there_is_one_line(home: Home, words: tuple[str, ...]) -> None:
    said = home(*words, code=2)
    assert "No such file" in said and "Traceback" not in said
