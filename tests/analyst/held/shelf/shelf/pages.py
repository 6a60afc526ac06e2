from flask import Blueprint, render_template_string, request

bp = Blueprint("pages", __name__, url_prefix="/pages")


@bp.get("/hello")
def hello():
    return "<p title='" + request.args.get("name", "you") + "'>Hello " + request.args.get("name", "you") + "</p>"


@bp.get("/card")
def card():
    name = request.args.get("name", "you")
    return render_template_string(f"<h1>Card of {name}</h1><p>{{{{ 6 * 7 }}}}</p>")


@bp.get("/sum")
def total():
    return {"value": eval(request.args.get("of", "0"))}
