"""Plans speak of their owner's wall clock: moments lose their zone on the way in, in the owner's zone."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from discreet.kernel.contract import Contract
from discreet.tools.registry import Tool, of_connector

from .base import Connector


def local_tool(contract: Contract, connector: Connector, action: str, zone: str, field: str = "") -> Tool:
    """A tool of a connector whose results, or one `field` of them, are told in the owner's wall-clock time."""
    made = of_connector(contract, connector, action)
    here = ZoneInfo(zone)

    def perform(prepared: Any) -> Any:
        found = made.perform(prepared)
        return to_wall_clock(found[field] if field else found, here)

    return Tool(contract, made.prepare, perform)


def to_wall_clock(value: Any, zone: ZoneInfo) -> Any:
    """The same plain data, each moment as the owner's clock shows it."""
    if isinstance(value, datetime):
        return value.astimezone(zone).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, dict):
        return {key: to_wall_clock(item, zone) for key, item in value.items()}
    if isinstance(value, list):
        return [to_wall_clock(item, zone) for item in value]
    return value
