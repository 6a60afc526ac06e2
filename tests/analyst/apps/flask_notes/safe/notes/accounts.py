import hashlib
import hmac
import os
import random
import secrets
from urllib.parse import urlsplit

from flask import Blueprint, current_app, make_response, redirect, request, session

from . import db

bp = Blueprint("accounts", __name__)
GREETINGS = ["hello", "welcome", "good to see you"]


def digest_of(password, salt):
    return hashlib.scrypt(password.encode(), salt=salt, n=2**4, r=8, p=1).hex()


@bp.route("/register", methods=["POST"])
def register():
    name, password = request.form["name"], request.form["password"]
    salt = os.urandom(16)
    connection = db(current_app)
    connection.execute("INSERT OR IGNORE INTO accounts (name, secret) VALUES (?, ?)", (name, salt.hex() + ":" + digest_of(password, salt)))
    connection.commit()
    session["account"] = name
    return random.choice(GREETINGS)


@bp.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "GET":
        return '<form method="post"><input name="name"><input name="password"></form>'
    row = db(current_app).execute("SELECT * FROM accounts WHERE name = ?", (request.form.get("name"),)).fetchone()
    if row is None:
        return "no such account", 403
    salt, kept = row["secret"].split(":")
    if not hmac.compare_digest(digest_of(request.form.get("password", ""), bytes.fromhex(salt)), kept):
        return "no such account", 403
    session["account"] = row["name"]
    return redirect(local(request.args.get("next")))


def local(target):
    if not target:
        return "/"
    parts = urlsplit(target.replace("\\", "/"))
    if parts.scheme or parts.netloc or not target.startswith("/") or target.startswith("//") or "\\" in target:
        return "/"
    return target


@bp.route("/leave")
def leave():
    session.clear()
    return redirect(local(request.args.get("to", "/")))


@bp.route("/reset", methods=["POST"])
def reset():
    answer = make_response("look into your mail")
    answer.set_cookie("reset_token", secrets.token_urlsafe(24), httponly=True, secure=True, samesite="Lax")
    return answer


@bp.route("/avatar")
def avatar():
    mail = request.args.get("mail", "")
    tag = hashlib.md5(mail.strip().lower().encode(), usedforsecurity=False).hexdigest()
    answer = make_response(tag)
    answer.headers["ETag"] = hashlib.md5(tag.encode()).hexdigest()
    answer.set_cookie("theme", "dark")
    return answer
