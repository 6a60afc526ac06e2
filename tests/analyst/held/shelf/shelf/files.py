import os
from pathlib import Path

from flask import Blueprint, Response, abort, request

bp = Blueprint("files", __name__, url_prefix="/files")
DOCS = os.path.join(os.getcwd(), "docs")


@bp.get("/read")
def read():
    try:
        with open(os.path.join(DOCS, request.args.get("name", "a.txt"))) as stream:
            return Response(stream.read(), mimetype="text/plain")
    except OSError:
        abort(404)


@bp.get("/show/<path:name>")
def show(name):
    path = Path(DOCS) / name
    if not path.is_file():
        abort(404)
    return Response(path.read_text(), mimetype="text/plain")
