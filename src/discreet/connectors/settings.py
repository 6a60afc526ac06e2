"""What config.toml may say, checked before anything is opened: a mistake names its table, its setting and the nearest name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from discreet.kernel.errors import DiscreetError, nearest

from .files import nested
from .mail import FOLDERS_READ

SETTING_CHARS_MAX = 4_000
LIST_ITEMS_MAX = 100
PORT_MAX = 65_535
SECONDS_MAX = 86_400  # of one setting

TEXT, WHOLE, SECONDS, FLAG, LIST, TEXT_OR_LIST = "a text", "a whole number", "a number of seconds", "true or false", "a list of texts", "a text or a list of texts"
DAV = {"url": TEXT, "user": TEXT, "private_hosts": LIST}
TABLES: Mapping[str, Mapping[str, str]] = {
    "person": {"name": TEXT, "email": TEXT, "addresses": LIST, "zone": TEXT},
    "models": {"planner": TEXT, "reader": TEXT},
    "mail": {
        "address": TEXT, "user": TEXT, "imap_host": TEXT, "imap_port": WHOLE, "smtp_host": TEXT, "smtp_port": WHOLE, "display_name": TEXT, "imap_tls": FLAG,
        "smtp_tls": TEXT, "ca_file": TEXT, "trusted_authserv_ids": LIST, "sent_folder": TEXT, "helo_name": TEXT, "timeout_s": SECONDS, "answer_bytes_max": WHOLE,
    },
    "calendar": {**DAV, "server_schedules": FLAG},
    "contacts": DAV,
    "web": {"search_url": TEXT, "private_hosts": LIST},
    "files": {},  # names of the user's choosing
}  # fmt: skip
ARRAYS: Mapping[str, Mapping[str, str]] = {
    "shop": {"name": TEXT, "url": TEXT, "command": TEXT_OR_LIST, "currency": TEXT},
    "mcp": {"name": TEXT, "url": TEXT, "command": TEXT_OR_LIST, "mode": TEXT},
}
NEEDED = {
    "mail": ("address", "user", "imap_host", "imap_port", "smtp_host", "smtp_port"), "calendar": ("url",), "contacts": ("url",), "shop": ("name",), "mcp": ("name",),
}  # fmt: skip
CHOICES = {("mail", "smtp_tls"): ("tls", "starttls", "none"), ("mcp", "mode"): ("auto", "legacy")}


def check(config: Mapping[str, Any]) -> None:
    """Raises DiscreetError at the first thing that cannot be meant."""
    for name, held in config.items():
        if name in TABLES:
            if not isinstance(held, Mapping):
                raise DiscreetError(f"config.toml: `{name}` has to be a table `[{name}]`")
            _table(name, held)
        elif name in ARRAYS:
            if not isinstance(held, list) or not all(isinstance(one, Mapping) for one in held):
                raise DiscreetError(f"config.toml: `{name}` has to be written `[[{name}]]`, once for each")
            for one in held:
                _entry(name, one)
            _distinct(name, held)
        else:
            raise DiscreetError(f"config.toml: unknown table `{name}`{nearest(name, [*TABLES, *ARRAYS])}")


def _table(name: str, held: Mapping[str, Any]) -> None:
    if name == "files":
        for key, value in held.items():
            _fits(name, key, value, LIST if key.startswith("holds_") else TEXT)
        inside = nested({key: value for key, value in held.items() if not key.startswith("holds_")})
        if inside is not None:
            raise DiscreetError(f"config.toml: [files] {inside[0]}: lies in `{inside[1]}`; each folder holds what is said of it alone, so name the inner or the outer one")
        return
    _settings(name, held, TABLES[name])
    if name == "person":
        _zone(held.get("zone", ""))
    for key in ("imap_port", "smtp_port"):
        if not 1 <= held.get(key, 1) <= PORT_MAX:
            raise DiscreetError(f"config.toml: [{name}] {key}: has to lie between 1 and {PORT_MAX}")
    if held.get("sent_folder", "").casefold() in FOLDERS_READ:
        raise DiscreetError(f"config.toml: [{name}] sent_folder: `{held['sent_folder']}` is read as mail that came in; name another folder, or none")


def _entry(name: str, held: Mapping[str, Any]) -> None:
    _settings(name, held, ARRAYS[name])
    if bool(held.get("url")) == bool(held.get("command")):
        raise DiscreetError(f"config.toml: [[{name}]] `{held['name']}`: needs either `url` or `command`")


def _distinct(name: str, held: list[Mapping[str, Any]]) -> None:
    names = [one["name"] for one in held]
    twice = next((one for one in names if names.count(one) > 1), None)
    if twice is not None:
        raise DiscreetError(f"config.toml: two `[[{name}]]` are called `{twice}`")


def _settings(name: str, held: Mapping[str, Any], known: Mapping[str, str]) -> None:
    for key, value in held.items():
        if key not in known:
            raise DiscreetError(f"config.toml: [{name}]: unknown setting `{key}`{nearest(key, known)}")
        _fits(name, key, value, known[key])
    for key in NEEDED.get(name, ()):
        if held.get(key) in (None, ""):
            raise DiscreetError(f"config.toml: [{name}]: `{key}` is missing")


def _fits(name: str, key: str, value: Any, kind: str) -> None:
    texts = isinstance(value, list) and len(value) <= LIST_ITEMS_MAX and all(_text(one) for one in value)
    good = {
        TEXT: _text(value), WHOLE: isinstance(value, int) and not isinstance(value, bool) and value >= 0,
        SECONDS: isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < SECONDS_MAX,
        FLAG: isinstance(value, bool), LIST: texts, TEXT_OR_LIST: texts or _text(value),
    }[kind]  # fmt: skip
    if not good:
        raise DiscreetError(f"config.toml: [{name}] {key}: has to be {kind}, and no longer than {SETTING_CHARS_MAX} characters or {LIST_ITEMS_MAX} items")
    choices = CHOICES.get((name, key))
    if choices and value not in choices:
        raise DiscreetError(f"config.toml: [{name}] {key}: `{value}` is none of {', '.join(choices)}{nearest(value, choices)}")


def _text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= SETTING_CHARS_MAX and "\0" not in value


def _zone(name: str) -> None:
    from zoneinfo import ZoneInfo

    if name:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise DiscreetError(f"config.toml: [person] zone: there is no time zone `{name}`") from None
