from flask import Blueprint, jsonify, request

from shelf.base import base

bp = Blueprint("books", __name__, url_prefix="/books")


def titles(rows):
    return jsonify([r["title"] for r in rows])


@bp.get("/by")
def by_author():
    author = request.args.get("author", "")
    year = request.args.get("since", "0")
    return titles(base().execute(f"SELECT title FROM book WHERE author = '{author}' AND year >= {year} ORDER BY id"))


@bp.get("/like")
def like():
    query = "SELECT title FROM book WHERE title LIKE '%%%s%%' ORDER BY id LIMIT %s" % (request.args.get("q", ""), request.args.get("n", "10"))
    return titles(base().execute(query).fetchall())


@bp.get("/cheap")
def cheap():
    return titles(base().execute("SELECT title FROM book WHERE price * 2 <= " + request.args.get("twice", "0") + " ORDER BY id"))
