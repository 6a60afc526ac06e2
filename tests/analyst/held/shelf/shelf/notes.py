from functools import wraps

from flask import Blueprint, abort, jsonify, redirect, request, session

from shelf.base import base

bp = Blueprint("notes", __name__)


def signed_in(view):
    @wraps(view)
    def inner(*args, **kwargs):
        if "user_id" not in session:
            abort(401)
        return view(*args, **kwargs)

    return inner


@bp.get("/notes")
@signed_in
def mine():
    return jsonify([dict(r) for r in base().execute("SELECT id, text FROM note WHERE owner_id = ?", (session["user_id"],))])


@bp.post("/notes")
@signed_in
def write():
    with base() as made:
        made.execute("INSERT INTO note (owner_id, text) VALUES (?, ?)", (session["user_id"], request.form["text"]))
    return redirect("/notes")


@bp.get("/notes/<int:note_id>")
@signed_in
def read_note(note_id):
    row = base().execute("SELECT id, text FROM note WHERE id = ?", (note_id,)).fetchone() or abort(404)
    return jsonify(dict(row))


@bp.post("/notes/<int:note_id>/delete")
@signed_in
def delete(note_id):
    with base() as made:
        made.execute("DELETE FROM note WHERE id = ?", (note_id,))
    return redirect("/notes")
