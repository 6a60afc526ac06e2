import subprocess
from urllib.request import urlopen

import requests
from flask import Blueprint, Response, request

bp = Blueprint("calls", __name__, url_prefix="/calls")


@bp.post("/count")
def count():
    text = request.form.get("text", "")
    return Response(subprocess.check_output('printf %s "' + text + '" | wc -c', shell=True), mimetype="text/plain")


@bp.post("/sort")
def order():
    return Response(subprocess.run(["sh", "-c", "printf '%s\\n' " + request.form.get("lines", "b") + " a | sort -r"], capture_output=True).stdout, mimetype="text/plain")


@bp.post("/fetch")
def fetch():
    with urlopen(request.form.get("url", ""), timeout=3) as answer:
        return Response(answer.read(10000), mimetype="text/plain")


@bp.post("/ping")
def ping():
    return Response(requests.get(request.form.get("url", ""), timeout=3).text, mimetype="text/plain")
