"""The only exceptions a connector raises, so that a caller knows what may have happened outside.

A message names the connector, the argument or the limit, never the contents. What a service said in its own words is
kept apart in `said`: it is outside text (G0.2), and whoever shows it labels it first.
"""

from __future__ import annotations

from discreet.tools.failure import Failure

SAID_CHARS_MAX = 2_000


class ConnectorError(Failure):
    """A call did not give its result; `code` is one of a closed set, `said` is outside text."""

    def __init__(self, code: str, message: str, said: str = "") -> None:
        super().__init__(message=message)
        self.code = code
        self.said = said[:SAID_CHARS_MAX]


class InvalidArgument(ConnectorError):
    """The arguments cannot make a request; nothing has left."""

    status = "unsent"

    def __init__(self, argument: str, message: str) -> None:
        super().__init__("invalid_argument", f"argument `{argument}` {message}")
        self.argument = argument


class Refused(ConnectorError):
    """The service answered no: the effect did not happen."""

    status = "refused"


class Unavailable(ConnectorError):
    """The service could not be reached, or a read had no answer in time: no effect happened."""


class BadAnswer(ConnectorError):
    """A read was answered with something that cannot be used: malformed, too large, or not what was declared."""


class OutcomeUnknown(ConnectorError):
    """The request left and its outcome cannot be known; it is never sent again by itself (G8.1)."""

    status = "unknown"

    def __init__(self, message: str, said: str = "") -> None:
        super().__init__("unknown", message, said)
