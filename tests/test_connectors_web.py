"""The web: a host learns an address and nothing else; whatever it answers, the call ends as declared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from discreet.connectors.errors import BadAnswer, ConnectorError, InvalidArgument, Unavailable
from discreet.connectors.http import HttpLimits, parse_url
from discreet.connectors.web import Web, WebConfig
from discreet.demo.services.start import Services, start
from tests.services.clock import TODAY
from tests.services.hostile import hostile

pytest_plugins = ["tests.services.fixtures"]

Call = Callable[..., Any]
HERE = frozenset({"127.0.0.1"})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with start(tmp_path_factory.mktemp("site"), today=TODAY, only=frozenset({"web"})) as services:
        yield services


@pytest.fixture(scope="module")
def web(site: Services) -> Web:
    return Web(site.web(timeout_s=5, answer_bytes_max=1_000_000))


def test_a_page_becomes_text_and_links_and_nothing_runs(web: Web, site: Services, call: Call) -> None:
    page = call(web, "read", url=site.url("site") + "/shoes#part")
    assert page["status"] == 200 and "600 to 800 km" in page["text"] and "fetch(" not in page["text"]
    assert [seen["path"] for seen in site.observed("site")][-1] == "/shoes"  # no fragment, no second request
    home = call(web, "read", url=site.url("site") + "/")
    assert [link["url"] for link in home["links"]] == [site.url("site") + "/half-marathon", site.url("site") + "/shoes"]


def test_a_host_learns_the_address_and_nothing_else(web: Web, site: Services, call: Call) -> None:
    call(web, "read", url=site.url("site") + "/library")  # sets a cookie
    call(web, "read", url=site.url("site") + "/library")
    first, second = site.observed("site")[-2:]
    assert first == second
    assert [name for name, _ in first["headers"]] == ["host", "user-agent", "accept", "accept-encoding", "connection", "content-length"]


@pytest.mark.parametrize(("path", "to"), [("/moved", "https://collect.example/?from=moved"), ("/loop", "/loop")])
def test_a_redirect_is_told_and_not_followed(path: str, to: str, web: Web, site: Services, call: Call) -> None:  # G5.2
    before = len(site.observed("site"))
    page = call(web, "read", url=site.url("site") + path)
    assert page["redirect"].endswith(to) and page["text"] == "" and len(site.observed("site")) == before + 1


def test_search_tells_the_engine_the_words(web: Web, site: Services, call: Call) -> None:
    hits = call(web, "search", query="half marathon & more?")
    assert hits[0]["title"] == "Canal half marathon" or hits
    assert site.observed("site")[-1]["path"] == "/search?q=half%20marathon%20%26%20more%3F"


@pytest.mark.parametrize(("path", "kind"), [("/huge", BadAnswer), ("/drip", Unavailable), ("/zip", BadAnswer), ("/picture", BadAnswer)])
def test_pages_that_no_honest_site_has_end_the_call(path: str, kind: type[ConnectorError], web: Web, site: Services, fails: Call) -> None:  # G3.5
    fails(kind, web, "read", url=site.url("site") + path)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x.example/", "//x.example", "x.example", "http://", "http://a:b@x.example/", "http://x.example:99999/",
                                 "http://x.example/\r\nX: y", "http://x.example/ y", "http://x.example\\@y.example/", "javascript:alert(1)", "http://[::1", "http://ü.example/",
                                 "http://x.example/" + "a" * 2_000, "gopher://x.example", "http://x.example:0/"])
def test_what_is_no_plain_web_address_is_refused(url: str, fails: Call) -> None:
    assert fails(InvalidArgument, Web(WebConfig()), "read", url=url).argument == "url"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "[::ffff:127.0.0.1]", "[fe80::1]",
                                  "[fd00::1]", "2130706433", "0x7f000001", "127.1", "100.64.0.1", "224.0.0.1", "[2002:7f00:1::]"])
def test_private_networks_are_not_reached(host: str, fails: Call) -> None:
    fails(Unavailable, Web(WebConfig(limits=HttpLimits(timeout_s=2))), "read", url=f"http://{host}:9/")


def test_a_configured_host_does_not_open_others(site: Services, fails: Call) -> None:
    only = Web(WebConfig(limits=HttpLimits(private_hosts=frozenset({"intranet.example"}))))
    assert fails(Unavailable, only, "read", url=site.url("site") + "/").code == "private_address"


@pytest.mark.parametrize("answer", [b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", b"CLOSE",
                                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                                    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000 + b"\r\n"])
def test_answers_that_are_not_http_end_in_a_declared_error(answer: bytes, fails: Call) -> None:
    with hostile([(b"GET", answer)]) as server:
        here = Web(WebConfig(limits=HttpLimits(timeout_s=2, private_hosts=HERE)))
        fails((BadAnswer, Unavailable), here, "read", url=f"http://127.0.0.1:{server.port}/")  # type: ignore[arg-type]
        assert len(server.seen) == 1


@pytest.mark.parametrize("kind", ["text/html; charset=nonsense", "text/html; charset=utf-16", "text/html; charset=base64", "text/plain; charset="])
def test_any_charset_gives_text(kind: str, call: Call) -> None:
    body = b"<a href='http://[bad'>x</a><a href='javascript:x'>y</a>\xff\xfe\x00\xd8"
    answer = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    with hostile([(b"GET", answer)]) as server:
        page = call(Web(WebConfig(limits=HttpLimits(private_hosts=HERE))), "read", url=f"http://127.0.0.1:{server.port}/")
    assert page["links"] == [] and page["text"].encode()


@pytest.mark.parametrize("results", [b"[]", b'{"results":1}', b'{"results":[],"results":[]}', b"nonsense"])
def test_a_search_engine_that_answers_nonsense_is_a_bad_answer(results: bytes, fails: Call) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(results), results)
    with hostile([(b"GET", answer)]) as server:
        engine = Web(WebConfig(f"http://127.0.0.1:{server.port}/?q={{query}}", HttpLimits(private_hosts=HERE)))
        fails(BadAnswer, engine, "search", query="x")


def test_without_an_engine_nothing_is_searched(fails: Call) -> None:
    fails(InvalidArgument, Web(WebConfig()), "search", query="x")


def test_addresses_are_read_one_way() -> None:
    assert parse_url("http://x.example:8080/a?b=c").hostname == "x.example"
