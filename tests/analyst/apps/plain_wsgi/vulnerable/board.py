import os
import sqlite3
from urllib.parse import parse_qs

BASE = os.path.dirname(os.path.abspath(__file__))


def answer(start_response, body, kind="text/html", status="200 OK"):
    start_response(status, [("Content-Type", kind)])
    return [body.encode()]


def application(environ, start_response):
    query = parse_qs(environ.get("QUERY_STRING", ""))
    path = environ["PATH_INFO"]
    if path == "/who":
        return answer(start_response, "You use " + environ.get("HTTP_USER_AGENT", "nothing"))
    if path == "/member":
        connection = sqlite3.connect(os.path.join(BASE, "board.db"))
        connection.execute("CREATE TABLE IF NOT EXISTS member (id INTEGER, name TEXT)")
        number = query.get("id", ["1"])[0]
        rows = connection.execute("SELECT name FROM member WHERE id = %s" % number).fetchall()
        return answer(start_response, repr(rows), "text/plain")
    if path == "/rule":
        value = query.get("x", ["1"])[0]
        return answer(start_response, str(eval("3 * " + value)), "text/plain")
    if path.startswith("/docs/"):
        with open(BASE + "/docs/" + path[len("/docs/"):]) as stream:
            return answer(start_response, stream.read(), "text/plain")
    return answer(start_response, "no such page", status="404 Not Found")
