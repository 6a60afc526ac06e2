import hashlib

from flask import Blueprint, abort, redirect, request, session

from shelf.base import base

bp = Blueprint("accounts", __name__)


@bp.post("/register")
def register():
    with base() as made:
        made.execute("INSERT INTO member (username, password) VALUES (?, ?)", (request.form["username"], hashlib.md5(request.form["password"].encode()).hexdigest()))
    return redirect("/login")


@bp.post("/login")
def login():
    row = base().execute("SELECT * FROM member WHERE username = ?", (request.form["username"],)).fetchone()
    if row is None or row["password"] != hashlib.md5(request.form["password"].encode()).hexdigest():
        abort(403)
    session["user_id"] = row["id"]
    return redirect("/notes")
