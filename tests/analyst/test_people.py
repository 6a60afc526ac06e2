"""What users of a forum and of a school do to each other: each open form is proven, the closed form beside it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from discreet.analyst.audit import Options, audit
from tests.analyst.conftest import make_project

BASE = '''
import secrets
import sqlite3
from html import escape

from flask import Flask, abort, g, redirect, request

app = Flask(__name__)


def base():
    made = sqlite3.connect("kept.sqlite")
    made.row_factory = sqlite3.Row
    made.executescript("""
        CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, username TEXT UNIQUE, password TEXT);
        CREATE TABLE IF NOT EXISTS sessions (id TEXT, user_id INTEGER);
        CREATE TABLE IF NOT EXISTS topics (id INTEGER PRIMARY KEY, user_id INTEGER, title TEXT);
        CREATE TABLE IF NOT EXISTS replies (topic_id INTEGER, text TEXT);
        CREATE TABLE IF NOT EXISTS letters (receiver TEXT, text TEXT);
        CREATE TABLE IF NOT EXISTS essays (id INTEGER PRIMARY KEY, user_id INTEGER, title TEXT, grade TEXT);
    """)
    return made


def one(query, *values):
    return base().execute(query, values).fetchone()


def do(query, *values):
    with base() as made:
        return made.execute(query, values).lastrowid


@app.before_request
def who():
    row = one("SELECT users.* FROM users JOIN sessions ON users.id = sessions.user_id WHERE sessions.id = ?", request.cookies.get("sid"))
    g.me = row
    if row is None and request.endpoint not in ("register", "login"):
        abort(401)


@app.post("/register")
def register():
    do("INSERT INTO users (username, password) VALUES (?, ?)", request.form["username"], request.form["password"])
    return redirect("/login")


@app.post("/login")
def login():
    row = one("SELECT * FROM users WHERE username = ? AND password = ?", request.form["username"], request.form["password"]) or abort(401)
    sid = secrets.token_hex(16)
    do("INSERT INTO sessions VALUES (?, ?)", sid, row["id"])
    answer = redirect("/topics")
    answer.set_cookie("sid", sid, httponly=True, secure=True)
    return answer
'''
FORUM = BASE.replace(", httponly=True", "") + '''

@app.post("/topics")
def start():
    return redirect("/topics/%d" % do("INSERT INTO topics (user_id, title) VALUES (?, ?)", g.me["id"], request.form["title"]))


@app.get("/topics")
def topics():
    return "".join("<p>%s</p>" % escape(r["title"]) for r in base().execute("SELECT * FROM topics"))


@app.post("/topics/<int:topic>/replies")
def reply(topic):
    one("SELECT 1 FROM topics WHERE id = ?", topic) or abort(404)
    do("INSERT INTO replies VALUES (?, ?)", topic, request.form["text"])
    return redirect("/topics/%d" % topic)


@app.get("/topics/<int:topic>")
def topic_openly(topic):
    row = one("SELECT * FROM topics WHERE id = ?", topic) or abort(404)
    return "<h1>%s</h1>" % escape(row["title"]) + "".join("<p>%s</p>" % r["text"] for r in base().execute("SELECT * FROM replies WHERE topic_id = ?", (topic,)))


@app.get("/topics/<int:topic>/printed")
def topic_printed(topic):
    row = one("SELECT * FROM topics WHERE id = ?", topic) or abort(404)
    return "<h1>%s</h1>" % escape(row["title"]) + "".join("<p>%s</p>" % escape(r["text"]) for r in base().execute("SELECT * FROM replies WHERE topic_id = ?", (topic,)))


@app.post("/letters")
def write():
    one("SELECT 1 FROM users WHERE username = ?", request.form["to"]) or abort(404)
    do("INSERT INTO letters VALUES (?, ?)", request.form["to"], request.form["message"])
    return redirect("/letters/sent")


@app.get("/inbox")
def inbox_openly():
    return "".join("<p>%s</p>" % r["text"] for r in base().execute("SELECT * FROM letters WHERE receiver = ?", (g.me["username"],)))


@app.get("/inbox/plain")
def inbox():
    return "".join("<p>%s</p>" % escape(r["text"]) for r in base().execute("SELECT * FROM letters WHERE receiver = ?", (g.me["username"],)))
'''
SCHOOL = BASE + '''

def own(essay):
    row = one("SELECT * FROM essays WHERE id = ?", essay) or abort(404)
    if row["user_id"] != g.me["id"]:
        abort(404)
    return row


@app.post("/essays")
def hand_in():
    do("INSERT INTO essays (user_id, title) VALUES (?, ?)", g.me["id"], request.form["title"])
    return redirect("/essays")


@app.get("/essays")
def essays():
    return "".join("<p>%s</p>" % escape(r["title"]) for r in base().execute("SELECT * FROM essays WHERE user_id = ?", (g.me["id"],)))


@app.post("/essays/<int:essay>/open")
def change_openly(essay):
    row = one("SELECT * FROM essays WHERE id = ?", essay) or abort(404)
    do("UPDATE essays SET title = ? WHERE id = ?", request.form["title"], row["id"])
    return redirect("/essays")


@app.post("/essays/<int:essay>/closed")
def change(essay):
    do("UPDATE essays SET title = ? WHERE id = ?", request.form["title"], own(essay)["id"])
    return redirect("/essays")


@app.post("/essays/<int:essay>/withdraw/open")
def withdraw_openly(essay):
    row = one("SELECT * FROM essays WHERE id = ?", essay) or abort(404)
    do("DELETE FROM essays WHERE id = ?", row["id"])
    return redirect("/essays")


@app.post("/essays/<int:essay>/withdraw/closed")
def withdraw(essay):
    do("DELETE FROM essays WHERE id = ?", own(essay)["id"])
    return redirect("/essays")
'''


@pytest.mark.parametrize(
    ("text", "planted"),
    [
        (FORUM, {("CWE-79", "topic_openly"), ("CWE-79", "inbox_openly"), ("CWE-1004", "login")}),
        (SCHOOL, {("CWE-639", "change_openly"), ("CWE-639", "withdraw_openly")}),
    ],
    ids=["forum", "school"],
)
def test_what_users_do_to_each_other_is_proven_and_nothing_else(text: str, planted: set[tuple[str, str]], tmp_path: Path) -> None:
    report = audit(make_project(tmp_path / "project", app=text), Options(out=tmp_path / "out", budget_s=200, jobs=1, mend=False, bandit=False))
    assert {(f.cwe, f.function.rsplit(".", 1)[-1]) for f in report.findings} == planted, [s.as_dict() for s in report.suspected]
