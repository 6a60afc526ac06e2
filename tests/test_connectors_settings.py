"""A mistake in config.toml is told with its table, its setting and the nearest name, before anything is opened."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from discreet.agents.home import Home
from discreet.connectors.errors import InvalidArgument
from discreet.connectors.files import Files, FilesConfig
from discreet.connectors.settings import LIST_ITEMS_MAX, SETTING_CHARS_MAX, check
from discreet.kernel.errors import DiscreetError

MAIL = 'address = "n@x.example"\nuser = "n"\nimap_host = "h"\nimap_port = 993\nsmtp_host = "h"\nsmtp_port = 465\n'


@pytest.mark.parametrize(("text", "told"), [
    ("mail = 5", "`mail` has to be a table"), (f"[mail]\n{MAIL}foo = 1", "unknown setting `foo`"), (f"[mail]\n{MAIL}sent_foldr = 'x'", "did you mean `sent_folder`"),
    (f"[mail]\n{MAIL.replace('993', '70000')}", "imap_port: has to lie"), (f"[mail]\n{MAIL.replace('993', chr(39) + 'x' + chr(39))}", "imap_port: has to be a whole number"),
    ("[mail]\nuser = 'n'", "`address` is missing"), (f"[mail]\n{MAIL}smtp_tls = 'startls'", "did you mean `starttls`"), ("shop = [1]", "written `[[shop]]`"), ("[shop]\nname = 'a'", "written `[[shop]]`"),
    ("[[shop]]\nurl = 'x'", "`name` is missing"), ("[[shop]]\nname = 'a'", "either `url` or `command`"), ("[[mcp]]\nname = 'a'\nurl = 'x'\n[[mcp]]\nname = 'a'\nurl = 'x'", "two `[[mcp]]`"),
    ("[calender]\nurl = 'x'", "did you mean `calendar`"), ("[calendar]\nurl = 5", "has to be a text"), ("[web]\nprivate_hosts = 5", "has to be a list"), ("[person]\nzone = 'Nowhere/x'", "no time zone"),
    ("[files]\na = 5", "has to be a text"), ("[files]\nholds_a = 'x'", "has to be a list"), (f"[person]\nname = '{'x' * (SETTING_CHARS_MAX + 1)}'", f"{SETTING_CHARS_MAX} characters"),
    (f"[web]\nprivate_hosts = {['x'] * (LIST_ITEMS_MAX + 1)}", f"{LIST_ITEMS_MAX} items"), ("[person]\nname = \"a\\u0000\"", "has to be a text"),
])  # fmt: skip
def test_a_mistake_is_told_where_it_stands(text: str, told: str) -> None:
    with pytest.raises(DiscreetError) as caught:
        check(tomllib.loads(text))
    assert told in str(caught.value) and str(caught.value).startswith("config.toml")


def test_what_is_in_order_passes() -> None:
    check(tomllib.loads(f"[person]\nname = 'N'\nzone = 'Europe/Berlin'\n[mail]\n{MAIL}[[shop]]\nname = 'a'\nurl = 'x'\n[files]\ndocs = '/d'\nholds_docs = ['document']\n[[mcp]]\nname = 'b'\ncommand = ['x']\n"))


def test_folders_that_contain_each_other_are_told_apart_from_folders_beside_each_other(tmp_path: Path) -> None:
    """G2.6: the inner one would be read as what the outer one holds."""
    for name in ("home/medical", "homes"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "home")
    home, medical, beside, link = (str(tmp_path / name) for name in ("home", "home/medical", "homes", "link"))
    for one, other in ((home, medical), (medical, home), (home, home), (link, medical), (f"{beside}/../home", medical), (home, f"{home}/not/there/yet"), ("~", "~/x")):
        with pytest.raises(DiscreetError, match=r"^config\.toml: \[files\] [ab]: lies in `[ab]`"):
            check({"files": {"a": one, "b": other, "holds_b": ["health"]}})
        with pytest.raises(InvalidArgument):
            Files(FilesConfig({"a": Path(one), "b": Path(other)}))
    check({"files": {"a": home, "b": beside, "holds_a": ["health"], "holds_b": ["health"]}})
    Files(FilesConfig({"a": Path(medical), "b": Path(beside)}))


def test_a_mistake_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with Home.create(tmp_path / "home", "file") as home:
        with pytest.raises(DiscreetError, match="unknown setting"):
            home.connect("mail", {"adress": "n@x.example"})
        assert home.config.get("mail") is None
