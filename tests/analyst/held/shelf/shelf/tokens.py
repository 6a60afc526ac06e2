import hashlib
import os
import random
import string

from flask import Blueprint, request

bp = Blueprint("tokens", __name__, url_prefix="/tokens")


def fresh():
    return os.urandom(16).hex()


@bp.post("/reset")
def reset():
    return {"reset_token": "".join(random.choices(string.ascii_letters + string.digits, k=24))}


@bp.post("/check")
def check():
    secret = request.form.get("secret", "")
    return {"digest": hashlib.md5(secret.encode()).hexdigest(), "length": len(secret)}
