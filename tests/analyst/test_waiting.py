"""Races of tasks in aiohttp and Tornado: proven where a handler looks, waits and then acts; not where it acts at once or under a lock."""

from __future__ import annotations

from pathlib import Path

import pytest

from discreet.analyst.audit import Options, audit
from tests.analyst.conftest import make_project

KIOSK = '''
import asyncio

from aiohttp import web

routes = web.RouteTableDef()
STOCK = {"poster": 1, "mug": 2}
SOLD = []
PURSE = {"balance": 100}
LOCK = asyncio.Lock()


async def priced(item):
    await asyncio.sleep(0)
    return 5


@routes.post("/buy/open")
async def buy_openly(request):
    item = (await request.json())["item"]
    if STOCK.get(item, 0) < 1:
        raise web.HTTPConflict()
    price = await priced(item)
    STOCK[item] -= 1
    SOLD.append((item, price))
    return web.json_response({"bought": item})


@routes.post("/buy/closed")
async def buy(request):
    item = (await request.json())["item"]
    price = await priced(item)
    if STOCK.get(item, 0) < 1:  # no wait between the look and the deed
        raise web.HTTPConflict()
    STOCK[item] -= 1
    SOLD.append((item, price))
    return web.json_response({"bought": item})


@routes.post("/pay/locked")
async def pay(request):
    amount = (await request.json())["amount"]
    async with LOCK:
        if PURSE["balance"] < amount or amount <= 60:
            raise web.HTTPConflict()
        await asyncio.sleep(0)
        PURSE["balance"] -= amount
    return web.json_response({"paid": amount})


def make_app():
    app = web.Application()
    app.add_routes(routes)
    return app
'''

COUNTER = '''
import asyncio
import sqlite3

import tornado.ioloop
import tornado.web


def base():
    made = sqlite3.connect("tickets.db")
    made.execute("CREATE TABLE IF NOT EXISTS ticket (code TEXT, used INTEGER)")
    made.execute("CREATE TABLE IF NOT EXISTS entry (code TEXT)")
    if not made.execute("SELECT 1 FROM ticket").fetchone():
        made.execute("INSERT INTO ticket VALUES ('GATE7', 0)")
        made.commit()
    return made


base()


class Openly(tornado.web.RequestHandler):
    async def post(self):
        code = self.get_body_argument("code")
        row = base().execute("SELECT used FROM ticket WHERE code = ?", (code,)).fetchone()
        if row is None or row[0]:
            raise tornado.web.HTTPError(409)
        await asyncio.sleep(0.001)
        with base() as made:
            made.execute("UPDATE ticket SET used = 1 WHERE code = ?", (code,))
            made.execute("INSERT INTO entry VALUES (?)", (code,))
        self.write("enter")


class Closed(tornado.web.RequestHandler):
    async def post(self):
        code = self.get_body_argument("code")
        await asyncio.sleep(0.001)
        with base() as made:
            if made.execute("UPDATE ticket SET used = 1 WHERE code = ? AND used = 0", (code,)).rowcount != 1:
                raise tornado.web.HTTPError(409)
            made.execute("INSERT INTO entry VALUES (?)", (code,))
        self.write("enter")


def make_app():
    return tornado.web.Application([(r"/open", Openly), (r"/closed", Closed)])


if __name__ == "__main__":
    make_app().listen(8888)
    tornado.ioloop.IOLoop.current().start()
'''


@pytest.mark.parametrize(("needs", "text", "function"), [("aiohttp", KIOSK, "buy_openly"), ("tornado", COUNTER, "Openly")])
def test_a_race_is_proven_only_where_a_task_waits_between_look_and_deed(needs: str, text: str, function: str, tmp_path: Path) -> None:
    pytest.importorskip(needs)
    report = audit(make_project(tmp_path / "project", app=text), Options(out=tmp_path / "out", budget_s=150, jobs=1, mend=False, bandit=False))
    found = [(f.cwe, f.function.rsplit(".", 1)[-1], f.entry) for f in report.findings]
    assert [(c, f) for c, f, _e in found] == [("CWE-362", function)], found
    assert "closed" not in found[0][2]
