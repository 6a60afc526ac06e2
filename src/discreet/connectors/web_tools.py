"""The web as tools: the contracts of `web.read` and `web.search`. Reading tells a host the address, searching an engine the words (G5.2)."""

from __future__ import annotations

from collections.abc import Mapping

from discreet.kernel.contract import Contract, Parameter, Place, Role
from discreet.kernel.label import label
from discreet.kernel.shape import list_of, record_of, scalar, text
from discreet.kernel.value import Value
from discreet.tools.directory import normal
from discreet.tools.registry import Tool, of_connector

from .http import URL_CHARS_MAX
from .web import HITS_MAX, LINKS_MAX, PAGE_CHARS_MAX, QUERY_CHARS_MAX, SNIPPET_CHARS_MAX, Web

SEARCH_ENGINE = "search-engine"  # recipient id of the configured engine; its role is `provider/search`
SOURCE = "web"  # whoever can put up a page

_url = text(max=URL_CHARS_MAX)
_page = record_of(
    "Page", url=_url, status=scalar("int", max=999, attested=True), title=text(max=300), text=text(max=PAGE_CHARS_MAX),
    links=list_of(record_of("Link", text=text(max=300), url=_url), LINKS_MAX), redirect=_url,
)
_hit = record_of("Hit", title=text(max=300), url=_url, snippet=text(max=SNIPPET_CHARS_MAX))


def web_tools(web: Web) -> tuple[Tool, ...]:
    """`web.read`, and `web.search` if an engine is configured."""
    read = Contract("web.read", "one web page as text and links; a redirect is told, not followed",
                    (Parameter("url", _url, Role.KEY, address="host"),), _page, place=_host, purpose="lookup/web")
    search = Contract("web.search", "search the web", (Parameter("query", text(max=QUERY_CHARS_MAX), Role.KEY),), list_of(_hit, HITS_MAX),
                      place=Place("web/search", label((), (SOURCE,)), owner=SEARCH_ENGINE), purpose="lookup/web", recipients=(SEARCH_ENGINE,))
    tools = [of_connector(read, web, "read")]
    if web.config.search_url:
        tools.append(of_connector(search, web, "search"))
    return tuple(tools)


def _host(arguments: Mapping[str, Value]) -> Place:
    """A page is its host's own speech; any host counts as one source, since pages quote each other."""
    url = arguments["url"].data
    if not isinstance(url, str):
        return Place("web", label((), (SOURCE,)))
    host = normal("host", url)
    return Place(f"web/{host}", label((), (SOURCE,)), owner=f"host:{host}")
