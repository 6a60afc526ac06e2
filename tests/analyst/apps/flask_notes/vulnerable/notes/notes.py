import base64
import os
import pickle
import subprocess

import yaml
from flask import Blueprint, current_app, render_template, render_template_string, request, send_file

from . import db

bp = Blueprint("notes", __name__)
HERE = os.path.dirname(__file__)


@bp.route("/add", methods=["POST"])
def add():
    connection = db(current_app)
    connection.execute("INSERT INTO notes (owner, title, body) VALUES ('me', ?, ?)", (request.form["title"], request.form["body"]))
    connection.commit()
    return "kept"


@bp.route("/all")
def everything():
    order = request.args.get("order", "id")
    rows = db(current_app).execute("SELECT * FROM notes ORDER BY " + order).fetchall()
    return render_template("all.html", rows=rows)


@bp.route("/find")
def find():
    words = request.args.get("q", "")
    rows = db(current_app).execute(f"SELECT title FROM notes WHERE title LIKE '%{words}%'").fetchall()
    return f"<h1>Results for {words}</h1>" + str(len(rows))


@bp.route("/attachment/<path:name>")
def attachment(name):
    return send_file(os.path.join(HERE, "templates", name))


@bp.route("/preview", methods=["POST"])
def preview():
    return render_template_string("<p>" + request.form["text"] + "</p>")


@bp.route("/import", methods=["POST"])
def bring():
    kind = request.args.get("kind")
    data = request.get_data()
    if kind == "yaml":
        return str(yaml.load(data, Loader=yaml.Loader))
    return str(pickle.loads(base64.b64decode(data)))


@bp.route("/export")
def export():
    name = request.args.get("name", "notes")
    done = subprocess.run("tar --version > /dev/null && echo exported " + name, shell=True, capture_output=True, text=True)
    return done.stdout
