from flask import Flask

from shelf import accounts, books, calls, files, notes, pages, places, states, tokens


def create():
    app = Flask(__name__)
    app.config.from_prefixed_env()
    app.secret_key = tokens.fresh()
    for part in (accounts, books, calls, files, notes, pages, places, states, tokens):
        app.register_blueprint(part.bp)
    return app
