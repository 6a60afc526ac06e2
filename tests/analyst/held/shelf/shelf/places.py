from flask import Blueprint, redirect, request

bp = Blueprint("places", __name__, url_prefix="/places")


@bp.get("/leave")
def leave():
    return redirect(request.args.get("to") or "/")


@bp.get("/theme")
def theme():
    answer = redirect("/")
    answer.set_cookie("session_token", request.args.get("value", "light"), max_age=3600, path="/places")
    return answer
