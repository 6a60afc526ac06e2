"""What every connector is: `prepare` makes the exact request without touching the world, `perform` sends just that.

The canonical bytes of a `Prepared` fix everything that leaves (G5.4): a permit binds to their digest, and `perform` reads
nothing but them and the connector's own configuration. Whatever must be unique (Message-ID, UID, idempotency key) is
derived from the caller's nonce, so that no counter or random number of ours tells of other activity.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from difflib import get_close_matches
from typing import Any, ClassVar

from .errors import BadAnswer, InvalidArgument

REQUEST_BYTES_MAX = 4_000_000
NONCE_CHARS_MIN = 16


@dataclass(frozen=True, slots=True)
class Prepared:
    """One exact request: which connector and action, and the bytes that fix all of it. `added` are what it holds besides the
    arguments as they stand, by name: a subject that was put together, an invitation. Who is asked sees them (G5.5)."""

    connector: str
    action: str
    canonical: bytes
    added: tuple[tuple[str, str], ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical bytes; guessable for small contents, so keep it keyed where it is stored."""
        return hashlib.sha256(self.canonical).hexdigest()

    def request(self) -> dict[str, Any]:
        """The request that the bytes describe."""
        return json.loads(self.canonical)["request"]


class Connector:
    """A service by configuration. Subclasses give `_prepare_<action>` and `_perform_<action>` for each action."""

    name: ClassVar[str]
    parameters: ClassVar[Mapping[str, tuple[str, ...]]]  # action -> the arguments it takes

    def prepare(self, action: str, args: Mapping[str, Any], nonce: str, now: datetime) -> Prepared:
        """The exact request for these arguments; raises InvalidArgument and has no effect."""
        if action not in self.parameters:
            raise InvalidArgument("action", f"`{action}` is no action of `{self.name}`{_nearest(action, self.parameters)}")
        for key in args:
            if key not in self.parameters[action]:
                hint = _nearest(key, self.parameters[action])
                raise InvalidArgument(key, f"is not taken by `{self.name}.{action}`{hint}")
        if len(nonce) < NONCE_CHARS_MIN:
            raise InvalidArgument("nonce", f"needs at least {NONCE_CHARS_MIN} characters")
        if now.tzinfo is None:
            now = now.astimezone()  # a clock without a zone is this machine's
        make: Callable[..., dict[str, Any]] = getattr(self, f"_prepare_{action}")
        request = make({k: v for k, v in args.items() if v is not None}, nonce, now)
        canonical = canonical_json({"connector": self.name, "action": action, "request": request})
        if len(canonical) > REQUEST_BYTES_MAX:
            raise InvalidArgument("action", f"makes a request over {REQUEST_BYTES_MAX} bytes")
        return Prepared(self.name, action, canonical, self.added(action, request))

    def added(self, action: str, request: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        """What the request holds besides the arguments as they stand, read out of the request itself."""
        return ()

    def perform(self, prepared: Prepared) -> Any:
        """Send the request once and return plain data of the declared shape."""
        if prepared.connector != self.name or prepared.action not in self.parameters:
            raise InvalidArgument("prepared", f"is not a request for `{self.name}`")
        return getattr(self, f"_perform_{prepared.action}")(prepared.request())

    def call(self, action: str, args: Mapping[str, Any], nonce: str, now: datetime) -> Any:
        """Prepare and perform in one go, for tests and scripts; the monitor stands between the two elsewhere."""
        return self.perform(self.prepare(action, args, nonce, now))

    def close(self) -> None:
        """Let go of whatever is held open."""


def canonical_json(value: Any) -> bytes:
    """One byte string for one value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def derive(nonce: str, purpose: str, chars: int = 32) -> str:
    """A name that is unique to this nonce and purpose, and tells nothing else."""
    return hmac.new(nonce.encode(), purpose.encode(), hashlib.sha256).hexdigest()[:chars]


def strict_json(text: str | bytes, bytes_max: int) -> Any:
    """Parse outside JSON; a duplicate key, a NaN or too many bytes is refused, since two parsers could read it two ways."""
    if len(text) > bytes_max:
        raise BadAnswer("too_large", f"answer is over {bytes_max} bytes")
    try:
        return json.loads(text, object_pairs_hook=_unique_pairs, parse_constant=_no_constant)
    except BadAnswer:
        raise
    except (ValueError, RecursionError) as error:
        raise BadAnswer("malformed", "answer is not valid JSON") from error


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadAnswer("duplicate_key", "answer has a duplicate JSON key")
    return found


def _no_constant(_name: str) -> Any:
    raise BadAnswer("malformed", "answer holds a number that JSON does not have")


# Arguments are checked here so that every message names the argument and never its contents.

TEXT_CHARS_MAX = 200_000
LINE_CHARS_MAX = 1_000


def text(args: Mapping[str, Any], name: str, default: str | None = None, chars_max: int = TEXT_CHARS_MAX) -> str:
    """A string of any lines; raises if missing without a default."""
    value = args.get(name, default)
    if value is None:
        raise InvalidArgument(name, "is missing")
    if not isinstance(value, str):
        raise InvalidArgument(name, f"must be text, not {type(value).__name__}")
    if len(value) > chars_max:
        raise InvalidArgument(name, f"is over {chars_max} characters")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidArgument(name, "holds half a character (a lone surrogate)") from error
    if "\0" in value:
        raise InvalidArgument(name, "holds a NUL character")
    return value


def line(args: Mapping[str, Any], name: str, default: str | None = None, chars_max: int = LINE_CHARS_MAX) -> str:
    """A string of one line: anything that could end or begin a header, a line or a command is refused (G5.1)."""
    value = text(args, name, default, chars_max)
    if any(ord(c) < 32 or ord(c) == 127 or c in "\x85\u2028\u2029" for c in value):
        raise InvalidArgument(name, "holds a line break or control character")
    return value


def whole(args: Mapping[str, Any], name: str, default: int | None, least: int, most: int) -> int:
    """A whole number within bounds."""
    value = args.get(name, default)
    if value is None:
        raise InvalidArgument(name, "is missing")
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidArgument(name, f"must be a whole number, not {type(value).__name__}")
    if not least <= value <= most:
        raise InvalidArgument(name, f"must lie between {least} and {most}")
    return value


def flag(args: Mapping[str, Any], name: str, default: bool) -> bool:
    """True or False, nothing that merely counts as one."""
    value = args.get(name, default)
    if not isinstance(value, bool):
        raise InvalidArgument(name, f"must be True or False, not {type(value).__name__}")
    return value


def lines(args: Mapping[str, Any], name: str, count_max: int) -> list[str]:
    """A list of one-line strings; a single string counts as a list of one."""
    value = args.get(name, ())
    if isinstance(value, str):
        value = (value,)
    if not isinstance(value, list | tuple):
        raise InvalidArgument(name, f"must be a list of text, not {type(value).__name__}")
    if len(value) > count_max:
        raise InvalidArgument(name, f"has more than {count_max} items")
    return [line({name: item}, name) for item in value]


def moment(args: Mapping[str, Any], name: str, default: datetime | None = None) -> datetime:
    """A point in time with its zone."""
    value = args.get(name, default)
    if value is None:
        raise InvalidArgument(name, "is missing")
    if not isinstance(value, datetime):
        raise InvalidArgument(name, f"must be a date with a time, not {type(value).__name__}")
    if value.tzinfo is None:
        raise InvalidArgument(name, "needs a time zone")
    return value


def utc(value: datetime) -> datetime:
    """The same moment in UTC, to the second."""
    return value.astimezone(timezone.utc).replace(microsecond=0)


def _nearest(word: str, known: Any) -> str:
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean `{close[0]}`?" if close else ""
