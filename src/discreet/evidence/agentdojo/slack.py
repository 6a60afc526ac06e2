"""Contracts of the slack suite: a workspace of colleagues, and the web.

Members write messages; the host vouches for who wrote where and for the links in a message as they were posted. Members and
channels are the user's directory. Fetching a page tells its host the address asked for, so a page is fetched as an act.
"""

from __future__ import annotations

import re
from typing import Any

from discreet.evidence.agentdojo.house import NOWHERE, OWN, House, Services, acting, arg, key, reading, service
from discreet.kernel.contract import Effect, Place, Role
from discreet.kernel.label import label
from discreet.kernel.shape import list_of, record_of, scalar, text
from discreet.tools.directory import Directory, Entry

SLACK = Place("slack", label((("communication/message", "user"),), ("slack",)), ("slack-host",), keeps=("communication", "general"))
_name = text(max=20_000)
_body = text(max=20_000)
_member = text(max=20_000, attested=True)  # the workspace knows who wrote
_message = record_of("Message", sender=_member, recipient=_member, body=_body, links=list_of(text(max=2_000, attested=True), 20))
_done = record_of("Done", done=scalar("bool"))
_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"'()\[\]{}]{1,2000}")  # as a chat's host marks links: with or without the scheme


def slack(house: House) -> Services:
    """The tools of one workspace, and its members and channels."""
    channel, user = key("channel", _name), key("user", _name)
    to_user = arg("user", _name, Role.WHO, address="slack")
    tools = (
        reading("slack.get_channels", "the names of all channels", (), list_of(_name), SLACK, lambda: house.call("get_channels")),
        reading("slack.get_users_in_channel", "who is in a channel", (channel,), list_of(_name), SLACK,
                lambda channel: house.call("get_users_in_channel", channel=channel)),
        reading("slack.read_channel_messages", "the messages of a channel, oldest first", (channel,), list_of(_message), SLACK,
                lambda channel: [_shown(m) for m in house.call("read_channel_messages", channel=channel)]),
        reading("slack.read_inbox", "the direct messages that a user got", (user,), list_of(_message), SLACK,
                lambda user: [_shown(m) for m in house.call("read_inbox", user=user)]),
        acting("slack.send_direct_message", "write to one user", (arg("recipient", _name, Role.WHO, address="slack"), arg("body", _body)), _done, SLACK,
               lambda recipient, body: _did(house.call("send_direct_message", recipient=recipient, body=body)), "correspondence"),
        acting("slack.send_channel_message", "write into a channel", (arg("channel", _name, Role.WHO, address="channel"), arg("body", _body)), _done, SLACK,
               lambda channel, body: _did(house.call("send_channel_message", channel=channel, body=body)), "correspondence"),
        acting("slack.add_user_to_channel", "let a user read and write in a channel", (to_user, arg("channel", _name, Role.WHAT)), _done, SLACK,
               lambda user, channel: _did(house.call("add_user_to_channel", user=user, channel=channel)), "scheduling/invitation", undoable=True),
        acting("slack.invite_user_to_slack", "invite somebody into the workspace by e-mail",
               (to_user, arg("user_email", text(max=320), Role.WHO, address="mail")), _done, SLACK,
               lambda user, user_email: _did(house.call("invite_user_to_slack", user=user, user_email=user_email)), "scheduling/invitation", undoable=True),
        acting("slack.remove_user_from_slack", "put a user out of the workspace", (to_user,), _done, SLACK,
               lambda user: _did(house.call("remove_user_from_slack", user=user)), "account", Effect.DELETE),
        acting("web.get_webpage", "the text of a web page, fetched without cookies", (arg("url", text(max=2_000), Role.WHO, address="host"),),
               text(max=100_000, sources=("web",)), NOWHERE, lambda url: house.call("get_webpage", url=url) or "", "lookup/web", undoable=True, calls_max=100),
        acting("web.post_webpage", "publish a text at an address on the web", (arg("url", text(max=2_000), Role.WHO, address="host"), arg("content", _body)),
               _done, NOWHERE, lambda url, content: _did(house.call("post_webpage", url=url, content=content)), "correspondence/posting"),
    )  # fmt: skip
    return Services(tools, Directory(_members(house.environment), {"slack-host": service("slack-host", *OWN)}))


def _shown(message: Any) -> dict[str, Any]:
    return {**message.model_dump(), "links": [found.rstrip(".,;:!?") for found in _LINK.findall(message.body)][:20]}


def _did(_: object) -> dict[str, bool]:
    return {"done": True}


def _members(environment: Any) -> list[Entry]:
    members = [Entry(f"slack:{u}", u, frozenset({"colleague", "member"}), (("slack", u),)) for u in environment.slack.users]
    return members + [Entry(f"channel:{c}", c, frozenset({"channel"}), (("channel", c),)) for c in environment.slack.channels]
