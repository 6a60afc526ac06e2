"""Classes of holes whose open and closed form stand beside each other in one application, so that one start serves both."""

from __future__ import annotations

import base64
import pickletools
from pathlib import Path

import pytest

from discreet.analyst.audit import Options, Report, audit
from discreet.analyst.inside import documents, oracles, static
from tests.analyst.conftest import make_project

DESK = '''
import hashlib
import secrets
import sqlite3
import time

import gonepackage
from flask import Flask, abort, jsonify, redirect, request, session
from pymongo import MongoClient

BANNER = bytes.fromhex(gonepackage.make_banner())

app = Flask(__name__)
app.secret_key = secrets.token_hex(16)
people = MongoClient("mongodb://db:27017/").desk.people


def base():
    made = sqlite3.connect("desk.sqlite")
    made.row_factory = sqlite3.Row
    made.execute("CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, username TEXT UNIQUE, password TEXT, city TEXT, is_admin INTEGER DEFAULT 0, reset_token TEXT)")
    return made


def me():
    return base().execute("SELECT * FROM users WHERE id = ?", (session.get("user_id"),)).fetchone() or abort(401)


@app.post("/register")
def register():
    with base() as made:
        made.execute("INSERT INTO users (username, password) VALUES (?, ?)", (request.form["username"], request.form["password"]))
    return redirect("/login")


@app.post("/login")
def login():
    row = base().execute("SELECT * FROM users WHERE username = ? AND password = ?", (request.form["username"], request.form["password"])).fetchone() or abort(401)
    session["user_id"] = row["id"]
    return redirect("/me")


@app.get("/me")
def show():
    return jsonify(city=me()["city"])


@app.post("/me/open")
def change_openly():
    row = me()
    with base() as made:
        for name in set(request.form) & set(row.keys()) - {"id", "username", "password"}:
            made.execute("UPDATE users SET %s = ? WHERE id = ?" % name, (request.form[name], row["id"]))
    return redirect("/me")


@app.post("/me/closed")
def change():
    row = me()
    with base() as made:
        made.execute("UPDATE users SET city = ? WHERE id = ?", (request.form["city"], row["id"]))
    return redirect("/me")


@app.post("/invite/open")
def invite_openly():
    return jsonify(invite_token=hashlib.sha256((request.form["who"] + str(int(time.time()))).encode()).hexdigest())


@app.post("/invite/closed")
def invite():
    return jsonify(invite_token=secrets.token_hex(16), made=int(time.time()))


@app.post("/find/open")
def find_openly():
    return jsonify([p["name"] for p in people.find({"name": request.get_json()["name"]})])


@app.post("/find/closed")
def find():
    return jsonify([p["name"] for p in people.find({"name": str(request.get_json()["name"])})])


@app.errorhandler(404)
def missing(error):
    return "<h1>Nothing at %s</h1>" % request.path, 404
'''

COUNTER = '''
import base64
import json
import pickle

import yaml
from flask import Flask, request

app = Flask(__name__)
USUAL = {"host", "user-agent", "accept", "content-type", "content-length", "cookie", "connection"}


def odd_name():
    return next((n for n in request.headers.keys() if n.lower() not in USUAL), "")


@app.get("/state/open")
def restore_openly():
    return {"kind": type(pickle.loads(base64.urlsafe_b64decode(odd_name()))).__name__}


@app.get("/state/closed")
def restore():
    return {"kind": type(json.loads(base64.urlsafe_b64decode(odd_name()))).__name__}


@app.get("/profile/open")
def profile_openly():
    return {"kind": type(yaml.load(request.headers.get("X-Profile", "").split(" ")[0], Loader=yaml.Loader)).__name__}


@app.get("/profile/closed")
def profile():
    return {"kind": type(yaml.safe_load(request.headers.get("X-Profile", "").split(" ")[0])).__name__}
'''

BANK = '''
import asyncio
import sqlite3

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

app = FastAPI()


class Coupon(BaseModel):
    code: str


def base():
    made = sqlite3.connect("bank.sqlite")
    made.execute("CREATE TABLE IF NOT EXISTS coupons (code TEXT, used INTEGER)")
    made.execute("CREATE TABLE IF NOT EXISTS purse (balance INTEGER)")
    if made.execute("SELECT count(*) FROM coupons").fetchone() == (0,):
        made.execute("INSERT INTO coupons VALUES ('SPRING', 0)")
        made.execute("INSERT INTO purse VALUES (100)")
        made.commit()
    return made


base()


async def looked_up(code):
    await asyncio.sleep(0)
    row = base().execute("SELECT used FROM coupons WHERE code = ?", (code,)).fetchone()
    await asyncio.sleep(0)
    return row


@app.post("/open")
async def redeem_openly(coupon: Coupon):
    row = await looked_up(coupon.code)
    if row is None or row[0]:
        raise HTTPException(400)
    with base() as made:
        made.execute("UPDATE purse SET balance = balance + 10")
        made.execute("UPDATE coupons SET used = 1 WHERE code = ?", (coupon.code,))
    return {"ok": True}


@app.post("/closed")
async def redeem(coupon: Coupon):
    await looked_up(coupon.code)
    with base() as made:  # no wait between the look and the deed
        if made.execute("UPDATE coupons SET used = 1 WHERE code = ? AND used = 0", (coupon.code,)).rowcount != 1:
            raise HTTPException(400)
        made.execute("UPDATE purse SET balance = balance + 10")
    return {"ok": True}
'''


@pytest.mark.parametrize(
    ("kind", "name", "counts"),
    [
        ("the text after", "your invite token", True), ("the text after", "token made", False), ("the text after", "token expires in", False), ("the cookie", "session_token", True),
        ("the session's", "auth_time", False), ("the session's", "reset_code", True), ("the text after", "of the day", False),
    ],
)  # fmt: skip
def test_a_moment_beside_a_token_is_no_key(kind: str, name: str, counts: bool) -> None:
    assert static.called_a_key(kind, name) is counts


def audited(place: Path, text: str, mend: bool = False) -> Report:
    return audit(make_project(place / "project", app=text), Options(out=place / "out", budget_s=150, jobs=1, mend=mend, bandit=False))


def test_each_open_form_is_proven_and_no_closed_one(tmp_path: Path) -> None:
    report = audited(tmp_path, DESK)
    assert {(f.cwe, f.function) for f in report.findings} == {("CWE-915", "change_openly"), ("CWE-330", "invite_openly"), ("CWE-943", "find_openly"), ("CWE-79", "missing")}, [s.as_dict() for s in report.suspected]
    said = [u.why for u in report.unread]
    assert any("`gonepackage` is not installed" in w for w in said), said
    assert any("line 11 failed and was passed over" in w for w in said), said
    assert any("document database" in w for w in said), said


def test_a_race_of_tasks_is_proven_only_where_a_task_waits_in_between(tmp_path: Path) -> None:
    pytest.importorskip("fastapi")
    assert {(f.cwe, f.function) for f in audited(tmp_path, BANK).findings} == {("CWE-362", "redeem_openly")}


def test_names_of_headers_and_words_without_spaces_carry_what_is_decoded(tmp_path: Path) -> None:
    assert {(f.cwe, f.function) for f in audited(tmp_path, COUNTER).findings} == {("CWE-502", "restore_openly"), ("CWE-502", "profile_openly")}


@pytest.mark.parametrize("path", ["/tmp/a-b_c/f1", "/scratch/Élan", "x" * 200])
def test_a_folded_pickle_outlasts_the_capitals_of_a_header_s_name(path: str) -> None:
    text = oracles.folded(path)
    assert text.title() == text and not set(text) & set("+/_- :")
    made = pickletools.genops(base64.urlsafe_b64decode(text))
    assert path in [argument for _opcode, argument, _place in made]


def test_a_statement_that_guards_is_never_passed_over(tmp_path: Path) -> None:
    text = "import gonepackage\nfrom flask import Flask, request\napp = Flask(__name__)\napp.before_request(bytes.fromhex(gonepackage.guard()))\n\n\n@app.route('/x')\ndef x():\n    return '<b>' + request.args['q']\n"
    report = audited(tmp_path, text)
    assert not report.findings
    assert any(u.file == "app.py" for u in report.unread)


def test_the_player_of_documents_keeps_finds_and_changes(tmp_path: Path) -> None:
    documents.PLACE[0] = str(tmp_path)
    notes = documents.Client()["any"].notes
    first = notes.insert_one({"title": "a", "tags": ["x"], "size": 3}).inserted_id
    notes.insert_many([{"title": "b", "size": 5}, {"title": "c"}])
    assert notes.find_one({"_id": first})["tags"] == ["x"]
    assert [d["title"] for d in notes.find({"size": {"$gt": 2}}).sort("title", -1)] == ["b", "a"]
    assert notes.find_one({"title": {"$ne": "a"}, "size": {"$exists": False}})["title"] == "c"
    assert notes.update_one({"title": "c"}, {"$set": {"size": 9}, "$push": {"tags": "y"}}).matched_count == 1
    assert notes.find_one({"$or": [{"size": 9}, {"size": 10}]})["tags"] == ["y"]
    assert notes.delete_many({"size": {"$in": [3, 5]}}).deleted_count == 2
    assert notes.count_documents({}) == 1
    with pytest.raises(ValueError):
        documents.ObjectId("short")


@pytest.mark.parametrize(
    ("query", "held"),
    [({"name": {"$ne": "word"}}, ["$ne"]), ({"$and": [{"a": {"$gt": "word"}}]}, ["$gt"]), ({"name": "word"}, []), ({"name": {"plain": "word"}}, []), ({"title": {"$regex": "a word"}}, [])],
)
def test_an_operator_counts_only_with_the_word_as_its_whole_operand(query: dict[str, object], held: list[str]) -> None:
    assert documents.operators(query, "word") == held
