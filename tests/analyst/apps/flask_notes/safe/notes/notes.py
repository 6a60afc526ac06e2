import json
import os
import subprocess

import yaml
from flask import Blueprint, abort, current_app, render_template, render_template_string, request, send_from_directory
from markupsafe import escape

from . import db

bp = Blueprint("notes", __name__)
HERE = os.path.dirname(__file__)
ORDERS = {"id": "id", "title": "title"}


@bp.route("/add", methods=["POST"])
def add():
    connection = db(current_app)
    connection.execute("INSERT INTO notes (owner, title, body) VALUES ('me', ?, ?)", (request.form["title"], request.form["body"]))
    connection.commit()
    return "kept"


@bp.route("/all")
def everything():
    order = ORDERS.get(request.args.get("order", "id"), "id")
    rows = db(current_app).execute("SELECT * FROM notes ORDER BY " + order).fetchall()
    return render_template("all.html", rows=rows)


@bp.route("/find")
def find():
    words = request.args.get("q", "")
    rows = db(current_app).execute("SELECT title FROM notes WHERE title LIKE ?", (f"%{words}%",)).fetchall()
    return f"<h1>Results for {escape(words)}</h1>" + str(len(rows))


@bp.route("/attachment/<path:name>")
def attachment(name):
    return send_from_directory(os.path.join(HERE, "templates"), name)


@bp.route("/preview", methods=["POST"])
def preview():
    return render_template_string("<p>{{ text }}</p>", text=request.form["text"])


@bp.route("/import", methods=["POST"])
def bring():
    data = request.get_data()
    try:
        return json.dumps(yaml.safe_load(data) if request.args.get("kind") == "yaml" else json.loads(data)), 200, {"Content-Type": "application/json"}
    except (ValueError, TypeError, yaml.YAMLError):
        abort(400)


@bp.route("/export")
def export():
    name = request.args.get("name", "notes")
    done = subprocess.run(["echo", "exported", name], capture_output=True, text=True)
    return done.stdout, 200, {"Content-Type": "text/plain"}
