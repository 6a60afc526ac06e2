from bottle import redirect, request, route, run, template


@route("/page/<name>")
def page(name):
    return "<h1>" + name + "</h1>"


@route("/sum", method="POST")
def total():
    return str(eval(request.forms.get("expression", "0")))


@route("/jump")
def jump():
    redirect(request.query.get("where", "/"))


@route("/sign")
def sign():
    return template("<p>signed by " + (request.query.get("by") or "nobody") + "</p>")


if __name__ == "__main__":
    run(host="localhost", port=8080)
