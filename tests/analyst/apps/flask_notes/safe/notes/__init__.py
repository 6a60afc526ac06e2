import os
import sqlite3

from flask import Flask, g


def create_app():
    app = Flask(__name__)
    app.config["SECRET_KEY"] = os.environ.get("NOTES_KEY", "only for development")
    app.config["DATABASE"] = os.path.join(app.instance_path, "notes.db")
    os.makedirs(app.instance_path, exist_ok=True)
    with sqlite3.connect(app.config["DATABASE"]) as connection:
        connection.executescript(
            "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, owner TEXT, title TEXT, body TEXT);"
            "CREATE TABLE IF NOT EXISTS accounts (id INTEGER PRIMARY KEY, name TEXT UNIQUE, secret TEXT);"
        )
    from . import accounts, notes

    app.register_blueprint(accounts.bp)
    app.register_blueprint(notes.bp, url_prefix="/notes")

    @app.teardown_appcontext
    def close(_error):
        connection = g.pop("db", None)
        if connection is not None:
            connection.close()

    return app


def db(app):
    if "db" not in g:
        g.db = sqlite3.connect(app.config["DATABASE"])
        g.db.row_factory = sqlite3.Row
    return g.db
