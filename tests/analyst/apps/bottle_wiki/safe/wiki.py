import ast

from bottle import html_escape, redirect, request, route, run, template


@route("/page/<name>")
def page(name):
    return "<h1>" + html_escape(name) + "</h1>"


@route("/sum", method="POST")
def total():
    try:
        return str(float(ast.literal_eval(request.forms.get("expression", "0"))))
    except (ValueError, SyntaxError, TypeError):
        return "not a number"


@route("/jump")
def jump():
    where = request.query.get("where", "/")
    redirect(where if where in ("/", "/sign") else "/")


@route("/sign")
def sign():
    return template("<p>signed by {{who}}</p>", who=request.query.get("by") or "nobody")


if __name__ == "__main__":
    run(host="localhost", port=8080)
