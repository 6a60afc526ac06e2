import hashlib
import random
import string

from flask import Blueprint, current_app, make_response, redirect, request, session

from . import db

bp = Blueprint("accounts", __name__)


@bp.route("/register", methods=["POST"])
def register():
    name, password = request.form["name"], request.form["password"]
    digest = hashlib.sha1(password.encode()).hexdigest()
    connection = db(current_app)
    connection.execute("INSERT OR IGNORE INTO accounts (name, secret) VALUES (?, ?)", (name, digest))
    connection.commit()
    return "welcome"


@bp.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "GET":
        return '<form method="post"><input name="name"><input name="password"></form>'
    row = db(current_app).execute(
        "SELECT * FROM accounts WHERE name = '{}' AND secret = '{}'".format(request.form.get("name"), hashlib.sha1(request.form.get("password", "").encode()).hexdigest())
    ).fetchone()
    if row is None:
        return "no such account", 403
    session["account"] = row["name"]
    target = request.args.get("next") or "/"
    return redirect(target)


@bp.route("/leave")
def leave():
    target = request.args.get("to", "/")
    session.clear()
    return redirect(target)


@bp.route("/reset", methods=["POST"])
def reset():
    token = "".join(random.choices(string.ascii_letters + string.digits, k=24))
    answer = make_response("look into your mail")
    answer.set_cookie("reset_token", token, httponly=True, secure=True, samesite="Lax")
    return answer
