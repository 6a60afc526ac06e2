"""A user's home: where vault, ledger, norms and connections are kept, and how they become a World.

    config.toml    person, connections (no secrets), model settings
    secrets        passwords of connections, encrypted under the home's key
    norms.toml     the user's own norms, on top of the shipped ones
    contracts-NAME.toml  what the user wrote of an MCP server's tools
    vault.db, ledger.db, key or key.json
Heads of ledger and vault are kept outside, so that a shortened or older copy is noticed.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from discreet.agents.delegation import delegate_tool
from discreet.agents.home_paths import HomeError, head_path_of
from discreet.agents.people import READER_LOCAL, directory
from discreet.agents.reader_tool import reader_tool
from discreet.agents.session import World
from discreet.agents.told_tools import before, told_tools
from discreet.agents.vault_tools import vault_tools
from discreet.agents.view_tools import view_tools
from discreet.connectors.settings import check
from discreet.kernel.contract import Recipient
from discreet.kernel.errors import nearest
from discreet.kernel.label import decode
from discreet.ledger.chain import Ledger
from discreet.memory.keys import Key, Where, obtain
from discreet.memory.store import Vault
from discreet.models.labelling import encoder
from discreet.models.weights import EMBEDDING, WeightsError, find
from discreet.policy.decide import Index
from discreet.policy.known import SHIPPED_TOOLS, fitted
from discreet.policy.load import Loaded, load
from discreet.policy.vocabulary import UNCLASSIFIED, types
from discreet.tools.directory import Directory
from discreet.tools.kept import Kept
from discreet.tools.registry import Tool, Toolbox

ALONE_SECONDS_MAX = 600  # that an errand waits for another one of the same home
ALONE_SECONDS_EACH = 0.05  # between two looks
CONFIG_BYTES_MAX = 200_000
KINDS = ("mail", "calendar", "contacts", "shop", "files", "web", "mcp")


@dataclass
class Home:
    """An opened home. Close it, or use it as a context manager."""

    path: Path
    key: Key
    ledger: Ledger
    _stack: ExitStack = field(default_factory=ExitStack)
    _vault: Vault | None = None

    @classmethod
    def create(cls, path: Path, where: str | None = None, ask: Callable[[], str] | None = None, name: str = "", email: str = "", zone: str = "") -> Home:
        """Make a new home. Raises HomeError when there is one already."""
        if (path / "config.toml").exists():
            raise HomeError(f"there is a home in `{path}` already")
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        obtain(path, ask, Where(where) if where else None)
        person = {"name": name, "email": email, "zone": zone or _zone()}
        write_config(path, {"person": {k: v for k, v in person.items() if v}})
        return cls.open(path, ask)

    @classmethod
    def open(cls, path: Path, ask: Callable[[], str] | None = None) -> Home:
        """Open a home. Raises HomeError when there is none."""
        if not (path / "config.toml").exists():
            raise HomeError(f"there is no home in `{path}`; make one with `discreet init`")
        key = obtain(path, ask)
        stack = ExitStack()
        ledger = stack.enter_context(Ledger.open(path / "ledger.db", key.secret, head_path_of(path, "ledger")))
        return cls(path, key, ledger, stack)

    def __enter__(self) -> Home:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._stack.close()

    @property
    def vault(self) -> Vault:
        """The vault, opened at its first use."""
        if self._vault is None:
            self._vault = self._stack.enter_context(
                Vault.open(self.path / "vault.db", self.key.secret, head_path=head_path_of(self.path, "vault"), embed=embedder())
            )
            self._vault.embed_missing()
        return self._vault

    @property
    def config(self) -> dict[str, Any]:
        return read_config(self.path)

    def norms(self) -> Loaded:
        """The shipped norms with the user's file on top; an erring norm is a prohibition."""
        return load(self.path / "norms.toml")

    # ------------------------------------------------------------------------------------------ connections

    def connect(self, kind: str, settings: Mapping[str, Any], secret: str = "") -> None:
        """Keep one connection: settings in config.toml, its password in the encrypted file."""
        if kind not in KINDS:
            raise HomeError(f"unknown service `{kind}`{nearest(kind, KINDS)}")
        config = self.config
        if kind in ("shop", "mcp"):
            others = [one for one in config.get(kind, []) if one.get("name") != settings.get("name")]
            config[kind] = [*others, dict(settings)]
        else:
            config[kind] = dict(settings)
        if secret:
            self._keep_secret(secret_name(kind, settings), secret)
        write_config(self.path, config)

    def describe(self, server: str, text: str) -> None:
        """Keep what the user wrote of an MCP server's tools, in the home: what lies elsewhere a file tool could change. Raises
        DiscreetError with every mistake, located, and keeps nothing then."""
        from discreet.agents.connections import contract_file, contracts_name

        contract_file(server, text)
        path = self.path / contracts_name(server)
        temporary = path.with_suffix(".new")
        temporary.write_text(text, "utf-8")
        temporary.replace(path)

    def described(self) -> dict[str, str]:
        """What the user wrote of MCP servers' tools, by server."""
        from discreet.agents.connections import contracts_name

        found = {}
        for one in self.config.get("mcp", []):
            path = self.path / f"contracts-{one['name']}.toml"
            if "/" not in one["name"] and path.exists():
                try:
                    found[one["name"]] = (self.path / contracts_name(one["name"])).read_text("utf-8")
                except UnicodeDecodeError:
                    raise HomeError(f"`{path}` is no text in UTF-8") from None
        return found

    def approved(self) -> dict[str, list[dict[str, Any]]]:
        """Of each MCP server the tools that the user approved, pinned as they were shown."""
        path = self.path / "approved"
        return json.loads(self._open_box(path)) if path.exists() else {}

    def approve(self, server: str, tools: list[dict[str, Any]]) -> None:
        """Keep what the user approved; sealed, since a contract is a trust bit."""
        self._seal_box(self.path / "approved", json.dumps({**self.approved(), server: tools}, sort_keys=True).encode())

    def _keep_secret(self, name: str, secret: str) -> None:
        secrets_ = self.secrets()
        secrets_[name] = secret
        self._seal_box(self.path / "secrets", json.dumps(secrets_, sort_keys=True).encode())

    def secrets(self) -> dict[str, str]:
        """Passwords by connection. Raises HomeError when the file was changed."""
        path = self.path / "secrets"
        return json.loads(self._open_box(path)) if path.exists() else {}

    def _seal_box(self, path: Path, data: bytes) -> None:
        temporary = path.with_suffix(".new")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(self._box().encrypt(data))
        temporary.replace(path)

    def _open_box(self, path: Path) -> bytes:
        from cryptography.fernet import InvalidToken

        try:
            return self._box().decrypt(path.read_bytes())
        except InvalidToken:
            raise HomeError(f"`{path}` is damaged or belongs to another key") from None

    def _box(self) -> Any:
        import base64

        from cryptography.fernet import Fernet

        from discreet.ledger.database import subkey

        return Fernet(base64.urlsafe_b64encode(subkey(self.key.secret, "connection secrets")))

    # ------------------------------------------------------------------------------------------ the world

    def world(self, read: Callable[[str, str, Any], Any] | None = None, reader: Recipient | None = None, draft: Any = None) -> World:
        """Everything connected, as one World. `read` is the reader's call and `draft` the planner of delegated plans;
        without them plans have no `read` and no `delegate`."""
        from discreet.agents.connections import connections

        open_ = connections(self.config, self.secrets(), self._stack, self.approved(), (self.path, head_path_of(self.path, "ledger").parent), self.described())
        loaded = self.norms()
        tools: list[Tool] = [*vault_tools(self.vault), *view_tools(self.vault, self.ledger, loaded.norms, open_.tools), *told_tools(self.vault, self.ledger, lambda: people), *open_.tools]
        who = reader or Recipient("provider:reader", "local", READER_LOCAL, "the local reader")
        if read is not None:
            tools.append(reader_tool(read, who.id))
        if draft is not None:
            tools.append(delegate_tool(draft, who.id))
        people = directory(open_.cards, open_.shops, _addresses(self.config), open_.providers, who, open_.hosts, open_.engines, open_.servers)
        box = Toolbox(tools)
        norms = replace(fitted(loaded.norms, {*SHIPPED_TOOLS, *box}, people.ids()), directory=people.owners())
        return World(
            box, people, Index(norms), self.ledger, self.vault.counts, names(people), self.kept(), lambda asked: before(self.vault, asked), self.keep, self.alone
        )  # fmt: skip

    def kept(self) -> Kept:
        """What was written into the user's own places, beyond what contracts declare."""
        path = self.path / "places"
        if not path.exists():
            return Kept()
        held = json.loads(self._open_box(path))
        known = frozenset(types())
        return Kept({place: decode(stored.encode(), known, UNCLASSIFIED) for place, stored in held.items()})

    def keep(self, kept: Kept) -> None:
        """Join it with what lasts and make both last; sealed, since labels are never read from what anyone could write (G2.5)."""
        lasting = self.kept().labels
        kept.join(lasting)
        if kept.labels != lasting:
            held = {place: label_.canonical().decode() for place, label_ in sorted(kept.labels.items())}
            self._seal_box(self.path / "places", json.dumps(held).encode())

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While it is held no other errand of this home runs: none reads what another is about to write (G2.6, G6.3).

        Raises HomeError after `ALONE_SECONDS_MAX`.
        """
        with open(self.path / "errand.lock", "a") as file:
            until = time.monotonic() + ALONE_SECONDS_MAX
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > until:
                        raise HomeError("another errand of this home is still running; one runs at a time") from None
                    time.sleep(ALONE_SECONDS_EACH)
            yield  # closing the file gives it free, and so does the end of the process


def names(people: Directory) -> dict[str, str]:
    """How people call information types and subjects: `body/shoe-size` is a shoe size."""
    found = {id_: id_.split("/")[-1].replace("-", " ") for id_ in types()}
    found["request"] = "what you asked for"
    return found | {entry.owner: entry.name for entry in people.entries}


def _addresses(config: Mapping[str, Any]) -> list[str]:
    person = config.get("person", {})
    found = [person.get("email", ""), *person.get("addresses", ()), config.get("mail", {}).get("address", "")]
    return sorted({address.lower() for address in found if address})


def _zone() -> str:
    try:
        link = os.path.realpath("/etc/localtime")
        return link.split("zoneinfo/")[1] if "zoneinfo/" in link else "UTC"
    except OSError:
        return "UTC"


def embedder() -> Callable[[Sequence[str]], Sequence[Sequence[float]]] | None:
    """What makes facts found by meaning: the local embedding, loaded when it is first needed; None where it is not installed."""
    try:
        find(EMBEDDING)
    except WeightsError:
        return None
    if importlib.util.find_spec("onnxruntime") is None:
        return None
    return lambda texts: encoder().vectors(texts)


def secret_name(kind: str, settings: Mapping[str, Any]) -> str:
    return f"{kind}:{settings['name']}" if kind in ("shop", "mcp") else kind


def read_config(path: Path) -> dict[str, Any]:
    """config.toml. Raises HomeError with line and column when it cannot be read."""
    file = path / "config.toml"
    raw = file.read_bytes()
    if len(raw) > CONFIG_BYTES_MAX:
        raise HomeError(f"`{file}` is over {CONFIG_BYTES_MAX} bytes")
    try:
        config = tomllib.loads(raw.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise HomeError(f"`{file}`: {error}") from None
    check(config)
    return config


def write_config(path: Path, config: Mapping[str, Any]) -> None:
    """Write config.toml in one step: tables of plain values, and arrays of such tables. What is no configuration is not written."""
    check(config)
    lines: list[str] = ["# Written by `discreet connect`; you may edit it. Passwords are kept apart, encrypted."]
    for name, held in config.items():
        for table in held if isinstance(held, list) else [held]:
            lines.append(f"\n[[{name}]]" if isinstance(held, list) else f"\n[{name}]")
            lines += [f"{key} = {_toml(value)}" for key, value in table.items()]
    temporary = path / "config.new"
    temporary.write_text("\n".join(lines) + "\n", "utf-8")
    temporary.replace(path / "config.toml")


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(str(value), ensure_ascii=False)


